package api

import (
	"context"
	"net/http"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// closers enter closures: heads those of their own department, supervisors those
// of their own centre and of departments, administrators any.
var closers = Who{Roles: []auth.Role{auth.Supervisor, auth.Admin}, Own: []auth.Role{auth.Head}, Else: http.StatusForbidden}

func (s *Server) closureRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/closures", Act: "listClosures",
		Title: words{"今天起的闭馆和停办", "The closures from today on"}, Who: signedIn, Scope: "office:read",
	}, s.listClosures)
	register(s, Route{
		Method: http.MethodPost, Path: "/closures", Act: "addClosure", Status: http.StatusCreated,
		Title: words{"登记闭馆或部门停办", "Close a centre or a department on a day"}, Who: closers,
	}, s.addClosure)
	register(s, Route{
		Method: http.MethodPost, Path: "/closures/{id}/withdraw", Act: "withdrawClosure",
		Title: words{"撤销闭馆或停办", "Take a closure back"}, Who: closers,
	}, s.withdrawClosure)
}

// closureLine is a day on which a place is shut; without a place, every centre.
type closureLine struct {
	ID         string       `json:"id"`
	Centre     string       `json:"centre_id,omitempty"`
	Department string       `json:"department_id,omitempty"`
	Day        workday.Date `json:"day"`
	Reason     string       `json:"reason"`
	AddedBy    string       `json:"added_by"`
	AddedAt    time.Time    `json:"added_at"`
}

func lineOfClosure(c office.Closure) closureLine {
	return closureLine{c.ID, c.Centre, c.Department, c.Day, c.Reason, c.AddedBy, c.AddedAt}
}

func (s *Server) listClosures(ctx context.Context, _ *call, _ *struct{}) (out listPage[closureLine], err error) {
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := office.ListStanding(ctx, q, workday.DateOf(s.now()))
		for _, c := range rows {
			out.Items = append(out.Items, lineOfClosure(c))
		}
		return err
	})
	return out, err
}

type addClosure struct {
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Centre     string `json:"centre_id,omitempty" validate:"omitempty,code" doc:"without a centre and a department: every centre of the city"`
		Department string `json:"department_id,omitempty" validate:"omitempty,code"`
		Day        string `json:"day" validate:"required,workday"`
		Reason     string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) addClosure(ctx context.Context, c *call, in *addClosure) (closureLine, error) {
	b := in.Body
	if err := auth.MayClose(c.by, b.Centre, b.Department); err != nil {
		return closureLine{}, err
	}
	out, err := s.Office.AddClosure(ctx, office.Closure{
		Centre: b.Centre, Department: b.Department, Day: dayOf(b.Day), Reason: b.Reason,
	}, c.by.String(), c.key(in.Key))
	return lineOfClosure(out), err
}

func (s *Server) withdrawClosure(ctx context.Context, c *call, in *byID) (none, error) {
	return none{}, s.takeBack(ctx, c.by, in.ID)
}

// takeBack withdraws a closure that the actor may have entered.
func (s *Server) takeBack(ctx context.Context, by auth.Actor, id string) error {
	var closure office.Closure
	err := s.Read(ctx, func(q bun.IDB) (err error) {
		closure, err = office.FindClosure(ctx, q, id)
		return err
	})
	if err == nil {
		err = auth.MayClose(by, closure.Centre, closure.Department)
	}
	if err != nil {
		return err
	}
	return s.Office.WithdrawClosure(ctx, id, by.String())
}
