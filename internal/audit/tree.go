package audit

import (
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// edge is the right edge of the tree: the roots of its complete subtrees, the
// largest first. It is all one needs to append leaves or to compute the root,
// at most 53 hashes for any log; package tlog does the same with storage reads
// for every leaf.
type edge struct {
	size  int64
	roots []Hash
}

// edgeIndexes gives the places, as tlog.StoredHashIndex numbers them, of the
// edge of a tree of that size.
func edgeIndexes(size int64) []int64 {
	var places []int64
	for start := int64(0); start < size; {
		level := bits.Len64(uint64(size-start)) - 1
		places = append(places, tlog.StoredHashIndex(level, start>>level))
		start += 1 << level
	}
	return places
}

// add appends a leaf hash and returns the hashes that are thereby final, to be
// stored from tlog.StoredHashIndex(0, size) on.
func (e *edge) add(leaf Hash) []Hash {
	final := []Hash{leaf}
	for n := e.size; n&1 == 1; n >>= 1 { // each trailing 1 is a subtree that this leaf completes
		last := len(e.roots) - 1
		final = append(final, tlog.NodeHash(e.roots[last], final[len(final)-1]))
		e.roots = e.roots[:last]
	}
	e.roots = append(e.roots, final[len(final)-1])
	e.size++
	return final
}

// root gives the root hash of a tree that is not empty (RFC 6962 section 2.1).
func (e *edge) root() Hash {
	last := len(e.roots) - 1
	h := e.roots[last]
	for i := last - 1; i >= 0; i-- {
		h = tlog.NodeHash(e.roots[i], h)
	}
	return h
}

func (e edge) clone() edge { return edge{e.size, slices.Clone(e.roots)} }
