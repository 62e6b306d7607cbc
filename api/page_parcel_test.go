package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/notify"
)

// newCounter is a stage with one case, whose results may be sent out.
func newCounter(t testing.TB) *stage {
	t.Helper()
	s := &stage{world: newWorld(t)}
	s.open = s.accept(trouble, inspection.YesNo(true))
	return s
}

// shelve brings the results of a case to the window: one item of each class
// from the fire brigade, nothing from market regulation.
func (s *stage) shelve(c inspection.Case, classes ...delivery.Class) []delivery.Item {
	s.t.Helper()
	ctx, owed := s.t.Context(), s.owe(c)
	_, err := s.Delivery.Waive(ctx, s.actor("clerk"), owed["431103-amr"].ID, "不出纸质结果")
	s.must(err)
	request := delivery.ReleaseRequest{LineID: owed["431103-fire"].ID, DecidedOn: "2026-11-16"}
	for _, class := range classes {
		thing := delivery.NewItem{Class: class, Title: class.In("zh") + trouble}
		if class == delivery.ClassSeal {
			thing.Seal = delivery.SealFacts{Kind: "公章", Code: "4311030012345", Filing: "备2026", Bag: "F01"}
		}
		request.New = append(request.New, thing)
	}
	tr, err := s.Delivery.Release(ctx, s.actor("inspector"), request)
	s.must(err)
	sign := delivery.AcceptRequest{TransferID: tr.ID, Count: len(tr.Items)}
	for _, i := range tr.Items {
		sign.Found = append(sign.Found, delivery.Found{ItemID: i.ItemID, Outcome: delivery.FoundGood})
	}
	_, err = s.Delivery.Accept(ctx, s.actor("clerk"), sign)
	s.must(err)
	all, err := s.Delivery.ListItems(ctx, s.actor("clerk"), c.ID)
	s.must(err)
	return all
}

// sealForm is a form that seals everything for the applicant.
func sealForm(items []delivery.Item, once string) url.Values {
	form := url.Values{
		"name": {"欧阳修"}, "phone": {"13800001234"}, "address": {"冷水滩区梧桐路88号3栋501"}, "id_last4": {"123X"},
		"way": {"own_courier"}, "bag": {"B0001"}, "once": {once},
	}
	for _, i := range items {
		form.Add("item", i.ID)
	}
	return form
}

// pack seals a parcel with one certificate.
func (s *stage) pack(c inspection.Case) delivery.ParcelView {
	s.t.Helper()
	return s.packFor(c, sealForm(nil, "").Get("address"))
}

func (s *stage) packFor(c inspection.Case, address string) delivery.ParcelView {
	s.t.Helper()
	form := sealForm(s.shelve(c, delivery.ClassCertificate), "seal-"+c.ID)
	form.Set("address", address)
	to := s.browse("clerk", "/cases/"+c.ID+"/seal", form).is(http.StatusSeeOther).to()
	return s.parcelAt(strings.TrimPrefix(to, "/parcels/"))
}

func (s *stage) parcelAt(id string) delivery.ParcelView {
	s.t.Helper()
	found, err := s.Delivery.FindParcel(s.t.Context(), s.actor("clerk"), id)
	s.must(err)
	return found
}

