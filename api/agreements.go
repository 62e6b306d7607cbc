package api

import (
	"context"
	"net/http"

	"lianban/inspection"
)

// agreementRoutes are the written agreements to a visit sooner than the lead time
// (INS-605).
func (s *Server) agreementRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/agreements", Act: "recordAgreement",
		Title: words{"登记提前勘验同意书", "Record an agreement to a visit sooner than the lead time"}, Who: organisers,
		Rate: uploadRate, Body: scanBodyMax,
	}, s.recordAgreement)
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/agreements/{party}/check", Act: "checkAgreement",
		Title: words{"核对同意书原件", "Compare an agreement with its original"}, Who: organisers,
	}, s.checkAgreement)
}

type agreementRequest struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Party  string   `json:"party" validate:"required,code" doc:"id of a required department, or applicant"`
		Signer string   `json:"signer" validate:"required,line=60" doc:"name and post of who signed"`
		Scan   scanBody `json:"scan" doc:"the sealed paper"`
	}
}

func (s *Server) recordAgreement(ctx context.Context, c *call, in *agreementRequest) (inspection.Agreement, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.Agreement{}, err
	}
	return s.Inspection.RecordAgreement(ctx, c.by, inspection.AgreementRequest{
		VisitID: in.ID, Party: in.Body.Party, Signer: in.Body.Signer, Scan: inspection.Scan(in.Body.Scan), Once: c.key(in.Key),
	})
}

type agreementOf struct {
	ID    string `path:"id" validate:"required,code"`
	Party string `path:"party" validate:"required,code"`
}

func (s *Server) checkAgreement(ctx context.Context, c *call, in *agreementOf) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.CheckAgreement(ctx, c.by, in.ID, in.Party)
}
