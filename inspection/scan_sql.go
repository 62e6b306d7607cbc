package inspection

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"
)

func insertScan(ctx context.Context, tx bun.IDB, row *scanRow) error {
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return err
}

func findScan(ctx context.Context, q bun.IDB, id string) (row scanRow, err error) {
	err = q.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, notFound()
	}
	return row, err
}

func findParticipant(ctx context.Context, q bun.IDB, id string) (p Participant, err error) {
	err = q.NewSelect().Model(&p).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return p, notFound()
	}
	return p, err
}
