package api

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/notify"
)

// linkOf is a new link by mail to the page of a case's applicant.
func (s *stage) linkOf(c inspection.Case) string {
	s.t.Helper()
	clerk := s.actor("clerk")
	s.must(s.Delivery.MailLink(s.t.Context(), clerk, delivery.Applicant{
		CaseID: c.ID, CaseNumber: c.Number, MatterCode: c.MatterCode, MatterName: c.MatterName, Name: "湘**" + trouble, CentreID: c.CentreID,
		Receiver: delivery.Addressee{Name: "欧阳修", Phone: "13800001234", Address: "冷水滩区梧桐路12号3栋501"},
	}, "ou@example.com"))
	link := ""
	s.must(s.db.Write(s.t.Context(), func(tx bun.IDB) error {
		messages, err := notify.ListBySubject(s.t.Context(), tx, c.ID+"/link", notify.PurposeTrack)
		for _, m := range messages {
			if m.State != notify.Pending {
				continue
			}
			m.ComposedAt = s.now()
			body, err := s.Delivery.Compose(s.t.Context(), tx, m)
			if err != nil {
				return err
			}
			link = regexp.MustCompile(`/a/[A-Z0-9]+`).FindString(body.Text)
		}
		return err
	}))
	return link
}

// plain wants a page of an applicant that is small, without script, and tells
// nobody where the applicant lives (DEL-1203).
func (s *stage) plain(link string) *seen {
	s.t.Helper()
	page := s.browse("", link, nil).is(http.StatusOK)
	if len(page.body) > 30_000 || strings.Contains(page.body, "<script") || page.header.Get("X-Robots-Tag") == "" || page.header.Get("Referrer-Policy") != "no-referrer" {
		s.t.Errorf("%d bytes, script, index or referrer: %v", len(page.body), page.header)
	}
	return page.lacks("欧阳修", "13800001234", "3栋501", "13900001111", "苏小妹")
}

// DEL-1201, DEL-1205: everything an applicant may do, by plain forms, with the
// refusal beside the field.
func TestAnApplicantSettlesTheCaseByTheLink(t *testing.T) {
	s := newCounter(t)
	owed := s.owe(s.open)
	link := s.linkOf(s.open)
	s.plain(link).says("承诺办结", "等部门送交窗口", "等齐一起送", "收件信息无误", "欧**", "改为网上传输")
	en := s.browse("", link+"?lang=en", nil).is(http.StatusOK).says("awaited from the department", "to wait for everything", "This is right")
	if strings.Contains(en.body, "applicant.") {
		t.Error("a word is missing in English")
	}
	post := func(act string, form url.Values) *seen { t.Helper(); return s.browse("", link+"/"+act, form) }
	s.browse("", link+"?lang=zh", nil)

	post("address", url.Values{}).is(http.StatusSeeOther)
	post("address", url.Values{"phone": {"12"}}).is(http.StatusUnprocessableEntity).says("11 位手机号码")
	post("address", url.Values{"address": {"零陵区南津渡路9号2栋1202"}}).is(http.StatusSeeOther)
	s.plain(link).says("收件信息您已确认").lacks("1202")
	post("choice", url.Values{"choice": {"no_answer"}}).is(http.StatusUnprocessableEntity).says("请选择")
	post("choice", url.Values{"choice": {"split"}}).is(http.StatusSeeOther)
	s.plain(link).says("不等此项，到了另送", "申请人链接")
	post("choice", url.Values{"choice": {"wait"}}).is(http.StatusSeeOther)
	post("agent", url.Values{"name": {"苏小妹"}, "phone": {"13900001111"}}).is(http.StatusUnprocessableEntity).says("与您的关系")
	post("agent", url.Values{"name": {"苏小妹"}, "phone": {"139 0000 1111"}, "tie": {"店员"}}).is(http.StatusSeeOther)
	s.plain(link).says("苏**", "取消代办人")
	post("electronic", url.Values{"person": {"欧阳修"}, "phone": {"13800001234"}, "method": {"mail"}, "address": {"x"}, "once": {"e1"}}).is(http.StatusUnprocessableEntity).says("请填写接收地址")
	post("electronic", url.Values{"person": {"欧阳修"}, "phone": {"13800001234"}, "method": {"slip"}, "once": {"e2"}}).is(http.StatusSeeOther)
	s.plain(link).says("您已同意网上传输", "撤回同意")
	post("electronic/revoke", url.Values{}).is(http.StatusSeeOther)
	post("way", url.Values{"way": {"collect"}}).is(http.StatusSeeOther)

	s.browse("clerk", "/cases/"+s.open.ID, nil).is(http.StatusOK).says("申请人通过链接的要求", "零陵区南津渡路9号2栋1202", "苏小妹", "窗口自取", "打印收件凭据")
	s.browse("auditor", "/cases/"+s.open.ID, nil).is(http.StatusOK).lacks("1202", "苏小妹", "打印收件凭据")
	_, err := s.Delivery.Waive(t.Context(), s.actor("clerk"), owed["431103-amr"].ID, "不出纸质结果")
	s.must(err)
}

