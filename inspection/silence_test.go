package inspection

import (
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/once"
	"lianban/notify"
)

// due is when a silence of the visit day is judged.
func (w *testWorld) due(v Visit, system string, kind DeadlineKind) (out time.Time) {
	w.t.Helper()
	p := w.part(v.ID, system)
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		row, err := findDeadline(w.t.Context(), q, p.ID, p.Round, kind)
		out = row.DueAt
		return err
	}))
	return out
}

func (w *testWorld) opines(v Visit, by auth.Actor, system string, r OpinionRequest) {
	w.t.Helper()
	r.ParticipantID = w.part(v.ID, system).ID
	_, err := w.Opine(w.t.Context(), by, r)
	w.must(err)
	w.allSign(v, system)
}

func TestADepartmentThatDidNotComeIsDeemedTheNextWorkingDayAndNotBefore(t *testing.T) { // INS-921…928, O5, SIM-9
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.absent("urban")
		due := w.due(v, "urban", DeadlineNoShow)
		if want := at(20, 17, 30); !due.Equal(want) {
			t.Fatalf("judged at %v, want %v", due, want)
		}
		for _, system := range []string{"amr", "fire"} {
			w.opines(v, w.inspector(system), system, OpinionRequest{Kind: Agree})
		}
		w.wait(due.Add(5*time.Minute - time.Millisecond))
		if n := w.deemedRows(); n != 0 {
			t.Fatalf("%d deemed a millisecond early", n)
		}
		w.clock.forward(time.Millisecond)
		w.tick()
		got := w.part(v.ID, "urban")
		if got.Deemed == nil || got.Deemed.Reason != NoShow || got.Opinion != OpinionDeemed || got.Consent != ConsentAccepted || got.Attendance != AttendanceAbsent {
			t.Fatalf("%s, %s, %s, holds %v", got.Consent, got.Attendance, got.Opinion, got.OpenHolds())
		}
		w.tick()
		if n := w.deemedRows(); n != 1 {
			t.Errorf("%d deemed rows, want 1", n)
		}
		sent := w.sent.of(notify.PurposeDeemed, notify.Mail)
		if len(sent) != 1 || !strings.Contains(plainText(t, sent[0].Body), "未按约定到场") { // INS-918
			t.Errorf("%d letters about the absence", len(sent))
		}
		if n := w.count("tasks", "kind = 'deemed_recorded' AND for_role = 'supervisor' AND done_at IS NULL"); n != 1 {
			t.Errorf("the supervisor has %d tasks about it, want 1", n)
		}
		w.verifyBundle(v, "urban")
		j, err := w.Close(t.Context(), w.clerk, v.ID, once.Key{})
		w.must(err)
		if j.Result != ResultPassed {
			t.Errorf("result %s", j.Result)
		}
	})
}

func TestAnAbsenceThatNobodyAttestsIsNeverDeemed(t *testing.T) { // INS-922, INS-1004
	w := newWorld(t, town.SQLite(t))
	v := w.begun()
	w.hosts(v)
	w.comes(v, "amr", 1, 2)
	w.comes(v, "fire", 1, 2)
	w.wait(v.End)
	_, err := w.EndSite(t.Context(), w.clerk, v.ID)
	w.must(err)
	w.wait(at(20, 18, 0))
	w.holdsOn(v, "urban", HoldNotAttested)
	if w.part(v.ID, "urban").Deemed != nil {
		t.Error("deemed")
	}
	_, err = w.attests(v, "urban", w.clerk, AttestWindow)
	w.must(err)
	_, err = w.attests(v, "urban", w.boss, AttestSupervisor)
	w.must(err)
	w.wait(at(20, 18, 5))
	if w.part(v.ID, "urban").Deemed == nil {
		t.Errorf("holds %v", w.part(v.ID, "urban").OpenHolds())
	}
}

func TestWithoutTheApplicantOrAnybodyElseNobodyIsDeemedAbsent(t *testing.T) { // INS-921
	w := newWorld(t, town.SQLite(t))
	v := w.begun()
	_, err := w.CheckIn(t.Context(), w.clerk, CheckInRequest{VisitID: v.ID, Party: PartyWindow, Way: ByWindow})
	w.must(err)
	w.wait(v.GraceUntil)
	_, err = w.attests(v, "urban", w.clerk, AttestWindow)
	w.must(err)
	_, err = w.attests(v, "urban", w.boss, AttestSupervisor)
	w.must(err)
	_, err = w.EndSite(t.Context(), w.clerk, v.ID)
	w.must(err)
	w.wait(at(20, 18, 0))
	w.holdsOn(v, "urban", HoldNotHeld)
}

