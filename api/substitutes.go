package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

// substitutors replace one of a department's people: its own, or the window on a
// call (DEC-18).
var substitutors = actors(auth.Inspector, auth.Head, auth.Clerk, auth.Supervisor)

func (s *Server) substituteRoutes(post func(act, name string, title words, who Who) Route) {
	register(s, Route{
		Method: http.MethodGet, Path: participantPath + "/substitutes", Act: "listSubstitutes",
		Title: words{"可以顶替的人员", "People of a department who could come instead"}, Who: substitutors,
	}, s.listSubstitutes)
	register(s, post("substitute", "substitute", words{"更换勘验人员", "Replace one of a department's people in a booked visit"}, substitutors), s.substitute)
}

func (s *Server) listSubstitutes(ctx context.Context, c *call, in *ofDepartment) (listPage[inspection.Resource], error) {
	p, err := s.part(ctx, c, *in)
	if err != nil {
		return listPage[inspection.Resource]{}, err
	}
	people, err := s.Inspection.Substitutes(ctx, c.by, p.ID)
	return listPage[inspection.Resource]{Items: people}, err
}

type substituteRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Leaves string `json:"leaves" validate:"required,code" doc:"id of the person who is booked and does not come"`
		Comes  string `json:"comes" validate:"required,code" doc:"id of the person who comes instead, one of substitutes"`
		Reason string `json:"reason" validate:"required,line=200"`
		Caller string `json:"caller,omitempty" validate:"omitempty,line=60" doc:"who rang, required of a window"`
	}
}

func (s *Server) substitute(ctx context.Context, c *call, in *substituteRequest) (inspection.Substitution, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.Substitution{}, err
	}
	b := in.Body
	return s.Inspection.Substitute(ctx, c.by, inspection.SubstituteRequest{
		ParticipantID: p.ID, Out: b.Leaves, In: b.Comes, Reason: b.Reason, Caller: b.Caller, Once: c.key(in.Key),
	})
}
