package api

import (
	"archive/zip"
	"bytes"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"lianban/inspection"
)

// newBooked is a visit that waits for replies.
func newBooked(t *testing.T) (*stage, string) {
	t.Helper()
	s := &stage{world: newWorld(t)}
	s.until(s.trust.Now().Add(time.Hour))
	s.booked = s.book(s.accept("湘味轩餐饮店", inspection.YesNo(true)), 0)
	s.clock.forward(10 * time.Minute)
	s.tick()
	return s, "/visits/" + s.booked.ID
}

func TestVisitPageShowsTracksDeadlinesAndTheRecordInWords(t *testing.T) {
	s, at := newBooked(t)
	s.browse("clerk", at, nil).is(http.StatusOK).says(
		"联合踏勘", "待反馈", "B 类 · 已到达", "答复期限 11月18日 周三 17:30", "期限 1 个工作日；截止 2026-11-18 周三 17:30",
		"约定第 1 轮时间", "送达冷水滩区fire：B 类，收件箱", "陈clerk", "完整记录",
	)
	s.browseIn("en", "clerk", at, nil).is(http.StatusOK).says("Served on fire: class B, inbox", "1 working day; due Wed 2026-11-18 17:30")
}

// INS-707
func TestNoticeIsServedByHandWithTheSlipsScan(t *testing.T) {
	s, at := newBooked(t)
	part := s.partOf(s.booked, "431103-urban")
	s.browse("clerk", at+"/parts/"+part.ID+"/notice", nil).is(http.StatusOK).says("送达回执", part.Notice.Number, "视为同意")
	form := map[string]string{"channel": "paper", "receiver": "唐主任", "post": "办公室", "at": day(s.trust.Now())}
	s.upload("clerk", at+"/parts/"+part.ID+"/serve", form, nil).is(http.StatusUnprocessableEntity).says("请上传纸质件的扫描件")
	page := s.upload("clerk", at+"/parts/"+part.ID+"/serve", form, []byte("no image")).is(http.StatusUnprocessableEntity).says("扫描件应为完整的 JPEG、PNG 或 WebP")
	if !strings.Contains(page.body, `value="唐主任"`) || !strings.Contains(page.body, "<details open>") {
		t.Error("the form is closed or empty")
	}
	late := map[string]string{"channel": "phone", "receiver": "唐主任", "at": day(s.trust.Now().Add(time.Hour))}
	s.upload("clerk", at+"/parts/"+part.ID+"/serve", late, nil).is(http.StatusUnprocessableEntity).says("不能晚于现在")
	slip := []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\r\x00\x00\x00/\x00\x00\x00\x10\a\x10\x11\x11\x88\x88\xfe\a\x00") // one pixel
	s.upload("clerk", at+"/parts/"+part.ID+"/serve", form, slip[:30]).is(http.StatusUnprocessableEntity).says("扫描件应为完整的")
	got := s.upload("clerk", at+"/parts/"+part.ID+"/serve", form, slip).is(http.StatusSeeOther)
	if got.to() != at+"#part-"+part.ID {
		t.Error(got.to())
	}
	shown := s.browse("clerk", at, nil).says("A 类 · 已收悉 书面", "签收人：唐主任")
	scan := shown.body[strings.Index(shown.body, "/scans/"):]
	file := s.browse("clerk", scan[:strings.Index(scan, `"`)], nil).is(http.StatusOK)
	if file.header.Get("Content-Type") != "image/webp" || !strings.HasSuffix(file.header.Get("Content-Disposition"), "scan.webp") || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") || file.body != string(slip) {
		t.Error(file.header)
	}
}

// upload sends a form with a file.
func (s *stage) upload(as, path string, fields map[string]string, file []byte) *seen {
	s.t.Helper()
	s.clock.forward(time.Second)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	s.must(w.WriteField(csrfField, csrfToken(s.tokens[as])))
	for name, value := range fields {
		s.must(w.WriteField(name, value))
	}
	name := fields["file"]
	if name == "" {
		name = "scan"
	}
	if file != nil {
		part, err := w.CreateFormFile(name, "回执.png")
		s.must(err)
		_, err = part.Write(file)
		s.must(err)
	}
	s.must(w.Close())
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, path, &body)
	r.RemoteAddr = "192.0.2.9:4711"
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: s.sessionCookie(), Value: s.tokens[as]})
	r.AddCookie(&http.Cookie{Name: langCookie, Value: "zh"})
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	return s.looked(&seen{s.t, rec.Code, rec.Header(), rec.Body.String()})
}

