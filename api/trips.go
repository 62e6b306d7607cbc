package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/scheduler/workday"
)

// tripRoutes are the visits that one vehicle makes in a row (INS-609).
func (s *Server) tripRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/visits/{id}/near", Act: "nearVisits",
		Title: words{"附近可以同车的勘验", "Visits nearby that could be made on the same trip"}, Who: organisers,
	}, s.nearVisits)
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/trip", Act: "joinTrip",
		Title: words{"并入同一趟行程", "Put a visit into the trip of another"}, Who: organisers,
	}, s.joinTrip)
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/trip/leave", Act: "leaveTrip", Status: http.StatusNoContent,
		Title: words{"退出行程", "Take a visit out of its trip"}, Who: organisers,
	}, s.leaveTrip)
	register(s, Route{
		Method: http.MethodGet, Path: "/trips", Act: "listTrips",
		Title: words{"某日的行程", "Trips of a day, and the visits that are in none"}, Who: anywhere(atDesk...),
	}, s.listTrips)
	register(s, Route{
		Method: http.MethodGet, Path: "/trips/{id}", Act: "findTrip",
		Title: words{"查看行程", "Read a trip: order, times, ways and people"}, Who: readers(atDesk...),
	}, s.findTrip)
}

func (s *Server) nearVisits(ctx context.Context, c *call, in *byID) (listPage[inspection.Near], error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return listPage[inspection.Near]{}, err
	}
	near, err := s.Inspection.NearVisits(ctx, c.by, in.ID)
	return listPage[inspection.Near]{Items: near}, err
}

type joinTrip struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		With string `json:"with" validate:"required,code" doc:"id of another visit, one of near"`
	}
}

func (s *Server) joinTrip(ctx context.Context, c *call, in *joinTrip) (inspection.Trip, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.Trip{}, err
	}
	return s.Inspection.JoinTrip(ctx, c.by, inspection.JoinRequest{VisitID: in.ID, With: in.Body.With, Once: c.key(in.Key)})
}

func (s *Server) leaveTrip(ctx context.Context, c *call, in *byID) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.LeaveTrip(ctx, c.by, in.ID)
}

type listTrips struct {
	Day string `query:"day" validate:"omitempty,line=10" doc:"ISO date; today without one"`
}

func (s *Server) listTrips(ctx context.Context, c *call, in *listTrips) (inspection.TripDay, error) {
	day := workday.DateOf(s.now())
	if in.Day != "" {
		var err error
		if day, err = workday.ParseDate(in.Day); err != nil {
			return inspection.TripDay{}, err
		}
	}
	return s.Inspection.TripsOf(ctx, c.by, day)
}

func (s *Server) findTrip(ctx context.Context, c *call, in *byID) (inspection.TripView, error) {
	return s.Inspection.FindTrip(ctx, c.by, in.ID)
}
