package invite

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-ical"
)

// Read gives every event of every VCALENDAR in data, in order. It takes what
// real programs send: LF only, a byte order mark, lower-case names, broken
// folds, Windows zone names, GB18030. What an event does not tell for sure is
// in its Notes. The error is an *Error; the raw bytes are then for a person.
//
// Hostile input costs at most 50 ms and 64 MB (ICA-85).
func Read(data []byte) ([]Object, error) {
	calendars, err := parse(data)
	if err != nil {
		return nil, err
	}
	var objects []Object
	zones := zones{names: map[string]*time.Location{}}
	for _, c := range calendars {
		objects = append(objects, c.objects(&zones)...)
	}
	if len(objects) == 0 {
		return nil, unreadable(NoCalendar, "no VEVENT")
	}
	return objects, nil
}

// calendar is one VCALENDAR as go-ical decoded it, with what the lexer left out.
type calendar struct {
	*ical.Calendar
	notes []Note
}

// parse is the guarded decoder: the lexer's checks, then go-ical.
func parse(data []byte) ([]calendar, error) {
	sources, err := lex(data)
	if err != nil {
		return nil, err
	}
	calendars := make([]calendar, len(sources))
	for i, s := range sources {
		cal, err := decode(s.text.String())
		if err != nil {
			return nil, err
		}
		calendars[i] = calendar{cal, s.notes}
	}
	return calendars, nil
}

// decode recovers from go-ical's panics. The lexer should leave it none; an
// answer must not be lost if it does.
func decode(text string) (cal *ical.Calendar, err error) {
	defer func() {
		if p := recover(); p != nil {
			cal, err = nil, unreadable(Unparsed, "go-ical panicked: %v", p)
		}
	}()
	cal, err = ical.NewDecoder(strings.NewReader(text)).Decode()
	if err != nil {
		return nil, unreadable(Unparsed, "%v", err)
	}
	return cal, nil
}

func (c calendar) objects(z *zones) []Object {
	z.enter(c.Calendar)
	var objects []Object
	for _, child := range c.Children {
		if child.Name != ical.CompEvent {
			continue
		}
		e := event{props: child.Props, zones: z}
		e.Notes = append(e.Notes, c.notes...)
		e.read()
		if method := c.Props.Get(ical.PropMethod); method != nil {
			e.Method = Method(token(method.Value))
		}
		objects = append(objects, e.Object)
	}
	return objects
}

// event reads one VEVENT into the Object it becomes.
type event struct {
	Object
	props ical.Props
	zones *zones
}

func (e *event) read() {
	e.UID = e.text(ical.PropUID)
	e.Sequence, e.HasSequence = e.number(ical.PropSequence)
	e.Stamp = e.instant(ical.PropDateTimeStamp)
	e.Start = e.instant(ical.PropDateTimeStart)
	e.End = e.end()
	e.Summary = e.text(ical.PropSummary)
	e.Location = e.text(ical.PropLocation)
	e.Description = e.text(ical.PropDescription)
	e.Status = Status(token(e.text(ical.PropStatus)))
	e.Related = e.text(ical.PropRelatedTo)
	if p := e.one(ical.PropOrganizer); p != nil {
		e.Organizer = party(p)
	}
	attendees := e.props.Values(ical.PropAttendee)
	for i := range attendees {
		e.Attendees = append(e.Attendees, party(&attendees[i]))
	}
	var comments []string // the one text that may be given several times (RFC 5545 section 3.8.1.4)
	for _, p := range e.props.Values(ical.PropComment) {
		comments = append(comments, plain(p.Value))
	}
	e.Comment = strings.Join(comments, "\n")
}

func (e *event) doubt(property string, d Doubt) { e.Notes = append(e.Notes, Note{property, d}) }

// one gives the first property of a name that should be given once; nil if none.
func (e *event) one(name string) *ical.Prop {
	if len(e.props.Values(name)) > 1 {
		e.doubt(name, DoubtRepeated)
	}
	return e.props.Get(name)
}

func (e *event) text(name string) string {
	if p := e.one(name); p != nil {
		return plain(p.Value)
	}
	return ""
}

func (e *event) number(name string) (n int, ok bool) {
	p := e.one(name)
	if p == nil {
		return 0, false
	}
	// RFC 5545 section 3.3.8: an INTEGER has 32 bits.
	v, err := strconv.ParseInt(strings.TrimSpace(p.Value), 10, 32)
	if err != nil || v < 0 {
		e.doubt(name, DoubtUnreadable)
		return 0, false
	}
	return int(v), true
}

func (e *event) instant(name string) time.Time {
	p := e.one(name)
	if p == nil {
		return time.Time{}
	}
	t, doubt := e.zones.instant(p)
	if doubt != "" {
		e.doubt(name, doubt)
	}
	return t
}

// short is a duration whose sum cannot overflow, as go-ical's would.
var short = regexp.MustCompile(`^\+?P(\d{1,2}W)?(\d{1,3}D)?(T(\d{1,4}H)?(\d{1,5}M)?(\d{1,6}S)?)?$`)

// end is DTEND, or DTSTART and DURATION together (RFC 5545 section 3.6.1).
func (e *event) end() time.Time {
	p := e.one(ical.PropDuration)
	if p == nil || e.props.Get(ical.PropDateTimeEnd) != nil {
		return e.instant(ical.PropDateTimeEnd)
	}
	d, err := p.Duration()
	if err != nil || e.Start.IsZero() || !short.MatchString(strings.ToUpper(p.Value)) {
		e.doubt(ical.PropDuration, DoubtUnreadable)
		return time.Time{}
	}
	return e.Start.Add(d)
}

func party(p *ical.Prop) Party {
	return Party{
		// go-ical splits an unquoted comma; a name is one value.
		Name:     cleanName(strings.Join(p.Params.Values(ical.ParamCommonName), ",")),
		Address:  mailbox(p.Value),
		PartStat: PartStat(token(p.Params.Get(ical.ParamParticipationStatus))),
	}
}

// mailbox takes the address out of a mailto: URI, in any case (Apple writes
// MAILTO:). The domain is folded to lower case, the local part kept. What is
// no mailto: URI stays as it is, for a person to read.
func mailbox(uri string) string {
	uri = cleanName(uri)
	const scheme = "mailto:"
	if len(uri) < len(scheme) || !strings.EqualFold(uri[:len(scheme)], scheme) {
		return uri
	}
	address := uri[len(scheme):]
	if raw, err := url.PathUnescape(address); err == nil {
		address = cleanName(raw)
	}
	at := strings.LastIndexByte(address, '@') + 1
	return address[:at] + strings.ToLower(address[at:])
}

// token folds a word of a fixed list, such as a method, to capitals.
func token(s string) string { return strings.ToUpper(cleanName(s)) }
