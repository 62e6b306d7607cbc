package paper_test

import (
	"bytes"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lianban/internal/paper"
	"lianban/internal/paper/papertest"
)

func finish(t testing.TB, d interface{ Bytes() ([]byte, error) }) []byte {
	t.Helper()
	pdf, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return pdf
}

func written(t *testing.T, text string) (papertest.Page, *paper.Doc) {
	t.Helper()
	d := paper.New(paper.A4)
	d.Page()
	d.Text(20, 20, 170, 12, text)
	return papertest.Read(t, finish(t, d))[0], d
}

// DEL-1105, STK-71: the test names of the rule.
func TestNamesWithRareCharactersPrint(t *testing.T) {
	for _, name := range []string{"张䶮", "李㛃", "𬱖", "龘鬱"} {
		page, d := written(t, name)
		if page.Text() != name || len(d.Rare()) > 0 {
			t.Errorf("%s prints as %q, flagged %v", name, page.Text(), d.Rare())
		}
	}
}

// DEL-1105: never dropped, never an empty box, never a panic.
func TestCharactersWithoutGlyphAreFlaggedNeverDropped(t *testing.T) {
	for text, want := range map[string]string{
		"王𡈼":         "王2123C(tǐng)",
		"𠮷野":         "20BB7野",
		"a\ue863b":   "aE863(yǎn)b", // a house's own code for 䶮 in an old system
		"x\u200by":   "x200By",
		"z\ufe00":    "zFE00",
		"\U0010ffff": "10FFFF",
		"坏\xff码":     "坏FFFD码",
		"一\x07二":     "一0007二",
	} {
		page, d := written(t, text)
		if got := strings.ReplaceAll(page.Text(), "\n", ""); got != want {
			t.Errorf("%q prints as %q, want %q", text, got, want)
		}
		lacking, err := paper.Lacking(text)
		if err != nil || len(lacking) != 1 || len(d.Rare()) != 1 || lacking[0] != d.Rare()[0] {
			t.Errorf("%q: flagged %v, foretold %v, %v", text, d.Rare(), lacking, err)
		}
	}
}

func TestPagesSayWhichCharactersTheyLackAndWhatToDo(t *testing.T) {
	f := paper.NewFlow(paper.Head{Title: "清单", Number: "1"})
	f.Plain("收件人王𡈼")
	for range 80 {
		f.Plain("第二页没有缺字")
	}
	pages := papertest.Read(t, finish(t, f))
	if text := pages[0].Text(); !strings.Contains(text, "缺字") || !strings.Contains(text, "U+2123C tǐng：字库没有") {
		t.Errorf("the first page does not flag 𡈼: %s", text)
	}
	if text := pages[1].Text(); strings.Contains(text, "U+2123C") {
		t.Errorf("the second page flags what it does not have: %s", text)
	}
}

func codes() *paper.Doc {
	d := paper.New(paper.Label)
	d.Page()
	d.QR(10, 10, 22, "LBYZ0001A7K3G.7Q4M2X9C")
	d.Code128(8, 60, 60, 14, "LBYZ0001A7K3G")
	return d
}

// DEL-1107: from pixels of a label printer and of an office printer.
func TestCodesReadBackFromPixels(t *testing.T) {
	page := papertest.Read(t, finish(t, codes()))[0]
	for _, dpi := range []float64{203, 300, 600} {
		img := page.Pixels(dpi)
		if got := papertest.QR(t, img); got != "LBYZ0001A7K3G.7Q4M2X9C" {
			t.Errorf("%v dpi: the QR code says %q", dpi, got)
		}
		if got := papertest.Code128(t, img); got != "LBYZ0001A7K3G" {
			t.Errorf("%v dpi: the bars say %q", dpi, got)
		}
	}
}

// A second opinion by another program, where there is one.
func TestCodesReadBackFromAnotherRenderer(t *testing.T) {
	tool, err := exec.LookPath("pdftoppm")
	if err != nil {
		t.Skip("pdftoppm (poppler-utils) is not installed")
	}
	name := filepath.Join(t.TempDir(), "label.pdf")
	if err := os.WriteFile(name, finish(t, codes()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-r", "203", "-png", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if qr, bars := papertest.QR(t, img), papertest.Code128(t, img); qr != "LBYZ0001A7K3G.7Q4M2X9C" || bars != "LBYZ0001A7K3G" {
		t.Errorf("read %q and %q", qr, bars)
	}
}

func form() *paper.Flow {
	f := paper.NewFlow(paper.Head{Issuer: "永州市冷水滩区政务服务中心", Title: "表", Number: "1", Code: "LBYZ0001A7K3G.7Q4M2X9C", Note: "数据 3f9a12cd"})
	f.Facts(paper.Fact{Name: "申请人", Value: "张䶮"}, paper.Fact{Name: "电话"})
	rows := make([][]string, 60)
	for i := range rows {
		rows[i] = []string{"区消防救援大队", "同意"}
	}
	rows[3][1] = strings.Repeat("疏散通道宽度符合要求，", 300) // longer than a page
	f.Table(paper.Table{Columns: []paper.Column{{Title: "部门", Width: 40}, {Title: "意见"}}, Rows: rows})
	f.Signs("窗口", "派送员")
	return f
}

// INS-1105, STK-73: also when several are made at once (STK-72).
func TestTheSameDocumentHasTheSameBytes(t *testing.T) {
	want := finish(t, form())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if !bytes.Equal(finish(t, form()), want) {
				t.Error("two runs differ")
			}
		})
	}
	all.Wait()
}

func TestTablesGoOnOnTheNextPageWithTheirHead(t *testing.T) {
	pages := papertest.Read(t, finish(t, form()))
	text := papertest.Flat(pages)
	if n := strings.Count(text, "疏"); n != 300 {
		t.Errorf("%d of 300 sentences are printed", n)
	}
	if n := strings.Count(text, "区消防救援大队"); n != 60 {
		t.Errorf("%d of 60 rows are printed", n)
	}
	for i, p := range pages {
		if over, out := p.Overlaps(), p.Beyond(10); len(over)+len(out) > 0 {
			t.Errorf("page %d: written over each other: %q; beyond the edge: %q", i+1, over, out)
		}
	}
	if last := pages[len(pages)-1].Text(); !strings.Contains(last, "部门") || !strings.Contains(last, "窗口") {
		t.Errorf("the last page lacks the head or the places to sign: %s", last)
	}
	if strings.Contains(text, "电话") {
		t.Error("an empty fact is printed")
	}
}

// GB/T 15834-2011, 5.1.
func TestLinesBreakAsChineseIsSet(t *testing.T) {
	d := paper.New(paper.A4)
	for text, want := range map[string]string{
		"一二三四，五六":      "一二三|四，五六", // no line begins with a comma
		"一二三（四五）":      "一二三|（四五）", // none ends with an opening bracket
		"见 LB0012 号":   "见|LB0012|号",
		"一 ABCDEFGHIJ": "一|ABCDEF|GHIJ", // a word longer than the line is cut
		"一\n二":         "一|二",
		"一二三四五六七八九十":   "一二三四|五六七八|九十",
	} {
		if got := strings.Join(d.Wrap(4*10/72.0*25.4+0.01, 10, text), "|"); got != want {
			t.Errorf("%q breaks as %q, want %q", text, got, want)
		}
	}
}