// INS-808
func TestClerkRecordsWhatWasSaidOnTheTelephone(t *testing.T) {
	s, at := newBooked(t)
	part := s.partOf(s.booked, "431103-urban")
	form := url.Values{"channel": {"phone"}, "round": {"1"}, "kind": {"decline"}, "given_by": {"唐主任"}}
	page := s.browse("clerk", at+"/parts/"+part.ID+"/reply", form).is(http.StatusUnprocessableEntity).says("请填写理由")
	if !strings.Contains(page.body, `value="decline" checked`) {
		t.Error("the choice is gone")
	}
	form.Set("reason", "当日有专项检查")
	s.browse("clerk", at+"/parts/"+part.ID+"/reply", form).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).says("不能应约", "当日有专项检查", "唐主任", "电话", "L1")
	desk := s.browse("clerk", "/", nil).says("联系不能应约的部门")
	done := desk.body[strings.Index(desk.body, "/tasks/"):]
	done = done[:strings.Index(done, `"`)]
	if got := s.browse("clerk", done, url.Values{"note": {"已联系"}, "back": {at}}).is(http.StatusSeeOther); got.to() != at {
		t.Error(got.to())
	}
	s.browse("clerk", done, url.Values{"back": {at}}).is(http.StatusConflict).says("该事项已办结", "参加部门")
}

// INS-808
func TestClerkRecordsAReplyOnPaperWithItsScan(t *testing.T) {
	s, at := newBooked(t)
	path := at + "/parts/" + s.partOf(s.booked, "431103-urban").ID + "/reply"
	form := map[string]string{"channel": "paper", "round": "1", "kind": "decline", "reason": "当日有专项检查", "given_by": "唐主任"}
	var paper bytes.Buffer
	s.must(png.Encode(&paper, image.NewGray(image.Rect(0, 0, 4, 4))))
	s.upload("clerk", path, form, paper.Bytes()).is(http.StatusUnprocessableEntity).says("请按收文登记填写")
	form["received_at"] = "昨天"
	s.upload("clerk", path, form, paper.Bytes()).is(http.StatusUnprocessableEntity).says("时间格式应为")
	form["received_at"] = day(s.trust.Now())
	page := s.upload("clerk", path, form, nil).is(http.StatusUnprocessableEntity).says("请上传纸质件的扫描件")
	if !strings.Contains(page.body, `value="paper" checked`) || !strings.Contains(page.body, `value="`+form["received_at"]+`"`) {
		t.Error("what was typed is gone")
	}
	s.upload("clerk", path, form, paper.Bytes()).is(http.StatusSeeOther)
	shown := s.browse("clerk", at, nil).says("不能应约", "当日有专项检查", "唐主任", "书面", "L1", "查看书面反馈扫描件")
	scan := shown.body[strings.Index(shown.body, "/scans/"):]
	scan = scan[:strings.Index(scan, `"`)]
	if got := s.browse("clerk", scan, nil).is(http.StatusOK); got.body != paper.String() {
		t.Error("another scan")
	}
	s.browse("inspector", scan, nil).is(http.StatusNotFound) // of another department
	s.until(s.booked.Start)
	s.browse("clerk", at+"/start", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).says("只能补录送到窗口的书面反馈") // DL-14
	s.upload("clerk", path, map[string]string{"channel": "phone", "round": "1", "kind": "accept", "given_by": "唐主任"}, nil).is(http.StatusConflict)
}

func TestVisitIsCancelledWithAReason(t *testing.T) {
	s, at := newBooked(t)
	s.browse("clerk", at+"/start", url.Values{}).is(http.StatusUnprocessableEntity).says("勘验开始前一小时内")
	s.browse("clerk", at+"/close", url.Values{}).is(http.StatusConflict)
	page := s.browse("clerk", at+"/cancel", url.Values{"code": {"weather"}}).is(http.StatusUnprocessableEntity).says("请填写理由")
	if !strings.Contains(page.body, `value="weather" checked`) {
		t.Error("the reason's kind is gone")
	}
	s.browse("clerk", at+"/cancel", url.Values{"code": {"weather"}, "reason": {"暴雨" + trouble}}).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("已取消", "天气原因： 暴雨")
	list := s.browse("clerk", "/visits", nil).is(http.StatusOK).says("已结束", s.booked.CaseNumber)
	over := strings.Index(list.body, "已结束</h2>")
	if strings.Index(list.body, strings.TrimPrefix(at, "/")) < over {
		t.Error("a visit that is over stands among those ahead")
	}
}

