package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/uptrace/bun"
)

// noteLines is the length of one checkpoint in File: origin, size, root, an
// empty line, one signature.
const noteLines = 5

// mirrored gives the checkpoints in File, unverified, in order; none if there is
// no file. A last one that a crash cut short is left out.
func (d *Desk) mirrored() ([]Checkpoint, error) {
	if d.File == "" {
		return nil, nil
	}
	b, err := os.ReadFile(d.File)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read published checkpoints: %w", err)
	}
	list, _, err := splitNotes(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, d.File, err)
	}
	return list, nil
}

// splitNotes reads notes of five lines each and says where the last complete
// one ends.
func splitNotes(b []byte) (list []Checkpoint, end int, err error) {
	for {
		n, rest := 0, b[end:]
		for range noteLines {
			i := bytes.IndexByte(rest, '\n') + 1
			if i == 0 {
				return list, end, nil
			}
			n, rest = n+i, rest[i:]
		}
		text, _, ok := cutNote(b[end : end+n])
		if !ok {
			return list, end, fmt.Errorf("no checkpoint at byte %d", end)
		}
		c, err := parseCheckpoint(text)
		if err != nil {
			return list, end, fmt.Errorf("at byte %d: %w", end, err)
		}
		c.Note = b[end : end+n]
		list, end = append(list, c), end+n
	}
}

// cutNote parts a note into its text and its signatures, without checking them.
func cutNote(b []byte) (text, signatures string, ok bool) {
	before, after, ok := bytes.Cut(b, []byte("\n\n"))
	return string(before) + "\n", string(after), ok
}

// mirror appends to File what it lacks. After a failure or a crash the next call
// makes up for it; a torn last note is overwritten.
func (d *Desk) mirror(ctx context.Context) error {
	if d.File == "" {
		return nil
	}
	d.mirroring.Lock()
	defer d.mirroring.Unlock()
	f, err := os.OpenFile(d.File, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("publish checkpoints: %w", err)
	}
	err = errors.Join(d.appendMissing(ctx, f), f.Close())
	if err != nil {
		return fmt.Errorf("publish checkpoints in %s: %w", d.File, err)
	}
	return nil
}

func (d *Desk) appendMissing(ctx context.Context, f *os.File) error {
	b, err := os.ReadFile(f.Name())
	if err != nil {
		return err
	}
	have, end, err := splitNotes(b)
	if err != nil {
		return err
	}
	var last int64
	if len(have) > 0 {
		last = have[len(have)-1].Size
	}
	var missing []Checkpoint
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		missing, err = checkpointsAfter(ctx, q, last)
		return err
	})
	if err != nil || len(missing) == 0 {
		return err
	}
	var text []byte
	for _, c := range missing {
		text = append(text, c.Note...)
	}
	if _, err := f.WriteAt(text, int64(end)); err != nil {
		return err
	}
	return f.Sync()
}
