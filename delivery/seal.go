package delivery

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
)

// Tables that ship with the program, read once.
var (
	shippedRules = sync.OnceValues(ShippedProofRules)
	shippedTable = sync.OnceValues(ShippedGate)
)

// Seal packs items of a case into a parcel for one receiver: the set is complete
// or split by the applicant, the way is open to every class, one receiver and
// one set of proofs fit all of it, and the promise starts. A parcel with a seal
// takes a second person (DEL-203). The receiver is sent a code. Refusals:
// not_found, not_receiving_window, set_incomplete, item_not_here,
// damage_open, damage_void, carrier_not_allowed, window_only, way_unsupported, addressee_incomplete, consent_incomplete,
// id_last4_form, bag_missing, text_invalid, wish_differs, second_person_missing,
// second_person_same, sign_in_failed, redelivery_unknown, piece_many, piece_bag,
// piece_doubled, and those of
// ProofRules.Demand and MakePromise.
func (d *Desk) Seal(ctx context.Context, by auth.Actor, r SealRequest) (Parcel, error) {
	d = d.still()
	r.Items, r.To.Consents = slices.Clone(r.Items), slices.Clone(r.To.Consents)
	second, err := d.second(ctx, by, r.Second)
	if err != nil {
		return Parcel{}, err
	}
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Parcel, error) { return d.sealPieces(ctx, tx, by, second, r) })
}

// second is the person beside the first, the zero Actor if there is none. A
// password is checked before the transaction begins: that takes its time.
func (d *Desk) second(ctx context.Context, by auth.Actor, c auth.Credentials) (auth.Actor, error) {
	if c.Login == "" || !atWindow(by) {
		return auth.Actor{}, nil
	}
	second, err := d.Auth.Second(ctx, by, c)
	if err == nil && (!atWindow(second) || second.Centre != by.Centre) {
		err = secondMissing()
	}
	return second, err
}

func secondMissing() *fault.Error {
	return fault.Refuse(fault.Invalid, "second_person_missing",
		"封装印章须两人在场：请本窗口另一名工作人员输入账号和密码", "a seal is packed by two: let another person of this window enter account and password")
}

// seal seals one piece; of says of which sending it is.
func (d *Desk) seal(ctx context.Context, tx bun.IDB, by, second auth.Actor, r SealRequest, of Parcel) (Parcel, error) {
	blockers, lines, err := d.blocking(ctx, tx, r.CaseID)
	if err != nil {
		return Parcel{}, err
	}
	if !seesSet(by, lines) {
		return Parcel{}, notFound()
	}
	if err := mayReceive(by, lines[0].CentreID); err != nil {
		return Parcel{}, err
	}
	if len(blockers) > 0 {
		return Parcel{}, setIncomplete(blockers)
	}
	items, err := onShelf(ctx, tx, lines[0].CentreID, r)
	if err != nil {
		return Parcel{}, err
	}
	p, err := d.newParcel(ctx, tx, by, lines, items, r)
	if err != nil {
		return Parcel{}, err
	}
	p.SendingID, p.Piece, p.Pieces = of.SendingID, of.Piece, of.Pieces
	if slices.ContainsFunc(items, func(i Item) bool { return i.Class == ClassSeal }) {
		if second.ID == "" {
			return Parcel{}, secondMissing()
		}
		p.SealedWith = second.String()
	}
	return d.close(ctx, tx, by, p, lines, items, r)
}

// onShelf gives the items to pack: all of them lie at this window, free.
func onShelf(ctx context.Context, tx bun.IDB, centre string, r SealRequest) ([]Item, error) {
	items, err := lockItems(ctx, tx, r.Items)
	if err != nil {
		return nil, err
	}
	elsewhere := func(i Item) bool {
		return i.CaseID != r.CaseID || i.LineID == "" || i.keeper() != (Keeper{AtWindow, centre}) || !i.free()
	}
	if len(items) != len(r.Items) || slices.ContainsFunc(items, elsewhere) {
		return nil, fault.Refuse(fault.Conflict, "item_not_here",
			"所选物料不在本窗口货架上，或已装入其他邮件，请刷新后重新扫描", "one of these things is not on this window's shelf or is in another parcel; reload and scan again")
	}
	return items, wantUndamaged(ctx, tx, items)
}

