package inspection

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/notify"
)

// count asks a table.
func (w *testWorld) count(table, where string) (n int) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		return q.NewSelect().TableExpr("?", bun.Ident(table)).ColumnExpr("count(*)").Where(where).Scan(w.t.Context(), &n)
	}))
	return n
}

func TestAVisitThatIsOverLeavesNoClockNoDoubtAndNoTask(t *testing.T) { // PRO-17, DEC-7, INS-713
	start := func(w *testWorld, v Visit) {
		w.wait(v.Start)
		_, err := w.Start(w.t.Context(), w.clerk, v.ID)
		w.must(err)
	}
	for name, end := range map[string]func(*testWorld, Visit){
		"cancelled": func(w *testWorld, v Visit) {
			_, err := w.Cancel(w.t.Context(), w.clerk, v.ID, "counter_accepted", "采纳消防改期建议")
			w.must(err)
		},
		"not held": func(w *testWorld, v Visit) {
			start(w, v)
			_, err := w.NotHeld(w.t.Context(), w.clerk, v.ID, "site_not_ready", "店主未到")
			w.must(err)
		},
		"closed": func(w *testWorld, v Visit) {
			start(w, v)
			for _, system := range []string{"amr", "fire", "urban"} {
				_, err := w.Opine(w.t.Context(), w.inspector(system), OpinionRequest{ParticipantID: w.part(v.ID, system).ID, Kind: Agree})
				w.must(err)
			}
			_, err := w.EndSite(w.t.Context(), w.clerk, v.ID)
			w.must(err)
			_, err = w.Close(w.t.Context(), w.clerk, v.ID, once.Key{})
			w.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, town.SQLite(t))
			v := w.served()
			w.reply(v, "fire", ReplyCounter)
			w.reply(v, "urban", ReplyDecline)
			w.bounce(v, "amr")
			w.mail(v, "urban", "补充说明")
			end(w, v)
			w.wait(v.Start.AddDate(0, 0, 2))
			if n := w.count("deadlines", "state = 'pending'"); n != 0 {
				t.Errorf("%d clocks still run", n)
			}
			if n := w.count("holds", "ended_at IS NULL AND reason <> 'mail_waiting'"); n != 0 {
				t.Errorf("%d doubts stay", n)
			}
			if n := w.count("tasks", "done_at IS NULL AND kind <> 'read_mail'"); n != 0 {
				t.Errorf("%d tasks stay", n)
			}
			w.must(w.sort("")) // the mail can still be dealt with
			if n := w.count("tasks", "done_at IS NULL"); n != 0 || w.count("holds", "ended_at IS NULL") != 0 {
				t.Errorf("%d tasks after the mail was read", n)
			}
		})
	}
}

// forBoth makes every department come to site visits and reviews alike.
func (w *testWorld) forBoth() {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		_, err := tx.NewRaw("UPDATE matter_rules SET check_kind = 'both'").Exec(w.t.Context())
		return err
	}))
}

func (w *testWorld) caseState(id string) Case {
	w.t.Helper()
	c, err := w.FindCase(w.t.Context(), w.clerk, id)
	w.must(err)
	return c
}

func TestTheEndOfOneVisitLeavesTheOtherOneBooked(t *testing.T) { // INS-1202
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.forBoth()
		site := w.newVisit()
		draft, err := w.Plan(ctx, w.clerk, PlanRequest{CaseID: site.CaseID, Kind: KindReview})
		w.must(err)
		review, err := w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: w.bestSlot(draft.ID)})
		w.must(err)
		_, err = w.Cancel(ctx, w.clerk, review.ID, "other", "资料已齐，不必评审")
		w.must(err)
		c := w.caseState(site.CaseID)
		if c.State != CaseVisiting {
			t.Fatalf("the case is %s while its site visit stands", c.State)
		}
		_, err = w.Cancel(ctx, w.clerk, site.ID, "applicant_asked", "申请人要求")
		w.must(err)
		if c = w.caseState(site.CaseID); c.State != CaseAccepted {
			t.Errorf("the case is %s with nothing booked", c.State)
		}
	})
}