// INS-803, SEC-11, SIM-1
func TestHoldIsEndedWithAReason(t *testing.T) {
	s, at := newBooked(t)
	s.findLink()
	for range 5 {
		s.browse("", s.link, url.Values{"round": {"1"}, "kind": {"accept"}, "code": {"000000"}})
	}
	page := s.browse("clerk", at, nil).says("暂缓： 答复链接已锁定", "验证码连续输错五次", "解除暂缓")
	hold := page.body[strings.Index(page.body, "/holds/"):]
	path := at + hold[:strings.Index(hold, `"`)]
	s.browse("clerk", path, url.Values{}).is(http.StatusUnprocessableEntity).says("请填写理由")
	s.browse("clerk", path, url.Values{"reason": {"已电话核实"}}).is(http.StatusSeeOther)
	s.browse("clerk", path, url.Values{"reason": {"已电话核实"}}).is(http.StatusConflict)
}

// EV-10, EV-11
func TestEvidenceIsDownloadedAndVerified(t *testing.T) {
	s, at := newBooked(t)
	file := s.browse("clerk", at+"/evidence/431103-fire", nil).is(http.StatusOK)
	if file.header.Get("Content-Type") != "application/zip" || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
		t.Fatal(file.header)
	}
	if _, err := zip.NewReader(strings.NewReader(file.body), int64(len(file.body))); err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{"file": "bundle"}
	s.upload("auditor", "/evidence/verify", fields, []byte(file.body)).is(http.StatusOK).says("结论 通过", "相符", "431103-2026-000001")
	s.upload("auditor", "/evidence/verify", fields, []byte("nonsense")).is(http.StatusUnprocessableEntity).says("文件不是证据包或已损坏")
	s.upload("auditor", "/evidence/verify", fields, nil).is(http.StatusUnprocessableEntity)
	s.browse("inspector", at+"/evidence/431103-amr", nil).is(http.StatusNotFound) // another department's
	s.browse("inspector", at+"/evidence/431103-fire", nil).is(http.StatusOK)
}

// INS-1102, INS-914, INS-937
func TestPapersSayWhatWasDeemedAndThatItIsNoPermit(t *testing.T) {
	s := newStage(t)
	at := "/visits/" + s.closed.ID
	s.browse("clerk", at+"/opinion", nil).is(http.StatusOK).
		says("联合勘验意见书", "联勘〔2026〕431103-000001", "视为同意（记录单 视同〔2026〕431103-", "需整改", "后厨灭火毯数量不足", "不是行政许可决定")
	s.browse("clerk", at+"/deemed/431103-amr", nil).is(http.StatusOK).
		says("视为同意记录单", "收到通知后在期限内未反馈意见", "三（三）3-四", "期限 1 个工作日", "收件渠道", "不是行政许可决定")
	s.browseIn("en", "clerk", at+"/deemed/431103-amr", nil).is(http.StatusOK).says("Served ", "1 working day; due", "期限 1 个工作日") // the record's own line stays
	s.browse("clerk", at+"/deemed/431103-fire", nil).is(http.StatusNotFound)
	s.browse("clerk", at, nil).is(http.StatusOK).says("出具联合意见书 联勘〔2026〕431103-000001", "视为同意，记录单")
	s.browse("clerk", "/visits/"+s.booked.ID+"/opinion", nil).is(http.StatusNotFound)
}

// INS-917, V12
func TestADeemedConsentIsTakenBackAfterTheJointOpinionOnThePage(t *testing.T) {
	s, at := newBooked(t)
	s.close(s.booked)
	part := s.partOf(s.booked, "431103-amr").ID
	reverse := at + "/parts/" + part + "/reverse"
	s.browse("clerk", at, nil).is(http.StatusOK).lacks("撤销视为同意")
	s.browse("supervisor", at, nil).is(http.StatusOK).says("撤销视为同意")
	s.browse("supervisor", reverse, url.Values{"reason": {" "}}).is(http.StatusUnprocessableEntity)
	s.browse("supervisor", reverse, url.Values{"reason": {"送达有误"}}).is(http.StatusSeeOther)
	s.browse("auditor", reverse, url.Values{"reason": {"同意撤销"}}).is(http.StatusSeeOther)
	s.browse("auditor", at, nil).is(http.StatusOK).says("视为同意已撤销", "自撤销时起不再作为该部门的意见").lacks("待另一名人员审核")
	s.browse("clerk", at, nil).is(http.StatusOK).says("因撤销视为同意，重新汇总意见", "收集意见", "意见截止")
	s.browseIn("en", "clerk", at, nil).is(http.StatusOK).says("opened again after a reversal")
	record := at + "/deemed/431103-amr" // INS-937
	page := s.browse("clerk", record, nil).is(http.StatusOK).
		says("视为同意记录单", "已撤销", "提出人和理由", "送达有误", "决定人和意见", "同意撤销", "新的意见期限", "不再自动视为同意", "登记条目", "起算送达", "提醒")
	if strings.Index(visible(page.body), "已撤销") > strings.Index(visible(page.body), "我要开饭店") {
		t.Error("what was reversed does not say so at its head")
	}
	s.browse("clerk", at+"/documents/deemed?department=431103-amr&n=1", nil).is(http.StatusOK)
	s.browseIn("en", "clerk", record, nil).is(http.StatusOK).says("Reversed", "Proposed by, and why", "New term for the opinion", "Service that starts the term")
}

