package audit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

const (
	proofHeader       = "c2sp.org/tlog-proof@v1" // https://c2sp.org/tlog-proof
	consistencyHeader = "lianban/consistency@v1" // ours; C2SP has no form for it
	indexPrefix       = "index "
	maxProof          = 64 // hashes; a log of 2^53 leaves needs 54
)

// proof is a text of a header, hashes on a line each, an empty line and a
// checkpoint verbatim. An inclusion proof also says which leaf it is about.
type proof struct {
	index      int64
	hashes     []Hash
	checkpoint []byte
}

// formatInclusion writes a C2SP tlog-proof: p.hashes lead from leaf p.index to
// the root of p.checkpoint.
func formatInclusion(p proof) []byte {
	return p.format(fmt.Sprintf("%s\n%s%d\n", proofHeader, indexPrefix, p.index))
}

// formatConsistency writes that the tree of the old p.checkpoint is the
// beginning of the bundle's tree.
func formatConsistency(p proof) []byte {
	return p.format(consistencyHeader + "\n")
}

func (p proof) format(head string) []byte {
	b := bytes.NewBufferString(head)
	for _, h := range p.hashes {
		b.WriteString(h.String() + "\n")
	}
	b.WriteByte('\n')
	b.Write(p.checkpoint)
	return b.Bytes()
}

func parseInclusion(b []byte) (p proof, err error) {
	lines, found := strings.CutPrefix(string(b), proofHeader+"\n"+indexPrefix)
	index, rest, found2 := strings.Cut(lines, "\n")
	if !found || !found2 {
		return p, errors.New("not a tlog-proof")
	}
	if p.index, err = parseNumber(index); err != nil {
		return p, err
	}
	return p, p.parse(rest)
}

func parseConsistency(b []byte) (p proof, err error) {
	rest, found := strings.CutPrefix(string(b), consistencyHeader+"\n")
	if !found {
		return p, errors.New("not a consistency proof")
	}
	return p, p.parse(rest)
}

func (p *proof) parse(text string) error {
	for len(p.hashes) <= maxProof {
		line, rest, found := strings.Cut(text, "\n")
		if !found {
			break
		}
		if text = rest; line == "" {
			p.checkpoint = []byte(text)
			return nil
		}
		h, err := parseHash(line)
		if err != nil {
			return err
		}
		p.hashes = append(p.hashes, h)
	}
	return errors.New("proof has no end")
}
