package inspection

import (
	"strings"
	"testing"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/once"
)

// allSee has everybody on the site see what the others ask for.
func (w *testWorld) allSee(v Visit) {
	w.t.Helper()
	now := w.viewNow(v)
	for _, p := range now.Unseen() {
		w.must(w.sees(now, p.System))
	}
}

func (w *testWorld) sees(seen VisitView, system string) error {
	p := w.part(seen.ID, system)
	return w.SeeItems(w.t.Context(), w.inspector(system), SeeRequest{ParticipantID: p.ID, Seen: Foreign(seen.Proposed, p.DepartmentID)})
}

var (
	openDoor = RectifyItem{Finding: "后门须常开", Clause: "消防法第二十八条", Verify: VerifyVisit, Days: 5}
	shutDoor = RectifyItem{Finding: "后门须常闭", Clause: "市容条例第十一条", Verify: VerifyVisit, Days: 5}
	rubbish  = RectifyItem{Finding: "通道堆放杂物", Clause: "消防法第二十八条", Verify: VerifyPhoto, Days: 3}
	litter   = RectifyItem{Finding: "通道有垃圾", Clause: "市容条例第九条", Verify: VerifyPhoto, Days: 3}
)

// proposing is a visit on whose site fire and urban ask for two items each, and amr
// for none.
func (w *testWorld) proposing() Visit {
	w.t.Helper()
	v := w.begun()
	w.hosts(v)
	for _, system := range []string{"amr", "fire", "urban"} {
		w.comes(v, system, 1, 2)
	}
	w.opines(v, w.inspector("fire"), "fire", OpinionRequest{Kind: Rectify, Items: []RectifyItem{openDoor, rubbish}})
	w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Rectify, Items: []RectifyItem{shutDoor, litter}})
	w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Agree})
	return v
}

// proposedBy is the item with that finding.
func (w *testWorld) proposedBy(v Visit, item RectifyItem) ProposedItem {
	w.t.Helper()
	for _, i := range w.viewNow(v).Proposed {
		if i.Finding == item.Finding {
			return i
		}
	}
	w.t.Fatalf("nobody asks for %s", item.Finding)
	return ProposedItem{}
}

func (w *testWorld) pairs(by auth.Actor, v Visit, kind PairKind, a, b RectifyItem, keep Keep) (ItemPair, error) {
	w.t.Helper()
	return w.PairItems(w.t.Context(), by, PairRequest{
		VisitID: v.ID, Kind: kind, Item: w.proposedBy(v, a).ID, Other: w.proposedBy(v, b).ID, Keep: keep, Note: "同一处",
	})
}

func (w *testWorld) ends(v Visit) error {
	_, err := w.EndSite(w.t.Context(), w.clerk, v.ID)
	return err
}

// INS-1011: the site part does not end before every department on it has seen what
// the others ask for at the moment; who asks for nothing sees it too, who has left
// does not have to.
func TestTheSitePartEndsWhenEveryDepartmentHasSeenAllItems(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.proposing()
		before := w.viewNow(v)
		w.refused(w.ends(v), "items_unseen")
		for _, system := range []string{"fire", "urban"} {
			w.must(w.sees(before, system))
		}
		err := w.ends(v)
		w.refused(err, "items_unseen")
		if text := err.Error(); !strings.Contains(text, "市场监管") || strings.Contains(text, "消防") {
			t.Errorf("who has not seen them: %s", text)
		}
		amr := w.part(v.ID, "amr")
		w.refused(w.SeeItems(ctx, w.inspector("fire"), SeeRequest{ParticipantID: amr.ID, Seen: []string{"x"}}), "not_your_department")
		w.refused(w.SeeItems(ctx, w.inspector("amr"), SeeRequest{ParticipantID: amr.ID, Seen: []string{"x"}}), "items_changed")
		shown := SeeRequest{ParticipantID: amr.ID, Seen: Foreign(before.Proposed, amr.DepartmentID), CheckInID: "nobody"}
		w.refused(w.SeeItems(ctx, w.clerk, shown), "not_checked_in")
		shown.CheckInID = before.Came(amr.ID)[1].ID
		w.must(w.SeeItems(ctx, w.clerk, shown)) // the manual twin
		if got := w.part(v.ID, "amr"); got.ItemsSeenName != "勘验员2" || got.ItemsSeenAt.IsZero() {
			t.Errorf("amr has seen them by %+v", got.Participant)
		}
		// What changes is looked at again by the others, and by them alone.
		w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Rectify, Items: []RectifyItem{shutDoor}})
		w.refused(w.sees(before, "fire"), "items_changed")
		if got := w.viewNow(v).Unseen(); len(got) != 2 {
			t.Errorf("%d have not seen the change", len(got))
		}
		w.must(w.sees(w.viewNow(v), "fire"))
		for _, c := range before.Came(amr.ID) {
			w.must(w.Leave(ctx, w.clerk, v.ID, c.ID, true))
		}
		w.must(w.ends(v))
		w.verifyBundle(v, "amr")
	})
}

