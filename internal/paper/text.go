package paper

import (
	"fmt"
	"strings"
	"unicode"
)

// Align says where a line stands in its box.
type Align int

// Alignments.
const (
	Left Align = iota
	Center
	Right
)

// Leading is the distance of lines in parts of the type's size. Chinese needs more
// than Latin, whose letters leave white above and below.
const leading = 1.45

// lineHeight of a size in millimetres.
func lineHeight(size float64) float64 { return size * leading / pt }

// isBreak reports characters that end or space a line and are not drawn.
func isBreak(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }

// piece is what is drawn as one: a letter, a box with a code point, or the small
// reading behind the box.
type piece struct {
	text  string
	rare  rune    // to be drawn as a box, 0: text
	scale float64 // of the type's size
	width float64 // ems
}

// pieces takes a line apart. A character without glyph gives its box and, if
// known, its reading (DEL-1105).
func (d *Doc) pieces(line string) (out []piece) {
	for _, r := range clean(line) {
		if width := d.em(r); width > 0 {
			out = append(out, piece{string(r), 0, 1, width})
			continue
		}
		out = append(out, piece{fmt.Sprintf("%04X", r), r, 1, 1.1})
		if word := reading(r); word != "" {
			word = "(" + word + ")"
			small := piece{word, 0, 0.6, 0}
			for _, letter := range word {
				small.width += d.em(letter) * small.scale
			}
			out = append(out, small)
		}
	}
	return out
}

// clean makes text that can be drawn letter by letter: broken UTF-8 becomes a
// character that is flagged.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\t", "  ")
}

// em is the width of a character in ems, 0 if the font lacks it.
func (d *Doc) em(r rune) float64 {
	width, met := d.widths[r]
	if !met {
		width, _ = d.face.glyph(r)
		d.widths[r] = width
	}
	return width
}

// flag remembers a character that the font lacks for the page it stands on.
func (d *Doc) flag(r rune) {
	if n := len(d.rare); n > 0 {
		d.rare[n-1] = addRare(d.rare[n-1], r)
	}
}

// Width is how wide a line of text is at a size, in millimetres.
func (d *Doc) Width(size float64, line string) float64 {
	if d.err != nil {
		return 0
	}
	return d.ems(line) * size / pt
}

// Line writes one line whose upper edge is y: at x, or centred on it, or ending
// there. It gives the width.
func (d *Doc) Line(x, y, size float64, at Align, line string) float64 {
	width := d.Width(size, line)
	if d.err != nil {
		return 0
	}
	switch at {
	case Center:
		x -= width / 2
	case Right:
		x -= width
	}
	// The em box of Noto Sans SC has its baseline 0.88 below its top.
	base := y + size*(0.88+(leading-1)/2)/pt
	d.keep(d.pdf.SetFont(family, "", size))
	var run strings.Builder
	start := x
	flush := func() {
		if run.Len() > 0 {
			d.draw(start, base, size, run.String())
			run.Reset()
		}
	}
	for _, p := range d.pieces(line) {
		switch {
		case p.rare != 0:
			flush()
			d.flag(p.rare)
			d.pointBox(x, base, size, p.text)
		case p.scale != 1:
			flush()
			d.draw(x, base, size*p.scale, p.text)
		default:
			if run.Len() == 0 {
				start = x
			}
			run.WriteString(p.text)
		}
		x += p.width * size / pt
	}
	flush()
	return width
}

// draw writes text that the font has, with its baseline at y.
func (d *Doc) draw(x, y, size float64, text string) {
	if d.err != nil {
		return
	}
	d.keep(d.pdf.SetFontSize(size))
	d.pdf.SetXY(x*pt, y*pt)
	d.keep(d.pdf.Text(text))
}

// pointBox draws the code point of a character in a frame of its size, in two
// rows.
func (d *Doc) pointBox(x, base, size float64, digits string) {
	em := size / pt
	d.Frame(x+0.06*em, base-0.88*em, 0.98*em, 1.0*em, 0.05*em)
	half := (len(digits) + 1) / 2
	small := size * 0.42
	if half > 2 {
		small = size * 0.38
	}
	for i, row := range []string{digits[:half], digits[half:]} {
		width := d.Width(small, row)
		d.draw(x+0.55*em-width/2, base-0.48*em+float64(i)*0.46*em, small, row)
	}
}

