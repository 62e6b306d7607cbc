package api

import (
	"context"
	"net/http"
	"time"

	"lianban/delivery"
	"lianban/internal/auth"
)

func (s *Server) transferRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/results/{id}/transfers", Act: "releaseTransfer", Status: http.StatusCreated,
		Title: words{"部门送交结果（窗口凭流转单代登记）", "Hand results over to the window"},
		Who:   actors(auth.Inspector, auth.Head, auth.Clerk, auth.Supervisor),
	}, s.releaseTransfer)
	register(s, Route{
		Method: http.MethodGet, Path: "/transfers", Act: "listTransfers",
		Title: words{"移交", "Transfers"}, Who: signedIn,
	}, s.listTransfers)
	register(s, Route{
		Method: http.MethodGet, Path: "/transfers/scan", Act: "scanTransfer",
		Title: words{"按编号查找移交", "The transfer of a scanned number"}, Who: signedIn,
	}, s.scanTransfer)
	register(s, Route{
		Method: http.MethodGet, Path: "/transfers/{id}", Act: "findTransfer",
		Title: words{"查看移交", "Read a transfer"}, Who: readCase,
	}, s.findTransfer)
	register(s, Route{
		Method: http.MethodPost, Path: "/transfers/{id}/accept", Act: "acceptTransfer",
		Title: words{"签收移交", "Sign for a transfer"}, Who: receivers,
	}, s.acceptTransfer)
	register(s, Route{
		Method: http.MethodPost, Path: "/transfers/{id}/refuse", Act: "refuseTransfer",
		Title: words{"拒收移交", "Refuse a transfer"}, Who: receivers,
	}, s.refuseTransfer)
	register(s, Route{
		Method: http.MethodPost, Path: "/transfers/extras/{id}/explain", Act: "explainTransferExtra",
		Title: words{"说明移交中多出的物料", "Say what an unlisted thing of a transfer is"}, Who: receivers,
	}, s.explainTransferExtra)
	register(s, Route{
		Method: http.MethodGet, Path: "/transfers/{id}/blobs/{sha256}", Act: "openTransferBlob",
		Title: words{"查看移交的签字流转单或照片", "Open a transfer's signed slip or photo"}, Who: readCase,
	}, s.openTransferBlob)
	register(s, Route{
		Method: http.MethodGet, Path: "/items/{id}", Act: "findItem",
		Title: words{"物料和保管记录", "A thing and who had it when"}, Who: readCase,
	}, s.findItem)
}

type releaseTransfer struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		DecidedOn    string      `json:"decided_on" validate:"required,workday" doc:"date of the decision"`
		RefusedGrant bool        `json:"refused_grant,omitempty" doc:"the result refuses the permit"`
		New          []thingBody `json:"new,omitempty" validate:"max=50,dive" doc:"handed over for the first time"`
		Again        []string    `json:"again,omitempty" validate:"max=50,unique,dive,code" doc:"items that came back or never arrived"`
		PartialWhy   string      `json:"partial_why,omitempty" validate:"omitempty,oneof=in_production to_be_signed to_be_corrected other" doc:"why more is to come; empty: this is all"`
		PartialNote  string      `json:"partial_note,omitempty" validate:"omitempty,line=200"`
		Paper        bool        `json:"paper,omitempty" doc:"the window records the department's signed slip"`
		Giver        string      `json:"giver,omitempty" validate:"omitempty,line=60" doc:"on paper: who signed the slip"`
		SignedAt     time.Time   `json:"signed_at,omitzero" doc:"on paper: when the slip was signed"`
		Slip         string      `json:"slip_sha256,omitempty" validate:"omitempty,code" doc:"on paper: scan of the slip, uploaded before"`
	}
}

type thingBody struct {
	Class string   `json:"class" validate:"required,oneof=certificate approval seal invoice"`
	Title string   `json:"title" validate:"required,line=120"`
	Seal  sealBody `json:"seal,omitzero" doc:"of class seal"`
}

type sealBody struct {
	Kind   string `json:"kind,omitempty" validate:"omitempty,line=40"`
	Code   string `json:"code,omitempty" validate:"omitempty,line=13" doc:"13 digits"`
	Filing string `json:"filing,omitempty" validate:"omitempty,line=60"`
	Bag    string `json:"bag,omitempty" validate:"omitempty,line=40"`
}

func (s *Server) releaseTransfer(ctx context.Context, c *call, in *releaseTransfer) (delivery.TransferView, error) {
	b := in.Body
	r := delivery.ReleaseRequest{
		LineID: in.ID, DecidedOn: b.DecidedOn, RefusedGrant: b.RefusedGrant, Again: b.Again, PartialWhy: b.PartialWhy,
		PartialNote: b.PartialNote, Paper: b.Paper, Giver: b.Giver, SignedAt: b.SignedAt, Slip: b.Slip, Once: c.key(in.Key),
	}
	for _, n := range b.New {
		r.New = append(r.New, delivery.NewItem{Class: delivery.Class(n.Class), Title: n.Title, Seal: delivery.SealFacts(n.Seal)})
	}
	out, err := s.Delivery.Release(ctx, c.by, r)
	if err == nil {
		c.created("/transfers/" + out.ID)
	}
	return out, err
}

