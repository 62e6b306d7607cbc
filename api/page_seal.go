package api

import (
	"slices"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// sealPage packs one parcel of a case: what is in it, for whom, by which way.
type sealPage struct {
	Offer     delivery.Offer
	Items     []sealItem
	Receivers []sealReceiver
	Ways      []sealWay
	To        delivery.Addressee // as the case has it
	Split     string             // why the items cannot go together
	Apart     bool               // some of them have to be collected at the window, others not (DEL-204)
	HasSeal   bool
	Once      string
	Redeliver string   // parcel that came back
	Pieces    []option // into which of several bags a thing may go (DEL-402)
}

type sealItem struct {
	delivery.Item
	ClassWord string
	Chosen    bool
	Collect   bool   // at the window only
	Piece     string // as the form had it
}

// sealReceiver says who may take the parcel and what they have to show.
type sealReceiver struct {
	Receiver            delivery.Receiver
	Word, Proofs        string
	Consent, Authorised bool
}

// sealWay is one way out, with what closes it.
type sealWay struct {
	Value, Text string
	Closed      []string
	Payer       string // who pays for it (DEL-231)
	Chosen      bool
}

// sealForm shows what a case can send out, by which way, and until when it
// would arrive if it were sealed now (DEL-712).
func (p *site) sealForm(v *view) error {
	v.here = "/cases/" + v.id() + "/seal"
	offer, err := p.Delivery.Offer(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	to, err := p.Inspection.Addressee(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	if offer.Set.Wish != nil {
		to = offer.Set.Wish.Over(to)
	}
	d := sealPage{Offer: offer, To: to, Once: newOnce(), Redeliver: v.query("redelivery")}
	kept := v.tried.Keeps("seal", "")
	d.Apart = len(offer.Only) > 0 && len(offer.Only) < len(offer.Items)
	for _, i := range offer.Items {
		collect := slices.ContainsFunc(offer.Only, func(o delivery.Item) bool { return o.ID == i.ID })
		chosen := !kept && !(collect && d.Apart) || v.tried.Chose("seal", "", "item", i.ID)
		d.Items = append(d.Items, sealItem{i, i.Class.In(v.x.lang), chosen, collect, v.form("piece-" + i.ID)})
		d.HasSeal = d.HasSeal || i.Class == delivery.ClassSeal
	}
	if len(d.Items) > 1 {
		for n := range min(len(d.Items), delivery.MostPieces) {
			d.Pieces = append(d.Pieces, option{Value: itoa(n + 1), Text: p.say(v, "seal.piece", "n", n+1)})
		}
	}
	if offer.Split != nil {
		d.Split = p.problem(v.ctx(), v.x, offer.Split).Detail
	}
	for _, a := range offer.Demand.Receivers {
		proofs := offer.Demand.ProofsOf(a.Receiver).In(v.x.lang)
		d.Receivers = append(d.Receivers, sealReceiver{a.Receiver, a.Receiver.In(v.x.lang), proofs, a.Consent, a.Authorisation})
	}
	for _, w := range offer.Ways {
		d.Ways = append(d.Ways, p.sealWayOf(v, w, firstWay(offer)))
	}
	return p.show(v, "seal", d)
}

// firstWay is the way that is chosen beforehand: the centre's own courier, unless
// the applicant asked to fetch it or has to (DEL-204).
func firstWay(o delivery.Offer) delivery.Way {
	if len(o.Only) == len(o.Items) || o.Set.Wish != nil && o.Set.Wish.Way == delivery.WishCollect {
		return delivery.WayWindow
	}
	return delivery.WayOwnCourier
}

// sealWayOf words a way; first is chosen unless it is closed.
func (p *site) sealWayOf(v *view, w delivery.WayOffer, first delivery.Way) sealWay {
	out := sealWay{Value: string(w.Way), Text: w.Way.In(v.x.lang)}
	for _, g := range w.Closed {
		out.Closed = append(out.Closed, g.Class.In(v.x.lang)+p.say(v, "colon")+g.In(v.x.lang))
	}
	if !w.Offered && len(out.Closed) == 0 {
		out.Closed = []string{p.say(v, "seal.not_yet")}
	}
	if len(out.Closed) == 0 {
		out.Payer = w.Payer.In(v.x.lang)
	}
	out.Chosen = v.tried.Chose("seal", "", "way", out.Value) || !v.tried.Keeps("seal", "") && w.Way == first && w.Offered
	return out
}

// intoPieces sorts what was ticked into the bags that the form names; all of it
// goes into the first where nothing is said (DEL-402).
func (v *view) intoPieces(r *delivery.SealRequest) {
	byPiece := map[string][]string{}
	for _, id := range r.Items {
		piece := v.form("piece-" + id)
		if whole(piece) < 2 || whole(piece) > delivery.MostPieces {
			piece = "1"
		}
		byPiece[piece] = append(byPiece[piece], id)
	}
	r.Items = byPiece["1"]
	for n := 2; n <= delivery.MostPieces; n++ {
		if items, bag := byPiece[itoa(n)], v.form("bag"+itoa(n)); len(items) > 0 || bag != "" {
			r.More = append(r.More, delivery.PieceRequest{Items: items, Bag: bag})
		}
	}
}

// seal seals what was ticked and opens the parcel.
func (p *site) seal(v *view) error {
	if _, err := p.Delivery.Offer(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	request, err := p.sealRequest(v)
	var parcel delivery.Parcel
	if err == nil {
		parcel, err = p.Delivery.Seal(v.ctx(), v.by, request)
	}
	if fault.KindOf(err) == fault.Unauthenticated { // of the second person: said on the form
		err = asForm(err)
	}
	if err != nil {
		return p.done(v, err, form{"seal", ""}, p.sealForm)
	}
	return v.leave("/parcels/"+parcel.ID, "flash.parcel.sealed", "number", parcel.Number)
}

func (p *site) sealRequest(v *view) (delivery.SealRequest, error) {
	r := delivery.SealRequest{
		CaseID: v.id(), Items: v.r.PostForm["item"], Way: delivery.Way(v.form("way")), Bag: v.form("bag"),
		To: delivery.Addressee{
			Name: v.form("name"), Phone: v.form("phone"), Address: v.form("address"), Agent: v.form("agent"),
		},
		IDLast4: v.form("id_last4"), RedeliveryOf: v.form("redelivery"), Agreed: v.form("agreed") == "yes", Once: v.once(),
	}
	v.intoPieces(&r)
	if login := v.form("second_login"); login != "" {
		r.Second = auth.Credentials{Login: login, Password: v.r.PostFormValue("second_password"), Remote: p.clientOf(v.r)}
	}
	for _, kind := range v.r.PostForm["consent"] {
		if slices.Contains(delivery.Receivers[:], delivery.Receiver(kind)) {
			r.To.Consents = append(r.To.Consents, delivery.Consent{
				Receiver: delivery.Receiver(kind), GivenBy: v.form("consent_by"), Channel: v.form("consent_channel"), At: p.now(),
			})
		}
	}
	if err := refuseFields(p.readPoint(v, &r.To.Lat, &r.To.Lon)); err != nil {
		return r, err
	}
	err := p.findPoint(v.ctx(), v.by, &r)
	return r, err
}

// handOverParcel gives the parcel to a courier, who then acknowledges (DEL-910).
func (p *site) handOverParcel(v *view) error {
	return p.onParcel(v, form{"handover", ""}, func(found delivery.ParcelView) ([]string, error) {
		_, err := p.Inspection.HandOver(v.ctx(), v.by, p.Delivery, inspection.HandOverRequest{ParcelID: found.ID, CourierID: v.form("courier"), Pieces: v.form("pieces") == "yes"})
		return []string{"flash.parcel.handed"}, err
	})
}
