package invite

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-ical"
)

// Names of our own. No reader depends on them, ours included (ICA-26).
const (
	propRound     = "X-LIANBAN-ROUND"
	propRespondBy = "X-LIANBAN-RESPOND-BY"
	propDeemed    = "X-LIANBAN-DEEMED"
)

const (
	prodID     = "-//Lianban//Invite 1//ZH"
	version    = "2.0"
	beginEvent = "BEGIN:VEVENT\r\n"
)

// Request builds the REQUEST of a Round, also for one more contact. Attendees
// without a PartStat are asked: NEEDS-ACTION with RSVP=TRUE (ICA-76). An Event
// that cannot be said in a valid object is an error, and nothing may be sent.
func Request(e Event) ([]byte, error) {
	if err := e.checkRequest(); err != nil {
		return nil, fmt.Errorf("invite: REQUEST of %s: %w", e.UID, err)
	}
	o := e.object(MethodRequest)
	o.Status = StatusConfirmed
	o.Location = cleanText(e.Location)
	o.Description = cleanText(e.description())
	o.Related = e.Related
	for i := range o.Attendees {
		if o.Attendees[i].PartStat == "" {
			o.Attendees[i].PartStat = NeedsAction
		}
	}
	return build(o, e.own()...)
}

// CancelSome builds the CANCEL that takes the invitation back from e's
// Attendees only. It has no STATUS: the Visit takes place without them (row 7
// of section 1). The reason is mandatory (ICA-81).
func CancelSome(e Event, reason string) ([]byte, error) { return cancel(e, StatusNone, reason) }

// CancelAll builds the CANCEL that ends the whole Visit, STATUS:CANCELLED
// (ICA-32). The reason is mandatory (ICA-81).
func CancelAll(e Event, reason string) ([]byte, error) { return cancel(e, StatusCancelled, reason) }

func cancel(e Event, status Status, reason string) ([]byte, error) {
	o := e.object(MethodCancel)
	o.Status, o.Comment = status, cleanText(reason)
	err := e.check()
	if strings.TrimSpace(o.Comment) == "" {
		err = errors.Join(err, errors.New("no reason"))
	}
	if e.Sequence == 0 {
		err = errors.Join(err, errors.New("SEQUENCE 0, and a CANCEL raises it")) // ICA-29
	}
	if err != nil {
		return nil, fmt.Errorf("invite: CANCEL of %s: %w", e.UID, err)
	}
	for i := range o.Attendees {
		o.Attendees[i].PartStat = "" // nobody is asked
	}
	return build(o)
}

var (
	uuid    = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	address = regexp.MustCompile("^[A-Za-z0-9.!$'*+/=^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*$")
)

// check refuses what would have to be changed to be written. Names and texts
// are cleaned instead; see cleanText.
func (e Event) check() error {
	switch {
	case !uuid.MatchString(e.UID):
		return errors.New("UID is not a lower-case UUID")
	case e.Sequence < 0 || e.Sequence > math.MaxInt32:
		return fmt.Errorf("SEQUENCE %d is not possible", e.Sequence)
	case !e.End.After(e.Start):
		return errors.New("ends before it starts")
	case strings.TrimSpace(cleanText(e.Summary)) == "":
		return errors.New("no SUMMARY")
	case len(e.Attendees) == 0:
		return errors.New("no ATTENDEE")
	}
	for _, t := range []time.Time{e.Stamp, e.Start, e.End} {
		if year := t.UTC().Year(); year < firstYear || year >= endYear || t.Nanosecond() != 0 {
			return fmt.Errorf("%v is not a whole second of our time", t)
		}
	}
	for _, p := range append([]Party{e.Organizer}, e.Attendees...) {
		if !address.MatchString(p.Address) {
			return fmt.Errorf("address %q cannot be written", p.Address)
		}
	}
	return nil
}

func (e Event) checkRequest() error {
	if err := e.check(); err != nil {
		return err
	}
	if e.Round < 1 {
		return errors.New("no Round")
	}
	if e.Related != "" && !uuid.MatchString(e.Related) {
		return errors.New("the related UID is not a lower-case UUID")
	}
	for _, p := range e.Attendees {
		switch p.PartStat {
		case "", NeedsAction, Accepted, Declined:
		default:
			return fmt.Errorf("PARTSTAT %q is not one a Reply of ours may have", p.PartStat)
		}
	}
	// ICA-75: only the attendee may set its status; consent by silence is none.
	if to := e.Attendees[0].PartStat; !e.Deemed.IsZero() && to != "" && to != NeedsAction {
		return fmt.Errorf("deemed, but PARTSTAT is %s", to)
	}
	return nil
}

