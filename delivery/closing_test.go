package delivery

import (
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/notify"
)

// DEL-1206, DEL-1202: once, after everything has arrived, by text with the number
// and the page's name and no link.
func TestTheApplicantIsInvitedToRateOnceTheCaseIsClosed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		invited := func(caseID string) []string { return w.texts(notify.PurposeRate, caseID+"/rate") }
		early := w.carried()
		p := w.arrived()
		for range 2 {
			w.must(w.CloseDue(t.Context()))
		}
		got := invited(p.CaseID)
		if len(got) != 1 || !strings.Contains(got[0], p.Number) || !strings.Contains(got[0], "查询邮件") || strings.Contains(got[0], "http") {
			t.Errorf("invitations: %q", got)
		}
		if len(invited(early.CaseID)) != 0 {
			t.Error("invited while a parcel is on its way")
		}
		if n := strings.Count(w.leaves(p.CaseID), "case_served"); n != 1 {
			t.Errorf("closed %d times: %s", n, w.leaves(p.CaseID))
		}
		fast := w.arrived()
		w.must(w.rate(fast, Good, ""))
		w.must(w.CloseDue(t.Context()))
		if len(invited(fast.CaseID)) != 0 {
			t.Error("invited although the case is rated")
		}
		_, err := w.AddLine(t.Context(), w.clerk, AddLineRequest{CaseID: p.CaseID, DepartmentID: "urban", Ground: "补办招牌许可"})
		w.must(err)
		l := w.line(p.CaseID, "urban")
		_, err = w.Waive(t.Context(), w.clerk, l.ID, "不出纸质结果")
		w.must(err)
		w.must(w.CloseDue(t.Context()))
		if len(invited(p.CaseID)) != 1 {
			t.Error("invited again for a set of its own")
		}
	})
}

// DEL-1206: a case that went as files alone is rated by the number of a file or by
// the link, once.
func TestACaseThatWentAsFilesIsRated(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.Site = "https://lianban.example"
		s, f := w.fileSent(ByMail)
		link := w.link(s.CaseID)
		r := RateRequest{Number: f.Number, PhoneLast4: "1234", Level: Good}
		w.refused(w.Rate(ctx, r), "rating_early")
		w.refused(w.RateByLink(ctx, link, r), "rating_early")
		_, _, err := w.FetchFile(ctx, w.token(f), "1234")
		w.must(err)
		w.must(w.CloseDue(ctx))
		if v, err := w.Track(ctx, f.Number, "1234"); err != nil || !v.MayRate || v.Rated {
			t.Errorf("tracking: %+v %v", v, err)
		}
		if v := w.page(link); !v.MayRate {
			t.Error("the link does not offer it")
		}
		var invited []notify.Message
		w.must(w.DB.Read(ctx, func(q bun.IDB) (err error) {
			invited, err = notify.ListBySubject(ctx, q, s.CaseID+"/rate", notify.PurposeRate)
			return err
		}))
		if len(invited) != 1 || invited[0].Address != "13800001234" {
			t.Errorf("invited: %+v", invited)
		}
		wrong := r
		wrong.PhoneLast4 = "0000"
		w.refused(w.Rate(ctx, wrong), "not_found")
		w.refused(w.RateByLink(ctx, link, RateRequest{Level: 9}), "rating_level")
		w.must(w.Rate(ctx, r))
		w.refused(w.Rate(ctx, r), "rating_given")
		w.refused(w.RateByLink(ctx, link, RateRequest{Level: Bad}), "rating_given")
		if v := w.page(link); v.MayRate || !v.Rated {
			t.Errorf("page after it: %+v", v)
		}
	})
}

// DEL-1206: a low rating is at once the supervisor's task, and another one when
// fifteen working days have passed; neither tells anybody else who rated.
func TestALowRatingIsCalledBackOrTheSupervisorIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		tasks := func(kind AlertKind) []Alert {
			all, err := w.ListAlerts(ctx, w.boss, AlertQuery{Kind: kind})
			w.must(err)
			return all
		}
		w.must(w.rate(w.arrived(), Good, ""))
		if len(tasks(AlertCallBack)) != 0 {
			t.Error("a task for a good rating")
		}
		p := w.arrived()
		w.must(w.rate(p, VeryBad, "没人理"))
		task := tasks(AlertCallBack)
		if len(task) != 1 || task[0].CaseID != "" || task[0].Number != "" || task[0].NextAt.IsZero() {
			t.Fatalf("task: %+v", task)
		}
		if w.alerted(AlertCallBack) != nil {
			t.Error("a clerk sees when somebody rated")
		}
		_, err := w.SettleAlert(ctx, w.clerk, task[0].ID, "x")
		w.refused(err, "not_found")
		_, err = w.SettleAlert(ctx, w.boss, task[0].ID, "x")
		w.refused(err, "alert_by_event")
		w.must(w.DB.Read(ctx, func(q bun.IDB) error {
			entries, err := audit.Stream(ctx, q, Stream(p.CaseID))
			for _, e := range entries {
				if strings.HasPrefix(e.Type, "alert") {
					t.Errorf("the log of the case tells: %s", e.Type)
				}
			}
			return err
		}))

		w.at = task[0].NextAt
		w.must(w.Watch(ctx))
		if len(tasks(AlertCallBackLate)) != 0 {
			t.Error("late at the last moment")
		}
		w.at = w.at.Add(time.Minute)
		for range 2 {
			w.must(w.Watch(ctx))
		}
		if late := tasks(AlertCallBackLate); len(late) != 1 || late[0].CaseID != "" {
			t.Fatalf("late: %+v", late)
		}
		list, err := w.ListRatings(ctx, w.boss, 0)
		w.must(err)
		for _, r := range list.Items {
			if r.Call != nil {
				_, err := w.CallBack(ctx, w.boss, r.ID, "已致歉并更正")
				w.must(err)
			}
		}
		if len(tasks(AlertCallBack))+len(tasks(AlertCallBackLate)) != 0 {
			t.Error("called back, and still a task")
		}
	})
}

// DEL-1201: a case of which something is owed again has an open link.
func TestALinkLivesOnWhileSomethingIsOwedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.arrived()
		token := w.link(p.CaseID)
		w.must(w.CloseDue(ctx))
		_, err := w.AddLine(ctx, w.clerk, AddLineRequest{CaseID: p.CaseID, DepartmentID: "urban", Ground: "补办招牌许可"})
		w.must(err)
		w.at = w.at.AddDate(0, 0, 60)
		w.page(token)
		w.at = w.at.AddDate(1, 0, 0)
		if _, err := w.FindApplicant(ctx, token); !fault.Is(err, "applicant_link") {
			t.Errorf("a link of a year: %v", err)
		}
	})
}
