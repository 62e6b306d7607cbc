package workday

import (
	"encoding/json"
	"testing"
	"time"

	"lianban/internal/fault"
)

func TestDaysBeginAtMidnightInShanghai(t *testing.T) { // DL-20; the suite runs under other zones too
	for text, want := range map[string]string{
		"2026-02-13T15:59:59.999Z":  "2026-02-13",
		"2026-02-13T16:00:00Z":      "2026-02-14",
		"2026-03-08T02:30:00-05:00": "2026-03-08", // the night New York changes its clocks
	} {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := DateOf(at); got.String() != want {
			t.Errorf("%s falls on %s, want %s", text, got, want)
		}
		if start := DateOf(at).Midnight(); start.After(at) || !start.Add(24*time.Hour).After(at) {
			t.Errorf("%s is not inside its day, which begins %s", text, start)
		}
	}
}

func TestShanghaiKeepsOneOffset(t *testing.T) { // what the fixed fallback rests on
	for d := (Date{2000, 1, 1}); d.Year < 2100; d = d.AddDays(30) {
		if _, offset := d.Midnight().In(Shanghai).Zone(); offset != 8*60*60 {
			t.Fatalf("%s has offset %d", d, offset)
		}
	}
}

func TestDateArithmeticCrossesMonthsAndYears(t *testing.T) {
	for _, tt := range []struct {
		from string
		days int
		want string
	}{
		{"2024-02-28", 1, "2024-02-29"}, {"2025-02-28", 1, "2025-03-01"},
		{"2025-12-31", 1, "2026-01-01"}, {"2026-01-01", -1, "2025-12-31"}, {"2026-05-05", 0, "2026-05-05"},
	} {
		if got := date(t, tt.from).AddDays(tt.days); got.String() != tt.want {
			t.Errorf("%s %+d days is %s, want %s", tt.from, tt.days, got, tt.want)
		}
	}
	a, b := Date{2026, 9, 30}, Date{2026, 10, 1}
	if !a.Before(b) || b.Before(a) || a.Before(a) || a.Weekday() != time.Wednesday {
		t.Errorf("%s and %s are out of order, or %s is no Wednesday", a, b, a)
	}
}

func TestDatesOutsideTheFormAreRefused(t *testing.T) { // date_invalid
	for _, text := range []string{"", "2026-2-14", "2026-02-30", "20260214", "2026-02-14T00:00:00Z", " 2026-02-14"} {
		if _, err := ParseDate(text); !fault.Is(err, "date_invalid") {
			t.Errorf("%q: %v, want date_invalid", text, err)
		}
	}
}

func TestDatesAndHoursKeepTheirTextEverywhere(t *testing.T) {
	type row struct {
		Day   Date
		None  Date
		Hours Hours
	}
	in := row{Day: Date{2026, 2, 14}, Hours: DefaultHours()}
	text, err := json.Marshal(in)
	if want := `{"Day":"2026-02-14","None":"","Hours":"09:00-12:00,13:30-17:30"}`; err != nil || string(text) != want {
		t.Fatalf("%s (%v), want %s", text, err, want)
	}
	var out row
	if err := json.Unmarshal(text, &out); err != nil || out.Day != in.Day || !out.None.IsZero() || out.Hours.String() != in.Hours.String() {
		t.Errorf("read back %+v (%v)", out, err)
	}

	day, _ := in.Day.Value()
	none, _ := Date{}.Value()
	hours, _ := in.Hours.Value()
	if day != "2026-02-14" || none != nil || hours != "09:00-12:00,13:30-17:30" {
		t.Errorf("columns %v, %v, %v", day, none, hours)
	}
	out = row{}
	if err := out.Day.Scan([]byte("2026-02-14")); err != nil || out.Day != in.Day {
		t.Errorf("column read as %s (%v)", out.Day, err)
	}
	if err := out.None.Scan(nil); err != nil || !out.None.IsZero() {
		t.Errorf("NULL read as %s (%v)", out.None, err)
	}
	if err := out.Hours.Scan(hours); err != nil || out.Hours.String() != hours {
		t.Errorf("column read as %s (%v)", out.Hours, err)
	}
	if out.Day.Scan(7) == nil || out.Hours.Scan(7) == nil {
		t.Error("a number was read as text")
	}
}
