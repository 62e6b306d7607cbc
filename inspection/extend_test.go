package inspection

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// wait lives through the time to an instant with every inbox alive and all
// sweeps but one look at the end left out: cheaper than until.
func (w *testWorld) wait(then time.Time) {
	w.t.Helper()
	for w.clock.Now().Before(then) {
		w.step(then)
		w.beat(notify.Portal, notify.Mail)
	}
	w.tick()
}

// beat marks inbound channels as alive now.
func (w *testWorld) beat(channels ...string) {
	w.t.Helper()
	for _, c := range channels {
		w.must(w.outbox.Beat(w.t.Context(), c, w.clock.Now(), true))
	}
}

// bookedOn is a served visit on a day.
func (w *testWorld) bookedOn(day string) Visit {
	w.t.Helper()
	date, err := workday.ParseDate(day)
	w.must(err)
	draft := w.newDraft()
	answer, err := w.Slots(w.t.Context(), w.clerk, SlotRequest{VisitID: draft.ID, From: date, To: date, Limit: 1})
	w.must(err)
	v, err := w.Book(w.t.Context(), w.clerk, BookRequest{VisitID: draft.ID, Choice: choiceOf(answer.Offers[0].Start, answer.Offers[0].People)})
	w.must(err)
	w.tick()
	return v
}

// deemedAt plays to the end of the grace and a look.
func (w *testWorld) deemedAt(v Visit, system string) ParticipantView {
	w.t.Helper()
	w.wait(w.part(v.ID, system).RespondBy.Add(grace + time.Second))
	return w.part(v.ID, system)
}

// importYear imports a year of the calendar with days changed, by two persons.
func (w *testWorld) importYear(year int, change func(*workday.Year)) {
	w.t.Helper()
	ctx := w.t.Context()
	years, err := workday.Shipped()
	w.must(err)
	y := years[year]
	change(&y)
	file, err := json.Marshal(map[string]any{"years": map[int]workday.Year{year: y}})
	w.must(err)
	proposed, err := w.office.ImportCalendar(ctx, file, "person:one", once.Key{})
	w.must(err)
	_, err = w.office.ApproveCalendar(ctx, proposed.ID, "person:two")
	w.must(err)
}

func off(days ...string) func(*workday.Year) {
	return func(y *workday.Year) {
		for _, d := range days {
			date, _ := workday.ParseDate(d)
			y.Off = append(y.Off, date)
		}
	}
}

// at is an instant of November 2026 in Shanghai.
func at(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour, minute, 0, 0, workday.Shanghai).UTC()
}

func (w *testWorld) wantDue(v Visit, system string, want time.Time) ParticipantView {
	w.t.Helper()
	p := w.part(v.ID, system)
	if !p.RespondBy.Equal(want) {
		w.t.Fatalf("%s: T2 %s, want %s", system, minute(p.RespondBy), minute(want))
	}
	return p
}

func TestAnEarlyOutageThatTheTermMakesUpForNeitherHoldsNorExtends(t *testing.T) { // INS-905
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-23") // T2 Wednesday 11-18 17:30
		w.clock.forward(2 * time.Hour)
		w.wait(at(18, 17, 20))
		w.wantDue(v, "amr", at(18, 17, 30))
		if got := w.deemedAt(v, "amr"); got.Deemed == nil {
			t.Errorf("an hour's outage on the first day: %s, holds %v", got.Consent, got.OpenHolds())
		}
	})
}

func TestAnOutageOverNightGivesUntilTheDayAfterTheRecovery(t *testing.T) { // INS-905
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-24")
		w.wait(at(18, 16, 40))
		w.clock.forward(at(19, 10, 0).Sub(w.clock.Now())) // the mailbox comes back on Thursday
		w.tick()
		w.clock.forward(31 * time.Second)
		w.tick()
		w.wantDue(v, "amr", at(20, 17, 30))
		got := w.deemedAt(v, "amr")
		if got.Deemed == nil {
			t.Fatalf("%s, holds %v", got.Consent, got.OpenHolds())
		}
		if !strings.Contains(got.Deemed.Findings["arithmetic"], "收件渠道中断，顺延至 2026-11-20 周五 17:30") { // INS-937
			t.Errorf("the record says %q", got.Deemed.Findings["arithmetic"])
		}
		w.verifyBundle(v, "amr")
	})
}

