package delivery

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// proofFacts are what the payload of a hand-over says about its proof.
type proofFacts struct {
	Signature     string          `json:"signature,omitempty"` // SHA-256 of its blob
	Drawn         json.RawMessage `json:"drawn,omitempty"`     // its strokes, see drawing
	BagPhoto      string          `json:"bag_photo,omitempty"`
	ReceiverPhoto string          `json:"receiver_photo,omitempty"`
	Photos        []string        `json:"photos,omitempty"` // of anything else
	Code          string          `json:"code,omitempty"`   // never stored
	IDLast4       string          `json:"id_last4,omitempty"`
}

// handOverOf is which kinds of receiver an outcome may stand for. The legal
// representative signs as the recipient.
var handOverOf = map[Outcome][]Receiver{
	ToRecipient: {ReceiverRecipient, ReceiverLegal}, ToAgent: {ReceiverNamedAgent}, ToMailRoom: {ReceiverMailRoom},
	ToProxy: {ReceiverProxy}, ToLocker: {ReceiverLocker},
}

// receiverOf gives the kind of receiver that an outcome stands for, or why that
// one may not take this parcel. Refusals: receiver_not_allowed,
// receiver_consent_missing, receiver_unauthorised.
func (p Parcel) receiverOf(f Facts) (r Receiver, err error) {
	for _, r = range handOverOf[f.Outcome] {
		consent := slices.ContainsFunc(p.Receiver.Consents, func(c Consent) bool { return c.Receiver == r })
		named := r != ReceiverNamedAgent || p.Receiver.Agent != "" && p.Receiver.Agent == f.Receiver
		if err = p.Demand.Check(r, consent, named); err == nil {
			return r, nil
		}
	}
	if err == nil {
		err = p.Demand.Check("", false, false) // nobody was named
	}
	return "", err
}

// evidence is what there is of the blobs that the events of a parcel name.
type evidence map[string]Blob

// shown gives the proofs that an event brings with it.
func (e EventRow) shown(f Facts, have evidence) (out []Proof) {
	var p proofFacts
	if json.Unmarshal(e.Payload, &p) != nil {
		return nil
	}
	here := func(sum string) bool { _, ok := have[sum]; return ok && slices.Contains(e.Proofs, sum) }
	for _, one := range []struct {
		proof Proof
		there bool
	}{
		{ProofName, f.Receiver != ""}, {ProofCode, e.Checked.Code == MatchRight}, {ProofID, e.Checked.ID == MatchRight},
		{ProofSignature, here(p.Signature) && !blankDrawn(p.Drawn)}, {ProofBagPhoto, here(p.BagPhoto)}, {ProofReceiverPhoto, here(p.ReceiverPhoto)},
	} {
		if one.there {
			out = append(out, one.proof)
		}
	}
	return out
}

// missing gives what the hand-over of an event still lacks; all of it when the
// receiver was not one of those allowed.
func (p Parcel) missing(e EventRow, have evidence) []Proof {
	f := e.facts()
	r, err := p.receiverOf(f)
	if err != nil {
		return p.Demand.Proofs.Missing(nil)
	}
	return p.Demand.ProofsOf(r).Missing(e.shown(f, have))
}

func (e EventRow) facts() (f Facts) {
	_ = json.Unmarshal(e.Payload, &f) // it was read before it was stored
	return f
}

// strengths of proof for two claims of one delivery (DEL-525).
var strengths = []struct {
	proof Proof
	is    int
}{{ProofCode, 4}, {ProofID, 3}, {ProofSignature, 2}, {ProofReceiverPhoto, 1}, {ProofBagPhoto, 1}}

