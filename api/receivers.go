package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

// listKeepers keep the list of who signs for a department: its head, or a window
// for a department without accounts (DEL-913).
var listKeepers = Who{Roles: []auth.Role{auth.Clerk, auth.Supervisor}, Own: []auth.Role{auth.Head}, Else: http.StatusForbidden}

func (s *Server) receiverRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/receivers", Act: "listReceivers",
		Title: words{"部门的登记收件人", "Who may sign on paper for a department, with those who did before"}, Who: anywhere(following...),
	}, s.listReceivers)
	register(s, Route{
		Method: http.MethodPost, Path: "/receivers", Act: "registerReceiver", Status: http.StatusCreated,
		Title: words{"登记收件人", "Register somebody who may sign on paper for a department"}, Who: listKeepers,
	}, s.registerReceiver)
	register(s, Route{
		Method: http.MethodPost, Path: "/receivers/{id}/end", Act: "endReceiver",
		Title: words{"停用登记收件人", "Take somebody off the list of receivers"}, Who: listKeepers,
	}, s.endReceiver)
}

type listReceivers struct {
	Department string `query:"department_id" validate:"required,code"`
}

func (s *Server) listReceivers(ctx context.Context, c *call, in *listReceivers) (listPage[delivery.RegisteredReceiver], error) {
	rows, err := s.Delivery.ListReceivers(ctx, c.by, in.Department)
	return listPage[delivery.RegisteredReceiver]{Items: rows}, err
}

type registerReceiver struct {
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Department string `json:"department_id" validate:"required,code"`
		Name       string `json:"name" validate:"required,line=60"`
		Post       string `json:"post" validate:"required,line=60" doc:"where they work, such as the reception desk"`
		Ground     string `json:"ground" validate:"required,line=200" doc:"the department's letter"`
		From       string `json:"from,omitempty" validate:"omitempty,workday" doc:"first day; today when left out"`
	}
}

func (s *Server) registerReceiver(ctx context.Context, c *call, in *registerReceiver) (delivery.RegisteredReceiver, error) {
	b := in.Body
	r := delivery.ReceiverRequest{DepartmentID: b.Department, Name: b.Name, Post: b.Post, Ground: b.Ground, Once: c.key(in.Key)}
	if b.From != "" {
		r.From = dayOf(b.From)
	}
	return s.Delivery.RegisterReceiver(ctx, c.by, r)
}

func (s *Server) endReceiver(ctx context.Context, c *call, in *withReason) (delivery.RegisteredReceiver, error) {
	return s.Delivery.EndReceiver(ctx, c.by, in.ID, in.Body.Reason)
}