func TestAnAnswerBetweenTheOldDeadlineAndTheMovedOneIsInTime(t *testing.T) { // PRO-5, INS-905
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-24")
		w.wait(at(18, 16, 40))
		w.clock.forward(at(18, 17, 32).Sub(w.clock.Now()))
		r, err := w.Reply(t.Context(), w.inspector("amr"), ReplyRequest{ParticipantID: w.part(v.ID, "amr").ID, Round: 1, Kind: ReplyDecline, Reason: "有会", Channel: "portal"})
		w.must(err)
		if r.Outcome != OutcomeLate {
			t.Fatalf("two minutes after T2: %s", r.Outcome)
		}
		w.clock.forward(5 * time.Minute)
		w.tick()
		got := w.part(v.ID, "amr")
		if got.Consent != ConsentDeclined || got.Replies[0].Outcome != OutcomeApplied || len(got.OpenHolds()) != 0 {
			t.Fatalf("after T2 moved: %s, reply %s, holds %v", got.Consent, got.Replies[0].Outcome, got.OpenHolds())
		}
		w.wait(at(19, 18, 0))
		if w.part(v.ID, "amr").Deemed != nil {
			t.Error("deemed although it answered by T2")
		}
	})
}

func TestWhenTheFirstProofFallsTheTermCountsFromTheOneThatStands(t *testing.T) { // INS-708, INS-903
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-24")
		w.wait(at(18, 10, 0))
		w.must(w.Opened(t.Context(), w.inspector("amr"), w.part(v.ID, "amr").ID))
		w.bounce(v, "amr")
		w.clock.forward(5 * time.Second)
		w.tick()
		got := w.wantDue(v, "amr", at(19, 17, 30))
		if !got.ServedAt.Equal(at(18, 10, 0)) || got.ServiceClass != "A" {
			t.Errorf("T1 %s, class %s", minute(got.ServedAt), got.ServiceClass)
		}
		if got = w.deemedAt(v, "amr"); got.Deemed == nil {
			t.Fatalf("%s, holds %v", got.Consent, got.OpenHolds())
		}
		w.verifyBundle(v, "amr")
	})
}

// bounce brings a failure report about the mailed notice.
func (w *testWorld) bounce(v Visit, system string) {
	w.t.Helper()
	p := w.part(v.ID, system)
	notices := w.sent.of(notify.PurposeNotice, notify.Mail)
	i := slices.IndexFunc(notices, func(m notify.Message) bool { return m.Subject == p.ID })
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		return w.Bounced(w.t.Context(), tx, notify.Failure{Message: notices[i], At: w.now(), Source: "dsn", Status: "5.1.1"})
	}))
}

func TestAStricterServiceClassAsksForAnotherProofAndAFullTermFromIt(t *testing.T) { // INS-704, INS-902, INS-903
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-24") // class B by mail
		w.set("service.min_class", "A")
		p := w.deemedAt(v, "amr")
		w.holdsOn(v, "amr", HoldService)
		w.clock.forward(time.Minute)
		w.must(w.ServeByHand(t.Context(), w.clerk, HandServiceRequest{
			ParticipantID: p.ID, Channel: "paper", Receiver: "周", At: w.now().Add(-time.Second), Scan: Scan{Name: "slip.png", Bytes: slip(t)},
		}))
		w.clock.forward(time.Minute)
		w.tick()
		w.holdsOn(v, "amr")
		w.wantDue(v, "amr", at(20, 17, 30)) // served on Wednesday after hours
	})
}

// set changes a setting by two persons.
func (w *testWorld) set(key, value string) {
	w.t.Helper()
	s, err := w.office.ProposeSetting(w.t.Context(), office.SettingChange{Key: key, Value: value, Reason: "试行"}, "person:one")
	w.must(err)
	if s.State == office.Proposed {
		_, err = w.office.ApproveSetting(w.t.Context(), s.ID, "person:two")
		w.must(err)
	}
}

