package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

const fireStream, commonStream = "case/c1/fire", "case/c1/common"

// silence records a short history in which fire never answers, with a
// checkpoint in the middle, and gives the request for its bundle.
func silence(t testing.TB, desk *Desk) BundleRequest {
	t.Helper()
	notice, calendar := []byte("From: window\r\n\r\n联合勘验通知\r\n"), []byte(`{"version":7}`)
	salt, hash := Salted(notice)
	calendarHash, err := SaltedHash("", calendar)
	if err != nil {
		t.Fatal(err)
	}
	composed, due := newLeaf("notice_composed", fireStream), newLeaf("deadline_set", fireStream)
	composed.Fields = map[string]any{"body_hash": hash, "round": 1}
	due.Fields = map[string]any{"calendar_hash": calendarHash, "due": due.At.Add(48 * time.Hour)}
	record(t, desk.DB, newLeaf("case_accepted", commonStream))
	if err := desk.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	record(t, desk.DB, composed, due, newLeaf("notice_composed", "case/c1/amr"))
	return BundleRequest{
		Streams: []string{fireStream, commonStream},
		About:   map[string]string{"case": "YZ2026-000123", "department": "消防", "round": "1"},
		Files: map[string]File{
			"notice.eml": {notice, salt}, "calendar.json": {calendar, ""}, "page.html": {Body: []byte("<p>视为同意")},
		},
	}
}

