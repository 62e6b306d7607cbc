package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// seeParcel are those who may read a parcel: its window, its courier, auditors.
var seeParcel = []auth.Role{auth.Clerk, auth.Supervisor, auth.Courier, auth.Auditor}

// keepers act on a parcel; its courier and auditors learn that it is not theirs.
func keepers(roles ...auth.Role) Who {
	return Who{Own: roles, See: seeParcel, Else: http.StatusForbidden}
}

// couriers act on what they carry.
var couriers = anywhere(auth.Courier)

func (s *Server) parcelRoutes() {
	window := keepers(auth.Clerk, auth.Supervisor)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels", Act: "sealParcel", Status: http.StatusCreated,
		Title: words{"封装出件", "Seal items of a case into a parcel"}, Who: receivers,
	}, s.sealParcel)
	register(s, Route{
		Method: http.MethodGet, Path: "/parcels", Act: "listParcels",
		Title: words{"邮件列表", "List parcels, the most urgent first"}, Who: signedIn,
	}, s.listParcels)
	register(s, Route{
		Method: http.MethodGet, Path: "/parcels/{id}", Act: "findParcel",
		Title: words{"查看邮件", "Read a parcel with its history"}, Who: readers(seeParcel...),
	}, s.findParcel)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/handover", Act: "handOverParcel",
		Title: words{"交给派送员", "Give a parcel to a courier"}, Who: window,
	}, s.handOverParcel)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/code", Act: "newParcelCode",
		Title: words{"重发收货码", "Send the receiver another code"}, Who: window,
	}, s.newParcelCode)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/cancel", Act: "cancelParcel",
		Title: words{"撤回邮件", "Withdraw a parcel that is still here"}, Who: window,
	}, s.cancelParcel)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/return", Act: "returnParcel",
		Title: words{"签入退回的邮件", "Take a returning parcel in"}, Who: window,
	}, s.returnParcel)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/shelve", Act: "shelveParcel",
		Title: words{"登记邮件的架位", "Record on which shelf a sealed parcel waits"}, Who: window,
	}, s.shelveParcel)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/collect", Act: "collectParcel",
		Title: words{"窗口领取", "Hand a parcel over at the window"}, Who: window,
	}, s.collectParcel)
	register(s, Route{
		Method: http.MethodGet, Path: "/refusals", Act: "listRefusals",
		Title: words{"未入库的派送记录", "Records of couriers that were refused"}, Who: anywhere(overseeing...),
	}, s.listRefusals)
	s.reportedRoutes()
	s.pauseRoutes()
	s.troubleRoutes()
	s.alertRoutes()
	s.waybillRoutes()
	s.courierRoutes()
	s.roundRoutes()
}

// reportedRoutes settle what a courier has reported.
func (s *Server) reportedRoutes() {
	window := keepers(auth.Clerk, auth.Supervisor)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/events/{event}/confirm", Act: "confirmDelivery",
		Title: words{"核实妥投", "Confirm a delivery whose proof is incomplete"}, Who: window,
	}, s.confirmDelivery)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/events/{event}/declare", Act: "declareEventWrong",
		Title: words{"更正记录", "Declare a record wrong"}, Who: window,
	}, s.declareEventWrong)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/events/{event}/undo", Act: "undoEvent",
		Title: words{"一分钟内撤销误点的登记", "Take back, within a minute, what was reported by a wrong tap"}, Who: keepers(auth.Courier),
	}, s.undoEvent)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/events/{event}/accept-time", Act: "acceptEventTime",
		Title: words{"认可手机时间", "Accept the device time of a record"}, Who: keepers(auth.Supervisor),
	}, s.acceptEventTime)
}

func (s *Server) courierRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/couriers", Act: "listCouriers",
		Title: words{"本中心派送员", "The couriers of the centre"}, Who: anywhere(auth.Clerk, auth.Supervisor),
	}, s.listCouriers)
	register(s, Route{
		Method: http.MethodGet, Path: "/round", Act: "myRound",
		Title: words{"今日派送", "The courier's own round"}, Who: couriers,
	}, s.myRound)
	register(s, Route{
		Method: http.MethodPost, Path: "/round/take-over", Act: "takeOverParcels",
		Title: words{"接收邮件", "Sign for parcels at the window"}, Who: couriers,
	}, s.takeOverParcels)
	register(s, Route{
		Method: http.MethodPost, Path: "/round/events", Act: "ingestEvents",
		Title: words{"上传派送记录", "Send a batch of records"}, Who: couriers,
	}, s.ingestEvents)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/door", Act: "tryAtDoor",
		Title: words{"当面核对收货码和证件后四位", "Compare code and last four at the door, before the hand-over is reported"}, Who: keepers(auth.Courier),
	}, s.tryAtDoor)
	register(s, Route{
		Method: http.MethodPost, Path: "/blobs/{sha256}", Act: "putBlob", Rate: drainRate, Body: delivery.MaxProof + 1,
		Title: words{"上传照片或签名", "Keep a photo or signature under its hash"}, Who: anywhere(auth.Courier, auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head),
	}, s.putBlob)
	register(s, Route{
		Method: http.MethodGet, Path: "/parcels/{id}/blobs/{sha256}", Act: "openBlob",
		Title: words{"查看照片或签名", "Open a photo or signature of a parcel"}, Who: readers(auth.Clerk, auth.Supervisor, auth.Auditor),
	}, s.openBlob)
}

