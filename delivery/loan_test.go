package delivery

import (
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/scheduler/workday"
)

// DEL-934, DEL-940: an original leaves its keeper for a second department only
// as a loan, both legs are signed, and with the keeper it is over.
func TestOriginalLeavesItsKeeperOnlyAsALoan(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, _, _ := w.lease()
		amr, fire := w.inspector("amr"), w.inspector("fire")
		w.account("amr")
		w.open(amr, w.send(w.clerk, "amr", original))
		b := w.bag(amr, "fire")
		_, err := w.PutInBag(ctx, amr, b.ID, original.Item.Number)
		w.refused(err, "original_elsewhere")

		r := LoanRequest{ItemID: original.ItemID, BorrowerID: "fire", Purpose: "核对产权页"}
		_, err = w.Lend(ctx, fire, r)
		w.refused(err, "not_found")
		_, err = w.Lend(ctx, w.clerk, r)
		w.refused(err, "department_has_accounts")
		loan, err := w.Lend(ctx, amr, r)
		w.must(err)
		if loan.DueOn != "2026-12-01" || loan.State != LoanGranted { // five working days
			t.Errorf("loan: %+v", loan)
		}
		_, err = w.Lend(ctx, amr, r)
		w.refused(err, "loan_open")

		_, err = w.PutInBag(ctx, amr, b.ID, original.Item.Number)
		w.must(err)
		_, err = w.CancelLoan(ctx, amr, loan.ID)
		w.refused(err, "material_elsewhere") // it is in the bag
		out, err := w.ReleaseBag(ctx, amr, BagRelease{BagID: b.ID, Seal: "F1", Count: 1})
		w.must(err)
		w.open(fire, out)
		w.loanIs(original, LoanOut)
		_, err = w.CancelLoan(ctx, amr, loan.ID)
		w.refused(err, "loan_over")

		w.open(w.clerk, w.send(fire, "", original)) // back over the window
		w.loanIs(original, LoanOut)
		w.open(amr, w.send(w.clerk, "amr", original))
		w.loanIs(original, LoanReturned)
		w.sound()
		want := "material_taken_in bag_released bag_accepted loan_granted bag_released bag_accepted loan_out bag_released bag_accepted bag_released bag_accepted loan_returned"
		if got := w.leaves(original.CaseID); got != want {
			t.Errorf("recorded: %s", got)
		}
	})
}

func (w *testWorld) loanIs(p Material, want LoanState) {
	w.t.Helper()
	v, err := w.FindMaterial(w.t.Context(), w.clerk, p.ItemID)
	w.must(err)
	if len(v.Loans) == 0 || v.Loans[0].State != want {
		w.t.Fatalf("want a loan %s, have %+v", want, v.Loans)
	}
}

// DEL-911, DEL-940: a lent original that its keeper finds unlisted in a bag is
// back, and the loan is over.
func TestLoanIsOverAlsoWhenItsOriginalWasFoundUnlisted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, forFire, _ := w.lease()
		amr, fire := w.inspector("amr"), w.inspector("fire")
		w.open(amr, w.send(w.clerk, "amr", original, forFire))
		_, err := w.Stamp(ctx, amr, forFire.ItemID, "")
		w.must(err)
		_, err = w.Lend(ctx, amr, LoanRequest{ItemID: original.ItemID, BorrowerID: "fire", Purpose: "核对"})
		w.must(err)
		w.open(fire, w.send(amr, "fire", original, forFire))
		w.loanIs(original, LoanOut)
		v := w.send(fire, "amr", forFire)
		_, err = w.AcceptBag(ctx, amr, BagAccept{BagID: v.ID, Count: 1, Extras: []Extra{
			{Number: original.Item.Number, Title: "租赁合同", Photo: w.photo()}, {Number: "12？", Title: "无法辨认", Photo: w.photo()},
		}})
		w.must(err)
		w.loanIs(original, LoanReturned)
		w.sound()
		view, err := w.FindBag(ctx, amr, v.ID)
		w.must(err)
		if !strings.HasSuffix(w.leaves(original.CaseID), "bag_accepted loan_returned") || len(view.Extras) != 2 {
			t.Errorf("recorded: %s, %+v", w.leaves(original.CaseID), view.Extras)
		}
		if !slices.ContainsFunc(view.Extras, func(e BagExtra) bool { return e.Number == "12？" }) {
			t.Errorf("a number that cannot be read is lost: %+v", view.Extras)
		}
	})
}

// DEL-934: a loan that is taken back while the original is being packed does not
// let it go.
func TestLoanThatWasTakenBackLetsNothingGo(t *testing.T) {
	w, ctx := newWorld(t, dbtest.SQLite(t)), t.Context()
	original, _, _ := w.lease()
	amr := w.inspector("amr")
	w.open(amr, w.send(w.clerk, "amr", original))
	loan, err := w.Lend(ctx, amr, LoanRequest{ItemID: original.ItemID, BorrowerID: "fire", Purpose: "核对"})
	w.must(err)
	_, err = w.CancelLoan(ctx, amr, loan.ID)
	w.must(err)
	_, err = w.PutInBag(ctx, amr, w.bag(amr, "fire").ID, original.Item.Number)
	w.refused(err, "original_elsewhere")
}

// DEL-940: what is wrong with a loan is refused by its code; one that is due is
// found the working day before.
func TestLoanHasAPurposeADayAndAReminder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, forFire, _ := w.lease()
		amr := w.inspector("amr")
		w.open(amr, w.send(w.clerk, "amr", original))
		for code, r := range map[string]LoanRequest{
			"not_an_original": {ItemID: forFire.ItemID, BorrowerID: "fire", Purpose: "x"}, "reason_missing": {ItemID: original.ItemID, BorrowerID: "fire"},
			"loan_to_self": {ItemID: original.ItemID, BorrowerID: "amr", Purpose: "x"}, "loan_due": {ItemID: original.ItemID, BorrowerID: "fire", Purpose: "x", DueOn: "2026-11-24"},
			"department_unknown": {ItemID: original.ItemID, BorrowerID: "none", Purpose: "x"},
		} {
			_, err := w.Lend(ctx, amr, r)
			w.refused(err, code)
		}
		_, err := w.Lend(ctx, amr, LoanRequest{ItemID: original.ItemID, BorrowerID: "fire", Purpose: "核对", DueOn: "2026-11-27"})
		w.must(err)
		due := func(day string) (n int) {
			date, err := workday.ParseDate(day)
			w.must(err)
			w.must(w.DB.Read(ctx, func(q bun.IDB) error {
				loans, err := LoansDue(ctx, q, date, 10)
				n = len(loans)
				return err
			}))
			return n
		}
		if due("2026-12-31") != 0 {
			t.Error("a loan that has not begun is due")
		}
		w.open(w.inspector("fire"), w.send(amr, "fire", original))
		if due("2026-11-26") != 0 || due("2026-11-27") != 1 {
			t.Errorf("due %d, %d", due("2026-11-26"), due("2026-11-27"))
		}
		list, err := w.ListLoans(ctx, w.inspector("fire"))
		w.must(err)
		if len(list) != 1 || list[0].Item.Title != "租赁合同" || list[0].Overdue(w.at) {
			t.Errorf("list: %+v", list)
		}
		w.at = w.at.AddDate(0, 0, 4)
		if !list[0].Overdue(w.at) {
			t.Error("not overdue on the day after")
		}
		for _, by := range []string{"urban"} {
			if list, err := w.ListLoans(ctx, w.inspector(by)); err != nil || len(list) != 0 {
				t.Errorf("%s sees %v %v", by, list, err)
			}
		}
	})
}
