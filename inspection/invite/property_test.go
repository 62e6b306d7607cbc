package invite

import (
	"maps"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// anyText is what a form, an import or an enemy may hand us: Chinese, rare
// characters outside the basic plane, emoji, quotes, every kind of line break,
// control characters, iCalendar itself and broken UTF-8.
var anyText = rapid.OneOf(
	rapid.String(),
	rapid.StringOfN(rapid.RuneFrom([]rune("永州冷水滩𠮷𡃁㐂😀👨‍👩‍👧\"”\\;:,=^\r\n\t\v\x00\x1b\x7f\u0085\u2028\u2029\ufeff nN")), 0, 300, -1),
	rapid.SampledFrom([]string{
		"a\r\nSTATUS:CANCELLED", "\nEND:VEVENT\nBEGIN:VEVENT", "BEGIN:VEVENT\r\n", `";PARTSTAT=ACCEPTED:mailto:x@y.example`,
		"\xe6\x9c", "\xff\xfe", `\`, `\n`, " ", "\u00a0", "^n^'^^",
	}),
	rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
)

var (
	breaks   = regexp.MustCompile(`\r\n|\x{2028}|\x{2029}`)
	controls = regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f-\x{9f}]`)
)

// saidAsText and saidAsName are what is left of a string after cleaning, said
// another way than the code says it.
func saidAsText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, string(utf8.RuneError)), "\t", " ")
	return controls.ReplaceAllString(breaks.ReplaceAllString(s, "\n"), "")
}

func saidAsName(s string) string {
	s = controls.ReplaceAllString(strings.ToValidUTF8(s, string(utf8.RuneError)), "")
	s = strings.NewReplacer("\n", "", "\u2028", "", "\u2029", "", `"`, "”").Replace(s)
	return strings.TrimSpace(s)
}

// names counts the property names of an object without help of our reader.
func names(data []byte) map[string]int {
	n := map[string]int{}
	for line := range strings.SplitSeq(strings.ReplaceAll(string(data), "\r\n ", ""), "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		name, _, _ = strings.Cut(name, ";")
		n[name]++
	}
	delete(n, "") // after the last CRLF
	return n
}

// asked counts the property names that e asks for.
func asked(e Event, texts map[string]string) map[string]int {
	n := map[string]int{
		"BEGIN": 4, "END": 4, "METHOD": 1, "PRODID": 1, "VERSION": 1,
		"TZID": 1, "TZOFFSETFROM": 1, "TZOFFSETTO": 1, "TZNAME": 1,
		"UID": 1, "DTSTAMP": 1, "DTSTART": 2, "DTEND": 1, "SEQUENCE": 1,
		"ORGANIZER": 1, "ATTENDEE": len(e.Attendees),
	}
	for name, text := range texts {
		if text != "" {
			n[name] = 1
		}
	}
	return n
}

// checkRequest holds the bytes of a REQUEST against what was asked for.
func checkRequest(t testing.TB, e Event, data []byte) {
	t.Helper()
	checkBytes(t, data)
	objects, err := Read(data)
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	got := objects[0]
	texts := map[string]string{
		"SUMMARY": saidAsText(e.Summary), "LOCATION": saidAsText(e.Location), "DESCRIPTION": saidAsText(e.Description),
		"STATUS": "CONFIRMED", propRound: "1", propRespondBy: "x",
	}
	if want, n := asked(e, texts), names(data); !maps.Equal(n, want) {
		t.Fatalf("properties %v, want %v in\n%s", n, want, data)
	}
	if got.Summary != texts["SUMMARY"] || got.Location != texts["LOCATION"] || got.Description != texts["DESCRIPTION"] || got.Comment != "" {
		t.Fatalf("read %+v of %+v", got, e)
	}
	if got.Organizer.Name != saidAsName(e.Organizer.Name) || len(got.Attendees) != len(e.Attendees) {
		t.Fatalf("read %+v of %+v", got, e)
	}
	for i, p := range got.Attendees {
		if p.Name != saidAsName(e.Attendees[i].Name) || p.Address != e.Attendees[i].Address || p.PartStat == "" {
			t.Fatalf("read %+v of %+v", p, e.Attendees[i])
		}
	}
}

func TestAnyTextIsWrittenAsExactlyThePropertiesAskedFor(t *testing.T) { // ICA-25, ICA-118
	rapid.Check(t, func(r *rapid.T) {
		e := newEvent(func(e *Event) {
			e.Summary = "办件" + anyText.Draw(r, "summary")
			e.Location = anyText.Draw(r, "location")
			e.Description = anyText.Draw(r, "description")
			e.Organizer.Name = anyText.Draw(r, "organizer")
			e.Attendees = e.Attendees[:rapid.IntRange(1, 3).Draw(r, "attendees")]
			for i := range e.Attendees {
				e.Attendees[i].Name = anyText.Draw(r, "attendee")
			}
		})
		data, err := Request(e)
		if err != nil {
			t.Fatal(err) // rapid's strings stay under the limits
		}
		checkRequest(t, e, data)
	})
}

func TestAnyReasonIsWrittenAsTheOneComment(t *testing.T) { // ICA-25, ICA-81
	rapid.Check(t, func(r *rapid.T) {
		e := newEvent(raised)
		reason := "因" + anyText.Draw(r, "reason")
		cancel, status := CancelSome, ""
		if rapid.Bool().Draw(r, "all") {
			cancel, status = CancelAll, "CANCELLED"
		}
		data, err := cancel(e, reason)
		if err != nil {
			t.Fatal(err)
		}
		checkBytes(t, data)
		if want, n := asked(e, map[string]string{"SUMMARY": e.Summary, "COMMENT": reason, "STATUS": status}), names(data); !maps.Equal(n, want) {
			t.Fatalf("properties %v, want %v in\n%s", n, want, data)
		}
		if got := mustReadBytes(t, data); got.Comment != saidAsText(reason) || string(got.Status) != status {
			t.Fatalf("read %+v", got)
		}
	})
}