func TestFactsChangedAfterTheDraftDecideWhoComes(t *testing.T) { // INS-305, INS-307, INS-309
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		draft := w.newDraft()
		c := w.caseState(draft.CaseID)
		area, _ := ParseDecimal("30")
		c, err := w.Amend(ctx, w.clerk, AmendRequest{CaseID: c.ID, Answers: Answers{"outdoor_sign": YesNo(false), "floor_area_m2": Number(area)}, Version: c.Version})
		w.must(err)
		systems := includedSystems(c.Departments)
		if len(systems) != 1 {
			t.Fatalf("%v come, want one", systems)
		}
		v, err := w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: w.bestSlot(draft.ID)})
		w.must(err)
		if !v.SingleByRule || v.LeadDepartment != w.department(systems[0]) {
			t.Errorf("single %v, lead %s of %v", v.SingleByRule, v.LeadDepartment, systems)
		}
		view, err := w.FindVisit(ctx, w.clerk, v.ID)
		w.must(err)
		if len(view.Participants) != 1 || !view.SingleByRule {
			t.Errorf("%d participants", len(view.Participants))
		}
	})
}

func TestFactsAmendedWhileBookingLeaveNobodyOut(t *testing.T) { // INS-305, INS-503, DB-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for range 8 {
			draft := w.newDraft()
			c, choice := w.caseState(draft.CaseID), w.bestSlot(draft.ID)
			var all sync.WaitGroup
			var booked, amended error
			all.Go(func() {
				_, booked = w.Book(context.Background(), w.clerk, BookRequest{VisitID: draft.ID, Choice: choice})
			})
			all.Go(func() {
				_, amended = w.Amend(context.Background(), w.clerk, AmendRequest{CaseID: c.ID, Answers: Answers{"has_kitchen_flue": YesNo(true)}, Version: c.Version})
			})
			all.Wait()
			for _, err := range []error{booked, amended} {
				if err != nil && !fault.Is(err, "case_changed") && !fault.Is(err, "slot_refused") && !fault.Is(err, "slot_taken") {
					t.Fatalf("booked: %v, amended: %v", booked, amended)
				}
			}
			view, err := w.FindVisit(t.Context(), w.clerk, draft.ID)
			w.must(err)
			var come []string
			for _, p := range view.Participants {
				come = append(come, p.System)
			}
			want := includedSystems(view.Case.Departments)
			slices.Sort(want)
			slices.Sort(come)
			if view.State == VisitOffered && !slices.Equal(come, want) {
				t.Fatalf("%v are invited, %v have to come", come, want)
			}
			if view.State == VisitOffered {
				_, err = w.Cancel(t.Context(), w.clerk, draft.ID, "other", "腾出时间")
				w.must(err)
			}
		}
	})
}

func TestWhereNobodyHasToComeThereIsNoVisit(t *testing.T) { // INS-309
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
		_, err := tx.NewRaw("UPDATE matter_rules SET attendance = 'invited' WHERE matter_code = 'M03'").Exec(ctx)
		return err
	}))
	c := w.newCase()
	if c.State != CaseNoVisit {
		t.Fatalf("state %s", c.State)
	}
	_, err := w.Plan(ctx, w.clerk, PlanRequest{CaseID: c.ID, Kind: KindSite})
	w.refused(err, "no_visit_needed")
	today, err := w.Today(ctx, w.clerk)
	w.must(err)
	if len(today.Unbooked) != 0 {
		t.Error("the desk asks to book it")
	}
}

