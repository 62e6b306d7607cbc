package api

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lianban/delivery"
)

// DEL-911: the window signs for what was released and records what was not, with a
// photo; it stays on its list until somebody says on the page what it is.
func TestUnlistedThingOfAHandOverIsFoundAndExplainedOnItsPage(t *testing.T) {
	s := newStage(t)
	owed := s.owe(s.open)["431103-fire"]
	tr, err := s.Delivery.Release(t.Context(), s.actor("inspector"), delivery.ReleaseRequest{
		LineID: owed.ID, DecidedOn: "2026-11-16", New: []delivery.NewItem{{Class: delivery.ClassCertificate, Title: "合格证"}},
	})
	s.must(err)
	at, image := "/transfers/"+tr.ID, drawn(t)
	sign := url.Values{"count": {"1"}, "outcome-" + tr.Items[0].ItemID: {"accepted"}, "extra_title1": {"副本" + trouble}}
	s.browse("clerk", at+"/accept", sign).is(http.StatusUnprocessableEntity).says("附照片")
	s.sendFile("clerk", at+"/accept", sign, "extra_photo1", image).is(http.StatusSeeOther)
	page := s.browse("clerk", at, nil).is(http.StatusOK).says("多出的物料", "待说明", "这是什么？", "副本")
	checkPage(t, at, page.body)
	s.browse("clerk", "/", nil).is(http.StatusOK).says("移交中多出的物料，等窗口说明")
	s.browse("clerk", "/transfers?extras=open", nil).is(http.StatusOK).says(tr.Number)
	s.browse("inspector", at, nil).is(http.StatusOK).says("等窗口说明").lacks("这是什么？")
	found, err := s.Delivery.FindTransfer(t.Context(), s.actor("clerk"), tr.ID)
	s.must(err)
	says := url.Values{"extra": {found.Extras[0].ID}}
	s.browse("clerk", at+"/explain", says).is(http.StatusUnprocessableEntity).says("请选择这件东西是什么")
	says.Set("answer", "new")
	says.Set("explanation", "部门漏登")
	s.browse("clerk", at+"/explain", says).is(http.StatusUnprocessableEntity).says("每件结果都要选类别", "部门漏登")
	says.Set("class", "certificate")
	s.browse("clerk-elsewhere", at+"/explain", says).is(http.StatusNotFound)
	s.browse("clerk", at+"/explain", says).is(http.StatusSeeOther)
	s.browse("clerk", at+"/explain", says).is(http.StatusConflict).says("已有说明")
	s.browse("clerk", at, nil).is(http.StatusOK).says("本项结果，新登记一件", "部门漏登", "查看物料").lacks("待说明")
	s.browseIn("en", "auditor", at, nil).is(http.StatusOK).says("of this result, registered now")
	s.browse("clerk", "/", nil).is(http.StatusOK).lacks("移交中多出的物料，等窗口说明")
	photo := s.browse("inspector", at+"/files/"+fmt.Sprintf("%x", sha256.Sum256(image)), nil).is(http.StatusOK)
	if photo.body != string(image) {
		t.Error("the photo is not what was uploaded")
	}
}

// DEL-911: where nothing listed lay in a hand-over but something else did, the window
// signs for that alone, on the page or by a program, and the page says both.
func TestHandOverWithOnlyAnUnlistedThingIsSignedForOnItsPageAndAsJSON(t *testing.T) {
	s := newStage(t)
	owed := s.owe(s.open)
	handOver := func(line delivery.ResultLine, as string) (at string, item string) {
		by := s.actor("inspector")
		by.Department = as
		tr, err := s.Delivery.Release(t.Context(), by, delivery.ReleaseRequest{
			LineID: line.ID, DecidedOn: "2026-11-16", New: []delivery.NewItem{{Class: delivery.ClassCertificate, Title: "合格证"}},
		})
		s.must(err)
		return "/transfers/" + tr.ID, tr.Items[0].ItemID
	}
	at, item := handOver(owed["431103-fire"], "431103-fire")
	bare := url.Values{"count": {"0"}, "outcome-" + item: {"missing"}, "note-" + item: {""}, "note": {""}}
	if p := s.browse("clerk", at+"/accept", bare).is(http.StatusUnprocessableEntity).says("缺件或破损时必填"); !strings.Contains(p.body, `id="accept-note-`+item+`-wrong"`) {
		t.Error("the refusal does not stand beside the note of the missing thing")
	}
	sign := url.Values{"count": {"0"}, "outcome-" + item: {"missing"}, "note-" + item: {"袋内没有"}}
	if p := s.browse("clerk", at+"/accept", sign).is(http.StatusUnprocessableEntity).says("清单之外的东西"); !strings.Contains(p.body, "袋内没有") {
		t.Error("what was written is lost")
	}
	sign.Set("extra_title1", "别家的许可证")
	for _, empty := range []string{"", "一件"} { // only a written 0 is a count of 0
		sign.Set("count", empty)
		zh := s.sendFile("clerk", at+"/accept", sign, "extra_photo1", drawn(t)).is(http.StatusUnprocessableEntity)
		en := s.browseIn("en", "clerk", at+"/accept", sign).is(http.StatusUnprocessableEntity)
		for want, page := range map[string]string{"请填写实际清点的件数": zh.body, "write down how many you counted": en.body} {
			if !strings.Contains(page, `id="accept-count-wrong">`+want) {
				t.Errorf("a count of %q is not refused beside the field: %s", empty, want)
			}
		}
	}
	sign.Set("count", "0")
	s.browse("clerk", at+"/accept", sign).is(http.StatusUnprocessableEntity).says("附照片")
	s.sendFile("clerk", at+"/accept", sign, "extra_photo1", drawn(t)).is(http.StatusSeeOther)
	page := s.browse("clerk", at, nil).is(http.StatusOK).says("部分签收", "缺件", "袋内没有", "多出的物料", "别家的许可证", "这是什么？")
	checkPage(t, at, page.body)

	at, item = handOver(owed["431103-amr"], "431103-amr")
	body := map[string]any{"count": 0, "found": []any{map[string]any{"item_id": item, "outcome": "missing", "note": "袋内没有"}}}
	s.post("clerk", at+"/accept", body).refused(http.StatusUnprocessableEntity, "nothing_accepted")
	body["extras"] = []any{map[string]any{"title": "别家的许可证", "photo_sha256": fmt.Sprintf("%x", sha256.Sum256(drawn(t)))}}
	got := s.post("clerk", at+"/accept", body).is(http.StatusOK)
	got.tells(map[string]string{"state": "accepted_partial", "extras.0.title": "别家的许可证", "items.0.outcome": "missing"})
}
