package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

func (s *Server) roundRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/couriers/{id}/round", Act: "findRound",
		Title: words{"派送员的派送顺序", "A courier's round in its planned order"}, Who: readers(seeParcel...),
	}, s.findRound)
	register(s, Route{
		Method: http.MethodPost, Path: "/couriers/{id}/round/order", Act: "orderRound",
		Title: words{"指定先送的邮件", "Put stops at the head of a round"}, Who: keepers(auth.Courier, auth.Clerk, auth.Supervisor),
	}, s.orderRound)
}

func (s *Server) findRound(ctx context.Context, c *call, in *byID) (delivery.RoundView, error) {
	return s.Delivery.FindRound(ctx, c.by, in.ID)
}

type orderRound struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		First []string `json:"first" validate:"max=200,unique,dive,code" doc:"parcels that go first, in this order; none: the planner decides"`
	}
}

func (s *Server) orderRound(ctx context.Context, c *call, in *orderRound) (delivery.RoundView, error) {
	return s.Delivery.OrderRound(ctx, c.by, in.ID, in.Body.First)
}
