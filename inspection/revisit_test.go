package inspection

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

func (w *testWorld) calendar() (cal *workday.Calendar) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) (err error) {
		cal, err = office.Calendar(w.t.Context(), q)
		return err
	}))
	return cal
}

// toSee is one item of fire that is seen on the site.
func toSee() []RectifyItem {
	return []RectifyItem{{Finding: "疏散通道堆放杂物", Clause: "消防法第二十八条", Verify: VerifyVisit, Days: 5}}
}

func (w *testWorld) asks(v Visit) RevisitRequest {
	w.t.Helper()
	r, err := w.RequestRevisit(w.t.Context(), w.clerk, AskRequest{VisitID: v.ID, Channel: "phone", Person: "李梅"})
	w.must(err)
	return r
}

// booksRevisit plans the revisit that was asked for and books its best time.
func (w *testWorld) booksRevisit(v Visit) Visit {
	w.t.Helper()
	draft, err := w.PlanRevisit(w.t.Context(), w.clerk, v.ID, 0, once.Key{})
	w.must(err)
	booked, err := w.Book(w.t.Context(), w.clerk, BookRequest{VisitID: draft.ID, Choice: w.bestSlot(draft.ID)})
	w.must(err)
	w.tick()
	return booked
}

// looks plays a revisit: everybody comes and says what is given for it.
func (w *testWorld) looks(v Visit, says map[string]OpinionRequest) JointOpinion {
	w.t.Helper()
	ctx := w.t.Context()
	for system := range says {
		w.reply(v, system, ReplyAccept)
	}
	w.wait(v.Start)
	v, err := w.Start(ctx, w.clerk, v.ID)
	w.must(err)
	for system, r := range says {
		w.comes(v, system, 1, 2)
		w.opines(v, w.inspector(system), system, r)
	}
	_, err = w.EndSite(ctx, w.clerk, v.ID)
	w.must(err)
	j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
	return j
}

func (w *testWorld) item(v Visit, n int) ListedItem {
	w.t.Helper()
	return w.viewNow(v).Rectification.Items[n-1]
}

