package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lianban/delivery"
)

// DEL-1305, DEL-1306: the courier reads when each stop will be and why it stands
// there, puts one first and takes that back; the window sees it and may do the
// same; a stop that has left is refused in words.
func TestCourierAndWindowDecideWhatGoesFirst(t *testing.T) {
	s := newCounter(t)
	one := s.pack(s.open)
	two := s.packFor(s.accept(trouble, s.open.Answers["outdoor_sign"]), "梅湾路2号")
	s.carry(one)
	s.carry(two)
	courier := s.actor("courier").ID
	round, err := s.Delivery.FindRound(t.Context(), s.actor("clerk"), courier)
	s.must(err)
	last := round.Stops[1].ParcelID
	s.browse("courier", "/round", nil).is(http.StatusOK).says("今天 2 站", "排序：", "没有坐标", "先送这家").lacks("取消先送")
	s.browse("courier", "/round/order", url.Values{"act": {"first"}, "parcel": {last}}).is(http.StatusSeeOther)
	s.browse("courier", "/round", nil).is(http.StatusOK).says("指定先送", "取消先送")
	s.browse("clerk", "/parcels", nil).is(http.StatusOK).says("派送员")
	s.browse("clerk", "/couriers/"+courier, nil).is(http.StatusOK).says("的派送", "指定先送", "固定现在的顺序")
	s.browse("auditor", "/couriers/"+courier, nil).is(http.StatusOK).lacks("先送这家")
	s.browse("clerk", "/couriers/"+courier, url.Values{"act": {"keep"}}).is(http.StatusSeeOther)
	s.browse("clerk", "/couriers/"+courier, url.Values{"act": {"back"}, "parcel": {last}}).is(http.StatusSeeOther)
	s.browse("courier", "/round/order", url.Values{"act": {"first"}, "parcel": {"gone"}}).is(http.StatusConflict).says("已不在本趟派送中")
	s.browse("courier", "/round/order", url.Values{"act": {"free"}}).is(http.StatusSeeOther)
	s.browse("courier", "/round?q="+two.Number, nil).is(http.StatusOK).says(two.Number).lacks(one.Number)
	s.browse("courier", "/couriers/"+courier, nil).is(http.StatusNotFound)
	s.browse("clerk", "/couriers/"+s.actor("clerk").ID, nil).is(http.StatusNotFound)
	if strings.Contains(s.browse("courier", "/round", nil).body, "<script>alert") {
		t.Error("an address was taken for markup")
	}
	round, err = s.Delivery.FindRound(t.Context(), s.actor("courier"), courier)
	s.must(err)
	if round.Cause != delivery.CauseOrder {
		t.Errorf("planned for %s", round.Cause)
	}
}

// DEL-1031: what is for one address is one stop on both pages, with each parcel to
// choose; it is found by either number.
func TestParcelsForOneAddressAreOneStop(t *testing.T) {
	s := newCounter(t)
	one := s.pack(s.open)
	two := s.pack(s.accept(trouble, s.open.Answers["outdoor_sign"]))
	s.carry(one)
	s.carry(two)
	courier := s.browse("courier", "/round", nil).is(http.StatusOK).says("今天 1 站", "这一站 2 件", one.Number, two.Number)
	clerk := s.browse("clerk", "/couriers/"+s.actor("courier").ID, nil).is(http.StatusOK).says("这一站 2 件")
	for _, p := range []delivery.ParcelView{one, two} {
		if !strings.Contains(courier.body, "/round/"+p.ID) || !strings.Contains(clerk.body, "/parcels/"+p.ID) {
			t.Errorf("no page of %s to choose", p.Number)
		}
		s.browse("courier", "/round?q="+p.Number, nil).is(http.StatusOK).says("查到的邮件", p.Number)
	}
}
