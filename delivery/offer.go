package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
)

// Offer is what a window may pack for a case now, and what would follow: it is
// shown before the choice (DEL-712). Sealing decides again.
type Offer struct {
	Set     Set
	Items   []Item // at the window and in no parcel
	Ways    []WayOffer
	Promise Promise // of a parcel sealed now by an open way; zero while nothing is there

	// Demand is what all items together ask for at the door; Split says why they
	// cannot go in one parcel, nil if they can (DEL-201).
	Demand Demand
	Split  error
}

// WayOffer is one way out, with what closes it to items of the offer.
type WayOffer struct {
	Way     Way
	Closed  []Ground // none: the gate is open to all of them
	Offered bool     // it may be chosen: the gate is open and the house has this way
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
	if len(o.Items) == 0 {
		return o, nil
	}
	if err := d.judgeOffer(&o); err != nil {
		return Offer{}, err
	}
	now := Parcel{CentreID: set.CentreID, Way: WayOwnCourier}
	err = d.DB.Read(ctx, func(q bun.IDB) error { return d.promise(ctx, q, &now, set.Lines, o.Items) })
	o.Promise = now.Promise
	return o, err
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
	var contents []Content
	for _, i := range o.Items {
		contents = append(contents, Content{Class: i.Class, Owner: o.Set.CaseID})
	}
	o.Demand, o.Split = rules.Demand(contents, d.now())
	for _, way := range Ways {
		w := WayOffer{Way: way}
		for _, class := range classesOf(o.Items) {
			if g := gate.Ground(class, way, d.now()); !g.Allowed() {
				w.Closed = append(w.Closed, g)
			}
		}
		w.Offered = len(w.Closed) == 0 && d.has(way)
		o.Ways = append(o.Ways, w)
	}
	return nil
}