// stored is an event as the fold reads it. Proof is looked at anew each time:
// a blob that comes late completes it without another event (DEL-602).
func (p Parcel) stored(e EventRow, have evidence) StoredEvent {
	s := StoredEvent{
		EventID: e.ID, DeviceID: e.DeviceID, Seq: e.Seq, CourierID: e.CourierID, AttemptID: e.AttemptID, Type: e.Type, Facts: e.facts(),
		Claimed: e.ClaimedAt, Effective: e.EffectiveAt, Quality: e.Quality, Photos: len(e.Proofs), Flags: slices.Clone(e.Checked.Flags),
		ByCarrier: e.byCarrier(),
	}
	if e.Type != EventDelivered {
		return s
	}
	_, err := p.receiverOf(s.Facts)
	s.ProofComplete = err == nil && len(p.missing(e, have)) == 0
	if err != nil {
		s.Flags = append(s.Flags, ExceptionReceiver)
	}
	shown := e.shown(s.Facts, have)
	for _, strength := range strengths {
		if slices.Contains(shown, strength.proof) {
			s.ProofStrength = max(s.ProofStrength, strength.is)
		}
	}
	return s
}

// folding is what the acts of one transaction read once for all parcels.
type folding struct {
	events map[string][]EventRow
	have   evidence
	items  map[string][]Item
	pauses map[string][]PauseRow
	years  map[int]*workday.Calendar // by version, without closures; read when wanted
}

func readFolding(ctx context.Context, q bun.IDB, parcels []Parcel) (f folding, err error) {
	ids := make([]string, len(parcels))
	var paused []string
	for i, p := range parcels {
		if ids[i] = p.ID; p.Pauses > 0 {
			paused = append(paused, p.ID)
		}
	}
	if f.pauses, err = pausesOf(ctx, q, paused); err != nil {
		return f, err
	}
	if f.events, err = eventsOf(ctx, q, ids); err != nil {
		return f, err
	}
	if f.have, err = evidenceOf(ctx, q, f.events); err != nil {
		return f, err
	}
	f.years = map[int]*workday.Calendar{}
	f.items, err = itemsIn(ctx, q, ids)
	return f, err
}

// evidenceOf gives the blobs that are here of those that the events name; most
// events name none.
func evidenceOf(ctx context.Context, q bun.IDB, events map[string][]EventRow) (evidence, error) {
	var named []string
	for _, rows := range events {
		for _, e := range rows {
			named = append(named, e.Proofs...)
		}
	}
	blobs, err := blobsOf(ctx, q, named)
	have := evidence{}
	for _, b := range blobs {
		have[b.SHA256] = b
	}
	return have, err
}

// calendar is the one that a parcel's promise was made by, with the closures
// that stood then: what changed since moves no due moment (DEL-704).
func (f folding) calendar(ctx context.Context, q bun.IDB, p Parcel) (*workday.Calendar, error) {
	version := p.Promise.CalendarVersion
	if f.years[version] == nil {
		years, err := office.CalendarVersion(ctx, q, version)
		if err != nil {
			return nil, err
		}
		f.years[version] = years
	}
	return office.Closed(ctx, q, f.years[version], p.CentreID, p.SealedAt)
}

func (f folding) fold(p Parcel) Folded {
	rows := f.events[p.ID]
	events := make([]StoredEvent, len(rows))
	for i, e := range rows {
		events[i] = p.stored(e, f.have)
	}
	return Fold(events)
}

// event gives one of a parcel's events.
func (f folding) event(p Parcel, id string) (EventRow, bool) {
	for _, e := range f.events[p.ID] {
		if e.ID == id {
			return e, true
		}
	}
	return EventRow{}, false
}

// promiseFacts are what the result of the promise follows from (DEL-741).
func (f folding) promiseFacts(p Parcel, g Folded) PromiseFacts {
	out := PromiseFacts{Pauses: f.pausesAt(p, g)}
	if g.Closing.EventID != "" {
		out.HandOver = PromiseAct{Counts: g.Closing.At, Claimed: g.Closing.Claimed, Quality: g.Closing.Quality, Verified: f.verified(p, g)}
	}
	for _, a := range g.Attempts {
		if a.Fault == FaultApplicant && out.Attempt.IsZero() {
			out.Attempt = a.Ended
		}
		if a.Outcome == Refused && (g.State == ParcelReturning || g.State == ParcelReturned) {
			out.Ended = a.Ended
		}
	}
	if g.State == ParcelCancelled {
		out.Ended = g.Since
	}
	return out
}

