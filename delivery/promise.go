package delivery

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// PromisePolicy is how the due moment follows from the start (DEL §7.2). The
// plan gives no hour and does not say which day, so it is a dated setting and is
// printed for the applicant (DEL-104).
type PromisePolicy string

// The policies.
const (
	PolicyCutoffNoon PromisePolicy = "cutoff_noon" // this evening, or the next working day's noon
	PolicyNextDay18  PromisePolicy = "next_day_18" // the next working day's evening
	PolicyElapsed24h PromisePolicy = "elapsed_24h" // after 24 hours, rest days left out
	PolicyNone       PromisePolicy = "none"        // no promise, and the applicant is told so
)

// PromiseTerms are the settings that a Promise is made under. Clock times are
// minutes after midnight in Shanghai. Hall hours decide when it starts, delivery
// hours when it is due and how pauses are measured (DEL-703).
type PromiseTerms struct {
	Policy   PromisePolicy `json:"policy"`
	Version  int           `json:"version"`
	Hall     workday.Hours `json:"hall"`
	Delivery workday.Hours `json:"delivery"`
	Cutoff   int           `json:"cutoff"`
	Evening  int           `json:"evening"`
	Noon     int           `json:"noon"`

	UnverifiedDays int `json:"unverified_days"` // working days until an unproven hand-over is a missed promise
	AmberETA       int `json:"amber_eta"`       // minutes before due that an arrival should keep free
	AmberHandOver  int `json:"amber_hand_over"` // delivery minutes before due at which the courier should have it
}

// DefaultPromiseTerms are those of DEL §16 with the hours of scope decision 16.
// The evening is the end of these hours: 18:00 lies outside of them and would
// roll to the next morning (DEL-710).
func DefaultPromiseTerms() PromiseTerms {
	return PromiseTerms{
		Policy: PolicyCutoffNoon, Version: 1, Hall: workday.DefaultHours(), Delivery: workday.DefaultHours(),
		Cutoff: 12 * 60, Evening: 17*60 + 30, Noon: 12 * 60,
		UnverifiedDays: 2, AmberETA: 60, AmberHandOver: 4 * 60,
	}
}

func (t PromiseTerms) check() error {
	known := slices.Contains([]PromisePolicy{PolicyCutoffNoon, PolicyNextDay18, PolicyElapsed24h, PolicyNone}, t.Policy)
	inDay := func(minutes int) bool { return minutes >= 0 && minutes < 24*60 }
	if known && inDay(t.Cutoff) && inDay(t.Evening) && inDay(t.Noon) && t.Cutoff <= t.Evening &&
		len(t.Hall) > 0 && len(t.Delivery) > 0 && t.UnverifiedDays >= 0 && t.AmberETA >= 0 && t.AmberHandOver >= 0 {
		return nil
	}
	return fault.Refuse(fault.Invalid, "promise_terms",
		"一日送达的设置有误：请核对规则、办公与派送时间，当日送达时间不得早于分界时间",
		"the settings of the one-day promise are wrong: check policy and hours; the evening must not lie before the cut-off")
}

// PromiseStart holds the three things that must be there before the clock runs.
// A zero time is a part still missing.
type PromiseStart struct {
	Set       time.Time `json:"set"`       // the chosen set was received at the window (DEL-307)
	Confirmed time.Time `json:"confirmed"` // address and receiver confirmed
	Carrier   time.Time `json:"carrier"`   // an allowed carrier exists
}

// Raw is the latest of the parts, zero while one is missing. Counting from here
// and not from the hand-over means that waiting at the window cannot be hidden
// (DEL-701).
func (s PromiseStart) Raw() time.Time {
	if s.Set.IsZero() || s.Confirmed.IsZero() || s.Carrier.IsZero() {
		return time.Time{}
	}
	return laterTime(laterTime(s.Set, s.Confirmed), s.Carrier)
}

// Promise is the one-day clock of one parcel (一日送达承诺). It is frozen when it
// starts: a later policy or calendar moves no due moment (DEL-704). Instants are
// UTC; Due is zero under PolicyNone.
type Promise struct {
	Parts           PromiseStart `json:"parts"`
	Terms           PromiseTerms `json:"terms"`
	Start           time.Time    `json:"start"`   // Parts.Raw or the next open minute of the hall
	Nominal         time.Time    `json:"nominal"` // what the policy says
	Due             time.Time    `json:"due"`     // Nominal or the next minute of delivery hours; this instant is in time
	CalendarVersion int          `json:"calendar_version"`
	Provisional     bool         `json:"provisional,omitempty"` // counted through a year without a notice

	FirstDue time.Time `json:"first_due,omitzero"` // before a recount moved it
	Recount  time.Time `json:"recount,omitzero"`   // what a recount gave that was not taken, being earlier
}

// MakePromise starts the clock. All parts of the start must be there. Refusals:
// promise_terms, hours_invalid, calendar_missing.
func MakePromise(c *workday.Calendar, terms PromiseTerms, parts PromiseStart) (Promise, error) {
	if err := terms.check(); err != nil {
		return Promise{}, err
	}
	raw := parts.Raw()
	if raw.IsZero() {
		return Promise{}, fmt.Errorf("make a promise: a part of its start is missing: %+v", parts)
	}
	p := Promise{Parts: parts, Terms: terms, CalendarVersion: c.Version()}
	if terms.Policy == PolicyNone {
		return p, nil
	}
	var err error
	if p.Start, err = c.AddMinutes(raw, 0, terms.Hall); err != nil { // DEL-702
		return Promise{}, err
	}
	if p.Nominal, err = terms.nominal(c, p.Start); err != nil {
		return Promise{}, err
	}
	if p.Due, err = inDeliveryHours(c, p.Nominal, terms.Delivery); err != nil {
		return Promise{}, err
	}
	p.Provisional = c.Provisional(workday.DateOf(raw)) || c.Provisional(workday.DateOf(p.Due))
	return p, nil
}

