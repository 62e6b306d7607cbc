package delivery

import (
	"strings"
	"sync"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// arrived is a parcel that was given to its receiver with the code.
func (w *parcelWorld) arrived() Parcel {
	w.t.Helper()
	p := w.carried()
	w.accepted(w.event(p, EventStarted, "a1", nil), w.event(p, EventDelivered, "a1", map[string]any{
		"outcome": ToRecipient, "receiver": "欧阳修", "code": w.code(p),
	}))
	return p
}

func (w *parcelWorld) rate(p Parcel, level Level, words string) error {
	return w.Rate(w.t.Context(), RateRequest{Number: p.Number, PhoneLast4: "1234", Level: level, Words: words})
}

// DEL-1206
func TestACaseIsRatedOnceAfterItsParcelHasArrived(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		early := w.carried()
		w.refused(w.rate(early, Good, ""), "rating_early")
		p := w.arrived()
		before, err := w.Track(t.Context(), p.Number, "1234")
		if w.must(err); !before.MayRate || before.Rated {
			t.Errorf("it may be rated: %+v", before)
		}
		w.refused(w.rate(p, 6, ""), "rating_level")
		w.refused(w.rate(p, Good, "很好\x00"), "text_invalid")
		w.refused(w.Rate(t.Context(), RateRequest{Number: p.Number, PhoneLast4: "0000", Level: Good}), "not_found")
		w.must(w.rate(p, Good, "送得快"))
		w.refused(w.rate(p, VeryBad, ""), "rating_given")
		after, err := w.Track(t.Context(), p.Number, "1234")
		if w.must(err); after.MayRate || !after.Rated {
			t.Errorf("it is rated: %+v", after)
		}
	})
}

// DEL-1206, DB-12
func TestTwoRatingsAtOnceAreOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.arrived()
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i := range errs {
			both.Go(func() { errs[i] = w.rate(p, Levels[i], "") })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !fault.Is(errs[0], "rating_given") && !fault.Is(errs[1], "rating_given") {
			t.Errorf("two at once: %v", errs)
		}
	})
}

// DEL-1206: staff cannot see who rated; a low level is called back by the
// supervisor, once.
func TestStaffSeeRatingsButNotWhoGaveThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		good, bad := w.arrived(), w.arrived()
		w.must(w.rate(good, VeryGood, ""))
		w.must(w.rate(bad, VeryBad, "等了三天"))
		supervisor := w.addPerson("zheng", auth.Supervisor)
		read := func(by auth.Actor) Ratings {
			got, err := w.ListRatings(ctx, by, 0)
			w.must(err)
			return got
		}
		for _, by := range []auth.Actor{w.clerk, w.auditor} {
			got := read(by)
			if len(got.Items) != 2 || len(got.Counts) != 2 || got.Items[0].Words != "等了三天" {
				t.Fatalf("%s reads %+v", by.Name, got)
			}
			if call := got.Items[0].Call; call == nil || call.CaseID+call.CaseNumber+call.Phone != "" || got.Items[1].Call != nil {
				t.Errorf("%s learns who rated: %+v", by.Name, got.Items)
			}
		}
		low := read(supervisor).Items[0]
		if low.Call.CaseNumber != bad.CaseNumber || low.Call.Phone != "13800001234" || low.Call.Due.Sub(w.at) < 15*24*time.Hour {
			t.Errorf("the supervisor reads %+v", low.Call)
		}
		_, err := w.CallBack(ctx, w.clerk, low.ID, "已解释")
		w.refused(err, "not_supervisor")
		_, err = w.CallBack(ctx, supervisor, read(supervisor).Items[1].ID, "已解释")
		w.refused(err, "not_found") // nobody calls whoever was content
		_, err = w.CallBack(ctx, supervisor, low.ID, " ")
		w.refused(err, "reason_missing")
		_, err = w.CallBack(ctx, supervisor, low.ID, "已致歉，三日内补送发票")
		w.must(err)
		if again := read(supervisor).Items[0].Call; again.Phone != "" || again.CalledAt.IsZero() {
			t.Errorf("called back, the number is hidden again: %+v", again)
		}
		_, err = w.CallBack(ctx, supervisor, low.ID, "再次回访")
		w.refused(err, "rating_called")
		_, err = w.ListRatings(ctx, w.courier, 0)
		w.refused(err, "not_overseeing")
		if leaves := w.leaves(bad.CaseID); strings.Contains(leaves, "rating") {
			t.Errorf("the log of the case tells of it: %s", leaves)
		}
	})
}
