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

// plan 三(二): from a complete set to the applicant's hands.
func TestResultGoesFromTheShelfToTheReceiver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.sealed()
		if p.State != ParcelSealed || p.DueAt.IsZero() || len(p.Ground) != 1 || p.Result != ResultRunning {
			t.Fatalf("sealed: %+v", p)
		}
		code := w.code(p)
		w.later(20)
		w.dispatch(p, w.courier)
		if held := w.sound(); held[AtWindow] != 1 {
			t.Fatalf("before the courier signed: %v", held) // DEL-910
		}
		w.later(5)
		if out, err := w.TakeOver(t.Context(), w.courier, []string{p.Number, "LB0000000000X", "x"}); err != nil || out[0].Parcel == nil || out[1].Code != "not_found" || out[2].Code != "not_found" {
			t.Fatalf("taken over: %+v %v", out, err)
		}
		if held := w.sound(); held[AtCourier] != 1 {
			t.Fatalf("after the courier signed: %v", held)
		}
		w.later(30)
		w.accepted(w.event(p, EventStarted, "a1", nil), w.event(p, EventArrived, "a1", nil),
			w.event(p, EventDelivered, "a1", map[string]any{"outcome": "recipient", "receiver": "欧阳修", "code": code}))
		v := w.parcel(p.ID)
		if v.State != ParcelDelivered || v.Result != ResultMet || v.Exceptions != 0 || len(v.Steps) != 5 || len(v.Items) != 1 || len(v.Missing) != 0 {
			t.Fatalf("delivered: %+v", v)
		}
		if held := w.sound(); held[AtReceiver] != 1 {
			t.Fatalf("keepers: %v", held)
		}
		if texts := w.texts(notify.PurposeDelivered, p.ID); len(texts) != 1 {
			t.Errorf("told: %q", texts)
		}
		w.wantNowhere(code)
		if got := w.leaves(p.CaseID); got != "results_expected transfer_released transfer_accepted parcel_sealed parcel_handed_over parcel_events" {
			t.Errorf("leaves: %s", got)
		}
	})
}

// DEL-302, DEL-210, DEL-201, DEL-230, DEL-203: what keeps a parcel open.
func TestParcelIsRefusedBeforeItIsSealed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		open := w.newSet("amr", "fire")
		one := w.receiveAll(w.handOver(w.line(open.CaseID, "amr"), certificate("营业执照")))
		good := w.sealRequest(ClassCertificate)
		incomplete := good
		incomplete.CaseID, incomplete.Items = open.CaseID, []string{one.Items[0].ItemID}
		for code, change := range map[string]func(*SealRequest){
			"set_incomplete":       func(r *SealRequest) { *r = incomplete },
			"item_not_here":        func(r *SealRequest) { r.Items = append(r.Items, r.Items[0]) },
			"parcel_empty":         func(r *SealRequest) { r.Items = nil },
			"carrier_not_allowed":  func(r *SealRequest) { r.Way = WayFirm },
			"way_unsupported":      func(r *SealRequest) { r.Way = WayEMS },
			"addressee_incomplete": func(r *SealRequest) { r.To.Phone = "8322222" },
			"consent_incomplete":   func(r *SealRequest) { r.To.Consents = []Consent{{Receiver: ReceiverProxy}} },
			"id_last4_form":        func(r *SealRequest) { r.IDLast4 = "12" },
			"bag_missing":          func(r *SealRequest) { r.Bag = " " },
			"redelivery_unknown":   func(r *SealRequest) { r.RedeliveryOf = "none" },
			"text_invalid":         func(r *SealRequest) { r.To.Name = "欧\x00阳" },
			"not_found":            func(r *SealRequest) { r.CaseID = "none" },
		} {
			r := good
			change(&r)
			_, err := w.Seal(ctx, w.clerk, r)
			w.refused(err, code)
		}
		_, err := w.Seal(ctx, w.elsewhere(), good)
		w.refused(err, "not_found")
		_, err = w.Seal(ctx, w.auditor, good)
		w.refused(err, "not_receiving_window")
		if _, err := w.Seal(ctx, w.clerk, good); err != nil {
			t.Fatal(err)
		}
		_, err = w.Seal(ctx, w.clerk, good) // it is in a parcel now
		w.refused(err, "item_not_here")
	})
}

