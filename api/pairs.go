package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

// pairRoutes are what departments on the site ask for before the list is made: who
// has seen it, what is asked for twice, what contradicts each other (INS-1011).
func (s *Server) pairRoutes() {
	onSite := actors(auth.Inspector, auth.Head, auth.Clerk, auth.Supervisor)
	post := func(path, act string, title words) Route {
		return Route{Method: http.MethodPost, Path: path, Act: act, Title: title, Who: onSite}
	}
	register(s, post(participantPath+"/items-seen", "seeItems", words{"登记已看过其他部门的整改事项", "Record that a department has seen the others' items"}), s.seeItems)
	pair := post("/visits/{id}/pairs", "pairItems", words{"登记重复或相互矛盾的整改事项", "Put two items side by side: the same, or contrary"})
	pair.Status = http.StatusCreated
	register(s, pair, s.pairItems)
	register(s, post("/visits/{id}/pairs/{pair}/settle", "settlePair", words{"登记矛盾事项的协调结果", "Settle a contradiction"}), s.settlePair)
	register(s, post("/visits/{id}/pairs/{pair}/send", "sendPair", words{"将矛盾事项报请主管", "Send a contradiction to the supervisor"}), s.sendPair)
}

type seeItems struct {
	ofDepartment
	Body struct {
		CheckIn string   `json:"check_in,omitempty" validate:"omitempty,code" doc:"who was shown them at the window; else whoever is signed in"`
		Items   []string `json:"item_ids" validate:"required,min=1,max=500,unique,dive,code" doc:"ids of the others' proposed items that were seen"`
	}
}

func (s *Server) seeItems(ctx context.Context, c *call, in *seeItems) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.SeeItems(ctx, c.by, inspection.SeeRequest{ParticipantID: p.ID, Seen: in.Body.Items, CheckInID: in.Body.CheckIn})
}

type pairItems struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Kind  string `json:"pair_kind" validate:"required,oneof=same contrary"`
		Item  string `json:"item" validate:"required,code" doc:"id of a proposed item"`
		Other string `json:"other" validate:"required,code" doc:"of another department"`
		Keep  string `json:"keep,omitempty" validate:"omitempty,oneof=item other" doc:"of two that ask for the same: which one stands"`
		Note  string `json:"note,omitempty" validate:"nonul,max=500" doc:"of two that contradict each other: how"`
	}
}

func (s *Server) pairItems(ctx context.Context, c *call, in *pairItems) (inspection.ItemPair, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.ItemPair{}, err
	}
	b := in.Body
	return s.Inspection.PairItems(ctx, c.by, inspection.PairRequest{
		VisitID: in.ID, Kind: inspection.PairKind(b.Kind), Item: b.Item, Other: b.Other, Keep: inspection.Keep(b.Keep), Note: b.Note, Once: c.key(in.Key),
	})
}

type settlePair struct {
	ID   string `path:"id" validate:"required,code"`
	Pair string `path:"pair" validate:"required,code"`
	Body struct {
		Keep   string `json:"keep" validate:"required,oneof=item other both"`
		Reason string `json:"reason" validate:"required,nonul,max=500" doc:"what was agreed on or decided"`
	}
}

func (s *Server) settlePair(ctx context.Context, c *call, in *settlePair) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.SettlePair(ctx, c.by, in.ID, in.Pair, inspection.Keep(in.Body.Keep), in.Body.Reason)
}

type sendPair struct {
	ID   string `path:"id" validate:"required,code"`
	Pair string `path:"pair" validate:"required,code"`
}

func (s *Server) sendPair(ctx context.Context, c *call, in *sendPair) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.SendPair(ctx, c.by, in.ID, in.Pair)
}
