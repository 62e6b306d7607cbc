// Package workday counts working days and office hours. It is pure: no clock,
// no database, values in and values out.
//
// A Date is a day in Asia/Shanghai. A Calendar knows for each Date whether it is
// a working day; it is made from the State Council's notices, one Year each,
// and from closures of the city or a centre, which may only take days away.
// Hours are the opening blocks of a working day. A Deadline is a term counted
// on one version of the calendar, with everything needed to count it again.
//
// Sources: 国务院办公厅关于部分节假日安排的通知 of each year; rules INS-401…413.
package workday

import (
	"fmt"
	"slices"
	"time"

	"lianban/internal/fault"
)

// What is known of a year.
const (
	Final       = "final"       // the State Council's notice has been imported
	Provisional = "provisional" // weekends and statutory days only (INS-405)
)

// Year is what one notice says. Off holds every date declared free, Work the
// weekend dates made working days (调休); both may reach into December of the
// year before (INS-403). Papers are the addresses of the notice.
type Year struct {
	Status string   `json:"status"`
	Papers []string `json:"papers,omitempty"`
	Off    []Date   `json:"off"`
	Work   []Date   `json:"work"`
}

// kind says what a day is, and for the arithmetic line also why.
type kind uint8

const (
	unknown kind = iota // in a year without data
	weekday
	makeup // weekend day made a working day
	weekend
	holiday
	closure
)

func (k kind) open() bool { return k == weekday || k == makeup }

// Calendar is one version of the working calendar. It never changes, so it may
// be shared between goroutines.
type Calendar struct {
	version int
	status  map[int]string
	first   int    // number of the day at days[0]
	days    []kind // all years from the first to the last, gaps unknown
}

const firstYear, lastYear = 2000, 2199 // bounds what a hostile file can make us allocate

// New merges all years by date (INS-403) into the calendar with that version
// number. In a date listed as both, Work wins over Off (INS-401).
func New(version int, years map[int]Year) (*Calendar, error) {
	c := &Calendar{version: version, status: make(map[int]string, len(years))}
	low, high := lastYear+1, firstYear-1
	for y, year := range years {
		if err := year.check(y); err != nil {
			return nil, err
		}
		low, high = min(low, y), max(high, y)
		c.status[y] = year.Status
	}
	if len(years) > 0 {
		c.first = Date{low, time.January, 1}.number()
		c.days = make([]kind, Date{high + 1, time.January, 1}.number()-c.first)
	}
	c.fill(years)
	return c, nil
}

func (c *Calendar) fill(years map[int]Year) {
	for i := range c.days {
		d := dateOf(c.first + i)
		if c.status[d.Year] != "" {
			c.days[i] = plain(d)
		}
	}
	for _, y := range years {
		c.mark(y.Off, func(Date) kind { return holiday })
	}
	for _, y := range years {
		c.mark(y.Work, worked)
	}
}

func plain(d Date) kind {
	if w := d.Weekday(); w == time.Saturday || w == time.Sunday {
		return weekend
	}
	return weekday
}

func worked(d Date) kind {
	if plain(d) == weekend {
		return makeup
	}
	return weekday
}

// mark leaves days of years without data unknown: one moved day in December
// does not make that December countable.
func (c *Calendar) mark(dates []Date, as func(Date) kind) {
	for _, d := range dates {
		if c.kind(d) != unknown {
			c.days[d.number()-c.first] = as(d)
		}
	}
}

// WithClosures gives a calendar in which those days are off as well. A closure
// beats a make-up working day; a lower layer can never add one (INS-402).
func (c *Calendar) WithClosures(off []Date) *Calendar {
	layered := *c
	layered.days = slices.Clone(c.days)
	for _, d := range off {
		if c.kind(d).open() {
			layered.days[d.number()-c.first] = closure
		}
	}
	return &layered
}

// Version gives the number under which the calendar was imported (INS-404).
func (c *Calendar) Version() int { return c.version }

// Status tells what is known of a year: Final, Provisional, or "" for nothing.
func (c *Calendar) Status(year int) string { return c.status[year] }

// Provisional reports whether d lies in a year without a notice (INS-405).
func (c *Calendar) Provisional(d Date) bool { return c.status[d.Year] != Final }

// IsWorkday reports whether d is a working day (INS-401). A year without data
// is refused with calendar_missing.
func (c *Calendar) IsWorkday(d Date) (bool, error) { return c.isOpen(d.number()) }

func (c *Calendar) isOpen(number int) (bool, error) {
	k := c.kindAt(number)
	if k == unknown {
		return false, missing(dateOf(number).Year)
	}
	return k.open(), nil
}

func (c *Calendar) kind(d Date) kind { return c.kindAt(d.number()) }

func (c *Calendar) kindAt(number int) kind {
	if i := number - c.first; i >= 0 && i < len(c.days) {
		return c.days[i]
	}
	return unknown
}

func missing(year int) error {
	return fault.Refuse(fault.Invalid, "calendar_missing",
		"没有 %d 年的工作日历，请先导入该年的放假通知", "there is no working calendar for %d; import that year's notice first", year).
		With("year", year)
}

// Add gives the n-th working day after d, which itself is not counted; for
// n = 0 it gives d if that is a working day, else the next one (INS-406).
// A year without data on the way is refused with calendar_missing.
func (c *Calendar) Add(d Date, n int) (Date, error) {
	if n < 0 {
		return Date{}, fmt.Errorf("add %d working days to %s: the count is negative", n, d)
	}
	day := d.number()
	if n == 0 {
		day, n = day-1, 1
	}
	for n > 0 {
		day++
		open, err := c.isOpen(day)
		if err != nil {
			return Date{}, err
		}
		if open {
			n--
		}
	}
	return dateOf(day), nil
}

// Between counts the working days in (a, b]; it is 0 when b is not after a
// (INS-406). A year without data is refused with calendar_missing.
func (c *Calendar) Between(a, b Date) (int, error) {
	n := 0
	for day, last := a.number()+1, b.number(); day <= last; day++ {
		open, err := c.isOpen(day)
		if err != nil {
			return 0, err
		}
		if open {
			n++
		}
	}
	return n, nil
}
