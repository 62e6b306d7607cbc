package api

import (
	"net/http"
	"time"

	"lianban/inspection"
	"lianban/scheduler/workday"
)

// tripPages are the visits that one vehicle makes in a row: the trips of a day, one
// trip to print for the driver, joining and leaving (INS-609).
func (p *site) tripPages() {
	p.on(Route{Method: http.MethodGet, Path: "/trips", Act: "pageTrips", Who: anywhere(atDesk...)}, p.trips)
	p.on(Route{Method: http.MethodGet, Path: "/trips/{id}", Act: "pageTrip", Who: readers(atDesk...)}, p.trip)
	p.on(Route{Method: http.MethodPost, Path: "/visits/{id}/trip", Act: "pageJoinTrip", Who: actors(atDesk...)}, p.joinTrip)
	p.on(Route{Method: http.MethodPost, Path: "/visits/{id}/trip/leave", Act: "pageLeaveTrip", Who: actors(atDesk...)}, p.leaveTrip)
}

// tripsPage are the trips of one day, with the way to the days beside it.
type tripsPage struct {
	inspection.TripDay
	At           time.Time
	Before, Next string // ISO dates
}

func (p *site) trips(v *view) error {
	v.here = "/trips"
	day, err := workday.ParseDate(v.query("day"))
	if err != nil { // no day, or none that there is
		day = workday.DateOf(p.now())
	}
	d := tripsPage{At: day.Midnight(), Before: day.AddDays(-1).String(), Next: day.AddDays(1).String()}
	if d.TripDay, err = p.Inspection.TripsOf(v.ctx(), v.by, day); err != nil {
		return err
	}
	return p.show(v, "trips", d)
}

// tripPage is one trip as the driver reads it, with its stops on a sketch of the
// land.
type tripPage struct {
	Trip   inspection.TripView
	Begins time.Time // when to set out
	Home   time.Time // when the vehicle is back
	Sketch *sketch
}

func (p *site) trip(v *view) error {
	v.here = "/trips/" + v.id()
	found, err := p.Inspection.FindTrip(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	d := tripPage{Trip: found, Sketch: sketchOf(found)}
	if n := len(found.Stops); n > 0 {
		d.Begins = found.Stops[0].LeaveBy
		d.Home = found.Stops[n-1].Visit.End.Add(time.Duration(found.Back) * time.Minute)
	}
	return p.show(v, "trip", d)
}

// joinTrip puts a visit into the trip of the one that was chosen.
func (p *site) joinTrip(v *view) error {
	return p.onVisit(v, form{"trip", ""}, func() ([]string, error) {
		_, err := p.Inspection.JoinTrip(v.ctx(), v.by, inspection.JoinRequest{VisitID: v.id(), With: v.form("with"), Once: v.once()})
		return []string{"flash.trip.joined"}, err
	})
}

func (p *site) leaveTrip(v *view) error {
	return p.onVisit(v, form{"trip", ""}, func() ([]string, error) {
		return []string{"flash.trip.left"}, p.Inspection.LeaveTrip(v.ctx(), v.by, v.id())
	})
}

// nearLine is a visit that could be made on the same trip, as a page names it.
type nearLine struct {
	inspection.Near
	Names []string // of the departments that come to both
}

// nearOf are the visits nearby, for the board and the page of a visit.
func (p *site) nearOf(v *view, visitID string) (out []nearLine, err error) {
	near, err := p.Inspection.NearVisits(v.ctx(), v.by, visitID)
	if err != nil {
		return nil, err
	}
	for _, n := range near {
		line := nearLine{Near: n}
		for _, id := range n.Departments {
			name, err := p.departmentName(v, id)
			if err != nil {
				return nil, err
			}
			line.Names = append(line.Names, name)
		}
		out = append(out, line)
	}
	return out, nil
}

// sketch is where the stops lie, north up, without a map: points on a sheet of
// sketchSide units.
type sketch struct {
	Points []sketchPoint
}

type sketchPoint struct {
	N    int // of the stop; 0 is the centre
	X, Y int
}

const (
	sketchSide = 300
	sketchEdge = 24
)

// sketchOf places the centre and the stops whose point is known; nil with fewer
// than two.
func sketchOf(t inspection.TripView) *sketch {
	type place struct {
		n        int
		lat, lon float64
	}
	places := []place{{0, t.Centre.Lat, t.Centre.Lon}}
	for i, s := range t.Stops {
		places = append(places, place{i + 1, s.Site.Lat, s.Site.Lon})
	}
	known := places[:0]
	for _, one := range places {
		if one.lat != 0 || one.lon != 0 {
			known = append(known, one)
		}
	}
	if len(known) < 2 {
		return nil
	}
	low, high := known[0], known[0]
	for _, one := range known {
		low.lat, low.lon = min(low.lat, one.lat), min(low.lon, one.lon)
		high.lat, high.lon = max(high.lat, one.lat), max(high.lon, one.lon)
	}
	const shrink = 0.9 // of a degree of longitude at 26° north
	wide := max(high.lat-low.lat, (high.lon-low.lon)*shrink, 1e-4)
	out := &sketch{}
	for _, one := range known {
		x := sketchSide/2 + (one.lon-(low.lon+high.lon)/2)*shrink/wide*(sketchSide-2*sketchEdge)
		y := sketchSide/2 - (one.lat-(low.lat+high.lat)/2)/wide*(sketchSide-2*sketchEdge)
		out.Points = append(out.Points, sketchPoint{one.n, int(x), int(y)})
	}
	return out
}
