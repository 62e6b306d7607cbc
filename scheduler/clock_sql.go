package scheduler

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
)

// Finding is one jump of the wall clock. It is unexplained until somebody
// accepts it.
type Finding struct {
	bun.BaseModel `bun:"table:clock_findings"`

	ID         string    `bun:",pk" json:"id"`
	At         time.Time `json:"at"`       // UTC; the later of the times before and after
	DriftMS    int64     `json:"drift_ms"` // how far the wall clock jumped; negative is back
	AcceptedAt time.Time `bun:",nullzero" json:"accepted_at,omitzero"`
	AcceptedBy string    `json:"accepted_by,omitempty"`
	Reason     string    `json:"reason,omitempty"`
}

func newFinding(at time.Time, drift time.Duration) Finding {
	return Finding{ID: rand.Text(), At: at, DriftMS: drift.Milliseconds()}
}

// Drift gives how far the wall clock jumped, negative for back.
func (f Finding) Drift() time.Duration { return time.Duration(f.DriftMS) * time.Millisecond }

func insertFinding(ctx context.Context, tx bun.IDB, f Finding) error {
	if _, err := tx.NewInsert().Model(&f).Exec(ctx); err != nil {
		return fmt.Errorf("store a clock finding: %w", err)
	}
	return nil
}

// openFindings gives the unexplained findings that may matter for a span that
// began at since: younger ones, those of the last hour before it, and wild ones
// of any age.
func openFindings(ctx context.Context, q bun.IDB, since time.Time) ([]Finding, error) {
	var open []Finding
	err := q.NewSelect().Model(&open).Where("accepted_at IS NULL").
		Where("at >= ? OR abs(drift_ms) > ?", since.Add(-stableTime), driftLimit.Milliseconds()).
		Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read clock findings: %w", err)
	}
	return open, nil
}

// ListFindings gives all jumps since an instant, oldest first.
func ListFindings(ctx context.Context, q bun.IDB, since time.Time) ([]Finding, error) {
	var all []Finding
	if err := q.NewSelect().Model(&all).Where("at >= ?", since).Order("at", "id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list clock findings: %w", err)
	}
	for i := range all {
		all[i].At, all[i].AcceptedAt = all[i].At.UTC(), all[i].AcceptedAt.UTC()
	}
	return all, nil
}

// acceptFindings marks all open findings as how says and gives them back.
func acceptFindings(ctx context.Context, tx bun.IDB, how Finding) ([]Finding, error) {
	var accepted []Finding
	_, err := tx.NewUpdate().Model(&accepted).
		Set("accepted_at = ?", how.AcceptedAt).
		Set("accepted_by = ?", how.AcceptedBy).
		Set("reason = ?", how.Reason).
		Where("accepted_at IS NULL").Returning("*").Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("accept clock findings: %w", err)
	}
	return accepted, nil
}

// clockRow is the only row of its table.
type clockRow struct {
	bun.BaseModel `bun:"table:clock"`

	ID        int64     `bun:",pk"`
	HighWater time.Time `bun:",nullzero"`
}

// HighWater gives the latest time that this installation has relied on, in UTC,
// zero before the first check: time cannot be earlier than that.
func HighWater(ctx context.Context, q bun.IDB) (time.Time, error) { return findMark(ctx, q) }

// findMark gives the stored high-water mark in UTC, zero before the first.
func findMark(ctx context.Context, q bun.IDB) (time.Time, error) {
	row := clockRow{ID: 1}
	if err := q.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
		return time.Time{}, fmt.Errorf("read the high-water mark: %w", err)
	}
	return row.HighWater.UTC(), nil
}

// raiseMark never lowers: another instance may have been here.
func raiseMark(ctx context.Context, tx bun.IDB, mark time.Time) error {
	_, err := tx.NewUpdate().Model((*clockRow)(nil)).Set("high_water = ?", mark).
		Where("id = 1 AND (high_water IS NULL OR high_water < ?)", mark).Exec(ctx)
	if err != nil {
		return fmt.Errorf("raise the high-water mark: %w", err)
	}
	return nil
}

func setMark(ctx context.Context, tx bun.IDB, mark time.Time) error {
	_, err := tx.NewUpdate().Model((*clockRow)(nil)).Set("high_water = ?", mark).Where("id = 1").Exec(ctx)
	if err != nil {
		return fmt.Errorf("set the high-water mark: %w", err)
	}
	return nil
}

// DatabaseOffset makes a measure for Clock.Offset: the clock of PostgreSQL
// minus that of this machine, taken at the middle of the question (DL-18).
func DatabaseOffset(d *db.DB, read func() Reading) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (offset time.Duration, err error) {
		err = d.Read(ctx, func(q bun.IDB) error {
			var theirs time.Time
			before := read()
			if err := q.NewRaw("SELECT clock_timestamp()").Scan(ctx, &theirs); err != nil {
				return fmt.Errorf("ask the database for the time: %w", err)
			}
			middle := before.Wall.Add((read().Mono - before.Mono) / 2)
			offset = theirs.Sub(middle)
			return nil
		})
		return offset, err
	}
}
