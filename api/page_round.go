package api

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"lianban/delivery"
	"lianban/internal/auth"
)

// roundPages are a courier's day on a telephone. They work without script; with
// it a form is kept on the telephone until the server has answered (DEL-1002).
func (p *site) roundPages() {
	p.on(Route{Method: http.MethodGet, Path: "/round", Act: "pageRound", Who: anywhere(auth.Courier)}, p.round)
	p.on(Route{Method: http.MethodPost, Path: "/round/take", Act: "pageTakeOver", Who: anywhere(auth.Courier)}, p.takeOver)
	p.orderPages()
	p.on(Route{Method: http.MethodGet, Path: "/round/{id}", Act: "pageStop", Who: onRound}, p.stop)
	p.on(Route{
		Method: http.MethodPost, Path: "/round/{id}", Act: "pageReportEvent", Who: onRound, Rate: drainRate, Body: 3 * delivery.MaxProof,
	}, p.report)
	p.on(Route{Method: http.MethodPost, Path: "/round/{id}/undo", Act: "pageUndoEvent", Who: onRound}, p.undo)
}

// onRound is the courier who has the parcel; for others it does not exist.
var onRound = Who{Own: []auth.Role{auth.Courier}, See: []auth.Role{auth.Courier}, Else: http.StatusNotFound}

// drainRate lets the forms and photos of a day without a network through at once
// (DEL-601).
var drainRate = rateClass{name: "drain", every: time.Hour / 600, burst: 200}

// roundPage is what a courier has to do: parcels to take over, then stops.
type roundPage struct {
	Taking []stopLine
	Plan   plannedPart
	Rest   []stopLine  // no way is planned to them
	Taken  []takenLine // answers to the numbers just scanned
	Ready  []string    // ids of stops that the round may set out with
	Me     string
	Search string
}

// stopLine is one parcel of the round in words.
type stopLine struct {
	delivery.Stop
	Word    string
	Classes []string
	Missing []string
}

// takenLine answers one number.
type takenLine struct {
	Number, Text string
	OK           bool
}

func (p *site) round(v *view) error { return p.showRound(v, nil) }

func (p *site) showRound(v *view, taken []takenLine) error {
	v.here = "/round"
	round, err := p.Delivery.FindRound(v.ctx(), v.by, v.by.ID)
	if err != nil {
		return err
	}
	d := roundPage{Taken: taken, Me: v.by.ID, Search: v.query("q"), Plan: p.plannedOf(v, round)}
	d.Plan.Action, d.Plan.To = "/round/order", "/round/"
	found := func(line stopLine) bool { return holds(d.Search, line.Number, line.Name, line.Address, line.Word) }
	for _, s := range round.Taking {
		if line := p.stopLineOf(v, s); found(line) {
			d.Taking = append(d.Taking, line)
		}
	}
	for _, s := range round.Rest {
		if line := p.stopLineOf(v, s); found(line) {
			d.Rest = append(d.Rest, line)
		}
	}
	if d.Search != "" { // what was looked for, with its place in the whole order
		for _, s := range d.Plan.Stops {
			for _, line := range s.Things() {
				if found(line) {
					d.Rest = append(d.Rest, line)
				}
			}
		}
		d.Plan.Stops = nil
	}
	return p.show(v, "round", d)
}

func (p *site) stopLineOf(v *view, s delivery.Stop) stopLine {
	line := stopLine{Stop: s, Word: s.State.Word(v.x.lang)}
	for _, c := range s.Classes {
		line.Classes = append(line.Classes, c.In(v.x.lang))
	}
	for _, proof := range s.Missing {
		line.Missing = append(line.Missing, proof.In(v.x.lang))
	}
	return line
}

// takeOver acknowledges what the window handed over, one scanned number or
// several (DEL-910). What cannot be taken over is named, the rest is.
func (p *site) takeOver(v *view) error {
	numbers := strings.FieldsFunc(v.form("numbers"), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",，、;；", r) })
	answers, err := p.Delivery.TakeOver(v.ctx(), v.by, numbers)
	if err != nil {
		return p.done(v, err, form{"take", ""}, p.round)
	}
	var taken []takenLine
	for _, a := range answers {
		line := takenLine{Number: a.Number, Text: a.Text, OK: a.Parcel != nil}
		if line.OK {
			line.Text = p.say(v, "round.taken")
		} else if key := "taken." + a.Code; p.set.Has(key) {
			line.Text = p.say(v, key)
		}
		taken = append(taken, line)
	}
	return p.showRound(v, taken)
}

// stopPage is one stop: who may take the parcel, what they have to show, and
// the forms of what can happen at the door.
type stopPage struct {
	Stop      stopLine
	Receivers []stopReceiver
	Proofs    string
	Needs     map[string]bool // proofs that some way of showing asks for
	Failures  []option
	Attempt   string
	Events    map[string]string // id for each form, made now: sent twice it is one event (DEL-503)
	Me        string
	Phone     string // in full once its showing is recorded (DEL-1012)
	Bag       string
	Next      string
	Pieces    []delivery.PieceView // that the courier has of the same sending (DEL-402)
	Whole     delivery.ParcelState
	Undo      delivery.StepView // what can still be taken back; without an id: nothing (DEL-529)
	NextTry   time.Time         // until then another try is no second attempt (DEL-802)
}

// stopReceiver is one kind of receiver as the form offers it.
type stopReceiver struct {
	Outcome, Text, Proofs string
	Agent                 string
	Chosen                bool
}