// carry gives a parcel to the courier, who takes it over.
func (s *stage) carry(p delivery.ParcelView) {
	s.t.Helper()
	s.browse("clerk", "/parcels/"+p.ID+"/handover", url.Values{"courier": {s.actor("courier").ID}, "once": {"h-" + p.ID}}).is(http.StatusSeeOther)
	s.browse("courier", "/round/take", url.Values{"numbers": {strings.ToLower(p.Number)}}).is(http.StatusOK).says(p.Number, "已接收")
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// code reads the receiver's code from the text that went out.
func (s *stage) codeOf(p delivery.ParcelView) string {
	s.t.Helper()
	s.tick()
	for _, m := range s.mail.sent {
		if m.Purpose == notify.PurposeCode && strings.HasPrefix(m.Subject, p.ID) {
			return sixDigits.FindString(m.Text)
		}
	}
	s.t.Fatal("no code was sent")
	return ""
}

var doorField = regexp.MustCompile(`name="type" value="([a-z_]+)"><input type="hidden" name="event" value="([^"]+)"><input type="hidden" name="attempt" value="([^"]+)">`)

// door gives the form of one act of a stop as the page made it.
func (s *stage) door(p delivery.ParcelView, act string) url.Values {
	s.t.Helper()
	page := s.browse("courier", "/round/"+p.ID, nil).is(http.StatusOK)
	for _, m := range doorField.FindAllStringSubmatch(page.body, -1) {
		if m[1] == act {
			return url.Values{"type": {act}, "event": {m[2]}, "attempt": {m[3]}, "occurred": {""}, "sent_at": {""}}
		}
	}
	s.t.Fatalf("no form for %s: %s", act, visible(page.body))
	return nil
}

func (s *stage) report(p delivery.ParcelView, form url.Values) *seen {
	s.t.Helper()
	return s.browse("courier", "/round/"+p.ID, form)
}

// DEL-402, DEL-1104: several bags of one sending are sealed in one form, given to
// the courier in one, scanned and delivered each for itself; the pages of window,
// courier and applicant show each and the state of the whole.
func TestPiecesAreSealedGivenAndFollowedOnThePages(t *testing.T) {
	s := newCounter(t)
	items := s.shelve(s.open, delivery.ClassCertificate, delivery.ClassApproval)
	at := "/cases/" + s.open.ID + "/seal"
	s.browse("clerk", at, nil).is(http.StatusOK).says("分成多件封装", "第2件的封袋编号")
	form := sealForm(items, "two")
	form.Set("piece-"+items[1].ID, "2")
	s.browse("clerk", at, form).is(http.StatusUnprocessableEntity).says("各有自己的封袋编号")
	s.browseIn("en", "clerk", at, form).is(http.StatusUnprocessableEntity).says("a bag number of its own")
	form.Set("bag2", "B0002")
	to := s.browse("clerk", at, form).is(http.StatusSeeOther).to()
	first := s.parcelAt(strings.TrimPrefix(to, "/parcels/"))
	second := s.parcelAt(first.Sending[1].ParcelID)
	s.browse("clerk", to, nil).is(http.StatusOK).says("第1/2件", "共2件", second.Number, "还在窗口的1件")
	s.browse("clerk", "/parcels", nil).says("第1/2件", "第2/2件")
	s.browse("clerk", to+"/handover", url.Values{"courier": {s.actor("courier").ID}, "once": {"h"}, "pieces": {"yes"}}).is(http.StatusSeeOther)
	s.browse("courier", "/round", nil).is(http.StatusOK).says("第1/2件", "第2/2件")
	s.browse("courier", "/round/take", url.Values{"numbers": {first.Number}}).is(http.StatusOK).says(first.Number, "已接收")
	if got := s.parcelAt(second.ID).State; got != delivery.ParcelSealed {
		t.Errorf("the second piece was not scanned and is %s", got)
	}
	s.browse("courier", "/round/take", url.Values{"numbers": {second.Number}}).is(http.StatusOK)
	s.browse("courier", "/round/"+first.ID, nil).is(http.StatusOK).says("请一并送达", second.Number)
	s.report(first, s.door(first, "started")).is(http.StatusSeeOther)
	s.browse("", "/t", url.Values{"number": {second.Number}, "last4": {"1234"}}).is(http.StatusOK).says("共2件：已交寄", "第1件", "派送中", "本件")
	s.browseIn("en", "", "/t", url.Values{"number": {first.Number}, "last4": {"1234"}}).is(http.StatusOK).says("2 pieces", "this one")
}

// DEL-302, DEL-712: what is sealed is complete, goes an open way, and the due
// moment is said before.
func TestSealFormSaysUntilWhenByWhichWayAndToWhom(t *testing.T) {
	s := newCounter(t)
	items := s.shelve(s.open, delivery.ClassCertificate, delivery.ClassSeal)
	at := "/cases/" + s.open.ID + "/seal"
	s.browse("clerk", at, nil).is(http.StatusOK).says("现在封装，最晚送达：", "快递企业", "邮政法第五十五条", "收货码", "印章须双人封装", "证照")
	if body := s.browse("clerk", at, nil).body; !strings.Contains(body, `value="13800001234"`) { // DEL-230
		t.Error("the clerk has to type the telephone that the case knows")
	}
	s.browse("clerk-elsewhere", at, nil).is(http.StatusNotFound)
	s.browse("courier", at, nil).is(http.StatusForbidden)

	s.browse("clerk", "/", nil).is(http.StatusOK).says("结果与邮件", "已经齐套，等封装寄出 1 件")
	form := sealForm(items, "s1")
	s.browse("clerk", at, form).is(http.StatusUnprocessableEntity).says("另一名工作人员")
	form.Set("second_login", "supervisor")
	form.Set("second_password", "wrong")
	s.browse("clerk", at, form).is(http.StatusForbidden)
	form.Set("second_password", "Meiwan-Road-1")
	form.Set("phone", "12")
	s.browse("clerk", at, form).is(http.StatusUnprocessableEntity).says("11位手机号码")
	form.Set("phone", "13800001234")
	form.Set("way", "courier_firm")
	s.browse("clerk", at, form).is(http.StatusUnprocessableEntity).says("不能以“快递企业”寄出")
	form.Set("way", "own_courier")
	to := s.browse("clerk", at, form).is(http.StatusSeeOther).to()
	if again := s.browse("clerk", at, form).is(http.StatusSeeOther).to(); again != to {
		t.Errorf("sent twice: %s and %s", to, again)
	}
	s.browse("clerk", to, nil).is(http.StatusOK).says("已封装", "欧**", "合计：", "最晚送达")
	s.browse("clerk", "/parcels", nil).is(http.StatusOK).says(s.open.Number, "欧**")
	s.browse("auditor", "/parcels?q=zzz", nil).is(http.StatusOK).says("没有符合条件的结果")
	s.browse("clerk-elsewhere", to, nil).is(http.StatusNotFound)
}

// DEL-503, DEL-602, DEL-910: from the window to the receiver, each step in its
// own browser; the courier's form sent twice is one event.
func TestCourierDeliversWithCodeAndTheTrackingPageShowsIt(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	code := s.codeOf(p)
	s.browse("courier", "/round/"+p.ID, nil).is(http.StatusNotFound)
	s.browse("courier", "/round/take", url.Values{"numbers": {p.Number}}).is(http.StatusOK).says("没有交给您的这件邮件")
	s.carry(p)
	s.browse("courier", "/", nil).is(http.StatusOK).says("我的派送", "欧阳修")

	reveal := s.door(p, "contact_revealed") // DEL-1012
	if strings.Contains(s.browse("courier", "/round/"+p.ID, nil).body, "13800001234") {
		t.Error("the phone stands there before anybody asked")
	}
	s.report(p, reveal).is(http.StatusSeeOther)
	s.browse("courier", "/round/"+p.ID, nil).is(http.StatusOK).says("拨打13800001234")
	start := s.door(p, "started")
	s.report(p, start).is(http.StatusSeeOther)
	s.report(p, start).is(http.StatusSeeOther)
	form := s.door(p, "delivered")
	for name, value := range map[string]string{"outcome": "recipient", "receiver": "欧阳修", "code": code} {
		form.Set(name, value)
	}
	s.report(p, form).is(http.StatusSeeOther)
	s.report(p, form).is(http.StatusSeeOther)
	found := s.parcelAt(p.ID)
	if found.State != delivery.ParcelDelivered || len(found.Steps) != 5 || len(found.Open) != 0 {
		t.Fatalf("%s after %d steps, exceptions %v", found.State, len(found.Steps), found.Open)
	}
	if strings.Contains(s.browse("clerk", "/parcels/"+p.ID, nil).is(http.StatusOK).says("妥投", "按时送达").body, code) {
		t.Error("the code stands on the page")
	}

	page := s.browse("", "/t", url.Values{"number": {p.Number}, "last4": {"1234"}}).is(http.StatusOK).says("已妥投", "最晚送达", "合计：")
	if len(page.body) > 30<<10 || strings.Contains(page.body, "<script") || page.header.Get("X-Robots-Tag") == "" {
		t.Errorf("%d bytes, script or index (DEL-1203)", len(page.body))
	}
	for _, never := range []string{"欧阳", "13800001234", "梧桐路", code} {
		if strings.Contains(page.body, never) {
			t.Errorf("the tracking page tells %s", never)
		}
	}
	s.browse("", "/t", url.Values{"number": {p.Number}, "last4": {"9999"}}).is(http.StatusNotFound).says("没有查到这件邮件", "手机号后四位")
}

// DEL-611, DEL-613: a mistyped code is typed again at the door; a form that the
// telephone kept and sent later has happened and waits for the window.
func TestAMistypedCodeIsTypedAgainButAKeptFormHasHappened(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	s.codeOf(p)
	s.carry(p)
	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	form := s.door(p, "delivered")
	for name, value := range map[string]string{"outcome": "recipient", "receiver": "欧阳修", "code": "12"} {
		form.Set(name, value)
	}
	s.report(p, form).is(http.StatusUnprocessableEntity).says("收货码不对", "还可试 4 次")
	if found := s.parcelAt(p.ID); found.State != delivery.ParcelOut {
		t.Fatalf("a slip of the finger made it %s", found.State)
	}
	form.Set("occurred", s.trust.Now().Format(time.RFC3339Nano))
	form.Set("live", "yes")
	s.report(p, form).is(http.StatusUnprocessableEntity).says("还可试 3 次")
	form.Del("live")
	s.report(p, form).is(http.StatusSeeOther)
	if found := s.parcelAt(p.ID); found.State != delivery.ParcelUnverified {
		t.Errorf("kept and sent later, it is %s", found.State)
	}
}

// DEL-1206: the applicant rates on the tracking page, once and without script;
// staff read what was said and not by whom.
func TestApplicantRatesOnTheTrackingPage(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	code := s.codeOf(p)
	s.carry(p)
	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	known := url.Values{"number": {p.Number}, "last4": {"1234"}}
	if strings.Contains(s.browse("", "/t", known).is(http.StatusOK).body, "/t/rate") {
		t.Error("it is offered before the parcel has arrived")
	}
	rating := url.Values{"number": {p.Number}, "last4": {"1234"}, "level": {"2"}, "words": {"等了三天\n才到"}}
	s.browse("", "/t/rate", rating).is(http.StatusConflict).says("结果送达并核实后才能评价")
	form := s.door(p, "delivered")
	for name, value := range map[string]string{"outcome": "recipient", "receiver": "欧阳修", "code": code} {
		form.Set(name, value)
	}
	s.report(p, form).is(http.StatusSeeOther)
	s.browse("", "/t", known).is(http.StatusOK).says("评价这次办件", "非常满意", "非常不满意")
	s.browse("", "/t/rate", known).is(http.StatusUnprocessableEntity).says("中选择一项", "评价这次办件")
	page := s.browse("", "/t/rate", rating).is(http.StatusOK).says("已收到评价", p.Number)
	if strings.Contains(page.body, "<script") || strings.Contains(page.body, "评价这次办件") {
		t.Error("a script, or it is offered once more")
	}
	s.browse("", "/t/rate", rating).is(http.StatusConflict).says("已经评价过")
	if strings.Contains(s.browse("clerk", "/ratings", nil).is(http.StatusOK).says("不满意", "等了三天", "回访期限").body, p.CaseNumber) {
		t.Error("the clerk learns who rated")
	}
	seen := s.browse("supervisor", "/ratings", nil).is(http.StatusOK).says(p.CaseNumber, "13800001234", "登记回访")
	_, rest, _ := strings.Cut(seen.body, `action="/ratings/`)
	id, _, _ := strings.Cut(rest, "/")
	s.browse("supervisor", "/ratings/"+id+"/callback", url.Values{"note": {""}}).is(http.StatusUnprocessableEntity).says("请写明理由")
	s.browse("supervisor", "/ratings/"+id+"/callback", url.Values{"note": {"已致歉"}}).is(http.StatusSeeOther)
	s.browse("auditor", "/ratings", nil).is(http.StatusOK).says("已回访", "已致歉")
}

// DEL-410, DEL-602, DEL-804, DEL-805: what goes wrong at the door is asked for,
// settled by the window, or comes back and goes out again.
func TestFailuresComeBackAndDoubtfulDeliveriesAreSettledByTheWindow(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	s.carry(p)
	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	fail := s.door(p, "failed")
	fail.Set("outcome", "refused")
	fail.Set("reason", "不要")
	s.report(p, fail).is(http.StatusUnprocessableEntity).says("附一张照片，或填写通话记录")
	fail.Set("call_note", "10:20 去电，称已领过")
	s.report(p, fail).is(http.StatusSeeOther)
	s.browse("clerk", "/parcels/"+p.ID, nil).is(http.StatusOK).says("投递失败", "拒收", "称已领过")
	back := s.door(p, "returning")
	back.Set("reason", "收件人拒收")
	s.report(p, back).is(http.StatusSeeOther)
	s.browse("clerk", "/parcels/"+p.ID+"/returned", url.Values{"bag_state": {"intact"}, "count": {"1"}}).is(http.StatusSeeOther)
	s.browse("clerk", "/parcels/"+p.ID, nil).is(http.StatusOK).says("已退回窗口", "重新封装寄出")

	again := sealForm(p.Items, "again")
	again.Set("redelivery", p.ID)
	to := s.browse("clerk", "/cases/"+s.open.ID+"/seal", again).is(http.StatusSeeOther).to()
	p = s.parcelAt(strings.TrimPrefix(to, "/parcels/"))
	s.carry(p)
	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	done := s.door(p, "delivered")
	for name, value := range map[string]string{"outcome": "recipient", "receiver": "欧阳修", "code": "000000"} {
		done.Set(name, value)
	}
	s.report(p, done).is(http.StatusSeeOther)
	page := s.browse("clerk", "/parcels/"+p.ID, nil).is(http.StatusOK).says("妥投待核验", "还缺")
	event := regexp.MustCompile(`name="event" value="([^"]+)"`).FindStringSubmatch(page.body)[1]
	s.browse("clerk", "/parcels/"+p.ID+"/confirm", url.Values{"event": {event}}).is(http.StatusUnprocessableEntity).says("请写明理由")
	call := url.Values{"event": {event}, "reason": {"致电本人，收货码没有收到"}, "asked1": {"收到的是什么？"}, "answer1": {"营业执照"}, "asked2": {"由谁签收？"}}
	s.browse("clerk", "/parcels/"+p.ID+"/confirm", call).is(http.StatusUnprocessableEntity).says("两个不同的问题") // DEL-612
	call.Set("answer2", "本人签的")
	s.browse("clerk", "/parcels/"+p.ID+"/confirm", call).is(http.StatusSeeOther)
	s.browse("clerk", "/parcels/"+p.ID, nil).is(http.StatusOK).says("妥投", "致电本人", "问：由谁签收？ 答：本人签的")
}

// DEL-802, DEL-803: a call comes before a failure at the door, and the page says from
// when on another try is a second attempt. What was kept without a network has
// happened and is taken as it is.
func TestCourierCallsBeforeNobodyIsThereAndReadsWhenToComeAgain(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	s.carry(p)
	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	fail := s.door(p, "failed")
	fail.Set("outcome", "not_home")
	s.report(p, fail).is(http.StatusUnprocessableEntity).says("先打一次收件人电话", "这里不能打电话的")
	fail.Set("call_note", "厂区内不许打电话，门卫称人不在")
	s.report(p, fail).is(http.StatusSeeOther)
	s.browse("courier", "/round/"+p.ID, nil).is(http.StatusOK).says("第二次投递最早", "相隔 2 小时")

	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	kept := s.door(p, "failed")
	kept.Set("outcome", "not_home")
	kept.Set("occurred", s.clock.read().Wall.Format(time.RFC3339))
	s.report(p, kept).is(http.StatusSeeOther)
}

// DEL-221, DEL-806: a parcel is collected with code and document, or withdrawn.
func TestParcelIsCollectedAtTheWindowOrWithdrawn(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	s.browse("clerk", "/parcels/"+p.ID+"/collect", url.Values{"code": {"1"}, "id_last4": {"123x"}, "receiver": {"欧阳修"}}).is(http.StatusUnprocessableEntity)
	s.browse("clerk", "/parcels/"+p.ID+"/cancel", url.Values{"reason": {"证照打印有误"}}).is(http.StatusSeeOther)
	form := sealForm(p.Items, "window")
	form.Set("way", "window")
	p = s.parcelAt(strings.TrimPrefix(s.browse("clerk", "/cases/"+s.open.ID+"/seal", form).is(http.StatusSeeOther).to(), "/parcels/"))
	collect := url.Values{"code": {s.codeOf(p)}, "id_last4": {"123x"}, "receiver": {"欧阳修"}}
	s.browse("clerk", "/parcels/"+p.ID+"/collect", collect).is(http.StatusUnprocessableEntity).says("请领取人签名")
	s.sendFile("clerk", "/parcels/"+p.ID+"/collect", collect, "signature", drawn(t)).is(http.StatusSeeOther)
	s.browse("clerk", "/parcels/"+p.ID, nil).is(http.StatusOK).says("窗口自取")
}

// DEL-220, DEL-921: the counter shelves a sealed parcel by its label, finds it again,
// and goes to where a parcel that came back is taken in. A department has no such verb.
func TestCounterShelvesAndFindsParcelsByTheirLabel(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	s.browse("clerk", "/parcels/"+p.ID, nil).is(http.StatusOK).says("还没有上架登记")
	scan := func(verb, place string) *seen {
		return s.browse("clerk", "/scan", url.Values{"verb": {verb}, "place": {place}, "number": {p.Number}})
	}
	scan("shelf", "").says("请先填写货架位置")
	scan("shelf", "A-03").is(http.StatusOK).says("已上架：邮件 "+p.Number, "A-03")
	s.browse("clerk", "/parcels/"+p.ID, nil).is(http.StatusOK).says("架位", "A-03")
	if to := scan("find", "").is(http.StatusSeeOther).to(); to != "/parcels/"+p.ID {
		t.Errorf("found at %s", to)
	}
	if to := scan("back", "").is(http.StatusSeeOther).to(); to != "/parcels/"+p.ID+"#returned" {
		t.Errorf("taken in at %s", to)
	}
	s.browse("clerk", "/scan", nil).is(http.StatusOK).says("退回")
	if strings.Contains(s.browse("inspector", "/scan", nil).is(http.StatusOK).body, "verb=back") {
		t.Error("a department is offered to take parcels in")
	}
}

// DEL-601, DEL-603: a signature goes with the event, and opens for the window
// and for nobody elsewhere.
func TestSignatureOfTheDoorIsShownToTheWindow(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	s.carry(p)
	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	form := s.door(p, "delivered")
	for name, value := range map[string]string{"outcome": "recipient", "receiver": "欧阳修", "id_last4": "123x"} {
		form.Set(name, value)
	}
	s.sendFile("courier", "/round/"+p.ID, form, "signature", drawn(t)).is(http.StatusSeeOther)
	found := s.parcelAt(p.ID)
	if found.State != delivery.ParcelDelivered || len(found.Photos) != 1 {
		t.Fatalf("%s with %d pictures", found.State, len(found.Photos))
	}
	at := "/parcels/" + p.ID + "/proofs/" + found.Photos[0].SHA256
	s.browse("clerk", "/parcels/"+p.ID, nil).is(http.StatusOK)
	if got := s.browse("clerk", at, nil).is(http.StatusOK); got.header.Get("Content-Type") != "image/png" {
		t.Errorf("shown as %s", got.header.Get("Content-Type"))
	}
	for _, who := range []string{"clerk-elsewhere", "courier", "inspector"} {
		s.browse(who, at, nil).is(http.StatusNotFound)
	}
}

// DEL-605: a dot on the pad is refused while the receiver stands there, and what was
// typed and drawn comes back; DEL-529: a wrong tap is taken back.
func TestTheDoorAsksForAnotherSignatureAndTakesAWrongTapBack(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	s.carry(p)
	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	form := s.door(p, "delivered")
	for name, value := range map[string]string{"outcome": "recipient", "receiver": "欧阳修", "id_last4": "123x", "drawn": `{"w":640,"h":240,"strokes":[[5,5]]}`} {
		form.Set(name, value)
	}
	at := "/round/" + p.ID
	refused := s.sendFile("courier", at, form, "signature", drawn(t)).is(http.StatusUnprocessableEntity).says("请收件人重新签上姓名")
	if !strings.Contains(refused.body, `value="{&#34;w&#34;:640`) || !strings.Contains(refused.body, `value="欧阳修"`) {
		t.Error("what was drawn or typed is gone")
	}
	form.Set("drawn", `{"w":640,"h":240,"strokes":[[100,60,300,60],[200,40,200,180],[120,180,320,120]]}`)
	s.sendFile("courier", at, form, "signature", drawn(t)).is(http.StatusSeeOther)
	page := s.browse("courier", at, nil).is(http.StatusOK).says("60秒内撤销", "撤销刚才的登记")
	tap := regexp.MustCompile(`name="undone" value="([^"]+)"`).FindStringSubmatch(page.body)
	if tap == nil {
		t.Fatal("no form to undo it")
	}
	undo := url.Values{"undone": {tap[1]}}
	s.browse("clerk", at+"/undo", undo).is(http.StatusNotFound)
	s.browse("courier", at+"/undo", undo).is(http.StatusSeeOther)
	if got := s.parcelAt(p.ID).State; got != delivery.ParcelOut {
		t.Errorf("taken back: %s", got)
	}
	s.browse("courier", at+"/undo", undo).is(http.StatusUnprocessableEntity).says("请刷新后选择要处理的记录")
	s.browseIn("en", "courier", at, nil).is(http.StatusOK)
}

// drawn is a small PNG.
func drawn(t testing.TB) []byte {
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 40, 20))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sendFile sends a form with one file, as a browser does.
func (s *stage) sendFile(as, path string, form url.Values, name string, file []byte) *seen {
	s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	form.Set(csrfField, csrfToken(s.tokens[as]))
	for field, values := range form {
		for _, value := range values {
			s.must(w.WriteField(field, value))
		}
	}
	part, err := w.CreateFormFile(name, name+".png")
	s.must(err)
	_, err = part.Write(file)
	s.must(err)
	s.must(w.Close())
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, path, &body)
	r.RemoteAddr = "192.0.2.9:4711"
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: s.sessionCookie(), Value: s.tokens[as]})
	recorder := httptest.NewRecorder()
	s.handler.ServeHTTP(recorder, r)
	return &seen{s.t, recorder.Code, recorder.Header(), recorder.Body.String()}
}

