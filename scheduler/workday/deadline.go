package workday

import "time"

// The rules by which a Deadline is counted.
const (
	RuleReply     = "INS-413" // from service, moved to the next working day when made too late in the day
	RuleFollowing = "INS-932" // from the day of the event, whatever the hour
)

// Deadline is a term together with all it was counted from, so that it can be
// counted again from these alone (INS-408). Instants are UTC.
type Deadline struct {
	Rule            string    `json:"rule"`
	Start           time.Time `json:"start"`  // the service or event that started it
	Served          Date      `json:"served"` // the day that Start counts for
	Term            int       `json:"term"`   // working days
	Hours           Hours     `json:"hours"`  // office hours it was counted with
	CalendarVersion int       `json:"calendar_version"`
	Provisional     bool      `json:"provisional"` // counted through a year without a notice (INS-405)
	Due             time.Time `json:"due"`         // a reply received at this very instant is in time
	Line            string    `json:"line"`        // the arithmetic in Chinese, for the record (INS-937)
}

// Reply counts the reply term T2 from proven service: the end of office hours
// of the term-th working day after the served day. Service on a day off, or
// once the last block is over, counts as made on the next working day; before
// opening and at midday it counts for that day (INS-413).
func (c *Calendar) Reply(start time.Time, term int, h Hours) (Deadline, error) {
	return c.count(Deadline{Rule: RuleReply, Start: start.UTC().Truncate(time.Millisecond), Term: term, Hours: h})
}

// Following counts a term from the day of an event, whatever the hour: the end
// of office hours of the term-th working day after it. Opinions (INS-932) and
// what a gap in the inbox adds (INS-905) are counted so.
func (c *Calendar) Following(start time.Time, term int, h Hours) (Deadline, error) {
	return c.count(Deadline{Rule: RuleFollowing, Start: start.UTC().Truncate(time.Millisecond), Term: term, Hours: h})
}

func (c *Calendar) count(d Deadline) (Deadline, error) {
	if err := d.Hours.check(); err != nil {
		return Deadline{}, err
	}
	var err error
	if d.Served, err = c.served(d); err != nil {
		return Deadline{}, err
	}
	last, err := c.Add(d.Served, d.Term)
	if err != nil {
		return Deadline{}, err
	}
	d.Due = d.Hours.Closes(last)
	d.CalendarVersion = c.version
	d.Provisional = c.provisionalWithin(DateOf(d.Start), last)
	d.Line = c.line(d)
	return d, nil
}

func (c *Calendar) served(d Deadline) (Date, error) {
	day := DateOf(d.Start)
	if d.Rule != RuleReply {
		return day, nil
	}
	if !d.Start.Before(d.Hours.Closes(day)) {
		return c.Add(day, 1)
	}
	return c.Add(day, 0)
}

func (c *Calendar) provisionalWithin(a, b Date) bool {
	for y := a.Year; y <= b.Year; y++ {
		if c.status[y] != Final {
			return true
		}
	}
	return false
}

// Extend counts an issued deadline again on this calendar. The instant only
// ever moves later (INS-409); moved says that it did, and then the parties are
// to be told. Version and provisional mark follow the new calendar either way,
// because importing the notice is what ends a provisional deadline (FAC-12).
func (c *Calendar) Extend(old Deadline) (extended Deadline, moved bool, err error) {
	if c.version < old.CalendarVersion {
		return old, false, nil
	}
	d, err := c.count(old)
	if err != nil {
		return Deadline{}, false, err
	}
	switch {
	case d.Due.After(old.Due):
		d.Line += "；原定 " + minuteText(old.Due) + "，顺延"
		return d, true, nil
	case d.Due.Before(old.Due):
		d.Line += "；已定 " + minuteText(old.Due) + "，不提前"
		d.Due = old.Due
	case d.CalendarVersion == old.CalendarVersion && d.Provisional == old.Provisional:
		return old, false, nil // nothing new to say
	}
	return d, false, nil
}
