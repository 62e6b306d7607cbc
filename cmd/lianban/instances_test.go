package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/notify"
	"lianban/scheduler"
)

const (
	frozenVisits = 6 // three departments each
	frozenAt     = 5 // the outcome in whose transaction an instance freezes
	deemGrace    = 5 * time.Minute
	// startLead is the time left to the deadlines when the instances start,
	// enough for any machine. What is left of it then is skipped.
	startLead = 20 * time.Minute
)

// Two servers on one PostgreSQL: one is frozen from before the deadlines on,
// the other one freezes itself within the transaction of an outcome. The first
// one thaws and does the work; the second one thaws when nothing is left, and
// changes nothing (DB-13, PRO-1, PRO-2; reliability rules section 9).
func TestOfTwoInstancesFrozenAcrossTheDeadlineEachOutcomeIsWrittenOnce(t *testing.T) {
	url := dbtest.PostgresURL(t)
	c := silentCity(t, url)
	one := c.start(t, url, "")
	one.await(t, "msg=ready")
	one.signal(t, syscall.SIGSTOP)
	other := c.start(t, url, "yes")
	other.await(t, "msg=ready")
	rest := c.due.Sub(c.dial.Now())
	c.dial.skipTo(c.dial.Now().Add(rest))
	other.skip(t, rest)
	other.await(t, freezing)
	if n := c.outcomes(t); n != frozenAt-1 {
		t.Fatalf("%d outcomes when it froze, want %d", n, frozenAt-1)
	}
	one.skip(t, rest) // its clock is the same one
	one.signal(t, syscall.SIGCONT)
	c.until(t, "every outcome", func() bool { return c.outcomes(t) == len(c.silent) })
	thawed := c.dial.Now()
	other.signal(t, syscall.SIGCONT)
	one.end(t)
	c.until(t, "a look by the one that thawed", func() bool { return c.lookedAt(t).After(thawed) })
	other.end(t)
	c.check(t)
}

// deadlineCity is a city in which many deadlines are about to fall due.
type deadlineCity struct {
	*stage
	silent   []string // participants
	answered string
	visits   []string
	due      time.Time
}

