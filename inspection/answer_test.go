package inspection

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/notify"
)

// reply answers for a department, signed in.
func (w *testWorld) reply(v Visit, system string, kind ReplyKind) Reply {
	w.t.Helper()
	r, err := w.Reply(w.t.Context(), w.inspector(system), ReplyRequest{
		ParticipantID: w.part(v.ID, system).ID, Round: 1, Kind: kind, Reason: "有会", Channel: "portal", Proposals: []time.Time{at(24, 15, 0)},
	})
	w.must(err)
	return r
}

// sort decides about the mail that waits.
func (w *testWorld) sort(answer ReplyKind) error {
	w.t.Helper()
	return w.Sort(w.t.Context(), w.clerk, SortRequest{MailID: w.inbox()[0].ID, Answer: answer, GivenBy: "办公室", Words: "有会", Why: "来信写明"})
}

func TestTheAnswerReceivedLastCountsInWhateverOrderTheyAreRead(t *testing.T) { // INS-802, INS-805
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.mail(v, "fire", "不能参加")
		w.clock.forward(time.Hour)
		w.reply(v, "fire", ReplyAccept)
		w.clock.forward(time.Hour)
		w.must(w.sort(ReplyDecline))
		got := w.part(v.ID, "fire")
		if got.Consent != ConsentAccepted || len(got.Replies) != 2 || got.Replies[0].Outcome != OutcomeNoted {
			t.Errorf("%s with %+v", got.Consent, got.Replies)
		}
		w.holdsOn(v, "fire")
	})
}

// A mail received by T2 may be found at any time later, and is never lost.
func TestAMailReceivedInTimeIsTakenWhateverHasHappenedSince(t *testing.T) { // DL-14, C18, PRO-5, INS-802
	reversed := func(w *testWorld, v Visit) {
		ctx, p := w.t.Context(), w.part(v.ID, "amr")
		w.must(w.Reverse(ctx, w.boss, p.ID, "核实有误"))
		w.must(w.Reverse(ctx, auth.Actor{Kind: auth.KindPerson, ID: "a", Roles: []auth.Role{auth.Auditor}}, p.ID, "同意"))
	}
	started := func(w *testWorld, v Visit) {
		w.wait(v.Start)
		_, err := w.Start(w.t.Context(), w.clerk, v.ID)
		w.must(err)
	}
	for _, c := range []struct {
		name    string
		before  func(*testWorld, Visit)
		consent Consent
		opinion OpinionState
	}{
		{"nothing", func(*testWorld, Visit) {}, ConsentDeclined, OpinionReview},
		{"its proof of service fell", func(w *testWorld, v Visit) { w.bounce(v, "amr") }, ConsentDeclined, OpinionReview},
		{"it was reversed", reversed, ConsentDeclined, OpinionNone},
		{"the visit began", started, ConsentDeclined, OpinionReview},
		{"the visit was cancelled", func(w *testWorld, v Visit) {
			_, err := w.Cancel(w.t.Context(), w.clerk, v.ID, "weather", "暴雨")
			w.must(err)
		}, ConsentVoid, OpinionWaived},
		{"the visit was closed", func(w *testWorld, v Visit) {
			for _, system := range []string{"fire", "urban"} {
				w.reply(v, system, ReplyAccept) // late, but noted
			}
			w.holdVisit(v)
		}, ConsentDeclined, OpinionReview},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, town.SQLite(t))
			v := w.served()
			if w.deemedAt(v, "amr").Deemed == nil {
				t.Fatal("not deemed")
			}
			t2 := w.part(v.ID, "amr").RespondBy
			c.before(w, v)
			w.mailAt(v, "amr", "不能参加", t2)
			w.must(w.sort(ReplyDecline))
			got := w.part(v.ID, "amr")
			if got.Consent != c.consent || got.Opinion != c.opinion || (c.consent != ConsentVoid) == got.Deemed.SuspendedAt.IsZero() {
				t.Errorf("%s, opinion %s, suspended %v", got.Consent, got.Opinion, got.Deemed.SuspendedAt)
			}
			if len(got.Replies) == 0 || len(got.OpenHolds()) != 0 || w.hasTask(TaskReadMail) {
				t.Errorf("%d replies, holds %v", len(got.Replies), got.OpenHolds())
			}
			if c.consent != ConsentVoid {
				w.verifyBundle(v, "amr")
			}
		})
	}
}

