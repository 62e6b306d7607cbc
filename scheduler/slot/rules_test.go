package slot

import (
	"slices"
	"testing"
	"time"

	"lianban/scheduler/workday"
)

var (
	morning   = workday.Hours{{From: 9 * 60, To: 12 * 60}}
	afternoon = workday.Hours{{From: 13*60 + 30, To: 17*60 + 30}}
)

// everyone changes all people of one department.
func everyone(p *Problem, department int, change func(*Person)) {
	for i := range p.Departments[department].People {
		change(&p.Departments[department].People[i])
	}
}

func engage(e Engagement) func(*Person) {
	return func(x *Person) { x.Engaged = append(x.Engaged, e) }
}

// rule breaks one hard rule for a visit on Tuesday from 10:00 to 11:00, and
// says what must then be named.
type rule struct {
	words string
	spoil func(*Problem)
	want  Reason
}

// The hard rules in the order of the table of INS-502. Fire is the second
// department.
var rules = []rule{
	{"a day off is no day for a visit", func(p *Problem) { p.Days[0].Open = false }, Reason{Code: NotWorkday}},
	{"a closed department cannot come", func(p *Problem) { p.Departments[1].Closed = []workday.Date{tuesday} }, Reason{DeptClosed, "fire"}},
	{"a visit lies inside the opening hours", func(p *Problem) { p.Days[0].Hours = afternoon }, Reason{Code: OutsideHours}},
	{"a visit never spans a break", func(p *Problem) {
		p.Days[0].Hours = workday.Hours{{From: 9 * 60, To: 10*60 + 30}, {From: 10*60 + 40, To: 12 * 60}}
	}, Reason{Code: Lunch}},
	{"a visit lies in the half-day asked for", func(p *Problem) { p.Band = Afternoon }, Reason{Code: OtherBand}},
	{"a visit keeps the lead time", func(p *Problem) { p.Earliest = tuesday.AddDays(1) }, Reason{Code: LeadTime}},
	{"a visit lies before the limit date", func(p *Problem) { p.Limit = tuesday.AddDays(-1) }, Reason{Code: PastLimit}},
	{"inspectors are qualified", func(p *Problem) { p.Departments[1].People[0].Unqualified = true }, Reason{NotQualified, "fire"}},
	{"recused inspectors do not come", func(p *Problem) { p.Departments[1].People[0].Recused = true }, Reason{Recused, "fire"}},
	{"inspectors on leave do not come", func(p *Problem) {
		p.Departments[1].People[0].Away = []Span{{clock(10, 59), clock(12, 0)}}
	}, Reason{OnLeave, "fire"}},
	{"nobody is in two visits at once", func(p *Problem) { everyone(p, 1, engage(visit(clock(9, 0), clock(10, 1)))) }, Reason{Busy, "fire"}},
	{"the daily limit counts visits", func(p *Problem) {
		everyone(p, 1, func(x *Person) { x.PerDay, x.Engaged = 1, append(x.Engaged, visit(clock(16, 0), clock(17, 0))) })
	}, Reason{DayFull, "fire"}},
	{"buffers are free of visits", func(p *Problem) {
		p.Departments[1].After = 15
		everyone(p, 1, engage(visit(clock(11, 10), clock(12, 0))))
	}, Reason{Buffer, "fire"}},
	{"inspectors reach the next site in time", func(p *Problem) {
		everyone(p, 1, engage(Engagement{Span: span(clock(11, 20), clock(12, 0)), Travel: 25, Visit: true}))
	}, Reason{Travel, "fire"}},
	{"a required vehicle is free", func(p *Problem) {
		p.Vehicle = &Pool{Units: []Unit{{"car", []Engagement{visit(clock(10, 30), clock(12, 0))}}}}
	}, Reason{Code: NoVehicle}},
	{"a required room is free", func(p *Problem) { p.Room = &Pool{} }, Reason{Code: NoRoom}},
	{"the applicant is there", func(p *Problem) { p.Away = []Span{{clock(0, 0), clock(10, 1)}} }, Reason{Code: ApplicantAway}},
	{"another clerk's hold reserves", func(p *Problem) {
		everyone(p, 1, engage(Engagement{Span: span(clock(9, 30), clock(10, 30)), Held: true, Visit: true}))
	}, Reason{Reserved, "fire"}},
	{"the centre takes so many visits in a half-day", func(p *Problem) {
		p.HalfDay, p.Centre = 1, []Span{{clock(9, 0), clock(10, 0)}}
	}, Reason{Code: CentreFull}},
}

