package slot

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"lianban/scheduler/workday"
)

// naive answers the same questions from the text of INS-502 alone: one start
// after the other, minute by minute, person by person, without bits or layers.
// Vehicles and rooms are departments here, too, so that all rules are in one
// place; Min is how many of them are needed.
type naive struct {
	Problem
	staff          []Department // in the order in which they are named
	vehicles, room Department
}

func newNaive(p Problem) naive {
	n := naive{Problem: p, vehicles: naivePool(p.Vehicle), room: naivePool(p.Room)}
	for _, x := range n.room.People {
		for i := range x.Engaged {
			x.Engaged[i].Travel = 0
		}
	}
	n.staff = slices.SortedFunc(slices.Values(p.Departments), func(a, b Department) int {
		return cmp.Or(cmp.Compare(a.Division, b.Division), cmp.Compare(a.ID, b.ID))
	})
	return n
}

func naivePool(p *Pool) (d Department) {
	if p == nil {
		return d
	}
	for _, u := range p.Units {
		d.People = append(d.People, Person{ID: u.ID, Engaged: slices.Clone(u.Engaged)})
	}
	if !p.Optional {
		d.Min = 1
	}
	return d
}

// asked is one person of one department and the time of a visit.
type asked struct {
	d          Department
	x          Person
	start, end time.Time
	day        Day
}

// The rules that ask somebody's time; the last is named after all others.
var naiveRules = []struct {
	code Code
	ok   func(asked) bool
}{
	{NotQualified, func(a asked) bool {
		return !a.x.Unqualified && (a.x.Until.IsZero() || !a.x.Until.Before(a.day.Date))
	}},
	{Recused, func(a asked) bool { return !a.x.Recused }},
	{OnLeave, func(a asked) bool { return idle(a.x.Away, a.start, a.end) }},
	{Busy, func(a asked) bool {
		return a.each(false, func(e Engagement) bool { return idle([]Span{e.Span}, a.start, a.end) })
	}},
	{DayFull, func(a asked) bool { return a.x.PerDay == 0 || a.visits(false) < a.x.PerDay }},
	{Buffer, func(a asked) bool { return a.each(false, a.buffered) }},
	{Travel, func(a asked) bool { return a.each(false, a.reachable) && a.home() }},
	{Reserved, func(a asked) bool {
		return a.each(true, a.buffered) && a.each(true, a.reachable) && (a.x.PerDay == 0 || a.visits(true) < a.x.PerDay)
	}},
}

var held = len(naiveRules) - 1

// each asks about all engagements that are holds, or all that are none.
func (a asked) each(held bool, ok func(Engagement) bool) bool {
	for _, e := range a.x.Engaged {
		if e.Held == held && e.From.Before(e.To) && !ok(e) {
			return false
		}
	}
	return true
}

// idle walks the minutes of a visit.
func idle(spans []Span, start, end time.Time) bool {
	for _, s := range spans {
		for m := start; m.Before(end) && s.From.Before(s.To); m = m.Add(time.Minute) {
			if s.From.Before(m.Add(time.Minute)) && m.Before(s.To) {
				return false
			}
		}
	}
	return true
}

// apart: the visit ends so many minutes before the engagement, or begins so
// many after it.
func (a asked) apart(e Engagement, before, after int) bool {
	return !a.end.Add(time.Duration(before)*time.Minute).After(e.From) ||
		!e.To.Add(time.Duration(after)*time.Minute).After(a.start)
}

func (a asked) reachable(e Engagement) bool { return a.apart(e, e.Travel, e.Travel) }

func (a asked) buffered(e Engagement) bool {
	own := a.apart(e, a.d.After, a.d.Before)    // the new visit's buffers
	others := a.apart(e, a.d.Before, a.d.After) // those of the older visit
	return own && (others || !e.Visit)
}

func (a asked) visits(held bool) (n int) {
	for _, e := range a.x.Engaged {
		if e.Visit && (held || !e.Held) && e.From.Before(e.To) && workday.DateOf(e.From) == a.day.Date {
			n++
		}
	}
	return n
}

// home: from the base after opening, and back before closing.
func (a asked) home() bool {
	way := time.Duration(a.d.Base) * time.Minute
	hours := a.day.Hours
	return way == 0 || !a.start.Add(-way).Before(a.day.Date.At(hours[0].From)) && !a.end.Add(way).After(a.day.Date.At(hours[len(hours)-1].To))
}

