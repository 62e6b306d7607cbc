package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lianban/scheduler/workday"
)

// INS-1115, 行政许可法 art. 42
func TestAnExtensionIsAskedForRecordedAndShownOnThePages(t *testing.T) {
	s := newStage(t)
	at := "/cases/" + s.booked.CaseID + "/extension"
	s.browse("clerk", "/cases/"+s.booked.CaseID, nil).is(http.StatusOK).says("延长法定办结期限", "申请或查看")
	s.browse("inspector", "/inbox/"+s.booked.ID, nil).is(http.StatusOK).says("申请延长法定办结期限").holds(at)
	s.browse("clerk", at, nil).is(http.StatusOK).says("本级人民政府负责人批准", "最多 15 个工作日", "还没有决定过延长申请")
	s.browse("clerk", at, url.Values{"extension_days": {"16"}, "reason": {trouble}}).is(http.StatusUnprocessableEntity).says("可延长 1 至 15 个工作日").holds(`value="16"`)
	s.browse("inspector", at, url.Values{"extension_days": {"15"}, "reason": {" "}}).is(http.StatusUnprocessableEntity).says("请填写理由")
	s.browse("inspector", at, url.Values{"extension_days": {"15"}, "reason": {"须复核检测报告"}}).is(http.StatusSeeOther)
	s.browse("clerk", "/cases/"+s.booked.CaseID, nil).is(http.StatusOK).says("延长申请待决定")
	s.browse("inspector", at, nil).is(http.StatusOK).says("须复核检测报告", "由组织窗口的主管").lacks("登记批准", "提出申请")
	s.browse("supervisor", "/", nil).is(http.StatusOK).says("登记延长期限的批准").holds(at)
	for _, role := range []string{"clerk", "inspector", "supervisor"} {
		checkPage(t, at+" for "+role, s.browse(role, at+"?lang=en", nil).is(http.StatusOK).says("An extension waits for its decision").body)
	}
	s.browse("supervisor", at, nil).is(http.StatusOK).says("登记批准", "批准文件文号", "期限届满前签发")
	s.browse("clerk", at+"/decide", url.Values{"extension_outcome": {"approved"}}).is(http.StatusForbidden)
	today := workday.DateOf(s.now()).String()
	s.browse("supervisor", at+"/decide", url.Values{"extension_outcome": {"approved"}, "approval_date": {today}}).is(http.StatusUnprocessableEntity).says("请填写批准文件的文号和日期").holds(`value="` + today + `"`)
	s.browse("supervisor", at+"/decide", url.Values{"extension_outcome": {"refused"}}).is(http.StatusUnprocessableEntity).says("请填写理由")
	s.browse("supervisor", at+"/decide", url.Values{"extension_outcome": {"approved"}, "approval_date": {today}, "approval_number": {"冷政办函〔2026〕12号"}}).is(http.StatusSeeOther)
	for _, path := range []string{at, "/cases/" + s.booked.CaseID, "/visits/" + s.booked.ID} {
		s.browse("clerk", path, nil).is(http.StatusOK).says("还剩 60 个工作日", "45 + 15 = 60 个工作日", "须复核检测报告", "还剩 22 个工作日")
	}
	checkPage(t, at, s.browse("clerk", at+"?lang=en", nil).is(http.StatusOK).says("45 + 15 = 60 working days").body)
	s.browse("clerk", at, nil).is(http.StatusOK).says("已批准延长", "冷政办函〔2026〕12号").lacks("提出申请")
	s.browse("clerk", at, url.Values{"extension_days": {"5"}, "reason": {"再延"}}).is(http.StatusConflict).says("只能延长一次")
	s.browse("supervisor", "/", nil).is(http.StatusOK).lacks("登记延长期限的批准")
	if page := s.browse("clerk", "/visits/"+s.booked.ID, nil); !strings.Contains(page.body, "申请延长法定办结期限 15 个工作日") {
		t.Error("the record of the visit does not say it")
	}
}

// INS-1115: of one department its head decides, from the inbox.
func TestTheHeadDecidesAnExtensionFromTheInbox(t *testing.T) {
	s := newStage(t)
	refused, granted := s.longerOf(true), s.longerOf(true)
	s.browse("head", "/", nil).is(http.StatusOK).says("延长期限待批准", "须第三方复核检测报告").holds("/cases/" + refused + "/extension")
	s.browse("inspector", "/", nil).is(http.StatusOK).lacks("延长期限待批准")
	s.browse("head", "/cases/"+refused+"/extension", nil).is(http.StatusOK).says("批准延长", "不予批准", "由本部门负责人批准").lacks("批准文件文号")
	s.browse("supervisor", "/cases/"+refused+"/extension/decide", url.Values{"extension_outcome": {"refused"}, "reason": {"不必"}}).is(http.StatusForbidden)
	s.browse("head", "/cases/"+refused+"/extension/decide", url.Values{"extension_outcome": {"refused"}, "reason": {"可以按期办结"}}).is(http.StatusSeeOther)
	s.browse("head", "/cases/"+refused+"/extension", nil).is(http.StatusOK).says("未批准", "可以按期办结", "还剩 20 个工作日")
	s.browse("head", "/cases/"+granted+"/extension/decide", url.Values{"extension_outcome": {"approved"}}).is(http.StatusSeeOther)
	s.browse("head", "/cases/"+granted+"/extension", nil).is(http.StatusOK).says("20 + 5 = 25 个工作日")
	s.browse("head", "/", nil).is(http.StatusOK).lacks("延长期限待批准")
}

// INS-1115: the applicant reads the reason on the page of the link, and a program the
// same; who asked and the number of the approval stay inside.
func TestTheApplicantReadsWhyTheLimitWasExtended(t *testing.T) {
	s := newCounter(t)
	s.owe(s.open)
	link := s.linkOf(s.open)
	s.plain(link).lacks("法定办结期限")
	path := prefix + "/cases/" + s.open.ID + "/extension"
	s.do(request{as: "clerk", method: http.MethodPost, path: path, body: map[string]any{"extension_days": 5, "reason": "须复核检测报告"}, header: map[string]string{"Idempotency-Key": freshKey()}}).is(http.StatusOK)
	s.plain(link).lacks("须复核检测报告")
	decision := map[string]any{"extension_outcome": "approved", "approval_number": "冷政办函〔2026〕12号", "approval_date": workday.DateOf(s.now()).String()}
	s.do(request{as: "supervisor", method: http.MethodPost, path: path + "/decide", body: decision, header: map[string]string{"Idempotency-Key": freshKey()}}).is(http.StatusNoContent)
	s.plain(link).says("法定办结期限（已延长）", "+ 5 =", "须复核检测报告").lacks("冷政办函")
	var seen struct {
		Legal struct {
			Extended struct {
				Days        int
				Was, Reason string
			}
		}
	}
	s.get("", "/applicant/"+tokenOf(link)).is(http.StatusOK).into(&seen)
	if x := seen.Legal.Extended; x.Days != 5 || x.Was == "" || x.Reason != "须复核检测报告" {
		t.Errorf("%+v", x)
	}
}
