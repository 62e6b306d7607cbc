package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/notify"
)

// SEC-10, INS-704: looking changes nothing; the button records class A.
func TestNoticeIsOpenedByAButton(t *testing.T) {
	s, _ := newBooked(t)
	at := "/inbox/" + s.booked.ID
	s.browse("inspector", "/", nil).is(http.StatusOK).says("需要反馈", "打开通知", "11月18日 周三 17:30", "我要开饭店")
	before := s.size()
	page := s.browse("inspector", at, nil).is(http.StatusOK).says("尚未打开通知")
	if strings.Contains(page.body, `class="letter"`) || s.size() != before {
		t.Error("looking at the page opened the notice")
	}
	if got := s.browse("inspector", at+"/open", url.Values{}).is(http.StatusSeeOther); got.to() != at {
		t.Error(got.to())
	}
	s.browse("inspector", at, nil).is(http.StatusOK).says("通知全文", "A 类 · 已收悉", "提交反馈", "三（三）3-四", "逾期不反馈")
	if s.size() == before {
		t.Error("opening left no record")
	}
}

// INS-711: a department that reads only here hears here.
func TestInboxTellsOfAChangedAddress(t *testing.T) {
	s, _ := newBooked(t)
	path := "/departments/431103-fire/addresses"
	s.post("supervisor", "/addresses/"+s.id("clerk", path, newAddress("fire2@dept.example"))+"/approve", nil).is(http.StatusOK)
	s.tick()
	s.browse("inspector", "/", nil).is(http.StatusOK).says("送达地址变更", "新增邮箱 fire2@dept.example", "如非本单位申请")
	if other := s.browse("inspector-elsewhere", "/", nil).is(http.StatusOK); strings.Contains(other.body, "fire2@dept.example") {
		t.Error("another department reads it too")
	}
}

// size is the length of the evidence log.
func (s *stage) size() (n int64) {
	s.t.Helper()
	s.must(s.Read(s.t.Context(), func(q bun.IDB) (err error) {
		n, err = audit.Size(s.t.Context(), q)
		return err
	}))
	return n
}

// INS-801, INS-809
func TestDepartmentAnswersAndGetsItsReceipt(t *testing.T) {
	s, _ := newBooked(t)
	at := "/inbox/" + s.booked.ID
	s.browse("inspector", at+"/open", url.Values{}).is(http.StatusSeeOther)
	s.browse("inspector", at+"/reply", url.Values{"round": {"1"}}).is(http.StatusUnprocessableEntity)
	s.browse("inspector", at+"/reply", url.Values{"round": {"1"}, "kind": {"counter"}}).is(http.StatusUnprocessableEntity).says("一至三个")
	other := url.Values{"round": {"1"}, "kind": {"counter"}, "reason": {"上午有执法任务"}, "proposal1": {day(s.booked.Start.Add(24 * time.Hour))}, "once": {"1"}}
	for range 2 { // a second click is the same answer
		s.browse("inspector", at+"/reply", other).is(http.StatusSeeOther)
	}
	page := s.browse("inspector", at, nil).is(http.StatusOK).says("提出改期", "已生效", "上午有执法任务", "回执号 HZ-431103-2026-000001", "建议时间")
	if strings.Contains(page.body, "HZ-431103-2026-000002") {
		t.Error("the second click answered again")
	}
	page.says("改期建议已交窗口，等待答复", "随反馈确认")
	if strings.Index(page.body, "本部门的反馈和意见") > strings.Index(page.body, "更改反馈") {
		t.Error("what was said stands behind the form that changes it")
	}
	s.browse("inspector", "/", nil).says("即将勘验")
	s.browse("clerk", "/", nil).says("答复改期建议")
	// INS-806: only within the department
	s.browse("inspector", at+"/reply", url.Values{"round": {"1"}, "kind": {"delegate"}, "delegate": {"nobody"}}).is(http.StatusUnprocessableEntity).says("只能委派本部门")
}

