package slot

import (
	"slices"
	"time"

	"lianban/scheduler/workday"
)

// Reason is the first hard rule that a start fails, and who fails it: a
// department, or empty where nobody in particular does.
type Reason struct {
	Code       Code   `json:"code"`
	Department string `json:"department,omitempty"`
}

// Blocked counts the starts of one day that one reason forbids.
type Blocked struct {
	Date workday.Date `json:"date"`
	Reason
	Starts int `json:"starts"`
}

// Explanation says why there is no offer, or too few (INS-511). Blocking are
// the departments without which a slot would appear, each alone; OnlyTogether
// says that no single one is to blame (SIM-10).
type Explanation struct {
	Counts       []Blocked     `json:"counts"`
	Blocking     []string      `json:"blocking,omitempty"`
	OnlyTogether bool          `json:"only_together,omitempty"`
	Alternatives []Alternative `json:"alternatives,omitempty"`
}

// Kind says how an alternative differs from what was asked.
type Kind string

// The ladder of INS-511. Leaving a required department out is not on it.
const (
	OtherHalf   Kind = "other_band"
	LaterDay    Kind = "later_day"
	ShorterTime Kind = "shorter"
	BeyondLimit Kind = "beyond_limit" // a supervisor's act
	LendPeople  Kind = "lend"         // one department finds more inspectors
)

// Alternative is a slot that a change would open.
type Alternative struct {
	Kind       Kind   `json:"kind"`
	Offer      Offer  `json:"offer"`
	Department string `json:"department,omitempty"`
	Minutes    int    `json:"minutes,omitempty"`
}

// Why gives the first rule a start fails, the zero Reason if none. A start on
// a date outside the problem's days is NotWorkday.
func (r *Rows) Why(start time.Time) Reason {
	date := workday.DateOf(start)
	day, ok := r.seen[date]
	if !ok {
		return Reason{Code: NotWorkday}
	}
	return r.newReasons(day).why((minuteOf(date, start) - firstMinute) / grain)
}

// Explain counts, for the dates asked for, the starts that each reason
// forbids, finds who blocks, and looks for alternatives.
func (r *Rows) Explain() Explanation {
	var out Explanation
	for day, d := range r.p.Days {
		if d.Date.Before(r.p.From) || r.p.To.Before(d.Date) {
			continue
		}
		out.Counts = append(out.Counts, r.count(day)...)
	}
	out.Blocking, out.OnlyTogether = r.blocking()
	out.Alternatives = r.p.alternatives()
	return out
}

// count groups the starts of a day by reason, in the order of first sight.
func (r *Rows) count(day int) []Blocked {
	d := r.p.Days[day]
	if !d.Open {
		return []Blocked{{Date: d.Date, Reason: Reason{Code: NotWorkday}, Starts: 1}}
	}
	var out []Blocked
	reasons := r.newReasons(day)
	span(d.Hours).each(func(i int) bool {
		why := reasons.why(i)
		if why.Code == "" {
			return true
		}
		at := slices.IndexFunc(out, func(b Blocked) bool { return b.Reason == why })
		if at < 0 {
			out = append(out, Blocked{Date: d.Date, Reason: why})
			at = len(out) - 1
		}
		out[at].Starts++
		return true
	})
	return out
}

// span is every offered start from opening to closing.
func span(h workday.Hours) (out row) {
	if len(h) > 0 {
		out.set((h[0].From-firstMinute)/grain, (h[len(h)-1].To-firstMinute)/grain)
	}
	return out.and(stepRow)
}

// reasons is one day with the department rows of every layer, made as needed.
type reasons struct {
	r    *Rows
	day  int
	made [layers][]row
}

func (r *Rows) newReasons(day int) *reasons { return &reasons{r: r, day: day} }

