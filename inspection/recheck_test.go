package inspection

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/db"
)

// Whoever edits the tables by hand is found out by the log: one deed each, and
// what is then told by one side alone.
func TestNothingInTheTablesChangesUnseenByTheLog(t *testing.T) { // EV-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.reply(v, "fire", ReplyDecline)
		w.substituted(v, "fire")
		w.deemedAt(v, "amr")
		w.holdVisit(v)
		w.must(w.asksLonger(w.clerk, Case{ID: v.CaseID}, 15))
		w.must(w.DecideExtension(t.Context(), w.boss, w.recorded(Case{ID: v.CaseID})))
		if told := w.mismatches(); len(told) > 0 {
			t.Fatalf("untouched: %q", told)
		}
		for _, c := range []struct {
			deed         string
			rows, leaves string // first word of what each side alone tells
		}{
			{"UPDATE replies SET kind = 'accept' WHERE kind = 'decline'", "reply", "reply"},
			{"UPDATE replies SET id = 'r0'", "reply", "reply"},
			{"DELETE FROM replies", "", "reply"},
			{"UPDATE services SET class = 'A' WHERE class = 'B'", "arrived", "arrived"},
			{"DELETE FROM services WHERE class = 'D'", "", "arrived"},
			{"UPDATE participants SET respond_by = served_at WHERE consent = 'deemed'", "deadline", ""},
			{"UPDATE deemed SET reason = 'no_show'", "deemed", "deemed"},
			{"DELETE FROM deemed", "", "deemed"},
			{"UPDATE opinions SET kind = 'disagree'", "opinion", "opinion"},
			{"UPDATE joint_opinions SET result = 'failed'", "joint_opinion", "joint_opinion"},
			{"UPDATE substitutions SET in_id = out_id", "substituted", "substituted"},
			{"DELETE FROM bookings", "", "comes"},
			{"UPDATE visits SET state = 'cancelled'", "visit", "visit"},
			{"UPDATE case_extensions SET days = 5", "extension", "extension"},
			{"UPDATE case_extensions SET reason = '另有原因'", "extension_decided", "extension_decided"},
			{"UPDATE case_extensions SET document_date = '2026-11-01'", "extension_decided", "extension_decided"},
			{"DELETE FROM case_extensions", "", "extension_decided"},
		} {
			told := w.afterDeed(c.deed)
			for side, want := range map[string]string{"rows": c.rows, "leaves": c.leaves} {
				i := slices.IndexFunc(told, func(s string) bool { return strings.HasPrefix(s, side+" "+want+" ") })
				if want != "" && i < 0 || want == "" && slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, side) }) {
					t.Errorf("%s: %q", c.deed, told)
				}
			}
		}
	})
}

var errUndo = errors.New("take it back")

// afterDeed gives what does not agree after a change of the tables, and takes
// the change back.
func (w *testWorld) afterDeed(deed string) (told []string) {
	w.t.Helper()
	undone := w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		if _, err := tx.NewRaw(deed).Exec(w.t.Context()); err != nil {
			return err
		}
		told = w.mismatchesIn(tx)
		return errUndo
	})
	if !errors.Is(undone, errUndo) {
		w.t.Fatalf("%s: %v", deed, undone)
	}
	return told
}

func (w *testWorld) mismatches() (told []string) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error { told = w.mismatchesIn(q); return nil }))
	return told
}

func (w *testWorld) mismatchesIn(q bun.IDB) (told []string) {
	w.t.Helper()
	cases, err := CheckLog(w.t.Context(), q, func(m Mismatch) {
		side := "leaves "
		if m.InRows {
			side = "rows "
		}
		told = append(told, side+m.Told)
	})
	if err != nil || cases != 1 {
		w.t.Fatalf("%d cases, %v", cases, err)
	}
	return told
}
