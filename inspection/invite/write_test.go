package invite

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	visitUID   = "6f1c0e4a-9d0b-4a55-8c61-3f1f8f0c2a77"
	revisitUID = "0b7a3c52-1f7e-4d0a-9a55-60c1f2a7d913"
)

// newEvent is the joint visit of section 7: Thursday 09:30, three departments.
func newEvent(change ...func(*Event)) Event {
	e := Event{
		UID:         visitUID,
		Stamp:       time.Date(2026, 12, 7, 1, 15, 0, 0, time.UTC),
		Start:       time.Date(2026, 12, 10, 1, 30, 0, 0, time.UTC),
		End:         time.Date(2026, 12, 10, 3, 0, 0, 0, time.UTC),
		Summary:     "联合踏勘 办件2026-0317 冷水滩区",
		Location:    "冷水滩区梅湾路118号; 一楼, 东侧",
		Description: "请于12月8日（周二）17:30 前反馈。\n逾期未反馈或不参加的，按规定视为同意。",
		Organizer:   Party{Name: "冷水滩区综合窗口", Address: "v+k4q7z2m3x5c6v7b3n6t2r2y4w7@lianban.example"},
		Attendees: []Party{
			{Name: "区市场监管局", Address: "scjg@dept.example"},
			{Name: "区消防救援大队", Address: "xf@dept.example", PartStat: Declined},
			{Name: "区卫生健康局", Address: "wj@dept.example", PartStat: Accepted},
		},
		Round:     1,
		RespondBy: time.Date(2026, 12, 8, 9, 30, 0, 0, time.UTC),
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func alone(e *Event)   { e.Attendees = e.Attendees[:1] }
func raised(e *Event)  { e.Sequence, e.Stamp = 1, e.Stamp.Add(time.Hour) }
func silent(e *Event)  { e.Stamp, e.Deemed = e.Stamp.AddDate(0, 0, 2), e.RespondBy.Add(5*time.Minute) }
func revisit(e *Event) { e.UID, e.Related = revisitUID, visitUID }

// built are the objects the office sends (SIM-3).
var built = map[string]func() ([]byte, error){
	"request":      func() ([]byte, error) { return Request(newEvent()) },
	"one_more":     func() ([]byte, error) { return Request(newEvent(alone, raised)) },
	"deemed":       func() ([]byte, error) { return Request(newEvent(silent)) },
	"revisit":      func() ([]byte, error) { return Request(newEvent(revisit)) },
	"cancel_some":  func() ([]byte, error) { return CancelSome(newEvent(alone, raised), "经核实不涉及消防事项") },
	"cancel_whole": func() ([]byte, error) { return CancelAll(newEvent(raised), "申请人撤回") },
}

func TestTheObjectsWeSendAreTheGoldenFiles(t *testing.T) {
	for name, build := range built {
		got, err := build()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		file := filepath.Join("testdata", name+".ics")
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestTheBytesAreTheSameInEveryTimeZoneOfTheMachine(t *testing.T) { // ICA-74
	if testing.Short() {
		t.Skip("skipped: runs itself three times")
	}
	for _, zone := range []string{"UTC", "Asia/Shanghai", "America/New_York"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestTheObjectsWeSendAreTheGoldenFiles$")
		cmd.Env = append(os.Environ(), "TZ="+zone)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("TZ=%s: %v\n%s", zone, err, out)
		}
	}
}

func TestTheZoneOfTheGivenInstantsMakesNoDifference(t *testing.T) { // ICA-74
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	want := mustBuild(t, newEvent())
	for _, zone := range []*time.Location{time.Local, newYork, time.FixedZone("CST", 8*3600)} {
		got := mustBuild(t, newEvent(func(e *Event) {
			e.Stamp, e.Start, e.End, e.RespondBy = e.Stamp.In(zone), e.Start.In(zone), e.End.In(zone), e.RespondBy.In(zone)
		}))
		if !bytes.Equal(got, want) {
			t.Errorf("%v:\n%s", zone, got)
		}
	}
}

func mustBuild(t testing.TB, e Event) []byte {
	t.Helper()
	data, err := Request(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// lines gives the whole lines of an object, folds undone.
func lines(data []byte) []string {
	return strings.Split(strings.ReplaceAll(string(data), "\r\n ", ""), "\r\n")
}

func TestARequestAlwaysSaysItsSequenceAndIsConfirmed(t *testing.T) { // ICA-07, ICA-31
	got := lines(mustBuild(t, newEvent()))
	for _, want := range []string{
		"METHOD:REQUEST", "SEQUENCE:0", "STATUS:CONFIRMED", "PRODID:-//Lianban//Invite 1//ZH", "VERSION:2.0",
		"DTSTAMP:20261207T011500Z", "DTSTART;TZID=Asia/Shanghai:20261210T093000", "DTEND;TZID=Asia/Shanghai:20261210T110000",
		"ATTENDEE;CN=区市场监管局;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:scjg@dept.example",
		"ATTENDEE;CN=区消防救援大队;PARTSTAT=DECLINED:mailto:xf@dept.example",
		"X-LIANBAN-ROUND:1", "X-LIANBAN-RESPOND-BY;VALUE=DATE-TIME:20261208T093000Z",
	} {
		if n := occurrences(got, want); n != 1 {
			t.Errorf("%d times %q in\n%s", n, want, strings.Join(got, "\n"))
		}
	}
}

func occurrences(lines []string, want string) (n int) {
	for _, line := range lines {
		if line == want {
			n++
		}
	}
	return n
}

func TestOnlyTheCancelOfTheWholeVisitHasAStatus(t *testing.T) { // ICA-32, ICA-81
	some, err := CancelSome(newEvent(alone, raised), "不涉及")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(some), "STATUS") || !strings.Contains(string(some), "\r\nCOMMENT:不涉及\r\n") {
		t.Errorf("CANCEL to some:\n%s", some)
	}
	all, err := CancelAll(newEvent(raised), "撤回")
	if err != nil {
		t.Fatal(err)
	}
	if occurrences(lines(all), "STATUS:CANCELLED") != 1 || strings.Contains(string(all), "PARTSTAT") {
		t.Errorf("CANCEL to all:\n%s", all)
	}
}

func TestDeemedConsentIsNeverWrittenAsAccepted(t *testing.T) { // ICA-75
	got := lines(mustBuild(t, newEvent(silent)))
	for _, want := range []string{
		"X-LIANBAN-DEEMED;VALUE=DATE-TIME:20261208T093500Z",
		"ATTENDEE;CN=区市场监管局;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:scjg@dept.example",
	} {
		if occurrences(got, want) != 1 {
			t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if said := "已于2026年12月8日17:35按规定记为视为同意。"; !strings.Contains(strings.Join(got, "\n"), said) {
		t.Errorf("the DESCRIPTION does not say %q", said)
	}
	for _, p := range []PartStat{Accepted, Declined} {
		if _, err := Request(newEvent(silent, func(e *Event) { e.Attendees[0].PartStat = p })); err == nil {
			t.Errorf("deemed and %s was written", p)
		}
	}
}

func TestWhatCannotBeSaidInAValidObjectIsRefused(t *testing.T) { // ICA-22, ICA-24, ICA-31
	for name, change := range map[string]func(*Event){
		"no UID":                  func(e *Event) { e.UID = "" },
		"UID with personal data":  func(e *Event) { e.UID = "43110319800101001X@lianban" },
		"UID in capitals":         func(e *Event) { e.UID = strings.ToUpper(visitUID) },
		"UID with a second line":  func(e *Event) { e.UID = visitUID + "\n" },
		"negative SEQUENCE":       func(e *Event) { e.Sequence = -1 },
		"no DTSTAMP":              func(e *Event) { e.Stamp = time.Time{} },
		"DTSTAMP with a fraction": func(e *Event) { e.Stamp = e.Stamp.Add(time.Millisecond) },
		"no DTSTART":              func(e *Event) { e.Start = time.Time{} },
		"ends before it starts":   func(e *Event) { e.End = e.Start },
		"no SUMMARY":              func(e *Event) { e.Summary = "\r\x00" },
		"no ATTENDEE":             func(e *Event) { e.Attendees = nil },
		"no ORGANIZER":            func(e *Event) { e.Organizer = Party{} },
		"ATTENDEE with a header":  func(e *Event) { e.Attendees[0].Address = "a@b.example\r\nSTATUS:CANCELLED" },
		"ATTENDEE with a query":   func(e *Event) { e.Attendees[0].Address = "a?cc=x@b.example" },
		"two addresses in one":    func(e *Event) { e.Attendees[0].Address = "a@b.example,c@d.example" },
		"PARTSTAT of our own":     func(e *Event) { e.Attendees[1].PartStat = "DEEMED" },
		"no Round":                func(e *Event) { e.Round = 0 },
		"Related is no UID":       func(e *Event) { e.Related = "x" },
		"text over the limit":     func(e *Event) { e.Description = strings.Repeat("长", maxLine/3+1) },
		"name over the limit":     func(e *Event) { e.Attendees[0].Name = strings.Repeat("长", maxParam/3+1) },
	} {
		if data, err := Request(newEvent(change)); err == nil {
			t.Errorf("%s was written:\n%s", name, data)
		}
	}
	if _, err := CancelAll(newEvent(raised), " \n"); err == nil {
		t.Error("a CANCEL without reason was written")
	}
	if _, err := CancelAll(newEvent(), "撤回"); err == nil {
		t.Error("a CANCEL with SEQUENCE 0 was written") // ICA-29
	}
}

func TestTheValidatorRefusesWhatTheMethodForbids(t *testing.T) { // ICA-39, section 8 row 15
	good := string(mustBuild(t, newEvent()))
	for name, edit := range map[string][]string{
		"REQUEST-STATUS":     {"SEQUENCE:0", "SEQUENCE:0\r\nREQUEST-STATUS:2.0;ok"},
		"VALARM":             {"END:VEVENT", "BEGIN:VALARM\r\nEND:VALARM\r\nEND:VEVENT"},
		"RRULE":              {"SEQUENCE:0", "SEQUENCE:0\r\nRRULE:FREQ=DAILY"},
		"two UIDs":           {"SEQUENCE:0", "SEQUENCE:0\r\nUID:" + revisitUID},
		"no SEQUENCE":        {"SEQUENCE:0\r\n", ""},
		"cancelled REQUEST":  {"STATUS:CONFIRMED", "STATUS:CANCELLED"},
		"tentative":          {"STATUS:CONFIRMED", "STATUS:TENTATIVE"},
		"no VTIMEZONE":       {vtimezone, ""},
		"another zone":       {"DTEND;TZID=Asia/Shanghai", "DTEND;TZID=Asia/Tokyo"},
		"floating":           {"DTEND;TZID=Asia/Shanghai", "DTEND"},
		"unknown parameter":  {"ATTENDEE;CN", "ATTENDEE;X-FOO=1;CN"},
		"unknown X property": {"SEQUENCE:0", "SEQUENCE:0\r\nX-FOO:1"},
		"two PRODIDs":        {"VERSION:2.0", "VERSION:2.0\r\nPRODID:x"},
		"two VEVENTs":        {"END:VEVENT", "END:VEVENT\r\nBEGIN:VEVENT\r\nEND:VEVENT"},
	} {
		bad := strings.Replace(good, edit[0], edit[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing edited", name)
		}
		calendars, err := parse([]byte(bad))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if validate(calendars[0].Calendar, MethodRequest) == nil {
			t.Errorf("%s passed", name)
		}
	}
}

func TestAnObjectThatReadsBackDifferentlyIsNotGivenAway(t *testing.T) { // ICA-27
	data := mustBuild(t, newEvent())
	objects, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	want := objects[0]
	if err := readBack(data, want); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Object){
		"UID":         func(o *Object) { o.UID = revisitUID },
		"SEQUENCE":    func(o *Object) { o.Sequence++ },
		"DTSTAMP":     func(o *Object) { o.Stamp = o.Stamp.Add(time.Second) },
		"DTSTART":     func(o *Object) { o.Start = o.Start.Add(time.Second) },
		"DTEND":       func(o *Object) { o.End = o.End.Add(time.Second) },
		"SUMMARY":     func(o *Object) { o.Summary += "。" },
		"LOCATION":    func(o *Object) { o.Location += "。" },
		"DESCRIPTION": func(o *Object) { o.Description += "。" },
		"COMMENT":     func(o *Object) { o.Comment += "。" },
		"STATUS":      func(o *Object) { o.Status = StatusNone },
		"RELATED-TO":  func(o *Object) { o.Related = revisitUID },
		"ORGANIZER":   func(o *Object) { o.Organizer.Name += "。" },
		"ATTENDEE":    func(o *Object) { o.Attendees = slices.Clone(o.Attendees); o.Attendees[2].PartStat = Declined },
	} {
		changed := want
		change(&changed)
		if err := readBack(data, changed); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALineTheReaderWouldLeaveOutIsNotGivenAway(t *testing.T) { // ICA-27, ICA-85
	data := mustBuild(t, newEvent())
	want := mustReadBytes(t, data)
	long := "X-FOO:" + strings.Repeat("a", maxLine) + "\r\nSEQUENCE:"
	if readBack([]byte(strings.Replace(string(data), "SEQUENCE:", long, 1)), want) == nil {
		t.Error("an object with a line over the limit passed")
	}
}

func TestAStampIsLaterThanTheLastOneSent(t *testing.T) { // ICA-24
	now := time.Date(2026, 12, 7, 9, 15, 0, 600e6, time.FixedZone("", 8*3600))
	second := time.Date(2026, 12, 7, 1, 15, 0, 0, time.UTC)
	for _, c := range []struct{ last, want time.Time }{
		{time.Time{}, second},
		{second.Add(-time.Second), second},
		{second, second.Add(time.Second)},
		{second.Add(time.Hour), second.Add(time.Hour + time.Second)},
	} {
		if got := NextStamp(now, c.last); got != c.want {
			t.Errorf("after %v: %v, want %v", c.last, got, c.want)
		}
	}
}
