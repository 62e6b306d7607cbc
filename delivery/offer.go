package delivery

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
)

// Offer is what a window may pack for a case now, and what would follow: it is
// shown before the choice (DEL-712). Sealing decides again.
type Offer struct {
	Set     Set
	Items   []Item // at the window and in no parcel
	Damaged []Item // of those, what its department has not decided on or has given up (DEL-808)
	Only    []Item // of Items, what has to be collected at the window and so is packed apart (DEL-204)
	Ways    []WayOffer
	Promise Promise // of a parcel sealed now by an open way; zero while nothing is there

	// Demand is what the items that may go together ask for at the door; Split says
	// why they cannot go in one parcel, nil if they can (DEL-201).
	Demand Demand
	Split  error
}

// WayOffer is one way out, with what closes it to items of the offer.
type WayOffer struct {
	Way     Way
	Closed  []Ground // none: the gate is open to all of them
	Offered bool     // it may be chosen: the gate is open and the house has this way
	Payer   Payer    // of what it costs, shown before the choice (DEL-231)
}

// Offer gives what may be packed for a case, to the window that hands its
// results out. Refusals: not_found, not_receiving_window.
func (d *Desk) Offer(ctx context.Context, by auth.Actor, caseID string) (Offer, error) {
	d = d.still()
	set, err := d.FindSet(ctx, by, caseID)
	if err != nil {
		return Offer{}, err
	}
	if err := mayReceive(by, set.CentreID); err != nil {
		return Offer{}, err
	}
	o := Offer{Set: set}
	items, err := d.ListItems(ctx, by, caseID)
	if err != nil {
		return Offer{}, err
	}
	for _, i := range items {
		if i.LineID != "" && i.keeper() == (Keeper{AtWindow, set.CentreID}) && i.free() {
			o.Items = append(o.Items, i)
		}
	}
	if err := d.setDamagedAside(ctx, &o); err != nil || len(o.Items) == 0 {
		return o, err
	}
	if err := d.judgeOffer(&o); err != nil {
		return Offer{}, err
	}
	now := Parcel{CentreID: set.CentreID, Way: WayOwnCourier}
	if len(o.Only) == len(o.Items) {
		now.Way = WayWindow
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		payer, err := d.payer(ctx, q, set.CentreID)
		if err != nil {
			return err
		}
		for i := range o.Ways {
			o.Ways[i].Payer = payer.of(o.Ways[i].Way)
		}
		return d.promise(ctx, q, &now, set.Lines, o.Items)
	})
	o.Promise = now.Promise
	return o, err
}

// setDamagedAside takes out of an offer what may leave in no parcel (DEL-808).
func (d *Desk) setDamagedAside(ctx context.Context, o *Offer) error {
	var rows []Damage
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		rows, err = damagesOf(ctx, q, idsOf(o.Items))
		return err
	})
	aside := func(i Item) bool {
		return slices.ContainsFunc(rows, func(x Damage) bool { return x.ItemID == i.ID && (x.Open() || x.Ends()) })
	}
	for _, i := range o.Items {
		if aside(i) {
			o.Damaged = append(o.Damaged, i)
		}
	}
	o.Items = slices.DeleteFunc(o.Items, aside)
	return err
}

// judgeOffer holds the items against proof rules and gate.
func (d *Desk) judgeOffer(o *Offer) error {
	rules, err := shippedRules()
	if err != nil {
		return err
	}
	gate, err := shippedTable()
	if err != nil {
		return err
	}
	only, together := splitByWindow(o.Set.Lines, o.Items)
	if o.Only = only; len(together) == 0 {
		together = only
	}
	var contents []Content
	for _, i := range together {
		contents = append(contents, Content{Class: i.Class, Owner: o.Set.CaseID})
	}
	o.Demand, o.Split = rules.Demand(contents, d.now())
	for _, way := range Ways {
		w := WayOffer{Way: way}
		for _, class := range classesOf(together) {
			g := gate.Ground(class, way, d.now())
			if len(only) == len(o.Items) && way != WayWindow {
				g = windowOnlyGround(class, way)
			}
			if !g.Allowed() {
				w.Closed = append(w.Closed, g)
			}
		}
		w.Offered = len(w.Closed) == 0 && d.has(way)
		o.Ways = append(o.Ways, w)
	}
	return nil
}
