package inspection

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/notify"
)

// contests says for a department that its notice did not arrive when it is on
// record.
func (w *testWorld) contests(v Visit, system string) (Contest, error) {
	w.t.Helper()
	return w.ContestService(w.t.Context(), w.inspector(system), ContestRequest{
		ParticipantID: w.part(v.ID, system).ID, Round: w.part(v.ID, system).Round, Reason: "收件页当日无法登录",
	})
}

// contested is contests where nothing stands against it.
func (w *testWorld) contested(v Visit, system string) Contest {
	w.t.Helper()
	c, err := w.contests(v, system)
	w.must(err)
	return c
}

func (w *testWorld) decidesContest(v Visit, system string, outcome ContestOutcome, servedAt time.Time) error {
	w.t.Helper()
	return w.DecideContest(w.t.Context(), w.boss, ContestDecision{
		ParticipantID: w.part(v.ID, system).ID, Outcome: outcome, ServedAt: servedAt, Reason: "已核对收件日志",
	})
}

// servedFar is a visit some days away whose notices have arrived, so that a T2 that
// moves still lies before it.
func (w *testWorld) servedFar() Visit {
	w.t.Helper()
	draft := w.newDraft()
	answer, err := w.Slots(w.t.Context(), w.clerk, SlotRequest{VisitID: draft.ID, Limit: 200})
	w.must(err)
	far := answer.Offers[len(answer.Offers)-1]
	v, err := w.Book(w.t.Context(), w.clerk, BookRequest{VisitID: draft.ID, Choice: choiceOf(far.Start, far.People)})
	w.must(err)
	w.tick()
	return v
}

func TestNothingIsDeemedWhileAContestedServiceIsNotDecided(t *testing.T) { // INS-712, INS-913, SIM-1
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.servedFar()
		c := w.contested(v, "amr")
		before := w.part(v.ID, "amr")
		w.wait(before.RespondBy.Add(grace + time.Hour))
		if p := w.part(v.ID, "amr"); p.Deemed != nil || w.part(v.ID, "fire").Deemed == nil {
			t.Fatalf("amr deemed %v, and fire must be", p.Deemed)
		}
		w.holdsOn(v, "amr", HoldContest)
		w.must(w.decidesContest(v, "amr", ContestRejected, time.Time{}))
		w.holdsOn(v, "amr")
		p := w.part(v.ID, "amr")
		got := p.Contests[0]
		if !p.RespondBy.After(before.RespondBy) || !p.ServedAt.Equal(before.ServedAt) { // C8
			t.Errorf("T1 %v T2 %v, were %v %v", p.ServedAt, p.RespondBy, before.ServedAt, before.RespondBy)
		}
		if got.ID != c.ID || !got.ServedAt.Equal(before.ServedAt) || !got.RespondBy.Equal(before.RespondBy) || !got.NewRespondBy.Equal(p.RespondBy) || got.Decision == "" {
			t.Errorf("kept: %+v", got)
		}
		w.tick()
		if text := w.inboxLetter(p.ID, notify.PurposeContest); !strings.Contains(text, "异议不成立") || !strings.Contains(text, "已核对收件日志") || !strings.Contains(text, "反馈是否派员") {
			t.Errorf("the department is told %s", text)
		}
		if w.count("tasks", "kind = 'contest_decided' AND for_role = 'clerk' AND done_at IS NULL") != 1 {
			t.Error("the window is not told")
		}
		w.deemedAt(v, "amr")
		text, _ := w.printed(w.clerk, v, DocDeemed, "amr")
		wantWords(t, text, "送达异议", "收件页当日无法登录", "异议不成立", "已核对收件日志", flat(instantText(before.RespondBy)))
		w.bothVerify(v, "amr")
	})
}

