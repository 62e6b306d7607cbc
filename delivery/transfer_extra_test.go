package delivery

import (
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// DEL-911, DEL-910: what nobody released is not signed for; it is found, with a
// photo, and stays with the window until that says, once and with a reason, that it
// is a thing of the register, a new one, or was given back.
func TestWhatNobodyReleasedIsFoundUntilTheWindowExplainsIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s := w.newSet("amr")
		tr := w.handOver(s.Lines[0], certificate("正本"))
		r := AcceptRequest{TransferID: tr.ID, Count: 1, Extras: []Extra{{Title: "副本"}}}
		_, err := w.Accept(ctx, w.clerk, r)
		w.refused(err, "extra_incomplete")
		photo := w.photo()
		r.Extras = []Extra{{Title: "副本", Photo: photo}, {Title: "别家的许可证", Photo: photo}}
		got, err := w.Accept(ctx, w.clerk, r)
		w.must(err)
		if got.State != Accepted || len(got.Extras) != 2 || w.sound()[AtWindow] != 1 {
			t.Fatalf("signed for: %+v", got)
		}
		open := func() int {
			list, err := w.ListTransfers(ctx, w.clerk, TransferQuery{Unexplained: true})
			w.must(err)
			return len(list)
		}
		if open() != 1 {
			t.Errorf("%d transfers wait for an explanation, want one", open())
		}
		if _, body, err := w.OpenTransferBlob(ctx, w.inspector("amr"), tr.ID, photo); err != nil || len(body) == 0 {
			t.Errorf("photo: %v", err)
		}
		_, _, err = w.OpenTransferBlob(ctx, w.inspector("fire"), tr.ID, photo)
		w.refused(err, "not_found")
		fresh, back := got.Extras[0].ID, got.Extras[1].ID
		for code, e := range map[string]ExtraExplained{
			"extra_answer": {ID: fresh, Text: "x"}, "reason_missing": {ID: fresh, Answer: ExtraReturned}, "not_found": {ID: "none", Answer: ExtraReturned, Text: "x"},
			"item_incomplete": {ID: fresh, Answer: ExtraNew, Text: "x"}, "own_number_invalid": {ID: fresh, Answer: ExtraKnown, Number: "1", Text: "x"},
			"seal_facts": {ID: fresh, Answer: ExtraNew, Class: ClassSeal, Text: "x"},
		} {
			_, err = w.ExplainTransferExtra(ctx, w.clerk, e)
			w.refused(err, code)
		}
		_, err = w.ExplainTransferExtra(ctx, w.inspector("amr"), ExtraExplained{ID: fresh, Answer: ExtraReturned, Text: "x"})
		w.refused(err, "not_receiving_window")
		_, err = w.ExplainTransferExtra(ctx, w.elsewhere(), ExtraExplained{ID: fresh, Answer: ExtraReturned, Text: "x"})
		w.refused(err, "not_found")
		e, err := w.ExplainTransferExtra(ctx, w.clerk, ExtraExplained{ID: fresh, Answer: ExtraNew, Class: ClassCertificate, Text: "部门漏登"})
		w.must(err)
		i, err := w.FindItem(ctx, w.clerk, e.ItemID)
		w.must(err)
		if i.Title != "副本" || i.LineID != s.Lines[0].ID || i.keeper() != (Keeper{AtWindow, w.centre.ID}) || len(i.History) != 2 || w.sound()[AtWindow] != 2 {
			t.Errorf("registered: %+v", i)
		}
		_, err = w.ExplainTransferExtra(ctx, w.clerk, ExtraExplained{ID: fresh, Answer: ExtraReturned, Text: "x"})
		w.refused(err, "extra_explained")
		_, err = w.ExplainTransferExtra(ctx, w.clerk, ExtraExplained{ID: back, Answer: ExtraReturned, Text: "由其经办人当面取回"})
		w.must(err)
		if held := w.sound(); open() != 0 || held[AtWindow] != 2 || held[AtDepartment] != 0 {
			t.Errorf("explained: %d open, %v", open(), held)
		}
		if leaves := w.leaves(s.CaseID); leaves != "results_expected transfer_released transfer_accepted transfer_extra_explained transfer_extra_explained" {
			t.Errorf("recorded: %s", leaves)
		}
	})
}