func TestASiteThatEndedBeforeTheGraceDidProvesNoAbsence(t *testing.T) { // INS-927
	w := newWorld(t, town.SQLite(t))
	v := w.begun()
	w.hosts(v)
	w.wait(v.GraceUntil.Add(-time.Minute))
	_, err := w.EndSite(t.Context(), w.clerk, v.ID)
	w.must(err)
	w.attendanceIs(v, "urban", AttendanceExpected)
	w.wait(at(20, 18, 0))
	if n := w.deemedRows(); n != 0 {
		t.Errorf("%d deemed", n)
	}
}

func TestAMailOfTheVisitDayHoldsTheAbsence(t *testing.T) { // INS-924
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.absent("urban")
		w.mailAt(v, "urban", "路上发生事故", v.Start.Add(10*time.Minute))
		w.wait(at(20, 18, 0))
		w.holdsOn(v, "urban", HoldMail, HoldUnread)
		w.must(w.sort(ReplyExcuse))
		w.tick()
		w.clock.forward(time.Minute)
		w.tick()
		got := w.part(v.ID, "urban")
		if got.Deemed != nil {
			t.Fatal("deemed beside an excuse of the day")
		}
		held := ""
		for _, h := range got.OpenHolds() {
			if h.Reason == HoldLateExcuse {
				held = h.ID
			}
		}
		w.refused(w.EndHold(t.Context(), w.clerk, held, "不成立"), "not_supervisor")
		w.must(w.EndHold(t.Context(), w.boss, held, "没有证明材料，正当理由不成立"))
		w.clock.forward(time.Minute)
		w.tick()
		if w.part(v.ID, "urban").Deemed == nil {
			t.Errorf("holds %v after the supervisor refused", w.part(v.ID, "urban").OpenHolds())
		}
	})
}

func TestAnAbsenceCorrectedAfterwardsReversesWhatWasDeemed(t *testing.T) { // A9, INS-917
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.absent("urban")
		w.wait(at(20, 18, 0))
		p := w.part(v.ID, "urban")
		if p.Deemed == nil {
			t.Fatalf("holds %v", p.OpenHolds())
		}
		_, err := w.ProposeCorrection(t.Context(), w.inspector("urban"), CorrectionRequest{
			ParticipantID: p.ID, Attendance: AttendanceLate, Reason: "门卫登记", Scan: w.image(),
		})
		w.must(err)
		w.must(w.DecideCorrection(t.Context(), w.boss, p.ID, true))
		got := w.part(v.ID, "urban")
		if got.Opinion != OpinionNone || got.Attendance != AttendanceLate || got.Deemed.SuspendedAt.IsZero() {
			t.Errorf("%s, %s, %+v", got.Opinion, got.Attendance, got.Deemed)
		}
		w.wait(at(24, 18, 0))
		if got := w.part(v.ID, "urban"); got.Opinion != OpinionNone {
			t.Errorf("deemed again: %s", got.Opinion)
		}
		w.verifyBundle(v, "urban")
	})
}

// came is a visit whose site part is over, to which everybody came; amr and fire
// have agreed.
func (w *testWorld) came() Visit {
	w.t.Helper()
	v := w.begun()
	w.hosts(v)
	for _, system := range []string{"amr", "fire", "urban"} {
		w.comes(v, system, 1, 2)
	}
	w.wait(v.End)
	v, err := w.EndSite(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	w.tick()
	return v
}

func TestADepartmentThatCameAndSaysNothingIsDeemedAfterItWasTold(t *testing.T) { // INS-931…936, O6
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.came()
		due := w.due(v, "urban", DeadlineOpinion)
		if want := at(20, 17, 30); !due.Equal(want) {
			t.Fatalf("T3 %v, want %v", due, want)
		}
		told := w.sent.of(notify.PurposeOpinionDue, notify.Mail)
		if len(told) != 3 || !strings.Contains(plainText(t, told[0].Body), "逾期未出具意见的，按规定视为同意") {
			t.Fatalf("%d departments told what silence means, want 3", len(told))
		}
		w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Agree})
		w.opines(v, w.inspector("fire"), "fire", OpinionRequest{Kind: Deferred, Ground: GroundCollective})
		for system, want := range map[string]time.Time{"amr": {}, "fire": due, "urban": due} { // each inbox says by when
			lines, err := w.Inbox(t.Context(), w.inspector(system), InboxQuery{})
			w.must(err)
			if len(lines) != 1 || !lines[0].OpinionDue.Equal(want) {
				t.Errorf("%s reads an opinion due in %+v, want %v", system, lines, want)
			}
		}
		w.wait(due.Add(5*time.Minute - time.Millisecond))
		if n := w.deemedRows(); n != 0 {
			t.Fatalf("%d deemed a millisecond early", n)
		}
		w.clock.forward(time.Millisecond)
		w.tick()
		for _, system := range []string{"fire", "urban"} {
			got := w.part(v.ID, system)
			if got.Deemed == nil || got.Deemed.Reason != NoOpinion || got.Opinion != OpinionDeemed {
				t.Errorf("%s: %s, holds %v", system, got.Opinion, got.OpenHolds())
			}
			w.verifyBundle(v, system)
		}
		if got := w.part(v.ID, "amr"); got.Deemed != nil || got.Opinion != OpinionGiven {
			t.Errorf("amr: %s", got.Opinion)
		}
		w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Disagree, Text: "依据城市管理条例，占道"}) // O8
		if got := w.part(v.ID, "urban"); got.Opinion != OpinionReview {
			t.Errorf("a contrary word afterwards leaves %s", got.Opinion)
		}
		w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Disagree, Text: "再次说明"})
		if got := w.part(v.ID, "urban"); got.Opinion != OpinionReview {
			t.Errorf("a second word overtakes the supervisor: %s", got.Opinion)
		}
		_, err := w.Close(t.Context(), w.clerk, v.ID, once.Key{})
		w.refused(err, "opinions_open")
		w.must(w.Uphold(t.Context(), w.boss, w.part(v.ID, "urban").ID, "逾期且理由不成立"))
		_, err = w.Close(t.Context(), w.clerk, v.ID, once.Key{})
		w.must(err)
	})
}