// DEL-205: a consent says who gave it and how, or it is none.
func TestConsentNamesWhoGaveItAndHow(t *testing.T) {
	w := newParcelWorld(t, dbtest.SQLite(t))
	good := w.sealRequest(ClassCertificate)
	for _, c := range []Consent{
		{Receiver: ReceiverProxy, GivenBy: " ", Channel: "phone"}, {Receiver: ReceiverProxy, GivenBy: "欧阳修", Channel: "mail"},
		{Receiver: ReceiverRecipient, GivenBy: "欧阳修", Channel: "phone"}, // needs none
	} {
		r := good
		r.To.Consents = []Consent{c}
		_, err := w.Seal(t.Context(), w.clerk, r)
		w.refused(err, "consent_incomplete")
	}
}

// DEL-205: without the recipient's recorded consent what a proxy took is not
// delivered, whatever was shown at the door; with it, it is.
func TestProxyTakesAParcelOnlyWithTheRecipientsConsent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		for _, one := range []struct {
			consents []Consent
			state    ParcelState
		}{
			{nil, ParcelUnverified},
			{[]Consent{{Receiver: ReceiverMailRoom, GivenBy: "欧阳修", Channel: "phone"}}, ParcelUnverified},
			{[]Consent{{Receiver: ReceiverProxy, GivenBy: "欧阳修", Channel: "phone"}}, ParcelDelivered},
		} {
			r := w.sealRequest(ClassCertificate)
			r.To.Consents = one.consents
			p, err := w.Seal(t.Context(), w.clerk, r)
			w.must(err)
			p = w.dispatch(p, w.courier)
			_, err = w.TakeOver(t.Context(), w.courier, []string{p.Number})
			w.must(err)
			w.later(5)
			w.accepted(w.event(p, EventDelivered, "a1", map[string]any{
				"outcome": "proxy", "receiver": "欧阳发", "code": w.code(p), "id_last4": "123X",
			}))
			if v := w.parcel(p.ID); v.State != one.state {
				t.Errorf("with %+v: %s %+v", one.consents, v.State, v.Open)
			}
		}
	})
}

// DEL-203, DEL §2.1: a seal is packed by two and goes to the legal
// representative or the named agent, on all four proofs.
func TestSealTakesTwoPeopleAndTheRightReceiver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		r := w.sealRequest(ClassSeal)
		r.To.Agent = "李㛃"
		_, err := w.Seal(t.Context(), w.clerk, r)
		w.refused(err, "second_person_missing")
		r.Second = auth.Credentials{Login: "wang", Password: password}
		_, err = w.Seal(t.Context(), w.clerk, r)
		w.refused(err, "second_person_same")
		r.Second = auth.Credentials{Login: "song", Password: password}
		_, err = w.Seal(t.Context(), w.clerk, r)
		w.refused(err, "second_person_missing") // a courier is no second person
		r.Second = auth.Credentials{Login: "zhao", Password: "wrong"}
		_, err = w.Seal(t.Context(), w.clerk, r)
		w.refused(err, "sign_in_failed")
		r.Second.Password = password
		p, err := w.Seal(t.Context(), w.clerk, r)
		w.must(err)
		if p.SealedWith == "" || p.SealedWith == p.SealedBy {
			t.Fatalf("two people: %+v", p)
		}
		code := w.code(p)
		w.dispatch(p, w.courier)
		_, err = w.TakeOver(t.Context(), w.courier, []string{p.Number})
		w.must(err)
		sum, body := picture(t, 1)
		sum2, body2 := picture(t, 2)
		all := map[string]any{"code": code, "id_last4": "123X", "signature": sum, "bag_photo": sum2, "outcome": "proxy", "receiver": "邻居"}
		w.later(10)
		w.accepted(w.event(p, EventDelivered, "a1", all, sum, sum2))
		if v := w.parcel(p.ID); v.State != ParcelUnverified || !slicesHas(v.Open, ExceptionReceiver) {
			t.Fatalf("a proxy: %+v", v.Open) // DEL-205
		}
		all["outcome"], all["receiver"] = "named_agent", "李㛃"
		w.later(1)
		w.accepted(w.event(p, EventDelivered, "a1", all, sum, sum2))
		if v := w.parcel(p.ID); v.State != ParcelUnverified || len(v.Missing) == 0 {
			t.Fatalf("photos are still to come: %+v", v.Missing)
		}
		for s, b := range map[string][]byte{sum: body, sum2: body2} {
			_, err := w.PutBlob(t.Context(), w.courier, s, b)
			w.must(err)
		}
		if v := w.parcel(p.ID); v.State != ParcelDelivered {
			t.Fatalf("with all proofs: %s %v", v.State, v.Missing) // DEL-602
		}
	})
}

