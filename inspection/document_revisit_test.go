package inspection

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"lianban/internal/db"
)

func TestARevisitIsAskedForAndRecordedOnPaper(t *testing.T) { // INS-1109, INS-1104, INS-1105, D09, D10
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.rectified()
		w.given(v, 1)
		_, err := w.Document(ctx, w.clerk, DocumentRequest{VisitID: v.ID, Kind: DocAsk})
		w.refused(err, "document_not_yet")
		r, err := w.RequestRevisit(ctx, w.clerk, AskRequest{VisitID: v.ID, Channel: "phone", Person: "李梅", Note: "通道已清理"})
		w.must(err)
		text, asked := w.printed(w.clerk, v, DocAsk, "")
		wantWords(t, text, "复勘申请单", v.CaseNumber, "电话申请", "李梅", "通道已清理", flat(instantText(r.DueAt))+"前完成", "疏散通道堆放杂物", "申请人或代办人签名")

		second := w.booksRevisit(v)
		_, err = w.Document(ctx, w.clerk, DocumentRequest{VisitID: second.ID, Kind: DocRevisit})
		w.refused(err, "document_not_yet")
		fire := w.viewNow(v).Rectification.openAt(w.now())[0]
		w.looks(second, map[string]OpinionRequest{
			"fire":  {Kind: Rectify, Text: "仍有杂物", Items: []RectifyItem{{ID: w.itemOf(v, "fire").ID, Days: 3}}},
			"urban": {Kind: Agree, Text: "符合要求"},
		})
		w.must(w.signs(w.clerk, w.signed(second))) // INS-1012
		text, record := w.printed(w.clerk, second, DocRevisit, "")
		wantWords(t, text, "申请人阅签", "李梅已阅读并签字")
		wantWords(t, text, "复勘记录", second.CaseNumber, fire.Finding, "尚未整改，再给3个工作日", "已整改", "仍有杂物", "符合要求", "整改后复勘", "到场人员", flat(instantText(w.visitNow(second).ClosedAt)))
		wantWords(t, text, "勘验员1，", "勘验员、勘验员1、勘验员2")                      // who came, and who signed
		own, _ := w.printed(w.inspector("urban"), second, DocRevisit, "") // SEC-3
		if strings.Contains(own, "仍有杂物") || !strings.Contains(own, "符合要求") {
			t.Errorf("a department reads\n%s", own)
		}

		w.clock.forward(time.Minute)
		w.asks(v) // again, and looked at again
		w.looks(w.booksRevisit(v), map[string]OpinionRequest{"fire": {Kind: Agree}})
		w.clock.forward(72 * time.Hour)
		_, again := w.printed(w.boss, second, DocRevisit, "")
		first, err := w.Document(ctx, w.boss, DocumentRequest{VisitID: v.ID, Kind: DocAsk, N: 1})
		w.must(err)
		if !bytes.Equal(again.PDF, record.PDF) || !bytes.Equal(first.PDF, asked.PDF) {
			t.Error("what came afterwards changes what was printed")
		}
		last, _ := w.printed(w.clerk, v, DocAsk, "")
		if strings.Contains(last, w.itemOf(v, "urban").Finding) {
			t.Error("the second request asks for what was put right before")
		}
		_, err = w.Document(ctx, w.clerk, DocumentRequest{VisitID: v.ID, Kind: DocAsk, N: 3})
		w.refused(err, "not_found")
	})
}

// itemOf is the item of a department that is seen on the site.
func (w *testWorld) itemOf(v Visit, system string) ListedItem {
	w.t.Helper()
	for _, i := range w.viewNow(v).Rectification.Items {
		if i.DepartmentID == w.department(system) && i.Verify == VerifyVisit {
			return i
		}
	}
	w.t.Fatalf("%s has no item on the site", system)
	return ListedItem{}
}
