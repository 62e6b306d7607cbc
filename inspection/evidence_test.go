package inspection

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

const story = "case/c1/amr"

// told is one leaf of a story, in the order of the log.
func told(kind string, at time.Time, fields map[string]any) audit.Leaf {
	for k, v := range map[string]any{"visit": "v1", "round": 1} {
		if _, given := fields[k]; !given {
			fields[k] = v
		}
	}
	return audit.Leaf{Type: kind, Stream: story, Actor: systemActor.String(), At: at, Fields: fields}
}

// aSilence is an honest story: served on Thursday, silent, deemed on Friday
// (leaf 2), five minutes after the end of office hours.
func aSilence() []audit.Leaf {
	t1 := time.Date(2026, 11, 26, 1, 41, 0, 0, time.UTC)
	t2 := time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC)
	return []audit.Leaf{
		told("arrived", t1, map[string]any{"class": "B", "channel": "portal", "message": "m1", "served_at": t1}),
		told("deadline_set", t1, map[string]any{
			"t1": t1, "t2": t2, "printed": t2, "term": 1, "hours": "09:00-12:00,13:30-17:30",
			"off": []string{}, "work": []string{}, "calendar_version": 1,
		}),
		told("deemed", t2.Add(5*time.Minute), map[string]any{
			"reason": "no_reply", "t2": t2, "grace_seconds": 300, "relies": []int64{0, 1}, "calendar_version": 1,
			"inbox": map[string]any{"mail": map[string]any{"alive_through": t2.Add(time.Minute)}},
		}),
	}
}

// before puts a leaf in front of the outcome.
func before(leaves []audit.Leaf, leaf audit.Leaf) []audit.Leaf {
	last := len(leaves) - 1
	return append(append(leaves[:last:last], leaf), leaves[last])
}