func TestAStartThatBreaksOneHardRuleIsRefusedByItsName(t *testing.T) { // INS-502
	if why := prepared(t, newProblem()).Why(clock(10, 0)); why != (Reason{}) {
		t.Fatalf("nothing is broken, yet %v", why)
	}
	for _, rule := range rules {
		t.Run(rule.words, func(t *testing.T) {
			p := newProblem()
			rule.spoil(&p)
			r := prepared(t, p)
			if why := r.Why(clock(10, 0)); why != rule.want {
				t.Errorf("why %v, want %v", why, rule.want)
			}
			if slices.Contains(clocks(r.Starts()), "10:00") {
				t.Error("10:00 is offered all the same")
			}
		})
	}
}

func TestOfManyBrokenRulesTheFirstIsNamed(t *testing.T) { // INS-502
	for i, rule := range rules {
		p := newProblem()
		for _, later := range slices.Backward(rules[i:]) {
			later.spoil(&p) // an earlier rule has the last word on what both set
		}
		if why := prepared(t, p).Why(clock(10, 0)); why != rule.want {
			t.Errorf("%s: why %v, want %v", rule.words, why, rule.want)
		}
	}
}

func TestOfTwoDepartmentsThatFailTheSameRuleTheFirstByDivisionAndCodeIsNamed(t *testing.T) { // INS-508
	p := newProblem()
	for d := range p.Departments {
		p.Departments[d].People = nil
	}
	if why := prepared(t, p).Why(clock(10, 0)); why != (Reason{NotQualified, "amr"}) {
		t.Errorf("why %v", why)
	}
	p.Departments[0].Division = "431181"
	if why := prepared(t, p).Why(clock(10, 0)); why != (Reason{NotQualified, "fire"}) {
		t.Errorf("why %v with amr in a later division", why)
	}
}

func TestOpeningHoursAndBandsDecideByWholeVisits(t *testing.T) { // INS-502, INS-505, INS-507
	for _, c := range []struct {
		start time.Time
		band  Band
		want  Code
	}{
		{clock(8, 45), Any, OutsideHours},
		{clock(9, 0), Any, ""},
		{clock(11, 0), Any, ""},
		{clock(11, 15), Any, Lunch},
		{clock(12, 15), Any, Lunch}, // wholly inside the break
		{clock(13, 15), Any, Lunch},
		{clock(13, 30), Any, ""},
		{clock(16, 30), Any, ""},
		{clock(16, 45), Any, OutsideHours},
		{clock(11, 0), Morning, ""},
		{clock(13, 30), Morning, OtherBand},
		{clock(11, 0), Afternoon, OtherBand},
		{clock(11, 15), Afternoon, Lunch}, // an earlier rule
		{clock(13, 30), Afternoon, ""},
		{clock(5, 0), Any, OutsideHours},
		{clock(23, 0), Any, OutsideHours},
		{clock(10, 5), Any, OutsideHours}, // off the quarter hour no visit starts
		{clock(10, 0).Add(time.Second), Any, OutsideHours},
		{tuesday.AddDays(-1).At(10 * 60), Any, NotWorkday}, // of days not given nothing is known
	} {
		p := newProblem()
		p.Band = c.band
		if why := prepared(t, p).Why(c.start); why.Code != c.want {
			t.Errorf("%s %s: %q, want %q", clocks([]time.Time{c.start}), c.band, why.Code, c.want)
		}
	}
}

func TestHoursOffTheGrainAreRoundedInward(t *testing.T) { // INS-507
	p := newProblem()
	p.Days[0].Hours = workday.Hours{{From: 9*60 + 1, To: 10*60 + 29}}
	wantStarts(t, p, "09:15")
}

func TestHoursBefore6AndAfter22AreNotSearched(t *testing.T) { // house rule
	p := newProblem()
	p.Days[0].Hours = workday.Hours{{From: 0, To: 24 * 60}}
	starts := clocks(prepared(t, p).Starts())
	if starts[0] != "06:00" || starts[len(starts)-1] != "21:00" {
		t.Errorf("starts from %s to %s", starts[0], starts[len(starts)-1])
	}
	if why := prepared(t, p).Why(clock(21, 15)); why.Code != OutsideHours {
		t.Errorf("why %v", why)
	}
}

