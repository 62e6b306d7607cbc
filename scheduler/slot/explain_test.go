package slot

import (
	"slices"
	"testing"
	"time"

	"lianban/scheduler/workday"
)

// away takes a person out of a problem's days from one on, for n days.
func away(from, n int) func(*Person) {
	return func(x *Person) {
		x.Away = append(x.Away, Span{tuesday.AddDays(from).Midnight(), tuesday.AddDays(from + n).Midnight()})
	}
}

func kinds(alternatives []Alternative) (out []string) {
	for _, a := range alternatives {
		out = append(out, string(a.Kind)+" "+clocks([]time.Time{a.Offer.Start})[0])
	}
	return out
}

func TestCountsNamePerDayAndDepartmentTheBlockedStartsByCode(t *testing.T) { // INS-511
	p := newProblem()
	p.To = tuesday.AddDays(2)
	p.Days[1].Open = false
	everyone(&p, 0, engage(visit(clock(9, 0), clock(12, 0))))
	everyone(&p, 1, away(2, 1))
	got := prepared(t, p).Explain().Counts
	want := []Blocked{
		{tuesday, Reason{Code: OutsideHours}, 3},
		{tuesday, Reason{Code: Lunch}, 9},
		{tuesday, Reason{Busy, "amr"}, 9},
		{tuesday.AddDays(1), Reason{Code: NotWorkday}, 34},
		{tuesday.AddDays(2), Reason{Code: OutsideHours}, 3},
		{tuesday.AddDays(2), Reason{Code: Lunch}, 9},
		{tuesday.AddDays(2), Reason{OnLeave, "fire"}, 22},
	}
	if !slices.Equal(got, want) {
		t.Errorf("counts %v", got)
	}
}

func TestTheBlockingDepartmentIsTheOneWithoutWhichASlotWouldAppear(t *testing.T) { // INS-511, SIM-10
	busy := func(from, to int) func(*Person) { return engage(visit(clock(from, 0), clock(to, 0))) }
	for _, c := range []struct {
		words    string
		change   func(*Problem)
		blocking []string
		together bool
	}{
		{"nobody, there are offers", func(*Problem) {}, nil, false},
		{"one", func(p *Problem) { everyone(p, 1, busy(8, 18)) }, []string{"fire"}, false},
		{"each alone, the one that frees the earliest first", func(p *Problem) {
			everyone(p, 0, busy(8, 13)) // free in the afternoon
			everyone(p, 1, busy(13, 18))
		}, []string{"amr", "fire"}, false},
		{"only together", func(p *Problem) { everyone(p, 0, busy(8, 18)); everyone(p, 1, busy(8, 18)) }, nil, true},
		{"a closed department", func(p *Problem) { p.Departments[0].Closed = []workday.Date{tuesday} }, []string{"amr"}, false},
		{"the dates, so nobody", func(p *Problem) { p.Days[0].Open = false }, nil, false},
		{"the lead time, so nobody", func(p *Problem) { p.Earliest = tuesday.AddDays(1) }, nil, false},
		{"not what is beyond the dates asked for", func(p *Problem) {
			everyone(p, 0, busy(8, 18))
			everyone(p, 1, busy(8, 18))
			p.Days[2].Open = false
		}, nil, true},
	} {
		p := newProblem()
		c.change(&p)
		e := prepared(t, p).Explain()
		if !slices.Equal(e.Blocking, c.blocking) || e.OnlyTogether != c.together || len(e.BlockingThings) > 0 {
			t.Errorf("%s: %v, only together %t, things %v", c.words, e.Blocking, e.OnlyTogether, e.BlockingThings)
		}
	}
}

func TestVehicleRoomApplicantAndCentreMayBlockToo(t *testing.T) { // INS-511
	for want, change := range map[Code]func(*Problem){
		NoVehicle:     func(p *Problem) { p.Vehicle = &Pool{} },
		NoRoom:        func(p *Problem) { p.Room = &Pool{} },
		ApplicantAway: func(p *Problem) { p.Away = []Span{{clock(0, 0), clock(23, 0)}} },
		CentreFull: func(p *Problem) {
			p.HalfDay, p.Centre = 1, []Span{{clock(9, 0), clock(10, 0)}, {clock(14, 0), clock(15, 0)}}
		},
	} {
		p := newProblem()
		change(&p)
		e := prepared(t, p).Explain()
		if !slices.Equal(e.BlockingThings, []Code{want}) || e.OnlyTogether || len(e.Blocking) > 0 {
			t.Errorf("%s: things %v, departments %v, only together %t", want, e.BlockingThings, e.Blocking, e.OnlyTogether)
		}
	}
}