type listTransfers struct {
	Search string `query:"search" validate:"omitempty,line=60"`
	State  string `query:"state" validate:"omitempty,oneof=released accepted accepted_partial refused"`
	Limit  int    `query:"limit" validate:"min=0,max=200"`
}

func (s *Server) listTransfers(ctx context.Context, c *call, in *listTransfers) (listPage[delivery.TransferView], error) {
	rows, err := s.Delivery.ListTransfers(ctx, c.by, delivery.TransferQuery{
		Search: in.Search, State: delivery.TransferState(in.State), Limit: in.Limit,
	})
	return listPage[delivery.TransferView]{Items: rows}, err
}

type scanTransfer struct {
	Number string `query:"number" validate:"required,line=60" doc:"of a transfer, or of an item in it"`
}

func (s *Server) scanTransfer(ctx context.Context, c *call, in *scanTransfer) (delivery.TransferView, error) {
	t, err := s.Delivery.ScanTransfer(ctx, c.by, in.Number)
	if err != nil {
		return delivery.TransferView{}, err
	}
	return s.Delivery.FindTransfer(ctx, c.by, t.ID)
}

func (s *Server) findTransfer(ctx context.Context, c *call, in *byID) (delivery.TransferView, error) {
	return s.Delivery.FindTransfer(ctx, c.by, in.ID)
}

type acceptTransfer struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Count  *int        `json:"count" validate:"required,min=0,max=50" doc:"things counted by hand that are accepted"`
		Found  []foundBody `json:"found,omitempty" validate:"max=50,dive" doc:"what is missing or damaged; all others are accepted"`
		Extras []extraBody `json:"extras,omitempty" validate:"max=20,dive" doc:"what lay in it without being listed"`
		Note   string      `json:"note,omitempty" validate:"omitempty,line=200"`
	}
}

type foundBody struct {
	Item    string `json:"item_id" validate:"required,code"`
	Outcome string `json:"outcome" validate:"required,oneof=accepted missing damaged"`
	Note    string `json:"note,omitempty" validate:"omitempty,line=200"`
}

func (s *Server) acceptTransfer(ctx context.Context, c *call, in *acceptTransfer) (delivery.TransferView, error) {
	r := delivery.AcceptRequest{TransferID: in.ID, Count: *in.Body.Count, Note: in.Body.Note}
	for _, f := range in.Body.Found {
		r.Found = append(r.Found, delivery.Found{ItemID: f.Item, Outcome: delivery.Finding(f.Outcome), Note: f.Note})
	}
	for _, e := range in.Body.Extras {
		r.Extras = append(r.Extras, delivery.Extra(e))
	}
	return s.Delivery.Accept(ctx, c.by, r)
}

type refuseTransfer struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) refuseTransfer(ctx context.Context, c *call, in *refuseTransfer) (delivery.TransferView, error) {
	return s.Delivery.Refuse(ctx, c.by, in.ID, in.Body.Reason)
}

func (s *Server) findItem(ctx context.Context, c *call, in *byID) (delivery.ItemView, error) {
	return s.Delivery.FindItem(ctx, c.by, in.ID)
}

type explainTransferExtra struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Answer      string `json:"turned_out" validate:"required,oneof=known new returned" doc:"a thing of the register, a new result, or given back"`
		Number      string `json:"number,omitempty" validate:"omitempty,line=60" doc:"of a thing of the register"`
		Class       string `json:"class,omitempty" validate:"omitempty,oneof=certificate approval invoice" doc:"of a new result"`
		Title       string `json:"title,omitempty" validate:"omitempty,line=120" doc:"of a new result; empty: as it was written down"`
		Explanation string `json:"explanation" validate:"required,line=200"`
	}
}

func (s *Server) explainTransferExtra(ctx context.Context, c *call, in *explainTransferExtra) (delivery.TransferExtra, error) {
	b := in.Body
	return s.Delivery.ExplainTransferExtra(ctx, c.by, delivery.ExtraExplained{
		ID: in.ID, Answer: delivery.ExtraAnswer(b.Answer), Number: b.Number, Class: delivery.Class(b.Class), Title: b.Title, Text: b.Explanation,
	})
}

func (s *Server) openTransferBlob(ctx context.Context, c *call, in *openBlob) (photo, error) {
	b, body, err := s.Delivery.OpenTransferBlob(ctx, c.by, in.ID, in.SHA256)
	return photo{b.Media, body}, err
}
