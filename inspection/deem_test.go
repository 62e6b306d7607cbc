package inspection

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/office"
	"lianban/notify"
)

// served is a visit whose notices have arrived; nobody has answered.
func (w *testWorld) served() Visit {
	w.t.Helper()
	v := w.newVisit()
	w.tick()
	return v
}

// mail brings a letter to the answer address of a department, as the city's
// mail edge would.
func (w *testWorld) mail(v Visit, system, text string) {
	w.t.Helper()
	w.mailAt(v, system, text, w.now())
}

// mailAt brings a letter that the edge took in earlier.
func (w *testWorld) mailAt(v Visit, system, text string, received time.Time) {
	w.t.Helper()
	to, raw := w.letter(v, system, text)
	w.must(w.outbox.Receive(w.t.Context(), notify.Envelope{ReceivedAt: received, MailFrom: system + "@dept.example", Rcpt: to, Peer: "edge"}, raw))
}

// letter is a mail of a department and the answer address it goes to.
func (w *testWorld) letter(v Visit, system, text string) (to string, raw []byte) {
	w.t.Helper()
	p := w.part(v.ID, system)
	var contact string
	for _, m := range w.sent.of(notify.PurposeNotice, notify.Mail) {
		if m.Subject == p.ID {
			contact = m.Contact
		}
	}
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) (err error) {
		to, err = w.Addresses.AnswerTo(w.t.Context(), tx, w.now(), notify.Owner{Subject: p.ID, Contact: contact, Stream: departmentStream(p.CaseID, p.DepartmentID)})
		return err
	}))
	return to, fmt.Appendf(nil, "From: <%s@dept.example>\r\nTo: <%s>\r\nSubject: re\r\nMessage-ID: <%s@dept.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
		system, to, newID(), text)
}

func (w *testWorld) deemedRows() (n int64) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) (err error) {
		n, err = q.NewSelect().Model((*Deemed)(nil)).Count(w.t.Context())
		return err
	}))
	return n
}

// holdsOn wants exactly these reasons open.
func (w *testWorld) holdsOn(v Visit, system string, want ...HoldReason) {
	w.t.Helper()
	var got []string
	for _, h := range w.part(v.ID, system).OpenHolds() {
		got = append(got, string(h.Reason))
	}
	var wanted []string
	for _, r := range want {
		wanted = append(wanted, string(r))
	}
	if strings.Join(got, " ") != strings.Join(wanted, " ") {
		w.t.Errorf("%s holds %v, want %v", system, got, wanted)
	}
}

func TestSilentDepartmentIsDeemedToConsentAfterTheDeadlineAndNotBefore(t *testing.T) { // INS-901, 904; PRO-1
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		due := w.part(v.ID, "amr").RespondBy.Add(5 * time.Minute)
		w.until(due.Add(-time.Minute))
		w.clock.forward(due.Sub(w.clock.Now()) - time.Millisecond)
		w.tick()
		if n := w.deemedRows(); n != 0 {
			t.Fatalf("%d deemed a millisecond early", n)
		}
		w.clock.forward(time.Millisecond)
		w.tick()
		if n := w.deemedRows(); n != 3 {
			t.Fatalf("%d deemed when due, want 3", n)
		}
		if len(w.sent.of(notify.PurposeDeemed, notify.Mail)) != 0 {
			t.Error("told before the commit")
		}
		w.tick()
		if n := len(w.sent.of(notify.PurposeDeemed, notify.Mail)); n != 3 { // INS-918
			t.Errorf("%d departments told, want 3", n)
		}
	})
}

func TestWithoutProofOfArrivalSilenceIsNeverConsent(t *testing.T) { // INS-101, INS-902
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sent.down = true
		w.dropPortal()
		v := w.newVisit()
		w.until(v.Start.Add(-time.Minute))
		for _, system := range []string{"amr", "fire", "urban"} {
			if got := w.part(v.ID, system); got.Consent != ConsentUnserved {
				t.Errorf("%s is %s without any arrival", system, got.Consent)
			}
		}
		if n := w.deemedRows(); n != 0 {
			t.Errorf("%d deemed", n)
		}
		today, err := w.Today(t.Context(), w.clerk)
		w.must(err)
		serve := 0
		for _, task := range today.Tasks {
			if task.Kind == TaskServeByHand {
				serve++
			}
		}
		if serve != 3 { // INS-709
			t.Errorf("%d tasks to serve by hand, want 3", serve)
		}
	})
}

// dropPortal ends the confirmed inbox of every department: their rows there
// prove nothing any more.
func (w *testWorld) dropPortal() {
	w.t.Helper()
	ctx := w.t.Context()
	w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
		_, err := tx.NewRaw("UPDATE addresses SET state = 'rejected' WHERE channel = 'portal'").Exec(ctx)
		return err
	}))
}

