package workday

import (
	"testing"
	"time"

	"lianban/internal/fault"
)

func TestWorkingMinutesRunOnlyInsideOpeningHours(t *testing.T) { // INS-407
	c := shippedCalendar(t)
	for _, tt := range []struct {
		from    string
		minutes int
		want    string
	}{
		{"2026-02-12 11:00", 120, "2026-02-12 14:30"},
		{"2026-02-13 17:00", 120, "2026-02-14 10:30"}, // Friday into the make-up Saturday
		{"2026-02-12 11:00", 60, "2026-02-12 12:00"},  // used up exactly at the end of a block
		{"2026-02-12 08:00", 1, "2026-02-12 09:01"},
		{"2026-02-12 12:10", 1, "2026-02-12 13:31"},
		{"2026-02-14 17:30", 30, "2026-02-24 09:30"}, // over the Spring Festival
		{"2026-02-12 09:00", 2 * 7 * 60, "2026-02-13 17:30"},
		{"2026-02-12 10:00", 0, "2026-02-12 10:00"},
		{"2026-02-12 12:00", 0, "2026-02-12 13:30"}, // noon is outside the half-open block
		{"2026-02-15 12:00", 0, "2026-02-24 09:00"},
	} {
		got, err := c.AddMinutes(clock(t, tt.from), tt.minutes, DefaultHours())
		if err != nil || !got.Equal(clock(t, tt.want)) {
			t.Errorf("%s + %d min = %s (%v), want %s", tt.from, tt.minutes, got.In(Shanghai), err, tt.want)
		}
		if got.Location() != time.UTC {
			t.Errorf("%s + %d min is in %s, want UTC", tt.from, tt.minutes, got.Location())
		}
	}
}

func TestWorkingMinutesAreCountedBackInsideOpeningHours(t *testing.T) { // DEL §7.5: four hours before the due moment
	c := shippedCalendar(t)
	for _, tt := range []struct {
		to      string
		minutes int
		want    string
	}{
		{"2026-02-12 14:30", 120, "2026-02-12 11:00"},
		{"2026-02-14 10:30", 120, "2026-02-13 17:00"}, // the make-up Saturday back into Friday
		{"2026-02-12 12:00", 180, "2026-02-12 09:00"}, // used up exactly at the start of a block
		{"2026-02-12 20:00", 1, "2026-02-12 17:29"},
		{"2026-02-24 09:30", 60, "2026-02-14 17:00"}, // over the Spring Festival
		{"2026-02-12 10:00", 0, "2026-02-12 10:00"},
		{"2026-02-12 13:30", 0, "2026-02-12 12:00"},
		{"2026-02-12 09:00", 0, "2026-02-11 17:30"},
	} {
		got, err := c.SubMinutes(clock(t, tt.to), tt.minutes, DefaultHours())
		if err != nil || !got.Equal(clock(t, tt.want)) || got.Location() != time.UTC {
			t.Errorf("%s - %d min = %s (%v), want %s", tt.to, tt.minutes, got, err, tt.want)
		}
	}
	at := clock(t, "2026-02-12 10:00")
	if _, err := c.SubMinutes(at, 1, nil); !fault.Is(err, "hours_invalid") {
		t.Errorf("no opening hours at all: %v", err)
	}
	if _, err := c.SubMinutes(at, -1, DefaultHours()); err == nil {
		t.Error("negative minutes were subtracted")
	}
	if _, err := c.SubMinutes(clock(t, "2000-01-01 10:00"), 1, DefaultHours()); !fault.Is(err, "calendar_missing") {
		t.Errorf("before all years: %v, want calendar_missing", err)
	}
}

func TestOpenMinutesCountsOpeningTimeOnly(t *testing.T) { // INS-905 measures gaps with it
	c := shippedCalendar(t)
	for _, tt := range []struct {
		from, to string
		want     int
	}{
		{"2026-02-11 17:10", "2026-02-11 18:20", 20}, // worked example of DL-15
		{"2026-02-12 00:00", "2026-02-13 00:00", 420},
		{"2026-02-12 11:00", "2026-02-12 14:30", 120},
		{"2026-02-13 17:00", "2026-02-14 10:30", 120},
		{"2026-02-15 00:00", "2026-02-24 00:00", 0},
		{"2026-02-12 12:00", "2026-02-12 13:30", 0},
		{"2026-02-12 10:00", "2026-02-12 10:00", 0},
		{"2026-02-12 10:00", "2026-02-11 10:00", 0},
	} {
		got, err := c.OpenMinutes(clock(t, tt.from), clock(t, tt.to), DefaultHours())
		if err != nil || got != tt.want {
			t.Errorf("[%s, %s) has %d open minutes (%v), want %d", tt.from, tt.to, got, err, tt.want)
		}
	}
	start := clock(t, "2026-02-12 10:00")
	if got, _ := c.OpenMinutes(start, start.Add(59*time.Second), DefaultHours()); got != 0 {
		t.Errorf("59 seconds are %d minutes, want 0", got)
	}
}

func TestOpeningHoursAreReadAndRefused(t *testing.T) { // hours_invalid
	for _, text := range []string{"09:00-12:00,13:30-17:30", "00:00-24:00", "08:30-09:00"} {
		h, err := ParseHours(text)
		if err != nil || h.String() != text {
			t.Errorf("%q reads as %q (%v)", text, h, err)
		}
	}
	if DefaultHours().String() != "09:00-12:00,13:30-17:30" { // DEC-16
		t.Errorf("default hours are %s", DefaultHours())
	}
	for _, text := range []string{
		"", "09:00", "12:00-09:00", "09:00-09:00", "09:00-12:00,11:00-13:00",
		"13:30-17:30,09:00-12:00", "09:00-25:00", "24:00-24:00", "a-b", "09:00-12:00,",
	} {
		if _, err := ParseHours(text); !fault.Is(err, "hours_invalid") {
			t.Errorf("%q: %v, want hours_invalid", text, err)
		}
	}
	c := shippedCalendar(t)
	at := clock(t, "2026-02-12 10:00")
	if _, err := c.AddMinutes(at, 1, nil); !fault.Is(err, "hours_invalid") {
		t.Errorf("no opening hours at all: %v", err)
	}
	if _, err := c.OpenMinutes(at, at, Hours{{60, 30}}); !fault.Is(err, "hours_invalid") {
		t.Errorf("a block that ends before it begins: %v", err)
	}
}
