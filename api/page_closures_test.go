package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// INS-502, INS-410: a head closes the department for a day, the window finds
// the visit of that day among its tasks, and the head takes it back.
func TestHeadClosesTheDepartmentForADay(t *testing.T) {
	s, _ := newBooked(t)
	day := s.booked.Start.Add(8 * time.Hour).Format("2006-01-02")
	s.browse("head", "/closures", nil).is(http.StatusOK).says("今天起没有登记")
	again := s.browse("head", "/closures", url.Values{"place": {"department:431103-fire"}, "reason": {"业务培训"}}).is(http.StatusUnprocessableEntity).says("请选择停办的单位和日期")
	if !strings.Contains(again.body, `value="业务培训"`) {
		t.Error("what was typed is lost")
	}
	s.browse("head", "/closures", url.Values{"place": {"department:431103-urban"}, "day": {day}, "reason": {"培训"}}).is(http.StatusForbidden).says("部门负责人")
	s.browse("head", "/closures", url.Values{"place": {"department:431103-fire"}, "day": {"2026-11-01"}, "reason": {"培训"}}).is(http.StatusUnprocessableEntity).says("已经过去")
	enter := url.Values{"place": {"department:431103-fire"}, "day": {day}, "reason": {"业务培训"}, "once": {"1"}}
	for range 2 { // a second click enters nothing
		s.browse("head", "/closures", enter).is(http.StatusSeeOther)
	}
	page := s.browse("head", "/closures", nil).is(http.StatusOK).says("业务培训", "撤销")
	s.browse("clerk", "/", nil).is(http.StatusOK).says("勘验当天放假或停办", "在勘验当天（"+day+" 周")
	_, at, _ := strings.Cut(page.body, `action="/closures/`)
	at, _, _ = strings.Cut(at, `"`)
	s.browse("supervisor", "/closures", nil).is(http.StatusOK).says("业务培训", "撤销", "冷水滩区政务服务中心")
	s.browse("head", "/closures/"+at, url.Values{}).is(http.StatusSeeOther)
	s.browse("head", "/closures/"+at, url.Values{}).is(http.StatusConflict).says("已经撤销")
	s.browse("clerk", "/closures", nil).is(http.StatusForbidden)
}
