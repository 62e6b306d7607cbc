package inspection

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/once"
	"lianban/notify"
)

// counter is an answer of a department that proposes times.
func (w *testWorld) counter(v Visit, system string, times ...time.Time) (Reply, error) {
	w.t.Helper()
	return w.Reply(w.t.Context(), w.inspector(system), ReplyRequest{
		ParticipantID: w.part(v.ID, system).ID, Round: v.Round, Kind: ReplyCounter, Channel: "portal", Proposals: times, Reason: "当天有会",
	})
}

func (w *testWorld) countered(v Visit, system string, times ...time.Time) ParticipantView {
	w.t.Helper()
	_, err := w.counter(v, system, times...)
	w.must(err)
	return w.part(v.ID, system)
}

func TestOnlyTimesThatCouldBeBookedAreProposed(t *testing.T) { // INS-810
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for name, times := range map[string][]time.Time{
			"proposals":           {v.Start, at(10, 10, 0)},
			"proposal_impossible": {at(20, 10, 0), at(30, 10, 0)},
		} {
			_, err := w.counter(v, "fire", times...)
			w.refused(err, name)
		}
		for name, bad := range map[string]time.Time{
			"tomorrow": at(18, 10, 0), "past the limit": at(25, 10, 0), "a Sunday": at(22, 10, 0), "over midday": at(20, 11, 30),
			"in the night": at(20, 20, 0), "off the quarter": at(20, 10, 5),
		} {
			if _, err := w.counter(v, "fire", bad); err == nil {
				t.Errorf("%s was taken", name)
			}
		}
		w.countered(v, "fire", v.Start, at(20, 10, 0)) // the offered one is a comment
	})
}

func TestASecondCounterIsForAPersonAndStopsNothing(t *testing.T) { // INS-810
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		p := w.countered(v, "fire", at(20, 10, 0))
		w.must(w.RefuseCounter(t.Context(), w.clerk, RefuseRequest{ParticipantID: p.ID, Reason: "其他部门无法到场"}))
		r, err := w.counter(v, "fire", at(23, 10, 0))
		w.must(err)
		if p = w.part(v.ID, "fire"); r.Outcome != OutcomeHeld || len(p.OpenHolds()) != 1 || p.OpenHolds()[0].Reason != HoldFreeText {
			t.Errorf("%s, holds %+v", r.Outcome, p.OpenHolds())
		}
		w.moved(v)
		if _, err := w.Reply(t.Context(), w.inspector("fire"), ReplyRequest{
			ParticipantID: p.ID, Round: 2, Kind: ReplyCounter, Channel: "portal", Proposals: []time.Time{at(24, 15, 0)},
		}); err != nil {
			t.Fatal(err)
		}
		if p = w.part(v.ID, "fire"); p.Consent == ConsentCountered {
			t.Error("a second counter in a later round counts")
		}
	})
}

func TestTheWindowSeesWhatStandsAgainstATimeBeforeItAccepts(t *testing.T) { // INS-811
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for _, r := range w.people["urban"][:2] {
			_, err := w.AddAbsence(t.Context(), w.boss, Absence{ResourceID: r.ID, Start: at(20, 9, 0), End: at(20, 12, 0)}, once.Key{})
			w.must(err)
		}
		p := w.countered(v, "fire", at(20, 10, 0), at(20, 15, 0))
		weighed, err := w.Weigh(t.Context(), w.clerk, p.ID)
		w.must(err)
		if len(weighed) != 2 || weighed[0].Possible || weighed[0].Why.Code == "" || !weighed[1].Possible || len(weighed[1].Offer.People) != 3 {
			t.Fatalf("%+v", weighed)
		}
		for _, line := range weighed[0].Lines {
			if blocked := line.DepartmentID == w.department("urban"); blocked != (line.Why != "") || line.Min != 2 {
				t.Errorf("%+v", line)
			}
		}
		_, err = w.Weigh(t.Context(), w.city(), p.ID)
		w.refused(err, "wrong_window")
		_, err = w.Weigh(t.Context(), w.clerk, w.part(v.ID, "amr").ID)
		w.refused(err, "nothing_countered")
	})
}

