package delivery

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"lianban/internal/fault"
)

// EventType says what happened to a Parcel.
type EventType string

// Events that move a Parcel.
const (
	EventSealed      EventType = "sealed"
	EventOpened      EventType = "opened" // opened again before hand-over, with a reason
	EventHandedOver  EventType = "handed_over"
	EventStarted     EventType = "started" // the stop's round begins
	EventArrived     EventType = "arrived"
	EventDelivered   EventType = "delivered"
	EventFailed      EventType = "failed"
	EventRescheduled EventType = "rescheduled"
	EventOnHold      EventType = "on_hold"
	EventResumed     EventType = "resumed" // back to where it was before the hold
	EventReturning   EventType = "returning"
	EventReturned    EventType = "returned"
	EventCollected   EventType = "collected"
	EventLost        EventType = "lost"
	EventDamaged     EventType = "damaged"
	EventFound       EventType = "found"
	EventWrittenOff  EventType = "written_off"
	EventCancelled   EventType = "cancelled"
)

// Events that leave the Parcel where it is. All but the first three speak about
// another event or attempt and count whatever the order they arrive in.
const (
	EventNote            EventType = "note"
	EventContactRevealed EventType = "contact_revealed" // DEL-1012
	EventTakenOver       EventType = "taken_over"       // by another courier, who answers from here on (DEL-810)
	EventErrorDeclared   EventType = "error_declared"   // DEL-526: Facts.Refers did not occur, or not so
	EventProofConfirmed  EventType = "proof_confirmed"  // the window verified the hand-over Facts.Refers (DEL-422, 602)
	EventTimeAccepted    EventType = "time_accepted"    // a supervisor accepts the device time of Facts.Refers (SIM-15)
	EventFaultChanged    EventType = "fault_changed"    // DEL-411, of the attempt
)

// eventMoves is the state that each moving event leads to; delivered depends
// on its proof and resumed on what was before.
var eventMoves = map[EventType]ParcelState{
	EventSealed: ParcelSealed, EventOpened: ParcelDrafted, EventHandedOver: ParcelHandedOver,
	EventStarted: ParcelOut, EventArrived: ParcelArrived, EventDelivered: ParcelDelivered,
	EventFailed: ParcelAttemptFailed, EventRescheduled: ParcelRescheduled,
	EventOnHold: ParcelOnHold, EventResumed: ParcelOnHold,
	EventReturning: ParcelReturning, EventReturned: ParcelReturned, EventCollected: ParcelCollected,
	EventLost: ParcelLost, EventDamaged: ParcelDamaged, EventFound: ParcelReturning,
	EventWrittenOff: ParcelWrittenOff, EventCancelled: ParcelCancelled,
}

// Known reports whether t is one of the types.
func (t EventType) Known() bool {
	switch t {
	case EventNote, EventContactRevealed, EventTakenOver, EventErrorDeclared, EventProofConfirmed, EventTimeAccepted, EventFaultChanged:
		return true
	}
	return t.Moves()
}

// Moves reports whether t can change the state.
func (t EventType) Moves() bool { _, ok := eventMoves[t]; return ok }

// ByCourier reports whether a courier's device may report t. All else is an act
// of the window (DEL-108, 425) or of the system.
func (t EventType) ByCourier() bool {
	switch t {
	case EventHandedOver, EventStarted, EventArrived, EventDelivered, EventFailed, EventRescheduled,
		EventReturning, EventLost, EventDamaged, EventFound, EventNote, EventContactRevealed:
		return true
	}
	return false
}

// inAttempt reports whether t is part of an attempt and so has to name one.
func (t EventType) inAttempt() bool {
	switch t {
	case EventStarted, EventArrived, EventDelivered, EventFailed, EventFaultChanged:
		return true
	}
	return false
}

// refers reports whether t speaks about another event.
func (t EventType) refers() bool {
	return t == EventErrorDeclared || t == EventProofConfirmed || t == EventTimeAccepted
}

