package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

// extenders may ask for an extension: the window, and people of a department.
var extenders = actors(auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head)

func (s *Server) extensionRoutes() {
	post := func(path, act string, title words, who Who) Route {
		return Route{Method: http.MethodPost, Path: "/cases/{id}/extension" + path, Act: act, Title: title, Who: who}
	}
	register(s, post("", "askExtension", words{"申请延长法定办结期限", "Ask for an extension of the limit by law"}, extenders), s.askExtension)
	register(s, post("/decide", "decideExtension", words{"批准延长期限，或登记批准文件", "Decide about an extension, or record its approval"}, actors(auth.Head, auth.Supervisor)), s.decideExtension)
}

type askExtension struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Days   int    `json:"extension_days" validate:"required,min=1,max=15" doc:"working days: at most 10 for one department, 15 under joint handling"`
		Reason string `json:"reason" validate:"required,line=50" doc:"told to the applicant in these words"`
	}
}

func (s *Server) askExtension(ctx context.Context, c *call, in *askExtension) (inspection.Extension, error) {
	return s.Inspection.AskExtension(ctx, c.by, inspection.ExtensionRequest{
		CaseID: in.ID, Days: in.Body.Days, Reason: in.Body.Reason, Once: c.key(in.Key),
	})
}

type decideExtension struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Outcome  string `json:"extension_outcome" validate:"required,oneof=approved refused"`
		Document string `json:"approval_number,omitempty" validate:"omitempty,line=200" doc:"number of the approval, where somebody outside the system gave it"`
		On       string `json:"approval_date,omitempty" validate:"omitempty,workday" doc:"its date, before the limit was over"`
		Reason   string `json:"reason,omitempty" validate:"omitempty,nonul,max=500" doc:"why it is refused"`
	}
}

func (s *Server) decideExtension(ctx context.Context, c *call, in *decideExtension) (none, error) {
	return none{}, s.Inspection.DecideExtension(ctx, c.by, inspection.ExtensionDecision{
		CaseID: in.ID, Outcome: inspection.ExtensionOutcome(in.Body.Outcome), Document: in.Body.Document, DocumentDate: dayOf(in.Body.On),
		Reason: in.Body.Reason, Once: c.key(in.Key),
	})
}
