package scheduler

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"
)

// finishWait bounds the write that ends a run, which must happen even when the
// run was cancelled (STK-13).
const finishWait = 3 * time.Second

// panicError is a panic that was caught, with where it happened.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// run does one run of a sweep if this instance holds, or can take, its lease.
// takeOver takes it from whoever has it.
func (s *Scheduler) run(ctx context.Context, w Sweep, takeOver bool) error {
	started := s.now()
	mine, err := s.claim(ctx, w, started, takeOver)
	if err != nil {
		s.numbers.count(w.Name, resultError, 0)
		return fmt.Errorf("take the lease: %w", err)
	}
	if !mine {
		s.numbers.count(w.Name, resultSkipped, 0)
		return nil
	}
	runErr := call(ctx, w)
	ended := s.now()
	s.numbers.count(w.Name, resultOf(runErr), ended.Sub(started))
	return errors.Join(runErr, s.finish(ctx, w, outcome{started: started, ended: ended, err: runErr}))
}

// call turns a panic of the sweep into an error, so that the other sweeps go on
// and the row tells what happened (DL-4).
func call(ctx context.Context, w Sweep) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
	}()
	return w.Run(ctx)
}

func (s *Scheduler) claim(ctx context.Context, w Sweep, now time.Time, takeOver bool) (mine bool, err error) {
	row := SweepRow{
		Name: w.Name, Instance: s.instance,
		LastStart: now, LeaseUntil: now.Add(w.Every + leaseGrace),
	}
	err = s.db.Write(ctx, func(tx bun.IDB) error {
		mine, err = claimSweep(ctx, tx, row, takeOver)
		return err
	})
	return mine, err
}

// outcome is what a run leaves in its row.
type outcome struct {
	started, ended time.Time
	err            error
}

// finish notes the end of a run. The lease stays until the interval is over, so
// that another instance does not look again too soon; a run that was stopped
// gives it back at once. An instance that was frozen past its lease finds the
// row taken and changes nothing (DB-13).
func (s *Scheduler) finish(ctx context.Context, w Sweep, o outcome) error {
	row := SweepRow{
		Name: w.Name, Instance: s.instance,
		LastStart: o.started, LastEnd: o.ended, LeaseUntil: o.started.Add(w.Every),
	}
	if ctx.Err() != nil {
		row.LeaseUntil = o.ended
	}
	if o.err != nil {
		row.LastError = shorten(o.err.Error())
	}
	if resultOf(o.err) == resultPanic {
		row.Panics = 1
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWait)
	defer cancel()
	err := s.db.Write(ctx, func(tx bun.IDB) error { return finishSweep(ctx, tx, row) })
	if err != nil {
		return fmt.Errorf("note the end of the run: %w", err)
	}
	return nil
}

// shorten keeps the row small: the log has the whole text.
func shorten(text string) string {
	const most = 500
	if len(text) <= most {
		return text
	}
	text = text[:most]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text
}
