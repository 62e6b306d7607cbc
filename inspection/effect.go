package inspection

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// Effect is what joint visits have spared an applicant so far, and how long the
// case has taken: up to its result, else up to now (INS-1209, INS-1212).
type Effect struct {
	Visits      int       `json:"visits"`      // joint visits that took place, revisits and those that could not be held among them
	Departments int       `json:"departments"` // that looked, each of which would have come alone
	Saved       int       `json:"saved"`       // the difference, never below zero
	Elapsed     int       `json:"elapsed"`     // working days after the day of acceptance
	ResultAt    time.Time `json:"result_at,omitzero"`
}

// visitLine is a visit of a case as its effect counts it.
type visitLine struct {
	State    VisitState
	Required int
	Result   string
	ClosedAt time.Time `bun:",nullzero"`
}

// effectOf counts the visits of a case in the order in which they took place. One
// that could not be held cost the applicant a visit and spared none.
func effectOf(lines []visitLine) (e Effect) {
	for _, l := range lines {
		switch l.State {
		case VisitClosed:
			e.Visits++
			e.Departments += l.Required
			if e.ResultAt = l.ClosedAt; l.Result == ResultRectify { // the revisit brings the result
				e.ResultAt = time.Time{}
			}
		case VisitNotHeld:
			e.Visits++
		default:
		}
	}
	e.Saved = max(e.Departments-e.Visits, 0)
	return e
}

// EffectOf gives the effect of a case to those who may read it. Refusal:
// not_found.
func (d *Desk) EffectOf(ctx context.Context, by auth.Actor, caseID string) (e Effect, err error) {
	d = d.still()
	c, err := d.FindCase(ctx, by, caseID)
	if err != nil {
		return e, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		lines, err := visitLines(ctx, q, c.ID)
		if err != nil {
			return err
		}
		e = effectOf(lines)
		cal, err := office.CalendarOf(ctx, q, c.OrganiserCentre, d.now())
		if err != nil {
			return err
		}
		until := d.now()
		if !e.ResultAt.IsZero() {
			until = e.ResultAt
		}
		e.Elapsed, err = cal.Between(workday.DateOf(c.AcceptedAt), workday.DateOf(until))
		return err
	})
	return e, err
}
