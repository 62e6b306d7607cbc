package delivery

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// fails is an attempt that found nobody, with a record of the call or without.
func (w *parcelWorld) fails(p Parcel, attempt string, o Outcome, facts map[string]any) {
	w.t.Helper()
	payload := map[string]any{"outcome": o}
	for name, value := range facts {
		payload[name] = value
	}
	w.accepted(w.event(p, EventStarted, attempt, nil), w.event(p, EventFailed, attempt, payload))
}

var called = map[string]any{"call_note": "拨打三次无人接听"}

func (w *parcelWorld) pause(by auth.Actor, p Parcel, r PauseRequest) (Parcel, error) {
	r.ParcelID = p.ID
	return w.Pause(w.t.Context(), by, r)
}

// the applicant asks for tomorrow at ten.
func (w *parcelWorld) asked() PauseRequest {
	return PauseRequest{Reason: PauseApplicantAsked, GivenBy: "欧阳修", Channel: "phone", Slot: time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)}
}

// DEL-721, DEL-730: the due moment moves by the delivery minutes of the pause,
// and the page prints them. Sealed at 10:20, due 17:30; from 14:00 to 10:00 are
// 210 + 60 minutes of delivery time (09:00–12:00, 13:30–17:30).
func TestAgreedTimeMovesTheDueMomentByDeliveryMinutes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		w.at = morning.Add(220 * time.Minute) // 14:00
		_, err := w.pause(w.clerk, p, w.asked())
		w.must(err)
		v := w.parcel(p.ID)
		if v.Verdict.Result != ResultRunning || !v.DueAt.After(p.DueAt) || len(v.Stood) != 1 || v.Stood[0].GivenBy != "欧阳修" {
			t.Fatalf("paused: %s due %v %+v", v.Verdict.Result, v.DueAt, v.Stood)
		}
		left := func(due, at time.Time) int {
			cal := shippedCalendar(t)
			n, err := cal.OpenMinutes(at, due, v.Promise.Terms.Delivery)
			w.must(err)
			return n
		}
		if before, after := left(p.DueAt, w.at), left(v.DueAt, w.asked().Slot); before != after {
			t.Errorf("%d minutes were left at the pause and %d after it", before, after)
		}
		printed := strings.Join(v.Ledger.Lines("zh"), "\n")
		if !strings.Contains(printed, "派送时间 270 分钟") || v.Ledger.Minutes(SpanPaused) != 270 {
			t.Errorf("printed:\n%s", printed)
		}
		if told := w.texts(notify.PurposePaused, p.ID+"/pause"); len(told) != 1 || !strings.Contains(told[0], "申请人要求改时间") {
			t.Errorf("told: %q", told)
		}
		if !strings.HasSuffix(w.leaves(p.CaseID), "promise_paused") {
			t.Errorf("leaves: %s", w.leaves(p.CaseID))
		}
		// an agreement that is brought forward ends the pause now
		w.later(60)
		out, err := w.EndPause(t.Context(), w.clerk, p.ID, v.Stood[0].ID, "电话改约今天下午")
		w.must(err)
		if got := out.DueAt.Sub(p.DueAt); got != 15*time.Hour+30*time.Minute+60*time.Minute { // over night, and the hour of the pause
			t.Errorf("due moved by %v to %v", got, out.DueAt)
		}
		if _, err := w.EndPause(t.Context(), w.clerk, p.ID, v.Stood[0].ID, "又来"); err == nil {
			t.Error("a pause ended twice")
		}
	})
}

