package delivery

import (
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

func TestAWrongTapIsTakenBackWithinAMinuteAndLaterByTheWindow(t *testing.T) { // DEL-529, DEL-526
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.carried()
		code := w.code(p)
		given := map[string]any{"outcome": "recipient", "receiver": "欧阳修", "code": code}
		tap := func(what EventType, payload map[string]any) string {
			t.Helper()
			w.accepted(w.event(p, what, "a1", payload))
			v := w.parcel(p.ID)
			return v.Steps[len(v.Steps)-1].ID
		}
		started := tap(EventStarted, nil)
		delivered := tap(EventDelivered, given)
		if v := w.parcel(p.ID); v.State != ParcelDelivered {
			t.Fatalf("delivered: %s", v.State)
		}
		offered := func() (ids []string) {
			v, err := w.FindParcel(ctx, w.courier, p.ID)
			w.must(err)
			for _, s := range v.Steps {
				if !s.UndoUntil.IsZero() {
					ids = append(ids, s.ID)
				}
			}
			return ids
		}
		if ids := offered(); len(ids) != 1 || ids[0] != delivered {
			t.Errorf("offered: %v", ids)
		}
		_, err := w.Undo(ctx, w.clerk, p.ID, delivered)
		w.refused(err, "not_a_courier")
		_, err = w.Undo(ctx, w.other, p.ID, delivered)
		w.refused(err, "not_found")
		_, err = w.Undo(ctx, w.courier, p.ID, started) // something came after it
		w.refused(err, "event_not_meant")
		w.at = w.at.Add(UndoWithin)
		out, err := w.Undo(ctx, w.courier, p.ID, delivered)
		w.must(err)
		if out.State != ParcelOut || out.Result != ResultRunning || w.sound()[AtCourier] != 1 {
			t.Errorf("taken back: %s %s", out.State, out.Result)
		}
		_, err = w.Undo(ctx, w.courier, p.ID, delivered)
		w.refused(err, "event_not_meant")
		again := tap(EventDelivered, given)
		if v := w.parcel(p.ID); v.State != ParcelDelivered {
			t.Errorf("delivered after all: %s, lacks %v", v.State, v.Missing)
		}
		w.at = w.at.Add(UndoWithin + time.Millisecond)
		_, err = w.Undo(ctx, w.courier, p.ID, again)
		w.refused(err, "undo_late")
		if ids := offered(); len(ids) != 0 {
			t.Errorf("offered after a minute: %v", ids)
		}
		_, err = w.Declare(ctx, w.clerk, p.ID, again, DidNotOccur, "派送员误点")
		w.must(err)
	})
}

func TestNeitherTheWindowsActsNorALossAreTakenBackByTheCourier(t *testing.T) { // DEL-529, DEL-807
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		for _, s := range w.parcel(p.ID).Steps {
			_, err := w.Undo(t.Context(), w.courier, p.ID, s.ID)
			w.refused(err, "event_not_meant")
		}
		w.accepted(w.event(p, EventLost, "", map[string]any{"reason": "派送箱滑落，没有找到"})) // a search is on
		v := w.parcel(p.ID)
		if v.State != ParcelLost {
			t.Fatalf("lost: %s", v.State)
		}
		for _, s := range v.Steps {
			_, err := w.Undo(t.Context(), w.courier, p.ID, s.ID)
			w.refused(err, "event_not_meant")
		}
	})
}
