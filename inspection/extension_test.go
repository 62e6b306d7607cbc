package inspection

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// oneDepartment makes a case that fire alone decides.
func (w *testWorld) oneDepartment() Case {
	w.t.Helper()
	c := w.newCase()
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		_, err := tx.NewRaw("UPDATE case_departments SET included = ? WHERE case_id = ? AND system <> 'fire'", false, c.ID).Exec(w.t.Context())
		return err
	}))
	return w.seen(c)
}

// seen is a case as its window sees it.
func (w *testWorld) seen(c Case) Case {
	w.t.Helper()
	c, err := w.FindCase(w.t.Context(), w.clerk, c.ID)
	w.must(err)
	return c
}

// head gives fire a head with an account.
func (w *testWorld) fireHead() auth.Actor {
	w.t.Helper()
	post := auth.Post{Roles: []auth.Role{auth.Head}, Department: w.department("fire")}
	p, err := w.Auth.AddPerson(w.t.Context(), systemActor, auth.NewPerson{Login: "firehead", Name: "周队长", Password: "Yongzhou-2019", Post: post})
	w.must(err)
	return auth.Actor{Kind: auth.KindPerson, ID: p.ID, Name: p.Name, Roles: post.Roles, Department: post.Department}
}

const whyLonger = "检测报告须由第三方复核"

func (w *testWorld) asksLonger(by auth.Actor, c Case, days int) error {
	w.t.Helper()
	_, err := w.AskExtension(w.t.Context(), by, ExtensionRequest{CaseID: c.ID, Days: days, Reason: whyLonger + "。"})
	return err
}

// recorded is an approval on paper that is signed today.
func (w *testWorld) recorded(c Case) ExtensionDecision {
	return ExtensionDecision{CaseID: c.ID, Outcome: ExtensionApproved, Document: "冷政办函〔2026〕12号", DocumentDate: dateOf(w.now())}
}

func refusal(c Case) ExtensionDecision {
	return ExtensionDecision{CaseID: c.ID, Outcome: ExtensionRefused, Reason: "可以按期办结"}
}

// told are the texts and mails that told the applicant of an extension.
func (w *testWorld) told() []notify.Message {
	return append(w.sent.of(purposeExtension, notify.SMS), w.sent.of(purposeExtension, notify.Mail)...)
}

func TestTheHeadExtendsTheLimitOfOneDepartmentAndTheApplicantIsToldWhy(t *testing.T) { // INS-1115, 行政许可法 art. 42
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx, head := t.Context(), w.fireHead()
		c := w.oneDepartment()
		before := *c.Limits
		w.must(w.asksLonger(w.inspector("fire"), c, 10))
		waiting, err := w.ExtensionsToDecide(ctx, head)
		w.must(err)
		if len(waiting) != 1 || waiting[0].ID != c.ID || w.count("tasks", "kind = 'decide_extension'") != 0 {
			t.Fatalf("%d cases wait for the head", len(waiting))
		}
		if now := w.seen(c); now.Limits.Legal.Due != before.Legal.Due || now.Limits.Legal.Extended != nil || !now.Extensions[0].Open() {
			t.Errorf("asking moves the limit: %+v", now.Limits.Legal)
		}
		w.must(w.DecideExtension(ctx, head, ExtensionDecision{CaseID: c.ID, Outcome: ExtensionApproved}))
		after := w.seen(c)
		legal := after.Limits.Legal
		if legal.Extended == nil || legal.Extended.Was != before.Legal.Due || legal.Total() != 30 || legal.Days != 20 || legal.Left != before.Legal.Left+10 {
			t.Errorf("extended to %+v", legal)
		}
		if after.Limits.Promised != before.Promised {
			t.Errorf("the promise moved: %+v", after.Limits.Promised)
		}
		w.tick()
		told := w.told()
		if len(told) != 1 || !strings.Contains(told[0].Text, whyLonger+"。") || !strings.Contains(told[0].Text, workday.DayText("zh", legal.Due)) || told[0].Address != "13800001234" {
			t.Errorf("the applicant is told %+v", told)
		}
		if waiting, err = w.ExtensionsToDecide(ctx, head); err != nil || len(waiting) != 0 {
			t.Errorf("it still waits: %d, %v", len(waiting), err)
		}
		if got := w.caseLeaves(c, "extension_decided"); len(got) != 1 || got[0].Text("was") != before.Legal.Due.String() || got[0].Text("due") != legal.Due.String() || got[0].Actor != head.String() {
			t.Errorf("leaf %+v", got)
		}
	})
}

