package inspection

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/note"

	"lianban/internal/audit"
	"lianban/internal/db/dbtest"
)

// realEvidence is the evidence of a whole case as its holder has it, with what its
// operator has besides: booked, told by mail and inbox, silent until it was deemed,
// visited, closed, with letters and 视为同意记录单.
type realEvidence struct {
	t      *testing.T
	bundle []byte
	files  map[string][]byte
	key    *audit.Key
	signer note.Signer
}

func aRealCase(t *testing.T) realEvidence {
	t.Helper()
	w := newWorld(t, dbtest.SQLite(t))
	file := filepath.Join(t.TempDir(), "key")
	key, err := audit.CreateKey(file, "lianban.test/log")
	w.must(err)
	secret, err := os.ReadFile(file)
	w.must(err)
	signer, err := note.NewSigner(strings.TrimSpace(string(secret)))
	w.must(err)
	w.log.Key = key
	v := w.served()
	w.deemedAt(v, "amr")
	w.holdVisit(v)
	var bundle bytes.Buffer
	w.must(w.Bundle(t.Context(), w.clerk, w.log, BundleRequest{VisitID: v.ID, DepartmentID: w.department("amr")}, &bundle))
	r := realEvidence{t: t, bundle: bundle.Bytes(), key: key, signer: signer}
	r.files = r.unpacked(r.bundle)
	if _, ok := r.files["records/1.pdf"]; !ok || !bytes.Equal(r.packed(r.files), r.bundle) {
		t.Fatal("the bundle is another than docs/evidence.md describes")
	}
	return r
}

func (r realEvidence) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r realEvidence) unpacked(bundle []byte) map[string][]byte {
	r.t.Helper()
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	r.must(err)
	out := map[string][]byte{}
	for _, f := range z.File {
		body, err := f.Open()
		r.must(err)
		out[f.Name], err = io.ReadAll(body)
		r.must(err)
	}
	return out
}

// packed puts files together as docs/evidence.md says.
func (r realEvidence) packed(files map[string][]byte) []byte {
	r.t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		body := files[name]
		w, err := z.CreateRaw(&zip.FileHeader{
			Name: name, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), CRC32: crc32.ChecksumIEEE(body),
			CompressedSize64: uint64(len(body)), UncompressedSize64: uint64(len(body)),
		})
		r.must(err)
		_, err = w.Write(body)
		r.must(err)
	}
	r.must(z.Close())
	return out.Bytes()
}

// resealed lists the files anew and signs the list, as only the operator can.
func (r realEvidence) resealed(files map[string][]byte, change func(manifest map[string]any)) []byte {
	r.t.Helper()
	var manifest map[string]any
	r.must(json.Unmarshal(files["manifest.json"], &manifest))
	list := map[string]string{}
	for name, body := range files {
		if name != "manifest.json" && name != "manifest.note" {
			sum := sha256.Sum256(body)
			list[name] = hex.EncodeToString(sum[:])
		}
	}
	manifest["files"] = list
	change(manifest)
	body, err := json.MarshalIndent(manifest, "", "\t")
	r.must(err)
	sum := sha256.Sum256(body)
	signed, err := note.Sign(&note.Note{Text: "lianban manifest v1\n" + base64.StdEncoding.EncodeToString(sum[:]) + "\n"}, r.signer)
	r.must(err)
	files = maps.Clone(files)
	files["manifest.json"], files["manifest.note"] = body, signed
	return r.packed(files)
}

// refused reports whether `lianban verify` would end with anything but 0.
func (r realEvidence) refused(bundle []byte, checkpoints ...[]byte) bool {
	b, err := audit.OpenBundle(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		return true
	}
	report, err := b.Verify(audit.VerifyOptions{Keys: []string{r.key.Public}, Checkpoints: checkpoints})
	if err != nil {
		return true
	}
	VerifyBundle(b, &report)
	return report.Result().Exit() != 0
}

// flip is one bit of a member of the bundle, or of the archive itself. A member is
// packed again, so that no checksum of the archive tells.
type flip struct {
	Member string `json:"member"` // empty: of the archive
	At     int    `json:"at"`
}

func (f flip) bit() byte { return 1 << (f.At % 8) }

