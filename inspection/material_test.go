package inspection

import (
	"strings"
	"testing"
	"time"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/once"
)

func (w *testWorld) papers() *delivery.Desk {
	return &delivery.Desk{DB: w.DB, Now: w.Now, Auth: w.Auth, Key: make([]byte, 32), Files: w.t.TempDir(), Out: w.ResultsOut}
}

// DEL-930: a material is taken in for a case, for departments that take part in
// it, by the window of the case; a second click takes in nothing more.
func TestMaterialIsTakenInForDepartmentsOfTheCase(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		desk, c := w.papers(), w.newCase()
		r := MaterialRequest{
			CaseID: c.ID, Title: "租赁合同", Needs: []delivery.Need{{DepartmentID: w.department("amr"), Form: delivery.ClassCopy}, {DepartmentID: "none", Form: delivery.ClassCopy}},
			Once: once.Key{Actor: w.clerk.String(), Value: "k", Print: "p"},
		}
		_, err := w.TakeIn(ctx, w.clerk, desk, r)
		w.refused(err, "need_unknown")
		r.Needs[1].DepartmentID = w.department("fire")
		_, err = w.TakeIn(ctx, auth.Actor{Kind: auth.KindPerson, ID: "x", Roles: []auth.Role{auth.Clerk}, Centre: "elsewhere"}, desk, r)
		w.refused(err, "not_found")
		first, err := w.TakeIn(ctx, w.clerk, desk, r)
		w.must(err)
		again, err := w.TakeIn(ctx, w.clerk, desk, r)
		w.must(err)
		if len(first) != 2 || len(again) != 2 || first[0].ItemID != again[0].ItemID || first[0].KeeperID != w.department("amr") {
			t.Errorf("taken in: %+v, then %+v", first, again)
		}
	})
}

// DEL-940: the window gets a task one working day before an original is due
// back, once, and it ends when the keeper has the original again.
func TestLentOriginalIsATaskTheWorkingDayBeforeItIsDue(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		desk, c := w.papers(), w.newCase()
		amr, fire := w.inspector("amr"), w.inspector("fire")
		materials, err := w.TakeIn(ctx, w.clerk, desk, MaterialRequest{CaseID: c.ID, Title: "租赁合同", Needs: []delivery.Need{{DepartmentID: amr.Department, Form: delivery.ClassCopy}}})
		w.must(err)
		carry := func(from, to auth.Actor) {
			t.Helper()
			b, err := desk.NewBag(ctx, from, delivery.NewBagRequest{To: to.Department, Centre: w.clerk.Centre})
			w.must(err)
			_, err = desk.PutInBag(ctx, from, b.ID, materials[0].Item.Number)
			w.must(err)
			_, err = desk.ReleaseBag(ctx, from, delivery.BagRelease{BagID: b.ID, Seal: "F1", Count: 1})
			w.must(err)
			_, err = desk.AcceptBag(ctx, to, delivery.BagAccept{BagID: b.ID, Count: 1})
			w.must(err)
		}
		tasks := func() (n int) {
			t.Helper()
			w.must(w.RemindLoans(ctx))
			all, err := w.ListTasks(ctx, w.clerk, Position{}, 200)
			w.must(err)
			for _, task := range all {
				if task.Kind == TaskLoan {
					n++
					if !strings.Contains(task.Detail, " 周") {
						t.Errorf("no weekday in %s", task.Detail)
					}
				}
			}
			return n
		}
		carry(w.clerk, amr)
		loan, err := desk.Lend(ctx, amr, delivery.LoanRequest{ItemID: materials[0].ItemID, BorrowerID: fire.Department, Purpose: "核对"})
		w.must(err)
		carry(amr, fire)
		due, err := time.ParseInLocation("2006-01-02", loan.DueOn, time.FixedZone("", 8*3600))
		w.must(err)
		if n := tasks(); n != 0 {
			t.Errorf("%d tasks on the day of the loan", n)
		}
		w.clock.forward(due.Add(-14 * time.Hour).Sub(w.clock.Now())) // the day before, 10 o'clock
		if n := tasks(); n != 1 {
			t.Errorf("%d tasks the day before", n)
		}
		if n := tasks(); n != 1 {
			t.Errorf("%d tasks after another look", n)
		}
		carry(fire, amr)
		if n := tasks(); n != 0 {
			t.Errorf("%d tasks when it is back", n)
		}
	})
}

// DEL-105, DEL-934: what an applicant has handed in is not asked for again, in this
// case or another: the refusal names who keeps it, its number, copies, scan and
// date. Another one of the same name is taken in with a word on how it differs; what
// was destroyed, or a namesake handed in, is nobody's.
func TestMaterialThatIsHeldIsNotTakenInAgain(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		desk, c, later := w.papers(), w.newCase(), w.newCase()
		needs := []delivery.Need{{DepartmentID: w.department("amr"), Form: delivery.ClassCopy}, {DepartmentID: w.department("fire"), Form: delivery.ClassCopy}}
		first, err := w.TakeIn(ctx, w.clerk, desk, MaterialRequest{CaseID: c.ID, Title: "租赁合同", Needs: needs})
		w.must(err)
		for _, caseID := range []string{c.ID, later.ID} {
			_, err = w.TakeIn(ctx, w.clerk, desk, MaterialRequest{CaseID: caseID, Title: " 租赁 合同", Needs: needs})
			w.refused(err, "material_held")
			for _, part := range []string{first[0].Keeper, first[0].Item.Number, first[1].Label("en"), c.Number, "no scan"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not name %q", err, part)
				}
			}
		}
		held, err := w.Held(ctx, w.clerk, later.ID, "租赁合同")
		w.must(err)
		if held == nil || held.ItemID != first[0].ItemID || len(held.StandIns) != 1 {
			t.Errorf("held: %+v", held)
		}
		second, err := w.TakeIn(ctx, w.clerk, desk, MaterialRequest{CaseID: later.ID, Title: "租赁合同", Differs: "续签，2027 年起", Needs: needs})
		w.must(err)
		if second[0].Reason != "续签，2027 年起" || second[1].Reason != "" {
			t.Errorf("another one: %+v", second)
		}
		r := restaurant()
		r.Applicant.USCC, r.Applicant.IDNo, r.Applicant.Phone = "", "", "13900000000"
		namesake, err := w.Accept(ctx, w.clerk, r)
		w.must(err)
		_, err = w.TakeIn(ctx, w.clerk, desk, MaterialRequest{CaseID: namesake.ID, Title: "租赁合同", Needs: needs})
		w.must(err)
	})
}
