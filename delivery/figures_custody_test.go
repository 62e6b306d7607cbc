package delivery

import (
	"fmt"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/scheduler/workday"
)

// DEL-1501: what was done by its limit counts of all that had to be; what still
// has time is told apart.
func TestTimelyCountsWhatHadToBeDone(t *testing.T) {
	limit := time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)
	var f Timely
	for _, c := range []struct{ done, now time.Time }{
		{limit, limit.Add(time.Hour)},                    // to the minute
		{limit.Add(time.Minute), limit.Add(time.Hour)},   // late
		{time.Time{}, limit},                             // still time
		{time.Time{}, limit.Add(time.Minute)},            // not at all
		{limit.Add(-time.Hour), limit.Add(-time.Minute)}, // before the limit has come
	} {
		f.count(limit, c.done, c.now)
	}
	if f != (Timely{InTime: 2, Late: 2, Open: 1}) || f.Share() != (Share{2, 4}) {
		t.Errorf("%+v", f)
	}
}

// DEL-1501: couriers are one holder; days are counted from when the holder got it.
func TestCustodyAgeIsByHolderAndNotByCourier(t *testing.T) {
	today := workday.Date{Year: 2026, Month: 11, Day: 26}
	got := fmt.Sprint(holderAges([]held{
		{AtCourier, "song", "2026-11-25", 2}, {AtCourier, "fang", "2026-11-26", 1},
		{AtWindow, "c", "2026-11-20", 1}, {AtWindow, "c", "2026-11-26", 4}, {AtWindow, "c", "", 1},
	}, today))
	if want := "[{window c  {5 1 0 0} 6} {courier   {3 0 1 1} 1}]"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

// DEL-1501: a street or an hour with fewer than five tries is not shown apart,
// nor are the first tries of a courier with fewer.
func TestFewTriesAreOnlyCountedTogether(t *testing.T) {
	f := tryFigures([]tried{
		{"冷水滩区梧桐路", 10, NotHome, 2}, {"冷水滩区梧桐路", 15, "", 6}, {"冷水滩区凤凰路", 10, NotHome, 4}, {"", 16, "", 5},
	})
	if got, want := fmt.Sprint(f.Areas, f.Few), "[{冷水滩区梧桐路 0 {2 8}} { 0 {0 5}}] {4 4}"; got != want {
		t.Errorf("areas %s, not %s", got, want)
	}
	if got, want := fmt.Sprint(f.Hours, f.FewAt), "[{ 10 {6 6}} { 15 {0 6}} { 16 {0 5}}] {0 0}"; got != want {
		t.Errorf("hours %s, not %s", got, want)
	}
	few := figureFacts{Groups: []parcelGroup{{CourierID: "a", Result: ResultMissed, N: 9}, {CourierID: "a", State: ParcelDelivered, Result: ResultMet, Attempts: 1, N: 1}}}.figures()
	if len(few.Couriers) != 1 || few.Couriers[0].FirstTry != (Share{}) {
		t.Errorf("one try of a courier is shown: %+v", few.Couriers)
	}
}

// DEL-1501, DEL-912, DEL-940: who holds what since when, without what lies where
// it belongs; which hand-overs were signed in time; which loans came back.
func TestCustodyFiguresFollowTheRegister(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		original, forFire, _ := w.lease()
		w.open(w.inspector("amr"), w.testWorld.send(w.clerk, "amr", original, w.stamped(forFire)))
		_, err := w.Lend(ctx, w.clerk, LoanRequest{ItemID: original.ItemID, BorrowerID: "fire", Purpose: "核对原件", DueOn: "2026-11-27"})
		w.must(err)
		lent, err := w.NewBag(ctx, w.inspector("amr"), NewBagRequest{To: "fire", Centre: w.centre.ID})
		w.must(err)
		_, err = w.PutInBag(ctx, w.inspector("amr"), lent.ID, original.Item.Number)
		w.must(err)
		sent, err := w.ReleaseBag(ctx, w.inspector("amr"), BagRelease{BagID: lent.ID, Seal: "F0002", Count: 1})
		w.must(err)
		w.open(w.inspector("fire"), sent)
		_, _, forUrban := w.lease()
		onPaper := w.testWorld.send(w.clerk, "urban", w.stamped(forUrban))
		w.onList("urban", "何秀英")
		signed := w.at.Add(time.Hour)
		late := w.handOver(w.newSet("urban").Lines[0], certificate("许可证"))
		w.at = time.Date(2026, 11, 26, 2, 0, 0, 0, time.UTC) // Thursday
		w.receiveAll(late)                                   // was to be signed by Wednesday noon
		_, err = w.AcceptBag(ctx, w.clerk, BagAccept{BagID: onPaper.ID, Count: 1, Receiver: "何秀英", SignedAt: signed, Slip: w.photo()})
		w.must(err)
		w.handOver(w.newSet("amr").Lines[0], certificate("执照"))
		query := FigureQuery{From: workday.DateOf(w.at).AddDays(-3), To: workday.DateOf(w.at).AddDays(3)}
		f := w.figures(query).Custody
		holders := map[string]HolderAge{}
		for _, h := range f.Holders {
			holders[string(h.Kind)+"/"+h.ID] = h
		}
		// a copy for urban, a second original and its copy for fire, which were not sent, and what came today
		if window := holders["window/"+w.centre.ID]; window.N != 4 || window.Longest != 2 || window.Median != 2 {
			t.Errorf("window: %+v", window)
		}
		if fire := holders["department/fire"]; fire.N != 1 || fire.Longest != 2 || fire.Name != "冷水滩区fire" { // the borrowed original
			t.Errorf("fire: %+v", fire)
		}
		if amr := holders["department/amr"]; amr.N != 2 { // its own result, and the copy for fire
			t.Errorf("amr: %+v", amr)
		}
		if f.Kept != 1 || f.SignIns != (Timely{InTime: 3, Late: 1, Open: 1}) || f.Loans != (Timely{Open: 1}) {
			t.Errorf("kept %d, signed %+v, loans %+v", f.Kept, f.SignIns, f.Loans)
		}
		w.at = w.at.AddDate(0, 0, 3)
		if f = w.figures(query).Custody; f.Loans != (Timely{Late: 1}) {
			t.Errorf("not back: %+v", f.Loans)
		}
	})
}

