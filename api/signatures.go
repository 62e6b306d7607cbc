package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

// signatureRoutes are the signatures under an opinion (INS-1008, INS-1003).
func (s *Server) signatureRoutes() {
	post := func(path, act string, title words, who Who) Route {
		return Route{Method: http.MethodPost, Path: participantPath + "/opinions/{opinion}/" + path, Act: act, Title: title, Who: who}
	}
	register(s, post("sign", "signOpinion", words{"会签意见", "Sign an opinion of the own department"}, answerers), s.signOpinion)
	paper := post("paper-signatures", "signOnPaper", words{"登记书面签名", "Enter a signature made on paper"}, organisers)
	paper.Rate, paper.Body = uploadRate, scanBodyMax
	register(s, paper, s.signOnPaper)
	register(s, post("drop", "dropOpinion", words{"撤回未签完的意见", "Take back an opinion that lacks signatures"}, actors(auth.Inspector, auth.Head, auth.Supervisor)), s.dropOpinion)
}

type ofOpinion struct {
	ofDepartment
	Opinion string `path:"opinion" validate:"required,code"`
}

func (s *Server) signOpinion(ctx context.Context, c *call, in *ofOpinion) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.Sign(ctx, c.by, p.ID, in.Opinion)
}

type paperSignature struct {
	ofOpinion
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		CheckIn string   `json:"check_in" validate:"required,code" doc:"of whom it is"`
		Scan    scanBody `json:"scan" doc:"the signed paper"`
	}
}

func (s *Server) signOnPaper(ctx context.Context, c *call, in *paperSignature) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.SignOnPaper(ctx, c.by, inspection.PaperSignature{
		ParticipantID: p.ID, OpinionID: in.Opinion, CheckInID: in.Body.CheckIn, Scan: inspection.Scan(in.Body.Scan), Once: c.key(in.Key),
	})
}

type dropOpinion struct {
	ofOpinion
	Body struct {
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) dropOpinion(ctx context.Context, c *call, in *dropOpinion) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.DropOpinion(ctx, c.by, p.ID, in.Opinion, in.Body.Reason)
}
