package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// INS-814
func TestAnObjectionIsRaisedSettledAndAnsweredOnThePages(t *testing.T) {
	s := newStage(t)
	inbox, at, fire := "/inbox/"+s.booked.ID, "/visits/"+s.booked.ID, s.firePart()
	s.browse("inspector", inbox+"/open", url.Values{}).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("对办件本身有异议", "办结前贵部门不会被视为同意")
	s.browse("inspector", inbox+"/objection", url.Values{"objection": {" "}}).is(http.StatusUnprocessableEntity).says("请填写理由")
	s.browse("inspector", inbox+"/objection", url.Values{"objection": {"已列入拆除范围" + trouble}}).is(http.StatusSeeOther)
	page := s.browse("inspector", inbox, nil).is(http.StatusOK).says("异议待办理", "已列入拆除范围", "撤回异议")
	if strings.Contains(page.body, trouble) {
		t.Error("the objection is not escaped")
	}
	if page = s.browse("clerk", at, nil).is(http.StatusOK).says("对办件有异议", "由主管办理", "办理部门异议"); strings.Contains(page.body, "objection-settle") {
		t.Error("a clerk is offered the supervisor's decision")
	}
	s.browse("clerk", fire+"/objection-settle", url.Values{"reason": {"x"}}).is(http.StatusForbidden)
	s.browse("supervisor", at, nil).is(http.StatusOK).says("办结并答复")
	s.browse("supervisor", fire+"/objection-settle", url.Values{}).is(http.StatusUnprocessableEntity).says("请填写理由")
	s.browse("supervisor", fire+"/objection-settle", url.Values{"reason": {"已核实，不在范围内"}}).is(http.StatusSeeOther)
	s.browse("supervisor", at, nil).is(http.StatusOK).says("主管已办理")
	s.browse("clerk", fire+"/objection", url.Values{"objection": {"产权有争议"}, "given_by": {""}}).is(http.StatusUnprocessableEntity).says("请填写对方姓名")
	s.browse("clerk", fire+"/objection", url.Values{"objection": {"产权有争议"}, "given_by": {"周队长"}}).is(http.StatusSeeOther)
	s.browse("inspector", inbox+"/objection-withdraw", url.Values{}).is(http.StatusSeeOther)
	s.browse("inspector", inbox+"/objection-withdraw", url.Values{}).is(http.StatusConflict).says("没有待办理的异议")
}

// INS-814, INS-803: a link takes it with its code, and only says no on anybody's behalf.
func TestAnObjectionIsTakenBehindALinkWithItsCode(t *testing.T) {
	s := newStage(t)
	s.browse("", s.link, nil).is(http.StatusOK).says("对办件本身有异议")
	s.browse("", s.link+"/objection", url.Values{"objection": {"产权有争议"}, "code": {"000000"}}).is(http.StatusForbidden).says("异议内容")
	s.browse("", s.link+"/objection", url.Values{"objection": {"产权有争议"}, "code": {s.code}}).is(http.StatusSeeOther)
	s.browse("", s.link, nil).is(http.StatusOK).says("异议待办理", "产权有争议")
}

// INS-813
func TestADeclineSaysThatComingIsOwedAndTakesAnOpinionAlong(t *testing.T) {
	s := newStage(t)
	inbox := "/inbox/" + s.booked.ID
	s.browse("inspector", inbox+"/open", url.Values{}).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("附书面意见")
	form := url.Values{"round": {"1"}, "kind": {"decline"}, "reason": {"全队备勤"}, "opinion": {"disagree"}}
	s.browse("inspector", inbox+"/reply", form).is(http.StatusUnprocessableEntity).says("不同意请写明依据和理由")
	s.browse("inspector", inbox+"/reply", url.Values{"round": {"1"}, "kind": {"decline"}, "reason": {"全队备勤"}}).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("仍须到场", "按不应约处理，并按规定视为同意")
	form.Set("opinion_text", "安全出口不足"+trouble)
	s.browse("inspector", inbox+"/reply", form).is(http.StatusSeeOther)
	page := s.browse("inspector", inbox, nil).is(http.StatusOK).says("书面意见已作为本部门的意见", "安全出口不足", "不同意")
	if strings.Contains(page.body, trouble) {
		t.Error("the opinion is not escaped")
	}
	s.browse("clerk", "/visits/"+s.booked.ID, nil).is(http.StatusOK).says("安全出口不足")
}