// Badge writes words white on black, to be seen first.
func (d *Doc) Badge(x, y, size float64, words string) float64 {
	pad := size * 0.35 / pt
	width := d.Width(size, words) + 2*pad
	d.Fill(x, y, width, lineHeight(size))
	d.ink(1)
	d.Line(x+pad, y, size, Left, words)
	d.ink(0)
	return width
}

// Text writes a paragraph into a width, breaking lines, and gives its height.
func (d *Doc) Text(x, y, width, size float64, text string) float64 {
	lines := d.Wrap(width, size, text)
	for i, line := range lines {
		d.Line(x, y+float64(i)*lineHeight(size), size, Left, line)
	}
	return float64(len(lines)) * lineHeight(size)
}

// Fit writes a paragraph into a box, in the largest type up to size that lets all
// of it in, and gives its height: on a label nothing may be cut off.
func (d *Doc) Fit(x, y, width, height, size float64, text string) float64 {
	const step, least = 0.5, 4.0
	for size-step >= least && float64(len(d.Wrap(width, size, text)))*lineHeight(size) > height {
		size -= step
	}
	return d.Text(x, y, width, size, text)
}

// Characters that may not begin or end a line (GB/T 15834-2011, 5.1).
const (
	notFirst = "，。、；：？！）》」』】〉〕”’…—·％%,.;:?!)]}～"
	notLast  = "（《「『【〈〔“‘([{"
)

// Wrap breaks text into lines of at most width. Han characters break anywhere but
// before a closing sign and after an opening one; words and numbers stay whole
// where they fit.
func (d *Doc) Wrap(width, size float64, text string) (lines []string) {
	if d.err != nil {
		return nil
	}
	for para := range strings.Lines(clean(text)) {
		lines = append(lines, d.wrapLine(width*pt/size, strings.TrimRight(para, "\r\n"))...)
	}
	if len(lines) == 0 {
		lines = []string{""}
	}
	return lines
}

// wrapLine is Wrap for one paragraph and a width in ems.
func (d *Doc) wrapLine(width float64, para string) (lines []string) {
	line, used := "", 0.0
	for _, chunk := range chunks(para) {
		wide := d.ems(chunk)
		if used+wide > width && line != "" {
			lines = append(lines, strings.TrimRight(line, " "))
			line, used = "", 0
			if chunk = strings.TrimLeft(chunk, " "); chunk == "" {
				continue
			}
			wide = d.ems(chunk)
		}
		for wide > width { // a word longer than the line is cut
			head := d.fit(chunk, width)
			lines, chunk = append(lines, head), chunk[len(head):]
			wide = d.ems(chunk)
		}
		line, used = line+chunk, used+wide
	}
	return append(lines, line)
}

func (d *Doc) ems(text string) (sum float64) {
	for _, p := range d.pieces(text) {
		sum += p.width
	}
	return sum
}

// fit is the longest beginning that is not wider, and at least one character.
func (d *Doc) fit(text string, width float64) string {
	used := 0.0
	for i, r := range text {
		if used += d.ems(string(r)); used > width && i > 0 {
			return text[:i]
		}
	}
	return text
}

// chunks are the parts of a paragraph between which a line may end.
func chunks(para string) (out []string) {
	current := ""
	last := rune(0)
	for _, r := range para {
		if current != "" && mayBreak(last, r) {
			out, current = append(out, current), ""
		}
		current += string(r)
		last = r
	}
	if current != "" {
		out = append(out, current)
	}
	return out
}

func mayBreak(before, after rune) bool {
	switch {
	case strings.ContainsRune(notFirst, after), strings.ContainsRune(notLast, before):
		return false
	case after == ' ':
		return false // a space goes with the word before it
	case before == ' ':
		return true
	}
	return wide(before) || wide(after)
}

// wide reports characters that are set solid, each in its square.
func wide(r rune) bool {
	return unicode.In(r, unicode.Han) || r >= 0x2E80 && r <= 0xFFEF || r > 0xFFFF
}
