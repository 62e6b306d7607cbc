package delivery

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/paper/papertest"
)

// keepPrints writes what tests print into a directory, to be looked at.
func keepPrints(t *testing.T, p Print) {
	t.Helper()
	if dir := os.Getenv("LIANBAN_KEEP_PRINTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, p.Name), p.PDF, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// printed reads a document back.
func (w *parcelWorld) printed(p Parcel, kind PaperKind) ([]papertest.Page, Print) {
	w.t.Helper()
	out, err := w.PrintParcel(w.t.Context(), w.clerk, p.ID, kind)
	w.must(err)
	return papertest.Read(w.t, out.PDF), out
}

// to seals a parcel of one certificate and a seal to a receiver.
func (w *parcelWorld) to(name, address string, classes ...Class) Parcel {
	w.t.Helper()
	r := w.sealRequest(classes...)
	r.To.Name, r.To.Address = name, address
	if slices.Contains(classes, ClassSeal) {
		r.Second.Login, r.Second.Password = "zhao", password
	}
	p, err := w.Seal(w.t.Context(), w.clerk, r)
	w.must(err)
	return p
}

// DEL-1102, DEL-1103, DEL-1104.
func TestLabelShowsTheWayAndHidesTheReceiver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.to("欧阳修", "湖南省永州市冷水滩区梧桐路12号3栋2单元501室", ClassCertificate, ClassSeal)
		pages, out := w.printed(p, PaperLabel)
		keepPrints(t, out)
		text := papertest.Flat(pages)
		for _, want := range []string{
			"欧**", "1******1234", "梧桐路12号3栋***", "证照", "印章", "封签B0001", "0746-8322222", "最晚送达", "收货码", "第1/1件", "中心派送员",
			p.Number,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the label lacks %s:\n%s", want, text)
			}
		}
		for _, secret := range []string{"欧阳", "13800001234", "501室", "2单元", "开饭店", "许可证", "123X", "123x"} {
			if strings.Contains(text, secret) {
				t.Errorf("the label shows %s:\n%s", secret, text)
			}
		}
		// As a label printer does it, and read as a scanner does.
		img := pages[0].Pixels(203)
		if got := papertest.Code128(t, img); got != p.Number {
			t.Errorf("the bars say %q", got)
		}
		got := papertest.QR(t, img)
		if number, tag, _ := strings.Cut(got, "."); number != p.Number || len(tag) != 1+tagLength || got != w.paperCode(PaperLabel, p.Number) {
			t.Errorf("the QR code says %q", got)
		}
		if plain, err := ParseNumber(got); err != nil || plain != p.Number {
			t.Errorf("a scanned QR code reads as %q, %v", plain, err)
		}
	})
}

// DEL-1105: on every paper that has the name or the address.
func TestRareCharactersArePrintedOrFlaggedOnEveryPaper(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		for _, name := range []string{"张䶮", "李㛃", "𬱖", "王𡈼", "\ue863某"} {
			p := w.to(name, "冷水滩区𡈼巷12号", ClassCertificate)
			for _, kind := range p.Papers() {
				pages, out := w.printed(p, kind)
				text := papertest.Flat(pages)
				shown := MaskName(name)
				if kind == PaperContents {
					shown = name
				}
				for _, r := range shown {
					flagged := map[rune]string{'𡈼': "2123C(tǐng)", '\ue863': "E863(yǎn)"}[r]
					if flagged == "" && !strings.ContainsRune(text, r) || !strings.Contains(text, flagged) {
						t.Errorf("%s: %c of %s is dropped:\n%s", kind, r, name, text)
					}
				}
				if kind != PaperContents && !strings.Contains(text, "2123C(tǐng)巷12号") {
					t.Errorf("%s: the address is not whole:\n%s", kind, text)
				}
				if flagged := strings.Contains(text, "缺字"); flagged != (len(out.Rare) > 0) || flagged != strings.Contains(text, "：字库没有") {
					t.Errorf("%s of %s flags %v:\n%s", kind, name, out.Rare, text)
				}
			}
		}
	})
}