func TestARevisitLooksAtTheOpenItemsOfTheirDepartmentsOnly(t *testing.T) { // INS-1109
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.rectified()
		plan := func(by auth.Actor) error {
			_, err := w.PlanRevisit(ctx, by, v.ID, 0, once.Key{})
			return err
		}
		_, err := w.RequestRevisit(ctx, w.clerk, AskRequest{VisitID: v.ID, Channel: "window", Person: "李梅"})
		w.refused(err, "list_not_given")
		w.given(v, 1)
		w.refused(plan(w.clerk), "revisit_not_asked")
		for code, r := range map[string]AskRequest{"ask_channel": {Channel: "dream", Person: "李梅"}, "name_missing": {Channel: "phone"}} {
			r.VisitID = v.ID
			_, err = w.RequestRevisit(ctx, w.clerk, r)
			w.refused(err, code)
		}
		w.asks(v)
		_, err = w.RequestRevisit(ctx, w.boss, AskRequest{VisitID: v.ID, Channel: "window", Person: "李梅"})
		w.refused(err, "revisit_asked")
		for _, by := range []auth.Actor{w.inspector("fire"), {Kind: auth.KindLink, ID: "x"}, {Kind: auth.KindKey, ID: "k", Divisions: []string{"431103"}, Scopes: []string{scopeCasesWrite}}} {
			w.refused(plan(by), "not_a_window") // INS-201
		}
		r := w.booksRevisit(v)
		w.refused(plan(w.clerk), "revisit_exists")
		if parts := w.viewNow(r).Participants; len(parts) != 2 || r.RevisitOf != v.ID || r.SingleByRule {
			t.Fatalf("%d departments come to %+v", len(parts), r)
		}
		for _, m := range w.sent.of(notify.PurposeNotice, notify.Mail) {
			if m.Subject != w.part(r.ID, "fire").ID {
				continue
			}
			if text := string(m.Text); !strings.Contains(text, "联合复勘") || !strings.Contains(text, "1. 疏散通道堆放杂物") || strings.Contains(text, "店招") || strings.Contains(text, "按规定视为同意") {
				t.Errorf("fire is told %s", text)
			}
		}
		err = w.Withdraw(ctx, w.boss, WithdrawRequest{ParticipantID: w.part(r.ID, "urban").ID, Code: "other", Reason: "不用看"})
		w.refused(err, "revisit_stays")

		for _, system := range []string{"fire", "urban"} {
			w.reply(r, system, ReplyAccept)
		}
		w.wait(r.Start)
		r, err = w.Start(ctx, w.clerk, r.ID)
		w.must(err)
		fire := w.part(r.ID, "fire").ID
		for name, items := range map[string][]RectifyItem{
			"a new finding": {{Finding: "新问题", Clause: "条款", Verify: VerifyVisit, Days: 2}}, "another's item": {{ID: w.item(v, 3).ID, Days: 2}},
			"an item by photo": {{ID: w.item(v, 2).ID, Days: 2}}, "the same twice": {{ID: w.item(v, 1).ID, Days: 2}, {ID: w.item(v, 1).ID, Days: 3}},
		} {
			_, err = w.Opine(ctx, w.inspector("fire"), OpinionRequest{ParticipantID: fire, Kind: Rectify, Items: items})
			if !fault.Is(err, "list_locked") {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err = w.Opine(ctx, w.inspector("fire"), OpinionRequest{ParticipantID: fire, Kind: Rectify})
		w.refused(err, "opinion_items")
		w.opines(r, w.inspector("fire"), "fire", OpinionRequest{Kind: Rectify, Text: "通道仍有杂物", Items: []RectifyItem{{ID: w.item(v, 1).ID, Days: 2}}})
		w.opines(r, w.inspector("urban"), "urban", OpinionRequest{Kind: Agree, Text: "店招已改"})
		_, err = w.EndSite(ctx, w.clerk, r.ID)
		w.must(err)
		j, err := w.Close(ctx, w.clerk, r.ID, once.Key{})
		w.must(err)
		if j.VisitID != v.ID || j.Version != 2 || j.Result != ResultRectify || w.visitNow(r).Result != ResultRectify {
			t.Errorf("after a revisit that left something: %+v", j)
		}
		if one, three := w.item(v, 1), w.item(v, 3); one.State != ItemOpen || one.Deadline.Term != 2 || three.State != ItemSettled || three.SettledHow != VerifyVisit {
			t.Errorf("items: %+v, %+v", one, three)
		}
		w.asks(v)
		if again := w.booksRevisit(v); len(w.viewNow(again).Participants) != 1 { // one alone, here and only here
			t.Errorf("%d departments come to the second revisit", len(w.viewNow(again).Participants))
		}
	})
}

func TestAPassedRevisitClosesTheRectificationWithANewVersion(t *testing.T) { // INS-1109, V12, INS-1103…1105
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.rectifiedWith(toSee())
		w.given(v, 1)
		printed := map[DocumentKind]Document{}
		for _, kind := range []DocumentKind{DocOpinion, DocRectify} {
			_, printed[kind] = w.printed(w.clerk, v, kind, "")
		}
		before := w.viewNow(v)
		w.asks(v)
		r := w.booksRevisit(v)
		j := w.looks(r, map[string]OpinionRequest{"fire": {Kind: Agree, Text: "通道已清理"}, "urban": {Kind: Agree}})
		after := w.viewNow(v)
		if j.Version != 2 || j.Number != before.Joint.Number || j.Result != ResultPassed || after.Result != ResultPassed || after.State != VisitClosed {
			t.Fatalf("%+v of %+v", j, after.Visit)
		}
		if got := w.results(v.CaseID); len(got) != 3 {
			t.Errorf("owed: %v", got)
		}
		if after.Rectification.Left() != 0 || w.count("deadlines", "state = 'pending' AND kind IN ('rectify', 'revisit')") != 0 || w.count("tasks", "done_at IS NULL AND kind <> 'deemed_recorded'") != 0 {
			t.Error("something of the rectification goes on")
		}
		if got := after.Rectification.Requests[0]; got.RevisitID != r.ID || got.DoneAt.IsZero() {
			t.Errorf("the request: %+v", got)
		}
		for kind, was := range printed { // the earlier version stays as it was, byte for byte
			now, err := w.Document(ctx, w.clerk, DocumentRequest{VisitID: v.ID, Kind: kind, N: 1})
			w.must(err)
			if !bytes.Equal(was.PDF, now.PDF) || was.Name != now.Name {
				t.Errorf("%s %s has changed", kind, now.Name)
			}
		}
		text, doc := w.printed(w.clerk, v, DocOpinion, "")
		wantWords(t, text, "第2版", "复勘后重新出具", before.Joint.Number, "通过", "通道已清理", "已整改", "视为同意")
		if !strings.HasSuffix(doc.Name, "-v2.pdf") {
			t.Errorf("it prints as %s", doc.Name)
		}
		if lines := w.viewNow(v).Versions[0].Content.Departments; lines[1].Kind == Agree || len(w.viewNow(v).Versions) != 2 {
			t.Errorf("the first version says %+v", lines)
		}
		_, err := w.Close(ctx, w.clerk, r.ID, once.Key{})
		w.refused(err, "bad_move")
		_, err = w.RequestRevisit(ctx, w.clerk, AskRequest{VisitID: v.ID, Channel: "phone", Person: "李梅"})
		w.refused(err, "no_list")
		_, err = w.Plan(ctx, w.clerk, PlanRequest{CaseID: v.CaseID, Kind: KindSite}) // INS-1202
		w.refused(err, "visit_exists")
	})
}

