package api

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"lianban/delivery"
	"lianban/internal/paper"
)

// parcelPage is all that a window needs about one parcel.
type parcelPage struct {
	Parcel       delivery.ParcelView
	Word         string
	Next         string // what is to be done next: a word of parcel.next
	Way          string
	Ground       []string
	Lines        []string // arithmetic of the promise (DEL-730)
	Result       string
	To           delivery.Addressee // masked
	Items        []sealItem
	Proofs       string
	Missing      []string
	Steps        []parcelStep
	Tries        []parcelTry
	Open         []parcelException
	Couriers     []option
	Once         string
	May          map[string]bool
	Trouble      []troubleAct
	Pauses       []parcelPause
	PauseReasons []option // for another pause; none: not now
	Unproven     string   // event whose delivery waits for confirmation
	Papers       []delivery.PaperKind
	Rare         []paper.Rare // characters to write in by hand
	Alerts       []alertLine
	Replace      []string // how what was lost is made good, by class
	MayFault     bool
	Faults       []delivery.Fault
}

// parcelStep is one line of the parcel's history, newest first.
type parcelStep struct {
	delivery.StepView
	Text, Note, Who string
	Tone            string
	Doubts          []string // why its time does not count
	MayAcceptTime   bool
	MayDeclare      bool
}

type parcelTry struct {
	delivery.AttemptRecord
	N                int
	Result, FaultKey string
	Before           string // side of its outcome, where a supervisor changed it
}

// parcelException is one thing to look at, and the step that it is about.
type parcelException struct {
	Text, Step string
	At         time.Time
}

