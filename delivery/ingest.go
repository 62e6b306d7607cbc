package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// eventsMost is how many events one batch may bring (DEL-501).
const eventsMost = 200

// Ingest takes the events of one courier's device. Each is accepted, known
// already, or rejected, in the order of the batch; an event is never rejected
// for its time or order (DEL-507). What is secret in it is compared and not
// kept. Refusals of the whole batch: not_a_courier, batch_size.
func (d *Desk) Ingest(ctx context.Context, by auth.Actor, b Batch) (out []EventAnswer, err error) {
	d = d.still()
	if !by.Is(auth.Courier) {
		return nil, notACourier()
	}
	if len(b.Events) == 0 || len(b.Events) > eventsMost {
		return nil, batchSize()
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		in := d.unpack(by, b)
		if err := in.store(ctx, tx); err != nil {
			return err
		}
		out = in.answers
		return nil
	})
	return out, err
}

// intake is one batch on its way into the log.
type intake struct {
	*Desk
	by      auth.Actor
	sync    Sync
	sentAt  string
	bodies  []json.RawMessage
	events  []Envelope // as read; one that was refused has no id
	answers []EventAnswer

	parcels  map[string]*Parcel
	had      map[string]assignment
	known    map[string]string // hash by event id
	around   map[string][]EventRow
	secrets  map[string]*Secret // by parcel and kind
	fresh    []EventRow
	refusals []Refusal
}

// unpack reads a batch; what cannot be read has its answer.
func (d *Desk) unpack(by auth.Actor, b Batch) *intake {
	in := &intake{
		Desk: d, by: by, bodies: b.Events, events: make([]Envelope, len(b.Events)), answers: make([]EventAnswer, len(b.Events)),
		parcels: map[string]*Parcel{}, around: map[string][]EventRow{}, secrets: map[string]*Secret{},
	}
	in.sync = Sync{ReceivedAt: d.now(), RoundTrip: time.Duration(b.RoundTripMS) * time.Millisecond}
	if at, err := readDeviceTime(b.SentAt); err == nil {
		in.sync.SentAt, in.sentAt = at, b.SentAt
	}
	for i, body := range b.Events {
		e, err := ReadEvent(b.Schema, body)
		if err == nil && e.CourierID != by.ID {
			err = eventMalformed("courier_id")
		}
		if err == nil && !e.Type.ByCourier() { // an act of the window (DEL-108)
			err = eventMalformed("type")
		}
		if err != nil {
			in.reject(i, idIn(body), err)
			continue
		}
		in.events[i] = e
	}
	return in
}

// idIn is the id of an event that could not be read, if it has one.
func idIn(body []byte) string {
	var e struct {
		EventID string `json:"event_id"`
	}
	if json.Unmarshal(body, &e) != nil || !isUUID(e.EventID) {
		return ""
	}
	return strings.ToLower(e.EventID)
}

// reject answers an event and keeps its body apart for the window (DEL-506).
func (in *intake) reject(i int, id string, err error) {
	code, zh, en := "event_malformed", err.Error(), err.Error()
	if f, ok := fault.From(err); ok {
		code, zh, en = f.Code, f.In("zh"), f.In("en")
	}
	in.answers[i] = EventAnswer{EventID: id, Result: EventRejected, Code: code, Text: zh, TextEN: en}
	in.refusals = append(in.refusals, Refusal{
		ID: newID(), EventID: id, Actor: in.by.String(), CentreID: in.by.Centre, Code: code, Body: hushed(in.bodies[i]), ReceivedAt: in.now(),
	})
}

var secretMember = regexp.MustCompile(`(?i)"(code|id_last4)"\s*:\s*("(?:[^"\\]|\\.)*"?|[^,}\s]+)`)

// hushed is a body without the values that are secret, fit to be stored.
func hushed(body []byte) string {
	if plain, err := CanonicalJSON(body); err == nil { // undoes escapes in names
		body = plain
	}
	text := strings.ReplaceAll(strings.ToValidUTF8(string(body), "?"), "\x00", "?")
	if len(text) > eventBytesMost {
		text = strings.ToValidUTF8(text[:eventBytesMost], "?")
	}
	return secretMember.ReplaceAllString(text, `"$1":"***"`)
}