func TestAlternativesClimbTheLadder(t *testing.T) { // INS-511
	p := newProblem()
	p.Band = Morning
	p.Limit = tuesday.AddDays(1)
	everyone(&p, 0, engage(visit(clock(9, 45), clock(12, 0))))
	everyone(&p, 1, func(x *Person) {
		if x.ID == "e" {
			x.Engaged = []Engagement{visit(clock(13, 0), clock(16, 0))}
		}
	})
	p.Days[1].Hours = morning
	e := prepared(t, p).Explain()
	want := []string{
		"other_band 16:00", "other_band 16:15", "other_band 16:30",
		"later_day 12-09 09:00", "later_day 12-09 09:15", "later_day 12-09 09:30",
		"beyond_limit 12-10 09:00", "beyond_limit 12-10 09:15", "beyond_limit 12-10 09:30",
		"lend 09:00", "lend 13:30",
	}
	if got := kinds(e.Alternatives); !slices.Equal(got, want) {
		t.Fatalf("alternatives %v", got)
	}
	if a := e.Alternatives[6]; !a.Offer.PastLimit {
		t.Error("beyond the limit date is not marked")
	}
}

func TestALendingDepartmentIsNamedAndTheOthersAreKept(t *testing.T) { // INS-511: never without a required department
	p := newProblem()
	p.Days = p.Days[:1]
	p.Departments[1].People = p.Departments[1].People[:1]
	p.Departments[1].People[0].Engaged = []Engagement{visit(clock(13, 0), clock(18, 0))}
	e := prepared(t, p).Explain()
	if len(e.Alternatives) != 1 {
		t.Fatalf("alternatives %v", kinds(e.Alternatives))
	}
	a := e.Alternatives[0]
	if a.Kind != LendPeople || a.Department != "fire" || a.More != 1 ||
		!slices.Equal(a.Offer.People["amr"], []string{"a", "b"}) || !slices.Equal(a.Offer.People["fire"], []string{"d"}) {
		t.Errorf("alternative %+v", a)
	}
}

func TestNobodyLendsToADepartmentThatIsClosed(t *testing.T) { // INS-511
	p := newProblem()
	p.Days, p.Limit = p.Days[:2], tuesday.AddDays(1)
	p.Departments[1].People = nil
	p.Departments[1].Closed = []workday.Date{tuesday}
	if got := kinds(prepared(t, p).Explain().Alternatives); !slices.Equal(got, []string{"lend 12-09 09:00"}) {
		t.Errorf("alternatives %v", got)
	}
}

func TestThreeAlternativesAreFoundWhereverThereAreThree(t *testing.T) { // INS-511
	for words, change := range map[string]func(*Problem){
		"the day is off":           func(p *Problem) { p.Days[0].Open = false },
		"the department is closed": func(p *Problem) { p.Departments[0].Closed = []workday.Date{tuesday} },
		"the other half-day is full, too": func(p *Problem) {
			p.Band = Morning
			everyone(p, 0, engage(visit(clock(8, 0), clock(18, 0))))
		},
		"only mornings were asked for, later ones are full": func(p *Problem) {
			p.Band = Morning
			for i := range p.Days {
				everyone(p, 0, engage(visit(tuesday.AddDays(i).At(8*60), tuesday.AddDays(i).At(12*60))))
			}
		},
		"everything up to the limit date is full": func(p *Problem) { everyone(p, 0, away(0, 3)) },
	} {
		p := newProblem()
		change(&p)
		e := prepared(t, p).Explain()
		if len(e.Alternatives) < 3 {
			t.Errorf("%s: alternatives %v", words, kinds(e.Alternatives))
		}
	}
}

func TestASearchThatLooksBeyondTheLimitDateIsNotOfferedItAgain(t *testing.T) {
	p := newProblem()
	p.PastLimit, p.To = true, tuesday.AddDays(3)
	for _, a := range prepared(t, p).Explain().Alternatives {
		t.Errorf("alternative %s", a.Kind)
	}
}

func TestAProblemWithoutDaysIsExplainedAllTheSame(t *testing.T) {
	p := newProblem()
	p.Days = nil
	r := prepared(t, p)
	if e := r.Explain(); len(e.Counts)+len(e.Blocking)+len(e.Alternatives) > 0 || e.OnlyTogether || r.Search(0) != nil {
		t.Errorf("explanation %+v", e)
	}
}