// DEL-1116.
func TestPaperKeepsItsNumberAndSaysWhichCopyItIs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.sealed()
		first, _ := w.printed(p, PaperReceipt)
		again, _ := w.printed(p, PaperReceipt)
		if text := papertest.Text(first); strings.Contains(text, "补打") || !strings.Contains(text, "数据版本") {
			t.Errorf("the first copy says:\n%s", text)
		}
		if text := papertest.Text(again); !strings.Contains(text, "补打 1") || !strings.Contains(text, p.Number) {
			t.Errorf("the second copy says:\n%s", text)
		}
		code := papertest.QR(t, first[0].Pixels(300))
		seen, err := w.CheckPaper(t.Context(), w.courier, strings.ToLower(code))
		if err != nil || seen.Kind != PaperReceipt || seen.Number != p.Number || seen.Copies != 2 {
			t.Errorf("the register says %+v, %v", seen, err)
		}
		if got := w.leaves(p.CaseID); strings.Count(got, "paper_printed") != 2 {
			t.Errorf("leaves: %s", got)
		}
		_, err = w.CheckPaper(t.Context(), w.clerk, code[:len(code)-1]+"~")
		w.refused(err, "paper_forged")
		_, err = w.CheckPaper(t.Context(), w.elsewhere(), code)
		w.refused(err, "not_found")
		_, err = w.CheckPaper(t.Context(), w.clerk, "LB0000")
		w.refused(err, "not_found")
	})
}

func TestLabelsOfADayComeAsOneDocumentInTheOrderAskedFor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		one, two, gone := w.sealed(), w.sealed(), w.sealed()
		_, err := w.CancelParcel(t.Context(), w.clerk, gone.ID, "申请人改为自取")
		w.must(err)
		waiting, err := w.NewLabels(t.Context(), w.clerk)
		w.must(err)
		if !slices.Equal(slices.Sorted(slices.Values(waiting)), slices.Sorted(slices.Values([]string{one.ID, two.ID}))) {
			t.Errorf("without a label: %v", waiting)
		}
		out, err := w.PrintLabels(t.Context(), w.clerk, []string{two.ID, one.ID, two.ID})
		w.must(err)
		pages := papertest.Read(t, out.PDF)
		if len(pages) != 2 {
			t.Fatalf("%d pages", len(pages))
		}
		for i, p := range []Parcel{two, one} {
			if got := papertest.Code128(t, pages[i].Pixels(203)); got != p.Number {
				t.Errorf("page %d is %s, not %s", i+1, got, p.Number)
			}
		}
		if waiting, err = w.NewLabels(t.Context(), w.clerk); err != nil || len(waiting) > 0 {
			t.Errorf("still without a label: %v, %v", waiting, err)
		}
		_, err = w.PrintLabels(t.Context(), w.clerk, []string{one.ID, gone.ID})
		w.refused(err, "paper_not_now")
		_, err = w.PrintLabels(t.Context(), w.clerk, nil)
		w.refused(err, "labels_none")
		_, err = w.PrintLabels(t.Context(), w.clerk, []string{one.ID, "none"})
		w.refused(err, "not_found")
		var many []string
		for range maxLabels + 1 {
			many = append(many, newID())
		}
		_, err = w.PrintLabels(t.Context(), w.clerk, many)
		w.refused(err, "labels_many")
	})
}

// DEL-108: others learn nothing, those who may read are told that it is not theirs.
func TestOnlyItsWindowPutsAParcelOnPaper(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		for _, kind := range []PaperKind{PaperLabel, PaperReceipt, "love_letter"} {
			_, err := w.PrintParcel(t.Context(), w.elsewhere(), p.ID, kind)
			w.refused(err, "not_found")
			_, err = w.PrintParcel(t.Context(), w.other, p.ID, kind)
			w.refused(err, "not_found")
			_, err = w.PrintParcel(t.Context(), w.courier, p.ID, kind)
			w.refused(err, "not_receiving_window")
		}
		_, err := w.PrintParcel(t.Context(), w.clerk, p.ID, "love_letter")
		w.refused(err, "paper_unknown")
		_, err = w.PrintParcel(t.Context(), w.clerk, p.ID, PaperPickUp) // a courier has it
		w.refused(err, "paper_not_now")
		_, err = w.PrintParcel(t.Context(), w.clerk, p.ID, PaperProof) // not delivered
		w.refused(err, "paper_not_now")
	})
}

func TestListInTheBagNamesEveryThing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.to("王𡈼", "冷水滩区梧桐路12号", ClassCertificate, ClassSeal)
		pages, out := w.printed(p, PaperContents)
		keepPrints(t, out)
		text := papertest.Flat(pages)
		for _, want := range []string{"装箱清单", "结果0", "结果1", "公章，编码4311030012345，备案号备2026，密封袋F01", "袋内共2件", "王2123C(tǐng)", "B0001"} {
			if !strings.Contains(text, want) {
				t.Errorf("the list lacks %s:\n%s", want, text)
			}
		}
		for _, i := range w.parcel(p.ID).Items {
			if !strings.Contains(text, i.Number) {
				t.Errorf("the list lacks %s", i.Number)
			}
		}
	})
}

