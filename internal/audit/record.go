package audit

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/tlog"
)

// Record appends leaves to the log, on the caller's transaction. It is that
// transaction's last step: it takes the head row first and so holds up every
// other writer until the commit (DB-11, DB-12, STY-31). A rollback leaves no gap.
//
// An error means that the log cannot be written or that a leaf breaks the rules
// of Leaf; the caller gives up its transaction (INS-908).
func Record(ctx context.Context, tx bun.IDB, leaves ...Leaf) error {
	if len(leaves) == 0 {
		return nil
	}
	first, err := grow(ctx, tx, len(leaves))
	if err != nil {
		return fmt.Errorf("take head of evidence log: %w", err)
	}
	tails, err := tailsOf(ctx, tx, leaves)
	if err != nil {
		return fmt.Errorf("read streams of evidence log: %w", err)
	}
	tree, err := edgeAt(ctx, tx, first)
	if err != nil {
		return err
	}
	entries := make([]Entry, len(leaves))
	var hashes []Hash
	for i, leaf := range leaves {
		last := tails[leaf.Stream]
		e := Entry{Leaf: leaf, Seq: first + int64(i), StreamSeq: last.seq + 1, Previous: last.hash}
		if err := e.seal(); err != nil {
			return err
		}
		tails[leaf.Stream] = tail{e.StreamSeq, e.Hash}
		hashes = append(hashes, tree.add(e.Hash)...)
		entries[i] = e
	}
	return insert(ctx, tx, entries, tlog.StoredHashIndex(0, first), hashes)
}

// tail is the end of a stream: number and hash of its last entry, zero if it
// has none yet.
type tail struct {
	seq  int64
	hash Hash
}
