package db_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/uptrace/bun"
	"go.uber.org/goleak"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("TEST_HOLD_DATABASE"); path != "" {
		hold(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// hold is the other process of TestSecondProcessIsRefused.
func hold(path string) {
	d, err := db.Open(context.Background(), path)
	fmt.Println("opened:", err)
	bufio.NewReader(os.Stdin).ReadString('\n')
	runtime.KeepAlive(d)
}

// file opens an SQLite database as serve does, with the schema of the house.
func file(t *testing.T) (d *db.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "with space?#%", "lianban.db")
	d, err := db.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, path
}

// DB-1: settings hold on every connection of every pool, not only on the one
// that happened to be asked.
func TestEverySQLiteConnectionHasTheSettings(t *testing.T) {
	d, _ := file(t)
	for pool, size := range d.Pools() {
		want := map[string]string{
			"busy_timeout": "5000", "journal_mode": "wal", "synchronous": "2",
			"foreign_keys": "1", "mmap_size": "0", "query_only": "1",
		}
		if size == 1 {
			want["query_only"] = "0"
		}
		for _, conn := range all(t, pool, size) {
			for name, value := range want {
				if got := ask(t, conn, "PRAGMA "+name); got != value {
					t.Errorf("%s is %s, want %s", name, got, value)
				}
			}
		}
	}
}

// DB-6: the time limits and the zone of every PostgreSQL session.
func TestEveryPostgresConnectionHasTheSettings(t *testing.T) {
	d := dbtest.Postgres(t)
	for pool, size := range d.Pools() {
		for _, conn := range all(t, pool, size) {
			for name, value := range map[string]string{
				"TimeZone": "UTC", "statement_timeout": "15s", "lock_timeout": "5s",
				"idle_in_transaction_session_timeout": "30s", "default_transaction_isolation": "read committed",
			} {
				if got := ask(t, conn, "SHOW "+name); got != value {
					t.Errorf("%s is %s, want %s", name, got, value)
				}
			}
		}
	}
}

// all takes every connection of a pool at once.
func all(t *testing.T, pool *sql.DB, size int) (conns []*sql.Conn) {
	t.Helper()
	if got := pool.Stats().MaxOpenConnections; got != size {
		t.Fatalf("the pool has %d connections, want %d", got, size)
	}
	for range size {
		conn, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conns = append(conns, conn)
	}
	return conns
}

func ask(t *testing.T, conn *sql.Conn, query string) (value string) {
	t.Helper()
	if err := conn.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// DB-1: a difference refuses to start with a sentence.
func TestWrongSQLiteSettingRefusesTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lianban.db")
	for name, value := range map[string]string{"synchronous": "3", "foreign_keys": "0", "journal_mode": "delete", "mmap_size": "1"} {
		if err := db.WrongLite(t.Context(), path, name, value); !fault.Is(err, "database_settings") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// DB-6: a server that may lose a commit, is too old or is a replica is refused.
func TestWrongPostgresSettingRefusesTheStart(t *testing.T) {
	if err := db.CheckPostgres("fsync", "on"); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"fsync": "off", "synchronous_commit": "local", "full_page_writes": "off", "data_sync_retry": "on",
		"server_version_num": "140011", "timezone": "PRC", "statement_timeout": "0", "lock_timeout": "0",
		"idle_in_transaction_session_timeout": "0", "in_recovery": "on",
	} {
		if err := db.CheckPostgres(name, value); !fault.Is(err, "database_settings") {
			t.Errorf("%s = %s: got %v", name, value, err)
		}
	}
}

// DB-6: the private test server runs with fsync off, so serve must refuse it.
func TestServerWithoutFsyncIsRefused(t *testing.T) {
	if os.Getenv("TEST_POSTGRES") != "auto" {
		t.Skip("needs the private server of TEST_POSTGRES=auto")
	}
	d := dbtest.Postgres(t)
	var url string
	for pool := range d.Pools() {
		conn := all(t, pool, 20)[0]
		url = fmt.Sprintf("postgres://lianban@/%s?host=%s", ask(t, conn, "SELECT current_database()"), ask(t, conn, "SHOW unix_socket_directories"))
	}
	if _, err := db.Open(t.Context(), url); !fault.Is(err, "database_settings") {
		t.Fatalf("got %v", err)
	}
}

func TestUnreachableServerIsUnavailable(t *testing.T) {
	_, err := db.Open(t.Context(), "postgres://lianban@/x?host="+t.TempDir())
	if !fault.Is(err, "database_away") {
		t.Fatalf("got %v", err)
	}
}

// DB-3: one process per SQLite file; the lock goes with the process, even when
// it is killed.
func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lianban.db")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_HOLD_DATABASE="+path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "opened: <nil>\n" {
		t.Fatal(line, err)
	}
	if _, err := db.Open(t.Context(), path); !fault.Is(err, "database_in_use") {
		t.Errorf("got %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// DB-3: locks do not hold on network file systems.
func TestNetworkFileSystemIsRefused(t *testing.T) {
	for name, magic := range map[string]uint32{"NFS": 0x6969, "CIFS": 0xff534d42, "SMB2": 0xfe534d42} {
		if err := db.CheckNetwork(magic); !fault.Is(err, "database_on_network") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := db.CheckNetwork(0xef53); err != nil {
		t.Errorf("ext4: got %v", err)
	}
}

func TestDatabaseIsReadableByItsOwnerOnly(t *testing.T) {
	_, path := file(t)
	for _, name := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(name), info.Mode().Perm())
		}
	}
}

// DEC-10: backup and verify may open what serve holds, and change nothing.
func TestReadOnlyOpensAServedDatabase(t *testing.T) {
	served, path := file(t)
	insert(t, served, "one")
	d, err := db.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got := values(t, d); len(got) != 1 {
		t.Errorf("reads %v", got)
	}
	if err := d.Write(t.Context(), func(bun.IDB) error { return nil }); err == nil {
		t.Error("wrote to a database opened read-only")
	}
	insert(t, served, "two")
	if got := values(t, d); len(got) != 2 {
		t.Errorf("reads %v", got)
	}
}

// A copy of file and log is what a crash leaves: the committed rows are read,
// whether or not anybody has recovered the file yet.
func TestReadOnlyOpensWhatACrashLeft(t *testing.T) {
	served, path := file(t)
	insert(t, served, "one")
	crashed := filepath.Join(t.TempDir(), "crashed.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(crashed+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		d, err := db.OpenReadOnly(t.Context(), crashed)
		if err != nil {
			t.Fatal(err)
		}
		if got := values(t, d); len(got) != 1 {
			t.Errorf("reads %v", got)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestReadOnlyDoesNotMakeADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.db")
	if _, err := db.OpenReadOnly(t.Context(), path); err == nil {
		t.Error("opened a database that is not there")
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("made a database")
	}
}

// DB-1: the reading side cannot write, by the database's own refusal.
func TestReadCannotWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Read(t.Context(), func(q bun.IDB) error {
			_, err := q.NewInsert().Model(&row{Value: "x", At: at}).Exec(t.Context())
			return err
		})
		if err == nil || len(values(t, d)) != 0 {
			t.Errorf("a read could write: %v", err)
		}
	})
}
