package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/slot"
)

// booking measures the act of booking on SQLite, beside a commit of one row;
// with --db postgres://… also many windows racing for the same people there.
func (b *bench) booking() error {
	err := b.directory(func(dir string) error {
		s, err := b.benchWorld(dir, "")
		if err != nil {
			return err
		}
		return s.close(b.bookingIn(s))
	})
	if err != nil || !strings.HasPrefix(b.cfg.DB, "postgres") {
		return err
	}
	return b.directory(func(dir string) error {
		s, err := b.benchWorld(dir, b.cfg.DB)
		if err != nil {
			return fmt.Errorf("%w; give an empty PostgreSQL database with --db", err)
		}
		return s.close(b.race(s))
	})
}

// bookingIn books one visit after the other at the best time.
func (b *bench) bookingIn(s *stage) error {
	n := 40
	if b.small {
		n = 4
	}
	s.roomy()
	var times, writes, commits []time.Duration
	parts := &writeTimes{}
	s.db.Watch(parts)
	for i := range n {
		draft := s.draft(restaurant("lst", i))
		offer, err := s.best(draft, "lst")
		s.fail("search", err)
		request := inspection.BookRequest{VisitID: draft, Choice: choiceOf(offer)}
		*parts = writeTimes{}
		times = append(times, timed(func() {
			_, err := s.inspection.Book(s.ctx, s.clerk("lst"), request)
			s.fail("book", err)
		}))
		writes, commits = append(writes, parts.writes), append(commits, parts.commit)
	}
	if s.err != nil {
		return s.err
	}
	commit := b.rawCommit(s)
	err := s.err
	for _, f := range []figure{
		{Case: "book, SQLite FULL, median", Value: millis(median(times)), Baseline: "raw one-row commit", Against: millis(commit)},
		{Case: "of it the rows it writes", Value: millis(median(writes)), Baseline: "raw one-row commit", Against: millis(commit)},
		{Case: "of it the commit", Value: millis(median(commits)), Baseline: "raw one-row commit", Against: millis(commit), Limit: 3 * millis(commit)},
		{Case: "book, SQLite FULL, p99", Value: millis(quantile(times, 0.99)), Limit: 250},
	} {
		f.Bench, f.Unit, f.N = "booking", "ms", n
		err = errors.Join(err, b.report(f))
	}
	return err
}

// writeTimes is what an act's writing statements took, and its commit.
type writeTimes struct{ writes, commit time.Duration }

func (t *writeTimes) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (t *writeTimes) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	took := time.Since(e.StartTime)
	switch e.Operation() {
	case "COMMIT":
		t.commit += took
	case "INSERT", "UPDATE", "DELETE":
		t.writes += took
	}
}

// roomy widens the settings, so that there is room for many visits.
func (s *stage) roomy() {
	for key, value := range map[string]string{"visit.limit": "20", "inspector.max_per_day": "12"} {
		_, err := s.office.ProposeSetting(s.ctx, office.SettingChange{Key: key, Value: value, Reason: "测量"}, "person:bench")
		s.fail("set "+key, err)
	}
	s.pass(1)
}

// draft is a case and its draft visit, without a time yet.
func (s *stage) draft(c scenario) string {
	taken := s.accept(c)
	if s.err != nil {
		return ""
	}
	v, err := s.inspection.Plan(s.ctx, s.clerk(c.area), inspection.PlanRequest{CaseID: taken.ID, Kind: inspection.KindSite})
	s.fail("plan", err)
	return v.ID
}

func (s *stage) best(visit, area string) (slot.Offer, error) {
	found, err := s.inspection.Slots(s.ctx, s.clerk(area), inspection.SlotRequest{VisitID: visit, Limit: 1})
	if err != nil {
		return slot.Offer{}, err
	}
	if len(found.Offers) == 0 {
		return slot.Offer{}, errNoRoom
	}
	return found.Offers[0], nil
}

var errNoRoom = errors.New("no time is free any more")

// The race: as many windows as DB-7 was measured with, all after the people of
// the same six departments.
const (
	racers   = 24
	attempts = 10
)

// petrol is a case for which six departments come.
func petrol(n int) scenario {
	return scenario{"lst", "M37", fmt.Sprintf("测量加油站%d", n), "13807461299", fmt.Sprintf("湘江路%d号", n), 26.4277, 111.5870, ""}
}

// tally is what the racers' attempts came to.
type tally struct {
	mu            sync.Mutex
	times         []time.Duration
	booked, taken int
	err           error
}

func (t *tally) add(took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times = append(t.times, took)
	switch {
	case err == nil:
		t.booked++
	case fault.Is(err, "slot_taken"):
		t.taken++
	default:
		t.err = errors.Join(t.err, err)
	}
}

func (b *bench) race(s *stage) error {
	s.roomy()
	drafts := make(chan string, racers*attempts)
	for n := range racers * attempts {
		drafts <- s.draft(petrol(n))
	}
	close(drafts)
	if s.err != nil {
		return s.err
	}
	var t tally
	var running sync.WaitGroup
	for range racers {
		running.Go(func() {
			for draft := range drafts {
				s.tryOne(&t, draft)
			}
		})
	}
	running.Wait()
	if t.err != nil {
		return t.err
	}
	taken, err := s.taken()
	return errors.Join(err, b.report(figure{
		Bench: "booking", Case: fmt.Sprintf("%d windows race, p99, PostgreSQL", racers), N: len(t.times),
		Value: millis(quantile(t.times, 0.99)), Unit: "ms", Limit: 250, Baseline: "median", Against: millis(median(t.times)),
	}), b.report(figure{
		Bench: "booking", Case: fmt.Sprintf("overlaps after %d booked, %d refused", t.booked, t.taken), Value: float64(overlaps(taken)), Unit: "", Limit: 0.5,
	}))
}

// tryOne books a draft at the time that looks best, together with everybody
// else who does.
func (s *stage) tryOne(t *tally, draft string) {
	offer, err := s.best(draft, "lst")
	if errors.Is(err, errNoRoom) {
		return
	}
	if err != nil {
		t.add(0, err)
		return
	}
	request := inspection.BookRequest{VisitID: draft, Choice: choiceOf(offer)}
	took := timed(func() { _, err = s.inspection.Book(s.ctx, s.clerk("lst"), request) })
	t.add(took, err)
}

// taken gives every booking of the visits that are offered.
func (s *stage) taken() (all []inspection.Booking, err error) {
	visits, err := s.inspection.ListVisits(s.ctx, s.clerk("lst"), inspection.VisitQuery{State: inspection.VisitOffered, Limit: 200})
	for _, v := range visits {
		view, viewErr := s.inspection.FindVisit(s.ctx, demoActor, v.ID)
		all, err = append(all, view.Bookings...), errors.Join(err, viewErr)
	}
	return all, err
}

// overlaps counts how often somebody is in two places at once.
func overlaps(bookings []inspection.Booking) (n int) {
	slices.SortFunc(bookings, func(a, b inspection.Booking) int {
		return cmp.Or(cmp.Compare(a.ResourceID, b.ResourceID), a.Start.Compare(b.Start))
	})
	for i := 1; i < len(bookings); i++ {
		if before, b := bookings[i-1], bookings[i]; before.ResourceID == b.ResourceID && b.Start.Before(before.End) {
			n++
		}
	}
	return n
}
