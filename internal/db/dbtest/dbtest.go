// Package dbtest gives each test a database of its own with the schema of the
// house: always SQLite, and PostgreSQL when TEST_POSTGRES is set to "auto" (a
// private server is started) or to the URL of a server that may create
// databases (STK-84, STY-60). A [Furnished] holds rows already. Only tests import
// it.
//
// The databases are opened with db.OpenScratch: crash safety is not tested
// here (STK-85).
package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"lianban/internal/db"
)

// Each runs fn on a fresh database of each kind, as the subtests sqlite and
// postgres. Without TEST_POSTGRES it is SQLite only, and one line says so.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	each(t, SQLite, Postgres, fn)
}

func each(t *testing.T, lite, pg func(testing.TB) *db.DB, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, lite(t)) })
	if os.Getenv("TEST_POSTGRES") == "" {
		sayOnce()
		return
	}
	t.Run("postgres", func(t *testing.T) { fn(t, pg(t)) })
}

var sayOnce = sync.OnceFunc(func() {
	fmt.Fprintln(os.Stderr, "dbtest: TEST_POSTGRES is not set, so these tests run on SQLite only")
})

// SQLite opens a fresh migrated SQLite database and closes it when the test
// ends. It may be called in a synctest bubble.
func SQLite(t testing.TB) *db.DB {
	t.Helper()
	image, err := liteTemplate()
	if err != nil {
		t.Fatalf("make the SQLite template: %v", err)
	}
	return open(t, liteFile(t, image))
}

// liteFile writes an SQLite file that goes with the test.
func liteFile(t testing.TB, image []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Postgres opens a fresh migrated PostgreSQL database and drops it when the
// test ends. Without TEST_POSTGRES it skips the test. It cannot be used in a
// synctest bubble: network waits are not idle there.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	return open(t, PostgresURL(t))
}

// PostgresURL is [Postgres] for a test whose processes open the database
// themselves, with db.OpenScratch.
func PostgresURL(t testing.TB) string {
	t.Helper()
	if os.Getenv("TEST_POSTGRES") == "" {
		t.Skip("needs PostgreSQL: set TEST_POSTGRES=auto, or to the URL of a server")
	}
	s, err := server()
	if err != nil {
		t.Fatalf("TEST_POSTGRES: %v", err)
	}
	return s.url(s.lend(t, s.template))
}

func open(t testing.TB, url string) *db.DB {
	t.Helper()
	d, err := db.OpenScratch(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	d.OnFatal = func(err error) { t.Errorf("database: %v", err) }
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return d
}

// liteTemplate is a migrated file as bytes: kept in memory, it leaves nothing
// behind.
var liteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "lianban-dbtest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a leftover in the temporary folder
	path := filepath.Join(dir, "template.db")
	if err := migrate(context.Background(), path); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // whole: the last connection to close empties the WAL
})

func migrate(ctx context.Context, url string) error {
	d, err := db.OpenScratch(ctx, url)
	if err != nil {
		return err
	}
	_, err = d.Migrate(ctx)
	return errors.Join(err, d.Close())
}
