package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// INS-712
func TestAServiceIsContestedDecidedAndAnsweredOnThePages(t *testing.T) {
	s := newStage(t)
	inbox, at, fire := "/inbox/"+s.booked.ID, "/visits/"+s.booked.ID, s.firePart()
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("对送达时间有异议", "提出期限", "记录的送达时间")
	s.browse("inspector", inbox+"/contest", url.Values{"round": {"1"}, "reason": {" "}}).is(http.StatusUnprocessableEntity).says("请填写理由")
	form := url.Values{"round": {"1"}, "reason": {"当日停电" + trouble}, "said_at": {"2026-01-01T09:00"}}
	page := s.browse("inspector", inbox+"/contest", form).is(http.StatusUnprocessableEntity).says("送达时间应晚于原记录")
	if !strings.Contains(page.body, `value="2026-01-01T09:00"`) {
		t.Error("the form is empty again")
	}
	form.Del("said_at")
	s.browse("inspector", inbox+"/contest", form).is(http.StatusSeeOther)
	page = s.browse("inspector", inbox, nil).is(http.StatusOK).says("送达异议待决定", "当日停电", "期间仍可随时反馈")
	if strings.Contains(page.body, trouble) || strings.Contains(page.body, "提出送达异议") {
		t.Error("the reason is not escaped, or a second contest is offered")
	}
	if page = s.browse("clerk", at, nil).is(http.StatusOK).says("送达异议待决定", "由主管决定"); strings.Contains(page.body, "contest-decide") {
		t.Error("a clerk is offered the supervisor's decision")
	}
	s.browse("clerk", fire+"/contest-decide", url.Values{"contest_outcome": {"void"}, "reason": {"x"}}).is(http.StatusForbidden)
	s.browse("supervisor", at, nil).is(http.StatusOK).says("决定并答复", "更正后的送达时间")
	s.browse("supervisor", fire+"/contest-decide", url.Values{"contest_outcome": {"later"}, "reason": {"已核对"}}).is(http.StatusUnprocessableEntity).says("送达时间应晚于原记录")
	s.browse("supervisor", fire+"/contest-decide", url.Values{"contest_outcome": {"rejected"}, "reason": {"当日有登录记录"}}).is(http.StatusSeeOther)
	s.browse("supervisor", at, nil).is(http.StatusOK).says("异议不成立", "当日有登录记录", "决定后的送达时间")
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("异议不成立", "当日有登录记录")
	s.browse("inspector", inbox+"/contest", form).is(http.StatusConflict).says("主管已经决定过")
}
