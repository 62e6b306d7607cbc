package api

import (
	"net/http"
	"net/url"
	"testing"
)

// DEL-105, DEL-934: a material that is held already is refused on the page of the
// case, with its keeper, number, copies and scan, a way to it, and a field that says
// how another one of the same name differs.
func TestMaterialThatIsHeldIsRefusedWithAWayToIt(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	original, _ := s.lease(c)
	at := "/cases/" + c.ID
	s.sendFile("clerk", "/items/"+original.ItemID+"/scans", url.Values{}, "scan", drawn(t)).is(http.StatusSeeOther)
	again := url.Values{"title": {"租赁合同" + trouble}, "need-431103-fire": {"copy"}, "once": {newOnce()}}
	s.browse("clerk", at, nil).is(http.StatusOK).lacks("与已收的有何不同")
	page := s.browse("clerk", at+"/materials", again).is(http.StatusConflict).
		says("请直接使用，不要再向申请人收取", "使用已有的这份", "查看扫描件", original.Item.Number, "复印件 1/1", "与已收的有何不同")
	checkPage(t, at+"/materials", page.body)
	s.browseIn("en", "clerk", at+"/materials", again).is(http.StatusConflict).says("Use the one that is held", "do not ask the applicant again")
	again.Set("differs", "续签的合同")
	s.browse("clerk", at+"/materials", again).is(http.StatusSeeOther)
}
