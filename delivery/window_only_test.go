package delivery

import (
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/once"
	"lianban/internal/paper/papertest"
)

// collecting makes departments owe a new case of a matter whose results have to be
// collected at the window.
func (w *testWorld) collecting(departments ...string) Set {
	w.t.Helper()
	e := Expectation{
		CaseID: newID(), CaseNumber: "431103-2026-000077", MatterCode: "M38", MatterName: "我要开烟花爆竹店", Applicant: "零陵**店", CentreID: w.centre.ID,
		WindowOnly: true, By: w.clerk, At: w.now(),
	}
	for _, d := range departments {
		e.Owed = append(e.Owed, Owed{DepartmentID: d, Department: "冷水滩区" + d, Permit: "许可证"})
	}
	w.expect(e)
	return w.set(e.CaseID)
}

// mixed is a complete set of two results, of which the second has to be collected.
func (w *parcelWorld) mixed() (r SealRequest, collect string) {
	w.t.Helper()
	r = w.sealRequest(ClassCertificate)
	l, err := w.AddLine(w.t.Context(), w.clerk, AddLineRequest{CaseID: r.CaseID, DepartmentID: "fire", Permit: "责任书", Ground: "须当面签字", WindowOnly: true})
	w.must(err)
	return r, w.receiveAll(w.handOver(l, NewItem{Class: ClassApproval, Title: "安全责任书"})).Items[0].ItemID
}

// DEL-204: what has to be collected at the window goes by no carrier, whatever its
// class, and by the window without more ado.
func TestWindowOnlyResultsAreSealedForPickUpAndNoOtherWay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		s := w.collecting("amr")
		things := w.receiveAll(w.handOver(s.Lines[0], NewItem{Class: ClassInvoice, Title: "收费票据"})) // by class it might go by any
		o, err := w.Offer(ctx, w.clerk, s.CaseID)
		w.must(err)
		if len(o.Only) != 1 || !o.Promise.Due.IsZero() {
			t.Errorf("offer: %d to collect, due %s", len(o.Only), o.Promise.Due)
		}
		for _, way := range o.Ways {
			if open := len(way.Closed) == 0; open != (way.Way == WayWindow) {
				t.Errorf("%s is open: %v", way.Way, open)
			}
			if way.Way != WayWindow && way.Closed[0].Rule != "DEL-204" {
				t.Errorf("%s is closed by %s", way.Way, way.Closed[0].Rule)
			}
		}
		r := SealRequest{
			CaseID: s.CaseID, Items: []string{things.Items[0].ItemID}, Bag: "B0001",
			To: Addressee{Name: "欧阳修", Phone: "13800001234", Address: "冷水滩区梧桐路12号"},
		}
		for _, way := range []Way{WayOwnCourier, WayEMS, WayFirm, WayInstant} {
			r.Way = way
			_, err = w.Seal(ctx, w.clerk, r)
			w.refused(err, "window_only")
		}
		r.Way = WayWindow
		if p, err := w.Seal(ctx, w.clerk, r); err != nil || p.Way != WayWindow {
			t.Errorf("sealed for pick-up: %+v %v", p.Way, err)
		}
		w.sound()
	})
}

// DEL-204, DEL-302: in a mixed set these things are packed apart, and the rest goes
// as it would; the set had to be complete before either.
func TestWindowOnlyThingsOfAMixedSetArePackedApart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		early := w.sealRequest(ClassCertificate)
		_, err := w.AddLine(ctx, w.clerk, AddLineRequest{CaseID: early.CaseID, DepartmentID: "fire", Ground: "须当面签字", WindowOnly: true})
		w.must(err)
		_, err = w.Seal(ctx, w.clerk, early)
		w.refused(err, "set_incomplete")

		r, collect := w.mixed()
		o, err := w.Offer(ctx, w.clerk, r.CaseID)
		w.must(err)
		if len(o.Items) != 2 || len(o.Only) != 1 || o.Only[0].ID != collect || len(o.Ways[0].Closed) != 0 || o.Promise.Due.IsZero() {
			t.Errorf("offer: %d things, %d to collect, own courier closed by %v", len(o.Items), len(o.Only), o.Ways[0].Closed)
		}
		both := r
		both.Items = append([]string{collect}, r.Items...)
		_, err = w.Seal(ctx, w.clerk, both)
		w.refused(err, "window_only")
		rest, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		w.dispatch(rest, w.courier)
		token := w.link(r.CaseID)
		w.refused(w.ChooseWay(ctx, token, WishDeliver), "wish_window_only") // nothing else is left
		r.Items, r.Way = []string{collect}, WayWindow
		p, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		if all := w.set(r.CaseID).Lines; all[0].ParcelID == all[1].ParcelID || all[1].ParcelID != p.ID {
			t.Errorf("lines: %+v", all)
		}
		w.sound()
	})
}

// DEL-204: a parcel that was sealed before the word is held back at hand-over.
func TestWindowOnlyHoldsASealedParcelBackAtHandOver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		p := w.sealed()
		w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
			_, err := tx.NewUpdate().Model((*ResultLine)(nil)).Set("window_only = ?", true).Where("case_id = ?", p.CaseID).Exec(ctx)
			return err
		}))
		err := w.DB.Write(ctx, func(tx bun.IDB) error {
			_, _, err := w.Dispatch(ctx, tx, w.clerk, p.ID, w.courier.ID)
			return err
		})
		w.refused(err, "window_only")
	})
}

