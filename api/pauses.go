package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

func (s *Server) pauseRoutes() {
	window := keepers(auth.Clerk, auth.Supervisor)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/pauses", Act: "pauseParcel", Status: http.StatusCreated,
		Title: words{"暂停派送计时", "Let the one-day clock stand still"}, Who: window,
	}, s.pauseParcel)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/pauses/{pause}/end", Act: "endPause",
		Title: words{"恢复派送计时", "Let the clock go on"}, Who: window,
	}, s.endPause)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/pauses/{pause}/review", Act: "reviewPause",
		Title: words{"复核暂停", "Keep a pause open after a look at it"}, Who: keepers(auth.Supervisor),
	}, s.reviewPause)
}

type pauseParcel struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Reason   string `json:"reason" validate:"required,oneof=applicant_asked unreachable refused force_majeure"`
		GivenBy  string `json:"given_by,omitempty" validate:"omitempty,line=60" doc:"applicant_asked: who asked"`
		Channel  string `json:"channel,omitempty" validate:"omitempty,oneof=window phone"`
		Slot     string `json:"slot,omitempty" validate:"omitempty,instant" doc:"applicant_asked: begin of the agreed time"`
		Evidence string `json:"evidence,omitempty" validate:"omitempty,line=200" doc:"force_majeure: the notice it rests on; else a note"`
	}
}

func (s *Server) pauseParcel(ctx context.Context, c *call, in *pauseParcel) (delivery.Parcel, error) {
	b := in.Body
	return s.Delivery.Pause(ctx, c.by, delivery.PauseRequest{
		ParcelID: in.ID, Reason: delivery.PauseReason(b.Reason), GivenBy: b.GivenBy, Channel: b.Channel, Slot: instant(b.Slot), Evidence: b.Evidence,
	})
}

type onPause struct {
	ID    string `path:"id" validate:"required,code"`
	Pause string `path:"pause" validate:"required,code"`
	Body  struct {
		Note string `json:"note" validate:"required,line=200"`
	}
}

func (s *Server) endPause(ctx context.Context, c *call, in *onPause) (delivery.Parcel, error) {
	return s.Delivery.EndPause(ctx, c.by, in.ID, in.Pause, in.Body.Note)
}

func (s *Server) reviewPause(ctx context.Context, c *call, in *onPause) (delivery.Parcel, error) {
	return s.Delivery.ReviewPause(ctx, c.by, in.ID, in.Pause, in.Body.Note)
}