// why goes through the hard rules in the order of INS-502.
func (x *reasons) why(i int) Reason {
	p, day := x.r.p, x.r.p.Days[x.day]
	if code := p.dayCode(day); code != "" {
		return Reason{Code: code}
	}
	for _, d := range p.Departments {
		if slices.Contains(d.Closed, day.Date) {
			return Reason{DeptClosed, d.ID}
		}
	}
	if code := p.hoursCode(day, i); code != "" {
		return Reason{Code: code}
	}
	if code := p.dateCode(day.Date); code != "" {
		return Reason{Code: code}
	}
	for l := qualified; l < unreserved; l++ {
		if why := x.layer(l, i); why.Code != "" {
			return why
		}
	}
	if code := x.things(i); code != "" {
		return Reason{Code: code}
	}
	if why := x.layer(unreserved, i); why.Code != "" {
		return why
	}
	if !p.centreRow(day).has(i) {
		return Reason{Code: CentreFull}
	}
	return Reason{}
}

func (p Problem) dayCode(day Day) Code {
	if !day.Open || day.Date.Before(p.From) || p.To.Before(day.Date) {
		return NotWorkday
	}
	return ""
}

// hoursCode: a start inside hours whose visit would cross the midday break is
// lunch; anything else that does not fit a block is outside the hours.
func (p Problem) hoursCode(day Day, i int) Code {
	n := p.Minutes / grain
	from, to := firstMinute+grain*i, firstMinute+grain*(i+n)
	fits := slices.ContainsFunc(day.Hours, func(b workday.Block) bool { return from >= b.From && to <= b.To })
	switch {
	case len(day.Hours) == 0, !fits && (from < day.Hours[0].From || to > day.Hours[len(day.Hours)-1].To):
		return OutsideHours
	case !fits:
		return Lunch
	case !p.band(p.Band).has(i):
		return OtherBand
	}
	return ""
}

func (p Problem) dateCode(d workday.Date) Code {
	switch {
	case d.Before(p.Earliest):
		return LeadTime
	case p.Limit.Before(d) && !p.PastLimit:
		return PastLimit
	}
	return ""
}

var layerCodes = [layers]Code{NotQualified, Recused, OnLeave, Busy, DayFull, Buffer, Travel, Reserved}

// layer names the first department that has too few people at this layer.
func (x *reasons) layer(l layer, i int) Reason {
	if x.made[l] == nil {
		x.made[l] = x.rows(l)
	}
	for d, department := range x.r.p.Departments {
		if !x.made[l][d].has(i) {
			code := layerCodes[l]
			if l == withinDay && department.Teams {
				code = TeamFull
			}
			return Reason{code, department.ID}
		}
	}
	return Reason{}
}

func (x *reasons) rows(l layer) []row {
	out := make([]row, len(x.r.p.Departments))
	for d, department := range x.r.p.Departments {
		people := make([]row, len(department.People))
		for j, person := range department.People {
			people[j] = x.r.p.personRow(x.r.p.Days[x.day].Date, department, person, l)
		}
		out[d] = atLeast(department.Min, people)
	}
	return out
}

func (x *reasons) things(i int) Code {
	for pool, code := range []Code{NoVehicle, NoRoom} {
		if x.r.free[pool] != nil && !union(x.r.free[pool][x.day]).has(i) {
			return code
		}
	}
	if !x.r.p.applicantRow(x.r.p.Days[x.day]).has(i) {
		return ApplicantAway
	}
	return ""
}

// blocking tests each department alone: without it, would a slot appear?
func (r *Rows) blocking() (ids []string, onlyTogether bool) {
	if r.any(-1) {
		return nil, false
	}
	for d, department := range r.p.Departments {
		if r.any(d) {
			ids = append(ids, department.ID)
		}
	}
	return ids, len(ids) == 0 && len(r.p.Departments) > 0
}

func (r *Rows) any(without int) bool {
	for day := range r.p.Days {
		if !r.common(day, without).empty() {
			return true
		}
	}
	return false
}

// perRung is how many alternatives each rung of the ladder adds.
const perRung = 3