// stop shows one stop of the courier's round.
func (p *site) stop(v *view) error {
	v.here = "/round/" + v.id()
	found, line, err := p.stopOf(v)
	if err != nil {
		return err
	}
	d := stopPage{
		Stop: line, Proofs: found.Demand.Proofs.In(v.x.lang), Needs: map[string]bool{}, Me: v.by.ID, Bag: found.Bag,
		Attempt: attemptOf(found), Events: map[string]string{}, Next: string(found.State), Phone: phoneShown(found, v.by),
		Whole: found.Whole,
	}
	if found.NextTry.After(p.now()) {
		d.NextTry = found.NextTry
	}
	if n := slices.IndexFunc(found.Steps, func(s delivery.StepView) bool { return !s.UndoUntil.IsZero() }); n >= 0 {
		d.Undo = found.Steps[n]
	}
	if len(found.Sending) > 1 {
		d.Pieces = found.Sending
	}
	for _, act := range stopActs {
		d.Events[act] = uuid.Must(uuid.NewV7()).String()
	}
	for _, a := range line.Receive {
		if one, ok := p.stopReceiverOf(v, found, a); ok {
			d.add(one, p.say(v, "list.comma"))
		}
		for _, alternative := range found.Demand.ProofsOf(a.Receiver) {
			for _, proof := range alternative {
				d.Needs[string(proof)] = true
			}
		}
	}
	for _, row := range delivery.Outcomes {
		if row.Fault != "" && row.Fault != delivery.FaultCarrier {
			chosen := v.tried.Chose("failed", "", "outcome", string(row.Outcome))
			d.Failures = append(d.Failures, option{string(row.Outcome), row.Outcome.Word(v.x.lang), chosen})
		}
	}
	return p.show(v, "stop", d)
}

// add puts a kind of receiver on the form, beside those that are reported as the
// same outcome and show the same.
func (d *stopPage) add(one stopReceiver, comma string) {
	for i := range d.Receivers {
		if same := &d.Receivers[i]; same.Outcome == one.Outcome {
			same.Text += comma + one.Text
			return
		}
	}
	d.Receivers = append(d.Receivers, one)
}

// stopActs are the forms of a stop, by the event that each reports.
var stopActs = []string{"started", "arrived", "delivered", "failed", "rescheduled", "returning", "contact_revealed"}

// stopOf finds a stop of the reader's round with its parcel.
func (p *site) stopOf(v *view) (delivery.ParcelView, stopLine, error) {
	found, err := p.Delivery.FindParcel(v.ctx(), v.by, v.id())
	if err != nil {
		return found, stopLine{}, err
	}
	stops, err := p.Delivery.MyRound(v.ctx(), v.by)
	if err != nil {
		return found, stopLine{}, err
	}
	for _, s := range stops {
		if s.ParcelID == found.ID {
			return found, p.stopLineOf(v, s), nil
		}
	}
	// It has left the round: what was done there can still be looked at.
	to := found.Receiver.Masked()
	return found, p.stopLineOf(v, delivery.Stop{
		ParcelID: found.ID, Number: found.Number, Name: to.Name, Phone: to.Phone, Address: to.Address, State: found.State, Due: found.DueAt,
		Missing: found.Missing, Piece: found.Piece, Pieces: found.Pieces,
	}), nil
}

// outcomeOf is how a hand-over to each kind of receiver is reported. The legal
// representative signs as the recipient.
var outcomeOf = map[delivery.Receiver]delivery.Outcome{
	delivery.ReceiverRecipient: delivery.ToRecipient, delivery.ReceiverNamedAgent: delivery.ToAgent,
	delivery.ReceiverMailRoom: delivery.ToMailRoom, delivery.ReceiverProxy: delivery.ToProxy, delivery.ReceiverLocker: delivery.ToLocker,
	delivery.ReceiverLegal: delivery.ToRecipient,
}

// stopReceiverOf offers a kind of receiver. Who needs a consent or a power of
// attorney that is not on record is not offered at the door (DEL-205).
func (p *site) stopReceiverOf(v *view, found delivery.ParcelView, a delivery.Allowance) (stopReceiver, bool) {
	outcome, ok := outcomeOf[a.Receiver]
	if !ok || a.Receiver == delivery.ReceiverNamedAgent && found.Receiver.Agent == "" {
		return stopReceiver{}, false
	}
	consent := false
	for _, c := range found.Receiver.Consents {
		consent = consent || c.Receiver == a.Receiver
	}
	if a.Consent && !consent {
		return stopReceiver{}, false
	}
	one := stopReceiver{Outcome: string(outcome), Text: a.Receiver.In(v.x.lang), Proofs: found.Demand.ProofsOf(a.Receiver).In(v.x.lang)}
	if a.Receiver == delivery.ReceiverNamedAgent {
		one.Agent = found.Receiver.Agent
	}
	one.Chosen = v.tried.Chose("delivered", "", "outcome", one.Outcome)
	return one, true
}

// attemptOf is the attempt under way, or a new one (DEL-801).
func attemptOf(found delivery.ParcelView) string {
	if n := len(found.Tries); n > 0 && found.Tries[n-1].Ended.IsZero() {
		return found.Tries[n-1].AttemptID
	}
	return uuid.Must(uuid.NewV7()).String()
}

// phoneShown is the number to call: in full when the reader has asked for it,
// which is recorded (DEL-1012).
func phoneShown(found delivery.ParcelView, by auth.Actor) string {
	for _, s := range found.Steps {
		if s.Type == delivery.EventContactRevealed && s.CourierID == by.ID {
			return found.Receiver.Phone
		}
	}
	return ""
}
