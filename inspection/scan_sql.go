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

func caseOfParticipant(ctx context.Context, q bun.IDB, id string) (Case, error) {
	var caseID string
	err := q.NewSelect().Model((*Participant)(nil)).Column("case_id").Where("id = ?", id).Scan(ctx, &caseID)
	if errors.Is(err, sql.ErrNoRows) {
		return Case{}, notFound()
	}
	if err != nil {
		return Case{}, err
	}
	return findCase(ctx, q, caseID)
}
