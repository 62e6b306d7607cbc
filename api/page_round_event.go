package api

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"lianban/delivery"
	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// report takes one form of a stop and makes it an event. The page made the id,
// so a form that is sent twice, or again after a lost connection, is one event
// (DEL-503).
func (p *site) report(v *view) error {
	found, _, err := p.stopOf(v)
	if err != nil {
		return err
	}
	act := v.form("type")
	if !slices.Contains(stopActs, act) {
		return notFound()
	}
	if slices.ContainsFunc(found.Steps, func(s delivery.StepView) bool { return s.ID == v.form("event") }) {
		return v.leave("/round/"+found.ID, "flash.stop.duplicate")
	}
	if act == string(delivery.EventDelivered) && atDoor(v) {
		if err := p.askedAtDoor(v, found); err != nil {
			return p.done(v, err, form{act, ""}, p.stop)
		}
	}
	if act == string(delivery.EventFailed) && atDoor(v) {
		if err := delivery.CheckCall(delivery.Outcome(v.form("outcome")), v.form("call_note")); err != nil {
			return p.done(v, err, form{act, ""}, p.stop)
		}
	}
	answer, err := p.ingest(v, found, delivery.EventType(act))
	if err != nil {
		return p.done(v, err, form{act, ""}, p.stop)
	}
	return p.reported(v, found, act, answer)
}

// atDoor reports whether the courier waits for the answer, so that what was
// mistyped can be typed again (DEL-611). A form that the telephone has kept is
// sent when nobody stands there any more: what it says has happened.
func atDoor(v *view) bool { return v.form("occurred") == "" || v.form("live") == "yes" }

// askedAtDoor checks what the receiver, who still stands there, can do again: sign
// (DEL-605), read the code out, show the document (DEL-611).
func (p *site) askedAtDoor(v *view, found delivery.ParcelView) error {
	if err := delivery.CheckDrawn([]byte(v.form("drawn"))); err != nil {
		return err
	}
	_, err := p.Delivery.TryAtDoor(v.ctx(), v.by, delivery.DoorTry{ParcelID: found.ID, Code: digits(v.form("code")), IDLast4: v.form("id_last4")})
	return err
}

// reported says what became of an event: accepted, there already, or refused.
func (p *site) reported(v *view, found delivery.ParcelView, act string, answer delivery.EventAnswer) error {
	switch answer.Result {
	case delivery.EventDuplicate:
		return v.leave("/round/"+found.ID, "flash.stop.duplicate")
	case delivery.EventRejected:
		if answer.Code == "event_id_conflict" { // the same form was sent twice at once
			return v.leave("/round/"+found.ID, "flash.stop.duplicate")
		}
		refused := fault.Refuse(fault.Invalid, "event_rejected",
			"这条记录没有登记：%[1]s", "the record was not taken: %[2]s", answer.Text, answer.TextEN)
		return p.done(v, refused, form{act, ""}, p.stop)
	}
	after, err := p.Delivery.FindParcel(v.ctx(), v.by, found.ID)
	if err != nil {
		return err
	}
	if act == string(delivery.EventDelivered) && after.State == delivery.ParcelUnverified {
		return v.leave("/round/"+found.ID, "flash.stop.unverified", "missing", wordsOf(after.Missing, v.x.lang))
	}
	return v.leave("/round/"+found.ID, "flash.stop."+act)
}

func wordsOf(proofs []delivery.Proof, lang string) string {
	out := make([]string, len(proofs))
	for i, proof := range proofs {
		out[i] = proof.In(lang)
	}
	if lang == "en" {
		return strings.Join(out, ", ")
	}
	return strings.Join(out, "、")
}

// undo takes back what the courier has just reported by a wrong tap (DEL-529).
func (p *site) undo(v *view) error {
	if _, err := p.Delivery.Undo(v.ctx(), v.by, v.id(), v.form("undone")); err != nil {
		return p.done(v, err, form{"undo", ""}, p.stop)
	}
	return v.leave("/round/"+v.id(), "flash.stop.undone")
}

// photoFields are the pictures of the forms; photo is one that proves nothing
// by itself.
var photoFields = []string{"signature", "bag_photo", "receiver_photo", "photo"}

// ingest keeps the pictures of a form, then its event, which names them
// (DEL-601). What a person can still add is asked for before (DEL-410).
func (p *site) ingest(v *view, found delivery.ParcelView, kind delivery.EventType) (delivery.EventAnswer, error) {
	payload := payloadOf(v)
	refs := []string{}
	for _, name := range photoFields {
		sum, err := p.keepUpload(v, name)
		if err != nil {
			return delivery.EventAnswer{}, err
		}
		if sum != "" {
			refs = append(refs, sum)
			payload[name] = sum
		}
	}
	if kind == delivery.EventFailed {
		if err := delivery.CheckFailure(delivery.Outcome(v.form("outcome")), v.form("reason"), v.form("call_note"), len(refs)); err != nil {
			return delivery.EventAnswer{}, err
		}
	}
	body, err := json.Marshal(p.envelope(v, found, kind, payload, refs))
	if err != nil {
		return delivery.EventAnswer{}, err
	}
	answers, err := p.Delivery.Ingest(v.ctx(), v.by, delivery.Batch{
		Schema: delivery.EventSchema, SentAt: p.deviceTime(v, "sent_at"), Events: []json.RawMessage{body},
	})
	if err != nil {
		return delivery.EventAnswer{}, err
	}
	return answers[0], nil
}

// payloadOf is what was typed into the form, empty fields left out.
func payloadOf(v *view) map[string]any {
	payload := map[string]any{}
	for _, name := range []string{"outcome", "receiver", "reason", "call_note", "slot", "id_last4"} {
		if text := v.form(name); text != "" {
			payload[name] = text
		}
	}
	if code := digits(v.form("code")); code != "" {
		payload["code"] = code
	}
	if drawn := v.form("drawn"); json.Valid([]byte(drawn)) { // the strokes of the signature (DEL-605)
		payload["drawn"] = json.RawMessage(drawn)
	}
	return payload
}

// envelope is the event of a form (DEL-502). A page without script numbers
// nothing, so each of its events is a device of its own; a page with script
// writes down when the act was done, by the telephone's clock.
func (p *site) envelope(v *view, found delivery.ParcelView, kind delivery.EventType, payload map[string]any, refs []string) map[string]any {
	id := v.form("event")
	return map[string]any{
		"event_id": id, "device_id": "page-" + id, "seq": 1, "courier_id": v.by.ID, "parcel_id": found.ID,
		"attempt_id": v.form("attempt"), "type": string(kind), "occurred_device": p.deviceTime(v, "occurred"),
		"payload": payload, "proof_refs": refs,
	}
}

// deviceTime is an instant that the page's script wrote down, else now. No
// telephone runs by the demonstration's clock (DEC-9): there it is always now.
func (p *site) deviceTime(v *view, name string) string {
	if text := v.form(name); text != "" && p.Demo == nil {
		return text
	}
	return p.now().In(workday.Shanghai).Format(time.RFC3339Nano)
}
