package auth

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

func insertLink(ctx context.Context, tx bun.IDB, l Link) error {
	_, err := tx.NewInsert().Model(&l).Exec(ctx)
	return err
}

func findLink(ctx context.Context, q bun.IDB, hash string) (Link, error) {
	return find[Link](ctx, q, column{"hash", hash}, linkUnknown())
}

// takeLink reads a link and keeps its row to the end of the transaction, so
// that tries made at once are counted one after the other on both databases.
func takeLink(ctx context.Context, tx bun.IDB, hash string) (Link, error) {
	var l Link
	err := tx.NewUpdate().Model(&l).Set("wrong = wrong").Where("hash = ?", hash).Returning("*").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = linkUnknown()
	}
	return l, err
}

func updateLink(ctx context.Context, tx bun.IDB, l Link) error {
	_, err := tx.NewUpdate().Model(&l).Column("wrong", "locked_at").WherePK().Exec(ctx)
	return err
}

func revokeLinks(ctx context.Context, tx bun.IDB, subject string, at time.Time) error {
	l := Link{RevokedAt: at}
	_, err := tx.NewUpdate().Model(&l).Column("revoked_at").
		Where("subject = ?", subject).Where("revoked_at IS NULL").Exec(ctx)
	return err
}