func slicesHas(all []Exception, code ExceptionCode) bool {
	for _, x := range all {
		if x.Code == code {
			return true
		}
	}
	return false
}

// DEL-806, DEL-805, DEL-425: what is withdrawn or comes back lies on the shelf
// and goes out in a new parcel.
func TestWithdrawnAndReturnedItemsAreOnTheShelfAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		r := w.sealRequest(ClassCertificate)
		p, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		_, err = w.CancelParcel(ctx, w.clerk, p.ID, "")
		w.refused(err, "reason_missing")
		p, err = w.CancelParcel(ctx, w.clerk, p.ID, "执照印错")
		w.must(err)
		if p.State != ParcelCancelled || !w.set(r.CaseID).Complete() {
			t.Fatalf("withdrawn: %+v", p)
		}
		p, err = w.Seal(ctx, w.clerk, r)
		w.must(err)
		w.dispatch(p, w.courier)
		_, err = w.TakeOver(ctx, w.courier, []string{p.Number})
		w.must(err)
		_, err = w.CancelParcel(ctx, w.clerk, p.ID, "来不及了")
		w.refused(err, "parcel_state")
		w.later(10)
		w.accepted(w.event(p, EventFailed, "a1", map[string]any{"outcome": "refused", "reason": "不要了", "call_note": "已电话"}),
			w.event(p, EventReturning, "a1", nil))
		if texts := w.texts(notify.PurposeAttempt, p.ID); len(texts) != 0 {
			t.Errorf("one batch tells the present state only: %q", texts) // DEL-527
		}
		w.later(30)
		p, err = w.AcceptReturn(ctx, w.clerk, ReturnRequest{ParcelID: p.ID, Seal: BagIntact, Count: len(w.parcel(p.ID).Items)})
		w.must(err)
		if p.State != ParcelReturned || p.Result != ResultExcluded {
			t.Fatalf("returned: %s %s", p.State, p.Result)
		}
		r.RedeliveryOf = p.ID
		again, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		if again.RedeliveryOf != p.ID || w.sound()[AtWindow] != 1 {
			t.Errorf("second parcel: %+v", again)
		}
		if got := w.parcel(p.ID); len(got.Items) != 1 {
			t.Errorf("the first one still knows what was in it: %+v", got.Items)
		}
	})
}

// DEL-221: at the window.
func TestPickUpNeedsCodeAndDocument(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		r := w.sealRequest(ClassApproval)
		r.Way = WayWindow
		p, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		if p.Result != ResultNone {
			t.Errorf("no promise at the window: %s", p.Result)
		}
		code := w.code(p)
		give := CollectRequest{ParcelID: p.ID, Code: "000000x", IDLast4: "123X", Receiver: "欧阳修", Signature: w.photo()}
		_, err = w.Collect(ctx, w.clerk, give)
		w.refused(err, "pickup_code_wrong")
		give.Code, give.IDLast4 = code, "9999"
		_, err = w.Collect(ctx, w.clerk, give)
		w.refused(err, "id_wrong")
		give.Code, give.IDLast4 = "", "123X"
		_, err = w.Collect(ctx, w.clerk, give)
		w.refused(err, "not_supervisor")
		err = w.DB.Write(ctx, func(tx bun.IDB) error { _, _, err := w.Dispatch(ctx, tx, w.clerk, p.ID, w.courier.ID); return err })
		w.refused(err, "parcel_for_window")
		give.Code = code
		p, err = w.Collect(ctx, w.clerk, give)
		w.must(err)
		if p.State != ParcelCollected || w.sound()[AtReceiver] != 1 {
			t.Errorf("collected: %+v", p)
		}
		w.wantNowhere(code)
	})
}

