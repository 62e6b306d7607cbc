package delivery

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// DEL-520: the rows of parcels hold nothing of their own: wiped and made anew
// from the events they are what they were, and an untouched house has nothing to
// put right.
func TestProjectionIsRebuiltFromItsEventsAndEqual(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		events, _ := w.day()
		random := rand.New(rand.NewPCG(5, 8))
		w.send(scrambled(events, random)...)
		p := w.carried()
		w.later(20)
		_, err := w.pause(w.clerk, p, w.asked())
		w.must(err)
		lost := w.carried()
		_, err = w.ReportHarm(ctx, w.clerk, HarmRequest{ParcelID: lost.ID, What: EventLost, Reason: "找不到"})
		w.must(err)
		w.at = w.at.Add(72 * time.Hour)
		before := w.rows()
		found, err := w.Rebuild(ctx, false)
		w.must(err)
		if found.Parcels != len(before) || len(found.Differ) > 0 {
			t.Fatalf("untouched: %+v of %d", found, len(before))
		}
		w.must(d.Write(ctx, func(tx bun.IDB) error {
			_, err := tx.NewUpdate().Model((*Parcel)(nil)).Set("state = 'sealed'").Set("attempts = 9").Set("exceptions = 9").Set("result = 'met'").
				Set("due_at = NULL").Set("hand_over_by = NULL").Set("pauses = 0").Set("delivered_at = ?", w.at).Where("1 = 1").Exec(ctx)
			return err
		}))
		if found, err = w.Rebuild(ctx, false); err != nil || len(found.Differ) != len(before) {
			t.Fatalf("wiped: %+v %v", found, err)
		}
		_, err = w.Rebuild(ctx, true)
		w.must(err)
		for id, row := range w.rows() {
			if !row.saysTheSame(before[id]) {
				t.Errorf("%s: %+v\nwant %+v", row.Number, row, before[id])
			}
		}
		if found, err = w.Rebuild(ctx, true); err != nil || len(found.Differ) > 0 {
			t.Errorf("a second time: %+v %v", found, err)
		}
		w.sound()
	})
}

// rows are all parcels by id.
func (w *parcelWorld) rows() map[string]Parcel {
	w.t.Helper()
	out := map[string]Parcel{}
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		all, err := parcelsAfter(w.t.Context(), q, "", 1000, false)
		for _, p := range all {
			out[p.ID] = p
		}
		return err
	}))
	return out
}