func makeBundle(t testing.TB, desk *Desk, r BundleRequest) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := desk.Bundle(t.Context(), &out, r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func filesOf(t testing.TB, bundle []byte) map[string][]byte {
	t.Helper()
	files, err := unpack(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// reseal makes the manifest anew and signs it, as only the operator can. What is
// refused then, is refused because of the log.
func reseal(t testing.TB, desk *Desk, files map[string][]byte, change func(*manifest)) {
	t.Helper()
	var m manifest
	if err := json.Unmarshal(files[manifestName], &m); err != nil {
		t.Fatal(err)
	}
	change(&m)
	delete(files, manifestName)
	delete(files, signatureName)
	m.Files = map[string]string{}
	if err := desk.seal(m, files); err != nil {
		t.Fatal(err)
	}
}

func unchanged(*manifest) {}

// verdict verifies and gives result and codes; a bundle that does not open is
// "UNREADABLE".
func verdict(t testing.TB, files map[string][]byte, o VerifyOptions) (Result, string) {
	t.Helper()
	b, err := newBundle(files)
	if err != nil {
		if !errors.Is(err, ErrUnreadable) {
			t.Fatal(err)
		}
		return "UNREADABLE", err.Error()
	}
	report, err := b.Verify(o)
	if err != nil {
		return "UNREADABLE", err.Error()
	}
	var codes []string
	for _, l := range report.Lines {
		if l.Code != "" {
			codes = append(codes, l.Code)
		}
		if l.In("zh") == "" || l.In("en") == "" || strings.Contains(l.In("zh")+l.In("en"), "%!") {
			t.Errorf("line %+v", l)
		}
	}
	return report.Result(), strings.Join(codes, " ")
}

func pinned(desk *Desk) VerifyOptions { return VerifyOptions{Keys: []string{desk.Key.Public}} }

func TestBundleIsVerifiedOfflineAndTheSameEveryTime(t *testing.T) { // EV-10, EV-11
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		desk := newDesk(t, d)
		request := silence(t, desk)
		bundle := makeBundle(t, desk, request)
		record(t, d, newLeaf("clock_ok", "system"))
		if err := desk.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if again := makeBundle(t, desk, request); !bytes.Equal(bundle, again) {
			t.Error("the same bundle, made later, has other bytes")
		}
		b, err := OpenBundle(bytes.NewReader(bundle), int64(len(bundle)))
		if err != nil {
			t.Fatal(err)
		}
		report, err := b.Verify(pinned(desk))
		if err != nil || report.Result() != Pass || report.Result().Exit() != 0 {
			t.Errorf("%s %+v, %v", report.Result(), report.Lines, err)
		}
		if e := b.Entries(); len(e) != 3 || e[0].Stream != commonStream || e[2].Type != "deadline_set" {
			t.Errorf("entries: %+v", e)
		}
		if e, field, ok := b.Committed("notice.eml"); !ok || e.Type != "notice_composed" || field != "body_hash" {
			t.Errorf("notice.eml is committed to by %+v %s", e, field)
		}
		if _, _, ok := b.Committed("page.html"); ok {
			t.Error("page.html is committed to")
		}
		if c := report.Checkpoint; c.Size != 4 || !c.At.Equal(desk.Now()) {
			t.Errorf("anchored by %+v", c)
		}
		if b.About()["department"] != "消防" {
			t.Errorf("about: %v", b.About())
		}
	})
}

var update = flag.Bool("update", false, "write the kept bundle anew")

// A bundle made today must be read by every later program, so one is kept.
func TestKeptBundleIsStillVerified(t *testing.T) { // EV-10
	const bundleFile, keyFile = "testdata/kept.evidence.zip", "testdata/kept.key"
	if *update {
		desk := newDesk(t, dbtest.SQLite(t))
		err := os.WriteFile(bundleFile, makeBundle(t, desk, silence(t, desk)), 0o600)
		if err = errors.Join(err, os.WriteFile(keyFile, []byte(desk.Key.Public+"\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	bundle, err := os.ReadFile(bundleFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if result, codes := verdict(t, filesOf(t, bundle), VerifyOptions{Keys: []string{string(key)}}); result != Pass {
		t.Errorf("%s %s", result, codes)
	}
}

func TestBundleUnderAnUnknownKeyIsNeverPassed(t *testing.T) { // EV-11
	desk := newDesk(t, dbtest.SQLite(t))
	files := filesOf(t, makeBundle(t, desk, silence(t, desk)))
	if result, _ := verdict(t, files, VerifyOptions{}); result != Unpinned || result.Exit() != 3 {
		t.Errorf("without key: %s", result)
	}
	other, err := CreateKey(filepath.Join(t.TempDir(), "k"), desk.Key.Origin)
	if err != nil {
		t.Fatal(err)
	}
	result, codes := verdict(t, files, VerifyOptions{Keys: []string{other.Public}})
	if result != Fail || result.Exit() != 1 || !strings.Contains(codes, "manifest_signature checkpoint_signature") {
		t.Errorf("other key: %s %s", result, codes)
	}
	b, err := newBundle(files)
	if err != nil {
		t.Fatal(err)
	}
	report, err := b.Verify(VerifyOptions{Keys: []string{other.Public, desk.Key.Public}})
	if err != nil || report.Result() != Pass || report.Key != desk.Key.Public {
		t.Errorf("one of two keys: %s by %s, %v", report.Result(), report.Key, err)
	}
	if result, _ := verdict(t, files, VerifyOptions{Keys: []string{"nonsense"}}); result.Exit() != ExitUnreadable {
		t.Errorf("unreadable key: %s", result)
	}
}

func TestNoByteOfAnArchiveCanBeChanged(t *testing.T) { // PRO-10
	desk := newDesk(t, dbtest.SQLite(t))
	bundle := makeBundle(t, desk, silence(t, desk))
	for i := range bundle {
		forged := bytes.Clone(bundle)
		forged[i] ^= 1 << (i % 8)
		if _, err := OpenBundle(bytes.NewReader(forged), int64(len(forged))); !errors.Is(err, ErrUnreadable) {
			t.Fatalf("byte %d of %d: %v", i, len(bundle), err)
		}
		if _, err := OpenBundle(bytes.NewReader(bundle[:i]), int64(i)); !errors.Is(err, ErrUnreadable) {
			t.Fatalf("cut at %d of %d: %v", i, len(bundle), err)
		}
	}
}

func TestNoByteOfAFileCanBeChangedByTheHolder(t *testing.T) { // PRO-10
	desk := newDesk(t, dbtest.SQLite(t))
	files := filesOf(t, makeBundle(t, desk, silence(t, desk)))
	eachFlip(files, func(name string, i int, forged map[string][]byte) {
		if result, _ := verdict(t, forged, pinned(desk)); result.Exit() == 0 {
			t.Fatalf("byte %d of %s: %s", i, name, result)
		}
	})
	for name := range files {
		less := maps.Clone(files)
		delete(less, name)
		if result, _ := verdict(t, less, pinned(desk)); result.Exit() == 0 {
			t.Errorf("%s removed: %s", name, result)
		}
		more := maps.Clone(files)
		more["x-"+name] = files[name]
		if result, codes := verdict(t, more, pinned(desk)); result.Exit() == 0 {
			t.Errorf("%s doubled: %s %s", name, result, codes)
		}
	}
}

// Whoever has the log's key can sign any manifest, but not undo the log.
func TestNoByteOfTheEvidenceCanBeChangedByTheOperator(t *testing.T) { // PRO-10
	desk := newDesk(t, dbtest.SQLite(t))
	files := filesOf(t, makeBundle(t, desk, silence(t, desk)))
	eachFlip(files, func(name string, i int, forged map[string][]byte) {
		if name == manifestName || name == signatureName || slices.Contains(informative, name) {
			return // these are his own words
		}
		reseal(t, desk, forged, unchanged)
		if result, _ := verdict(t, forged, pinned(desk)); result.Exit() == 0 {
			t.Fatalf("byte %d of %s: %s", i, name, result)
		}
	})
}

// eachFlip gives files with one bit of one byte changed, for each byte.
func eachFlip(files map[string][]byte, try func(name string, i int, forged map[string][]byte)) {
	for name, body := range files {
		for i := range body {
			forged := maps.Clone(files)
			forged[name] = bytes.Clone(body)
			forged[name][i] ^= 1 << (i % 8)
			try(name, i, forged)
		}
	}
}

// forgery is something the operator does to a bundle before signing it anew.
type forgery struct {
	name, code string
	change     func(files map[string][]byte, m *manifest)
}

// forgeries of the bundle of silence: leaves left out, doubled, exchanged or
// invented, files and checkpoints put in the place of others.
func forgeries(t *testing.T) []forgery {
	t.Helper()
	const one, two, three = "leaves/001.json", "leaves/002.json", "leaves/003.json"
	p := func(leaf string) string {
		return strings.Replace(strings.Replace(leaf, "leaves", "proofs", 1), "json", "tlog-proof", 1)
	}
	without := func(leaf string) func(map[string][]byte, *manifest) {
		return func(files map[string][]byte, _ *manifest) { delete(files, leaf); delete(files, p(leaf)) }
	}
	swap := func(files map[string][]byte, a, b string) { files[a], files[b] = files[b], files[a] }
	return []forgery{
		{"first leaf of a stream left out", "stream_broken", without(two)},
		{"last leaf left out", "stream_broken", without(three)},
		{"whole stream left out", "stream_broken", without(one)},
		{"stream disowned", "stream_broken", func(_ map[string][]byte, m *manifest) { delete(m.Streams, fireStream) }},
		{"stream added", "stream_broken", func(_ map[string][]byte, m *manifest) { m.Streams["case/c1/amr"] = 0 }},
		{"proof left out", "proof_missing", func(files map[string][]byte, _ *manifest) { delete(files, p(two)) }},
		{"proofs exchanged", "leaf_not_included", func(files map[string][]byte, _ *manifest) { swap(files, p(one), p(two)) }},
		{"proof renumbered", "leaf_not_included", func(files map[string][]byte, _ *manifest) {
			files[p(two)] = bytes.Replace(files[p(two)], []byte("index 1"), []byte("index 2"), 1)
		}},
		{"leaves exchanged", "stream_broken", func(files map[string][]byte, _ *manifest) {
			swap(files, two, three)
			swap(files, p(two), p(three))
		}},
		{"leaves of two streams exchanged", "stream_broken", func(files map[string][]byte, _ *manifest) {
			swap(files, one, two)
			swap(files, p(one), p(two))
		}},
		{"leaf doubled", "stream_broken", func(files map[string][]byte, _ *manifest) {
			files["leaves/004.json"], files["proofs/004.tlog-proof"] = files[three], files[p(three)]
		}},
		{"leaf invented", "leaf_not_included", func(files map[string][]byte, m *manifest) {
			last, _ := parseLeaf(files[three])
			e := Entry{Leaf: newLeaf("deemed", fireStream), Seq: last.Seq, StreamSeq: 3, Previous: last.Hash}
			if err := e.seal(); err != nil {
				t.Fatal(err)
			}
			m.Streams[fireStream] = 3
			files["leaves/004.json"], files["proofs/004.tlog-proof"] = e.Bytes, files[p(three)]
		}},
		{"leaf spoiled", "leaf_unreadable", func(files map[string][]byte, _ *manifest) { files[two] = []byte("{}x") }},
		{"no leaf at all", "stream_broken", func(files map[string][]byte, m *manifest) {
			for _, leaf := range []string{one, two, three} {
				without(leaf)(files, m)
			}
			clear(m.Streams)
		}},
		{"file exchanged", "file_not_committed", func(files map[string][]byte, _ *manifest) {
			files["notice.eml"] = []byte("another notice")
		}},
		{"file under a second name", "file_not_committed", func(files map[string][]byte, _ *manifest) {
			files["notice2.eml"] = files["notice.eml"]
		}},
		{"salt forgotten", "file_not_committed", func(_ map[string][]byte, m *manifest) { delete(m.Salts, "notice.eml") }},
		{"bytes moved between salt and file", "file_not_committed", func(files map[string][]byte, m *manifest) {
			files["notice.eml"] = files["notice.eml"][1:]
			m.Salts["notice.eml"] += "46"
		}},
		{"checkpoint of another size", "checkpoint_signature", func(_ map[string][]byte, m *manifest) { m.Size = 1 }},
		{"checkpoint under another size", "checkpoint_signature", func(files map[string][]byte, m *manifest) {
			files[checkpointName(2)] = files[checkpointName(m.Size)]
			m.Size = 2
		}},
		{"checkpoint left out", "checkpoint_signature", func(files map[string][]byte, m *manifest) {
			delete(files, checkpointName(m.Size))
		}},
		{"consistency proof spoiled", "checkpoint_unproved", func(files map[string][]byte, _ *manifest) {
			files[consistencyName(1)] = []byte("x")
		}},
		{"checkpoint older than itself", "checkpoint_unproved", func(files map[string][]byte, m *manifest) {
			files[consistencyName(m.Size)] = formatConsistency(proof{checkpoint: files[checkpointName(m.Size)]})
		}},
	}
}

func TestOperatorCannotOmitReorderOrInventLeaves(t *testing.T) { // EV-2, PRO-10
	desk := newDesk(t, dbtest.SQLite(t))
	bundle := makeBundle(t, desk, silence(t, desk))
	for _, c := range forgeries(t) {
		files := filesOf(t, bundle)
		reseal(t, desk, files, func(m *manifest) { c.change(files, m) })
		if result, codes := verdict(t, files, pinned(desk)); result != Fail || !strings.Contains(codes, c.code) {
			t.Errorf("%s: %s %s", c.name, result, codes)
		}
	}
}

func TestLaterVersionsAreSaidNotGuessed(t *testing.T) { // EV-3
	desk := newDesk(t, dbtest.SQLite(t))
	bundle := makeBundle(t, desk, silence(t, desk))
	files := filesOf(t, bundle)
	files["leaves/001.json"] = bytes.Replace(files["leaves/001.json"], []byte(`"v":1`), []byte(`"v":2`), 1)
	if result, text := verdict(t, files, pinned(desk)); result.Exit() != ExitUnreadable || !strings.Contains(text, "newer") {
		t.Errorf("leaf: %s %s", result, text)
	}
	files = filesOf(t, bundle)
	reseal(t, desk, files, func(m *manifest) { m.Version = 2 })
	if result, text := verdict(t, files, pinned(desk)); result.Exit() != ExitUnreadable || !strings.Contains(text, "newer") {
		t.Errorf("bundle: %s %s", result, text)
	}
}

// fork gives a second log with the same key that tells another story.
func fork(t *testing.T, desk *Desk) *Desk {
	t.Helper()
	other := &Desk{DB: dbtest.SQLite(t), Key: desk.Key, Now: desk.Now}
	record(t, other.DB, newLeaf("clock_ok", "system"))
	if err := other.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	return other
}

func TestForkedLogIsConvictedByItsOwnCheckpoints(t *testing.T) { // EV-7, EV-11.4
	desk := newDesk(t, dbtest.SQLite(t))
	request := silence(t, desk)
	files := filesOf(t, makeBundle(t, desk, request))
	kept, err := parseConsistency(files[consistencyName(1)])
	if err != nil {
		t.Fatal(err)
	}
	with := func(notes ...[]byte) VerifyOptions {
		return VerifyOptions{Keys: []string{desk.Key.Public}, Checkpoints: notes}
	}
	if result, codes := verdict(t, files, with(kept.checkpoint, files[checkpointName(4)])); result != Pass {
		t.Errorf("its own checkpoints: %s %s", result, codes)
	}
	other := fork(t, desk)
	if result, codes := verdict(t, files, with(latest(t, other.DB).Note)); result != Conflict || result.Exit() != 1 {
		t.Errorf("the fork's first checkpoint: %s %s", result, codes)
	}
	record(t, other.DB, newLeaf("a", "system"), newLeaf("b", "system"), newLeaf("c", "system"))
	if err := other.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	swapped := maps.Clone(files)
	swapped[checkpointName(4)] = latest(t, other.DB).Note
	reseal(t, desk, swapped, unchanged)
	if result, codes := verdict(t, swapped, pinned(desk)); result != Fail || !strings.Contains(codes, "leaf_not_included") {
		t.Errorf("checkpoint swapped: %s %s", result, codes)
	}
	record(t, other.DB, newLeaf("d", "system"))
	if err := other.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if result, codes := verdict(t, files, with(latest(t, other.DB).Note)); result != Fail || codes != "checkpoint_unproved" {
		t.Errorf("a size the bundle does not know: %s %s", result, codes)
	}
	if result, codes := verdict(t, files, with([]byte("校验点 x"))); result != Fail || codes != "older_signature" {
		t.Errorf("no checkpoint: %s %s", result, codes)
	}
}

func TestBundleContinuesTheCheckpointsItsHolderNames(t *testing.T) { // EV-11.4
	desk := newDesk(t, dbtest.SQLite(t))
	request := silence(t, desk)
	makeBundle(t, desk, request) // signs size 4
	record(t, desk.DB, newLeaf("clock_ok", "system"))
	if err := desk.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	record(t, desk.DB, newLeaf("clock_ok", "system"))
	held := latest(t, desk.DB)
	request.Older = []int64{held.Size}
	files := filesOf(t, makeBundle(t, desk, request))
	o := pinned(desk)
	o.Checkpoints = [][]byte{[]byte(held.Footer())}
	if result, codes := verdict(t, files, o); result != Pass {
		t.Errorf("%s %s", result, codes)
	}
	request.Older = []int64{1000}
	if err := desk.Bundle(t.Context(), &bytes.Buffer{}, request); !errors.Is(err, ErrRewound) {
		t.Errorf("a checkpoint larger than the log: %v", err)
	}
}

func TestBundleOfNothingIsRefused(t *testing.T) { // EV-10
	desk := newDesk(t, dbtest.SQLite(t))
	request := silence(t, desk)
	for name, change := range map[string]func(*BundleRequest){
		"no stream":      func(r *BundleRequest) { r.Streams = nil },
		"unknown stream": func(r *BundleRequest) { r.Streams = []string{"case/c9/fire"} },
		"folder":         func(r *BundleRequest) { r.Files = map[string]File{"leaves/001.json": {}} },
		"way out":        func(r *BundleRequest) { r.Files = map[string]File{"..": {}} },
		"manifest":       func(r *BundleRequest) { r.Files = map[string]File{manifestName: {}} },
		"too large":      func(r *BundleRequest) { r.Files = map[string]File{"page.html": {Body: make([]byte, maxArchive)}} },
	} {
		r := request
		change(&r)
		if err := desk.Bundle(t.Context(), &bytes.Buffer{}, r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
