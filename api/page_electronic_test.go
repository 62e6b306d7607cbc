package api

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/internal/paper/papertest"
	"lianban/notify"
)

// linkToFile is the link in the last mail about a result.
func (s *stage) linkToFile(lineID string) string {
	s.t.Helper()
	found, err := s.Delivery.FindResult(s.t.Context(), auth.System("test"), lineID)
	s.must(err)
	link := ""
	s.must(s.db.Write(s.t.Context(), func(tx bun.IDB) error {
		messages, err := notify.ListBySubject(s.t.Context(), tx, found.File().ID, notify.PurposeFile)
		for _, m := range messages {
			if m.Channel != notify.Mail {
				continue
			}
			m.ComposedAt = s.now()
			body, err := s.Delivery.Compose(s.t.Context(), tx, m)
			if err != nil {
				return err
			}
			link = regexp.MustCompile(`/e/[A-Z0-9]+`).FindString(body.Text)
		}
		return err
	}))
	return link
}

// DEL-240…243: the window records the consent, the department supplies the file,
// the window sends it, the recipient fetches it, and the case says so.
func TestAResultGoesAsAFileFromTheDepartmentToTheRecipient(t *testing.T) {
	s := newStage(t)
	line := s.owe(s.open)["431103-fire"]
	at := "/results/" + line.ID
	s.browse("inspector", at, nil).is(http.StatusOK).says("收件人没有同意网上传输").lacks("electronic-person", "提交电子件")
	supply := url.Values{"class": {"certificate"}, "title": {"检查合格证"}, "decided_on": {"2026-11-16"}, "signature": {"unchecked"}, "drawn": {"yes"}, "once": {"f1"}}
	pdf := []byte("%PDF-1.7\n1 0 obj <</Type/Catalog>> endobj\n%%EOF\n")
	s.sendFile("inspector", at+"/file", supply, "file", pdf).is(http.StatusConflict).says("请受理窗口先问收件人")

	consent := url.Values{"person": {"李梅"}, "phone": {"138 0000 1234"}, "method": {"mail"}, "address": {"li"}, "channel": {"window"}, "lines": {line.ID}, "once": {"c1"}}
	s.browse("clerk", "/cases/"+s.open.ID+"/electronic", consent).is(http.StatusUnprocessableEntity).says("请填写接收地址")
	consent.Set("address", "li@example.com")
	consent.Set("once", "c2")
	s.browse("clerk", "/cases/"+s.open.ID+"/electronic", consent).is(http.StatusSeeOther)
	s.browse("clerk", "/cases/"+s.open.ID, nil).says("网上传输同意", "李梅", "li@example.com")

	s.browse("inspector", at, nil).says("收件人已同意", "提交电子件").lacks("li@example.com", "李梅")
	s.sendFile("inspector", at+"/file", supply, "file", []byte("MZ")).is(http.StatusUnprocessableEntity).says("这不是完整的 PDF 文件")
	supply.Set("once", "f2")
	s.sendFile("inspector", at+"/file", supply, "file", pdf).is(http.StatusSeeOther)
	s.browse("inspector", at, nil).says("电子件待发送", "未核验", "只作佐证，不是电子签名").lacks("发送给申请人")
	s.browse("clerk", at, nil).says("发送给申请人", "经收件人同意可网上传输")
	got := s.browse("clerk", at+"/file", nil).is(http.StatusOK)
	if !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") || !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the file may run in a browser: %v", got.header)
	}
	s.browse("clerk", at+"/file/send", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", "/sets", nil).says("网上已发送，未送达")
	s.browse("clerk", at, nil).says("发送不等于送达")

	link := s.linkToFile(line.ID)
	s.browse("", "/e/NOSUCHLINK", nil).is(http.StatusNotFound).says("链接无效或已停用")
	s.browse("", link, nil).is(http.StatusOK).says("后四位").lacks("检查合格证", "李梅")
	s.browse("", link, url.Values{"last4": {"0000"}}).is(http.StatusForbidden).says("手机号后四位核对不上")
	s.browse("", link+"/file", url.Values{"last4": {"0000"}}).is(http.StatusForbidden)
	page := s.browse("", link, url.Values{"last4": {"1234"}}).is(http.StatusOK).says("检查合格证", "下载 PDF", "没有核验", "只作佐证").lacks("13800001234", "李梅")
	if strings.Contains(page.body, "<script") || len(page.body) > 30_000 {
		t.Errorf("a page of %d bytes, or with a script", len(page.body))
	}
	file, err := s.Delivery.FindResult(t.Context(), auth.System("test"), line.ID)
	s.must(err)
	s.browse("", "/t", url.Values{"number": {file.File().Number}, "last4": {"1234"}}).is(http.StatusOK).says("网上已发送，未送达").lacks("检查合格证")
	fetched := s.browse("", link+"/file", url.Values{"last4": {"1234"}}).is(http.StatusOK)
	if fetched.body != string(pdf) || fetched.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%v: %q", fetched.header, fetched.body)
	}
	s.browse("clerk", at, nil).says("网上已送达", "核对手机号后下载").lacks("改用其他方式送达")
	s.browse("clerk", "/cases/"+s.open.ID, nil).says("网上已送达", "经收件人同意网上传输")
	s.browse("auditor", at, nil).says("网上已送达")
}

