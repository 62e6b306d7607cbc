package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/uptrace/bun"

	"lianban/internal/office"
	"lianban/notify"
)

// messageFacts are what a text is composed from when it is sent.
type messageFacts struct {
	Parcel  string      `json:"parcel,omitempty"`
	Line    string      `json:"line,omitempty"`
	Alert   string      `json:"alert,omitempty"`
	File    string      `json:"file,omitempty"`
	Case    string      `json:"case,omitempty"`
	Number  string      `json:"number,omitempty"`  // that the receiver tracks with
	Nth     int         `json:"nth,omitempty"`     // which code it is
	Sending bool        `json:"sending,omitempty"` // it tells the codes of all pieces
	Outcome string      `json:"outcome,omitempty"`
	Pause   PauseReason `json:"pause,omitempty"`
}

// applicantContact is the contact of messages to the applicant.
const applicantContact = "applicant"

// CodeSubject is the subject of the texts with a parcel's code; it lets a code that has not gone out yet be dropped.
func CodeSubject(parcelID string) string { return parcelID + "/code" }

// queueCode has the receiver sent a code. The value does not exist yet: it is
// made with the text (DEL-610).
func (d *Desk) queueCode(ctx context.Context, tx bun.IDB, p Parcel, nth int) error {
	m, err := d.text(p, notify.PurposeCode, CodeSubject(p.ID), strconv.Itoa(nth), messageFacts{Parcel: p.ID, Nth: nth})
	if err != nil {
		return err
	}
	return notify.Queue(ctx, tx, d.now(), m)
}

// queueFirstCode has the receiver told the codes of what was sealed just now, of
// several pieces all in one text: a telephone has room for few a day (ICA-104).
// The postman asks for no code of ours.
func (d *Desk) queueFirstCode(ctx context.Context, tx bun.IDB, sealed []Parcel) error {
	first := sealed[0]
	switch {
	case first.Way == WayEMS:
		return nil
	case len(sealed) == 1:
		return d.queueCode(ctx, tx, first, 0)
	}
	m, err := d.text(first, notify.PurposeCode, CodeSubject(first.SendingID), "sending", messageFacts{Parcel: first.ID, Sending: true})
	if err != nil {
		return err
	}
	return notify.Queue(ctx, tx, d.now(), m)
}

func (d *Desk) stopCode(ctx context.Context, tx bun.IDB, parcelID string) error {
	return notify.Cancel(ctx, tx, d.now(), CodeSubject(parcelID))
}

// noticeOf are the states that the applicant is told of, with the purpose of the
// text.
var noticeOf = map[ParcelState]string{
	ParcelDelivered: notify.PurposeDelivered, ParcelAttemptFailed: notify.PurposeAttempt, ParcelReturned: notify.PurposeBack,
	ParcelLost: notify.PurposeHarm, ParcelDamaged: notify.PurposeHarm, ParcelWrittenOff: notify.PurposeGone,
}

// notice is what the applicant is told of the present state, once for each
// attempt and state (DEL-527): that the parcel arrived, or that an attempt
// failed. A text that still waits when its state has passed is dropped, so what
// is said does not depend on the order in which events came in.
func (d *Desk) notice(p Parcel, f Folded) ([]notify.Message, error) {
	key, ok := f.Notice()
	if !ok || noticeOf[key.State] == "" {
		return nil, nil
	}
	facts := messageFacts{Parcel: p.ID}
	if key.State == ParcelLost || key.State == ParcelDamaged {
		facts.Outcome = map[ParcelState]string{ParcelLost: string(OutcomeLost), ParcelDamaged: string(OutcomeDamaged)}[key.State]
	}
	for _, a := range f.Attempts {
		if key.State == ParcelAttemptFailed && a.EndEvent == f.EventID {
			facts.Outcome = string(a.Outcome)
		}
	}
	m, err := d.text(p, noticeOf[key.State], p.ID, key.AttemptID, facts)
	return []notify.Message{m}, err
}

// text is a text of a parcel; one with the same purpose and key is queued once
// only.
func (d *Desk) text(p Parcel, purpose, subject, key string, facts messageFacts) (notify.Message, error) {
	body, err := json.Marshal(facts)
	return notify.Message{
		Key: purpose + "/" + p.ID + "/" + applicantContact + "/" + notify.SMS + "/" + key, Purpose: purpose, Channel: notify.SMS,
		Address: p.Receiver.Phone, Lang: "zh", Subject: subject, Contact: applicantContact, Stream: Stream(p.CaseID), Facts: body,
	}, err
}

