package paper

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Sheet is a document on A4 as values: what it says, in order.
type Sheet struct {
	Head  Head `json:"-"`
	Bars  bool // the number as Code 128 too
	Parts []Part
}

// Part is what follows each other in a sheet: a section's heading, text, facts, a
// table, places to sign; what is empty is left out.
type Part struct {
	Section string   `json:",omitempty"`
	Text    []string `json:",omitempty"` // paragraphs; an empty one is a gap
	Facts   []Fact   `json:",omitempty"`
	Table   *Table   `json:",omitempty"`
	Signs   []string `json:",omitempty"`
	Code    string   `json:"-"` // what a large QR code says; no version, it may be a key
}

// Add puts parts at the end.
func (s *Sheet) Add(parts ...Part) { s.Parts = append(s.Parts, parts...) }

// Version is the beginning of the hash of what the sheet says, to tell two prints
// of one document apart (DEL-1116).
func (s Sheet) Version() (string, error) { return Version(s) }

// Version is the beginning of the hash of facts that are printed.
func Version(facts any) (string, error) {
	text, err := json.Marshal(facts)
	if err != nil {
		return "", fmt.Errorf("version of a document: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:8], nil
}

// PDF draws the sheet, and gives the characters that are flagged on it.
func (s Sheet) PDF() ([]byte, []Rare, error) {
	f := NewFlow(s.Head)
	if s.Bars {
		f.Bars(s.Head.Number)
	}
	for _, p := range s.Parts {
		f.part(p)
	}
	pdf, err := f.Bytes()
	return pdf, f.Rare(), err
}

func (f *Flow) part(p Part) {
	if p.Section != "" {
		f.Section(p.Section)
	}
	for _, text := range p.Text {
		if text == "" {
			f.Space(2)
			continue
		}
		f.Plain(text)
	}
	if len(p.Facts) > 0 {
		f.Facts(p.Facts...)
	}
	if p.Table != nil && len(p.Table.Rows) > 0 {
		f.Table(*p.Table)
	}
	if p.Code != "" {
		f.LargeCode(p.Code)
	}
	if len(p.Signs) > 0 {
		f.Signs(p.Signs...)
	}
}
