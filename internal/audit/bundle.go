package audit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	bundleVersion  = 1
	manifestName   = "manifest.json"
	signatureName  = "manifest.note"
	manifestHeader = "lianban manifest v1" // with spaces, so that it cannot be the origin of a checkpoint
	maxOlder       = 300                   // older checkpoints in a bundle, the newest win
)

// informative are the files of a bundle that no leaf commits to. They help a
// reader and prove nothing; only the manifest's signature covers them.
var informative = []string{"keys.txt", "page.html"}

// BundleRequest says what goes into a bundle (EV-10).
type BundleRequest struct {
	// Streams whose entries are all included: the case's common stream and that
	// of one department.
	Streams []string
	// About holds what the manifest says in words: case, department, round.
	About map[string]string
	// Files by name, lower-case without folder: notice.eml, calendar.json. Each
	// needs a leaf that commits to it, but for page.html.
	Files map[string]File
	// Older are sizes of checkpoints that the holder has, from a mail's footer
	// say, and wants to hold against this bundle. Those in the mails about these
	// streams are included anyway.
	Older []int64
}

// File is a file in a bundle. A field ending in "_hash" of some leaf in the
// bundle is SaltedHash(Salt, Body).
type File struct {
	Body []byte
	Salt string
}

// manifest lists all other files of a bundle. It is signed, so that no byte of
// a bundle can be altered unseen, proof or not.
type manifest struct {
	Version      int               `json:"v"`
	About        map[string]string `json:"about"`
	Key          string            `json:"key"`
	Size         int64             `json:"tree_size"`
	CheckpointAt string            `json:"checkpoint_at"`
	Streams      map[string]int64  `json:"streams"` // name → number of entries
	Files        map[string]string `json:"files"`   // name → SHA-256 in hex
	Salts        map[string]string `json:"salts"`   // name → salt of the commitment in a leaf
}

