package slot

import (
	"testing"
	"time"

	"lianban/scheduler/workday"
)

func TestAChoiceFitsOnlyWithExactlyThoseWhoAreNamed(t *testing.T) { // INS-512, DEC-5
	busy := []Engagement{visit(clock(9, 30), clock(10, 30))}
	base := func() Problem {
		p := newProblem()
		p.Departments[0].People = append(p.Departments[0].People, person("c", busy...))
		return p
	}
	nothing := func(*Problem) {}
	for _, c := range []struct {
		words  string
		change func(*Problem)
		chosen []string
		want   Reason
	}{
		{"all free", nothing, []string{"a", "b", "d", "e"}, Reason{}},
		{"in any order", nothing, []string{"e", "b", "d", "a"}, Reason{}},
		{"one is busy though others could come", nothing, []string{"a", "c", "d", "e"}, Reason{Busy, "amr"}},
		{"one too many is busy", nothing, []string{"a", "b", "c", "d", "e"}, Reason{Busy, "amr"}},
		{"one too few", nothing, []string{"a", "b", "d"}, Reason{NotQualified, "fire"}},
		{"one named twice is still one", nothing, []string{"a", "b", "d", "d"}, Reason{NotQualified, "fire"}},
		{"a whole department left out", nothing, []string{"a", "b"}, Reason{NotQualified, "fire"}},
		{"nobody", nothing, nil, Reason{NotQualified, "amr"}},
		{"a stranger", nothing, []string{"a", "b", "d", "e", "x"}, Reason{Code: NotQualified}},
		{"one is recused", func(p *Problem) { p.Departments[0].People[1].Recused = true }, []string{"a", "b", "d", "e"}, Reason{Recused, "amr"}},
		{"another clerk holds one", func(p *Problem) {
			p.Departments[1].People[0].Engaged = []Engagement{{Span: busy[0].Span, Held: true, Visit: true}}
		}, []string{"a", "b", "d", "e"}, Reason{Reserved, "fire"}},
		{"the calendar comes first", func(p *Problem) { p.Days[0].Open = false }, []string{"a", "b", "d"}, Reason{Code: NotWorkday}},
	} {
		p := base()
		c.change(&p)
		if why := prepared(t, p).Fits(clock(10, 0), c.chosen); why != c.want {
			t.Errorf("%s: %v, want %v", c.words, why, c.want)
		}
	}
}

func TestChosenVehiclesAndRoomsAreCheckedToo(t *testing.T) { // INS-512, DEC-5
	people := []string{"a", "b", "d", "e"}
	cars := []Unit{{ID: "red"}, {"blue", []Engagement{visit(clock(9, 0), clock(12, 0))}}, {"held", []Engagement{{Span: span(clock(9, 0), clock(12, 0)), Held: true}}}}
	for _, c := range []struct {
		words         string
		vehicle, room *Pool
		things        []string
		want          Code
	}{
		{"none needed, none chosen", nil, nil, nil, ""},
		{"none needed, one chosen", nil, nil, []string{"red"}, NotQualified},
		{"needed and chosen", &Pool{Units: cars}, nil, []string{"red"}, ""},
		{"needed and not chosen", &Pool{Units: cars}, nil, nil, NoVehicle},
		{"needed, chosen, busy", &Pool{Units: cars}, nil, []string{"blue"}, NoVehicle},
		{"needed, chosen, held", &Pool{Units: cars}, nil, []string{"held"}, Reserved},
		{"two chosen, one busy", &Pool{Units: cars}, nil, []string{"red", "blue"}, NoVehicle},
		{"optional and not chosen", &Pool{Units: cars, Optional: true}, nil, nil, ""},
		{"optional, chosen, free", &Pool{Units: cars, Optional: true}, nil, []string{"red"}, ""},
		{"optional, chosen, busy", &Pool{Units: cars, Optional: true}, nil, []string{"blue"}, NoVehicle},
		{"a room needed and not chosen", nil, &Pool{Units: cars}, nil, NoRoom},
		{"a room needed and chosen", nil, &Pool{Units: cars}, []string{"red"}, ""},
	} {
		p := newProblem()
		p.Vehicle, p.Room = c.vehicle, c.room
		if why := prepared(t, p).Fits(clock(10, 0), append(people[:4:4], c.things...)); why.Code != c.want {
			t.Errorf("%s: %v, want %s", c.words, why, c.want)
		}
	}
}

func TestFitsAndWhyJudgeDaysBeyondTheDatesAskedFor(t *testing.T) {
	r := prepared(t, newProblem())
	people := []string{"a", "b", "d", "e"}
	later := clock(24+10, 0)
	if why := r.Fits(later, people); why != (Reason{}) {
		t.Errorf("Fits %v", why)
	}
	if why := r.Why(later); why != (Reason{}) {
		t.Errorf("Why %v", why)
	}
	never := workday.Date{Year: 2027, Month: time.May, Day: 3}.At(600)
	if why := r.Fits(never, people); why.Code != NotWorkday {
		t.Errorf("Fits %v for a day that was not given", why)
	}
}

func TestACheckLeavesTheProblemAlone(t *testing.T) {
	p := newProblem()
	p.Vehicle = &Pool{Units: []Unit{{ID: "red"}, {ID: "blue"}}}
	r := prepared(t, p)
	r.Fits(clock(10, 0), []string{"b", "e", "blue"})
	if why := r.Fits(clock(10, 0), []string{"a", "b", "d", "e", "red"}); why != (Reason{}) {
		t.Errorf("after another check: %v", why)
	}
	if p.Departments[0].People[0].ID != "a" || p.Vehicle.Units[0].ID != "red" {
		t.Error("the caller's problem was changed")
	}
}