func (n naive) why(start time.Time) Reason {
	end := start.Add(time.Duration(n.Minutes) * time.Minute)
	at := slices.IndexFunc(n.Days, func(d Day) bool { return d.Date == workday.DateOf(start) })
	if at < 0 || !n.Days[at].Open {
		return Reason{Code: NotWorkday}
	}
	day := n.Days[at]
	for _, d := range n.staff {
		if slices.Contains(d.Closed, day.Date) {
			return Reason{DeptClosed, d.ID}
		}
	}
	if code := n.hoursAndDates(day, start, end); code != "" {
		return Reason{Code: code}
	}
	if why := n.people(day, start, end); why.Code != "" {
		return why
	}
	if n.HalfDay > 0 && n.visitsInHalfDay(start) >= n.HalfDay {
		return Reason{Code: CentreFull}
	}
	return Reason{}
}

func (n naive) hoursAndDates(d Day, start, end time.Time) Code {
	minute := func(t time.Time) int { return int(t.Sub(d.Date.Midnight()) / time.Minute) }
	inside, opening, closing := false, 24*60, 0
	for _, b := range d.Hours {
		inside = inside || minute(start) >= b.From && minute(end) <= b.To
		opening, closing = min(opening, b.From), max(closing, b.To)
	}
	hour := start.In(workday.Shanghai).Hour()
	switch {
	case start.Truncate(15*time.Minute) != start, minute(start) < opening, minute(end) > closing:
		return OutsideHours
	case !inside:
		return Lunch
	case n.Band == Morning && hour >= 12, n.Band == Afternoon && hour < 12:
		return OtherBand
	case d.Date.Before(n.Earliest):
		return LeadTime
	case !n.Limit.IsZero() && n.Limit.Before(d.Date) && !n.PastLimit:
		return PastLimit
	}
	return ""
}

// people goes through the rules; each leaves fewer who could come.
func (n naive) people(day Day, start, end time.Time) Reason {
	groups := slices.Concat(n.staff, []Department{n.vehicles, n.room})
	left := make([][]Person, len(groups))
	few := make([][]bool, len(naiveRules)) // by rule and group
	for l, rule := range naiveRules {
		few[l] = make([]bool, len(groups))
		for g, d := range groups {
			if l == 0 {
				left[g] = slices.Clone(d.People)
			}
			left[g] = slices.DeleteFunc(left[g], func(x Person) bool { return !rule.ok(asked{d, x, start, end, day}) })
			few[l][g] = len(left[g]) < d.Min
		}
	}
	vehicles, room := len(n.staff), len(n.staff)+1
	for l := range held {
		for g, d := range n.staff {
			switch code := naiveRules[l].code; {
			case few[l][g] && d.Teams && (code == Busy || code == DayFull):
				return Reason{TeamFull, d.ID}
			case few[l][g]:
				return Reason{code, d.ID}
			}
		}
	}
	switch {
	case few[held-1][vehicles]:
		return Reason{Code: NoVehicle}
	case few[held-1][room]:
		return Reason{Code: NoRoom}
	case !idle(n.Away, start, end):
		return Reason{Code: ApplicantAway}
	}
	if g := slices.Index(few[held], true); g >= 0 {
		return Reason{Reserved, groups[g].ID}
	}
	return Reason{}
}

func (n naive) visitsInHalfDay(start time.Time) (count int) {
	for _, s := range n.Centre {
		a, b := s.From.In(workday.Shanghai), start.In(workday.Shanghai)
		if a.YearDay() == b.YearDay() && (a.Hour() < 12) == (b.Hour() < 12) {
			count++
		}
	}
	return count
}

// fits is why in a world in which nobody but the chosen exists.
func (n naive) fits(start time.Time, chosen []string) Reason {
	seen := 0
	only := func(d Department) Department {
		d.People = slices.DeleteFunc(slices.Clone(d.People), func(x Person) bool { return !slices.Contains(chosen, x.ID) })
		seen += len(d.People)
		d.Min = max(d.Min, len(d.People))
		return d
	}
	n.staff = slices.Clone(n.staff)
	for i := range n.staff {
		n.staff[i] = only(n.staff[i])
	}
	n.vehicles, n.room = only(n.vehicles), only(n.room)
	if seen < len(chosen) {
		return Reason{Code: NotQualified}
	}
	return n.why(start)
}

const smallWorlds = 10_000

func TestTheSearchAgreesWithWalkingEveryMinute(t *testing.T) { // INS-502, INS-512
	offered := 0
	for seed := range uint64(smallWorlds) {
		random := rand.New(rand.NewPCG(seed, 512))
		p := smallWorld(random)
		r, n := prepared(t, p), newNaive(p)
		var want []time.Time
		for day, d := range p.Days {
			reasons := map[Reason]int{}
			for minute := 7 * 60; minute < 19*60; minute += step {
				why := n.why(d.Date.At(minute))
				if why.Code == "" {
					want = append(want, d.Date.At(minute))
				}
				reasons[why]++
			}
			if got := sieved(r, day); !maps.Equal(got, reasons) {
				t.Fatalf("seed %d, %s: reasons %v, by hand %v", seed, d.Date, got, reasons)
			}
		}
		if got := r.Starts(); !slices.Equal(got, want) {
			t.Fatalf("seed %d: starts %v, by hand %v", seed, clocks(got), clocks(want))
		}
		start, chosen := someChoice(random, p)
		if got, want := r.Fits(start, chosen), n.fits(start, chosen); got != want {
			t.Fatalf("seed %d: %v at %s fits %v, by hand %v", seed, chosen, start, got, want)
		}
		offered += len(want)
	}
	if offered < smallWorlds {
		t.Errorf("only %d offers in %d worlds: too full to show anything", offered, smallWorlds)
	}
}