// Facts are what the payload of an event says, as far as the program reads it;
// the payload itself is kept whole.
type Facts struct {
	Outcome  Outcome `json:"outcome,omitempty"`   // to whom, or why not
	Receiver string  `json:"receiver,omitempty"`  // name of who took it
	Reason   string  `json:"reason,omitempty"`    // why: failures, holds, corrections, all acts of the window
	CallNote string  `json:"call_note,omitempty"` // DEL-410, 803
	Slot     string  `json:"slot,omitempty"`      // the new time of a rescheduled parcel, as told to people
	Refers   string  `json:"refers,omitempty"`    // event_id this one speaks about
	Error    string  `json:"error,omitempty"`     // did_not_occur or incorrect_data (DEL-526)
	Replaces string  `json:"replaces,omitempty"`  // event_id of the declared event this one stands for
	Fault    Fault   `json:"fault,omitempty"`     // of fault_changed
	Seal     string  `json:"seal,omitempty"`      // of returned: how the bag came back
	Count    int     `json:"count,omitempty"`     // of returned: things in it

	Asked []Question `json:"asked,omitempty"` // of proof_confirmed (DEL-612)
}

// EventSchema is the version of the envelope that this program reads.
const EventSchema = 1

// Envelope is one act as a device reports it (DEL-502), checked. SIM-15 has no
// performance clock and no page id.
type Envelope struct {
	EventID   string
	DeviceID  string
	Seq       int64 // per device, counts up
	CourierID string
	ParcelID  string
	AttemptID string
	Type      EventType
	Occurred  time.Time // the device's clock, UTC, in milliseconds
	Claimed   string    // the same as it was written, with its offset
	Facts     Facts
	Payload   []byte   // canonical JSON
	ProofRefs []string // SHA-256 of the blobs, lower-case hex
	Hash      string   // of the whole event, for DEL-503
}

// wireEvent is the envelope in JSON.
type wireEvent struct {
	EventID   string          `json:"event_id"`
	DeviceID  string          `json:"device_id"`
	Seq       int64           `json:"seq"`
	CourierID string          `json:"courier_id"`
	ParcelID  string          `json:"parcel_id"`
	AttemptID string          `json:"attempt_id"`
	Type      EventType       `json:"type"`
	Occurred  string          `json:"occurred_device"`
	Payload   json.RawMessage `json:"payload"`
	ProofRefs []string        `json:"proof_refs"`
}

// Bounds of one event; the largest honest one has about 2 kB.
const (
	eventBytesMost  = 64 << 10
	eventDepthMost  = 16
	eventProofsMost = 20
	eventIDLongest  = 64
	eventSeqMost    = 1<<53 - 1 // what JavaScript counts exactly
)

// ReadEvent reads one event of schema version schema. It refuses only what
// DEL-506 lists: event_malformed, event_offset_missing, event_schema_unknown.
// Times and order are never a ground (DEL-507), nor is what an outcome lacks.
func ReadEvent(schema int, body []byte) (Envelope, error) {
	if schema != EventSchema {
		return Envelope{}, eventSchemaUnknown()
	}
	canonical, err := CanonicalJSON(body)
	if err != nil {
		return Envelope{}, eventMalformed("body").Because(err)
	}
	var w wireEvent
	if err := json.Unmarshal(canonical, &w); err != nil {
		return Envelope{}, eventMalformed(wrongJSONField(err)).Because(err)
	}
	e := Envelope{
		EventID: strings.ToLower(w.EventID), DeviceID: w.DeviceID, Seq: w.Seq, CourierID: w.CourierID,
		ParcelID: w.ParcelID, AttemptID: w.AttemptID, Type: w.Type, Claimed: w.Occurred,
		Payload: w.Payload, ProofRefs: w.ProofRefs,
	}
	if err := e.check(); err != nil {
		return Envelope{}, err
	}
	if e.Occurred, err = readDeviceTime(w.Occurred); err != nil {
		return Envelope{}, err
	}
	if e.Facts, err = readFacts(&e); err != nil {
		return Envelope{}, err
	}
	sum := sha256.Sum256(canonical)
	e.Hash = hex.EncodeToString(sum[:])
	return e, nil
}

