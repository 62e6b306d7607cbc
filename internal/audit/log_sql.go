package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/tlog"
)

type leafRow struct {
	bun.BaseModel `bun:"table:evidence,alias:e"`

	Seq       int64 `bun:",pk"`
	Stream    string
	StreamSeq int64
	Bytes     []byte
}

// entry reads the row. The bytes are what counts; columns that say otherwise
// were edited.
func (r leafRow) entry() (Entry, error) {
	e, err := parseLeaf(r.Bytes)
	if err == nil && (e.Seq != r.Seq || e.Stream != r.Stream || e.StreamSeq != r.StreamSeq) {
		err = errors.New("columns differ from the stored bytes")
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%w: row %d: %w", ErrDamaged, r.Seq, err)
	}
	return e, nil
}

type hashRow struct {
	bun.BaseModel `bun:"table:evidence_hashes"`

	Index int64 `bun:"idx,pk"`
	Hash  []byte
}

type headRow struct {
	bun.BaseModel `bun:"table:evidence_head"`

	ID   int64 `bun:",pk"`
	Size int64
}

// grow takes the head row, adds n and gives the size before that. With n = 0 it
// only takes the row.
func grow(ctx context.Context, tx bun.IDB, n int) (int64, error) {
	var head headRow
	err := tx.NewUpdate().Model(&head).Set("size = size + ?", n).Where("id = 1").
		Returning("size").Scan(ctx)
	return head.Size - int64(n), err
}

// Size gives the number of leaves in the log.
func Size(ctx context.Context, q bun.IDB) (int64, error) {
	var head headRow
	err := q.NewSelect().Model(&head).Where("id = 1").Scan(ctx)
	return head.Size, err
}

// tailsOf gives the ends of the streams that the leaves go to. The head row is
// held, so nobody else extends them. One indexed look-up per stream, however
// long it is: "system" alone gets some hundred thousand leaves a year.
func tailsOf(ctx context.Context, tx bun.IDB, leaves []Leaf) (map[string]tail, error) {
	tails := make(map[string]tail)
	var names []bun.TupleValues
	for _, leaf := range leaves {
		if _, seen := tails[leaf.Stream]; !seen {
			tails[leaf.Stream] = tail{}
			names = append(names, bun.Tuple([]string{leaf.Stream}))
		}
	}
	var rows []leafRow
	err := tx.NewRaw(`WITH s (stream) AS (VALUES ?)
		SELECT e.seq, e.stream, e.stream_seq, e.bytes FROM s JOIN evidence AS e
		ON e.stream = s.stream AND e.stream_seq =
			(SELECT max(x.stream_seq) FROM evidence AS x WHERE x.stream = s.stream)`,
		bun.List(names)).Scan(ctx, &rows)
	for _, r := range rows {
		tails[r.Stream] = tail{r.StreamSeq, tlog.RecordHash(r.Bytes)}
	}
	return tails, err
}

// insert stores entries and the hashes they complete, numbered from index on.
func insert(ctx context.Context, tx bun.IDB, entries []Entry, index int64, hashes []Hash) error {
	leaves := make([]leafRow, len(entries))
	for i, e := range entries {
		leaves[i] = leafRow{Seq: e.Seq, Stream: e.Stream, StreamSeq: e.StreamSeq, Bytes: e.Bytes}
	}
	if _, err := tx.NewInsert().Model(&leaves).Exec(ctx); err != nil {
		return fmt.Errorf("append to evidence log: %w", err)
	}
	nodes := make([]hashRow, len(hashes))
	for i, h := range hashes {
		nodes[i] = hashRow{Index: index + int64(i), Hash: h[:]}
	}
	if _, err := tx.NewInsert().Model(&nodes).Exec(ctx); err != nil {
		return fmt.Errorf("append to evidence tree: %w", err)
	}
	return nil
}

// Stream gives all entries of a stream in order; none for an unknown stream.
// ErrDamaged if a row was edited.
func Stream(ctx context.Context, q bun.IDB, stream string) ([]Entry, error) {
	var rows []leafRow
	err := q.NewSelect().Model(&rows).Where("stream = ?", stream).Order("stream_seq").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, err)
	}
	return entriesOf(rows)
}

// Tail gives the last entries of a stream, newest first. ErrDamaged if a row was
// edited.
func Tail(ctx context.Context, q bun.IDB, stream string, limit int64) ([]Entry, error) {
	var rows []leafRow
	err := q.NewSelect().Model(&rows).Where("stream = ?", stream).Order("stream_seq DESC").Limit(limit).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read end of stream %s: %w", stream, err)
	}
	return entriesOf(rows)
}

// entriesFrom gives at most limit entries from number seq on.
func entriesFrom(ctx context.Context, q bun.IDB, seq, limit int64) ([]Entry, error) {
	var rows []leafRow
	err := q.NewSelect().Model(&rows).Where("seq >= ?", seq).Order("seq").Limit(limit).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read evidence log: %w", err)
	}
	return entriesOf(rows)
}

func entriesOf(rows []leafRow) ([]Entry, error) {
	entries := make([]Entry, len(rows))
	for i, r := range rows {
		var err error
		if entries[i], err = r.entry(); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// hashesFrom gives at most limit stored hashes from an index on.
func hashesFrom(ctx context.Context, q bun.IDB, index, limit int64) ([]hashRow, error) {
	var rows []hashRow
	err := q.NewSelect().Model(&rows).Where("idx >= ?", index).Order("idx").Limit(limit).Scan(ctx)
	return rows, err
}

// reader gives package tlog the stored hashes.
func reader(ctx context.Context, q bun.IDB) tlog.HashReader {
	return tlog.HashReaderFunc(func(places []int64) ([]Hash, error) {
		return readHashes(ctx, q, places)
	})
}

// readHashes gives the hashes at these places, in their order.
func readHashes(ctx context.Context, q bun.IDB, places []int64) ([]Hash, error) {
	if len(places) == 0 {
		return nil, nil
	}
	var rows []hashRow
	if err := q.NewSelect().Model(&rows).Where("idx IN (?)", bun.List(places)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read evidence tree: %w", err)
	}
	found := make(map[int64]Hash, len(rows))
	for _, r := range rows {
		if len(r.Hash) == tlog.HashSize {
			found[r.Index] = Hash(r.Hash)
		}
	}
	hashes := make([]Hash, len(places))
	for i, place := range places {
		h, ok := found[place]
		if !ok {
			return nil, fmt.Errorf("%w: tree hash %d is missing or cut short", ErrDamaged, place)
		}
		hashes[i] = h
	}
	return hashes, nil
}

// edgeAt reads the edge of the tree of that size.
func edgeAt(ctx context.Context, q bun.IDB, size int64) (edge, error) {
	roots, err := readHashes(ctx, q, edgeIndexes(size))
	return edge{size, roots}, err
}

// beyond refuses rows past the end that the head row states.
func beyond(ctx context.Context, q bun.IDB, size int64) error {
	leaves, err := q.NewSelect().Model((*leafRow)(nil)).Where("seq >= ?", size).Exists(ctx)
	if err != nil {
		return err
	}
	hashes, err := q.NewSelect().Model((*hashRow)(nil)).
		Where("idx >= ?", tlog.StoredHashIndex(0, size)).Exists(ctx)
	if err == nil && (leaves || hashes) {
		err = fmt.Errorf("%w: there are rows beyond the %d leaves of the head", ErrDamaged, size)
	}
	return err
}
