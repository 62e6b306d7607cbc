package db_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// steps are migrations from name and text, in the order of their names.
func steps(pairs ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for pair := range slices.Chunk(pairs, 2) {
		files["migrations/"+pair[0]+".sql"] = &fstest.MapFile{Data: []byte(pair[1])}
	}
	return files
}

// eachEmpty is dbtest.Each without the schema of the house.
func eachEmpty(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Run("sqlite", func(t *testing.T) {
		d, err := db.OpenScratch(t.Context(), filepath.Join(t.TempDir(), "empty.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		fn(t, d)
	})
	t.Run("postgres", func(t *testing.T) {
		fn(t, emptyPostgres(t))
	})
}

func emptyPostgres(t *testing.T) *db.DB {
	t.Helper()
	d := dbtest.Postgres(t)
	run(t, d, "DROP SCHEMA public CASCADE")
	run(t, d, "CREATE SCHEMA public")
	return d
}

func migrate(t *testing.T, d *db.DB, files fstest.MapFS, want ...string) {
	t.Helper()
	applied, err := d.MigrateFrom(t.Context(), files)
	if err != nil || !slices.Equal(applied, want) {
		t.Fatalf("applied %v, want %v (%v)", applied, want, err)
	}
}

// DB-17: the schema of the house applies to an empty database, and a second
// run does nothing.
func TestMigratingTwiceChangesNothing(t *testing.T) {
	eachEmpty(t, func(t *testing.T, d *db.DB) {
		pending, err := d.Pending(t.Context())
		if err != nil || len(pending) == 0 {
			t.Fatalf("pending %v (%v)", pending, err)
		}
		applied, err := d.Migrate(t.Context())
		if err != nil || !slices.Equal(applied, pending) || !slices.IsSorted(applied) {
			t.Fatalf("applied %v (%v)", applied, err)
		}
		if applied, err := d.Migrate(t.Context()); err != nil || len(applied) != 0 {
			t.Errorf("applied %v again (%v)", applied, err)
		}
		if pending, err := d.Pending(t.Context()); err != nil || len(pending) != 0 {
			t.Errorf("still pending %v (%v)", pending, err)
		}
	})
}

// DB-14: one order, words for the types that differ, twins where one text
// cannot serve. A question mark is text and no parameter.
func TestStepsRunInOrderEachEngineItsOwn(t *testing.T) {
	eachEmpty(t, func(t *testing.T, d *db.DB) {
		migrate(t, d, steps(
			"0002_b_sqlite", "CREATE TABLE lite (x text)",
			"0002_b_postgres", "CREATE TABLE big (x text)",
			"0001_a", "CREATE TABLE a (i {{.ID}}, t {{.Time}}, j {{.JSON}}, b {{.Blob}}, o {{.Bool}}, n {{.Int}})",
			"0003_c", "CREATE TABLE c (x text DEFAULT 'why?'); INSERT INTO c DEFAULT VALUES; INSERT INTO a (n) VALUES (1)",
		), "0001_a", "0002_b", "0003_c")
		own := "SELECT count(*) FROM lite"
		if d.Postgres() {
			own = "SELECT count(*) FROM big"
		}
		run(t, d, own)
	})
}

// DB-15: a step is whole or absent, and those before it stay.
func TestFailedStepLeavesNothingHalfDone(t *testing.T) {
	eachEmpty(t, func(t *testing.T, d *db.DB) {
		broken := steps(
			"0001_a", "CREATE TABLE a (x text)",
			"0002_b", "CREATE TABLE b (x text); CREATE TABLE oops oops")
		applied, err := d.MigrateFrom(t.Context(), broken)
		if err == nil || !strings.Contains(err.Error(), "0002_b") || !slices.Equal(applied, []string{"0001_a"}) {
			t.Fatalf("applied %v (%v)", applied, err)
		}
		migrate(t, d, steps(
			"0001_a", "this is not run again",
			"0002_b", "CREATE TABLE b (x text)"), "0002_b")
	})
}

// DB-16: a database newer than the program is refused, by name.
func TestNewerSchemaIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		run(t, d, "INSERT INTO migrations (name) VALUES ('9999_tomorrow')")
		_, err := d.Migrate(t.Context())
		_, pending := d.Pending(t.Context())
		for _, err := range []error{err, pending} {
			if !fault.Is(err, "schema_newer") || !strings.Contains(err.Error(), "9999_tomorrow") {
				t.Errorf("got %v", err)
			}
		}
	})
}

