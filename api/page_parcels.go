package api

import (
	"net/http"
	"slices"
	"time"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

// parcelPages are what a window sees of parcels and does with them.
func (p *site) parcelPages() {
	p.on(Route{Method: http.MethodGet, Path: "/cases/{id}/seal", Act: "pageSealForm", Who: actors(atDesk...)}, p.sealForm)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/seal", Act: "pageSeal", Who: actors(atDesk...)}, p.seal)
	p.on(Route{Method: http.MethodGet, Path: "/parcels", Act: "pageParcels", Who: anywhere(overseeing...)}, p.parcels)
	p.on(Route{Method: http.MethodGet, Path: "/refusals", Act: "pageRefusals", Who: anywhere(overseeing...)}, p.refusals)
	p.on(Route{Method: http.MethodGet, Path: "/parcels/{id}", Act: "pageParcel", Who: readers(overseeing...)}, p.parcel)
	p.on(Route{Method: http.MethodGet, Path: "/parcels/{id}/proofs/{sum}", Act: "pageProof", Who: readers(overseeing...)}, p.proof)
	at := func(act, name string, who []auth.Role, h handler) {
		p.on(Route{Method: http.MethodPost, Path: "/parcels/{id}/" + act, Act: name, Who: actors(who...), Rate: uploadRate, Body: 2 * delivery.MaxProof}, h)
	}
	at("handover", "pageHandOverParcel", atDesk, p.handOverParcel)
	at("cancel", "pageCancelParcel", atDesk, p.cancelParcel)
	at("confirm", "pageConfirmDelivery", atDesk, p.confirmDelivery)
	at("returned", "pageAcceptReturn", atDesk, p.acceptReturn)
	at("collect", "pageCollectParcel", atDesk, p.collectParcel)
	at("code", "pageNewCode", atDesk, p.newCode)
	at("declare", "pageDeclareEvent", atDesk, p.declareEvent)
	at("accept-time", "pageAcceptTime", []auth.Role{auth.Supervisor}, p.acceptTime)
}

// parcelsPage is the board: what is on its way, the most pressing on top.
type parcelsPage struct {
	Search          string
	Filtered        bool
	All             bool
	States, Colours []option
	Parcels         []parcelLine
	More            string
	Print           *printing // at a window
	Couriers        []delivery.CourierName
	Reports         bool // may read figures
}

// parcelLine is a parcel of the board with its courier's name.
type parcelLine struct {
	delivery.ParcelLine
	Word, WayWord, CourierName string
	Ended                      bool // nothing runs any more, also while its proof is verified
}

// parcels lists parcels by what is due first; red and amber ones come before
// the others (DEL §7.5).
func (p *site) parcels(v *view) error {
	query := delivery.ParcelQuery{
		Search: v.query("q"), State: delivery.ParcelState(v.query("state")), Colour: delivery.PromiseColour(v.query("colour")),
		Open: v.query("state") == "" && v.query("all") != "yes", Limit: pageSize,
	}
	query.Before, _ = time.Parse(time.RFC3339, v.query("before"))
	query.Result, query.Courier = delivery.PromiseResult(v.query("result")), v.query("courier") // as the figures link here
	if day, err := workday.ParseDate(v.query("from")); err == nil {
		query.DueFrom = day.Midnight()
	}
	if day, err := workday.ParseDate(v.query("to")); err == nil {
		query.DueTo = day.AddDays(1).Midnight()
	}
	list, err := p.Delivery.ListParcels(v.ctx(), v.by, query)
	if err != nil {
		return err
	}
	couriers, err := p.couriersOf(v)
	if err != nil {
		return err
	}
	d := parcelsPage{
		Couriers: couriers, Reports: v.is(reporting...),
		Search: v.query("q"), All: v.query("all") == "yes",
		Filtered: v.query("q") != "" || v.query("state") != "" || v.query("colour") != "" || v.query("all") != "",
	}
	for _, row := range delivery.ParcelStates {
		if row.State != delivery.ParcelDrafted { // sealing makes the parcel
			d.States = append(d.States, option{string(row.State), row.State.Word(v.x.lang), query.State == row.State})
		}
	}
	for _, c := range []delivery.PromiseColour{delivery.ColourRed, delivery.ColourAmber, delivery.ColourGreen} {
		d.Colours = append(d.Colours, option{string(c), p.say(v, "parcel_colour."+string(c)), query.Colour == c})
	}
	for _, one := range list {
		d.Parcels = append(d.Parcels, parcelLineOf(v, one, namesOf(couriers)[one.CourierID]))
	}
	if len(list) == pageSize {
		d.More = v.with("before", list[len(list)-1].DueAt.UTC().Format(time.RFC3339Nano))
	}
	if d.Print, err = p.printingOf(v); err != nil {
		return err
	}
	slices.SortStableFunc(d.Parcels, func(a, b parcelLine) int { return pressing(a) - pressing(b) })
	return p.show(v, "parcels", d)
}

func parcelLineOf(v *view, l delivery.ParcelLine, courier string) parcelLine {
	return parcelLine{l, l.State.Word(v.x.lang), l.Way.In(v.x.lang), courier, l.State.Terminal() || l.State == delivery.ParcelUnverified}
}

// parcelsOf are the parcels of one case, for its page.
func (p *site) parcelsOf(v *view, caseID string) (out []parcelLine, err error) {
	list, err := p.Delivery.ListParcels(v.ctx(), v.by, delivery.ParcelQuery{CaseID: caseID, Limit: pageSize})
	for _, one := range list {
		out = append(out, parcelLineOf(v, one, ""))
	}
	return out, err
}

// pressing orders the lines of the board.
func pressing(l parcelLine) int {
	return slices.Index([]delivery.PromiseColour{delivery.ColourRed, delivery.ColourAmber, delivery.ColourGreen}, l.Colour)
}

// couriersOf are the couriers of the reader's centre, none for who has no centre.
func (p *site) couriersOf(v *view) ([]delivery.CourierName, error) {
	if !v.is(atDesk...) {
		return nil, nil
	}
	return p.Delivery.Couriers(v.ctx(), v.by)
}

func namesOf(couriers []delivery.CourierName) map[string]string {
	names := map[string]string{}
	for _, c := range couriers {
		names[c.ID] = c.Name
	}
	return names
}