func TestAnInboxNobodyCanOpenProvesNothing(t *testing.T) { // INS-706
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d) // no account ever signed in
		w.sent.down = true
		v := w.served()
		got := w.part(v.ID, "amr")
		if got.Consent != ConsentUnserved || len(got.Services) != 1 || got.Services[0].Class != "D" {
			t.Errorf("%s with %+v", got.Consent, got.Services)
		}
	})
}

func TestAMailToAnAddressThatIsNotTheDepartmentsOwnProvesNothing(t *testing.T) { // INS-705, DL-10
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.must(d.Write(t.Context(), func(tx bun.IDB) error {
			_, err := tx.NewRaw("UPDATE addresses SET own_mx = ? WHERE channel = 'mail'", false).Exec(t.Context())
			return err
		}))
		v := w.served()
		if got := w.part(v.ID, "amr"); got.Consent != ConsentUnserved {
			t.Errorf("%s by %+v", got.Consent, got.Services)
		}
	})
}

func TestSMSAloneNeverStartsTheClock(t *testing.T) { // INS-704 class C
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sent.down = true
		w.dropPortal()
		v := w.newVisit()
		p := w.part(v.ID, "amr")
		for range 2 {
			w.must(w.onParticipant(t.Context(), p.ID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
				return w.recordService(t.Context(), tx, p, v, Service{NoticeID: "n", Round: 1, Class: "C", Channel: "sms", ServedAt: w.now(), Source: newID()})
			}))
		}
		if got := w.part(v.ID, "amr"); got.Consent != ConsentUnserved {
			t.Errorf("two class C made %s", got.Consent)
		}
	})
}

func TestAMailedDeclineIsNeverFollowedByDeeming(t *testing.T) { // DEC-1, INS-807, INS-906
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		t2 := w.part(v.ID, "urban").RespondBy
		w.until(t2.Add(-10 * time.Minute))
		w.mail(v, "urban", "我局当日有会，不能参加")
		w.until(t2.Add(2 * time.Hour))
		if got := w.part(v.ID, "urban"); got.Consent != ConsentAwaiting || got.Deemed != nil {
			t.Fatalf("with a mail waiting: %s", got.Consent)
		}
		w.holdsOn(v, "urban", HoldMail, HoldUnread)
		if !w.hasTask(TaskReadMail) {
			t.Error("nobody is told to read it")
		}
		w.refused(w.Sort(ctx, w.clerk, SortRequest{MailID: w.inbox()[0].ID, Why: " "}), "reason_missing")
		w.refused(w.Sort(ctx, w.inspector("urban"), SortRequest{MailID: w.inbox()[0].ID, Why: "x"}), "not_a_window")
		mails := w.inbox()
		w.must(w.Sort(ctx, w.clerk, SortRequest{MailID: mails[0].ID, Answer: ReplyDecline, GivenBy: "城管局办公室", Words: "当日有会", Why: "来信写明不能参加"}))
		got := w.part(v.ID, "urban")
		if got.Consent != ConsentDeclined || got.Replies[0].Outcome != OutcomeApplied || !got.Replies[0].ReceivedAt.Before(t2) {
			t.Fatalf("after sorting: %s %+v", got.Consent, got.Replies)
		}
		w.until(v.Start)
		if w.part(v.ID, "urban").Deemed != nil {
			t.Error("deemed after a decline in time")
		}
	})
}

func (w *testWorld) inbox() (out []notify.Inbound) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) (err error) {
		out, err = notify.ListInbound(w.t.Context(), q, notify.InboundQuery{State: notify.Held})
		return err
	}))
	return out
}

func TestAMailThatIsNoAnswerEndsItsHoldAndTheDepartmentGetsTime(t *testing.T) { // INS-807, C8
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		t2 := w.part(v.ID, "urban").RespondBy
		w.until(t2.Add(-10 * time.Minute))
		w.mail(v, "urban", "已阅")
		w.until(t2.Add(20 * time.Minute))
		w.must(w.Sort(t.Context(), w.clerk, SortRequest{MailID: w.inbox()[0].ID, Why: "只是已阅，没有答复"}))
		got := w.part(v.ID, "urban")
		if !got.RespondBy.After(t2) {
			t.Fatalf("T2 stays at %v", got.RespondBy)
		}
		w.until(got.RespondBy.Add(6 * time.Minute))
		if got.RespondBy.Before(v.Start) == (w.part(v.ID, "urban").Deemed == nil) {
			t.Errorf("after the new T2 %v: %s", got.RespondBy, w.part(v.ID, "urban").Consent)
		}
	})
}

