package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
)

// lease is a lease taken in for a case: the original, and a copy for fire.
func (s *stage) lease(c inspection.Case) (original, forFire delivery.Material) {
	s.t.Helper()
	form := url.Values{"title": {"租赁合同" + trouble}, "need-431103-amr": {"copy"}, "need-431103-fire": {"copy"}, "once": {newOnce()}}
	s.browse("clerk", "/cases/"+c.ID+"/materials", form).is(http.StatusSeeOther)
	papers, err := s.Delivery.MaterialsOfCase(s.t.Context(), auth.System("test"), c.ID)
	s.must(err)
	return papers[len(papers)-2], papers[len(papers)-1]
}

// newBagTo opens a bag on the page and gives its path.
func (s *stage) newBagTo(as, to string) string {
	s.t.Helper()
	return s.browse(as, "/bags", url.Values{"to": {to}, "once": {newOnce()}}).is(http.StatusSeeOther).to()
}

// DEL-920, DEL-930, DEL-931, DEL-952: a material is taken in on the page of the
// case, stamped, scanned into a bag, sealed, opened and counted on the other
// side, all with plain forms.
func TestMaterialGoesFromTheCaseToTheDepartmentInABag(t *testing.T) {
	s := newStage(t)
	s.browse("clerk", "/cases/"+s.booked.CaseID, nil).is(http.StatusOK).says("收取材料", "还没有登记")
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	s.browse("clerk", "/cases/"+c.ID+"/materials", url.Values{"title": {"租赁合同"}, "once": {"m0"}}).is(http.StatusUnprocessableEntity).says("勾选需要它的部门")
	original, copied := s.lease(c)
	s.browse("clerk", "/cases/"+c.ID, nil).says("租赁合同", "复印件1/1", "未盖章")
	s.browse("clerk", "/materials", nil).is(http.StatusOK).says("待核对盖章", "租赁合同")

	at := s.newBagTo("clerk", "431103-fire")
	scan := func(number string) *seen {
		return s.browse("clerk", at+"/scan", url.Values{"verb": {"put"}, "number": {number}})
	}
	scan(original.Item.Number).is(http.StatusConflict).says("原件由", original.Item.Number)
	scan(copied.Item.Number).is(http.StatusConflict).says("还没有加盖")
	s.browse("clerk", "/items/"+copied.ItemID+"/stamp", url.Values{"name": {""}}).is(http.StatusUnprocessableEntity).says("核对并盖章的人员")
	s.browse("clerk", "/items/"+copied.ItemID+"/stamp", url.Values{"name": {"蒋志远"}, "to": {"/materials#stamps"}}).is(http.StatusSeeOther)
	s.browse("clerk", "/items/"+copied.ItemID+"/note", nil).is(http.StatusOK).says("复印件留存注记", "1/1", "蒋志远", copied.Item.Number)
	scan(copied.Item.Number).is(http.StatusOK).says("已装袋：租赁合同")
	s.browse("clerk", at+"/scan", url.Values{"verb": {"take"}, "number": {copied.Item.Number}}).is(http.StatusOK).says("已取出：租赁合同")
	scan("LB03").is(http.StatusUnprocessableEntity).says("13位")
	scan(copied.Item.Number).is(http.StatusOK)
	s.browse("inspector", at, nil).is(http.StatusNotFound) // still being packed
	s.browse("clerk", at+"/release", url.Values{"seal": {""}, "count": {"1"}}).is(http.StatusUnprocessableEntity).says("封条编号")
	s.browse("clerk", at+"/release", url.Values{"seal": {"F0001"}, "count": {""}}).is(http.StatusUnprocessableEntity).says("请填写实际清点的件数")
	s.browse("clerk", at+"/release", url.Values{"seal": {"F0001"}, "count": {"2"}}).is(http.StatusUnprocessableEntity).says("重新清点")
	s.browse("clerk", at+"/release", url.Values{"seal": {"F0001"}, "count": {"1"}}).is(http.StatusSeeOther)
	s.browse("clerk", at+"/slip", nil).is(http.StatusOK).says("材料流转单", "F0001", "复印件1件", copied.Item.Number)
	s.browse("clerk", at+"/accept", url.Values{"count": {"1"}}).is(http.StatusForbidden)

	s.browse("inspector", "/bags", nil).is(http.StatusOK).says("待我方签收", "F0001")
	s.browse("inspector", at, nil).is(http.StatusOK).says("签收期限", "还剩", "双方不在同一地址：次一工作日签收") // DEL-912
	s.browseIn("en", "inspector", at, nil).says("sign by", "not at one address")
	to := s.browse("inspector", "/scan", url.Values{"verb": {"sign"}, "number": {copied.Item.Number}}).is(http.StatusSeeOther).to()
	if to != at {
		t.Errorf("the scan leads to %s", to)
	}
	s.browse("inspector", at+"?scan="+copied.Item.Number, nil).is(http.StatusOK).says("已核对：租赁合同", "已核对1件，共1件")
	s.browse("inspector", at+"?scan="+original.Item.Number, nil).is(http.StatusOK).says("不在清单中")
	extra := url.Values{"count": {"1"}, "outcome-" + copied.ItemID: {"accepted"}, "extra_title1": {"身份证复印件" + trouble}}
	s.browse("inspector", at+"/accept", extra).is(http.StatusUnprocessableEntity).says("附照片")
	s.sendFile("inspector", at+"/accept", extra, "extra_photo1", drawn(t)).is(http.StatusSeeOther)
	s.browse("inspector", at, nil).is(http.StatusOK).says("已签收", "多出的物料", "待说明")
	view, err := s.Delivery.FindBag(t.Context(), s.actor("clerk"), at[len("/bags/"):])
	s.must(err)
	s.browse("clerk", at+"/files/"+view.Extras[0].Photo, nil).is(http.StatusOK)
	s.browse("clerk", at+"/explain", url.Values{"extra": {view.Extras[0].ID}, "explanation": {""}}).is(http.StatusUnprocessableEntity)
	s.browse("clerk", at+"/explain", url.Values{"extra": {view.Extras[0].ID}, "explanation": {"装袋时夹带"}}).is(http.StatusSeeOther)
	s.browse("inspector", "/items/"+copied.ItemID, nil).is(http.StatusOK).says("对方签收", "蒋志远")
	s.browse("inspector", "/materials", nil).is(http.StatusOK).says("租赁合同")
}