// caseLeaves are the leaves of a type in the common stream of a case.
func (w *testWorld) caseLeaves(c Case, kind string) (out []audit.Entry) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		entries, err := audit.Stream(w.t.Context(), q, caseStream(c.ID))
		for _, e := range entries {
			if e.Type == kind {
				out = append(out, e)
			}
		}
		return err
	}))
	return out
}

func TestUnderJointHandlingTheSupervisorRecordsTheApprovalOfTheGovernment(t *testing.T) { // INS-1115, 行政许可法 art. 42
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx, head := t.Context(), w.fireHead()
		v := w.served()
		c := w.seen(Case{ID: v.CaseID})
		due := c.Limits.Legal.Due
		w.must(w.asksLonger(w.clerk, c, 15))
		if w.count("tasks", "kind = 'decide_extension' AND for_role = 'supervisor' AND done_at IS NULL") != 1 {
			t.Fatal("the supervisor has no task")
		}
		w.refused(w.DecideExtension(ctx, head, w.recorded(c)), "extension_approver")
		w.refused(w.DecideExtension(ctx, w.clerk, w.recorded(c)), "not_supervisor")
		for _, wrong := range []func(r *ExtensionDecision){
			func(r *ExtensionDecision) { r.Document = " " },
			func(r *ExtensionDecision) { r.DocumentDate = workday.Date{} },
			func(r *ExtensionDecision) { r.DocumentDate = r.DocumentDate.AddDays(1) },
			func(r *ExtensionDecision) { r.DocumentDate = r.DocumentDate.AddDays(-1) },
		} {
			r := w.recorded(c)
			wrong(&r)
			w.refused(w.DecideExtension(ctx, w.boss, r), "extension_document")
		}
		w.must(w.DecideExtension(ctx, w.boss, w.recorded(c)))
		shown, err := w.FindVisit(ctx, w.clerk, v.ID)
		w.must(err)
		legal := shown.Case.Limits.Legal
		if legal.Total() != 60 || legal.Extended.Was != due || shown.Case.Extensions[0].Document == "" {
			t.Errorf("%+v of %+v", legal, shown.Case.Extensions)
		}
		if w.count("tasks", "kind = 'decide_extension' AND done_at IS NULL") != 0 {
			t.Error("the task is open")
		}
	})
}

func TestALimitIsExtendedOnceAndARefusalDoesNotCount(t *testing.T) { // INS-1115
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		c := w.newCase()
		w.must(w.asksLonger(w.clerk, c, 5))
		w.refused(w.asksLonger(w.inspector("fire"), c, 5), "extension_open")
		w.must(w.DecideExtension(ctx, w.boss, refusal(c)))
		w.tick()
		if c = w.seen(c); c.Limits.Legal.Extended != nil || len(w.told()) != 0 {
			t.Errorf("refused, and %+v", c.Limits.Legal)
		}
		w.refused(w.DecideExtension(ctx, w.boss, w.recorded(c)), "no_extension")
		w.must(w.asksLonger(w.inspector("fire"), c, 5))
		w.must(w.DecideExtension(ctx, w.boss, w.recorded(c)))
		w.refused(w.asksLonger(w.clerk, c, 10), "extension_used")
		w.refused(w.DecideExtension(ctx, w.boss, w.recorded(c)), "no_extension")
	})
}