// What waits comes first: a result that only waits for the window's signature is not
// among those to hand over, and of two notices the one due first is on top.
func TestInboxShowsWhatIsStillToBeDoneBeforeWhatIsNot(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	line := s.owe(c)["431103-fire"]
	if page := s.browse("inspector", "/", nil).is(http.StatusOK).says("送交结果", "检查合格证 待送交"); strings.Contains(page.body, `id="sent"`) {
		t.Error("nothing was handed over yet")
	}
	_, err = s.Delivery.Release(t.Context(), s.actor("inspector"), delivery.ReleaseRequest{
		LineID: line.ID, DecidedOn: "2026-11-16", New: []delivery.NewItem{{Class: delivery.ClassCertificate, Title: "检查合格证"}},
	})
	s.must(err)
	if page := s.browse("inspector", "/", nil).is(http.StatusOK).says("已送出，等窗口签收", "检查合格证 等窗口签收"); strings.Contains(page.body, `id="owed"`) {
		t.Error("what was handed over is still to be handed over")
	}
	at := time.Date(2026, 11, 18, 17, 30, 0, 0, time.UTC)
	d := inboxPage{}
	for _, due := range []time.Time{at.Add(time.Hour), {}, at} {
		d.Open = append(d.Open, inboxLine{InboxLine: inspection.InboxLine{Participant: inspection.Participant{RespondBy: due}}})
	}
	d.sort()
	if d.Open[0].RespondBy != at || !d.Open[2].RespondBy.IsZero() {
		t.Errorf("in the order %v, %v, %v", d.Open[0].RespondBy, d.Open[1].RespondBy, d.Open[2].RespondBy)
	}
}

// INS-1008
func TestOpinionIsGivenOnceTheVisitRuns(t *testing.T) {
	s, visit := newBooked(t)
	at := "/inbox/" + s.booked.ID
	s.browse("inspector", at+"/opinion", url.Values{"kind": {"agree"}}).is(http.StatusConflict).says("勘验开始后才能出具意见")
	s.until(s.booked.Start)
	for _, name := range []string{"clerk", "inspector"} {
		s.signInAgain(name)
	}
	s.browse("clerk", visit+"/start", url.Values{}).is(http.StatusSeeOther)
	running := s.browse("clerk", visit, nil).says("结束现场部分", "登记未能进行")
	if !strings.Contains(running.body, `class="button primary" href="`+visit+`/site"`) {
		t.Error("while nobody has checked in, something else is the button to press")
	}
	s.browse("inspector", "/", nil).is(http.StatusOK)
	page := s.browse("inspector", at+"/opinion", url.Values{"kind": {"rectify"}, "text": {"见清单"}}).is(http.StatusUnprocessableEntity).says("至少列一项")
	if !strings.Contains(page.body, "见清单") || !strings.Contains(page.body, `value="rectify" checked`) {
		t.Error("what was typed is gone")
	}
	refusedBeside := s.browse("inspector", at+"/opinion", url.Values{"kind": {"deferred"}}).is(http.StatusUnprocessableEntity)
	if strings.Count(refusedBeside.body, "只能因依法须集体研究") != 2 { // at the head and beside the choice
		t.Error("a choice that is missing is not refused beside it")
	}
	s.browse("inspector", at+"/opinion", url.Values{
		"kind": {"rectify"}, "finding1": {"灭火毯不足"}, "clause1": {"GB 55037"}, "verify1": {"photo"}, "days1": {"5"},
		"finding12": {"安全出口标志缺失"}, "verify12": {"visit"}, "days12": {"10"}, "clause12": {"GB 13495"},
	}).is(http.StatusSeeOther)
	s.browse("inspector", at, nil).is(http.StatusOK).says("整改后复勘", "灭火毯不足", "GB 55037", "安全出口标志缺失")
	s.browse("clerk", visit+"/not-held", url.Values{"code": {"danger"}, "reason": {"现场有危险"}}).is(http.StatusSeeOther)
	s.browse("clerk", visit, nil).is(http.StatusOK).says("未能进行", "现场有危险")
}

