package api

import (
	"net/http"
	"strings"
	"testing"
)

// DEL-1501, DEL-951: the supervisor reads figures with what they are of, follows
// them to their parcels and takes them along; a clerk does not.
func TestSupervisorReadsFiguresAndTakesThemAlong(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	s.carry(p)
	page := s.browse("supervisor", "/reports/delivery", nil).is(http.StatusOK).
		says("寄递统计", "按时率", "未到期或暂停", "齐套到交出", "决定到窗口收到", "不足 5 件的派送员不单列", "周")
	page.says("首次投递失败：按街路", "首次投递失败：按时段", "待核验妥投按时核实", "移交按时签收", "现在由派送员保管", "1 件，最久：不到 1 天").lacks("0 天", "0 分钟")
	s.browseIn("en", "supervisor", "/reports/delivery", nil).says("First tries that failed, by street", "Now held by couriers", "Loans returned in time", "less than a day for four in five or more").lacks("0 d", " 0 min")
	if !strings.Contains(page.body, "result=running") {
		t.Error("a figure does not lead to its parcels")
	}
	day := p.DueAt.Format("2006-01-02")
	s.browse("supervisor", "/parcels?all=yes&result=running&from="+day+"&to="+day, nil).is(http.StatusOK).says(p.Number)
	s.browse("supervisor", "/parcels?all=yes&result=met&from="+day+"&to="+day, nil).is(http.StatusOK).lacks(p.Number)
	s.browse("supervisor", "/reports/delivery?from=2026-11-20&to=2026-11-01", nil).is(http.StatusUnprocessableEntity).says("开始日期放在结束日期之前")
	s.browse("supervisor", "/reports/delivery?from=x", nil).is(http.StatusUnprocessableEntity)
	s.browse("clerk", "/reports/delivery", nil).is(http.StatusForbidden)
	s.browse("auditor", "/reports/delivery", nil).is(http.StatusOK).says("冷水滩区政务服务中心")
	file := s.browse("supervisor", "/reports/delivery.csv", nil).is(http.StatusOK)
	if !strings.HasPrefix(file.body, "\uFEFF寄递统计,") || !strings.Contains(file.body, "\r\n一日送达,按时率,") {
		t.Errorf("%q", file.body)
	}
	for text, want := range map[string]string{"=1+1": "'=1+1", "@x": "'@x", "—": "—", "12.5%": "12.5%"} {
		if got := plainCell(text); got != want {
			t.Errorf("%s is written %s", text, got)
		}
	}
}
