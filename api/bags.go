package api

import (
	"context"
	"net/http"
	"time"

	"lianban/delivery"
)

func (s *Server) bagRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/bags", Act: "newBag", Status: http.StatusCreated,
		Title: words{"开一个集装袋", "Open a bag"}, Who: anywhere(sides.Own...),
	}, s.newBag)
	register(s, Route{
		Method: http.MethodGet, Path: "/bags", Act: "listBags",
		Title: words{"集装袋", "Bags, those that wait for a signature first"}, Who: signedIn,
	}, s.listBags)
	register(s, Route{
		Method: http.MethodGet, Path: "/bags/scan", Act: "scanBag",
		Title: words{"按编号查找集装袋", "The bag of a scanned number"}, Who: signedIn,
	}, s.scanBag)
	register(s, Route{
		Method: http.MethodGet, Path: "/bags/{id}", Act: "findBag",
		Title: words{"查看集装袋", "Read a bag with what is in it"}, Who: readCase,
	}, s.findBag)
	at := func(path, act string, title words, h func(context.Context, *call, *bagNumber) (delivery.BagView, error)) {
		register(s, Route{Method: http.MethodPost, Path: "/bags/{id}/" + path, Act: act, Title: title, Who: sides}, h)
	}
	at("put", "putInBag", words{"装袋", "Put a thing into a bag"}, s.putInBag)
	at("take-out", "takeOutOfBag", words{"取出", "Take a thing out of a bag"}, s.takeOutOfBag)
	register(s, Route{
		Method: http.MethodPost, Path: "/bags/{id}/cancel", Act: "cancelBag",
		Title: words{"取消集装袋", "Give up a bag that was not given away"}, Who: sides,
	}, s.cancelBag)
	register(s, Route{
		Method: http.MethodPost, Path: "/bags/{id}/release", Act: "releaseBag",
		Title: words{"封袋移交", "Seal a bag and give it away"}, Who: sides,
	}, s.releaseBag)
	register(s, Route{
		Method: http.MethodPost, Path: "/bags/{id}/accept", Act: "acceptBag",
		Title: words{"开袋点收", "Open a bag, count it and sign"}, Who: sides,
	}, s.acceptBag)
	register(s, Route{
		Method: http.MethodPost, Path: "/bags/{id}/refuse", Act: "refuseBag",
		Title: words{"拒收集装袋", "Refuse a bag unopened"}, Who: sides,
	}, s.refuseBag)
	register(s, Route{
		Method: http.MethodPost, Path: "/bags/extras/{id}/explain", Act: "explainExtra",
		Title: words{"说明多出的物料", "Explain something that was not listed"}, Who: sides,
	}, s.explainExtra)
	register(s, Route{
		Method: http.MethodGet, Path: "/bags/{id}/blobs/{sha256}", Act: "openBagBlob",
		Title: words{"查看签字流转单或照片", "Open a bag's signed slip or photo"}, Who: readCase,
	}, s.openBagBlob)
}

type newBag struct {
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		To     string `json:"goes_to,omitempty" validate:"omitempty,code" doc:"empty: to the window of centre_id"`
		From   string `json:"comes_from,omitempty" validate:"omitempty,code" doc:"at a window: a department without accounts that it packs for"`
		Centre string `json:"centre_id,omitempty" validate:"omitempty,code" doc:"of a department: the centre whose window the bag belongs to"`
	}
}

func (s *Server) newBag(ctx context.Context, c *call, in *newBag) (delivery.Bag, error) {
	out, err := s.Delivery.NewBag(ctx, c.by, delivery.NewBagRequest{
		From: in.Body.From, To: in.Body.To, Centre: in.Body.Centre, Once: c.key(in.Key),
	})
	if err == nil {
		c.created("/bags/" + out.ID)
	}
	return out, err
}

type listBags struct {
	Search string `query:"search" validate:"omitempty,line=60"`
	State  string `query:"state" validate:"omitempty,oneof=filling released accepted accepted_partial refused cancelled"`
	Limit  int    `query:"limit" validate:"min=0,max=200"`
}

func (s *Server) listBags(ctx context.Context, c *call, in *listBags) (listPage[delivery.BagView], error) {
	rows, err := s.Delivery.ListBags(ctx, c.by, delivery.BagQuery{Search: in.Search, State: delivery.BagState(in.State), Limit: in.Limit})
	return listPage[delivery.BagView]{Items: rows}, err
}

type scanBag struct {
	Number string `query:"number" validate:"required,line=60" doc:"of a bag, or of a thing in it"`
}

func (s *Server) scanBag(ctx context.Context, c *call, in *scanBag) (delivery.BagView, error) {
	b, err := s.Delivery.ScanBag(ctx, c.by, in.Number)
	if err != nil {
		return delivery.BagView{}, err
	}
	return s.Delivery.FindBag(ctx, c.by, b.ID)
}

