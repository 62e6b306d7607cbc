package invite

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// The guards of section 8 of the rules, row by row; rows 9 to 12 are in
// read_test.go, row 15 in write_test.go.

func TestNoLineIsLongerThan75OctetsAndNoCharacterIsCut(t *testing.T) { // row 1, ICA-13…15
	for n := range 80 {
		data := mustBuild(t, newEvent(func(e *Event) {
			e.Summary = strings.Repeat("a", n) + strings.Repeat("联𠮷😀", 60)
			e.Attendees[0].Name = strings.Repeat("b", n) + strings.Repeat("永", 100)
		}))
		checkBytes(t, data)
	}
}

// checkBytes holds an object against S1 to S3.
func checkBytes(t testing.TB, data []byte) {
	t.Helper()
	text, ok := strings.CutSuffix(string(data), "\r\n")
	if !ok {
		t.Fatalf("does not end with CRLF: %q", data)
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		switch {
		case strings.ContainsAny(line, "\r\n"):
			t.Fatalf("bare CR or LF in %q", line)
		case len(line) > lineOctets:
			t.Fatalf("%d octets in %q", len(line), line)
		case !utf8.ValidString(line):
			t.Fatalf("cut inside a character: %q", line)
		}
	}
}

func TestAHostileNameCannotAddAProperty(t *testing.T) { // rows 2 and 3, ICA-17, ICA-25
	for _, name := range []string{
		"区局\r\nSTATUS:CANCELLED", "区局\nSTATUS:CANCELLED", "区局\rSTATUS:CANCELLED", "区局\u2028STATUS:CANCELLED",
		"区局\x00", `区局"`, `";PARTSTAT=ACCEPTED;X="`, "区局;PARTSTAT=ACCEPTED", "区局:mailto:x@evil.example", "区局^nSTATUS",
	} {
		data := mustBuild(t, newEvent(alone, func(e *Event) { e.Attendees[0].Name, e.Organizer.Name = name, name }))
		got := mustReadBytes(t, data)
		if got.Status != StatusConfirmed || len(got.Attendees) != 1 || got.Attendees[0].PartStat != NeedsAction ||
			got.Attendees[0].Address != "scjg@dept.example" || got.Attendees[0].Name != got.Organizer.Name {
			t.Errorf("%q reads %+v", name, got)
		}
		if strings.Count(string(data), "\r\nSTATUS:") != 1 {
			t.Errorf("%q adds a property:\n%s", name, data)
		}
	}
	got := mustReadBytes(t, mustBuild(t, newEvent(func(e *Event) { e.Attendees[0].Name = "“区\"局\x1b\t" })))
	if got.Attendees[0].Name != "“区”局" {
		t.Errorf("the name reads %q", got.Attendees[0].Name)
	}
}

func TestLineBreaksInATextAreEscapedAndControlsAreGone(t *testing.T) { // row 4, ICA-16
	data := mustBuild(t, newEvent(func(e *Event) { e.Summary = "a\r\nb\rc\nd\u2028e\u2029f\x00g;h,i\\n:j" }))
	if want := `SUMMARY:a\nbc\nd\ne\nfg\;h\,i\\n:j`; occurrences(lines(data), want) != 1 {
		t.Errorf("no %s in\n%s", want, data)
	}
}

