package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/tlog"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// edit changes rows behind the log's back, as an operator with the database's
// password could.
func edit(t *testing.T, d *db.DB, statement string, args ...any) {
	t.Helper()
	err := d.Write(t.Context(), func(tx bun.IDB) error {
		res, err := tx.NewRaw(statement, args...).Exec(t.Context())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return fmt.Errorf("%q changed nothing", statement)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// forge rewrites a leaf so that it is well-formed but says something else.
func forge(t *testing.T, d *db.DB, stream string, n int) {
	t.Helper()
	e := streamOf(t, d, stream)[n]
	e.Actor = "person:18"
	if err := e.seal(); err != nil {
		t.Fatal(err)
	}
	edit(t, d, "UPDATE evidence SET bytes = ? WHERE seq = ?", e.Bytes, e.Seq)
}

func TestEveryDirectEditOfTheDatabaseIsFound(t *testing.T) { // PRO-10, EV-5
	for _, c := range []struct {
		name  string
		edit  func(t *testing.T, d *db.DB)
		since bool // also found by the short check at start
	}{
		{"old leaf rewritten", func(t *testing.T, d *db.DB) { forge(t, d, "case/c1/fire", 0) }, false},
		{"new leaf rewritten", func(t *testing.T, d *db.DB) { forge(t, d, "system", 1) }, true},
		{"leaf spoiled", func(t *testing.T, d *db.DB) {
			edit(t, d, "UPDATE evidence SET bytes = ? WHERE seq = 4", []byte("{}"))
		}, true},
		{"stream column edited", func(t *testing.T, d *db.DB) {
			edit(t, d, "UPDATE evidence SET stream = 'case/c2/fire' WHERE seq = 1")
		}, false},
		{"number in stream edited", func(t *testing.T, d *db.DB) {
			edit(t, d, "UPDATE evidence SET stream_seq = 9 WHERE seq = 4")
		}, true},
		{"old leaf removed", func(t *testing.T, d *db.DB) { edit(t, d, "DELETE FROM evidence WHERE seq = 1") }, false},
		{"new leaf removed", func(t *testing.T, d *db.DB) { edit(t, d, "DELETE FROM evidence WHERE seq = 3") }, true},
		{"last leaf removed", func(t *testing.T, d *db.DB) { edit(t, d, "DELETE FROM evidence WHERE seq = 4") }, true},
		{"leaves swapped", func(t *testing.T, d *db.DB) {
			edit(t, d, "UPDATE evidence SET seq = 99 WHERE seq = 3")
			edit(t, d, "UPDATE evidence SET seq = 3 WHERE seq = 4")
			edit(t, d, "UPDATE evidence SET seq = 4 WHERE seq = 99")
		}, true},
		{"head moved back", func(t *testing.T, d *db.DB) { edit(t, d, "UPDATE evidence_head SET size = 4") }, true},
		{"head moved before the checkpoint", func(t *testing.T, d *db.DB) {
			edit(t, d, "DELETE FROM evidence WHERE seq >= 2")
			edit(t, d, "DELETE FROM evidence_hashes WHERE idx >= 3")
			edit(t, d, "UPDATE evidence_head SET size = 2")
		}, true},
		{"head moved on", func(t *testing.T, d *db.DB) { edit(t, d, "UPDATE evidence_head SET size = 6") }, true},
		{"tree hash edited", func(t *testing.T, d *db.DB) {
			edit(t, d, "UPDATE evidence_hashes SET hash = ? WHERE idx = 1", make([]byte, 32))
		}, false},
		{"hash at the tree's edge edited", func(t *testing.T, d *db.DB) {
			edit(t, d, "UPDATE evidence_hashes SET hash = ? WHERE idx = 2", make([]byte, 32))
		}, true},
		{"tree hash cut short", func(t *testing.T, d *db.DB) {
			edit(t, d, "UPDATE evidence_hashes SET hash = ? WHERE idx = 2", make([]byte, 5))
		}, true},
		{"tree hash removed", func(t *testing.T, d *db.DB) { edit(t, d, "DELETE FROM evidence_hashes WHERE idx = 7") }, true},
		{"checkpoint edited", func(t *testing.T, d *db.DB) {
			edit(t, d, "UPDATE evidence_checkpoints SET note = 'evil.' || substr(note, 6)")
		}, true},
		{"checkpoint renumbered", func(t *testing.T, d *db.DB) { edit(t, d, "UPDATE evidence_checkpoints SET size = 2") }, true},
		{"checkpoint spoiled", func(t *testing.T, d *db.DB) { edit(t, d, "UPDATE evidence_checkpoints SET note = 'x'") }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				desk := newDesk(t, d)
				record(t, d, newLeaf("system_started", "system"), newLeaf("notice_composed", "case/c1/fire"),
					newLeaf("submitted", "case/c1/fire"))
				if err := desk.Checkpoint(t.Context()); err != nil {
					t.Fatal(err)
				}
				record(t, d, newLeaf("clock_ok", "system"), newLeaf("deemed", "case/c1/fire"))
				if err := desk.Verify(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.edit(t, d)
				bad := func(err error) bool { return errors.Is(err, ErrDamaged) || errors.Is(err, ErrRewound) }
				if err := desk.Verify(t.Context()); !bad(err) {
					t.Errorf("Verify says %v", err)
				}
				if !c.since {
					return
				}
				if err := desk.VerifySince(t.Context()); !bad(err) {
					t.Errorf("VerifySince says %v", err)
				}
				if err := desk.Checkpoint(t.Context()); err == nil { // EV-7: else no signing
					t.Error("a damaged log was signed")
				}
			})
		})
	}
}

func TestEditedRowIsNotReadAsEvidence(t *testing.T) { // EV-1
	for _, change := range []string{"seq = 7", "stream_seq = 7", "stream = 'case/c2/fire'", "bytes = ''"} {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			record(t, d, newLeaf("deemed", fireStream))
			edit(t, d, "UPDATE evidence SET "+change)
			for _, stream := range []string{fireStream, "case/c2/fire"} {
				err := d.Read(t.Context(), func(q bun.IDB) error {
					entries, err := Stream(t.Context(), q, stream)
					if len(entries) > 0 {
						t.Errorf("%s: read %+v", change, entries)
					}
					return err
				})
				if err != nil && !errors.Is(err, ErrDamaged) {
					t.Errorf("%s: %v", change, err)
				}
			}
		})
	}
}

