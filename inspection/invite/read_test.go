package invite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// mustRead reads one event in a calendar of the given method and lines.
func mustRead(t *testing.T, method string, lines ...string) Object {
	t.Helper()
	return mustReadBytes(t, []byte(wrap(method, lines...)))
}

func wrap(method string, lines ...string) string {
	return "BEGIN:VCALENDAR\r\nMETHOD:" + method + "\r\nBEGIN:VEVENT\r\n" +
		strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func mustReadBytes(t *testing.T, data []byte) Object {
	t.Helper()
	objects, err := Read(data)
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	if len(objects) != 1 {
		t.Fatalf("%d objects", len(objects))
	}
	return objects[0]
}

func at(day, hour, minute int) time.Time {
	return time.Date(2026, 12, day, hour, minute, 0, 0, time.UTC)
}

func TestAnAnswerInTheMannerOfOutlookComIsRead(t *testing.T) { // section 7, ICA-46, ICA-47
	got := mustRead(t, "REPLY",
		"UID:6f1c0e4a-9d0b-4a55-8c61-3f1f8f0c2a77",
		"DTSTAMP:20261208T092940Z",
		"ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:scjg@dept.example")
	want := Object{
		Method: "REPLY", UID: visitUID,
		Stamp:     time.Date(2026, 12, 8, 9, 29, 40, 0, time.UTC),
		Attendees: []Party{{Address: "scjg@dept.example", PartStat: Accepted}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

func TestACounterInTheZoneOfWindowsIsRead(t *testing.T) { // section 7, section 8 row 12
	got := mustRead(t, "COUNTER",
		"UID:6f1c0e4a-9d0b-4a55-8c61-3f1f8f0c2a77",
		"DTSTAMP:20261207T062000Z",
		"SEQUENCE:0",
		"DTSTART;TZID=China Standard Time:20261210T140000",
		"DTEND;TZID=China Standard Time:20261210T153000",
		"SUMMARY:联合踏勘",
		"COMMENT:上午有火灾隐患核查",
		"ATTENDEE:mailto:xf@dept.example")
	want := Object{
		Method: "COUNTER", UID: visitUID, HasSequence: true,
		Stamp: at(7, 6, 20), Start: at(10, 6, 0), End: at(10, 7, 30),
		Summary: "联合踏勘", Comment: "上午有火灾隐患核查",
		Attendees: []Party{{Address: "xf@dept.example"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

func TestADeclineOfACounterAndARefreshAreRead(t *testing.T) { // section 7, ICA-82
	got := mustRead(t, "DECLINECOUNTER",
		"UID:"+visitUID, "DTSTAMP:20261207T074500Z", "SEQUENCE:0",
		"ORGANIZER:mailto:v+h2@lianban.example",
		"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:xf@dept.example",
		"COMMENT:其余三家下午不能到场，维持原时间")
	if got.Method != "DECLINECOUNTER" || got.Organizer.Address != "v+h2@lianban.example" ||
		got.Comment != "其余三家下午不能到场，维持原时间" || len(got.Notes) > 0 {
		t.Errorf("read %+v", got)
	}
	got = mustRead(t, "REFRESH", "UID:"+visitUID, "ATTENDEE:mailto:xf@dept.example", "DTSTAMP:20261207T074500Z")
	if got.Method != "REFRESH" || !got.Start.IsZero() || len(got.Notes) > 0 {
		t.Errorf("read %+v", got)
	}
}

func TestOurOwnObjectsReadAsTheyWereMeant(t *testing.T) { // ICA-27
	data, err := os.ReadFile(filepath.Join("testdata", "request.ics"))
	if err != nil {
		t.Fatal(err)
	}
	e := newEvent()
	e.Attendees[0].PartStat = NeedsAction
	want := Object{
		Method: MethodRequest, UID: e.UID, HasSequence: true, Stamp: e.Stamp, Start: e.Start, End: e.End,
		Summary: e.Summary, Location: e.Location, Description: e.Description, Status: StatusConfirmed,
		Organizer: e.Organizer, Attendees: e.Attendees,
	}
	if got := mustReadBytes(t, data); !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

func TestTheReaderTakesWhatTheWriterNeverMakes(t *testing.T) { // ICA-23, section 8 row 9
	plain := wrap("reply", "UID:"+visitUID, "DTSTAMP:20261208T092940Z", "ATTENDEE;PARTSTAT=accepted:mailto:scjg@dept.example")
	want := mustReadBytes(t, []byte(plain))
	if want.Method != "REPLY" || want.Attendees[0].PartStat != Accepted {
		t.Fatalf("words of fixed lists are not folded to capitals: %+v", want)
	}
	crlf := func(ending string) string { return strings.ReplaceAll(plain, "\r\n", ending) }
	for name, data := range map[string]string{
		"LF only":            crlf("\n"),
		"CR only":            crlf("\r"),
		"CR CR LF":           crlf("\r\r\n"),
		"BOM":                "\xef\xbb\xbf" + plain,
		"blank lines":        "\r\n \r\n" + crlf("\r\n\r\n"),
		"no last line end":   strings.TrimRight(plain, "\r\n"),
		"blanks behind END":  strings.ReplaceAll(plain, "END:VEVENT", "END:VEVENT \t"),
		"lower-case names":   strings.NewReplacer("BEGIN:VEVENT", "begin:vevent", "UID:", "uid:", "PARTSTAT", "partstat").Replace(plain),
		"unknown property":   strings.Replace(plain, "UID:", "X-FOO;X-BAR=\"a;b\":c\r\nUID:", 1),
		"folds, broken CRLF": strings.Replace(crlf("\n"), "ATTENDEE", "ATT\n END\n\tEE", 1),
	} {
		if got := mustReadBytes(t, []byte(data)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read %+v", name, got)
		}
	}
}

func TestEveryEventOfEveryCalendarIsRead(t *testing.T) { // ICA-23, section 8 row 9
	one := wrap("REPLY", "UID:1", "END:VEVENT", "BEGIN:VEVENT", "UID:2")
	objects, err := Read([]byte(one + wrap("CANCEL", "UID:3")))
	if err != nil || len(objects) != 3 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	for i, want := range []string{"1 REPLY", "2 REPLY", "3 CANCEL"} {
		if got := objects[i].UID + " " + string(objects[i].Method); got != want {
			t.Errorf("object %d is %q, want %q", i, got, want)
		}
	}
}

func TestAFoldInTheMiddleOfACharacterHeals(t *testing.T) { // ICA-15
	data := strings.Replace(wrap("REPLY", "UID:1", "COMMENT:上午有会"), "有", "\xe6\r\n \x9c\n\t\x89", 1)
	if got := mustReadBytes(t, []byte(data)).Comment; got != "上午有会" {
		t.Errorf("read %q", got)
	}
}

func TestTextInGB18030IsReadAndNoted(t *testing.T) { // section 4.3
	data, err := simplifiedchinese.GBK.NewEncoder().String(wrap("REPLY", "UID:1", "COMMENT:上午有会，改下午"))
	if err != nil {
		t.Fatal(err)
	}
	got := mustReadBytes(t, []byte(data))
	if got.Comment != "上午有会，改下午" || !reflect.DeepEqual(got.Notes, []Note{{"VCALENDAR", DoubtCharset}}) {
		t.Errorf("read %q, notes %v", got.Comment, got.Notes)
	}
}

func TestTextsAreUnescapedGenerously(t *testing.T) { // ICA-16, section 8 row 11
	for value, want := range map[string]string{
		`a\nb\Nc`:        "a\nb\nc",
		`a\,b\;c\\nd`:    `a,b;c\nd`,
		`a, b; c`:        "a, b; c", // a bare comma ends the text for go-ical
		`17\:30 \"ok\"`:  `17:30 "ok"`,
		`C:\temp\`:       `C:\temp\`,
		"a\x00\x07b\tc":  "ab c",
		"a\u2028b\u0085": "a\nb",
	} {
		if got := mustRead(t, "REPLY", "SUMMARY:"+value).Summary; got != want {
			t.Errorf("%q reads %q, want %q", value, got, want)
		}
	}
	if got := mustRead(t, "REPLY", "COMMENT:一", "COMMENT:二").Comment; got != "一\n二" {
		t.Errorf("two COMMENTs read %q", got)
	}
}

func TestNamesAndAddressesAreReadAsTheyAreMeant(t *testing.T) { // section 4.3, section 8 row 10
	for line, want := range map[string]Party{
		`ATTENDEE;CN=区局,消防科;PARTSTAT=TENTATIVE:mailto:a@b.example`: {"区局,消防科", "a@b.example", "TENTATIVE"},
		`ATTENDEE;CN="区局;一科: A, B":mailto:a@b.example`:             {"区局;一科: A, B", "a@b.example", ""},
		`ATTENDEE;cn="":MailTo:Li.Ming@B.EXAMPLE`:                  {"", "Li.Ming@b.example", ""},
		`ATTENDEE:mailto:a%2Bb@b.example`:                          {"", "a+b@b.example", ""},
		`ATTENDEE:mailto:a+b@b.example`:                            {"", "a+b@b.example", ""},
		`ATTENDEE:mailto:50%@b.example`:                            {"", "50%@b.example", ""},
		`ATTENDEE:/O=ORG/CN=LI`:                                    {"", "/O=ORG/CN=LI", ""},
		`ATTENDEE;PARTSTAT=X-MAYBE:mailto:a@b.example`:             {"", "a@b.example", "X-MAYBE"},
		"ATTENDEE;CN=a\x1bb:mailto:a%0d%0ab@b.example":             {"ab", "ab@b.example", ""},
	} {
		if got := mustRead(t, "REPLY", line).Attendees; len(got) != 1 || got[0] != want {
			t.Errorf("%s reads %+v, want %+v", line, got, want)
		}
	}
}

func TestTimesAreReadInTheZoneTheyName(t *testing.T) { // section 8 row 12
	for line, want := range map[string]time.Time{
		"DTSTART:20261210T060000Z":                                                         at(10, 6, 0),
		"DTSTART;TZID=Asia/Shanghai:20261210T140000":                                       at(10, 6, 0),
		"DTSTART;TZID=China Standard Time:20261210T140000":                                 at(10, 6, 0),
		`DTSTART;TZID="(UTC+08:00) Beijing, Chongqing, Hong Kong, Urumqi":20261210T140000`: at(10, 6, 0),
		`DTSTART;TZID="(UTC+08:00) 北京，重庆，香港特别行政区，乌鲁木齐":20261210T140000`:                    at(10, 6, 0),
		"DTSTART;TZID=(GMT+08.00) Beijing / Chongqing / Urumqi:20261210T140000":            at(10, 6, 0),
		"DTSTART;TZID=/freeassociation.sourceforge.net/Asia/Shanghai:20261210T140000":      at(10, 6, 0),
		"DTSTART;TZID=/mozilla.org/20050126_1/Asia/Shanghai:20261210T140000":               at(10, 6, 0),
		"DTSTART;TZID=America/Argentina/Buenos_Aires:20261210T140000":                      at(10, 17, 0),
		"DTSTART;TZID=Tokyo Standard Time:20261210T140000":                                 at(10, 5, 0),
		"DTSTART;TZID=Eastern Standard Time:20261210T140000":                               at(10, 19, 0),
		"DTSTART;TZID=Asia/Shanghai:20261210T060000Z":                                      at(10, 6, 0),
		"dtstart;tzid=utc:20261210t060000":                                                 at(10, 6, 0),
	} {
		if got := mustRead(t, "COUNTER", line); !got.Start.Equal(want) || len(got.Notes) > 0 {
			t.Errorf("%s reads %v %v, want %v", line, got.Start, got.Notes, want)
		}
	}
}

func TestEveryWindowsZoneIsInTheZoneDatabase(t *testing.T) {
	for windows, iana := range windowsZones {
		if _, err := time.LoadLocation(iana); err != nil {
			t.Errorf("%s: %v", windows, err)
		}
	}
}

func TestAnEmbeddedZoneCountsIfItIsOneFixedOffset(t *testing.T) { // section 8 row 12
	zone := func(name string, offsets ...string) string {
		s := "BEGIN:VTIMEZONE\r\nTZID:" + name + "\r\n"
		for _, o := range offsets {
			s += "BEGIN:STANDARD\r\nTZOFFSETTO:" + o + "\r\nEND:STANDARD\r\n"
		}
		return s + "END:VTIMEZONE\r\n"
	}
	for name, c := range map[string]struct {
		zone string
		want Object
	}{
		"one rule":       {zone("办公", "+0800"), Object{Start: at(10, 6, 0)}},
		"rules agree":    {zone("办公", "+0530", "+0530"), Object{Start: at(10, 8, 30)}},
		"west":           {zone("办公", "-0330"), Object{Start: at(10, 17, 30)}},
		"rules differ":   {zone("办公", "+0100", "+0200"), Object{Notes: []Note{{"DTSTART", DoubtUnknownZone}}}},
		"no rule":        {zone("办公"), Object{Notes: []Note{{"DTSTART", DoubtUnknownZone}}}},
		"offset is junk": {zone("办公", "+9900"), Object{Notes: []Note{{"DTSTART", DoubtUnknownZone}}}},
		"another name":   {zone("家", "+0800"), Object{Notes: []Note{{"DTSTART", DoubtUnknownZone}}}},
		"no block":       {"", Object{Notes: []Note{{"DTSTART", DoubtUnknownZone}}}},
	} {
		data := strings.Replace(wrap("COUNTER", "DTSTART;TZID=办公:20261210T140000"), "BEGIN:VEVENT", c.zone+"BEGIN:VEVENT", 1)
		got := mustReadBytes(t, []byte(data))
		if !got.Start.Equal(c.want.Start) || !reflect.DeepEqual(got.Notes, c.want.Notes) {
			t.Errorf("%s: read %v %v", name, got.Start, got.Notes)
		}
	}
}

func TestWhatIsNotUnderstoodForSureIsNoted(t *testing.T) { // ICA-01
	for line, want := range map[string]Note{
		"DTSTART:20261210T140000":              {"DTSTART", DoubtNoZone},
		"DTSTART;VALUE=DATE:20261210":          {"DTSTART", DoubtDateOnly},
		"DTSTART;TZID=Local:20261210T140000":   {"DTSTART", DoubtUnknownZone},
		"DTSTART;TZID=CST:20261210T140000":     {"DTSTART", DoubtUnknownZone},
		"DTSTART;TZID=../../x:20261210T140000": {"DTSTART", DoubtUnknownZone},
		"DTSTART:20261310T140000Z":             {"DTSTART", DoubtUnreadable},
		"DTSTART:99991231T235959Z":             {"DTSTART", DoubtUnreadable},
		"DTSTAMP:yesterday":                    {"DTSTAMP", DoubtUnreadable},
		"SEQUENCE:99999999999":                 {"SEQUENCE", DoubtUnreadable},
		"SEQUENCE:-1":                          {"SEQUENCE", DoubtUnreadable},
		"UID:1\r\nUID:2":                       {"UID", DoubtRepeated},
		"DURATION:PT1H":                        {"DURATION", DoubtUnreadable}, // and no DTSTART
	} {
		if got := mustRead(t, "COUNTER", line); !reflect.DeepEqual(got.Notes, []Note{want}) {
			t.Errorf("%s: notes %v, want %v", line, got.Notes, want)
		}
	}
}

func TestNoMoreThanSixteenZoneNamesAreLookedUp(t *testing.T) { // ICA-85: a look-up may read files
	lines := []string{"DTSTART;TZID=Asia/Tokyo:20261210T140000"}
	for i := range maxZones {
		lines = append([]string{fmt.Sprintf("DTSTART;TZID=Nowhere/%d:20261210T140000", i), "END:VEVENT", "BEGIN:VEVENT"}, lines...)
	}
	objects, err := Read([]byte(wrap("COUNTER", lines...)))
	if err != nil {
		t.Fatal(err)
	}
	last := objects[len(objects)-1]
	if want := []Note{{"DTSTART", DoubtUnknownZone}}; !reflect.DeepEqual(last.Notes, want) {
		t.Errorf("the zone after sixteen unknown ones: %v %v", last.Start, last.Notes)
	}
}

func TestADurationIsAnEndToo(t *testing.T) { // ICA-52
	start := "DTSTART:20261210T060000Z"
	if got := mustRead(t, "COUNTER", start, "DURATION:PT1H30M"); !got.End.Equal(at(10, 7, 30)) || len(got.Notes) > 0 {
		t.Errorf("read %v %v", got.End, got.Notes)
	}
	for _, value := range []string{"P9999999999W", "-PT1H", "PT", "1H", "PT1H1H"} {
		if got := mustRead(t, "COUNTER", start, "DURATION:"+value); !got.End.IsZero() || len(got.Notes) != 1 {
			t.Errorf("%s: read %v %v", value, got.End, got.Notes)
		}
	}
}

func TestWhatCannotBeReadNamesItsReason(t *testing.T) { // ICA-66
	for name, c := range map[string]struct {
		data string
		want Reason
	}{
		"nothing":             {"", NoCalendar},
		"blank lines":         {"\r\n \r\n", NoCalendar},
		"no event":            {"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nEND:VTODO\r\nEND:VCALENDAR", NoCalendar},
		"a letter":            {"您好，我们参加。", Unparsed},
		"a bare event":        {"BEGIN:VEVENT\r\nEND:VEVENT", Unparsed},
		"cut off":             {"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1", Unparsed},
		"crossed":             {"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\nEND:VEVENT", Unparsed},
		"END first":           {"END:VCALENDAR", Unparsed},
		"property outside":    {wrap("REPLY") + "UID:1", Unparsed},
		"line without colon":  {wrap("REPLY", "UID"), Unparsed},
		"parameter no equals": {wrap("REPLY", "UID;X:1"), Unparsed},
		"binary":              {wrap("REPLY", "COMMENT:\xff\xfe\xff"), Charset},
	} {
		_, err := Read([]byte(c.data))
		var e *Error
		if !errors.As(err, &e) || e.Reason != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
