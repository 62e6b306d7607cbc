package inspection

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/notify"
)

// RemindDue sends the reminders that are due (INS-713): at half of the term to
// those who have not answered, and on the morning of the visit to those
// expected. Each goes once; a round that is over gets none.
func (d *Desk) RemindDue(ctx context.Context) error {
	return d.eachDue(ctx, []DeadlineKind{DeadlineRemindReply, DeadlineRemindVisit}, d.remind)
}

// eachDue acts on every due deadline of these kinds, each in a transaction of its
// own; what fails is reported at the end and stops nothing (STY-50).
func (d *Desk) eachDue(ctx context.Context, kinds []DeadlineKind, act func(context.Context, bun.IDB, DeadlineRow) error) error {
	var errs []error
	for _, kind := range kinds {
		due, err := d.dueDeadlines(ctx, kind)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, row := range due {
			if err := d.DB.Write(ctx, func(tx bun.IDB) error { return act(ctx, tx, row) }); err != nil {
				errs = append(errs, fmt.Errorf("%s %s: %w", kind, row.Subject, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (d *Desk) remind(ctx context.Context, tx bun.IDB, row DeadlineRow) error {
	d = d.still()
	p, v, err := lockParticipant(ctx, tx, row.Subject)
	if err != nil {
		return err
	}
	if err := endDeadlines(ctx, tx, p.ID, row.Round, row.Kind); err != nil {
		return err
	}
	if row.Round != v.Round || v.State != VisitOffered && v.State != VisitConfirmed || !d.now().Before(v.Start) {
		return nil
	}
	o := outgoing{key: fmt.Sprintf("%s.%d", p.ID, row.Round), only: []string{notify.Mail, notify.SMS}, until: v.Start}
	switch {
	case row.Kind == DeadlineRemindVisit: // whoever has not been let off is expected (INS-813)
		o.purpose = notify.PurposeMorning
	case row.Kind == DeadlineRemindReply && p.Consent == ConsentAwaiting:
		o.purpose, o.until = notify.PurposeReminder, p.RespondBy
		if err := d.taskUnopened(ctx, tx, p, v); err != nil {
			return err
		}
	default:
		return nil
	}
	return d.queueTo(ctx, tx, p, o)
}

// taskUnopened shows the supervisor a department whose notice arrived and that
// nobody there has opened at half of the term (INS-709).
func (d *Desk) taskUnopened(ctx context.Context, tx bun.IDB, p Participant, v Visit) error {
	services, err := listServices(ctx, tx, []string{p.ID})
	seen := slices.ContainsFunc(services, func(s Service) bool { return s.Round == p.Round && s.Class == "A" && s.FallenAt.IsZero() })
	if err != nil || seen {
		return err
	}
	return raiseTask(ctx, tx, v, Task{
		Kind: TaskUnopened, Subject: p.ID, ForRole: string(auth.Supervisor), CreatedAt: d.now(), DueAt: p.RespondBy,
		Detail: p.Name + "的通知已送达，期限过半仍无人打开，请电话提醒",
	})
}
