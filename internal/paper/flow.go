package paper

import "fmt"

// Margins of a document on A4 (mm). GB/T 9704 gives official letters 37 and 28;
// forms that are printed by the hundred do with less.
const (
	marginTop  = 20.0
	marginSide = 22.0
	marginFoot = 25.0
)

// Sizes of type in a document, in points: 二号 is 22, 小四 12, 五号 10.5.
const (
	titleSize = 18.0
	bodySize  = 10.5
	smallSize = 8.5
)

// Head is what stands on top of a document.
type Head struct {
	Issuer string // who issues it
	Title  string
	Number string
	Code   string // of the QR beside it, empty: none
	Note   string // at the foot of each page: version of the data, copy
}

// Flow is a document of text and tables on A4 that breaks into pages by itself.
type Flow struct {
	*Doc
	head Head
	y    float64
}

// NewFlow begins a document with its head.
func NewFlow(h Head) *Flow {
	f := &Flow{Doc: New(A4), head: h}
	f.page()
	width := f.size.W - 2*marginSide
	if h.Code != "" {
		f.QR(f.size.W-marginSide-17, marginTop-2, 17, h.Code)
		width -= 2 * 21 // the title stays centred on the page
	}
	mid := f.size.W / 2
	if h.Issuer != "" {
		f.Line(mid, f.y, bodySize, Center, h.Issuer)
		f.y += lineHeight(bodySize)
	}
	for _, line := range f.Wrap(width, titleSize, h.Title) {
		f.Line(mid, f.y, titleSize, Center, line)
		f.y += lineHeight(titleSize)
	}
	if h.Number != "" {
		f.Line(mid, f.y, bodySize, Center, h.Number)
		f.y += lineHeight(bodySize)
	}
	if least := marginTop + 19; h.Code != "" && f.y < least {
		f.y = least
	}
	f.Rule(marginSide, f.y+1.5, f.size.W-marginSide, f.y+1.5, 0.5)
	f.y += 5
	return f
}

func (f *Flow) page() {
	f.Page()
	f.y = marginTop
}

// room makes a new page unless so much fits on this one.
func (f *Flow) room(height float64) {
	if f.y+height > f.size.H-marginFoot {
		f.page()
	}
}

func (f *Flow) width() float64 { return f.size.W - 2*marginSide }

// Space leaves so much empty.
func (f *Flow) Space(height float64) { f.y += height }

// Bars writes a number as Code 128 with its text below, for scanners without a
// camera.
func (f *Flow) Bars(number string) {
	const width, height = 70.0, 11.0
	f.room(height + 10)
	f.Code128(marginSide, f.y, width, height, number)
	f.Line(marginSide+width/2, f.y+height, cellSize, Center, number)
	f.y += height + lineHeight(cellSize) + 3
}

// LargeCode draws text as a QR code that a telephone reads from the table.
func (f *Flow) LargeCode(text string) {
	const side = 46.0
	f.room(side + 4)
	f.QR(marginSide, f.y, side, text)
	f.y += side + 4
}

// Section writes a heading that stays with what follows.
func (f *Flow) Section(text string) {
	const size = 12.0
	f.room(lineHeight(size) + 16)
	f.y += 2.5
	f.Fill(marginSide, f.y+0.9, 1.2, lineHeight(size)-1.8)
	f.Line(marginSide+3, f.y, size, Left, text)
	f.y += lineHeight(size) + 1
}

// Plain writes a paragraph flush left.
func (f *Flow) Plain(text string) { f.para(bodySize, text) }

// Small writes a remark flush left in small type.
func (f *Flow) Small(text string) { f.para(smallSize, text) }

func (f *Flow) para(size float64, text string) {
	for _, line := range f.Wrap(f.width(), size, text) {
		f.room(lineHeight(size))
		f.Line(marginSide, f.y, size, Left, line)
		f.y += lineHeight(size)
	}
	f.y += 1
}

// Fact is one line of a form: its name and what is written there.
type Fact struct{ Name, Value string }

// Facts writes a ruled form of two columns. A fact without value is left out.
func (f *Flow) Facts(facts ...Fact) {
	t := Table{Columns: []Column{{Width: 32, Name: true}, {Width: f.width() - 32}}}
	for _, one := range facts {
		if one.Value != "" {
			t.Rows = append(t.Rows, []string{one.Name, one.Value})
		}
	}
	f.Table(t)
}

// Column of a table.
type Column struct {
	Title string
	Width float64 // mm; 0 shares what is left
	Name  bool    // of row names, on grey
	Align Align
}

// Table is ruled all round. Its head is repeated on each page.
type Table struct {
	Columns []Column
	Rows    [][]string
	Tall    float64 // least height of a row, to be written into by hand
}

const (
	cellSize = 9.5
	cellPad  = 1.4
)

// Table draws a table; a row is not broken between pages unless it is longer than
// one.
func (f *Flow) Table(t Table) {
	t.share(f.width())
	f.tableHead(t)
	for _, row := range t.Rows {
		cells, height := f.cells(t, row)
		if f.y+height > f.size.H-marginFoot {
			f.page()
			f.tableHead(t)
		}
		f.row(t, cells, height)
	}
	f.y += 3
}

