package scheduler

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/fault"
)

const (
	jumpLimit   = 5 * time.Second // more than this between wall and monotonic is a jump (SIM-7)
	offsetLimit = time.Second     // a measured offset beyond this is unhealthy (SIM-7)
	apartLimit  = 5 * time.Second // with this offset an instance takes no requests (DL-18)
	driftLimit  = 5 * time.Minute // the default of deem.grace: what jumps may sum up to (INS-907)
	stableTime  = time.Hour       // how long a jump within driftLimit keeps legal steps back (DL-18)
)

// Why the clock cannot be relied on.
const (
	ClockUnchecked = "clock_unchecked" // no check since the start, or the findings cannot be read
	ClockJump      = "clock_jump"      // wall and monotonic clock disagree, or did so
	ClockBehind    = "clock_behind"    // the wall clock is behind the high-water mark
	ClockOffset    = "clock_offset"    // the database's or a time server's clock says otherwise
)

// Reading is both clocks of the machine, read at once: the wall clock, which
// people and programs may set, and the time since some start, which runs on
// whatever they do.
type Reading struct {
	Wall time.Time
	Mono time.Duration
}

// Clock is the trusted clock (SIM-7). It never runs behind its stored
// high-water mark, and it knows when the wall clock jumped, so that no legal
// step is taken on a wrong time. Check is to be called at start and every 30 s.
type Clock struct {
	DB   *db.DB
	Read func() Reading
	// Offset measures another clock minus ours; nil where none is at hand
	// (DL-19). See DatabaseOffset.
	Offset func(context.Context) (time.Duration, error)
	// Found is told of each jump and again of its acceptance, on the
	// transaction that stores it: the place for the leaf. It may be nil.
	Found func(ctx context.Context, tx bun.IDB, f Finding) error

	checking sync.Mutex // one Check or Accept at a time

	mu     sync.Mutex // guards what follows
	last   *Reading   // of the last check, nil before the first
	mark   time.Time  // stored high-water mark, as of the last check
	offset time.Duration
}

// Now gives the trusted time, the wall clock but never before the stored mark
// (DL-17), in UTC and whole milliseconds (DL-20).
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return later(c.read().Wall, c.mark)
}

func (c *Clock) read() Reading {
	r := c.Read()
	r.Wall = r.Wall.UTC().Truncate(time.Millisecond) // which also drops Go's own monotonic part
	return r
}

// Check compares the two clocks since the last check. A jump is stored as a
// finding; while all is well the high-water mark moves on. It runs as the sweep
// clock.check, first of all sweeps.
func (c *Clock) Check(ctx context.Context) error {
	c.checking.Lock()
	defer c.checking.Unlock()
	offset, err := c.measure(ctx)
	if err != nil {
		return fmt.Errorf("check the clock: %w", err)
	}
	now := c.read()
	var mark time.Time
	err = c.DB.Write(ctx, func(tx bun.IDB) (err error) {
		mark, err = c.examine(ctx, tx, now, offset)
		return err
	})
	if err != nil {
		return fmt.Errorf("check the clock: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.mark, c.offset = &now, mark, offset
	return nil
}

func (c *Clock) measure(ctx context.Context) (time.Duration, error) {
	if c.Offset == nil {
		return 0, nil
	}
	return c.Offset(ctx)
}

// examine stores what this check found and gives the mark that holds from now
// on. The mark moves only while the clock is healthy, so that one wild jump
// cannot poison it (DL-17).
func (c *Clock) examine(ctx context.Context, tx bun.IDB, now Reading, offset time.Duration) (time.Time, error) {
	mark, err := findMark(ctx, tx)
	if err != nil {
		return mark, err
	}
	expected := c.expected(now, mark)
	drift := now.Wall.Sub(expected)
	if drift.Abs() > jumpLimit {
		// Later than any instant given out before the jump, so that "since T1"
		// includes it whichever way the clock went.
		at := later(later(now.Wall, expected), mark)
		return mark, c.store(ctx, tx, newFinding(at, drift))
	}
	open, err := openFindings(ctx, tx, now.Wall)
	if err != nil {
		return mark, err
	}
	if now.Wall.Before(mark) || offset.Abs() > offsetLimit || unexplained(open, now.Wall, now.Wall) {
		return mark, nil
	}
	return now.Wall, raiseMark(ctx, tx, now.Wall)
}

// expected gives the wall time there should be. After a restart only the mark
// is known: time cannot have gone back, how far it went on nobody can tell.
func (c *Clock) expected(now Reading, mark time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return later(now.Wall, mark)
	}
	return c.last.Wall.Add(now.Mono - c.last.Mono)
}

func (c *Clock) store(ctx context.Context, tx bun.IDB, f Finding) error {
	if err := insertFinding(ctx, tx, f); err != nil {
		return err
	}
	return c.tell(ctx, tx, f)
}

func (c *Clock) tell(ctx context.Context, tx bun.IDB, f Finding) error {
	if c.Found == nil {
		return nil
	}
	return c.Found(ctx, tx, f)
}

// Healthy reports whether the clock was good from an instant until now, and
// else why not, as one of the Clock words: condition P7 (INS-907). Ask it on
// the transaction of the legal step and after reading Now, so that a jump
// between two checks is seen as well. What cannot be read is not healthy.
func (c *Clock) Healthy(ctx context.Context, q bun.IDB, since time.Time) (bool, string) {
	if reason := c.present(); reason != "" {
		return false, reason
	}
	now := c.Now()
	open, err := openFindings(ctx, q, since)
	if err != nil {
		return false, ClockUnchecked
	}
	if unexplained(open, since, now) {
		return false, ClockJump
	}
	return true, ""
}

// present judges the clock at this very moment.
func (c *Clock) present() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return ClockUnchecked
	}
	now := c.read()
	drift := now.Wall.Sub(c.last.Wall) - (now.Mono - c.last.Mono)
	switch {
	case drift.Abs() > jumpLimit:
		return ClockJump
	case now.Wall.Before(c.mark):
		return ClockBehind
	case c.offset.Abs() > offsetLimit:
		return ClockOffset
	}
	return ""
}

