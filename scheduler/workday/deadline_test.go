package workday

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"lianban/internal/fault"
)

func mustReply(t *testing.T, c *Calendar, start string, term int) Deadline {
	t.Helper()
	d, err := c.Reply(clock(t, start), term, DefaultHours())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestReplyTermRunsFromTheServedDay(t *testing.T) { // INS-413
	c := shippedCalendar(t)
	for _, tt := range []struct {
		start, served, due string
	}{
		{"2026-02-12 10:00", "2026-02-12", "2026-02-13 17:30"},
		{"2026-02-13 16:00", "2026-02-13", "2026-02-14 17:30"}, // the make-up Saturday counts
		{"2026-02-13 18:05", "2026-02-14", "2026-02-24 17:30"},
		{"2026-09-24 11:00", "2026-09-24", "2026-09-28 17:30"},
		{"2026-02-12 00:00", "2026-02-12", "2026-02-13 17:30"}, // before opening counts for the day
		{"2026-02-12 12:30", "2026-02-12", "2026-02-13 17:30"}, // so does midday
		{"2026-02-12 17:29", "2026-02-12", "2026-02-13 17:30"},
		{"2026-02-12 17:30", "2026-02-13", "2026-02-14 17:30"}, // the block is over at its end
		{"2026-02-20 10:00", "2026-02-24", "2026-02-25 17:30"}, // a day off
		{"2026-02-20 23:59", "2026-02-24", "2026-02-25 17:30"},
	} {
		d := mustReply(t, c, tt.start, 1)
		if d.Served.String() != tt.served || !d.Due.Equal(clock(t, tt.due)) {
			t.Errorf("served %s: counts for %s, due %s; want %s, %s", tt.start, d.Served, d.Due.In(Shanghai), tt.served, tt.due)
		}
	}
}

func TestReplyTermEndsWithTheCentresOwnHours(t *testing.T) { // INS-413
	c := shippedCalendar(t)
	h, err := ParseHours("08:00-12:00,14:30-18:00")
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Reply(clock(t, "2026-02-12 17:45"), 1, h)
	if err != nil || !d.Due.Equal(clock(t, "2026-02-13 18:00")) {
		t.Errorf("due %s (%v), want 2026-02-13 18:00", d.Due.In(Shanghai), err)
	}
}

func TestDeadlineCountsAroundACentresClosure(t *testing.T) { // INS-402
	c := shippedCalendar(t).WithClosures([]Date{{2026, 3, 4}, {2026, 3, 5}})
	d := mustReply(t, c, "2026-03-03 10:00", 1)
	if !d.Due.Equal(clock(t, "2026-03-06 17:30")) {
		t.Errorf("due %s, want 2026-03-06 17:30", d.Due.In(Shanghai))
	}
	if want := "送达 2026-03-03 周二 10:00；期限 1 个工作日；03-04 周三…03-05 周四 停办；截止 2026-03-06 周五 17:30（日历版本 7）"; d.Line != want {
		t.Errorf("line %s\nwant %s", d.Line, want)
	}
}

func TestFollowingTermDoesNotMoveTheDayOfTheEvent(t *testing.T) { // INS-932
	c := shippedCalendar(t)
	d, err := c.Following(clock(t, "2026-03-05 18:40"), 1, DefaultHours())
	if err != nil || !d.Due.Equal(clock(t, "2026-03-06 17:30")) {
		t.Errorf("due %s (%v), want 2026-03-06 17:30", d.Due.In(Shanghai), err)
	}
	if want := "起算 2026-03-05 周四 18:40；期限 1 个工作日；截止 2026-03-06 周五 17:30（日历版本 7）"; d.Line != want {
		t.Errorf("line %s\nwant %s", d.Line, want)
	}
}

func TestArithmeticLineCanBeCheckedByHand(t *testing.T) { // INS-937
	c := shippedCalendar(t)
	for _, tt := range []struct {
		start string
		term  int
		want  string
	}{
		{"2026-02-13 18:05", 1, "送达 2026-02-13 周五 18:05（下班后，计为 02-14 周六）；期限 1 个工作日；02-15 周日…02-23 周一 放假；截止 2026-02-24 周二 17:30（日历版本 7）"},
		{"2026-02-13 16:00", 1, "送达 2026-02-13 周五 16:00；期限 1 个工作日；02-14 周六 调休上班；截止 2026-02-14 周六 17:30（日历版本 7）"},
		{"2026-03-06 10:00", 1, "送达 2026-03-06 周五 10:00；期限 1 个工作日；03-07 周六…03-08 周日 周末；截止 2026-03-09 周一 17:30（日历版本 7）"},
		{"2026-02-20 10:00", 1, "送达 2026-02-20 周五 10:00（非工作日，计为 02-24 周二）；期限 1 个工作日；截止 2026-02-25 周三 17:30（日历版本 7）"},
		{"2025-12-31 18:00", 1, "送达 2025-12-31 周三 18:00（下班后，计为 2026-01-04 周日）；期限 1 个工作日；截止 2026-01-05 周一 17:30（日历版本 7）"},
		{"2026-12-31 10:00", 1, "送达 2026-12-31 周四 10:00；期限 1 个工作日；2027-01-01 周五…2027-01-03 周日 放假；截止 2027-01-04 周一 17:30（日历版本 7，暂定）"},
	} {
		if got := mustReply(t, c, tt.start, tt.term).Line; got != tt.want {
			t.Errorf("line %s\nwant %s", got, tt.want)
		}
	}
}

func TestDeadlineThroughAProvisionalYearIsMarked(t *testing.T) { // INS-405, DEC-17
	c := shippedCalendar(t)
	for start, want := range map[string]bool{
		"2026-12-29 10:00": false,
		"2026-12-31 10:00": true, // ends in 2027
		"2027-03-01 10:00": true,
	} {
		if d := mustReply(t, c, start, 1); d.Provisional != want {
			t.Errorf("served %s: provisional %v, want %v", start, d.Provisional, want)
		}
	}
}

func TestDeadlineCanBeCountedAgainFromItself(t *testing.T) { // INS-408
	c := shippedCalendar(t)
	d := mustReply(t, c, "2026-02-13 18:05", 3)
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var stored Deadline
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	again, err := c.Reply(stored.Start, stored.Term, stored.Hours)
	if err != nil || !reflect.DeepEqual(again, d) {
		t.Errorf("counted again: %+v (%v)\nwant %+v", again, err, d)
	}
}

func TestIssuedDeadlineOnlyEverMovesLater(t *testing.T) { // INS-409
	before := shippedCalendar(t)
	later := shippedCalendar(t).WithClosures([]Date{{2026, 3, 4}})
	later.version = 8

	old := mustReply(t, before, "2026-03-03 10:00", 1)
	moved, did, err := later.Extend(old)
	if err != nil || !did || !moved.Due.Equal(clock(t, "2026-03-05 17:30")) || moved.CalendarVersion != 8 {
		t.Fatalf("extended %v to %+v (%v)", did, moved, err)
	}
	want := "送达 2026-03-03 周二 10:00；期限 1 个工作日；03-04 周三 停办；截止 2026-03-05 周四 17:30（日历版本 8）；原定 2026-03-04 周三 17:30，顺延"
	if moved.Line != want {
		t.Errorf("line %s\nwant %s", moved.Line, want)
	}
	if again, did, err := later.Extend(moved); err != nil || did || !reflect.DeepEqual(again, moved) {
		t.Errorf("extended twice by one calendar: %v %+v (%v)", did, again, err)
	}

	before.version = 9 // the closure is taken back
	kept, did, err := before.Extend(moved)
	if err != nil || did || !kept.Due.Equal(moved.Due) || kept.CalendarVersion != 9 {
		t.Errorf("an earlier result moved the deadline: %v %+v (%v)", did, kept, err)
	}
	want = "送达 2026-03-03 周二 10:00；期限 1 个工作日；截止 2026-03-04 周三 17:30（日历版本 9）；已定 2026-03-05 周四 17:30，不提前"
	if kept.Line != want {
		t.Errorf("line %s\nwant %s", kept.Line, want)
	}
	if older, did, err := shippedCalendar(t).Extend(kept); err != nil || did || !reflect.DeepEqual(older, kept) {
		t.Errorf("an older calendar touched the deadline: %v %+v (%v)", did, older, err)
	}
}

func TestImportedNoticeEndsAProvisionalDeadline(t *testing.T) { // FAC-12, DEC-17
	old := mustReply(t, shippedCalendar(t), "2027-03-01 10:00", 1)
	years, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	years[2027] = Year{Status: Final, Off: years[2027].Off}
	final := mustNew(t, years)
	final.version = 8
	d, moved, err := final.Extend(old)
	if err != nil || moved || d.Provisional || d.CalendarVersion != 8 || !d.Due.Equal(old.Due) {
		t.Errorf("after the notice: moved %v, %+v (%v)", moved, d, err)
	}
}

func TestExtendReportsAMissingYear(t *testing.T) { // INS-405
	old := mustReply(t, shippedCalendar(t), "2027-03-01 10:00", 1)
	c, err := New(8, map[int]Year{2026: {Status: Final, Off: []Date{{2026, 1, 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Extend(old); !fault.Is(err, "calendar_missing") {
		t.Errorf("%v, want calendar_missing", err)
	}
	if _, err := c.Reply(time.Time{}, 1, nil); !fault.Is(err, "hours_invalid") {
		t.Errorf("%v, want hours_invalid", err)
	}
}
