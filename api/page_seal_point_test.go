package api

import (
	"net/http"
	"strings"
	"testing"

	"lianban/delivery"
)

// DEL-1301: a parcel to the very address of its case takes the point of the
// case; another address has a point only if somebody gives it.
func TestAParcelTakesThePointOfItsCaseOnlyAtTheSameAddress(t *testing.T) {
	s := newCounter(t)
	items := s.shelve(s.open, delivery.ClassCertificate)
	site, err := s.Inspection.Addressee(t.Context(), s.actor("clerk"), s.open.ID)
	s.must(err)
	at := "/cases/" + s.open.ID + "/seal"
	form := sealForm(items, "seal-point")
	form.Set("lat", "26,4")
	s.browse("clerk", at, form).is(http.StatusUnprocessableEntity).says("请填写数字")
	form.Set("lat", "126.4")
	s.browse("clerk", at, form).is(http.StatusUnprocessableEntity).says("坐标无效")
	form.Set("lat", "")
	form.Set("address", site.Address)
	p := s.parcelAt(strings.TrimPrefix(s.browse("clerk", at, form).is(http.StatusSeeOther).to(), "/parcels/"))
	if site.Lat == 0 || p.Receiver.Lat != site.Lat || p.Receiver.Lon != site.Lon {
		t.Errorf("the parcel lies at %v, %v, the case at %v, %v", p.Receiver.Lat, p.Receiver.Lon, site.Lat, site.Lon)
	}
	if m := p.Receiver.Masked(); m.Lat != 0 || m.Lon != 0 {
		t.Error("the masked receiver has a point, which tells the house")
	}
	s.open = s.accept(trouble, s.open.Answers["outdoor_sign"])
	p = s.pack(s.open)
	if p.Receiver.Lat != 0 || p.Receiver.Lon != 0 {
		t.Errorf("a parcel to another address has the point of the case")
	}
}