func TestAnInvitedDepartmentIsToldAndNeverDeemedNorBlocks(t *testing.T) { // INS-912, DEC-4, INS-503
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
		_, err := tx.NewRaw("UPDATE matter_rules SET attendance = 'invited' WHERE system = 'urban'").Exec(ctx)
		return err
	}))
	v := w.served()
	if len(w.bookings(v)) != 4 {
		t.Errorf("%d people taken, want those of two departments", len(w.bookings(v)))
	}
	w.reply(v, "fire", ReplyAccept)
	w.deemedAt(v, "amr")
	got := w.part(v.ID, "urban")
	if got.Deemed != nil || got.Consent != ConsentAwaiting || got.Attendance != AttendanceOptional || len(got.OpenHolds()) != 0 {
		t.Errorf("invited: %s, %v", got.Consent, got.OpenHolds())
	}
	if view, err := w.FindVisit(ctx, w.clerk, v.ID); err != nil || view.State != VisitConfirmed {
		t.Errorf("the visit is %s", view.State)
	}
	w.wait(v.Start)
	_, err := w.Start(ctx, w.clerk, v.ID)
	w.must(err)
	_, err = w.Opine(ctx, w.inspector("fire"), OpinionRequest{ParticipantID: w.part(v.ID, "fire").ID, Kind: Agree})
	w.must(err)
	_, err = w.EndSite(ctx, w.clerk, v.ID)
	w.must(err)
	j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
	if len(j.Content.Departments) != 2 || j.Result != ResultPassed {
		t.Errorf("%s by %d departments", j.Result, len(j.Content.Departments))
	}
}

func TestAnObjectionASupervisorRejectedDoesNotFailTheVisit(t *testing.T) { // INS-1101, INS-915, O9
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	v := w.served()
	w.reply(v, "fire", ReplyAccept)
	w.reply(v, "urban", ReplyAccept)
	p := w.deemedAt(v, "amr")
	w.wait(v.Start)
	_, err := w.Start(ctx, w.clerk, v.ID)
	w.must(err)
	for _, system := range []string{"fire", "urban"} {
		_, err = w.Opine(ctx, w.inspector(system), OpinionRequest{ParticipantID: w.part(v.ID, system).ID, Kind: Agree})
		w.must(err)
	}
	_, err = w.Opine(ctx, w.inspector("amr"), OpinionRequest{ParticipantID: p.ID, Kind: Disagree, Text: "理由不充分"})
	w.must(err)
	_, err = w.EndSite(ctx, w.clerk, v.ID)
	w.must(err)
	w.must(w.Uphold(ctx, w.boss, p.ID, "异议不成立"))
	j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
	i := slices.IndexFunc(j.Content.Departments, func(l JointLine) bool { return l.Source == "deemed" })
	if j.Result != ResultPassed || i < 0 || j.Content.Departments[i].Kind != Disagree || j.Content.Departments[i].Record == "" {
		t.Errorf("result %s, lines %+v", j.Result, j.Content.Departments)
	}
}

func TestOnlyASupervisorProposesAReversal(t *testing.T) { // INS-917
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	p := w.deemedAt(v, "amr")
	auditor := auth.Actor{Kind: auth.KindPerson, ID: "a", Roles: []auth.Role{auth.Auditor}}
	w.refused(w.Reverse(t.Context(), auditor, p.ID, "x"), "not_supervisor")
	w.refused(w.Reverse(t.Context(), w.clerk, p.ID, "x"), "not_supervisor")
	w.must(w.Reverse(t.Context(), w.boss, p.ID, "有误"))
	w.must(w.Reverse(t.Context(), auditor, p.ID, "同意"))
	got := w.part(v.ID, "amr")
	if got.Opinion != OpinionNone || got.Deemed.SuspendedAt.IsZero() || got.Deemed.Number == "" {
		t.Errorf("opinion %s, row %+v", got.Opinion, got.Deemed)
	}
	w.wait(w.clock.Now().Add(26 * time.Hour))
	if got := w.part(v.ID, "amr"); got.Opinion != OpinionNone {
		t.Errorf("deemed again: %s", got.Opinion) // INS-917: nothing automatic after a reversal
	}
}

