package inspection

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"
)

func putAgreement(ctx context.Context, tx bun.IDB, a *Agreement) error {
	_, err := tx.NewInsert().Model(a).On("CONFLICT (visit_id, party) DO UPDATE").
		Set("id = EXCLUDED.id, signer = EXCLUDED.signer, scan = EXCLUDED.scan, recorded_at = EXCLUDED.recorded_at").
		Set("recorded_by = EXCLUDED.recorded_by, checked_at = NULL, checked_by = ''").Exec(ctx)
	return err
}

func findAgreement(ctx context.Context, q bun.IDB, visit, party string) (a Agreement, err error) {
	err = q.NewSelect().Model(&a).Where("visit_id = ? AND party = ?", visit, party).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return a, notFound()
	}
	return a, err
}

func listAgreements(ctx context.Context, q bun.IDB, visit string) (out []Agreement, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visit).Order("party").Scan(ctx)
	return out, err
}

// checkAgreement moves one from recorded to checked.
func checkAgreement(ctx context.Context, tx bun.IDB, a Agreement) error {
	res, err := tx.NewUpdate().Model(&a).Column("checked_at", "checked_by").Where("id = ? AND checked_at IS NULL", a.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}