// Each check of the field fails on the story that breaks it, and a program that
// shares no code with this one comes to the same result.
func TestEveryCheckOfADeemedConsentIsMadeAgainOffline(t *testing.T) { // EV-11, EV-12, INS-909
	t2 := aSilence()[1].Fields["t2"].(time.Time)
	reply := func(at time.Time, more map[string]any) audit.Leaf {
		fields := map[string]any{"reply": "r1", "kind": "decline", "outcome": "applied", "received_at": at}
		maps.Copy(fields, more)
		return told("reply_received", at, fields)
	}
	with := func(leaf int, field string, value any) func() []audit.Leaf {
		return func() []audit.Leaf {
			leaves := aSilence()
			leaves[leaf].Fields[field] = value
			return leaves
		}
	}
	added := func(leaf audit.Leaf) func() []audit.Leaf {
		return func() []audit.Leaf { return before(aSilence(), leaf) }
	}
	moved := func(t2, was time.Time) func() []audit.Leaf {
		return func() []audit.Leaf {
			fields := map[string]any{"was": was, "t2": t2}
			for k, v := range aSilence()[1].Fields {
				if _, given := fields[k]; !given && k != "printed" {
					fields[k] = v
				}
			}
			leaves := before(aSilence(), told("deadline_set", t2.Add(-time.Hour), fields))
			leaves[3].Fields["t2"], leaves[3].At = t2, t2.Add(time.Hour)
			leaves[3].Fields["inbox"] = map[string]any{"mail": map[string]any{"alive_through": t2.Add(time.Minute)}}
			return leaves
		}
	}
	var second []secondCase
	refused := func(other audit.Leaf) func() []audit.Leaf { // before the notice whose arrival proves the service
		return func() []audit.Leaf {
			counter := reply(t2.Add(-2*time.Hour), map[string]any{"kind": "counter"})
			leaves := []audit.Leaf{other, counter, told("answer_refused", t2.Add(-time.Hour), map[string]any{"reply": "r1", "notice": "n2"})}
			silence := aSilence()
			silence[0].Fields["notice"], silence[2].Fields["relies"] = "n2", []int64{3, 4}
			return append(leaves, silence...)
		}
	}
	for _, c := range []struct {
		name, code string
		tell       func() []audit.Leaf
	}{
		{"honest", "", aSilence},
		{"served by SMS alone", "service_missing", with(0, "class", "C")},
		{"handed to the relay alone", "service_missing", with(0, "class", "D")},
		{"served in another round", "service_missing", with(0, "round", 2)},
		{"served in another visit", "service_missing", with(0, "visit", "v0")},
		{"the only service fell", "service_missing", added(told("delivery_failed", t2, map[string]any{"message": "m1"}))},
		{"contested, and void", "service_missing", added(told("contest_ended", t2, map[string]any{"outcome": "void", "notice": "n2"}))}, // INS-712
		{"contested, and rejected", "", added(told("contest_ended", t2, map[string]any{"outcome": "rejected"}))},
		{"contested, and later without its arrival", "service_missing", added(told("contest_ended", t2, map[string]any{"outcome": "later"}))},
		{"another service fell", "", added(told("delivery_failed", t2, map[string]any{"message": "m2"}))},
		{"a day too short", "term_short", with(1, "term", 2)},
		{"before the printed deadline", "term_short", with(1, "printed", t2.Add(time.Millisecond))},
		{"the next day is off", "term_short", with(1, "off", []string{"2026-11-27"})},
		{"moved later", "", moved(t2.Add(72*time.Hour), t2)},
		{"moved from where it never stood", "term_moved_earlier", moved(t2.Add(72*time.Hour), t2.Add(time.Hour))},
		{"another deadline than on record", "term_mismatch", with(2, "t2", t2.Add(-time.Millisecond))},
		{"within the grace", "deemed_early", with(2, "grace_seconds", 301)},
		{"inbox not read after it", "inbox_not_read", with(2, "inbox", map[string]any{"mail": map[string]any{"alive_through": t2}})},
		{"no inbox at all", "inbox_not_read", with(2, "inbox", map[string]any{})},
		{"answered at the last moment", "reply_in_time_ignored", added(reply(t2, nil))},
		{"answered too late", "", added(reply(t2.Add(time.Millisecond), nil))},
		{"delegated", "", added(reply(t2, map[string]any{"kind": "delegate"}))},
		{"answered to a superseded time", "", added(reply(t2, map[string]any{"outcome": "superseded"}))},
		{"answered in another visit", "", added(reply(t2, map[string]any{"visit": "v0"}))},
		{"answered in time, read later, suspended", "", func() []audit.Leaf {
			return append(aSilence(), reply(t2, nil), told("deemed_suspended", t2.Add(time.Hour), map[string]any{"why": "reply"}))
		}},
		{"answered in time, read later", "reply_in_time_ignored", func() []audit.Leaf { return append(aSilence(), reply(t2, nil)) }},
		{"a yes that a refused counter replaced", "", refused(reply(t2.Add(-3*time.Hour), map[string]any{"reply": "r0", "kind": "accept"}))}, // INS-811
		{"a no before a refused counter", "reply_in_time_ignored", refused(reply(t2.Add(-3*time.Hour), map[string]any{"reply": "r0"}))},
		{"a yes after a refused counter", "reply_in_time_ignored", refused(reply(t2, map[string]any{"reply": "r0", "kind": "accept"}))},
		{"relies on what is not there", "relies_missing", with(2, "relies", []int64{0, 1, 2})},
	} {
		bundle, key := bundleOf(t, c.tell())
		result, codes := offline(t, bundle, key)
		if want := map[bool]audit.Result{true: audit.Pass, false: audit.Fail}[c.code == ""]; codes != c.code ||
			result != want && (result != audit.Conflict || c.code != "reply_in_time_ignored") {
			t.Errorf("%s: %s %q", c.name, result, codes)
		}
		second = append(second, secondCase{name: c.name, bundle: bundle, key: key, want: string(result)})
	}
	secondVerdicts(t, second...)
}

// bundleOf records a story and gives its bundle and the log's public key.
func bundleOf(t *testing.T, leaves []audit.Leaf) (bundle []byte, key string) {
	t.Helper()
	d := dbtest.SQLite(t)
	k, err := audit.CreateKey(filepath.Join(t.TempDir(), "key"), "lianban.test/log")
	if err != nil {
		t.Fatal(err)
	}
	log := &audit.Desk{DB: d, Now: time.Now, Key: k}
	err = d.Write(t.Context(), func(tx bun.IDB) error { return audit.Record(t.Context(), tx, leaves...) })
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := log.Bundle(t.Context(), &out, audit.BundleRequest{Streams: []string{story}}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), k.Public
}

