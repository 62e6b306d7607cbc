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

// planForm is what the form of a plan sends if nobody changes it.
func planForm(page *seen) url.Values {
	form := url.Values{"caller": {"周队长"}}
	for _, m := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
		form.Add(m[1], m[2])
	}
	for _, m := range regexp.MustCompile(`name="(way-[^"]+)" value="([^"]*)" checked`).FindAllStringSubmatch(page.body, -1) {
		form.Set(m[1], m[2])
	}
	return form
}

// INS-611
func TestASickInspectorsDayIsPlannedAndDoneLineByLine(t *testing.T) {
	s := newStage(t)
	comes, _ := s.roster()
	s.browse("clerk", "/leaves", nil).is(http.StatusOK).says("请假和停用", "谁不能来")
	s.browse("inspector", "/leaves", nil).is(http.StatusForbidden)
	form := url.Values{"resource": {comes[0].ID}, "from": {"2026-11-23T00:00"}, "to": {"2026-11-22T00:00"}, "reason": {"病假" + trouble}}
	s.browse("clerk", "/leaves", form).is(http.StatusUnprocessableEntity).says("结束时间应晚于开始时间")
	form.Set("to", "2026-11-24T00:00")
	at := s.browse("clerk", "/leaves", form).is(http.StatusSeeOther).to()
	page := s.browse("clerk", at, nil).is(http.StatusOK).says("受影响的勘验", "换人", "暂不处理", "执行所选各场")
	if strings.Contains(page.body, trouble) {
		t.Error("the reason is not escaped")
	}
	s.browse("clerk", "/", nil).is(http.StatusOK).says("安排换人或改期")
	lines := planForm(page)
	nobody := url.Values{}
	maps.Copy(nobody, lines)
	nobody.Set("caller", "")
	s.browse("clerk", at, nobody).is(http.StatusOK).says("未办", "请填写来电人姓名", "已约的勘验")
	s.browse("clerk", at, lines).is(http.StatusOK).says("已办", "没有还需要安排的勘验")
	v, err := s.Inspection.FindVisit(t.Context(), s.actor("clerk"), s.booked.ID)
	s.must(err)
	for _, r := range v.Resources {
		if r.ID == comes[0].ID {
			t.Error("the sick one still comes")
		}
	}
}

// INS-611: a line of a visit that was moved meanwhile does nothing and says so.
func TestAPlanThatSomebodyOvertookIsRefusedLineByLine(t *testing.T) {
	s := newStage(t)
	comes, _ := s.roster()
	at := s.browse("clerk", "/leaves", url.Values{
		"resource": {comes[0].ID}, "from": {"2026-11-23T00:00"}, "to": {"2026-11-24T00:00"},
	}).is(http.StatusSeeOther).to()
	lines := planForm(s.browse("clerk", at, nil).is(http.StatusOK))
	s.clock.forward(1)
	_, err := s.Inspection.Retime(t.Context(), s.actor("clerk"), inspection.RetimeRequest{
		VisitID: s.booked.ID, Place: inspection.Site{Address: "冷水滩区零陵路2号仓库"}, Code: "other", Reason: "换址",
	})
	if err == nil {
		t.Fatal("moved to another place with somebody on leave")
	}
	choice := chosenMove(s.browse("clerk", "/visits/"+s.booked.ID+"/board", nil))
	choice.Set("code", "weather")
	choice.Set("reason", "暴雨")
	s.browse("clerk", "/visits/"+s.booked.ID+"/retime", choice).is(http.StatusSeeOther)
	s.browse("clerk", at, lines).is(http.StatusOK).says("未办", "已被改期（现为第 2 轮）")
}
