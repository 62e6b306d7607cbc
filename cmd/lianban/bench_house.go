package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/notify"
)

// benchWorld is the demonstration's city, without its history, in a directory
// or a database of its own.
func (b *bench) benchWorld(dir, database string) (*stage, error) {
	inner := *b.app
	inner.cfg = b.cfg.alone()
	inner.cfg.Data, inner.cfg.DB = dir, database
	w, err := inner.newWorld()
	if err != nil {
		return nil, err
	}
	s := &stage{world: w, ctx: b.ctx}
	s.fail("set up the city", w.furnish(b.ctx))
	s.skip(1, "16:00")
	s.fail("sign in", w.signIn(b.ctx))
	s.skip(0, "09:40")
	if s.err != nil {
		return nil, w.close(s.err)
	}
	return s, nil
}

// restaurant is the case of the main job: three departments come.
func restaurant(area string, n int) scenario {
	return scenario{
		area, "M03", fmt.Sprintf("测量餐馆%d", n), "13807461299", fmt.Sprintf("湘江路%d号", n), 26.4398, 111.6087, "floor_area_m2=120 outdoor_sign=yes",
	}
}

// sweep measures the sweep that deems: how long a backlog takes to drain, and
// what a look costs when nothing is due.
func (b *bench) sweep() error {
	return b.directory(func(dir string) error {
		s, err := b.benchWorld(dir, "")
		if err != nil {
			return err
		}
		return s.close(b.sweepIn(s))
	})
}

func (b *bench) sweepIn(s *stage) error {
	due, open, million := 10_000, 100_000, 1_000_000
	if b.small {
		due, open, million = 100, 500, 2_000
	}
	v := s.book(s.accept(restaurant("lst", 1)), 3, "09:00")
	if s.err != nil {
		return s.err
	}
	empty := b.often(func() { s.fail("idle look", s.inspection.DeemDue(s.ctx)) })
	const later = 90 * 24 * time.Hour
	for _, copies := range []inspection.Copies{
		{VisitID: v.ID, N: due / 3},
		{VisitID: v.ID, N: (open - due) / 3, Later: later},
		{VisitID: v.ID, N: (million - open) / 3, Later: later, Only: inspection.DeadlineReply},
	} {
		s.fail("copy", s.copies(copies))
	}
	idle := b.often(func() { s.fail("idle look", s.inspection.DeemDue(s.ctx)) })
	s.fail("report", b.report(figure{
		Bench: "sweep", Case: "look, nothing due", N: million, Value: millis(idle), Unit: "ms",
		Baseline: "empty table", Against: millis(empty), Limit: 20,
	}))
	s.wait()
	commit := b.rawCommit(s)
	drained := timed(func() { s.fail("drain", s.inspection.DeemDue(s.ctx)) })
	if p := s.part(v, "lst/amr"); s.err == nil && p.Deemed == nil {
		return fmt.Errorf("nothing was deemed: %+v", p.OpenHolds())
	}
	n := due/3*3 + 3
	s.fail("report", b.report(figure{
		Bench: "sweep", Case: fmt.Sprintf("%d due of %d open, drained", n, open), N: n, Value: drained.Seconds(), Unit: "s",
		Baseline: "as many raw commits", Against: commit.Seconds() * float64(n), Limit: 60,
	}))
	return s.err
}

func (s *stage) copies(c inspection.Copies) error {
	const each = 10_000
	for c.N > 0 {
		part := c
		part.N = min(each, c.N)
		if err := s.db.Write(s.ctx, func(tx bun.IDB) error { return inspection.Copy(s.ctx, tx, part) }); err != nil {
			return err
		}
		c.N -= part.N
	}
	return nil
}

// wait lives through the reply term with the ways in alive, but looks at no
// deadline.
func (s *stage) wait() {
	due, err := s.nextDeadline(s.ctx)
	s.fail("find the deadline", err)
	s.idle(due)
}

// idle lives on to an instant as wait does.
func (s *stage) idle(then time.Time) {
	for s.err == nil && s.dial.Now().Before(then) {
		stop := s.step(s.dial.Now())
		if then.Before(stop) {
			stop = then
		}
		s.dial.skipTo(stop)
		s.fail("live on", errors.Join(
			s.clock.Check(s.ctx), s.notify.Beat(s.ctx, notify.Portal, s.dial.Now(), true), s.notify.SendCanary(s.ctx),
		))
	}
}

// rawCommit is what a commit of one row costs on this machine and database:
// the high-water mark of the clock moves on.
func (b *bench) rawCommit(s *stage) time.Duration {
	var times []time.Duration
	for range 50 {
		s.dial.skipTo(s.dial.Now().Add(time.Millisecond))
		times = append(times, timed(func() { s.fail("commit", s.clock.Check(s.ctx)) }))
	}
	return median(times)
}

// leaves fills the evidence log as a year does: cases and heartbeats.
func (s *stage) leaves(n int) error {
	const each = 1_000
	for done := 0; done < n; done += each {
		batch := make([]audit.Leaf, each)
		for i := range batch {
			batch[i] = audit.Leaf{
				Type: "inbound_watermark", Stream: fmt.Sprintf("case/%d/common", (done+i)/40), Actor: "system:bench", At: s.dial.Now(),
				Fields: map[string]any{"channel": notify.Portal, "ok": true, "started_at": s.dial.Now()},
			}
		}
		if err := s.db.Write(s.ctx, func(tx bun.IDB) error { return audit.Record(s.ctx, tx, batch...) }); err != nil {
			return err
		}
	}
	return s.audit.Checkpoint(s.ctx)
}
