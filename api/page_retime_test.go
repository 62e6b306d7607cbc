package api

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var moveForm = regexp.MustCompile(`(?s)<form method="get" action="/visits/[^"]+/retime">.*?</form>`)

// chosenMove is what the best card of a board for a move leads to.
func chosenMove(page *seen) url.Values {
	form := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(moveForm.FindString(page.body), -1) {
		form.Add(m[1], m[2])
	}
	return form
}

// INS-607, INS-608
func TestAVisitIsMovedFromItsPageWithAReasonAndKeepsItsHistory(t *testing.T) {
	s := newStage(t)
	at := "/visits/" + s.booked.ID
	s.browse("clerk", at, nil).is(http.StatusOK).says("改期", "只变更地点")
	choice := chosenMove(s.browse("clerk", at+"/board", nil).is(http.StatusOK).says("现约定", "第 1 轮", "选这个时间"))
	if choice.Get("start") == "" || len(choice["resource"]) == 0 {
		t.Fatalf("no time to choose: %v", choice)
	}
	s.browse("clerk", at+"/retime?"+choice.Encode(), nil).is(http.StatusOK).says("改为", "作废，重新通知", "确认改期并重新通知", "天气原因")
	choice.Set("code", "weather")
	s.browse("clerk", at+"/retime", choice).is(http.StatusUnprocessableEntity).says("请填写理由", "确认改期并重新通知")
	choice.Set("reason", "预报暴雨"+trouble)
	if got := s.browse("clerk", at+"/retime", choice).is(http.StatusSeeOther); got.to() != at {
		t.Fatal(got.to())
	}
	page := s.browse("clerk", at, nil).is(http.StatusOK).says("第 2 轮", "已作废", "预报暴雨")
	if strings.Contains(page.body, trouble) {
		t.Error("the reason is not escaped")
	}
	s.browse("clerk", at+"/retime", choice).is(http.StatusUnprocessableEntity).says("时间和地点都没有变化")
	s.browse("inspector", "/inbox/"+s.booked.ID, nil).is(http.StatusOK).says("已改期（第 2 轮）", "请重新反馈")
}

// INS-607
func TestAPlaceIsChangedAloneAndATakenTimeShowsOthers(t *testing.T) {
	s := newStage(t)
	at := "/visits/" + s.booked.ID
	s.browse("clerk", at+"/retime", nil).is(http.StatusOK).says("变更地点", "时间不变", "确认变更并重新通知")
	s.browse("clerk", at+"/retime", url.Values{"code": {"other"}, "reason": {"换址"}}).is(http.StatusUnprocessableEntity).says("时间和地点都没有变化")
	s.browse("clerk", at+"/retime", url.Values{"code": {"site_not_ready"}, "reason": {"主店装修"}, "address": {"冷水滩区零陵路2号仓库"}}).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("冷水滩区零陵路2号仓库", "场所未准备好")
	s.browse("inspector", at+"/retime", nil).is(http.StatusForbidden)
	s.browse("clerk-elsewhere", at+"/retime", nil).is(http.StatusNotFound)
}