var purposes = []string{
	notify.PurposeCode, notify.PurposeDelivered, notify.PurposeAttempt, notify.PurposePaused, notify.PurposeResumed, notify.PurposeOwed,
	notify.PurposeBack, notify.PurposeHarm, notify.PurposeGone, notify.PurposeAlert, notify.PurposeFile, notify.PurposeTrack,
	notify.PurposeRate,
}

// Composes reports whether Compose writes the messages of a purpose.
func Composes(purpose string) bool {
	return slices.Contains(purposes, purpose)
}

// Compose makes the text of a parcel's message when it is sent (SIM-5), on the
// transaction that stores it. It takes no lock but that of the code.
func (d *Desk) Compose(ctx context.Context, tx bun.IDB, m notify.Message) (notify.Body, error) {
	var facts messageFacts
	if err := json.Unmarshal(m.Facts, &facts); err != nil {
		return notify.Body{}, fmt.Errorf("facts of message %s: %w", m.ID, err)
	}
	switch m.Purpose {
	case notify.PurposeOwed:
		return d.composeOwed(ctx, tx, m, facts)
	case notify.PurposeAlert:
		return d.composeAlert(ctx, tx, m, facts)
	case notify.PurposeFile:
		return d.composeFile(ctx, tx, m, facts)
	case notify.PurposeTrack:
		return d.composeLink(ctx, tx, m, facts)
	case notify.PurposeRate:
		return d.composeRate(ctx, tx, m, facts)
	}
	p, err := findParcel(ctx, tx, facts.Parcel)
	if err != nil {
		return notify.Body{}, err
	}
	centre, err := office.FindCentre(ctx, tx, p.CentreID)
	if err != nil {
		return notify.Body{}, err
	}
	out := notify.Facts{
		Parcel: p.named(m.Lang), Due: p.DueAt, Pickup: p.Way == WayWindow, Centre: centre.Name, Phone: centre.Phone, Signature: d.Signature,
		Reason: Outcome(facts.Outcome).Word(m.Lang),
	}
	if facts.Pause != "" {
		out.Reason = facts.Pause.In(m.Lang)
	}
	switch {
	case facts.Sending:
		out.Parcel = p.Number
		out.Codes, err = d.makeCodes(ctx, tx, p, m)
	case m.Purpose == notify.PurposeCode:
		out.Code, err = d.makeCode(ctx, tx, p, facts.Nth, m)
	}
	if err != nil {
		return notify.Body{}, err
	}
	return notify.RenderSMS(m.Lang, m.Purpose, out)
}

// named is how a text names a parcel: a piece says which it is (DEL-402).
func (p Parcel) named(lang string) string {
	if !p.Several() {
		return p.Number
	}
	return p.Number + fmt.Sprintf(map[string]string{"zh": "（第%s件）", "en": " (piece %s)"}[lang], p.nth())
}

// makeCodes makes a code for each piece of a sending that was sealed with this
// one and has not ended yet.
func (d *Desk) makeCodes(ctx context.Context, tx bun.IDB, first Parcel, m notify.Message) (out []string, err error) {
	pieces, err := parcelsOfSending(ctx, tx, first.SendingID)
	if err != nil {
		return nil, err
	}
	for _, p := range pieces {
		if !p.SealedAt.Equal(first.SealedAt) {
			continue
		}
		code, err := d.makeCode(ctx, tx, p, 0, m)
		if err != nil {
			return nil, err
		}
		out = append(out, code)
	}
	return out, nil
}

// makeCode makes the receiver's code and keeps its keyed hash. A code that was
// replaced meanwhile opens nothing: its text goes out with a value that is
// stored nowhere.
func (d *Desk) makeCode(ctx context.Context, tx bun.IDB, p Parcel, nth int, m notify.Message) (string, error) {
	code, err := newCode()
	if err != nil {
		return "", err
	}
	s, ok, err := lockSecret(ctx, tx, p.ID, SecretCode)
	if err != nil || !ok || s.Resent != nth {
		return code, err
	}
	s.Hash, s.MadeAt = d.hide(p.ID, SecretCode, code), m.ComposedAt
	return code, updateSecret(ctx, tx, &s)
}
