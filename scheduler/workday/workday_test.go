package workday

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"
	"time"

	"lianban/internal/fault"
)

// shippedCalendar is the calendar that comes with the program, as version 7.
func shippedCalendar(t testing.TB) *Calendar {
	t.Helper()
	years, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return mustNew(t, years)
}

func mustNew(t testing.TB, years map[int]Year) *Calendar {
	t.Helper()
	c, err := New(7, years)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func date(t testing.TB, text string) Date {
	t.Helper()
	d, err := ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// clock reads "2026-02-13 18:05" as an instant in Shanghai.
func clock(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, Shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestWorkingDaysAfterMatchAllVectors(t *testing.T) { // INS-412, FAC-11
	file, err := os.Open("testdata/workday_vectors.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 41 {
		t.Fatalf("%d vectors, want 40 and a heading", len(rows))
	}
	c := shippedCalendar(t)
	for _, row := range rows[1:] {
		n, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Add(date(t, row[0]), n)
		if err != nil || got.String() != row[2] {
			t.Errorf("%s + %d = %s (%v), want %s", row[0], n, got, err, row[2])
		}
	}
}

func TestYearsHaveTheKnownNumberOfWorkingDays(t *testing.T) { // INS-411, FAC-10, FAC-12
	c := shippedCalendar(t)
	count := func(after, last string) int {
		n, err := c.Between(date(t, after), date(t, last))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for year, want := range map[int]int{2024: 251, 2025: 248, 2026: 248, 2027: 254} {
		y := strconv.Itoa(year)
		if got := count(strconv.Itoa(year-1)+"-12-31", y+"-12-31"); got != want {
			t.Errorf("%d has %d working days, want %d", year, got, want)
		}
	}
	months := []int{21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23}
	for i, want := range months {
		first := Date{2026, time.Month(i + 1), 1}
		last := DateOf(time.Date(2026, time.Month(i+2), 0, 12, 0, 0, 0, Shanghai))
		if got := count(first.AddDays(-1).String(), last.String()); got != want {
			t.Errorf("2026-%02d has %d working days, want %d", i+1, got, want)
		}
	}
}

func TestADayIsAWorkingDayByItsListOrItsWeekday(t *testing.T) { // INS-401
	c := mustNew(t, map[int]Year{2026: {
		Status: Final,
		Off:    []Date{{2026, 3, 4}, {2026, 3, 7}},
		Work:   []Date{{2026, 3, 7}, {2026, 3, 8}, {2026, 3, 9}},
	}})
	for text, want := range map[string]bool{
		"2026-03-03": true,  // Tuesday
		"2026-03-04": false, // Wednesday, off
		"2026-03-07": true,  // Saturday in both lists: work wins
		"2026-03-08": true,  // Sunday made a working day
		"2026-03-09": true,  // Monday, listed needlessly
		"2026-03-14": false, // Saturday
	} {
		if got, err := c.IsWorkday(date(t, text)); err != nil || got != want {
			t.Errorf("%s is a working day: %v (%v), want %v", text, got, err, want)
		}
	}
}

func TestClosuresOnlyTakeDaysAway(t *testing.T) { // INS-402
	national := shippedCalendar(t)
	local := national.WithClosures([]Date{
		{2026, 3, 3},  // Tuesday
		{2026, 2, 14}, // make-up Saturday
		{2026, 3, 7},  // Saturday anyhow
		{2031, 1, 2},  // year without data
	})
	for d := (Date{2026, 1, 1}); d.Year == 2026; d = d.AddDays(1) {
		was, _ := national.IsWorkday(d)
		is, _ := local.IsWorkday(d)
		closed := d == Date{2026, 3, 3} || d == Date{2026, 2, 14}
		if is != (was && !closed) {
			t.Errorf("%s: working day %v with closures, %v without", d, is, was)
		}
	}
	if _, err := local.IsWorkday(Date{2031, 1, 2}); !fault.Is(err, "calendar_missing") {
		t.Errorf("a closure made a year without data countable: %v", err)
	}
	if local.Version() != national.Version() {
		t.Errorf("version %d, want %d", local.Version(), national.Version())
	}
}

func TestANoticeMayMoveDaysInTheDecemberBefore(t *testing.T) { // INS-403, FAC-13
	c := mustNew(t, map[int]Year{
		2026: {Status: Final, Off: []Date{{2026, 1, 1}}},
		2027: {Status: Final, Off: []Date{{2026, 12, 31}, {2027, 1, 1}}, Work: []Date{{2026, 12, 27}}},
	})
	got, err := c.Add(Date{2026, 12, 25}, 1) // Friday; Sunday 27th is made up
	if err != nil || got != (Date{2026, 12, 27}) {
		t.Errorf("the day after Friday 12-25 is %s (%v), want Sunday 12-27", got, err)
	}
	got, err = c.Add(Date{2026, 12, 30}, 1)
	if err != nil || got != (Date{2027, 1, 4}) {
		t.Errorf("the day after 12-30 is %s (%v), want 2027-01-04", got, err)
	}
}

func TestAYearWithoutDataIsRefused(t *testing.T) { // INS-405
	c := shippedCalendar(t)
	at := clock(t, "2027-12-31 17:00")
	_, addErr := c.Add(Date{2027, 12, 30}, 2)
	_, betweenErr := c.Between(Date{2023, 12, 30}, Date{2024, 1, 5})
	_, minutesErr := c.AddMinutes(at, 60, DefaultHours())
	_, openErr := c.OpenMinutes(at, at.AddDate(0, 0, 1), DefaultHours())
	_, replyErr := c.Reply(at, 1, DefaultHours())
	_, dayErr := c.IsWorkday(Date{2028, 1, 3})
	for name, err := range map[string]error{
		"Add": addErr, "Between": betweenErr, "AddMinutes": minutesErr,
		"OpenMinutes": openErr, "Reply": replyErr, "IsWorkday": dayErr,
	} {
		if !fault.Is(err, "calendar_missing") {
			t.Errorf("%s over a year without data: %v, want calendar_missing", name, err)
		}
	}
	// A moved day in December does not make that December countable.
	early := mustNew(t, map[int]Year{2027: {Status: Final, Off: []Date{{2026, 12, 31}}}})
	if _, err := early.IsWorkday(Date{2026, 12, 31}); !fault.Is(err, "calendar_missing") {
		t.Errorf("2026-12-31 known only from the 2027 notice: %v", err)
	}
	if _, err := mustNew(t, nil).IsWorkday(Date{2026, 1, 5}); !fault.Is(err, "calendar_missing") {
		t.Errorf("empty calendar: %v", err)
	}
}

func TestAYearWithoutANoticeIsProvisional(t *testing.T) { // INS-405
	c := shippedCalendar(t)
	for text, want := range map[string]bool{"2026-12-31": false, "2027-01-04": true, "2028-01-04": true} {
		if got := c.Provisional(date(t, text)); got != want {
			t.Errorf("%s provisional: %v, want %v", text, got, want)
		}
	}
	if c.Status(2026) != Final || c.Status(2027) != Provisional || c.Status(2028) != "" {
		t.Errorf("status %q %q %q", c.Status(2026), c.Status(2027), c.Status(2028))
	}
}

func TestANegativeCountIsAnError(t *testing.T) {
	c := shippedCalendar(t)
	if _, err := c.Add(Date{2026, 3, 3}, -1); err == nil {
		t.Error("Add took -1 days")
	}
	if _, err := c.AddMinutes(clock(t, "2026-03-03 10:00"), -1, DefaultHours()); err == nil {
		t.Error("AddMinutes took -1 minutes")
	}
}

func TestDiffNamesTheDaysAnImportChanged(t *testing.T) { // INS-404
	old := mustNew(t, map[int]Year{
		2026: {Status: Final, Off: []Date{{2026, 10, 1}}},
		2027: {Status: Provisional, Off: []Date{{2027, 1, 1}}},
	})
	updated := mustNew(t, map[int]Year{
		2026: {Status: Final, Off: []Date{{2026, 10, 1}, {2026, 10, 3}}}, // a Saturday: no change in meaning
		2027: {Status: Final, Off: []Date{{2027, 1, 1}, {2026, 12, 31}}, Work: []Date{{2027, 1, 9}}},
		2028: {Status: Provisional},
	})
	want := []Change{
		{Year: 2026, Date: Date{2026, 12, 31}, From: "work", To: "off"},
		{Year: 2027, From: Provisional, To: Final},
		{Year: 2027, Date: Date{2027, 1, 9}, From: "off", To: "work"},
		{Year: 2028, From: "", To: Provisional},
	}
	got := Diff(old, updated)
	if len(got) != len(want) {
		t.Fatalf("diff %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("change %d is %v, want %v", i, got[i], want[i])
		}
	}
	if same := Diff(old, old); len(same) != 0 {
		t.Errorf("a calendar differs from itself: %v", same)
	}
}
