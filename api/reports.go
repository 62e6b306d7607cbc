package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

func (s *Server) reportRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/reports/delivery", Act: "deliveryReport",
		Title: words{"寄递统计", "Figures of deliveries over a range of days"}, Who: anywhere(reporting...),
	}, s.deliveryReport)
}

// reporting are those who read figures.
var reporting = []auth.Role{auth.Supervisor, auth.Auditor}

type deliveryReport struct {
	Centre string `query:"centre_id" validate:"omitempty,code" doc:"needed by auditors"`
	From   string `query:"from" validate:"omitempty,workday" doc:"first day; default 29 days before the last"`
	To     string `query:"to" validate:"omitempty,workday" doc:"last day; default today"`
}

func (s *Server) deliveryReport(ctx context.Context, c *call, in *deliveryReport) (delivery.Figures, error) {
	query := delivery.FigureQuery{CentreID: in.Centre}
	query.From, _ = workday.ParseDate(in.From) // checked by the route
	query.To, _ = workday.ParseDate(in.To)
	return s.Delivery.FindFigures(ctx, c.by, query)
}
