package slot

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"lianban/scheduler/workday"
)

// BenchWorld is a problem of a size to measure with (DEC-21), the same every
// time: of each department two people are needed, or one where it has no more;
// everyone has two visits a day and now and then a day of leave. From 14:00 to
// 16:00 nobody has anything else, so that there is an offer on nearly every day
// and no day is given up early.
func BenchWorld(departments, people, days int) Problem {
	random := rand.New(rand.NewPCG(uint64(departments), uint64(people*days)))
	first := workday.Date{Year: 2026, Month: time.January, Day: 5}
	p := Problem{Minutes: 60, Band: Any, From: first, To: first.AddDays(days - 1)}
	for i := range days {
		p.Days = append(p.Days, Day{Date: first.AddDays(i), Open: true, Hours: workday.DefaultHours()})
	}
	for d := range departments {
		department := Department{ID: fmt.Sprintf("d%02d", d), Division: "431103", Min: min(2, people), After: 15}
		for i := range people {
			person := Person{ID: fmt.Sprintf("d%02d-%02d", d, i), PerDay: 4, Load: random.IntN(10)}
			for _, day := range p.Days {
				person.Engaged = append(person.Engaged,
					benchVisit(random, day.Date, 9*60, 12*60), benchVisit(random, day.Date, 16*60+30, 17*60+30))
			}
			if people > 2 {
				away := first.AddDays(random.IntN(days))
				person.Away = []Span{{away.Midnight(), away.AddDays(1).Midnight()}}
			}
			department.People = append(department.People, person)
		}
		p.Departments = append(p.Departments, department)
	}
	return p
}

func benchVisit(random *rand.Rand, d workday.Date, from, to int) Engagement {
	length := grain * (6 + random.IntN(7)) // 30 to 60 minutes
	start := from + grain*random.IntN((to-from-length)/grain+1)
	return Engagement{Span: Span{d.At(start), d.At(start + length)}, Travel: grain * random.IntN(7), Visit: true}
}

// SortAndSweep is the usual way to find common times, to measure against: per
// day and department the ends of everybody's free times are sorted and swept
// with a counter. It knows hours, leave, engagements with their buffers and
// travel, and staff minima: all that BenchWorld has.
func SortAndSweep(p Problem) []time.Time {
	var taken [][]map[workday.Date][]piece // by department and person
	for _, d := range p.Departments {
		var people []map[workday.Date][]piece
		for _, x := range d.People {
			people = append(people, takenByDay(d, x))
		}
		taken = append(taken, people)
	}
	var out []time.Time
	for _, d := range p.Days {
		var common []piece
		for _, b := range d.Hours {
			common = append(common, piece{b.From, b.To - p.Minutes + 1})
		}
		for i, department := range p.Departments {
			common = intersect(common, sweep(department.Min, p.Minutes, taken[i], d.Date))
		}
		for _, c := range common {
			for start := ceilDiv(c.from, step) * step; start < c.to; start += step {
				out = append(out, d.Date.At(start))
			}
		}
	}
	return out
}

// takenByDay is what a person cannot use, in minutes of each day.
func takenByDay(d Department, x Person) map[workday.Date][]piece {
	out := map[workday.Date][]piece{}
	add := func(s Span, gap int) {
		date := workday.DateOf(s.From)
		midnight := minuteAt(date.Midnight())
		out[date] = append(out[date], piece{minuteAt(s.From) - midnight - gap, minuteBy(s.To) - midnight + gap})
	}
	for _, s := range x.Away {
		add(s, 0)
	}
	for _, e := range x.Engaged {
		add(e.Span, max(d.Before, d.After, e.Travel))
	}
	return out
}

// sweep is the starts at which so many people can come, as pieces of a day.
func sweep(need, minutes int, people []map[workday.Date][]piece, date workday.Date) []piece {
	type end struct{ at, more int }
	var ends []end
	for _, taken := range people {
		busy := taken[date]
		slices.SortFunc(busy, func(a, b piece) int { return cmp.Compare(a.from, b.from) })
		free := 0
		for _, b := range append(busy, piece{24 * 60, 24 * 60}) {
			if last := b.from - minutes; free <= last {
				ends = append(ends, end{free, 1}, end{last + 1, -1})
			}
			free = max(free, b.to)
		}
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.more, b.more)) })
	var out []piece
	for n, i := 0, 0; i < len(ends); i++ {
		before := n
		n += ends[i].more
		switch {
		case before < need && n >= need:
			out = append(out, piece{from: ends[i].at})
		case before >= need && n < need:
			out[len(out)-1].to = ends[i].at
		}
	}
	return out
}

func intersect(a, b []piece) (out []piece) {
	for len(a) > 0 && len(b) > 0 {
		if c := (piece{max(a[0].from, b[0].from), min(a[0].to, b[0].to)}); c.from < c.to {
			out = append(out, c)
		}
		if a[0].to < b[0].to {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}