func TestAMailboxOutageAcrossTheDeadlineHoldsAndThenGivesMoreTime(t *testing.T) { // INS-905, SIM-1
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		t2 := w.part(v.ID, "amr").RespondBy
		w.until(t2.Add(-50 * time.Minute))
		loop := w.sent.loop
		w.sent.loop = nil // the way in is closed: no canary comes back
		w.until(t2.Add(30 * time.Minute))
		w.holdsOn(v, "amr", HoldInboundGap)
		w.sent.loop = loop
		w.clock.forward(time.Minute)
		w.tick()
		w.clock.forward(31 * time.Second)
		w.tick()
		got := w.part(v.ID, "amr")
		if got.Deemed != nil || !got.RespondBy.After(t2) {
			t.Fatalf("after an outage of 50 working minutes: %s, T2 %v", got.Consent, got.RespondBy)
		}
		w.holdsOn(v, "amr")
	})
}

func TestAShortOutageHoldsOnlyUntilTheInboxIsReadAgain(t *testing.T) { // INS-905, worked example of DL-15
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		t2 := w.part(v.ID, "amr").RespondBy
		w.until(t2.Add(-10 * time.Minute))
		loop := w.sent.loop
		w.sent.loop = nil
		w.until(t2.Add(20 * time.Minute))
		w.holdsOn(v, "amr", HoldInboundGap)
		w.sent.loop = loop
		w.until(t2.Add(22 * time.Minute))
		if got := w.part(v.ID, "amr"); got.Deemed == nil {
			t.Errorf("still %s, holds %v", got.Consent, got.OpenHolds())
		}
	})
}

func TestAClockThatJumpedHoldsEveryOutcome(t *testing.T) { // INS-907, SIM-7
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.clock.jump(v.Start.Sub(w.clock.Now()) - 3*time.Hour) // straight past T2
		w.tick()
		w.tick()
		if n := w.deemedRows(); n != 0 {
			t.Fatalf("%d deemed by a jump of the clock", n)
		}
	})
}

func TestANeverDeemedMatterIsHeldWithADemandAndATaskForTheSupervisor(t *testing.T) { // INS-911
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.must(d.Write(t.Context(), func(tx bun.IDB) error {
			_, err := tx.NewRaw("UPDATE matter_rules SET never_deemed = ? WHERE system = 'fire'", true).Exec(t.Context())
			return err
		}))
		v := w.served()
		w.until(w.part(v.ID, "fire").RespondBy.Add(6 * time.Minute))
		w.holdsOn(v, "fire", HoldNeverDeemed)
		if w.part(v.ID, "amr").Deemed == nil {
			t.Error("the other department should be deemed")
		}
		today, err := w.Today(t.Context(), w.boss)
		w.must(err)
		found := false
		for _, task := range today.Tasks {
			found = found || task.Kind == TaskNeverDeemed && task.ForRole == "supervisor"
		}
		if !found {
			t.Errorf("tasks %+v", today.Tasks)
		}
		w.until(w.part(v.ID, "fire").RespondBy.Add(2 * time.Hour)) // looked at again and again
		fire := w.part(v.ID, "fire").ID
		if n := w.count("messages", "purpose = 'demand' AND channel = 'mail' AND composed_at IS NOT NULL AND subject = '"+fire+"'"); n != 1 {
			t.Errorf("%d demands to the head, want 1", n)
		}
		if n := w.count("messages", "purpose = 'demand' AND subject <> '"+fire+"'"); n != 0 {
			t.Errorf("%d demands to others", n)
		}
	})
}

func TestTwoInstancesAtOnceWriteOneOutcome(t *testing.T) { // PRO-2, INS-909
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.until(w.part(v.ID, "amr").RespondBy.Add(3 * time.Minute))
		w.clock.forward(3 * time.Minute)
		w.must(w.trust.Check(t.Context()))
		w.must(w.outbox.Beat(t.Context(), notify.Portal, w.now(), true))
		w.must(w.outbox.SendCanary(t.Context()))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { _ = w.DeemDue(context.Background()) }) // losers may report a lost race
		}
		all.Wait()
		w.tick()
		if n := w.deemedRows(); n != 3 {
			t.Errorf("%d rows, want 3", n)
		}
		if got := strings.Count(w.leaves(v, "amr"), "deemed"); got != 1 {
			t.Errorf("%d leaves deemed, want 1", got)
		}
	})
}

func TestUnderConfirmPolicyOnlyAClerksClickMakesIt(t *testing.T) { // INS-910
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		s, err := w.office.ProposeSetting(ctx, office.SettingChange{Key: "deem.mode", Value: "confirm", Reason: "试行", Scope: office.Scope{}}, "person:one")
		w.must(err)
		_, err = w.office.ApproveSetting(ctx, s.ID, "person:two")
		w.must(err)
		v := w.served()
		p := w.part(v.ID, "amr")
		w.refused(w.Confirm(ctx, w.clerk, p.ID), "not_deemable")
		w.until(p.RespondBy.Add(2 * time.Hour))
		if n := w.deemedRows(); n != 0 {
			t.Fatalf("%d deemed without a click", n)
		}
		w.must(w.Confirm(ctx, w.clerk, p.ID))
		if w.part(v.ID, "amr").Deemed == nil {
			t.Error("not deemed after the click")
		}
	})
}