// INS-1011: duplicates are merged: one of them is on the list, the joint opinion
// says what became of the other, and a merged item that nobody asks for any more
// brings the other back.
func TestItemsThatAskForTheSameAreOneItemOfTheList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.proposing()
		_, err := w.pairs(w.inspector("urban"), v, PairSame, rubbish, litter, KeepOther)
		w.refused(err, "not_your_department") // urban cannot give up an item of fire
		_, err = w.pairs(w.inspector("amr"), v, PairSame, rubbish, litter, KeepItem)
		w.refused(err, "not_a_window")
		_, err = w.pairs(w.clerk, v, PairSame, rubbish, litter, KeepBoth)
		w.refused(err, "keep_unknown")
		_, err = w.pairs(w.clerk, v, PairSame, rubbish, openDoor, KeepItem)
		w.refused(err, "pair_departments")
		_, err = w.pairs(w.clerk, v, "alike", rubbish, litter, KeepItem)
		w.refused(err, "pair_kind")
		_, err = w.pairs(w.inspector("urban"), v, PairSame, rubbish, litter, KeepItem)
		w.must(err)
		_, err = w.pairs(w.clerk, v, PairSame, litter, rubbish, KeepItem)
		w.refused(err, "pair_exists")
		_, err = w.pairs(w.clerk, v, PairSame, litter, openDoor, KeepItem)
		w.refused(err, "item_left_out")

		w.opines(v, w.inspector("fire"), "fire", OpinionRequest{Kind: Rectify, Items: []RectifyItem{openDoor}})
		if left := w.viewNow(v).LeftOut(); len(left) != 0 {
			t.Errorf("urban's item is left out for one that fire asks for no more: %v", left)
		}
		w.opines(v, w.inspector("fire"), "fire", OpinionRequest{Kind: Rectify, Items: []RectifyItem{rubbish}})
		w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Rectify, Items: []RectifyItem{litter}})
		w.allSee(v)
		w.must(w.ends(v))
		j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		items := w.viewNow(v).Rectification.Items
		if len(items) != 1 || items[0].Finding != rubbish.Finding || j.Result != ResultRectify {
			t.Fatalf("%s, the list has %+v", j.Result, items)
		}
		text, _ := w.printed(w.clerk, v, DocOpinion, "")
		wantWords(t, text, litter.Finding, "不单独列入，以冷水滩区消防救援第1项为准")
		if got := leftIn(j); got == nil || got.DepartmentID != w.department("fire") || got.N != 1 {
			t.Errorf("in the place of urban's item stands %+v", got)
		}
		if text, _ = w.printed(w.clerk, v, DocRectify, ""); strings.Contains(text, litter.Finding) {
			t.Error("the list prints the merged item")
		}
		w.given(v, 1)
		photo, err := w.AddPhoto(ctx, w.clerk, PhotoRequest{VisitID: v.ID, Item: items[0].ID, Photo: w.image()})
		w.must(err)
		w.must(w.AnswerPhoto(ctx, w.inspector("fire"), PhotoReply{VisitID: v.ID, Photo: photo.ID, Answer: PhotoAgreed}))
		j, err = w.Conclude(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		for _, l := range j.Content.Departments {
			if l.Kind != Agree {
				t.Errorf("in the end %s says %s", l.Department, l.Kind)
			}
		}
	})
}