func TestANewCalendarMovesARunningDeadlineLaterAtOnceAndTells(t *testing.T) { // INS-409, INS-408
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-24")
		w.wait(at(17, 16, 0))
		w.importYear(2026, off("2026-11-18"))
		w.tick()
		got := w.wantDue(v, "amr", at(19, 17, 30))
		if got.Deadline.CalendarVersion != 2 {
			t.Errorf("counted by version %d", got.Deadline.CalendarVersion)
		}
		w.tick()
		if n := len(w.sent.of(notify.PurposeReminder, notify.Mail)); n != 3 {
			t.Errorf("%d departments told, want 3", n)
		}
		if got = w.deemedAt(v, "amr"); got.Deemed == nil {
			t.Fatalf("%s, holds %v", got.Consent, got.OpenHolds())
		}
		w.verifyBundle(v, "amr")
	})
}

func TestANewCalendarNeverMovesADeadlineEarlier(t *testing.T) { // INS-409
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.importYear(2026, off("2026-11-18"))
		v := w.bookedOn("2026-11-24")
		w.wantDue(v, "amr", at(19, 17, 30))
		w.importYear(2026, func(*workday.Year) {}) // the day is a working day again
		w.tick()
		w.wantDue(v, "amr", at(19, 17, 30))
		w.wait(at(18, 17, 40))
		if w.part(v.ID, "amr").Deemed != nil {
			t.Fatal("deemed by the shorter calendar")
		}
		if got := w.deemedAt(v, "amr"); got.Deemed == nil {
			t.Errorf("%s, holds %v", got.Consent, got.OpenHolds())
		}
	})
}

func TestADeadlineOnADayThatTheCentreClosesMovesOn(t *testing.T) { // INS-402, INS-409
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-24")
		date, err := workday.ParseDate("2026-11-18")
		w.must(err)
		_, err = w.office.AddClosure(t.Context(), office.Closure{Centre: w.centre.ID, Day: date, Reason: "台风"}, "person:one", once.Key{})
		w.must(err)
		w.wait(at(18, 17, 36))
		w.wantDue(v, "amr", at(19, 17, 30))
	})
}

func TestADeadlineThroughAProvisionalYearHoldsUntilItsNoticeIsThere(t *testing.T) { // DEC-17, INS-405
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorldAt(t, d, time.Date(2026, 12, 30, 1, 40, 0, 0, time.UTC)) // Wednesday; Friday is New Year
		v := w.bookedOn("2027-01-06")
		t2 := time.Date(2026, 12, 31, 9, 30, 0, 0, time.UTC)
		w.wantDue(v, "amr", t2)
		w.wait(t2.Add(-time.Hour))
		w.clock.forward(4 * 24 * time.Hour) // the inbox is down until Monday: T2 is Tuesday
		w.tick()
		w.clock.forward(31 * time.Second)
		w.tick()
		w.wantDue(v, "amr", time.Date(2027, 1, 5, 9, 30, 0, 0, time.UTC))
		w.deemedAt(v, "amr")
		w.holdsOn(v, "amr", HoldProvisional)
		w.importYear(2027, func(y *workday.Year) { y.Status = workday.Final })
		w.tick()
		if got := w.part(v.ID, "amr"); got.Deemed == nil {
			t.Errorf("with the notice: %s, holds %v", got.Consent, got.OpenHolds())
		}
	})
}

func TestADeadlineMovedPastTheVisitIsAtRiskAndNeverDeemed(t *testing.T) { // INS-606, INS-901
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-19")
		w.wait(at(18, 15, 0))
		w.clock.forward(at(18, 17, 36).Sub(w.clock.Now())) // over two hours of silence
		w.tick()
		w.clock.forward(31 * time.Second)
		w.tick()
		got := w.wantDue(v, "amr", at(19, 17, 30))
		if !got.AtRisk || !w.hasTask(TaskAtRisk) {
			t.Error("nobody is told that the visit begins before the deadline")
		}
		w.wait(at(19, 18, 0)) // nobody starts the visit
		w.holdsOn(v, "amr", HoldAtRisk)
		_, err := w.Start(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.holdsOn(v, "amr")
		if w.deemedRows() != 0 || w.hasTask(TaskAtRisk) {
			t.Error("deemed, or the task stays")
		}
	})
}

func (w *testWorld) hasTask(kind TaskKind) bool {
	w.t.Helper()
	today, err := w.Today(w.t.Context(), w.boss)
	w.must(err)
	return slices.ContainsFunc(today.Tasks, func(t Task) bool { return t.Kind == kind })
}

