package inspection

import (
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/notify"
)

func TestReminderGoesAtHalfOfTheTermAndOnlyToThoseConcerned(t *testing.T) { // INS-713
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		w.reply(v, "fire", ReplyAccept)
		p := w.part(v.ID, "amr")
		half := p.ServedAt.Add(p.RespondBy.Sub(p.ServedAt) / 2)
		w.wait(half.Add(-time.Millisecond))
		if n := w.count("messages", "purpose = 'reminder'"); n != 0 {
			t.Fatalf("%d reminders before half of the term", n)
		}
		w.clock.forward(time.Millisecond)
		w.must(w.RemindDue(ctx))
		w.must(w.RemindDue(ctx))
		if n := w.count("messages", "purpose = 'reminder' AND channel = 'mail'"); n != 2 {
			t.Fatalf("%d reminders at half of the term, want those of amr and urban", n)
		}
		if n := w.count("deadlines", "kind = 'remind_reply' AND state = 'pending'"); n != 0 {
			t.Errorf("%d will come again", n)
		}
		row := func(system string, kind DeadlineKind, round int) DeadlineRow {
			return DeadlineRow{Kind: kind, Subject: w.part(v.ID, system).ID, Round: round}
		}
		remind := func(name string, r DeadlineRow) {
			before := w.count("messages", "1 = 1")
			w.must(d.Write(ctx, func(tx bun.IDB) error { return w.remind(ctx, tx, r) }))
			if n := w.count("messages", "1 = 1") - before; n != 0 {
				t.Errorf("%s: %d messages", name, n)
			}
		}
		remind("a second time", row("amr", DeadlineRemindReply, 1))
		remind("who has answered", row("fire", DeadlineRemindReply, 1))
		remind("for another round", row("amr", DeadlineRemindVisit, 7))
		_, err := w.Cancel(ctx, w.clerk, v.ID, "weather", "暴雨")
		w.must(err)
		if n := w.count("deadlines", "state = 'pending'"); n != 0 {
			t.Errorf("%d clocks outlive the cancellation", n)
		}
		remind("after the cancellation", row("amr", DeadlineRemindVisit, 1))
	})
}

// INS-709: a notice that arrived and that nobody opened is the supervisor's to
// see at half of the term, until somebody looks or answers.
func TestUnopenedNoticeIsShownAtHalfOfTheTerm(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.must(w.Opened(t.Context(), w.inspector("urban"), w.part(v.ID, "urban").ID))
		p := w.part(v.ID, "amr")
		w.wait(p.ServedAt.Add(p.RespondBy.Sub(p.ServedAt) / 2))
		w.must(w.RemindDue(t.Context()))
		const open = "kind = 'notice_unopened' AND done_at IS NULL"
		if n := w.count("tasks", open); n != 2 {
			t.Fatalf("%d departments shown, want amr and fire", n)
		}
		if n := w.count("tasks", open+" AND for_role = 'supervisor'"); n != 2 {
			t.Errorf("%d of them to the supervisor", n)
		}
		w.must(w.Opened(t.Context(), w.inspector("amr"), p.ID))
		w.reply(v, "fire", ReplyDecline)
		if n := w.count("tasks", open); n != 0 {
			t.Errorf("%d shown after they looked and answered", n)
		}
	})
}

func TestWhatWasNotSentYetDiesWithTheVisit(t *testing.T) { // INS-713, INS-608
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sent.down = true
		v := w.newVisit()
		w.tick()
		_, err := w.Cancel(t.Context(), w.clerk, v.ID, "weather", "暴雨")
		w.must(err)
		w.sent.down = false
		w.clock.forward(2 * time.Hour)
		w.tick()
		if n := len(w.sent.of(notify.PurposeNotice, notify.Mail)); n != 0 {
			t.Errorf("%d notices sent of a visit that is cancelled", n)
		}
		if n := len(w.sent.of(notify.PurposeCancel, notify.Mail)); n != 3 {
			t.Errorf("%d departments told", n)
		}
	})
}
