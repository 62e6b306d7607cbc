package delivery

import (
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/notify"
)

// DEL-400, DEL-720: a hold stops the way and not the clock, and the parcel goes
// on from where it was.
func TestHeldParcelGoesOnFromWhereItWas(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.carried()
		w.later(5)
		w.accepted(w.event(p, EventStarted, "a1", nil))
		_, err := w.Resume(ctx, w.clerk, p.ID, "x")
		w.refused(err, "parcel_state")
		_, err = w.Hold(ctx, w.clerk, p.ID, " ")
		w.refused(err, "reason_missing")
		w.later(1)
		_, err = w.Hold(ctx, w.courier, p.ID, "x")
		w.refused(err, "not_receiving_window")
		out, err := w.Hold(ctx, w.clerk, p.ID, "地址有疑问，待申请人回话")
		w.must(err)
		if out.State != ParcelOnHold || !out.DueAt.Equal(p.DueAt) || out.Result != ResultRunning {
			t.Errorf("on hold: %s due %v %s", out.State, out.DueAt, out.Result)
		}
		w.later(1)
		out, err = w.Resume(ctx, w.clerk, p.ID, "地址确认无误")
		w.must(err)
		if out.State != ParcelOut || out.Exceptions != 0 {
			t.Errorf("goes on: %s, %d exceptions", out.State, out.Exceptions)
		}
	})
}

// DEL-806, DEL-425, DEL-804: on the road a withdrawal is a recall; only the
// window's scan ends it, the items lie on the shelf, and the applicant is told.
// DEL-805: the second parcel has a promise of its own.
func TestRecalledParcelComesBackByTheWindowsScanAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.carried()
		_, err := w.CancelParcel(ctx, w.clerk, p.ID, "打印有误")
		w.refused(err, "parcel_state")
		w.later(5)
		out, err := w.Recall(ctx, w.clerk, p.ID, "打印有误")
		w.must(err)
		if out.State != ParcelReturning || w.sound()[AtCourier] != 1 {
			t.Fatalf("recalled: %s", out.State)
		}
		_, err = w.Recall(ctx, w.clerk, p.ID, "again")
		w.refused(err, "parcel_state")
		w.later(60)
		out, err = w.AcceptReturn(ctx, w.clerk, ReturnRequest{ParcelID: p.ID, Seal: BagIntact, Count: len(w.parcel(p.ID).Items)})
		w.must(err)
		if out.State != ParcelReturned || w.sound()[AtWindow] != 1 || len(w.texts(notify.PurposeBack, p.ID)) != 1 {
			t.Fatalf("back: %s, %v", out.State, w.sound())
		}
		again := w.sealRequest(ClassCertificate)
		again.CaseID, again.Items, again.RedeliveryOf = p.CaseID, []string{w.parcel(p.ID).Items[0].ID}, p.ID
		second, err := w.Seal(ctx, w.clerk, again)
		w.must(err)
		if second.RedeliveryOf != p.ID || !second.Promise.Parts.Confirmed.After(p.Promise.Parts.Confirmed) || w.parcel(p.ID).Result == "" {
			t.Errorf("second: %+v", second.Promise.Parts)
		}
	})
}

// DEL-807, DEL-808, DEC-19: lost and damaged end in written_off by a decision of
// a supervisor and a second person; what was in it stays in the register as
// destroyed, and the department owes it again.
func TestLostParcelIsWrittenOffByTwoAndIssuedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		boss := w.addPerson("li", auth.Supervisor)
		second := auth.Credentials{Login: "zhao", Password: password}
		p := w.carried()
		w.later(5)
		_, err := w.WriteOff(ctx, boss, WriteOffRequest{ParcelID: p.ID, Reason: "x", Second: second})
		w.refused(err, "parcel_state")
		_, err = w.ReportHarm(ctx, w.clerk, HarmRequest{ParcelID: p.ID, What: EventFailed, Reason: "x"})
		w.refused(err, "harm_kind")
		_, err = w.ReportHarm(ctx, w.clerk, HarmRequest{ParcelID: p.ID, What: EventDamaged, Reason: "被雨淋湿"})
		w.refused(err, "harm_photo")
		_, err = w.ReportHarm(ctx, w.clerk, HarmRequest{ParcelID: p.ID, What: EventDamaged, Reason: "被雨淋湿", Photos: []string{strings.Repeat("a", 64)}})
		w.refused(err, "blob_unknown")
		out, err := w.ReportHarm(ctx, w.clerk, HarmRequest{ParcelID: p.ID, What: EventLost, Reason: "派送员称车上找不到"})
		w.must(err)
		if texts := w.texts(notify.PurposeHarm, p.ID); out.State != ParcelLost || len(texts) != 1 || !strings.Contains(texts[0], "遗失") || w.sound()[AtCourier] != 1 {
			t.Fatalf("lost: %s %q", out.State, texts)
		}
		w.later(1)
		out, err = w.Found(ctx, w.clerk, p.ID, "在座椅下找到")
		w.must(err)
		if out.State != ParcelReturning {
			t.Fatalf("found: %s", out.State)
		}
		w.later(1)
		_, err = w.ReportHarm(ctx, w.clerk, HarmRequest{ParcelID: p.ID, What: EventLost, Reason: "又找不到了"})
		w.must(err)
		w.later(1)
		_, err = w.WriteOff(ctx, w.clerk, WriteOffRequest{ParcelID: p.ID, Reason: "找不到", Second: second})
		w.refused(err, "not_supervisor")
		_, err = w.WriteOff(ctx, boss, WriteOffRequest{ParcelID: p.ID, Reason: "找不到"})
		w.refused(err, "write_off_second")
		_, err = w.WriteOff(ctx, boss, WriteOffRequest{ParcelID: p.ID, Reason: "找不到", Second: auth.Credentials{Login: "li", Password: password}})
		w.refused(err, "second_person_same")
		out, err = w.WriteOff(ctx, boss, WriteOffRequest{ParcelID: p.ID, Reason: "查找满一个工作日未果", Reissue: true, Second: second})
		w.must(err)
		if out.State != ParcelWrittenOff || w.sound()[Destroyed] != 1 {
			t.Errorf("written off: %s %v", out.State, w.sound())
		}
		lines := w.set(p.CaseID).Lines
		if len(lines) != 2 || lines[1].State != LineExpected || lines[1].DepartmentID != lines[0].DepartmentID || !strings.Contains(lines[1].Ground, p.Number) {
			t.Errorf("owed again: %+v", lines)
		}
		if _, err := w.Found(ctx, w.clerk, p.ID, "x"); err == nil {
			t.Error("found after it was written off")
		}
	})
}

