package inspection

import (
	"strings"
	"testing"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/once"
	"lianban/notify"
)

// danger is an inspector's report of one.
func (w *testWorld) danger(v Visit, system string) (Danger, error) {
	w.t.Helper()
	return w.ReportDanger(w.t.Context(), w.inspector(system), DangerRequest{ParticipantID: w.part(v.ID, system).ID, What: "后厨燃气泄漏"})
}

// agreed is a visit that waits for nothing but to be closed with passed.
func (w *testWorld) agreed() Visit { w.t.Helper(); return w.agreedBut(OpinionRequest{Kind: Agree}) }

// agreedBut is one with another word of fire.
func (w *testWorld) agreedBut(fire OpinionRequest) Visit {
	w.t.Helper()
	v := w.begun()
	w.hosts(v)
	for _, system := range []string{"amr", "fire", "urban"} {
		w.comes(v, system, 1, 2)
	}
	w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Agree})
	w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Agree})
	w.opines(v, w.inspector("fire"), "fire", fire)
	w.allSee(v)
	v, err := w.EndSite(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	return v
}

// INS-1015: while a danger stands nothing passes, whatever the departments said;
// somebody of the same department clears it in writing, and the joint opinion names
// it.
func TestNoVisitPassesWhileADangerIsNotClearedInWriting(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.agreed()
		_, err := w.ReportDanger(ctx, w.inspector("fire"), DangerRequest{ParticipantID: w.part(v.ID, "urban").ID, What: "线路裸露"})
		w.refused(err, "not_your_department")
		_, err = w.ReportDanger(ctx, w.inspector("fire"), DangerRequest{ParticipantID: w.part(v.ID, "fire").ID, What: " "})
		w.refused(err, "reason_missing")
		found, err := w.ReportDanger(ctx, w.inspector("fire"), DangerRequest{ParticipantID: w.part(v.ID, "fire").ID, What: "后厨燃气泄漏", Photo: w.image()})
		w.must(err)
		if w.count("tasks", "kind = 'danger' AND for_role = 'supervisor' AND done_at IS NULL") != 1 {
			t.Error("the supervisor is not called")
		}
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "danger_open")
		clear := func(by auth.Actor, note string) error { return w.ClearDanger(ctx, by, v.ID, found.ID, note) }
		w.refused(clear(w.inspector("urban"), "已排除"), "not_a_window")
		w.refused(clear(w.clerk, "已排除"), "not_supervisor")
		w.refused(clear(w.nth("fire", 2), ""), "reason_missing")
		w.must(clear(w.nth("fire", 2), "燃气公司已更换阀门，复测合格"))
		w.refused(clear(w.nth("fire", 2), "再次"), "danger_cleared")
		j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		if j.Result != ResultPassed || len(j.Content.Dangers) != 1 || j.Content.Dangers[0].Note == "" || j.Content.Dangers[0].Department == "" {
			t.Errorf("the joint opinion names %+v", j.Content.Dangers)
		}
		if w.count("tasks", "kind = 'danger' AND done_at IS NULL") != 0 {
			t.Error("the task is left")
		}
	})
}

// INS-1015: where the department does not, two supervisors clear it, and one alone
// does not.
func TestTwoSupervisorsClearADangerAndOneAloneDoesNot(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.agreed()
		found, err := w.danger(v, "fire")
		w.must(err)
		w.must(w.ClearDanger(ctx, w.boss, v.ID, found.ID, "现场核查无泄漏"))
		w.refused(w.ClearDanger(ctx, w.boss, v.ID, found.ID, "现场核查无泄漏"), "danger_second")
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "danger_open")
		second := w.boss
		second.ID = "boss2"
		w.must(w.ClearDanger(ctx, second, v.ID, found.ID, "同意解除"))
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
	})
}

// INS-1015: at any time and in any state: before the visit, after it, and of one
// that has passed already. What is about a danger or somebody's conduct is not over
// with the visit.
func TestADangerIsTakenInAnyStateAndOutlivesTheVisit(t *testing.T) {
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	early := w.newVisit()
	_, err := w.danger(early, "fire")
	w.must(err)
	v := w.agreed()
	_, err = w.Report(ctx, w.clerk, w.separate(w.caseNow(v)))
	w.must(err)
	_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
	late, err := w.danger(v, "urban")
	w.must(err)
	_, err = w.Cancel(ctx, w.clerk, early.ID, "weather", "大雨")
	w.must(err)
	if n := w.count("tasks", "kind IN ('danger', 'decide_breach') AND done_at IS NULL"); n != 3 {
		t.Errorf("%d of three tasks are left", n)
	}
	if n := w.count("tasks", "kind = 'danger' AND detail LIKE '%已是通过%'"); n != 1 {
		t.Errorf("%d tasks say that the visit has passed", n)
	}
	seen, err := w.FindVisit(ctx, w.inspector("amr"), v.ID)
	w.must(err)
	if len(seen.Dangers) != 1 || seen.Dangers[0].ID != late.ID {
		t.Errorf("another department sees %+v", seen.Dangers)
	}
}

