package api

import (
	"context"

	"lianban/inspection"
	"lianban/internal/auth"
)

func (s *Server) objectionRoutes(post func(act, name string, title words, who Who) Route) {
	register(s, post("objection", "object", words{"对办件本身提出异议", "Object to the case itself before the visit"}, actors(auth.Inspector, auth.Head, auth.Clerk, auth.Supervisor)), s.object)
	register(s, post("objection/withdraw", "withdrawObjection", words{"撤回异议", "Take an objection back"}, answerers), s.withdrawObjection)
	register(s, post("objection/settle", "settleObjection", words{"办理异议", "Settle an objection"}, actors(auth.Supervisor)), s.settleObjection)
}

type objectRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Objection string `json:"objection" validate:"required,nonul,max=4000" doc:"what is said against the case itself"`
		Channel   string `json:"channel,omitempty" validate:"omitempty,oneof=portal phone" doc:"phone: the window records a call"`
		GivenBy   string `json:"given_by,omitempty" validate:"omitempty,line=60" doc:"who rang"`
	}
}

func (s *Server) object(ctx context.Context, c *call, in *objectRequest) (inspection.Objection, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.Objection{}, err
	}
	r := inspection.ObjectionRequest{ParticipantID: p.ID, Text: in.Body.Objection, Channel: in.Body.Channel, GivenBy: in.Body.GivenBy, Once: c.key(in.Key)}
	if r.Channel == "" {
		r.Channel = "portal"
	}
	return s.Inspection.Object(ctx, c.by, r)
}

type withdrawObjectionRequest struct {
	ofDepartment
	Key string `header:"Idempotency-Key" validate:"required,line=255"`
}

func (s *Server) withdrawObjection(ctx context.Context, c *call, in *withdrawObjectionRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.WithdrawObjection(ctx, c.by, p.ID, c.key(in.Key))
}

func (s *Server) settleObjection(ctx context.Context, c *call, in *answerRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.SettleObjection(ctx, c.by, inspection.RefuseRequest{ParticipantID: p.ID, Reason: in.Body.Reason, Once: c.key(in.Key)})
}
