package delivery

import (
	"sync"
	"testing"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// DEL-930, DEL-931, DEL-932, plan 三(三)3-五: what several departments need is
// kept by one, and each other one gets a numbered copy or an agreed voucher that
// names it.
func TestOriginalHasOneKeeperAndTheOthersGetNumberedCopies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		all := append(needs(ClassCopy, "fire", "amr"), Need{DepartmentID: "urban", Form: ClassVoucher})
		_, err := w.takeIn(w.material("租赁合同", all))
		w.refused(err, "voucher_agreement")
		all[2].AgreedBy = "欧阳慧"
		m := w.material("租赁合同", all)
		materials, err := w.takeIn(m)
		w.must(err)
		if len(materials) != 3 {
			t.Fatalf("%d materials", len(materials))
		}
		original, fire, urban := materials[0], materials[1], materials[2]
		if original.KeeperID != "amr" || !original.original() || original.ToStamp() {
			t.Errorf("original: %+v", original)
		}
		if fire.CopyNo != 1 || fire.Copies != 1 || fire.Item.Class != ClassCopy || fire.ForID != "fire" || fire.KeeperID != "amr" || !fire.ToStamp() {
			t.Errorf("copy: %+v", fire)
		}
		if urban.Item.Class != ClassVoucher || urban.CopyNo != 0 || urban.AgreedBy != "欧阳慧" || !urban.ToStamp() {
			t.Errorf("voucher: %+v", urban)
		}
		if held := w.sound(); held[AtWindow] != 3 {
			t.Errorf("held: %v", held)
		}
		if got := w.leaves(m.CaseID); got != "material_taken_in" {
			t.Errorf("recorded: %s", got)
		}
	})
}

// DEL-930: what one department alone needs goes there, and nobody copies it; who
// keeps originals is a setting, not whoever stands first.
func TestOriginalThatOneDepartmentNeedsGoesThere(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	materials, err := w.takeIn(w.material("消防图纸", needs(ClassCopy, "fire")))
	w.must(err)
	if len(materials) != 1 || materials[0].KeeperID != "fire" {
		t.Errorf("materials: %+v", materials)
	}
	materials, err = w.takeIn(w.material("租赁合同", needs(ClassCopy, "fire", "urban")))
	w.must(err)
	if len(materials) != 3 || materials[0].KeeperID != "amr" || materials[1].Copies != 2 || materials[2].CopyNo != 2 {
		t.Errorf("materials: %+v", materials)
	}
}

// Whatever is wrong with what is handed in is refused by its code.
func TestIncompleteMaterialIsRefusedByItsCode(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	for code, m := range map[string]MaterialIn{
		"material_incomplete": w.material(" ", needs(ClassCopy, "amr")),
		"need_invalid":        w.material("合同", needs(ClassOriginal, "amr")),
		"department_unknown":  w.material("合同", needs(ClassCopy, "none")),
		"text_invalid":        w.material("合同\x1b[2J", needs(ClassCopy, "amr")),
	} {
		_, err := w.takeIn(m)
		w.refused(err, code)
	}
	_, err := w.takeIn(w.material("合同", needs(ClassCopy, "amr", "amr")))
	w.refused(err, "need_invalid")
	m := w.material("合同", needs(ClassCopy, "amr"))
	m.CentreID = "c-431102"
	_, err = w.takeIn(m)
	w.refused(err, "not_receiving_window")
	if held := w.sound(); len(held) != 0 {
		t.Errorf("something was registered: %v", held)
	}
}

// DEL-931: the keeper stamps, or the window names who stamped; once.
func TestOnlyTheKeeperStampsACopy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, fire, urban := w.lease()
		_, err := w.Stamp(ctx, w.inspector("fire"), fire.ItemID, "")
		w.refused(err, "not_the_keeper")
		_, err = w.Stamp(ctx, w.elsewhere(), fire.ItemID, "x")
		w.refused(err, "not_found")
		_, err = w.Stamp(ctx, w.clerk, fire.ItemID, " ")
		w.refused(err, "stamp_name")
		_, err = w.Stamp(ctx, w.clerk, original.ItemID, "蒋志远")
		w.refused(err, "not_a_copy")
		_, err = w.Stamp(ctx, w.inspector("amr"), fire.ItemID, "")
		w.refused(err, "material_elsewhere") // it lies at the window
		got, err := w.Stamp(ctx, w.clerk, fire.ItemID, "蒋志远")
		w.must(err)
		if got.StampedName != "蒋志远" || got.ToStamp() {
			t.Errorf("stamped: %+v", got)
		}
		_, err = w.Stamp(ctx, w.clerk, fire.ItemID, "蒋志远")
		w.refused(err, "copy_stamped")
		w.open(w.inspector("amr"), w.send(w.clerk, "amr", original, urban))
		got, err = w.Stamp(ctx, w.inspector("amr"), urban.ItemID, "somebody else")
		w.must(err)
		if got.StampedName != "张䶮" {
			t.Errorf("stamped by %s", got.StampedName)
		}
		if got := w.leaves(original.CaseID); got != "material_taken_in copy_stamped bag_released bag_accepted copy_stamped" {
			t.Errorf("recorded: %s", got)
		}
	})
}

// DEL-933: a further copy is N+1 with a reason; of two at once each gets its own.
func TestFurtherCopyGetsTheNextNumberAndAReason(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, fire, _ := w.lease()
		r := CopyRequest{ItemID: original.ItemID, DepartmentID: "fire"}
		_, err := w.AddCopy(ctx, w.clerk, r)
		w.refused(err, "reason_missing")
		r.Reason = "第 2 页模糊"
		_, err = w.AddCopy(ctx, w.inspector("amr"), r)
		w.refused(err, "material_elsewhere")
		_, err = w.AddCopy(ctx, w.clerk, CopyRequest{ItemID: fire.ItemID, DepartmentID: "fire", Reason: "x"})
		w.refused(err, "not_an_original")
		_, err = w.AddCopy(ctx, w.clerk, CopyRequest{ItemID: original.ItemID, DepartmentID: "amr", Reason: "x"})
		w.refused(err, "copy_of_own")
		got, err := w.AddCopy(ctx, w.clerk, r)
		w.must(err)
		if got.CopyNo != 3 || got.Copies != 3 || got.ForID != "fire" || got.Reason != "第 2 页模糊" || !got.ToStamp() {
			t.Errorf("further copy: %+v", got)
		}
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { _, _ = w.AddCopy(ctx, w.clerk, r) }) // one may be told to try again
		}
		both.Wait()
		seen := map[int]bool{}
		materials, err := w.MaterialsOfCase(ctx, w.clerk, original.CaseID)
		w.must(err)
		for _, p := range materials {
			if p.CopyNo > 0 && seen[p.CopyNo] {
				t.Errorf("two copies have the number %d", p.CopyNo)
			}
			seen[p.CopyNo] = true
		}
		w.sound()
	})
}