// DEL-911, DEL-910: where nothing listed lay in a hand-over, but something else did, it
// is signed for with that alone: the department goes on answering for what it listed.
func TestHandOverWithOnlyAnUnlistedThingIsSignedForWithThatAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s := w.newSet("amr")
		tr := w.handOver(s.Lines[0], certificate("正本"))
		r := AcceptRequest{TransferID: tr.ID, Found: []Found{{ItemID: tr.Items[0].ItemID, Outcome: FoundMissing, Note: "袋内没有"}}}
		_, err := w.Accept(ctx, w.clerk, r)
		w.refused(err, "nothing_accepted")
		r.Extras = []Extra{{Title: "别家的许可证"}}
		_, err = w.Accept(ctx, w.clerk, r)
		w.refused(err, "extra_incomplete")
		r.Extras[0].Photo, r.Count = w.photo(), 1
		_, err = w.Accept(ctx, w.clerk, r)
		w.refused(err, "count_differs")
		r.Count = 0
		got, err := w.Accept(ctx, w.clerk, r)
		w.must(err)
		if held := w.sound(); got.State != AcceptedPartial || len(got.Extras) != 1 || held[AtWindow] != 0 || held[AtDepartment] != 1 {
			t.Errorf("signed for: %+v %v", got, held)
		}
		if l := w.line(s.CaseID, "amr"); l.State != LineExpected || !l.ReceivedAt.IsZero() {
			t.Errorf("line: %+v", l)
		}
		_, err = w.Release(ctx, w.inspector("amr"), ReleaseRequest{LineID: s.Lines[0].ID, DecidedOn: tr.DecidedOn, Again: []string{tr.Items[0].ItemID}})
		w.must(err) // this time it is in it
		if leaves := w.leaves(s.CaseID); leaves != "results_expected transfer_released transfer_accepted_partial transfer_released" {
			t.Errorf("recorded: %s", leaves)
		}
	})
}

// DEL-911, DEL-307: a thing that was missing from one hand-over and turns up in
// another is named by its number; when it was the last, the result is received. A
// thing of another case comes by a hand-over of its own.
func TestMissingThingThatTurnsUpUnlistedCompletesItsResult(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s, other := w.newSet("amr"), w.newSet("amr")
		tr := w.handOver(s.Lines[0], certificate("正本"), certificate("副本"))
		gone, photo := tr.Items[1], w.photo()
		first, err := w.Accept(ctx, w.clerk, AcceptRequest{
			TransferID: tr.ID, Count: 1, Found: []Found{{ItemID: gone.ItemID, Outcome: FoundMissing, Note: "袋内没有"}}, Extras: []Extra{{Title: "夹层里的副本", Photo: photo}},
		})
		w.must(err)
		kept := w.handOver(other.Lines[0], certificate("正本"))
		elsewhere, err := w.Accept(ctx, w.clerk, AcceptRequest{TransferID: kept.ID, Count: 1, Extras: []Extra{{Title: "副本", Photo: photo}}})
		w.must(err)
		_, err = w.ExplainTransferExtra(ctx, w.clerk, ExtraExplained{ID: elsewhere.Extras[0].ID, Answer: ExtraKnown, Number: gone.Item.Number, Text: "x"})
		w.refused(err, "extra_elsewhere")
		if got := w.line(s.CaseID, "amr").State; got != LineExpected {
			t.Fatalf("line: %s", got)
		}
		e, err := w.ExplainTransferExtra(ctx, w.clerk, ExtraExplained{ID: first.Extras[0].ID, Answer: ExtraKnown, Number: gone.Item.Number, Text: "夹在封皮里"})
		w.must(err)
		if e.ItemID != gone.ItemID || w.sound()[AtDepartment] != 0 {
			t.Errorf("known: %+v %v", e, w.sound())
		}
		if l := w.line(s.CaseID, "amr"); l.State != LineReceived || !l.ReceivedAt.Equal(w.now()) {
			t.Errorf("line: %+v", l)
		}
	})
}

// partly is a hand-over of which only the first thing is there, signed for with
// something unlisted beside it for each that is missing.
func (w *testWorld) partly(l ResultLine, why string, things ...NewItem) TransferView {
	w.t.Helper()
	tr, err := w.Release(w.t.Context(), w.inspector(l.DepartmentID), ReleaseRequest{LineID: l.ID, DecidedOn: "2026-11-23", New: things, PartialWhy: why})
	w.must(err)
	r := AcceptRequest{TransferID: tr.ID, Count: 1}
	for _, i := range tr.Items[1:] {
		r.Found = append(r.Found, Found{ItemID: i.ItemID, Outcome: FoundMissing, Note: "袋内没有"})
		r.Extras = append(r.Extras, Extra{Title: "未列明的一件", Photo: w.photo()})
	}
	out, err := w.Accept(w.t.Context(), w.clerk, r)
	w.must(err)
	return out
}

// named says that the n-th unlisted thing is the n-th of those that were missing.
func (w *testWorld) named(t TransferView, n int) error {
	_, err := w.ExplainTransferExtra(w.t.Context(), w.clerk, ExtraExplained{
		ID: t.Extras[n-1].ID, Answer: ExtraKnown, Number: t.Items[n].Item.Number, Text: "夹在封皮里",
	})
	return err
}