// DEL-527, DEL-526: a failure that was declared wrong and reported anew is the
// same attempt in the same state: the applicant is told once.
func TestCorrectedFailureIsNotAnnouncedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.carried()
		w.later(5)
		w.fails(p, "a1", NotHome, called)
		v := w.parcel(p.ID)
		w.later(1)
		_, err := w.Declare(ctx, w.clerk, p.ID, v.Steps[len(v.Steps)-1].ID, IncorrectData, "选错了原因")
		w.must(err)
		w.later(1)
		w.accepted(w.event(p, EventFailed, "a1", map[string]any{"outcome": NoAnswer, "call_note": "无人接听"}))
		if v = w.parcel(p.ID); v.State != ParcelAttemptFailed {
			t.Fatalf("reported anew: %s", v.State)
		}
		w.must(w.DB.Read(ctx, func(q bun.IDB) error {
			ms, err := notify.ListBySubject(ctx, q, p.ID, notify.PurposeAttempt)
			if len(ms) != 1 || ms[0].State != notify.Pending {
				t.Errorf("%d texts: %+v", len(ms), ms)
			}
			return err
		}))
	})
}

// DEL-810, DEL-910: a parcel passes from courier to courier by the second one's
// own scan; until then the first answers for it, and keeps what it reported.
func TestParcelPassesToAnotherCourierByThatOnesScan(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p, rest := w.carried(), w.carried()
		w.later(5)
		w.accepted(w.event(p, EventStarted, "a1", nil))
		_, err := w.Reassign(ctx, w.clerk, []string{p.ID, rest.ID}, w.courier.ID, "生病")
		w.refused(err, "courier_same")
		_, err = w.Reassign(ctx, w.clerk, []string{p.ID, "none"}, w.other.ID, "生病")
		w.refused(err, "not_found")
		_, err = w.Reassign(ctx, w.clerk, []string{p.ID}, w.clerk.ID, "生病")
		w.refused(err, "courier_unknown")
		_, err = w.Reassign(ctx, w.elsewhere(), []string{p.ID}, w.other.ID, "生病")
		w.refused(err, "not_found")
		_, err = w.Reassign(ctx, w.clerk, []string{p.ID, rest.ID}, w.other.ID, "派送员生病")
		w.must(err)
		holder := func() Keeper { return w.parcel(p.ID).Items[0].keeper() }
		if holder() != (Keeper{AtCourier, w.courier.ID}) {
			t.Errorf("before the scan %+v answers", holder())
		}
		w.later(1)
		out, err := w.TakeOver(ctx, w.other, []string{p.Number, rest.Number})
		w.must(err)
		if out[0].Parcel == nil || out[1].Parcel == nil || holder() != (Keeper{AtCourier, w.other.ID}) {
			t.Fatalf("after the scan %+v answers, %+v", holder(), out)
		}
		if v := w.parcel(p.ID); v.State != ParcelOut || v.Exceptions != 0 {
			t.Errorf("after the scan: %s %v", v.State, v.Open)
		}
		if again, err := w.TakeOver(ctx, w.other, []string{p.Number}); err != nil || again[0].Parcel == nil || len(w.parcel(p.ID).Steps) != 4 {
			t.Errorf("scanned twice: %+v %v", again, err)
		}
		w.later(1)
		w.accepted(w.event(p, EventArrived, "a1", nil)) // the first courier still reports
		if v := w.parcel(p.ID); v.Open[0].Code != ExceptionReassigned || holder() != (Keeper{AtCourier, w.other.ID}) {
			t.Errorf("late word: %+v", v.Open)
		}
		w.sound()
		sealed := w.sealed()
		_, err = w.Reassign(ctx, w.clerk, []string{sealed.ID}, w.other.ID, "x")
		w.refused(err, "parcel_state")
	})
}

// When the last parcel is collected at the window, its case is out.
func TestCollectionOfTheLastParcelEndsTheCase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		r := w.sealRequest(ClassCertificate)
		r.Way, r.Bag = WayWindow, ""
		p, err := w.Seal(t.Context(), w.clerk, r)
		w.must(err)
		_, err = w.Collect(t.Context(), w.clerk, CollectRequest{ParcelID: p.ID, Code: w.code(p), IDLast4: "123X", Receiver: "欧阳修", Signature: w.photo()})
		w.must(err)
		if !strings.HasSuffix(w.leaves(p.CaseID), "parcel_collected case_results_out") {
			t.Errorf("leaves: %s", w.leaves(p.CaseID))
		}
	})
}
