package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// nudges is how often a department is reminded, each time a working day after
// the last; after that its result is a matter for the supervisor (DEL-305).
const nudges = 3

// remindBatch is how many lines one look takes (STY-50).
const remindBatch = 200

// nextMorning is when the window of a centre opens on the next working day.
func nextMorning(ctx context.Context, q bun.IDB, centreID string, at time.Time) (time.Time, error) {
	centre, err := office.FindCentre(ctx, q, centreID)
	if err != nil {
		return time.Time{}, err
	}
	cal, err := office.CalendarOf(ctx, q, centreID, at)
	if err != nil {
		return time.Time{}, err
	}
	day, err := cal.Add(workday.DateOf(at), 1)
	return centre.Hours.Opens(day), err
}

// RemindDue reminds the departments whose results have been owed for one, two
// and three working days, on the telephones that they have confirmed; on the
// fourth it raises the line to the supervisor (DEL-305). It may run late, twice,
// or in two processes at once.
func (d *Desk) RemindDue(ctx context.Context) error {
	d = d.still()
	var due []string
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		due, err = linesToRemind(ctx, q, d.now())
		return err
	})
	errs := []error{err}
	for _, id := range due {
		if err := d.DB.Write(ctx, func(tx bun.IDB) error { return d.nudge(ctx, tx, id) }); err != nil {
			errs = append(errs, fmt.Errorf("remind of result %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// nudge reminds of one line, or raises it.
func (d *Desk) nudge(ctx context.Context, tx bun.IDB, id string) error {
	l, err := lockLine(ctx, tx, id)
	if err != nil {
		return err
	}
	if l.State != LineExpected || l.RemindAt.IsZero() || l.RemindAt.After(d.now()) {
		return nil // another process was first, or the result came
	}
	by := auth.System("remind")
	if l.Nudges == nudges {
		l.RemindAt, l.RaisedAt = time.Time{}, d.now()
		if err := updateLine(ctx, tx, &l, "remind_at", "raised_at"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, d.lineLeaf("result_raised", l, by, map[string]any{"times": l.Reminded}))
	}
	if l.RemindAt, err = nextMorning(ctx, tx, l.CentreID, d.now()); err != nil {
		return err
	}
	l.Nudges, l.Reminded, l.RemindedAt = l.Nudges+1, l.Reminded+1, d.now()
	if err := updateLine(ctx, tx, &l, "remind_at", "nudges", "reminded", "reminded_at"); err != nil {
		return err
	}
	told, err := d.tellOwed(ctx, tx, l)
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, d.lineLeaf("result_reminded", l, by, map[string]any{"times": l.Reminded, "texts": told}))
}

// tellOwed queues a text to each telephone that the department has confirmed and
// gives how many. A department without one sees the count in its inbox.
func (d *Desk) tellOwed(ctx context.Context, tx bun.IDB, l ResultLine) (int, error) {
	addresses, err := office.ConfirmedAddresses(ctx, tx, l.DepartmentID, d.now())
	if err != nil {
		return 0, err
	}
	facts, err := json.Marshal(messageFacts{Line: l.ID, Nth: l.Nudges})
	if err != nil {
		return 0, err
	}
	var texts []notify.Message
	for _, a := range addresses {
		if a.Channel != office.SMS {
			continue
		}
		texts = append(texts, notify.Message{
			Key:     fmt.Sprintf("%s/%s/%s/%s/%d", notify.PurposeOwed, l.ID, a.ID, notify.SMS, l.Nudges),
			Purpose: notify.PurposeOwed, Channel: notify.SMS, Address: a.Value, Lang: "zh", Subject: l.ID + "/owed", Contact: a.ID,
			Stream: Stream(l.CaseID), Facts: facts, ValidUntil: l.RemindAt,
		})
	}
	return len(texts), notify.Replace(ctx, tx, d.now(), []string{l.ID + "/owed"}, texts...)
}

// composeOwed writes the text that reminds a department.
func (d *Desk) composeOwed(ctx context.Context, tx bun.IDB, m notify.Message, facts messageFacts) (notify.Body, error) {
	l, err := findLine(ctx, tx, facts.Line)
	if err != nil {
		return notify.Body{}, err
	}
	centre, err := office.FindCentre(ctx, tx, l.CentreID)
	if err != nil {
		return notify.Body{}, err
	}
	return notify.RenderSMS(m.Lang, m.Purpose, notify.Facts{
		Case: l.CaseNumber, Department: l.Department, Centre: centre.Name, Phone: centre.Phone, Signature: d.Signature, Round: facts.Nth,
	})
}
