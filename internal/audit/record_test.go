package audit

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

func newDesk(t testing.TB, d *db.DB) *Desk {
	t.Helper()
	dir := t.TempDir()
	key, err := CreateKey(filepath.Join(dir, "log.key"), "test.lianban/log")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 4, 9, 35, 40, 0, time.UTC)
	return &Desk{DB: d, Key: key, File: filepath.Join(dir, "checkpoints"), Now: func() time.Time { return now }}
}

func record(t testing.TB, d *db.DB, leaves ...Leaf) {
	t.Helper()
	err := d.Write(t.Context(), func(tx bun.IDB) error { return Record(t.Context(), tx, leaves...) })
	if err != nil {
		t.Fatal(err)
	}
}

func streamOf(t testing.TB, d *db.DB, name string) (entries []Entry) {
	t.Helper()
	err := d.Read(t.Context(), func(q bun.IDB) (err error) {
		entries, err = Stream(t.Context(), q, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func size(t testing.TB, d *db.DB) (n int64) {
	t.Helper()
	err := d.Read(t.Context(), func(q bun.IDB) (err error) {
		n, err = Size(t.Context(), q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEachStreamIsNumberedAndChained(t *testing.T) { // EV-2
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		record(t, d, newLeaf("case_accepted", "case/c1/common"))
		record(t, d,
			newLeaf("notice_composed", "case/c1/fire"), newLeaf("notice_composed", "case/c1/amr"),
			newLeaf("deadline_set", "case/c1/fire"))
		record(t, d) // nothing
		record(t, d, newLeaf("reply_received", "case/c1/fire"))

		fire := streamOf(t, d, "case/c1/fire")
		if len(fire) != 3 {
			t.Fatalf("stream has %d entries", len(fire))
		}
		var last tail
		for i, want := range []int64{1, 3, 4} {
			if e := fire[i]; e.Seq != want || last.accepts(e) != nil {
				t.Errorf("entry %d is leaf %d: %v", i, e.Seq, last.accepts(e))
			}
			last = tail{fire[i].StreamSeq, fire[i].Hash}
		}
		if n := size(t, d); n != 5 {
			t.Errorf("log has %d leaves", n)
		}
		if err := newDesk(t, d).Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestConcurrentWritersAndRollbacksLeaveNoGap(t *testing.T) { // DB-11
	const writers, each = 16, 20
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		desk, undo := newDesk(t, d), errors.New("undo")
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					err := d.Write(t.Context(), func(tx bun.IDB) error {
						leaf := newLeaf("transfer", fmt.Sprintf("case/c%d/common", i%3))
						if err := Record(t.Context(), tx, leaf, newLeaf("notice", "system")); err != nil {
							return err
						}
						if i%10 == w%10 {
							return undo
						}
						return nil
					})
					if err != nil && !errors.Is(err, undo) {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() { // somebody signs meanwhile
			for range 5 {
				if err := desk.Checkpoint(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		if n := size(t, d); n != writers*each*2*9/10 {
			t.Errorf("log has %d leaves", n)
		}
		if err := desk.Checkpoint(t.Context()); err != nil {
			t.Error(err)
		}
		if err := desk.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestLeafThatBreaksTheRulesUndoesTheWholeAct(t *testing.T) { // INS-908
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bad := newLeaf("deemed", "case/c1/fire")
		bad.Fields = map[string]any{"distance": 1.5}
		err := d.Write(t.Context(), func(tx bun.IDB) error {
			return Record(t.Context(), tx, newLeaf("hold", "case/c1/fire"), bad)
		})
		if err == nil {
			t.Error("a leaf with a float was recorded")
		}
		if n := size(t, d); n != 0 {
			t.Errorf("log has %d leaves", n)
		}
	})
}

func TestLogGoesOnAfterARestart(t *testing.T) { // EV-5, EV-7
	file := filepath.Join(t.TempDir(), "test.db")
	var desk *Desk
	for run := range 3 {
		d, err := db.OpenScratch(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if desk == nil {
			desk = newDesk(t, d)
		}
		desk.DB = d
		if err := desk.VerifySince(t.Context()); err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		record(t, d, newLeaf("hold", "case/c1/fire"), newLeaf("hold_end", "case/c1/fire"))
		if err := desk.Checkpoint(t.Context()); err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		record(t, d, newLeaf("clock_ok", "system")) // not yet covered when the process ends
		if err := desk.Verify(t.Context()); err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		if entries := streamOf(t, d, "case/c1/fire"); len(entries) != 2*run+2 {
			t.Fatalf("run %d: %d entries", run, len(entries))
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func latest(t testing.TB, d *db.DB) (c Checkpoint) {
	t.Helper()
	err := d.Read(t.Context(), func(q bun.IDB) (err error) {
		c, err = Latest(t.Context(), q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
