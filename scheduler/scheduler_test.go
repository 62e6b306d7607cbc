package scheduler

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"
	"go.uber.org/goleak"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func newScheduler(t *testing.T, d *db.DB, now func() time.Time, sweeps ...Sweep) *Scheduler {
	t.Helper()
	s, err := New(d, now, quiet, sweeps...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// counting is a sweep that only counts its runs.
func counting(name string, every time.Duration, runs *atomic.Int64) Sweep {
	return Sweep{Name: name, Every: every, Run: func(context.Context) error {
		runs.Add(1)
		return nil
	}}
}

func start(t *testing.T, s *Scheduler) {
	t.Helper()
	if err := s.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func stop(t *testing.T, s *Scheduler) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

func sweepRow(t *testing.T, d *db.DB, name string) SweepRow {
	t.Helper()
	var rows []SweepRow
	err := d.Read(t.Context(), func(q bun.IDB) (err error) {
		rows, err = ListSweeps(t.Context(), q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no row for sweep %s", name)
	return SweepRow{}
}

func TestSweepsRunAtStartAndThenOnEveryTick(t *testing.T) { // DL-2
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t)
		var runs, slow atomic.Int64
		s := newScheduler(t, d, time.Now, counting("a", 10*time.Second, &runs),
			Sweep{Name: "slow", Every: 10 * time.Second, Run: func(context.Context) error {
				slow.Add(1)
				time.Sleep(20 * time.Second)
				return nil
			}})
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if runs.Load() != 1 {
			t.Errorf("%d runs at once after the start, want 1", runs.Load())
		}
		time.Sleep(59 * time.Second)
		if runs.Load() != 6 {
			t.Errorf("%d runs in 59 s at 10 s, want 6", runs.Load())
		}
		if slow.Load() != 2 { // at 0 and 30: the interval begins when the run ends
			t.Errorf("%d runs of a slow sweep in 59 s, want 2", slow.Load())
		}
		stop(t, s)
		time.Sleep(time.Minute)
		if runs.Load() != 6 {
			t.Errorf("a sweep ran after Stop")
		}
	})
}

// deadlines are rows in miniature: due instants, and when they were acted on.
type deadlines struct {
	due   []time.Time
	acted []time.Time
}

func (l *deadlines) sweep(context.Context) error {
	now := time.Now()
	for i, due := range l.due {
		if l.acted[i].IsZero() && !due.After(now) {
			l.acted[i] = now
		}
	}
	return nil
}

func TestDeadlinesOfAnOutageAreCaughtUpBeforeTheTick(t *testing.T) { // PRO-1, DL-3
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t)
		l := &deadlines{acted: make([]time.Time, 40)}
		for i := range l.acted {
			l.due = append(l.due, time.Now().Add(time.Duration(i)*3*time.Hour+time.Second))
		}
		sweep := Sweep{Name: "deem", Every: 5 * time.Minute, Run: l.sweep}
		first := newScheduler(t, d, time.Now, sweep)
		start(t, first)
		time.Sleep(24 * time.Hour)
		stop(t, first)
		time.Sleep(72 * time.Hour) // nobody there

		back := time.Now()
		second := newScheduler(t, d, time.Now, sweep)
		if err := second.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, due := range l.due {
			if due.Before(back) && l.acted[i].IsZero() {
				t.Errorf("deadline %s was not caught up at %s", due, back)
			}
		}
		if err := second.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(48 * time.Hour)
		stop(t, second)
		for i, due := range l.due {
			if l.acted[i].Before(due) {
				t.Errorf("deadline %s acted on at %s", due, l.acted[i])
			}
			outage := due.After(back.Add(-72*time.Hour)) && due.Before(back)
			if late := l.acted[i].Sub(due); late > 5*time.Minute && !outage {
				t.Errorf("deadline %s was %s late", due, late)
			}
		}
	})
}

