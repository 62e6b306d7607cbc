package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// row is any table of the schema; these tests look at the database, not at it.
type row struct {
	bun.BaseModel `bun:"table:idempotency_keys"`
	Actor         string `bun:",pk"`
	Value         string `bun:",pk"`
	Print         string
	At            time.Time
}

var at = time.Date(2026, 3, 2, 1, 40, 0, 120e6, time.UTC)

func add(ctx context.Context, tx bun.IDB, value string) error {
	_, err := tx.NewInsert().Model(&row{Value: value, At: at}).Exec(ctx)
	return err
}

func insert(t *testing.T, d *db.DB, value string) {
	t.Helper()
	if err := d.Write(t.Context(), func(tx bun.IDB) error { return add(t.Context(), tx, value) }); err != nil {
		t.Fatal(err)
	}
}

func values(t *testing.T, d *db.DB) (found []string) {
	t.Helper()
	err := d.Read(t.Context(), func(q bun.IDB) error {
		return q.NewSelect().Model((*row)(nil)).Column("value").Order("value").Scan(t.Context(), &found)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWriteIsAllOrNothing(t *testing.T) {
	stop := errors.New("stop")
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), func(tx bun.IDB) error {
			return errors.Join(add(t.Context(), tx, "one"), stop)
		})
		if !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = d.Write(t.Context(), func(tx bun.IDB) error {
				_ = add(t.Context(), tx, "two")
				panic("stop")
			})
		}()
		ctx, cancel := context.WithCancel(t.Context())
		err = d.Write(ctx, func(tx bun.IDB) error {
			defer cancel()
			return add(ctx, tx, "three")
		})
		if !errors.Is(err, context.Canceled) || fault.KindOf(err) != 0 {
			t.Errorf("a client that hung up: got %v", err) // STY-45
		}
		insert(t, d, "four")
		if got := values(t, d); len(got) != 1 || got[0] != "four" {
			t.Errorf("found %v", got)
		}
	})
}

// DL-20, STK-22: an instant comes back equal and in UTC, whatever the zone of
// the machine.
func TestInstantsComeBackInUTC(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		beijing := time.FixedZone("CST", 8*3600)
		err := d.Write(t.Context(), func(tx bun.IDB) error {
			_, err := tx.NewInsert().Model(&row{Value: "x", At: at.In(beijing)}).Exec(t.Context())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var model row
		var column time.Time
		err = d.Read(t.Context(), func(q bun.IDB) error {
			return errors.Join(
				q.NewSelect().Model(&model).Scan(t.Context()),
				q.NewSelect().Model((*row)(nil)).Column("at").Where("at <= ?", at).Scan(t.Context(), &column))
		})
		if err != nil || model.At != at || column != at {
			t.Errorf("got %v and %v, want %v (%v)", model.At, column, at, err)
		}
	})
}

// STY-43: the two constraints that callers act on arrive as Conflict, and no
// value of the row is in the text.
func TestDuplicateIsAConflict(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		insert(t, d, "zhang@example.cn")
		err := d.Write(t.Context(), func(tx bun.IDB) error {
			return fmt.Errorf("insert: %w", add(t.Context(), tx, "zhang@example.cn"))
		})
		if !fault.Is(err, "already_exists") || fault.KindOf(err) != fault.Conflict {
			t.Errorf("got %v", err)
		}
		if strings.Contains(err.Error(), "zhang") {
			t.Errorf("the error shows a value: %v", err)
		}
	})
}

