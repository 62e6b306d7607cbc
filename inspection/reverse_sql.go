package inspection

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"
)

// findReversal is the proposal that waits for a second person, if any.
func findReversal(ctx context.Context, q bun.IDB, p Participant) (r Reversal, waiting bool, err error) {
	err = q.NewSelect().Model(&r).Where("participant_id = ? AND round = ? AND decided_at IS NULL", p.ID, p.Round).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, err
}

// wasReversed reports whether a deemed consent of the department in this visit was
// taken back, in whichever round: nothing is deemed automatically after that
// (INS-917).
func wasReversed(ctx context.Context, q bun.IDB, p Participant) (bool, error) {
	return q.NewSelect().Model((*Reversal)(nil)).Where("participant_id = ? AND decided_at IS NOT NULL", p.ID).Exists(ctx)
}

// closeReversal writes the second person's decision.
func closeReversal(ctx context.Context, tx bun.IDB, r Reversal) error {
	res, err := tx.NewUpdate().Model(&r).Column("decided_by", "decided_name", "decision", "decided_at").
		Where("id = ? AND decided_at IS NULL", r.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// setReversalTerm writes until when the department's own opinion is due.
func setReversalTerm(ctx context.Context, tx bun.IDB, r Reversal) error {
	res, err := tx.NewUpdate().Model(&r).Column("opinion_due").Where("id = ? AND opinion_due IS NULL", r.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func listReversals(ctx context.Context, q bun.IDB, participants []string) (out []Reversal, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id IN (?)", bun.List(participants)).Order("round").Scan(ctx)
	return out, err
}
