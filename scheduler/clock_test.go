package scheduler

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// machine is a computer whose wall clock can be set.
type machine struct {
	mu   sync.Mutex
	wall time.Time
	mono time.Duration
}

func newMachine() *machine {
	return &machine{wall: time.Date(2026, 2, 13, 8, 0, 0, 0, time.UTC)}
}

func (m *machine) read() Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Reading{Wall: m.wall, Mono: m.mono}
}

// pass lets time pass, jump only sets the wall clock.
func (m *machine) pass(d time.Duration) { m.set(d, d) }
func (m *machine) jump(d time.Duration) { m.set(d, 0) }

func (m *machine) set(wall, mono time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wall, m.mono = m.wall.Add(wall), m.mono+mono
}

func newClock(t *testing.T, d *db.DB, m *machine) *Clock {
	t.Helper()
	c := &Clock{DB: d, Read: m.read}
	check(t, c)
	return c
}

func check(t *testing.T, c *Clock) {
	t.Helper()
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// run lets time pass with a check every 30 s.
func (m *machine) run(t *testing.T, c *Clock, d time.Duration) {
	t.Helper()
	for ; d > 0; d -= 30 * time.Second {
		m.pass(30 * time.Second)
		check(t, c)
	}
}

func wantHealth(t *testing.T, c *Clock, since time.Time, want string) {
	t.Helper()
	err := c.DB.Read(t.Context(), func(q bun.IDB) error {
		if ok, reason := c.Healthy(t.Context(), q, since); ok != (want == "") || reason != want {
			t.Errorf("clock healthy: %v %q, want %q", ok, reason, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestClockThatWasNeverCheckedIsNotHealthy(t *testing.T) { // INS-907, SIM-7
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newMachine()
		c := &Clock{DB: d, Read: m.read}
		wantHealth(t, c, m.wall, ClockUnchecked)
		check(t, c)
		wantHealth(t, c, m.wall, "")
	})
}

func TestSmoothCorrectionsAreNoJumps(t *testing.T) { // DL-18
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newMachine()
		c := newClock(t, d, m)
		begin := m.wall
		for range 5 {
			m.jump(5 * time.Second)
			m.run(t, c, time.Minute)
			m.jump(-5 * time.Second)
			m.run(t, c, time.Minute)
		}
		wantHealth(t, c, begin, "")
	})
}

func TestNoLegalStepBetweenAJumpAndTheNextCheck(t *testing.T) { // SIM-7
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, jump := range []time.Duration{10 * 24 * time.Hour, 6 * time.Second, -6 * time.Second} {
			m := newMachine()
			c := newClock(t, d, m)
			begin := m.wall
			m.pass(10 * time.Second)
			m.jump(jump)
			wantHealth(t, c, begin, ClockJump)
			m.jump(-jump) // back before anybody checked
			wantHealth(t, c, begin, "")
		}
	})
}

func TestSmallJumpHoldsLegalStepsForAStableHour(t *testing.T) { // DL-18, INS-907
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newMachine()
		c := newClock(t, d, m)
		begin := m.wall
		m.jump(time.Minute)
		check(t, c)
		wantHealth(t, c, begin, ClockJump)
		m.run(t, c, 59*time.Minute)
		wantHealth(t, c, begin, ClockJump)
		wantHealth(t, c, m.wall, ClockJump) // the hour counts for everybody
		m.run(t, c, 2*time.Minute)
		wantHealth(t, c, begin, "")
	})
}

func TestSmallJumpsSinceServiceMayNotSumUpToMoreThanTheGrace(t *testing.T) { // INS-907
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newMachine()
		c := newClock(t, d, m)
		begin := m.wall
		for range 2 {
			m.jump(-3 * time.Minute)
			check(t, c)
			m.run(t, c, 90*time.Minute)
		}
		wantHealth(t, c, begin, ClockJump)
		wantHealth(t, c, begin.Add(30*time.Minute), "") // only the second one since
	})
}

