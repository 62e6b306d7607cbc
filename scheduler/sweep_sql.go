package scheduler

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// SweepRow is what is remembered of a sweep's last run. Instants are UTC, by
// the trusted clock; LastEnd is zero before the first run has ended.
type SweepRow struct {
	bun.BaseModel `bun:"table:sweeps,alias:sweep"`

	Name       string    `bun:",pk" json:"name"`
	Instance   string    `json:"instance"` // the process that ran it last, or runs it
	LeaseUntil time.Time `json:"lease_until"`
	LastStart  time.Time `json:"last_start"`
	LastEnd    time.Time `bun:",nullzero" json:"last_end,omitzero"`
	LastError  string    `json:"last_error"` // of the last run, shortened; "" when it went well
	Panics     int64     `json:"panics"`     // ever
}

// claimSweep takes the lease for row.Instance and reports whether it did. It
// does so when the lease has run out, is this instance's own, or reaches
// further than any lease can (the clock was ahead when it was written).
func claimSweep(ctx context.Context, tx bun.IDB, row SweepRow, takeOver bool) (bool, error) {
	query := tx.NewInsert().Model(&row).
		On("CONFLICT (name) DO UPDATE").
		Set("instance = EXCLUDED.instance").
		Set("lease_until = EXCLUDED.lease_until").
		Set("last_start = EXCLUDED.last_start")
	if !takeOver {
		query = query.Where("sweep.lease_until <= ? OR sweep.instance = ? OR sweep.lease_until > ?",
			row.LastStart, row.Instance, row.LeaseUntil)
	}
	res, err := query.Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("claim sweep %s: %w", row.Name, err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// finishSweep writes the end of the run that began at row.LastStart. When
// another instance has taken the sweep meanwhile, it writes nothing.
func finishSweep(ctx context.Context, tx bun.IDB, row SweepRow) error {
	_, err := tx.NewUpdate().Model(&row).
		Set("lease_until = ?", row.LeaseUntil).
		Set("last_end = ?", row.LastEnd).
		Set("last_error = ?", row.LastError).
		Set("panics = panics + ?", row.Panics).
		Where("name = ? AND instance = ? AND last_start = ?", row.Name, row.Instance, row.LastStart).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("finish sweep %s: %w", row.Name, err)
	}
	return nil
}

// ListSweeps gives the rows of all sweeps that ever ran, by name.
func ListSweeps(ctx context.Context, q bun.IDB) ([]SweepRow, error) {
	var rows []SweepRow
	if err := q.NewSelect().Model(&rows).Order("name").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list sweeps: %w", err)
	}
	for i := range rows {
		r := &rows[i]
		r.LeaseUntil, r.LastStart, r.LastEnd = r.LeaseUntil.UTC(), r.LastStart.UTC(), r.LastEnd.UTC()
	}
	return rows, nil
}