// newParcel decides everything that is frozen at sealing.
func (d *Desk) newParcel(ctx context.Context, tx bun.IDB, by auth.Actor, lines []ResultLine, items []Item, r SealRequest) (Parcel, error) {
	p := Parcel{
		ID: newID(), CaseID: r.CaseID, CaseNumber: lines[0].CaseNumber, CentreID: lines[0].CentreID, Way: r.Way,
		SealedAt: d.now(), SealedBy: by.String(), RedeliveryOf: r.RedeliveryOf, State: ParcelDrafted, Since: d.now(), Result: ResultNone, Version: 1,
	}
	var err error
	if p.Demand, p.Ground, err = d.demand(items, r.CaseID, r.Way); err != nil {
		return Parcel{}, err
	}
	if err := wantWindow(lines, items, r.Way); err != nil {
		return Parcel{}, err
	}
	if !d.has(r.Way) {
		return Parcel{}, fault.Refuse(fault.Invalid, "way_unsupported",
			"目前不能走这种方式，请改选中心派送员、窗口自取或已开通的其他方式", "parcels do not go this way here; choose the centre's courier, pick-up or another way that is open")
	}
	if err := r.check(by); err != nil {
		return Parcel{}, err
	}
	only, _ := splitByWindow(lines, items)
	if err := heed(ctx, tx, r, len(only) > 0); err != nil {
		return Parcel{}, err
	}
	for i := range r.To.Consents {
		r.To.Consents[i].At = d.now()
	}
	p.Receiver, p.Bag = r.To, r.Bag
	if r.IDLast4 == "" {
		p.Demand.Proofs = p.Demand.Proofs.WithoutDocument()
	}
	if err := d.checkRedelivery(ctx, tx, r); err != nil {
		return Parcel{}, err
	}
	payer, err := d.payer(ctx, tx, p.CentreID)
	if err != nil {
		return Parcel{}, err
	}
	p.Payer = payer.of(p.Way)
	err = d.promise(ctx, tx, &p, lines, items)
	return p, err
}

// has reports whether the house has a way.
func (d *Desk) has(way Way) bool {
	return way == WayOwnCourier || way == WayWindow || way == WayEMS && d.Kuaidi100 != nil
}

// demand gives what the contents ask for at the door and on which grounds they
// may go that way.
func (d *Desk) demand(items []Item, owner string, way Way) (Demand, []Ground, error) {
	rules, err := shippedRules()
	if err != nil {
		return Demand{}, nil, err
	}
	gate, err := shippedTable()
	if err != nil {
		return Demand{}, nil, err
	}
	contents, classes := make([]Content, len(items)), make([]Class, len(items))
	for n, i := range items {
		contents[n], classes[n] = Content{Class: i.Class, Owner: owner}, i.Class
	}
	demand, err := rules.Demand(contents, d.now())
	if err != nil {
		return Demand{}, nil, err
	}
	grounds, err := gate.Permit(classes, way, time.Time{}, d.now())
	return demand, grounds, err
}

// checkRedelivery wants a parcel of the case that came back (DEL-805).
func (d *Desk) checkRedelivery(ctx context.Context, tx bun.IDB, r SealRequest) error {
	if r.RedeliveryOf == "" {
		return nil
	}
	old, err := findParcel(ctx, tx, r.RedeliveryOf)
	if err == nil && old.CaseID == r.CaseID && old.State == ParcelReturned {
		return nil
	}
	if err != nil && !fault.Is(err, "not_found") {
		return err
	}
	return fault.Refuse(fault.Invalid, "redelivery_unknown",
		"重新投递要选本办件中已退回窗口的邮件", "a second delivery names a parcel of this case that came back to the window")
}

