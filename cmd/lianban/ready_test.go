package main

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/api"
	"lianban/internal/db/dbtest"
	"lianban/scheduler"
)

func TestAnInstanceWhoseClockIsNotTheDatabasesTakesNoLegalStep(t *testing.T) { // SIM-7, DL-18
	d := dbtest.Postgres(t)
	for ahead, want := range map[time.Duration]struct {
		doubt string
		ready bool
	}{
		0: {"", true}, 3 * time.Second: {scheduler.ClockOffset, true}, time.Minute: {scheduler.ClockOffset, false},
	} {
		a, _ := newTestApp(t)
		h, err := build(a.cfg, d, slog.New(slog.DiscardHandler), func() scheduler.Reading {
			r := machine()
			r.Wall = r.Wall.Add(ahead)
			return r
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.clock.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		err = d.Read(t.Context(), func(q bun.IDB) error {
			if _, doubt := h.inspection.ClockHealthy(t.Context(), q, h.clock.Now()); doubt != want.doubt {
				t.Errorf("%s ahead: %q, want %q", ahead, doubt, want.doubt)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		checks := (&service{house: h}).checks(t.Context())
		i := slices.IndexFunc(checks, func(c api.Check) bool { return c.Name == "clock" })
		if i < 0 || checks[i].OK != want.ready {
			t.Errorf("%s ahead: %+v", ahead, checks)
		}
	}
}
