package inspection

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

// Near is a booked visit that could be made on the same trip (INS-609).
type Near struct {
	Visit       Visit    `json:"visit"`
	Site        Site     `json:"site"`
	Kilometres  float64  `json:"kilometres"`
	Minutes     int      `json:"minutes"`     // on the way between the two (INS-506)
	Tight       bool     `json:"tight"`       // the way takes longer than there is between the two
	Departments []string `json:"departments"` // ids of those that come to both
	TripID      string   `json:"trip_id,omitempty"`
	Visits      int      `json:"visits"` // of the trip, with this one
	Saved       int      `json:"saved"`  // trips saved by it (INS-1210)
}

// halfOf is the half-day of a start: a visit that starts before noon is a morning
// visit, as in the search (house rule).
func halfOf(t time.Time) slot.Band {
	if t.In(workday.Shanghai).Hour() < 12 {
		return slot.Morning
	}
	return slot.Afternoon
}

// noonOf are the ends of the half-day of a start.
func noonOf(t time.Time) (from, to time.Time) {
	day := dateOf(t)
	noon := day.At(12 * 60)
	if halfOf(t) == slot.Morning {
		return day.Midnight(), noon
	}
	return noon, day.AddDays(1).Midnight()
}

// NearVisits are the visits within batch.radius_km, on the half-day of a visit's
// time or of the slot it holds, that share a department with it, the nearest first
// (INS-609). Refusals: not_found, not_a_window, wrong_window.
func (d *Desk) NearVisits(ctx context.Context, by auth.Actor, visitID string) (out []Near, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		v, err := findVisit(ctx, q, visitID)
		if err != nil {
			return err
		}
		if err := mayOrganise(ctx, q, by, v.CentreID); err != nil {
			return err
		}
		out, err = d.near(ctx, q, v)
		return err
	})
	return out, err
}

func (d *Desk) near(ctx context.Context, q bun.IDB, v Visit) ([]Near, error) {
	if v.State == VisitDraft {
		held, err := listBookings(ctx, q, v.ID)
		if err != nil {
			return nil, err
		}
		if len(held) > 0 && held[0].ExpiresAt.After(d.now()) {
			v.Start, v.End = held[0].Start, held[0].End
		}
	}
	if v.Kind != KindSite || v.Start.IsZero() || v.State != VisitDraft && !v.booked() {
		return nil, nil
	}
	c, err := caseOf(ctx, q, v)
	if err != nil {
		return nil, err
	}
	g, err := d.ground(ctx, q, v, "")
	if err != nil {
		return nil, err
	}
	from, to := noonOf(v.Start)
	others, err := siteVisits(ctx, q, v, from, to)
	if err != nil {
		return nil, err
	}
	here := siteOf(c, v)
	others = slices.DeleteFunc(others, func(o siteVisit) bool { return !within(here, o.Site, g.rules.BatchRadius) })
	return d.sharing(ctx, q, v, ids(comingTo(c, v.Kind)), here, g, others)
}

// siteOf is where a visit takes place.
func siteOf(c Case, v Visit) Site {
	if v.MovedTo != nil {
		return *v.MovedTo
	}
	return c.Site
}

// within compares by the straight line. Places without a point are near only if
// they are the same address; a radius of 0 finds nothing.
func within(a, b Site, km int) bool {
	if km == 0 {
		return false
	}
	if a.Address != "" && a.Address == b.Address {
		return true
	}
	known := func(s Site) bool { return s.Lat != 0 || s.Lon != 0 }
	return known(a) && known(b) && slot.Kilometres(a.point(), b.point()) <= float64(km)
}

func (s Site) point() slot.Point { return slot.Point{Lat: s.Lat, Lon: s.Lon} }

// way is the minutes between two sites (INS-506).
func way(r office.Rules, a, b Site) int {
	return roadsOf(r).Minutes(a.point(), b.point(), a.Address != "" && a.Address == b.Address)
}

// sharing keeps the visits that have a department in common with a visit.
func (d *Desk) sharing(ctx context.Context, q bun.IDB, v Visit, mine []string, here Site, g ground, others []siteVisit) (out []Near, err error) {
	if len(others) == 0 {
		return nil, nil
	}
	visits := make([]string, len(others))
	for i, o := range others {
		visits[i] = o.ID
	}
	coming, err := comingToVisits(ctx, q, visits)
	if err != nil {
		return nil, err
	}
	trips, err := liveStops(ctx, q, append(visits, v.ID))
	if err != nil {
		return nil, err
	}
	for _, o := range others {
		n := Near{Visit: o.Visit, Site: o.Site, TripID: trips[o.ID], Kilometres: math.Round(slot.Kilometres(here.point(), o.Site.point())*10) / 10}
		own := trips[v.ID]
		if own != "" && n.TripID != "" { // in the same one, or each in its own
			continue
		}
		for _, id := range coming[o.ID] {
			if slices.Contains(mine, id) {
				n.Departments = append(n.Departments, id)
			}
		}
		if len(n.Departments) == 0 {
			continue
		}
		n.Minutes = way(g.rules, here, o.Site)
		gap := time.Duration(n.Minutes) * time.Minute
		n.Tight = v.Start.Before(o.End.Add(gap)) && o.Start.Before(v.End.Add(gap))
		if n.Visits, err = countStops(ctx, q, own+n.TripID); err != nil {
			return nil, err
		}
		n.Visits = max(n.Visits, 1) + 1
		n.Saved = n.Visits - 1
		out = append(out, n)
	}
	slices.SortStableFunc(out, func(a, b Near) int {
		return cmp.Or(cmp.Compare(a.Kilometres, b.Kilometres), a.Visit.Start.Compare(b.Visit.Start))
	})
	return out, nil
}
