package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

// ledgerReaders see lines of the ledger: of their centre, of all, or their own.
var ledgerReaders = []auth.Role{auth.Clerk, auth.Supervisor, auth.Auditor, auth.Inspector, auth.Head}

// explainers may answer an entry that is about them; reporters make one.
var explainers = actors(auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head)

// ledgerRoutes are the ledger (监督台账): what was reported or refused, and what
// other rows say (section 12).
func (s *Server) ledgerRoutes() {
	register(s, Route{Method: http.MethodGet, Path: "/ledger", Act: "listLedger", Title: words{"监督台账", "The ledger, newest first"}, Who: anywhere(ledgerReaders...)}, s.listLedger)
	register(s, Route{Method: http.MethodGet, Path: "/ledger/{id}", Act: "findEntry", Title: words{"台账记录", "An entry of the ledger"}, Who: readers(ledgerReaders...)}, s.findEntry)
	register(s, Route{
		Method: http.MethodPost, Path: "/cases/{id}/ledger", Act: "reportBreach", Title: words{"反映单独上门或索要材料", "Report a separate inspection, or something asked that is not in the record"},
		Who: explainers, Rate: uploadRate, Body: scanBodyMax, Status: http.StatusCreated,
	}, s.reportBreach)
	post := func(path, act string, title words, who Who) Route {
		return Route{Method: http.MethodPost, Path: "/ledger/{id}/" + path, Act: act, Title: title, Who: who}
	}
	register(s, post("ask", "askParty", words{"请当事单位说明", "Ask the party to explain itself"}, actors(auth.Supervisor)), s.askParty)
	register(s, post("answer", "explainBreach", words{"当事单位说明", "The party's answer"}, explainers), s.explainBreach)
	register(s, post("decide", "decideBreach", words{"核实台账记录", "Confirm or dismiss an entry of the ledger"}, actors(auth.Supervisor)), s.decideBreach)
	register(s, Route{Method: http.MethodGet, Path: "/attempts", Act: "listAttempts", Title: words{"被拒绝的越权操作", "Refused attempts at what is the window's alone"}, Who: anywhere(auth.Supervisor, auth.Auditor)}, s.listAttempts)
}

type listLedger struct {
	Search     string `query:"search" validate:"omitempty,line=60"`
	Class      string `query:"class" validate:"omitempty,oneof=K02 K03 K04 K05 K06 K07 K08 K09 K10"`
	State      string `query:"state" validate:"omitempty,oneof=suspected confirmed dismissed recorded"`
	Department string `query:"department" validate:"omitempty,code"`
	From       string `query:"from" validate:"omitempty,workday" doc:"first day"`
	To         string `query:"to" validate:"omitempty,workday" doc:"last day"`
	Cursor     string `query:"cursor" validate:"omitempty,cursor=position"`
	Limit      int    `query:"limit" validate:"omitempty,min=1,max=200"`
}

func (s *Server) listLedger(ctx context.Context, c *call, in *listLedger) (listPage[inspection.LedgerLine], error) {
	query := inspection.LedgerQuery{Search: in.Search, Class: in.Class, State: in.State, Department: in.Department, Limit: in.Limit}
	query.After, _ = openPosition(in.Cursor)
	if day, err := workday.ParseDate(in.From); err == nil {
		query.From = day.Midnight()
	}
	if day, err := workday.ParseDate(in.To); err == nil {
		query.To = day.AddDays(1).Midnight()
	}
	rows, err := s.Inspection.Ledger(ctx, c.by, query)
	return pageOf(c, rows, in.Limit, func(l inspection.LedgerLine) string { return positionCursor(l.Position()) }), err
}

func (s *Server) findEntry(ctx context.Context, c *call, in *byID) (inspection.LedgerEntry, error) {
	return s.Inspection.LedgerEntry(ctx, c.by, in.ID)
}

type reportBreach struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Class  string   `json:"class" validate:"required,oneof=K06 K08"`
		Party  string   `json:"department_id" validate:"required,code" doc:"a department of the case; of K08 also window"`
		On     string   `json:"on" validate:"required,workday"`
		People string   `json:"people,omitempty" validate:"omitempty,line=200"`
		Detail string   `json:"detail" validate:"required,nonul,max=500"`
		Photo  scanBody `json:"photo,omitzero"`
	}
}

func (s *Server) reportBreach(ctx context.Context, c *call, in *reportBreach) (inspection.Breach, error) {
	b := in.Body
	return s.Inspection.Report(ctx, c.by, inspection.ReportRequest{
		CaseID: in.ID, Class: b.Class, Party: b.Party, On: b.On, People: b.People, Detail: b.Detail, Photo: inspection.Scan(b.Photo), Once: c.key(in.Key),
	})
}

func (s *Server) askParty(ctx context.Context, c *call, in *byID) (none, error) {
	return none{}, s.Inspection.AskParty(ctx, c.by, in.ID)
}

type explainBreach struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Answer string `json:"explanation" validate:"required,nonul,max=4000"`
	}
}

func (s *Server) explainBreach(ctx context.Context, c *call, in *explainBreach) (none, error) {
	return none{}, s.Inspection.Explain(ctx, c.by, in.ID, in.Body.Answer)
}

type decideBreachRequest struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Confirm bool   `json:"confirm"`
		Reason  string `json:"reason" validate:"required,nonul,max=500"`
	}
}

func (s *Server) decideBreach(ctx context.Context, c *call, in *decideBreachRequest) (none, error) {
	return none{}, s.Inspection.DecideBreach(ctx, c.by, in.ID, in.Body.Confirm, in.Body.Reason)
}

func (s *Server) listAttempts(ctx context.Context, c *call, _ *struct{}) (listPage[inspection.Attempt], error) {
	rows, err := s.Inspection.Attempts(ctx, c.by)
	return listPage[inspection.Attempt]{Items: rows}, err
}