func TestAnAcceptedCounterIsANewRoundForAll(t *testing.T) { // INS-811, INS-607
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.answer(v, "amr", 1, ReplyAccept)
		p := w.countered(v, "fire", at(20, 15, 0))
		weighed, err := w.Weigh(t.Context(), w.clerk, p.ID)
		w.must(err)
		choice := choiceOf(weighed[0].Start, weighed[0].Offer.People)
		other := choice
		other.Start = at(20, 10, 0)
		_, err = w.AcceptCounter(t.Context(), w.clerk, AcceptCounterRequest{ParticipantID: p.ID, Choice: other})
		w.refused(err, "not_proposed")
		_, err = w.AcceptCounter(t.Context(), w.inspector("amr"), AcceptCounterRequest{ParticipantID: p.ID, Choice: choice})
		w.refused(err, "not_a_window")
		out, err := w.AcceptCounter(t.Context(), w.clerk, AcceptCounterRequest{ParticipantID: p.ID, Choice: choice})
		w.must(err)
		if out.Round != 2 || !out.Start.Equal(at(20, 15, 0)) || w.hasTask(TaskCounter) {
			t.Errorf("%+v, task open %v", out, w.hasTask(TaskCounter))
		}
		for _, system := range []string{"amr", "fire", "urban"} {
			if got := w.part(v.ID, system); got.Consent != ConsentUnserved || got.Round != 2 {
				t.Errorf("%s is %s in round %d", system, got.Consent, got.Round)
			}
		}
		view, err := w.FindVisit(t.Context(), w.clerk, v.ID)
		w.must(err)
		if r := view.Rounds[1]; r.ReasonCode != "counter_accepted" || !strings.Contains(r.Reason, "消防") {
			t.Errorf("the reason is %+v", r)
		}
	})
}

func TestARefusedCounterGetsAFullTermFromItsProvenArrival(t *testing.T) { // INS-811, C10
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		old := w.part(v.ID, "amr")
		p := w.countered(v, "fire", at(23, 10, 0))
		w.refused(w.RefuseCounter(t.Context(), w.clerk, RefuseRequest{ParticipantID: p.ID}), "reason_missing")
		w.refused(w.RefuseCounter(t.Context(), w.inspector("amr"), RefuseRequest{ParticipantID: p.ID, Reason: "x"}), "not_a_window")
		w.refused(w.RefuseCounter(t.Context(), w.clerk, RefuseRequest{ParticipantID: old.ID, Reason: "x"}), "nothing_countered")
		w.clock.forward(8 * time.Hour) // after hours: the next working day is the served one
		w.must(w.RefuseCounter(t.Context(), w.clerk, RefuseRequest{ParticipantID: p.ID, Reason: "市监当天无人"}))
		if p = w.part(v.ID, "fire"); p.Consent != ConsentCountered || !p.RespondBy.IsZero() || p.Notice.Version != 2 {
			t.Fatalf("before its arrival: %+v, notice %+v", p.Participant, p.Notice)
		}
		w.must(w.DB.Write(t.Context(), func(tx bun.IDB) error { // the first notice proves nothing of the refusal
			return w.recordOld(tx, p)
		}))
		if p = w.part(v.ID, "fire"); p.Consent != ConsentCountered {
			t.Fatal("the arrival of the first notice started the new clock")
		}
		w.tick()
		p = w.part(v.ID, "fire")
		if p.Consent != ConsentAwaiting || !p.RespondBy.Equal(at(19, 17, 30)) || !p.RespondBy.After(old.RespondBy) {
			t.Errorf("%s until %s", p.Consent, p.RespondBy)
		}
		if amr := w.part(v.ID, "amr"); !amr.RespondBy.Equal(old.RespondBy) || !amr.ServedAt.Equal(old.ServedAt) {
			t.Error("another department's clock moved")
		}
		text := w.inboxLetter(p.ID, notify.PurposeNotice)
		for _, says := range []string{"改期建议未予采纳", "市监当天无人", "原定时间、地点不变", "视为同意"} {
			if !strings.Contains(text, says) {
				t.Errorf("the notice does not say %q: %s", says, text)
			}
		}
	})
}

