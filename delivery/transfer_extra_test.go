package delivery

import (
	"testing"

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