// DEL-204: no file stands in for what has to be collected.
func TestWindowOnlyResultsDoNotGoAsFiles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s := w.collecting("amr")
		_, err := w.ConsentElectronic(ctx, w.clerk, consentFor(s, s.Lines...))
		w.refused(err, "window_only_file")
		_, err = w.Supply(ctx, w.inspector("amr"), supplyOf(s.Lines[0]))
		w.refused(err, "window_only_file")
		token := w.link(s.CaseID)
		ask := consentFor(s)
		ask.Channel = ""
		w.refused(w.ConsentByLink(ctx, token, ask, once.Key{}), "consent_late")

		free := w.newSet("amr") // supplied before the word
		w.consent(consentFor(free, free.Lines...))
		f, err := w.Supply(ctx, w.inspector("amr"), supplyOf(free.Lines[0]))
		w.must(err)
		w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
			_, err := tx.NewUpdate().Model((*ResultLine)(nil)).Set("window_only = ?", true).Where("case_id = ?", free.CaseID).Exec(ctx)
			return err
		}))
		_, err = w.SendFile(ctx, w.clerk, f.ID)
		w.refused(err, "window_only_file")
	})
}

// DEL-204, DEL-1205: the applicant is not offered delivery, from before anything is
// owed on, and a line that is added to such a case is collected like the others.
func TestWindowOnlyIsSaidToTheApplicantBeforeTheChoice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		a := Applicant{CaseID: newID(), CaseNumber: "431103-2026-000078", MatterCode: "M38", MatterName: "我要开烟花爆竹店", Name: "零陵**店", CentreID: w.centre.ID, WindowOnly: true}
		w.must(w.DB.Write(ctx, func(tx bun.IDB) error { return Know(ctx, tx, a) }))
		token := w.link(a.CaseID)
		if v := w.page(token); !v.WindowOnly {
			t.Error("delivery is offered before anything is owed")
		}
		w.refused(w.ChooseWay(ctx, token, WishDeliver), "wish_window_only")
		w.must(w.ChooseWay(ctx, token, WishCollect))

		s := w.collecting("amr")
		l, err := w.AddLine(ctx, w.clerk, AddLineRequest{CaseID: s.CaseID, DepartmentID: "fire", Ground: "补发"})
		w.must(err)
		v := w.page(w.link(s.CaseID))
		if !l.WindowOnly || !v.WindowOnly || v.MayConsent || !v.Lines[1].WindowOnly {
			t.Errorf("added line collected %v, page %v, consent offered %v", l.WindowOnly, v.WindowOnly, v.MayConsent)
		}

		r, _ := w.mixed()
		token = w.link(r.CaseID)
		if v := w.page(token); v.WindowOnly || v.Lines[0].WindowOnly || !v.Lines[1].WindowOnly {
			t.Errorf("mixed: page %v, lines %+v", v.WindowOnly, v.Lines)
		}
		w.must(w.ChooseWay(ctx, token, WishDeliver)) // for what may be brought
	})
}

// DEL-204: the wish to have brought what may be brought neither hinders the pick-up
// of the rest nor takes its parcel back.
func TestAWishForDeliveryLeavesWindowOnlyParcelsAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		r, collect := w.mixed()
		token := w.link(r.CaseID)
		w.must(w.ChooseWay(ctx, token, WishDeliver))
		rest := r.Items
		r.Items, r.Way = []string{collect}, WayWindow
		kept, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		w.must(w.ChooseWay(ctx, token, WishCollect))
		r.Items = rest
		free, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		w.must(w.ChooseWay(ctx, token, WishDeliver))
		if got := w.parcel(kept.ID).State; got != ParcelSealed {
			t.Errorf("what has to be collected is %s", got)
		}
		if got := w.parcel(free.ID).State; got != ParcelCancelled {
			t.Errorf("what may be brought is %s", got)
		}
		w.sound()
	})
}

// DEL-204: the receipt says so in words that tell nothing else.
func TestTheReceiptSaysThatResultsAreCollectedAtTheWindow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.waitingFor(w.collecting("amr").CaseID)
		a.WindowOnly = true
		got, err := w.PrintTaken(t.Context(), w.clerk, a)
		w.must(err)
		if text := papertest.Flat(papertest.Read(t, got.PDF)); !strings.Contains(text, "须到窗口领取") {
			t.Error(text)
		}
	})
}

// DEL-204, DEL-808: what is issued again has to be collected as the first was.
func TestWhatIsIssuedAgainHasToBeCollectedToo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		w.account("amr")
		s := w.collecting("amr")
		thing := w.receiveAll(w.handOver(s.Lines[0], NewItem{Class: ClassApproval, Title: "安全责任书"})).Items[0]
		_, err := w.ReportDamage(ctx, w.clerk, DamageReport{ItemID: thing.ItemID, What: "被水打湿", Photos: []string{w.photo()}, Once: once.Key{}})
		w.must(err)
		amr := w.inspector("amr")
		w.decided(amr, w.damaged(amr).ID, DamageReissue)
		lines := w.set(s.CaseID).Lines
		if again := lines[len(lines)-1]; len(lines) != 2 || again.State != LineExpected || !again.WindowOnly {
			t.Errorf("owed again: %+v", lines)
		}
	})
}
