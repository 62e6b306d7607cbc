// Package scheduler runs named sweeps on a tick, remembers the last run of
// each, and keeps the trusted clock.
//
// A [Sweep] looks for rows that are due and acts on each; the rows are the
// jobs, the tick only says "look again" (STY-46, STY-47). A run belongs to the
// instance that holds the sweep's lease; the lease saves work between
// instances, correctness rests on the guards of the rows (DL-8). [Clock] says
// what time it is, and whether that may be relied on for a legal step (SIM-7).
//
// Tables: sweeps, clock, clock_findings.
package scheduler

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/google/uuid"

	"lianban/internal/db"
	"lianban/scheduler/workday"
)

const (
	// stopWait is how long Stop waits for running sweeps (STK-13).
	stopWait = 10 * time.Second
	// leaseGrace is how long a run may outlast its interval before another
	// instance takes the sweep over.
	leaseGrace = 30 * time.Second
)

// Sweep is a look at one kind of due row. Run takes a bounded batch, goes on
// after a row that fails and returns the joined errors (STY-50); it may run
// twice, late, or in two processes at once.
type Sweep struct {
	Name  string        // as in rules, for example inspection.deem
	Every time.Duration // from the end of one run to the start of the next
	Run   func(context.Context) error
}

// Scheduler runs sweeps. Make one with [New], call RunOnce, then Start, and
// Stop at the end.
type Scheduler struct {
	db       *db.DB
	now      func() time.Time
	log      *slog.Logger
	sweeps   []Sweep
	instance string

	numbers numbers
	overdue atomic.Int64 // nanoseconds, from the watchdog

	mu   sync.Mutex
	tick gocron.Scheduler // nil before Start and after Stop
}

// New checks the sweeps and gives this process a random instance id; a host
// name would not do, two processes may share it (DB-13). now is the trusted
// clock.
func New(d *db.DB, now func() time.Time, log *slog.Logger, sweeps ...Sweep) (*Scheduler, error) {
	s := &Scheduler{db: d, now: now, log: log, sweeps: sweeps, instance: rand.Text()}
	seen := make(map[string]bool, len(sweeps))
	for _, w := range sweeps {
		if w.Name == "" || seen[w.Name] || w.Every <= 0 || w.Run == nil {
			return nil, fmt.Errorf("sweep %q: wants a name of its own, an interval and a function", w.Name)
		}
		seen[w.Name] = true
	}
	s.numbers.init(sweeps)
	return s, nil
}

// RunOnce runs every sweep once, one after the other in the order given to New:
// the catch-up after an outage, before the tick starts (DL-3). It takes over
// the leases, because those of a process that was killed are still standing. A
// sweep that fails or panics does not stop the next; all errors are returned.
func (s *Scheduler) RunOnce(ctx context.Context) error {
	var errs []error
	for _, w := range s.sweeps {
		if err := s.run(ctx, w, true); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", w.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Start begins to tick and returns at once; each sweep runs immediately, then
// again and again until ctx ends or Stop is called.
func (s *Scheduler) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tick != nil {
		return errors.New("start the scheduler: it runs already")
	}
	tick, err := s.newTick()
	if err != nil {
		return fmt.Errorf("make the tick: %w", err)
	}
	// Before the start: on a stopped scheduler NewJob reports success and
	// does nothing (DL-5).
	for _, w := range s.sweeps {
		if err := s.register(ctx, tick, w); err != nil {
			return errors.Join(fmt.Errorf("register %s: %w", w.Name, err), tick.Shutdown())
		}
	}
	tick.Start()
	s.tick = tick
	return nil
}

// newTick sets everything once for all jobs, so that no job can be registered
// without its panic listener: one such panic would end the process (STK-10).
func (s *Scheduler) newTick() (gocron.Scheduler, error) {
	return gocron.NewScheduler(
		gocron.WithLocation(workday.Shanghai),
		gocron.WithLogger(s.log),
		gocron.WithStopTimeout(stopWait),
		gocron.WithGlobalJobOptions(
			gocron.WithSingletonMode(gocron.LimitModeReschedule), // STK-11
			gocron.WithIntervalFromCompletion(),                  // STK-12
			gocron.WithStartAt(gocron.WithStartImmediately()),
			gocron.WithEventListeners(gocron.AfterJobRunsWithPanic(s.panicked)),
		),
	)
}

func (s *Scheduler) register(ctx context.Context, tick gocron.Scheduler, w Sweep) error {
	run := func(job context.Context) {
		err := s.run(job, w, false)
		switch {
		case err != nil && job.Err() != nil:
			s.log.Info("sweep was stopped", "sweep", w.Name)
		case err != nil:
			s.log.Error("sweep failed", "sweep", w.Name, "error", err)
		}
	}
	_, err := tick.NewJob(gocron.DurationJob(w.Every), gocron.NewTask(run),
		gocron.WithName(w.Name), gocron.WithContext(ctx))
	return err
}

// panicked is the last net: a sweep's own panic ends in call, this one came
// from around it.
func (s *Scheduler) panicked(_ uuid.UUID, name string, value any) {
	s.numbers.count(name, resultPanic, 0)
	s.log.Error("panic outside a sweep", "sweep", name, "panic", value)
}

// Stop cancels the running sweeps and waits up to ten seconds for them. Further
// calls do nothing: gocron is shut down once only (STK-13).
func (s *Scheduler) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tick == nil {
		return nil
	}
	tick := s.tick
	s.tick = nil
	if err := tick.Shutdown(); err != nil {
		return fmt.Errorf("stop the scheduler: %w", err)
	}
	return nil
}