func TestSilenceAtARevisitSettlesItsItemsWhereASettingAllowsIt(t *testing.T) { // INS-919, INS-1109
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.set("deem.revisit", office.RevisitAuto)
		v := w.rectified()
		w.given(v, 1)
		w.asks(v)
		r := w.booksRevisit(v)
		for _, system := range []string{"fire", "urban"} {
			w.reply(r, system, ReplyAccept)
		}
		w.wait(r.Start)
		r, err := w.Start(ctx, w.clerk, r.ID)
		w.must(err)
		w.hosts(r)
		for _, system := range []string{"fire", "urban"} {
			w.comes(r, system, 1, 2)
		}
		w.opines(r, w.inspector("fire"), "fire", OpinionRequest{Kind: Rectify, Text: "通道仍有杂物", Items: []RectifyItem{{ID: w.item(v, 1).ID, Days: 2}}})
		w.wait(r.End)
		_, err = w.EndSite(ctx, w.clerk, r.ID)
		w.must(err)
		w.tick()
		w.wait(w.due(r, "urban", DeadlineOpinion).Add(grace))
		if got := w.part(r.ID, "urban"); got.Opinion != OpinionDeemed {
			t.Fatalf("urban, silent, is %s, holds %v", got.Opinion, got.OpenHolds())
		}
		j, err := w.Close(ctx, w.clerk, r.ID, once.Key{})
		w.must(err)
		if one, three := w.item(v, 1), w.item(v, 3); one.State != ItemOpen || three.State != ItemSettled || three.SettledHow != VerifyVisit || j.Result != ResultRectify {
			t.Errorf("%s, items: %+v, %+v", j.Result, one, three)
		}
	})
}

func TestANoAtARevisitFailsTheVisit(t *testing.T) { // INS-1101, V12
	w := newWorld(t, town.SQLite(t))
	v := w.rectifiedWith(toSee())
	w.given(v, 1)
	w.asks(v)
	j := w.looks(w.booksRevisit(v), map[string]OpinionRequest{"fire": {Kind: Disagree, Text: "消防法第十五条，拒不整改"}, "urban": {Kind: Agree}})
	if j.Result != ResultFailed || w.visitNow(v).Result != ResultFailed || len(w.results(v.CaseID)) != 0 || w.item(v, 1).State != ItemOpen {
		t.Errorf("%+v", j)
	}
}

func TestTheTimeForARevisitRunsFromTheRequestOrTheEndOfTheTermWhicheverIsFirst(t *testing.T) { // INS-1109, T6
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.rectifiedWith(toSee()) // closed and given on Thursday 2026-11-19; urban's ten days end on 12-03
		w.given(v, 1)
		if r := w.asks(v); !r.DueAt.Equal(at(24, 17, 30)) {
			t.Errorf("three working days after the request end %v", r.DueAt)
		}
		w.wait(at(24, 17, 31))
		if w.count("tasks", "kind = 'revisit_late' AND for_role = 'supervisor' AND done_at IS NULL") != 1 {
			t.Error("the supervisor does not hear that the revisit is late")
		}

		w = newWorld(t, town.SQLite(t))
		silent := w.rectifiedWith(toSee())
		w.given(silent, 1)
		over := w.item(silent, 2).DueAt
		w.wait(over.Add(time.Minute))
		w.tick()
		told := len(w.sent.of(notify.PurposeTermOver, notify.SMS))
		if told != 1 || w.count("tasks", "kind = 'ask_applicant' AND done_at IS NULL") != 1 {
			t.Fatalf("asked %d times", told)
		}
		due := w.viewNow(silent).Rectification.DueAt
		if want, err := w.calendar().Following(over, 3, w.centre.Hours); err != nil || !due.Equal(want.Due) {
			t.Errorf("T6 after the term is %v, want %v", due, want.Due)
		}
		w.clock.forward(24 * time.Hour)
		if r := w.asks(silent); !r.DueAt.Equal(due) {
			t.Errorf("a request after the term moved T6 from %v to %v", due, r.DueAt)
		}
		if w.count("tasks", "kind = 'ask_applicant' AND done_at IS NULL") != 0 {
			t.Error("the window is still to ask")
		}
	})
}

