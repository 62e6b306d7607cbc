package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

// recordSignRoutes are the applicant's word under the record of a visit (INS-1012).
func (s *Server) recordSignRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/visits/{id}/record-signature", Act: "signRecord", Rate: uploadRate, Body: scanBodyMax,
		Title: words{"登记申请人阅签或拒签记录", "Record that the applicant signed the record of a visit or refused to"},
		Who:   actors(auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head),
	}, s.signRecord)
}

type signRecordRequest struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body handedBody
}

func (s *Server) signRecord(ctx context.Context, c *call, in *signRecordRequest) (inspection.SignedRecord, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.SignedRecord{}, err
	}
	return s.Inspection.SignRecord(ctx, c.by, inspection.SignRequest{VisitID: in.ID, Handed: in.Body.handed(), Once: c.key(in.Key)})
}
