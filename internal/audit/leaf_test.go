package audit

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func newLeaf(kind, stream string) Leaf {
	return Leaf{Type: kind, Stream: stream, Actor: "person:17", At: time.Date(2026, 3, 2, 1, 12, 41, 0, time.UTC)}
}

func TestLeafBytesAreCanonicalAndReadBackTheSame(t *testing.T) { // EV-3
	leaf := newLeaf("deadline_set", "case/c1/d1")
	leaf.At = time.Date(2026, 3, 2, 9, 12, 41, 123456789, time.FixedZone("", 8*3600))
	leaf.Fields = map[string]any{
		"name": "𠮷\"\\", "round": 1, "seq": int64(7), "final": true, "due": leaf.At,
		"relies_on": []int64{3, 5}, "queues": []string{"inbox", "spam"}, "none": []string{},
		"rule": map[string]any{"term": 2},
	}
	e := Entry{Leaf: leaf, Seq: 4, StreamSeq: 1}
	if err := e.seal(); err != nil {
		t.Fatal(err)
	}
	const want = `{"actor":"person:17","at":"2026-03-02T01:12:41.123Z","fields":{"due":"2026-03-02T01:12:41.123Z",` +
		`"final":true,"name":"𠮷\"\\","none":[],"queues":["inbox","spam"],"relies_on":[3,5],"round":1,` +
		`"rule":{"term":2},"seq":7},"prev_stream_hash":"","seq":4,"stream":"case/c1/d1","stream_seq":1,` +
		`"type":"deadline_set","v":1}`
	if string(e.Bytes) != want {
		t.Errorf("got  %s\nwant %s", e.Bytes, want)
	}
	back, err := parseLeaf(e.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if back.Hash != e.Hash || back.Text("name") != `𠮷"\` || back.Int("round") != 1 ||
		!back.Time("due").Equal(leaf.At.Truncate(time.Millisecond)) ||
		!reflect.DeepEqual(back.Fields["relies_on"], []int64{3, 5}) {
		t.Errorf("read back %+v", back)
	}
}

// The writer is our own; encoding/json must read what it writes.
func TestLeafTextsSurviveAnyValidString(t *testing.T) { // EV-3, SEC-24
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		b, err := appendText(nil, s)
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			if err == nil {
				t.Fatalf("control character in %q accepted", s)
			}
			return
		}
		var back string
		if err != nil || json.Unmarshal(b, &back) != nil || back != s {
			t.Fatalf("%q became %s, read as %q, %v", s, b, back, err)
		}
	})
}

func TestLeafRefusesWhatCannotBeCanonical(t *testing.T) { // EV-3
	for name, value := range map[string]any{
		"float": 1.5, "null": nil, "control character": "a\nb", "not utf-8": "a\xff",
		"too large": int64(1 << 53), "too small": int64(-1 << 53), "map of strings": map[string]string{},
		"nested float": map[string]any{"x": float32(1)}, "bad nested key": map[string]any{"X": 1},
		"list of anything": []any{"a"}, "too long": strings.Repeat("x", maxLeaf), "infinite": math.Inf(1),
	} {
		e := Entry{Leaf: newLeaf("notice_composed", "system"), StreamSeq: 1}
		e.Fields = map[string]any{"x": value}
		if err := e.seal(); err == nil {
			t.Errorf("%s: accepted as %s", name, e.Bytes)
		}
	}
	for name, change := range map[string]func(*Leaf){
		"type": func(l *Leaf) { l.Type = "Notice" }, "no type": func(l *Leaf) { l.Type = "" },
		"stream": func(l *Leaf) { l.Stream = "" }, "actor": func(l *Leaf) { l.Actor = "" },
		"instant": func(l *Leaf) { l.At = time.Time{} },
		"key":     func(l *Leaf) { l.Fields = map[string]any{"Round": 1} },
	} {
		e := Entry{Leaf: newLeaf("notice_composed", "system"), StreamSeq: 1}
		change(&e.Leaf)
		if err := e.seal(); err == nil {
			t.Errorf("%s: accepted as %s", name, e.Bytes)
		}
	}
}

func TestReaderRefusesLeavesThatTwoReadersCouldUnderstandDifferently(t *testing.T) { // EV-3
	e := Entry{Leaf: newLeaf("reply_received", "system"), StreamSeq: 1}
	e.Fields = map[string]any{"answer": "declined"}
	if err := e.seal(); err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{
		{`"answer":"declined"`, `"answer":"declined","answer":"accepted"`},
		{`"answer":"declined"`, `"answer": "declined"`},
		{`"answer":"declined"`, `"answer":"decline\u0064"`},
		{`"answer":"declined"`, `"answer":null`},
		{`"answer":"declined"`, `"answer":1.0`},
		{`"answer":"declined"`, `"answer":["a",1]`},
		{`"answer":"declined"`, `"answer":[[]]`},
		{`"v":1`, `"v":1,"w":2`},
		{`"seq":0`, `"seq":00`},
		{`"prev_stream_hash":""`, `"prev_stream_hash":"AAAA"`},
		{`}`, "}\n"},
	} {
		text := strings.Replace(string(e.Bytes), edit[0], edit[1], 1)
		if text == string(e.Bytes) {
			t.Fatalf("edit %q had no effect", edit[1])
		}
		if _, err := parseLeaf([]byte(text)); err == nil {
			t.Errorf("accepted %s", text)
		}
	}
}

func TestUnknownLeafVersionIsSaidNotGuessed(t *testing.T) { // EV-3
	e := Entry{Leaf: newLeaf("reply_received", "system"), StreamSeq: 1}
	if err := e.seal(); err != nil {
		t.Fatal(err)
	}
	later := strings.Replace(string(e.Bytes), `"v":1`, `"v":2`, 1)
	if _, err := parseLeaf([]byte(later)); !errors.Is(err, errVersion) {
		t.Errorf("got %v", err)
	}
}

func TestSaltedHashHidesShortTexts(t *testing.T) { // EV-4, SIM-8
	text := []byte("同意")
	salt, hash := Salted(text)
	if again, err := SaltedHash(salt, text); err != nil || again != hash {
		t.Errorf("computed again: %s, %v; was %s", again, err, hash)
	}
	if salt2, hash2 := Salted(text); salt2 == salt || hash2 == hash {
		t.Error("two commitments to the same text are the same")
	}
	plain, err := SaltedHash("", text)
	if err != nil || plain == hash {
		t.Errorf("public hash: %s, %v", plain, err)
	}
	for _, bad := range []string{"00", salt + "00", salt[:62] + "zz"} {
		if _, err := SaltedHash(bad, text); err == nil {
			t.Errorf("salt %q accepted", bad)
		}
	}
}
