package once

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

type keyRow struct {
	bun.BaseModel `bun:"table:idempotency_keys"`
	Actor         string `bun:",pk"`
	Value         string `bun:",pk"`
	Print         string
	Answer        []byte
	At            time.Time
}

// claim inserts the row and reports whether it was the first of its key. On
// PostgreSQL a second one waits here until the first commits or rolls back.
func claim(ctx context.Context, tx bun.IDB, row *keyRow) (bool, error) {
	res, err := tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func answer(ctx context.Context, tx bun.IDB, row *keyRow) error {
	_, err := tx.NewUpdate().Model(row).Column("answer").WherePK().Exec(ctx)
	return err
}

func find(ctx context.Context, tx bun.IDB, k Key) (*keyRow, error) {
	row := &keyRow{Actor: k.Actor, Value: k.Value}
	return row, tx.NewSelect().Model(row).WherePK().Scan(ctx)
}

// Forget drops, on the caller's transaction, the answers from before the given
// instant and gives their number. A nightly sweep calls it with now − [Kept].
func Forget(ctx context.Context, tx bun.IDB, before time.Time) (int64, error) {
	res, err := tx.NewDelete().Model((*keyRow)(nil)).Where("at < ?", before).Exec(ctx)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
