package inspection

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/notify"
)

func TestOpeningTheNoticeIsClassAOnceItWasSent(t *testing.T) { // INS-704
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.sent.down = true
		v := w.newVisit()
		p := w.part(v.ID, "amr")
		w.must(w.Opened(ctx, w.inspector("amr"), p.ID))
		if got := w.part(v.ID, "amr"); got.Consent != ConsentUnserved || len(got.Services) != 0 {
			t.Fatalf("opened before it was made: %s, %+v", got.Consent, got.Services)
		}
		w.tick() // in the inbox, where class D is all it proves
		w.clock.forward(time.Hour)
		w.must(w.Opened(ctx, w.inspector("amr"), p.ID))
		got := w.part(v.ID, "amr")
		if got.Consent != ConsentAwaiting || got.ServiceClass != "A" || !got.ServedAt.Equal(w.now()) {
			t.Errorf("opened: %s, class %s at %v", got.Consent, got.ServiceClass, got.ServedAt)
		}
		w.clock.forward(time.Hour)
		w.must(w.Opened(ctx, w.inspector("amr"), p.ID))
		if again := w.part(v.ID, "amr"); !again.ServedAt.Equal(got.ServedAt) || !again.RespondBy.Equal(got.RespondBy) {
			t.Errorf("opened again: T1 %v, T2 %v", again.ServedAt, again.RespondBy)
		}
	})
}

func TestANoticeThatCannotBeSentIsForTheWindowToServe(t *testing.T) { // PRO-6, OUT-8
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sent.down = true
		v := w.newVisit()
		w.tick()
		part := w.part(v.ID, "amr")
		facts, err := json.Marshal(messageFacts{Notice: part.Notice.ID})
		w.must(err)
		for _, purpose := range []string{notify.PurposeReminder, notify.PurposeNotice} {
			w.must(d.Write(t.Context(), func(tx bun.IDB) error {
				return w.Dead(t.Context(), tx, notify.Message{Purpose: purpose, Channel: notify.Mail, Subject: part.ID, Facts: facts})
			}))
			if got := w.hasTask(TaskServeByHand); got != (purpose == notify.PurposeNotice) {
				t.Errorf("a dead %s: task %v", purpose, got)
			}
		}
	})
}
