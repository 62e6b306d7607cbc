package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// colour is the light of a parcel at an instant: amber if no courier has it in
// time, or if the courier's round brings it too close to its due moment (DEL-740).
func (p Parcel) colour(now time.Time) PromiseColour {
	at := Progress{HandedOver: !slices.Contains(heldStates, p.State), Done: p.State.Terminal() || p.State == ParcelUnverified}
	m := PromiseMarks{Due: p.DueAt, HandOverBy: p.HandOverBy, ArriveBy: p.ArriveBy}
	if slices.Contains(roundStates, p.State) && !p.ArriveBy.IsZero() {
		at.P80 = p.PredictedP80
	}
	return m.Colour(now, at)
}

// FindParcel gives a parcel with everything that belongs to it. The receiver is
// masked for whoever is not at the window that sealed it. Refusal: not_found.
func (d *Desk) FindParcel(ctx context.Context, by auth.Actor, id string) (out ParcelView, err error) {
	d = d.still()
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		p, err := findParcel(ctx, q, id)
		if err != nil {
			return err
		}
		if !mayReadParcel(by, p) {
			return notFound()
		}
		out, err = d.view(ctx, q, by, p)
		return err
	})
	if err != nil {
		return ParcelView{}, err
	}
	return out, nil
}

func (d *Desk) view(ctx context.Context, q bun.IDB, by auth.Actor, p Parcel) (v ParcelView, err error) {
	f, err := readFolding(ctx, q, []Parcel{p})
	if err != nil {
		return v, err
	}
	g := f.fold(p)
	v = ParcelView{Parcel: p, Stood: f.pauses[p.ID], Tries: g.Attempts, Open: g.Exceptions, Colour: p.colour(d.now()), Missing: f.lacking(p, g), NextTry: g.nextTry()}
	for _, s := range g.Steps {
		e, _ := f.event(p, s.EventID)
		step := StepView{EventRow: e, Verdict: s.Verdict, State: s.State, At: s.At}
		if e.Type == EventDelivered {
			step.Missing = p.missing(e, f.have)
		}
		if s.EventID == g.EventID && e.tappedBy(by) && !d.now().After(e.undoUntil()) {
			step.UndoUntil = e.undoUntil()
		}
		v.Steps = append(v.Steps, step)
	}
	for _, b := range f.have {
		v.Photos = append(v.Photos, b)
	}
	slices.SortFunc(v.Photos, func(a, b Blob) int { return a.PutAt.Compare(b.PutAt) })
	if v.Items, err = itemsSealed(ctx, q, p.ID); err != nil {
		return v, err
	}
	cal, err := f.calendar(ctx, q, p)
	if err != nil {
		return v, err
	}
	if v.Ledger, err = p.Promise.Ledger(cal, f.pausesAt(p, g)); err != nil {
		return v, err
	}
	if v.Verdict, err = p.Promise.Judge(cal, f.promiseFacts(p, g), d.now()); err != nil {
		return v, err
	}
	if v.Sending, v.Whole, err = piecesOf(ctx, q, p); err != nil {
		return v, err
	}
	if !by.Is(auth.Courier) { // sees nobody else's acts (DEL-108)
		v.Claims = f.claims(p, g)
	}
	if err := nameClaims(ctx, q, v.Claims); err != nil {
		return v, err
	}
	v.Sending = piecesFor(by, v.Sending)
	v.Receiver = v.receiverFor(by)
	if err := d.trouble(ctx, q, &v); err != nil {
		return v, err
	}
	err = d.people(ctx, q, &v)
	return v, err
}

// trouble adds what ran late, and of what did not arrive who signed for it last
// and until when it is searched for (DEL-807).
func (d *Desk) trouble(ctx context.Context, q bun.IDB, v *ParcelView) (err error) {
	if v.Alerts, err = openAlertsOf(ctx, q, []string{v.ID}); err != nil {
		return err
	}
	if !slices.Contains([]ParcelState{ParcelLost, ParcelDamaged, ParcelReturning}, v.State) {
		return nil
	}
	holder, err := holderOf(ctx, q, v.ID)
	if err != nil {
		return err
	}
	h, err := hallOf{}.of(ctx, q, v.CentreID, d.now())
	if err != nil {
		return err
	}
	if v.Holder = h.centre.Name; holder.Kind == AtCourier {
		person, err := auth.FindPerson(ctx, q, holder.ID)
		if v.Holder = person.Name; err != nil {
			if !fault.Is(err, "person_unknown") {
				return err
			}
			v.Holder = holder.ID // a carrier, by its sign
		}
	}
	v.SearchUntil, err = searchUntil(v.Parcel, h.centre.Hours, h.cal)
	return err
}

