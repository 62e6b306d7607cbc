package inspection

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// loanBatch is how many loans one look takes, and loanAhead how many days before
// the due day they are looked at: more than any holiday has.
const loanBatch, loanAhead = 200, 15

// RemindLoans opens a task at the window for each lent original that is due back
// by the next working day, and ends it when the keeper has it again (DEL-940).
func (d *Desk) RemindLoans(ctx context.Context) error {
	d = d.still()
	var due []delivery.Loan
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		due, err = delivery.LoansDue(ctx, q, workday.DateOf(d.now()).AddDays(loanAhead), loanBatch)
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range due {
		if err := d.DB.Write(ctx, func(tx bun.IDB) error { return d.remindLoan(ctx, tx, l) }); err != nil {
			errs = append(errs, fmt.Errorf("remind of loan %s: %w", l.ID, err))
		}
	}
	return errors.Join(append(errs, d.endLoanTasks(ctx))...)
}

func (d *Desk) remindLoan(ctx context.Context, tx bun.IDB, l delivery.Loan) error {
	cal, err := office.CalendarOf(ctx, tx, l.CentreID, d.now())
	if err != nil {
		return err
	}
	next, err := cal.Add(workday.DateOf(d.now()), 1)
	if err != nil {
		return err
	}
	due, err := workday.ParseDate(l.DueOn)
	if err != nil || next.Before(due) {
		return err
	}
	return raiseTask(ctx, tx, Visit{CentreID: l.CentreID}, Task{
		Kind: TaskLoan, Subject: l.ItemID, CreatedAt: d.now(), DueAt: due.AddDays(1).Midnight(),
		Detail: fmt.Sprintf("%s借用%s保管的《%s》原件，应于 %s 前归还，请提醒", l.Borrower, l.Lender, l.Item.Title, workday.DayText("zh", due)),
	})
}

// endLoanTasks ends the tasks of originals that are out no more.
func (d *Desk) endLoanTasks(ctx context.Context) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		subjects, err := openSubjects(ctx, tx, TaskLoan)
		if err != nil || len(subjects) == 0 {
			return err
		}
		out, err := delivery.LentOut(ctx, tx, subjects)
		if err != nil {
			return err
		}
		for _, item := range subjects {
			if out[item] {
				continue
			}
			if err := finishTasks(ctx, tx, TaskLoan, item, d.now(), "system:loans", "原件已归还"); err != nil {
				return err
			}
		}
		return nil
	})
}