// A program that writes to the log by other ways than Record can make a proper
// tree of leaves that leave an event out.
func TestBrokenStreamIsFoundThoughTheTreeIsWhole(t *testing.T) { // EV-2
	for name, change := range map[string]func(next *Entry){
		"number left out":        func(next *Entry) { next.StreamSeq++ },
		"number used again":      func(next *Entry) { next.StreamSeq-- },
		"other entry before it":  func(next *Entry) { next.Previous[0] ^= 1 },
		"chain of other streams": func(next *Entry) { next.Previous = Hash{} },
	} {
		desk := newDesk(t, dbtest.SQLite(t))
		record(t, desk.DB, newLeaf("notice_composed", fireStream), newLeaf("submitted", fireStream))
		last := streamOf(t, desk.DB, fireStream)[1]
		next := Entry{Leaf: newLeaf("deemed", fireStream), Seq: 2, StreamSeq: 3, Previous: last.Hash}
		change(&next)
		if err := next.seal(); err != nil {
			t.Fatal(err)
		}
		row := next
		row.StreamSeq = max(3, next.StreamSeq) // the database itself refuses a number twice
		err := desk.DB.Write(t.Context(), func(tx bun.IDB) error {
			tree, err := edgeAt(t.Context(), tx, 2)
			if err == nil {
				_, err = grow(t.Context(), tx, 1)
			}
			if err == nil {
				err = insert(t.Context(), tx, []Entry{row}, tlog.StoredHashIndex(0, 2), tree.add(next.Hash))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := desk.Verify(t.Context()); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: Verify says %v", name, err)
		}
		var out bytes.Buffer
		if err := desk.Bundle(t.Context(), &out, BundleRequest{Streams: []string{fireStream}}); err != nil {
			continue // not even made
		}
		if result, codes := verdict(t, filesOf(t, out.Bytes()), pinned(desk)); result != Fail || codes != "stream_broken" {
			t.Errorf("%s: %s %s", name, result, codes)
		}
	}
}

func TestNothingIsSignedThatDoesNotContinueTheLastCheckpoint(t *testing.T) { // EV-7
	d := dbtest.SQLite(t)
	desk := newDesk(t, d)
	record(t, d, newLeaf("clock_ok", "system"), newLeaf("clock_ok", "system"))
	if err := desk.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	record(t, d, newLeaf("clock_ok", "system"))
	last := latest(t, d)
	if err := desk.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	next, other := latest(t, d), last
	other.Root[0] ^= 1
	try := func(last, next Checkpoint) error {
		return d.Read(t.Context(), func(q bun.IDB) error { return follows(t.Context(), q, last, next) })
	}
	if err := errors.Join(try(last, next), try(Checkpoint{}, next)); err != nil {
		t.Error(err)
	}
	if err := try(other, next); !errors.Is(err, ErrDamaged) {
		t.Errorf("other root before: %v", err)
	}
	if err := try(next, last); !errors.Is(err, ErrRewound) {
		t.Errorf("smaller size: %v", err)
	}

	edit(t, d, "DELETE FROM evidence_checkpoints WHERE size = 3")
	wrong := edge{size: 2, roots: make([]Hash, 1)} // nor is the caller's word taken for the beginning
	if err := desk.publish(t.Context(), wrong); !errors.Is(err, ErrDamaged) {
		t.Errorf("publish says %v", err)
	}
}

func TestEdgeIsCheckedWhenNothingFollowsTheCheckpoint(t *testing.T) { // DEC-11
	d := dbtest.SQLite(t)
	desk := newDesk(t, d)
	record(t, d, newLeaf("a", "system"), newLeaf("b", "system"), newLeaf("c", "system"))
	if err := desk.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	edit(t, d, "UPDATE evidence_hashes SET hash = ? WHERE idx = 2", make([]byte, 32))
	desk.File = ""
	if err := desk.VerifySince(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestCheckpointFileOfAnotherHistoryIsRefused(t *testing.T) { // EV-7
	desk := newDesk(t, dbtest.SQLite(t))
	silence(t, desk)
	if err := desk.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(desk.File, latest(t, fork(t, desk).DB).Note, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := desk.VerifySince(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("VerifySince says %v", err)
	}
	if err := desk.Verify(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("Verify says %v", err)
	}
}

// An operator who rewrites the leaves and the whole tree still meets the
// checkpoints that were signed before.
func TestRewrittenTreeMeetsItsOldCheckpoint(t *testing.T) { // EV-7
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		desk := newDesk(t, d)
		record(t, d, newLeaf("notice_composed", "case/c1/fire"), newLeaf("deemed", "case/c1/fire"))
		if err := desk.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		rewrite := func(leaves ...Leaf) {
			edit(t, d, "DELETE FROM evidence")
			edit(t, d, "DELETE FROM evidence_hashes")
			edit(t, d, "UPDATE evidence_head SET size = 0")
			record(t, d, leaves...)
		}
		rewrite(newLeaf("notice_composed", "case/c1/fire"), newLeaf("accepted", "case/c1/fire"))
		if err := desk.Verify(t.Context()); !errors.Is(err, ErrDamaged) {
			t.Errorf("Verify says %v", err)
		}
		edit(t, d, "DELETE FROM evidence_checkpoints") // then the file outside the database tells
		if err := desk.VerifySince(t.Context()); !errors.Is(err, ErrDamaged) {
			t.Errorf("VerifySince says %v", err)
		}
		rewrite(newLeaf("notice_composed", "case/c1/fire"))
		if err := desk.Checkpoint(t.Context()); !errors.Is(err, ErrRewound) {
			t.Errorf("Checkpoint on a shorter log says %v", err)
		}
	})
}

func TestCheckpointsGrowAndArePublishedOutside(t *testing.T) { // EV-6, EV-7
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		desk := newDesk(t, d)
		checkpoint := func() {
			t.Helper()
			if err := desk.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		checkpoint()
		if c := latest(t, d); c.Size != 0 {
			t.Errorf("an empty log was signed: %+v", c)
		}
		for range 3 {
			record(t, d, newLeaf("clock_ok", "system"))
			checkpoint()
			checkpoint() // nothing new
		}
		c := latest(t, d)
		if c.Size != 3 || !c.At.Equal(desk.Now()) {
			t.Errorf("latest checkpoint: %+v", c)
		}
		if opened, err := OpenCheckpoint(c.Note, desk.Key.Public); err != nil || opened.Root != c.Root {
			t.Errorf("opened: %+v, %v", opened, err)
		}
		list, err := desk.mirrored()
		if err != nil || len(list) != 3 || string(list[2].Note) != string(c.Note) {
			t.Errorf("the file has %d checkpoints, %v", len(list), err)
		}
	})
}

func TestCheckpointFileIsCompletedAfterACrash(t *testing.T) { // EV-7
	d := dbtest.SQLite(t)
	desk := newDesk(t, d)
	for range 3 {
		record(t, d, newLeaf("clock_ok", "system"))
		if err := desk.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(desk.File)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range whole { // wherever the write was torn
		if err := os.WriteFile(desk.File, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := desk.Checkpoint(t.Context()); err != nil {
			t.Fatalf("torn at %d: %v", cut, err)
		}
		if b, err := os.ReadFile(desk.File); err != nil || string(b) != string(whole) {
			t.Fatalf("torn at %d: file is\n%s\n%v", cut, b, err)
		}
	}
	other := strings.Replace(string(whole), "test.", "evil.", 1)
	if err := os.WriteFile(desk.File, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := desk.Verify(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("edited file: %v", err)
	}
	if err := os.WriteFile(desk.File, []byte("1\n2\n3\n4\n5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := desk.VerifySince(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("file of another kind: %v", err)
	}
}

func TestNewKeyForAnOldLogIsRefused(t *testing.T) { // SEC-32
	d := dbtest.SQLite(t)
	record(t, d, newLeaf("clock_ok", "system"))
	if err := newDesk(t, d).Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := newDesk(t, d).VerifySince(t.Context()); !errors.Is(err, ErrForeignKey) {
		t.Errorf("got %v", err)
	}
}

func TestKeyFileIsForItsOwnerOnly(t *testing.T) { // SEC-32
	file := filepath.Join(t.TempDir(), "log.key")
	key, err := CreateKey(file, "yongzhou.lianban/log")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o400 {
		t.Errorf("created with %v, %v", info.Mode(), err)
	}
	if loaded, err := LoadKey(file); err != nil || loaded.Public != key.Public || loaded.Origin != "yongzhou.lianban/log" {
		t.Errorf("loaded %+v, %v", loaded, err)
	}
	if _, err := CreateKey(file, "yongzhou.lianban/log"); !errors.Is(err, os.ErrExist) {
		t.Errorf("creating it again: %v", err)
	}
	if _, err := LoadKey(file + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for _, origin := range []string{"", "two words", "a+b"} {
		if _, err := CreateKey(file+"2", origin); err == nil {
			t.Errorf("origin %q accepted", origin)
		}
	}
	for mode, want := range map[os.FileMode]error{
		0o600: nil, 0o400: nil, 0o640: ErrKeyOpen, 0o604: ErrKeyOpen, 0o420: ErrKeyOpen, 0o401: ErrKeyOpen,
	} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(file); !errors.Is(err, want) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+"3", secret[:len(secret)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(file + "3"); err == nil || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("cut key: %v", err)
	}
}

func TestCheckpointIsReadFromNoteAndFromFooterAndInNoOtherForm(t *testing.T) { // EV-8, ICA-70
	d := dbtest.SQLite(t)
	desk := newDesk(t, d)
	record(t, d, newLeaf("clock_ok", "system"))
	if err := desk.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := latest(t, d)
	footer := strings.ReplaceAll(c.Footer(), "\n", "\r\n") + "\r\n"
	if back, err := OpenCheckpoint([]byte(footer), desk.Key.Public); err != nil || back.Root != c.Root || string(back.Note) != string(c.Note) {
		t.Errorf("footer %q read as %+v, %v", footer, back, err)
	}
	for i := range c.Note {
		for _, bit := range []byte{1, 4, 32, 128} {
			forged := []byte(string(c.Note))
			forged[i] ^= bit
			if _, err := OpenCheckpoint(forged, desk.Key.Public); err == nil {
				t.Errorf("byte %d changed by %d: accepted\n%s", i, bit, forged)
			}
		}
	}
	for _, text := range []string{
		"test.lianban/log\n0\n" + c.Root.String() + "\n",
		"test.lianban/log\n01\n" + c.Root.String() + "\n",
		"test.lianban/log\n-1\n" + c.Root.String() + "\n",
		"test.lianban/log\n9223372036854775807\n" + c.Root.String() + "\n",
		"test.lianban/log\n1\n" + c.Root.String() + "\nmore\n",
		"other.lianban/log\n1\n" + c.Root.String() + "\n",
		"lianban manifest v1\n" + c.Root.String() + "\n",
	} {
		signed, err := desk.Key.sign(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCheckpoint(signed, desk.Key.Public); err == nil {
			t.Errorf("accepted %q", text)
		}
	}
}