// DEL-1501: what a department uses lies where it belongs and is left out.
func TestWhatLiesWhereItBelongsIsNotUnderWay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		original, forFire, forUrban := w.lease()
		w.stamp(forFire, forUrban)
		w.open(w.inspector("amr"), w.testWorld.send(w.clerk, "amr", original))
		w.open(w.inspector("fire"), w.testWorld.send(w.clerk, "fire", forFire))
		f := w.figures(FigureQuery{}).Custody
		if f.Kept != 2 || len(f.Holders) != 1 || f.Holders[0].Kind != AtWindow || f.Holders[0].N != 1 {
			t.Errorf("kept %d, under way %+v", f.Kept, f.Holders)
		}
	})
}

// DEL-1501, DEL-624, SIM-15: proof that the window had to settle, and whether it
// did within eight hours of the hall; times that a supervisor accepted; where
// and when first tries failed.
func TestSettledProofAndAcceptedTimesAreCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		unproven := func() (p Parcel, event string) {
			p = w.carried()
			w.later(1)
			w.accepted(w.event(p, EventStarted, "a1", nil), w.event(p, EventDelivered, "a1", map[string]any{"outcome": ToRecipient, "receiver": "欧阳修"}))
			steps := w.parcel(p.ID).Steps
			return p, steps[len(steps)-1].ID
		}
		soon, first := unproven()
		late, second := unproven()
		unproven()
		w.later(60)
		_, err := w.Confirm(ctx, w.clerk, asked(soon.ID, first, "电话核实"))
		w.must(err)
		query := FigureQuery{From: workday.DateOf(w.at), To: workday.DateOf(w.at).AddDays(3)}
		if got := w.figures(query).Settle.Settled; got != (Timely{InTime: 1, Open: 2}) {
			t.Errorf("the same day: %+v", got)
		}
		w.at = w.at.AddDate(0, 0, 2)
		_, err = w.Confirm(ctx, w.clerk, asked(late.ID, second, "电话核实"))
		w.must(err)
		if got := w.figures(query).Settle.Settled; got != (Timely{InTime: 1, Late: 2}) {
			t.Errorf("two days later: %+v", got)
		}
		p := w.carried()
		code := w.code(p)
		w.later(5)
		w.accepted(w.event(p, EventStarted, "a1", nil))
		arrived := w.event(p, EventDelivered, "a1", map[string]any{"outcome": ToRecipient, "receiver": "欧阳修", "code": code})
		w.later(6 * 60) // too late to count by itself
		w.accepted(arrived)
		steps := w.parcel(p.ID).Steps
		_, err = w.AcceptTime(ctx, w.boss, p.ID, steps[len(steps)-1].ID, "地下室无信号")
		w.must(err)
		query.To = workday.DateOf(w.at).AddDays(3)
		s := w.figures(query).Settle
		if len(s.Accepted) != 1 || s.Accepted[0].N != 1 || s.Accepted[0].Actor != w.boss.String() || s.OfTimes != 1 {
			t.Errorf("accepted %+v of %d", s.Accepted, s.OfTimes)
		}
		if few := w.figures(query).Tries; len(few.Areas) != 0 || few.Few != (Share{0, 4}) {
			t.Errorf("first tries: %+v", few)
		}
		if row := w.parcel(p.ID).Parcel; row.Area != "冷水滩区梧桐路" || row.TriedHour != 12 {
			t.Errorf("tried in %s by %d o'clock", row.Area, row.TriedHour)
		}
	})
}