// DEL-242, DEL-240: the window chooses another way; a consent that is taken back
// ends what was not served.
func TestTheWindowChoosesAnotherWayOnThePage(t *testing.T) {
	s := newStage(t)
	owed := s.owe(s.open)
	line := owed["431103-fire"]
	at := "/results/" + line.ID
	s.consented(line, "slip")
	s.browse("clerk", at+"/file/send", url.Values{}).is(http.StatusSeeOther)
	slip := s.browse("clerk", at+"/file/print", url.Values{}).is(http.StatusOK)
	if text := papertest.Flat(papertest.Read(t, []byte(slip.body))); !strings.Contains(text, "网上领取凭条") {
		t.Error(text)
	}
	s.browse("clerk", at+"/file/change", url.Values{"reason": {""}}).is(http.StatusUnprocessableEntity).says("请写明理由")
	s.browse("clerk", at+"/file/change", url.Values{"reason": {"打不开"}}).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).says("已改用其他方式", "打不开")
	s.browse("inspector", at, nil).says("送交窗口")

	s.consented(line, "slip")
	found, err := s.Delivery.FindResult(t.Context(), auth.System("test"), line.ID)
	s.must(err)
	revoke := url.Values{"consent": {found.Consent.ID}, "channel": {""}}
	s.browse("clerk", "/cases/"+s.open.ID+"/electronic/revoke", revoke).is(http.StatusUnprocessableEntity)
	revoke.Set("channel", "phone")
	s.browse("inspector", "/cases/"+s.open.ID+"/electronic/revoke", revoke).is(http.StatusForbidden)
	s.browse("clerk", "/cases/"+s.open.ID+"/electronic/revoke", revoke).is(http.StatusSeeOther)
	s.browse("clerk", "/cases/"+s.open.ID, nil).says("已撤回")
	if found, err = s.Delivery.FindResult(t.Context(), auth.System("test"), line.ID); err != nil || found.File() != nil {
		t.Errorf("a file stands without a consent: %v", err)
	}
}

// consented lets a line go as a file.
func (s *stage) consented(l delivery.ResultLine, method delivery.ElectronicMethod) {
	s.t.Helper()
	clerk, _, err := s.Auth.Session(s.t.Context(), s.tokens["clerk"])
	s.must(err)
	_, err = s.Delivery.ConsentElectronic(s.t.Context(), clerk, delivery.ElectronicConsentRequest{
		CaseID: l.CaseID, Person: "李梅", Phone: "13800001234", Method: method, Channel: "window", Lines: []string{l.ID},
	})
	s.must(err)
	_, err = s.Delivery.Supply(s.t.Context(), clerk, delivery.SupplyRequest{
		LineID: l.ID, Class: delivery.ClassCertificate, Title: "检查合格证", DecidedOn: "2026-11-16", Signature: delivery.SignatureUnchecked,
		Body: []byte("%PDF-1.7\n%%EOF\n"),
	})
	s.must(err)
}
