package inspection

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/once"
	"lianban/notify"
)

// secondBoss is another supervisor of the centre.
func (w *testWorld) secondBoss() auth.Actor {
	second := w.boss
	second.ID, second.Name = "boss2", "赵主任"
	return second
}

// waives lets the joint opinion go on without a department, by two supervisors.
func (w *testWorld) waives(v Visit, system string) {
	w.t.Helper()
	id := w.part(v.ID, system).ID
	w.must(w.Waive(w.t.Context(), w.boss, id, "多次催办未果"))
	w.must(w.Waive(w.t.Context(), w.secondBoss(), id, "同意"))
}

// stuck is a visit where urban did not come, nobody attests it and so its silence
// never counts, while amr and fire agree.
func (w *testWorld) stuck() Visit {
	w.t.Helper()
	v := w.begun()
	w.hosts(v)
	w.comes(v, "amr", 1, 2)
	w.comes(v, "fire", 1, 2)
	for _, system := range []string{"amr", "fire"} {
		w.opines(v, w.inspector(system), system, OpinionRequest{Kind: Agree})
	}
	w.wait(v.End)
	_, err := w.EndSite(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	w.wait(at(20, 18, 0))
	w.holdsOn(v, "urban", HoldNotAttested)
	return v
}

func TestADepartmentWhoseOpinionDoesNotComeIsWaivedByTwoSupervisors(t *testing.T) { // INS-1101, O11
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.stuck()
		_, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "opinions_open")
		id := w.part(v.ID, "urban").ID
		w.refused(w.Waive(ctx, w.clerk, id, "多次催办未果"), "not_supervisor")
		w.refused(w.Waive(ctx, w.boss, id, " "), "reason_missing")
		w.must(w.Waive(ctx, w.boss, id, "多次催办未果"))
		w.refused(w.Waive(ctx, w.boss, id, "多次催办未果"), "two_persons")
		if p := w.part(v.ID, "urban"); p.Opinion != OpinionNone || p.Waiver() == nil || w.count("tasks", "kind = 'waive_opinion' AND done_at IS NULL") != 1 {
			t.Fatalf("after one word: %s, %+v", p.Opinion, p.Waiver())
		}
		w.must(w.Waive(ctx, w.secondBoss(), id, "同意"))
		w.tick()
		p := w.part(v.ID, "urban")
		if p.Opinion != OpinionWaived || p.Attendance != AttendanceAbsentProv || p.Consent != ConsentAccepted || len(p.OpenHolds()) != 0 {
			t.Errorf("%s, %s, %s, holds %v", p.Opinion, p.Attendance, p.Consent, p.OpenHolds())
		}
		if n := w.count("tasks", "done_at IS NULL AND subject = '"+id+"'"); n != 0 || w.deemedRows() != 0 {
			t.Errorf("%d tasks about it stay, %d deemed", n, w.deemedRows())
		}
		told := w.sent.of(notify.PurposeWaived, notify.Mail)
		if len(told) != 1 || !strings.Contains(plainText(t, told[0].Body), "不作为贵单位同意") || !strings.Contains(plainText(t, told[0].Body), "多次催办未果") {
			t.Errorf("%d letters to it", len(told))
		}
		w.refused(w.Waive(ctx, w.boss, id, "再办一次"), "opinion_not_owed")
		j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		line := lineFor(t, j, p.DepartmentID)
		if j.Result != ResultPassed || line.Source != "waived" || line.Kind != "" || line.Waived != "多次催办未果" {
			t.Errorf("%s, %+v", j.Result, line)
		}
		text, _ := w.printed(w.clerk, v, DocOpinion, "")
		wantWords(t, text, "未出具意见", "不作为同意", "多次催办未果")
		w.verifyBundle(v, "urban")
		for _, deed := range []string{"DELETE FROM waivers", "UPDATE waivers SET decided_by = proposed_by"} { // EV-12
			if told := w.afterDeed(deed); !slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, "leaves opinion_waived ") }) {
				t.Errorf("%s: %q", deed, told)
			}
		}
	})
}

func lineFor(t *testing.T, j JointOpinion, department string) JointLine {
	t.Helper()
	for _, l := range j.Content.Departments {
		if l.DepartmentID == department {
			return l
		}
	}
	t.Fatalf("no line of %s in %+v", department, j.Content.Departments)
	return JointLine{}
}

func TestNobodyIsWaivedWhoseTermRunsOrWhoseOpinionIsThere(t *testing.T) { // INS-1101
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.begun()
	w.hosts(v)
	w.comes(v, "amr", 1, 2)
	w.comes(v, "fire", 1, 2)
	w.refused(w.Waive(ctx, w.boss, w.part(v.ID, "fire").ID, "不想等"), "bad_move")
	w.wait(v.End)
	_, err := w.EndSite(ctx, w.clerk, v.ID)
	w.must(err)
	w.refused(w.Waive(ctx, w.boss, w.part(v.ID, "fire").ID, "不想等"), "opinion_term_runs")
	w.refused(w.Waive(ctx, w.boss, w.part(v.ID, "urban").ID, "不想等"), "opinion_term_runs")
	w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Agree})
	w.refused(w.Waive(ctx, w.boss, w.part(v.ID, "amr").ID, "不想等"), "opinion_not_owed")
}

func TestTheWordOfAWaivedDepartmentCountsUntilTheJointOpinion(t *testing.T) { // INS-1101, INS-914
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.stuck()
	w.waives(v, "urban")
	w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Disagree, Text: "依据城市市容和环境卫生管理条例第十七条"})
	j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
	if line := lineFor(t, j, w.part(v.ID, "urban").DepartmentID); j.Result != ResultFailed || line.Source != "given" || line.Waived != "" {
		t.Errorf("%s, %+v", j.Result, line)
	}
}

func TestTheLastOpinionIsNotWaived(t *testing.T) { // INS-1101
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.begun()
	w.hosts(v)
	w.wait(v.End)
	_, err := w.EndSite(ctx, w.clerk, v.ID)
	w.must(err)
	w.wait(at(20, 18, 0).Add(time.Hour))
	w.waives(v, "amr")
	w.waives(v, "urban")
	w.refused(w.Waive(ctx, w.boss, w.part(v.ID, "fire").ID, "多次催办未果"), "nobody_left")
}

func TestWhatAWaivedDepartmentDidNotLookAtStaysOpen(t *testing.T) { // INS-1101, INS-919, INS-1109
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.closedWith(OpinionRequest{Kind: Rectify, Items: toSee()})
	w.given(v, 1)
	w.asks(v)
	r := w.booksRevisit(v)
	w.reply(r, "fire", ReplyAccept)
	w.wait(r.Start)
	_, err := w.Start(ctx, w.clerk, r.ID)
	w.must(err)
	w.wait(r.End)
	_, err = w.EndSite(ctx, w.clerk, r.ID)
	w.must(err)
	w.wait(r.End.AddDate(0, 0, 5))
	w.waives(r, "fire")
	j, err := w.Close(ctx, w.clerk, r.ID, once.Key{})
	w.must(err)
	items := w.viewNow(v).Rectification.Items
	if j.Result != ResultRectify || w.visitNow(r).Result != ResultRectify || items[0].State != ItemOpen || !items[0].DueAt.After(w.clock.Now()) {
		t.Errorf("%s, revisit %s, %+v", j.Result, w.visitNow(r).Result, items)
	}
	if line := lineFor(t, j, items[0].DepartmentID); line.Source != "given" || line.Kind != Rectify {
		t.Errorf("its own word is lost: %+v", line)
	}
}