func TestACancellationAfterTheTimeHasPassedReachesEveryone(t *testing.T) { // INS-608
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	w.wait(v.Start.AddDate(0, 0, 4)) // it was forgotten
	_, err := w.Cancel(t.Context(), w.clerk, v.ID, "other", "未举行")
	w.must(err)
	w.tick()
	if n := len(w.sent.of(notify.PurposeCancel, notify.Mail)); n != 3 {
		t.Errorf("%d departments told, want 3", n)
	}
	if n := len(w.sent.of(notify.PurposeCancel, notify.SMS)); n != 1 {
		t.Errorf("the applicant got %d texts, want 1", n)
	}
	_, err = w.Cancel(t.Context(), w.clerk, v.ID, "other", "再次")
	w.refused(err, "bad_move")
	_, err = w.Cancel(t.Context(), w.clerk, w.newDraft().ID, "applicant_absent", "x")
	w.refused(err, "reason_code")
}

func TestEveryoneExpectedIsRemindedOnTheMorningOnce(t *testing.T) { // INS-713, INS-813
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	w.reply(v, "fire", ReplyDecline)
	w.reply(v, "urban", ReplyAccept)
	w.wait(at(18, 8, 0)) // half of the term is over
	w.tick()
	w.wait(v.Start.Add(-10 * time.Minute))
	w.tick()
	w.tick()
	if n := len(w.sent.of(notify.PurposeMorning, notify.Mail)); n != 3 {
		t.Errorf("%d reminders on the morning, want 3", n)
	}
	if n := len(w.sent.of(notify.PurposeReminder, notify.Mail)); n != 1 {
		t.Errorf("%d reminders to answer, want one to the silent department", n)
	}
}

func TestTheDeskKeepsAForgottenVisitInSight(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		seen := func() int {
			today, err := w.Today(t.Context(), w.clerk)
			w.must(err)
			return len(today.Unfinished)
		}
		if seen() != 0 {
			t.Error("a visit to come is called unfinished")
		}
		w.wait(v.Start.AddDate(0, 0, 1)) // nobody started it
		if seen() != 1 {
			t.Error("the desk has lost the visit")
		}
		_, err := w.Cancel(t.Context(), w.clerk, v.ID, "other", "未举行")
		w.must(err)
		if seen() != 0 {
			t.Error("a cancelled visit is still asked for")
		}
	})
}

func TestTheJointOpinionIsDueAWorkingDayAfterTheLastOpinion(t *testing.T) { // INS-1102, T4
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.begun()
		issue := func() (out []Task) {
			for _, task := range w.viewNow(v).Tasks {
				if task.Kind == TaskIssue {
					out = append(out, task)
				}
			}
			return out
		}
		w.hosts(v)
		for _, system := range []string{"amr", "fire", "urban"} {
			w.comes(v, system, 1, 2)
		}
		for _, system := range []string{"amr", "fire"} {
			w.opines(v, w.inspector(system), system, OpinionRequest{Kind: Agree})
		}
		w.wait(v.End)
		_, err := w.EndSite(ctx, w.clerk, v.ID)
		w.must(err)
		if got := issue(); len(got) != 0 {
			t.Fatalf("due while an opinion is lacking: %+v", got)
		}
		w.tick()
		w.wait(at(20, 17, 36)) // silence of urban is the last word
		got := issue()
		if want := at(23, 17, 30); len(got) != 1 || !got[0].DueAt.Equal(want) || got[0].ForRole != string(auth.Clerk) {
			t.Fatalf("%+v, want due %v", got, want)
		}
		w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Disagree, Text: "依据城市市容和环境卫生管理条例第十七条"})
		if got := issue(); len(got) != 0 {
			t.Errorf("due while a review is open: %+v", got)
		}
		w.must(w.Uphold(ctx, w.boss, w.part(v.ID, "urban").ID, "意见逾期"))
		if got := issue(); len(got) != 1 {
			t.Errorf("%d tasks after the review", len(got))
		}
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		if n := w.count("tasks", "kind = 'issue_opinion' AND done_at IS NULL"); n != 0 {
			t.Error("the task outlives the joint opinion")
		}
	})
}