// promise starts the clock and numbers the parcel. What is collected at the
// window has no promise: when it ends is the applicant's to say.
func (d *Desk) promise(ctx context.Context, tx bun.IDB, p *Parcel, lines []ResultLine, items []Item) error {
	centre, err := office.FindCentre(ctx, tx, p.CentreID)
	if err != nil {
		return err
	}
	if p.Number, err = NewNumber(centreSign(centre.Division), rand.Reader); err != nil {
		return err
	}
	cal, err := office.CalendarOf(ctx, tx, p.CentreID, d.now())
	if err != nil {
		return err
	}
	terms := DefaultPromiseTerms()
	terms.Hall = centre.Hours
	if p.Way == WayWindow {
		terms.Policy = PolicyNone
	}
	parts := PromiseStart{Confirmed: d.now(), Carrier: d.now()}
	for _, l := range lines {
		if slices.ContainsFunc(items, func(i Item) bool { return i.LineID == l.ID }) {
			parts.Set = laterTime(parts.Set, l.ReceivedAt)
		}
	}
	if parts.Set.IsZero() { // of a line that is still owed more
		parts.Set = d.now()
	}
	if p.Promise, err = MakePromise(cal, terms, parts); err != nil {
		return err
	}
	marks, err := p.Promise.Marks(cal, nil, time.Time{})
	p.DueAt, p.HandOverBy, p.ArriveBy = marks.Due, marks.HandOverBy, marks.ArriveBy
	return err
}

// close writes the parcel with its event, its code, and the keeping of what is
// inside.
func (d *Desk) close(ctx context.Context, tx bun.IDB, by auth.Actor, p Parcel, lines []ResultLine, items []Item, r SealRequest) (Parcel, error) {
	if err := insertParcel(ctx, tx, &p); err != nil {
		return Parcel{}, err
	}
	for n := range items {
		items[n].ParcelID = p.ID
		e := CustodyEvent{ID: newID(), Kind: CustodySealed, ParcelID: p.ID, Actor: by.String(), At: d.now()}
		if err := pass(ctx, tx, &items[n], items[n].keeper(), e); err != nil {
			return Parcel{}, err
		}
	}
	if err := d.sendLines(ctx, tx, p, lines); err != nil {
		return Parcel{}, err
	}
	if r.IDLast4 != "" {
		s := Secret{ParcelID: p.ID, Kind: SecretID, Hash: d.hide(p.ID, SecretID, r.IDLast4), MadeAt: d.now()}
		if err := insertSecret(ctx, tx, &s); err != nil {
			return Parcel{}, err
		}
	}
	phone := Secret{ParcelID: p.ID, Kind: SecretPhone, Hash: d.hide(p.ID, SecretPhone, phoneEnding(p.Receiver.Phone)), MadeAt: d.now()}
	code := Secret{ParcelID: p.ID, Kind: SecretCode, MadeAt: d.now()} // the value is made when its text is
	for _, s := range []*Secret{&phone, &code} {
		if err := insertSecret(ctx, tx, s); err != nil {
			return Parcel{}, err
		}
	}
	err := d.happened(ctx, tx, by, &p, EventSealed, Facts{}, map[string]any{
		"way": string(p.Way), "bag": p.Bag, "items": r.Items, "second": p.SealedWith, "agreed": r.Agreed, "payer": string(p.Payer), "due": audit.Instant(p.DueAt),
	})
	return p, err
}

// sendLines marks the lines of which nothing is left on the shelf.
func (d *Desk) sendLines(ctx context.Context, tx bun.IDB, p Parcel, lines []ResultLine) error {
	all, err := itemsOfCase(ctx, tx, p.CaseID)
	if err != nil {
		return err
	}
	for n := range lines {
		l := &lines[n]
		here := func(i Item) bool { return i.LineID == l.ID && i.ParcelID == p.ID }
		waits := func(i Item) bool { return i.LineID == l.ID && i.CustodianKind == AtWindow && i.ParcelID == "" }
		if l.State != LineReceived || !slices.ContainsFunc(all, here) || slices.ContainsFunc(all, waits) {
			continue
		}
		l.ParcelID = p.ID
		if err := updateLine(ctx, tx, l, "parcel_id"); err != nil {
			return err
		}
	}
	return nil
}
