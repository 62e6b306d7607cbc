package audit

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"lianban/internal/db/dbtest"
)

// second is docs/verify_bundle.py, which was written from docs/evidence.md and
// shares no code with this package (EV-12).
type second struct {
	t     *testing.T
	cases []secondCase
}

// secondCase is one bundle with what the verifying side brings along, as files,
// and what this package says of it.
type secondCase struct {
	Name        string   `json:"name"`
	File        string   `json:"file"`
	Key         string   `json:"key,omitempty"`
	Checkpoints []string `json:"checkpoints"`
	Receipts    []string `json:"receipts"`

	want string
}

func (s *second) write(b []byte) string {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "f")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

func (s *second) add(name string, bundle []byte, o VerifyOptions) {
	s.t.Helper()
	c := secondCase{Name: name, File: s.write(bundle), Checkpoints: []string{}, Receipts: []string{}, want: "UNREADABLE"}
	if len(o.Keys) > 0 {
		c.Key = o.Keys[0]
	}
	for _, b := range o.Checkpoints {
		c.Checkpoints = append(c.Checkpoints, s.write(b))
	}
	for _, b := range o.Receipts {
		c.Receipts = append(c.Receipts, s.write(b))
	}
	if b, err := OpenBundle(bytes.NewReader(bundle), int64(len(bundle))); err == nil {
		if report, err := b.Verify(o); err == nil {
			c.want = string(report.Result())
		}
	}
	s.cases = append(s.cases, c)
}

func (s *second) addFiles(name string, files map[string][]byte, o VerifyOptions) {
	s.t.Helper()
	bundle, err := pack(files)
	if err != nil {
		s.t.Fatal(err)
	}
	s.add(name, bundle, o)
}

// judge is run by Python, once for all bundles.
const judge = `
import json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import verify_bundle
for c in json.load(sys.stdin):
    print(json.dumps(verify_bundle.verdict(c["file"], c.get("key"), c["checkpoints"], c["receipts"])))
`

func (s *second) agrees() {
	s.t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		s.t.Skip("SKIPPED: there is no python3 to run the second verifier")
	}
	list, err := json.Marshal(s.cases)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), python, "-c", judge, filepath.Join("..", "..", "docs"))
	cmd.Stdin = bytes.NewReader(list)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%v: %s", err, complaint.String())
	}
	d, results := json.NewDecoder(bytes.NewReader(out)), map[string]int{}
	for _, c := range s.cases {
		var said [3]any
		if err := d.Decode(&said); err != nil {
			s.t.Fatal(err)
		}
		if said[0] != c.want {
			s.t.Errorf("%s: %s here, %v there", c.Name, c.want, said)
		}
		results[c.want]++
	}
	s.t.Logf("%d bundles: %v", len(s.cases), results)
}

// Whatever is done to a bundle, by its holder or by the operator, both verifiers
// come to the same result.
func TestASecondVerifierAgreesOnEveryBundle(t *testing.T) { // EV-12, PRO-10
	desk := newDesk(t, dbtest.SQLite(t))
	bundle := makeBundle(t, desk, silence(t, desk))
	s := &second{t: t}
	s.add("as made", bundle, pinned(desk))
	s.add("no key", bundle, VerifyOptions{})
	s.add("nonsense for a key", bundle, VerifyOptions{Keys: []string{"nonsense"}})
	s.add("another key", bundle, VerifyOptions{Keys: []string{fork(t, newDesk(t, dbtest.SQLite(t))).Key.Public}})
	random := rand.New(rand.NewPCG(1, 2)) // the same flips every time
	for range 60 {
		i := random.IntN(len(bundle))
		forged := bytes.Clone(bundle)
		forged[i] ^= 1 << random.IntN(8)
		s.add("archive, byte "+strconv.Itoa(i), forged, pinned(desk))
	}
	s.add("cut short", bundle[:len(bundle)/2], pinned(desk))
	s.add("nothing", nil, pinned(desk))
	files := filesOf(t, bundle)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for range 6 {
			i := random.IntN(len(files[name]))
			forged := maps.Clone(files)
			forged[name] = bytes.Clone(files[name])
			forged[name][i] ^= 1 << random.IntN(8)
			s.addFiles(name+", byte "+strconv.Itoa(i), forged, pinned(desk))
			if name != manifestName {
				reseal(t, desk, forged, unchanged)
				s.addFiles(name+", byte "+strconv.Itoa(i)+", signed anew", forged, pinned(desk))
			}
		}
		less := maps.Clone(files)
		delete(less, name)
		s.addFiles(name+" removed", less, pinned(desk))
	}
	for _, c := range forgeries(t) {
		forged := filesOf(t, bundle)
		reseal(t, desk, forged, func(m *manifest) { c.change(forged, m) })
		s.addFiles(c.name, forged, pinned(desk))
	}
	s.agrees()
}

func TestASecondVerifierAgreesOnForksAndReceipts(t *testing.T) { // EV-12, EV-7, EV-9
	desk := newDesk(t, dbtest.SQLite(t))
	request := silence(t, desk)
	bundle := makeBundle(t, desk, request)
	s := &second{t: t}
	with := func(checkpoints, receipts [][]byte) VerifyOptions {
		return VerifyOptions{Keys: []string{desk.Key.Public}, Checkpoints: checkpoints, Receipts: receipts}
	}
	own := latest(t, desk.DB)
	s.add("its own checkpoint", bundle, with([][]byte{own.Note, []byte(own.Footer())}, nil))
	other := fork(t, desk)
	s.add("a fork's checkpoint", bundle, with([][]byte{latest(t, other.DB).Note}, nil))
	s.add("no checkpoint", bundle, with([][]byte{[]byte("校验点 x")}, nil))
	record(t, desk.DB, reply("decline"))
	receipt := [][]byte{receiptFor(t, desk, 2)}
	s.add("a receipt for what came later", bundle, with(nil, receipt))
	s.add("a receipt for what it shows", makeBundle(t, desk, request), with(nil, receipt))
	s.add("a receipt of another log", bundle, with(nil, [][]byte{bytes.Replace(receipt[0], []byte("decline"), []byte("accept"), 1)}))
	s.agrees()
}
