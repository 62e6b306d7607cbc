package inspection

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// Limits (办理期限) are by when a case is to be decided: by the law and as the centre
// promises (INS-1115). Both count working days after the day of acceptance, by the
// settings in force then; a centre's own closures do not stretch them. The legal one
// can be extended once; the promise stays as it was given.
type Limits struct {
	Joint    bool  `json:"joint"` // handled by several departments together
	Legal    Limit `json:"legal"`
	Promised Limit `json:"promised"` // never more than half of the legal one (plan 二)
}

// Limit is one of them.
type Limit struct {
	Setting     string       `json:"setting"` // that says how many days
	Days        int          `json:"days"`
	Due         workday.Date `json:"due,omitzero"` // zero while the calendar of its year is missing
	Provisional bool         `json:"provisional,omitempty"`
	Left        int          `json:"left"`            // working days after today, 0 on the day itself
	Over        int          `json:"over,omitempty"`  // working days since
	Ended       bool         `json:"ended,omitempty"` // the case is over: nothing is left and nothing runs

	Extended *Extended `json:"extended,omitempty"` // Due has it already
}

// Extended is an extension that was approved, as everybody may know it.
type Extended struct {
	Days   int          `json:"days"`
	Was    workday.Date `json:"was,omitzero"` // by when it was before
	Reason string       `json:"reason"`
	At     time.Time    `json:"at"`
}

// Total is how many working days the limit has, with what it was extended by.
func (l Limit) Total() int {
	if l.Extended != nil {
		return l.Days + l.Extended.Days
	}
	return l.Days
}

// was is by when the case was to be decided before an extension.
func (l Limit) was() workday.Date {
	if l.Extended != nil {
		return l.Extended.Was
	}
	return l.Due
}

// At is the last minute of its day, zero while the day is not known.
func (l Limit) At() time.Time {
	if l.Due.IsZero() {
		return time.Time{}
	}
	return l.Due.AddDays(1).Midnight().Add(-time.Minute)
}

// LimitsByLink are the limits of the case that an applicant's link opens: the promise
// and, once it was extended, the legal one with the reason (行政许可法 art. 42); until
// then that is between the office and the law, and nil. Refusal: applicant_link.
func (d *Desk) LimitsByLink(ctx context.Context, links *delivery.Desk, token string) (promised Limit, legal *Limit, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		_, caseID, err := links.LinkHolder(ctx, q, token)
		if err != nil {
			return err
		}
		c, err := findCase(ctx, q, caseID)
		if err != nil {
			return err
		}
		if err := d.addLimits(ctx, q, &c); err != nil {
			return err
		}
		promised = c.Limits.Promised
		if c.Limits.Legal.Extended != nil {
			legal = &c.Limits.Legal
		}
		return nil
	})
	return promised, legal, err
}

// addLimits counts the limits of a case as of today, with what they were extended by.
func (d *Desk) addLimits(ctx context.Context, q bun.IDB, c *Case) error {
	rules, err := office.RulesAt(ctx, q, c.AcceptedAt, office.Scope{Centre: c.OrganiserCentre, Matter: c.MatterCode})
	if err != nil {
		return err
	}
	cal, err := office.Calendar(ctx, q)
	if err != nil {
		return err
	}
	if c.Extensions, err = listExtensions(ctx, q, c.ID); err != nil {
		return err
	}
	l := limitsUnder(rules, *c)
	for _, e := range c.Extensions {
		if e.Outcome == ExtensionApproved && e.Setting == l.Legal.Setting {
			l.Legal.Extended = &Extended{Days: e.Days, Reason: e.Reason, At: e.DecidedAt}
		}
	}
	c.Limits = &l
	for _, one := range []*Limit{&l.Legal, &l.Promised} {
		one.Ended = c.State == CaseHandedOver
		if err := one.count(cal, workday.DateOf(c.AcceptedAt), dateOf(d.now())); err != nil {
			return err
		}
	}
	return nil
}

// limitsUnder says which limits a case has: those of one department alone, or of
// joint handling (行政许可法 art. 42).
func limitsUnder(rules office.Rules, c Case) Limits {
	l := Limits{
		Legal:    Limit{Setting: office.LimitAlone, Days: rules.LimitAlone},
		Promised: Limit{Setting: office.PromiseAlone, Days: rules.PromiseAlone},
	}
	if involved(c) > 1 {
		l = Limits{
			Joint:    true,
			Legal:    Limit{Setting: office.LimitJoint, Days: rules.LimitJoint},
			Promised: Limit{Setting: office.PromiseJoint, Days: rules.PromiseJoint},
		}
	}
	l.Promised.Days = min(l.Promised.Days, l.Legal.Days/2)
	return l
}

// involved counts the departments that a case's facts involve, whether or not they
// have to see the site.
func involved(c Case) (n int) {
	for _, r := range c.Departments {
		if r.Included {
			n++
		}
	}
	return n
}

// count sets by when, and how many working days are left or past.
func (l *Limit) count(cal *workday.Calendar, accepted, today workday.Date) (err error) {
	l.Due, err = cal.Add(accepted, l.Total())
	if fault.Is(err, "calendar_missing") { // the date is not known yet
		l.Due = workday.Date{}
		return nil
	}
	if err != nil {
		return err
	}
	l.Provisional = cal.Provisional(l.Due)
	if l.Extended != nil {
		if l.Extended.Was, err = cal.Add(accepted, l.Days); err != nil {
			return err
		}
	}
	if l.Ended {
		return nil
	}
	if l.Left, err = cal.Between(today, l.Due); err != nil {
		return err
	}
	l.Over, err = cal.Between(l.Due, today)
	return err
}
