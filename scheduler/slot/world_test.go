package slot

import (
	"fmt"
	"math/rand/v2"
	"time"

	"lianban/scheduler/workday"
)

// smallWorld is a random problem small enough to be walked by minutes. Spans
// lie off the grain on purpose.
func smallWorld(random *rand.Rand) Problem {
	n := random.IntN
	chance := func(percent int) bool { return n(100) < percent }
	days := 1 + n(2)
	moment := func() time.Time {
		t := tuesday.AddDays(n(days)).At(8*60 + n(10*60))
		if chance(30) {
			t = t.Add(time.Duration(n(60)) * time.Second)
		}
		return t
	}
	somewhile := func() Span {
		from := moment()
		return Span{from, from.Add(time.Duration(n(180)-10) * time.Minute)}
	}
	engagements := func() (out []Engagement) {
		for range n(3) {
			out = append(out, Engagement{Span: somewhile(), Travel: n(9) * 5, Held: chance(25), Visit: chance(70)})
		}
		return out
	}
	p := Problem{
		From: tuesday, To: tuesday.AddDays(days - 1), Minutes: grain * (3 + n(20)),
		Band: []Band{Any, Any, "", Morning, Afternoon}[n(5)],
	}
	for i := range days {
		p.Days = append(p.Days, Day{tuesday.AddDays(i), !chance(5), someHours(random)})
	}
	if chance(10) {
		p.Earliest = tuesday.AddDays(n(3))
	}
	if chance(20) {
		p.Limit, p.PastLimit = tuesday.AddDays(n(3)-1), chance(50)
	}
	for d := range 1 + n(3) {
		people := 1 + n(4)
		department := Department{
			ID: fmt.Sprint("d", d), Division: fmt.Sprint(n(2)), Min: 1 + n(min(people, 3)), Teams: chance(20),
			Before: n(4) * 7, After: n(4) * 5,
		}
		if chance(20) {
			department.Base = n(8) * 5
		}
		if chance(5) {
			department.Closed = []workday.Date{tuesday.AddDays(n(days))}
		}
		for i := range people {
			x := Person{
				ID: fmt.Sprint(department.ID, "-", i), Unqualified: chance(5), Recused: chance(5), Engaged: engagements(),
				PerDay: n(4), Load: n(3),
			}
			if chance(5) {
				x.Until = tuesday.AddDays(n(3) - 1)
			}
			if chance(20) {
				x.Away = append(x.Away, somewhile())
			}
			department.People = append(department.People, x)
		}
		p.Departments = append(p.Departments, department)
	}
	if chance(20) {
		p.Away = []Span{somewhile()}
	}
	for i, pool := range []**Pool{&p.Vehicle, &p.Room} {
		if chance(20) {
			*pool = &Pool{Optional: chance(30)}
			for u := range n(3) {
				(*pool).Units = append((*pool).Units, Unit{fmt.Sprint("u", i, u), engagements()})
			}
		}
	}
	if chance(20) {
		p.HalfDay, p.Centre = 1+n(2), []Span{somewhile(), somewhile()}
	}
	return p
}

func someHours(random *rand.Rand) workday.Hours {
	switch random.IntN(4) {
	case 0:
		return workday.DefaultHours()
	case 1:
		return workday.Hours{{From: 9*60 + 7, To: 15*60 + 33}}
	case 2:
		return workday.Hours{{From: 8 * 60, To: 11 * 60}, {From: 11*60 + 15, To: 14 * 60}, {From: 15 * 60, To: 18 * 60}}
	}
	return workday.Hours{{From: 10 * 60, To: 12*60 + 30}}
}
