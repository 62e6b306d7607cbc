package inspection

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// askedFor reports whether a request for a revisit is open.
func askedFor(ctx context.Context, q bun.IDB, visitID string) (bool, error) {
	return q.NewSelect().Model((*RevisitRequest)(nil)).Where("visit_id = ? AND done_at IS NULL", visitID).Exists(ctx)
}

func listRequests(ctx context.Context, q bun.IDB, visitID string) (out []RevisitRequest, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("asked_at", "id").Scan(ctx)
	return out, err
}

func closeRequest(ctx context.Context, tx bun.IDB, visitID, revisit string, now time.Time) error {
	r := RevisitRequest{RevisitID: revisit, DoneAt: now}
	_, err := tx.NewUpdate().Model(&r).Column("revisit_id", "done_at").Where("visit_id = ? AND done_at IS NULL", visitID).Exec(ctx)
	return err
}

// listRevisits gives the revisits of a visit, the first one first.
func listRevisits(ctx context.Context, q bun.IDB, visitID string) (out []Visit, err error) {
	err = q.NewSelect().Model(&out).Where("revisit_of = ?", visitID).Order("created_at", "id").Scan(ctx)
	return out, err
}

// revisitDue is T6 of a visit, whether it runs or is over; zero before it starts.
func revisitDue(ctx context.Context, q bun.IDB, visitID string) (time.Time, error) {
	var row DeadlineRow
	err := q.NewSelect().Model(&row).Where("kind = ? AND subject = ?", DeadlineRevisit, visitID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return row.DueAt, err
}

func hasTask(ctx context.Context, q bun.IDB, kind TaskKind, subject string) (bool, error) {
	return q.NewSelect().Model((*Task)(nil)).Where("kind = ? AND subject = ? AND done_at IS NULL", kind, subject).Exists(ctx)
}
