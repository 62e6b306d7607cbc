package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

func TestSecondEnqueueOfTheSameSendingIsNothing(t *testing.T) { // OUT-2, DEC-3
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first := newMessage()
		second := newMessage(func(m *Message) { m.Key = first.Key })
		w.queue(first)
		w.queue(second)
		w.send()
		if n := w.mail.count(); n != 1 {
			t.Fatalf("sent %d times, want once", n)
		}
		third := newMessage(func(m *Message) { m.Key = first.Key }) // long after it went out
		w.queue(third)
		w.later(time.Hour)
		w.send()
		w.wantState(first.ID, Accepted)
		if n := w.mail.count(); n != 1 {
			t.Errorf("sent %d times, want once", n)
		}
	})
}

func TestBytesAreMadeOnceAndEveryRetrySendsThem(t *testing.T) { // SIM-5, ICA-08, OUT-6
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.queue(newMessage())
		w.mail.say(Outcome{Result: Retry, Detail: "connect"})
		w.send()
		first := w.wantState(id, Pending)
		w.body = noticeBody(t)
		w.body.Subject = "composed again"
		w.mail.say(Outcome{Result: Yes, Source: "relay"})
		w.later(2 * time.Minute)
		w.send()
		w.wantState(id, Accepted)
		if len(w.mail.sent) != 2 || !bytes.Equal(w.mail.sent[0].Body, w.mail.sent[1].Body) || !bytes.Equal(w.mail.sent[0].Body, first.Body) {
			t.Error("the bytes of the second attempt differ from the first")
		}
		if w.mail.sent[0].MessageID != w.mail.sent[1].MessageID || first.MessageID == "" {
			t.Error("the Message-ID changed between attempts")
		}
		hash, err := audit.SaltedHash(first.BodySalt, first.Body)
		if err != nil || hash != first.BodyHash {
			t.Errorf("stored hash does not commit to the stored bytes: %v", err)
		}
		w.wantLeaves("case/c1/scjg", "notice_composed", "submitted")
	})
}

func (w *world) wantLeaves(stream string, types ...string) {
	w.t.Helper()
	var got []string
	w.read(func(q bun.IDB) error {
		entries, err := audit.Stream(w.t.Context(), q, stream)
		for _, e := range entries {
			got = append(got, e.Type)
		}
		return err
	})
	if fmt.Sprint(got) != fmt.Sprint(types) {
		w.t.Errorf("leaves of %s are %v, want %v", stream, got, types)
	}
}

func TestAttemptIsOnDiskBeforeTheCall(t *testing.T) { // OUT-3
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.queue(newMessage())
		var seen Message
		w.mail.then(func(m Message) Outcome {
			seen = w.message(m.ID)
			return Outcome{Result: Yes}
		})
		w.send()
		if seen.State != Attempting || seen.Attempt != 1 || len(seen.Body) == 0 {
			t.Errorf("during the call the row says %s, attempt %d, %d bytes", seen.State, seen.Attempt, len(seen.Body))
		}
		w.wantState(id, Accepted)
	})
}

// crash leaves a message as a killed process does: attempt committed, no word.
func (w *world) crash(m Message) string {
	w.t.Helper()
	id := w.queue(m)
	if _, ok, err := w.claim(w.t.Context(), id, w.clock()); err != nil || !ok {
		w.t.Fatal(ok, err)
	}
	if err := w.Recover(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.wantState(id, Unknown)
	return id
}

func TestMailInFlightAtACrashIsSentAgainAsTheSameLetter(t *testing.T) { // OUT-2, OUT-6
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.crash(newMessage())
		before := w.message(id)
		w.later(2 * time.Minute)
		w.ask()
		w.send()
		w.wantState(id, Accepted)
		if got := w.mail.sent[0]; got.Attempt != 2 || got.MessageID != before.MessageID || !bytes.Equal(got.Body, before.Body) {
			t.Error("the second sending is not the same letter")
		}
	})
}

func TestAnUnclearLetterIsSentAgainHoweverOften(t *testing.T) { // PRO-6, OUT-6
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, m := range []Message{newMessage(), newMessage(reminder)} {
			w := newWorld(t, d)
			w.mail.say(Outcome{Result: Unclear})
			w.queue(m)
			for n := range 3 {
				w.send()
				w.wantState(m.ID, Unknown)
				w.later(2 * time.Minute)
				w.ask()
				if got := w.wantState(m.ID, Pending); got.Attempt != n+1 {
					t.Errorf("attempt %d, want %d", got.Attempt, n+1)
				}
				w.later(2 * time.Hour)
			}
		}
	})
}

