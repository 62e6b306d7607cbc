package inspection

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"
)

// openWaiver is the proposal that waits for a second supervisor, if any.
func openWaiver(ctx context.Context, q bun.IDB, p Participant) (w Waiver, waiting bool, err error) {
	err = q.NewSelect().Model(&w).Where("participant_id = ? AND decided_at IS NULL", p.ID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return w, false, nil
	}
	return w, err == nil, err
}

// closeWaiver writes the second supervisor's decision.
func closeWaiver(ctx context.Context, tx bun.IDB, w Waiver) error {
	res, err := tx.NewUpdate().Model(&w).Column("decision", "decided_by", "decided_name", "decided_at").
		Where("id = ? AND decided_at IS NULL", w.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func listWaivers(ctx context.Context, q bun.IDB, participants []string) (out []Waiver, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id IN (?)", bun.List(participants)).Order("proposed_at").Scan(ctx)
	return out, err
}