// DEL-1109.
func TestRoundListHasEveryOpenParcelMasked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		_, err := w.PrintRound(t.Context(), w.clerk, w.courier.ID)
		w.refused(err, "round_empty")
		one := w.carried()
		two := w.dispatch(w.to("𬱖小满", "冷水滩区凤凰路8号1栋1203", ClassInvoice), w.courier)
		out, err := w.PrintRound(t.Context(), w.clerk, w.courier.ID)
		w.must(err)
		keepPrints(t, out)
		text := papertest.Flat(papertest.Read(t, out.PDF))
		for _, want := range []string{one.Number, two.Number, "𬱖**", "1******1234", "凤凰路8号1栋***", "派送员", "刘song", "2件", "交出：窗口", "核收：窗口", "发票"} {
			if !strings.Contains(text, want) {
				t.Errorf("the list lacks %s:\n%s", want, text)
			}
		}
		for _, secret := range []string{"13800001234", "1203", "小满", "欧阳"} {
			if strings.Contains(text, secret) {
				t.Errorf("the list shows %s", secret)
			}
		}
		again, err := w.PrintRound(t.Context(), w.clerk, w.courier.ID)
		w.must(err)
		if again.Name != out.Name {
			t.Errorf("the day's list was %s and is %s", out.Name, again.Name)
		}
		_, err = w.PrintRound(t.Context(), w.elsewhere(), w.courier.ID)
		w.refused(err, "not_found")
		_, err = w.PrintRound(t.Context(), w.courier, w.courier.ID)
		w.refused(err, "not_found")
		_, err = w.PrintRound(t.Context(), w.clerk, w.clerk.ID)
		w.refused(err, "not_found")
	})
}

// DEL-1113.
func TestProofOfDeliverySaysWhatHappenedWhenAndWhatProvesIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		code := w.code(p)
		w.later(60)
		w.accepted(
			w.event(p, EventStarted, "a1", nil),
			w.event(p, EventDelivered, "a1", map[string]any{"outcome": ToRecipient, "receiver": "欧阳修", "code": code}),
		)
		if got := w.parcel(p.ID); got.State != ParcelDelivered {
			t.Fatalf("it is %s", got.State)
		}
		pages, out := w.printed(p, PaperProof)
		keepPrints(t, out)
		text := papertest.Flat(pages)
		for _, want := range []string{"妥投证明", p.Number, "欧**", "妥投：本人签收", "结果：按时送达", "承诺规则", "计入", "存证日志", "合计：计时"} {
			if !strings.Contains(text, want) {
				t.Errorf("the proof lacks %s:\n%s", want, text)
			}
		}
		if strings.Contains(text, code) || strings.Contains(text, "欧阳") {
			t.Errorf("the proof shows what is secret:\n%s", text)
		}
	})
}

// DEL-950, DEL-1112.
func TestSlipOfATransferListsItsThingsForBothToSign(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		x := w.handOver(w.newSet("amr").Lines[0], certificate("营业执照正本"), certificate("营业执照副本"))
		out, err := w.PrintSlip(t.Context(), w.inspector("amr"), x.ID)
		w.must(err)
		keepPrints(t, out)
		pages := papertest.Read(t, out.PDF)
		text := papertest.Flat(pages)
		for _, want := range []string{"流转单", x.Number, "营业执照正本", "营业执照副本", "共2件", "移交人签名", "接收人签名", "准予许可"} {
			if !strings.Contains(text, want) {
				t.Errorf("the slip lacks %s:\n%s", want, text)
			}
		}
		if got := papertest.Code128(t, pages[0].Pixels(300)); got != x.Number {
			t.Errorf("the bars say %q", got)
		}
		_, err = w.PrintSlip(t.Context(), w.elsewhere(), x.ID)
		w.refused(err, "not_found")
	})
}

