package slot

import (
	"cmp"
	"slices"

	"lianban/scheduler/workday"
)

// Blocked counts the starts of one day that one reason forbids.
type Blocked struct {
	Date workday.Date `json:"date"`
	Reason
	Starts int `json:"starts"`
}

// Explanation says why there is no offer, or too few (INS-511), on the dates
// asked for. Counts has every rejected start once, under the first rule it
// fails. If there is no offer, Blocking are the departments without which one
// would appear, each alone, the earliest first; BlockingThings are no_vehicle,
// no_room, applicant_away and centre_full in the same sense; OnlyTogether says
// that no single one is to blame (SIM-10). If nobody is, the dates are.
type Explanation struct {
	Counts         []Blocked     `json:"counts"`
	Blocking       []string      `json:"blocking,omitempty"`
	BlockingThings []Code        `json:"blocking_things,omitempty"`
	OnlyTogether   bool          `json:"only_together,omitempty"`
	Alternatives   []Alternative `json:"alternatives,omitempty"`
}

// Explain counts, for the dates asked for, the starts that each reason
// forbids, finds who blocks, and looks for alternatives.
func (r *Rows) Explain() Explanation {
	out := Explanation{Counts: r.counts(), Alternatives: r.alternatives()}
	r.blame(&out)
	return out
}

func (r *Rows) counts() []Blocked {
	from, to := 0, len(r.days)
	for from < to && r.days[from].Date.Before(r.p.From) {
		from++
	}
	for from < to && r.p.To.Before(r.days[to-1].Date) {
		to--
	}
	var out []Blocked
	j := r.judge(from, to)
	for day := from; day < to; day++ {
		out = append(out, j.count(day)...)
	}
	return out
}

// count groups the starts of a day by reason, in the order of the rules.
func (j judge) count(day int) (out []Blocked) {
	d := j.days[day]
	j.sieve(day, d.open().and(quarters), func(why Reason, starts row) {
		out = append(out, Blocked{d.Date, why, starts.count()})
	})
	return out
}

// blame tests each party alone: without it, would a slot appear, and how early?
func (r *Rows) blame(e *Explanation) {
	framed := slices.ContainsFunc(r.frames, func(f row) bool { return !f.empty() })
	if !framed || r.first(nothing) < ever {
		return // the dates are to blame, or there are offers
	}
	type party struct{ without, opens int }
	var parties []party
	for _, without := range slices.Concat(r.order, r.things(), []int{theCentre}) {
		if at := r.first(without); at < ever {
			parties = append(parties, party{without, at})
		}
	}
	slices.SortStableFunc(parties, func(a, b party) int { return cmp.Compare(a.opens, b.opens) })
	for _, p := range parties {
		switch {
		case p.without == theCentre:
			e.BlockingThings = append(e.BlockingThings, CentreFull)
		case r.groups[p.without].lack != "":
			e.BlockingThings = append(e.BlockingThings, r.groups[p.without].lack)
		default:
			e.Blocking = append(e.Blocking, r.groups[p.without].ID)
		}
	}
	e.OnlyTogether = len(parties) == 0
}

// first is the minute of the earliest start without one party; ever if none.
func (r *Rows) first(without int) int {
	for day, starts := range r.common(without) {
		for i := range starts.all() {
			return r.days[day].minute(i)
		}
	}
	return ever
}
