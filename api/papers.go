package api

import (
	"context"
	"net/http"
	"net/url"

	"lianban/delivery"
	"lianban/internal/auth"
)

// sheet is an answer that is a document to print.
type sheet struct {
	name string
	body []byte
}

// pdfPolicy lets a browser's own viewer show a document; it has no script and
// loads nothing.
const pdfPolicy = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"

// write answers with the document, to be shown in place and kept under its name
// (RFC 6266). The plain name is for what does not know the other.
func (p sheet) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Security-Policy", pdfPolicy)
	h.Set("Content-Disposition", `inline; filename="lianban.pdf"; filename*=UTF-8''`+url.PathEscape(p.name))
	_, _ = w.Write(p.body) // a client that is gone cannot be told
}

func (s *Server) paperRoutes() {
	window := keepers(auth.Clerk, auth.Supervisor)
	atCentre := anywhere(auth.Clerk, auth.Supervisor)
	register(s, Route{
		Method: http.MethodGet, Path: "/parcels/labels", Act: "listNewLabels",
		Title: words{"还没有打印面单的邮件", "Sealed parcels that have no label yet"}, Who: atCentre,
	}, s.listNewLabels)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/labels", Act: "printLabels",
		Title: words{"批量打印面单", "Print the labels of parcels, one page each"}, Who: window,
	}, s.printLabels)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/papers/{paper}", Act: "printParcel",
		Title: words{"打印邮件单据", "Print a document of a parcel"}, Who: window,
	}, s.printParcel)
	register(s, Route{
		Method: http.MethodPost, Path: "/couriers/{id}/papers", Act: "printRound",
		Title: words{"打印派件清单", "Print the list of a courier's parcels"}, Who: readers(auth.Clerk, auth.Supervisor),
	}, s.printRound)
	register(s, Route{
		Method: http.MethodPost, Path: "/transfers/{id}/papers", Act: "printSlip",
		Title: words{"打印流转单", "Print the slip of a transfer"}, Who: readCase,
	}, s.printSlip)
	register(s, Route{
		Method: http.MethodPost, Path: "/bags/{id}/papers", Act: "printBag",
		Title: words{"打印集装袋的交接清单", "Print the list of a bag"}, Who: readCase,
	}, s.printBag)
	register(s, Route{
		Method: http.MethodPost, Path: "/materials/{id}/papers", Act: "printNote",
		Title: words{"打印收件凭据或复印件留存注记", "Print the note of a copy or voucher"}, Who: readCase,
	}, s.printNote)
	register(s, Route{
		Method: http.MethodPost, Path: "/cases/{id}/demand", Act: "printDemand",
		Title: words{"打印催办单", "Print what departments still owe a case"}, Who: receivers,
	}, s.printDemand)
	register(s, Route{
		Method: http.MethodPost, Path: "/cases/{id}/receipt", Act: "printTaken",
		Title: words{"打印申请人的收件凭据", "Print the applicant's receipt, with a new link as a code"}, Who: receivers,
	}, s.printTaken)
	register(s, Route{
		Method: http.MethodPost, Path: "/cases/{id}/link", Act: "mailLink",
		Title: words{"给申请人邮箱发送查询办理链接", "Send the applicant a new link by mail"}, Who: receivers,
	}, s.mailLink)
	register(s, Route{
		Method: http.MethodGet, Path: "/papers/{code}", Act: "checkPaper",
		Title: words{"核对单据", "What the code of a paper stands for"}, Who: readers(auth.Clerk, auth.Supervisor, auth.Courier, auth.Auditor),
	}, s.checkPaper)
}

// printed turns a document of a domain into an answer.
func printed(p delivery.Print, err error) (sheet, error) {
	return sheet{p.Name, p.PDF}, err
}

func (s *Server) listNewLabels(ctx context.Context, c *call, _ *struct{}) (listPage[string], error) {
	ids, err := s.Delivery.NewLabels(ctx, c.by)
	return listPage[string]{Items: ids}, err
}

type printLabels struct {
	Body struct {
		Parcels []string `json:"parcels" validate:"required,min=1,max=1000,unique,dive,code" doc:"ids, in the order of printing"`
	}
}

func (s *Server) printLabels(ctx context.Context, c *call, in *printLabels) (sheet, error) {
	return printed(s.Delivery.PrintLabels(ctx, c.by, in.Body.Parcels))
}

type printParcel struct {
	ID    string `path:"id" validate:"required,code"`
	Paper string `path:"paper" validate:"required,oneof=label contents receipt pickup proof return"`
}

func (s *Server) printParcel(ctx context.Context, c *call, in *printParcel) (sheet, error) {
	return printed(s.Delivery.PrintParcel(ctx, c.by, in.ID, delivery.PaperKind(in.Paper)))
}

func (s *Server) printRound(ctx context.Context, c *call, in *byID) (sheet, error) {
	return printed(s.Delivery.PrintRound(ctx, c.by, in.ID))
}

func (s *Server) printSlip(ctx context.Context, c *call, in *byID) (sheet, error) {
	return printed(s.Delivery.PrintSlip(ctx, c.by, in.ID))
}

func (s *Server) printBag(ctx context.Context, c *call, in *byID) (sheet, error) {
	return printed(s.Delivery.PrintBag(ctx, c.by, in.ID))
}

func (s *Server) printNote(ctx context.Context, c *call, in *byID) (sheet, error) {
	return printed(s.Delivery.PrintNote(ctx, c.by, in.ID))
}

func (s *Server) printDemand(ctx context.Context, c *call, in *byID) (sheet, error) {
	return printed(s.Delivery.PrintDemand(ctx, c.by, in.ID))
}

func (s *Server) printTaken(ctx context.Context, c *call, in *byID) (sheet, error) {
	return printed(s.Inspection.PrintTaken(ctx, c.by, s.Delivery, in.ID))
}

func (s *Server) mailLink(ctx context.Context, c *call, in *byID) (none, error) {
	return none{}, s.Inspection.MailLink(ctx, c.by, s.Delivery, in.ID)
}

type checkPaper struct {
	Code string `path:"code" validate:"required,line=60" doc:"as the QR code says it"`
}

func (s *Server) checkPaper(ctx context.Context, c *call, in *checkPaper) (delivery.Paper, error) {
	return s.Delivery.CheckPaper(ctx, c.by, in.Code)
}