// flips are every byte of everything for the night. By day they are every byte of
// what is no member's content (headers, directory) and of the signatures, every
// 127th of each member and every 997th of what is larger than 16 KiB, all of them
// with the first and the last byte.
func (r realEvidence) flips() (out []flip) {
	inside := make([]bool, len(r.bundle))
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		body := r.files[name]
		step := 127
		switch {
		case nightly() || name == "manifest.note" || strings.HasSuffix(name, ".checkpoint"):
			step = 1
		case len(body) > 16<<10:
			step = 997
		}
		for at := range body {
			if at%step == 0 || at == len(body)-1 {
				out = append(out, flip{name, at})
			}
		}
		from := bytes.Index(r.bundle, append([]byte(name), body...)) + len(name)
		for i := range body {
			inside[from+i] = (from+i)%997 != 0
		}
	}
	for at := range r.bundle {
		if nightly() || !inside[at] {
			out = append(out, flip{"", at})
		}
	}
	return out
}

func (r realEvidence) flipped(f flip) []byte {
	if f.Member == "" {
		forged := bytes.Clone(r.bundle)
		forged[f.At] ^= f.bit()
		return forged
	}
	files := maps.Clone(r.files)
	files[f.Member] = bytes.Clone(files[f.Member])
	files[f.Member][f.At] ^= f.bit()
	return r.packed(files)
}

// secondFlips lets docs/verify_bundle.py make the same changes and judge them. It
// prints those that it would not refuse.
const secondFlips = `
import functools, json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import verify_bundle
for slow in ('leaf', 'signed'): # the same bytes give the same answer
    setattr(verify_bundle, slow, functools.lru_cache(1000)(getattr(verify_bundle, slow)))
raw = open(sys.argv[2], 'rb').read()
files, key = verify_bundle.unzip(raw), sys.argv[3]
verify_bundle.verify(files, key, [], [])
def flipped(body, at): return body[:at] + bytes([body[at] ^ 1 << at % 8]) + body[at+1:]
def judge(member, at):
    if not member: return verify_bundle.verify(verify_bundle.unzip(flipped(raw, at)), key, [], [])
    verify_bundle.verify({**files, member: flipped(files[member], at)}, key, [], [])
flips = json.load(sys.stdin)
for f in flips:
    try: judge(f['member'], f['at'])
    except Exception: continue
    print('passed:', f)
print(len(flips), 'judged')`

func TestNoByteOfTheEvidenceOfARealCaseCanBeChanged(t *testing.T) { // PRO-10, EV-11, EV-12
	r := aRealCase(t)
	if r.refused(r.bundle) {
		t.Fatal("the real one is refused")
	}
	flips := r.flips()
	for _, f := range flips {
		if !r.refused(r.flipped(f)) {
			t.Errorf("passed: %+v", f)
		}
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: there is no python3 to run the second verifier")
	}
	file := filepath.Join(t.TempDir(), "f.evidence.zip")
	r.must(os.WriteFile(file, r.bundle, 0o600))
	list, err := json.Marshal(flips)
	r.must(err)
	second := exec.CommandContext(t.Context(), python, "-c", secondFlips, filepath.Join("..", "docs"), file, r.key.Public)
	second.Stdin = bytes.NewReader(list)
	said, err := second.CombinedOutput()
	if want := fmt.Sprintf("%d judged\n", len(flips)); err != nil || string(said) != want {
		t.Errorf("the second verifier: %v\n%s", err, said)
	}
	t.Logf("%d flips in %d bytes", len(flips), len(r.bundle))
}

