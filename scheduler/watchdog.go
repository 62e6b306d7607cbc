package scheduler

import (
	"context"
	"sync"
	"time"
)

// What the watchdog watches for (DL-7).
const (
	watchEvery    = 15 * time.Second
	watchPatience = 10 * time.Second
	overdueAlarm  = 60 * time.Second
	stallLimit    = 300 * time.Second
)

// Watch looks from outside the tick whether work gets done, until ctx ends:
// whether the tables hold rows that are overdue, and whether sweeps still come
// to an end. overdue asks the tables for the age of the oldest overdue row that
// is not on hold. stalled is called once when no sweep has ended for 300 s; it
// dumps the goroutines and ends the process with 70, so that its supervisor
// starts it again. Run Watch on a goroutine of its own.
func (s *Scheduler) Watch(ctx context.Context, overdue func(context.Context) (time.Duration, error), stalled func()) {
	var loops sync.WaitGroup
	// Two loops, because the question to the tables may itself hang.
	loops.Go(func() { s.watchTables(ctx, overdue) })
	loops.Go(func() { s.watchProgress(ctx, stalled) })
	loops.Wait()
}

func (s *Scheduler) watchTables(ctx context.Context, overdue func(context.Context) (time.Duration, error)) {
	each(ctx, watchEvery, func() bool {
		asking, cancel := context.WithTimeout(ctx, watchPatience)
		defer cancel()
		oldest, err := overdue(asking)
		if err != nil {
			s.log.Error("watchdog cannot ask for overdue rows", "error", err)
			return true
		}
		s.overdue.Store(int64(oldest))
		if oldest > overdueAlarm {
			s.log.Error("rows are overdue", "oldest_overdue_seconds", oldest.Seconds())
		}
		return true
	})
}

// watchProgress counts ticks instead of reading a clock: a process that was
// frozen as a whole wakes up to one tick, not to a stall.
func (s *Scheduler) watchProgress(ctx context.Context, stalled func()) {
	last, idle := s.numbers.finished.Load(), time.Duration(0)
	each(ctx, watchEvery, func() bool {
		if n := s.numbers.finished.Load(); n != last {
			last, idle = n, 0
			return true
		}
		if idle += watchEvery; idle < stallLimit {
			return true
		}
		s.log.Error("no sweep has ended for too long", "seconds", idle.Seconds())
		stalled()
		return false
	})
}

// each calls fn on every tick until it returns false or ctx ends.
func each(ctx context.Context, interval time.Duration, fn func() bool) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if !fn() {
				return
			}
		}
	}
}
