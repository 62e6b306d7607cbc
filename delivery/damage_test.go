package delivery

import (
	"slices"
	"strings"
	"testing"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/once"
)

// harmed is a parcel on the road that the window reported damaged.
func (w *parcelWorld) harmed(p Parcel) Parcel {
	w.t.Helper()
	out, err := w.ReportHarm(w.t.Context(), w.clerk, HarmRequest{ParcelID: p.ID, What: EventDamaged, Reason: "被雨淋湿，封袋破", Photos: []string{w.photo()}})
	w.must(err)
	return out
}

// damaged is the one damage that waits for somebody's side.
func (w *testWorld) damaged(by auth.Actor) Damage {
	w.t.Helper()
	rows, err := w.ListDamages(w.t.Context(), by)
	w.must(err)
	if len(rows) != 1 {
		w.t.Fatalf("%s: %d damages wait, want one: %+v", by.Name, len(rows), rows)
	}
	return rows[0]
}

func (w *testWorld) decided(by auth.Actor, id string, what DamageState) Damage {
	w.t.Helper()
	x, err := w.DecideDamage(w.t.Context(), by, DamageDecision{ID: id, State: what, Reason: "已看照片"})
	w.must(err)
	return x
}

// DEL-808: the department that issued a damaged result decides, once, with its
// reason; until then it is written off by nobody. To issue it again makes the
// department owe it anew; the old one is made void by two.
func TestTheDepartmentDecidesAboutADamagedResult(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		boss, second := w.addPerson("li", auth.Supervisor), auth.Credentials{Login: "zhao", Password: password}
		w.account("amr")
		amr := w.inspector("amr")
		p := w.carried()
		w.later(5)
		w.harmed(p)
		off := WriteOffRequest{ParcelID: p.ID, Reason: "已湿透", Reissue: true, Second: second}
		_, err := w.WriteOff(ctx, boss, off)
		w.refused(err, "damage_open")
		if w.later(1); w.Watch(ctx) != nil || !strings.Contains(w.alerts(true), "item_damaged") {
			t.Errorf("alerts: %s", w.alerts(true))
		}
		x := w.damaged(amr)
		if at := w.damaged(w.clerk); at.ID != x.ID || x.What != "被雨淋湿，封袋破" || len(x.Photos) != 1 || x.ItemTitle == "" {
			t.Errorf("asked: %+v", x)
		}
		if _, body, err := w.OpenItemBlob(ctx, amr, x.ItemID, x.Photos[0]); err != nil || len(body) == 0 {
			t.Errorf("photo: %v", err)
		}
		for code, r := range map[string]DamageDecision{
			"damage_choice": {ID: x.ID, State: DamageOpen, Reason: "x"}, "reason_missing": {ID: x.ID, State: DamageKeep}, "not_found": {ID: "none", State: DamageKeep},
		} {
			_, err = w.DecideDamage(ctx, amr, r)
			w.refused(err, code)
		}
		_, err = w.DecideDamage(ctx, w.clerk, DamageDecision{ID: x.ID, State: DamageKeep, Reason: "x"})
		w.refused(err, "department_has_accounts")
		_, err = w.DecideDamage(ctx, w.inspector("fire"), DamageDecision{ID: x.ID, State: DamageKeep, Reason: "x"})
		w.refused(err, "not_found")
		w.decided(amr, x.ID, DamageReissue)
		_, err = w.DecideDamage(ctx, amr, DamageDecision{ID: x.ID, State: DamageKeep, Reason: "x"})
		w.refused(err, "damage_over")
		if strings.Contains(w.alerts(false), "item_damaged") {
			t.Errorf("alerts: %s", w.alerts(false))
		}
		if lines := w.set(p.CaseID).Lines; len(lines) != 2 || lines[1].State != LineExpected || !strings.Contains(lines[1].Ground, x.ItemNumber) {
			t.Fatalf("owed again: %+v", lines)
		}
		if left := w.damaged(w.clerk); left.State != DamageReissue { // the old one is still to be made void
			t.Errorf("left: %+v", left)
		}
		out, err := w.WriteOff(ctx, boss, off)
		w.must(err)
		if lines := w.set(p.CaseID).Lines; out.State != ParcelWrittenOff || len(lines) != 2 || w.sound()[Destroyed] != 1 {
			t.Errorf("written off: %s, %d lines", out.State, len(lines))
		}
		if rows, err := w.ListDamages(ctx, w.clerk); err != nil || len(rows) != 0 {
			t.Errorf("left: %+v %v", rows, err)
		}
	})
}

