package api

import (
	"context"

	"lianban/inspection"
	"lianban/internal/auth"
)

func (s *Server) contestRoutes(post func(act, name string, title words, who Who) Route) {
	register(s, post("contest", "contestService", words{"对送达时间提出异议", "Contest when the notice was served"}, answerers), s.contestService)
	register(s, post("contest/decide", "decideContest", words{"决定送达异议", "Decide about a contested service"}, actors(auth.Supervisor)), s.decideContest)
}

type contestRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Round  int    `json:"round" validate:"required,min=1" doc:"the round whose notice it is about"`
		Reason string `json:"reason" validate:"required,nonul,max=4000"`
		SaidAt string `json:"said_at,omitempty" validate:"omitempty,instant" doc:"when the notice did arrive, by the department's own account"`
	}
}

func (s *Server) contestService(ctx context.Context, c *call, in *contestRequest) (inspection.Contest, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.Contest{}, err
	}
	return s.Inspection.ContestService(ctx, c.by, inspection.ContestRequest{
		ParticipantID: p.ID, Round: in.Body.Round, Reason: in.Body.Reason, SaidAt: instant(in.Body.SaidAt), Once: c.key(in.Key),
	})
}

type decideContestRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Outcome  string `json:"contest_outcome" validate:"required,oneof=rejected later void" doc:"rejected: T1 stands; later: T1 is served_at; void: the notice goes out again"`
		ServedAt string `json:"served_at,omitempty" validate:"omitempty,instant" doc:"the true time of service, for later"`
		Reason   string `json:"reason" validate:"required,line=200" doc:"told to the department"`
	}
}

func (s *Server) decideContest(ctx context.Context, c *call, in *decideContestRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.DecideContest(ctx, c.by, inspection.ContestDecision{
		ParticipantID: p.ID, Outcome: inspection.ContestOutcome(in.Body.Outcome), ServedAt: instant(in.Body.ServedAt), Reason: in.Body.Reason, Once: c.key(in.Key),
	})
}
