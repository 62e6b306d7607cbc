package inspection

import (
	"fmt"
	"strings"
	"testing"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// INS-1111: the link shows the visit and its end, and nothing of who was silent.
func TestTheApplicantSeesTheVisitAndNotWhoWasSilent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		draft := w.newDraft()
		links, token := w.linkOf(w.caseNow(draft))
		if seen, err := w.VisitsByLink(ctx, links, token); err != nil || len(seen) != 0 {
			t.Errorf("before there is a time: %+v (%v)", seen, err)
		}
		_, err := w.VisitsByLink(ctx, links, "wrong")
		w.refused(err, "applicant_link")

		v := w.rectified()
		links, token = w.linkOf(w.caseNow(v))
		seen, err := w.VisitsByLink(ctx, links, token)
		w.must(err)
		if len(seen) != 1 || !seen[0].Start.Equal(v.Start) || seen[0].Place != v.Place || seen[0].Result != ResultRectify || len(seen[0].Departments) != 3 {
			t.Fatalf("the applicant sees %+v", seen)
		}
		if !seen[0].Ungiven || len(seen[0].Items) != 0 { // INS-1107
			t.Errorf("before the list was given: %+v", seen[0].Items)
		}
		if said := fmt.Sprintf("%+v", seen); strings.Contains(said, "deemed") || strings.Contains(said, "视为") {
			t.Errorf("the page tells of a silence: %s", said)
		}

		w.given(v, 1)
		seen, err = w.VisitsByLink(ctx, links, token)
		w.must(err)
		if items := seen[0].Items; seen[0].Ungiven || len(items) != 3 || items[0].DueAt.IsZero() || items[0].State != ItemOpen {
			t.Errorf("the list that was given: %+v", seen[0])
		}
	})
}

func TestADepartmentThatNeedNotComeIsNotShownToTheApplicant(t *testing.T) { // INS-1111
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		links, token := w.linkOf(w.caseNow(v))
		p := w.part(v.ID, "urban")
		w.must(w.Withdraw(ctx, w.boss, WithdrawRequest{ParticipantID: p.ID, Code: "error", Reason: "店招另案办理"}))
		seen, err := w.VisitsByLink(ctx, links, token)
		w.must(err)
		if len(seen) != 1 || !seen[0].Ahead() || len(seen[0].Departments) != 2 {
			t.Errorf("the applicant sees %+v", seen)
		}
		for _, c := range seen[0].Departments {
			if c.ID == p.DepartmentID {
				t.Error("who was taken out stands there")
			}
		}
	})
}