// receiverFor is the receiver as the actor may see it. The courier has to find
// the receiver, so only the phone is masked, until the courier's asking for it is
// recorded; once the parcel has ended all of it is (DEL-1012).
func (v ParcelView) receiverFor(by auth.Actor) Addressee {
	to := v.Receiver
	asked := func(s StepView) bool { return s.Type == EventContactRevealed && s.CourierID == by.ID }
	switch {
	case atWindow(by):
	case !by.Is(auth.Courier) || v.State.Terminal():
		return to.Masked()
	case !slices.ContainsFunc(v.Steps, asked):
		to.Phone, to.AgentPhone = MaskPhone(to.Phone), MaskPhone(to.AgentPhone)
	}
	return to
}

// people adds who has the parcel, and how often a code may still be sent.
func (d *Desk) people(ctx context.Context, q bun.IDB, v *ParcelView) error {
	if v.Way == WayEMS {
		w, err := waybillOf(ctx, q, v.ID)
		if err != nil {
			return err
		}
		if w.ParcelID != "" {
			w.Doubt = DoubtEMS(w.Number)
			v.Waybill = &w
		}
	}
	if v.CourierID != "" {
		courier, err := auth.FindPerson(ctx, q, v.CourierID)
		if err != nil && !fault.Is(err, "person_unknown") {
			return err
		}
		v.Courier = courier.Name
	}
	s, err := findSecret(ctx, q, v.ID, SecretCode)
	v.CodeLeft = max(0, maxResent-s.Resent)
	return err
}

// lacking gives what is still missing: of the claimed hand-over, or of one to come.
func (f folding) lacking(p Parcel, g Folded) []Proof {
	if g.State == ParcelUnverified {
		e, _ := f.event(p, g.Closing.EventID)
		return p.missing(e, f.have)
	}
	if g.State.Terminal() {
		return nil
	}
	return p.Demand.Proofs.Missing(nil)
}

// ListParcels gives the parcels of the actor's window, the most urgent first,
// with the receiver masked.
func (d *Desk) ListParcels(ctx context.Context, by auth.Actor, query ParcelQuery) (out []ParcelLine, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		rows, err := listParcels(ctx, q, by, query, d.now())
		out = nil
		for _, p := range rows {
			line := ParcelLine{Parcel: p, Colour: p.colour(d.now())}
			line.Receiver = p.Receiver.Masked()
			out = append(out, line)
		}
		return err
	})
	return out, err
}

// MyRound gives a courier's open parcels, the most urgent first: name and
// address in full, because the parcel has to find its receiver; the phone masked
// (DEL-1012). No other role has a round. Refusal: not_a_courier.
func (d *Desk) MyRound(ctx context.Context, by auth.Actor) (out []Stop, err error) {
	if !by.Is(auth.Courier) {
		return nil, notACourier()
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		rows, err := roundOf(ctx, q, by.ID)
		if err == nil {
			out, err = d.stopsOf(ctx, q, rows)
		}
		return err
	})
	return out, err
}

// stopsOf gives parcels as the courier who has them sees them.
func (d *Desk) stopsOf(ctx context.Context, q bun.IDB, rows []Parcel) ([]Stop, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	f, err := readFolding(ctx, q, rows)
	if err != nil {
		return nil, err
	}
	out := make([]Stop, len(rows))
	for i, p := range rows {
		out[i] = Stop{
			ParcelID: p.ID, Number: p.Number, Name: p.Receiver.Name, Phone: MaskPhone(p.Receiver.Phone), Address: p.Receiver.Address,
			Classes: classesOf(f.items[p.ID]), Receive: p.Demand.Receivers, Proofs: p.Demand.Proofs, Missing: f.lacking(p, f.fold(p)),
			Due: p.DueAt, Colour: p.colour(d.now()), State: p.State, Tries: p.Attempts, Piece: p.Piece, Pieces: p.Pieces,
		}
	}
	return out, nil
}

// Couriers gives the couriers of the actor's centre, by name, with how many
// parcels each has. Refusal: not_receiving_window.
func (d *Desk) Couriers(ctx context.Context, by auth.Actor) (out []CourierName, err error) {
	if err := mayReceive(by, by.Centre); err != nil {
		return nil, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		people, err := auth.ListPeople(ctx, q, auth.PersonQuery{Centre: by.Centre, Role: auth.Courier, Enabled: true})
		if err != nil {
			return err
		}
		has, err := loads(ctx, q, by.Centre)
		out = nil
		for _, p := range people {
			out = append(out, CourierName{ID: p.ID, Name: p.Name, Load: has[p.ID]})
		}
		return err
	})
	return out, err
}

