package delivery

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// CustodyFigures say who holds what for how long, and whether hand-overs were
// signed for and loans came back in time (DEL-1501).
type CustodyFigures struct {
	Holders []HolderAge `json:"holders"`  // of what is under way now, the longest first
	Kept    int         `json:"kept"`     // left out: lies where it belongs
	SignIns Timely      `json:"sign_ins"` // by the day of their limit (DEL-912)
	Loans   Timely      `json:"loans"`    // by the day they are due back (DEL-940)
}

// HolderAge is for how many days a holder has had things. Couriers are one
// holder: what one person has says too much about a person.
type HolderAge struct {
	Kind KeeperKind `json:"kind"`
	ID   string     `json:"id,omitempty"`
	Name string     `json:"name,omitempty"` // of a department
	Spread
	Longest int `json:"longest"`
}

// Timely is what was done by its limit, later or not at all, and what still has
// time.
type Timely struct {
	InTime int `json:"in_time"`
	Late   int `json:"late"`
	Open   int `json:"open"`
}

// Share is what was done in time of all whose limit has passed or that were done.
func (t Timely) Share() Share { return Share{t.InTime, t.InTime + t.Late} }

// count adds what had a limit and was done at an instant, zero if it was not.
func (t *Timely) count(limit, done, now time.Time) {
	switch {
	case !done.IsZero() && !done.After(limit):
		t.InTime++
	case done.IsZero() && !now.After(limit):
		t.Open++
	default:
		t.Late++
	}
}

// held is how many things a holder has had since a day.
type held struct {
	Kind  KeeperKind
	ID    string
	Since string // ISO date
	N     int
}

