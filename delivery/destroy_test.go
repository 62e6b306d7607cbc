package delivery

import (
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/once"
)

// destroy makes an item void by two persons.
func (w *testWorld) destroy(first, second auth.Actor, itemID string, reissue bool) Destruction {
	w.t.Helper()
	x, err := w.ProposeDestroy(w.t.Context(), first, DestroyRequest{ItemID: itemID, Reason: "印制错误", Photo: w.photo(), Reissue: reissue})
	w.must(err)
	x, err = w.ConfirmDestroy(w.t.Context(), second, x.ID)
	w.must(err)
	return x
}

// DEL-946, DEL-901: one person proposes with reason and photo, another confirms;
// the copy stays in the register as destroyed with both names, and nobody keeps it.
func TestWhatIsVoidIsSoByTwoPersonsAndStaysInTheRegister(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		original, forFire, _ := w.lease()
		r := DestroyRequest{ItemID: forFire.ItemID, Reason: "复印不清", Photo: w.photo(), Once: once.Key{Actor: w.clerk.String(), Value: "1", Print: "p"}}
		x, err := w.ProposeDestroy(ctx, w.clerk, r)
		w.must(err)
		if again, err := w.ProposeDestroy(ctx, w.clerk, r); err != nil || again.ID != x.ID {
			t.Errorf("the same request again: %+v %v", again, err)
		}
		r.Once = once.Key{}
		_, err = w.ProposeDestroy(ctx, w.boss, r)
		w.refused(err, "destroy_open")
		if held := w.sound(); held[AtWindow] != 3 || held[Destroyed] != 0 {
			t.Errorf("proposed only: %v", held)
		}
		for by, want := range map[*auth.Actor]int{&w.boss: 1, &w.clerk: 0} { // who proposed is no second person
			waits, err := w.ToDestroy(ctx, *by)
			w.must(err)
			if len(waits) != want || want == 1 && (waits[0].ID != x.ID || waits[0].ItemTitle == "") {
				t.Errorf("%s: %d proposals wait, want %d: %+v", by.Name, len(waits), want, waits)
			}
		}
		for _, by := range []auth.Actor{w.inspector("fire"), w.elsewhere()} {
			if waits, err := w.ToDestroy(ctx, by); err != nil || len(waits) != 0 {
				t.Errorf("%s sees %d proposals, %v", by.Name, len(waits), err)
			}
		}
		_, err = w.ConfirmDestroy(ctx, w.clerk, x.ID)
		w.refused(err, "destroy_same_person")
		_, err = w.ConfirmDestroy(ctx, w.elsewhere(), x.ID)
		w.refused(err, "not_found")
		_, err = w.ConfirmDestroy(ctx, w.inspector("fire"), x.ID) // it is for them, not with them
		w.refused(err, "not_the_holder")
		x, err = w.ConfirmDestroy(ctx, w.boss, x.ID)
		w.must(err)
		if x.State != DestroyDone || x.Proposer != "王敏" || x.EndedName != "李主任" {
			t.Errorf("destruction: %+v", x)
		}
		_, err = w.ConfirmDestroy(ctx, w.boss, x.ID)
		w.refused(err, "destroy_over")
		_, err = w.WithdrawDestroy(ctx, w.boss, x.ID)
		w.refused(err, "destroy_over")
		_, err = w.ProposeDestroy(ctx, w.clerk, r)
		w.refused(err, "item_destroyed")

		if held := w.sound(); held[AtWindow] != 2 || held[Destroyed] != 1 {
			t.Errorf("held: %v", held)
		}
		v, err := w.FindItem(ctx, w.clerk, forFire.ItemID)
		w.must(err)
		last := v.History[len(v.History)-1]
		if v.CustodianKind != Destroyed || len(v.Destructions) != 1 || last.Kind != CustodyDestroyed || last.Note != "复印不清" {
			t.Errorf("item: %+v", v)
		}
		if _, body, err := w.OpenItemBlob(ctx, w.auditor, forFire.ItemID, x.Photo); err != nil || len(body) == 0 {
			t.Errorf("photo: %v", err)
		}
		_, _, err = w.OpenItemBlob(ctx, w.clerk, original.ItemID, x.Photo)
		w.refused(err, "not_found")
		if got := w.leaves(original.CaseID); got != "material_taken_in destroy_proposed item_destroyed" {
			t.Errorf("recorded: %s", got)
		}
	})
}

// DEL-946: reason and photo are asked for, and only the keeper's people propose;
// a proposal that was withdrawn leaves everything as it was.
func TestProposalToDestroyNeedsReasonPhotoAndTheKeeper(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		w.account("amr")
		original, _, _ := w.lease()
		good := DestroyRequest{ItemID: original.ItemID, Reason: "水浸", Photo: w.photo()}
		for code, change := range map[string]func(r *DestroyRequest){
			"reason_missing": func(r *DestroyRequest) { r.Reason = " " },
			"text_invalid":   func(r *DestroyRequest) { r.Reason = strings.Repeat("长", 2000) },
			"destroy_photo":  func(r *DestroyRequest) { r.Photo = "" },
			"blob_unknown":   func(r *DestroyRequest) { r.Photo = strings.Repeat("a", 64) },
			"not_found":      func(r *DestroyRequest) { r.ItemID = "nothing" },
		} {
			r := good
			change(&r)
			_, err := w.ProposeDestroy(ctx, w.clerk, r)
			w.refused(err, code)
		}
		amr := w.inspector("amr")
		_, err := w.ProposeDestroy(ctx, amr, good) // it still lies at the window
		w.refused(err, "not_the_holder")
		w.open(amr, w.send(w.clerk, "amr", original))
		_, err = w.ProposeDestroy(ctx, w.clerk, good)
		w.refused(err, "department_has_accounts")
		x, err := w.ProposeDestroy(ctx, amr, good)
		w.must(err)
		_, err = w.ConfirmDestroy(ctx, w.clerk, x.ID)
		w.refused(err, "department_has_accounts")
		_, err = w.WithdrawDestroy(ctx, amr, x.ID)
		w.must(err)
		x, err = w.ProposeDestroy(ctx, amr, good)
		w.must(err)
		_, err = w.ConfirmDestroy(ctx, w.boss, x.ID) // the department has one account only
		w.must(err)
		_, err = w.Lend(ctx, amr, LoanRequest{ItemID: original.ItemID, BorrowerID: "fire", Purpose: "核对"})
		w.refused(err, "item_destroyed")
		if held := w.sound(); held[Destroyed] != 1 {
			t.Errorf("held: %v", held)
		}
	})
}

