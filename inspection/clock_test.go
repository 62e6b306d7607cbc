package inspection

import (
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/notify"
)

// Everything but the clock is in order, so the clock alone holds.
func TestASmallJumpHoldsForAnHourOfSoundTime(t *testing.T) { // INS-907, DL-18
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		t2 := w.part(v.ID, "amr").RespondBy
		w.wait(t2.Add(-10 * time.Minute))
		w.clock.jump(20 * time.Second)
		w.must(w.trust.Check(t.Context()))
		w.wait(t2.Add(grace + time.Second))
		w.holdsOn(v, "amr", HoldClock)
		w.wait(t2.Add(45 * time.Minute))
		w.holdsOn(v, "amr", HoldClock)
		w.wait(t2.Add(55 * time.Minute))
		if got := w.part(v.ID, "amr"); got.Deemed == nil {
			t.Errorf("an hour later: %s, holds %v", got.Consent, got.OpenHolds())
		}
	})
}

func TestJumpsSinceServiceHoldWhenTheySumUpToMoreThanTheGrace(t *testing.T) { // INS-907, DL-18
	for _, c := range []struct {
		name  string
		early bool // the jumps lie before the service
		size  time.Duration
		want  []HoldReason
	}{
		{"six minutes since service", false, 2 * time.Minute, []HoldReason{HoldClock}},
		{"three minutes since service", false, time.Minute, nil},
		{"six minutes before service", true, 2 * time.Minute, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, town.SQLite(t))
			jump := func() {
				for range 3 {
					w.clock.forward(time.Minute)
					w.clock.jump(c.size)
					w.must(w.trust.Check(t.Context()))
					w.beat(notify.Portal, notify.Mail)
				}
			}
			if c.early {
				jump()
				w.wait(w.clock.Now().Add(2 * time.Hour))
			}
			v := w.served()
			if !c.early {
				jump()
			}
			got := w.deemedAt(v, "amr")
			w.holdsOn(v, "amr", c.want...)
			if (got.Deemed == nil) != (c.want != nil) {
				t.Errorf("%s", got.Consent)
			}
		})
	}
}
