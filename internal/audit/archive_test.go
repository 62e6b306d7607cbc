package audit

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"

	"lianban/internal/db/dbtest"
)

func TestHostileArchivesAreRefused(t *testing.T) { // SEC-15
	stored := func(names ...string) func(*zip.Writer) {
		return func(z *zip.Writer) {
			for _, name := range names {
				if w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store}); err == nil {
					_, _ = w.Write([]byte("{}"))
				}
			}
		}
	}
	var many []string
	for i := range maxFiles + 1 {
		many = append(many, fmt.Sprintf("f%d", i))
	}
	for name, fill := range map[string]func(*zip.Writer){
		"nothing in it":       stored(),
		"other zip program":   stored(manifestName),
		"path upwards":        stored("../" + manifestName),
		"absolute path":       stored("/etc/passwd"),
		"backslash":           stored(`..\x`),
		"folder":              stored("leaves/"),
		"doubled name":        stored(manifestName, manifestName),
		"capitals":            stored("MANIFEST.json"),
		"too many files":      stored(many...),
		"compressed, a bomb":  func(z *zip.Writer) { w, _ := z.Create("bomb"); _, _ = w.Write(make([]byte, 1<<20)) },
		"comment at the end":  func(z *zip.Writer) { stored(manifestName)(z); _ = z.SetComment("x") },
		"name in other bytes": stored("\xff"),
	} {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		fill(z)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenBundle(bytes.NewReader(out.Bytes()), int64(out.Len())); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenBundle(bytes.NewReader(nil), maxArchive+1); !errors.Is(err, ErrUnreadable) {
		t.Errorf("too large: %v", err)
	}
}

// Before and behind the archive other bytes may hide a second one.
func TestArchiveWithBytesAroundItIsRefused(t *testing.T) { // SEC-15
	bundle, err := pack(map[string][]byte{manifestName: []byte(`{"v":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	open := func(b []byte) error {
		_, err := OpenBundle(bytes.NewReader(b), int64(len(b)))
		return err
	}
	if err := open(bundle); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{append([]byte("#!/bin/sh\n"), bundle...), append(bytes.Clone(bundle), 0), append(bundle, bundle...)} {
		if err := open(b); !errors.Is(err, ErrUnreadable) {
			t.Errorf("got %v", err)
		}
	}
}

// Package tlog would loop for ever on such sizes.
func TestHostileSizesEndTheVerification(t *testing.T) { // SEC-15
	desk := newDesk(t, dbtest.SQLite(t))
	files := filesOf(t, makeBundle(t, desk, silence(t, desk)))
	for _, size := range []int64{1<<63 - 1, 1<<62 + 1, 1 << 53, 0, -1} {
		forged := maps.Clone(files)
		note, err := desk.Key.sign(Checkpoint{Origin: desk.Key.Origin, Size: size}.text())
		if err != nil {
			t.Fatal(err)
		}
		forged[checkpointName(size)] = note
		reseal(t, desk, forged, func(m *manifest) { m.Size = size })
		if result, codes := verdict(t, forged, pinned(desk)); result != Fail {
			t.Errorf("size %d: %s %s", size, result, codes)
		}
	}
}