func TestASilentApplicantIsAskedOnceAndThenTheSupervisorDecides(t *testing.T) { // INS-1109
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.rectifiedWith(toSee())
		w.given(v, 1)
		decide := func(by auth.Actor, change func(*TermDecision)) error {
			r := TermDecision{VisitID: v.ID, Days: 2, Reason: "店主住院"}
			if change != nil {
				change(&r)
			}
			return w.DecideTerm(ctx, by, r)
		}
		w.refused(decide(w.boss, nil), "nothing_to_decide")
		w.wait(w.item(v, 2).DueAt.Add(time.Minute))
		w.tick()                                            // the word goes out
		w.refused(decide(w.boss, nil), "nothing_to_decide") // the applicant has been asked and still has time
		w.wait(w.viewNow(v).Rectification.DueAt.Add(time.Minute))
		w.refused(decide(w.clerk, nil), "not_supervisor")
		w.refused(decide(w.boss, func(r *TermDecision) { r.Reason = "" }), "reason_missing")
		w.refused(decide(w.boss, func(r *TermDecision) { r.Days = 0 }), "item_days")
		w.must(decide(w.boss, nil))
		if item := w.item(v, 1); item.Deadline.Term != 2 || !item.DueAt.After(w.now()) {
			t.Errorf("the new term: %+v", item)
		}
		w.wait(w.item(v, 1).DueAt.Add(time.Minute)) // over again: nobody is asked twice
		w.tick()
		if told := len(w.sent.of(notify.PurposeTermOver, notify.SMS)); told != 1 {
			t.Errorf("asked %d times", told)
		}
		_, err := w.PlanRevisit(ctx, w.clerk, v.ID, 0, once.Key{})
		w.refused(err, "revisit_not_asked")
		w.must(decide(w.boss, func(r *TermDecision) { r.Revisit = true }))
		if r := w.booksRevisit(v); len(w.viewNow(r).Participants) != 2 {
			t.Error("the revisit that the supervisor decided on is not held")
		}
	})
}

func TestADepartmentThatWasAbsentOrDeemedMayNotAskForAnotherVisit(t *testing.T) { // INS-1109, K07
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.rectifiedWith(toSee())
		amr, fire := w.part(v.ID, "amr").ID, w.part(v.ID, "fire").ID
		ask := func(by auth.Actor, part string) error {
			return w.AskAgain(ctx, by, part, "当日未能到场，想再去看看", once.Key{})
		}
		w.refused(ask(w.inspector("fire"), amr), "not_your_department")
		w.refused(ask(w.clerk, amr), "not_your_department")
		for range 2 {
			err := ask(w.inspector("amr"), amr)
			w.refused(err, "no_second_visit")
			if !strings.Contains(err.Error(), "三（三）3-四") {
				t.Errorf("without the citation: %v", err)
			}
		}
		found := w.viewNow(v)
		if len(found.Breaches) != 1 || found.Breaches[0].Class != "K07" || found.Breaches[0].State != BreachSuspected {
			t.Fatalf("the ledger: %+v", found.Breaches)
		}
		if n := strings.Count(w.leaves(v, "amr"), "attempt_refused"); n != 2 {
			t.Errorf("%d attempts in the log", n)
		}
		id := found.Breaches[0].ID
		w.refused(w.DecideBreach(ctx, w.clerk, id, true, "属实"), "not_supervisor")
		w.refused(w.DecideBreach(ctx, w.boss, "other", true, "属实"), "not_found")
		w.refused(w.DecideBreach(ctx, w.boss, id, true, "属实"), "breach_answer_waits")
		w.must(w.Explain(ctx, w.inspector("amr"), id, "不知有此规定"))
		w.refused(w.DecideBreach(ctx, w.boss, id, true, ""), "reason_missing")
		w.must(w.DecideBreach(ctx, w.boss, id, true, "属实"))
		w.refused(w.DecideBreach(ctx, w.boss, id, false, "误报"), "breach_decided")
		if w.count("visits", "revisit_of <> ''") != 0 {
			t.Error("there is another visit")
		}

		w.must(ask(w.inspector("fire"), fire)) // it came, and has something to look at: the window hears of it
		if w.count("tasks", "kind = 'revisit_wanted' AND for_role = 'clerk' AND done_at IS NULL") != 1 || len(w.viewNow(v).Breaches) != 1 {
			t.Error("the window is not told")
		}
	})
}