// Apart gives an error while the offset that the last check measured is more
// than 5 s: what this instance writes would not fit what the others write, so
// it is not ready (DL-18). Without a measure it is nil.
func (c *Clock) Apart() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.offset.Abs() <= apartLimit {
		return nil
	}
	return fmt.Errorf("the database's clock is %s away from this machine's", c.offset.Round(time.Millisecond))
}

// unexplained weighs open findings (DL-18): a wild one counts until somebody
// accepts it, a smaller one for an hour, and those since an instant may not sum
// up to more than the grace.
func unexplained(open []Finding, since, now time.Time) bool {
	var sum time.Duration
	for _, f := range open {
		size := f.Drift().Abs()
		if size > driftLimit || now.Sub(f.At) < stableTime {
			return true
		}
		if !f.At.Before(since) {
			sum += size
		}
	}
	return sum > driftLimit
}

// Accept declares the present wall time right: all findings are explained, the
// high-water mark is set to it, even backwards, and legal steps go on. by is
// who says so and reason why; both are stored. Refusals: clock_reason_missing,
// clock_accept_needless.
func (c *Clock) Accept(ctx context.Context, by, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return fault.Refuse(fault.Invalid, "clock_reason_missing",
			"请写明为什么确认现在的系统时间是正确的", "say why the present system time is right")
	}
	if err := c.Check(ctx); err != nil { // a jump of the last seconds is accepted too
		return err
	}
	c.checking.Lock()
	defer c.checking.Unlock()
	now := c.read()
	err := c.DB.Write(ctx, func(tx bun.IDB) error {
		return c.accept(ctx, tx, Finding{AcceptedAt: now.Wall, AcceptedBy: by, Reason: reason})
	})
	if err != nil {
		return fmt.Errorf("accept the clock: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.mark = &now, now.Wall
	return nil
}

func (c *Clock) accept(ctx context.Context, tx bun.IDB, how Finding) error {
	accepted, err := acceptFindings(ctx, tx, how)
	if err != nil {
		return err
	}
	if len(accepted) == 0 {
		return fault.Refuse(fault.Conflict, "clock_accept_needless",
			"时钟没有待确认的异常，无需确认", "the clock has no finding to accept; nothing needs to be done")
	}
	if err := setMark(ctx, tx, how.AcceptedAt); err != nil {
		return err
	}
	for _, f := range accepted {
		if err := c.tell(ctx, tx, f); err != nil {
			return err
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