// verified is when the last proof of the hand-over was there, or the window
// confirmed it; zero while it is not.
func (f folding) verified(p Parcel, g Folded) (at time.Time) {
	e, ok := f.event(p, g.Closing.EventID)
	if !ok || g.State == ParcelUnverified {
		return at
	}
	if e.Type == EventCollected || p.stored(e, f.have).ProofComplete {
		at = e.ReceivedAt
		for _, sum := range e.Proofs {
			at = laterTime(at, f.have[sum].PutAt)
		}
		return at
	}
	for _, c := range f.events[p.ID] {
		if c.Type == EventProofConfirmed && c.facts().Refers == e.ID && (at.IsZero() || c.EffectiveAt.Before(at)) {
			at = c.EffectiveAt
		}
	}
	return at
}

// refold brings rows, items and messages of parcels to what their events say.
// Every act ends with it, so no state is ever written by hand (DEL-520). The
// parcels are locked by the caller.
func (d *Desk) refold(ctx context.Context, tx bun.IDB, by auth.Actor, parcels []*Parcel) (map[string]Folded, error) {
	rows := make([]Parcel, len(parcels))
	for i, p := range parcels {
		rows[i] = *p
	}
	f, err := readFolding(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	out := map[string]Folded{}
	var texts []notify.Message
	var told []string
	var moved []*Parcel
	for i, p := range parcels {
		g := f.fold(*p)
		if err := d.project(ctx, tx, p, f, g); err != nil {
			return nil, err
		}
		if err := d.keepItems(ctx, tx, by, p, f, g); err != nil {
			return nil, err
		}
		if err := d.askOfDamage(ctx, tx, by, *p, f, g); err != nil {
			return nil, err
		}
		if p.State != rows[i].State || !p.DueAt.Equal(rows[i].DueAt) {
			moved = append(moved, p)
		}
		text, err := d.notice(*p, g)
		if err != nil {
			return nil, err
		}
		if noticeOf[rows[i].State] != "" || len(text) > 0 {
			told, texts = append(told, p.ID), append(texts, text...)
		}
		out[p.ID] = g
	}
	if err := d.clearAlerts(ctx, tx, by, moved); err != nil {
		return nil, err
	}
	return out, notify.Replace(ctx, tx, d.now(), told, texts...)
}

// project writes what the fold gives to the row, and ends what ends with it.
func (d *Desk) project(ctx context.Context, tx bun.IDB, p *Parcel, f folding, g Folded) error {
	if err := d.projected(ctx, tx, p, f, g); err != nil {
		return err
	}
	if p.State.Terminal() && p.CourierID != "" && p.State != ParcelDelivered {
		if err := endAssignments(ctx, tx, p.ID, d.now()); err != nil {
			return err
		}
	}
	if p.Way == WayEMS && (p.State.Terminal() || p.State == ParcelUnverified) {
		if err := stopAsking(ctx, tx, p.ID); err != nil { // whoever ended it; a return ends at the window (DEL-425)
			return err
		}
	}
	return updateParcel(ctx, tx, p)
}

// projected is the row as the fold gives it; nothing is written (DEL-520).
func (d *Desk) projected(ctx context.Context, q bun.IDB, p *Parcel, f folding, g Folded) error {
	if err := d.judge(ctx, q, p, f, g); err != nil {
		return err
	}
	p.State, p.Since, p.Slot = g.State, g.Since, carrierText(g.Slot, lineLength)
	p.Attempts, p.Exceptions, p.DeliveredAt = len(g.Attempts), len(g.Exceptions), g.Closing.At
	p.HandedOverAt = time.Time{}
	for _, s := range g.Steps {
		if s.Verdict == Applied && s.State == ParcelHandedOver && p.HandedOverAt.IsZero() {
			p.HandedOverAt = s.At
		}
	}
	p.countable(g)
	return nil
}

// countable keeps what figures over time count (DEL-1501).
func (p *Parcel) countable(g Folded) {
	p.Dwell, p.ClosedQuality, p.FailedFirst, p.FailedFault = 0, g.Closing.Quality, "", ""
	if set := p.Promise.Parts.Set; !p.HandedOverAt.IsZero() && !set.IsZero() {
		p.Dwell = max(1, int(p.HandedOverAt.Sub(set)/time.Minute))
	}
	p.Area, p.TriedHour = MaskStreet(p.Receiver.Address), 0
	if len(g.Attempts) == 0 || g.Attempts[0].Ended.IsZero() {
		return
	}
	first := g.Attempts[0]
	if p.TriedHour = 1 + first.Ended.In(workday.Shanghai).Hour(); !first.Delivered {
		p.FailedFirst, p.FailedFault = first.Outcome, first.Fault
	}
}

// judge writes the result of the promise to the row, and what the pauses did to
// its moments. Days are counted, and the calendar is read, only for a parcel that
// was handed over or whose clock stood still.
func (d *Desk) judge(ctx context.Context, q bun.IDB, p *Parcel, f folding, g Folded) error {
	facts := f.promiseFacts(*p, g)
	var cal *workday.Calendar
	var err error
	if !facts.HandOver.Counts.IsZero() || len(facts.Pauses) > 0 {
		if cal, err = f.calendar(ctx, q, *p); err != nil {
			return err
		}
	}
	verdict, err := p.Promise.Judge(cal, facts, d.now())
	if err != nil {
		return err
	}
	p.Result, p.DueAt = verdict.Result, verdict.Due
	if len(facts.Pauses) > 0 {
		marks, err := p.Promise.Marks(cal, facts.Pauses, time.Time{})
		p.HandOverBy, p.ArriveBy = marks.HandOverBy, marks.ArriveBy
		return err
	}
	return nil
}

// onTheRoad are the states in which a courier answers for what is inside.
var onTheRoad = []ParcelState{
	ParcelHandedOver, ParcelOut, ParcelArrived, ParcelUnverified, ParcelAttemptFailed, ParcelRescheduled, ParcelReturning,
}

// keepItems lets the keeping of the items follow the parcel (DEL-901): the
// courier once the parcel was taken over, the receiver once it was delivered with
// proof, the window again when it came back or never left.
func (d *Desk) keepItems(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, f folding, g Folded) error {
	switch {
	case g.State == ParcelDelivered || g.State == ParcelCollected:
		return d.passAll(ctx, tx, by, p, Keeper{AtReceiver, p.ID}, CustodyDelivered, f.items[p.ID])
	case slices.Contains(onTheRoad, g.State) && f.carrier(*p, g) != "":
		return d.passAll(ctx, tx, by, p, Keeper{AtCourier, f.carrier(*p, g)}, CustodyHandedOver, f.items[p.ID])
	case g.State == ParcelWrittenOff:
		return d.passAll(ctx, tx, by, p, Keeper{Destroyed, p.ID}, CustodyWrittenOff, f.items[p.ID])
	case g.State == ParcelReturned || g.State == ParcelCancelled:
		return d.shelve(ctx, tx, by, p, f.items[p.ID])
	}
	return nil
}

func (d *Desk) passAll(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, to Keeper, kind CustodyKind, items []Item) error {
	for n := range items {
		if items[n].keeper() == to {
			continue
		}
		items[n].Place = "" // it has left the shelf
		e := CustodyEvent{ID: newID(), Kind: kind, ParcelID: p.ID, Actor: by.String(), At: d.now()}
		if err := pass(ctx, tx, &items[n], to, e); err != nil {
			return err
		}
	}
	return nil
}

// shelve takes the items out of a parcel: they lie at the window again and may
// be sealed into another.
func (d *Desk) shelve(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	lines, err := lockLines(ctx, tx, p.CaseID)
	if err != nil {
		return err
	}
	for n := range items {
		items[n].ParcelID = ""
		e := CustodyEvent{ID: newID(), Kind: CustodyShelved, ParcelID: p.ID, Actor: by.String(), At: d.now()}
		if err := pass(ctx, tx, &items[n], Keeper{AtWindow, p.CentreID}, e); err != nil {
			return err
		}
	}
	for n := range lines {
		holds := func(i Item) bool { return i.LineID == lines[n].ID }
		if lines[n].ParcelID == "" || !slices.ContainsFunc(items, holds) {
			continue
		}
		lines[n].ParcelID = ""
		if err := updateLine(ctx, tx, &lines[n], "parcel_id"); err != nil {
			return err
		}
	}
	return nil
}
