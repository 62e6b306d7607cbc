package api

import (
	"context"
	"net/http"
	"time"

	"lianban/inspection"
	"lianban/internal/fault"
)

func (s *Server) bookingRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/hold", Act: "holdSlot",
		Title: words{"占位", "Hold a slot"}, Who: organisers,
	}, s.holdSlot)
	register(s, Route{
		Method: http.MethodDelete, Path: "/visits/{id}/hold", Act: "releaseSlot",
		Title: words{"放弃占位", "Give a held slot back"}, Who: organisers,
	}, s.releaseSlot)
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/book", Act: "bookVisit",
		Title: words{"约定勘验，通知各部门", "Book a visit and notify every department"}, Who: organisers,
	}, s.bookVisit)
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/retime", Act: "retimeVisit",
		Title: words{"改期或变更地点，重新通知各部门", "Move a visit to another time or place and notify every department anew"}, Who: organisers,
	}, s.retimeVisit)
}

type holdSlot struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Start     string   `json:"start" validate:"required,instant"`
		Resources []string `json:"resources" validate:"required,min=1,max=60,unique,dive,code" doc:"ids of people, vehicles and rooms"`
	}
}

type slotHold struct {
	Visit     string    `json:"visit_id"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (s *Server) holdSlot(ctx context.Context, c *call, in *holdSlot) (slotHold, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return slotHold{}, err
	}
	choice := inspection.SlotChoice{Start: instant(in.Body.Start), Resources: in.Body.Resources}
	expires, err := s.Inspection.HoldSlot(ctx, c.by, in.ID, choice)
	return slotHold{in.ID, expires}, err
}

func (s *Server) releaseSlot(ctx context.Context, c *call, in *byID) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.ReleaseSlot(ctx, c.by, in.ID)
}

type bookVisit struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Start        string   `json:"start,omitempty" validate:"omitempty,instant" doc:"left out with resources, the held slot is booked"`
		Resources    []string `json:"resources,omitempty" validate:"max=60,unique,dive,code"`
		PastLimitWhy string   `json:"past_limit_reason,omitempty" validate:"omitempty,line=200" doc:"a supervisor's reason to book after the limit date"`
	}
}

func (s *Server) bookVisit(ctx context.Context, c *call, in *bookVisit) (inspection.Visit, error) {
	b := in.Body
	if b.Start == "" && len(b.Resources) > 0 { // people for no time: not the held slot either
		return inspection.Visit{}, fieldsInvalid([]fault.Field{{Name: "start", Code: "required", Text: labelled("start", texts["required"], c.lang)}})
	}
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.Visit{}, err
	}
	return s.Inspection.Book(ctx, c.by, inspection.BookRequest{
		VisitID: in.ID, Choice: inspection.SlotChoice{Start: instant(b.Start), Resources: b.Resources},
		PastLimitWhy: b.PastLimitWhy, Once: c.key(in.Key),
	})
}

type retimeVisit struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Start        string   `json:"start,omitempty" validate:"omitempty,instant" doc:"left out with resources, time and people stay"`
		Resources    []string `json:"resources,omitempty" validate:"max=60,unique,dive,code"`
		Address      string   `json:"address,omitempty" validate:"omitempty,line=200" doc:"the new place, in the same division; left out, it stays"`
		Lat          float64  `json:"lat,omitempty" validate:"min=-90,max=90" doc:"of the new place, WGS-84"`
		Lon          float64  `json:"lon,omitempty" validate:"min=-180,max=180"`
		Code         string   `json:"reason_code" validate:"required,code"`
		Reason       string   `json:"reason" validate:"required,line=200" doc:"printed in the notices"`
		PastLimitWhy string   `json:"past_limit_reason,omitempty" validate:"omitempty,line=200" doc:"a supervisor's reason to book after the limit date"`
	}
}

func (s *Server) retimeVisit(ctx context.Context, c *call, in *retimeVisit) (inspection.Visit, error) {
	b := in.Body
	if b.Start == "" && len(b.Resources) > 0 { // people for no time
		return inspection.Visit{}, fieldsInvalid([]fault.Field{{Name: "start", Code: "required", Text: labelled("start", texts["required"], c.lang)}})
	}
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.Visit{}, err
	}
	return s.Inspection.Retime(ctx, c.by, inspection.RetimeRequest{
		VisitID: in.ID, Choice: inspection.SlotChoice{Start: instant(b.Start), Resources: b.Resources},
		Place: inspection.Site{Address: b.Address, Lat: b.Lat, Lon: b.Lon},
		Code:  b.Code, Reason: b.Reason, PastLimitWhy: b.PastLimitWhy, Once: c.key(in.Key),
	})
}
