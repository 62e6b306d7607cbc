package delivery

import (
	"fmt"
	"testing"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// DEL-525: two couriers claim one delivery: the earlier stands, both are listed
// with their proof, the strongest first, and a correction of the window settles it.
func TestContradictingDeliveriesAreListedByTheirProof(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		p := w.carried()
		code := w.code(p)
		w.later(5)
		early := w.event(p, EventDelivered, "a1", map[string]any{"outcome": ToRecipient, "receiver": "欧阳修"}) // kept on the telephone
		if v := w.parcel(p.ID); v.Claims != nil {
			t.Errorf("before any claim: %+v", v.Claims)
		}
		w.later(5)
		_, err := w.Reassign(ctx, w.clerk, []string{p.ID}, w.other.ID, "换人派送")
		w.must(err)
		first := w.courier
		w.courier = w.other
		_, err = w.TakeOver(ctx, w.other, []string{p.Number})
		w.must(err)
		w.later(5)
		w.seq += 100
		w.accepted(w.event(p, EventStarted, "b1", nil), w.event(p, EventDelivered, "b1", map[string]any{"outcome": ToRecipient, "receiver": "欧阳修", "code": code}))
		if v := w.parcel(p.ID); v.State != ParcelDelivered || v.Claims != nil {
			t.Errorf("one claim: %s %+v", v.State, v.Claims)
		}
		w.courier = first
		w.accepted(early)
		v := w.parcel(p.ID)
		if len(v.Claims) != 2 || v.State != ParcelUnverified {
			t.Fatalf("%s, claims %+v", v.State, v.Claims)
		}
		strong, weak := v.Claims[0], v.Claims[1]
		if strong.Courier != w.other.Name || strong.Strength != 4 || strong.Stands || fmt.Sprint(strong.Proofs) != "[code receiver_name]" {
			t.Errorf("the better proven: %+v", strong)
		}
		if weak.Courier != first.Name || weak.Strength != 0 || !weak.Stands || fmt.Sprint(weak.Proofs) != "[receiver_name]" {
			t.Errorf("the earlier: %+v", weak)
		}
		if own, err := w.FindParcel(ctx, w.other, p.ID); err != nil || own.Claims != nil {
			t.Errorf("a courier is shown another's record: %+v %v", own.Claims, err)
		}
		_, err = w.Declare(ctx, w.clerk, p.ID, weak.EventID, DidNotOccur, "收件人说没有来过")
		w.must(err)
		if v := w.parcel(p.ID); v.State != ParcelDelivered || v.Claims != nil {
			t.Errorf("settled: %s %+v", v.State, v.Claims)
		}
	})
}
