package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
)

func (s *Server) leaveRoutes() {
	window := Who{Roles: []auth.Role{auth.Clerk, auth.Supervisor}, Else: http.StatusForbidden}
	register(s, Route{
		Method: http.MethodPost, Path: "/leaves", Act: "enterLeave", Status: http.StatusCreated,
		Title: words{"登记请假或停用，列出受影响的勘验", "Enter a leave though visits are booked in it"},
		Who: Who{
			Roles: []auth.Role{auth.Clerk, auth.Supervisor, auth.Admin}, Own: []auth.Role{auth.Head, auth.Inspector}, Else: http.StatusForbidden,
		},
	}, s.enterLeave)
	register(s, Route{
		Method: http.MethodGet, Path: "/leaves/{id}", Act: "planLeave",
		Title: words{"受影响的勘验和建议", "The visits that a leave touches, with a proposal for each"}, Who: window,
	}, s.planLeave)
	register(s, Route{
		Method: http.MethodPost, Path: "/leaves/{id}/commit", Act: "commitLeave",
		Title: words{"逐场执行换人或改期", "Do lines of the plan, each by itself"}, Who: window,
	}, s.commitLeave)
}

type enterLeave struct {
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Resource string `json:"resource_id" validate:"required,code"`
		Start    string `json:"start" validate:"required,instant"`
		End      string `json:"end" validate:"required,instant"`
		Reason   string `json:"reason,omitempty" validate:"omitempty,line=200"`
	}
}

func (s *Server) enterLeave(ctx context.Context, c *call, in *enterLeave) (inspection.Absence, error) {
	return s.Inspection.EnterLeave(ctx, c.by, inspection.Absence{
		ResourceID: in.Body.Resource, Start: instant(in.Body.Start), End: instant(in.Body.End), Reason: in.Body.Reason,
	}, c.key(in.Key))
}

func (s *Server) planLeave(ctx context.Context, c *call, in *byID) (inspection.LeavePlan, error) {
	return s.Inspection.PlanLeave(ctx, c.by, in.ID)
}

type commitLeave struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Caller string       `json:"caller,omitempty" validate:"omitempty,line=60" doc:"who of the department agreed to a substitution"`
		Lines  []chosenLine `json:"plan_lines" validate:"required,min=1,max=100,dive"`
	}
}

type chosenLine struct {
	Visit     string   `json:"visit_id" validate:"required,code"`
	Round     int      `json:"round" validate:"required,min=1,max=1000" doc:"as the plan showed it"`
	Way       string   `json:"leave_way" validate:"required,oneof=substitute same_day other_day"`
	Comes     string   `json:"comes,omitempty" validate:"omitempty,code" doc:"for a substitute"`
	Start     string   `json:"start,omitempty" validate:"omitempty,instant" doc:"for another time"`
	Resources []string `json:"resources,omitempty" validate:"max=60,unique,dive,code"`
}

// doneLine is one line that was done, or its refusal.
type doneLine struct {
	Visit string `json:"visit_id"`
	Done  bool   `json:"done"`
	Code  string `json:"code,omitempty"`
	Text  string `json:"detail,omitempty"`
}

func (s *Server) commitLeave(ctx context.Context, c *call, in *commitLeave) (listPage[doneLine], error) {
	var lines []inspection.LeaveChoice
	for _, l := range in.Body.Lines {
		choice := inspection.LeaveChoice{VisitID: l.Visit, Round: l.Round, Way: inspection.LeaveWay(l.Way), In: l.Comes}
		if l.Start != "" {
			choice.Choice = inspection.SlotChoice{Start: instant(l.Start), Resources: l.Resources}
		}
		lines = append(lines, choice)
	}
	done, err := s.Inspection.CommitLeave(ctx, c.by, in.ID, in.Body.Caller, lines, once.Key{})
	var out listPage[doneLine]
	for _, one := range done {
		line := doneLine{Visit: one.VisitID, Done: one.Err == nil}
		if f, refused := fault.From(one.Err); refused {
			line.Code, line.Text = f.Code, f.In(c.lang)
		}
		out.Items = append(out.Items, line)
	}
	return out, err
}
