package inspection

import (
	"testing"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/db"
	"lianban/internal/once"
)

// results are the departments that owe a case a result, by branch.
func (w *testWorld) results(caseID string) (out []string) {
	w.t.Helper()
	d := &delivery.Desk{DB: w.DB, Now: w.Now, Auth: w.Auth, Key: make([]byte, 32), Files: w.t.TempDir(), Out: w.ResultsOut}
	lines, err := d.ListLines(w.t.Context(), systemActor, delivery.LineQuery{CaseID: caseID})
	w.must(err)
	for _, l := range lines {
		for system, people := range w.people {
			if people[0].DepartmentID == l.DepartmentID {
				out = append(out, system)
			}
		}
		if l.CentreID != w.centre.ID || l.Applicant != restaurant().Applicant.Masked().Name {
			w.t.Errorf("line: %+v", l)
		}
	}
	return out
}

// DEL §3, plan 三(一)二: a visit that passed leaves each department that had to
// come owing its result.
func TestVisitThatPassedLeavesDepartmentsOwingTheirResults(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		w.closeWith(v, Agree)
		if got := w.results(v.CaseID); len(got) != 3 {
			t.Errorf("owed: %v", got)
		}
	})
}

func TestVisitThatFailedLeavesNothingOwed(t *testing.T) {
	w := newWorld(t, town.SQLite(t))
	v := w.newVisit()
	w.closeWith(v, Disagree)
	if got := w.results(v.CaseID); len(got) != 0 {
		t.Errorf("owed: %v", got)
	}
}

// closeWith plays a visit to its end: everybody comes and says the same.
func (w *testWorld) closeWith(v Visit, kind OpinionKind) {
	w.t.Helper()
	w.closeSaying(v, kind, []RectifyItem{{Finding: "疏散通道堆放杂物", Clause: "消防法第二十八条", Verify: VerifyVisit, Days: 5}})
}

// closeWithItems is closeWith where everybody asks for the same to be put right.
func (w *testWorld) closeWithItems(v Visit, items []RectifyItem) {
	w.t.Helper()
	w.closeSaying(v, Rectify, items)
}

func (w *testWorld) closeSaying(v Visit, kind OpinionKind, items []RectifyItem) {
	w.t.Helper()
	ctx := w.t.Context()
	w.tick()
	for _, system := range []string{"amr", "fire", "urban"} {
		_, err := w.Reply(ctx, w.inspector(system), ReplyRequest{ParticipantID: w.part(v.ID, system).ID, Round: 1, Kind: ReplyAccept, Channel: "portal"})
		w.must(err)
	}
	w.until(v.Start)
	_, err := w.Start(ctx, w.clerk, v.ID)
	w.must(err)
	for _, system := range []string{"amr", "fire", "urban"} {
		_, err := w.Opine(ctx, w.inspector(system), OpinionRequest{ParticipantID: w.part(v.ID, system).ID, Kind: kind, Text: "依据消防法第十五条", Items: items})
		w.must(err)
	}
	_, err = w.EndSite(ctx, w.clerk, v.ID)
	w.must(err)
	_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
}

// INS-309: a case that nobody has to see owes its results from acceptance on.
func TestCaseWithoutAVisitOwesItsResultsAtOnce(t *testing.T) {
	w := newWorld(t, town.SQLite(t))
	c := w.newCase()
	if got := w.results(c.ID); len(got) != 0 {
		t.Errorf("a case with a visit ahead owes %v", got)
	}
	c.State = CaseNoVisit
	err := w.DB.Write(t.Context(), func(tx bun.IDB) error {
		_, err := w.expectResults(t.Context(), tx, c, w.clerk)
		return err
	})
	w.must(err)
	if got := w.results(c.ID); len(got) != 3 {
		t.Errorf("owed: %v", got)
	}
}
