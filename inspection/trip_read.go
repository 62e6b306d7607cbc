package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

// TripView is a trip as the driver reads it: from the centre through its stops and
// back.
type TripView struct {
	Trip
	Centre  office.Centre `json:"centre"`
	Vehicle string        `json:"vehicle,omitempty"`
	Stops   []StopView    `json:"stops"`
	Back    int           `json:"back"`  // minutes from the last stop to the centre
	Saved   int           `json:"saved"` // trips saved: visits less one (INS-1210)
}

// StopView is one visit of a trip. Way is the minutes from the stop before, or from
// the centre; LeaveBy is when to set out for it at the latest.
type StopView struct {
	Visit   Visit        `json:"visit"`
	Site    Site         `json:"site"`
	Way     int          `json:"way"`
	LeaveBy time.Time    `json:"leave_by"`
	People  []StopPeople `json:"people"`
	Vehicle string       `json:"vehicle,omitempty"` // that this visit has booked
	Other   bool         `json:"other,omitempty"`   // which is not the trip's
}

// StopPeople are those of one department.
type StopPeople struct {
	DepartmentID string   `json:"department_id"`
	Department   string   `json:"department"`
	Names        []string `json:"names"`
}

// TripDay are the trips of a centre on one day. Alone are its visits that are in
// none. Saved is the sum of visits in trips less the number of trips (INS-1210).
type TripDay struct {
	Date  workday.Date `json:"date"`
	Trips []TripView   `json:"trips"`
	Alone []Visit      `json:"alone"`
	Saved int          `json:"saved"`
}

// FindTrip gives one trip of the actor's window, also one that has ended. Refusal:
// not_found.
func (d *Desk) FindTrip(ctx context.Context, by auth.Actor, id string) (out TripView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		t, err := findTrip(ctx, q, id)
		if err != nil {
			return err
		}
		if !atWindow(by) || by.Centre != t.CentreID {
			return notFound()
		}
		out, err = d.viewTrip(ctx, q, t)
		return err
	})
	return out, err
}

// TripsOf gives the trips of the actor's centre on a day. Refusal: not_a_window.
func (d *Desk) TripsOf(ctx context.Context, by auth.Actor, day workday.Date) (out TripDay, err error) {
	if !atWindow(by) {
		return out, notAWindow()
	}
	out.Date = day
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		trips, err := tripsOn(ctx, q, by.Centre, day)
		if err != nil {
			return err
		}
		for _, t := range trips {
			view, err := d.viewTrip(ctx, q, t)
			if err != nil {
				return err
			}
			out.Trips, out.Saved = append(out.Trips, view), out.Saved+view.Saved
		}
		out.Alone, err = aloneOn(ctx, q, by.Centre, day)
		return err
	})
	return out, err
}

func (d *Desk) viewTrip(ctx context.Context, q bun.IDB, t Trip) (out TripView, err error) {
	out.Trip = t
	if out.Centre, err = office.FindCentre(ctx, q, t.CentreID); err != nil {
		return out, err
	}
	rules, err := office.RulesAt(ctx, q, d.now(), office.Scope{Centre: t.CentreID})
	if err != nil {
		return out, err
	}
	stops, err := stopSites(ctx, q, t.ID)
	if err != nil {
		return out, err
	}
	base := Site{Address: out.Centre.Address, Lat: out.Centre.Lat, Lon: out.Centre.Lon}
	at := base
	for _, s := range stops {
		one := StopView{Visit: s.Visit, Site: s.Site, Way: way(rules, at, s.Site)}
		one.LeaveBy = s.Start.Add(-time.Duration(one.Way) * time.Minute)
		if err := fillStop(ctx, q, &one, t); err != nil {
			return out, err
		}
		out.Stops, at = append(out.Stops, one), s.Site
	}
	if n := len(out.Stops); n > 0 {
		out.Back, out.Saved = way(rules, at, base), n-1
	}
	if t.VehicleID != "" {
		found, err := findResources(ctx, q, []string{t.VehicleID})
		if err != nil {
			return out, err
		}
		for _, r := range found {
			out.Vehicle = r.Name
		}
	}
	return out, nil
}

// fillStop names who comes and with which vehicle.
func fillStop(ctx context.Context, q bun.IDB, s *StopView, t Trip) error {
	booked, err := viewBooked(ctx, q, s.Visit.ID)
	if err != nil {
		return err
	}
	parts, err := listParticipants(ctx, q, s.Visit.ID)
	if err != nil {
		return err
	}
	for _, p := range staying(parts) {
		line := StopPeople{DepartmentID: p.DepartmentID, Department: p.Name}
		for _, r := range booked {
			if r.DepartmentID == p.DepartmentID {
				line.Names = append(line.Names, r.Name)
			}
		}
		s.People = append(s.People, line)
	}
	i := slices.IndexFunc(booked, func(r Resource) bool { return r.Kind == KindVehicle })
	if i >= 0 {
		s.Vehicle, s.Other = booked[i].Name, t.VehicleID != "" && booked[i].ID != t.VehicleID
	}
	return nil
}

func roadsOf(r office.Rules) slot.Roads {
	return slot.Roads{Speed: r.TravelSpeed, Detour: r.TravelDetour, Park: r.TravelPark, Unknown: r.TravelUnknown}
}
