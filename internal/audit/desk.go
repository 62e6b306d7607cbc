package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"lianban/internal/db"
)

var (
	// ErrDamaged means that the log does not say what it said before: a row, a
	// tree hash or a checkpoint was edited, removed or added by other means than
	// Record. Nothing is signed any more until a person has found out why.
	ErrDamaged = errors.New("evidence log is damaged")
	// ErrRewound means that a checkpoint is known for a larger log than the
	// database holds, as after restoring an old backup: the leaves in between are
	// lost, and this log never signs again under its origin (BAK-5).
	ErrRewound = errors.New("evidence log is shorter than a published checkpoint")
	// ErrForeignKey means that the log's checkpoints were signed with another key.
	ErrForeignKey = errors.New("evidence log was signed with another key")
)

// Desk checks the log, signs its checkpoints and makes evidence bundles.
// Writing to the log needs no Desk: see Record.
type Desk struct {
	DB  *db.DB
	Now func() time.Time
	Key *Key
	// File is where checkpoints are published outside the database, to be copied
	// off the host; "" for nowhere. It holds one note of five lines after the
	// other, so that "tail -n 5" gives the latest.
	File string

	mirroring sync.Mutex // one writer of File
}

// Check reports which required field is missing (STY-14).
func (d *Desk) Check() error {
	if d.DB == nil || d.Now == nil || d.Key == nil {
		return errors.New("audit.Desk: DB, Now and Key are required")
	}
	return nil
}

// Checkpoint signs and publishes the present state of the log, if it has grown
// since the last checkpoint (EV-6: every 10 minutes, and within 60 s after each
// Deemed). It signs only what it has itself recomputed from the bytes of the
// leaves on top of the last signed root, and never a second root for a size nor
// a smaller size (EV-7).
//
// ErrDamaged, ErrRewound, ErrForeignKey: nothing was signed, a person must look.
// When only writing File failed, the next call makes up for it.
func (d *Desk) Checkpoint(ctx context.Context) error {
	w, err := d.sinceLast(ctx)
	if err != nil {
		return err
	}
	if err := d.publish(ctx, w.tree); err != nil {
		return fmt.Errorf("publish checkpoint: %w", err)
	}
	return d.mirror(ctx)
}

// publish signs the log as it stands, given a tree that was checked a moment
// ago. The head row is held meanwhile: whoever writes a leaf later sees this
// checkpoint, and checkpoints have the order of the log.
func (d *Desk) publish(ctx context.Context, checked edge) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		size, err := grow(ctx, tx, 0)
		if err != nil {
			return err
		}
		last, err := Latest(ctx, tx)
		if err != nil || size == last.Size {
			return err
		}
		w := walk{tree: checked.clone()}
		if err := w.advance(ctx, tx, size); err != nil {
			return err
		}
		next := Checkpoint{Origin: d.Key.Origin, Size: size, Root: w.tree.root(), At: d.Now().UTC().Truncate(time.Millisecond)}
		if err := follows(ctx, tx, last, next); err != nil {
			return err
		}
		if next.Note, err = d.Key.sign(next.text()); err != nil {
			return err
		}
		return insertCheckpoint(ctx, tx, next)
	})
}

// follows refuses to sign next unless the log it describes begins with the log
// that last describes.
func follows(ctx context.Context, q bun.IDB, last, next Checkpoint) error {
	if last.Size == 0 {
		return nil
	}
	if next.Size < last.Size {
		return fmt.Errorf("%w: %d leaves, checkpoint for %d", ErrRewound, next.Size, last.Size)
	}
	proof, err := tlog.ProveTree(next.Size, last.Size, reader(ctx, q))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, next.Size, next.Root, last.Size, last.Root); err != nil {
		return fmt.Errorf("%w: checkpoint %d is no continuation of checkpoint %d: %w", ErrDamaged, next.Size, last.Size, err)
	}
	return nil
}

// open reads a stored checkpoint and checks that this log's key signed it.
func (d *Desk) open(stored []byte) (Checkpoint, error) {
	keys, err := keyring(d.Key.Public)
	if err != nil {
		return Checkpoint{}, err
	}
	c, err := openCheckpoint(stored, keys)
	var unknown *note.UnverifiedNoteError
	if errors.As(err, &unknown) {
		return c, fmt.Errorf("%w: this one is %s; put back the key file that belongs to this database", ErrForeignKey, d.Key.Public)
	}
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return c, nil
}
