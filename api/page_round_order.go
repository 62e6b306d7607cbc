package api

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/scheduler/route"
	"lianban/scheduler/workday"
)

// orderPages let the courier and the window decide what goes first, and show the
// window where its couriers are.
func (p *site) orderPages() {
	p.on(Route{Method: http.MethodPost, Path: "/round/order", Act: "pageOrderRound", Who: anywhere(auth.Courier)}, p.orderOwn)
	p.on(Route{Method: http.MethodGet, Path: "/couriers/{id}", Act: "pageCourier", Who: readers(overseeing...)}, p.courier)
	p.on(Route{Method: http.MethodPost, Path: "/couriers/{id}", Act: "pageOrderCourier", Who: actors(atDesk...)}, p.orderCourier)
}

// plannedPart is the order of a round as both pages show it.
type plannedPart struct {
	Round   delivery.RoundView
	Stops   []plannedLine
	Changes []string
	Price   string // what pins and frozen stops cost
	Pinned  bool   // somebody put something first
	Action  string // where its forms go
	Desk    bool
	To      string // page of a stop, before its id
}

// plannedLine is one stop in words, with what else is for the same door.
type plannedLine struct {
	stopLine
	Also   []stopLine
	Plan   delivery.PlannedStop
	Today  bool // its times need no date
	Way    string
	Why    string
	Late   string
	Pinned bool
}

// Things are the parcels of a stop.
func (l plannedLine) Things() []stopLine { return append([]stopLine{l.stopLine}, l.Also...) }

func (p *site) plannedOf(v *view, round delivery.RoundView) plannedPart {
	d := plannedPart{Round: round}
	for _, s := range round.Stops {
		line := plannedLine{
			stopLine: p.stopLineOf(v, s.Stop), Plan: s, Today: workday.DateOf(s.P80) == workday.DateOf(p.now()), Pinned: s.PinnedBy != "",
			Why: s.Why.In(v.x.lang, round.Label), Late: s.Late.In(v.x.lang, round.Label),
		}
		for _, more := range s.Also {
			line.Also = append(line.Also, p.stopLineOf(v, more))
		}
		if s.Metres > 0 {
			line.Way = p.say(v, "round.way", "km", tenths(s.Metres))
		}
		if s.Why.Code == route.Kept {
			line.Why = p.say(v, "round.frozen")
		}
		if line.Pinned {
			line.Why = p.say(v, "round.pinned_by", "name", s.PinnedBy)
			d.Pinned = true
		}
		d.Stops = append(d.Stops, line)
	}
	for _, c := range round.Changes {
		if round.Cause == delivery.CauseOrder {
			break // whoever changed it knows
		}
		d.Changes = append(d.Changes, p.say(v, "round.change."+string(c.Kind), "stop", round.Label(c.ParcelID), "from", c.From, "to", c.To))
	}
	if more := round.Cost.Points - round.Free.Points; more > 0 {
		d.Price = p.say(v, "round.price", "minutes", (max(0, round.Cost.Way-round.Free.Way)+59)/60, "late", max(0, round.Cost.Late-round.Free.Late))
	}
	return d
}

// tenths writes metres as kilometres.
func tenths(metres int) string {
	tens := (metres + 50) / 100
	return strconv.Itoa(tens/10) + "." + strconv.Itoa(tens%10)
}

// orderOwn is the courier's word on the order.
func (p *site) orderOwn(v *view) error {
	return p.order(v, v.by.ID, p.round, "/round")
}

// orderCourier is the window's.
func (p *site) orderCourier(v *view) error {
	return p.order(v, v.id(), p.courier, "/couriers/"+v.id())
}

func (p *site) order(v *view, courier string, again handler, back string) error {
	round, err := p.Delivery.FindRound(v.ctx(), v.by, courier)
	if err != nil {
		return err
	}
	first, flash := firstOf(round, v.form("act"), v.form("parcel"))
	if _, err := p.Delivery.OrderRound(v.ctx(), v.by, courier, first); err != nil {
		return p.done(v, err, form{"order", ""}, again)
	}
	return v.leave(back+"#stops", flash)
}

// firstOf is what goes first after a button: one stop before all others, one no
// longer, all as they stand, as they stood before the last change, or nothing.
func firstOf(round delivery.RoundView, act, parcel string) (first []string, flash string) {
	var order []string
	for _, s := range round.Stops {
		order = append(order, s.ParcelID)
		if s.PinnedBy != "" && s.ParcelID != parcel {
			first = append(first, s.ParcelID)
		}
	}
	switch act {
	case "first":
		return append([]string{parcel}, first...), "flash.round.first"
	case "back":
		return first, "flash.round.back"
	case "keep":
		return order, "flash.round.keep"
	case "before":
		return slices.DeleteFunc(slices.Clone(round.Before), func(id string) bool { return !slices.Contains(order, id) }), "flash.round.before"
	}
	return nil, "flash.round.free"
}

// courierPage is a courier's round as the window sees it.
type courierPage struct {
	Plan         plannedPart
	Taking, Rest []stopLine
	At           time.Time
}

// courier shows the window one courier's round (DEL-1305).
func (p *site) courier(v *view) error {
	v.here = "/couriers/" + v.id()
	round, err := p.Delivery.FindRound(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	d := courierPage{Plan: p.plannedOf(v, round), At: round.MadeAt}
	d.Plan.To = "/parcels/"
	if d.Plan.Desk = v.is(atDesk...); d.Plan.Desk {
		d.Plan.Action = v.here
	}
	for _, s := range round.Taking {
		d.Taking = append(d.Taking, p.stopLineOf(v, s))
	}
	for _, s := range round.Rest {
		d.Rest = append(d.Rest, p.stopLineOf(v, s))
	}
	return p.show(v, "courier", d)
}
