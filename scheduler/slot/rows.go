package slot

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lianban/scheduler/workday"
)

// Rows is a problem made ready: the starts of every person on every day. It is
// never changed after [Prepare] and may be shared.
type Rows struct {
	p      Problem // its days in order of date
	days   []day
	frames []row   // by day: starts inside the hours, the half-day and the dates asked for
	groups []group // the departments as the problem has them, then vehicles, rooms, the applicant
	order  []int   // the departments by division and id: who is named first (INS-508)
	centre []row   // by day: starts in half-days the centre has room in; nil without a limit
}

// day is a Day with the minute, counted from 1970, that bit 0 stands for.
type day struct {
	Day
	zero int
}

func (d day) midnight() int       { return d.zero - firstMinute }
func (d day) minute(i int) int    { return d.zero + grain*i }
func (d day) up(minute int) int   { return ceilDiv(minute-d.zero, grain) }
func (d day) down(minute int) int { return floorDiv(minute-d.zero, grain) }

// open is the time from the first opening to the last closing, breaks included.
func (d day) open() (out row) {
	if n := len(d.Hours); n > 0 {
		out = between(d.up(d.midnight()+d.Hours[0].From), d.down(d.midnight()+d.Hours[n-1].To))
	}
	return out
}

// minuteAt and minuteBy are minutes since 1970, rounded down and up; every zone
// China had since then is whole minutes from UTC.
func minuteAt(t time.Time) int { return floorDiv(int(t.Unix()), 60) }
func minuteBy(t time.Time) int { return minuteAt(t.Add(time.Minute - 1)) }

func instant(minute int) time.Time { return time.Unix(int64(minute)*60, 0).UTC() }

// Prepare makes the rows of a problem. The error is for a caller's mistake: a
// length off the five-minute grain, a day given twice, a department of which
// nobody is required.
func Prepare(p Problem) (*Rows, error) {
	if p.Minutes <= 0 || p.Minutes%grain != 0 {
		return nil, fmt.Errorf("slot: %d minutes is no multiple of %d", p.Minutes, grain)
	}
	p.Days = slices.SortedFunc(slices.Values(p.Days), func(a, b Day) int { return compareDates(a.Date, b.Date) })
	for i := 1; i < len(p.Days); i++ {
		if p.Days[i].Date == p.Days[i-1].Date {
			return nil, fmt.Errorf("slot: %s is given twice", p.Days[i].Date)
		}
	}
	for _, d := range p.Departments {
		if d.Min < 1 {
			return nil, fmt.Errorf("slot: nobody of %s is required", d.ID)
		}
	}
	return prepare(p), nil
}

func compareDates(a, b workday.Date) int {
	return cmp.Or(cmp.Compare(a.Year, b.Year), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Day, b.Day))
}

// prepare is Prepare for a problem that was checked before.
func prepare(p Problem) *Rows {
	r := &Rows{p: p, groups: p.groups()}
	for _, d := range p.Days {
		r.days = append(r.days, day{d, minuteAt(d.Date.Midnight()) + firstMinute})
	}
	sheet := newSheet(r.days)
	for g := range r.groups {
		r.groups[g].prepare(sheet, p.Minutes/grain)
	}
	for g := range p.Departments {
		r.order = append(r.order, g)
	}
	slices.SortFunc(r.order, func(a, b int) int {
		x, y := p.Departments[a], p.Departments[b]
		return cmp.Or(cmp.Compare(x.Division, y.Division), cmp.Compare(x.ID, y.ID))
	})
	r.centre = p.centreRows(r.days)
	return r.asking(p)
}

// asking is the rows with another half-day, other dates or another view of the
// limit date; nobody's row depends on these.
func (r *Rows) asking(p Problem) *Rows {
	out := *r
	out.p, out.frames = p, make([]row, len(r.days))
	offered := p.Band.row().and(quarters)
	for i, d := range r.days {
		if d.Open && p.asked(d.Date) && p.datesCode(d.Date) == "" {
			out.frames[i] = p.inside(d).and(offered)
		}
	}
	return &out
}

func (p Problem) asked(d workday.Date) bool { return !d.Before(p.From) && !p.To.Before(d) }

func (p Problem) pastLimit(d workday.Date) bool { return !p.Limit.IsZero() && p.Limit.Before(d) }

// datesCode: no visit before the lead time (INS-605), and beyond the limit date
// only where a supervisor may look (INS-612).
func (p Problem) datesCode(d workday.Date) Code {
	switch {
	case d.Before(p.Earliest):
		return LeadTime
	case p.pastLimit(d) && !p.PastLimit:
		return PastLimit
	}
	return ""
}

// inside is the starts from which the visit lies within one opening block: a
// visit never spans a break (INS-505).
func (p Problem) inside(d day) (out row) {
	for _, b := range d.Hours {
		open := between(d.up(d.midnight()+b.From), d.down(d.midnight()+b.To))
		out = out.or(open.starts(p.Minutes / grain))
	}
	return out
}

// row is the starts of a half-day.
func (b Band) row() row {
	switch b {
	case Morning:
		return between(0, noon)
	case Afternoon:
		return between(noon, width)
	}
	return full
}

// centreRows leaves out the half-days in which the centre has all the visits it
// takes.
func (p Problem) centreRows(days []day) []row {
	if p.HalfDay == 0 {
		return nil
	}
	taken := map[workday.Date][2]int{}
	for _, s := range p.Centre {
		date, half := workday.DateOf(s.From), 0
		if !s.From.Before(date.At(12 * 60)) {
			half = 1
		}
		n := taken[date]
		n[half]++
		taken[date] = n
	}
	out := make([]row, len(days))
	for i, d := range days {
		out[i] = full
		for half, band := range []Band{Morning, Afternoon} {
			if taken[d.Date][half] >= p.HalfDay {
				out[i] = out[i].minus(band.row())
			}
		}
	}
	return out
}
