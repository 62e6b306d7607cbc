package inspection

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"
)

func insertDanger(ctx context.Context, tx bun.IDB, d *Danger) error {
	_, err := tx.NewInsert().Model(d).Exec(ctx)
	return err
}

func findDanger(ctx context.Context, q bun.IDB, visitID, id string) (d Danger, err error) {
	err = q.NewSelect().Model(&d).Where("id = ? AND visit_id = ?", id, visitID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return d, notFound()
	}
	return d, err
}

// listDangers gives those of a first visit and its revisits.
func listDangers(ctx context.Context, q bun.IDB, visitID string) (out []Danger, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("found_at", "id").Scan(ctx)
	return out, err
}

// clearDanger is one move of a danger, by whoever read it as it stands.
func clearDanger(ctx context.Context, tx bun.IDB, d Danger, firstBy string) error {
	res, err := tx.NewUpdate().Model(&d).Column("first_note", "first_at", "first_by", "note", "cleared_at", "cleared_by", "cleared_name").
		Where("id = ? AND cleared_at IS NULL AND first_by = ?", d.ID, firstBy).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}