// holderAges gives the spread of each holder, whoever has something longest first.
func holderAges(rows []held, today workday.Date) (out []HolderAge) {
	of := map[Keeper][]counted{}
	for _, r := range rows {
		k := Keeper{r.Kind, r.ID}
		if k.Kind == AtCourier {
			k.ID = ""
		}
		since, err := workday.ParseDate(r.Since)
		of[k] = append(of[k], counted{Value: daysBetween(since, today), Known: err == nil, N: r.N})
	}
	for k, all := range of {
		h := HolderAge{Kind: k.Kind, ID: k.ID, Spread: spreadOf(all)}
		for _, c := range all {
			if c.Known {
				h.Longest = max(h.Longest, c.Value)
			}
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b HolderAge) int {
		return cmp.Or(b.Longest-a.Longest, b.N-a.N, cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// daysBetween are calendar days; a thing lies there on rest days too.
func daysBetween(a, b workday.Date) int {
	return int(b.Midnight().Sub(a.Midnight()) / (24 * time.Hour))
}

// custodyFigures counts for a centre.
func (d *Desk) custodyFigures(ctx context.Context, q bun.IDB, query FigureQuery) (f CustodyFigures, err error) {
	rows, err := heldUnderWay(ctx, q, query.CentreID)
	if err != nil {
		return f, err
	}
	f.Holders = holderAges(rows, workday.DateOf(d.now()))
	for i, h := range f.Holders {
		if h.Kind != AtDepartment {
			continue
		}
		dep, err := office.FindDepartment(ctx, q, h.ID)
		if err != nil {
			return f, err
		}
		f.Holders[i].Name = dep.Name
	}
	if f.Kept, err = keptWhereTheyBelong(ctx, q, query.CentreID); err != nil {
		return f, err
	}
	if f.SignIns, err = signedBy(ctx, q, query, d.now()); err != nil {
		return f, err
	}
	loans, err := loansDueIn(ctx, q, query)
	for _, l := range loans {
		due, wrong := workday.ParseDate(l.DueOn)
		if wrong != nil {
			return f, wrong
		}
		f.Loans.count(due.AddDays(1).Midnight().Add(-time.Millisecond), l.EndedAt, d.now())
	}
	return f, err
}

// SettleFigures say what windows and supervisors decided about the parcels that
// were due in the range: proofs that they confirmed, times that they accepted.
type SettleFigures struct {
	Settled  Timely        `json:"settled"`   // unproven hand-overs that the window confirmed within eight hours of the hall, or did not (DEL-624)
	Accepted []AcceptCount `json:"accepted"`  // times of quality C, by supervisor
	OfTimes  int           `json:"quality_c"` // hand-overs with such a time
}

// AcceptCount is how many times a supervisor accepted that had not counted.
type AcceptCount struct {
	Actor string `json:"actor"`
	Name  string `json:"name"`
	N     int    `json:"n"`
}

// settleFigures counts for a centre.
func (d *Desk) settleFigures(ctx context.Context, q bun.IDB, query FigureQuery) (f SettleFigures, err error) {
	claims, err := claimsSettled(ctx, q, query)
	if err != nil {
		return f, err
	}
	h, err := hallOf{}.of(ctx, q, query.CentreID, d.now())
	if err != nil {
		return f, err
	}
	for _, c := range claims {
		limit, err := h.cal.AddMinutes(c.ClaimedAt, unverifiedAfter, h.centre.Hours)
		if err != nil {
			return f, err
		}
		f.Settled.count(limit, c.DoneAt, d.now())
	}
	if f.Accepted, err = timesAccepted(ctx, q, query); err != nil {
		return f, err
	}
	for i, a := range f.Accepted {
		if f.Accepted[i].Name, err = actorName(ctx, q, a.Actor); err != nil {
			return f, err
		}
	}
	return f, nil
}

// actorName is a person's name, or the actor as it was written.
func actorName(ctx context.Context, q bun.IDB, actor string) (string, error) {
	id, ok := strings.CutPrefix(actor, string(auth.KindPerson)+":")
	if !ok {
		return actor, nil
	}
	person, err := auth.FindPerson(ctx, q, id)
	if fault.Is(err, "person_unknown") {
		return actor, nil
	}
	return person.Name, err
}

// PlaceFailures is how many first tries failed of those in a street or hour.
type PlaceFailures struct {
	Area string `json:"area,omitempty"` // district and street, or empty for hours
	Hour int    `json:"hour,omitempty"` // of the day, 1 to 24, in which the first try ended
	Share
}

// TryFigures are first tries by where and when. Areas and hours with fewer than
// five tries are only counted together.
type TryFigures struct {
	Areas []PlaceFailures `json:"areas"`
	Hours []PlaceFailures `json:"hours"`
	Few   Share           `json:"few_area"` // of areas that are not shown
	FewAt Share           `json:"few_hour"` // of hours
}

// tried is so many first tries that ended alike.
type tried struct {
	Area        string
	Hour        int
	FailedFirst Outcome // empty when it delivered
	N           int
}

func tryFigures(rows []tried) (f TryFigures) {
	areas, hours := map[string]*Share{}, map[int]*Share{}
	for _, r := range rows {
		s := Share{Of: r.N}
		if r.FailedFirst != "" {
			s.Part = r.N
		}
		if areas[r.Area] == nil {
			areas[r.Area] = &Share{}
		}
		if hours[r.Hour] == nil {
			hours[r.Hour] = &Share{}
		}
		areas[r.Area].add(s)
		hours[r.Hour].add(s)
	}
	for area, s := range areas {
		if s.Of < fewest {
			f.Few.add(*s)
		} else {
			f.Areas = append(f.Areas, PlaceFailures{Area: area, Share: *s})
		}
	}
	for hour, s := range hours {
		if s.Of < fewest {
			f.FewAt.add(*s)
		} else {
			f.Hours = append(f.Hours, PlaceFailures{Hour: hour, Share: *s})
		}
	}
	slices.SortFunc(f.Areas, func(a, b PlaceFailures) int {
		return cmp.Or(b.Tenths()-a.Tenths(), b.Of-a.Of, cmp.Compare(a.Area, b.Area))
	})
	slices.SortFunc(f.Hours, func(a, b PlaceFailures) int { return a.Hour - b.Hour })
	return f
}
