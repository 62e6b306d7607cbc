package delivery

import (
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// DEL-910, DEL-920: a bag is packed by scan, given away as one, and everything
// in it passes over by the other side's signature only.
func TestBagPassesAsOneByTheReceiversSignature(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, fire, urban := w.lease()
		other, _, _ := w.lease()
		v := w.send(w.clerk, "amr", original, fire, urban, other)
		if v.State != BagReleased || v.Seal != "F0001" || v.Giver != w.clerk.Name {
			t.Errorf("bag: %+v", v.Bag)
		}
		if want := time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC); !v.DueAt.Equal(want) { // DEL-912
			t.Errorf("due %v, want Wednesday noon", v.DueAt)
		}
		if held := w.sound(); held[AtWindow] != 6 {
			t.Errorf("before the signature: %v", held)
		}
		w.at = w.at.Add(time.Hour)
		got := w.open(w.inspector("amr"), v)
		if got.State != BagAccepted || got.EndedName != "张䶮" || got.Slip != "" {
			t.Errorf("opened: %+v", got.Bag)
		}
		if held := w.sound(); held[AtDepartment] != 4 || held[AtWindow] != 2 {
			t.Errorf("after the signature: %v", held)
		}
		for _, id := range []string{original.CaseID, other.CaseID} { // each case has its own leaf
			if got := w.leaves(id); got != "material_taken_in bag_released bag_accepted" {
				t.Errorf("recorded: %s", got)
			}
		}
		if got := w.historyOf(fire); got != "registered bagged sent accepted" {
			t.Errorf("history: %s", got)
		}
		_, err := w.AcceptBag(ctx, w.inspector("amr"), BagAccept{BagID: v.ID, Count: 4})
		w.refused(err, "bag_over") // DEL-914
		_, err = w.RefuseBag(ctx, w.inspector("amr"), v.ID, "重复")
		w.refused(err, "bag_over")
	})
}

// DEL-910: the side that gives a bag cannot sign for it, nor anybody else; the
// window can for a department without accounts, with the signed slip.
func TestBagIsSignedForByItsReceiverOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, _, _ := w.lease()
		w.account("amr")
		v := w.send(w.clerk, "amr", original)
		all := BagAccept{BagID: v.ID, Count: 1}
		for by, code := range map[*auth.Actor]string{
			ptr(w.clerk): "department_has_accounts", ptr(w.elsewhere()): "not_found", ptr(w.inspector("fire")): "not_found", ptr(w.auditor): "not_the_receiver",
		} {
			_, err := w.AcceptBag(ctx, *by, all)
			w.refused(err, code)
		}
		w.open(w.inspector("amr"), v)
		back := w.send(w.inspector("amr"), "", original)
		_, err := w.AcceptBag(ctx, w.inspector("amr"), BagAccept{BagID: back.ID, Count: 1})
		w.refused(err, "not_the_receiver")
		w.open(w.clerk, back)
		if at := w.whereIs(original); at != "window/"+w.centre.ID {
			t.Errorf("it is at %s", at)
		}
	})
}