// parcel shows one parcel to its window, to supervisors and auditors.
func (p *site) parcel(v *view) error {
	v.here = "/parcels/" + v.id()
	found, err := p.Delivery.FindParcel(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	lang := v.x.lang
	d := parcelPage{
		Parcel: found, Word: found.State.Word(lang), Way: found.Way.In(lang), To: found.Receiver.Masked(), Once: newOnce(),
		Lines: found.Ledger.Lines(lang), Result: found.Verdict.Line(lang), Proofs: found.Demand.Proofs.In(lang),
	}
	for _, g := range found.Ground {
		d.Ground = append(d.Ground, g.Class.In(lang)+p.say(v, "colon")+g.In(lang))
	}
	for _, i := range found.Items {
		d.Items = append(d.Items, sealItem{Item: i, ClassWord: i.Class.In(lang)})
	}
	for _, proof := range found.Missing {
		d.Missing = append(d.Missing, proof.In(lang))
	}
	p.fillHistory(v, &d)
	p.fillLate(v, &d)
	p.fillPauses(v, &d)
	if err := p.fillActs(v, &d); err != nil {
		return err
	}
	if d.Papers, d.Rare, err = papersOf(v, found); err != nil {
		return err
	}
	if err := p.fillTrouble(v, &d); err != nil {
		return err
	}
	return p.show(v, "parcel", d)
}

// fillLate words what ran late, and how what was lost is made good (DEL-807).
func (p *site) fillLate(v *view, d *parcelPage) {
	for _, a := range d.Parcel.Alerts {
		d.Alerts = append(d.Alerts, v.lineOfAlert(a))
	}
	d.MayFault = v.supervises(d.Parcel.CentreID)
	d.Faults = []delivery.Fault{delivery.FaultOurs, delivery.FaultApplicant, delivery.FaultCarrier, delivery.FaultMajeure}
	if d.Parcel.State != delivery.ParcelLost {
		return
	}
	var classes []delivery.Class
	for _, i := range d.Parcel.Items {
		if !slices.Contains(classes, i.Class) {
			classes = append(classes, i.Class)
			d.Replace = append(d.Replace, i.Class.In(v.x.lang)+p.say(v, "colon")+i.Class.Replacement(v.x.lang))
		}
	}
}

// fillHistory words steps, attempts and exceptions.
func (p *site) fillHistory(v *view, d *parcelPage) {
	lang, window := v.x.lang, v.organises(d.Parcel.CentreID)
	for _, s := range slices.Backward(d.Parcel.Steps) {
		d.Steps = append(d.Steps, p.stepOf(v, s, window, v.supervises(d.Parcel.CentreID)))
	}
	for i, try := range d.Parcel.Tries {
		line := parcelTry{AttemptRecord: try, N: i + 1, Result: try.Outcome.Word(lang), FaultKey: string(try.Fault)}
		if try.Fault != try.DefaultFault {
			line.Before = string(try.DefaultFault)
		}
		d.Tries = append(d.Tries, line)
	}
	for _, e := range d.Parcel.Open {
		line := parcelException{Text: e.Code.Word(lang)}
		for _, s := range d.Parcel.Steps {
			if s.ID == e.EventID {
				line.Step, line.At = p.say(v, "parcel_event."+string(s.Type)), s.At
			}
		}
		d.Open = append(d.Open, line)
	}
}

// factsOf reads what people wrote into an event.
func factsOf(row delivery.EventRow) (f delivery.Facts) {
	_ = json.Unmarshal(row.Payload, &f) // stored payloads were read before
	return f
}

// stepOf words one step of the history.
func (p *site) stepOf(v *view, s delivery.StepView, window, supervisor bool) parcelStep {
	facts := factsOf(s.EventRow)
	step := parcelStep{StepView: s, Text: p.say(v, "parcel_event."+string(s.Type)), Tone: stepTone(s)}
	if facts.Outcome != "" {
		step.Text += p.say(v, "colon") + facts.Outcome.Word(v.x.lang)
	}
	var notes []string
	for _, note := range []string{facts.Receiver, facts.Slot, facts.Reason, facts.CallNote} {
		if note != "" {
			notes = append(notes, note)
		}
	}
	for _, q := range facts.Asked {
		notes = append(notes, p.say(v, "parcel.asked", "question", q.Asked, "answer", q.Answer))
	}
	step.Note = strings.Join(notes, " · ")
	for _, reason := range s.Checked.Reasons {
		step.Doubts = append(step.Doubts, delivery.ClockReasonWord(reason, v.x.lang))
	}
	for _, proof := range s.Missing {
		step.Note = strings.TrimPrefix(step.Note+" · "+p.say(v, "parcel.lacks")+proof.In(v.x.lang), " · ")
	}
	step.MayAcceptTime = supervisor && s.Quality == delivery.QualityC && s.Verdict == delivery.Applied
	step.MayDeclare = window && s.Type.Moves() && s.Verdict != delivery.Declared && s.Type != delivery.EventSealed
	return step
}

// stepTone colours a step of the history.
func stepTone(s delivery.StepView) string {
	switch {
	case s.Verdict == delivery.Declared || s.Verdict == delivery.Clashed, s.Type == delivery.EventFailed, s.Type == delivery.EventLost, s.Type == delivery.EventDamaged:
		return "bad"
	case s.State == delivery.ParcelUnverified, s.Quality == delivery.QualityC:
		return "warn"
	case s.State == delivery.ParcelDelivered || s.State == delivery.ParcelCollected:
		return "good"
	}
	return ""
}

// fillActs decides what the reader is offered. The domain decides again when
// one is done.
func (p *site) fillActs(v *view, d *parcelPage) error {
	found, window := d.Parcel, v.organises(d.Parcel.CentreID)
	held := found.State == delivery.ParcelSealed && found.HandedOverAt.IsZero()
	if found.State == delivery.ParcelUnverified {
		d.Unproven = found.Steps[lastMove(found.Steps)].ID
	}
	d.May = map[string]bool{
		"handover": window && held && found.Way == delivery.WayOwnCourier,
		"post":     window && held && found.Way == delivery.WayEMS,
		"ask":      window && found.Waybill != nil && !found.State.Terminal(),
		"cancel":   window && held,
		"collect":  window && held,
		"confirm":  window && d.Unproven != "",
		"returned": window && slices.Contains(comesBack, found.State),
		"code":     window && !found.State.Terminal() && found.CodeLeft > 0 && found.Way != delivery.WayEMS && !slices.Contains(offTheWay, found.State),
		"again":    window && found.State == delivery.ParcelReturned,
	}
	d.Next = string(found.State)
	if found.State == delivery.ParcelSealed && found.Way == delivery.WayEMS {
		d.Next = "to_post"
	}
	if found.State == delivery.ParcelSealed && found.Way == delivery.WayWindow {
		d.Next = "to_collect"
	}
	if held && found.CourierID != "" {
		d.Next = "assigned"
	}
	if !window || !p.set.Has("parcel.next."+d.Next) {
		d.Next = ""
	}
	if !d.May["handover"] {
		return nil
	}
	list, err := p.Delivery.Couriers(v.ctx(), v.by)
	for _, c := range list {
		text := c.Name + " · " + p.say(v, "parcel.load", "n", c.Load)
		d.Couriers = append(d.Couriers, option{c.ID, text, c.ID == found.CourierID})
	}
	return err
}

// comesBack are the states in which the window may take a parcel back, also
// without the courier's word.
var comesBack = []delivery.ParcelState{
	delivery.ParcelReturning, delivery.ParcelHandedOver, delivery.ParcelAttemptFailed, delivery.ParcelRescheduled, delivery.ParcelOnHold,
}

// offTheWay are the states in which no receiver needs a code.
var offTheWay = []delivery.ParcelState{delivery.ParcelReturning, delivery.ParcelLost, delivery.ParcelDamaged, delivery.ParcelUnverified}

// lastMove is the last step that a delivery was claimed by.
func lastMove(steps []delivery.StepView) int {
	last := 0
	for i, s := range steps {
		if s.Verdict == delivery.Applied && s.Type == delivery.EventDelivered {
			last = i
		}
	}
	return last
}

// onParcel ends an act on a parcel: back to it, or the page with the refusal.
// Who may not read it learns nothing of it (SEC-3).
func (p *site) onParcel(v *view, f form, act func(found delivery.ParcelView) ([]string, error)) error {
	found, err := p.Delivery.FindParcel(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	flash, err := act(found)
	if err != nil {
		return p.done(v, err, f, p.parcel)
	}
	return v.leave("/parcels/"+v.id(), flash[0], flash[1:]...)
}

func (p *site) cancelParcel(v *view) error {
	return p.onParcel(v, form{"cancel", ""}, func(delivery.ParcelView) ([]string, error) {
		_, err := p.Delivery.CancelParcel(v.ctx(), v.by, v.id(), v.form("reason"))
		return []string{"flash.parcel.cancelled"}, err
	})
}

// confirmDelivery settles a delivery whose proof was not complete, after a call with
// two questions (DEL-422, 602, 612).
func (p *site) confirmDelivery(v *view) error {
	return p.onParcel(v, form{"confirm", ""}, func(delivery.ParcelView) ([]string, error) {
		_, err := p.Delivery.Confirm(v.ctx(), v.by, delivery.Verification{
			ParcelID: v.id(), EventID: v.form("event"), Reason: v.form("reason"),
			Asked: []delivery.Question{{Asked: v.form("asked1"), Answer: v.form("answer1")}, {Asked: v.form("asked2"), Answer: v.form("answer2")}},
		})
		return []string{"flash.parcel.confirmed"}, err
	})
}

// declareEvent says that an event did not happen, or not so (DEL-526).
func (p *site) declareEvent(v *view) error {
	event := v.form("event")
	return p.onParcel(v, form{"declare", event}, func(delivery.ParcelView) ([]string, error) {
		_, err := p.Delivery.Declare(v.ctx(), v.by, v.id(), event, v.form("kind"), v.form("reason"))
		return []string{"flash.parcel.declared"}, err
	})
}

// acceptTime lets the device's time of an event count (SIM-15).
func (p *site) acceptTime(v *view) error {
	event := v.form("event")
	return p.onParcel(v, form{"accept-time", event}, func(delivery.ParcelView) ([]string, error) {
		_, err := p.Delivery.AcceptTime(v.ctx(), v.by, v.id(), event, v.form("reason"))
		return []string{"flash.parcel.time"}, err
	})
}

func (p *site) acceptReturn(v *view) error {
	return p.onParcel(v, form{"returned", ""}, func(delivery.ParcelView) ([]string, error) {
		count, _ := strconv.Atoi(v.form("count")) // what is no number does not match
		_, err := p.Delivery.AcceptReturn(v.ctx(), v.by, delivery.ReturnRequest{ParcelID: v.id(), Seal: v.form("bag_state"), Count: count, Note: v.form("note")})
		return []string{"flash.parcel.returned"}, err
	})
}

// collectParcel hands the parcel over at the window (DEL-221).
func (p *site) collectParcel(v *view) error {
	return p.onParcel(v, form{"collect", ""}, func(delivery.ParcelView) ([]string, error) {
		sum, err := p.keepUpload(v, "signature")
		if err != nil {
			return nil, err
		}
		_, err = p.Delivery.Collect(v.ctx(), v.by, delivery.CollectRequest{
			ParcelID: v.id(), Code: digits(v.form("code")), IDLast4: v.form("id_last4"), Receiver: v.form("receiver"),
			Signature: sum, Why: v.form("why"),
		})
		return []string{"flash.parcel.collected"}, err
	})
}

// newCode sends the receiver another code; the old one is void (DEL-611).
func (p *site) newCode(v *view) error {
	return p.onParcel(v, form{"code", ""}, func(delivery.ParcelView) ([]string, error) {
		_, err := p.Delivery.NewCode(v.ctx(), v.by, v.id())
		return []string{"flash.parcel.code"}, err
	})
}

// proof shows a photo or signature of a parcel.
func (p *site) proof(v *view) error {
	blob, body, err := p.Delivery.OpenBlob(v.ctx(), v.by, v.id(), v.r.PathValue("sum"))
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", blob.Media)
	_, _ = v.w.Write(body) // a reader who is gone cannot be told
	return nil
}