func TestWithoutProofThatTheWordArrivedTheTermMovesADay(t *testing.T) { // INS-933
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.begun()
		w.hosts(v)
		w.comes(v, "urban", 1, 2)
		w.dropPortal()
		w.sent.down = true
		w.wait(v.End)
		_, err := w.EndSite(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.wait(at(20, 18, 0))
		if due := w.due(v, "urban", DeadlineOpinion); !due.Equal(at(23, 17, 30)) {
			t.Fatalf("T3 is %v", due)
		}
		if n := w.count("tasks", "kind = 'serve_by_hand' AND done_at IS NULL AND detail LIKE '%出具意见%'"); n != 1 {
			t.Errorf("%d tasks to serve by hand, want 1", n)
		}
		w.wait(at(23, 15, 0)) // less than four hours before
		w.sent.down = false
		w.tick()
		w.wait(at(23, 18, 0))
		if due := w.due(v, "urban", DeadlineOpinion); !due.Equal(at(24, 17, 30)) {
			t.Fatalf("T3 is %v", due)
		}
		w.tick() // the word on the new term
		w.wait(at(24, 18, 0))
		if got := w.part(v.ID, "urban"); got.Deemed == nil || got.Deemed.Reason != NoOpinion {
			t.Errorf("%s, holds %v", got.Opinion, got.OpenHolds())
		}
		w.verifyBundle(v, "urban")
	})
}

func TestTooFewPeopleAreNeverDeemed(t *testing.T) { // INS-1003, INS-931
	w := newWorld(t, town.SQLite(t))
	v := w.begun()
	w.hosts(v)
	w.comes(v, "urban", 1)
	w.wait(v.End)
	_, err := w.EndSite(t.Context(), w.clerk, v.ID)
	w.must(err)
	w.tick() // the word goes out
	w.wait(at(20, 18, 0))
	w.holdsOn(v, "urban", HoldShort)
	w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Agree}) // its real opinion, signed in
	if got := w.part(v.ID, "urban"); got.Opinion != OpinionDraft || !got.Draft.Second {
		t.Errorf("%s", got.Opinion)
	}
	w.must(w.Sign(t.Context(), w.nth("urban", 2), w.part(v.ID, "urban").ID, w.part(v.ID, "urban").Draft.ID))
	if got := w.part(v.ID, "urban"); got.Opinion != OpinionGiven || got.Deemed != nil {
		t.Errorf("%s", got.Opinion)
	}
}

func TestADeferralHasAGroundOfTheLaw(t *testing.T) { // INS-1010, O3
	w := newWorld(t, town.SQLite(t))
	v := w.came()
	p := w.part(v.ID, "fire")
	_, err := w.Opine(t.Context(), w.inspector("fire"), OpinionRequest{ParticipantID: p.ID, Kind: Deferred, Ground: "忙"})
	w.refused(err, "deferral_ground")
	w.opines(v, w.inspector("fire"), "fire", OpinionRequest{Kind: Deferred, Ground: GroundTest})
	if got := w.part(v.ID, "fire").Opinion; got != OpinionDeferred {
		t.Fatalf("%s", got)
	}
	_, err = w.Close(t.Context(), w.clerk, v.ID, once.Key{})
	w.refused(err, "opinions_open")
	w.opines(v, w.inspector("fire"), "fire", OpinionRequest{Kind: Agree})
	_, err = w.Opine(t.Context(), w.inspector("fire"), OpinionRequest{ParticipantID: p.ID, Kind: Deferred, Ground: GroundTest})
	w.refused(err, "deferral_late")
}

