package api

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
)

// DEL-612: the applicant's page shows a new receiving code on the answer to its form
// and never again, three times at most, and offers none of a seal.
func TestTheApplicantsPageShowsANewCodeOnce(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	link := s.linkOf(s.open)
	s.plain(link).says("显示收货码", "还可以显示或重发 3 次")
	shown := s.browse("", link+"/code", url.Values{"number": {p.Number}}).is(http.StatusOK).says("新的收货码", "只显示这一次", "还可以显示或重发 2 次")
	checkPage(t, link+"/code", shown.body)
	code := regexp.MustCompile(`新的收货码 <span class="number">(\d{6})</span>`).FindStringSubmatch(shown.body)
	if code == nil || shown.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("no code, or one that is kept: %v", shown.header)
	}
	s.plain(link).lacks(code[1], "新的收货码")
	s.browse("", link+"/code", url.Values{"number": {"LB0000000000"}}).is(http.StatusNotFound)
	s.browse("", link+"/code?lang=en", url.Values{"number": {p.Number}}).is(http.StatusOK)
	s.browse("", link+"/code", url.Values{"number": {p.Number}}).is(http.StatusOK)
	s.plain(link).lacks("显示收货码")
	s.browse("", link+"/code", url.Values{"number": {p.Number}}).is(http.StatusConflict).says("不能再发")
}