// recordOld records once more that the first notice arrived.
func (w *testWorld) recordOld(tx bun.IDB, p ParticipantView) error {
	v, err := findVisit(w.t.Context(), tx, p.VisitID)
	if err != nil {
		return err
	}
	leaves, err := w.recordService(w.t.Context(), tx, p.Participant, v, Service{
		NoticeID: p.Services[0].NoticeID, Round: 1, Class: "A", Channel: "paper", ServedAt: w.now(), Source: "again",
	})
	if err != nil {
		return err
	}
	return audit.Record(w.t.Context(), tx, leaves...)
}

func TestSilenceAfterARefusedCounterCountsByTheNewTermOnly(t *testing.T) { // INS-811, INS-901, INS-902
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-23")
		w.tick()
		p := w.countered(v, "fire", at(23, 15, 0))
		w.clock.forward(time.Hour)
		w.must(w.RefuseCounter(t.Context(), w.clerk, RefuseRequest{ParticipantID: p.ID, Reason: "其他部门无法到场"}))
		w.tick()
		due := w.part(v.ID, "fire").RespondBy
		w.until(due.Add(-time.Minute))
		if w.part(v.ID, "fire").Consent != ConsentAwaiting {
			t.Fatalf("early: %s", w.part(v.ID, "fire").Consent)
		}
		w.until(due.Add(time.Hour))
		if p = w.part(v.ID, "fire"); p.Consent != ConsentDeemed || p.Deemed == nil {
			t.Fatalf("%s, holds %+v", p.Consent, p.OpenHolds())
		}
		w.verifyBundle(v, "fire")
	})
}

func TestAYesThatARefusedCounterReplacedIsNoAnswerToTheNewTerm(t *testing.T) { // INS-811, INS-805, C10
	for first, deemed := range map[ReplyKind]bool{ReplyAccept: true, ReplyDecline: false} { // a no is never silence
		t.Run(string(first), func(t *testing.T) {
			town.Each(t, func(t *testing.T, d *db.DB) {
				w := newWorld(t, d)
				v := w.bookedOn("2026-11-23")
				w.tick()
				w.answer(v, "fire", 1, first)
				w.clock.forward(time.Minute)
				p := w.countered(v, "fire", at(23, 15, 0))
				w.clock.forward(time.Hour)
				w.must(w.RefuseCounter(t.Context(), w.clerk, RefuseRequest{ParticipantID: p.ID, Reason: "其他部门无法到场"}))
				w.tick()
				due := w.part(v.ID, "fire").RespondBy
				w.until(due.Add(-time.Minute))
				if p = w.part(v.ID, "fire"); p.Consent != ConsentAwaiting || p.Deemed != nil {
					t.Fatalf("before the new term is over: %s", p.Consent)
				}
				w.until(due.Add(time.Hour))
				if p = w.part(v.ID, "fire"); (p.Deemed != nil) != deemed {
					t.Fatalf("after silence in the new term: %s, holds %+v", p.Consent, p.OpenHolds())
				}
				if deemed {
					w.verifyBundle(v, "fire")
					var file bytes.Buffer
					w.must(w.Bundle(t.Context(), w.clerk, w.log, BundleRequest{VisitID: v.ID, DepartmentID: w.department("fire")}, &file))
					secondVerdicts(t, secondCase{name: "fire", bundle: file.Bytes(), key: w.log.Key.Public, want: "PASS"})
				}
			})
		})
	}
}