// DEC-9: no telephone runs by the demonstration's clock, so the time it wrote
// down says nothing about an act there.
func TestTelephonesTimeDoesNotCountInTheDemonstration(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	s.carry(p)
	s.Server.Demo = &Demo{NextDeadline: func(context.Context) (time.Time, error) { return time.Time{}, nil }}
	form := s.door(p, "started")
	form.Set("occurred", "2001-01-01T08:00:00+08:00")
	form.Set("sent_at", "2001-01-01T08:00:01+08:00")
	s.report(p, form).is(http.StatusSeeOther)
	if open := s.parcelAt(p.ID).Open; len(open) > 0 {
		t.Errorf("in doubt: %v", open)
	}
	s.browse("courier", "/round/"+p.ID, nil).is(http.StatusOK).says("演示中请用窗口人员登录")
}

// A case says what is to be done next until everything has left the window.
func TestCaseSaysWhatIsNextUntilItsResultsAreSent(t *testing.T) {
	s := newCounter(t)
	s.shelve(s.open, delivery.ClassCertificate)
	s.browse("clerk", "/cases/"+s.open.ID, nil).is(http.StatusOK).says("各部门结果已齐套，可以封装寄出")
	d := casePage{Case: inspection.Case{State: inspection.CaseHandedOver}}
	if d.fill(&view{by: s.actor("clerk")}, time.Time{}); d.Next != "handed_over" || len(d.Kinds) > 0 {
		t.Errorf("next %q, visits offered: %v", d.Next, d.Kinds)
	}
}

