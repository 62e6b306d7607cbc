package api

import (
	"net/http"
	"net/url"
	"testing"
)

// DEL-806, DEL-807, DEC-19: the window holds a parcel and lets it go on, reports
// it lost, and a supervisor writes it off with a second person; the department
// then owes the result again.
func TestWindowHoldsLosesAndWritesOff(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	s.carry(p)
	at := "/parcels/" + p.ID
	reason := url.Values{"reason": {"地址有疑问"}}
	s.browse("clerk", at+"/hold", url.Values{}).is(http.StatusUnprocessableEntity).says("请写明理由")
	s.browse("clerk", at+"/hold", reason).is(http.StatusSeeOther)
	s.browse("clerk", at, nil).is(http.StatusOK).says("暂停", "继续派送")
	s.browse("clerk", at+"/resume", reason).is(http.StatusSeeOther)
	s.browse("clerk", at+"/damaged", reason).is(http.StatusUnprocessableEntity).says("污损请附照片")
	s.browse("clerk", at+"/lost", reason).is(http.StatusSeeOther)
	s.browse("clerk", at+"/write-off", reason).is(http.StatusForbidden)
	s.browse("supervisor", at, nil).is(http.StatusOK).says("遗失", "登记找到", "核销")
	off := url.Values{"reason": {"查找未果"}, "reissue": {"yes"}, "second_login": {"clerk"}, "second_password": {"wrong"}}
	s.browse("supervisor", at+"/write-off", off).is(http.StatusForbidden).says("查找未果", "登录名或密码不正确")
}
