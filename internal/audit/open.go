package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Bundle is an opened evidence bundle. What it says counts only when Verify
// has given Pass.
type Bundle struct {
	manifest manifest
	files    map[string][]byte
	entries  []Entry
	broken   map[string]error // leaves that cannot be read, by file name
	commits  map[string]commitment
}

// commitment is the place where a leaf holds the hash of a file.
type commitment struct {
	entry int // in Bundle.entries
	field string
}

// OpenBundle reads a bundle of any origin, at most 1,000 files and 50 MB. Every
// error is ErrUnreadable; a bundle that opens may still be false.
func OpenBundle(r io.ReaderAt, size int64) (*Bundle, error) {
	files, err := unpack(r, size)
	if err != nil {
		return nil, err
	}
	return newBundle(files)
}

func newBundle(files map[string][]byte) (*Bundle, error) {
	b := &Bundle{files: files, broken: map[string]error{}, commits: map[string]commitment{}}
	if err := json.Unmarshal(files[manifestName], &b.manifest); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreadable, manifestName, err)
	}
	if v := b.manifest.Version; v != bundleVersion {
		return nil, fmt.Errorf("%w: it has version %d, this program knows %d; use a newer one", ErrUnreadable, v, bundleVersion)
	}
	for _, name := range b.folder("leaves/") {
		e, err := parseLeaf(files[name])
		if errors.Is(err, errVersion) {
			return nil, fmt.Errorf("%w: %s: %w; use a newer one", ErrUnreadable, name, err)
		}
		if err != nil {
			b.broken[name] = err
			continue
		}
		b.entries = append(b.entries, e)
	}
	b.collect()
	return b, nil
}

// collect notes which hashes the leaves hold; the earliest leaf counts.
func (b *Bundle) collect() {
	for i, e := range b.entries {
		for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
			hash := e.Text(field)
			if _, known := b.commits[hash]; hash != "" && !known && strings.HasSuffix(field, "_hash") {
				b.commits[hash] = commitment{i, field}
			}
		}
	}
}

// folder gives the names of the files whose name begins with prefix, sorted.
func (b *Bundle) folder(prefix string) []string {
	var names []string
	for name := range b.files {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Entries gives the entries of all streams in the bundle, in the order of the log.
func (b *Bundle) Entries() []Entry { return slices.Clone(b.entries) }

// About gives what the manifest says in words: case, department, round.
func (b *Bundle) About() map[string]string { return maps.Clone(b.manifest.About) }

// File gives the bytes of a file in the bundle.
func (b *Bundle) File(name string) ([]byte, bool) {
	body, found := b.files[name]
	return body, found
}

// Files gives the names of all files in the bundle, sorted.
func (b *Bundle) Files() []string { return b.folder("") }

// Committed gives the earliest entry whose hash field commits to a file of the
// bundle, and that field's name.
func (b *Bundle) Committed(name string) (e Entry, field string, found bool) {
	salt, salted := b.manifest.Salts[name]
	body, exists := b.files[name]
	hash, err := SaltedHash(salt, body)
	if !salted || !exists || err != nil {
		return Entry{}, "", false
	}
	c, found := b.commits[hash]
	if !found {
		return Entry{}, "", false
	}
	return b.entries[c.entry], c.field, true
}
