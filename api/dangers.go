package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

// dangerRoutes are immediate dangers that an inspector finds (INS-1015).
func (s *Server) dangerRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: participantPath + "/dangers", Act: "reportDanger", Title: words{"报告紧急危险", "Report an immediate danger"},
		Who: answerers, Rate: uploadRate, Body: scanBodyMax, Status: http.StatusCreated,
	}, s.reportDanger)
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/dangers/{danger}/clear", Act: "clearDanger", Title: words{"书面解除紧急危险", "Clear an immediate danger in writing"},
		Who: actors(auth.Inspector, auth.Head, auth.Supervisor),
	}, s.clearDanger)
}

type reportDanger struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Detail string   `json:"detail" validate:"required,nonul,max=500"`
		Photo  scanBody `json:"photo,omitzero"`
	}
}

func (s *Server) reportDanger(ctx context.Context, c *call, in *reportDanger) (inspection.Danger, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.Danger{}, err
	}
	return s.Inspection.ReportDanger(ctx, c.by, inspection.DangerRequest{
		ParticipantID: p.ID, What: in.Body.Detail, Photo: inspection.Scan(in.Body.Photo), Once: c.key(in.Key),
	})
}

type clearDanger struct {
	ID     string `path:"id" validate:"required,code"`
	Danger string `path:"danger" validate:"required,code"`
	Body   struct {
		Reason string `json:"reason" validate:"required,nonul,max=500"`
	}
}

func (s *Server) clearDanger(ctx context.Context, c *call, in *clearDanger) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.ClearDanger(ctx, c.by, in.ID, in.Danger, in.Body.Reason)
}