// silentCity books visits and lives until just before the deadlines. One
// department answers.
func silentCity(t *testing.T, url string) *deadlineCity {
	t.Helper()
	d, err := db.OpenScratch(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	w, err := bareWorld(victimDay)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.enter(t.Context(), testConfig(t.TempDir()), d, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	w.clock.Offset = nil // its time is not the database's
	c := &deadlineCity{stage: &stage{world: w, ctx: t.Context()}}
	c.fail("furnish", w.furnish(t.Context()))
	c.skip(1, "16:00")
	c.fail("sign in", w.signIn(t.Context()))
	c.skip(0, "09:40")
	for i := range frozenVisits {
		c.visits = append(c.visits, c.book(c.accept(restaurant("lst", i)), 3+i%2, "09:00").ID)
	}
	c.due = c.invite(t).Add(deemGrace)
	c.fail("live", c.stage.until(c.ctx, c.due.Add(-startLead)))
	if c.err != nil {
		t.Fatal(c.err)
	}
	return c
}

// invite notes who is silent, lets one department answer, and gives the
// deadline of all.
func (c *deadlineCity) invite(t *testing.T) (due time.Time) {
	for i, id := range c.visits {
		for _, p := range c.view(t, id).Participants {
			if due = p.RespondBy; i == 0 && c.answered == "" {
				_, err := c.inspection.Reply(c.ctx, c.officer("lst/"+p.System), inspection.ReplyRequest{
					ParticipantID: p.ID, Round: 1, Kind: inspection.ReplyAccept, Channel: "portal",
				})
				c.fail("answer", err)
				c.answered = p.ID
				continue
			}
			c.silent = append(c.silent, p.ID)
		}
	}
	return due
}

func (c *deadlineCity) view(t *testing.T, visit string) inspection.VisitView {
	t.Helper()
	view, err := c.inspection.FindVisit(c.ctx, demoActor, visit)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func (c *deadlineCity) outcomes(t *testing.T) int {
	t.Helper()
	var n int64
	err := c.db.Read(c.ctx, func(q bun.IDB) (err error) {
		n, err = q.NewSelect().Model((*inspection.Deemed)(nil)).Count(c.ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// lookedAt is when the last look at deadlines ended.
func (c *deadlineCity) lookedAt(t *testing.T) (at time.Time) {
	t.Helper()
	err := c.db.Read(c.ctx, func(q bun.IDB) error {
		rows, err := scheduler.ListSweeps(c.ctx, q)
		for _, r := range rows {
			if r.Name == "inspection.deem" {
				at = r.LastEnd
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// until asks until something has happened. A lease lasts 35 s beyond its owner.
func (c *deadlineCity) until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); !happened(); <-tick.C {
		if time.Since(begin) > 5*time.Minute {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// check: one outcome for each silent department and no other, none early, told
// once over each channel, with one leaf.
func (c *deadlineCity) check(t *testing.T) {
	t.Helper()
	for _, id := range c.visits {
		for _, p := range c.view(t, id).Participants {
			silent := slices.Contains(c.silent, p.ID)
			if (p.Deemed != nil) != silent {
				t.Errorf("%s: silent %v, outcome %+v, holds %+v", p.Name, silent, p.Deemed, p.OpenHolds())
				continue
			}
			if silent && (p.Deemed.DecidedAt.Before(p.RespondBy.Add(deemGrace)) || !p.Deemed.DueAt.Equal(p.RespondBy)) {
				t.Errorf("%s: decided %v for T2 %v", p.Name, p.Deemed.DecidedAt, p.RespondBy)
			}
			c.toldOnce(t, p, silent)
		}
	}
	if n := c.outcomes(t); n != len(c.silent) {
		t.Errorf("%d outcomes of %d silent departments", n, len(c.silent))
	}
	if err := c.audit.Verify(c.ctx); err != nil {
		t.Errorf("the evidence log: %v", err)
	}
}

func (c *deadlineCity) toldOnce(t *testing.T, p inspection.ParticipantView, silent bool) {
	t.Helper()
	leaves, channels := 0, map[string]int{}
	err := c.db.Read(c.ctx, func(q bun.IDB) error {
		entries, err := audit.Stream(c.ctx, q, "case/"+p.CaseID+"/"+p.DepartmentID)
		for _, e := range entries {
			if e.Type == "deemed" {
				leaves++
			}
		}
		told, other := notify.ListBySubject(c.ctx, q, p.ID, notify.PurposeDeemed)
		for _, m := range told {
			channels[m.Channel]++
		}
		return errors.Join(err, other)
	})
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	if silent {
		want = 1
	}
	if leaves != want || channels[notify.Portal] != want || channels[notify.Mail] != want {
		t.Errorf("%s: %d leaves, told over %v, want %d of each", p.Name, leaves, channels, want)
	}
}

// server is a process that serves. Its clock goes on by the durations that are
// written to it.
type server struct {
	*exec.Cmd
	clock io.Writer
	log   *bufio.Scanner
	said  strings.Builder
}

// start begins one more server, with the keys of the house and a name of its
// own.
func (c *deadlineCity) start(t *testing.T, url, freezes string) *server {
	t.Helper()
	dir := t.TempDir()
	for _, key := range []string{"log.key", "mail.key"} {
		content, err := os.ReadFile(c.cfg.file(key))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, key), content, 0o400)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Cmd: exec.Command(self)} //nolint:gosec // this very test
	s.Args = []string{"instance"}
	s.Env = append(os.Environ(), "INSTANCE_DB="+url, "INSTANCE_DIR="+dir,
		"INSTANCE_AHEAD="+time.Until(c.dial.Now()).String(), "INSTANCE_FREEZES="+freezes)
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.Stderr = s.Stdout
	if s.clock, err = s.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill() })
	s.log = bufio.NewScanner(out)
	return s
}

// await reads the log until it says a word.
func (s *server) await(t *testing.T, word string) {
	t.Helper()
	for s.log.Scan() {
		s.said.WriteString(s.log.Text() + "\n")
		if strings.Contains(s.log.Text(), word) {
			return
		}
	}
	t.Fatalf("it ended without %q:\n%s", word, s.said.String())
}

func (s *server) skip(t *testing.T, d time.Duration) {
	t.Helper()
	if _, err := fmt.Fprintln(s.clock, d); err != nil {
		t.Fatal(err)
	}
}

func (s *server) signal(t *testing.T, what os.Signal) {
	t.Helper()
	if err := s.Process.Signal(what); err != nil {
		t.Fatalf("%v; it said:\n%s", err, s.said.String())
	}
}

// end tells it to stop, which it does with 0.
func (s *server) end(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	for s.log.Scan() {
		s.said.WriteString(s.log.Text() + "\n")
	}
	if err := s.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, s.said.String())
	}
}

// instance is the process of these servers.
func instance() {
	if err := runInstance(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// runInstance serves under a clock that runs ahead of the machine's and can be
// moved on.
func runInstance() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ahead, err := time.ParseDuration(os.Getenv("INSTANCE_AHEAD"))
	if err != nil {
		return err
	}
	d, err := db.OpenScratch(ctx, os.Getenv("INSTANCE_DB"))
	if err != nil {
		return err
	}
	if os.Getenv("INSTANCE_FREEZES") != "" {
		d.Watch(&freezer{say: os.Stdout})
	}
	dial := newDemoClock(time.Now().Add(ahead))
	go moveOn(dial, os.Stdin)
	h, err := build(testConfig(os.Getenv("INSTANCE_DIR")), d, slog.New(slog.NewTextHandler(os.Stdout, nil)), dial.Read)
	if err != nil {
		return err
	}
	measured := h.clock.Offset
	h.clock.Offset = func(ctx context.Context) (time.Duration, error) {
		offset, err := measured(ctx)
		return offset + time.Until(dial.Now()), err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = h.prepare(ctx)
	}
	if err == nil {
		err = h.serve(ctx, &service{pages: l})
	}
	return errors.Join(err, d.Close())
}

func moveOn(dial *demoClock, by io.Reader) {
	for lines := bufio.NewScanner(by); lines.Scan(); {
		if d, err := time.ParseDuration(lines.Text()); err == nil {
			dial.skipTo(dial.Now().Add(d))
		}
	}
}

// freezing is what an instance says before it stops itself.
const freezing = "freezing"

// freezer stops its process before it writes one of the outcomes, within the
// transaction.
type freezer struct {
	say      io.Writer
	outcomes atomic.Int32
}

func (f *freezer) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if strings.HasPrefix(e.Query, `INSERT INTO "deemed"`) && f.outcomes.Add(1) == frozenAt {
		fmt.Fprintln(f.say, freezing)
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	}
	return ctx
}

func (f *freezer) AfterQuery(context.Context, *bun.QueryEvent) {}