func TestWhileACounterWaitsSilenceNeverCounts(t *testing.T) { // INS-811, INS-913
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-23")
		w.tick()
		p := w.countered(v, "fire", at(23, 15, 0))
		w.until(v.Start.Add(-time.Minute))
		if got := w.part(v.ID, "fire"); got.Consent != ConsentCountered || got.Deemed != nil {
			t.Errorf("fire is %s", got.Consent)
		}
		if !w.hasTask(TaskOverdue) {
			t.Error("the supervisor was not told")
		}
		if got := w.leaves(v, "fire"); strings.Count(got, "duty_missed") != 1 {
			t.Errorf("on record: %s", got)
		}
		w.must(w.RefuseCounter(t.Context(), w.clerk, RefuseRequest{ParticipantID: p.ID, Reason: "逾期"}))
		if w.hasTask(TaskOverdue) {
			t.Error("the task stays after the answer")
		}
	})
}

func TestTheRefusalFallsWithItsOnlyProof(t *testing.T) { // INS-708, INS-811
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.dropPortal()
		v := w.served()
		p := w.countered(v, "fire", at(20, 15, 0))
		w.must(w.RefuseCounter(t.Context(), w.clerk, RefuseRequest{ParticipantID: p.ID, Reason: "其他部门无法到场"}))
		w.tick()
		p = w.part(v.ID, "fire")
		if p.Consent != ConsentAwaiting {
			t.Skipf("without the inbox it is %s", p.Consent)
		}
		w.bounce(v, "fire")
		if got := w.part(v.ID, "fire"); got.Consent == ConsentAwaiting && got.RespondBy.IsZero() {
			t.Errorf("%+v", got.Participant)
		}
	})
}

func TestAnExcuseIsDecidedByASupervisor(t *testing.T) { // INS-812, C11, C12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		_, err := w.Reply(t.Context(), w.inspector("fire"), ReplyRequest{
			ParticipantID: w.part(v.ID, "fire").ID, Round: 1, Kind: ReplyExcuse, Category: "holiday", Reason: "x", Channel: "portal",
		})
		w.refused(err, "excuse_category")
		w.answer(v, "fire", 1, ReplyExcuse)
		w.answer(v, "urban", 1, ReplyExcuse)
		fire, urban := w.part(v.ID, "fire"), w.part(v.ID, "urban")
		if fire.Consent != ConsentExcuse || fire.Replies[0].Category != "other" {
			t.Fatalf("%s %+v", fire.Consent, fire.Replies)
		}
		w.refused(w.RefuseExcuse(t.Context(), w.clerk, RefuseRequest{ParticipantID: fire.ID, Reason: "x"}), "not_supervisor")
		w.refused(w.Release(t.Context(), w.clerk, ReleaseRequest{ParticipantID: fire.ID, Reason: "x"}), "not_supervisor")
		w.refused(w.Release(t.Context(), w.boss, ReleaseRequest{ParticipantID: w.part(v.ID, "amr").ID, Reason: "x"}), "nothing_excused")
		w.clock.forward(time.Minute)
		w.must(w.RefuseExcuse(t.Context(), w.boss, RefuseRequest{ParticipantID: fire.ID, Reason: "可安排他人"}))
		w.must(w.Release(t.Context(), w.boss, ReleaseRequest{ParticipantID: urban.ID, Reason: "防汛应急响应"}))
		w.tick()
		fire, urban = w.part(v.ID, "fire"), w.part(v.ID, "urban")
		if fire.Consent != ConsentAwaiting || fire.Notice.Version != 2 || !strings.Contains(w.inboxLetter(fire.ID, notify.PurposeNotice), "正当理由未予采纳") {
			t.Errorf("fire is %s by notice %+v", fire.Consent, fire.Notice)
		}
		if urban.Consent != ConsentExcused || urban.Attendance != AttendanceOptional || len(urban.People) != 0 {
			t.Errorf("urban is %s %s with %d people", urban.Consent, urban.Attendance, len(urban.People))
		}
		if text := w.inboxLetter(urban.ID, notify.PurposeReleased); !strings.Contains(text, "书面意见") || !strings.Contains(text, "防汛") {
			t.Errorf("urban reads %s", text)
		}
		w.until(v.Start.Add(-time.Minute))
		if got := w.part(v.ID, "urban"); got.Deemed != nil {
			t.Error("an excused department is deemed no_reply")
		}
	})
}