// DB-16: a file with a schema is backed up before it changes, an empty one is
// not, and a try after a failure replaces the copy of the try before.
func TestBackupPrecedesMigration(t *testing.T) {
	dir := t.TempDir()
	d, err := db.OpenScratch(t.Context(), filepath.Join(dir, "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	first := []string{"0001_a", "CREATE TABLE a (x text); INSERT INTO a VALUES ('kept')"}
	migrate(t, d, steps(first...), "0001_a")
	if found, _ := filepath.Glob(filepath.Join(dir, "*.before-*")); len(found) != 0 {
		t.Errorf("an empty file was backed up: %v", found)
	}
	for _, text := range []string{"oops", "DELETE FROM a"} {
		_, err = d.MigrateFrom(t.Context(), steps(append(first, "0002_b", text)...))
	}
	if err != nil {
		t.Fatal(err)
	}
	before, err := db.OpenReadOnly(t.Context(), filepath.Join(dir, "x.db.before-0002_b"))
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	var kept string
	err = before.Read(t.Context(), func(q bun.IDB) error { return q.NewRaw("SELECT x FROM a").Scan(t.Context(), &kept) })
	if err != nil || kept != "kept" {
		t.Errorf("the copy has %q (%v)", kept, err)
	}
}

// DB-15: of several instances that start together one runs each step. (One
// process at a time has an SQLite file, DB-3.)
func TestInstancesThatStartTogetherMigrateOnce(t *testing.T) {
	d := emptyPostgres(t)
	files := steps("0001_a", "CREATE TABLE a (x text)", "0002_b", "INSERT INTO a VALUES ('once')")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if _, err := d.MigrateFrom(t.Context(), files); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	var n int
	err := d.Read(t.Context(), func(q bun.IDB) error { return q.NewRaw("SELECT count(*) FROM a").Scan(t.Context(), &n) })
	if err != nil || n != 1 {
		t.Errorf("the step ran %d times (%v)", n, err)
	}
}

func TestUnknownWordInAStepIsRefused(t *testing.T) {
	eachEmpty(t, func(t *testing.T, d *db.DB) {
		if _, err := d.MigrateFrom(t.Context(), steps("0001_a", "CREATE TABLE a (x {{.Txet}})")); err == nil {
			t.Error("ran")
		}
	})
}

// BAK-1: a copy of a database in use is whole, belongs to its owner only and
// never replaces a file.
func TestBackupOfAServedDatabase(t *testing.T) {
	served, path := file(t)
	insert(t, served, "one")
	d, err := db.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	copied := filepath.Join(t.TempDir(), "copy.db")
	err = served.Write(t.Context(), func(tx bun.IDB) error { // an act is under way
		return errors.Join(add(t.Context(), tx, "two"), d.Backup(t.Context(), copied))
	})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
	if left, _ := filepath.Glob(copied + ".part*"); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if err := d.Backup(t.Context(), copied); !fault.Is(err, "backup_exists") {
		t.Errorf("got %v", err)
	}
	restored, err := db.Open(t.Context(), copied)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	if got := values(t, restored); !slices.Equal(got, []string{"one"}) {
		t.Errorf("the copy has %v", got)
	}
}

func TestPostgresIsBackedUpByItsOwnTools(t *testing.T) {
	d := dbtest.Postgres(t)
	if err := d.Backup(t.Context(), filepath.Join(t.TempDir(), "x")); !fault.Is(err, "backup_not_here") {
		t.Errorf("got %v", err)
	}
}
