package audit

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// Bounds of an archive (SEC-15). Files are stored, not compressed, so that
// nothing can unpack to more than it is.
const (
	maxFiles   = 1000
	maxArchive = 50 << 20 // bytes
	endRecord  = 22       // bytes of zip's last record when the archive has no comment
)

// ErrUnreadable means that a file is no evidence bundle, or that this program
// cannot judge it; nothing is said about its contents (EV-11, exit 2).
var ErrUnreadable = errors.New("bundle cannot be read")

// fixedTime stands in every archive, so that equal contents are equal bytes.
var fixedTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// pack writes files as a zip archive in the one form that unpack takes.
func pack(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		body := files[name]
		w, err := z.CreateRaw(&zip.FileHeader{
			Name: name, Method: zip.Store, Modified: fixedTime, CRC32: crc32.ChecksumIEEE(body),
			CompressedSize64: uint64(len(body)), UncompressedSize64: uint64(len(body)),
		})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if len(files) > maxFiles || out.Len() > maxArchive {
		return nil, fmt.Errorf("bundle of %d files and %d bytes is too large", len(files), out.Len())
	}
	return out.Bytes(), nil
}

// unpack reads an archive that pack wrote and refuses every other, be it only
// repacked: where two unzip programs may see different files in the same bytes,
// what a person reads need not be what was verified.
func unpack(r io.ReaderAt, size int64) (map[string][]byte, error) {
	if size < endRecord || size > maxArchive {
		return nil, fmt.Errorf("%w: %d bytes, expected up to %d", ErrUnreadable, size, maxArchive)
	}
	raw := make([]byte, size)
	if _, err := r.ReadAt(raw, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	end := raw[size-endRecord:]
	if !bytes.HasPrefix(end, []byte("PK\x05\x06")) || binary.LittleEndian.Uint16(end[10:]) > maxFiles {
		return nil, fmt.Errorf("%w: not a zip archive of at most %d files", ErrUnreadable, maxFiles)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	files := make(map[string][]byte, len(z.File))
	var total int64
	for _, f := range z.File {
		// overlapping files must not add up to more than the archive holds
		if total += int64(f.UncompressedSize64); f.UncompressedSize64 > uint64(size) || total > size {
			return nil, fmt.Errorf("%w: files overlap", ErrUnreadable)
		}
		if err := extract(files, f, raw); err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrUnreadable, f.Name, err)
		}
	}
	again, err := pack(files)
	if err != nil || !bytes.Equal(again, raw) {
		return nil, fmt.Errorf("%w: the archive was changed or repacked; ask for the original file", ErrUnreadable)
	}
	return files, nil
}

// extract slices one stored file out of the raw archive. A name that occurs twice
// shows when the files are packed again.
func extract(files map[string][]byte, f *zip.File, raw []byte) error {
	if !isPath(f.Name) {
		return errors.New("name is not allowed")
	}
	if f.Method != zip.Store || f.UncompressedSize64 != f.CompressedSize64 {
		return errors.New("file is not stored plainly")
	}
	start, err := f.DataOffset()
	if err != nil {
		return err
	}
	if start < 0 || start > int64(len(raw))-int64(f.UncompressedSize64) {
		return errors.New("file ends outside the archive")
	}
	files[f.Name] = raw[start : start+int64(f.UncompressedSize64)]
	return nil
}

// isPath allows lower-case ASCII names without "..", so that a bundle may be
// unpacked anywhere.
func isPath(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != '/' {
			return false
		}
	}
	return fs.ValidPath(name) && name != "."
}