func TestUnclearTextIsResentOnceIfLegalAndDroppedIfReminder(t *testing.T) { // SIM-6
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sms.say(Outcome{Result: Unclear})
		legal, polite := newMessage(bySMS), newMessage(bySMS, reminder)
		legal.Address = "+8613900001111"
		w.queue(legal, polite)
		w.send()
		w.later(59 * time.Second)
		w.ask()
		w.wantState(legal.ID, Unknown) // its callback may still come
		w.later(time.Second)
		w.ask()
		w.wantState(polite.ID, Dropped)
		w.wantState(legal.ID, Pending)
		w.send()
		w.later(time.Minute)
		w.ask()
		w.wantState(legal.ID, Dead)
		if w.sms.count() != 3 {
			t.Errorf("%d texts went out, want 3", w.sms.count())
		}
		if len(w.dead) != 1 || w.dead[0].ID != legal.ID {
			t.Errorf("the domain was told of %d dead messages, want the legal one", len(w.dead))
		}
	})
}

func TestResultOfAnOlderAttemptOverwritesNothing(t *testing.T) { // OUT-3
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.queue(newMessage())
		stale, _, err := w.claim(t.Context(), id, w.clock())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.later(2 * time.Minute)
		w.ask()
		w.mail.then(func(Message) Outcome { // the newer call is under way
			if err := w.settleCall(t.Context(), stale, Outcome{Result: Refused}); err != nil {
				t.Error(err)
			}
			w.wantState(id, Attempting)
			return Outcome{Result: Yes}
		})
		w.send()
		w.wantState(id, Accepted)
		if err := w.settleCall(t.Context(), stale, Outcome{Result: Refused}); err != nil {
			t.Fatal(err)
		}
		w.wantState(id, Accepted)
		if len(w.dead) != 0 {
			t.Error("a stale refusal reached the domain")
		}
	})
}

func TestCancelledMessagesAreNotSentNorTriedAgain(t *testing.T) { // INS-607, INS-713
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		waiting := w.queue(newMessage(func(m *Message) { m.NextAt = morning.Add(time.Hour) }))
		flying := w.queue(newMessage())
		w.mail.then(func(Message) Outcome {
			w.do(func(tx bun.IDB) error { return Cancel(t.Context(), tx, w.clock(), "participant-1") })
			return Outcome{Result: Retry}
		})
		w.send()
		w.wantState(waiting, Cancelled)
		w.wantState(flying, Cancelled)
		w.later(2 * time.Hour)
		w.send()
		if w.mail.count() != 1 {
			t.Errorf("%d calls, want the one under way", w.mail.count())
		}
	})
}

// DEL-527: of a parcel only what is so now is said, whatever was to be said
// before.
func TestWhatIsNoLongerSoIsNotSentAndComesBackWhenItIs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		failed, arrived := newMessage(), newMessage()
		failed.ID, failed.Key, failed.NextAt = newID(), "failed", morning.Add(time.Minute)
		arrived.ID, arrived.Key, arrived.NextAt = newID(), "arrived", morning.Add(time.Minute)
		say := func(ms ...Message) {
			w.do(func(tx bun.IDB) error { return Replace(t.Context(), tx, w.clock(), []string{failed.Subject}, ms...) })
		}
		say(failed)
		say(arrived)
		w.wantState(failed.ID, Cancelled)
		w.wantState(arrived.ID, Pending)
		say(failed)
		w.wantState(failed.ID, Pending)
		w.wantState(arrived.ID, Cancelled)
		w.later(time.Hour)
		w.send()
		say()
		if w.mail.count() != 1 {
			t.Errorf("%d sent, want the one that was so", w.mail.count())
		}
		say(failed)
		w.later(time.Hour)
		w.send()
		if w.mail.count() != 1 {
			t.Errorf("%d sent, want none a second time", w.mail.count())
		}
	})
}

func TestCancelledWhileUnclearIsNotSentAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.crash(newMessage())
		w.do(func(tx bun.IDB) error { return Cancel(t.Context(), tx, w.clock(), "participant-1") })
		w.later(time.Hour)
		w.ask()
		w.wantState(id, Cancelled)
	})
}

func TestMessagePastItsTimeExpiresAndALegalOneIsReported(t *testing.T) { // OUT-2
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		until := func(m *Message) { m.ValidUntil = morning.Add(time.Minute); m.NextAt = morning.Add(time.Hour) }
		legal, polite := newMessage(until), newMessage(until, reminder)
		w.queue(legal, polite)
		w.later(time.Minute)
		w.send()
		w.wantState(legal.ID, Expired)
		w.wantState(polite.ID, Expired)
		if len(w.dead) != 1 || w.dead[0].ID != legal.ID || w.mail.count() != 0 {
			t.Errorf("dead %d, sent %d; want the legal one reported and nothing sent", len(w.dead), w.mail.count())
		}
	})
}