// DEL-720, DEL §7.3: each reason wants its evidence, and nobody but the window
// may let the clock stand still.
func TestClockStandsStillOnEvidenceAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		refused := func(code string, by auth.Actor, r PauseRequest) {
			t.Helper()
			_, err := w.pause(by, p, r)
			w.refused(err, code)
		}
		refused("not_receiving_window", w.courier, w.asked())
		refused("not_found", w.elsewhere(), w.asked())
		refused("pause_reason", w.clerk, PauseRequest{Reason: "no_time"})
		nobody, late, long := w.asked(), w.asked(), w.asked()
		nobody.GivenBy, late.Slot, long.Slot = " ", w.at, w.at.AddDate(0, 0, 31)
		refused("pause_asked", w.clerk, nobody)
		refused("pause_slot", w.clerk, late)
		refused("pause_slot", w.clerk, long)
		refused("not_supervisor", w.clerk, PauseRequest{Reason: PauseForceMajeure, Evidence: "暴雪红色预警"})
		refused("pause_notice", w.boss, PauseRequest{Reason: PauseForceMajeure, Evidence: " "})
		refused("pause_attempts", w.clerk, PauseRequest{Reason: PauseUnreachable})
		refused("pause_refusal", w.clerk, PauseRequest{Reason: PauseRefused})

		w.later(5)
		w.fails(p, "a1", NotHome, called)
		w.later(100)
		w.fails(p, "a2", NotHome, called) // too soon after the first
		refused("pause_attempts", w.clerk, PauseRequest{Reason: PauseUnreachable})
		w.later(30)
		w.fails(p, "a3", NotHome, nil) // without a call
		refused("pause_attempts", w.clerk, PauseRequest{Reason: PauseUnreachable})
		w.fails(p, "a4", NoTime, called) // our own fault
		refused("pause_attempts", w.clerk, PauseRequest{Reason: PauseUnreachable})
		w.fails(p, "a5", NoAnswer, called)
		second := w.at
		w.later(10)
		w.fault(p, "a5", FaultOurs) // a supervisor has looked: the courier was at the wrong door
		refused("pause_attempts", w.clerk, PauseRequest{Reason: PauseUnreachable})
		w.later(1)
		w.fault(p, "a5", FaultApplicant)
		out, err := w.pause(w.clerk, p, PauseRequest{Reason: PauseUnreachable})
		w.must(err)
		if v := w.parcel(p.ID); out.Result != ResultPaused || !out.DueAt.IsZero() || !v.Verdict.PausedSince.Equal(second.Truncate(time.Minute)) || v.Colour != ColourGreen {
			t.Fatalf("paused: %s due %v since %v, second attempt %v", out.Result, out.DueAt, v.Verdict.PausedSince, second)
		}
		refused("pause_open", w.clerk, w.asked())
	})
}

// fault changes the side of an attempt's failure (DEL-411).
func (w *parcelWorld) fault(p Parcel, attempt string, side Fault) {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		p, err := lockParcel(w.t.Context(), tx, p.ID)
		if err != nil {
			return err
		}
		e, err := w.deskEvent(w.boss, &p, EventFaultChanged, Facts{Fault: side, Reason: "核实"})
		if err != nil {
			return err
		}
		e.AttemptID = attempt
		return w.appended(w.t.Context(), tx, w.boss, &p, e, nil)
	}))
}

// DEL-722: an open pause has no due moment, is looked at again after five working
// days, and the time left at its begin is the time left at its end.
func TestOpenPauseIsReviewedAndGoesOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.carried()
		w.later(60) // 11:20
		_, err := w.pause(w.boss, p, PauseRequest{Reason: PauseForceMajeure, Evidence: "市气象台暴雪红色预警"})
		w.must(err)
		open := w.parcel(p.ID).Stood[0]
		if got := open.ReviewAt.Format(time.RFC3339); got != "2026-12-01T01:00:00Z" {
			t.Errorf("looked at again from %s", got)
		}
		_, err = w.ReviewPause(ctx, w.clerk, p.ID, open.ID, "x")
		w.refused(err, "not_supervisor")
		_, err = w.EndPause(ctx, w.clerk, p.ID, open.ID, "雪停")
		w.refused(err, "not_supervisor")
		w.at = open.ReviewAt
		_, err = w.ReviewPause(ctx, w.boss, p.ID, open.ID, "道路仍封闭")
		w.must(err)
		_, err = w.EndPause(ctx, w.boss, p.ID, "none", "雪停")
		w.refused(err, "not_found")
		_, err = w.EndPause(ctx, w.boss, p.ID, open.ID, " ")
		w.refused(err, "reason_missing")
		out, err := w.EndPause(ctx, w.boss, p.ID, open.ID, "雪停")
		w.must(err)
		// 40 minutes before noon and four hours after lunch were left
		if got := out.DueAt.Format(time.RFC3339); out.Result != ResultRunning || got != "2026-12-01T07:10:00Z" {
			t.Errorf("goes on: %s, due %s", out.Result, got)
		}
		if told := w.texts(notify.PurposeResumed, p.ID+"/pause"); len(told) != 1 {
			t.Errorf("told: %q", told)
		}
		w.at = out.DueAt
		_, err = w.pause(w.boss, p, PauseRequest{Reason: PauseForceMajeure, Evidence: "又下雪"})
		w.refused(err, "pause_late")
	})
}

