package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/office"
)

// DEL-711: with the default runs every centre keeps its promises; with the one
// of nine o'clock alone even what is ready at nine comes too late for it.
func TestDoctorFailsWhenAPromiseHasNoCollectionRun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, err := bareWorld(victimDay)
		if err != nil {
			t.Fatal(err)
		}
		a, out := newTestApp(t)
		if err := w.enter(t.Context(), a.cfg, d, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if err := w.furnish(t.Context()); err != nil {
			t.Fatal(err)
		}
		look := func(runs []int, want mark, says string) {
			t.Helper()
			out.Reset()
			seen, centres := &doctor{app: a}, 0
			err := d.Read(t.Context(), func(q bun.IDB) error {
				all, err := office.ListCentres(t.Context(), q)
				centres = len(all)
				return errors.Join(err, seen.runs(t.Context(), q, victimDay.At(9*60), runs))
			})
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if err != nil || len(lines) != centres || (seen.failures == centres) != (want == fail) {
				t.Errorf("%v, %d failures, %d centres: %s", err, seen.failures, centres, out)
			}
			for _, line := range lines {
				if !strings.HasPrefix(line, string(want)) || !strings.Contains(line, says) {
					t.Errorf("for runs at %v: %s", runs, line)
				}
			}
		}
		look(delivery.CollectionRuns(), good, "每个起算时刻都有揽收班次")
		look([]int{9 * 60}, fail, "09:00:00 起算的邮件赶不上任何一次揽收")
	})
}
