package delivery

import (
	"testing"
	"time"

	"lianban/internal/db/dbtest"
)

// DEL-1204: a band that is never in the past, or a code that says why there is
// none.
func TestAnExpectedTimeIsABandOrAReason(t *testing.T) {
	at := func(minutes int) time.Time { return morning.Add(time.Duration(minutes) * time.Minute) }
	road := Parcel{State: ParcelOut, Way: WayOwnCourier, DueAt: at(90), PredictedAt: at(11), PredictedP80: at(22), Receiver: Addressee{Lat: 26, Lon: 111}}
	with := func(change func(*Parcel)) Parcel { p := road; change(&p); return p }
	for name, c := range map[string]struct {
		p      Parcel
		now    time.Time
		paused bool
		want   ETA
	}{
		"on the road":         {road, at(0), false, ETA{From: at(10), To: at(25)}},
		"the band is over":    {road, at(23), false, ETA{Code: ETASoon}},
		"past due":            {road, at(91), false, ETA{Code: ETAOverdue}},
		"paused":              {with(func(p *Parcel) { p.DueAt = time.Time{} }), at(0), true, ETA{Code: ETAPaused}},
		"still at the window": {with(func(p *Parcel) { p.State = ParcelSealed }), at(0), false, ETA{Code: ETANotDispatched}},
		"nobody was in":       {with(func(p *Parcel) { p.State = ParcelAttemptFailed }), at(0), false, ETA{Code: ETAPaused}},
		"no coordinates":      {with(func(p *Parcel) { p.Receiver = Addressee{} }), at(0), false, ETA{Code: ETANoPosition}},
		"not planned":         {with(func(p *Parcel) { p.PredictedP80 = time.Time{} }), at(0), false, ETA{Code: ETANoPosition}},
		"by post":             {Parcel{State: ParcelHandedOver, Way: WayEMS}, at(0), false, ETA{Code: ETANoPosition}},
		"to be collected":     {Parcel{State: ParcelSealed, Way: WayWindow}, at(0), false, ETA{}},
		"delivered":           {with(func(p *Parcel) { p.State = ParcelDelivered }), at(0), false, ETA{}},
	} {
		if got := c.p.eta(c.now, c.paused); got != c.want {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
	}
}

// DEL-1204: the tracking page takes the expected time from the courier's round.
func TestTrackingTellsTheExpectedTime(t *testing.T) {
	w := newParcelWorld(t, dbtest.SQLite(t))
	p := w.carriedAt(3)
	track := func() ETA {
		v, err := w.Track(t.Context(), p.Number, "1234")
		w.must(err)
		return v.ETA
	}
	if got := track(); got.Code != ETANoPosition {
		t.Errorf("before a plan: %+v", got)
	}
	w.must(w.PlanRounds(t.Context()))
	if got := track(); got.Code != "" || got.From.After(got.To) || got.To.Before(w.at) {
		t.Errorf("on a round: %+v", got)
	}
	w.deliver(p)
	if got := track(); got != (ETA{}) {
		t.Errorf("delivered: %+v", got)
	}
}
