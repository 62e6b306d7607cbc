package auth

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// failure counts sign-ins of an account from an address that did not succeed.
type failure struct {
	bun.BaseModel `bun:"table:sign_in_failures,alias:f"`

	Account  string `bun:",pk"` // SHA-256 of the login as typed
	Remote   string `bun:",pk"`
	Failures int
	LastAt   time.Time
}

// countAttempt adds one and gives the count, 0 when the limit was reached less
// than lockFor ago. Attempts while locked do not lengthen the lock.
func countAttempt(ctx context.Context, tx bun.IDB, f failure) (int, error) {
	over := f.LastAt.Add(-lockFor)
	var n int
	err := tx.NewInsert().Model(&f).On("CONFLICT (account, remote) DO UPDATE").
		Set("failures = CASE WHEN f.last_at <= ? THEN 1 ELSE f.failures + 1 END", over).
		Set("last_at = EXCLUDED.last_at").
		Where("f.failures < ? OR f.last_at <= ?", maxFailures, over).
		Returning("failures").Scan(ctx, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// forgive removes the count after a success.
func forgive(ctx context.Context, tx bun.IDB, f failure) error {
	_, err := tx.NewDelete().Model(&f).WherePK().Exec(ctx)
	return err
}

func insertSession(ctx context.Context, tx bun.IDB, s Session) error {
	_, err := tx.NewInsert().Model(&s).Exec(ctx)
	return err
}

func findSession(ctx context.Context, q bun.IDB, hash string) (Session, error) {
	return find[Session](ctx, q, column{"hash", hash}, notSignedIn())
}

// touchSession never moves backwards and never revives an ended session.
func touchSession(ctx context.Context, tx bun.IDB, hash string, now time.Time) error {
	s := Session{Hash: hash, SeenAt: now}
	_, err := tx.NewUpdate().Model(&s).Column("seen_at").WherePK().Where("seen_at < ?", now).Exec(ctx)
	return err
}

func deleteSession(ctx context.Context, tx bun.IDB, hash string) error {
	_, err := tx.NewDelete().Model((*Session)(nil)).Where("hash = ?", hash).Exec(ctx)
	return err
}

func endSessions(ctx context.Context, tx bun.IDB, person string) error {
	_, err := tx.NewDelete().Model((*Session)(nil)).Where("person_id = ?", person).Exec(ctx)
	return err
}

func purgeSessions(ctx context.Context, tx bun.IDB, now time.Time) error {
	_, err := tx.NewDelete().Model((*Session)(nil)).
		Where("expires_at <= ? OR seen_at <= ?", now, now.Add(-idleFor)).Exec(ctx)
	return err
}

func purge(ctx context.Context, tx bun.IDB, now time.Time) error {
	_, err := tx.NewDelete().Model((*Link)(nil)).Where("expires_at <= ?", now.AddDate(0, 0, -7)).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewDelete().Model((*failure)(nil)).Where("last_at <= ?", now.AddDate(0, 0, -1)).Exec(ctx)
	return err
}
