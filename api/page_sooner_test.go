package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lianban/inspection"
)

// INS-605: the papers are gathered on the board, each checked by somebody else,
// and the next working day opens when the last one is.
func TestBoardOpensTheNextWorkingDayWhenAllHaveAgreed(t *testing.T) {
	s, at := newBoard(t)
	scan := onePixel(t)
	first := s.browse("clerk", at+"/board", nil).is(http.StatusOK).says("急需在下一个工作日勘验", "未收到")
	if strings.Contains(first.body, "11月18日 周三</strong>") {
		t.Fatal("the next day is open already")
	}
	s.upload("clerk", at+"/agreements/applicant", map[string]string{"signer": "李梅"}, nil).is(http.StatusUnprocessableEntity).says("请上传纸质件的扫描件")
	parties := []string{"431103-amr", "431103-fire", "431103-urban", inspection.PartyApplicant}
	for _, party := range parties {
		s.upload("clerk", at+"/agreements/"+party, map[string]string{"signer": "周科长", "once": "once-" + party}, scan).is(http.StatusSeeOther)
	}
	page := s.browse("clerk", at+"/board", nil).says("待核对", "待另一名窗口人员核对原件", "周科长")
	link := page.body[strings.Index(page.body, "/scans/"):]
	link = link[:strings.Index(link, `"`)]
	s.browse("clerk", link, nil).is(http.StatusOK)
	s.browse("inspector", link, nil).is(http.StatusNotFound)
	for _, party := range parties {
		s.browse("clerk", at+"/agreements/"+party+"/check", url.Values{}).is(http.StatusForbidden).says("须由登记人以外的另一名窗口人员核对原件")
		s.browse("supervisor", at+"/agreements/"+party+"/check", url.Values{}).is(http.StatusSeeOther)
	}
	s.browse("clerk", at+"/board", nil).says("各方已书面同意，最早可约 11月18日 周三", "已核对")
}
