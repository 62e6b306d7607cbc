// Package papertest reads back what package paper wrote, for tests: the words of
// each page, and its codes from pixels. It knows the PDF of package paper only.
package papertest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Page is a page as it prints.
type Page struct {
	W, H  float64 // mm
	Words []Word  // in the order they are drawn
	rects []rect
}

// Word is a run of text; X and Y are its baseline's beginning in mm from the
// upper left, Size is in points.
type Word struct {
	Text       string
	X, Y, Size float64
}

// Wide is about how wide the word is, in mm.
func (w Word) Wide() (wide float64) {
	for _, r := range w.Text {
		if r > 0x2E80 {
			wide += w.Size / mm
		} else {
			wide += 0.42 * w.Size / mm
		}
	}
	return wide
}

// Overlaps gives the pairs of words that are written over each other.
func (p Page) Overlaps() (out []string) {
	for i, a := range p.Words {
		for _, b := range p.Words[:i] {
			high := min(a.Y, b.Y) - max(a.Y-0.7*a.Size/mm, b.Y-0.7*b.Size/mm)
			wide := min(a.X+a.Wide(), b.X+b.Wide()) - max(a.X, b.X)
			if high > 0.2 && wide > 0.4 {
				out = append(out, fmt.Sprintf("%q over %q", a.Text, b.Text))
			}
		}
	}
	return out
}

// Beyond gives the words that stand nearer to an edge than so many mm.
func (p Page) Beyond(edge float64) (out []string) {
	for _, w := range p.Words {
		if w.X < edge || w.X+w.Wide() > p.W-edge || w.Y-0.8*w.Size/mm < edge || w.Y > p.H-edge {
			out = append(out, w.Text)
		}
	}
	return out
}

// rect is a filled rectangle in points from the lower left.
type rect struct{ x, y, w, h, grey float64 }

const mm = 72 / 25.4

// Text is all words of the page, one line for each line of type.
func (p Page) Text() string {
	var out strings.Builder
	last := math.Inf(1)
	for _, w := range p.Words {
		if math.Abs(w.Y-last) > 0.05 && out.Len() > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(w.Text)
		last = w.Y
	}
	return out.String()
}

// Text is the text of all pages.
func Text(pages []Page) string {
	var all []string
	for _, p := range pages {
		all = append(all, p.Text())
	}
	return strings.Join(all, "\n")
}

// Flat is Text without line breaks and spaces, to look for a sentence that was
// broken.
func Flat(pages []Page) string {
	return strings.NewReplacer("\n", "", " ", "", "\u3000", "").Replace(Text(pages))
}

var (
	object   = regexp.MustCompile(`(?s)(\d+) 0 obj\n(.*?)endobj\n`)
	contents = regexp.MustCompile(`/Contents\s+(\d+) 0 R`)
	mediaBox = regexp.MustCompile(`/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]`)
	mapping  = regexp.MustCompile(`<([0-9A-F]{4})><[0-9A-F]{4}><([0-9A-F]{4,6})>`)
	kids     = regexp.MustCompile(`/Kids \[(.*?)\]`)
	number   = regexp.MustCompile(`\d+`)
)

// Read takes a PDF of package paper apart.
func Read(t testing.TB, pdf []byte) (pages []Page) {
	t.Helper()
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Fatalf("no PDF: %.60q", pdf)
	}
	objects := map[string]string{}
	for _, o := range object.FindAllSubmatch(pdf, -1) {
		objects[string(o[1])] = string(o[2])
	}
	box := mediaBox.FindStringSubmatch(objects["2"])
	order := kids.FindStringSubmatch(objects["2"])
	if box == nil || order == nil {
		t.Fatal("the PDF has no pages")
	}
	letters := map[string]string{}
	for _, o := range objects {
		if strings.Contains(o, "begincmap") {
			for _, m := range mapping.FindAllStringSubmatch(o, -1) {
				r, _ := strconv.ParseInt(m[2], 16, 32)
				letters[m[1]] = string(rune(r))
			}
		}
	}
	for _, ref := range regexp.MustCompile(`(\d+) 0 R`).FindAllStringSubmatch(order[1], -1) {
		p := Page{W: float(box[1]) / mm, H: float(box[2]) / mm}
		for _, c := range contents.FindAllStringSubmatch(objects[ref[1]], -1) {
			p.read(objects[number.FindString(c[1])], letters)
		}
		pages = append(pages, p)
	}
	return pages
}

func float(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

// read follows the operators that package paper uses.
func (p *Page) read(stream string, letters map[string]string) {
	var stack []string
	grey, size, x, y := 0.0, 0.0, 0.0, 0.0
	arg := func(fromEnd int) float64 {
		if n := len(stack) - fromEnd; n >= 0 {
			return float(stack[n])
		}
		return 0
	}
	_, body, _ := strings.Cut(stream, "stream\n")
	for token := range strings.FieldsSeq(strings.ReplaceAll(body, "] TJ", "]\nTJ")) {
		switch token {
		case "re":
			p.rects = append(p.rects, rect{arg(4), arg(3), arg(2), arg(1), grey})
		case "g":
			grey = arg(1)
		case "TD":
			x, y = arg(2), arg(1)
		case "Tf":
			size = arg(1)
		case "TJ":
			hex := strings.Trim(stack[len(stack)-1], "[]<>")
			text := ""
			for ; len(hex) >= 4; hex = hex[4:] {
				text += letters[hex[:4]]
			}
			p.Words = append(p.Words, Word{text, x / mm, p.H - y/mm, size})
		default:
			stack = append(stack, token)
			continue
		}
		stack = stack[:0]
	}
}

// Pixels renders the page's rectangles, which is all that a code is made of, as
// a printer of so many dots per inch does. 203 is that of label printers.
func (p Page) Pixels(dpi float64) *image.Gray {
	scale := dpi / 72
	at := func(v float64) int { return int(math.Round(v * scale)) }
	high := p.H * mm
	img := image.NewGray(image.Rect(0, 0, at(p.W*mm), at(high)))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	for _, r := range p.rects {
		ink := image.NewUniform(color.Gray{Y: uint8(r.grey * 255)})
		draw.Draw(img, image.Rect(at(r.x), at(high-r.y-r.h), at(r.x+r.w), at(high-r.y)), ink, image.Point{}, draw.Src)
	}
	return img
}

// QR reads the QR code of an image or a part of it. The reader misses about one
// code in two hundred until the paper is turned, so it is turned, as by hand.
func QR(t testing.TB, img image.Image) string {
	t.Helper()
	text, err := decode(img, qrcode.NewQRCodeReader())
	if err != nil {
		text, err = decode(turned(img), qrcode.NewQRCodeReader())
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Code128 reads the Code 128 of an image or a part of it.
func Code128(t testing.TB, img image.Image) string {
	t.Helper()
	text, err := decode(img, oned.NewCode128Reader())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decode(img image.Image, reader gozxing.Reader) (string, error) {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	found, err := reader.Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", fmt.Errorf("read a code of %v: %w", img.Bounds(), err)
	}
	return found.GetText(), nil
}

// turned is the image a quarter turn to the right.
func turned(img image.Image) image.Image {
	from := img.Bounds()
	to := image.NewGray(image.Rect(0, 0, from.Dy(), from.Dx()))
	for y := range from.Dy() {
		for x := range from.Dx() {
			to.Set(from.Dy()-1-y, x, img.At(from.Min.X+x, from.Min.Y+y))
		}
	}
	return to
}
