package inspection

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/once"
	"lianban/notify"
)

// takesBack reverses a deemed consent by two supervisors.
func (w *testWorld) takesBack(v Visit, system string) {
	w.t.Helper()
	second := w.boss
	second.ID, second.Name = "boss2", "赵主任"
	id := w.part(v.ID, system).ID
	w.must(w.Reverse(w.t.Context(), w.boss, id, "送达有误"))
	w.must(w.Reverse(w.t.Context(), second, id, "同意撤销"))
}

// closedWith is a visit at which amr was deemed and fire and urban said that, and
// whose joint opinion is issued.
func (w *testWorld) closedWith(fire OpinionRequest) Visit {
	w.t.Helper()
	v := w.served()
	for _, system := range []string{"fire", "urban"} {
		w.reply(v, system, ReplyAccept)
	}
	w.deemedAt(v, "amr")
	w.wait(v.Start)
	_, err := w.Start(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	w.opines(v, w.inspector("fire"), "fire", fire)
	w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Agree})
	_, err = w.EndSite(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	_, err = w.Close(w.t.Context(), w.clerk, v.ID, once.Key{})
	w.must(err)
	return v
}

func TestAReversalAfterTheJointOpinionLeadsToANewVersion(t *testing.T) { // INS-917, V12, INS-1103, INS-1104
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.closedWith(OpinionRequest{Kind: Agree})
		first := w.viewNow(v).Joint
		_, printed := w.printed(w.clerk, v, DocOpinion, "")
		w.takesBack(v, "amr")
		amr := w.part(v.ID, "amr")
		if w.visitNow(v).State != VisitCollecting || amr.Opinion != OpinionNone || amr.Deemed.SuspendedAt.IsZero() {
			t.Fatalf("%s, opinion %s", w.visitNow(v).State, amr.Opinion)
		}
		due := w.due(v, "amr", DeadlineOpinion)
		if want := at(20, 17, 30); !due.Equal(want) { // the next working day
			t.Errorf("its own opinion is due %v, want %v", due, want)
		}
		if n := w.count("tasks", "kind = 'never_deemed' AND done_at IS NULL"); n != 1 {
			t.Errorf("%d tasks to get the opinion, want 1", n)
		}
		w.tick()
		told := w.sent.of(notify.PurposeOpinionDue, notify.Mail)
		if len(told) == 0 || strings.Contains(plainText(t, told[len(told)-1].Body), "按规定视为同意") {
			t.Errorf("%d letters, and the last threatens with what cannot be", len(told))
		}
		w.wait(due.Add(24 * time.Hour))
		if n := w.deemedRows(); n != 1 { // INS-917: nothing is deemed again
			t.Errorf("%d deemed rows, want 1", n)
		}
		_, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "opinions_open")
		w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Disagree, Text: "依据食品安全法第三十三条"})
		j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		if j.Version != 2 || j.Number != first.Number || j.Result != ResultFailed || j.Content.Replaces != first.FullNumber() {
			t.Errorf("%s version %d, %s, replaces %s", j.Number, j.Version, j.Result, j.Content.Replaces)
		}
		if now := w.visitNow(v); now.State != VisitClosed || now.Result != ResultFailed {
			t.Errorf("%s, %s", now.State, now.Result)
		}
		again, err := w.Document(ctx, w.clerk, DocumentRequest{VisitID: v.ID, Kind: DocOpinion, N: 1})
		w.must(err)
		if !bytes.Equal(again.PDF, printed.PDF) { // INS-1105
			t.Error("the first version prints otherwise now")
		}
		w.verifyBundle(v, "amr")
	})
}

func TestWhatIsAskedForAfterAReversalMakesTheListIfThereWasNone(t *testing.T) { // INS-917, INS-1107
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.closedWith(OpinionRequest{Kind: Agree})
	w.takesBack(v, "amr")
	w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Rectify, Items: toSee()})
	j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
	now := w.viewNow(v)
	if j.Version != 2 || j.Result != ResultRectify || now.Rectification == nil || len(now.Rectification.Items) != 1 {
		t.Errorf("version %d, %s, %+v", j.Version, j.Result, now.Rectification)
	}
}