func TestAnAbsentDepartmentMayNotAskForAnotherVisit(t *testing.T) { // INS-1109, INS-922
	w := newWorld(t, town.SQLite(t))
	v := w.absent("urban")
	w.wait(at(20, 17, 36))
	for _, system := range []string{"amr", "fire"} {
		w.opines(v, w.inspector(system), system, OpinionRequest{Kind: Agree})
	}
	_, err := w.Close(t.Context(), w.clerk, v.ID, once.Key{})
	w.must(err)
	w.refused(w.AskAgain(t.Context(), w.inspector("urban"), w.part(v.ID, "urban").ID, "补看店招", once.Key{}), "no_second_visit")
	w.refused(w.AskAgain(t.Context(), w.inspector("fire"), w.part(v.ID, "fire").ID, "再看看", once.Key{}), "nothing_to_revisit")
}

func TestAnAbsentDepartmentThatWroteItsOpinionMayNotAskEither(t *testing.T) { // INS-1109: absent or deemed
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.absent("urban")
	for _, system := range []string{"amr", "fire", "urban"} { // urban in writing, before its silence counts
		w.opines(v, w.inspector(system), system, OpinionRequest{Kind: Agree})
	}
	_, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
	urban := w.part(v.ID, "urban")
	if urban.Opinion != OpinionGiven || urban.Attendance != AttendanceAbsent {
		t.Fatalf("%s, %s", urban.Opinion, urban.Attendance)
	}
	w.refused(w.AskAgain(ctx, w.inspector("urban"), urban.ID, "补看店招", once.Key{}), "no_second_visit")
	if found := w.viewNow(v).Breaches; len(found) != 1 || found[0].Class != ClassAgain {
		t.Errorf("the ledger: %+v", found)
	}
}

func TestAnAbsentDepartmentHasItsItemsShownByPhotoAlone(t *testing.T) { // INS-1109
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.absent("urban")
		_, err := w.Opine(ctx, w.inspector("urban"), OpinionRequest{ParticipantID: w.part(v.ID, "urban").ID, Kind: Rectify, Items: toSee()})
		w.refused(err, "absent_by_photo")
		w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Rectify, Items: toShow()})
		for _, came := range []string{"amr", "fire"} {
			w.opines(v, w.inspector(came), came, OpinionRequest{Kind: Agree})
		}
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		w.given(v, 1)
		photo, err := w.shows(v, 1)
		w.must(err)
		reply := PhotoReply{VisitID: v.ID, Photo: photo.ID, Answer: PhotoVisit, Reason: "须看现场"}
		w.refused(w.AnswerPhoto(ctx, w.inspector("urban"), reply), "absent_by_photo")
		reply.Answer = PhotoAgreed
		w.must(w.AnswerPhoto(ctx, w.inspector("urban"), reply))
	})
}

func TestOfManyWhoPlanTheRevisitAtOnceOneMakesIt(t *testing.T) { // INS-1109, PRO-3
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.rectifiedWith(toSee())
		w.given(v, 1)
		w.asks(v)
		var all sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			all.Go(func() { _, errs[i] = w.PlanRevisit(t.Context(), w.clerk, v.ID, 0, once.Key{}) })
		}
		all.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !fault.Is(err, "revisit_exists") {
				t.Error(err)
			}
		}
		if made != 1 || w.count("visits", "revisit_of <> ''") != 1 {
			t.Errorf("%d revisits", made)
		}
	})
}
