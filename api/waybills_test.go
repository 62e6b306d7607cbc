package api

import (
	"crypto/md5" //nolint:gosec // the service's scheme
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lianban/delivery"
)

// DEL-1411: a push is checked before it counts, an unsigned one leaves nothing
// but a counter, and the service hears what it wants to hear. The page lets the
// window post a parcel.
func TestCarrierPushIsCheckedAndMovesThePostedParcel(t *testing.T) {
	s := newCounter(t)
	s.Delivery.Kuaidi100 = &delivery.Kuaidi100Account{Customer: "C1", Key: "k", Salt: "pepper"}
	items := s.shelve(s.open, delivery.ClassCertificate)
	form := sealForm(items, "ems")
	form.Set("way", "ems")
	to := s.browse("clerk", "/cases/"+s.open.ID+"/seal", form).is(http.StatusSeeOther).to()
	s.browse("clerk", to, nil).is(http.StatusOK).says("等交邮", "登记交邮")
	s.browse("clerk", to+"/post", url.Values{"waybill": {"1"}}).is(http.StatusUnprocessableEntity).says("6 至 32 位")
	s.browse("clerk", to+"/post", url.Values{"waybill": {"ee473124828cn"}}).is(http.StatusUnprocessableEntity).says("校验位不符", "已与面单核对") // DEL-214
	if v := s.parcelAt(strings.TrimPrefix(to, "/parcels/")); v.State != delivery.ParcelSealed {
		t.Errorf("posted before anybody looked twice: %s", v.State)
	}
	s.browse("clerk", to+"/post", url.Values{"waybill": {"ee473124829cn"}}).is(http.StatusSeeOther)
	s.browse("clerk", to, nil).is(http.StatusOK).says("已交寄", "EE473124829CN")
	push := func(sign string) *reply {
		param := `{"status":"polling","lastResult":{"com":"ems","nu":"EE473124829CN","data":[{"context":"派件","ftime":"2026-11-17 10:00:00","statusCode":"5"}]}}`
		if sign == "" {
			sum := md5.Sum([]byte(param + "pepper"))
			sign = strings.ToUpper(hex.EncodeToString(sum[:]))
		}
		return s.do(request{
			method: http.MethodPost, path: "/hooks/kuaidi100", body: []byte(url.Values{"param": {param}, "sign": {sign}}.Encode()),
			header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		})
	}
	push("00000000000000000000000000000000").refused(http.StatusUnauthorized, "carrier_sign_wrong")
	if text := s.scrape(); !strings.Contains(text, `lianban_callbacks_total{provider="kuaidi100",result="carrier_sign_wrong"} 1`) {
		t.Error("a forged push is not counted")
	}
	for range 2 {
		if got := push(""); got.status != http.StatusOK || !strings.Contains(string(got.body), `"returnCode":"200"`) {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	if v := s.parcelAt(strings.TrimPrefix(to, "/parcels/")); len(v.Steps) != 3 || v.State != delivery.ParcelOut {
		t.Errorf("%s, %d steps", v.State, len(v.Steps))
	}
}

// DEL-214: a number that S10 finds wrong is taken once somebody has compared it: S10
// misses slips, and domestic forms may differ.
func TestNumberOfEMSThatLooksWrongIsTakenAfterASecondLook(t *testing.T) {
	s := newCounter(t)
	s.Delivery.Kuaidi100 = &delivery.Kuaidi100Account{Customer: "C1", Key: "k", Salt: "pepper"}
	form := sealForm(s.shelve(s.open, delivery.ClassCertificate), "ems")
	form.Set("way", "ems")
	to := s.browse("clerk", "/cases/"+s.open.ID+"/seal", form).is(http.StatusSeeOther).to()
	s.browse("clerk", to+"/post", url.Values{"waybill": {"1234567890123"}}).is(http.StatusUnprocessableEntity).says("无法校验")
	s.browse("clerk", to+"/post", url.Values{"waybill": {"1234567890123"}, "compared": {"yes"}}).is(http.StatusSeeOther)
	if v := s.parcelAt(strings.TrimPrefix(to, "/parcels/")); v.State != delivery.ParcelHandedOver || v.Waybill.Doubt != delivery.DoubtForm {
		t.Errorf("%s, doubt %q", v.State, v.Waybill.Doubt)
	}
}
