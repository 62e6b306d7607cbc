package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
)

// closeBatch is how many cases one look closes.
const closeBatch = 200

// CloseDue notes the cases of which everything has arrived: the applicant's link
// ends some time after (DEL-1201). It may run late, twice, or in two processes at
// once.
func (d *Desk) CloseDue(ctx context.Context) error {
	d = d.still()
	var done []string
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		done, err = casesToClose(ctx, q)
		return err
	})
	errs := []error{err}
	for _, id := range done {
		if err := d.DB.Write(ctx, func(tx bun.IDB) error { return d.closeCase(ctx, tx, id) }); err != nil {
			errs = append(errs, fmt.Errorf("close case %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

func (d *Desk) closeCase(ctx context.Context, tx bun.IDB, caseID string) error {
	if _, err := lockLines(ctx, tx, caseID); err != nil {
		return err
	}
	closed, err := closeApplicant(ctx, tx, caseID, d.now())
	if err != nil || !closed {
		return err
	}
	return audit.Record(ctx, tx, audit.Leaf{
		Type: "case_served", Stream: Stream(caseID), Actor: auth.System("close").String(), At: d.now(),
	})
}