func TestAListThatWasMadeDoesNotGrowWhenAVisitIsOpenedAgain(t *testing.T) { // INS-1107
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.closedWith(OpinionRequest{Kind: Rectify, Items: toSee()})
	w.takesBack(v, "amr")
	_, err := w.Opine(ctx, w.inspector("amr"), OpinionRequest{ParticipantID: w.part(v.ID, "amr").ID, Kind: Rectify, Items: toSee()})
	w.refused(err, "list_locked")
	w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Agree})
	j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
	if j.Version != 2 || j.Result != ResultRectify || len(w.viewNow(v).Rectification.Items) != 1 {
		t.Errorf("version %d, %s", j.Version, j.Result)
	}
}

func TestOnePersonAloneOpensNothingAgain(t *testing.T) { // INS-917, V12
	w := newWorld(t, town.SQLite(t))
	v := w.closedWith(OpinionRequest{Kind: Agree})
	id := w.part(v.ID, "amr").ID
	w.must(w.Reverse(t.Context(), w.boss, id, "送达有误"))
	w.refused(w.Reverse(t.Context(), w.boss, id, "送达有误"), "two_persons")
	if w.visitNow(v).State != VisitClosed || !w.part(v.ID, "amr").Deemed.SuspendedAt.IsZero() {
		t.Error("one person was enough")
	}
}

func TestARevisitIsNotClosedOverAFirstVisitThatIsOpenAgain(t *testing.T) { // V12, INS-1109
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.closedWith(OpinionRequest{Kind: Rectify, Items: toSee()})
	w.given(v, 1)
	w.asks(v)
	r := w.booksRevisit(v)
	w.reply(r, "fire", ReplyAccept)
	w.wait(r.Start)
	_, err := w.Start(ctx, w.clerk, r.ID)
	w.must(err)
	w.comes(r, "fire", 1, 2)
	w.opines(r, w.inspector("fire"), "fire", OpinionRequest{Kind: Agree})
	_, err = w.EndSite(ctx, w.clerk, r.ID)
	w.must(err)
	w.takesBack(v, "amr")
	_, err = w.Close(ctx, w.clerk, r.ID, once.Key{})
	w.refused(err, "first_reopened")
	w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Agree})
	_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
	j, err := w.Close(ctx, w.clerk, r.ID, once.Key{})
	w.must(err)
	if j.Version != 3 || j.Result != ResultPassed {
		t.Errorf("version %d, %s", j.Version, j.Result)
	}
}

// There is nothing to take back from a department that said it itself: also not
// once what was deemed for it is taken back and its own word has come.
func TestWhatADepartmentSaidItselfIsNotReversed(t *testing.T) { // INS-917, O10
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.closedWith(OpinionRequest{Kind: Agree})
		w.refused(w.Reverse(t.Context(), w.boss, w.part(v.ID, "fire").ID, "意见有误"), "nothing_deemed")
		w.takesBack(v, "amr")
		w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Disagree, Text: "依据食品安全法第三十三条"})
		w.refused(w.Reverse(t.Context(), w.boss, w.part(v.ID, "amr").ID, "意见有误"), "nothing_deemed")
		if n := w.count("reversals", "1 = 1"); n != 1 {
			t.Errorf("%d reversals, want the one", n)
		}
	})
}

// What a deemed department asked for on the site and a supervisor did not follow is
// no item of the list.
func TestWhatASupervisorDidNotFollowIsNoItemOfTheList(t *testing.T) { // INS-915, INS-1107
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for _, system := range []string{"fire", "urban"} {
			w.reply(v, system, ReplyAccept)
		}
		w.deemedAt(v, "amr")
		w.wait(v.Start)
		_, err := w.Start(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Rectify, Items: []RectifyItem{{Finding: "无防鼠板", Clause: "食品安全规范", Verify: VerifyVisit, Days: 5}}})
		w.opines(v, w.inspector("fire"), "fire", OpinionRequest{Kind: Rectify, Items: toSee()})
		w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Agree})
		_, err = w.EndSite(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.must(w.Uphold(t.Context(), w.boss, w.part(v.ID, "amr").ID, "逾期且无依据"))
		_, err = w.Close(t.Context(), w.clerk, v.ID, once.Key{})
		w.must(err)
		list := w.viewNow(v).Rectification
		if list == nil || len(list.Items) != 1 || list.Items[0].DepartmentID != w.department("fire") {
			t.Errorf("the list is %+v", list)
		}
	})
}
