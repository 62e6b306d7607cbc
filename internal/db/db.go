// Package db opens the one database of the house, SQLite or PostgreSQL, and is
// the only place that looks at a driver's errors.
//
// An act of the office is one [DB.Write]: a transaction on the writer, run
// again when the database asks for that, its errors turned into refusals of
// package fault. A list or a page is one [DB.Read]: a consistent snapshot that
// cannot write. The queries themselves stand in the *_sql.go files of the
// packages that own the tables (STY-15).
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

const (
	// retries is how often Write runs its function again (DB-10).
	retries = 3
	// patience is how long Write waits for a connection. A Write inside a
	// Write waits for its own connection; this ends it (DB-2, STY-33).
	patience = 10 * time.Second
)

// DB is an open database. Make one with [Open]; it is safe for concurrent use.
type DB struct {
	// OnFatal is called once, when a commit failed so that nobody can say
	// whether it took effect (DB-9). The program has to end (exit 74) and
	// read again after a restart; Write refuses from then on. Set it before
	// the first Write.
	OnFatal func(error)

	write, read *bun.DB  // the same pool on PostgreSQL; write is nil when opened read-only
	path        string   // of the SQLite file, "" on PostgreSQL
	lock        *os.File // held while an SQLite file is open for writing
	durable     bool     // false only for OpenScratch
	broken      atomic.Bool
}

// Open opens a database for one serving process. url is "PATH" or "sqlite:PATH"
// for SQLite, "postgres://…" for PostgreSQL. Every connection has its settings
// read back (DB-1, DB-6). Open refuses with database_settings, database_in_use
// (a second process on one file, DB-3), database_on_network or database_away.
// It does not migrate.
func Open(ctx context.Context, url string) (*DB, error) {
	return open(ctx, url, mode{durable: true})
}

// OpenReadOnly opens a database that another process may be serving, for
// backup, verify and doctor (DEC-10). Write always fails.
func OpenReadOnly(ctx context.Context, url string) (*DB, error) {
	return open(ctx, url, mode{durable: true, readOnly: true})
}

// OpenScratch opens a database whose contents may be lost at a power cut: no
// write waits for the disk, and a PostgreSQL with fsync off is accepted. It is
// for dbtest, benchmarks and the invented city of the demonstration only.
func OpenScratch(ctx context.Context, url string) (*DB, error) {
	return open(ctx, url, mode{})
}

type mode struct{ durable, readOnly bool }

func open(ctx context.Context, url string, m mode) (*DB, error) {
	var d *DB
	var err error
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		d, err = openPostgres(ctx, url, m)
	} else {
		d, err = openSQLite(ctx, strings.TrimPrefix(url, "sqlite:"), m)
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", refusal(err))
	}
	return d, nil
}

// Close closes all connections and lets go of the file. A second Close does
// nothing.
func (d *DB) Close() error {
	var errs []error
	if d.read != nil {
		errs = append(errs, d.read.Close())
	}
	if d.write != nil && d.write != d.read {
		errs = append(errs, d.write.Close())
	}
	if d.lock != nil { // closing the file releases the lock
		if err := d.lock.Close(); !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Watch lets every statement from now on pass by h, for tests and benchmarks.
// Call it before others use d.
func (d *DB) Watch(h bun.QueryHook) {
	//lint:ignore SA1019 a copy with the hook would not be the pool that the acts use
	d.read.AddQueryHook(h)
	if d.write != nil && d.write != d.read {
		//lint:ignore SA1019 as above
		d.write.AddQueryHook(h)
	}
}

// Postgres reports whether d is a PostgreSQL database.
func (d *DB) Postgres() bool { return d.path == "" }

// Postgres reports whether q speaks to PostgreSQL, for the one or two
// statements that cannot be the same on both databases.
func Postgres(q bun.IDB) bool { return q.Dialect().Name() == dialect.PG }

// Write runs fn in one transaction on the writer and commits when fn returns
// nil. When the database gives up for a reason of its own (deadlock, lock
// timeout, busy) the whole of fn runs again, up to three times (DB-10): fn has
// no effects outside tx and sets its results afresh on each run. Inside fn only
// tx is used.
//
// Refusals: already_exists, overlap, database_busy, database_away,
// database_full, commit_unknown. What fn itself returns comes back unchanged
// unless a driver error is at its root.
func (d *DB) Write(ctx context.Context, fn func(tx bun.IDB) error) error {
	if d.write == nil {
		return errors.New("write to a database opened read-only")
	}
	for attempt := 0; ; attempt++ {
		err := d.writeOnce(ctx, fn)
		if attempt == retries || !passing(err) || ctx.Err() != nil {
			return refusal(err)
		}
		pause(ctx, attempt)
	}
}

// writeOnce is one try. The transaction is not bound to ctx: a client that
// hangs up must not tear a commit in half. Its statements are, through the
// context that fn hands to them.
func (d *DB) writeOnce(ctx context.Context, fn func(tx bun.IDB) error) error {
	if d.broken.Load() {
		return errBroken
	}
	conn, err := d.writer(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after Commit it only says so; else the error of fn matters more
	if err := fn(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return d.commitFailed(context.WithoutCancel(ctx), conn, err)
	}
	return nil
}

func (d *DB) writer(ctx context.Context) (bun.Conn, error) {
	waiting, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	conn, err := d.write.Conn(waiting)
	if err != nil && errors.Is(context.Cause(waiting), errPatience) {
		err = errPatience
	}
	return conn, err
}

// commitFailed sorts the errors of a COMMIT: a clean refusal is returned, any
// other one is ambiguous (DB-9).
func (d *DB) commitFailed(ctx context.Context, conn bun.Conn, err error) error {
	if cleanAtCommit(err) {
		if !d.Postgres() { // SQLite leaves the transaction open
			_, _ = conn.ExecContext(ctx, "ROLLBACK")
		}
		return fmt.Errorf("commit: %w", err)
	}
	err = &unknownCommit{err}
	if !d.Postgres() && d.broken.CompareAndSwap(false, true) && d.OnFatal != nil {
		d.OnFatal(err)
	}
	return err
}

// Read runs fn on one consistent snapshot that cannot write. It may run beside
// any Write and never waits for one.
func (d *DB) Read(ctx context.Context, fn func(q bun.IDB) error) error {
	var opts *sql.TxOptions
	if d.Postgres() {
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := d.read.BeginTx(ctx, opts)
	if err != nil {
		return refusal(fmt.Errorf("begin: %w", err))
	}
	defer tx.Rollback() // nothing was written
	return refusal(fn(tx))
}

// pause waits 10–20 ms, 20–40 ms, 40–80 ms, so that two who clashed do not
// clash again in step.
func pause(ctx context.Context, attempt int) {
	base := 10 * time.Millisecond << attempt
	select {
	case <-ctx.Done():
	case <-time.After(base + rand.N(base)):
	}
}