// DEL-950: a department without accounts signs on the printed slip; the scan of
// it, the name and the time are what the window records.
func TestPaperDepartmentSignsOnTheSlip(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		papers, err := w.takeIn(w.material("消防图纸", needs(ClassCopy, "fire")))
		w.must(err)
		v := w.send(w.clerk, "fire", papers[0])
		w.onList("fire", "雷鸣")
		w.at = w.at.Add(2 * time.Hour)
		r := BagAccept{BagID: v.ID, Count: 1, Receiver: "雷鸣", SignedAt: w.at.Add(-time.Hour), Slip: w.photo()}
		for what, change := range map[string]func(r *BagAccept){
			"no name": func(r *BagAccept) { r.Receiver = " " }, "no scan": func(r *BagAccept) { r.Slip = "" },
			"before it was given away": func(r *BagAccept) { r.SignedAt = v.ReleasedAt.Add(-time.Hour) },
			"after now":                func(r *BagAccept) { r.SignedAt = w.at.Add(time.Minute) },
		} {
			bad := r
			change(&bad)
			if _, err := w.AcceptBag(ctx, w.clerk, bad); err == nil {
				t.Errorf("%s: accepted", what)
			} else {
				w.refused(err, "slip_incomplete")
			}
		}
		unknown := r
		unknown.Slip = strings.Repeat("a", 64)
		_, err = w.AcceptBag(ctx, w.clerk, unknown)
		w.refused(err, "scan_not_uploaded")
		got, err := w.AcceptBag(ctx, w.clerk, r)
		w.must(err)
		if got.EndedName != "雷鸣" || got.Slip != r.Slip || got.EndedBy != w.clerk.String() {
			t.Errorf("opened: %+v", got.Bag)
		}
		if at := w.whereIs(papers[0]); at != "department/fire" {
			t.Errorf("it is at %s", at)
		}
		// and the way back: the window packs what the department hands over.
		b, err := w.NewBag(ctx, w.clerk, NewBagRequest{From: "fire"})
		w.must(err)
		_, err = w.PutInBag(ctx, w.clerk, b.ID, papers[0].Item.Number)
		w.must(err)
		_, err = w.ReleaseBag(ctx, w.clerk, BagRelease{BagID: b.ID, Seal: "F2", Count: 1})
		w.refused(err, "giver_missing")
		back, err := w.ReleaseBag(ctx, w.clerk, BagRelease{BagID: b.ID, Seal: "F2", Count: 1, Giver: "雷鸣"})
		w.must(err)
		if !back.Paper || back.Giver != "雷鸣" {
			t.Errorf("back: %+v", back.Bag)
		}
		w.open(w.clerk, back)
		w.sound()
	})
}

// DEL-920, DEL-910: opening counts every thing; for what is missing or damaged
// the giver goes on answering and may send it again.
func TestOpeningABagRecordsEachDifference(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, fire, urban := w.lease()
		v := w.send(w.clerk, "amr", original, fire, urban)
		found := []Found{{fire.ItemID, FoundMissing, "袋内没有"}, {urban.ItemID, FoundDamaged, "缺第 3 页"}}
		amr := w.inspector("amr")
		_, err := w.AcceptBag(ctx, amr, BagAccept{BagID: v.ID, Count: 3, Found: found})
		w.refused(err, "count_differs")
		_, err = w.AcceptBag(ctx, amr, BagAccept{BagID: v.ID, Count: 2, Found: []Found{{fire.ItemID, FoundMissing, ""}}})
		w.refused(err, "reason_missing")
		_, err = w.AcceptBag(ctx, amr, BagAccept{BagID: v.ID, Count: 2, Found: []Found{{"none", FoundMissing, "x"}}})
		w.refused(err, "outcome_invalid")
		got, err := w.AcceptBag(ctx, amr, BagAccept{BagID: v.ID, Count: 1, Found: found})
		w.must(err)
		if got.State != BagAcceptedPartial || w.whereIs(original) != "department/amr" || w.whereIs(fire) != "window/"+w.centre.ID {
			t.Errorf("opened: %+v", got.Bag)
		}
		w.sound()
		w.open(amr, w.send(w.clerk, "amr", fire))
		if got := w.historyOf(fire); got != "registered bagged sent missing bagged sent accepted" {
			t.Errorf("history: %s", got)
		}
	})
}