// Track shows the applicant where a parcel is, by its number and the last four
// of the receiver's telephone. Wrong, unknown and locked look the same: five
// wrong tries close a number to this way for 15 minutes (DEL-1201). Tries of one
// address are counted at the edge. Refusal: not_found.
func (d *Desk) Track(ctx context.Context, number, phoneLast4 string) (out TrackView, err error) {
	d = d.still()
	p, err := d.trackedParcel(ctx, number, phoneLast4)
	if fault.Is(err, "not_found") {
		return d.trackFile(ctx, number, phoneLast4)
	}
	if err != nil {
		return TrackView{}, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		if out, err = d.tracked(ctx, q, p); err != nil {
			return err
		}
		centre, err := office.FindCentre(ctx, q, p.CentreID)
		if err != nil {
			return err
		}
		out.Phone = centre.Phone
		if out.Files, err = trackedFiles(ctx, q, p.CaseID); err != nil {
			return err
		}
		out.Rated, err = hasRating(ctx, q, p.CaseID)
		out.MayRate = p.Rateable() && !out.Rated
		return err
	})
	return out, err
}

// tracked is what an applicant may know of one parcel: nothing of the receiver, no
// note of the office, no courier's place.
func (d *Desk) tracked(ctx context.Context, q bun.IDB, p Parcel) (out TrackView, err error) {
	f, err := readFolding(ctx, q, []Parcel{p})
	if err != nil {
		return out, err
	}
	g := f.fold(p)
	out = TrackView{Number: p.Number, State: g.State, Since: g.Since, Slot: p.Slot, Due: p.DueAt, Result: p.Result, Steps: publicSteps(f, p, g)}
	if out.Sending, out.Whole, err = piecesOf(ctx, q, p); err != nil {
		return out, err
	}
	for i := range out.Sending {
		out.Piece, out.Sending[i].ParcelID, out.Sending[i].Here = p.Piece, "", false
	}
	cal, err := f.calendar(ctx, q, p)
	if err != nil {
		return out, err
	}
	out.Ledger, err = p.Promise.Ledger(cal, f.pausesAt(p, g))
	if !g.State.Terminal() {
		out.Paused, out.PausedTo, out.Pause = standing(f.pauses[p.ID], d.now())
	}
	out.ETA = p.eta(d.now(), !out.Ledger.PausedSince.IsZero())
	if err == nil && p.Way == WayWindow && g.State == ParcelSealed {
		var centre office.Centre
		centre, err = office.FindCentre(ctx, q, p.CentreID)
		out.Collect = &centre
	}
	return out, err
}

// trackedFiles are the results of a case that went as files.
func trackedFiles(ctx context.Context, q bun.IDB, caseID string) (out []TrackFile, err error) {
	files, err := filesOfCase(ctx, q, caseID)
	for _, f := range files {
		if f.State != FileSupplied {
			out = append(out, f.tracked())
		}
	}
	return out, err
}

// standing is the pause that holds the clock now: since when, until when if that
// is agreed, and why (DEL-722).
func standing(pauses []PauseRow, now time.Time) (from, to time.Time, why PauseReason) {
	for _, r := range pauses {
		if !now.Before(r.From) && (r.To.IsZero() || now.Before(r.To)) {
			return r.From, r.To, r.Reason
		}
	}
	return from, to, why
}

// trackedParcel counts a wrong try in a transaction of its own: it has to stay
// when the answer is a refusal.
func (d *Desk) trackedParcel(ctx context.Context, number, phoneLast4 string) (p Parcel, err error) {
	plain, err := ParseNumber(number)
	if err != nil || len(phoneLast4) != 4 {
		return p, notFound()
	}
	var match Match
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		if p, err = findParcelNumber(ctx, tx, plain); err != nil {
			return err
		}
		s, ok, err := lockSecret(ctx, tx, p.ID, SecretPhone)
		if err != nil || !ok {
			return err
		}
		match = s.try(d.hide(p.ID, SecretPhone, phoneLast4), d.now())
		return updateSecret(ctx, tx, &s)
	})
	if err == nil && match != MatchRight {
		err = notFound()
	}
	return p, err
}

// phoneEnding is the end of a telephone number; less than four tell nothing.
func phoneEnding(phone string) string {
	if len(phone) < 4 {
		return ""
	}
	return phone[len(phone)-4:]
}

// publicSteps are the changes of state, without who and without words.
func publicSteps(f folding, p Parcel, g Folded) (out []TrackStep) {
	for _, s := range g.Steps {
		if s.Verdict != Applied {
			continue
		}
		step := TrackStep{State: s.State, At: s.At}
		if e, _ := f.event(p, s.EventID); e.Type == EventFailed {
			step.Outcome = e.facts().Outcome
		}
		out = append(out, step)
	}
	return out
}
