package workday

import (
	"fmt"
	"slices"
	"time"
)

// AddMinutes counts minutes of opening time from t on and gives the instant, in
// UTC, at which they have passed (INS-407, there AddHours). For 0 minutes it
// gives the first open instant not before t.
func (c *Calendar) AddMinutes(t time.Time, minutes int, h Hours) (time.Time, error) {
	if err := h.check(); err != nil {
		return time.Time{}, err
	}
	if minutes < 0 {
		return time.Time{}, fmt.Errorf("add %d working minutes: the count is negative", minutes)
	}
	left := time.Duration(minutes) * time.Minute
	for day := DateOf(t).number(); ; day++ {
		open, err := c.isOpen(day)
		if err != nil {
			return time.Time{}, err
		}
		if !open {
			continue
		}
		for _, b := range h {
			start, end := b.on(dateOf(day), t)
			room := end.Sub(start) // negative when t lies after the block
			if room > 0 && left <= room {
				return start.Add(left).UTC(), nil
			}
			left -= max(0, room)
		}
	}
}

// SubMinutes counts minutes of opening time back from t and gives the instant,
// in UTC, from which that many lie before t. For 0 minutes it gives the last
// instant of opening time not after t.
func (c *Calendar) SubMinutes(t time.Time, minutes int, h Hours) (time.Time, error) {
	if err := h.check(); err != nil {
		return time.Time{}, err
	}
	if minutes < 0 {
		return time.Time{}, fmt.Errorf("subtract %d working minutes: the count is negative", minutes)
	}
	left := time.Duration(minutes) * time.Minute
	for day := DateOf(t).number(); ; day-- {
		open, err := c.isOpen(day)
		if err != nil {
			return time.Time{}, err
		}
		if !open {
			continue
		}
		for _, b := range slices.Backward(h) {
			d := dateOf(day)
			start, end := d.At(b.From), d.At(b.To)
			if end.After(t) {
				end = t
			}
			room := end.Sub(start) // negative when t lies before the block
			if room > 0 && left <= room {
				return end.Add(-left).UTC(), nil
			}
			left -= max(0, room)
		}
	}
}

// on gives the block on day d as instants, without what lies before t.
func (b Block) on(d Date, t time.Time) (start, end time.Time) {
	start, end = d.At(b.From), d.At(b.To)
	if start.Before(t) {
		start = t
	}
	return start, end
}

// OpenMinutes counts the whole minutes of opening time in [from, to).
func (c *Calendar) OpenMinutes(from, to time.Time, h Hours) (int, error) {
	if err := h.check(); err != nil {
		return 0, err
	}
	var sum time.Duration
	for d := DateOf(from); d.Midnight().Before(to); d = d.AddDays(1) {
		open, err := c.IsWorkday(d)
		if err != nil {
			return 0, err
		}
		if open {
			sum += h.within(d, from, to)
		}
	}
	return int(sum / time.Minute), nil
}

// within gives the opening time of a working day d in [from, to).
func (h Hours) within(d Date, from, to time.Time) time.Duration {
	var sum time.Duration
	for _, b := range h {
		start, end := b.on(d, from)
		if end.After(to) {
			end = to
		}
		sum += max(0, end.Sub(start))
	}
	return sum
}