func (e *Envelope) check() error {
	switch {
	case !isUUIDv7(e.EventID):
		return eventMalformed("event_id")
	case !isEventName(e.DeviceID):
		return eventMalformed("device_id")
	case e.Seq < 0 || e.Seq > eventSeqMost:
		return eventMalformed("seq")
	case !isEventName(e.CourierID):
		return eventMalformed("courier_id")
	case !isEventName(e.ParcelID):
		return eventMalformed("parcel_id")
	case !e.Type.Known():
		return eventSchemaUnknown() // an app newer than this program
	case e.AttemptID != "" && !isEventName(e.AttemptID), e.AttemptID == "" && e.Type.inAttempt():
		return eventMalformed("attempt_id")
	case len(e.ProofRefs) > eventProofsMost || !allSHA256(e.ProofRefs):
		return eventMalformed("proof_refs")
	}
	return nil
}

// readFacts reads the payload; what the program does not know stays in it.
func readFacts(e *Envelope) (f Facts, err error) {
	if len(e.Payload) == 0 || bytes.Equal(e.Payload, []byte("null")) {
		e.Payload = []byte("{}")
	}
	if e.Payload[0] != '{' {
		return f, eventMalformed("payload")
	}
	if err := json.Unmarshal(e.Payload, &f); err != nil {
		return f, eventMalformed("payload." + wrongJSONField(err)).Because(err)
	}
	switch {
	case e.Type.refers() && !isUUID(f.Refers): // a carrier's event has no UUIDv7
		return f, eventMalformed("payload.refers")
	case e.Type == EventFaultChanged && !f.Fault.Known():
		return f, eventMalformed("payload.fault")
	}
	f.Refers = strings.ToLower(f.Refers)
	return f, nil
}

// readDeviceTime reads an instant that names its offset; without one an
// evening in another zone could not be told from a morning (DEL-506).
func readDeviceTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 {
		return t.UTC().Truncate(time.Millisecond), nil
	}
	if _, bare := time.Parse("2006-01-02T15:04:05", text); bare == nil {
		return time.Time{}, fault.Refuse(fault.Invalid, "event_offset_missing",
			"时间“%[1]s”没有写明时区，请更新派送应用后重传", "%[1]q names no UTC offset; update the courier app and send again", text)
	}
	return time.Time{}, eventMalformed("occurred_device")
}

func isUUID(text string) bool { return len(text) == 36 && uuid.Validate(text) == nil }

func isUUIDv7(text string) bool { return isUUID(text) && text[14] == '7' }

// isEventName takes ids of rows and devices: short, printable, nothing that a
// page, log or path would take for more than a name.
func isEventName(text string) bool {
	strange := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:", r))
	}
	return text != "" && len(text) <= eventIDLongest && !strings.ContainsFunc(text, strange)
}

func allSHA256(refs []string) bool {
	for _, ref := range refs {
		if b, err := hex.DecodeString(ref); err != nil || len(b) != sha256.Size || strings.ToLower(ref) != ref {
			return false
		}
	}
	return true
}

func wrongJSONField(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return wrong.Field
	}
	return "body"
}

func eventMalformed(field string) *fault.Error {
	return fault.Refuse(fault.Invalid, "event_malformed",
		"这条记录的“%[1]s”无法识别，未入库；原文已留存，请联系窗口处理", "%[1]q of this record cannot be read; it was kept apart, ask the window", field)
}

func eventSchemaUnknown() *fault.Error {
	return fault.Refuse(fault.Invalid, "event_schema_unknown",
		"服务器还不认识这一版本的记录，原文已留存；请联系管理员升级后重传", "this server does not know that version of records yet; it was kept apart, ask the administrator to upgrade and send again")
}

// EventIDConflict is the refusal of an event whose id is taken by another
// content (DEL-503). The same content is a duplicate and no refusal.
func EventIDConflict() error {
	return fault.Refuse(fault.Invalid, "event_id_conflict",
		"这个记录编号已用于另一条内容不同的记录，原文已留存，请联系窗口核对", "another record with other content has this id already; it was kept apart, ask the window to compare them")
}
