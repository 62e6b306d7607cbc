package invite

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"
)

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.ics")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, lines := range []string{
		`ATTENDEE;CN=foo`, `ATTENDEE;CN="a"b:c`, `ATTENDEE;CN=a,b;PARTSTAT=accepted:MAILTO:a@b`,
		"DTSTART;TZID=China Standard Time:20261210T140000\r\nDURATION:PT1H", "SUMMARY:a\\, \\", "COMMENT:\xc9\xcf\xce\xe7",
		"BEGIN:VALARM\r\nEND:VALARM", "UID:1\r\n 2\r\n\r\n\t3",
	} {
		f.Add([]byte(wrap("REPLY", lines)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, err := Read(data)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Reason == "" || objects != nil {
				t.Fatalf("%v with %d objects", err, len(objects))
			}
			if e.Reason == Unparsed && strings.Contains(e.Detail, "panicked") {
				t.Fatalf("the lexer let through what makes go-ical panic: %v", err) // ICA-85
			}
			return
		}
		for _, o := range objects {
			for _, s := range []string{o.UID, o.Summary, o.Location, o.Description, o.Comment, o.Organizer.Name, o.Organizer.Address} {
				if strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
					t.Fatalf("control character in %q", s)
				}
			}
		}
		if again, err := Read(data); err != nil || !reflect.DeepEqual(again, objects) {
			t.Fatalf("read again: %v, %v", again, err)
		}
	})
}

func FuzzBuild(f *testing.F) {
	f.Add("联合踏勘", "梅湾路118号", "请反馈", "区局", "scjg@dept.example", 0)
	f.Add("a\r\nSTATUS:CANCELLED", "BEGIN:VEVENT\r\n", "\u2028\x00", `"`, "a@b.example\r\nX:1", 1)
	f.Add(strings.Repeat("𠮷", 50), `\`, "\xff", ";PARTSTAT=ACCEPTED", "v+a@B.example", 1<<31)
	f.Fuzz(func(t *testing.T, summary, location, description, name, address string, sequence int) {
		e := newEvent(func(e *Event) {
			e.Summary, e.Location, e.Description, e.Sequence = summary, location, description, sequence
			e.Attendees[0].Name, e.Attendees[0].Address, e.Organizer.Name = name, address, name
		})
		data, err := Request(e)
		if err != nil {
			return // and nothing is sent
		}
		e.Attendees[0].Address = mailbox("mailto:" + address)
		checkRequest(t, e, data)
	})
}