func TestAVisitThatStartsBeforeNoonIsAMorningVisit(t *testing.T) { // house rule
	p := newProblem()
	p.Days[0].Hours = workday.Hours{{From: 11 * 60, To: 13*60 + 30}}
	p.Band = Morning
	wantStarts(t, p, "11:00", "11:15", "11:30", "11:45")
	p.Band = Afternoon
	wantStarts(t, p, "12:00", "12:15", "12:30")
}

func TestPeopleAreOredWithinADepartmentAndDepartmentsAreAnded(t *testing.T) { // INS-503
	p := newProblem()
	p.Days[0].Hours = morning
	p.Departments = p.Departments[:1]
	amr := &p.Departments[0]
	amr.People = []Person{
		person("a", visit(clock(9, 0), clock(10, 0))),
		person("b", visit(clock(10, 0), clock(11, 0))),
		person("c", visit(clock(11, 0), clock(12, 0))),
	}
	wantStarts(t, p, "09:00", "10:00", "11:00") // any two of three, but the same two for the whole hour
	amr.Min = 3
	wantStarts(t, p)
	amr.Min = 1
	wantStarts(t, p, "09:00", "09:15", "09:30", "09:45", "10:00", "10:15", "10:30", "10:45", "11:00")
	p.Departments = append(p.Departments, department("fire", person("d"), person("e", visit(clock(9, 0), clock(10, 30)))))
	wantStarts(t, p, "10:30", "10:45", "11:00")
}

func TestTheMinimumIsThatOfTheDepartment(t *testing.T) { // INS-504
	p := newProblem()
	p.Departments[0].Min, p.Departments[1].Min = 1, 2
	p.Departments[0].People[0].Recused = true
	if why := prepared(t, p).Why(clock(10, 0)); why != (Reason{}) {
		t.Errorf("why %v, one of market regulation is enough", why)
	}
	p.Departments[1].People[0].Recused = true
	if why := prepared(t, p).Why(clock(10, 0)); why != (Reason{Recused, "fire"}) {
		t.Errorf("why %v, fire needs two", why)
	}
}

func TestBuffersCountOnBothSidesOfVisitsAndBusyTimes(t *testing.T) { // INS-505
	own, imported := visit(clock(10, 30), clock(11, 0)), Engagement{Span: span(clock(10, 30), clock(11, 0))}
	for _, c := range []struct {
		words         string
		before, after int
		e             Engagement
		want          []string
	}{
		{"none", 0, 0, own, []string{"09:00", "09:15", "09:30", "11:00", "11:15"}},
		{"after the new visit", 0, 15, imported, []string{"09:00", "09:15", "11:00", "11:15"}},
		{"before the new visit", 15, 0, imported, []string{"09:00", "09:15", "09:30", "11:15"}},
		{"both", 15, 20, imported, []string{"09:00", "11:15"}},
		{"the older visit wants its own after it", 0, 15, own, []string{"09:00", "09:15", "11:15"}},
		{"the older visit wants its own before it", 15, 0, own, []string{"09:00", "09:15", "11:15"}},
	} {
		p := newProblem()
		p.Departments = p.Departments[:1]
		p.Departments[0].Before, p.Departments[0].After = c.before, c.after
		p.Days[0].Hours = workday.Hours{{From: 9 * 60, To: 12*60 + 15}}
		everyone(&p, 0, engage(c.e))
		t.Run(c.words, func(t *testing.T) { wantStarts(t, p, c.want...) })
	}
}

func TestSpansAreRoundedOutwardToTheGrain(t *testing.T) { // INS-507
	p := newProblem()
	p.Days[0].Hours = morning
	everyone(&p, 0, engage(visit(clock(10, 0).Add(-time.Second), clock(10, 45).Add(time.Second))))
	wantStarts(t, p, "11:00")
}

