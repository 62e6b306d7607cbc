package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

// rectifyRoutes are what follows from a visit that ended in rectify: the one list
// of what to put right, and the exceptions to it (INS-1107).
func (s *Server) rectifyRoutes() {
	post := func(path, act string, title words, who Who) Route {
		return Route{Method: http.MethodPost, Path: path, Act: act, Title: title, Who: who}
	}
	given := post("/visits/{id}/lists/{list}/given", "giveList", words{"登记整改通知书已送达申请人", "Record that the applicant was given a list"}, organisers)
	given.Rate, given.Body = uploadRate, scanBodyMax
	register(s, given, s.giveList)
	register(s, post(participantPath+"/items", "proposeItem", words{"申请追加整改事项", "Ask for an item after the list was made"}, answerers), s.proposeItem)
	register(s, post("/visits/{id}/proposals/{proposal}/decide", "decideItem", words{"决定是否追加整改事项", "Decide on a later item as the second person"}, actors(auth.Supervisor)), s.decideItem)
}

type giveListRequest struct {
	ID   string `path:"id" validate:"required,code"`
	List string `path:"list" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		How       string   `json:"how" validate:"required,oneof=signed refused"`
		Receiver  string   `json:"receiver" validate:"required,line=60"`
		At        string   `json:"at" validate:"required,instant" doc:"when the applicant had it"`
		Reason    string   `json:"reason,omitempty" validate:"nonul,max=500" doc:"of a refusal to sign"`
		Witnesses []string `json:"witnesses,omitempty" validate:"max=2,dive,line=60" doc:"the two inspectors who noted a refusal"`
		Scan      scanBody `json:"scan,omitzero" doc:"what was signed"`
	}
}

func (s *Server) giveList(ctx context.Context, c *call, in *giveListRequest) (inspection.RectifyList, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.RectifyList{}, err
	}
	b := in.Body
	return s.Inspection.GiveList(ctx, c.by, inspection.GiveRequest{
		VisitID: in.ID, List: whole(in.List), How: inspection.GivenHow(b.How), Receiver: b.Receiver, At: instant(b.At), Reason: b.Reason,
		Witnesses: b.Witnesses, Scan: inspection.Scan(b.Scan), Once: c.key(in.Key),
	})
}

type proposeItemRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Ground string   `json:"ground" validate:"required,oneof=danger hidden changed"`
		Reason string   `json:"reason" validate:"required,nonul,max=500"`
		Item   itemBody `json:"item"`
	}
}

func (s *Server) proposeItem(ctx context.Context, c *call, in *proposeItemRequest) (inspection.ItemProposal, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.ItemProposal{}, err
	}
	return s.Inspection.ProposeItem(ctx, c.by, inspection.AddRequest{
		ParticipantID: p.ID, Ground: inspection.AddGround(in.Body.Ground), Reason: in.Body.Reason, Item: in.Body.Item.item(), Once: c.key(in.Key),
	})
}

type decideItemRequest struct {
	ID       string `path:"id" validate:"required,code"`
	Proposal string `path:"proposal" validate:"required,code"`
	Body     struct {
		Agree bool   `json:"agree"`
		Note  string `json:"note,omitempty" validate:"nonul,max=500" doc:"why, if it is refused"`
	}
}

func (s *Server) decideItem(ctx context.Context, c *call, in *decideItemRequest) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.DecideItem(ctx, c.by, in.ID, in.Proposal, in.Body.Agree, in.Body.Note)
}
