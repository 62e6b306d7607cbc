package workday

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"lianban/internal/fault"
)

// Block is a stretch of opening time in minutes after midnight in Shanghai,
// half-open: From belongs to it, To does not.
type Block struct{ From, To int }

// Hours are the opening blocks of a working day, in order, without overlap.
type Hours []Block

const dayMinutes = 24 * 60

// DefaultHours gives 09:00–12:00 and 13:30–17:30 (scope decision 16).
func DefaultHours() Hours { return Hours{{9 * 60, 12 * 60}, {13*60 + 30, 17*60 + 30}} }

// ParseHours reads the form "09:00-12:00,13:30-17:30". Blocks that are empty,
// overlap or stand out of order are refused with hours_invalid.
func ParseHours(text string) (Hours, error) {
	var h Hours
	for part := range strings.SplitSeq(text, ",") {
		from, to, _ := strings.Cut(strings.TrimSpace(part), "-")
		start, err1 := clockMinutes(from)
		end, err2 := clockMinutes(to)
		if err1 != nil || err2 != nil {
			return nil, badHours(text)
		}
		h = append(h, Block{start, end})
	}
	return h, h.check()
}

// clockMinutes reads 09:00; 24:00 is allowed, as the end of a day.
func clockMinutes(text string) (int, error) {
	if text == "24:00" {
		return dayMinutes, nil
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err
}

func (h Hours) check() error {
	free := 0
	for _, b := range h {
		if b.From < free || b.To <= b.From || b.To > dayMinutes {
			return badHours(h.String())
		}
		free = b.To
	}
	if len(h) == 0 {
		return badHours("")
	}
	return nil
}

func badHours(text string) error {
	return fault.Refuse(fault.Invalid, "hours_invalid",
		"开放时间 %q 有误，请按先后写成 09:00-12:00,13:30-17:30，各段不得重叠",
		"%q is not a list of opening hours; write 09:00-12:00,13:30-17:30, in order and without overlap", text)
}

// Opens gives the instant, in UTC, of the first opening of a working day d.
func (h Hours) Opens(d Date) time.Time { return d.At(h[0].From) }

// Closes gives the instant, in UTC, at which the office hours of d end.
func (h Hours) Closes(d Date) time.Time { return d.At(h[len(h)-1].To) }

// String gives the form that ParseHours reads.
func (h Hours) String() string {
	parts := make([]string, len(h))
	for i, b := range h {
		parts[i] = fmt.Sprintf("%02d:%02d-%02d:%02d", b.From/60, b.From%60, b.To/60, b.To%60)
	}
	return strings.Join(parts, ",")
}

// MarshalText writes the form of String.
func (h Hours) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the form of String; empty text is no hours at all.
func (h *Hours) UnmarshalText(text []byte) (err error) {
	*h = nil
	if len(text) > 0 {
		*h, err = ParseHours(string(text))
	}
	return err
}

// Value stores Hours as text.
func (h Hours) Value() (driver.Value, error) { return h.String(), nil }

// Scan reads what Value wrote.
func (h *Hours) Scan(column any) error {
	text, err := columnText(column)
	if err != nil {
		return fmt.Errorf("read opening hours: %w", err)
	}
	return h.UnmarshalText(text)
}