// store puts the batch into the log and folds what it touched once.
func (in *intake) store(ctx context.Context, tx bun.IDB) error {
	if err := in.read(ctx, tx); err != nil {
		return err
	}
	for i, e := range in.events {
		if e.EventID == "" {
			continue
		}
		if err := in.take(ctx, tx, i, e); err != nil {
			return err
		}
	}
	if err := insertEvents(ctx, tx, in.fresh); err != nil {
		return err
	}
	for _, s := range in.secrets {
		if s == nil {
			continue
		}
		if err := updateSecret(ctx, tx, s); err != nil {
			return err
		}
	}
	if err := insertRefusals(ctx, tx, in.refusals); err != nil {
		return err
	}
	return in.fold(ctx, tx)
}

// read locks the parcels that were ever given to this courier and learns what
// is known of the events and the devices. The lock comes first, so that of two
// copies of one batch the second finds the first (DEL-504).
func (in *intake) read(ctx context.Context, tx bun.IDB) (err error) {
	var ids, parcels []string
	low, high := map[string]int64{}, map[string]int64{}
	for _, e := range in.events {
		if e.EventID == "" {
			continue
		}
		ids, parcels = append(ids, e.EventID), append(parcels, e.ParcelID)
		if _, seen := high[e.DeviceID]; !seen {
			low[e.DeviceID], high[e.DeviceID] = e.Seq, e.Seq
		}
		low[e.DeviceID], high[e.DeviceID] = min(low[e.DeviceID], e.Seq), max(high[e.DeviceID], e.Seq)
	}
	slices.Sort(parcels)
	if in.had, err = assignmentsOf(ctx, tx, in.by.ID, slices.Compact(parcels)); err != nil {
		return err
	}
	var mine []string
	for id := range in.had {
		mine = append(mine, id)
	}
	rows, err := lockParcels(ctx, tx, "id", mine)
	if err != nil {
		return err
	}
	for i := range rows {
		in.parcels[rows[i].ID] = &rows[i]
	}
	if in.known, err = storedHashes(ctx, tx, ids); err != nil {
		return err
	}
	for device := range high {
		if in.around[device], err = aroundOf(ctx, tx, device, low[device], high[device]); err != nil {
			return err
		}
	}
	for _, e := range in.events { // the batch itself speaks about its neighbours too
		if _, there := in.known[e.EventID]; !there && e.EventID != "" {
			in.around[e.DeviceID] = append(in.around[e.DeviceID], EventRow{ID: e.EventID, Seq: e.Seq, ClaimedAt: e.Occurred, Ahead: in.ahead(e)})
		}
	}
	return nil
}

// ahead reports an event that is later than its own sending. Its clock says
// nothing about its neighbours.
func (in *intake) ahead(e Envelope) bool {
	return !in.sync.SentAt.IsZero() && e.Occurred.After(in.sync.SentAt)
}

// take answers one event that could be read.
func (in *intake) take(ctx context.Context, tx bun.IDB, i int, e Envelope) error {
	hash := in.sealHash(e.Hash)
	if before, there := in.known[e.EventID]; there && before == hash {
		in.answers[i] = EventAnswer{EventID: e.EventID, Result: EventDuplicate}
		return nil
	} else if there {
		in.reject(i, e.EventID, EventIDConflict())
		return nil
	}
	p := in.parcels[e.ParcelID]
	if p == nil { // the same answer as for an unknown number (DEL-506)
		in.reject(i, e.EventID, notFound())
		return nil
	}
	row := in.row(*p, e, hash)
	if e.Type == EventDelivered {
		if err := in.compare(ctx, tx, &row, e); err != nil {
			return err
		}
	}
	var err error
	if row.Payload, err = withoutSecrets(e.Payload); err != nil {
		return err
	}
	in.known[e.EventID] = hash
	in.fresh = append(in.fresh, row)
	in.answers[i] = EventAnswer{EventID: e.EventID, Result: EventAccepted}
	return nil
}

