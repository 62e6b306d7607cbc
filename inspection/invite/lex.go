package invite

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Limits before go-ical sees a byte (ICA-85). Its parameter reading is
// quadratic, its nesting unbounded, and two malformed lines make it panic.
const (
	maxObject     = 512 << 10 // bytes
	maxLine       = 8 << 10   // bytes of an unfolded line
	maxParam      = 1 << 10   // bytes of one parameter value
	maxParams     = 64 << 10  // bytes of all parameters together
	maxDepth      = 8
	maxComponents = 1_000
	maxProperties = 10_000
	maxCalendars  = 100
)

// used are the names this package reads. A line of these that is over a limit
// fails the object; of any other it is left out and noted (ICA-85).
var used = map[string]bool{
	"BEGIN": true, "END": true, "METHOD": true, "UID": true, "SEQUENCE": true, "DTSTAMP": true,
	"DTSTART": true, "DTEND": true, "DURATION": true, "SUMMARY": true, "LOCATION": true, "COMMENT": true,
	"STATUS": true, "RELATED-TO": true, "ORGANIZER": true, "ATTENDEE": true,
	"TZID": true, "TZOFFSETTO": true,
}

// source is one VCALENDAR in a form that go-ical takes without surprise: whole
// lines, well formed, as many ends as beginnings, within the limits.
type source struct {
	text  strings.Builder
	notes []Note
}

type lexer struct {
	sources    []*source
	notes      []Note // for every calendar
	depth      int    // components begun and not yet ended
	components int
	properties int
	params     int
}

// lex checks data line by line and splits it into calendars; go-ical reads the
// first one only.
func lex(data []byte) ([]*source, error) {
	if len(data) > maxObject {
		return nil, unreadable(TooBig, "object of %d bytes", len(data))
	}
	var l lexer
	lines, err := l.decode(unfold(data))
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		if err := l.take(line); err != nil {
			return nil, err
		}
	}
	switch {
	case l.depth > 0:
		return nil, unreadable(Unparsed, "the last VCALENDAR has no end")
	case len(l.sources) == 0:
		return nil, unreadable(NoCalendar, "no VCALENDAR")
	}
	return l.sources, nil
}

// decode gives the lines as text. What is not UTF-8 is tried as GB18030, which
// is also what "GB2312" and "GBK" mean in practice. Other bytes decode to
// garbage without an error, so it is noted for a person to look.
func (l *lexer) decode(lines [][]byte) ([]string, error) {
	text := make([]string, len(lines))
	valid := true
	for i, line := range lines {
		text[i] = string(line)
		valid = valid && utf8.Valid(line)
	}
	if valid {
		return text, nil
	}
	l.notes = append(l.notes, Note{"VCALENDAR", DoubtCharset})
	for i, line := range text {
		s, err := simplifiedchinese.GB18030.NewDecoder().String(line)
		if err != nil || strings.ContainsRune(s, utf8.RuneError) {
			return nil, unreadable(Charset, "line %d is neither UTF-8 nor GB18030", i+1)
		}
		text[i] = s
	}
	return text, nil
}

// take adds one unfolded line to the calendar that is open.
func (l *lexer) take(line string) error {
	p, err := scan(line)
	var e *Error
	if errors.As(err, &e) && e.Reason == TooBig && !used[p.name] && l.depth > 0 {
		l.last().notes = append(l.last().notes, Note{p.name, DoubtTooLong})
		return nil
	}
	switch {
	case err != nil:
		return err
	case p.name == "BEGIN":
		return l.begin(strings.ToUpper(strings.TrimSpace(p.value)))
	case p.name == "END":
		return l.end(strings.ToUpper(strings.TrimSpace(p.value)))
	case l.depth == 0:
		return unreadable(Unparsed, "%s stands outside VCALENDAR", p.name)
	}
	l.properties++
	l.params += p.params
	if l.properties > maxProperties || l.params > maxParams {
		return unreadable(TooBig, "over %d properties or %d bytes of parameters", maxProperties, maxParams)
	}
	l.write(line)
	return nil
}

func (l *lexer) begin(component string) error {
	if l.depth == 0 {
		if component != "VCALENDAR" {
			return unreadable(Unparsed, "%q stands outside VCALENDAR", component)
		}
		l.sources = append(l.sources, &source{notes: append([]Note(nil), l.notes...)})
	}
	l.depth++
	l.components++
	if len(l.sources) > maxCalendars || l.depth > maxDepth || l.components > maxComponents {
		return unreadable(TooBig, "over %d calendars, %d levels or %d components", maxCalendars, maxDepth, maxComponents)
	}
	l.write("BEGIN:" + component)
	return nil
}

func (l *lexer) end(component string) error {
	if l.depth == 0 {
		return unreadable(Unparsed, "END:%s without its BEGIN", component)
	}
	l.write("END:" + component)
	l.depth--
	return nil
}

func (l *lexer) last() *source { return l.sources[len(l.sources)-1] }

func (l *lexer) write(line string) { l.last().text.WriteString(line + "\r\n") }