func TestNeverDeemedHoldsOnTheVisitDayToo(t *testing.T) { // INS-911
	w := newWorld(t, town.SQLite(t))
	w.must(w.DB.Write(t.Context(), func(tx bun.IDB) error {
		_, err := tx.NewRaw("UPDATE matter_rules SET never_deemed = ? WHERE system = 'urban'", true).Exec(t.Context())
		return err
	}))
	v := w.absent("urban")
	w.wait(at(20, 18, 0))
	w.holdsOn(v, "urban", HoldNeverDeemed)
}

func TestAClerkConfirmsAnAbsenceWhereThePolicySaysSo(t *testing.T) { // INS-910
	w := newWorld(t, town.SQLite(t))
	w.set("deem.mode", "confirm")
	v := w.absent("urban")
	p := w.part(v.ID, "urban")
	w.refused(w.Confirm(t.Context(), w.clerk, p.ID), "not_deemable")
	w.wait(at(20, 18, 0))
	if w.part(v.ID, "urban").Deemed != nil {
		t.Fatal("deemed without the click")
	}
	w.must(w.Confirm(t.Context(), w.clerk, p.ID))
	if got := w.part(v.ID, "urban"); got.Deemed == nil || got.Deemed.Findings["confirmed_by"] == "" {
		t.Errorf("%+v", got.Deemed)
	}
}

func TestASilenceThatNobodyConfirmsGoesToTheSupervisorAndIsNoConsent(t *testing.T) { // INS-910
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.set("deem.mode", "confirm")
		v := w.absent("urban")
		w.wait(at(20, 18, 0)) // Friday
		late := func() int {
			return w.count("tasks", "kind = 'confirm_late' AND for_role = 'supervisor' AND done_at IS NULL")
		}
		w.wait(at(23, 17, 29))
		if n := late(); n != 0 {
			t.Fatalf("%d tasks of the supervisor before the next working day is over", n)
		}
		w.wait(at(23, 17, 31))
		if n := late(); n != 1 {
			t.Fatalf("%d tasks of the supervisor, want 1", n)
		}
		w.wait(at(27, 12, 0))
		if n := late(); n != 1 || w.deemedRows() != 0 {
			t.Fatalf("%d tasks, %d deemed by time alone", n, w.deemedRows())
		}
		w.must(w.Confirm(t.Context(), w.boss, w.part(v.ID, "urban").ID))
		if n := w.count("tasks", "kind IN ('confirm_late', 'confirm_deemed') AND done_at IS NULL"); n != 0 || w.deemedRows() != 1 {
			t.Errorf("%d tasks stay, %d deemed", n, w.deemedRows())
		}
	})
}

func TestAReviewIsDueWithinAWorkingDay(t *testing.T) { // INS-915
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	w.deemedAt(v, "amr")
	w.wait(v.Start)
	_, err := w.Start(t.Context(), w.clerk, v.ID)
	w.must(err)
	w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Disagree, Text: "依据食品安全法第三十三条"})
	for _, task := range w.viewNow(v).Tasks {
		if task.Kind == TaskReview {
			if want := at(20, 17, 30); !task.DueAt.Equal(want) || task.ForRole != string(auth.Supervisor) {
				t.Errorf("due %v for the %s, want %v", task.DueAt, task.ForRole, want)
			}
			return
		}
	}
	t.Error("nobody is asked to decide")
}

func TestAFallenProofSuspendsWhatWasDeemedOnTheVisitDay(t *testing.T) { // INS-708, INS-909
	w := newWorld(t, town.SQLite(t))
	v := w.begun()
	w.hosts(v)
	w.comes(v, "urban", 1, 2)
	w.dropPortal() // the word goes by mail alone
	w.wait(v.End)
	_, err := w.EndSite(t.Context(), w.clerk, v.ID)
	w.must(err)
	w.tick()
	w.wait(at(20, 18, 0))
	if w.part(v.ID, "urban").Deemed == nil {
		t.Fatalf("holds %v", w.part(v.ID, "urban").OpenHolds())
	}
	told := w.sent.of(notify.PurposeOpinionDue, notify.Mail)
	w.must(w.DB.Write(t.Context(), func(tx bun.IDB) error {
		return w.Bounced(t.Context(), tx, notify.Failure{Message: told[0], At: w.now(), Source: "dsn", Status: "5.1.1"})
	}))
	if got := w.part(v.ID, "urban"); got.Deemed.SuspendedAt.IsZero() || got.Opinion != OpinionReview {
		t.Errorf("%s, suspended %v", got.Opinion, got.Deemed.SuspendedAt)
	}
	w.refused(w.Uphold(t.Context(), w.boss, w.part(v.ID, "urban").ID, "仍成立"), "deemed_suspended")
}
