package api

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lianban/inspection"
)

var acceptForm = regexp.MustCompile(`(?s)<form method="post" action="[^"]+/counter-accept">.*?</form>`)

// firePart is the path of fire's part of the booked visit.
func (s *stage) firePart() string {
	s.t.Helper()
	v, err := s.Inspection.FindVisit(s.t.Context(), s.actor("clerk"), s.booked.ID)
	s.must(err)
	for _, p := range v.Participants {
		if p.System == "fire" {
			return "/visits/" + v.ID + "/parts/" + p.ID
		}
	}
	s.t.Fatal("fire does not take part")
	return ""
}

func (s *stage) fireAnswers(more url.Values) *seen {
	s.t.Helper()
	form := url.Values{"round": {"1"}, "reason": {"当日有会" + trouble}}
	maps.Copy(form, more)
	return s.browse("inspector", "/inbox/"+s.booked.ID+"/reply", form)
}

// INS-810, INS-811
func TestAProposedTimeIsWeighedThenTakenForAllOrRefused(t *testing.T) {
	s := newStage(t)
	s.fireAnswers(url.Values{"kind": {"counter"}, "proposal1": {"2026-11-28T10:00"}}).is(http.StatusUnprocessableEntity).says("不能约", "工作日时间")
	s.fireAnswers(url.Values{"kind": {"counter"}, "proposal1": {"2026-11-24T15:00"}}).is(http.StatusSeeOther)
	at := "/visits/" + s.booked.ID
	page := s.browse("clerk", at, nil).is(http.StatusOK).says("答复改期建议", "全部能到场", "3 人有空，需 2 人", "请先电话确认", "采纳这个时间并改期")
	s.browse("auditor", at, nil).is(http.StatusOK)
	part := s.firePart()
	s.browse("clerk", part+"/counter-refuse", url.Values{}).is(http.StatusUnprocessableEntity).says("请填写理由")
	form := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(acceptForm.FindString(page.body), -1) {
		form.Add(m[1], m[2])
	}
	s.browse("clerk", part+"/counter-accept", form).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("第 2 轮", "采纳改期建议")
	s.browse("clerk", part+"/counter-refuse", url.Values{"reason": {"晚了"}}).is(http.StatusConflict).says("没有待答复的改期建议")
}

// INS-811
func TestARefusedProposalIsToldToItsDepartment(t *testing.T) {
	s := newStage(t)
	s.fireAnswers(url.Values{"kind": {"counter"}, "proposal1": {"2026-11-24T15:00"}}).is(http.StatusSeeOther)
	s.browse("clerk", s.firePart()+"/counter-refuse", url.Values{"reason": {"其他部门无法到场"}}).is(http.StatusSeeOther)
	s.browse("clerk", "/visits/"+s.booked.ID, nil).is(http.StatusOK).says("未采纳", "其他部门无法到场")
	s.tick()
	s.browse("inspector", "/inbox/"+s.booked.ID+"/open", url.Values{}).is(http.StatusSeeOther)
	s.browse("inspector", "/inbox/"+s.booked.ID, nil).is(http.StatusOK).says("改期建议未予采纳", "贵单位的改期建议未被采纳 答复：其他部门无法到场")
	s.browse("inspector", "/inbox/"+s.booked.ID+"/reply", url.Values{"round": {"1"}, "kind": {"accept"}, "once": {"anew"}}).is(http.StatusSeeOther)
	if page := s.browse("inspector", "/inbox/"+s.booked.ID, nil).is(http.StatusOK); strings.Contains(page.body, "贵单位的改期建议未被采纳") {
		t.Error("what was answered anew is still held against it")
	}
}

// INS-812
func TestAnExcuseIsDecidedOnThePageByASupervisor(t *testing.T) {
	s := newStage(t)
	s.fireAnswers(url.Values{"kind": {"excuse"}, "category": {"holiday"}}).is(http.StatusUnprocessableEntity).says("请从列表中选择正当理由的类别")
	s.fireAnswers(url.Values{"kind": {"excuse"}, "category": {inspection.Illness}}).is(http.StatusSeeOther)
	at, part := "/visits/"+s.booked.ID, s.firePart()
	s.browse("clerk", at, nil).is(http.StatusOK).says("因病且无人替换", "正在等主管审定", "还有具备资格且有空的人员")
	s.browse("supervisor", at, nil).is(http.StatusOK).says("因病缺席一般不予采纳", "准予缺席", "采纳并改期")
	s.browse("clerk", part+"/excuse-release", url.Values{"reason": {"x"}}).is(http.StatusForbidden)
	s.browse("supervisor", part+"/excuse-release", url.Values{}).is(http.StatusUnprocessableEntity).says("请填写理由")
	s.browse("supervisor", part+"/excuse-release", url.Values{"reason": {"无人可换"}}).is(http.StatusSeeOther)
	s.browse("supervisor", at, nil).is(http.StatusOK).says("已准予缺席", "无人可换")
	s.browse("supervisor", part+"/excuse-refuse", url.Values{"reason": {"晚了"}}).is(http.StatusConflict).says("没有待审定的正当理由")
}

// INS-608
func TestADepartmentIsWithdrawnOnThePageByASupervisor(t *testing.T) {
	s := newStage(t)
	at, part := "/visits/"+s.booked.ID, s.firePart()
	if page := s.browse("clerk", at, nil).is(http.StatusOK); regexp.MustCompile(`action="[^"]+/withdraw"`).MatchString(page.body) {
		t.Error("a clerk is offered what a supervisor does")
	}
	s.browse("supervisor", at, nil).is(http.StatusOK).says("撤回对该部门的邀请")
	s.browse("clerk", part+"/withdraw", url.Values{"code": {"other"}, "reason": {"x"}}).is(http.StatusForbidden).says("需要主管办理")
	s.browse("supervisor", part+"/withdraw", url.Values{"code": {"other"}}).is(http.StatusUnprocessableEntity).says("请填写理由")
	s.browse("supervisor", part+"/withdraw", url.Values{"code": {"other"}, "reason": {"已单独验收" + trouble}}).is(http.StatusSeeOther)
	s.browse("supervisor", at, nil).is(http.StatusOK).says("已撤回")
	s.tick()
	s.browse("inspector", "/inbox/"+s.booked.ID, nil).is(http.StatusOK).says("已撤回")
}