func TestRetriesWaitLongerEachTime(t *testing.T) { // OUT-7
	d := &Desk{Jitter: func() float64 { return 0.5 }}
	for _, c := range []struct {
		channel string
		waits   []time.Duration
	}{
		{Mail, []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, time.Hour, time.Hour}},
		{SMS, []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}},
	} {
		for i, want := range c.waits {
			if got := d.backoff(Message{Channel: c.channel, Attempt: i + 1}); got != want {
				t.Errorf("%s after attempt %d waits %v, want %v", c.channel, i+1, got, want)
			}
		}
	}
	for _, jitter := range []float64{0, 0.999} {
		d.Jitter = func() float64 { return jitter }
		got := d.backoff(Message{Channel: Mail, Attempt: 2})
		if got < 4*time.Minute || got > 6*time.Minute {
			t.Errorf("jitter %v gives %v, outside ±20 %%", jitter, got)
		}
	}
}

func TestTextIsGivenUpAfterFiveAttempts(t *testing.T) { // OUT-7, OUT-8
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sms.say(Outcome{Result: Retry})
		id := w.queue(newMessage(bySMS))
		for range 5 {
			w.send()
			w.later(time.Hour)
		}
		w.wantState(id, Dead)
		if len(w.dead) != 1 || w.sms.count() != 5 {
			t.Errorf("dead %d after %d calls, want 1 after 5", len(w.dead), w.sms.count())
		}
	})
}

func TestRefusedMessageOpensATaskAtOnce(t *testing.T) { // OUT-4, OUT-8
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.mail.say(Outcome{Result: Refused, Detail: "RCPT: 550"})
		id := w.queue(newMessage())
		w.send()
		w.wantState(id, Failed)
		if len(w.dead) != 1 || len(w.served) != 0 {
			t.Errorf("dead %d, served %d; want 1, 0", len(w.dead), len(w.served))
		}
	})
}

func TestFiveFailuresRestAChannelAndNoOther(t *testing.T) { // OUT-7
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.mail.say(Outcome{Result: Retry})
		for range 30 {
			w.queue(newMessage())
		}
		text := w.queue(newMessage(bySMS))
		w.send()
		tried := w.mail.count()
		if tried < breakerAfter || tried > breakerAfter+workers[Mail] {
			t.Errorf("%d calls before the rest, want about %d", tried, breakerAfter)
		}
		w.wantState(text, Accepted)
		w.later(breakerRest - time.Second)
		w.send()
		if w.mail.count() != tried {
			t.Error("called while resting")
		}
		w.later(time.Second)
		w.mail.then(nil)
		w.send()
		if w.mail.count() == tried {
			t.Error("not called after the rest")
		}
	})
}

func TestPoolOfAChannelIsBounded(t *testing.T) { // OUT-7
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		var now, most atomic.Int64
		w.mail.then(func(m Message) Outcome {
			n := now.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			w.message(m.ID) // takes a while
			now.Add(-1)
			return Outcome{Result: Yes}
		})
		for range 40 {
			w.queue(newMessage())
		}
		w.send(Mail)
		if most.Load() > 8 || w.mail.count() != 40 {
			t.Errorf("%d at once, %d in all; want at most 8, 40", most.Load(), w.mail.count())
		}
	})
}

func TestRefusedCredentialsPauseTheChannelUntilAPersonResumesIt(t *testing.T) { // OUT-4, OUT-11
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sms.say(Outcome{Result: Halt, Detail: "status 401"})
		id := w.queue(newMessage(bySMS))
		w.send()
		w.wantState(id, Pending)
		w.later(time.Hour)
		w.sms.then(nil)
		w.send()
		if w.sms.count() != 1 || len(w.paused) != 1 {
			t.Fatalf("%d calls, %d alarms; want 1, 1", w.sms.count(), len(w.paused))
		}
		if err := w.Resume(t.Context(), "person:7", SMS, "令牌已更换"); err != nil {
			t.Fatal(err)
		}
		w.send()
		w.wantState(id, Accepted)
		w.wantLeaves("system", "manual_outbox")
	})
}