func TestABounceTakesTheProofAwayAndStopsTheClock(t *testing.T) { // INS-708, C9
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		var notice notify.Message
		for _, m := range w.sent.of(notify.PurposeNotice, notify.Mail) {
			if m.Subject == w.part(v.ID, "amr").ID {
				notice = m
			}
		}
		w.must(d.Write(t.Context(), func(tx bun.IDB) error {
			return w.Bounced(t.Context(), tx, notify.Failure{Message: notice, At: w.now(), Source: "dsn", Status: "5.1.1"})
		}))
		got := w.part(v.ID, "amr")
		if got.Consent != ConsentUnserved || !got.RespondBy.IsZero() {
			t.Fatalf("after the bounce: %s, T2 %v", got.Consent, got.RespondBy)
		}
		w.until(v.Start)
		if w.part(v.ID, "amr").Deemed != nil {
			t.Error("deemed without a proof")
		}
	})
}

func TestAProofThatFallsUnderADeemedConsentSuspendsIt(t *testing.T) { // INS-708, DL-14
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.until(w.part(v.ID, "amr").RespondBy.Add(6 * time.Minute))
		var notice notify.Message
		for _, m := range w.sent.of(notify.PurposeNotice, notify.Mail) {
			if m.Subject == w.part(v.ID, "amr").ID {
				notice = m
			}
		}
		w.must(d.Write(t.Context(), func(tx bun.IDB) error {
			return w.Bounced(t.Context(), tx, notify.Failure{Message: notice, At: w.now(), Source: "dsn", Status: "5.1.1"})
		}))
		got := w.part(v.ID, "amr")
		if got.Deemed.SuspendedAt.IsZero() || got.Opinion != OpinionReview {
			t.Errorf("opinion %s, suspended %v", got.Opinion, got.Deemed.SuspendedAt)
		}
	})
}

func TestAReplyInTimeThatTurnsUpAfterwardsSuspendsTheDeemedConsent(t *testing.T) { // DL-14, C18, PRO-5
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		t2 := w.part(v.ID, "amr").RespondBy
		w.until(t2.Add(6 * time.Minute))
		if w.part(v.ID, "amr").Deemed == nil {
			t.Fatal("not deemed")
		}
		_, err := w.Reply(ctx, w.clerk, ReplyRequest{
			ParticipantID: w.part(v.ID, "amr").ID, Round: 1, Kind: ReplyDecline, Reason: "有会", Channel: "mail", GivenBy: "张", ReceivedAt: t2,
		})
		w.must(err)
		got := w.part(v.ID, "amr")
		if got.Consent != ConsentDeclined || got.Opinion != OpinionReview || got.Deemed.SuspendedAt.IsZero() {
			t.Fatalf("%s %s %v", got.Consent, got.Opinion, got.Deemed.SuspendedAt)
		}
		w.refused(w.Uphold(ctx, w.boss, got.ID, "维持"), "reply_in_time")
		w.verifyBundle(v, "amr")
	})
}

func TestALateReplyIsKeptAndChangesNothing(t *testing.T) { // INS-916, DL-13, C17
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.until(w.part(v.ID, "amr").RespondBy.Add(6 * time.Minute))
		r, err := w.Reply(t.Context(), w.inspector("amr"), ReplyRequest{ParticipantID: w.part(v.ID, "amr").ID, Round: 1, Kind: ReplyDecline, Reason: "忙", Channel: "portal"})
		w.must(err)
		got := w.part(v.ID, "amr")
		if r.Outcome != OutcomeLate || got.Consent != ConsentDeemed || !got.Deemed.SuspendedAt.IsZero() {
			t.Errorf("%s, then %s", r.Outcome, got.Consent)
		}
		w.tick()
		receipts := w.sent.of(notify.PurposeReceipt, notify.Mail)
		if len(receipts) != 1 || !strings.Contains(plainText(t, receipts[0].Body), "晚于反馈期限") {
			t.Errorf("%d receipts, none says that it was late", len(receipts))
		}
	})
}

func TestARestartAcrossTheDeadlineMissesNothing(t *testing.T) { // PRO-1
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		t2 := w.part(v.ID, "amr").RespondBy
		w.until(t2.Add(-20 * time.Minute))
		w.clock.forward(40 * time.Minute) // nothing ran
		w.tick()
		w.clock.forward(31 * time.Second)
		w.tick()
		if w.part(v.ID, "amr").Deemed == nil {
			t.Errorf("%s, holds %v", w.part(v.ID, "amr").Consent, w.part(v.ID, "amr").OpenHolds())
		}
	})
}