func TestOverlapIsAConflict(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		text := `CREATE TABLE spans (lo int, hi int);
			CREATE TRIGGER spans_apart BEFORE INSERT ON spans
			WHEN EXISTS (SELECT 1 FROM spans s WHERE s.lo < NEW.hi AND s.hi > NEW.lo)
			BEGIN SELECT RAISE(ABORT, 'overlap'); END`
		if d.Postgres() {
			text = "CREATE TABLE spans (lo int, hi int, EXCLUDE USING gist (int4range(lo, hi) WITH &&))"
		}
		run(t, d, text)
		run(t, d, "INSERT INTO spans VALUES (1, 3), (3, 5)")
		err := d.Write(t.Context(), func(tx bun.IDB) error {
			_, err := tx.ExecContext(t.Context(), "INSERT INTO spans VALUES (2, 4)")
			return err
		})
		if !fault.Is(err, "overlap") || fault.KindOf(err) != fault.Conflict {
			t.Errorf("got %v", err)
		}
	})
}

func run(t *testing.T, d *db.DB, text string) {
	t.Helper()
	err := d.Write(t.Context(), func(tx bun.IDB) error {
		_, err := tx.ExecContext(t.Context(), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// clash makes the database refuse the transaction for a reason that passes.
func clash(ctx context.Context, tx bun.IDB, path string) error {
	if db.Postgres(tx) {
		_, err := tx.ExecContext(ctx, "DO $$ BEGIN RAISE 'clash' USING ERRCODE = '40001'; END $$")
		return err
	}
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		return err
	}
	defer other.Close()
	_, err = other.BeginTx(ctx, nil) // the writer is taken by tx
	return err
}

// DB-10: three more tries, and then the caller is asked to come again.
func TestWriteRunsAgainWhenTheDatabaseAsksForIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		path := pathOf(t, d)
		for _, c := range []struct{ clashes, runs int }{{0, 1}, {3, 4}, {4, 4}} {
			runs := 0
			err := d.Write(t.Context(), func(tx bun.IDB) error {
				if runs++; runs <= c.clashes {
					return clash(t.Context(), tx, path)
				}
				return add(t.Context(), tx, fmt.Sprint(c.clashes))
			})
			if runs != c.runs {
				t.Errorf("%d clashes: ran %d times, want %d", c.clashes, runs, c.runs)
			}
			if c.clashes < 4 && err != nil || c.clashes == 4 && !fault.Is(err, "database_busy") {
				t.Errorf("%d clashes: got %v", c.clashes, err)
			}
		}
		if got := values(t, d); len(got) != 2 {
			t.Errorf("found %v", got)
		}
	})
}

func pathOf(t *testing.T, d *db.DB) (path string) {
	t.Helper()
	if d.Postgres() {
		return ""
	}
	for pool := range d.Pools() {
		if err := pool.QueryRow("SELECT file FROM pragma_database_list").Scan(&path); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// DB-10: of two transactions that wait for each other both come through.
func TestDeadlockedTransactionsBothCommit(t *testing.T) {
	d := dbtest.Postgres(t)
	insert(t, d, "a")
	insert(t, d, "b")
	met := make(chan bool) // they meet once, each holding its first row
	write := func(first, second string, tries *int) error {
		return d.Write(t.Context(), func(tx bun.IDB) error {
			if err := touch(t.Context(), tx, first); err != nil {
				return err
			}
			if *tries++; *tries == 1 {
				select {
				case met <- true:
				case <-met:
				}
			}
			return touch(t.Context(), tx, second)
		})
	}
	done := make(chan error)
	var one, other int
	go func() { done <- write("a", "b", &one) }()
	err := write("b", "a", &other)
	if err = errors.Join(err, <-done); err != nil {
		t.Error(err)
	}
	if one+other < 3 {
		t.Errorf("%d and %d tries: there was no deadlock", one, other)
	}
}

func touch(ctx context.Context, tx bun.IDB, value string) error {
	_, err := tx.NewUpdate().Model((*row)(nil)).Set("print = 'touched'").Where("value = ?", value).Exec(ctx)
	return err
}

// DB-2, STY-33: a Write inside a Write waits for its own connection; it ends
// with a refusal instead of hanging for ever.
func TestWriteInsideWriteEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t)
		start := time.Now()
		err := d.Write(t.Context(), func(bun.IDB) error {
			return d.Write(t.Context(), func(bun.IDB) error { return nil })
		})
		if !fault.Is(err, "database_busy") || time.Since(start) > 11*time.Second {
			t.Errorf("after %v: got %v", time.Since(start), err)
		}
	})
}

func TestDeadlineOfTheCallerIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err := d.Write(t.Context(), func(bun.IDB) error {
			return d.Write(ctx, func(bun.IDB) error { return nil })
		})
		if !fault.Is(err, "database_busy") || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// Lists neither wait for an act nor see half of one.
func TestReadIsASnapshotAndDoesNotWait(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		insert(t, d, "one")
		var before, after int64
		err := d.Read(t.Context(), func(q bun.IDB) (err error) {
			if before, err = q.NewSelect().Model((*row)(nil)).Count(t.Context()); err != nil {
				return err
			}
			err = d.Write(t.Context(), func(tx bun.IDB) error {
				if err := add(t.Context(), tx, "two"); err != nil {
					return err
				}
				if got := values(t, d); len(got) != 1 {
					t.Errorf("a list saw uncommitted rows: %v", got)
				}
				return nil
			})
			if err != nil {
				return err
			}
			after, err = q.NewSelect().Model((*row)(nil)).Count(t.Context())
			return err
		})
		if err != nil || before != 1 || after != 1 {
			t.Errorf("counted %d, then %d (%v)", before, after, err)
		}
	})
}

// A constraint checked at COMMIT is a clean refusal: the next act works.
func TestRefusedCommitIsNotAmbiguous(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		run(t, d, "CREATE TABLE parents (id int PRIMARY KEY)")
		run(t, d, "CREATE TABLE children (parent int REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)")
		err := d.Write(t.Context(), func(tx bun.IDB) error {
			_, err := tx.ExecContext(t.Context(), "INSERT INTO children VALUES (1)")
			return err
		})
		if err == nil || fault.KindOf(err) != 0 { // a fault of the program: internal
			t.Errorf("got %v", err)
		}
		insert(t, d, "one")
	})
}

// DB-9: a connection lost in COMMIT is ambiguous as well, but the server keeps
// the truth, so the process goes on and the client asks again by its key.
func TestPostgresLostAtCommitIsUnknown(t *testing.T) {
	d := dbtest.Postgres(t) // whose OnFatal fails the test
	run(t, d, `CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$`)
	run(t, d, `CREATE CONSTRAINT TRIGGER hang_up AFTER INSERT ON idempotency_keys
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.value = 'lost') EXECUTE FUNCTION hang_up()`)
	err := d.Write(t.Context(), func(tx bun.IDB) error { return add(t.Context(), tx, "lost") })
	if !fault.Is(err, "commit_unknown") || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
	insert(t, d, "next")
}

func TestLostConnectionIsUnavailable(t *testing.T) {
	d := dbtest.Postgres(t)
	err := d.Write(t.Context(), func(tx bun.IDB) error {
		_, err := tx.ExecContext(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
		return err
	})
	if !fault.Is(err, "database_away") {
		t.Errorf("got %v", err)
	}
	insert(t, d, "next")
}

// DB-5: a full disk refuses the write; what is there stays readable, and
// writing works again when there is room.
func TestFullDiskIsUnavailable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		insert(t, d, "one")
		fill, free := "PRAGMA max_page_count = 1; CREATE TABLE big AS SELECT zeroblob(100000) AS b", "PRAGMA max_page_count = 1000000"
		if d.Postgres() {
			fill, free = "DO $$ BEGIN RAISE 'no space' USING ERRCODE = '53100'; END $$", "SELECT 1"
		}
		err := d.Write(t.Context(), func(tx bun.IDB) error {
			_, err := tx.ExecContext(t.Context(), fill)
			return err
		})
		if !fault.Is(err, "database_full") || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v", err)
		}
		run(t, d, free)
		insert(t, d, "two")
		if got := values(t, d); len(got) != 2 {
			t.Errorf("found %v", got)
		}
	})
}