// DEL-1114.
func TestDemandListsWhatDepartmentsOweAndForHowLong(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		set := w.newSet("amr", "fire")
		w.receiveAll(w.handOver(set.Lines[0], certificate("营业执照")))
		out, err := w.PrintDemand(t.Context(), w.clerk, set.CaseID)
		w.must(err)
		keepPrints(t, out)
		text := papertest.Flat(papertest.Read(t, out.PDF))
		for _, want := range []string{"催办单", set.CaseNumber, "冷水滩区fire", "许可证", "个工作日", "部门签收", "第四十四条", "三(一)"} {
			if !strings.Contains(text, want) {
				t.Errorf("the demand lacks %s:\n%s", want, text)
			}
		}
		if strings.Contains(text, "冷水滩区amr") {
			t.Errorf("the demand names who owes nothing:\n%s", text)
		}
		again, err := w.PrintDemand(t.Context(), w.clerk, set.CaseID)
		w.must(err)
		if again.Name != out.Name {
			t.Errorf("the demand was %s and is %s", out.Name, again.Name)
		}
		_, err = w.PrintDemand(t.Context(), w.inspector("fire"), set.CaseID)
		w.refused(err, "not_receiving_window")
		_, err = w.PrintDemand(t.Context(), w.elsewhere(), set.CaseID)
		w.refused(err, "not_found")
		w.receiveAll(w.handOver(w.line(set.CaseID, "fire"), certificate("检查合格证")))
		_, err = w.PrintDemand(t.Context(), w.clerk, set.CaseID)
		w.refused(err, "demand_none")
	})
}

// DEL-1115.
func TestReturnNoticeSaysWhyAndHowToGoOnAndUntilWhen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		_, err := w.PrintParcel(t.Context(), w.clerk, p.ID, PaperReturn)
		w.refused(err, "paper_not_now")
		w.later(30)
		w.accepted(
			w.event(p, EventStarted, "a1", nil),
			w.event(p, EventFailed, "a1", map[string]any{"outcome": NotHome, "reason": "店门上锁"}),
		)
		w.later(5)
		_, err = w.AcceptReturn(t.Context(), w.clerk, ReturnRequest{ParcelID: p.ID, Seal: BagIntact, Count: len(w.parcel(p.ID).Items)})
		w.must(err)
		pages, out := w.printed(p, PaperReturn)
		keepPrints(t, out)
		text := papertest.Flat(pages)
		for _, want := range []string{"退回通知", "无人在场", "店门上锁", "1次", "2026-12-24", "到窗口自取", "0746-8322222", "依法另行送达", "欧**"} {
			if !strings.Contains(text, want) {
				t.Errorf("the notice lacks %s:\n%s", want, text)
			}
		}
	})
}

// DEL-950, DEL-1108.
func TestListOfABagHasEveryThingForBothToSign(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		original, forFire, _ := w.lease()
		b := w.bag(w.clerk, "amr", original)
		out, err := w.PrintBag(t.Context(), w.clerk, b.ID)
		w.must(err)
		keepPrints(t, out)
		pages := papertest.Read(t, out.PDF)
		text := papertest.Flat(pages)
		for _, want := range []string{"交接清单", b.Number, "租赁合同", original.Item.Number, original.CaseNumber, "1件：原件1件", "不符情况", "接收人签名"} {
			if !strings.Contains(text, want) {
				t.Errorf("the list lacks %s:\n%s", want, text)
			}
		}
		if got := papertest.Code128(t, pages[0].Pixels(300)); got != b.Number {
			t.Errorf("the bars say %q", got)
		}
		_, err = w.PrintBag(t.Context(), w.elsewhere(), b.ID)
		w.refused(err, "not_found")

		// DEL-106, DEL-1110, DEL-1111.
		out, err = w.PrintNote(t.Context(), w.clerk, forFire.ItemID)
		w.must(err)
		keepPrints(t, out)
		text = papertest.Flat(papertest.Read(t, out.PDF))
		for _, want := range []string{"复印件留存注记", forFire.Item.Number, "租赁合同", forFire.Keeper, "1/2", "盖章处", "不得要求申请人重复提交"} {
			if !strings.Contains(text, want) {
				t.Errorf("the note lacks %s:\n%s", want, text)
			}
		}
		_, err = w.PrintNote(t.Context(), w.clerk, original.ItemID)
		w.refused(err, "note_original")
		_, err = w.PrintNote(t.Context(), w.elsewhere(), forFire.ItemID)
		w.refused(err, "not_found")
	})
}

// DEL-1104.
func TestLabelOfAPostedParcelHasTheWaybill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newPostWorld(t, d)
		p := w.posted("EE473124829CN")
		pages, out := w.printed(p, PaperLabel)
		keepPrints(t, out)
		if text := papertest.Flat(pages); !strings.Contains(text, "邮政EMS") || !strings.Contains(text, "运单EE473124829CN") {
			t.Errorf("the label says:\n%s", text)
		}
	})
}
