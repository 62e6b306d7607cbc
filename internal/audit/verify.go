package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/tlog"
)

// pageSize is how many leaves a walk reads at a time; each page is a short
// transaction of its own, so the nightly check never stands in a writer's way.
const pageSize = 2000

// Verify recomputes the whole log from the bytes of its leaves: numbers without
// gap, the chain of every stream, every stored tree hash, and every checkpoint
// in the database and in File (EV-5). Nightly: it reads
// every row once.
// ErrDamaged names the first place that is wrong; also ErrRewound, ErrForeignKey.
func (d *Desk) Verify(ctx context.Context) error {
	stored, err := d.stored(ctx)
	if err != nil {
		return err
	}
	mirrored, err := d.mirrored()
	if err != nil {
		return err
	}
	w := walk{tails: map[string]tail{}, roots: map[int64]Hash{}}
	for _, c := range slices.Concat(stored, mirrored) {
		if _, err := d.open(c.Note); err != nil {
			return fmt.Errorf("checkpoint %d: %w", c.Size, err)
		}
		if err := w.expect(c); err != nil {
			return err
		}
	}
	return d.run(ctx, &w)
}

// VerifySince recomputes the log from its last checkpoint on. It is quick, and
// enough for being ready (DEC-11). Errors as Verify.
func (d *Desk) VerifySince(ctx context.Context) error {
	_, err := d.sinceLast(ctx)
	return err
}

func (d *Desk) stored(ctx context.Context) (list []Checkpoint, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		list, err = checkpointsAfter(ctx, q, 0)
		return err
	})
	return list, err
}

// sinceLast walks from the last checkpoint to the end. The database may be an
// old copy, so the last checkpoint in File must fit as well (EV-7).
func (d *Desk) sinceLast(ctx context.Context) (*walk, error) {
	mirrored, err := d.mirrored()
	if err != nil {
		return nil, err
	}
	w := &walk{roots: map[int64]Hash{}}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		last, err := Latest(ctx, q)
		if err != nil || last.Size == 0 {
			return err
		}
		if _, err := d.open(last.Note); err != nil {
			return fmt.Errorf("checkpoint %d: %w", last.Size, err)
		}
		if w.tree, err = edgeAt(ctx, q, last.Size); err != nil {
			return err
		}
		if err := w.expect(last); err != nil {
			return err
		}
		return w.compare()
	})
	if err == nil && len(mirrored) > 0 {
		err = d.expectMirrored(ctx, w, mirrored[len(mirrored)-1])
	}
	if err != nil {
		return nil, err
	}
	return w, d.run(ctx, w)
}

// expectMirrored compares the last checkpoint of File at once when the walk
// starts behind it, and leaves it to the walk otherwise.
func (d *Desk) expectMirrored(ctx context.Context, w *walk, c Checkpoint) error {
	if _, err := d.open(c.Note); err != nil {
		return fmt.Errorf("checkpoint %d in %s: %w", c.Size, d.File, err)
	}
	if c.Size > w.tree.size {
		return w.expect(c)
	}
	return d.DB.Read(ctx, func(q bun.IDB) error {
		root, err := tlog.TreeHash(c.Size, reader(ctx, q))
		if err == nil && root != c.Root {
			err = fmt.Errorf("%w: checkpoint %d in %s has another root", ErrDamaged, c.Size, d.File)
		}
		return err
	})
}

// run walks to the end of the log and looks that nothing lies beyond it.
func (d *Desk) run(ctx context.Context, w *walk) error {
	var size int64
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		if size, err = Size(ctx, q); err != nil {
			return err
		}
		return beyond(ctx, q, size)
	})
	if err != nil {
		return err
	}
	for published := range w.roots {
		if published > size {
			return fmt.Errorf("%w: %d leaves, checkpoint for %d", ErrRewound, size, published)
		}
	}
	for w.tree.size < size {
		err := d.DB.Read(ctx, func(q bun.IDB) error {
			return w.advance(ctx, q, min(size, w.tree.size+pageSize))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// walk recomputes the tree leaf by leaf.
type walk struct {
	tree  edge
	tails map[string]tail // of all streams so far; nil when the walk began in the middle
	roots map[int64]Hash  // size → root that a checkpoint states
}

// expect notes the root that the tree must have when it reaches c's size.
func (w *walk) expect(c Checkpoint) error {
	if root, known := w.roots[c.Size]; known && root != c.Root {
		return fmt.Errorf("%w: two checkpoints for %d leaves with different roots", ErrDamaged, c.Size)
	}
	w.roots[c.Size] = c.Root
	return nil
}

// advance walks on to the given size, which the log has.
func (w *walk) advance(ctx context.Context, q bun.IDB, size int64) error {
	if w.tree.size == size {
		return nil
	}
	entries, err := entriesFrom(ctx, q, w.tree.size, size-w.tree.size)
	if err != nil {
		return err
	}
	place := tlog.StoredHashIndex(0, w.tree.size)
	hashes, err := hashesFrom(ctx, q, place, tlog.StoredHashIndex(0, size)-place)
	if err != nil {
		return err
	}
	for _, e := range entries {
		final, err := w.step(e)
		if err != nil {
			return err
		}
		for _, h := range final {
			if len(hashes) == 0 || hashes[0].Index != place || string(hashes[0].Hash) != string(h[:]) {
				return fmt.Errorf("%w: tree hash %d is not what the leaves give", ErrDamaged, place)
			}
			hashes = hashes[1:]
			place++
		}
	}
	if w.tree.size != size {
		return fmt.Errorf("%w: leaf %d is missing", ErrDamaged, w.tree.size)
	}
	return nil
}

// step takes the next leaf and gives the tree hashes it completes.
func (w *walk) step(e Entry) ([]Hash, error) {
	if e.Seq != w.tree.size {
		return nil, fmt.Errorf("%w: leaf %d is missing", ErrDamaged, w.tree.size)
	}
	if w.tails != nil {
		if err := w.tails[e.Stream].accepts(e); err != nil {
			return nil, fmt.Errorf("%w: leaf %d: %w", ErrDamaged, e.Seq, err)
		}
		w.tails[e.Stream] = tail{e.StreamSeq, e.Hash}
	}
	final := w.tree.add(e.Hash)
	return final, w.compare()
}

// compare holds the tree against the checkpoint of its size, if there is one.
func (w *walk) compare() error {
	root, known := w.roots[w.tree.size]
	if known && root != w.tree.root() {
		return fmt.Errorf("%w: the first %d leaves do not give the root of checkpoint %d",
			ErrDamaged, w.tree.size, w.tree.size)
	}
	return nil
}

// accepts reports what keeps e from being the next entry of its stream.
func (t tail) accepts(e Entry) error {
	if e.StreamSeq != t.seq+1 {
		return fmt.Errorf("number %d of stream %s where %d is due", e.StreamSeq, e.Stream, t.seq+1)
	}
	if e.Previous != t.hash {
		return errors.New("it does not continue the entry before it in stream " + e.Stream)
	}
	return nil
}
