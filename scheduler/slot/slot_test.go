package slot

import (
	"slices"
	"testing"
	"time"

	"lianban/scheduler/workday"
)

// tuesday is the day of the worked example in section 5 of the inspection rules.
var tuesday = workday.Date{Year: 2026, Month: time.December, Day: 8}

// clock is an instant of that Tuesday: clock(9, 30) is half past nine.
func clock(hour, minute int) time.Time { return tuesday.At(hour*60 + minute) }

func span(from, to time.Time) Span { return Span{from, to} }

func visit(from, to time.Time) Engagement { return Engagement{Span: Span{from, to}, Visit: true} }

func department(id string, people ...Person) Department {
	return Department{ID: id, Division: "431103", Min: 2, People: people}
}

func person(id string, engaged ...Engagement) Person { return Person{ID: id, Engaged: engaged} }

// newProblem is a Tuesday to Friday on which fire and market regulation have
// two people each and nothing else to do.
func newProblem() Problem {
	p := Problem{
		From: tuesday, To: tuesday, Minutes: 60, Band: Any, Limit: tuesday.AddDays(2),
		Departments: []Department{department("amr", person("a"), person("b")), department("fire", person("d"), person("e"))},
	}
	for i := range 4 {
		p.Days = append(p.Days, Day{Date: tuesday.AddDays(i), Open: true, Hours: workday.DefaultHours()})
	}
	return p
}

func prepared(t testing.TB, p Problem) *Rows {
	t.Helper()
	r, err := Prepare(p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// named is everyone and everything an offer names.
func named(o Offer) (ids []string) {
	for _, people := range o.People {
		ids = append(ids, people...)
	}
	for _, unit := range []string{o.Vehicle, o.Room} {
		if unit != "" {
			ids = append(ids, unit)
		}
	}
	return ids
}

// clocks writes starts as 15:04, those of other days with the date.
func clocks(starts []time.Time) (out []string) {
	for _, s := range starts {
		form := "15:04"
		if workday.DateOf(s) != tuesday {
			form = "01-02 15:04"
		}
		out = append(out, s.In(workday.Shanghai).Format(form))
	}
	return out
}

func wantStarts(t *testing.T, p Problem, want ...string) {
	t.Helper()
	if got := clocks(prepared(t, p).Starts()); !slices.Equal(got, want) {
		t.Errorf("starts %v, want %v", got, want)
	}
}
