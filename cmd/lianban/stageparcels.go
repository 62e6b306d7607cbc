package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/paper"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// The acts of the delivery half on a stage: a department hands over, the window
// signs and seals, a courier carries.

// owed is the result that a department owes a case.
func (s *stage) owed(c inspection.Case, key string) delivery.ResultLine {
	if s.err != nil {
		return delivery.ResultLine{}
	}
	lines, err := s.delivery.ListLines(s.ctx, s.officer(key), delivery.LineQuery{CaseID: c.ID})
	s.fail("read what "+key+" owes", err)
	if s.err == nil && len(lines) != 1 {
		s.err = fmt.Errorf("%s owes %d results of %s", key, len(lines), c.Number)
	}
	if s.err != nil {
		return delivery.ResultLine{}
	}
	return lines[0]
}

// handsOver lets a department release its results of a case, decided the
// working day before.
func (s *stage) handsOver(c inspection.Case, key string, titles ...string) delivery.TransferView {
	l := s.owed(c, key)
	decided, err := before(s.cal, workday.DateOf(s.dial.Now()), 1)
	s.fail("count days", err)
	if s.err != nil {
		return delivery.TransferView{}
	}
	r := delivery.ReleaseRequest{LineID: l.ID, DecidedOn: decided.String()}
	for _, title := range titles {
		r.New = append(r.New, delivery.NewItem{Class: delivery.ClassCertificate, Title: title})
	}
	t, err := s.delivery.Release(s.ctx, s.officer(key), r)
	s.fail(key+" hands over", err)
	return t
}

// sendsFile lets a department's result go as a file: the recipient agrees, the
// department supplies it, the window sends it.
func (s *stage) sendsFile(c inspection.Case, key, title string) {
	l := s.owed(c, key)
	decided, err := before(s.cal, workday.DateOf(s.dial.Now()), 1)
	s.fail("count days", err)
	if s.err != nil {
		return
	}
	clerk := s.clerk("lst")
	to, err := s.inspection.Addressee(s.ctx, clerk, c.ID)
	s.fail("read who receives it", err)
	flow := paper.NewFlow(paper.Head{Issuer: l.Department, Title: title, Number: "演示"})
	flow.Plain("本件为演示数据，不具有法律效力。")
	pdf, err := flow.Bytes()
	s.fail("draw the file", err)
	if s.err != nil {
		return
	}
	_, err = s.delivery.ConsentElectronic(s.ctx, clerk, delivery.ElectronicConsentRequest{
		CaseID: c.ID, Person: to.Name, Phone: to.Phone, Method: delivery.ByMail, Address: keeperMail, Channel: delivery.ChannelPhone, Lines: []string{l.ID},
	})
	s.fail("consent to a file", err)
	f, err := s.delivery.Supply(s.ctx, s.officer(key), delivery.SupplyRequest{
		LineID: l.ID, Class: delivery.ClassApproval, Title: title, DecidedOn: decided.String(), Signature: delivery.SignatureUnchecked, Body: pdf,
	})
	s.fail(key+" supplies a file", err)
	if s.err != nil {
		return
	}
	_, err = s.delivery.SendFile(s.ctx, clerk, f.ID)
	s.fail("send the file", err)
}

// signsFor is the window's signature: everything is there.
func (s *stage) signsFor(t delivery.TransferView) {
	if s.err != nil {
		return
	}
	_, err := s.delivery.Accept(s.ctx, s.clerk("lst"), delivery.AcceptRequest{TransferID: t.ID, Count: len(t.Items)})
	s.fail("sign for "+t.Number, err)
}

// seals packs all that lies at the window for a case.
func (s *stage) seals(c inspection.Case, way delivery.Way, bag string) delivery.Parcel {
	return s.seal(s.toSeal(c, way, bag))
}

// toSeal is the form that packs all that lies at the window for a case.
func (s *stage) toSeal(c inspection.Case, way delivery.Way, bag string) delivery.SealRequest {
	if s.err != nil {
		return delivery.SealRequest{}
	}
	offer, err := s.delivery.Offer(s.ctx, s.clerk("lst"), c.ID)
	s.fail("open the set of "+c.Number, err)
	r := delivery.SealRequest{
		CaseID: c.ID, Way: way, Bag: bag, IDLast4: demoLast4,
		To: delivery.Addressee{Name: c.Applicant.Agent, Phone: c.Applicant.Phone, Address: c.Site.Address, Lat: c.Site.Lat, Lon: c.Site.Lon},
	}
	for _, i := range offer.Items {
		r.Items = append(r.Items, i.ID)
	}
	return r
}

