package paper

import (
	_ "embed"
	"fmt"
	"sync"
	"unicode"

	"github.com/mozillazg/go-pinyin"
	"github.com/signintech/gopdf"
	"golang.org/x/image/font/sfnt"
)

// Noto Sans SC Regular with TrueType outlines and 30,890 characters, whole, since
// the names of 通用规范汉字表 reach extensions A to E (STK-70, DEL-1106). Licence:
// font/OFL.txt.
//
//go:embed font/NotoSansSC-Regular.ttf
var notoSansSC []byte

const family = "Noto Sans SC"

// typeface is the parsed font: what gopdf draws from, and what tells which
// characters it has and how wide they are.
type typeface struct {
	fonts *gopdf.FontContainer
	table *sfnt.Font
	em    float64 // units of an em
}

// press parses the font once for all documents: parsing it for each took 33 ms
// (STK-72). Documents may be written at the same time.
var press = sync.OnceValues(func() (*typeface, error) {
	t := &typeface{fonts: &gopdf.FontContainer{}}
	if err := t.fonts.AddTTFFontData(family, notoSansSC); err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	var err error
	if t.table, err = sfnt.Parse(notoSansSC); err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	t.em = float64(t.table.UnitsPerEm())
	return t, nil
})

// glyph tells whether the font draws r, and its width in ems. Codes for private
// use mean another character in each house's old font, so they count as lacking
// whatever a font has there.
func (t *typeface) glyph(r rune) (width float64, ok bool) {
	if r == ' ' || r == '\u00a0' {
		r = ' '
	}
	var buf sfnt.Buffer
	index, err := t.table.GlyphIndex(&buf, r)
	if err != nil || index == 0 || unicode.Is(unicode.Co, r) || r == unicode.ReplacementChar {
		return 0, false
	}
	advance, err := t.table.GlyphAdvance(&buf, index, 1<<6*1000, 0)
	if err != nil {
		return 0, false
	}
	return float64(advance) / (1 << 6) / 1000, true
}

// Rare is a character that the font lacks.
type Rare struct {
	Rune   rune
	Pinyin string // with tone; empty if no reading is known
}

// Point is the code point as people write it: U+2123C.
func (r Rare) Point() string { return fmt.Sprintf("U+%04X", r.Rune) }

// String is code point and reading: U+2123C tǐng.
func (r Rare) String() string {
	if r.Pinyin == "" {
		return r.Point()
	}
	return r.Point() + " " + r.Pinyin
}

// Lacking gives the characters of the texts that the font lacks, each once, for a
// page that wants to say so before anything is printed.
func Lacking(texts ...string) ([]Rare, error) {
	t, err := press()
	if err != nil {
		return nil, err
	}
	var out []Rare
	for _, text := range texts {
		for _, r := range text {
			if _, ok := t.glyph(r); !ok && !isBreak(r) {
				out = addRare(out, r)
			}
		}
	}
	return out, nil
}

func addRare(list []Rare, r rune) []Rare {
	for _, one := range list {
		if one.Rune == r {
			return list
		}
	}
	return append(list, Rare{r, reading(r)})
}

func reading(r rune) string {
	args := pinyin.NewArgs()
	args.Style = pinyin.Tone
	if all := pinyin.SinglePinyin(r, args); len(all) > 0 {
		return all[0]
	}
	return ""
}
