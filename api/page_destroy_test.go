package api

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"testing"
)

// DEL-946: on the page of a thing one person proposes with reason and photo,
// another confirms; both names stay, and nothing is offered any more.
func TestThingIsMadeVoidByTwoPeopleOnItsPage(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	_, copied := s.lease(c)
	at, image := "/items/"+copied.ItemID, drawn(t)
	who, second := "clerk", "supervisor"
	s.browse("auditor", at, nil).is(http.StatusOK).lacks("提出作废")
	s.browse(who, at, nil).is(http.StatusOK).says("提出作废")
	s.browse(who, at+"/destroy", url.Values{"reason": {"水浸"}}).is(http.StatusUnprocessableEntity).says("请附照片", "水浸")
	s.sendFile(who, at+"/destroy", url.Values{"reason": {""}}, "photo", image).is(http.StatusUnprocessableEntity).says("请写明理由")
	s.sendFile(who, at+"/destroy", url.Values{"reason": {"水浸" + trouble}}, "photo", image).is(http.StatusSeeOther)
	page := s.browse(who, at, nil).is(http.StatusOK).says("待第二人确认", "等另一人核对实物后确认").lacks("确认作废")
	id := url.Values{"destruction": {regexp.MustCompile(`name="destruction" value="([^"]+)"`).FindStringSubmatch(page.body)[1]}}
	s.browse(who, at+"/destroy-confirm", id).is(http.StatusUnprocessableEntity).says("作废须两人办理")
	s.browse("clerk-elsewhere", at+"/destroy-confirm", id).is(http.StatusNotFound)
	s.browseIn("en", second, at, nil).is(http.StatusOK).says("Confirm: it is void", "waiting for a second person")
	s.browse(who, "/", nil).is(http.StatusOK).lacks("待第二人确认的作废销毁")
	s.browse(second, "/", nil).is(http.StatusOK).says("待第二人确认的作废销毁", "水浸")
	s.browse(second, at+"/destroy-confirm", id).is(http.StatusSeeOther)
	s.browse(second, "/", nil).is(http.StatusOK).lacks("待第二人确认的作废销毁")
	s.browse(second, at+"/destroy-withdraw", id).is(http.StatusConflict).says("已经确认或撤回")
	done := s.browse("auditor", at, nil).is(http.StatusOK).says("已作废", "已销毁", "作废销毁")
	checkPage(t, at, done.body)
	s.browse(who, at, nil).is(http.StatusOK).lacks("提出作废")
	photo := s.browse("auditor", at+"/files/"+fmt.Sprintf("%x", sha256.Sum256(image)), nil).is(http.StatusOK)
	if photo.body != string(image) {
		t.Error("the photo is not what was uploaded")
	}
}