type sealParcel struct {
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Case         string        `json:"case_id" validate:"required,code"`
		Items        []string      `json:"items" validate:"required,min=1,max=50,unique,dive,code"`
		Way          string        `json:"way" validate:"required,oneof=own_courier ems courier_firm instant window electronic"`
		Name         string        `json:"name" validate:"required,line=60"`
		Phone        string        `json:"phone" validate:"required,line=20"`
		Address      string        `json:"address,omitempty" validate:"omitempty,line=200" doc:"none for pick-up"`
		Lat          float64       `json:"lat,omitempty" validate:"min=-90,max=90" doc:"WGS-84; without it the point of the case counts, if the address is the same"`
		Lon          float64       `json:"lon,omitempty" validate:"min=-180,max=180"`
		Agent        string        `json:"agent,omitempty" validate:"omitempty,line=60" doc:"named before dispatch with a power of attorney"`
		IDLast4      string        `json:"id_last4,omitempty" validate:"omitempty,line=4" doc:"of the receiver's document; empty: none on file"`
		Bag          string        `json:"bag,omitempty" validate:"omitempty,line=40"`
		Consents     []consentBody `json:"consents,omitempty" validate:"max=3,dive"`
		RedeliveryOf string        `json:"redelivery_of,omitempty" validate:"omitempty,code"`
		More         []pieceBody   `json:"more,omitempty" validate:"max=2,dive" doc:"further pieces of the same sending, each with a bag of its own"`
		Agreed       bool          `json:"agreed,omitempty" doc:"the applicant agrees to what differs from the wish of the set"`
		Login        string        `json:"second_login,omitempty" validate:"omitempty,line=60" doc:"second person, for seals"`
		Password     string        `json:"second_password,omitempty" validate:"omitempty,line=200"`
	}
}

type pieceBody struct {
	Items []string `json:"items" validate:"required,min=1,max=50,unique,dive,code"`
	Bag   string   `json:"bag" validate:"required,line=40"`
}

type consentBody struct {
	Receiver string `json:"receiver" validate:"required,oneof=mail_room proxy locker"`
	GivenBy  string `json:"given_by" validate:"required,line=60"`
	Channel  string `json:"channel" validate:"required,oneof=window phone"`
}

func (s *Server) sealParcel(ctx context.Context, c *call, in *sealParcel) (delivery.Parcel, error) {
	b := in.Body
	r := delivery.SealRequest{
		CaseID: b.Case, Items: b.Items, Way: delivery.Way(b.Way), Bag: b.Bag, IDLast4: b.IDLast4, RedeliveryOf: b.RedeliveryOf, Agreed: b.Agreed,
		To:     delivery.Addressee{Name: b.Name, Phone: b.Phone, Address: b.Address, Lat: b.Lat, Lon: b.Lon, Agent: b.Agent},
		Second: auth.Credentials{Login: b.Login, Password: b.Password, Remote: c.remote}, Once: c.key(in.Key),
	}
	for _, one := range b.More {
		r.More = append(r.More, delivery.PieceRequest(one))
	}
	for _, one := range b.Consents {
		r.To.Consents = append(r.To.Consents, delivery.Consent{Receiver: delivery.Receiver(one.Receiver), GivenBy: one.GivenBy, Channel: one.Channel})
	}
	if err := s.findPoint(ctx, c.by, &r); err != nil {
		return delivery.Parcel{}, err
	}
	out, err := s.Delivery.Seal(ctx, c.by, r)
	if err == nil {
		c.created("/parcels/" + out.ID)
	}
	return out, err
}

// findPoint gives a parcel without a point that of its case, when it goes to the
// very address of the case.
func (s *Server) findPoint(ctx context.Context, by auth.Actor, r *delivery.SealRequest) error {
	if r.To.Lat != 0 || r.To.Lon != 0 {
		return nil
	}
	site, err := s.Inspection.Addressee(ctx, by, r.CaseID)
	switch {
	case fault.Is(err, "not_found"): // sealing says why
		return nil
	case err == nil && strings.TrimSpace(r.To.Address) == site.Address:
		r.To.Lat, r.To.Lon = site.Lat, site.Lon
	}
	return err
}

