package workday

import (
	"database/sql/driver"
	"fmt"
	"time"
	_ "time/tzdata" // DL-20: every binary and every test carries the zone database

	"lianban/internal/fault"
)

// Shanghai is the only zone in which days begin and end.
var Shanghai = shanghai()

// shanghai cannot fail with time/tzdata linked in. The fixed offset is there so
// that nothing panics at start; China has had no other since September 1991.
func shanghai() *time.Location {
	const name = "Asia/Shanghai"
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.FixedZone(name, 8*60*60)
	}
	return zone
}

// Date is a calendar day in Shanghai. The zero Date is no day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf gives the day on which t falls in Shanghai.
func DateOf(t time.Time) Date {
	y, m, d := t.In(Shanghai).Date()
	return Date{y, m, d}
}

// ParseDate reads the form 2026-02-14 and nothing else.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fault.Refuse(fault.Invalid, "date_invalid",
			"日期 %q 无法识别，请写成 2026-02-14 的形式", "%q is not a date; write it like 2026-02-14", text)
	}
	y, m, d := t.Date()
	return Date{y, m, d}, nil
}

// String gives the form 2026-02-14; the zero Date gives "".
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// IsZero reports whether d is no day.
func (d Date) IsZero() bool { return d == Date{} }

// Weekday gives the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// AddDays gives the day n calendar days later, or earlier when n is negative.
func (d Date) AddDays(n int) Date { return dateOf(d.number() + n) }

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d.utc().Before(e.utc()) }

// Midnight gives the instant, in UTC, at which the day begins in Shanghai.
func (d Date) Midnight() time.Time { return d.At(0) }

// At gives the instant, in UTC, that many minutes after the day began.
func (d Date) At(minutes int) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, minutes, 0, 0, Shanghai).UTC()
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

const daySeconds = 24 * 60 * 60 // a day of UTC, which has no clock changes

// number counts days from 1970-01-01, so that day arithmetic is addition.
func (d Date) number() int { return int(d.utc().Unix() / daySeconds) }

func dateOf(number int) Date {
	y, m, d := time.Unix(int64(number)*daySeconds, 0).UTC().Date()
	return Date{y, m, d}
}

// MarshalText writes the form of String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of String; empty text is the zero Date.
func (d *Date) UnmarshalText(text []byte) (err error) {
	*d = Date{}
	if len(text) > 0 {
		*d, err = ParseDate(string(text))
	}
	return err
}

// Value stores a Date as text and the zero Date as NULL.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	return d.String(), nil
}

// Scan reads what Value wrote.
func (d *Date) Scan(column any) error {
	text, err := columnText(column)
	if err != nil {
		return fmt.Errorf("read a date: %w", err)
	}
	return d.UnmarshalText(text)
}

func columnText(column any) ([]byte, error) {
	switch v := column.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(v), nil
	case []byte:
		return v, nil
	}
	return nil, fmt.Errorf("column holds %T, not text", column)
}