// bothVerify holds a department's bundle against both verifiers.
func (w *testWorld) bothVerify(v Visit, system string) {
	w.t.Helper()
	w.verifyBundle(v, system)
	var file bytes.Buffer
	w.must(w.Bundle(w.t.Context(), w.clerk, w.log, BundleRequest{VisitID: v.ID, DepartmentID: w.department(system)}, &file))
	secondVerdicts(w.t.(*testing.T), secondCase{name: system, bundle: file.Bytes(), key: w.log.Key.Public, want: "PASS"})
}

func TestAServiceFoundToBeLaterCountsTheTermAnewAndNeverEarlier(t *testing.T) { // INS-712, INS-409, EV-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.servedFar()
		before := w.part(v.ID, "amr")
		w.contested(v, "amr")
		w.wait(before.RespondBy.Add(time.Hour))
		w.refused(w.decidesContest(v, "amr", ContestLater, before.ServedAt), "contest_time")
		w.refused(w.decidesContest(v, "amr", ContestLater, w.now().Add(time.Minute)), "contest_time")
		served := w.now().Add(-30 * time.Minute)
		w.must(w.decidesContest(v, "amr", ContestLater, served))
		p := w.part(v.ID, "amr")
		if !p.ServedAt.Equal(served) || !p.RespondBy.After(before.RespondBy) || p.Consent != ConsentAwaiting {
			t.Fatalf("T1 %v T2 %v %s", p.ServedAt, p.RespondBy, p.Consent)
		}
		if got := p.Contests[0]; !got.NewServedAt.Equal(served) || !got.NewRespondBy.Equal(p.RespondBy) {
			t.Errorf("kept: %+v", got)
		}
		if s := p.Services[0]; s.FallenAt.IsZero() {
			t.Error("the first proof still stands")
		}
		_, err := w.contests(v, "amr")
		w.refused(err, "contest_settled")
		if p = w.deemedAt(v, "amr"); p.Deemed == nil || !p.Deemed.DueAt.Equal(p.RespondBy) {
			t.Fatalf("holds %v", p.OpenHolds())
		}
		w.bothVerify(v, "amr")
	})
}

func TestTheDeadlineStaysWhereALaterServiceLeavesItTheSame(t *testing.T) { // INS-712, INS-409
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	before := w.part(v.ID, "amr")
	w.contested(v, "amr")
	w.clock.forward(30 * time.Minute)
	served := w.now().Add(-10 * time.Minute) // the same day: the term ends with the same one
	w.must(w.decidesContest(v, "amr", ContestLater, served))
	p := w.part(v.ID, "amr")
	if !p.ServedAt.Equal(served) || !p.RespondBy.Equal(before.RespondBy) {
		t.Errorf("T1 %v T2 %v, was %v", p.ServedAt, p.RespondBy, before.RespondBy)
	}
	if p = w.deemedAt(v, "amr"); p.Deemed == nil || p.Deemed.Findings["t1"] != stamp(served) {
		t.Errorf("deemed %+v", p.Deemed)
	}
	w.bothVerify(v, "amr")
}

func TestAVoidServiceErasesTheClockAndTheNoticeGoesOutAgain(t *testing.T) { // INS-712, INS-708, C9, EV-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.servedFar()
		w.must(w.Opened(t.Context(), w.inspector("amr"), w.part(v.ID, "amr").ID))
		before := w.part(v.ID, "amr")
		w.contested(v, "amr")
		w.clock.forward(time.Hour)
		w.must(w.decidesContest(v, "amr", ContestVoid, time.Time{}))
		p := w.part(v.ID, "amr")
		if p.Consent != ConsentUnserved || !p.RespondBy.IsZero() || p.Notice.Version != 2 {
			t.Fatalf("%s T2 %v notice %d", p.Consent, p.RespondBy, p.Notice.Version)
		}
		w.tick()
		w.tick()
		p = w.part(v.ID, "amr")
		if p.Consent != ConsentAwaiting || !p.ServedAt.After(before.ServedAt) || p.RespondBy.Before(before.RespondBy) {
			t.Fatalf("%s T1 %v T2 %v", p.Consent, p.ServedAt, p.RespondBy)
		}
		if text := w.inboxLetter(p.ID, notify.PurposeContest); !strings.Contains(text, "原送达不作数") {
			t.Errorf("the department is told %s", text)
		}
		services := len(p.Services)
		w.must(w.Opened(t.Context(), w.inspector("amr"), p.ID)) // the second notice, by the same person
		if got := w.part(v.ID, "amr"); len(got.Services) != services+1 {
			t.Error("opening the second notice is not on record")
		}
		w.deemedAt(v, "amr")
		w.bothVerify(v, "amr")
		b := w.bundleOf(v, "amr") // the first arrival does not carry it
		entries := b.Entries()
		last := slices.IndexFunc(entries, func(e audit.Entry) bool { return e.Type == "contest_ended" })
		for _, e := range entries[:last] {
			if e.Type == "deemed" {
				t.Error("deemed before the decision")
			}
		}
	})
}

