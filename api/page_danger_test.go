package api

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
)

// INS-1015: reported on the telephone, shown to everybody of the visit, cleared by
// the department; a supervisor sees the form of the second way.
func TestAnInspectorReportsADangerOnTheTelephone(t *testing.T) {
	s := newStage(t)
	inbox, visit := "/inbox/"+s.booked.ID, "/visits/"+s.booked.ID
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("报告紧急危险")
	s.upload("inspector", inbox+"/dangers", map[string]string{"detail": "", "once": "d0"}, nil).is(http.StatusUnprocessableEntity).says("请填写")
	s.upload("inspector", inbox+"/dangers", map[string]string{"detail": "线路裸露", "once": "d0"}, []byte("GIF89a")).is(http.StatusUnprocessableEntity).says("JPEG", "线路裸露")
	s.upload("inspector", inbox+"/dangers", map[string]string{"detail": "线路裸露" + trouble, "once": "d1"}, picture(t)).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("线路裸露", "未解除", "书面解除")
	s.browseIn("en", "inspector", inbox, nil).is(http.StatusOK).says("not cleared", "Clear in writing")
	s.browse("supervisor", "/", nil).is(http.StatusOK).says("处置紧急危险", "线路裸露")
	s.browse("clerk", visit, nil).is(http.StatusOK).says("线路裸露").lacks("书面解除 解除情况")
	page := s.browse("supervisor", visit, nil).is(http.StatusOK).says("线路裸露", "书面解除")
	clear := regexp.MustCompile(`/visits/[0-9a-f-]+/dangers/[0-9a-f-]+/clear`).FindString(page.body)
	s.browse("clerk", clear, url.Values{"reason": {"x"}}).is(http.StatusForbidden)
	s.browse("supervisor", clear, url.Values{}).is(http.StatusUnprocessableEntity).says("请填写")
	s.browse("supervisor", clear, url.Values{"reason": {"已断电"}}).is(http.StatusSeeOther)
	s.browse("supervisor", clear, url.Values{"reason": {"已断电"}}).is(http.StatusForbidden).says("另一名主管")
	own := "/inbox" + clear[len("/visits"):]
	s.browse("inspector-elsewhere", own, url.Values{"reason": {"x"}}).is(http.StatusNotFound)
	s.browse("inspector", own, url.Values{"reason": {"已更换线路并复测"}}).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("已书面解除", "已更换线路并复测", "已解除")
}
