package slot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lianban/scheduler/workday"
)

// lines writes offers as "09:30 amr:a,b fire:d,e travel 30 load 3".
func lines(p Problem, offers []Offer) (out []string) {
	for _, o := range offers {
		line := clocks([]time.Time{o.Start})[0]
		for _, d := range p.Departments {
			line += fmt.Sprintf(" %s:%s", d.ID, strings.Join(o.People[d.ID], ","))
		}
		out = append(out, fmt.Sprintf("%s travel %d load %d", line, o.AddedTravel, o.Load))
	}
	return out
}

// ranked is a morning on which a, who has the greater load, has a visit near
// the site, and the morning after, on which nobody has.
func ranked() Problem {
	p := newProblem()
	p.Days[0].Hours, p.Days[1].Hours, p.To = morning, morning, tuesday.AddDays(1)
	near := visit(clock(10, 45), clock(11, 0))
	near.Travel = 5
	a, b, c := person("a", near), person("b"), person("c")
	a.Load, b.Load, c.Load = 3, 1, 1
	p.Departments = []Department{{ID: "amr", Min: 1, Base: 25, People: []Person{c, a, b}}}
	return p
}

func TestOffersAreRankedByDayThenTravelThenLoadThenStart(t *testing.T) { // INS-508, SIM-10
	p := ranked()
	want := []string{
		"09:30 amr:a travel 30 load 3", // on the way to the next site
		"09:45 amr:b travel 50 load 1", // of two alike the first by id
		"10:00 amr:b travel 50 load 1",
		"10:15 amr:b travel 50 load 1",
		"10:30 amr:b travel 50 load 1",
		"12-09 09:30 amr:b travel 50 load 1",
		"12-09 09:45 amr:b travel 50 load 1",
		"12-09 10:00 amr:b travel 50 load 1",
		"12-09 10:15 amr:b travel 50 load 1",
		"12-09 10:30 amr:b travel 50 load 1",
	}
	if got := lines(p, prepared(t, p).Search(0)); !slices.Equal(got, want) {
		t.Errorf("offers %s", strings.Join(got, "\n"))
	}
}

func TestADayIsRankedBeforeTheListIsCut(t *testing.T) { // INS-508
	p := ranked()
	near := visit(clock(9, 0), clock(9, 30)) // now the last start is the best
	p.Departments[0].People[1].Engaged = []Engagement{near}
	p.Departments[0].Base = 0
	p.Departments[0].People[0].Recused, p.Departments[0].People[2].Recused = true, true
	everyone(&p, 0, func(x *Person) { x.Load = 0 })
	all := prepared(t, p).Search(0)
	for n := 1; n <= len(all); n++ {
		if got := lines(p, prepared(t, p).Search(n)); !slices.Equal(got, lines(p, all[:n])) {
			t.Errorf("the best %d are %v", n, got)
		}
	}
}

func TestTheOldestEngagementsOfOtherDaysCostNoTravel(t *testing.T) {
	p := newProblem()
	far := visit(tuesday.AddDays(-1).At(600), tuesday.AddDays(-1).At(660))
	far.Travel = 60
	everyone(&p, 0, engage(far))
	if o := prepared(t, p).Search(1)[0]; o.AddedTravel != 0 {
		t.Errorf("travel %d", o.AddedTravel)
	}
}

func TestAVehicleIsTheNearestAndAddsNoTravelOfItsOwn(t *testing.T) {
	p := newProblem()
	near, far := visit(clock(9, 0), clock(9, 30)), visit(clock(9, 0), clock(9, 30))
	near.Travel, far.Travel = 10, 20
	p.Vehicle = &Pool{Units: []Unit{{"far", []Engagement{far}}, {"near", []Engagement{near}}}}
	p.Room = &Pool{Units: []Unit{{"red", nil}, {"blue", nil}}}
	if o := prepared(t, p).Search(1)[0]; o.Vehicle != "near" || o.Room != "blue" || o.AddedTravel != 0 {
		t.Errorf("offer %+v", o)
	}
}

func TestStartsAndSearchSayTheSame(t *testing.T) {
	p := workedExample()
	p.To = tuesday.AddDays(3)
	r := prepared(t, p)
	var starts []time.Time
	for _, o := range r.Search(0) {
		starts = append(starts, o.Start)
	}
	slices.SortFunc(starts, time.Time.Compare)
	if !slices.Equal(starts, r.Starts()) {
		t.Errorf("offers at %v, starts %v", clocks(starts), clocks(r.Starts()))
	}
}

func TestTheBoardShowsEachDepartmentItsOwnReason(t *testing.T) { // STK-55
	p := workedExample()
	p.Vehicle = carOut()
	r := prepared(t, p)
	starts, cells := r.Board(tuesday)
	if len(starts) != 34 || len(cells) != 3 || len(cells[0]) != 34 {
		t.Fatalf("%d starts, %d departments", len(starts), len(cells))
	}
	at := func(department int, start time.Time) Cell { return cells[department][slices.Index(starts, start)] }
	for _, c := range []struct {
		words      string
		department int
		want       Cell
	}{
		{"b is busy", 0, Cell{Start: clock(9, 0), Free: 1, Why: Reason{Busy, "amr"}}},
		{"fire could come, market regulation not", 1, Cell{Start: clock(9, 0), Free: 2, Enough: true, Why: Reason{Busy, "amr"}}},
		{"an offer", 1, Cell{Start: clock(11, 0), Free: 2, Enough: true, Common: true}},
		{"both could not, each has its own", 2, Cell{Start: clock(16, 0), Why: Reason{Busy, "health"}}},
		{"the vehicle is out", 2, Cell{Start: clock(15, 0), Free: 2, Enough: true, Why: Reason{Code: NoVehicle}}},
		{"lunch", 2, Cell{Start: clock(12, 0), Free: 2, Enough: true, Why: Reason{Code: Lunch}}},
	} {
		if got := at(c.department, c.want.Start); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.words, got, c.want)
		}
	}
	if starts, cells := r.Board(workday.Date{Year: 2027, Month: time.May, Day: 1}); starts != nil || cells != nil {
		t.Error("a board of a day that was not given")
	}
}
