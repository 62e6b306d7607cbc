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
}

type printDocument struct {
	ID         string `path:"id" validate:"required,code"`
	Document   string `path:"document" validate:"required,oneof=launch notice reply service deemed task signin rectify opinion ended"`
	Department string `query:"department" validate:"omitempty,code" doc:"whose part: of notice, reply, service, deemed and task"`
}

func (s *Server) printDocument(ctx context.Context, c *call, in *printDocument) (sheet, error) {
	out, err := s.Inspection.Document(ctx, c.by, in.ID, inspection.DocumentKind(in.Document), in.Department)
	return sheet{out.Name, out.PDF}, err
}

// document shows a document to whoever sees the visit.
func (p *site) document(v *view) error {
	out, err := p.Inspection.Document(v.ctx(), v.by, v.id(), inspection.DocumentKind(v.r.PathValue("document")), v.query("department"))
	if err != nil {
		return err
	}
	sheet{out.Name, out.PDF}.write(v.w)
	return nil
}
