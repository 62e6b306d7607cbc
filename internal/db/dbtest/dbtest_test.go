package dbtest_test

import (
	"bufio"
	"os"
	"os/exec"
	"testing"
	"testing/synctest"

	"github.com/uptrace/bun"
	"go.uber.org/goleak"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDatabasesAreMigratedAndPrivate(t *testing.T) {
	for range 2 {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			if pending, err := d.Pending(t.Context()); err != nil || len(pending) != 0 {
				t.Errorf("pending %v (%v)", pending, err)
			}
			write(t, d, "CREATE TABLE mine (x text)") // the second round would find the table of the first
		})
	}
}

func TestFurnishedDatabasesAreFilledOnceAndPrivate(t *testing.T) {
	filled := map[bool]int{} // by whether it is PostgreSQL
	house := dbtest.Furnished{Fill: func(t testing.TB, d *db.DB) {
		filled[d.Postgres()]++
		write(t, d, "CREATE TABLE mine (x text)")
	}}
	for range 2 {
		house.Each(t, func(t *testing.T, d *db.DB) {
			write(t, d, "INSERT INTO mine VALUES ('x')")
			var n int
			err := d.Read(t.Context(), func(q bun.IDB) error {
				return q.QueryRowContext(t.Context(), "SELECT count(*) FROM mine").Scan(&n)
			})
			if err != nil || n != 1 {
				t.Errorf("%d rows (%v)", n, err)
			}
		})
	}
	for postgres, n := range filled {
		if shared := os.Getenv("TEST_POSTGRES") != "auto"; n != 1 && !(postgres && shared) {
			t.Errorf("filled %d times, PostgreSQL %v", n, postgres)
		}
	}
}

func write(t testing.TB, d *db.DB, statement string) {
	t.Helper()
	err := d.Write(t.Context(), func(tx bun.IDB) error {
		_, err := tx.ExecContext(t.Context(), statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A town that cannot be built fails each test that wants it, not only the first.
func TestAFurnishedDatabaseIsTriedAgain(t *testing.T) {
	tries := 0
	house := dbtest.Furnished{Fill: func(t testing.TB, _ *db.DB) {
		if tries++; tries == 1 {
			t.SkipNow() // leaves as t.FailNow does
		}
	}}
	for range 2 {
		t.Run("try", func(t *testing.T) { house.SQLite(t) })
	}
	if tries != 2 {
		t.Errorf("%d tries", tries)
	}
}

// STY-61: time tests run on SQLite in a bubble.
func TestSQLiteWorksInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if dbtest.SQLite(t).Postgres() {
			t.Error("not SQLite")
		}
	})
}

// STK-84: no server is left behind, even by a test process that is killed. The
// pipe is inherited by everything that process starts; its end is theirs.
func TestKilledTestLeavesNoServer(t *testing.T) {
	if os.Getenv("TEST_POSTGRES") != "auto" {
		t.Skip("needs the private server of TEST_POSTGRES=auto")
	}
	if os.Getenv("TEST_HANG") != "" {
		dbtest.Postgres(t)
		os.NewFile(3, "inherited").WriteString("up\n")
		select {}
	}
	all, inherited, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledTestLeavesNoServer$")
	cmd.Env = append(os.Environ(), "TEST_HANG=1")
	cmd.ExtraFiles = []*os.File{inherited}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	inherited.Close()
	out := bufio.NewReader(all)
	if line, err := out.ReadString('\n'); line != "up\n" {
		t.Fatal(line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if _, err := out.ReadByte(); err == nil { // returns when the last of them has ended
		t.Error("something still writes")
	}
}
