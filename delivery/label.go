package delivery

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lianban/internal/office"
	"lianban/internal/paper"
	"lianban/scheduler/workday"
)

// label is what a 面单 says (DEL-1103, DEL-1104): nothing of the matter, and of the
// receiver only what finds the door.
type label struct {
	Centre, Phone string // who sends it
	Way           string
	Payer         string `json:",omitempty"` // 寄付 or 到付, where a carrier charges (DEL-231)
	Waybill       string `json:",omitempty"` // the carrier's number, if it was posted
	Number        string
	Code          string // of the QR code
	Classes       []string
	To            Addressee // masked
	Door          []string  // what has to be shown, one line for each alternative
	Due           string
	Bag           string
	Piece         string // 1/2: which of how many pieces (DEL-402)
	Note          string `json:"-"` // which copy: not part of the facts
}

func labelOf(p Parcel, items []Item, centre office.Centre) label {
	l := label{
		Centre: centre.Name, Phone: centre.Phone, Way: p.Way.In("zh"), Number: p.Number,
		To: p.Receiver.Masked(), Due: dueText(p.DueAt), Bag: p.Bag, Piece: fmt.Sprintf("%d/%d", p.Piece, p.Pieces),
	}
	l.To.Consents = nil
	if p.Way != WayOwnCourier {
		l.Payer = p.Payer.mark()
	}
	for _, c := range classesOf(items) {
		l.Classes = append(l.Classes, c.In("zh"))
	}
	for _, alternative := range p.Demand.Proofs {
		l.Door = append(l.Door, ProofSet{alternative}.In("zh"))
	}
	return l
}

// dueText is a due moment as people say it: 11月25日 周三 17:30 前.
func dueText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	at = at.In(workday.Shanghai)
	return at.Format("1月2日 ") + weekdays[at.Weekday()] + at.Format(" 15:04 前")
}

var weekdays = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}

// Measures of a label (mm): 76 × 130, the stock of Chinese carriers (STK-75).
const (
	labelSide = 4.0
	labelWide = 76.0 - 2*labelSide
	labelFoot = 92.0 // where the lower part begins
)

// printLabels draws labels, one page each.
func printLabels(labels []label) (Print, error) {
	d := paper.New(paper.Label)
	for _, l := range labels {
		l.draw(d)
	}
	pdf, err := d.Bytes()
	name := "面单-" + labels[0].Number + ".pdf"
	if len(labels) > 1 {
		name = "面单-" + labels[0].Number + "等" + strconv.Itoa(len(labels)) + "件.pdf"
	}
	return Print{Name: name, PDF: pdf, Rare: d.Rare()}, err
}

func (l label) draw(d *paper.Doc) {
	d.Page()
	const left, right = labelSide, labelSide + labelWide
	way := d.Line(left, 3.2, 11, paper.Left, l.Way)
	if l.Payer != "" {
		d.Badge(left+way+2, 3.2, 9, l.Payer)
	}
	if l.Due != "" { // else it says below that it is promised nothing
		d.Line(right, 3.6, 8, paper.Right, "一日送达")
	}
	d.Rule(left, 10, right, 10, 0.5)

	// Ten modules of white on both sides are the label's margin and more.
	d.Code128(left+5, 12, labelWide-10, 13, l.Number)
	d.Line(38, 25.3, 11, paper.Center, spaced(l.Number))
	d.Rule(left, 32.4, right, 32.4, 0.3)

	x := left
	for _, c := range l.Classes {
		x += d.Badge(x, 34, 9, c) + 1.5
	}
	d.Line(right, 34, 8, paper.Right, "第 "+l.Piece+" 件")
	if l.Due != "" {
		d.Line(left, 39.6, 8, paper.Left, "最晚送达")
		d.Line(left+15, 38.6, 13, paper.Left, l.Due)
	} else {
		d.Line(left, 39.2, 10, paper.Left, "无一日送达承诺")
	}
	d.Rule(left, 46.2, right, 46.2, 0.3)

	y := l.drawTo(d, 47.6)
	d.Rule(left, y, right, y, 0.3)
	l.drawDoor(d, y+1)
	l.drawFoot(d)
}

// drawTo writes the receiver and gives where it ended.
func (l label) drawTo(d *paper.Doc, y float64) float64 {
	const left, text = labelSide, labelSide + 9
	d.Badge(left, y, 11, "收")
	phone := d.Line(labelSide+labelWide, y+0.6, 10, paper.Right, l.To.Phone)
	y += max(7, d.Fit(text, y-0.3, labelWide-9-phone-2, 7, 13, l.To.Name))
	where := l.To.Address
	if where == "" {
		where = "窗口自取"
	}
	y += d.Fit(text, y, labelWide-9, 16, 10, where)
	if l.To.Agent != "" {
		y += d.Fit(text, y, labelWide-9, 4.4, 8.5, "经办人 "+l.To.Agent)
	}
	return max(y+1, 64)
}

// drawDoor writes what has to be shown at the door, as boxes to tick.
func (l label) drawDoor(d *paper.Doc, y float64) {
	title := "签收凭证"
	if len(l.Door) > 1 {
		title += "（满足一行即可）"
	}
	d.Line(labelSide, y, 8, paper.Left, title)
	y += 4.6
	share := (labelFoot - 0.5 - y) / float64(len(l.Door))
	for _, line := range l.Door {
		d.Frame(labelSide+0.3, y+1.2, 2.6, 2.6, 0.25)
		y += d.Fit(labelSide+4.5, y, labelWide-4.5, share, 9, line)
	}
}

// drawFoot is the lower part, from the edge upwards: who sends, code, bag, copy.
func (l label) drawFoot(d *paper.Doc) {
	const left, right, code = labelSide, labelSide + labelWide, 22.0
	d.Rule(left, labelFoot, right, labelFoot, 0.3)
	d.QR(right-code-1, labelFoot+3, code, l.Code)
	const width = labelWide - code - 5
	d.Badge(left, labelFoot+1.6, 9, "寄")
	y := labelFoot + 1.4
	y += d.Fit(left+7.5, y, width-7.5, 8.8, 8.5, l.Centre)
	d.Line(left+7.5, y, 8.5, paper.Left, l.Phone)
	y += 4.6
	if l.Bag != "" {
		y += d.Fit(left, y, width, 4.4, 8.5, "封签 "+l.Bag)
	}
	if l.Waybill != "" {
		d.Fit(left, y, width, 4.4, 8.5, "运单 "+l.Waybill)
	}
	if rare := d.RareHere(); len(rare) > 0 {
		used := d.Badge(left, 118.2, 7, "缺字")
		d.Fit(left+used+1, 118, labelWide-used-1, 4.4, 7, paper.RareLine(rare))
	}
	d.Line(left, 122.8, 6.5, paper.Left, l.Note)
}

// spaced sets a number in groups for reading aloud: LB 03 7Q4M 2X9C 8 K.
func spaced(number string) string {
	if len(number) != numberLength {
		return number
	}
	return strings.Join([]string{number[:4], number[4:8], number[8:12], number[12:]}, " ")
}
