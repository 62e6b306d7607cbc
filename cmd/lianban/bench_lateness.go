package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/scheduler"
)

// lateness measures how long after deadline and grace an outcome is written, once
// with the house idle and once while windows book, departments answer and couriers
// report (reliability rules section 10). The sweeps run as `serve` runs them.
func (b *bench) lateness() error {
	idle, err := b.latenessUnder(false)
	if err != nil {
		return err
	}
	busy, err := b.latenessUnder(true)
	if err != nil {
		return err
	}
	for _, f := range []figure{
		{Case: "outcome after deadline and grace, p50", Value: quantile(busy.late, 0.5).Seconds(), Against: quantile(idle.late, 0.5).Seconds()},
		{Case: "p99", Value: quantile(busy.late, 0.99).Seconds(), Against: quantile(idle.late, 0.99).Seconds(), Limit: 15},
		{Case: "max", Value: slices.Max(busy.late).Seconds(), Against: slices.Max(idle.late).Seconds(), Limit: 60},
		{Case: "written early", Value: float64(busy.early + idle.early), Limit: 0.5},
		{Case: fmt.Sprintf("beside them: %d booked, %d answers, %d events", busy.booked, busy.answers, busy.events), Value: float64(busy.failed + busy.lost), Unit: "failed", Limit: 0.5},
	} {
		f.Bench, f.N = "lateness", len(busy.late)
		if f.Unit == "" && f.Case != "written early" {
			f.Unit, f.Baseline = "s", "nothing else to do"
		}
		err = errors.Join(err, b.report(f))
	}
	return err
}

// latenessRun is a run and what it came to.
type latenessRun struct {
	late  []time.Duration
	early int

	booked, answers, failed int // by the windows and the departments
	events, lost            int // by the couriers
}

// The deadlines of a run, three to a visit, fall due one visit after the other; so
// often a window books the next visit, and so often a courier's phone reports.
const (
	dueSpan   = 45 * time.Second
	dueVisits = 100
	bookEvery = time.Second
	postEvery = 100 * time.Millisecond
)

func (b *bench) latenessUnder(load bool) (run latenessRun, err error) {
	err = b.directory(func(dir string) error {
		s, err := b.benchWorld(dir, "")
		if err != nil {
			return err
		}
		return s.close(b.latenessIn(s, load, &run))
	})
	return run, err
}

func (b *bench) latenessIn(s *stage, load bool, run *latenessRun) error {
	visits, span, head := dueVisits, dueSpan, 10*time.Second
	if b.small { // all is due when the sweeps begin
		visits, span, head = 4, time.Second, -2*time.Second
	}
	s.roomy()
	v := s.book(s.accept(restaurant("lst", 1)), 3, "09:00")
	due := s.part(v, "lst/amr").RespondBy
	for i := range visits {
		s.fail("copy", s.copies(inspection.Copies{VisitID: v.ID, N: 1, Later: span / time.Duration(visits) * time.Duration(i)}))
	}
	const grace = 5 * time.Minute // deem.grace
	s.idle(due.Add(grace).Add(-5 * time.Minute))
	var events []json.RawMessage
	carrier := &carrying{b: b, s: s}
	for load && len(events) < int(span/postEvery) {
		events = append(events, carrier.round()...)
	}
	s.fail("catch up", runAll(s.ctx, s.sweepsBut("inspection.deem"))) // reminders of the days before
	s.idle(due.Add(grace).Add(-head))
	tick, err := scheduler.New(s.db, s.clock.Now, s.log, s.sweeps(func(context.Context) error { return nil })...)
	if err != nil || s.err != nil {
		return errors.Join(err, s.err)
	}
	since := s.dial.Now()
	if err := tick.Start(s.ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(s.ctx)
	var working sync.WaitGroup
	if load {
		working.Go(func() { run.windows(ctx, s) })
		working.Go(func() { run.couriers(ctx, carrier, events) })
	}
	outcomes, err := s.outcomes(since, 3*visits+3, head+span+time.Minute)
	stop()
	working.Wait()
	for _, o := range outcomes {
		late := o.DecidedAt.Sub(o.DueAt) - grace
		run.late = append(run.late, late)
		if late < 0 {
			run.early++
		}
	}
	return errors.Join(err, tick.Stop(), s.err)
}

// sweepsBut are the house's sweeps without one.
func (s *stage) sweepsBut(name string) []scheduler.Sweep {
	all := s.sweeps(func(context.Context) error { return nil })
	return slices.DeleteFunc(all, func(w scheduler.Sweep) bool { return w.Name == name })
}

// outcomes waits for so many, and gives up after a time.
func (s *stage) outcomes(since time.Time, n int, within time.Duration) (out []inspection.Deemed, err error) {
	for end := wall().Add(within); err == nil && len(out) < n; time.Sleep(200 * time.Millisecond) {
		if wall().After(end) {
			return out, fmt.Errorf("%d of %d outcomes are written", len(out), n)
		}
		err = s.db.Read(s.ctx, func(q bun.IDB) (err error) {
			out, err = inspection.Outcomes(s.ctx, q, since)
			return err
		})
	}
	return out, err
}

// windows take cases in, search for a time and book it; the three departments then
// answer.
func (run *latenessRun) windows(ctx context.Context, s *stage) {
	for n := 100; pause(ctx, bookEvery); n++ {
		if s.err != nil {
			run.failed++
			return
		}
		draft := s.draft(restaurant("lst", n))
		offer, err := s.best(draft, "lst")
		if err != nil {
			run.failed++
			continue
		}
		v, err := s.inspection.Book(s.ctx, s.clerk("lst"), inspection.BookRequest{VisitID: draft, Choice: choiceOf(offer)})
		if err != nil {
			run.failed++
			continue
		}
		run.booked++
		for _, key := range []string{"lst/amr", "lst/fire", "lst/urban"} {
			_, err := s.inspection.Reply(s.ctx, s.officer(key), inspection.ReplyRequest{
				ParticipantID: s.part(v, key).ID, Round: v.Round, Kind: inspection.ReplyAccept, Channel: "portal", ReceivedAt: s.dial.Now(),
			})
			if run.answers++; err != nil {
				run.failed++
			}
		}
	}
}

// couriers send what their phones have recorded, one event at a time.
func (run *latenessRun) couriers(ctx context.Context, c *carrying, events []json.RawMessage) {
	for _, e := range events {
		if !pause(ctx, postEvery) {
			return
		}
		if run.events++; c.send(e) != nil {
			run.lost++
		}
	}
}

// pause reports whether there is still something to do after a while.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
