package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lianban/delivery"
	"lianban/scheduler/workday"
)

// DEL-1301: a parcel to the very address of its case takes the point of the
// case; another address has a point only if somebody gives it.
func TestAParcelTakesThePointOfItsCaseOnlyAtTheSameAddress(t *testing.T) {
	s := newCounter(t)
	items := s.shelve(s.open, delivery.ClassCertificate)
	site, err := s.Inspection.Addressee(t.Context(), s.actor("clerk"), s.open.ID)
	s.must(err)
	at := "/cases/" + s.open.ID + "/seal"
	form := sealForm(items, "seal-point")
	form.Set("lat", "26,4")
	s.browse("clerk", at, form).is(http.StatusUnprocessableEntity).says("请填写数字")
	form.Set("lat", "126.4")
	s.browse("clerk", at, form).is(http.StatusUnprocessableEntity).says("坐标无效")
	form.Set("lat", "")
	form.Set("address", site.Address)
	p := s.parcelAt(strings.TrimPrefix(s.browse("clerk", at, form).is(http.StatusSeeOther).to(), "/parcels/"))
	if site.Lat == 0 || p.Receiver.Lat != site.Lat || p.Receiver.Lon != site.Lon {
		t.Errorf("the parcel lies at %v, %v, the case at %v, %v", p.Receiver.Lat, p.Receiver.Lon, site.Lat, site.Lon)
	}
	if m := p.Receiver.Masked(); m.Lat != 0 || m.Lon != 0 {
		t.Error("the masked receiver has a point, which tells the house")
	}
	s.open = s.accept(trouble, s.open.Answers["outdoor_sign"])
	p = s.pack(s.open)
	if p.Receiver.Lat != 0 || p.Receiver.Lon != 0 {
		t.Errorf("a parcel to another address has the point of the case")
	}
}

// DEL-204: what has to be collected is said to the window before it packs, to the
// department before it hands over, and to the applicant before the choice.
func TestPagesSayWhatIsCollectedAtTheWindow(t *testing.T) {
	s := newCounter(t)
	items := s.shelve(s.open, delivery.ClassCertificate)
	link := s.linkOf(s.open)
	add := url.Values{"department": {"431103-urban"}, "permit": {"安全责任书"}, "ground": {"须当面签字"}, "window_only": {"yes"}, "once": {"a1"}}
	s.browse("clerk", "/cases/"+s.open.ID+"/results", add).is(http.StatusSeeOther)
	s.browse("clerk", "/cases/"+s.open.ID, nil).is(http.StatusOK).says("须到窗口领取").lacks("登记网上传输同意")
	s.plain(link).says("须到窗口领取", "标有“须到窗口领取”的结果不派送", "派送上门", "派送的费用由中心承担，您不用付")

	owed, err := s.Delivery.ListLines(t.Context(), s.actor("clerk"), delivery.LineQuery{CaseID: s.open.ID, State: delivery.LineExpected})
	s.must(err)
	s.browse("clerk", "/results/"+owed[0].ID, nil).is(http.StatusOK).says("不寄递，也不网上传输").lacks("电子件")
	form := url.Values{"giver": {"蒋志远"}, "signed_at": {s.trust.Now().In(workday.Shanghai).Format("2006-01-02T15:04")}, "decided_on": {"2026-11-16"}, "class1": {"approval"}, "title1": {"安全责任书"}, "once": {"p1"}}
	s.sendFile("clerk", "/results/"+owed[0].ID+"/release", form, "slip", drawn(t)).is(http.StatusSeeOther)
	tr := s.one(owed[0])
	_, err = s.Delivery.Accept(t.Context(), s.actor("clerk"), delivery.AcceptRequest{
		TransferID: tr.ID, Count: 1, Found: []delivery.Found{{ItemID: tr.Items[0].ItemID, Outcome: delivery.FoundGood}},
	})
	s.must(err)

	at := "/cases/" + s.open.ID + "/seal"
	s.browse("clerk", at, nil).is(http.StatusOK).says("须到窗口领取：安全责任书", "请单独封装", "费用由中心承担，收件人不用付") // DEL-231
	both := sealForm(items, "w1")
	both.Add("item", tr.Items[0].ItemID)
	s.browse("clerk", at, both).is(http.StatusUnprocessableEntity).says("“安全责任书”须到窗口领取，不能以“中心派送员”寄出")
	s.browse("clerk", at, sealForm(items, "w2")).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("按事项规定须到窗口领取").lacks("请单独封装")
	both.Del("item")
	both.Set("item", tr.Items[0].ItemID)
	both.Set("way", "window")
	both.Set("once", "w3")
	s.browse("clerk", at, both).is(http.StatusSeeOther)
}

// A complete set is packed by a window; whoever only looks is not led to a refusal.
func TestOnlyAWindowIsOfferedToPack(t *testing.T) {
	s := newCounter(t)
	s.shelve(s.open, delivery.ClassCertificate)
	for role, packs := range map[string]bool{"clerk": true, "auditor": false} {
		page := s.browse(role, "/sets", nil).is(http.StatusOK).says(s.open.Number)
		if strings.Contains(page.body, "/seal") != packs {
			t.Errorf("%s is offered to pack: %v", role, !packs)
		}
	}
}