func (s *Server) findBag(ctx context.Context, c *call, in *byID) (delivery.BagView, error) {
	return s.Delivery.FindBag(ctx, c.by, in.ID)
}

type bagNumber struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Number string `json:"number" validate:"required,line=60" doc:"own number of the thing"`
	}
}

func (s *Server) putInBag(ctx context.Context, c *call, in *bagNumber) (delivery.BagView, error) {
	if _, err := s.Delivery.PutInBag(ctx, c.by, in.ID, in.Body.Number); err != nil {
		return delivery.BagView{}, err
	}
	return s.Delivery.FindBag(ctx, c.by, in.ID)
}

func (s *Server) takeOutOfBag(ctx context.Context, c *call, in *bagNumber) (delivery.BagView, error) {
	if _, err := s.Delivery.TakeOutOfBag(ctx, c.by, in.ID, in.Body.Number); err != nil {
		return delivery.BagView{}, err
	}
	return s.Delivery.FindBag(ctx, c.by, in.ID)
}

func (s *Server) cancelBag(ctx context.Context, c *call, in *byID) (delivery.Bag, error) {
	return s.Delivery.CancelBag(ctx, c.by, in.ID)
}

type releaseBag struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Seal  string `json:"seal" validate:"required,line=60" doc:"number of the seal that closes the bag"`
		Count *int   `json:"count" validate:"required,min=0,max=50" doc:"things counted by hand"`
		Giver string `json:"giver,omitempty" validate:"omitempty,line=60" doc:"at a window, for a department: who signed the slip"`
	}
}

func (s *Server) releaseBag(ctx context.Context, c *call, in *releaseBag) (delivery.BagView, error) {
	return s.Delivery.ReleaseBag(ctx, c.by, delivery.BagRelease{BagID: in.ID, Seal: in.Body.Seal, Count: *in.Body.Count, Giver: in.Body.Giver})
}

type acceptBag struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Count    *int        `json:"count" validate:"required,min=0,max=50" doc:"things counted by hand that are accepted"`
		Found    []foundBody `json:"found,omitempty" validate:"max=50,dive" doc:"what is missing or damaged; all others are accepted"`
		Extras   []extraBody `json:"extras,omitempty" validate:"max=20,dive" doc:"what was not listed"`
		Note     string      `json:"note,omitempty" validate:"omitempty,line=200"`
		Receiver string      `json:"receiver,omitempty" validate:"omitempty,line=60" doc:"at a window, for a department: who signed the slip"`
		SignedAt time.Time   `json:"signed_at,omitzero" doc:"when the slip was signed"`
		Slip     string      `json:"slip_sha256,omitempty" validate:"omitempty,code" doc:"scan of the slip, uploaded before"`
	}
}

type extraBody struct {
	Number string `json:"number,omitempty" validate:"omitempty,line=60"`
	Title  string `json:"title" validate:"required,line=120"`
	Note   string `json:"note,omitempty" validate:"omitempty,line=200"`
	Photo  string `json:"photo_sha256" validate:"required,code" doc:"uploaded before"`
}

func (s *Server) acceptBag(ctx context.Context, c *call, in *acceptBag) (delivery.BagView, error) {
	b := in.Body
	r := delivery.BagAccept{BagID: in.ID, Count: *b.Count, Note: b.Note, Receiver: b.Receiver, SignedAt: b.SignedAt, Slip: b.Slip}
	for _, f := range b.Found {
		r.Found = append(r.Found, delivery.Found{ItemID: f.Item, Outcome: delivery.Finding(f.Outcome), Note: f.Note})
	}
	for _, e := range b.Extras {
		r.Extras = append(r.Extras, delivery.Extra(e))
	}
	return s.Delivery.AcceptBag(ctx, c.by, r)
}

func (s *Server) refuseBag(ctx context.Context, c *call, in *refuseTransfer) (delivery.BagView, error) {
	return s.Delivery.RefuseBag(ctx, c.by, in.ID, in.Body.Reason)
}

type explainExtra struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Explanation string `json:"explanation" validate:"required,line=200"`
	}
}

func (s *Server) explainExtra(ctx context.Context, c *call, in *explainExtra) (delivery.BagExtra, error) {
	return s.Delivery.ExplainExtra(ctx, c.by, in.ID, in.Body.Explanation)
}

func (s *Server) openBagBlob(ctx context.Context, c *call, in *openBlob) (photo, error) {
	b, body, err := s.Delivery.OpenBagBlob(ctx, c.by, in.ID, in.SHA256)
	return photo{b.Media, body}, err
}
