package api

import (
	"net/http"
	"net/url"
	"testing"

	"lianban/delivery"
)

// sendBagTo packs an original and gives it away, and gives the bag.
func (s *stage) sendBagTo(department string, m delivery.Material) delivery.BagView {
	s.t.Helper()
	ctx, clerk := s.t.Context(), s.actor("clerk")
	b, err := s.Delivery.NewBag(ctx, clerk, delivery.NewBagRequest{To: department})
	s.must(err)
	_, err = s.Delivery.PutInBag(ctx, clerk, b.ID, m.Item.Number)
	s.must(err)
	v, err := s.Delivery.ReleaseBag(ctx, clerk, delivery.BagRelease{BagID: b.ID, Seal: "F0001", Count: 1})
	s.must(err)
	return v
}

// DEL-922, DEL-923: what the window sealed stands on the next run; it leaves with a
// courier and is closed when all has an end. A difference is said beside the form.
func TestRunIsCarriedAndClosedInTheBrowser(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	original, _ := s.lease(c)
	bag := s.sendBagTo(original.KeeperID, original)
	r, err := s.Delivery.RunOf(t.Context(), bag.ID)
	s.must(err)
	found, err := s.Delivery.FindRun(t.Context(), s.actor("clerk"), r.ID)
	s.must(err)
	run, entry := "/runs/"+r.ID, found.Entries[len(found.Entries)-1].ID
	s.browse("clerk", "/bags/"+bag.ID, nil).is(http.StatusOK).says("班车", "待发")
	s.browse("clerk", "/runs", nil).is(http.StatusOK).says("待发", "待发 1 件")
	s.browse("clerk", run, nil).is(http.StatusOK).says("发车时间", "打印班车清单", bag.Number, "F0001")
	s.browse("courier", run, nil).is(http.StatusOK).says(bag.Number)
	if now := s.trust.Now(); r.LeavesAt.After(now) {
		s.until(r.LeavesAt)
	}
	for _, role := range []string{"inspector", "auditor"} {
		s.browse(role, run+"/leave", url.Values{}).is(http.StatusForbidden)
	}
	s.browse("clerk", run+"/leave", url.Values{"carrier": {"nobody"}}).is(http.StatusUnprocessableEntity).says("请选择本中心的派送员或窗口人员跑这一班")
	s.browse("courier", run+"/print", url.Values{}).is(http.StatusOK)
	s.browse("courier", run+"/leave", url.Values{}).is(http.StatusSeeOther)
	counts := url.Values{"out": {"0"}, "in": {"0"}, "back": {"0"}}
	s.browse("clerk", run+"/close", counts).is(http.StatusConflict).says("没有着落", bag.Number)
	s.browse("courier", run+"/postpone", url.Values{"entry": {entry}}).is(http.StatusUnprocessableEntity).says("请写明理由")
	s.browse("courier", run+"/postpone", url.Values{"entry": {entry}, "reason": {"部门无人签收"}}).is(http.StatusSeeOther)
	s.browse("clerk", run+"/close", counts).is(http.StatusConflict).says("退回清点 0 件、登记 1 件")
	counts.Set("back", "")
	s.browse("clerk", run+"/close", counts).is(http.StatusUnprocessableEntity).says("请填写实际清点的件数")
	counts.Set("back", "1")
	s.browse("courier", run+"/close", counts).is(http.StatusForbidden)
	s.browse("clerk", run+"/close", counts).is(http.StatusSeeOther)
	s.browseIn("en", "clerk", run, nil).is(http.StatusOK).says("closed", "See the next run")
	next, err := s.Delivery.RunOf(t.Context(), bag.ID)
	s.must(err)
	s.browse("clerk", "/runs/"+next.ID+"/miss", url.Values{}).is(http.StatusUnprocessableEntity).says("请写明理由")
	s.browse("clerk", "/runs/"+next.ID+"/miss", url.Values{"reason": {"车辆故障"}}).is(http.StatusSeeOther)
	s.browse("auditor", "/runs", nil).is(http.StatusOK).says("已销班", "未发车", "车辆故障")
}