// sieved counts the reasons of a day's starts from 07:00 to 19:00.
func sieved(r *Rows, day int) map[Reason]int {
	starts := between((7*60-firstMinute)/grain, (19*60-firstMinute)/grain).and(quarters)
	out := map[Reason]int{}
	r.judge(day, day+1).sieve(day, starts, func(why Reason, caught row) {
		out[why] += caught.count()
		starts = starts.minus(caught)
	})
	if !starts.empty() {
		out[Reason{}] = starts.count()
	}
	return out
}

// someChoice is a start and most of the people and things there are.
func someChoice(random *rand.Rand, p Problem) (start time.Time, chosen []string) {
	add := func(id string) {
		if random.IntN(4) > 0 {
			chosen = append(chosen, id)
		}
	}
	for _, d := range p.Departments {
		for _, x := range d.People {
			add(x.ID)
		}
	}
	for _, pool := range []*Pool{p.Vehicle, p.Room} {
		if pool != nil {
			for _, u := range pool.Units {
				add(u.ID)
			}
		}
	}
	if random.IntN(20) == 0 {
		chosen = append(chosen, "stranger")
	}
	return p.Days[random.IntN(len(p.Days))].Date.At(7*60 + step*random.IntN(48)), chosen
}

func TestEveryOfferFitsAndStandsInItsPlace(t *testing.T) { // INS-508, INS-512
	for seed := range uint64(smallWorlds / 5) {
		r := prepared(t, smallWorld(rand.New(rand.NewPCG(seed, 508))))
		offers := r.Search(0)
		for _, o := range offers {
			if why := r.Fits(o.Start, named(o)); why.Code != "" {
				t.Fatalf("seed %d: %+v is offered and does not fit: %v", seed, o, why)
			}
		}
		if !slices.IsSortedFunc(offers, func(a, b Offer) int {
			return cmp.Or(compareDates(a.Date, b.Date), cmp.Compare(a.AddedTravel, b.AddedTravel), cmp.Compare(a.Load, b.Load), a.Start.Compare(b.Start))
		}) {
			t.Fatalf("seed %d: offers out of order", seed)
		}
	}
}

func TestEveryAlternativeIsTrue(t *testing.T) { // INS-511
	for seed := range uint64(smallWorlds / 5) {
		p := smallWorld(rand.New(rand.NewPCG(seed, 511)))
		p.To = p.From
		offered := prepared(t, p).Starts()
		for _, a := range prepared(t, p).Explain().Alternatives {
			q := p
			q.Band, q.PastLimit = Any, p.PastLimit || a.Kind == BeyondLimit
			chosen := named(a.Offer)
			if a.Kind == LendPeople {
				q.Departments = slices.Clone(p.Departments)
				d := &q.Departments[slices.IndexFunc(q.Departments, func(d Department) bool { return d.ID == a.Department })]
				for i := range a.More {
					chosen = append(chosen, fmt.Sprint("lent", i))
					d.People = append(slices.Clone(d.People), Person{ID: fmt.Sprint("lent", i)})
				}
				d.Base = 0 // whoever is lent is on the spot
			}
			if why := newNaive(q).fits(a.Offer.Start, chosen); why.Code != "" || len(a.Offer.People) != len(p.Departments) {
				t.Fatalf("seed %d: %+v does not open: %v", seed, a, why)
			}
			if slices.Contains(offered, a.Offer.Start) {
				t.Fatalf("seed %d: %+v was offered anyway", seed, a)
			}
		}
	}
}

func FuzzWhyAgreesWithWalkingEveryMinute(f *testing.F) { // INS-502, INS-507
	f.Add(uint64(1), int64(9*60*60*1000))
	f.Add(uint64(2), int64(13*60*60*1000+1))
	f.Fuzz(func(t *testing.T, seed uint64, millisecond int64) {
		p := smallWorld(rand.New(rand.NewPCG(seed, 502)))
		start := tuesday.Midnight().Add(time.Duration(millisecond%(72*60*60*1000)) * time.Millisecond)
		if got, want := prepared(t, p).Why(start), newNaive(p).why(start); got != want {
			t.Errorf("why %v, by hand %v", got, want)
		}
	})
}
