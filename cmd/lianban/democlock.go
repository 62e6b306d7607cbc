package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/fault"
	"lianban/scheduler"
	"lianban/scheduler/workday"
)

const (
	// demoStep is how far the demo clock moves at a time: the sweeps run at each
	// step, so that an afternoon is lived through, heartbeats and all. It stays
	// below inbound.max_gap, or the way in would count as closed.
	demoStep = 25 * time.Minute

	// From wakes to sleeps, in minutes after midnight on working days, the demo
	// is lived through in steps; nights and days off are skipped: no gap counts
	// outside working hours.
	demoWakes, demoSleeps = 8*60 + 30, 17*60 + 45
)

// demoClock is the clock of the demonstration (DEC-9): it runs at normal speed
// from a chosen instant and can be moved forward. Wall and monotonic time move
// together, so that no jump is found. serve and the tests never see it.
type demoClock struct {
	begin time.Time // real time of the start, with its monotonic reading

	mu    sync.Mutex
	base  time.Time     // demo time at begin
	ahead time.Duration // how far it was moved since

	moving sync.Mutex // one move at a time
}

func newDemoClock(base time.Time) *demoClock { return &demoClock{begin: wall(), base: base} }

// Read gives demo time as scheduler.Clock wants it.
func (c *demoClock) Read() scheduler.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	passed := wall().Sub(c.begin) + c.ahead
	return scheduler.Reading{Wall: c.base.Add(passed), Mono: passed}
}

// Now is demo time.
func (c *demoClock) Now() time.Time { return c.Read().Wall }

func (c *demoClock) skipTo(then time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.base.Add(wall().Sub(c.begin) + c.ahead); then.After(now) { // then may be zero, and no duration is that long
		c.ahead += then.Sub(now)
	}
}

// demoDay gives the day on which the demonstration begins: the latest working
// day not after today whose next fifteen working days lie in years with a final
// calendar (DEC-9). Without that distance a demonstration in the last days of
// the last announced year could show no deemed consent: a deadline that reaches
// into a provisional year never deems (DEC-17).
func demoDay(cal *workday.Calendar, today workday.Date) (workday.Date, error) {
	const ahead = 15
	for day := today; today.Year-day.Year < 20; day = day.AddDays(-1) {
		open, err := cal.IsWorkday(day)
		if err != nil || !open {
			continue
		}
		last, err := cal.Add(day, ahead)
		if err == nil && !cal.Provisional(day) && !cal.Provisional(last) {
			return day, nil
		}
	}
	return workday.Date{}, fault.Refuse(fault.Invalid, "demo_calendar",
		"没有可用于演示的工作日历，请使用更新的程序", "no calendar is final for a demonstration; use a newer program")
}

// before gives the n-th working day before a day.
func before(cal *workday.Calendar, day workday.Date, n int) (workday.Date, error) {
	for n > 0 {
		day = day.AddDays(-1)
		open, err := cal.IsWorkday(day)
		if err != nil {
			return day, err
		}
		if open {
			n--
		}
	}
	return day, nil
}

// until lives through the time to an instant: it moves the clock in steps and
// runs every sweep at each. An instant that is not ahead only runs the sweeps.
func (w *world) until(ctx context.Context, then time.Time) error {
	w.dial.moving.Lock()
	defer w.dial.moving.Unlock()
	for {
		now := w.dial.Now()
		if !now.Before(then) {
			return w.sweep(ctx)
		}
		stop, err := w.nextStop(ctx, now)
		if err != nil {
			return err
		}
		if then.Before(stop) {
			stop = then
		}
		w.dial.skipTo(stop)
		if err := w.sweep(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// nextStop is where the clock halts next: at a deadline, or a step further.
func (w *world) nextStop(ctx context.Context, now time.Time) (time.Time, error) {
	stop := w.step(now)
	due, err := w.nextDeadline(ctx)
	if err == nil && !due.IsZero() && due.Before(stop) {
		stop = due
	}
	return stop, err
}

func (w *world) step(now time.Time) time.Time {
	day := workday.DateOf(now)
	open, err := w.cal.IsWorkday(day)
	if next := now.Add(demoStep); err == nil && open && !now.Before(day.At(demoWakes)) && now.Before(day.At(demoSleeps)) {
		return next
	}
	if now.Before(day.At(demoWakes)) {
		return day.At(demoWakes)
	}
	return day.AddDays(1).At(demoWakes)
}

func (w *world) nextDeadline(ctx context.Context) (due time.Time, err error) {
	err = w.db.Read(ctx, func(q bun.IDB) error {
		due, err = inspection.NextDeadline(ctx, q, w.dial.Now())
		return err
	})
	return due, err
}

// sweep runs the sweeps whose turn it is by the demo clock, without leases: the
// demo is one process. Those that look every few seconds look at every halt; most
// halts of a scene are a moment after the last one.
func (w *world) sweep(ctx context.Context) error {
	now := w.dial.Now()
	waits := func(s scheduler.Sweep) bool {
		return s.Every > 5*time.Second && now.Sub(w.swept[s.Name]) < s.Every
	}
	due := slices.DeleteFunc(w.sweeps(func(context.Context) error { return nil }), waits)
	for _, s := range due {
		w.swept[s.Name] = now
	}
	return runAll(ctx, due)
}