func TestALateObjectionToADeemedConsentGoesToASupervisor(t *testing.T) { // INS-916, O8, O9
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.deemedAt(v, "amr")
		if r := w.reply(v, "amr", ReplyAccept); r.Outcome != OutcomeLate || w.part(v.ID, "amr").Opinion != OpinionDeemed {
			t.Fatalf("a late accept: %s, opinion %s", r.Outcome, w.part(v.ID, "amr").Opinion)
		}
		w.reply(v, "amr", ReplyDecline)
		got := w.part(v.ID, "amr")
		if got.Opinion != OpinionReview || got.Consent != ConsentDeemed || !got.Deemed.SuspendedAt.IsZero() || !w.hasTask(TaskReview) {
			t.Fatalf("opinion %s, consent %s", got.Opinion, got.Consent)
		}
		w.must(w.Uphold(t.Context(), w.boss, got.ID, "逾期反馈，理由不成立"))
		for _, kind := range []ReplyKind{ReplyCounter, ReplyExcuse} { // anything but a yes is contrary
			w.clock.forward(time.Minute)
			w.reply(v, "amr", kind)
			if got := w.part(v.ID, "amr").Opinion; got != OpinionReview {
				t.Errorf("a late %s: opinion %s", kind, got)
			}
			w.must(w.Uphold(t.Context(), w.boss, got.ID, "逾期反馈，理由不成立"))
		}
		if got := w.part(v.ID, "amr"); got.Opinion != OpinionDeemed || w.hasTask(TaskReview) {
			t.Errorf("upheld: %s", got.Opinion)
		}
		w.verifyBundle(v, "amr")
	})
}

func TestALateObjectionAfterTheJointOpinionReopensNothing(t *testing.T) { // INS-916
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	t2 := w.deemedAt(v, "amr").RespondBy
	w.holdVisit(v)
	w.mailAt(v, "amr", "不能参加", t2.Add(time.Millisecond))
	w.must(w.sort(ReplyDecline))
	got := w.part(v.ID, "amr")
	if got.Opinion != OpinionDeemed || !got.Deemed.SuspendedAt.IsZero() || w.hasTask(TaskReview) {
		t.Errorf("opinion %s, suspended %v", got.Opinion, got.Deemed.SuspendedAt)
	}
	if len(got.Replies) != 1 || got.Replies[0].Outcome != OutcomeLate {
		t.Errorf("kept as %+v", got.Replies)
	}
	if w.visitNow(v).State != VisitClosed {
		t.Error("opened again")
	}
}

func TestWhatCannotBeReversed(t *testing.T) { // INS-917
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	w.reply(v, "fire", ReplyAccept)
	p := w.deemedAt(v, "amr")
	w.refused(w.Reverse(t.Context(), w.boss, w.part(v.ID, "fire").ID, "有误"), "nothing_deemed")
	w.refused(w.Reverse(t.Context(), w.boss, p.ID, " "), "reason_missing")
	elsewhere := w.city()
	elsewhere.Roles = []auth.Role{auth.Supervisor}
	w.refused(w.Reverse(t.Context(), elsewhere, p.ID, "有误"), "wrong_window")
	w.must(w.Reverse(t.Context(), w.boss, p.ID, "有误"))
	w.refused(w.Reverse(t.Context(), elsewhere, p.ID, "同意"), "wrong_window")
	if got := w.part(v.ID, "amr"); got.Opinion != OpinionDeemed || !got.Deemed.SuspendedAt.IsZero() {
		t.Errorf("one person alone: %s, suspended %v", got.Opinion, got.Deemed.SuspendedAt)
	}
}

func TestADeemedConsentWithoutProofCannotBeUpheld(t *testing.T) { // INS-101, INS-708, INS-909
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		p := w.deemedAt(v, "amr")
		w.bounce(v, "amr")
		w.refused(w.Uphold(t.Context(), w.boss, p.ID, "维持"), "deemed_suspended")
		if got := w.part(v.ID, "amr").Opinion; got != OpinionReview {
			t.Errorf("opinion %s", got)
		}
	})
}

func TestADelegationFollowedBySilenceIsSilence(t *testing.T) { // INS-806
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		person, err := w.Auth.AddPerson(t.Context(), systemActor, auth.NewPerson{
			Login: "d-amr", Name: "代办", Post: auth.Post{Roles: []auth.Role{auth.Inspector}, Department: w.department("amr")},
		})
		w.must(err)
		_, err = w.Reply(t.Context(), w.inspector("amr"), ReplyRequest{ParticipantID: w.part(v.ID, "amr").ID, Round: 1, Kind: ReplyDelegate, Delegate: person.ID, Channel: "portal"})
		w.must(err)
		if got := w.deemedAt(v, "amr"); got.Deemed == nil {
			t.Fatalf("%s, holds %v", got.Consent, got.OpenHolds())
		}
		w.verifyBundle(v, "amr")
	})
}