// Of two who ask at once the database keeps one (INS-1115).
func TestTwoWhoAskAtOnceMakeOneExtension(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		c := w.newCase()
		errs := make(chan error)
		for _, by := range []auth.Actor{w.clerk, w.inspector("fire")} {
			go func() {
				_, err := w.AskExtension(t.Context(), by, ExtensionRequest{CaseID: c.ID, Days: 5, Reason: whyLonger})
				errs <- err
			}()
		}
		first, second := <-errs, <-errs
		if first == nil {
			first, second = second, first
		}
		w.must(second)
		w.refused(first, "extension_open")
		err := w.DB.Write(t.Context(), func(tx bun.IDB) error {
			return insertExtension(t.Context(), tx, &Extension{ID: newID(), CaseID: c.ID, Setting: c.extensionSetting(), AskedAt: w.now()})
		})
		w.refused(err, "bad_move")
	})
}

// extensionSetting is the limit of a restaurant: joint handling.
func (c Case) extensionSetting() string { return "limit.joint" }

func TestAnExtensionIsAskedForInTimeWithAReasonByThoseOfTheCase(t *testing.T) { // INS-1115
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	c, alone := w.newCase(), w.oneDepartment()
	ask := func(by auth.Actor, days int, reason string) error {
		_, err := w.AskExtension(ctx, by, ExtensionRequest{CaseID: c.ID, Days: days, Reason: reason})
		return err
	}
	w.refused(ask(w.clerk, 5, " 。"), "reason_missing")
	w.refused(ask(w.clerk, 5, strings.Repeat("长", 51)), "text_invalid")
	w.refused(ask(w.clerk, 5, "一行\n又一行"), "text_invalid")
	w.refused(ask(w.clerk, 0, whyLonger), "extension_days")
	w.refused(ask(w.clerk, 16, whyLonger), "extension_days")
	w.refused(w.asksLonger(w.clerk, alone, 11), "extension_days")
	w.refused(ask(auth.Actor{Kind: auth.KindPerson, ID: "a", Roles: []auth.Role{auth.Auditor}}, 5, whyLonger), "extension_asker")
	w.refused(ask(w.inspector("culture"), 5, whyLonger), "not_found")
	w.refused(w.DecideExtension(ctx, w.boss, ExtensionDecision{CaseID: c.ID, Outcome: ExtensionOver}), "extension_outcome")
	w.refused(w.DecideExtension(ctx, w.boss, ExtensionDecision{CaseID: c.ID, Outcome: ExtensionRefused}), "reason_missing")
	w.refused(w.asksLonger(w.inspector("urban"), alone, 5), "extension_asker") // not involved any more
	due := w.seen(alone).Limits.Legal.Due
	w.clock.forward(due.AddDays(1).Midnight().Add(-time.Minute).Sub(w.now()))
	w.must(w.asksLonger(w.clerk, alone, 5)) // in the last minute
	w.clock.forward(time.Minute)
	w.refused(w.asksLonger(w.clerk, alone, 5), "extension_late")
}

// Nobody approves what ran out, but paper signed in time may be entered later.
func TestAnApprovalAfterTheLimitComesTooLate(t *testing.T) { // INS-1115, 行政许可法 art. 42
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	c := w.oneDepartment()
	w.must(w.asksLonger(w.clerk, c, 5))
	if w.count("tasks", "kind = 'decide_extension'") != 1 {
		t.Error("fire has no head with an account, and the supervisor no task")
	}
	head := w.fireHead()
	w.refused(w.DecideExtension(ctx, w.head("urban"), ExtensionDecision{CaseID: c.ID, Outcome: ExtensionApproved}), "extension_approver")
	due := c.Limits.Legal.Due
	w.clock.forward(due.AddDays(1).Midnight().Sub(w.now()))
	w.refused(w.DecideExtension(ctx, head, ExtensionDecision{CaseID: c.ID, Outcome: ExtensionApproved}), "extension_late")
	w.refused(w.DecideExtension(ctx, w.boss, w.recorded(c)), "extension_approver") // the head has an account now
	w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
		_, err := tx.NewRaw("UPDATE people SET disabled_at = ? WHERE id = ?", w.now(), head.ID).Exec(ctx)
		return err
	}))
	r := w.recorded(c)
	w.refused(w.DecideExtension(ctx, w.boss, r), "extension_late")
	r.DocumentDate = due
	w.must(w.DecideExtension(ctx, w.boss, r))
	if got := w.seen(c).Limits.Legal; got.Left != 4 {
		t.Errorf("%+v", got)
	}
}