// INS-933
func TestTheWordThatAnOpinionIsDueIsServedByHandOnThePage(t *testing.T) {
	s, at := onSiteNow(t)
	fire := s.partOf(s.booked, "431103-fire").ID
	word := at + "/parts/" + fire + "/serve-word"
	s.upload("clerk", at+"/site/checkins", map[string]string{"party": fire, "name": "吴勇", "certificate": "湘F1002"}, nil).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).lacks("送达出具意见的通知")
	s.browse("clerk", at+"/end", url.Values{}).is(http.StatusSeeOther)
	s.until(s.trust.Now().Add(time.Minute)) // the word is sent
	s.until(s.trust.Now().Add(10 * time.Minute))
	s.again()
	s.browse("clerk", at, nil).is(http.StatusOK).says("书面或电话送达出具意见的通知", "至少 4 个工作小时", "出具意见通知书")
	s.browseIn("en", "clerk", at, nil).is(http.StatusOK).says("Serve the word that an opinion is due", "at least 4 working hours")
	s.browse("clerk", at+"/parts/"+fire+"/notice?about=opinion", nil).is(http.StatusOK).
		says("出具意见", "逾期未出具意见的，按规定视为同意", "送达回执", "已收到出具意见通知书", "单位盖章")
	form := map[string]string{"channel": "paper", "receiver": "唐主任", "at": day(s.trust.Now())}
	page := s.upload("clerk", word, form, nil).is(http.StatusUnprocessableEntity).says("请上传纸质件的扫描件")
	if !strings.Contains(page.body, `value="唐主任"`) || !strings.Contains(page.body, "<details open>") {
		t.Error("the form is closed or empty")
	}
	early := map[string]string{"channel": "paper", "receiver": "唐主任", "at": day(s.booked.Start)}
	s.upload("clerk", word, early, picture(t)).is(http.StatusUnprocessableEntity).says("不能早于通知生成时间")
	late := map[string]string{"channel": "paper", "receiver": "唐主任", "at": day(s.trust.Now().Add(time.Hour))}
	s.upload("clerk", word, late, picture(t)).is(http.StatusUnprocessableEntity).says("不能晚于现在")
	s.upload("clerk", word, form, picture(t)).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("A 类 · 已收悉 出具意见的通知 · 书面", "签收人：唐主任")
}

// INS-1101
func TestTwoSupervisorsWaitNoLongerForAnOpinionOnThePage(t *testing.T) {
	s, at := onSiteNow(t)
	fire := s.partOf(s.booked, "431103-fire").ID
	s.upload("clerk", at+"/site/checkins", map[string]string{"party": fire, "name": "吴勇", "certificate": "湘F1002"}, nil).is(http.StatusSeeOther) // one is too few
	s.browse("clerk", at+"/end", url.Values{}).is(http.StatusSeeOther)
	waive := at + "/parts/" + fire + "/waive"
	s.browse("supervisor", waive, url.Values{"reason": {"多次催办未果"}}).is(http.StatusConflict).says("期满仍无意见的再办理")
	s.until(s.booked.Start.AddDate(0, 0, 5))
	s.again()
	s.browse("clerk", at, nil).is(http.StatusOK).lacks("不再等候该部门意见")
	s.browse("clerk", waive, url.Values{"reason": {"多次催办未果"}}).is(http.StatusForbidden)
	s.browse("supervisor", at, nil).is(http.StatusOK).says("不再等候该部门意见", "提出不再等候")
	s.browse("supervisor", waive, url.Values{"reason": {""}}).is(http.StatusUnprocessableEntity)
	s.browse("supervisor", waive, url.Values{"reason": {"多次催办未果"}}).is(http.StatusSeeOther)
	s.browse("supervisor", waive, url.Values{"reason": {"多次催办未果"}}).is(http.StatusForbidden).says("还须本中心另一名主管同意")
	s.browse("clerk", at, nil).is(http.StatusOK).says("拟不再等候意见，待另一名主管决定", "多次催办未果")
	s.browse("supervisor", "/", nil).is(http.StatusOK).says("决定是否再等意见")
	second := s.actor("supervisor")
	second.ID, second.Name = "boss2", "赵主任"
	s.must(s.Inspection.Waive(t.Context(), second, fire, "同意不再等候"))
	s.browse("clerk", at, nil).is(http.StatusOK).says("不作为该部门同意", "赵主任", "同意不再等候").lacks("提出不再等候")
	s.browseIn("en", "clerk", at, nil).is(http.StatusOK).says("Not waited for any longer", "It is no consent")
	s.browse("inspector", "/inbox/"+s.booked.ID, nil).is(http.StatusOK).says("不再等候意见", "联合意见书出具之前提出的意见照常计入")
}