// DEL-911: what nobody listed is recorded with a photo and is the receiver's to
// answer for until it is explained; what somebody else has stays theirs.
func TestWhatWasNeverListedIsFoundAndStaysUntilExplained(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, fire, urban := w.lease()
		elsewhere, _, _ := w.lease()
		w.open(w.inspector("urban"), w.send(w.clerk, "urban", w.stamped(urban)))
		v := w.send(w.clerk, "amr", original)
		amr := w.inspector("amr")
		r := BagAccept{BagID: v.ID, Count: 1, Extras: []Extra{{Number: fire.Item.Number, Title: "租赁合同复印件"}}}
		_, err := w.AcceptBag(ctx, amr, r)
		w.refused(err, "extra_incomplete")
		r.Extras[0].Photo = strings.Repeat("a", 64)
		_, err = w.AcceptBag(ctx, amr, r)
		w.refused(err, "scan_not_uploaded")
		photo := w.photo()
		r.Extras = []Extra{
			{Number: fire.Item.Number, Title: "租赁合同复印件", Photo: photo}, {Title: "身份证复印件，无编号", Photo: photo},
			{Number: urban.Item.Number, Title: "复印件 2/2", Photo: photo}, {Number: original.Item.Number, Title: "原件", Photo: photo},
		}
		got, err := w.AcceptBag(ctx, amr, r)
		w.must(err)
		if len(got.Extras) != 4 || got.State != BagAccepted {
			t.Fatalf("opened: %+v", got)
		}
		if w.whereIs(fire) != "department/amr" || w.whereIs(urban) != "department/urban" || w.whereIs(elsewhere) != "window/"+w.centre.ID {
			t.Errorf("they are at %s, %s, %s", w.whereIs(fire), w.whereIs(urban), w.whereIs(elsewhere))
		}
		if got := w.historyOf(fire); got != "registered found" {
			t.Errorf("history: %s", got)
		}
		w.sound()
		view, err := w.FindBag(ctx, w.clerk, v.ID)
		w.must(err)
		_, err = w.ExplainExtra(ctx, w.clerk, view.Extras[0].ID, " ")
		w.refused(err, "reason_missing")
		_, err = w.ExplainExtra(ctx, w.inspector("fire"), view.Extras[0].ID, "x")
		w.refused(err, "not_found")
		_, err = w.ExplainExtra(ctx, w.clerk, view.Extras[0].ID, "装袋时漏扫")
		w.must(err)
		_, err = w.ExplainExtra(ctx, w.clerk, view.Extras[0].ID, "再说一次")
		w.refused(err, "extra_explained")
	})
}

// DEL-903: what is taken out of a bag is back with its holder; a bag given up
// gives everything back.
func TestWhatLeavesABagIsBackWithItsHolder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, fire, _ := w.lease()
		b := w.bag(w.clerk, "amr", original, fire)
		_, err := w.PutInBag(ctx, w.clerk, b.ID, fire.Item.Number) // twice changes nothing
		w.must(err)
		other := w.bag(w.clerk, "amr")
		_, err = w.PutInBag(ctx, w.clerk, other.ID, fire.Item.Number)
		w.refused(err, "material_elsewhere")
		got, err := w.TakeOutOfBag(ctx, w.clerk, b.ID, fire.Item.Number)
		w.must(err)
		if got.ID != fire.ItemID {
			t.Errorf("took out %s", got.ID)
		}
		_, err = w.TakeOutOfBag(ctx, w.clerk, b.ID, fire.Item.Number)
		w.refused(err, "scan_unknown")
		_, err = w.PutInBag(ctx, w.clerk, other.ID, fire.Item.Number)
		w.must(err)
		_, err = w.CancelBag(ctx, w.clerk, b.ID)
		w.must(err)
		_, err = w.PutInBag(ctx, w.clerk, b.ID, original.Item.Number)
		w.refused(err, "bag_over")
		_, err = w.PutInBag(ctx, w.clerk, other.ID, original.Item.Number)
		w.must(err)
		if held := w.sound(); held[AtWindow] != 3 {
			t.Errorf("held: %v", held)
		}
	})
}