// alternatives climbs the ladder of INS-511 and keeps what each rung opens.
func (p Problem) alternatives() []Alternative {
	var out []Alternative
	add := func(kind Kind, q Problem) {
		for _, o := range q.offers(perRung) {
			if !slices.ContainsFunc(out, func(a Alternative) bool { return a.Offer.Start.Equal(o.Start) && a.Minutes == q.changed(p) }) {
				out = append(out, Alternative{Kind: kind, Offer: o, Minutes: q.changed(p)})
			}
		}
	}
	if p.Band != Any && p.Band != "" {
		q := p
		q.Band = Any
		add(OtherHalf, q)
	}
	q := p
	q.Band, q.To = Any, p.lastDay()
	add(LaterDay, q)
	if p.Shorter > 0 && p.Shorter < p.Minutes {
		q.Minutes = p.Shorter
		add(ShorterTime, q)
	}
	beyond := p
	beyond.Band, beyond.To, beyond.PastLimit = Any, p.lastDay(), true
	beyond.From = p.Limit.AddDays(1)
	add(BeyondLimit, beyond)
	return append(out, p.lending()...)
}

func (p Problem) lastDay() workday.Date {
	if len(p.Days) == 0 {
		return p.To
	}
	return p.Days[len(p.Days)-1].Date
}

func (p Problem) changed(from Problem) int {
	if p.Minutes == from.Minutes {
		return 0
	}
	return p.Minutes
}

func (p Problem) offers(n int) []Offer {
	r, err := Prepare(p)
	if err != nil {
		return nil // the same problem was prepared before; only dates differ
	}
	return r.Search(n)
}

// lending asks for each department what would open if it found the people.
func (p Problem) lending() []Alternative {
	var out []Alternative
	for i, d := range p.Departments {
		q := p
		q.Departments = slices.Clone(p.Departments)
		q.Departments[i].Min = 0
		for _, o := range q.offers(1) {
			out = append(out, Alternative{Kind: LendPeople, Offer: o, Department: d.ID})
		}
	}
	return out
}

// Fits checks a choice again: named people and units at one start. It gives
// the zero Reason when every hard rule holds for exactly these (DEC-5).
func (r *Rows) Fits(start time.Time, chosen []string) Reason {
	if why := r.Why(start); why.Code != "" {
		return why
	}
	date := workday.DateOf(start)
	day, i := r.seen[date], (minuteOf(date, start)-firstMinute)/grain
	for d, department := range r.p.Departments {
		free := 0
		for j, person := range department.People {
			if !slices.Contains(chosen, person.ID) {
				continue
			}
			if !r.people[d][day][j].has(i) {
				return r.personReason(department, person, day, i)
			}
			free++
		}
		if free < department.Min {
			return Reason{NotQualified, department.ID}
		}
	}
	return Reason{}
}

func (r *Rows) personReason(d Department, person Person, day, i int) Reason {
	for l := qualified; l < layers; l++ {
		if !r.p.personRow(r.p.Days[day].Date, d, person, l).has(i) {
			return Reason{layerCodes[l], d.ID}
		}
	}
	return Reason{Busy, d.ID}
}

// Cell is one start of one department on the booking board.
type Cell struct {
	Start  time.Time
	Free   int  // people who could come
	Enough bool // as many as are needed
	Common bool // every department could: an offer
	Why    Reason
}

// Board is a day as the booking board shows it: the starts of the opening
// hours, and for each department who could come then (STK-55).
func (r *Rows) Board(date workday.Date) (starts []time.Time, cells [][]Cell) {
	day, ok := r.seen[date]
	if !ok {
		return nil, nil
	}
	common, reasons := r.common(day, -1), r.newReasons(day)
	cells = make([][]Cell, len(r.p.Departments))
	span(r.p.Days[day].Hours).each(func(i int) bool {
		at := startOf(date, i).UTC()
		starts = append(starts, at)
		for d, department := range r.p.Departments {
			c := Cell{Start: at, Common: common.has(i), Why: reasons.why(i)}
			for _, person := range r.people[d][day] {
				if person.has(i) {
					c.Free++
				}
			}
			c.Enough = c.Free >= department.Min
			cells[d] = append(cells[d], c)
		}
		return true
	})
	return starts, cells
}