func TestADeemedConsentWhoseServiceIsContestedComesUnderReview(t *testing.T) { // INS-712, INS-708, O8
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		for _, system := range []string{"amr", "fire"} {
			if p := w.deemedAt(v, system); p.Deemed == nil {
				t.Fatal("not deemed")
			}
			w.contested(v, system)
			if p := w.part(v.ID, system); p.Opinion != OpinionReview || !p.Deemed.SuspendedAt.IsZero() {
				t.Errorf("%s: opinion %s, suspended %v", system, p.Opinion, p.Deemed.SuspendedAt)
			}
			w.refused(w.Uphold(ctx, w.boss, w.part(v.ID, system).ID, "维持"), "contest_first")
		}
		w.must(w.decidesContest(v, "amr", ContestVoid, time.Time{}))
		p := w.part(v.ID, "amr")
		if p.Deemed.SuspendedAt.IsZero() || p.Opinion != OpinionReview {
			t.Errorf("suspended %v, opinion %s", p.Deemed.SuspendedAt, p.Opinion)
		}
		w.refused(w.Uphold(ctx, w.boss, p.ID, "维持"), "deemed_suspended")
		w.must(w.decidesContest(v, "fire", ContestRejected, time.Time{}))
		w.must(w.Uphold(ctx, w.boss, w.part(v.ID, "fire").ID, "送达无误，维持"))
		if p := w.part(v.ID, "fire"); p.Opinion != OpinionDeemed || len(p.OpenHolds()) != 0 {
			t.Errorf("opinion %s, holds %v", p.Opinion, p.OpenHolds())
		}
		w.bothVerify(v, "amr")
		w.bothVerify(v, "fire")
		text, _ := w.printed(w.clerk, v, DocDeemed, "amr")
		wantWords(t, text, "效力中止", "送达异议", "原送达不作数")
	})
}

func TestALaterServiceSuspendsADeemedConsentOnlyIfItsTermWasNotOver(t *testing.T) { // INS-712
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	for _, system := range []string{"amr", "fire"} {
		w.deemedAt(v, system)
		w.contested(v, system)
	}
	t1 := w.part(v.ID, "amr").ServedAt
	w.must(w.decidesContest(v, "amr", ContestLater, t1.Add(time.Minute))) // the same day: the same T2
	if p := w.part(v.ID, "amr"); !p.Deemed.SuspendedAt.IsZero() || p.Opinion != OpinionReview {
		t.Errorf("suspended %v, opinion %s", p.Deemed.SuspendedAt, p.Opinion)
	}
	w.must(w.decidesContest(v, "fire", ContestLater, w.now().Add(-time.Minute)))
	if p := w.part(v.ID, "fire"); p.Deemed.SuspendedAt.IsZero() {
		t.Error("a term that was not over stands")
	}
}

