package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

func (s *Server) progressRoutes() {
	type act struct {
		verb, name string
		title      words
		do         func(ctx context.Context, by auth.Actor, id string) (inspection.Visit, error)
	}
	for _, a := range []act{
		{"start", "startVisit", words{"开始勘验", "Start a visit"}, s.Inspection.Start},
		{"roll-call", "callRoll", words{"联合评审点名，供远程参会人员应答", "Call the roll of a joint review, for people elsewhere to answer"}, s.Inspection.CallRoll},
		{"end-site", "endSite", words{"到场部分结束，收集意见", "End the part on the spot and collect opinions"}, s.Inspection.EndSite},
	} {
		register(s, Route{
			Method: http.MethodPost, Path: "/visits/{id}/" + a.verb, Act: a.name, Title: a.title, Who: organisers,
		}, func(ctx context.Context, c *call, in *byID) (inspection.Visit, error) {
			if err := s.readable(ctx, c, in.ID); err != nil {
				return inspection.Visit{}, err
			}
			return a.do(ctx, c.by, in.ID)
		})
	}
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/cancel", Act: "cancelVisit",
		Title: words{"取消勘验", "Cancel a visit"}, Who: organisers,
	}, s.endWith(s.Inspection.Cancel))
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/not-held", Act: "visitNotHeld",
		Title: words{"未能进行", "A visit could not take place"}, Who: organisers,
	}, s.endWith(s.Inspection.NotHeld))
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/close", Act: "closeVisit",
		Title: words{"出具联合勘验意见书", "Close a visit with the joint opinion"}, Who: organisers,
	}, s.closeVisit)
}

type endVisit struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Code   string `json:"reason_code" validate:"required,code"`
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

// endWith makes the operation of an act that ends a visit with a reason.
func (s *Server) endWith(act func(ctx context.Context, by auth.Actor, id, code, reason string) (inspection.Visit, error),
) func(context.Context, *call, *endVisit) (inspection.Visit, error) {
	return func(ctx context.Context, c *call, in *endVisit) (inspection.Visit, error) {
		if err := s.readable(ctx, c, in.ID); err != nil {
			return inspection.Visit{}, err
		}
		return act(ctx, c.by, in.ID, in.Body.Code, in.Body.Reason)
	}
}

type closeVisit struct {
	ID  string `path:"id" validate:"required,code"`
	Key string `header:"Idempotency-Key" validate:"required,line=255"`
}

func (s *Server) closeVisit(ctx context.Context, c *call, in *closeVisit) (inspection.JointOpinion, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.JointOpinion{}, err
	}
	return s.Inspection.Close(ctx, c.by, in.ID, c.key(in.Key))
}
