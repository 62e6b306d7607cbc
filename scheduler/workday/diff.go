package workday

import "slices"

// Change is one line of what an import changed: a whole year when Date is zero,
// else one day. From and To are Status words for a year, "work" or "off" for a
// day.
type Change struct {
	Year int    `json:"year"`
	Date Date   `json:"date,omitzero"`
	From string `json:"from"`
	To   string `json:"to"`
}

// Diff tells what differs between two calendars, in order of date (INS-404).
// The days of a year that only one of them knows are not listed one by one.
func Diff(old, updated *Calendar) []Change {
	var changes []Change
	for _, y := range allYears(old, updated) {
		if from, to := old.status[y], updated.status[y]; from != to {
			changes = append(changes, Change{Year: y, From: from, To: to})
		}
		changes = append(changes, diffDays(old, updated, y)...)
	}
	return changes
}

func allYears(a, b *Calendar) []int {
	var years []int
	for _, c := range []*Calendar{a, b} {
		for y := range c.status {
			years = append(years, y)
		}
	}
	slices.Sort(years)
	return slices.Compact(years)
}

func diffDays(old, updated *Calendar, year int) []Change {
	var changes []Change
	for d := (Date{year, 1, 1}); d.Year == year; d = d.AddDays(1) {
		was, is := old.kind(d), updated.kind(d)
		if was != unknown && is != unknown && was.open() != is.open() {
			changes = append(changes, Change{year, d, was.word(), is.word()})
		}
	}
	return changes
}

func (k kind) word() string {
	if k.open() {
		return "work"
	}
	return "off"
}
