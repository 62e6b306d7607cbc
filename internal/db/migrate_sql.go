package db

import (
	"context"
	"errors"

	"github.com/uptrace/bun"
)

// step is a row of the table of applied migrations. It has no time: the
// database's own clock is never asked (STY-29).
type step struct {
	bun.BaseModel `bun:"table:migrations"`
	Name          string `bun:",pk"`
}

// migrated gives the names of the applied steps, none on an empty database.
func migrated(ctx context.Context, q bun.IDB) (names []string, err error) {
	query := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'migrations'"
	if Postgres(q) {
		query = "SELECT count(*) FROM pg_class WHERE oid = to_regclass('migrations')"
	}
	var tables int
	if err := q.NewRaw(query).Scan(ctx, &tables); err != nil || tables == 0 {
		return nil, err
	}
	err = q.NewSelect().Model((*step)(nil)).Column("name").Order("name").Scan(ctx, &names)
	return names, err
}

// apply runs one step unless another process has run it meanwhile. Lock, mark
// and step are one transaction (DB-15): SQLite's lock is the transaction
// itself, PostgreSQL's is advisory and ends with it.
func apply(ctx context.Context, tx bun.IDB, m migration) (ran bool, err error) {
	if Postgres(tx) {
		// A step may take longer than a request, and wait for another instance.
		const lock = `SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s';
			SELECT pg_advisory_xact_lock(7318001)`
		if _, err := tx.ExecContext(ctx, lock); err != nil {
			return false, err
		}
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY)"); err != nil {
		return false, err
	}
	res, err := tx.NewInsert().Model(&step{Name: m.name}).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	// Past bun, which would take a question mark in the text for a parameter.
	handle, ok := tx.(bun.Tx)
	if !ok {
		return false, errors.New("a migration needs a transaction")
	}
	_, err = handle.Tx.ExecContext(ctx, m.text)
	return true, err
}
