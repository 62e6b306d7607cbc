package audit

import (
	"encoding/hex"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// Inputs and root of the Certificate Transparency test vectors.
func TestTreeIsThatOfRFC6962(t *testing.T) { // EV-5
	var tree edge
	for _, input := range []string{
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
	} {
		b, err := hex.DecodeString(input)
		if err != nil {
			t.Fatal(err)
		}
		tree.add(tlog.RecordHash(b))
	}
	root := tree.root()
	if got := hex.EncodeToString(root[:]); got != "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" {
		t.Errorf("root of 8 leaves is %s", got)
	}
}

func TestEdgeGivesTheHashesThatTlogStores(t *testing.T) { // EV-5
	var stored []Hash
	read := tlog.HashReaderFunc(func(places []int64) ([]Hash, error) {
		var out []Hash
		for _, p := range places {
			out = append(out, stored[p])
		}
		return out, nil
	})
	var tree edge
	for n := range int64(300) {
		data := fmt.Append(nil, n)
		want, err := tlog.StoredHashes(n, data, read)
		if err != nil {
			t.Fatal(err)
		}
		if got := tree.add(tlog.RecordHash(data)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("leaf %d completes %v, tlog says %v", n, got, want)
		}
		stored = append(stored, want...)
		if root, err := tlog.TreeHash(n+1, read); err != nil || tree.root() != root {
			t.Fatalf("root of %d leaves is %v, tlog says %v, %v", n+1, tree.root(), root, err)
		}
		if roots, _ := read(edgeIndexes(n + 1)); fmt.Sprint(roots) != fmt.Sprint(tree.roots) {
			t.Fatalf("edge of %d leaves is read from the wrong places", n+1)
		}
	}
}