// share gives columns without a width what the others leave.
func (t *Table) share(width float64) {
	free, open := width, 0
	for _, c := range t.Columns {
		free -= c.Width
		if c.Width == 0 {
			open++
		}
	}
	for i := range t.Columns {
		if t.Columns[i].Width == 0 {
			t.Columns[i].Width = free / float64(open)
		}
	}
}

func (f *Flow) tableHead(t Table) {
	var titles []string
	any := false
	for _, c := range t.Columns {
		titles = append(titles, c.Title)
		any = any || c.Title != ""
	}
	if !any {
		return
	}
	head := Table{Columns: make([]Column, len(t.Columns))}
	for i, c := range t.Columns {
		head.Columns[i] = Column{Width: c.Width, Name: true, Align: c.Align}
	}
	cells, height := f.cells(head, titles)
	f.room(height + 10)
	f.row(head, cells, height)
}

// cells wraps a row and gives its height.
func (f *Flow) cells(t Table, row []string) (cells [][]string, height float64) {
	height = max(t.Tall, lineHeight(cellSize)+2*cellPad)
	for i, c := range t.Columns {
		text := ""
		if i < len(row) {
			text = row[i]
		}
		lines := f.Wrap(c.Width-2*cellPad, cellSize, text)
		cells = append(cells, lines)
		height = max(height, float64(len(lines))*lineHeight(cellSize)+2*cellPad)
	}
	return cells, height
}

// row draws cells. What is longer than a page goes on on the next.
func (f *Flow) row(t Table, cells [][]string, height float64) {
	for {
		here := min(height, f.size.H-marginFoot-f.y)
		most := int((here - 2*cellPad + 0.01) / lineHeight(cellSize))
		x, left := marginSide, 0
		for i, c := range t.Columns {
			if c.Name {
				f.shade(x, f.y, c.Width, here)
			}
			n := min(most, len(cells[i]))
			for k, line := range cells[i][:n] {
				f.cellLine(x, f.y+cellPad+float64(k)*lineHeight(cellSize), c, line)
			}
			cells[i] = cells[i][n:]
			left = max(left, len(cells[i]))
			f.Frame(x, f.y, c.Width, here, 0.2)
			x += c.Width
		}
		f.y += here
		if left == 0 {
			return
		}
		f.page()
		height = float64(left)*lineHeight(cellSize) + 2*cellPad
	}
}

func (f *Flow) cellLine(x, y float64, c Column, line string) {
	switch c.Align {
	case Center:
		f.Line(x+c.Width/2, y, cellSize, Center, line)
	case Right:
		f.Line(x+c.Width-cellPad, y, cellSize, Right, line)
	default:
		f.Line(x+cellPad, y, cellSize, Left, line)
	}
}

// shade paints light grey, which no meaning hangs on: it may not survive a copier.
func (f *Flow) shade(x, y, w, h float64) {
	f.ink(0.93)
	f.fill(x, y, w, h)
	f.ink(0)
}

// Signs draws places to sign side by side: who, and room for name and date.
func (f *Flow) Signs(who ...string) {
	const height = 24.0
	f.room(height + 4)
	f.y += 2
	width := f.width() / float64(len(who))
	for i, one := range who {
		x := marginSide + float64(i)*width
		f.Frame(x, f.y, width, height, 0.2)
		f.Text(x+cellPad, f.y+cellPad, width-2*cellPad, cellSize, one)
		f.Line(x+width-cellPad, f.y+height-lineHeight(cellSize)-1, cellSize, Right, "年　　月　　日　　时　　分")
	}
	f.y += height + 3
}

// Bytes finishes the document: the foot of every page, which knows how many there
// are.
func (f *Flow) Bytes() ([]byte, error) {
	for n := 1; n <= f.Pages() && f.err == nil; n++ {
		f.keep(f.pdf.SetPage(n))
		f.foot(n)
	}
	return f.Doc.Bytes()
}

func (f *Flow) foot(n int) {
	y := f.size.H - 15
	if rare := f.rare[n-1]; len(rare) > 0 {
		f.Rule(marginSide, y-6.8, f.size.W-marginSide, y-6.8, 0.2)
		used := f.Badge(marginSide, y-6, smallSize, "缺字")
		f.Line(marginSide+used+1.5, y-6, smallSize, Left, RareLine(rare))
	}
	f.Line(marginSide, y, smallSize, Left, f.head.Note)
	f.Line(f.size.W/2, y, smallSize, Center, fmt.Sprintf("第 %d 页，共 %d 页", n, f.Pages()))
	f.Line(f.size.W-marginSide, y, smallSize, Right, f.head.Number)
}

// RareLine says which characters a page could not print and what to do about it.
func RareLine(rare []Rare) string {
	text := ""
	for i, r := range rare {
		if i > 0 {
			text += "、"
		}
		text += r.String()
	}
	return text + "：字库没有，框内为编码，请照原件手写补上"
}