func (s *stage) seal(r delivery.SealRequest) delivery.Parcel {
	if s.err != nil {
		return delivery.Parcel{}
	}
	p, err := s.delivery.Seal(s.ctx, s.clerk("lst"), r)
	s.fail("seal for "+r.To.Name, err)
	s.pass(0) // the text with the code goes out
	return p
}

// demoLast4 is what every document of the demonstration ends in.
const demoLast4 = "021X"

// gives assigns a parcel to a courier, who has not signed for it yet.
func (s *stage) gives(p delivery.Parcel, courier string) {
	if s.err != nil {
		return
	}
	_, err := s.inspection.HandOver(s.ctx, s.clerk("lst"), s.delivery, inspection.HandOverRequest{ParcelID: p.ID, CourierID: s.people[courier].ID})
	s.fail("hand "+p.Number+" over", err)
}

// takes is the courier's signature under parcels.
func (s *stage) takes(courier string, parcels ...delivery.Parcel) {
	var numbers []string
	for _, p := range parcels {
		numbers = append(numbers, p.Number)
	}
	if s.err != nil {
		return
	}
	taken, err := s.delivery.TakeOver(s.ctx, s.people[courier], numbers)
	s.fail(courier+" takes over", err)
	for _, t := range taken {
		if t.Parcel == nil {
			s.fail(courier+" takes over", fmt.Errorf("%s: %s", t.Number, t.Text))
		}
	}
}

// deed is one act of a courier as its telephone writes it down.
type deed struct {
	parcel  delivery.Parcel
	what    delivery.EventType
	attempt string // empty: one try for each parcel
	at      time.Time
	says    map[string]any
}

// sends uploads what a courier has done, in its order; a deed without a time is
// done now.
func (s *stage) sends(courier string, deeds ...deed) []delivery.EventAnswer {
	var events []json.RawMessage
	for _, d := range deeds {
		event, err := json.Marshal(s.record(s.people[courier], d))
		s.fail("write down", err)
		events = append(events, event)
	}
	if s.err != nil {
		return nil
	}
	answers, err := s.delivery.Ingest(s.ctx, s.people[courier], delivery.Batch{
		Schema: delivery.EventSchema, SentAt: stamp(s.dial.Now()), Events: events,
	})
	s.fail(courier+" sends", err)
	for _, a := range answers {
		if a.Result != delivery.EventAccepted {
			s.fail(courier+" sends", fmt.Errorf("%s: %s", a.Code, a.Text))
		}
	}
	s.pass(0) // the applicant is told
	return answers
}

func stamp(at time.Time) string { return at.In(workday.Shanghai).Format(time.RFC3339Nano) }

// record is the envelope of a deed (DEL-502).
func (s *stage) record(courier auth.Actor, d deed) map[string]any {
	if d.at.IsZero() {
		d.at = s.dial.Now()
	}
	if d.attempt == "" {
		d.attempt = "try-1-" + d.parcel.Number
	}
	if d.says == nil {
		d.says = map[string]any{}
	}
	s.records++
	return map[string]any{
		"event_id": uuid.Must(uuid.NewV7()).String(), "device_id": "phone-" + courier.ID, "seq": s.records, "courier_id": courier.ID,
		"parcel_id": d.parcel.ID, "attempt_id": d.attempt, "type": d.what, "occurred_device": stamp(d.at), "payload": d.says, "proof_refs": []string{},
	}
}

var sixDigits = regexp.MustCompile(`码(\d{6})`)

// code is what the receiver reads in the last text about a parcel.
func (s *stage) code(p delivery.Parcel) string {
	text := s.textTo(p, notify.PurposeCode, delivery.CodeSubject(p.ID))
	if found := sixDigits.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	s.fail("read the code", fmt.Errorf("no code in %q", text))
	return ""
}

// tokenOf is the secret part of the link that an applicant got by mail.
func (s *stage) tokenOf(address string) string {
	if s.err != nil {
		return ""
	}
	path, err := s.applicantPath(s.ctx, address)
	s.fail("read the link of "+address, err)
	return strings.TrimPrefix(path, "/a/")
}

// textTo is the last text of a purpose that the receiver got.
func (s *stage) textTo(p delivery.Parcel, purpose, subject string) (text string) {
	if s.err != nil {
		return ""
	}
	err := s.db.Read(s.ctx, func(q bun.IDB) error {
		all, err := notify.ListBySubject(s.ctx, q, subject, purpose)
		for _, m := range all {
			text = m.Text
		}
		return err
	})
	if err == nil && text == "" {
		err = fmt.Errorf("no %s was sent for %s", purpose, p.Number)
	}
	s.fail("read the outbox", err)
	return text
}