// DEL-921, DEL-930, DEL-931, DEL-934: what may not go into a bag is refused with
// the reason and where it is instead.
func TestBagTakesOnlyWhatMayGoThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, fire, urban := w.lease()
		toFire, toUrban := w.bag(w.clerk, "fire"), w.bag(w.clerk, "urban")
		put := func(b Bag, number, code string) string {
			t.Helper()
			_, err := w.PutInBag(ctx, w.clerk, b.ID, number)
			w.refused(err, code)
			return err.Error()
		}
		said := put(toFire, original.Item.Number, "original_elsewhere")
		for _, fact := range []string{"amr", original.Item.Number, "1/2", fire.Item.Number, "2026-11-24"} {
			if !strings.Contains(said, fact) {
				t.Errorf("the refusal does not say %s: %s", fact, said)
			}
		}
		put(toFire, fire.Item.Number, "copy_unstamped")
		w.stamp(fire, urban)
		put(toUrban, fire.Item.Number, "copy_for_other")
		put(toFire, "LB03", "own_number_invalid")
		put(toFire, "LB030001A7K3G", "own_number_invalid")
		put(toFire, toUrban.Number, "scan_unknown")
		tr := w.handOver(w.newSet("amr").Lines[0], certificate("营业执照"))
		put(toFire, tr.Items[0].Item.Number, "bag_class")
		_, err := w.PutInBag(ctx, w.clerk, toFire.ID, fire.Item.Number)
		w.must(err)
		_, err = w.PutInBag(ctx, w.inspector("fire"), toFire.ID, fire.Item.Number)
		w.refused(err, "not_found") // not given away yet
		_, err = w.ReleaseBag(ctx, w.clerk, BagRelease{BagID: toUrban.ID, Seal: "F1"})
		w.refused(err, "bag_empty")
		_, err = w.ReleaseBag(ctx, w.clerk, BagRelease{BagID: toFire.ID, Seal: "F1", Count: 2})
		w.refused(err, "bag_count")
		_, err = w.ReleaseBag(ctx, w.clerk, BagRelease{BagID: toFire.ID, Seal: " ", Count: 1})
		w.refused(err, "bag_seal")
		_, err = w.NewBag(ctx, w.clerk, NewBagRequest{})
		w.refused(err, "bag_to_self")
		_, err = w.NewBag(ctx, w.auditor, NewBagRequest{To: "amr"})
		w.refused(err, "not_a_keeper")
	})
}

// DEL-108, DEL-941: a window learns nothing of another centre's things by packing
// for a department, and a department packs for each window apart.
func TestBagTakesNothingOfAnotherWindowsCases(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		_, copied, _ := w.lease()
		w.stamp(copied)
		fire := w.inspector("fire")
		w.open(fire, w.send(w.clerk, "fire", copied))
		result := w.handOver(w.newSet("fire").Lines[0], certificate("营业执照")).Items[0].Item

		theirs, err := w.NewBag(ctx, w.elsewhere(), NewBagRequest{From: "fire"}) // a department without accounts
		w.must(err)
		for _, number := range []string{copied.Item.Number, result.Number} {
			_, err = w.PutInBag(ctx, w.elsewhere(), theirs.ID, number)
			w.refused(err, "scan_unknown")
		}
		for _, to := range []string{"", "amr"} {
			b, err := w.NewBag(ctx, fire, NewBagRequest{To: to, Centre: "c-431102"})
			w.must(err)
			_, err = w.PutInBag(ctx, fire, b.ID, copied.Item.Number)
			w.refused(err, "other_window")
		}
		w.open(w.clerk, w.send(fire, "", copied))
	})
}

// DEL-902: the shelf is recorded, the keeper stays.
func TestShelfIsRecordedByWhoKeepsTheThing(t *testing.T) {
	w, ctx := newWorld(t, dbtest.SQLite(t)), t.Context()
	original, _, _ := w.lease()
	_, err := w.Shelve(ctx, w.clerk, original.Item.Number, " ")
	w.refused(err, "place_missing")
	_, err = w.Shelve(ctx, w.elsewhere(), original.Item.Number, "A-03")
	w.refused(err, "scan_unknown")
	_, err = w.Shelve(ctx, w.inspector("amr"), original.Item.Number, "A-03")
	w.refused(err, "item_with_others")
	got, err := w.Shelve(ctx, w.clerk, original.Item.Number, "A-03")
	w.must(err)
	if got.Place != "A-03" {
		t.Errorf("place %q", got.Place)
	}
	v := w.send(w.clerk, "amr", original)
	w.open(w.inspector("amr"), v)
	if i, err := w.FindItem(ctx, w.clerk, original.ItemID); err != nil || i.Place != "" {
		t.Errorf("the shelf moved along: %q %v", i.Place, err)
	}
	w.sound()
}

func ptr[T any](x T) *T { return &x }
