package delivery

import (
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// DEL-506: what was refused is kept 90 days for the window of the courier,
// without what is secret.
func TestRefusedRecordIsKeptForItsWindowAndForgotten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.sealed() // never given to the courier
		w.send(w.event(p, EventDelivered, "a1", map[string]any{"code": "775533"}))
		seen := func(by auth.Actor) []Refusal {
			t.Helper()
			list, err := w.ListRefusals(ctx, by, RefusalQuery{})
			w.must(err)
			return list
		}
		for _, by := range []auth.Actor{w.courier, w.inspector("amr")} {
			_, err := w.ListRefusals(ctx, by, RefusalQuery{})
			w.refused(err, "not_receiving_window")
		}
		if list := seen(w.elsewhere()); len(list) != 0 {
			t.Errorf("another centre sees %+v", list)
		}
		for _, by := range []auth.Actor{w.clerk, w.auditor} {
			list := seen(by)
			if len(list) != 1 || list[0].Code != "not_found" || strings.Contains(list[0].Body, "775533") || !strings.Contains(list[0].Body, p.ID) {
				t.Errorf("%s sees %+v", by.ID, list)
			}
		}
		w.at = w.at.Add(RefusalsKept)
		w.must(w.ForgetRefusals(ctx))
		if len(seen(w.clerk)) != 1 {
			t.Error("forgotten on the last day")
		}
		w.at = w.at.Add(time.Millisecond)
		w.must(w.ForgetRefusals(ctx))
		if len(seen(w.clerk)) != 0 {
			t.Error("kept for longer")
		}
	})
}

// DEL-1201: twenty wrong telephones in a day close a number to this way until
// the next one, whatever the locks between them; right and wrong look the same.
func TestTwentyWrongTelephonesCloseANumberForTheDay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.sealed()
		for n := range 20 {
			if n > 0 && n%5 == 0 {
				w.later(15)
			}
			_, err := w.Track(t.Context(), p.Number, "0000")
			w.refused(err, "not_found")
		}
		w.later(60)
		_, err := w.Track(t.Context(), p.Number, "1234")
		w.refused(err, "not_found")
		w.at = time.Date(2026, 11, 24, 15, 59, 0, 0, time.UTC) // a minute to midnight in Shanghai
		_, err = w.Track(t.Context(), p.Number, "1234")
		w.refused(err, "not_found")
		w.later(1)
		if _, err := w.Track(t.Context(), p.Number, "1234"); err != nil {
			t.Error("still closed the next day:", err)
		}
	})
}
