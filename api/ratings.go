package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

func (s *Server) ratingRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/ratings", Act: "rateCase", Status: http.StatusCreated,
		Title: words{"评价办件", "Rate a case once its result has arrived"}, Who: anyone, Rate: trackRate,
	}, s.rateCase)
	register(s, Route{
		Method: http.MethodGet, Path: "/ratings", Act: "listRatings",
		Title: words{"评价列表", "List ratings, without who gave them"}, Who: anywhere(overseeing...),
	}, s.listRatings)
	register(s, Route{
		Method: http.MethodPost, Path: "/ratings/{id}/callback", Act: "callBackRating",
		Title: words{"登记回访", "Record the call back for a low rating"},
		Who:   Who{Own: []auth.Role{auth.Supervisor}, See: overseeing, Else: http.StatusForbidden},
	}, s.callBackRating)
}

type rateCase struct {
	Body struct {
		Number string `json:"number" validate:"required,line=60" doc:"of a parcel of the case, or of a result that went as a file"`
		Last4  string `json:"phone_last4" validate:"required,line=4" doc:"of the receiver's telephone"`
		Level  int    `json:"level" validate:"required,min=1,max=5" doc:"5 is very satisfied, 1 very dissatisfied"`
		Words  string `json:"words,omitempty" validate:"omitempty,nonul,max=500"`
	}
}

// rated is the answer to a rating: what was taken.
type rated struct {
	Level delivery.Level `json:"level"`
}

func (s *Server) rateCase(ctx context.Context, _ *call, in *rateCase) (rated, error) {
	b := in.Body
	r := delivery.RateRequest{Number: b.Number, PhoneLast4: b.Last4, Level: delivery.Level(b.Level), Words: b.Words}
	return rated{r.Level}, s.Delivery.Rate(ctx, r)
}

type listRatings struct {
	Limit int `query:"limit" validate:"min=0,max=200"`
}

func (s *Server) listRatings(ctx context.Context, c *call, in *listRatings) (delivery.Ratings, error) {
	return s.Delivery.ListRatings(ctx, c.by, in.Limit)
}

type callBackRating struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Note string `json:"note" validate:"required,nonul,max=500" doc:"what was put right, or until when it will be"`
	}
}

func (s *Server) callBackRating(ctx context.Context, c *call, in *callBackRating) (delivery.RatingLine, error) {
	return s.Delivery.CallBack(ctx, c.by, in.ID, in.Body.Note)
}
