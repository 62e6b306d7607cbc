package inspection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"go.uber.org/goleak"

	"lianban/internal/audit"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nightly reports whether there is time for many seeds and rounds (DEC-13).
func nightly() bool { return os.Getenv("LIANBAN_NIGHTLY") != "" }

// choose gives the count for the plain suite or for the night.
func choose(plain, night int) int {
	if nightly() {
		return night
	}
	return plain
}

// seeds runs a simulation once for each of n seeds, or for the one that
// LIANBAN_SEED names. A failing seed says how to play it again.
func seeds(t *testing.T, n int, play func(t *testing.T, seed uint64)) {
	t.Helper()
	first, count := uint64(1), uint64(n)
	if text := os.Getenv("LIANBAN_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("LIANBAN_SEED: %v", err)
		}
		first, count = seed, 1
	}
	for seed := first; seed < first+count; seed++ {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("play again: LIANBAN_SEED=%d go test -run '^%s$' ./inspection/", seed, testName(t))
				}
			})
			play(t, seed)
		})
	}
}

// testName is the name of the test function that a subtest belongs to.
func testName(t *testing.T) string {
	name := t.Name()
	for i, c := range name {
		if c == '/' {
			return name[:i]
		}
	}
	return name
}

// agenda is what will happen, by time.
type agenda []event

type event struct {
	at time.Time
	do func()
}

// add puts an event behind those of the same instant.
func (a *agenda) add(at time.Time, do func()) {
	at = at.Truncate(time.Millisecond)
	i := 0
	for i < len(*a) && !(*a)[i].at.After(at) {
		i++
	}
	*a = slices.Insert(*a, i, event{at, do})
}

// take gives the first event that is due by an instant.
func (a *agenda) take(until time.Time) (e event, ok bool) {
	if len(*a) == 0 || (*a)[0].at.After(until) {
		return e, false
	}
	e, *a = (*a)[0], (*a)[1:]
	return e, true
}

// sweeps are the looks of cmd/lianban, in its order: the clock first, then
// what comes in, then what goes out, then what decides.
func (w *testWorld) sweeps() []scheduler.Sweep {
	send := func(channel string) func(context.Context) error {
		return func(ctx context.Context) error { return w.outbox.SendDue(ctx, channel) }
	}
	beat := func(ctx context.Context) error {
		return w.outbox.Beat(ctx, notify.Portal, w.trust.Now(), !w.portalDown)
	}
	return []scheduler.Sweep{
		{Name: "clock.check", Every: 30 * time.Second, Run: w.trust.Check},
		{Name: "portal.beat", Every: time.Minute, Run: beat},
		{Name: "mailbox.canary", Every: 2 * time.Minute, Run: w.outbox.SendCanary},
		{Name: "outbox.portal", Every: 5 * time.Second, Run: send(notify.Portal)},
		{Name: "outbox.mail", Every: 5 * time.Second, Run: send(notify.Mail)},
		{Name: "outbox.sms", Every: 5 * time.Second, Run: send(notify.SMS)},
		{Name: "outbox.ask", Every: 15 * time.Second, Run: w.outbox.AskUnknown},
		{Name: "inspection.deem", Every: 5 * time.Second, Run: w.DeemDue},
		{Name: "inspection.remind", Every: 5 * time.Minute, Run: w.RemindDue},
		{Name: "inspection.escalate", Every: time.Minute, Run: w.EscalateDue},
		{Name: "inspection.rectify", Every: time.Minute, Run: w.RectifyDue},
		{Name: "evidence.checkpoint", Every: time.Minute, Run: w.log.Checkpoint},
	}
}

// sweep runs every sweep once, whatever becomes of each.
func (w *testWorld) sweep(ctx context.Context) error {
	var errs []error
	for _, s := range w.sweeps() {
		if err := s.Run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name, err))
		}
	}
	return errors.Join(errs...)
}

// restart is the same house as a new process: nothing that was in memory is
// left. It starts as serve does, with the catch-up under the leases (DL-3).
func (w *testWorld) restart(ctx context.Context) error {
	w.fresh()
	s, err := scheduler.New(w.DB, w.trust.Now, slog.New(slog.DiscardHandler), w.sweeps()...)
	return errors.Join(err, w.outbox.Recover(ctx), s.RunOnce(ctx))
}

// fresh wires everything anew on the same database, clock and log key.
func (w *testWorld) fresh() {
	key := w.log.Key
	w.trust = &scheduler.Clock{DB: w.DB, Read: w.clock.Read}
	w.wire(w.DB)
	w.log.Key = key
}

// twin is a second instance on the same database and machine (DB-13). What it
// sends goes to the same mail server.
func (w *testWorld) twin() *testWorld {
	other := *w
	loop := w.sent.loop
	other.fresh()
	other.outbox.Instance = "twin"
	w.sent.loop = loop
	return &other
}

// outcomes are all deemed rows by participant; two for one end the test.
func (w *testWorld) outcomes() map[string]Deemed {
	w.t.Helper()
	var rows []Deemed
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		return q.NewSelect().Model(&rows).Scan(w.t.Context())
	}))
	out := make(map[string]Deemed, len(rows))
	for _, row := range rows {
		if _, twice := out[row.ParticipantID]; twice {
			w.t.Fatalf("participant %s has two outcomes", row.ParticipantID)
		}
		out[row.ParticipantID] = row
	}
	return out
}

// deemedLeaves counts the leaves "deemed" of a stream.
func (w *testWorld) deemedLeaves(p Participant) (n int) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		entries, err := audit.Stream(w.t.Context(), q, departmentStream(p.CaseID, p.DepartmentID))
		for _, e := range entries {
			if e.Type == "deemed" {
				n++
			}
		}
		return err
	}))
	return n
}

// hire gives every department more inspectors, so that many visits fit.
func (w *testWorld) hire(n int) {
	w.t.Helper()
	for _, system := range []string{"amr", "fire", "urban"} {
		for i := range n {
			r, err := w.AddResource(w.t.Context(), systemActor, Resource{
				Kind: KindInspector, Name: fmt.Sprintf("%s%d", system, i), DepartmentID: w.department(system),
				PersonID: fmt.Sprintf("%s-more%d", system, i), Qualifications: []Qualification{{Matter: "*", Division: "431103"}},
			}, once.Key{})
			w.must(err)
			w.people[system] = append(w.people[system], r)
		}
	}
}
