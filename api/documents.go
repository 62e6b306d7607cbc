package api

import (
	"context"
	"net/http"

	"lianban/inspection"
)

// documentRoutes give the documents of a visit, each made of its record whenever
// it is asked for (INS-1104, INS-1105).
func (s *Server) documentRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/visits/{id}/documents/{document}", Act: "printDocument", Rate: uploadRate,
		Title: words{"打印勘验文书", "Print a document of a visit"}, Who: readCase, Scope: "visits:read",
	}, s.printDocument)
	register(s, Route{
		Method: http.MethodGet, Path: "/cases/{id}/notice", Act: "printOnceNotice", Rate: uploadRate,
		Title: words{"打印一次性告知书", "Print what the applicant is told once"}, Who: readCase, Scope: "cases:read",
	}, s.printOnceNotice)
	register(s, Route{
		Method: http.MethodGet, Path: "/departments/{id}/addresses/form", Act: "printAddressForm", Rate: uploadRate,
		Title: words{"打印送达地址确认书", "Print the form of its addresses for a department to sign"}, Who: addressKeepers,
	}, s.printAddressForm)
	register(s, Route{
		Method: http.MethodGet, Path: "/evidence/{id}/{department}/index", Act: "printEvidenceIndex", Rate: uploadRate,
		Title: words{"打印证据清单", "Print the index of an evidence bundle"}, Who: readCase, Scope: "evidence:read",
	}, s.printEvidenceIndex)
}

type printDocument struct {
	ID         string `path:"id" validate:"required,code"`
	Document   string `path:"document" validate:"required,oneof=launch notice reply service deemed task signin due rectify ask revisit opinion ended"`
	Department string `query:"department" validate:"omitempty,code" doc:"whose part: of notice, reply, service, deemed, task and due"`
	N          int    `query:"n" validate:"min=0,max=1000" doc:"which of several: a version of opinion, a list of rectify, a request for a revisit, the round of deemed; 0 is the last one, and the first list"`
}

func (s *Server) printDocument(ctx context.Context, c *call, in *printDocument) (sheet, error) {
	out, err := s.Inspection.Document(ctx, c.by, inspection.DocumentRequest{
		VisitID: in.ID, Kind: inspection.DocumentKind(in.Document), Department: in.Department, N: in.N,
	})
	return sheet{out.Name, out.PDF}, err
}

func (s *Server) printOnceNotice(ctx context.Context, c *call, in *byID) (sheet, error) {
	out, err := s.Inspection.OnceNotice(ctx, c.by, in.ID)
	return sheet{out.Name, out.PDF}, err
}

func (s *Server) printAddressForm(ctx context.Context, c *call, in *byID) (sheet, error) {
	out, err := s.Inspection.AddressForm(ctx, c.by, in.ID)
	return sheet{out.Name, out.PDF}, err
}

func (s *Server) printEvidenceIndex(ctx context.Context, c *call, in *ofDepartment) (sheet, error) {
	out, err := s.Inspection.EvidenceIndex(ctx, c.by, s.Audit, inspection.BundleRequest{VisitID: in.ID, DepartmentID: in.Department})
	return sheet{out.Name, out.PDF}, err
}

// addressForm shows the form of a department's addresses, for it to sign (D15).
func (p *site) addressForm(v *view) error {
	out, err := p.Inspection.AddressForm(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	sheet{out.Name, out.PDF}.write(v.w)
	return nil
}

// evidenceIndex shows the index of an evidence bundle (D17).
func (p *site) evidenceIndex(v *view) error {
	out, err := p.Inspection.EvidenceIndex(v.ctx(), v.by, p.Audit, inspection.BundleRequest{VisitID: v.id(), DepartmentID: v.r.PathValue("department")})
	if err != nil {
		return err
	}
	sheet{out.Name, out.PDF}.write(v.w)
	return nil
}

// onceNotice shows the one-time notice of a case as PDF (DEC-20).
func (p *site) onceNotice(v *view) error {
	out, err := p.Inspection.OnceNotice(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	sheet{out.Name, out.PDF}.write(v.w)
	return nil
}

// document shows a document to whoever sees the visit.
func (p *site) document(v *view) error {
	out, err := p.Inspection.Document(v.ctx(), v.by, inspection.DocumentRequest{
		VisitID: v.id(), Kind: inspection.DocumentKind(v.r.PathValue("document")), Department: v.query("department"), N: whole(v.query("n")),
	})
	if err != nil {
		return err
	}
	sheet{out.Name, out.PDF}.write(v.w)
	return nil
}