// A receiver who takes the parcel was reached: the pause ends with it, and the
// promise is kept. Attempts from before an agreement are no ground for another
// pause.
func TestPauseEndsWithTheParcelAndUsesUpItsAttempts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.carried()
		code := w.code(p)
		w.later(5)
		w.fails(p, "a1", Refused, map[string]any{"reason": "名称印错", "call_note": "收件人在电话里说明"})
		_, err := w.pause(w.clerk, p, PauseRequest{Reason: PauseRefused})
		w.must(err)
		w.later(30)
		_, err = w.EndPause(ctx, w.clerk, p.ID, w.parcel(p.ID).Stood[0].ID, "核对无误，愿意再收")
		w.must(err)
		_, err = w.pause(w.clerk, p, PauseRequest{Reason: PauseRefused})
		w.refused(err, "pause_refusal")
		w.later(1)
		w.fails(p, "a2", Refused, map[string]any{"reason": "没空", "call_note": "电话里说没空"})
		_, err = w.pause(w.clerk, p, PauseRequest{Reason: PauseRefused})
		w.must(err)
		w.at = w.at.Add(24 * time.Hour)
		w.accepted(w.event(p, EventStarted, "a3", nil), w.event(p, EventDelivered, "a3", map[string]any{"outcome": "recipient", "receiver": "欧阳修", "code": code}))
		v := w.parcel(p.ID)
		if v.Verdict.Result != ResultMet || v.DueAt.IsZero() || v.DueAt.Before(v.DeliveredAt) {
			t.Errorf("delivered at %v, due %v: %s", v.DeliveredAt, v.DueAt, v.Verdict.Result)
		}
		_, err = w.pause(w.clerk, p, w.asked())
		w.refused(err, "parcel_state")
	})
}

// DEL-704: days that are declared off after a parcel was sealed, by the country
// or by the centre, move no due moment of it, also not when a pause is counted
// later: both parcels were promised by the same days.
func TestDaysDeclaredOffLaterMoveNoPromise(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		before, after := w.carried(), w.carried()
		w.later(60)
		slot := w.asked() // tomorrow
		p, err := w.pause(w.clerk, before, slot)
		w.must(err)
		o := &office.Desk{DB: d, Now: w.Now, DayOff: func(context.Context, bun.IDB) error { return nil }}
		c, err := o.ImportCalendar(ctx, []byte(`{"years":{"2026":{"status":"final","off":["2026-11-25"],"work":[]}}}`), "person:one", once.Key{})
		w.must(err)
		_, err = o.ApproveCalendar(ctx, c.ID, "person:two")
		w.must(err)
		for _, day := range []string{"2026-11-25", "2026-11-26"} {
			off, err := workday.ParseDate(day)
			w.must(err)
			_, err = o.AddClosure(ctx, office.Closure{Centre: w.centre.ID, Day: off, Reason: "停电检修"}, "person:one", once.Key{})
			w.must(err)
		}
		later, err := w.pause(w.clerk, after, slot)
		w.must(err)
		if later.DueAt.IsZero() || !later.DueAt.Equal(p.DueAt) {
			t.Errorf("paused after the notice it is due %v, before it %v", later.DueAt, p.DueAt)
		}
		w.at = w.at.Add(72 * time.Hour)
		if found, err := w.Rebuild(ctx, false); err != nil || len(found.Differ) > 0 {
			t.Errorf("counted again: %+v %v", found, err)
		}
	})
}

// DEL-722: the applicant reads since when the clock stands still, and why.
func TestTrackingSaysWhyTheClockStandsStill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		track := func() TrackView {
			t.Helper()
			v, err := w.Track(t.Context(), p.Number, "1234")
			w.must(err)
			return v
		}
		if v := track(); v.Pause != "" || !v.Paused.IsZero() {
			t.Errorf("before: %+v", v)
		}
		asked := w.asked()
		_, err := w.pause(w.clerk, p, asked)
		w.must(err)
		if v := track(); v.Pause != PauseApplicantAsked || !v.Paused.Equal(w.now()) || !v.PausedTo.Equal(asked.Slot) {
			t.Errorf("paused: %+v", v)
		}
		w.at = asked.Slot
		if v := track(); v.Pause != "" {
			t.Errorf("after the agreed time: %+v", v)
		}
	})
}
