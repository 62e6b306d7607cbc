package audit

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

// FuzzOpenBundle feeds any bytes as a file: no panic, and one kind of error.
func FuzzOpenBundle(f *testing.F) {
	kept, err := os.ReadFile("testdata/kept.evidence.zip")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kept)
	f.Add([]byte("PK\x05\x06" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		bundle, err := OpenBundle(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			if !errors.Is(err, ErrUnreadable) {
				t.Errorf("error of another kind: %v", err)
			}
			return
		}
		report, err := bundle.Verify(VerifyOptions{})
		if err == nil && report.Result() == Pass {
			t.Error("passed without a key")
		}
	})
}

// FuzzVerify gets past the archive's own checks: it puts any bytes in the place
// of one file of a good bundle. Nothing but the original may be proved.
func FuzzVerify(f *testing.F) {
	kept, err := os.ReadFile("testdata/kept.evidence.zip")
	if err != nil {
		f.Fatal(err)
	}
	key, err := os.ReadFile("testdata/kept.key")
	if err != nil {
		f.Fatal(err)
	}
	files := filesOf(f, kept)
	for name, body := range files {
		f.Add(name, body, body)
	}
	f.Fuzz(func(t *testing.T, name string, body, held []byte) {
		forged := filesOf(t, kept)
		forged[name] = body
		o := VerifyOptions{Keys: []string{string(key)}}
		if result, _ := verdict(t, forged, o); result == Pass && !bytes.Equal(files[name], body) {
			t.Errorf("%s passed as\n%q", name, body)
		}
		o.Checkpoints, o.Receipts = [][]byte{held}, [][]byte{held}
		if result, _ := verdict(t, forged, o); result == Pass {
			t.Errorf("%q passed as checkpoint and as receipt", held)
		}
		if e, err := parseLeaf(held); err == nil && !bytes.Equal(e.Bytes, held) {
			t.Errorf("leaf %q read as %q", held, e.Bytes)
		}
	})
}