func TestAServiceLaterThanTheDeadlineAllowsIsAtRisk(t *testing.T) { // INS-606
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sent.down = true
		v := w.bookedOn("2026-11-19")
		w.wait(at(18, 9, 0))
		w.sent.down = false
		w.clock.forward(2 * time.Hour)
		w.tick()
		got := w.wantDue(v, "amr", at(19, 17, 30))
		if got.Consent != ConsentAwaiting || !got.AtRisk || !w.hasTask(TaskAtRisk) {
			t.Errorf("%s, at risk %v", got.Consent, got.AtRisk)
		}
		today, err := w.Today(t.Context(), w.clerk)
		w.must(err)
		i := slices.IndexFunc(today.Tasks, func(task Task) bool { return task.Kind == TaskAtRisk })
		w.refused(w.Done(t.Context(), w.clerk, today.Tasks[i].ID, " "), "reason_missing") // it is kept with a reason
		w.must(w.Done(t.Context(), w.clerk, today.Tasks[i].ID, "该部门已电话确认到场"))
	})
}

func TestServiceAfterHoursCountsFromTheNextWorkingDay(t *testing.T) { // INS-413, INS-703
	for _, c := range []struct{ served, due time.Time }{
		{at(17, 8, 0), at(18, 17, 30)},
		{at(17, 12, 30), at(18, 17, 30)},
		{at(17, 17, 29), at(18, 17, 30)},
		{at(17, 17, 30), at(19, 17, 30)},
		{at(21, 10, 0), at(24, 17, 30)}, // Saturday
	} {
		w := newWorldAt(t, dbtest.SQLite(t), c.served)
		v := w.newVisit()
		w.tick()
		got := w.wantDue(v, "amr", c.due)
		if !got.Notice.PrintedDue.Equal(c.due) {
			t.Errorf("printed %s, want %s", minute(got.Notice.PrintedDue), minute(c.due))
		}
	}
}

func TestTheDeadlineIsNeverBeforeThePrintedOne(t *testing.T) { // INS-703, INS-903
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.importYear(2026, off("2026-11-18"))
		w.sent.down = true
		w.dropPortal()
		v := w.bookedOn("2026-11-24")
		if p := w.part(v.ID, "amr"); !p.Notice.PrintedDue.Equal(at(19, 17, 30)) || p.Consent != ConsentUnserved {
			t.Fatalf("printed %s, %s", minute(p.Notice.PrintedDue), p.Consent)
		}
		w.importYear(2026, func(*workday.Year) {}) // counted from now on it would be the 18th
		w.sent.down = false
		w.clock.forward(2 * time.Hour)
		w.must(w.outbox.SendDue(t.Context(), notify.Mail))
		w.wantDue(v, "amr", at(19, 17, 30))
	})
}

func TestADeadlineThatMovedToADayThatClosesMovesOn(t *testing.T) { // INS-409, INS-402
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-24")
		w.wait(at(18, 16, 0))
		w.mail(v, "amr", "已阅")
		w.must(w.sort("")) // no answer, so it gets another day
		w.wantDue(v, "amr", at(19, 17, 30))
		_, err := w.office.AddClosure(t.Context(), office.Closure{Centre: w.centre.ID, Day: november(19), Reason: "台风"}, "person:one", once.Key{})
		w.must(err)
		w.wait(at(19, 17, 36))
		if got := w.wantDue(v, "amr", at(20, 17, 30)); got.Deemed != nil {
			t.Error("deemed on a day on which the centre was closed")
		}
	})
}

func TestAGapOfHalfAnHourOfWorkIsNotTooLong(t *testing.T) { // INS-905
	for _, c := range []struct {
		back time.Time
		due  time.Time
	}{
		{at(18, 13, 45), at(18, 17, 30)}, // 15 minutes before noon, 15 after half past one
		{at(18, 13, 46), at(19, 17, 30)},
	} {
		w := newWorld(t, town.SQLite(t))
		v := w.bookedOn("2026-11-24")
		w.wait(at(18, 11, 45))
		w.clock.forward(c.back.Sub(w.clock.Now()))
		w.beat(notify.Portal, notify.Mail)
		w.wait(at(18, 17, 36))
		w.wantDue(v, "amr", c.due)
	}
}