// DEL-921, DEL-902: at the counter a verb is chosen first, and every scan answers
// in words.
func TestScanCounterAnswersEveryScan(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	original, _ := s.lease(c)
	number := original.Item.Number
	post := func(form url.Values) *seen { return s.browse("clerk", "/scan", form) }
	s.browse("clerk", "/scan", nil).is(http.StatusOK).says("扫码台", "装袋", "上架")
	post(url.Values{"verb": {"put"}, "number": {number}}).is(http.StatusOK).says("请先选择集装袋")
	s.newBagTo("clerk", "431103-amr")
	s.browse("clerk", "/scan?verb=put", nil).is(http.StatusOK).says("已装0件")
	bag := s.newBagTo("clerk", "431103-amr")[len("/bags/"):]
	post(url.Values{"verb": {"put"}, "bag": {bag}, "number": {number}}).is(http.StatusOK).says("已装袋：租赁合同", "已装1件")
	post(url.Values{"verb": {"shelf"}, "place": {"A-03"}, "number": {number}}).is(http.StatusConflict).says("不能上架")
	post(url.Values{"verb": {"take"}, "bag": {bag}, "number": {number}}).is(http.StatusOK).says("已取出：租赁合同")
	post(url.Values{"verb": {"shelf"}, "place": {""}, "number": {number}}).is(http.StatusUnprocessableEntity).says("货架位置")
	post(url.Values{"verb": {"shelf"}, "place": {"A-03"}, "number": {number}}).is(http.StatusOK).says("已上架：租赁合同", "A-03")
	if to := post(url.Values{"verb": {"find"}, "number": {" " + number}}).is(http.StatusSeeOther).to(); to != "/items/"+original.ItemID {
		t.Errorf("found at %s", to)
	}
	post(url.Values{"verb": {"find"}, "number": {"LB031234"}}).is(http.StatusUnprocessableEntity).says("13位")
	s.browse("clerk-elsewhere", "/scan", url.Values{"verb": {"find"}, "number": {number}}).is(http.StatusUnprocessableEntity).says("没有编号为")
	s.browse("clerk", "/items/"+original.ItemID, nil).says("A-03")
	s.browse("clerk", "/bags/"+bag+"/cancel", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", "/bags/"+bag, nil).is(http.StatusOK).says("已取消")
}

// DEL-940, DEL-933: the keeper lends on the page of the original, and one more
// copy is made there.
func TestKeeperLendsAndCopiesOnThePageOfTheOriginal(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	s.browse("clerk", "/cases/"+c.ID+"/materials", url.Values{"title": {"消防图纸"}, "need-431103-fire": {"copy"}, "once": {"m"}}).is(http.StatusSeeOther)
	papers, err := s.Delivery.MaterialsOfCase(t.Context(), auth.System("test"), c.ID)
	s.must(err)
	p := papers[len(papers)-1]
	at := "/items/" + p.ItemID
	s.browse("clerk", at+"/copies", url.Values{"department": {"431103-amr"}, "reason": {""}, "once": {"c0"}}).is(http.StatusUnprocessableEntity)
	s.browse("clerk", at+"/copies", url.Values{"department": {"431103-amr"}, "reason": {"第 2 页模糊"}, "once": {"c1"}}).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("复印件1/1")
	s.browse("clerk", at+"/loans", url.Values{"borrower": {"431103-amr"}, "purpose": {"核对"}, "once": {"l0"}}).is(http.StatusForbidden).says("本人登录")
	s.browse("inspector", at+"/loans", url.Values{"borrower": {"431103-amr"}, "purpose": {""}, "once": {"l1"}}).is(http.StatusUnprocessableEntity)
	s.browse("inspector", at+"/loans", url.Values{"borrower": {"431103-amr"}, "purpose": {"核对产权页"}, "once": {"l2"}}).is(http.StatusSeeOther)
	s.browse("inspector", at, nil).is(http.StatusOK).says("已同意，未取走", "核对产权页")
	s.browse("inspector", "/materials", nil).is(http.StatusOK).says("原件借用", "核对产权页")
	view, err := s.Delivery.FindMaterial(t.Context(), s.actor("clerk"), p.ItemID)
	s.must(err)
	s.browse("inspector", at+"/unlend", url.Values{"loan": {view.Loans[0].ID}}).is(http.StatusSeeOther)
	s.browse("inspector", at, nil).says("已取消")
	s.browse("inspector", at+"/note", nil).is(http.StatusNotFound) // an original takes none
}

// SEC-20, SEC-24, SEC-3: the pages of circulation are whole in both languages, in
// every state, and exist for those alone whom they concern.
func TestPagesOfCirculationAreWholeInBothLanguages(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	original, copied := s.lease(c)
	s.browse("clerk", "/items/"+copied.ItemID+"/stamp", url.Values{"name": {"蒋" + trouble}}).is(http.StatusSeeOther)
	packing := s.newBagTo("clerk", "431103-amr")
	s.browse("clerk", packing+"/scan", url.Values{"verb": {"put"}, "number": {original.Item.Number}}).is(http.StatusOK)
	sent := s.newBagTo("clerk", "431103-fire")
	s.browse("clerk", sent+"/scan", url.Values{"verb": {"put"}, "number": {copied.Item.Number}}).is(http.StatusOK)
	s.browse("clerk", sent+"/release", url.Values{"seal": {trouble}, "count": {"1"}}).is(http.StatusSeeOther)
	look := func() {
		t.Helper()
		for _, path := range []string{
			"/bags", "/materials", "/materials?all=yes&q=LB", "/scan", "/scan?verb=put", "/scan?verb=shelf", packing, sent, sent + "/slip", packing + "/slip",
			"/items/" + original.ItemID, "/items/" + copied.ItemID, "/items/" + copied.ItemID + "/note", "/cases/" + c.ID,
		} {
			for _, lang := range []string{"zh", "en"} {
				got := s.browse("clerk", withLang(path, lang), nil)
				if got.status != http.StatusOK {
					t.Errorf("%s: %d %s", path, got.status, s.why(got))
					continue
				}
				checkPage(t, path+" in "+lang, got.body)
			}
		}
		for _, path := range []string{"/bags", "/materials", "/scan?verb=put", sent, sent + "/slip", "/items/" + copied.ItemID} {
			checkPage(t, path+" for fire", s.browse("inspector", withLang(path, "en"), nil).is(http.StatusOK).body)
		}
		for _, path := range []string{packing, sent, sent + "/slip", "/items/" + original.ItemID, "/items/" + copied.ItemID + "/note"} {
			s.browse("clerk-elsewhere", path, nil).is(http.StatusNotFound)
		}
		s.browse("courier", "/bags", nil).is(http.StatusForbidden)
		s.browse("auditor", sent, nil).is(http.StatusOK)
		s.browse("auditor", "/scan", nil).is(http.StatusForbidden)
	}
	look()
	s.browse("inspector", sent+"/accept", url.Values{"count": {"0"}, "outcome-" + copied.ItemID: {"damaged"}, "note-" + copied.ItemID: {"缺页" + trouble}}).
		is(http.StatusUnprocessableEntity).says("拒收")
	s.browse("inspector", sent+"/refuse", url.Values{"reason": {""}}).is(http.StatusUnprocessableEntity)
	s.browse("inspector", sent+"/refuse", url.Values{"reason": {"封条破损" + trouble}}).is(http.StatusSeeOther)
	look()
}

// DEL-913: the head keeps the list on a page, the window that of a department
// without accounts, with refusals beside the field; ended lines stay to be read.
func TestTheListOfReceiversIsKeptOnAPage(t *testing.T) {
	s := newStage(t)
	s.browse("clerk", "/receivers", nil).is(http.StatusOK).says("登记收件人")
	at := "/receivers?department=431103-amr" // has no accounts
	s.browse("clerk", at, nil).is(http.StatusOK).says("还没有登记收件人")
	form := url.Values{"department": {"431103-amr"}, "name": {"雷鸣"}, "post": {"收发室"}, "from": {"2026-11-01"}, "once": {"r1"}}
	s.browse("clerk", "/receivers", form).is(http.StatusUnprocessableEntity).says("起始日期不能早于今天")
	form.Set("ground", "登记函 2026-11-16")
	form.Del("from")
	form.Set("once", "r2")
	s.browse("clerk", "/receivers", form).is(http.StatusSeeOther)
	form.Set("once", "r3")
	s.browse("clerk", "/receivers", form).is(http.StatusConflict).says("名单上已有“雷鸣”")
	page := s.browse("clerk", at, nil).is(http.StatusOK).says("雷鸣", "收发室", "登记函 2026-11-16", "有效")
	s.browse("clerk", "/receivers", nil).is(http.StatusOK).says("现在可以签收的人", "雷鸣")
	_, id, _ := strings.Cut(page.body, `action="/receivers/`)
	id, _, _ = strings.Cut(id, "/end")
	end := "/receivers/" + id + "/end?department=431103-amr"
	s.browse("head", end, url.Values{"reason": {"调离"}}).is(http.StatusForbidden)
	s.browse("clerk", end, url.Values{"reason": {""}}).is(http.StatusUnprocessableEntity).says("请写明理由")
	s.browse("clerk", end, url.Values{"reason": {"调离"}}).is(http.StatusSeeOther)
	s.browse("auditor", at, nil).is(http.StatusOK).says("已停用", "调离").lacks("确认停用")

	form.Set("department", "431103-fire") // has accounts
	form.Set("once", "r4")
	s.browse("clerk", "/receivers", form).is(http.StatusForbidden).says("部门有系统账号")
	s.browse("clerk", "/receivers?department=431103-fire", nil).is(http.StatusOK).says("部门有系统账号").lacks("部门的登记函及日期")
	form.Set("once", "r5")
	s.browse("head", "/receivers", form).is(http.StatusSeeOther)
	s.browse("head", "/receivers", nil).is(http.StatusOK).says("雷鸣", "停用")
	s.browse("inspector", "/receivers", nil).is(http.StatusOK).says("雷鸣").lacks("确认停用")
}
