package slot

import (
	"slices"

	"lianban/scheduler/workday"
)

// Kind says how an alternative differs from what was asked.
type Kind string

// The ladder of INS-511. Leaving a required department out is not on it, nor is
// a shorter visit: docs/decisions/006.
const (
	OtherHalf   Kind = "other_band"
	LaterDay    Kind = "later_day"
	BeyondLimit Kind = "beyond_limit" // a supervisor's act
	LendPeople  Kind = "lend"         // one department finds more inspectors
)

// Alternative is a slot that a change would open. For LendPeople the offer
// names those of the Department who can come, and More is how many it would
// have to find beside them.
type Alternative struct {
	Kind       Kind   `json:"kind"`
	Offer      Offer  `json:"offer"`
	Department string `json:"department,omitempty"`
	More       int    `json:"more,omitempty"`
}

// perRung is how many alternatives each rung of the ladder adds at most; one
// full rung is the three of INS-511.
const perRung = 3

// alternatives climbs the ladder of INS-511, nearest change first. From the
// second rung on the half-day asked for no longer counts.
func (r *Rows) alternatives() (out []Alternative) {
	add := func(kind Kind, offers []Offer) {
		for _, o := range offers {
			out = append(out, Alternative{Kind: kind, Offer: o})
		}
	}
	if band := r.p.Band.other(); band != Any {
		q := r.p
		q.Band = band
		add(OtherHalf, r.asking(q).Search(perRung))
	}
	wide := r.p
	wide.Band, wide.To = Any, r.lastDay()
	later := wide
	later.From = r.p.To.AddDays(1)
	add(LaterDay, r.asking(later).Search(perRung))
	if !r.p.Limit.IsZero() && !r.p.PastLimit {
		q := wide
		q.PastLimit = true
		if q.From.Before(q.Limit.AddDays(1)) {
			q.From = q.Limit.AddDays(1)
		}
		add(BeyondLimit, r.asking(q).Search(perRung))
	}
	return append(out, r.asking(wide).lending()...)
}

// other is the half-day that was not asked for.
func (b Band) other() Band {
	switch b {
	case Morning:
		return Afternoon
	case Afternoon:
		return Morning
	}
	return Any
}

func (r *Rows) lastDay() workday.Date {
	if len(r.days) == 0 {
		return r.p.To
	}
	return r.days[len(r.days)-1].Date
}

// beside is the starts that are not among the others.
func beside(starts, others []row) []row {
	for day := range starts {
		starts[day] = starts[day].minus(others[day])
	}
	return starts
}

// lending asks each department what would open if it found the people it
// lacks; no inspector helps on a day on which it is closed.
func (r *Rows) lending() (out []Alternative) {
	offered := r.common(nothing)
	for _, g := range r.order {
		group := &r.groups[g]
		starts := beside(r.common(g), offered)
		for day := range starts {
			if group.closedOn(r.days[day].Date) {
				starts[day] = row{}
			}
		}
		for _, o := range r.best(1, starts) {
			out = append(out, Alternative{Kind: LendPeople, Offer: o, Department: group.ID, More: group.Min - len(o.People[group.ID])})
		}
	}
	slices.SortStableFunc(out, func(a, b Alternative) int { return a.Offer.Start.Compare(b.Offer.Start) })
	return out[:min(perRung, len(out))]
}