// Bundle writes an evidence bundle. Equal requests about unchanged streams give
// equal bytes, because the proofs lead to the first checkpoint that covers
// everything asked for, not to the latest. It signs a checkpoint if the streams
// have grown since the last one; errors as Checkpoint.
func (d *Desk) Bundle(ctx context.Context, w io.Writer, r BundleRequest) error {
	files, err := d.bundle(ctx, r)
	if errors.Is(err, errUncovered) {
		if err := d.Checkpoint(ctx); err != nil {
			return err
		}
		files, err = d.bundle(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("make bundle: %w", err)
	}
	b, err := pack(files)
	if err != nil {
		return fmt.Errorf("make bundle: %w", err)
	}
	_, err = w.Write(b)
	return err
}

// ours reports whether a name is one of those that the bundle itself fills. A file
// in any other folder is for people: signed with the manifest, committed to by no
// leaf.
func ours(name string) bool {
	folder, _, inFolder := strings.Cut(name, "/")
	return name == manifestName || name == signatureName || inFolder && slices.Contains([]string{"leaves", "proofs", "checkpoints"}, folder)
}

// errUncovered means that no checkpoint covers the streams yet.
var errUncovered = errors.New("no checkpoint covers the streams yet")

func (d *Desk) bundle(ctx context.Context, r BundleRequest) (map[string][]byte, error) {
	files := make(map[string][]byte)
	m := manifest{
		Version: bundleVersion, About: r.About, Key: d.Key.Public,
		Streams: map[string]int64{}, Files: map[string]string{}, Salts: map[string]string{},
	}
	for name, f := range r.Files {
		if !isPath(name) || ours(name) {
			return nil, fmt.Errorf("file name %q is not allowed", name)
		}
		files[name] = f.Body
		if !slices.Contains(informative, name) {
			m.Salts[name] = f.Salt
		}
	}
	err := d.DB.Read(ctx, func(q bun.IDB) error { return addProofs(ctx, q, r, &m, files) })
	if err != nil {
		return nil, err
	}
	files["keys.txt"] = []byte(d.Key.Public + "\n")
	return files, d.seal(m, files)
}

// seal adds the manifest and the signature under it.
func (d *Desk) seal(m manifest, files map[string][]byte) error {
	for name, body := range files {
		m.Files[name] = fileHash(body)
	}
	b, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	files[manifestName] = b
	files[signatureName], err = d.Key.sign(manifestText(b))
	return err
}

func manifestText(b []byte) string {
	sum := sha256.Sum256(b)
	return manifestHeader + "\n" + base64.StdEncoding.EncodeToString(sum[:]) + "\n"
}

func fileHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// addProofs adds the entries of the streams, their inclusion proofs, the
// checkpoint these lead to and the older checkpoints it continues.
func addProofs(ctx context.Context, q bun.IDB, r BundleRequest, m *manifest, files map[string][]byte) error {
	entries, err := streams(ctx, q, r.Streams)
	if err != nil {
		return err
	}
	need := entries[len(entries)-1].Seq + 1
	for _, size := range r.Older {
		need = max(need, size)
	}
	if size, err := Size(ctx, q); err != nil || need > size {
		return cmp.Or(err, fmt.Errorf("%w: %d leaves, a checkpoint of %d is asked for", ErrRewound, size, need))
	}
	top, err := Covering(ctx, q, need)
	if err != nil {
		return err
	}
	if top.Size == 0 {
		return errUncovered
	}
	m.Size, m.CheckpointAt = top.Size, Instant(top.At)
	files[checkpointName(top.Size)] = top.Note
	for i, e := range entries {
		m.Streams[e.Stream]++
		hashes, err := tlog.ProveRecord(top.Size, e.Seq, reader(ctx, q))
		if err != nil {
			return err
		}
		files[fmt.Sprintf("leaves/%03d.json", i+1)] = e.Bytes
		files[fmt.Sprintf("proofs/%03d.tlog-proof", i+1)] =
			formatInclusion(proof{index: e.Seq, hashes: hashes, checkpoint: top.Note})
	}
	return addOlder(ctx, q, olderRequest{entries, r.Older, top}, files)
}

func checkpointName(size int64) string  { return fmt.Sprintf("checkpoints/%016d.checkpoint", size) }
func consistencyName(size int64) string { return fmt.Sprintf("checkpoints/%016d.consistency", size) }

// streams reads streams as one list in the order of the log.
func streams(ctx context.Context, q bun.IDB, names []string) ([]Entry, error) {
	var all []Entry
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		entries, err := Stream(ctx, q, name)
		if err != nil {
			return nil, err
		}
		if len(entries) == 0 {
			return nil, fmt.Errorf("stream %s has no entries", name)
		}
		all = append(all, entries...)
	}
	if len(all) == 0 {
		return nil, errors.New("no stream is named")
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return all, nil
}

type olderRequest struct {
	entries []Entry
	sizes   []int64
	top     Checkpoint
}

// addOlder adds the checkpoints that mails about these entries may carry, with
// a proof that top continues each. A mail's footer holds the latest checkpoint
// at the time its leaf was written, or the one before if another was signed in
// that moment.
func addOlder(ctx context.Context, q bun.IDB, r olderRequest, files map[string][]byte) error {
	known, err := sizesBefore(ctx, q, r.entries[0].Seq, r.top.Size)
	if err != nil {
		return err
	}
	wanted := make(map[int64]bool)
	for _, size := range r.sizes {
		wanted[size] = true
	}
	for _, e := range r.entries {
		i, found := slices.BinarySearch(known, e.Seq)
		if found {
			i++
		}
		for _, size := range known[max(0, i-2):i] {
			wanted[size] = true
		}
	}
	delete(wanted, r.top.Size)
	sizes := slices.Sorted(maps.Keys(wanted))
	older, err := checkpointsAt(ctx, q, sizes[max(0, len(sizes)-maxOlder):])
	if err != nil {
		return err
	}
	for _, c := range older {
		hashes, err := tlog.ProveTree(r.top.Size, c.Size, reader(ctx, q))
		if err != nil {
			return err
		}
		files[consistencyName(c.Size)] = formatConsistency(proof{hashes: hashes, checkpoint: c.Note})
	}
	return nil
}
