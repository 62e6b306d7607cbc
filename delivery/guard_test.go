package delivery

import (
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/notify"
)

func TestASealIsRegisteredWithKindCodeFilingAndBag(t *testing.T) { // DEL-202
	whole := NewItem{Class: ClassSeal, Title: "公章", Seal: SealFacts{Kind: "公章", Code: "4311030012345", Filing: "备2026", Bag: "F01"}}
	if err := whole.check(); err != nil {
		t.Fatal(err)
	}
	for name, without := range map[string]func(*SealFacts){
		"kind": func(f *SealFacts) { f.Kind = " " }, "code": func(f *SealFacts) { f.Code = "431103001234" },
		"filing": func(f *SealFacts) { f.Filing = "" }, "bag": func(f *SealFacts) { f.Bag = "" },
	} {
		n := whole
		without(&n.Seal)
		if n.check() == nil {
			t.Errorf("a seal without its %s is registered", name)
		}
	}
}

func TestTheSecondPersonIsOfTheSameCentre(t *testing.T) { // DEL-203
	w := newParcelWorld(t, dbtest.SQLite(t))
	_, err := w.Auth.AddPerson(t.Context(), auth.System("test"), auth.NewPerson{
		Login: "tang", Name: "唐海燕", Post: auth.Post{Roles: []auth.Role{auth.Supervisor}, Centre: "c-431102"}, Password: password,
	})
	w.must(err)
	r := w.sealRequest(ClassSeal)
	r.Second = auth.Credentials{Login: "tang", Password: password}
	_, err = w.Seal(t.Context(), w.clerk, r)
	w.refused(err, "second_person_missing")
}

func TestAProxyWhoDoesNotShowTheLastFourLeavesItUnverified(t *testing.T) { // DEL-206
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		r := w.sealRequest(ClassCertificate)
		r.To.Consents = []Consent{{Receiver: ReceiverProxy, GivenBy: "欧阳修", Channel: "phone"}}
		p, err := w.Seal(t.Context(), w.clerk, r)
		w.must(err)
		p = w.dispatch(p, w.courier)
		_, err = w.TakeOver(t.Context(), w.courier, []string{p.Number})
		w.must(err)
		w.later(5)
		w.accepted(w.event(p, EventDelivered, "a1", map[string]any{"outcome": "proxy", "receiver": "欧阳发", "code": w.code(p)}))
		if v := w.parcel(p.ID); v.State != ParcelUnverified || len(v.Missing) == 0 {
			t.Errorf("%s, missing %v", v.State, v.Missing)
		}
	})
}

func TestPickUpWithoutTheCodeNeedsTheSupervisorsReason(t *testing.T) { // DEL-221
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		r := w.sealRequest(ClassApproval)
		r.Way = WayWindow
		p, err := w.Seal(t.Context(), w.clerk, r)
		w.must(err)
		signed := w.photo()
		give := CollectRequest{ParcelID: p.ID, IDLast4: "123X", Receiver: "欧阳修", Signature: signed}
		_, err = w.Collect(t.Context(), w.boss, give)
		w.refused(err, "reason_missing")
		give.Why, give.IDLast4 = "手机遗失，已核对身份证原件", ""
		_, err = w.Collect(t.Context(), w.boss, give)
		w.refused(err, "id_missing") // a reason is no document
		give.IDLast4, give.Signature = "123X", ""
		_, err = w.Collect(t.Context(), w.boss, give)
		w.refused(err, "signature_missing")
		give.Signature = "0000000000000000000000000000000000000000000000000000000000000000"
		_, err = w.Collect(t.Context(), w.boss, give)
		w.refused(err, "blob_unknown") // a signature that nobody has
		give.Signature = signed
		p, err = w.Collect(t.Context(), w.boss, give)
		w.must(err)
		if p.State != ParcelCollected {
			t.Errorf("with a reason: %s", p.State)
		}
	})
}

func TestAnOldCodeIsVoidBeforeTheNewOneIsSent(t *testing.T) { // DEL-220, DEL-611
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		r := w.sealRequest(ClassApproval)
		r.Way = WayWindow
		p, err := w.Seal(t.Context(), w.clerk, r)
		w.must(err)
		old := w.code(p)
		_, err = w.NewCode(t.Context(), w.clerk, p.ID)
		w.must(err)
		_, err = w.Collect(t.Context(), w.clerk, CollectRequest{ParcelID: p.ID, Code: old, IDLast4: "123X", Receiver: "欧阳修", Signature: w.photo()})
		w.refused(err, "pickup_code_wrong")
	})
}

func TestATextThatStillWaitsIsDroppedWhenItsStateHasPassed(t *testing.T) { // DEL-527
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		waits := func() (n int) {
			w.must(w.DB.Read(t.Context(), func(q bun.IDB) error {
				ms, err := notify.ListBySubject(t.Context(), q, p.ID, notify.PurposeAttempt)
				for _, m := range ms {
					if m.State == notify.Pending {
						n++
					}
				}
				return err
			}))
			return n
		}
		w.later(5)
		w.fails(p, "a1", NotHome, called)
		if waits() != 1 {
			t.Fatal("nobody is told of the attempt")
		}
		w.later(1)
		w.accepted(w.event(p, EventReturning, "a1", nil))
		if n := waits(); n != 0 {
			t.Errorf("%d texts about an attempt that is over", n)
		}
	})
}

func TestTheTagOfAPaperIsMadeWithTheKeyOfTheHouse(t *testing.T) { // DEL-1102
	ours, theirs := &Desk{Key: []byte("ours")}, &Desk{Key: []byte("theirs")}
	if a, b := ours.paperCode(PaperLabel, "L-1"), theirs.paperCode(PaperLabel, "L-1"); a == b {
		t.Errorf("another house makes the same code %s", a)
	}
}

func TestABagIsOverdueFromItsLimitOn(t *testing.T) { // DEL-912
	due := time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)
	b := Bag{State: BagReleased, DueAt: due}
	if b.Overdue(due) || !b.Overdue(due.Add(time.Millisecond)) {
		t.Error("a bag is overdue from its limit on, not before")
	}
	if b.State = BagFilling; b.Overdue(due.Add(time.Hour)) {
		t.Error("a bag that nobody gave away is overdue")
	}
}
