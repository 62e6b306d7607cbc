package inspection

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/notify"
)

func TestOpeningTheNoticeIsClassAOnceItWasSent(t *testing.T) { // INS-704
	town.Each(t, func(t *testing.T, d *db.DB) {
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
	town.Each(t, func(t *testing.T, d *db.DB) {
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

// secondNotice tells when a second sending is about to fix what a notice prints.
type secondNotice struct {
	seen atomic.Int32
	came chan struct{}
}

func (s *secondNotice) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if strings.HasPrefix(e.Query, `UPDATE "notices"`) && s.seen.Add(1) == 2 {
		close(s.came)
	}
	return ctx
}

func (*secondNotice) AfterQuery(context.Context, *bun.QueryEvent) {}

// PRO-3, INS-702: each channel has a sweep of its own, on PostgreSQL also at the
// same time. Neither letter may be given up because the other was quicker.
func TestTwoChannelsThatComposeOneNoticeAtOncePrintTheSameDeadline(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		p := w.part(w.newVisit().ID, "amr")
		var letters []notify.Message
		w.must(d.Read(ctx, func(q bun.IDB) (err error) {
			letters, err = notify.ListBySubject(ctx, q, p.ID, notify.PurposeNotice)
			return err
		}))
		if len(letters) < 2 {
			t.Fatalf("%d letters", len(letters))
		}
		hook := &secondNotice{came: make(chan struct{})}
		d.Watch(hook)
		printed := [2]string{}
		compose := func(n int, then func(tx bun.IDB)) error {
			return d.Write(ctx, func(tx bun.IDB) error {
				m := letters[n]
				m.ComposedAt = w.now().AddDate(0, 0, n) // by itself it would count another term
				body, err := w.Compose(ctx, tx, m)
				if err != nil {
					return err
				}
				printed[n] = body.Must.Deadline
				then(tx)
				return nil
			})
		}
		second := make(chan error, 1)
		err := compose(0, func(tx bun.IDB) {
			go func() { second <- compose(1, func(bun.IDB) {}) }()
			if db.Postgres(tx) { // SQLite has one writer, so the second waits for the commit
				<-hook.came
			}
		})
		w.must(err)
		w.must(<-second)
		if printed[0] == "" || printed[0] != printed[1] {
			t.Errorf("one prints %q, the other %q", printed[0], printed[1])
		}
	})
}
