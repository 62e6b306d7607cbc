package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

type checkpointRow struct {
	bun.BaseModel `bun:"table:evidence_checkpoints"`

	Size int64 `bun:",pk"`
	At   time.Time
	Note string
}

// checkpoint reads the row without checking the signature: that is for those
// who rely on it.
func (r checkpointRow) checkpoint() (Checkpoint, error) {
	text, _, _ := cutNote([]byte(r.Note))
	c, err := parseCheckpoint(text)
	if err == nil && c.Size != r.Size {
		err = errors.New("column size differs from the note")
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: checkpoint %d: %w", ErrDamaged, r.Size, err)
	}
	c.At, c.Note = r.At.UTC(), []byte(r.Note)
	return c, nil
}

// insertCheckpoint stores a checkpoint, on the caller's transaction, which holds
// the head row.
func insertCheckpoint(ctx context.Context, tx bun.IDB, c Checkpoint) error {
	_, err := tx.NewInsert().Model(&checkpointRow{Size: c.Size, At: c.At, Note: string(c.Note)}).Exec(ctx)
	return err
}

// Latest gives the newest checkpoint, as stored; its Size is 0 if there is none
// yet. Mails print its Footer (ICA-70).
func Latest(ctx context.Context, q bun.IDB) (Checkpoint, error) {
	return oneCheckpoint(ctx, q.NewSelect().Order("size DESC"))
}

// Covering gives the first checkpoint of at least that size, as stored; its Size
// is 0 if there is none yet. An entry e is anchored by Covering(e.Seq + 1).
func Covering(ctx context.Context, q bun.IDB, size int64) (Checkpoint, error) {
	return oneCheckpoint(ctx, q.NewSelect().Where("size >= ?", size).Order("size"))
}

// upTo gives the last checkpoint of at most that size; Size 0 if none.
func upTo(ctx context.Context, q bun.IDB, size int64) (Checkpoint, error) {
	return oneCheckpoint(ctx, q.NewSelect().Where("size <= ?", size).Order("size DESC"))
}

func oneCheckpoint(ctx context.Context, query *bun.SelectQuery) (Checkpoint, error) {
	var row checkpointRow
	err := query.Model(&row).Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Checkpoint{}, nil
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read checkpoint: %w", err)
	}
	return row.checkpoint()
}

// checkpointsAfter gives all checkpoints larger than size, in order.
func checkpointsAfter(ctx context.Context, q bun.IDB, size int64) ([]Checkpoint, error) {
	var rows []checkpointRow
	if err := q.NewSelect().Model(&rows).Where("size > ?", size).Order("size").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return checkpointsOf(rows)
}

func checkpointsOf(rows []checkpointRow) ([]Checkpoint, error) {
	list := make([]Checkpoint, len(rows))
	for i, r := range rows {
		var err error
		if list[i], err = r.checkpoint(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// sizesBefore gives the sizes of the two last checkpoints up to leaf number
// first and of all later ones below size, in order.
func sizesBefore(ctx context.Context, q bun.IDB, first, size int64) (sizes []int64, err error) {
	err = q.NewSelect().Model((*checkpointRow)(nil)).Column("size").
		Where("size <= ?", first).Order("size DESC").Limit(2).Scan(ctx, &sizes)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	slices.Reverse(sizes)
	var later []int64
	err = q.NewSelect().Model((*checkpointRow)(nil)).Column("size").
		Where("size > ? AND size < ?", first, size).Order("size").Scan(ctx, &later)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return append(sizes, later...), nil
}

// checkpointsAt gives the checkpoints of these sizes, in order; sizes without
// one are left out.
func checkpointsAt(ctx context.Context, q bun.IDB, sizes []int64) ([]Checkpoint, error) {
	if len(sizes) == 0 {
		return nil, nil
	}
	var rows []checkpointRow
	if err := q.NewSelect().Model(&rows).Where("size IN (?)", bun.List(sizes)).Order("size").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return checkpointsOf(rows)
}