func TestAnExtensionOfAnotherLimitIsNotApproved(t *testing.T) { // INS-1115, INS-308
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	c := w.oneDepartment()
	w.must(w.asksLonger(w.clerk, c, 5))
	w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
		_, err := tx.NewRaw("UPDATE case_departments SET included = ? WHERE case_id = ? AND system = 'amr'", true, c.ID).Exec(ctx)
		return err
	}))
	w.refused(w.DecideExtension(ctx, w.boss, w.recorded(c)), "extension_stale")
	w.refused(w.asksLonger(w.clerk, c, 15), "extension_open")
	w.must(w.DecideExtension(ctx, w.boss, refusal(c)))
	w.must(w.asksLonger(w.clerk, c, 15))
}

func TestTheWindowTellsTheApplicantWhereTheWordOfAnExtensionCouldNotGo(t *testing.T) { // INS-1115
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		c := w.newCase()
		w.must(w.asksLonger(w.clerk, c, 5))
		w.must(w.DecideExtension(t.Context(), w.boss, w.recorded(c)))
		w.must(w.DB.Write(t.Context(), func(tx bun.IDB) error {
			rows, err := notify.ListBySubject(t.Context(), tx, w.seen(c).Extensions[0].ID, purposeExtension)
			if err != nil {
				return err
			}
			return w.Dead(t.Context(), tx, rows[0])
		}))
		if w.count("tasks", "kind = 'tell_extension' AND for_role = 'clerk' AND done_at IS NULL") != 1 {
			t.Error("nobody is to tell the applicant")
		}
	})
}

func TestTheTextOfAnExtensionHasRoomForTheLongestReason(t *testing.T) { // INS-1115, ICA-103
	w := newWorld(t, town.SQLite(t))
	w.Mail.Signature = strings.Repeat("政", 20)
	r := restaurant()
	r.Applicant.Email = "shop@lianban.example"
	c, err := w.Accept(t.Context(), w.clerk, r)
	w.must(err)
	reason := strings.Repeat("由", extensionReason)
	_, err = w.AskExtension(t.Context(), w.clerk, ExtensionRequest{CaseID: c.ID, Days: 15, Reason: reason})
	w.must(err)
	w.must(w.DecideExtension(t.Context(), w.boss, w.recorded(c)))
	w.tick()
	for _, m := range w.told() {
		if !strings.Contains(m.Text, reason) || m.Channel == notify.SMS && utf8.RuneCountInString(m.Text) > 134 {
			t.Errorf("%s: %s", m.Channel, m.Text)
		}
	}
	if len(w.told()) != 2 {
		t.Errorf("told %d times", len(w.told()))
	}
}

func TestWhatNobodyDecidedIsOverWithTheCase(t *testing.T) { // INS-1115
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		c := w.newCase()
		w.must(w.asksLonger(w.clerk, c, 5))
		w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
			c.State = CaseNoVisit
			if _, err := w.expectResults(ctx, tx, c, w.clerk); err != nil {
				return err
			}
			for _, sql := range []string{"UPDATE result_lines SET state = 'waived'", "UPDATE cases SET state = 'no_visit'"} {
				if _, err := tx.NewRaw(sql).Exec(ctx); err != nil {
					return err
				}
			}
			leaves, err := w.ResultsOut(ctx, tx, w.clerk, c.ID)
			if err != nil {
				return err
			}
			return audit.Record(ctx, tx, leaves...)
		}))
		c = w.seen(c)
		if c.State != CaseHandedOver || c.Extensions[0].Outcome != ExtensionOver || w.count("tasks", "kind = 'decide_extension' AND done_at IS NULL") != 0 {
			t.Errorf("%s, extension %s", c.State, c.Extensions[0].Outcome)
		}
		w.refused(w.asksLonger(w.clerk, c, 5), "extension_over")
		w.refused(w.DecideExtension(ctx, w.boss, w.recorded(c)), "no_extension")
	})
}
