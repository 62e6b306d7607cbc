//go:build unix

package db_test

import (
	"errors"
	"os/signal"
	"syscall"
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/fault"
)

// DB-9: an I/O error at COMMIT is ambiguous. The process is told to end, and
// nothing is written until then.
func TestSQLiteIOErrorAtCommitIsFatal(t *testing.T) {
	d, path := file(t)
	var fatal []error
	d.OnFatal = func(err error) { fatal = append(fatal, err) }
	insert(t, d, "one")
	restore := limitFileSize(t, path+"-wal")
	err := d.Write(t.Context(), func(tx bun.IDB) error { return add(t.Context(), tx, "two") })
	restore()
	if !fault.Is(err, "commit_unknown") || len(fatal) != 1 {
		t.Fatalf("got %v, OnFatal %v", err, fatal)
	}
	err = d.Write(t.Context(), func(tx bun.IDB) error { return add(t.Context(), tx, "three") })
	if !fault.Is(err, "database_away") || len(fatal) != 1 {
		t.Errorf("after it: got %v, OnFatal %v", err, fatal)
	}
	d.Close()
	again, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := values(t, again); got[0] != "one" {
		t.Errorf("after the restart: found %v", got)
	}
}

// limitFileSize lets no file of this process grow beyond the present size of
// the named one, until the function it gives is called.
func limitFileSize(t *testing.T, name string) (restore func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // or the kernel would end the process
	t.Cleanup(func() { signal.Reset(syscall.SIGXFSZ) })
	var old, low syscall.Rlimit
	var info syscall.Stat_t
	if err := errors.Join(syscall.Stat(name, &info), syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old)); err != nil {
		t.Fatal(err)
	}
	low.Cur, low.Max = uint64(info.Size), old.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &low); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	}
}