// DEL-901, DEL-946: what is in an open transfer, a bag, a loan or a parcel, or has
// moved since, is refused with what to do.
func TestWhatIsOnItsWayIsNotDestroyed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		tryOn := func(by auth.Actor, item, code string) {
			t.Helper()
			_, err := w.ProposeDestroy(ctx, by, DestroyRequest{ItemID: item, Reason: "作废", Photo: w.photo()})
			w.refused(err, code)
		}
		amr := w.inspector("amr")
		original, forFire, forUrban := w.lease()
		w.stamp(forUrban)
		moving, err := w.ProposeDestroy(ctx, w.clerk, DestroyRequest{ItemID: forUrban.ItemID, Reason: "作废", Photo: w.photo()})
		w.must(err)
		bag := w.send(w.clerk, "urban", forUrban)
		tryOn(w.clerk, forUrban.ItemID, "destroy_in_bag")
		_, err = w.ConfirmDestroy(ctx, w.boss, moving.ID)
		w.refused(err, "destroy_in_bag")
		w.open(w.inspector("urban"), bag)
		_, err = w.ConfirmDestroy(ctx, w.boss, moving.ID)
		w.refused(err, "destroy_moved")

		w.open(amr, w.send(w.clerk, "amr", original))
		_, err = w.Lend(ctx, amr, LoanRequest{ItemID: original.ItemID, BorrowerID: "fire", Purpose: "核对"})
		w.must(err)
		tryOn(amr, original.ItemID, "destroy_on_loan")

		tr := w.handOver(w.newSet("amr").Lines[0], certificate("营业执照正本"))
		tryOn(amr, tr.Items[0].ItemID, "destroy_in_transfer")

		w.must(d.Write(ctx, func(tx bun.IDB) error { // as if sealed
			i, err := findItem(ctx, tx, forFire.ItemID)
			w.must(err)
			i.ParcelID = "parcel"
			return updateItem(ctx, tx, &i, "parcel_id")
		}))
		tryOn(w.clerk, forFire.ItemID, "destroy_in_parcel")
		w.sound()
	})
}

// DEL-946, DEL-306: a result that is void at the window settles its line, and with
// a new issue its department owes it again.
func TestDestroyedResultIsOwedAgainIfItIsIssuedAnew(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, again := range []bool{false, true} {
			s := w.newSet("amr")
			tr := w.receiveAll(w.handOver(s.Lines[0], certificate("正本"), certificate("副本")))
			w.destroy(w.clerk, w.boss, tr.Items[0].ItemID, false)
			if l := w.line(s.CaseID, "amr"); l.State != LineReceived { // the other is still there
				t.Errorf("line: %+v", l)
			}
			w.destroy(w.boss, w.clerk, tr.Items[1].ItemID, again)
			lines := w.set(s.CaseID).Lines
			if lines[0].State != LineWaived || lines[0].Ground != "作废销毁：印制错误" {
				t.Errorf("line: %+v", lines[0])
			}
			if owed := len(lines) == 2 && lines[1].State == LineExpected; owed != again {
				t.Errorf("again %v: %+v", again, lines)
			}
			w.sound()
		}
	})
}

// DEL-901, DEL-946: the check finds what is destroyed by one alone, moves on, or
// lies in something.
func TestCustodyCheckFindsWhatIsDestroyedWrongly(t *testing.T) {
	gone := Item{ID: "i", CustodianKind: Destroyed, Custodian: "x"}
	inBag, back := gone, Item{ID: "i", CustodianKind: AtWindow, Custodian: "c"}
	inBag.BagID = "b"
	end := []CustodyEvent{{ItemID: "i", Kind: CustodyDestroyed, ToKind: Destroyed, ToID: "x"}}
	byTwo := []Destruction{{ItemID: "i", State: DestroyDone, ProposedBy: "a", EndedBy: "b"}}
	byOne := []Destruction{{ItemID: "i", State: DestroyDone, ProposedBy: "a", EndedBy: "a"}}
	moved := append(end, CustodyEvent{ItemID: "i", Kind: CustodyPlaced, FromKind: Destroyed, FromID: "x", ToKind: Destroyed, ToID: "x"})
	if got := destroyedBreaks([]Item{gone}, end, byTwo); len(got) != 0 {
		t.Errorf("a sound end breaks: %v", got)
	}
	for what, got := range map[string][]CustodyBreak{
		"by one":          destroyedBreaks([]Item{gone}, end, byOne),
		"by nobody":       destroyedBreaks([]Item{gone}, end, nil),
		"moves afterward": destroyedBreaks([]Item{gone}, moved, byTwo),
		"in a bag":        destroyedBreaks([]Item{inBag}, end, byTwo),
		"still kept":      destroyedBreaks([]Item{back}, nil, byTwo),
	} {
		if len(got) != 1 {
			t.Errorf("%s: %v", what, got)
		}
	}
}
