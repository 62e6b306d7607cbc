package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

// receivers are the window that took a case in and hands its results out.
var receivers = actors(auth.Clerk, auth.Supervisor)

// resultRoutes are what departments owe and how it comes to the window.
func (s *Server) resultRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/sets", Act: "listSets",
		Title: words{"齐套：等待出件的办件", "The complete sets of the cases in hand"}, Who: signedIn,
	}, s.listSets)
	register(s, Route{
		Method: http.MethodGet, Path: "/sets/holders", Act: "listHolders",
		Title: words{"哪些部门影响出件", "The departments that keep cases back"}, Who: signedIn,
	}, s.listHolders)
	register(s, Route{
		Method: http.MethodGet, Path: "/cases/{id}/set", Act: "findSet",
		Title: words{"办件的齐套情况", "The complete set of a case"}, Who: readCase,
	}, s.findSet)
	register(s, Route{
		Method: http.MethodPost, Path: "/cases/{id}/choice", Act: "chooseSet",
		Title: words{"登记申请人选择等齐或先寄", "Record whether the applicant waits"}, Who: receivers,
	}, s.chooseSet)
	register(s, Route{
		Method: http.MethodGet, Path: "/cases/{id}/items", Act: "listItems",
		Title: words{"办件的物料", "The things of a case"}, Who: readCase,
	}, s.listItems)
	register(s, Route{
		Method: http.MethodPost, Path: "/cases/{id}/results", Act: "addResult", Status: http.StatusCreated,
		Title: words{"增加一项应送结果", "Add a result that a department owes"}, Who: receivers,
	}, s.addResult)
	register(s, Route{
		Method: http.MethodGet, Path: "/results", Act: "listResults",
		Title: words{"应送结果", "The results that departments owe"}, Who: signedIn,
	}, s.listResults)
	register(s, Route{
		Method: http.MethodGet, Path: "/results/{id}", Act: "findResult",
		Title: words{"一项应送结果", "One result with its transfers"}, Who: readCase,
	}, s.findResult)
	register(s, Route{
		Method: http.MethodPost, Path: "/results/{id}/waive", Act: "waiveResult",
		Title: words{"免于送交", "Say that nothing on paper will come"}, Who: receivers,
	}, s.waiveResult)
	register(s, Route{
		Method: http.MethodPost, Path: "/results/{id}/remind", Act: "remindResult",
		Title: words{"催办", "Record a reminder"}, Who: receivers,
	}, s.remindResult)
	s.transferRoutes()
}

type listSets struct {
	Search string `query:"search" validate:"omitempty,line=60"`
	State  string `query:"state" validate:"omitempty,oneof=blocked ready"`
	Limit  int    `query:"limit" validate:"min=0,max=200"`
}

func (s *Server) listSets(ctx context.Context, c *call, in *listSets) (listPage[delivery.Set], error) {
	rows, err := s.Delivery.ListSets(ctx, c.by, delivery.SetQuery{Search: in.Search, State: in.State, Limit: in.Limit})
	return listPage[delivery.Set]{Items: rows}, err
}

func (s *Server) listHolders(ctx context.Context, c *call, _ *struct{}) (listPage[delivery.Holder], error) {
	rows, err := s.Delivery.ListHolders(ctx, c.by)
	return listPage[delivery.Holder]{Items: rows}, err
}

func (s *Server) findSet(ctx context.Context, c *call, in *byID) (delivery.Set, error) {
	return s.Delivery.FindSet(ctx, c.by, in.ID)
}

func (s *Server) listItems(ctx context.Context, c *call, in *byID) (listPage[delivery.Item], error) {
	if _, err := s.Delivery.FindSet(ctx, c.by, in.ID); err != nil { // SEC-3
		return listPage[delivery.Item]{}, err
	}
	rows, err := s.Delivery.ListItems(ctx, c.by, in.ID)
	return listPage[delivery.Item]{Items: rows}, err
}

type chooseSet struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Choice  string   `json:"choice" validate:"required,oneof=wait split no_answer"`
		GivenBy string   `json:"given_by,omitempty" validate:"omitempty,line=60" doc:"who chose, for the applicant"`
		Channel string   `json:"channel" validate:"required,oneof=window phone"`
		Lines   []string `json:"lines,omitempty" validate:"max=50,unique,dive,code" doc:"of split: results that are not waited for"`
		Note    string   `json:"note,omitempty" validate:"omitempty,line=200"`
	}
}

func (s *Server) chooseSet(ctx context.Context, c *call, in *chooseSet) (delivery.SetChoice, error) {
	b := in.Body
	return s.Delivery.Choose(ctx, c.by, delivery.ChoiceRequest{
		CaseID: in.ID, Choice: b.Choice, GivenBy: b.GivenBy, Channel: b.Channel, Lines: b.Lines, Note: b.Note, Once: c.key(in.Key),
	})
}

type addResult struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Department string `json:"department_id" validate:"required,code"`
		Permit     string `json:"permit,omitempty" validate:"omitempty,line=120" doc:"what it is about"`
		Ground     string `json:"ground" validate:"required,line=200"`
		WindowOnly bool   `json:"window_only,omitempty" doc:"it has to be collected at the window; so it is anyway where the matter says so"`
	}
}

func (s *Server) addResult(ctx context.Context, c *call, in *addResult) (delivery.ResultLine, error) {
	out, err := s.Delivery.AddLine(ctx, c.by, delivery.AddLineRequest{
		CaseID: in.ID, DepartmentID: in.Body.Department, Permit: in.Body.Permit, Ground: in.Body.Ground, WindowOnly: in.Body.WindowOnly, Once: c.key(in.Key),
	})
	if err == nil {
		c.created("/results/" + out.ID)
	}
	return out, err
}

type listResults struct {
	Search string `query:"search" validate:"omitempty,line=60"`
	State  string `query:"state" validate:"omitempty,oneof=expected received waived split_out"`
	Case   string `query:"case_id" validate:"omitempty,code"`
	Limit  int    `query:"limit" validate:"min=0,max=200"`
}

func (s *Server) listResults(ctx context.Context, c *call, in *listResults) (listPage[delivery.ResultLine], error) {
	rows, err := s.Delivery.ListLines(ctx, c.by, delivery.LineQuery{
		Search: in.Search, State: delivery.LineState(in.State), CaseID: in.Case, Limit: in.Limit,
	})
	return listPage[delivery.ResultLine]{Items: rows}, err
}

func (s *Server) findResult(ctx context.Context, c *call, in *byID) (delivery.Result, error) {
	return s.Delivery.FindResult(ctx, c.by, in.ID)
}

type waiveResult struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Ground string `json:"ground" validate:"required,line=200"`
	}
}

func (s *Server) waiveResult(ctx context.Context, c *call, in *waiveResult) (delivery.ResultLine, error) {
	return s.Delivery.Waive(ctx, c.by, in.ID, in.Body.Ground)
}

type remindResult struct {
	ID  string `path:"id" validate:"required,code"`
	Key string `header:"Idempotency-Key" validate:"required,line=255"`
}

func (s *Server) remindResult(ctx context.Context, c *call, in *remindResult) (delivery.ResultLine, error) {
	return s.Delivery.Remind(ctx, c.by, in.ID, c.key(in.Key))
}