func TestPanickingSweepDoesNotStopTheOthers(t *testing.T) { // DL-4
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t)
		var runs atomic.Int64
		bad := Sweep{Name: "bad", Every: 10 * time.Second, Run: func(context.Context) error { panic("broken row") }}
		s := newScheduler(t, d, time.Now, bad, counting("good", 10*time.Second, &runs))
		if err := s.RunOnce(t.Context()); err == nil || !strings.Contains(err.Error(), "broken row") {
			t.Errorf("RunOnce gave %v, want the panic", err)
		}
		if runs.Load() != 1 {
			t.Errorf("%d runs of the sweep after the bad one, want 1", runs.Load())
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Second)
		stop(t, s)
		row := sweepRow(t, d, "bad")
		if row.Panics != 4 || !strings.HasPrefix(row.LastError, "panic: broken row") {
			t.Errorf("row of the bad sweep: %d panics, %q; want 4", row.Panics, row.LastError)
		}
		numbers := s.Numbers()
		if numbers[0].Sweep != "bad" || numbers[0].Runs[resultPanic] != 4 || numbers[1].Runs[resultOK] != 4 {
			t.Errorf("numbers %+v", numbers)
		}
	})
}

func TestFailingSweepLeavesItsErrorAndARunThatGoesWellClearsIt(t *testing.T) { // DL-8
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		at := time.Date(2026, 2, 13, 8, 0, 0, 0, time.UTC)
		fail := errors.New(strings.Repeat("坏", 400))
		w := Sweep{Name: "w", Every: time.Second, Run: func(context.Context) error { return fail }}
		s := newScheduler(t, d, func() time.Time { return at }, w)
		if err := s.RunOnce(t.Context()); !errors.Is(err, fail) {
			t.Errorf("RunOnce gave %v", err)
		}
		row := sweepRow(t, d, "w")
		if row.LastError != strings.Repeat("坏", 166) { // 500 bytes, whole characters
			t.Errorf("last error %q", row.LastError)
		}
		if !row.LastStart.Equal(at) || !row.LastEnd.Equal(at) {
			t.Errorf("ran from %s to %s, want %s", row.LastStart, row.LastEnd, at)
		}
		fail = nil
		if err := s.RunOnce(t.Context()); err != nil {
			t.Error(err)
		}
		if row := sweepRow(t, d, "w"); row.LastError != "" {
			t.Errorf("last error %q after a good run", row.LastError)
		}
	})
}

func TestTwoInstancesDoNotWorkTwiceAndOneTakesOver(t *testing.T) { // DL-8
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t)
		var runs [2]atomic.Int64
		var instances [2]*Scheduler
		for i := range instances {
			instances[i] = newScheduler(t, d, time.Now, counting("w", 10*time.Second, &runs[i]))
			if err := instances[i].Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			time.Sleep(3 * time.Second) // they tick out of step
		}
		time.Sleep(10 * time.Minute)
		if sum := runs[0].Load() + runs[1].Load(); sum < 55 || sum > 61 {
			t.Errorf("%d and %d runs in 606 s at 10 s, want about 60 in all", runs[0].Load(), runs[1].Load())
		}
		if instances[1].Numbers()[0].Runs[resultSkipped] == 0 {
			t.Error("the second instance never found the lease taken")
		}

		stop(t, instances[0])
		before := runs[1].Load()
		time.Sleep(15 * time.Second)
		if runs[1].Load() == before {
			t.Error("nobody took over within 15 s")
		}
		stop(t, instances[1])
	})
}

func TestLeaseRunsOutAndAFrozenInstanceWakesUpToNothing(t *testing.T) { // DL-6, DB-13
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		at := time.Date(2026, 2, 13, 8, 0, 0, 0, time.UTC)
		now := func() time.Time { return at }
		var other *Scheduler
		var runs atomic.Int64
		tryOther := func() int64 {
			before := runs.Load()
			if err := other.run(t.Context(), other.sweeps[0], false); err != nil {
				t.Fatal(err)
			}
			return runs.Load() - before
		}
		other = newScheduler(t, d, now, counting("w", 5*time.Second, &runs))
		frozen := newScheduler(t, d, now, Sweep{Name: "w", Every: 5 * time.Second, Run: func(context.Context) error {
			at = at.Add(35*time.Second - time.Millisecond)
			if n := tryOther(); n != 0 {
				t.Error("the lease was taken before it ran out")
			}
			at = at.Add(time.Millisecond)
			if n := tryOther(); n != 1 {
				t.Error("the lease was not taken when it had run out")
			}
			return errors.New("too late to matter")
		}})
		if err := frozen.run(t.Context(), frozen.sweeps[0], false); err == nil {
			t.Error("the frozen run's own error was lost")
		}
		if row := sweepRow(t, d, "w"); row.Instance != other.instance || row.LastError != "" {
			t.Errorf("the frozen instance wrote over the row: %+v", row)
		}
	})
}