// DEL-220, DEL-902: a parcel that waits at the window has its shelf, and leaves it with
// whoever takes it.
func TestShelfOfAPickUpIsOnRecordUntilItIsCollected(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		r := w.sealRequest(ClassApproval)
		r.Way = WayWindow
		p, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		_, err = w.ShelveParcel(ctx, w.clerk, p.ID, " ")
		w.refused(err, "place_missing")
		_, err = w.ShelveParcel(ctx, w.courier, p.ID, "A-03")
		w.refused(err, "not_found")
		for _, place := range []string{"A-03", "B-01"} { // it was moved
			_, err = w.ShelveParcel(ctx, w.clerk, p.ID, place)
			w.must(err)
		}
		if got := w.parcel(p.ID).Places(); len(got) != 1 || got[0] != "B-01" || w.sound()[AtWindow] != 1 {
			t.Errorf("lies at %v, kept by %v", got, w.sound())
		}
		if found, err := w.ScanParcel(ctx, w.clerk, strings.ToLower(p.Number)); err != nil || found.ID != p.ID {
			t.Errorf("scanned: %s %v", found.ID, err)
		}
		_, err = w.ScanParcel(ctx, w.courier, p.Number)
		w.refused(err, "scan_unknown")
		_, err = w.Collect(ctx, w.clerk, CollectRequest{ParcelID: p.ID, Code: w.code(p), IDLast4: "123X", Receiver: "欧阳修", Signature: w.photo()})
		w.must(err)
		if got := w.parcel(p.ID).Places(); len(got) != 0 || w.sound()[AtReceiver] != 1 {
			t.Errorf("collected, and lies at %v", got)
		}
		_, err = w.ShelveParcel(ctx, w.clerk, p.ID, "A-03")
		w.refused(err, "parcel_state")
	})
}

// DEL-611: five wrong tries lock the code; a resend kills the old one and not
// the lock.
func TestWrongCodesLockAndAResendDoesNotUnlock(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		r := w.sealRequest(ClassApproval)
		r.Way, r.IDLast4 = WayWindow, ""
		p, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		old := w.code(p)
		for range codeTries {
			_, err = w.Collect(ctx, w.clerk, CollectRequest{ParcelID: p.ID, Code: "nope", IDLast4: "123X", Receiver: "欧阳修", Signature: w.photo()})
			w.refused(err, "pickup_code_wrong")
		}
		give := CollectRequest{ParcelID: p.ID, Code: old, IDLast4: "123X", Receiver: "欧阳修", Signature: w.photo()}
		_, err = w.Collect(ctx, w.clerk, give)
		w.refused(err, "code_locked")
		_, err = w.NewCode(ctx, w.clerk, p.ID)
		w.must(err)
		give.Code = w.code(p)
		_, err = w.Collect(ctx, w.clerk, give)
		w.refused(err, "code_locked")
		w.later(16)
		if old != give.Code {
			_, err = w.Collect(ctx, w.clerk, CollectRequest{ParcelID: p.ID, Code: old, IDLast4: "123X", Receiver: "欧阳修", Signature: w.photo()})
			w.refused(err, "pickup_code_wrong")
		}
		_, err = w.NewCode(ctx, w.clerk, p.ID)
		w.must(err)
		_, err = w.NewCode(ctx, w.clerk, p.ID)
		w.must(err)
		_, err = w.NewCode(ctx, w.clerk, p.ID)
		w.refused(err, "code_resent")
		give.Code = w.code(p)
		_, err = w.Collect(ctx, w.clerk, give)
		w.must(err)
	})
}
