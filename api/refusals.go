package api

import (
	"context"

	"lianban/delivery"
)

type listRefusals struct {
	Before string `query:"before" validate:"omitempty,instant" doc:"go on from a time of receipt"`
	Limit  int    `query:"limit" validate:"min=0,max=200"`
}

func (s *Server) listRefusals(ctx context.Context, c *call, in *listRefusals) (listPage[delivery.Refusal], error) {
	rows, err := s.Delivery.ListRefusals(ctx, c.by, delivery.RefusalQuery{Before: instant(in.Before), Limit: in.Limit})
	return listPage[delivery.Refusal]{Items: rows}, err
}
