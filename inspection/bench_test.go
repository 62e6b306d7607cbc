package inspection

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/notify"
)

// BenchmarkDeemDue drains due deadlines one by one, each in a transaction of
// its own, among ten times as many that are not due.
func BenchmarkDeemDue(b *testing.B) {
	w := newWorld(b, town.SQLite(b))
	v := w.served()
	p := w.part(v.ID, "amr")
	w.until(p.RespondBy.Add(3 * time.Minute))
	b.StopTimer()
	w.multiply(v, p.Participant, b.N)
	w.clock.forward(3 * time.Minute)
	w.must(w.trust.Check(b.Context()))
	w.must(w.outbox.Beat(b.Context(), notify.Portal, w.now(), true))
	w.must(w.outbox.SendCanary(b.Context()))
	b.StartTimer()
	w.must(w.DeemDue(b.Context()))
	b.StopTimer()
	if n := w.deemedRows(); n < int64(b.N) {
		b.Fatalf("%d deemed, want %d", n, b.N)
	}
}

// multiply copies one served participant n times, with visit, service, notice
// and deadline, each for a department of its own.
func (w *testWorld) multiply(v Visit, p Participant, n int) {
	w.t.Helper()
	ctx := context.Background()
	w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
		for i := range n {
			copied := p
			copied.ID, copied.DepartmentID = fmt.Sprintf("copy-%d", i), p.DepartmentID
			visit := v
			visit.ID, visit.UID, visit.CaseID = fmt.Sprintf("visit-%d", i), newID(), fmt.Sprintf("case-%d", i)
			copied.VisitID, copied.CaseID = visit.ID, visit.CaseID
			c := Case{ID: visit.CaseID, Number: visit.CaseID, State: CaseVisiting, AcceptedAt: w.now()}
			s := Service{ID: newID(), ParticipantID: copied.ID, NoticeID: copied.ID, Round: 1, Class: "B", Channel: "mail", ServedAt: p.ServedAt, Source: copied.ID, Detail: map[string]string{}}
			notice := Notice{ID: copied.ID, ParticipantID: copied.ID, VisitID: visit.ID, Round: 1, Number: copied.ID, PrintedDue: p.RespondBy, ComposedAt: p.ServedAt}
			row := DeadlineRow{Kind: DeadlineReply, Subject: copied.ID, Round: 1, DueAt: p.RespondBy, NextAt: p.RespondBy.Add(5 * time.Minute)}
			for _, model := range []any{&c, &visit, &copied, &s, &notice} {
				if _, err := tx.NewInsert().Model(model).Exec(ctx); err != nil {
					return err
				}
			}
			if err := upsertDeadlines(ctx, tx, row); err != nil {
				return err
			}
		}
		return nil
	}))
}