func TestDepartmentIsLedFromTheVisitToItsOwnPage(t *testing.T) {
	s := newStage(t)
	if got := s.browse("inspector", "/visits/"+s.booked.ID, nil).is(http.StatusSeeOther); got.to() != "/inbox/"+s.booked.ID {
		t.Error(got.to())
	}
	for _, path := range []string{"", "/open", "/reply", "/opinion"} {
		form := url.Values{"kind": {"agree"}}
		if path == "" {
			form = nil
		}
		s.browse("inspector-elsewhere", "/inbox/"+s.booked.ID+path, form).is(http.StatusNotFound)
	}
	page := s.browse("inspector", "/inbox/"+s.booked.ID, nil).is(http.StatusOK).body
	if strings.Contains(page, "13800001234") || strings.Contains(page, "1******1234") {
		t.Error("a department sees the applicant's telephone")
	}
}

// INS-803, SEC-10
func TestAnswerLinkChangesNothingUntilTheCodeIsGiven(t *testing.T) {
	s, _ := newBooked(t)
	s.findLink()
	before := s.size()
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r := httptest.NewRequestWithContext(t.Context(), method, s.link, nil)
		r.RemoteAddr = "192.0.2.1:1"
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
	if s.size() != before || len(s.partOf(s.booked, "431103-amr").Replies) != 0 {
		t.Fatal("looking at the link changed something")
	}
	s.browse("", s.link, nil).is(http.StatusOK).says("冷水滩区amr", "答复期限： 11月18日 周三 17:30", "打开本页不会产生任何反馈", "反馈码")
	form := url.Values{"round": {"1"}, "kind": {"decline"}, "reason": {"当日有会"}, "code": {"12"}}
	s.browse("", s.link, form).is(http.StatusForbidden).says("验证码不正确，还可再试 4 次")
	form.Set("code", "１"+s.code[:0]) // full-width digits are understood
	form.Set("code", strings.Join(strings.Split(s.code, ""), " "))
	if got := s.browse("", s.link, form).is(http.StatusSeeOther); got.to() != s.link+"?sent=1" {
		t.Fatal(got.to())
	}
	s.browse("", s.link+"?sent=1", nil).is(http.StatusOK).says("反馈已收到", "反馈已记录。在答复期限前可以更改", "不能应约", "当日有会", "更改反馈")
	s.browse("", "/r/NOSUCHLINK", nil).is(http.StatusNotFound).says("链接无效或已作废")
}

func TestAnswerLinkSaysThatItIsLockedLateOrOver(t *testing.T) {
	s, visit := newBooked(t)
	s.findLink()
	good := url.Values{"round": {"1"}, "kind": {"accept"}, "code": {s.code}}
	s.until(s.partOf(s.booked, "431103-amr").RespondBy.Add(2 * time.Minute))
	s.browse("", s.link, nil).is(http.StatusOK).says("答复期限已过")
	s.browse("", s.link, good).is(http.StatusSeeOther)
	s.browse("", s.link+"?sent=1", nil).says("晚于答复期限", "逾期")
	for range 5 {
		s.browse("", s.link, url.Values{"round": {"1"}, "kind": {"accept"}, "code": {"000000"}}).is(http.StatusForbidden)
	}
	s.browse("", s.link, nil).is(http.StatusForbidden).says("链接已锁定", "拨打通知上的窗口电话")
	s.browse("", s.link, good).is(http.StatusForbidden)
	s.signInAgain("clerk")
	s.browse("clerk", visit+"/cancel", url.Values{"code": {"other"}, "reason": {"申请人撤回"}}).is(http.StatusSeeOther)
}