func TestAnEmptySpanTakesNoTime(t *testing.T) {
	p := newProblem()
	p.Days[0].Hours = morning
	p.Minutes = 180
	p.Departments[0].Before, p.Departments[0].After = 30, 30
	everyone(&p, 0, func(x *Person) {
		x.Engaged = []Engagement{visit(clock(10, 2), clock(10, 2)), visit(clock(11, 0), clock(10, 0))}
		x.Away = []Span{{clock(10, 2), clock(10, 2)}}
	})
	wantStarts(t, p, "09:00")
}

func TestWayAndBufferPassAtTheSameTime(t *testing.T) { // INS-505, INS-506
	for _, c := range []struct {
		buffer, travel int
		want           []string
	}{
		{0, 30, []string{"09:00", "11:30", "11:45"}},
		{30, 0, []string{"09:00", "11:30", "11:45"}},
		{30, 30, []string{"09:00", "11:30", "11:45"}},
		{15, 30, []string{"09:00", "11:30", "11:45"}},
		{45, 30, []string{"11:45"}},
	} {
		p := newProblem()
		p.Departments = p.Departments[:1]
		p.Departments[0].Before, p.Departments[0].After = c.buffer, c.buffer
		p.Days[0].Hours = workday.Hours{{From: 9 * 60, To: 12*60 + 45}}
		e := visit(clock(10, 30), clock(11, 0))
		e.Travel = c.travel
		everyone(&p, 0, engage(e))
		wantStarts(t, p, c.want...)
	}
}

func TestFirstAndLastLegAreFromAndToTheBase(t *testing.T) { // INS-506, PLN-205
	p := newProblem()
	p.Departments[1].Base = 20
	wantStarts(t, p, "09:30", "09:45", "10:00", "10:15", "10:30", "10:45", "11:00",
		"13:30", "13:45", "14:00", "14:15", "14:30", "14:45", "15:00", "15:15", "15:30", "15:45", "16:00")
	if why := prepared(t, p).Why(clock(9, 15)); why != (Reason{Travel, "fire"}) {
		t.Errorf("09:15: %v", why)
	}
}

func TestTheDailyLimitCountsVisitsOfThatDayAndHoldsButNoBusyTimes(t *testing.T) { // INS-507
	for _, c := range []struct {
		words string
		add   []Engagement
		want  Code
	}{
		{"one visit of two", []Engagement{visit(clock(16, 0), clock(17, 0))}, ""},
		{"two visits", []Engagement{visit(clock(14, 0), clock(15, 0)), visit(clock(16, 0), clock(17, 0))}, DayFull},
		{"a visit and a busy time", []Engagement{visit(clock(14, 0), clock(15, 0)), {Span: span(clock(16, 0), clock(17, 0))}}, ""},
		{"a visit and a hold", []Engagement{visit(clock(14, 0), clock(15, 0)), {Span: span(clock(16, 0), clock(17, 0)), Visit: true, Held: true}}, Reserved},
		{"a visit on another day", []Engagement{visit(clock(14, 0), clock(15, 0)), visit(clock(16+24, 0), clock(17+24, 0))}, ""},
	} {
		p := newProblem()
		everyone(&p, 1, func(x *Person) { x.PerDay, x.Engaged = 2, c.add })
		if why := prepared(t, p).Why(clock(10, 0)); why.Code != c.want {
			t.Errorf("%s: %v, want %s", c.words, why, c.want)
		}
	}
}

func TestADepartmentThatCountsHeadsHasNoTeamLeft(t *testing.T) { // INS-208, INS-502, SIM-11
	for _, full := range []func(*Person){
		engage(visit(clock(9, 0), clock(12, 0))),
		func(x *Person) { x.PerDay, x.Engaged = 1, []Engagement{visit(clock(16, 0), clock(17, 0))} },
	} {
		p := newProblem()
		p.Departments[1].Teams = true
		everyone(&p, 1, full)
		if why := prepared(t, p).Why(clock(10, 0)); why != (Reason{TeamFull, "fire"}) {
			t.Errorf("why %v", why)
		}
	}
}

func TestACertificateEndsWithItsLastDay(t *testing.T) { // INS-209
	p := newProblem()
	p.To = tuesday.AddDays(1)
	p.Departments[0].People[0].Until = tuesday
	r := prepared(t, p)
	if why := r.Why(clock(16, 30)); why != (Reason{}) {
		t.Errorf("on the last day: %v", why)
	}
	if why := r.Why(clock(24+9, 0)); why != (Reason{NotQualified, "amr"}) {
		t.Errorf("on the day after: %v", why)
	}
}

