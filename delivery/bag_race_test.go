package delivery

import (
	"sync"
	"testing"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// atOnce runs two acts together.
func atOnce(acts ...func() error) []error {
	errs := make([]error, len(acts))
	var all sync.WaitGroup
	for n, act := range acts {
		all.Go(func() { errs[n] = act() })
	}
	all.Wait()
	return errs
}

// oneCounts wants one of two to have acted and the other to be refused.
func (w *testWorld) oneCounts(errs []error, code string) {
	w.t.Helper()
	if errs[0] != nil {
		errs[0], errs[1] = errs[1], errs[0]
	}
	w.must(errs[0])
	w.refused(errs[1], code)
}

// DEL-914, DB-12: of two who act on a bag, a thing or a loan at once one does,
// and each further copy has a number of its own (DEL-933).
func TestOfTwoActsOnMaterialsAtOnceOneCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		amr := w.inspector("amr")
		for range 3 {
			original, forFire, forUrban := w.lease()
			put := func(b Bag, p Material) func() error {
				return func() error { _, err := w.PutInBag(ctx, w.clerk, b.ID, p.Item.Number); return err }
			}
			one, two := w.bag(w.clerk, "amr", forFire), w.bag(w.clerk, "amr", forUrban)
			for _, err := range atOnce(put(one, forUrban), put(two, forFire)) { // each wants what the other has locked
				w.refused(err, "material_elsewhere")
			}
			w.oneCounts(atOnce(put(one, original), put(two, original)), "material_elsewhere")
			for _, b := range []Bag{one, two} {
				v, err := w.FindBag(ctx, w.clerk, b.ID)
				w.must(err)
				v, err = w.ReleaseBag(ctx, w.clerk, BagRelease{BagID: b.ID, Seal: "F1", Count: len(v.Items)})
				w.must(err)
				w.oneCounts(atOnce(
					func() error { _, err := w.AcceptBag(ctx, amr, BagAccept{BagID: b.ID, Count: len(v.Items)}); return err },
					func() error { _, err := w.AcceptBag(ctx, amr, BagAccept{BagID: b.ID, Count: len(v.Items)}); return err },
				), "bag_over")
			}
			lend := func() error {
				_, err := w.Lend(ctx, amr, LoanRequest{ItemID: original.ItemID, BorrowerID: "fire", Purpose: "核对"})
				return err
			}
			w.oneCounts(atOnce(lend, lend), "loan_open")
			further := func() error {
				_, err := w.AddCopy(ctx, amr, CopyRequest{ItemID: original.ItemID, DepartmentID: "fire", Reason: "缺页"})
				return err
			}
			for _, err := range atOnce(further, further) {
				w.must(err)
			}
			v, err := w.FindMaterial(ctx, w.auditor, original.ItemID)
			w.must(err)
			numbers := map[int]bool{}
			for _, c := range v.StandIns {
				numbers[c.CopyNo] = true
			}
			if v.Copies != 4 || len(numbers) != 4 {
				t.Errorf("%d copies, numbered %v", v.Copies, numbers)
			}
		}
		w.sound()
	})
}

// DEL-722: of two pauses recorded at once the clock knows one.
func TestOfTwoPausesAtOnceOneIsOpen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		boss := w.boss
		storm := func() error {
			_, err := w.pause(boss, p, PauseRequest{Reason: PauseForceMajeure, Evidence: "暴雪红色预警"})
			return err
		}
		w.oneCounts(atOnce(storm, storm), "pause_open")
	})
}