func offline(t *testing.T, bundle []byte, key string) (audit.Result, string) {
	t.Helper()
	b, err := audit.OpenBundle(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		t.Fatal(err)
	}
	report, err := b.Verify(audit.VerifyOptions{Keys: []string{key}})
	if err != nil {
		t.Fatal(err)
	}
	VerifyBundle(b, &report)
	var codes []string
	for _, l := range report.Lines {
		if l.Code != "" {
			codes = append(codes, l.Code)
		}
	}
	return report.Result(), strings.Join(codes, " ")
}

// secondCase is a bundle with the verdict that is wanted of docs/verify_bundle.py.
type secondCase struct {
	name   string
	bundle []byte
	key    string
	want   string
	held   []byte // a checkpoint that the reader brings along, if any
}

// secondVerdicts wants the same results of docs/verify_bundle.py.
func secondVerdicts(t *testing.T, cases ...secondCase) {
	t.Helper()
	for i, said := range secondResults(t, cases...) {
		if said != cases[i].want {
			t.Errorf("%s: %s here, %s there", cases[i].name, cases[i].want, said)
		}
	}
}

// secondResults are the results of docs/verify_bundle.py, which reads all bundles
// in one go.
func secondResults(t *testing.T, cases ...secondCase) []string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: there is no python3 to run the second verifier")
	}
	dir := t.TempDir()
	write := func(name string, body []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	args := []string{"-c", `
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import verify_bundle
for file, key, held in zip(sys.argv[2::3], sys.argv[3::3], sys.argv[4::3]):
    print(verify_bundle.verdict(file, key, [held] if held else [])[0])`, filepath.Join("..", "docs")}
	for i, c := range cases {
		held := ""
		if c.held != nil {
			held = write(fmt.Sprintf("%d.checkpoint", i), c.held)
		}
		args = append(args, write(fmt.Sprintf("%d.evidence.zip", i), c.bundle), c.key, held)
	}
	out, err := exec.CommandContext(t.Context(), python, args...).Output()
	said := strings.Fields(string(out))
	if err != nil || len(said) != len(cases) {
		t.Fatalf("%v: %d results of %d", err, len(said), len(cases))
	}
	return said
}

// The whole way of a case leads to a bundle that both verifiers pass.
func TestTheBundleOfARealCasePassesBothVerifiers(t *testing.T) { // EV-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.deemedAt(v, "amr")
		w.holdVisit(v)
		var file bytes.Buffer
		w.must(w.Bundle(t.Context(), w.clerk, w.log, BundleRequest{VisitID: v.ID, DepartmentID: w.department("amr")}, &file))
		secondVerdicts(t, secondCase{name: "amr", bundle: file.Bytes(), key: w.log.Key.Public, want: "PASS"})
	})
}

// Not coming and a missing opinion lead to bundles that both verifiers pass.
func TestTheBundlesOfTheVisitDayPassBothVerifiers(t *testing.T) { // EV-12, INS-921, INS-931
	for name, visit := range map[string]func(*testWorld) Visit{
		"did not come": func(w *testWorld) Visit { return w.absent("urban") },
		"no opinion":   func(w *testWorld) Visit { return w.came() },
	} {
		w := newWorld(t, town.SQLite(t))
		v := visit(w)
		w.wait(at(20, 18, 0))
		if w.part(v.ID, "urban").Deemed == nil {
			t.Fatalf("%s: holds %v", name, w.part(v.ID, "urban").OpenHolds())
		}
		w.verifyBundle(v, "urban")
		var file bytes.Buffer
		w.must(w.Bundle(t.Context(), w.clerk, w.log, BundleRequest{VisitID: v.ID, DepartmentID: w.department("urban")}, &file))
		secondVerdicts(t, secondCase{name: name, bundle: file.Bytes(), key: w.log.Key.Public, want: "PASS"})
	}
}