// row is the event as it is stored, with the grade of its time and what is odd
// about it.
func (in *intake) row(p Parcel, e Envelope, hash string) EventRow {
	t := Grade(e.Occurred, in.sync, in.neighbours(e))
	row := EventRow{
		ID: e.EventID, ParcelID: p.ID, DeviceID: e.DeviceID, Seq: e.Seq, CourierID: in.by.ID, Actor: in.by.String(), AttemptID: e.AttemptID,
		Type: e.Type, Occurred: e.Claimed, ClaimedAt: t.Claimed, SentAt: in.sentAt, ReceivedAt: t.Received, EffectiveAt: t.Effective,
		Quality: t.Quality, Ahead: in.ahead(e), PayloadHash: hash, Proofs: append([]string{}, e.ProofRefs...), Checked: Checked{Reasons: t.Reasons},
	}
	reused := func(o EventRow) bool { return o.Seq == e.Seq && o.ID != e.EventID }
	if slices.ContainsFunc(in.around[e.DeviceID], reused) {
		row.Checked.Flags = append(row.Checked.Flags, ExceptionSeqReused)
	}
	if had := in.had[p.ID]; !had.EndedAt.IsZero() && t.Effective.After(had.EndedAt) && p.CourierID != in.by.ID {
		row.Checked.Flags = append(row.Checked.Flags, ExceptionReassigned)
	}
	if t.Claimed.Before(p.SealedAt) {
		row.Checked.Flags = append(row.Checked.Flags, ExceptionBeforeParcel)
	}
	return row
}

func (in *intake) neighbours(e Envelope) (n Neighbours) {
	for _, o := range in.around[e.DeviceID] {
		switch {
		case o.Ahead || o.ID == e.EventID:
		case o.Seq < e.Seq:
			n.Lower = laterTime(n.Lower, o.ClaimedAt)
		case o.Seq > e.Seq && (n.Higher.IsZero() || o.ClaimedAt.Before(n.Higher)):
			n.Higher = o.ClaimedAt
		}
	}
	return n
}

// compare tries the code and the last four that the courier typed (DEL-611,
// DEL-620). A wrong one leaves the hand-over unverified; it happened all the
// same.
func (in *intake) compare(ctx context.Context, tx bun.IDB, row *EventRow, e Envelope) (err error) {
	var p proofFacts
	if json.Unmarshal(e.Payload, &p) != nil {
		return nil // a member of another kind proves nothing
	}
	if row.Checked.Code, err = in.try(ctx, tx, row.ParcelID, SecretCode, p.Code); err != nil {
		return err
	}
	row.Checked.ID, err = in.try(ctx, tx, row.ParcelID, SecretID, p.IDLast4)
	return err
}

func (in *intake) try(ctx context.Context, tx bun.IDB, parcelID string, kind SecretKind, value string) (Match, error) {
	if value == "" {
		return "", nil
	}
	key := parcelID + "/" + string(kind)
	if _, read := in.secrets[key]; !read {
		s, ok, err := lockSecret(ctx, tx, parcelID, kind)
		if err != nil {
			return "", err
		}
		if in.secrets[key] = nil; ok {
			in.secrets[key] = &s
		}
	}
	s := in.secrets[key]
	if s == nil {
		return MatchNone, nil
	}
	return s.try(in.hide(parcelID, kind, value), in.now()), nil
}

// withoutSecrets is a payload as it is kept (DEL-610).
func withoutSecrets(payload []byte) (json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(payload, &members); err != nil {
		return nil, fmt.Errorf("payload that was read before: %w", err)
	}
	for name := range members { // encoding/json reads names whatever their case
		if strings.EqualFold(name, "code") || strings.EqualFold(name, "id_last4") {
			delete(members, name)
		}
	}
	out, err := json.Marshal(members) // sorted by name
	return out, err
}

func canonicalFacts(f Facts) (json.RawMessage, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	return CanonicalJSON(text)
}

// fold brings the parcels of the new events up to date and says what the events
// gave rise to.
func (in *intake) fold(ctx context.Context, tx bun.IDB) error {
	events := map[string][]string{}
	for _, e := range in.fresh {
		events[e.ParcelID] = append(events[e.ParcelID], e.ID)
	}
	var touched []*Parcel
	for id := range events {
		touched = append(touched, in.parcels[id])
	}
	if len(touched) == 0 {
		return nil
	}
	slices.SortFunc(touched, func(a, b *Parcel) int { return strings.Compare(a.ID, b.ID) })
	folded, err := in.refold(ctx, tx, in.by, touched)
	if err != nil {
		return err
	}
	var leaves []audit.Leaf
	for _, p := range touched {
		for _, x := range folded[p.ID].Exceptions {
			for i := range in.answers {
				if a := &in.answers[i]; a.EventID == x.EventID && a.Result == EventAccepted {
					a.Exceptions = append(a.Exceptions, x.Code)
				}
			}
		}
		leaves = append(leaves, in.parcelLeaf("parcel_events", *p, in.by, map[string]any{"events": events[p.ID]}))
	}
	return audit.Record(ctx, tx, leaves...)
}
