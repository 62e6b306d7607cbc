package delivery

import (
	"testing"

	"lianban/internal/paper/papertest"
)

// DEL-1107: each of the codes, not one of them.
func TestEveryLabelOfABatchReadsBack(t *testing.T) {
	labels := manyLabels(40)
	out, err := printLabels(labels)
	if err != nil {
		t.Fatal(err)
	}
	for i, page := range papertest.Read(t, out.PDF) {
		img := page.Pixels(203)
		if bars, qr := papertest.Code128(t, img), papertest.QR(t, img); bars != labels[i].Number || qr != labels[i].Code {
			t.Errorf("label %d reads as %s and %s", i, bars, qr)
		}
	}
}

// The longest that the forms take still fits on the label, and nothing runs over
// its edge or into the part below.
func TestTheLongestLabelFits(t *testing.T) {
	l := manyLabels(1)[0]
	long := func(n int) (s string) {
		for range n {
			s += "永"
		}
		return s
	}
	l.To = Addressee{Name: "𡈼" + long(59), Phone: "1*************5678", Address: long(200), Agent: long(60)}
	l.Classes = []string{"证照", "批准文书", "印章", "发票"}
	l.Door = append(l.Door, "收件人姓名、收货码、证件号后四位、签名、封袋完好照片、收件人手持封袋照片")
	l.Centre, l.Bag = long(40), long(20)
	l.Way, l.Payer = "即时配送", "到付"
	out, err := printLabels([]label{l})
	if err != nil {
		t.Fatal(err)
	}
	keepPrints(t, out)
	page := papertest.Read(t, out.PDF)[0]
	if over, out := page.Overlaps(), page.Beyond(2); len(over)+len(out) > 0 {
		t.Errorf("written over each other: %q; beyond the edge: %q", over, out)
	}
	if got := papertest.QR(t, page.Pixels(203)); got != l.Code {
		t.Errorf("the QR code reads as %s", got)
	}
}

// DEL-1107: at most 10 s.
func BenchmarkThousandLabels(b *testing.B) {
	labels := manyLabels(1000)
	for b.Loop() {
		if _, err := printLabels(labels); err != nil {
			b.Fatal(err)
		}
	}
}
