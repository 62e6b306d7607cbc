package audit

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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

func TestHostileNamesAreRefusedInGoodArchives(t *testing.T) { // SEC-15
	for _, name := range []string{"../x", "/x", `..\\x`, "a/../x", "a//x", "./x", ".", "X", "消防", "a\x00"} {
		b, err := pack(map[string][]byte{name: nil})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unpack(bytes.NewReader(b), int64(len(b))); err == nil || !strings.Contains(err.Error(), "name") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Many entries over the same bytes would unpack to far more than the archive.
func TestOverlappingFilesAreRefused(t *testing.T) { // SEC-15
	b, err := pack(map[string][]byte{"a": make([]byte, 1<<20)})
	if err != nil {
		t.Fatal(err)
	}
	end := len(b) - endRecord
	start := bytes.Index(b, []byte("PK\x01\x02"))
	entry := bytes.Clone(b[start:end])
	entry[46] = 'b' // the name follows the fixed part
	forged := slices.Concat(b[:end], entry, b[end:])
	tail := forged[len(forged)-endRecord:]
	tail[8], tail[10] = 2, 2
	binary.LittleEndian.PutUint32(tail[12:], uint32(2*len(entry)))
	if _, err := unpack(bytes.NewReader(forged), int64(len(forged))); err == nil || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("got %v", err)
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