// nominal is the due moment as the policy puts it.
func (t PromiseTerms) nominal(c *workday.Calendar, start time.Time) (time.Time, error) {
	day := workday.DateOf(start)
	if t.Policy == PolicyCutoffNoon && start.Before(day.At(t.Cutoff)) {
		return day.At(t.Evening), nil
	}
	next, err := c.Add(day, 1)
	if err != nil {
		return time.Time{}, err
	}
	switch t.Policy {
	case PolicyCutoffNoon:
		return next.At(t.Noon), nil
	case PolicyNextDay18:
		return next.At(t.Evening), nil
	default: // elapsed_24h: the same time of day, with the rest days between left out
		return start.Add(next.Midnight().Sub(day.Midnight())), nil
	}
}

// inDeliveryHours rolls a due moment to the next open minute (DEL-710). The end
// of a block still lies in it, because a delivery at the due moment is in time.
func inDeliveryHours(c *workday.Calendar, due time.Time, h workday.Hours) (time.Time, error) {
	day := workday.DateOf(due)
	open, err := c.IsWorkday(day)
	if err != nil {
		return time.Time{}, err
	}
	for _, b := range h {
		if open && !due.Before(day.At(b.From)) && !due.After(day.At(b.To)) {
			return due, nil
		}
	}
	return c.AddMinutes(due, 0, h)
}

// Again counts a provisional promise anew once the year's notice is there; any
// other stays as it is (DEL-704). The due moment never moves to an earlier one;
// both are kept. changed says that there is something new to store.
func (p Promise) Again(c *workday.Calendar) (again Promise, changed bool, err error) {
	if !p.Provisional || c.Version() <= p.CalendarVersion {
		return p, false, nil
	}
	again, err = MakePromise(c, p.Terms, p.Parts)
	if err != nil {
		return p, false, err
	}
	switch {
	case again.Due.After(p.Due):
		again.FirstDue = p.Due
		if !p.FirstDue.IsZero() {
			again.FirstDue = p.FirstDue
		}
	case again.Due.Before(p.Due):
		kept := p
		kept.Recount, kept.CalendarVersion, kept.Provisional = again.Due, again.CalendarVersion, again.Provisional
		again = kept
	default:
		again.FirstDue = p.FirstDue
	}
	return again, true, nil
}

// PauseReason is why the clock stands still (DEL §7.3). Nothing that is our or
// the carrier's fault is among them, and a courier cannot pause (DEL-720).
type PauseReason string

// The reasons.
const (
	PauseApplicantAsked PauseReason = "applicant_asked" // until the agreed slot begins
	PauseUnreachable    PauseReason = "unreachable"     // second attempt until contact
	PauseRefused        PauseReason = "refused"         // until a new agreement or the return
	PauseForceMajeure   PauseReason = "force_majeure"   // declared until lifted
)

// Pause is a time that does not count. An open one has a zero To.
type Pause struct {
	Reason   PauseReason `json:"reason"`
	From     time.Time   `json:"from"`
	To       time.Time   `json:"to,omitzero"`
	By       string      `json:"by"`
	Evidence string      `json:"evidence"`
}

// CountedPause is a pause and what it adds: delivery minutes that no earlier
// pause has counted (DEL-721), from CountFrom to CountTo. One that began when
// the promise had already run out adds nothing.
type CountedPause struct {
	Pause
	CountFrom time.Time `json:"count_from,omitzero"`
	CountTo   time.Time `json:"count_to,omitzero"`
	Minutes   int       `json:"minutes"`
}

// DueAfter gives the due moment after the pauses, in any order: their union,
// measured in delivery minutes, is added, so the time left at a pause is the
// time left after it (DEL-721). While a pause is open there is none, and since
// says from when (DEL-722). c is the calendar of CalendarVersion.
func (p Promise) DueAfter(c *workday.Calendar, pauses []Pause) (due, since time.Time, err error) {
	due, since, _, err = p.countPauses(c, pauses)
	return due, since, err
}

// countPauses counts whole minutes, from the minute in which a pause began to
// that in which it ended, so that what is printed sums up.
func (p Promise) countPauses(c *workday.Calendar, pauses []Pause) (due, since time.Time, counted []CountedPause, err error) {
	pauses = slices.Clone(pauses)
	slices.SortStableFunc(pauses, func(a, b Pause) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	due = p.Due
	free := wholeMinute(p.Start) // up to here everything has been counted
	for _, one := range pauses {
		n := CountedPause{Pause: one}
		from, to := laterTime(wholeMinute(one.From), free), wholeMinute(one.To)
		switch {
		case !one.From.Before(due): // too late to save it
		case !since.IsZero(): // inside the open one
		case one.To.IsZero():
			since = from
		case from.Before(to):
			n.CountFrom, n.CountTo, free = from, to, to
			if n.Minutes, err = c.OpenMinutes(from, to, p.Terms.Delivery); err == nil && n.Minutes > 0 {
				due, err = c.AddMinutes(due, n.Minutes, p.Terms.Delivery)
			}
			if err != nil {
				return time.Time{}, time.Time{}, nil, err
			}
		}
		counted = append(counted, n)
	}
	if !since.IsZero() {
		due = time.Time{}
	}
	return due, since, counted, nil
}

func wholeMinute(t time.Time) time.Time { return t.Truncate(time.Minute) }

func laterTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