// INS-1015: what is put right passes only without a danger.
func TestRectificationDoesNotPassWhileADangerStands(t *testing.T) {
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	v := w.agreedBut(OpinionRequest{Kind: Rectify, Items: []RectifyItem{{Finding: "灭火毯少一块", Clause: "GB 55037", Verify: VerifyPhoto, Days: 3}}})
	_, err := w.danger(v, "urban")
	w.must(err)
	j, err := w.Close(ctx, w.clerk, v.ID, once.Key{}) // what does not pass is closed, and names the danger
	w.must(err)
	if len(j.Content.Dangers) != 1 || !j.Content.Dangers[0].ClearedAt.IsZero() {
		t.Errorf("the joint opinion names %+v", j.Content.Dangers)
	}
	w.given(v, 1)
	item := w.viewNow(v).Rectification.Items[0]
	photo, err := w.AddPhoto(ctx, w.clerk, PhotoRequest{VisitID: v.ID, Item: item.ID, Photo: w.image()})
	w.must(err)
	w.must(w.AnswerPhoto(ctx, w.inspector("fire"), PhotoReply{VisitID: v.ID, Photo: photo.ID, Answer: PhotoAgreed}))
	_, err = w.Conclude(ctx, w.clerk, v.ID, once.Key{})
	w.refused(err, "danger_open")
}

func TestTheSupervisorIsCalledByTextAndMail(t *testing.T) { // INS-1015
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	_, err := w.Auth.AddPerson(ctx, auth.System("test"), auth.NewPerson{
		Login: "boss", Name: "李主任", Password: "Yongzhou-2019", Phone: "13900001111", Mail: "boss@lianban.example",
		Post: auth.Post{Roles: []auth.Role{auth.Supervisor}, Centre: w.centre.ID},
	})
	w.must(err)
	v := w.newVisit()
	_, err = w.danger(v, "fire")
	w.must(err)
	w.tick()
	texts, mails := w.sent.of(purposeDanger, notify.SMS), w.sent.of(purposeDanger, notify.Mail)
	if len(texts) != 1 || len(mails) != 1 || strings.Contains(texts[0].Text, "燃气") || !strings.Contains(texts[0].Text, v.CaseNumber) {
		t.Errorf("%d texts, %d mails: %+v", len(texts), len(mails), texts)
	}
}

// INS-1015: a danger that is found at a revisit stands against the same result.
func TestADangerFoundAtARevisitStandsAgainstTheResultOfTheVisit(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.agreedBut(OpinionRequest{Kind: Rectify, Items: toSee()})
		_, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		w.given(v, 1)
		w.asks(v)
		r := w.booksRevisit(v)
		w.reply(r, "fire", ReplyAccept)
		w.wait(r.Start)
		r, err = w.Start(ctx, w.clerk, r.ID)
		w.must(err)
		w.comes(r, "fire", 1, 2)
		found, err := w.danger(r, "fire")
		w.must(err)
		w.opines(r, w.inspector("fire"), "fire", OpinionRequest{Kind: Agree})
		_, err = w.EndSite(ctx, w.clerk, r.ID)
		w.must(err)
		_, err = w.Close(ctx, w.clerk, r.ID, once.Key{})
		w.refused(err, "danger_open")
		w.must(w.ClearDanger(ctx, w.nth("fire", 2), r.ID, found.ID, "燃气公司已更换阀门，复测合格"))
		j, err := w.Close(ctx, w.clerk, r.ID, once.Key{})
		w.must(err)
		if j.VisitID != v.ID || j.Result != ResultPassed || len(j.Content.Dangers) != 1 {
			t.Errorf("%s of %s names %+v", j.Result, j.VisitID, j.Content.Dangers)
		}
	})
}

func TestADangerThatIsChangedByHandShowsInTheLog(t *testing.T) { // EV-12, INS-1015
	w := newWorld(t, town.SQLite(t))
	v := w.agreed()
	found, err := w.danger(v, "fire")
	w.must(err)
	w.must(w.ClearDanger(t.Context(), w.boss, v.ID, found.ID, "现场核查无泄漏"))
	for _, deed := range []string{
		"UPDATE dangers SET what = '无'", "UPDATE dangers SET first_note = '同意'", "UPDATE dangers SET note = '已排除', cleared_at = first_at, cleared_by = first_by",
		"UPDATE dangers SET sha256 = '00'", "DELETE FROM dangers",
	} {
		if told := w.afterDeed(deed); len(told) == 0 {
			t.Errorf("nobody sees %s", deed)
		}
	}
}