func TestOnlyNamesOfTheFixedListAreWritten(t *testing.T) { // row 5, ICA-18
	allowed := map[string]bool{"BEGIN": true, "END": true, "TZOFFSETFROM": true, "TZOFFSETTO": true, "TZNAME": true, "TZID": true}
	for _, table := range []map[string]times{calendarTable, tables[MethodRequest], tables[MethodCancel]} {
		for name := range table {
			allowed[name] = true
		}
	}
	for name, build := range built {
		data, err := build()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines(data)[:len(lines(data))-1] {
			if property, _ := cutName(line); !allowed[property] {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
}

func TestLinesThatMakeTheLibraryPanicAreRefused(t *testing.T) { // row 6
	for _, line := range []string{
		`ATTENDEE;CN=foo`, `ATTENDEE;CN="foo"`, `ATTENDEE;CN="a"b:mailto:x@y.example`, `ATTENDEE;CN=a"b":x`,
		`ATTENDEE;CN="foo:mailto:x@y.example`, `ATTENDEE;CN=`, `ATTENDEE;CN=a,`, `ATTENDEE;CN="a",`, `ATTENDEE;`, `;CN=a:b`, `ATTENDEE;=a:b`,
	} {
		_, err := Read([]byte(wrap("REPLY", line)))
		var e *Error
		if !errors.As(err, &e) || e.Reason != Unparsed || strings.Contains(e.Detail, "panicked") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestAPanicOfTheLibraryIsAnUnparsedObject(t *testing.T) { // row 6
	_, err := decode("BEGIN:VCALENDAR\r\nATTENDEE;CN=foo\r\nEND:VCALENDAR\r\n")
	var e *Error
	if !errors.As(err, &e) || e.Reason != Unparsed || !strings.Contains(e.Detail, "panicked") {
		t.Errorf("%v", err)
	}
}

func TestOverALimitIsTooBigAndAtTheLimitIsRead(t *testing.T) { // rows 7 and 8, ICA-85
	event := "BEGIN:VEVENT\r\nEND:VEVENT\r\n"
	nested := func(n int) string {
		return wrap("REPLY", strings.Repeat("BEGIN:X\r\n", n)+strings.Repeat("END:X\r\n", n))
	}
	params := func(n int) string {
		return wrap("REPLY", strings.Repeat("ATTENDEE;X="+strings.Repeat("p", 997)+":m\r\n", n)) // 1,000 bytes each
	}
	for name, c := range map[string]struct{ at, over string }{
		"object":          {pad(maxObject), pad(maxObject + 1)},
		"line":            {wrap("REPLY", "COMMENT:"+strings.Repeat("a", maxLine-8)), wrap("REPLY", "COMMENT:"+strings.Repeat("a", maxLine-7))},
		"folded line":     {wrap("REPLY", "COMMENT:a"), wrap("REPLY", "COMMENT:"+strings.Repeat("a\r\n ", maxLine))},
		"parameter value": {wrap("REPLY", "ATTENDEE;CN="+strings.Repeat("a", maxParam)+":m"), wrap("REPLY", "ATTENDEE;CN="+strings.Repeat("a", maxParam+1)+":m")},
		"quoted value":    {wrap("REPLY", `ATTENDEE;CN="`+strings.Repeat("a", maxParam)+`":m`), wrap("REPLY", `ATTENDEE;CN="`+strings.Repeat("a", maxParam+1)+`":m`)},
		"all parameters":  {params(65), params(66)},
		"depth":           {nested(maxDepth - 2), nested(maxDepth - 1)},
		"components":      {wrap("REPLY") + "BEGIN:VCALENDAR\r\n" + strings.Repeat(event, maxComponents-3) + "END:VCALENDAR", wrap("REPLY") + "BEGIN:VCALENDAR\r\n" + strings.Repeat(event, maxComponents-2) + "END:VCALENDAR"},
		"properties":      {wrap("REPLY", strings.Repeat("X-A:1\r\n", maxProperties-1)), wrap("REPLY", strings.Repeat("X-A:1\r\n", maxProperties))},
		"calendars":       {strings.Repeat(wrap("REPLY"), maxCalendars), strings.Repeat(wrap("REPLY"), maxCalendars+1)},
	} {
		if _, err := Read([]byte(c.at)); err != nil {
			t.Errorf("%s at the limit: %v", name, err)
		}
		_, err := Read([]byte(c.over))
		var e *Error
		if !errors.As(err, &e) || e.Reason != TooBig {
			t.Errorf("%s over the limit: %v", name, err)
		}
	}
}

// pad gives an object of n bytes.
func pad(n int) string {
	head := wrap("REPLY", "UID:1")
	line := "X-PAD:" + strings.Repeat("x", 1000) + "\r\n"
	for len(head)+len(line) <= n {
		head = strings.Replace(head, "UID:1", line+"UID:1", 1)
	}
	return head + strings.Repeat("\n", n-len(head))
}

func TestATooLongLineOfAPropertyWeDoNotUseIsLeftOutAndNoted(t *testing.T) { // ICA-85
	long := strings.Repeat("QUJD", maxLine)
	for _, line := range []string{"ATTACH;ENCODING=BASE64;VALUE=BINARY:" + long, "DESCRIPTION:" + long, "X-ALT-DESC;FMTTYPE=text/html:" + long, "X-A;B=" + long[:maxParam+1] + ":c"} {
		got := mustRead(t, "REPLY", "UID:1", line, "DTSTAMP:20261208T092940Z")
		name, _ := cutName(line)
		if fmt.Sprint(got.Notes) != fmt.Sprint([]Note{{name, DoubtTooLong}}) || got.UID != "1" || got.Stamp.IsZero() {
			t.Errorf("%s: read %+v", name, got)
		}
	}
}

func TestTimesAreNeverWrittenInTheZoneOfTheMachine(t *testing.T) { // row 13, ICA-74
	for name, build := range built {
		data, err := build()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "TZID=Local") || strings.Contains(string(data), "TZID=CST") || !strings.Contains(string(data), vtimezone) {
			t.Errorf("%s:\n%s", name, data)
		}
	}
}