type listParcels struct {
	Search string `query:"search" validate:"omitempty,line=60"`
	State  string `query:"state" validate:"omitempty,code"`
	Colour string `query:"colour" validate:"omitempty,oneof=green amber red"`
	Case   string `query:"case_id" validate:"omitempty,code"`
	Open   bool   `query:"open" doc:"not ended yet"`
	After  string `query:"due_after" validate:"omitempty,instant" doc:"go on from a due moment"`
	Limit  int    `query:"limit" validate:"min=0,max=200"`
}

func (s *Server) listParcels(ctx context.Context, c *call, in *listParcels) (listPage[delivery.ParcelLine], error) {
	rows, err := s.Delivery.ListParcels(ctx, c.by, delivery.ParcelQuery{
		Search: in.Search, State: delivery.ParcelState(in.State), Colour: delivery.PromiseColour(in.Colour), CaseID: in.Case,
		Open: in.Open, Before: instant(in.After), Limit: in.Limit,
	})
	return listPage[delivery.ParcelLine]{Items: rows}, err
}

func (s *Server) findParcel(ctx context.Context, c *call, in *byID) (delivery.ParcelView, error) {
	return s.Delivery.FindParcel(ctx, c.by, in.ID)
}

type handOverParcel struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Courier string `json:"courier_id" validate:"required,code"`
		Pieces  bool   `json:"pieces,omitempty" doc:"with it the other pieces of its sending that lie here"`
	}
}

func (s *Server) handOverParcel(ctx context.Context, c *call, in *handOverParcel) (delivery.Parcel, error) {
	return s.Inspection.HandOver(ctx, c.by, s.Delivery, inspection.HandOverRequest{ParcelID: in.ID, CourierID: in.Body.Courier, Pieces: in.Body.Pieces})
}

func (s *Server) newParcelCode(ctx context.Context, c *call, in *byID) (delivery.Parcel, error) {
	return s.Delivery.NewCode(ctx, c.by, in.ID)
}

type withReason struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) cancelParcel(ctx context.Context, c *call, in *withReason) (delivery.Parcel, error) {
	return s.Delivery.CancelParcel(ctx, c.by, in.ID, in.Body.Reason)
}

type returnParcel struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Seal  string `json:"bag_state" validate:"required,oneof=intact broken" doc:"the bag as found"`
		Count *int   `json:"count" validate:"required,min=0,max=100" doc:"things in it"`
		Note  string `json:"note,omitempty" validate:"omitempty,line=200" doc:"of a broken bag: what was found"`
	}
}

func (s *Server) returnParcel(ctx context.Context, c *call, in *returnParcel) (delivery.Parcel, error) {
	b := in.Body
	return s.Delivery.AcceptReturn(ctx, c.by, delivery.ReturnRequest{ParcelID: in.ID, Seal: b.Seal, Count: *b.Count, Note: b.Note})
}

type collectParcel struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Code      string `json:"code,omitempty" validate:"omitempty,line=10"`
		IDLast4   string `json:"id_last4" validate:"required,line=4"`
		Receiver  string `json:"receiver" validate:"required,line=60"`
		Signature string `json:"signature" validate:"required,line=64" doc:"SHA-256 of the blob: of the pad, or the scan of a signed paper"`
		Why       string `json:"why,omitempty" validate:"omitempty,line=200" doc:"a supervisor's reason to do without the code"`
	}
}

func (s *Server) collectParcel(ctx context.Context, c *call, in *collectParcel) (delivery.Parcel, error) {
	b := in.Body
	return s.Delivery.Collect(ctx, c.by, delivery.CollectRequest{
		ParcelID: in.ID, Code: b.Code, IDLast4: b.IDLast4, Receiver: b.Receiver, Signature: b.Signature, Why: b.Why,
	})
}

type aboutEvent struct {
	ID    string `path:"id" validate:"required,code"`
	Event string `path:"event" validate:"required,code"`
	Body  struct {
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

type shelveParcel struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Place string `json:"place" validate:"required,line=40" doc:"such as A-03"`
	}
}

func (s *Server) shelveParcel(ctx context.Context, c *call, in *shelveParcel) (delivery.Parcel, error) {
	return s.Delivery.ShelveParcel(ctx, c.by, in.ID, in.Body.Place)
}

type confirmDelivery struct {
	ID    string `path:"id" validate:"required,code"`
	Event string `path:"event" validate:"required,code"`
	Body  struct {
		Reason    string         `json:"reason" validate:"required,line=200"`
		Questions []questionBody `json:"questions" validate:"required,min=2,max=2,dive" doc:"two that only who has the parcel can answer"`
	}
}

type questionBody struct {
	Asked  string `json:"asked" validate:"required,line=120"`
	Answer string `json:"answer" validate:"required,line=120"`
}