func TestWildJumpStopsLegalStepsUntilItIsAccepted(t *testing.T) { // DL-18
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, jump := range []time.Duration{6 * time.Minute, 400 * 24 * time.Hour, -3 * time.Hour} {
			m := newMachine()
			c := newClock(t, d, m)
			begin := m.wall
			m.jump(jump)
			m.run(t, c, 5*time.Hour)
			wantHealth(t, c, begin, ClockJump)
			wantHealth(t, c, m.wall, ClockJump) // for deadlines that started since, too

			restarted := newClock(t, d, m)
			wantHealth(t, restarted, m.wall, ClockJump)
			if err := restarted.Accept(t.Context(), "person:7", "checked against the radio clock"); err != nil {
				t.Fatal(err)
			}
			wantHealth(t, restarted, begin, "")
			check(t, c) // the other process learns it from the tables
			wantHealth(t, c, begin, "")
			if !c.Now().Equal(m.wall) {
				t.Errorf("now is %s after accepting %s", c.Now(), m.wall)
			}
			reset(t, d)
		}
	})
}

// reset forgets the mark and the findings between machines of one test.
func reset(t *testing.T, d *db.DB) {
	t.Helper()
	err := d.Write(t.Context(), func(tx bun.IDB) error {
		if _, err := tx.NewDelete().Model((*Finding)(nil)).Where("1 = 1").Exec(t.Context()); err != nil {
			return err
		}
		return setMark(t.Context(), tx, time.Time{})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTrustedTimeNeverRunsBehindItsMark(t *testing.T) { // DL-17
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newMachine()
		c := newClock(t, d, m)
		m.run(t, c, time.Minute)
		mark := m.wall

		m.jump(-2 * time.Minute)
		if !c.Now().Equal(mark) {
			t.Errorf("now is %s, behind the mark %s", c.Now(), mark)
		}
		restarted := &Clock{DB: d, Read: m.read}
		wantHealth(t, restarted, mark, ClockUnchecked)
		check(t, restarted)
		if !restarted.Now().Equal(mark) {
			t.Errorf("after a restart now is %s, behind the mark %s", restarted.Now(), mark)
		}
		wantHealth(t, restarted, mark, ClockBehind)
		m.run(t, restarted, 3*time.Minute)
		wantHealth(t, restarted, mark, ClockJump) // the finding of the restart, for an hour
		m.run(t, restarted, time.Hour)
		wantHealth(t, restarted, mark, "")
	})
}

func TestOneWildJumpDoesNotPoisonTheMark(t *testing.T) { // DL-17
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newMachine()
		c := newClock(t, d, m)
		m.run(t, c, time.Minute)
		m.jump(1000 * time.Hour)
		m.run(t, c, time.Hour)
		m.jump(-1000 * time.Hour)
		m.run(t, c, time.Minute)
		if !c.Now().Equal(m.wall) {
			t.Errorf("now is %s, the wall clock says %s", c.Now(), m.wall)
		}
	})
}

func TestJumpIsFoundForServicesOfTheMomentBeforeIt(t *testing.T) { // INS-907
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newMachine()
		c := newClock(t, d, m)
		m.pass(29 * time.Second)
		served := c.Now() // after the last check, before the jump back
		m.jump(-4 * time.Minute)
		m.pass(time.Second)
		check(t, c)
		findings := listFindings(t, d)
		if len(findings) != 1 || findings[0].At.Before(served) || findings[0].Drift() != -4*time.Minute {
			t.Errorf("findings %+v, want one not before %s", findings, served)
		}
	})
}