// INS-1011: a contradiction is settled or sent to the supervisor on the spot, and
// nothing is issued before the supervisor has decided.
func TestAContradictionIsSettledOrSentToTheSupervisorOnTheSpot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.proposing()
		_, err := w.PairItems(ctx, w.inspector("fire"), PairRequest{
			VisitID: v.ID, Kind: PairContrary, Item: w.proposedBy(v, openDoor).ID, Other: w.proposedBy(v, shutDoor).ID,
		})
		w.refused(err, "reason_missing")
		x, err := w.pairs(w.inspector("fire"), v, PairContrary, openDoor, shutDoor, "")
		w.must(err)
		w.allSee(v)
		w.refused(w.ends(v), "items_contrary")
		settle := func(by auth.Actor, keep Keep, how string) error { return w.SettlePair(ctx, by, v.ID, x.ID, keep, how) }
		w.refused(settle(w.inspector("fire"), KeepItem, "消防优先"), "not_your_department")
		w.refused(settle(w.inspector("amr"), KeepBoth, "都行"), "not_a_window")
		w.refused(settle(w.clerk, KeepChanged, "改了"), "keep_unknown")
		w.refused(settle(w.clerk, KeepItem, " "), "reason_missing")
		w.refused(w.SendPair(ctx, w.inspector("amr"), v.ID, x.ID), "not_a_window")
		w.must(w.SendPair(ctx, w.inspector("urban"), v.ID, x.ID))
		w.refused(w.SendPair(ctx, w.clerk, v.ID, x.ID), "pair_sent")
		w.must(w.ends(v))
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "items_contrary")
		w.refused(settle(w.clerk, KeepItem, "消防优先"), "not_supervisor")
		w.must(settle(w.boss, KeepItem, "消防安全优先，城管同意改用常开式防火门"))
		w.refused(settle(w.boss, KeepOther, "再定"), "pair_settled")
		if w.count("tasks", "kind = 'decide_pair' AND done_at IS NULL") != 0 || w.count("tasks", "kind = 'decide_pair'") != 1 {
			t.Error("the supervisor's task")
		}
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		items := w.viewNow(v).Rectification.Items
		if len(items) != 3 || items[0].Finding != openDoor.Finding {
			t.Errorf("the list has %+v", items)
		}
		w.verifyBundle(v, "urban")
	})
}

// INS-1011: on the spot it is settled by who gives up its own item, by the window
// with what both agreed on, or by an opinion that asks for it no more.
func TestAContradictionEndsWithWhatADepartmentAsksForNow(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	ctx := t.Context()
	v := w.proposing()
	x, err := w.pairs(w.clerk, v, PairContrary, openDoor, shutDoor, "")
	w.must(err)
	w.must(w.SendPair(ctx, w.clerk, v.ID, x.ID))
	w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Rectify, Items: []RectifyItem{litter}})
	got := w.viewNow(v).Pairs[0]
	if got.State() != PairSettled || got.Keep != KeepChanged || w.count("tasks", "kind = 'decide_pair' AND done_at IS NULL") != 0 {
		t.Errorf("after urban changed its mind: %+v", got)
	}
	x, err = w.pairs(w.clerk, v, PairContrary, rubbish, litter, "")
	w.must(err)
	w.must(w.SettlePair(ctx, w.clerk, v.ID, x.ID, KeepBoth, "先清垃圾再清杂物，双方同意"))
	w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Rectify, Items: []RectifyItem{shutDoor}})
	x, err = w.pairs(w.clerk, v, PairContrary, openDoor, shutDoor, "") // anew, since it is asked for again
	w.must(err)
	w.must(w.SettlePair(ctx, w.inspector("fire"), v.ID, x.ID, KeepOther, "可装常闭式防火门"))
	w.allSee(v)
	w.must(w.ends(v))
	if left := w.viewNow(v).LeftOut(); len(left) != 1 {
		t.Errorf("left out: %v", left)
	}
}

func TestWhoIsNotOnTheSiteSeesNoItemsOfOthers(t *testing.T) { // INS-1011, SEC-3
	w := newWorld(t, dbtest.SQLite(t))
	v := w.begun()
	w.hosts(v)
	w.comes(v, "fire", 1, 2)
	w.opines(v, w.inspector("fire"), "fire", OpinionRequest{Kind: Rectify, Items: []RectifyItem{openDoor}})
	for system, want := range map[string]int{"fire": 1, "urban": 0} {
		found, err := w.FindVisit(t.Context(), w.inspector(system), v.ID)
		w.must(err)
		if len(found.Proposed) != want {
			t.Errorf("%s sees %d items", system, len(found.Proposed))
		}
	}
	w.must(w.ends(v)) // nobody else is there
}

// leftIn is what stands in the place of the first merged item of a joint opinion.
func leftIn(j JointOpinion) *Standing {
	for _, l := range j.Content.Departments {
		for _, i := range l.Items {
			if i.Left != "" {
				return i.Stands
			}
		}
	}
	return nil
}

func TestOfARingOfLeftOutItemsOneStands(t *testing.T) { // INS-1011
	items := []ProposedItem{{ID: "a"}, {ID: "b"}, {ID: "c"}}
	ring := []ItemPair{{Item: items[1], Other: items[0], Keep: KeepItem}, {Item: items[2], Other: items[1], Keep: KeepItem}, {Item: items[2], Other: items[0], Keep: KeepOther}}
	left := leftOut(items, ring)
	if len(left) != 2 || left["a"].ID != "c" || left["b"].ID != "c" {
		t.Errorf("left out: %v", left)
	}
	if left = leftOut(items[:2], ring); len(left) != 1 || left["a"].ID != "b" {
		t.Errorf("without c: %v", left)
	}
}
