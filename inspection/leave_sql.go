package inspection

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

func findAbsence(ctx context.Context, q bun.IDB, id string) (a Absence, err error) {
	err = q.NewSelect().Model(&a).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return a, notFound()
	}
	return a, err
}

// affectedBy are the booked visits that occupy a resource in a time, by start.
func affectedBy(ctx context.Context, q bun.IDB, resource string, from, to time.Time) (out []Visit, err error) {
	here := q.NewSelect().Model((*Booking)(nil)).Column("visit_id").
		Where("resource_id = ? AND start_at < ? AND end_at > ? AND expires_at IS NULL", resource, to, from)
	err = q.NewSelect().Model(&out).Where("id IN (?)", here).Where("state IN (?)", bun.List([]VisitState{VisitOffered, VisitConfirmed})).
		Order("start_at", "id").Scan(ctx)
	return out, err
}

// recentLeaves are those of some resources that have not ended, the next one first.
func recentLeaves(ctx context.Context, q bun.IDB, resources []string, now time.Time) (out []Absence, err error) {
	if len(resources) == 0 {
		return nil, nil
	}
	err = q.NewSelect().Model(&out).Where("resource_id IN (?) AND kind = ? AND end_at > ?", bun.List(resources), absenceLeave, now).
		Order("start_at", "id").Limit(200).Scan(ctx)
	return out, err
}