func TestASecondCounterWaitsForAPerson(t *testing.T) { // INS-810, INS-807
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for _, c := range []struct {
			kind    ReplyKind
			outcome ReplyOutcome
		}{{ReplyCounter, OutcomeApplied}, {ReplyAccept, OutcomeApplied}, {ReplyCounter, OutcomeHeld}} {
			w.clock.forward(time.Minute)
			if r := w.reply(v, "fire", c.kind); r.Outcome != c.outcome {
				t.Fatalf("%s: %s, want %s", c.kind, r.Outcome, c.outcome)
			}
		}
		w.holdsOn(v, "fire", HoldFreeText)
		w.must(w.EndHold(t.Context(), w.clerk, w.part(v.ID, "fire").OpenHolds()[0].ID, "已电话答复"))
		if w.hasTask(TaskAnswerHold) {
			t.Error("the task outlives its hold")
		}
	})
}

func TestAnAnswerEndsTheDoubtsAndTasksOfSilence(t *testing.T) { // PRO-17, INS-805, INS-911
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.must(d.Write(t.Context(), func(tx bun.IDB) error {
			_, err := tx.NewRaw("UPDATE matter_rules SET never_deemed = ? WHERE system = 'fire'", true).Exec(t.Context())
			return err
		}))
		v := w.served()
		w.deemedAt(v, "fire")
		w.holdsOn(v, "fire", HoldNeverDeemed)
		if r := w.reply(v, "fire", ReplyAccept); r.Outcome != OutcomeApplied { // held: everything is taken
			t.Fatalf("outcome %s", r.Outcome)
		}
		w.holdsOn(v, "fire")
		if w.hasTask(TaskNeverDeemed) || w.part(v.ID, "fire").Consent != ConsentAccepted {
			t.Errorf("the task stays, or consent is %s", w.part(v.ID, "fire").Consent)
		}
	})
}

func TestAMailNobodyInvitedWroteLeavesTheQueueToo(t *testing.T) { // INS-714, INS-807
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		var to string
		w.must(d.Write(ctx, func(tx bun.IDB) (err error) {
			to, err = w.Addresses.AnswerTo(ctx, tx, w.now(), notify.Owner{Subject: v.ID, Contact: applicantContact, Stream: caseStream(v.CaseID)})
			return err
		}))
		raw := "From: <a@example.com>\r\nSubject: x\r\nContent-Type: text/plain\r\n\r\n能否改到下午\r\n"
		w.must(w.outbox.Receive(ctx, notify.Envelope{ReceivedAt: w.now(), MailFrom: "a@example.com", Rcpt: to}, []byte(raw)))
		if !w.hasTask(TaskReadMail) {
			t.Error("nobody is told")
		}
		w.refused(w.sort(ReplyAccept), "reply_kind")
		w.refused(w.Sort(ctx, w.inspector("fire"), SortRequest{MailID: w.inbox()[0].ID, Why: "x"}), "not_a_window")
		w.must(w.sort(""))
		if len(w.inbox()) != 0 || w.hasTask(TaskReadMail) {
			t.Error("still in the queue")
		}
	})
}

func TestOfTwoClerksSortingOneMailOneDecides(t *testing.T) { // INS-807
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.mail(v, "fire", "不能参加")
		id := w.inbox()[0].ID
		errs := make([]error, 6)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				errs[i] = w.Sort(context.Background(), w.clerk, SortRequest{MailID: id, Answer: ReplyDecline, GivenBy: "办公室", Words: "有会", Why: "来信写明"})
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !fault.Is(err, "inbound_sorted") {
				t.Errorf("a loser got %v", err)
			}
		}
		if n := len(w.part(v.ID, "fire").Replies); won != 1 || n != 1 {
			t.Errorf("%d decided, %d replies", won, n)
		}
	})
}

// Each department answers at the very moment when its silence is due, on a
// clock that stands at T2 for the answer and after the grace for the sweep.
func TestAnAnswerRacingTheSweepIsNeverOverridden(t *testing.T) { // PRO-5, INS-909, DL-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		t2 := w.part(v.ID, "amr").RespondBy
		w.wait(t2.Add(3 * time.Minute))
		w.clock.forward(3 * time.Minute)
		w.beat(notify.Portal, notify.Mail)
		w.must(w.trust.Check(t.Context()))
		parts := map[string]string{}
		for _, system := range []string{"amr", "fire", "urban"} {
			parts[system] = w.part(v.ID, system).ID
		}
		var all sync.WaitGroup
		errs := make(chan error, 8)
		for system, id := range parts {
			all.Go(func() {
				_, err := w.Reply(context.Background(), w.inspector(system), ReplyRequest{
					ParticipantID: id, Round: 1, Kind: ReplyDecline, Reason: "有会", Channel: "portal", ReceivedAt: t2,
				})
				errs <- err
			})
		}
		for range 3 {
			all.Go(func() { errs <- w.DeemDue(context.Background()) })
		}
		all.Wait()
		close(errs)
		for err := range errs {
			w.must(err)
		}
		for system := range parts {
			got := w.part(v.ID, system)
			if got.Consent != ConsentDeclined || got.Deemed != nil && got.Deemed.SuspendedAt.IsZero() {
				t.Errorf("%s: %s, deemed %+v", system, got.Consent, got.Deemed)
			}
			w.verifyBundle(v, system)
		}
	})
}

