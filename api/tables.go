package api

import (
	"context"
	"net/http"

	"lianban/delivery"
)

// tableRoutes carry the tables of departments without a system of their own for
// programs: out as CSV, back filled in, with an answer for each line (DEL-951). On
// the line nothing is signed: the signature is for what is carried by hand.
func (s *Server) tableRoutes() {
	const room = 2 * delivery.MaxTable // so that the domain says what is too large for a table
	register(s, Route{
		Method: http.MethodGet, Path: "/tables/owed", Act: "owedTable",
		Title: words{"应送交结果表", "The table of the results that a department owes"}, Who: anywhere(keepingThings...),
	}, s.owedTable)
	register(s, Route{
		Method: http.MethodPost, Path: "/tables/results", Act: "importResults",
		Title: words{"导入送交结果表", "Hand over what a filled table lists"}, Who: anywhere(keepingThings...), Rate: uploadRate, Body: room,
	}, s.importResults)
	register(s, Route{
		Method: http.MethodGet, Path: "/bags/{id}/table", Act: "bagTable",
		Title: words{"集装袋点收表", "The list of a bag as a table, for its receiver to fill in"}, Who: readers(following...),
	}, s.bagTable)
	register(s, Route{
		Method: http.MethodPost, Path: "/bags/{id}/table", Act: "importBagTable",
		Title: words{"导入点收表", "Sign for a bag as its filled table says"}, Who: sides, Rate: uploadRate, Body: room,
	}, s.importBagTable)
}

type owedTable struct {
	Department string `query:"department_id" validate:"omitempty,code" doc:"of a window; a department has its own"`
}

func (s *Server) owedTable(ctx context.Context, c *call, in *owedTable) (table, error) {
	out, err := s.Delivery.OwedTable(ctx, c.by, in.Department)
	return table(out), err
}

func (s *Server) bagTable(ctx context.Context, c *call, in *byID) (table, error) {
	out, err := s.Delivery.BagTable(ctx, c.by, in.ID)
	return table(out), err
}

// tableAnswers are what became of the lines of a table.
type tableAnswers struct {
	Lines    []tableLine `json:"lines"`
	Taken    int         `json:"accepted"`
	Same     int         `json:"duplicate"`
	Rejected int         `json:"rejected"`
	Checked  bool        `json:"checked" doc:"it was only looked at, nothing has changed"`
}

type tableLine struct {
	delivery.TableAnswer
	Detail string `json:"detail,omitempty" doc:"why it was rejected, and what to do"`
}

func linesOf(answers []delivery.TableAnswer, lang string, checked bool) tableAnswers {
	out := tableAnswers{Checked: checked}
	for _, a := range answers {
		out.Lines = append(out.Lines, tableLine{a, a.Text(lang)})
		switch a.Status {
		case delivery.LineTaken:
			out.Taken++
		case delivery.LineDuplicate:
			out.Same++
		case delivery.LineRejected:
			out.Rejected++
		}
	}
	return out
}

type importResults struct {
	Check bool   `query:"check" doc:"only look at it"`
	Body  []byte `media:"text/csv"`
}

func (s *Server) importResults(ctx context.Context, c *call, in *importResults) (tableAnswers, error) {
	answers, err := s.Delivery.ImportResults(ctx, c.by, in.Body, in.Check)
	return linesOf(answers, c.lang, in.Check), err
}

type importBagTable struct {
	ID    string `path:"id" validate:"required,code"`
	Check bool   `query:"check" doc:"only look at it"`
	Slip  string `query:"slip_sha256" validate:"omitempty,code" doc:"at a window, for a department: scan of the signed slip, uploaded before"`
	Body  []byte `media:"text/csv"`
}

func (s *Server) importBagTable(ctx context.Context, c *call, in *importBagTable) (tableAnswers, error) {
	answers, err := s.Delivery.ImportBagTable(ctx, c.by, delivery.BagAnswers{BagID: in.ID, Body: in.Body, Slip: in.Slip, Check: in.Check})
	return linesOf(answers, c.lang, in.Check), err
}
