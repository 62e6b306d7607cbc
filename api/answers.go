package api

import (
	"context"
	"net/http"
	"time"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/scheduler/slot"
)

// answerRoutes are what the window and its supervisor decide about a counter or
// an excuse (INS-811, INS-812).
func (s *Server) answerRoutes(post func(act, name string, title words, who Who) Route) {
	register(s, Route{
		Method: http.MethodGet, Path: participantPath + "/counter", Act: "weighCounter",
		Title: words{"核对部门提出的时间", "What stands against the times that a department proposed"}, Who: organisers,
	}, s.weighCounter)
	register(s, post("counter/accept", "acceptCounter", words{"采纳部门提出的时间", "Accept a proposed time for all"}, organisers), s.acceptCounter)
	register(s, post("counter/refuse", "refuseCounter", words{"不采纳改期建议", "Refuse a proposed time"}, organisers), s.refuseCounter)
	register(s, post("excuse/refuse", "refuseExcuse", words{"不采纳正当理由", "Refuse an excuse"}, actors(auth.Supervisor)), s.refuseExcuse)
	register(s, post("excuse/release", "releaseExcused", words{"采纳正当理由，准予缺席", "Uphold an excuse: the department need not come"}, actors(auth.Supervisor)), s.releaseExcused)
}

// weighedTime is one proposed time and what stands against it.
type weighedTime struct {
	Start       time.Time           `json:"start"`
	Possible    bool                `json:"possible"`
	Resources   []string            `json:"resources,omitempty" doc:"who would come, for accepting it"`
	Reason      slot.Reason         `json:"reason,omitzero"`
	Departments []weighedDepartment `json:"departments"`
}

type weighedDepartment struct {
	Department string    `json:"department_id"`
	Free       int       `json:"free"`
	Needed     int       `json:"needed"`
	Reason     slot.Code `json:"reason,omitempty"`
}

func (s *Server) weighCounter(ctx context.Context, c *call, in *ofDepartment) (listPage[weighedTime], error) {
	p, err := s.part(ctx, c, *in)
	if err != nil {
		return listPage[weighedTime]{}, err
	}
	weighed, err := s.Inspection.Weigh(ctx, c.by, p.ID)
	var out listPage[weighedTime]
	for _, w := range weighed {
		one := weighedTime{Start: w.Start, Possible: w.Possible, Reason: w.Why}
		if w.Possible {
			one.Resources = resourcesOf(w.Offer)
		}
		for _, l := range w.Lines {
			one.Departments = append(one.Departments, weighedDepartment{l.DepartmentID, l.Free, l.Min, l.Why})
		}
		out.Items = append(out.Items, one)
	}
	return out, err
}

type acceptCounter struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Start        string   `json:"start" validate:"required,instant" doc:"one of the proposed times"`
		Resources    []string `json:"resources" validate:"required,min=1,max=60,unique,dive,code"`
		Reason       string   `json:"reason,omitempty" validate:"omitempty,line=200" doc:"printed in the notices"`
		PastLimitWhy string   `json:"past_limit_reason,omitempty" validate:"omitempty,line=200"`
	}
}

func (s *Server) acceptCounter(ctx context.Context, c *call, in *acceptCounter) (inspection.Visit, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.Visit{}, err
	}
	b := in.Body
	return s.Inspection.AcceptCounter(ctx, c.by, inspection.AcceptCounterRequest{
		ParticipantID: p.ID, Choice: inspection.SlotChoice{Start: instant(b.Start), Resources: b.Resources},
		Reason: b.Reason, PastLimitWhy: b.PastLimitWhy, Once: c.key(in.Key),
	})
}

// answerRequest decides about what a department answered, with the reason that it
// is told.
type answerRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Reason string `json:"reason" validate:"required,line=200" doc:"told to the department"`
	}
}

func (s *Server) refuseCounter(ctx context.Context, c *call, in *answerRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.RefuseCounter(ctx, c.by, inspection.RefuseRequest{ParticipantID: p.ID, Reason: in.Body.Reason, Once: c.key(in.Key)})
}

func (s *Server) refuseExcuse(ctx context.Context, c *call, in *answerRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.RefuseExcuse(ctx, c.by, inspection.RefuseRequest{ParticipantID: p.ID, Reason: in.Body.Reason, Once: c.key(in.Key)})
}

func (s *Server) releaseExcused(ctx context.Context, c *call, in *answerRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.Release(ctx, c.by, inspection.ReleaseRequest{ParticipantID: p.ID, Reason: in.Body.Reason, Once: c.key(in.Key)})
}

type withdrawRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Code   string `json:"reason_code" validate:"required,code"`
		Reason string `json:"reason" validate:"required,line=200" doc:"told to the department"`
	}
}

func (s *Server) withdrawDepartment(ctx context.Context, c *call, in *withdrawRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.Withdraw(ctx, c.by, inspection.WithdrawRequest{
		ParticipantID: p.ID, Code: in.Body.Code, Reason: in.Body.Reason, Once: c.key(in.Key),
	})
}