// DEL-808: the receiver may refuse a damaged parcel at the door; it goes back the
// same day with a photo, its department is asked, and what is to be delivered as
// it is leaves in a parcel of its own.
func TestDamagedParcelIsRefusedAtTheDoorAndGoesOnAsItsDepartmentSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		if err := CheckFailure(OutcomeDamaged, "封袋破", "", 0); err == nil {
			t.Error("no photo was asked for")
		}
		p := w.carried()
		w.later(5)
		sum := w.photo()
		w.accepted(w.event(p, EventStarted, "a1", nil), w.event(p, EventFailed, "a1", map[string]any{"outcome": OutcomeDamaged, "reason": "封袋破，收件人不收", "call_note": "x", "photos": []string{sum}}, sum))
		x := w.damaged(w.clerk)
		if x.What != "封袋破，收件人不收" || !slices.Equal(x.Photos, []string{sum}) || x.ParcelID != p.ID {
			t.Errorf("asked: %+v", x)
		}
		w.later(12 * 60)
		w.must(w.Watch(ctx))
		if got := w.parcel(p.ID).State; got != ParcelReturning {
			t.Fatalf("refused, and it is %s", got)
		}
		w.later(12 * 60)
		_, err := w.AcceptReturn(ctx, w.clerk, ReturnRequest{ParcelID: p.ID, Seal: BagBroken, Note: "袋破", Count: 1})
		w.must(err)
		again := SealRequest{
			CaseID: p.CaseID, Items: []string{x.ItemID}, Way: WayOwnCourier, Bag: "B0002", IDLast4: "123x",
			To: Addressee{Name: "欧阳修", Phone: "13800001234", Address: "冷水滩区梧桐路12号3栋501"},
		}
		_, err = w.Seal(ctx, w.clerk, again)
		w.refused(err, "damage_open")
		if o, err := w.Offer(ctx, w.clerk, p.CaseID); err != nil || len(o.Items) != 0 || len(o.Damaged) != 1 {
			t.Errorf("offer: %+v %v", o, err)
		}
		_, err = w.ProposeDestroy(ctx, w.clerk, DestroyRequest{ItemID: x.ItemID, Reason: "x", Photo: sum})
		w.refused(err, "damage_open")
		w.decided(w.clerk, x.ID, DamageKeep) // by word of a department without accounts
		second, err := w.Seal(ctx, w.clerk, again)
		w.must(err)
		p = w.dispatch(second, w.courier)
		w.harmed(p) // another parcel: its department is asked anew
		w.decided(w.clerk, w.damaged(w.clerk).ID, DamageKeep)
		_, err = w.WriteOff(ctx, w.addPerson("li", auth.Supervisor), WriteOffRequest{ParcelID: p.ID, Reason: "x", Second: auth.Credentials{Login: "zhao", Password: password}})
		w.refused(err, "damage_kept")
	})
}

// DEL-808, DEL-946: damage on the window's own shelf is asked about too; what its
// department gives up leaves in no parcel and is made void by two. Where nothing
// else of the line waits, the line has left with the rest.
func TestResultThatIsDamagedOnTheShelfWaitsForItsDepartment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		r := w.sealRequest(ClassCertificate, ClassApproval)
		spoilt := r.Items[1]
		report := DamageReport{ItemID: spoilt, What: "茶水打湿", Photos: []string{w.photo()}, Once: once.Key{Actor: w.clerk.String(), Value: "1", Print: "p"}}
		bad := report
		bad.Once, bad.Photos = once.Key{}, nil
		_, err := w.ReportDamage(ctx, w.clerk, bad)
		w.refused(err, "harm_photo")
		_, err = w.ReportDamage(ctx, w.inspector("amr"), report)
		w.refused(err, "not_receiving_window")
		x, err := w.ReportDamage(ctx, w.clerk, report)
		w.must(err)
		if again, err := w.ReportDamage(ctx, w.clerk, report); err != nil || again.ID != x.ID {
			t.Errorf("the same report again: %+v %v", again, err)
		}
		report.Once = once.Key{}
		_, err = w.ReportDamage(ctx, w.clerk, report)
		w.refused(err, "damage_open")
		_, err = w.Seal(ctx, w.clerk, r)
		w.refused(err, "damage_open")
		w.decided(w.clerk, x.ID, DamageVoid)
		_, err = w.Seal(ctx, w.clerk, r)
		w.refused(err, "damage_void")
		_, err = w.ReportDamage(ctx, w.clerk, report)
		w.refused(err, "damage_void")
		r.Items = r.Items[:1]
		p, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		_, err = w.ReportDamage(ctx, w.clerk, DamageReport{ItemID: r.Items[0], What: "x", Photos: report.Photos})
		w.refused(err, "damage_elsewhere")
		w.destroy(w.clerk, w.boss, spoilt, true)
		if lines := w.set(p.CaseID).Lines; len(lines) != 1 || lines[0].ParcelID != p.ID {
			t.Errorf("the department decided that nothing is issued again, and the rest has left: %+v", lines)
		}
		if got := w.leaves(p.CaseID); !strings.Contains(got, "damage_reported damage_decided") {
			t.Errorf("recorded: %s", got)
		}
	})
}