func TestArrivalInAnInboxIsTheCommitItself(t *testing.T) { // INS-704 class B
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.queue(newMessage(byPortal))
		w.broken = errors.New("no room for the evidence")
		if err := w.SendDue(t.Context(), Portal); err == nil {
			t.Fatal("the failing hook was not reported")
		}
		w.wantState(id, Pending)
		w.broken = nil
		w.send(Portal)
		m := w.wantState(id, Delivered)
		if len(w.served) != 1 || w.served[0].Class != ClassB || !w.served[0].At.Equal(morning) {
			t.Fatalf("arrivals: %+v", w.served)
		}
		if m.Text != w.body.Text || m.HTML != w.body.HTML {
			t.Error("the inbox does not hold the letter")
		}
		w.wantLeaves("case/c1/scjg", "notice_composed", "submitted")
	})
}

func TestNoticeWithoutDeadlineConsequenceOrCitationIsNeverSent(t *testing.T) { // INS-702
	cases := map[string]func(*Body){
		"no deadline":            func(b *Body) { b.Must.Deadline = "" },
		"no consequence":         func(b *Body) { b.Must.Consequence = "" },
		"no citation":            func(b *Body) { b.Must.Citation = "" },
		"text lost the deadline": func(b *Body) { b.Must.Deadline = "12月9日（周三）17:30" },
		"page lost the text":     func(b *Body) { b.HTML = "<p>" + b.Must.Deadline + "</p>" },
		"no subject":             func(b *Body) { b.Subject = "" },
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for what, spoil := range cases {
			w := newWorld(t, d)
			spoil(&w.body)
			id := w.queue(newMessage())
			w.send()
			m := w.wantState(id, Failed)
			if m.Detail != "notice_incomplete" || len(w.dead) != 1 || w.mail.count() != 0 {
				t.Errorf("%s: detail %q, tasks %d, sent %d", what, m.Detail, len(w.dead), w.mail.count())
			}
		}
	})
}

func TestDomainRefusalWhileComposingFailsTheMessageAndTroubleDoesNot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.queue(newMessage())
		w.Compose = func(context.Context, bun.IDB, Message) (Body, error) { return Body{}, errors.New("disk") }
		if err := w.SendDue(t.Context()); err == nil {
			t.Fatal("trouble was swallowed")
		}
		w.wantState(id, Pending)
		w.Compose = func(context.Context, bun.IDB, Message) (Body, error) {
			return Body{}, fault.Refuse(fault.Conflict, "round_over", "轮次已结束", "the round is over")
		}
		w.send()
		if m := w.wantState(id, Failed); m.Detail != "round_over" {
			t.Errorf("detail %q", m.Detail)
		}
	})
}

func TestChannelThatPanicsLeavesAnUnclearMessage(t *testing.T) { // DL-4
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.mail.then(func(Message) Outcome { panic("boom") })
		id := w.queue(newMessage())
		w.send()
		w.wantState(id, Unknown)
	})
}

func TestCallOfAnotherInstanceIsLeftAloneUntilItMustBeDead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, other := newWorld(t, d), newWorld(t, d)
		other.Instance = "b"
		id := w.queue(newMessage())
		if _, ok, err := other.claim(t.Context(), id, w.clock()); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if err := w.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.wantState(id, Attempting)
		w.later(callTimeout + time.Second)
		w.ask()
		w.wantState(id, Unknown)
	})
}

func TestTwoSendersAtOnceMakeOneCall(t *testing.T) { // OUT-3
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for range 10 {
			w.queue(newMessage())
		}
		done := make(chan error, 4)
		for range 4 {
			go func() { done <- w.SendDue(t.Context(), Mail) }()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if w.mail.count() != 10 {
			t.Errorf("%d calls for 10 messages", w.mail.count())
		}
	})
}

func TestOperatorMayRetryAndDropWithAReason(t *testing.T) { // OUT-11
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.mail.say(Outcome{Result: Refused})
		id := w.queue(newMessage())
		w.send()
		if err := w.Retry(t.Context(), "person:7", id, ""); !fault.Is(err, "reason_missing") {
			t.Errorf("without a reason: %v", err)
		}
		if err := w.Drop(t.Context(), "person:7", id, "重复"); !fault.Is(err, "message_settled") {
			t.Errorf("dropping a failed message: %v", err)
		}
		if err := w.Retry(t.Context(), "person:7", "nothing", "x"); !fault.Is(err, "message_unknown") {
			t.Errorf("unknown message: %v", err)
		}
		if err := w.Pause(t.Context(), "person:7", "pigeon", "x"); !fault.Is(err, "channel_unknown") {
			t.Errorf("unknown channel: %v", err)
		}
		if err := w.Retry(t.Context(), "person:7", id, "邮箱已修复"); err != nil {
			t.Fatal(err)
		}
		w.mail.then(nil)
		w.send()
		w.wantState(id, Accepted)
		w.wantLeaves("system", "manual_outbox")
	})
}