// DEL-911, DEL-307, DEL-301: what is still missing, and what its department said is
// still to come, keep a result from being received.
func TestResultIsReceivedOnceNothingOfItIsMissingAndNoMoreIsToCome(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.newSet("amr", "fire")
		both := w.partly(s.Lines[0], "", certificate("正本"), certificate("副本"), certificate("附件"))
		w.must(w.named(both, 1))
		if got := w.line(s.CaseID, "amr").State; got != LineExpected {
			t.Fatalf("with one thing missing it is %s", got)
		}
		w.must(w.named(both, 2))
		if got := w.line(s.CaseID, "amr").State; got != LineReceived {
			t.Errorf("with nothing missing it is %s", got)
		}
		more := w.partly(s.Lines[1], "in_production", certificate("正本"), certificate("副本"))
		w.must(w.named(more, 1))
		if got := w.line(s.CaseID, "fire").State; got != LineExpected {
			t.Fatalf("with more to come it is %s", got)
		}
		w.at = w.at.Add(time.Hour)
		rest := w.partly(s.Lines[1], "", certificate("附图"), certificate("附表"))
		w.must(w.named(rest, 1))
		if got := w.line(s.CaseID, "fire").State; got != LineReceived {
			t.Errorf("after the last hand-over it is %s", got)
		}
	})
}

// DEL-911, DEL-910: a thing that lies at the window is named and stays where it is;
// one that is on another way, or void, is not brought back by finding it.
func TestWhatIsElsewhereByTheRegisterIsNotTakenAsFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s := w.newSet("amr")
		tr := w.partly(s.Lines[0], "", certificate("正本"), certificate("副本"), certificate("附件"))
		known := func(i TransferItem) error {
			_, err := w.ExplainTransferExtra(ctx, w.clerk, ExtraExplained{ID: tr.Extras[0].ID, Answer: ExtraKnown, Number: i.Item.Number, Text: "同一件"})
			return err
		}
		again := ReleaseRequest{LineID: s.Lines[0].ID, DecidedOn: "2026-11-23", Again: []string{tr.Items[1].ItemID}}
		_, err := w.Release(ctx, w.inspector("amr"), again)
		w.must(err)
		w.refused(known(tr.Items[1]), "extra_elsewhere")
		before, err := w.FindItem(ctx, w.clerk, tr.Items[0].ItemID)
		w.must(err)
		w.must(known(tr.Items[0]))
		after, err := w.FindItem(ctx, w.clerk, tr.Items[0].ItemID)
		w.must(err)
		if len(after.History) != len(before.History) || after.keeper() != (Keeper{AtWindow, w.centre.ID}) {
			t.Errorf("it was here already: %+v", after.History)
		}
		w.destroy(w.clerk, w.boss, tr.Items[0].ItemID, false)
		_, err = w.ExplainTransferExtra(ctx, w.clerk, ExtraExplained{ID: tr.Extras[1].ID, Answer: ExtraKnown, Number: tr.Items[0].Item.Number, Text: "同一件"})
		w.refused(err, "extra_elsewhere")
		if held := w.sound(); held[Destroyed] != 1 || held[AtWindow] != 0 {
			t.Errorf("held: %v", held)
		}
	})
}

// DEL-911: a result that has left, or is not sent at all, gets no further thing.
func TestResultThatHasLeftOrIsNotSentGetsNoFurtherThing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		fresh := func(t TransferView) error {
			_, err := w.ExplainTransferExtra(ctx, w.clerk, ExtraExplained{ID: t.Extras[0].ID, Answer: ExtraNew, Class: ClassCertificate, Text: "部门漏登"})
			return err
		}
		s := w.newSet("amr")
		tr := w.handOver(s.Lines[0], certificate("正本"))
		gone, err := w.Accept(ctx, w.clerk, AcceptRequest{TransferID: tr.ID, Count: 1, Extras: []Extra{{Title: "副本", Photo: w.photo()}}})
		w.must(err)
		seal := w.sealRequest(ClassCertificate)
		seal.CaseID, seal.Items = s.CaseID, []string{tr.Items[0].ItemID}
		_, err = w.Seal(ctx, w.clerk, seal)
		w.must(err)
		w.refused(fresh(gone), "extra_line_left")

		other := w.newSet("amr")
		waived := w.partly(other.Lines[0], "in_production", certificate("正本"), certificate("副本"))
		_, err = w.Waive(ctx, w.clerk, other.Lines[0].ID, "只出具意见")
		w.must(err)
		w.refused(fresh(waived), "extra_line_left")
	})
}

// SEC-15, DEL-911: a photo is given with the hand-over that it was taken of alone.
func TestPhotoOfAnotherHandOverIsNotGivenWithThisOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s := w.newSet("amr")
		tr := w.partly(s.Lines[0], "", certificate("正本"), certificate("副本"))
		sum, body := picture(t, 7)
		_, err := w.PutBlob(ctx, w.clerk, sum, body)
		w.must(err)
		_, _, err = w.OpenTransferBlob(ctx, w.inspector("amr"), tr.ID, sum)
		w.refused(err, "not_found")
	})
}