// What an act came to is read by the courier, not by the script that sent the form.
func TestScriptDoesNotTakeTheLineThatAnActLeft(t *testing.T) {
	s := newCounter(t)
	line := base64.RawURLEncoding.EncodeToString([]byte(`["flash.signed"]`))
	for dest, shown := range map[string]bool{"empty": false, "document": true} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/t", http.NoBody)
		r.RemoteAddr = "192.0.2.9:4711"
		r.AddCookie(&http.Cookie{Name: flashCookie, Value: line})
		r.Header.Set("Sec-Fetch-Dest", dest)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		taken := strings.Contains(strings.Join(w.Header().Values("Set-Cookie"), " "), flashCookie+"=;")
		if w.Code != http.StatusOK || taken != shown || strings.Contains(w.Body.String(), "已签收，物料转由窗口保管") != shown {
			t.Errorf("%s: answered %d, taken %v", dest, w.Code, taken)
		}
	}
}

// DEL-525: of two deliveries the page lists the proof of each, the strongest
// first, and leads to where the wrong one is corrected.
func TestContradictingDeliveriesStandOnThePage(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	code := s.codeOf(p)
	s.carry(p)
	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	event := func(n int, attempt string, more map[string]any) json.RawMessage {
		payload := map[string]any{"outcome": "recipient", "receiver": "欧阳修"}
		maps.Copy(payload, more)
		body, err := json.Marshal(map[string]any{
			"event_id": uuid.Must(uuid.NewV7()).String(), "device_id": "phone9", "seq": n, "courier_id": s.actor("courier").ID, "parcel_id": p.ID,
			"attempt_id": attempt, "type": "delivered", "occurred_device": s.Delivery.Now().Format(time.RFC3339Nano), "payload": payload, "proof_refs": []string{},
		})
		s.must(err)
		return body
	}
	_, err := s.Delivery.Ingest(t.Context(), s.actor("courier"), delivery.Batch{
		Schema: 1, SentAt: s.Delivery.Now().Format(time.RFC3339Nano),
		Events: []json.RawMessage{event(1, "x1", nil), event(2, "x2", map[string]any{"code": code})},
	})
	s.must(err)
	s.browse("clerk", "/parcels/"+p.ID, nil).is(http.StatusOK).says("两次妥投记录互相矛盾", "现以此为准", "收货码", "更正不实的一条")
	s.browseIn("en", "clerk", "/parcels/"+p.ID, nil).says("Two deliveries contradict each other", "stands for now")
}

// DEL-601: the photos of a day without a network pass at once, and no more than those.
func TestPhotosOfADayWithoutANetworkPassAtOnce(t *testing.T) {
	s := newCounter(t)
	put := func() int {
		return s.do(request{
			as: "courier", method: http.MethodPost, path: prefix + "/blobs/" + strings.Repeat("a", 64), body: []byte("x"),
			header: map[string]string{"Content-Type": "application/octet-stream"},
		}).status
	}
	passed := 0
	for ; passed < 300; passed++ {
		if got := put(); got == http.StatusTooManyRequests {
			break
		} else if got != http.StatusUnprocessableEntity { // its hash is another
			t.Fatalf("photo %d: %d", passed, got)
		}
	}
	if passed < 200 || passed > 250 { // the test's clock goes on a second each time
		t.Errorf("%d photos passed", passed)
	}
}
