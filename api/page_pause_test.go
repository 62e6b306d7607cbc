package api

import (
	"net/http"
	"net/url"
	"testing"
)

// DEL-720, DEL-721, DEL-722: the window lets the clock stand still for a reason
// that counts, the page shows until when, and a supervisor alone does it for
// force majeure.
func TestWindowPausesTheClockAndLetsItGoOn(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	at := "/parcels/" + p.ID
	s.browse("clerk", at, nil).is(http.StatusOK).says("暂停派送计时")
	asked := url.Values{"reason": {"applicant_asked"}, "given_by": {"欧阳修"}, "channel": {"phone"}}
	s.browse("clerk", at+"/pause", asked).is(http.StatusUnprocessableEntity).says("请填写与申请人约定的开始时间")
	asked.Set("slot", p.DueAt.AddDate(0, 0, 7).Format("2006-01-02T15:04"))
	s.browse("clerk", at+"/pause", asked).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("申请人要求改时间", "派送时间", "恢复派送")
	pause := s.parcelAt(p.ID).Stood[0].ID
	s.browse("clerk", at+"/pause-end", url.Values{"pause": {pause}, "note": {"提前到今天下午"}}).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("提前到今天下午")
	snow := url.Values{"reason": {"force_majeure"}, "evidence": {"市气象台暴雪红色预警"}}
	s.browse("clerk", at+"/pause", snow).is(http.StatusForbidden)
	s.browse("supervisor", at+"/pause", snow).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("已暂停", "暴雪红色预警", "未结束")
	s.browse("", "/t", url.Values{"number": {p.Number}, "last4": {p.Receiver.Phone[7:]}}).is(http.StatusOK).says("已暂停派送", "解除后自动恢复").lacks("暴雪红色预警")
	pause = s.parcelAt(p.ID).Stood[1].ID
	s.browse("supervisor", at+"/pause-end", url.Values{"pause": {pause}, "note": {"道路恢复通行"}}).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("最晚送达")
}