// signInAgain gives an account a new session after days have passed.
func (s *stage) signInAgain(name string) {
	s.t.Helper()
	got := s.browse("", "/login", url.Values{"login": {name}, "password": {testPassword}}).is(http.StatusSeeOther)
	for _, c := range (&http.Response{Header: got.header}).Cookies() {
		if c.Name == s.sessionCookie() {
			s.tokens[name] = c.Value
		}
	}
}

// DEC-1, INS-807
func TestMailIsReadByAPersonAndNothingOfItRuns(t *testing.T) {
	s := newStage(t)
	s.browse("clerk", "/", nil).says("来信待查看", "处理来件")
	s.browse("clerk", "/queue", nil).is(http.StatusOK).says("待处理", s.booked.CaseNumber, "日历")
	page := s.browse("clerk", "/queue/"+s.mailID, nil).is(http.StatusOK).
		says("能不能改到下周？", "DECLINED", "METHOD:REPLY", "冷水滩区fire", "人工判断")
	if strings.Contains(page.body, "<script>alert") {
		t.Error("markup of a mail came through")
	}
	s.browse("clerk", "/queue/"+s.mailID, url.Values{"why": {"核实过"}}).is(http.StatusUnprocessableEntity).says("请先选择这封邮件是什么")
	half := s.browse("clerk", "/queue/"+s.mailID, url.Values{"answer": {"decline"}}).is(http.StatusUnprocessableEntity).says("有 3 项需要改正")
	for _, field := range []string{"given_by", "words", "why"} {
		if !strings.Contains(half.body, `id="sort-`+field+`-wrong"`) {
			t.Errorf("%s is not marked", field)
		}
	}
	s.browse("clerk", "/queue/"+s.mailID, url.Values{
		"answer": {"decline"}, "given_by": {"周队长"}, "words": {"当日有会"}, "why": {"电话核实"},
	}).is(http.StatusSeeOther)
	s.browse("clerk", "/queue/"+s.mailID, nil).is(http.StatusOK).says("作为反馈生效", "电话核实")
	s.browse("clerk", "/visits/"+s.booked.ID, nil).is(http.StatusOK).says("不能应约", "当日有会", "邮件")
	s.browse("auditor", "/queue/"+s.mailID, url.Values{"answer": {"none"}, "why": {"x"}}).is(http.StatusForbidden)
}

// SEC-10, SEC-11: nobody at a window can read what would let him answer for a
// department.
func TestOutboxHidesLinksAndCodesOutsideTheDemonstration(t *testing.T) {
	s := newStage(t)
	page := s.browse("clerk", "/outbox?channel="+notify.Mail, nil).is(http.StatusOK).says("应约通知", "已隐藏", "冷水滩区amr")
	token := strings.TrimPrefix(s.link, "/r/")
	if strings.Contains(page.body, token) || strings.Contains(page.body, s.code) {
		t.Error("link or code of a department is shown")
	}
	if strings.Contains(page.body, "13800001234") {
		t.Error("a telephone is shown whole")
	}
	s.Server.Demo = &Demo{NextDeadline: func(context.Context) (time.Time, error) { return time.Time{}, nil }}
	page = s.browse("clerk", "/outbox?channel="+notify.Mail, nil).is(http.StatusOK)
	if !strings.Contains(page.body, token) || !strings.Contains(page.body, s.code) {
		t.Error("the demonstration shows what was sent")
	}
	if got := s.browse("clerk-elsewhere", "/outbox", nil).is(http.StatusOK); strings.Contains(got.body, s.booked.CaseNumber) {
		t.Error("messages of another centre are listed")
	}
	open := s.browse("clerk", "/outbox?channel=mail&q="+s.booked.CaseNumber, nil)
	href := open.body[strings.Index(open.body, "/outbox?channel=mail&amp;open="):]
	s.browse("clerk", strings.ReplaceAll(href[:strings.IndexAny(href, `"#`)], "&amp;", "&"), nil).is(http.StatusOK).says("已接收", "250 queued")
}