func TestAnExcuseThatNobodyDecidesHoldsAndIsEscalated(t *testing.T) { // INS-812
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-23")
		w.tick()
		w.answer(v, "fire", 1, ReplyExcuse)
		w.until(v.Start.Add(-time.Minute))
		if got := w.part(v.ID, "fire"); got.Consent != ConsentExcuse || got.Deemed != nil || !w.hasTask(TaskOverdue) {
			t.Errorf("fire is %s, told %v", got.Consent, w.hasTask(TaskOverdue))
		}
	})
}

func TestAMoveForAnExcuseIsTheSupervisorsAndUpholdsIt(t *testing.T) { // INS-812
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.answer(v, "fire", 1, ReplyExcuse)
		r := RetimeRequest{VisitID: v.ID, Choice: w.laterSlot(v), Code: "department_excused", Reason: "消防执行灭火任务"}
		_, err := w.Retime(t.Context(), w.clerk, r)
		w.refused(err, "not_supervisor")
		_, err = w.Retime(t.Context(), w.boss, r)
		w.must(err)
		if p := w.part(v.ID, "fire"); p.Replies[0].Decision != r.Reason || p.Round != 2 || !strings.Contains(w.leaves(v, "fire"), "excuse_upheld") {
			t.Errorf("%+v", p.Replies)
		}
	})
}

func TestAFreeQualifiedSubstituteIsNamed(t *testing.T) { // INS-812, INS-209
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		p := w.part(v.ID, "fire")
		got, err := w.Substitutes(t.Context(), w.clerk, p.ID)
		w.must(err)
		third := w.people["fire"][2]
		for _, one := range p.People {
			if one.ID == third.ID {
				third = w.people["fire"][0]
			}
		}
		if len(got) != 1 {
			t.Fatalf("%d substitutes", len(got))
		}
		_, err = w.AddAbsence(t.Context(), w.boss, Absence{ResourceID: got[0].ID, Start: v.Start, End: v.End}, once.Key{})
		w.must(err)
		if got, err = w.Substitutes(t.Context(), w.clerk, p.ID); err != nil || len(got) != 0 {
			t.Errorf("one on leave is named: %v %v", got, err)
		}
		w.answer(v, "urban", 1, ReplyExcuse) // who is let off stands against nobody
		w.must(w.Release(t.Context(), w.boss, ReleaseRequest{ParticipantID: w.part(v.ID, "urban").ID, Reason: "防汛"}))
		if got, err = w.Substitutes(t.Context(), w.clerk, w.part(v.ID, "amr").ID); err != nil || len(got) != 1 {
			t.Errorf("for another department: %v %v", got, err)
		}
	})
}

func TestTheTermsOfTheWindowsDutiesAreSettings(t *testing.T) { // INS-103, INS-811
	w := newWorld(t, town.SQLite(t))
	w.set("counter.answer", "2")
	v := w.bookedOn("2026-11-23")
	w.tick()
	w.countered(v, "fire", at(23, 15, 0))
	w.until(at(18, 18, 0))
	if w.hasTask(TaskOverdue) {
		t.Error("after one working day of two")
	}
	w.until(at(19, 18, 0))
	if !w.hasTask(TaskOverdue) {
		t.Error("nobody was told after two")
	}
}