// A notice that bounced and is sent again counts when it arrives at last.
func TestANoticeSentAgainAfterABounceIsServedByTheSecondArrival(t *testing.T) { // INS-708, C2
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.bookedOn("2026-11-24")
		p := w.part(v.ID, "amr")
		notices := w.sent.of(notify.PurposeNotice, notify.Mail)
		m := notices[slices.IndexFunc(notices, func(m notify.Message) bool { return m.Subject == p.ID })]
		w.must(d.Write(ctx, func(tx bun.IDB) error {
			_, err := tx.NewRaw("UPDATE messages SET state = ? WHERE id = ?", notify.Undelivered, m.ID).Exec(ctx)
			return err
		}))
		w.bounce(v, "amr")
		if got := w.part(v.ID, "amr"); got.Consent != ConsentUnserved || !w.hasTask(TaskServeByHand) {
			t.Fatalf("after the bounce: %s", got.Consent)
		}
		w.clock.forward(time.Hour)
		w.must(w.outbox.Retry(ctx, "person:clerk", m.ID, "地址已更正"))
		w.tick()
		if got := w.part(v.ID, "amr"); got.Consent != ConsentAwaiting || w.hasTask(TaskServeByHand) {
			t.Fatalf("after the second sending: %s, %+v", got.Consent, got.Services)
		}
		if got := w.deemedAt(v, "amr"); got.Deemed == nil {
			t.Fatalf("%s, holds %v", got.Consent, got.OpenHolds())
		}
		w.verifyBundle(v, "amr")
	})
}

func TestAnAnswerLateForADeadlineThatFellIsTaken(t *testing.T) { // INS-708, INS-805, PRO-5
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-24")
		t2 := w.part(v.ID, "amr").RespondBy
		w.wait(t2.Add(-time.Minute))
		w.clock.forward(2 * time.Minute)
		w.reply(v, "amr", ReplyExcuse)
		w.bounce(v, "amr")
		if got := w.part(v.ID, "amr"); got.Consent != ConsentExcuse || got.Replies[0].Outcome != OutcomeApplied {
			t.Errorf("%s, reply %s", got.Consent, got.Replies[0].Outcome)
		}
	})
}

func TestAPanicOrAnErrorOfOneRowHoldsItAndSparesTheOthers(t *testing.T) { // DL-4, DL-9
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		p := w.part(v.ID, "amr")
		healthy := w.ClockHealthy
		w.ClockHealthy = func(ctx context.Context, q bun.IDB, since time.Time) (bool, string) {
			n := 0
			err := q.NewSelect().TableExpr("deemed").ColumnExpr("count(*)").Scan(ctx, &n)
			if err != nil || n == 1 {
				panic(fmt.Sprint("out of order: ", err))
			}
			return healthy(ctx, q, since)
		}
		w.wait(p.RespondBy.Add(grace - time.Second))
		w.clock.forward(time.Second)
		w.beat(notify.Portal, notify.Mail)
		if err := w.DeemDue(t.Context()); err == nil {
			t.Error("the panics went unreported")
		}
		held := 0
		for _, system := range []string{"amr", "fire", "urban"} {
			for _, h := range w.part(v.ID, system).OpenHolds() {
				if h.Reason == HoldInternal {
					held++
				}
			}
		}
		if n := w.deemedRows(); n != 1 || held != 2 {
			t.Fatalf("%d deemed, %d held", n, held)
		}
		w.ClockHealthy = healthy
		w.clock.forward(time.Minute)
		w.tick()
		if n := w.deemedRows(); n != 3 {
			t.Errorf("%d deemed once all is well", n)
		}
	})
}

func TestEveryLeafOfAnActCarriesOneInstant(t *testing.T) { // STY-36
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	clock := w.Desk.Now
	w.Desk.Now = func() time.Time { w.clock.forward(7 * time.Millisecond); return clock() }
	w.reply(v, "fire", ReplyAccept)
	var last []audit.Entry
	w.must(w.DB.Read(t.Context(), func(q bun.IDB) (err error) {
		last, err = audit.Stream(t.Context(), q, departmentStream(v.CaseID, w.department("fire")))
		return err
	}))
	a, b := last[len(last)-2], last[len(last)-1]
	if a.Type != "reply_received" || b.Type != "arrived" || !a.At.Equal(b.At) || !a.Time("received_at").Equal(b.At) {
		t.Errorf("%s at %v, %s at %v", a.Type, a.At, b.Type, b.At)
	}
}
