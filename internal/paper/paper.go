// Package paper turns values into pages to print: labels, lists and kept
// documents as PDF. It is pure: the same calls give the same bytes (INS-1105), no
// clock, no database, no random number. Lengths are millimetres from the upper
// left corner, sizes of type are points.
//
// A character that the font lacks is never dropped: it becomes a box with its code
// point and reading, and Doc.Rare names it, so that the page can say so in words
// (DEL-1105).
package paper

import (
	"bytes"
	"fmt"

	"github.com/signintech/gopdf"
)

// Size of a page in millimetres.
type Size struct{ W, H float64 }

// Sizes in use: office paper, and the label stock of Chinese carriers.
var (
	A4    = Size{210, 297}
	Label = Size{76, 130}
)

// Doc is a document while it is written. The first error of any call stays and is
// what Bytes gives back. One Doc belongs to one goroutine.
type Doc struct {
	size   Size
	pdf    *gopdf.GoPdf
	face   *typeface
	widths map[rune]float64 // ems of the characters met so far, 0: no glyph
	rare   [][]Rare         // by page
	err    error
}

// New begins a document without pages.
func New(size Size) *Doc {
	d := &Doc{size: size, pdf: &gopdf.GoPdf{}, widths: map[rune]float64{}}
	if d.face, d.err = press(); d.err != nil {
		return d
	}
	d.pdf.Start(gopdf.Config{PageSize: gopdf.Rect{W: size.W * pt, H: size.H * pt}})
	// A page's text depends on nothing but us then, not on the version of a
	// compressor (STK-73). The font inside is compressed all the same.
	d.pdf.SetNoCompression()
	d.keep(d.pdf.AddTTFFontFromFontContainer(family, d.face.fonts))
	return d
}

// pt is one millimetre in points.
const pt = 72 / 25.4

func (d *Doc) keep(err error) {
	if d.err == nil && err != nil {
		d.err = fmt.Errorf("make a page: %w", err)
	}
}

// Page begins a page; all that is drawn goes there.
func (d *Doc) Page() {
	if d.err != nil {
		return
	}
	d.pdf.AddPage()
	d.rare = append(d.rare, nil)
	d.ink(0)
}

// Pages is how many pages there are so far.
func (d *Doc) Pages() int { return len(d.rare) }

// Rare are the characters drawn so far that the font lacks, each once, in order.
func (d *Doc) Rare() (all []Rare) {
	for _, page := range d.rare {
		for _, r := range page {
			all = addRare(all, r.Rune)
		}
	}
	return all
}

// RareHere are those of the page being written.
func (d *Doc) RareHere() []Rare {
	if len(d.rare) == 0 {
		return nil
	}
	return d.rare[len(d.rare)-1]
}

// Bytes gives the finished PDF, or the first error of the calls before.
func (d *Doc) Bytes() ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	var out bytes.Buffer
	if _, err := d.pdf.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("make a page: %w", err)
	}
	return out.Bytes(), nil
}

// ink sets the grey of what is filled and written: 0 is black, 1 white.
func (d *Doc) ink(grey float64) {
	d.pdf.SetGrayFill(grey)
}

// Rule draws a straight line of the given thickness.
func (d *Doc) Rule(x1, y1, x2, y2, thick float64) {
	if d.err != nil {
		return
	}
	// A filled rectangle ends where it should and scans at any resolution; a
	// stroke is widened by printers.
	if x1 == x2 {
		d.fill(x1-thick/2, y1, thick, y2-y1)
	} else {
		d.fill(x1, y1-thick/2, x2-x1, thick)
	}
}

// Frame draws a rectangle's outline.
func (d *Doc) Frame(x, y, w, h, thick float64) {
	d.Rule(x, y, x+w, y, thick)
	d.Rule(x, y+h, x+w, y+h, thick)
	d.Rule(x, y, x, y+h, thick)
	d.Rule(x+w, y, x+w, y+h, thick)
}

// Fill paints a rectangle black.
func (d *Doc) Fill(x, y, w, h float64) { d.fill(x, y, w, h) }

func (d *Doc) fill(x, y, w, h float64) {
	if d.err == nil {
		d.pdf.RectFromUpperLeftWithStyle(x*pt, y*pt, w*pt, h*pt, "F")
	}
}
