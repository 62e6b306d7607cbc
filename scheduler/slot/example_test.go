package slot

import (
	"slices"
	"testing"
)

// workedExample is the one of section 5: Tuesday 2026-12-08, 60 minutes, any
// half-day, two of each, no buffers and no travel.
func workedExample() Problem {
	p := newProblem()
	c := person("c")
	c.Away = []Span{{tuesday.Midnight(), tuesday.AddDays(1).Midnight()}}
	h := person("h")
	h.Away = c.Away
	untilFour := visit(clock(16, 0), clock(17, 30))
	p.Departments = []Department{
		department("amr", person("a"), person("b", visit(clock(9, 0), clock(11, 0))), c),
		department("fire", person("d", visit(clock(13, 30), clock(15, 0))), person("e")),
		department("health", person("f", untilFour), person("g", untilFour), h),
	}
	return p
}

func carOut() *Pool {
	return &Pool{Units: []Unit{{"car", []Engagement{visit(clock(14, 30), clock(15, 30))}}}}
}

func TestTheWorkedExampleComesOut(t *testing.T) { // INS-502, INS-503, section 5
	p := workedExample()
	for i, want := range [][]string{
		{"11:00", "13:30", "13:45", "14:00", "14:15", "14:30", "14:45", "15:00", "15:15", "15:30", "15:45", "16:00", "16:15", "16:30"},
		{"09:00", "09:15", "09:30", "09:45", "10:00", "10:15", "10:30", "10:45", "11:00", "15:00", "15:15", "15:30", "15:45", "16:00", "16:15", "16:30"},
		{"09:00", "09:15", "09:30", "09:45", "10:00", "10:15", "10:30", "10:45", "11:00", "13:30", "13:45", "14:00", "14:15", "14:30", "14:45", "15:00"},
	} {
		alone := p
		alone.Departments = p.Departments[i : i+1]
		wantStarts(t, alone, want...)
	}
	wantStarts(t, p, "11:00", "15:00")
	p.Vehicle = carOut()
	wantStarts(t, p, "11:00")
	if why := prepared(t, p).Why(clock(15, 0)); why.Code != NoVehicle {
		t.Errorf("15:00 without the vehicle: %v", why)
	}
	p.Away = []Span{{clock(0, 0), clock(12, 0)}}
	wantStarts(t, p)
	if why := prepared(t, p).Why(clock(11, 0)); why.Code != ApplicantAway {
		t.Errorf("11:00 without the applicant: %v", why)
	}
}

func TestTheWorkedExampleExplainsThatVehicleOrApplicantFreesOneSlot(t *testing.T) { // INS-511, section 5
	p := workedExample()
	p.Vehicle, p.Away = carOut(), []Span{{clock(0, 0), clock(12, 0)}}
	e := prepared(t, p).Explain()
	// without fire 13:30 would do as well, without health 16:15
	if !slices.Equal(e.BlockingThings, []Code{ApplicantAway, NoVehicle}) || !slices.Equal(e.Blocking, []string{"fire", "health"}) || e.OnlyTogether {
		t.Errorf("blocking %v %v, only together %t", e.Blocking, e.BlockingThings, e.OnlyTogether)
	}
	want := []Blocked{
		{tuesday, Reason{Code: OutsideHours}, 3}, // 16:45, 17:00, 17:15
		{tuesday, Reason{Code: Lunch}, 9},        // 11:15 to 13:15
		{tuesday, Reason{Busy, "amr"}, 8},        // b until 11:00
		{tuesday, Reason{Busy, "fire"}, 6},       // d until 15:00
		{tuesday, Reason{Busy, "health"}, 6},     // f and g from 16:00
		{tuesday, Reason{Code: NoVehicle}, 1},
		{tuesday, Reason{Code: ApplicantAway}, 1},
	}
	if !slices.Equal(e.Counts, want) {
		t.Errorf("counts %v, want %v", e.Counts, want)
	}
	if len(e.Alternatives) < 3 || e.Alternatives[0].Kind != LaterDay || e.Alternatives[0].Offer.Date != tuesday.AddDays(1) {
		t.Errorf("alternatives %+v", e.Alternatives)
	}
}

var roads = Roads{Speed: 30, Detour: 1.4, Park: 10, Unknown: 30}

func TestSixPointTwoKilometresTakeThirtyMinutes(t *testing.T) { // INS-506
	for _, c := range []struct {
		km   float64
		want int
	}{
		{6.2, 30}, // → 8.68 km → 17.4 min + 10
		{0, 10},
		{5.3571428, 25}, // 15 min + 10: nothing to round
		{5.36, 30},
		{100, 290},
	} {
		if got := roads.ForDistance(c.km); got != c.want {
			t.Errorf("%g km take %d minutes, want %d", c.km, got, c.want)
		}
	}
}

func TestTravelGoesByGreatCircleUnlessAPointIsMissing(t *testing.T) { // INS-506
	city, east := Point{26.42, 111.61}, Point{26.42, 111.6722} // 6.2 km apart
	if km := Kilometres(city, east); km < 6.19 || km > 6.21 {
		t.Fatalf("%g km", km)
	}
	for _, c := range []struct {
		words string
		a, b  Point
		same  bool
		want  int
	}{
		{"the example", city, east, false, 30},
		{"and back", east, city, false, 30},
		{"the same address", city, east, true, 0},
		{"a site without a point", city, Point{}, false, 30},
		{"from nowhere", Point{}, city, false, 30},
		{"round the world", Point{90, 0}, Point{-90, 0}, false, 56055},
	} {
		if got := roads.Minutes(c.a, c.b, c.same); got != c.want {
			t.Errorf("%s: %d minutes, want %d", c.words, got, c.want)
		}
	}
}