func TestCatchUpDoesNotWaitForTheLeaseOfAKilledProcess(t *testing.T) { // DL-3, DL-6
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		at := time.Date(2026, 2, 13, 8, 0, 0, 0, time.UTC)
		now := func() time.Time { return at }
		var runs atomic.Int64
		w := counting("w", 10*time.Minute, &runs)
		killed := newScheduler(t, d, now, w)
		if mine, err := killed.claim(t.Context(), w, at, false); err != nil || !mine {
			t.Fatalf("claimed %v (%v)", mine, err)
		}
		again := newScheduler(t, d, now, w)
		if err := again.RunOnce(t.Context()); err != nil || runs.Load() != 1 {
			t.Errorf("%d runs (%v), want 1", runs.Load(), err)
		}
		// Not killed after all, and begun in the same millisecond.
		if err := killed.finish(t.Context(), w, outcome{started: at, ended: at, err: errors.New("late")}); err != nil {
			t.Fatal(err)
		}
		if row := sweepRow(t, d, "w"); row.LastError != "" {
			t.Errorf("the instance that lost the lease wrote %q", row.LastError)
		}
	})
}

func TestLeaseWrittenByAClockAheadIsIgnored(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		at := time.Date(2026, 2, 13, 8, 0, 0, 0, time.UTC)
		var runs atomic.Int64
		w := counting("w", 5*time.Second, &runs)
		ahead := newScheduler(t, d, time.Now, w)
		if _, err := ahead.claim(t.Context(), w, at.AddDate(1, 0, 0), false); err != nil {
			t.Fatal(err)
		}
		s := newScheduler(t, d, func() time.Time { return at }, w)
		if err := s.run(t.Context(), w, false); err != nil || runs.Load() != 1 {
			t.Errorf("%d runs (%v), want 1", runs.Load(), err)
		}
	})
}

func TestStoppedSweepGivesItsLeaseBack(t *testing.T) { // STK-13
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t)
		s := newScheduler(t, d, time.Now, Sweep{Name: "w", Every: time.Hour, Run: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop(t, s)
		stop(t, s) // shutting gocron down twice may hang (gocron#876)
		if row := sweepRow(t, d, "w"); row.LeaseUntil.After(time.Now()) || row.LastEnd.IsZero() {
			t.Errorf("after Stop the row is %+v", row)
		}
	})
}

func TestPanicListenerFires(t *testing.T) { // DL-5, STK-10
	synctest.Test(t, func(t *testing.T) {
		broken := func() time.Time { panic("the clock is gone") } // outside the sweep's own net
		s := newScheduler(t, dbtest.SQLite(t), broken, counting("w", 10*time.Second, new(atomic.Int64)))
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Second)
		stop(t, s)
		if n := s.Numbers()[0].Runs[resultPanic]; n != 3 {
			t.Errorf("the listener fired %d times in 25 s, want 3", n)
		}
	})
}

func TestSchedulerStartsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, dbtest.SQLite(t), time.Now)
		stop(t, s) // never started
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err == nil {
			t.Error("started twice")
		}
		stop(t, s)
	})
}

func TestSweepsWithoutNameIntervalOrFunctionAreRefused(t *testing.T) {
	run := func(context.Context) error { return nil }
	for name, sweeps := range map[string][]Sweep{
		"no name":     {{Every: time.Second, Run: run}},
		"no interval": {{Name: "w", Run: run}},
		"no function": {{Name: "w", Every: time.Second}},
		"same name":   {{"w", time.Second, run}, {"w", time.Minute, run}},
	} {
		if _, err := New(nil, time.Now, quiet, sweeps...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