func TestASupervisorMayLookBeyondTheLimitDate(t *testing.T) { // INS-612
	p := newProblem()
	p.Limit, p.To, p.PastLimit = tuesday, tuesday.AddDays(1), true
	offers := prepared(t, p).Search(0)
	if first, last := offers[0], offers[len(offers)-1]; first.PastLimit || !last.PastLimit || last.Date != tuesday.AddDays(1) {
		t.Errorf("first %+v last %+v", first, last)
	}
}

func TestAHoldKeepsItsBuffersAndItsWayLikeAVisit(t *testing.T) { // INS-505, INS-506, INS-510
	for _, c := range []struct{ after, travel int }{{20, 0}, {0, 20}} {
		p := newProblem()
		p.Days[0].Hours = morning
		p.Departments[1].After = c.after
		everyone(&p, 1, engage(Engagement{Span: span(clock(10, 15), clock(10, 30)), Travel: c.travel, Held: true, Visit: true}))
		wantStarts(t, p, "11:00")
		if why := prepared(t, p).Why(clock(9, 0)); why != (Reason{Reserved, "fire"}) {
			t.Errorf("09:00: %v", why)
		}
	}
}

func TestAHoldOnAVehicleReadsReserved(t *testing.T) { // INS-502, INS-510
	p := newProblem()
	p.Vehicle = &Pool{Units: []Unit{{"car", []Engagement{{Span: span(clock(10, 0), clock(11, 0)), Held: true}}}}}
	if why := prepared(t, p).Why(clock(10, 0)); why != (Reason{Code: Reserved}) {
		t.Errorf("why %v", why)
	}
}

func TestAVehicleTravelsAndARoomDoesNot(t *testing.T) { // INS-506
	p := newProblem()
	p.Days[0].Hours = morning
	pool := &Pool{Units: []Unit{{"one", []Engagement{{Span: span(clock(10, 0), clock(10, 30)), Travel: 30}}}}}
	p.Vehicle = pool
	wantStarts(t, p, "11:00")
	p.Vehicle, p.Room = nil, pool
	wantStarts(t, p, "09:00", "10:30", "10:45", "11:00")
}

func TestAnOptionalVehicleBlocksNothing(t *testing.T) { // setting vehicle.policy
	p := newProblem()
	p.Days[0].Hours = morning
	p.Minutes = 90
	p.Vehicle = &Pool{Optional: true, Units: []Unit{{"car", []Engagement{visit(clock(9, 0), clock(10, 0))}}}}
	got := map[string]string{}
	for _, o := range prepared(t, p).Search(0) {
		got[clocks([]time.Time{o.Start})[0]] = o.Vehicle
	}
	if len(got) != 7 || got["09:45"] != "" || got["10:00"] != "car" {
		t.Errorf("offers with vehicles %v", got)
	}
}

func TestAFullHalfDayOfTheCentreLeavesTheOther(t *testing.T) { // INS-502
	p := newProblem()
	p.HalfDay = 2
	p.Centre = []Span{
		{clock(9, 0), clock(10, 0)}, {clock(11, 0), clock(12, 0)}, {clock(13, 30), clock(14, 0)},
		{clock(9+24, 0), clock(10+24, 0)}, // another day's
	}
	starts := clocks(prepared(t, p).Starts())
	if starts[0] != "13:30" || len(starts) != 13 {
		t.Errorf("starts %v", starts)
	}
}

func TestAProblemThatContradictsItselfIsAnError(t *testing.T) {
	for words, change := range map[string]func(*Problem){
		"no length":          func(p *Problem) { p.Minutes = 0 },
		"off the grain":      func(p *Problem) { p.Minutes = 62 },
		"a day given twice":  func(p *Problem) { p.Days = append(p.Days, p.Days[0]) },
		"nobody is required": func(p *Problem) { p.Departments[0].Min = 0 },
	} {
		p := newProblem()
		change(&p)
		if _, err := Prepare(p); err == nil {
			t.Errorf("%s: prepared", words)
		}
	}
}

func TestALengthThatFitsNoDayFindsNothing(t *testing.T) {
	p := newProblem()
	p.Minutes = 1 << 40 / grain * grain
	wantStarts(t, p)
}