// INS-1012
func TestTheWindowOrAnInspectorOnTheSiteRecordsThatTheRecordWasSigned(t *testing.T) {
	s := newStage(t)
	visit := "/visits/" + s.closed.ID
	s.browse("clerk", visit, nil).is(http.StatusOK).lacks("申请人阅签") // its list is signed for
	s.browse("clerk", visit+"/rectify", nil).is(http.StatusOK).says("拒绝签字时填写", "见证的勘验人员")

	v := s.booked
	visit, inbox := "/visits/"+v.ID, "/inbox/"+v.ID
	form := map[string]string{"how": "refused", "receiver": "李梅" + trouble, "at": forInput(s.now())}
	s.upload("clerk", visit+"/record-signature", form, picture(t)).is(http.StatusConflict).says("窗口点“结束”之后")
	s.until(v.Start)
	s.again()
	s.browse("clerk", visit+"/start", url.Values{}).is(http.StatusSeeOther)
	own := s.partOf(v, "431103-fire").ID
	for name, by := range map[string]string{"周强" + trouble: "F1", "唐芳": "F2"} {
		_, err := s.Inspection.CheckIn(t.Context(), s.actor("clerk"), inspection.CheckInRequest{VisitID: v.ID, Party: own, Way: inspection.ByWindow, Name: name, Certificate: by})
		s.must(err)
	}
	s.browse("inspector", inbox+"/checkin", url.Values{"certificate": {"F3"}}).is(http.StatusSeeOther)
	s.clock.forward(time.Minute)
	s.browse("clerk", visit, nil).is(http.StatusOK).lacks("申请人阅签")
	s.browse("clerk", visit+"/end", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", visit, nil).is(http.StatusOK).says("申请人阅签", "登记阅签")
	s.browseIn("en", "inspector", inbox, nil).is(http.StatusOK).says("Read and signed by the applicant", "Record the signature")
	s.upload("inspector", inbox+"/record-signature", form, picture(t)).is(http.StatusUnprocessableEntity)
	form["at"] = forInput(s.now())
	s.upload("inspector", inbox+"/record-signature", form, picture(t)).is(http.StatusUnprocessableEntity).says("请填写理由")
	form["reason"], form["witness1"], form["witness2"] = "认为消防意见有误", "周强"+trouble, "唐芳"
	s.upload("inspector-elsewhere", inbox+"/record-signature", form, picture(t)).is(http.StatusNotFound)
	form["witness2"] = "何人"
	s.upload("inspector", inbox+"/record-signature", form, picture(t)).is(http.StatusConflict).says("何人当时不在场")
	form["witness2"] = "唐芳"
	s.upload("inspector", inbox+"/record-signature", form, picture(t)).is(http.StatusSeeOther)
	checkPage(t, inbox, s.browse("inspector", inbox, nil).is(http.StatusOK).says("拒绝签字", "认为消防意见有误", "唐芳", "查看签字页").lacks("登记阅签").body)
	found, err := s.Inspection.FindVisit(t.Context(), s.actor("clerk"), v.ID)
	s.must(err)
	s.browse("inspector", "/scans/"+found.Signing.Scan, nil).is(http.StatusOK) // whoever saved it
	s.browse("head", "/scans/"+found.Signing.Scan, nil).is(http.StatusNotFound)
	checkPage(t, visit, s.browse("clerk", visit, nil).is(http.StatusOK).says("拒绝签字", "认为消防意见有误", "查看签字页", "登记申请人阅签").body)
	s.browseIn("en", "clerk", visit, nil).is(http.StatusOK).says("refused to sign", "View the signed page")
	s.upload("clerk", visit+"/record-signature", form, picture(t)).is(http.StatusConflict).says("只登记一次")
}