// object is what an object of e says, in the words that will be written. The
// bytes are built from it and, read back, must give it again.
func (e Event) object(method Method) Object {
	o := Object{
		Method: method, UID: e.UID, Sequence: e.Sequence, HasSequence: true,
		Stamp: e.Stamp.UTC(), Start: e.Start.UTC(), End: e.End.UTC(),
		Summary: cleanText(e.Summary), Organizer: clean(e.Organizer),
	}
	o.Organizer.PartStat = ""
	for _, p := range e.Attendees {
		o.Attendees = append(o.Attendees, clean(p))
	}
	return o
}

func clean(p Party) Party {
	return Party{Name: cleanName(p.Name), Address: mailbox("mailto:" + p.Address), PartStat: p.PartStat}
}

// description adds the sentence of ICA-75 for a recipient whose silence counts.
func (e Event) description() string {
	zone, err := shanghai()
	if e.Deemed.IsZero() || err != nil {
		return e.Description
	}
	said := "贵单位未在截止时间前反馈，已于" + e.Deemed.In(zone).Format("2006年1月2日15:04") + "按规定记为视为同意。"
	return strings.TrimPrefix(e.Description+"\n\n"+said, "\n\n")
}

// own are the fields of ICA-26.
func (e Event) own() []ical.Prop {
	props := []ical.Prop{property(propRound, strconv.Itoa(e.Round))}
	if !e.RespondBy.IsZero() {
		props = append(props, property(propRespondBy, e.RespondBy.UTC().Format(utcLayout), ical.ParamValue, string(ical.ValueDateTime)))
	}
	if !e.Deemed.IsZero() {
		props = append(props, property(propDeemed, e.Deemed.UTC().Format(utcLayout), ical.ParamValue, string(ical.ValueDateTime)))
	}
	return props
}

// build encodes o and does not give the bytes away before it has read them
// back, checked them against the table of their method and compared them with
// o (ICA-27).
func build(o Object, own ...ical.Prop) ([]byte, error) {
	event, err := component(o)
	if err != nil {
		return nil, err
	}
	for i := range own {
		event.Props.Add(&own[i])
	}
	cal := ical.NewCalendar()
	for _, p := range []ical.Prop{
		property(ical.PropProductID, prodID),
		property(ical.PropVersion, version),
		property(ical.PropMethod, string(o.Method)),
	} {
		cal.Props.Set(&p)
	}
	cal.Children = append(cal.Children, event)
	var text bytes.Buffer // the encoder fails after partial output
	if err := ical.NewEncoder(&text).Encode(cal); err != nil {
		return nil, fmt.Errorf("invite: encode %s of %s: %w", o.Method, o.UID, err)
	}
	// The first such line is the real one: all before it is constant. The zone
	// is put in as text because the encoder would sort its lines.
	data := fold(strings.Replace(text.String(), beginEvent, vtimezone+beginEvent, 1))
	if err := readBack(data, o); err != nil {
		return nil, fmt.Errorf("invite: %s of %s read back: %w", o.Method, o.UID, err)
	}
	return data, nil
}

// component is the VEVENT of o. Its names are constants (ICA-18).
func component(o Object) (*ical.Component, error) {
	zone, err := shanghai()
	if err != nil {
		return nil, fmt.Errorf("invite: %w", err)
	}
	event := ical.NewComponent(ical.CompEvent)
	add := func(p ical.Prop) { event.Props.Add(&p) }
	add(property(ical.PropUID, o.UID))
	add(property(ical.PropSequence, strconv.Itoa(o.Sequence))) // 0 too (ICA-31)
	add(property(ical.PropDateTimeStamp, o.Stamp.Format(utcLayout)))
	add(property(ical.PropDateTimeStart, o.Start.In(zone).Format(localLayout), ical.ParamTimezoneID, zoneName))
	add(property(ical.PropDateTimeEnd, o.End.In(zone).Format(localLayout), ical.ParamTimezoneID, zoneName))
	add(office(ical.PropOrganizer, o.Organizer))
	for _, p := range o.Attendees {
		add(office(ical.PropAttendee, p))
	}
	for name, text := range map[string]string{
		ical.PropSummary: o.Summary, ical.PropLocation: o.Location, ical.PropDescription: o.Description,
		ical.PropComment: o.Comment, ical.PropStatus: string(o.Status), ical.PropRelatedTo: o.Related,
	} {
		if text != "" {
			event.Props.SetText(name, text)
		}
	}
	return event, nil
}

func office(name string, p Party) ical.Prop {
	prop := property(name, "mailto:"+p.Address)
	if p.Name != "" {
		prop.Params.Set(ical.ParamCommonName, p.Name)
	}
	if p.PartStat != "" {
		prop.Params.Set(ical.ParamParticipationStatus, string(p.PartStat))
	}
	if p.PartStat == NeedsAction {
		prop.Params.Set(ical.ParamRSVP, "TRUE")
	}
	return prop
}

// property makes one from constants and values already clean; params are
// names and values in turn.
func property(name, value string, params ...string) ical.Prop {
	p := ical.NewProp(name)
	p.Value = value
	for i := 0; i+1 < len(params); i += 2 {
		p.Params.Set(params[i], params[i+1])
	}
	return *p
}
