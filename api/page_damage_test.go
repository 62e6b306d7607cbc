package api

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"lianban/delivery"
)

// DEL-808: the window reports a stained certificate on its page, with a photo; its
// department sees it among its work and decides, with a reason; what is to be
// issued again is owed anew, and the seal form says why the old one stays here.
func TestTheDepartmentDecidesAboutADamagedResultOnItsPage(t *testing.T) {
	s := newCounter(t)
	item := s.shelve(s.open, delivery.ClassCertificate)[0]
	at, image := "/items/"+item.ID, drawn(t)
	s.browse("clerk", at, nil).is(http.StatusOK).says("登记污损")
	s.browse("clerk", at+"/damage", url.Values{"reason": {"茶水打湿"}}).is(http.StatusUnprocessableEntity).says("污损请附照片", "茶水打湿")
	s.sendFile("clerk", at+"/damage", url.Values{"reason": {" "}}, "photo", image).is(http.StatusUnprocessableEntity).says("请写明理由")
	s.sendFile("clerk", at+"/damage", url.Values{"reason": {"茶水打湿" + trouble}}, "photo", image).is(http.StatusSeeOther)
	page := s.browse("clerk", at, nil).is(http.StatusOK).says("等部门决定", "茶水打湿")
	checkPage(t, at, page.body)
	s.browse("clerk", "/", nil).is(http.StatusOK).says("污损的结果", "茶水打湿")
	s.browse("clerk", "/cases/"+s.open.ID+"/seal", nil).is(http.StatusOK).says("不能封装：登记了污损")
	decides := "inspector"
	s.browse(decides, "/", nil).is(http.StatusOK).says("污损的结果", "决定")
	s.browse(decides, at, nil).is(http.StatusOK).says("贵部门怎么决定？", "照常送达：污损不影响使用")
	s.browseIn("en", decides, at, nil).is(http.StatusOK).says("What does your department decide?")
	s.browse("clerk", at, nil).lacks("贵部门怎么决定？")
	list, err := s.Delivery.ListDamages(t.Context(), s.actor(decides))
	s.must(err)
	form := url.Values{"damage": {list[0].ID}}
	s.browse(decides, at+"/damage-decide", form).is(http.StatusUnprocessableEntity).says("请选择重新制发、照常送达或作废")
	form.Set("decision", "reissue")
	s.browse(decides, at+"/damage-decide", form).is(http.StatusUnprocessableEntity).says("请写明理由")
	form.Set("reason", "公章已无法辨认")
	s.browse("clerk", at+"/damage-decide", form).is(http.StatusForbidden).says("须由其工作人员本人登录办理")
	s.browse(decides, at+"/damage-decide", form).is(http.StatusSeeOther)
	s.browse(decides, at+"/damage-decide", form).is(http.StatusConflict).says("已有决定")
	s.browse("clerk", at, nil).is(http.StatusOK).says("重新制发", "公章已无法辨认", "旧的请两人办理作废销毁")
	s.browse("clerk", "/", nil).is(http.StatusOK).says("污损的结果", "旧的请两人办理作废销毁")
	s.browse(decides, "/", nil).is(http.StatusOK).lacks("污损的结果").says("待送交")
	photo := s.browse(decides, at+"/files/"+fmt.Sprintf("%x", sha256.Sum256(image)), nil).is(http.StatusOK)
	if photo.body != string(image) {
		t.Error("the photo is not what was uploaded")
	}
}