func listFindings(t *testing.T, d *db.DB) (all []Finding) {
	t.Helper()
	err := d.Read(t.Context(), func(q bun.IDB) (err error) {
		all, err = ListFindings(t.Context(), q, time.Time{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMeasuredOffsetStopsLegalSteps(t *testing.T) { // SIM-7, DL-18
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newMachine()
		var offset time.Duration
		c := newClock(t, d, m)
		c.Offset = func(context.Context) (time.Duration, error) { return offset, nil }
		for _, tt := range []struct {
			offset time.Duration
			want   string
		}{
			{time.Second, ""}, {-1001 * time.Millisecond, ClockOffset}, {1001 * time.Millisecond, ClockOffset}, {0, ""},
		} {
			offset = tt.offset
			m.run(t, c, 30*time.Second)
			wantHealth(t, c, m.wall, tt.want)
		}
		c.Offset = func(context.Context) (time.Duration, error) { return 0, errors.New("no answer") }
		if err := c.Check(t.Context()); err == nil {
			t.Error("a measure that failed was taken for a good one")
		}
	})
}

func TestAnInstanceFiveSecondsFromTheDatabaseIsNotReady(t *testing.T) { // DL-18
	m := newMachine()
	c := newClock(t, dbtest.SQLite(t), m)
	if err := c.Apart(); err != nil {
		t.Errorf("without a measure: %v", err)
	}
	var offset time.Duration
	c.Offset = func(context.Context) (time.Duration, error) { return offset, nil }
	for _, tt := range []struct {
		offset time.Duration
		apart  bool
	}{
		{5 * time.Second, false}, {-5001 * time.Millisecond, true}, {5001 * time.Millisecond, true}, {0, false},
	} {
		offset = tt.offset
		m.run(t, c, 30*time.Second)
		if err := c.Apart(); (err != nil) != tt.apart {
			t.Errorf("%s away: %v", offset, err)
		}
	}
}

func TestOffsetToPostgresIsMeasured(t *testing.T) { // DL-18
	d := dbtest.Postgres(t)
	begin := time.Now()
	for _, ahead := range []time.Duration{0, time.Hour} {
		read := func() Reading { return Reading{Wall: time.Now().Add(ahead), Mono: time.Since(begin)} }
		got, err := DatabaseOffset(d, read)(t.Context())
		if err != nil || (got+ahead).Abs() > time.Second {
			t.Errorf("%s ahead of the database is measured as %s (%v)", ahead, got, err)
		}
	}
}

func TestAcceptingNeedsAReasonAndAFinding(t *testing.T) { // DL-18, OUT-11
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newMachine()
		c := newClock(t, d, m)
		if err := c.Accept(t.Context(), "person:7", " "); !fault.Is(err, "clock_reason_missing") {
			t.Errorf("%v, want clock_reason_missing", err)
		}
		if err := c.Accept(t.Context(), "person:7", "why not"); !fault.Is(err, "clock_accept_needless") {
			t.Errorf("%v, want clock_accept_needless", err)
		}
	})
}

func TestJumpAndAcceptanceAreToldInTheirTransactions(t *testing.T) { // DL-18: each is a leaf
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newMachine()
		c := newClock(t, d, m)
		var told []Finding
		var refuse error
		c.Found = func(_ context.Context, _ bun.IDB, f Finding) error {
			told = append(told, f)
			return refuse
		}
		m.jump(time.Hour)
		refuse = errors.New("no leaf")
		if err := c.Check(t.Context()); !errors.Is(err, refuse) {
			t.Errorf("check gave %v", err)
		}
		if n := len(listFindings(t, d)); n != 0 {
			t.Errorf("%d findings stored without their leaf", n)
		}
		refuse, told = nil, nil
		check(t, c) // the jump is still seen
		if err := c.Accept(t.Context(), "person:7", "summer cleaning"); err != nil {
			t.Fatal(err)
		}
		if len(told) != 2 || told[0].AcceptedBy != "" || told[1].AcceptedBy != "person:7" ||
			told[1].Reason != "summer cleaning" || told[1].Drift() != time.Hour || told[1].ID != told[0].ID {
			t.Errorf("told %+v", told)
		}
	})
}

func TestUnreadableFindingsAreNotHealthy(t *testing.T) { // a condition that cannot be evaluated is false
	m := newMachine()
	c := newClock(t, dbtest.SQLite(t), m)
	ctx, cancel := context.WithCancel(t.Context())
	err := c.DB.Read(t.Context(), func(q bun.IDB) error {
		cancel()
		if ok, reason := c.Healthy(ctx, q, m.wall); ok || reason != ClockUnchecked {
			t.Errorf("healthy: %v %q", ok, reason)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestClockCheckRunsAsASweep(t *testing.T) { // DL-2, table of sweeps
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		c := &Clock{DB: dbtest.SQLite(t), Read: func() Reading { return Reading{Wall: time.Now(), Mono: time.Since(begin)} }}
		s := newScheduler(t, c.DB, c.Now, Sweep{Name: "clock.check", Every: 30 * time.Second, Run: c.Check})
		start(t, s)
		time.Sleep(3 * time.Hour)
		stop(t, s)
		wantHealth(t, c, begin, "")
		if now := c.Now(); now.Location() != time.UTC || now.Nanosecond()%int(time.Millisecond) != 0 {
			t.Errorf("now is %s, want UTC in whole milliseconds", now)
		}
	})
}