// DEL-1201
func TestALinkThatNobodyMadeOpensNothing(t *testing.T) {
	s := newCounter(t)
	for _, wrong := range []string{"/a/NOSUCHLINK", "/a/" + strings.Repeat("A", 26)} {
		s.browse("", wrong, nil).is(http.StatusNotFound).says("链接无效或已停用")
		s.browse("", wrong+"/missing", url.Values{"number": {"LBYZ0001A7K3G"}}).is(http.StatusNotFound).says("链接无效或已停用")
	}
	for range trackRate.burst {
		s.browse("", "/a/NOSUCHLINK/address", url.Values{})
	}
	s.browse("", "/a/NOSUCHLINK/address", url.Values{}).is(http.StatusTooManyRequests)
}

// DEL-230: the form of a parcel is filled as the applicant asked, and one that
// differs is refused until the window says that it was agreed.
func TestTheWindowPacksAsTheApplicantAsked(t *testing.T) {
	s := newCounter(t)
	items := s.shelve(s.open, delivery.ClassCertificate)
	link := s.linkOf(s.open)
	s.browse("", link+"/address", url.Values{"address": {"零陵区南津渡路9号2栋1202"}}).is(http.StatusSeeOther)
	s.browse("clerk", "/cases/"+s.open.ID+"/seal", nil).is(http.StatusOK).says("申请人通过链接的要求", "已与申请人核实")
	if body := s.browse("clerk", "/cases/"+s.open.ID+"/seal", nil).body; !strings.Contains(body, `value="零陵区南津渡路9号2栋1202"`) {
		t.Error("the form is not filled in as the applicant asked")
	}
	form := sealForm(items, "w1")
	s.browse("clerk", "/cases/"+s.open.ID+"/seal", form).is(http.StatusConflict).says("申请人通过链接另有要求", "零陵区南津渡路9号2栋1202")
	form.Set("agreed", "yes")
	form.Set("once", "w2")
	s.browse("clerk", "/cases/"+s.open.ID+"/seal", form).is(http.StatusSeeOther)
	s.browse("", link+"/address", url.Values{"address": {"冷水滩区梅湾路1号"}}).is(http.StatusConflict).says("结果已经封装", s.centre.Phone)
	s.plain(link).says("已封装", "改约时间")
}

// DEL-1205: "I did not receive it" is a task of the window at once, and shown as
// taken up; the window ends it by writing down what it found.
func TestWhatAnApplicantDidNotReceiveIsATaskOfTheWindow(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	code, link := s.codeOf(p), s.linkOf(s.open)
	s.carry(p)
	s.browse("", link+"/missing", url.Values{"number": {p.Number}}).is(http.StatusConflict).says("还没有送达记录")
	day := url.Values{"number": {p.Number}, "day": {"2026-11-18"}, "part": {"am"}}
	s.browse("", link+"/slot", url.Values{"number": {p.Number}, "day": {"2026-11-21"}, "part": {"am"}}).is(http.StatusUnprocessableEntity).says("不派送")
	s.browse("", link+"/slot", url.Values{"number": {p.Number}, "day": {"2026-11-18"}}).is(http.StatusUnprocessableEntity).says("请选择上午或下午")
	s.browse("", link+"/slot", day).is(http.StatusSeeOther)
	s.plain(link).says("已暂停派送")
	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	form := s.door(p, "delivered")
	for name, value := range map[string]string{"outcome": "recipient", "receiver": "欧阳修", "code": code} {
		form.Set(name, value)
	}
	s.report(p, form).is(http.StatusSeeOther)

	s.plain(link).says("我没有收到")
	for range 2 {
		s.browse("", link+"/missing", url.Values{"number": {p.Number}}).is(http.StatusSeeOther)
	}
	s.plain(link).says("您反映没有收到，窗口已受理", "最迟联系您的时间")
	s.browse("clerk", "/", nil).says("申请人反映没有收到")
	s.browse("clerk", "/parcels/"+p.ID, nil).says("申请人反映没有收到，请联系核实")
	list := s.browse("clerk", "/alerts", nil).says("申请人反映没有收到", "办结时限", "写明")
	at := regexp.MustCompile(`/alerts/[A-Za-z0-9-]+/settle`).FindString(list.body)
	s.browse("clerk", at, url.Values{"note": {""}}).is(http.StatusUnprocessableEntity)
	s.browse("clerk", at, url.Values{"note": {"已联系，由店员代收"}}).is(http.StatusSeeOther)
	s.plain(link).says("您反映没有收到，窗口已处理").lacks("店员")
	if open := s.parcelAt(p.ID).Open; len(open) != 0 {
		t.Errorf("the exception stays: %+v", open)
	}

	s.browse("", link+"/rate", url.Values{"level": {""}}).is(http.StatusUnprocessableEntity).says("请从") // DEL-1206
	s.browse("", link+"/rate", url.Values{"level": {"2"}, "words": {"等太久"}}).is(http.StatusSeeOther)
	s.plain(link).says("已收到评价")
	s.browse("supervisor", "/alerts", nil).says("有一条不满意的评价等回访", "办结时限").lacks(s.open.Number)
	s.browse("clerk", "/alerts", nil).lacks("有一条不满意的评价等回访")
}

// DEL-1201: the link is in the mail alone; staff do not read it in the outbox.
func TestTheOutboxHidesTheApplicantsLink(t *testing.T) {
	hidden := hideSecrets("打开 https://x/a/ABC7 或 https://x/e/DEF2", "（已隐藏）")
	if strings.Contains(hidden, "ABC7") || strings.Contains(hidden, "DEF2") {
		t.Error(hidden)
	}
}