func TestServiceIsContestedByTheDepartmentOnceAndInTime(t *testing.T) { // INS-712, DEC-18
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	v := w.newVisit()
	_, err := w.contests(v, "amr")
	w.refused(err, "nothing_served")
	w.tick()
	id := w.part(v.ID, "amr").ID
	ask := func(by auth.Actor, r ContestRequest) error {
		r.ParticipantID = id
		_, err := w.ContestService(ctx, by, r)
		return err
	}
	w.refused(ask(w.inspector("fire"), ContestRequest{Round: 1, Reason: "没收到"}), "not_your_department")
	w.refused(ask(w.clerk, ContestRequest{Round: 1, Reason: "没收到"}), "not_your_department")
	w.refused(ask(w.inspector("amr"), ContestRequest{Round: 1, Reason: " "}), "reason_missing")
	w.refused(ask(w.inspector("amr"), ContestRequest{Round: 2, Reason: "没收到"}), "bad_move")
	w.refused(ask(w.inspector("amr"), ContestRequest{Round: 1, Reason: "没收到", SaidAt: w.now().Add(time.Hour)}), "contest_time")
	w.refused(w.decidesContest(v, "amr", ContestRejected, time.Time{}), "no_contest")
	w.contested(v, "amr")
	_, err = w.contests(v, "amr")
	w.refused(err, "contest_open")
	w.refused(w.DecideContest(ctx, w.clerk, ContestDecision{ParticipantID: id, Outcome: ContestRejected, Reason: "x"}), "not_supervisor")
	w.refused(w.DecideContest(ctx, w.boss, ContestDecision{ParticipantID: id, Outcome: ContestOver, Reason: "x"}), "contest_outcome")
	w.refused(w.EndHold(ctx, w.boss, w.part(v.ID, "amr").OpenHolds()[0].ID, "x"), "hold_ends_itself")
	w.reply(v, "fire", ReplyAccept)
	_, err = w.contests(v, "fire")
	w.refused(err, "contest_needless")
	p := w.deemedAt(v, "urban")
	w.must(w.DB.Read(ctx, func(q bun.IDB) error {
		until, err := w.contestableUntil(ctx, q, p.Participant, v)
		w.wait(until)
		return err
	}))
	_, err = w.contests(v, "urban")
	w.refused(err, "contest_late")
}

func TestAnAnswerOrANewRoundEndsAContest(t *testing.T) { // INS-712, INS-805, INS-607
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for _, system := range []string{"amr", "fire", "urban"} {
			w.contested(v, system)
		}
		w.wait(w.part(v.ID, "amr").RespondBy.Add(time.Hour))
		w.reply(v, "amr", ReplyAccept) // in time: the doubt is open (INS-805)
		if p := w.part(v.ID, "amr"); p.Consent != ConsentAccepted || p.Contests[0].Outcome != ContestOver {
			t.Errorf("%s, contest %s", p.Consent, p.Contests[0].Outcome)
		}
		v = w.moved(v)
		w.holdsOn(v, "fire")
		if c := w.part(v.ID, "fire").Contests[0]; c.Outcome != ContestOver {
			t.Errorf("contest %s after the visit moved", c.Outcome)
		}
		w.refused(w.decidesContest(v, "fire", ContestVoid, time.Time{}), "no_contest")
		if w.count("tasks", "kind = 'decide_contest' AND done_at IS NULL") != 0 {
			t.Error("its task is open")
		}
	})
}

// INS-811: who opens the notice that refuses an answer has opened that one.
func TestANoticeThatRefusesAnAnswerIsOpenedOnItsOwn(t *testing.T) {
	w := newWorld(t, town.SQLite(t))
	w.sent.down = true
	w.dropPortal()
	v := w.newVisit()
	w.tick()
	id := w.part(v.ID, "amr").ID
	w.must(w.Opened(t.Context(), w.inspector("amr"), id))
	w.reply(v, "amr", ReplyCounter)
	w.must(w.RefuseCounter(t.Context(), w.clerk, RefuseRequest{ParticipantID: id, Reason: "其他部门已确认"}))
	w.tick()
	w.must(w.Opened(t.Context(), w.inspector("amr"), id))
	if p := w.part(v.ID, "amr"); p.Consent != ConsentAwaiting {
		t.Errorf("%s after the second notice was opened", p.Consent)
	}
}