// Who has the log's key can sign any list of files, but not leave out a leaf of the
// case, double one or put one before another; nor can a holder without the key.
func TestNoLeafOfARealCaseCanBeLeftOutDoubledOrExchanged(t *testing.T) { // EV-2, PRO-10, EV-12
	r := aRealCase(t)
	leaf := func(n int) string { return fmt.Sprintf("leaves/%03d.json", n) }
	proof := func(n int) string { return fmt.Sprintf("proofs/%03d.tlog-proof", n) }
	leaves := 0
	for name := range r.files {
		if strings.HasPrefix(name, "leaves/") {
			leaves++
		}
	}
	var cases []secondCase
	try := func(name string, files map[string][]byte, changes ...func(map[string]any)) {
		forged := map[string][]byte{"the holder": r.packed(files)}
		for n, change := range changes {
			forged[fmt.Sprintf("the operator, in way %d", n+1)] = r.resealed(files, change)
		}
		for by, bundle := range forged {
			if !r.refused(bundle) {
				t.Errorf("%s by %s passes", name, by)
			}
			cases = append(cases, secondCase{name: name + " by " + by, bundle: bundle, key: r.key.Public})
		}
	}
	last := map[string]int{} // of a stream
	stream := func(n int) string {
		var e struct {
			Stream string `json:"stream"`
		}
		r.must(json.Unmarshal(r.files[leaf(n)], &e))
		return e.Stream
	}
	for n := 1; n <= leaves; n++ {
		last[stream(n)] = n
	}
	counted := func(n, by int) func(map[string]any) { // the manifest agrees with it
		return func(m map[string]any) {
			streams := m["streams"].(map[string]any)
			streams[stream(n)] = streams[stream(n)].(float64) + float64(by)
		}
	}
	same := func(map[string]any) {}
	for n := 1; n <= leaves; n++ {
		less, more := maps.Clone(r.files), maps.Clone(r.files)
		delete(less, leaf(n))
		delete(less, proof(n))
		if last[stream(n)] == n { // docs/evidence.md: a bundle ends at its last leaves
			try(fmt.Sprintf("leaf %d left out", n), less, same)
		} else {
			try(fmt.Sprintf("leaf %d left out", n), less, same, counted(n, -1))
		}
		more[leaf(leaves+1)], more[proof(leaves+1)] = r.files[leaf(n)], r.files[proof(n)]
		try(fmt.Sprintf("leaf %d doubled", n), more, same, counted(n, 1))
		if n == leaves {
			break
		}
		swapped := maps.Clone(r.files)
		swapped[leaf(n)], swapped[leaf(n+1)], swapped[proof(n)], swapped[proof(n+1)] = r.files[leaf(n+1)], r.files[leaf(n)], r.files[proof(n+1)], r.files[proof(n)]
		try(fmt.Sprintf("leaves %d and %d exchanged", n, n+1), swapped, same)
	}
	for name := range r.files {
		less := maps.Clone(r.files)
		delete(less, name)
		if !r.refused(r.packed(less)) {
			t.Errorf("%s left out passes", name)
		}
		cases = append(cases, secondCase{name: name + " left out", bundle: r.packed(less), key: r.key.Public})
	}
	secondRefusals(t, cases...)
	t.Logf("%d forgeries of %d leaves and %d files", len(cases), leaves, len(r.files))
}

// A log that is written anew without one leaf is sound in itself. Its own older
// checkpoint, which stands in every letter, convicts it.
func TestALogWrittenAnewWithoutALeafMeetsTheCheckpointOfTheLetters(t *testing.T) { // EV-7, EV-8, EV-12
	r := aRealCase(t)
	b, err := audit.OpenBundle(bytes.NewReader(r.bundle), int64(len(r.bundle)))
	r.must(err)
	var held []byte
	for name, body := range r.files {
		if strings.HasSuffix(name, ".checkpoint") {
			held = body
		}
	}
	if r.refused(r.bundle, held) {
		t.Fatal("the real one is refused")
	}
	var cases []secondCase
	for out, e := range b.Entries() {
		d := dbtest.SQLite(t)
		fork := &audit.Desk{DB: d, Now: time.Now, Key: r.key}
		streams := map[string]bool{}
		r.must(d.Write(t.Context(), func(tx bun.IDB) error {
			var leaves []audit.Leaf
			for n, e := range b.Entries() {
				if n != out {
					streams[e.Stream] = true
					leaves = append(leaves, e.Leaf)
				}
			}
			return audit.Record(t.Context(), tx, leaves...)
		}))
		var forged bytes.Buffer
		r.must(fork.Bundle(t.Context(), &forged, audit.BundleRequest{Streams: slices.Sorted(maps.Keys(streams))}))
		if !r.refused(forged.Bytes(), held) {
			t.Errorf("without leaf %d (%s) it passes", out, e.Type)
		}
		cases = append(cases, secondCase{name: "without " + e.Type, bundle: forged.Bytes(), key: r.key.Public, held: held})
	}
	secondRefusals(t, cases...)
}

// secondRefusals wants docs/verify_bundle.py to pass none of the bundles.
func secondRefusals(t *testing.T, cases ...secondCase) {
	t.Helper()
	for n, said := range secondResults(t, cases...) {
		if said == string(audit.Pass) || said == string(audit.Unpinned) {
			t.Errorf("%s: %s there", cases[n].name, said)
		}
	}
}