func (s *Server) confirmDelivery(ctx context.Context, c *call, in *confirmDelivery) (delivery.Parcel, error) {
	v := delivery.Verification{ParcelID: in.ID, EventID: in.Event, Reason: in.Body.Reason}
	for _, q := range in.Body.Questions {
		v.Asked = append(v.Asked, delivery.Question(q))
	}
	return s.Delivery.Confirm(ctx, c.by, v)
}

func (s *Server) acceptEventTime(ctx context.Context, c *call, in *aboutEvent) (delivery.Parcel, error) {
	return s.Delivery.AcceptTime(ctx, c.by, in.ID, in.Event, in.Body.Reason)
}

type declareEventWrong struct {
	ID    string `path:"id" validate:"required,code"`
	Event string `path:"event" validate:"required,code"`
	Body  struct {
		Kind   string `json:"kind" validate:"required,oneof=did_not_occur incorrect_data"`
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) declareEventWrong(ctx context.Context, c *call, in *declareEventWrong) (delivery.Parcel, error) {
	return s.Delivery.Declare(ctx, c.by, in.ID, in.Event, in.Body.Kind, in.Body.Reason)
}

type undoEvent struct {
	ID    string `path:"id" validate:"required,code"`
	Event string `path:"event" validate:"required,code"`
}

func (s *Server) undoEvent(ctx context.Context, c *call, in *undoEvent) (delivery.Parcel, error) {
	return s.Delivery.Undo(ctx, c.by, in.ID, in.Event)
}

func (s *Server) listCouriers(ctx context.Context, c *call, _ *struct{}) (listPage[delivery.CourierName], error) {
	rows, err := s.Delivery.Couriers(ctx, c.by)
	return listPage[delivery.CourierName]{Items: rows}, err
}

func (s *Server) myRound(ctx context.Context, c *call, _ *struct{}) (listPage[delivery.Stop], error) {
	rows, err := s.Delivery.MyRound(ctx, c.by)
	return listPage[delivery.Stop]{Items: rows}, err
}

type takeOverParcels struct {
	Body struct {
		Numbers []string `json:"numbers" validate:"required,min=1,max=200,dive,line=60"`
	}
}

func (s *Server) takeOverParcels(ctx context.Context, c *call, in *takeOverParcels) (listPage[delivery.TakenOver], error) {
	rows, err := s.Delivery.TakeOver(ctx, c.by, in.Body.Numbers)
	return listPage[delivery.TakenOver]{Items: rows}, err
}

type ingestEvents struct {
	Body struct {
		Schema    int               `json:"schema" validate:"min=0,max=1000" doc:"version of the records"`
		SentAt    string            `json:"sent_at,omitempty" validate:"omitempty,line=40" doc:"by the device's clock, with its offset"`
		RoundTrip int               `json:"round_trip_ms,omitempty" validate:"min=0,max=600000"`
		Events    []json.RawMessage `json:"events" validate:"required,min=1,max=200" doc:"each with event_id, device_id, seq, courier_id, parcel_id, attempt_id, type, occurred_device, payload, proof_refs"`
	}
}

func (s *Server) ingestEvents(ctx context.Context, c *call, in *ingestEvents) (listPage[delivery.EventAnswer], error) {
	b := in.Body
	rows, err := s.Delivery.Ingest(ctx, c.by, delivery.Batch{Schema: b.Schema, SentAt: b.SentAt, RoundTripMS: int64(b.RoundTrip), Events: b.Events})
	return listPage[delivery.EventAnswer]{Items: rows}, err
}

type tryAtDoor struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Code    string `json:"code,omitempty" validate:"omitempty,line=10"`
		IDLast4 string `json:"id_last4,omitempty" validate:"omitempty,line=4"`
	}
}

func (s *Server) tryAtDoor(ctx context.Context, c *call, in *tryAtDoor) (delivery.DoorAnswer, error) {
	return s.Delivery.TryAtDoor(ctx, c.by, delivery.DoorTry{ParcelID: in.ID, Code: in.Body.Code, IDLast4: in.Body.IDLast4})
}

type putBlob struct {
	SHA256 string `path:"sha256" validate:"required,code"`
	Body   []byte `media:"application/octet-stream"`
}

func (s *Server) putBlob(ctx context.Context, c *call, in *putBlob) (delivery.Blob, error) {
	return s.Delivery.PutBlob(ctx, c.by, in.SHA256, in.Body)
}

type openBlob struct {
	ID     string `path:"id" validate:"required,code"`
	SHA256 string `path:"sha256" validate:"required,code"`
}

func (s *Server) openBlob(ctx context.Context, c *call, in *openBlob) (photo, error) {
	b, body, err := s.Delivery.OpenBlob(ctx, c.by, in.ID, in.SHA256)
	return photo{b.Media, body}, err
}
