package inspection

import (
	"math"
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
)

// begun is a visit of three departments that has just started, each of which
// has accepted.
func (w *testWorld) begun() Visit {
	w.t.Helper()
	v := w.served()
	for _, system := range []string{"amr", "fire", "urban"} {
		w.reply(v, system, ReplyAccept)
	}
	w.wait(v.Start)
	v, err := w.Start(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	return v
}

// nth is one of a department's people, from 1.
func (w *testWorld) nth(system string, n int) auth.Actor {
	by := w.inspector(system)
	by.ID, by.Name = system+string(rune('0'+n)), "勘验员"+string(rune('0'+n))
	return by
}

// comes checks people of a department in on their own telephones.
func (w *testWorld) comes(v Visit, system string, people ...int) {
	w.t.Helper()
	for _, n := range people {
		_, err := w.CheckIn(w.t.Context(), w.nth(system, n), CheckInRequest{
			VisitID: v.ID, Party: w.part(v.ID, system).ID, Way: ByPhone, Certificate: "湘-" + system + string(rune('0'+n)),
		})
		w.must(err)
	}
}

// hosts checks in the clerk and the applicant.
func (w *testWorld) hosts(v Visit) {
	w.t.Helper()
	for _, r := range []CheckInRequest{
		{VisitID: v.ID, Party: PartyWindow, Way: ByWindow},
		{VisitID: v.ID, Party: PartyApplicant, Way: ByWindow, Name: "李梅", Certificate: "1234"},
	} {
		_, err := w.CheckIn(w.t.Context(), w.clerk, r)
		w.must(err)
	}
}

func (w *testWorld) attendanceIs(v Visit, system string, want Attendance) {
	w.t.Helper()
	if got := w.part(v.ID, system).Attendance; got != want {
		w.t.Errorf("%s is %s, want %s", system, got, want)
	}
}

func (w *testWorld) attests(v Visit, system string, by auth.Actor, role AttestRole) (Attestation, error) {
	w.t.Helper()
	return w.Attest(w.t.Context(), by, AttestRequest{ParticipantID: w.part(v.ID, system).ID, Role: role, Scan: w.image()})
}

func (w *testWorld) image() Scan { return Scan{Name: "签到表.png", Bytes: slip(w.t)} }

func TestAttendanceFollowsFromWhoCameAndWhen(t *testing.T) { // A1…A3, A5
	grace := time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
	before, at, after := grace.Add(-time.Minute), grace, grace.Add(time.Millisecond)
	for _, c := range []struct {
		came  []time.Time
		least int
		want  Attendance
	}{
		{nil, 2, ""}, {[]time.Time{before}, 2, AttendanceShort}, {[]time.Time{after}, 2, AttendanceShort},
		{[]time.Time{before, at}, 2, AttendancePresent}, {[]time.Time{at, before}, 2, AttendancePresent},
		{[]time.Time{before, after}, 2, AttendanceLate}, {[]time.Time{after, after}, 2, AttendanceLate},
		{[]time.Time{after, before, before}, 2, AttendancePresent}, {[]time.Time{at}, 1, AttendancePresent}, {[]time.Time{at}, 0, AttendancePresent},
	} {
		if got := attendanceOf(c.came, c.least, grace); got != c.want {
			t.Errorf("%v of %d: %q, want %q", c.came, c.least, got, c.want)
		}
	}
}

func TestPeopleCheckInOnTheirTelephonesAtTheWindowOrOnPaper(t *testing.T) { // INS-1002, INS-1003, A1…A3
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		p := w.part(v.ID, "amr")
		mine := CheckInRequest{VisitID: v.ID, Party: p.ID, Way: ByPhone, Certificate: "湘A 1001"}
		_, err := w.CheckIn(ctx, w.nth("amr", 1), mine)
		w.refused(err, "checkin_closed")
		w.wait(v.Start)
		v, err = w.Start(ctx, w.clerk, v.ID)
		w.must(err)
		none := mine
		none.Certificate = ""
		_, err = w.CheckIn(ctx, w.nth("amr", 1), none)
		w.refused(err, "certificate_missing")
		c, err := w.CheckIn(ctx, w.nth("amr", 1), mine)
		w.must(err)
		if c.Name != "勘验员1" || strings.Contains(c.Certificate, "100") {
			t.Errorf("%+v is not masked", c)
		}
		w.attendanceIs(v, "amr", AttendanceShort)
		_, err = w.CheckIn(ctx, w.nth("amr", 1), mine)
		w.refused(err, "already_here")
		_, err = w.CheckIn(ctx, w.nth("fire", 1), mine)
		w.refused(err, "not_your_department")
		window := CheckInRequest{VisitID: v.ID, Party: p.ID, Way: ByWindow, Name: "赵刚"}
		_, err = w.CheckIn(ctx, w.clerk, window)
		w.refused(err, "certificate_missing")
		window.Certificate = "湘A1002"
		_, err = w.CheckIn(ctx, w.nth("amr", 2), window)
		w.refused(err, "not_a_window")
		_, err = w.CheckIn(ctx, w.clerk, window)
		w.must(err)
		w.attendanceIs(v, "amr", AttendancePresent)

		sheet := CheckInRequest{VisitID: v.ID, Party: w.part(v.ID, "fire").ID, Way: ByPaper, Name: "周队长", Certificate: "湘F1", CameAt: v.Start}
		_, err = w.CheckIn(ctx, w.clerk, sheet)
		w.refused(err, "scan_missing")
		sheet.Scan = w.image()
		sheet.CameAt = w.now().Add(time.Minute)
		_, err = w.CheckIn(ctx, w.clerk, sheet)
		w.refused(err, "came_time")
		sheet.CameAt = v.Start
		c, err = w.CheckIn(ctx, w.clerk, sheet)
		w.must(err)
		if c.Scan == "" || !c.CameAt.Equal(v.Start) {
			t.Errorf("the sheet is %+v", c)
		}
		view, err := w.FindVisit(ctx, w.clerk, v.ID)
		w.must(err)
		for _, one := range view.CheckIns {
			if strings.Contains(one.Certificate, "湘A1") || strings.Contains(one.Certificate, "湘F1") {
				t.Errorf("a certificate is shown: %s", one.Certificate)
			}
		}
		if !strings.Contains(w.leaves(v, "amr"), "checked_in") {
			t.Error("no leaf says who checked in")
		}
	})
}

func TestWhoIsNotThereWhenTheGraceEndsIsMissingAndMayStillCome(t *testing.T) { // A4, A5, INS-1004
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.begun()
		w.comes(v, "amr", 1, 2)
		w.clock.forward(30*time.Minute - time.Millisecond)
		w.tick()
		w.attendanceIs(v, "fire", AttendanceExpected)
		w.clock.forward(time.Millisecond)
		w.tick()
		w.attendanceIs(v, "fire", AttendanceAbsentProv)
		w.attendanceIs(v, "amr", AttendancePresent)
		if n := w.count("tasks", "kind = 'call_missing' AND done_at IS NULL AND detail LIKE '%0746-8000000%'"); n != 2 {
			t.Errorf("%d departments to call, want 2", n)
		}
		w.clock.forward(time.Second)
		w.comes(v, "fire", 1)
		w.attendanceIs(v, "fire", AttendanceShort)
		w.comes(v, "fire", 2)
		w.attendanceIs(v, "fire", AttendanceLate)
		if n := w.count("tasks", "kind = 'call_missing' AND done_at IS NULL"); n != 1 {
			t.Errorf("%d departments to call, want 1", n)
		}
	})
}

func TestAVisitThatStartsLateGivesTheFullGrace(t *testing.T) { // INS-927
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	w.wait(v.Start.Add(20 * time.Minute))
	v, err := w.Start(t.Context(), w.clerk, v.ID)
	w.must(err)
	if want := v.StartedAt.Add(30 * time.Minute); !v.GraceUntil.Equal(want) {
		t.Errorf("grace until %v, want %v", v.GraceUntil, want)
	}
}

func TestAnAbsenceTakesTwoPersonsOfTwoRoles(t *testing.T) { // INS-922, INS-1004, A6
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.begun()
		w.comes(v, "amr", 1, 2)
		_, err := w.attests(v, "urban", w.clerk, AttestWindow)
		w.refused(err, "not_on_site")
		w.hosts(v)
		_, err = w.attests(v, "urban", w.clerk, AttestWindow)
		w.refused(err, "not_missing") // the grace runs
		w.wait(v.GraceUntil)
		w.tick()
		_, err = w.attests(v, "urban", w.clerk, AttestWindow)
		w.must(err)
		_, err = w.attests(v, "urban", w.clerk, AttestWindow)
		w.refused(err, "attested_already")
		_, err = w.attests(v, "urban", w.nth("amr", 3), AttestDepartment)
		w.refused(err, "not_on_site")
		_, err = w.attests(v, "urban", w.nth("urban", 1), AttestDepartment)
		w.refused(err, "attest_role")
		_, err = w.attests(v, "urban", w.clerk, AttestSupervisor)
		w.refused(err, "not_supervisor")
		_, err = w.EndSite(ctx, w.clerk, v.ID)
		w.must(err)
		w.attendanceIs(v, "urban", AttendanceAbsentProv) // one word is not enough
		w.attendanceIs(v, "fire", AttendanceAbsentProv)
		if n := w.count("tasks", "kind = 'decide_absence' AND for_role = 'supervisor' AND done_at IS NULL"); n != 2 {
			t.Errorf("the supervisor decides on %d, want 2", n)
		}
		_, err = w.attests(v, "urban", w.nth("amr", 1), AttestDepartment)
		w.must(err)
		w.attendanceIs(v, "urban", AttendanceAbsent)

		urban := w.part(v.ID, "urban").ID
		w.refused(w.WithdrawAttestation(ctx, w.nth("fire", 1), urban, AttestDepartment, "记错"), "no_word")
		w.must(w.WithdrawAttestation(ctx, w.nth("amr", 1), urban, AttestDepartment, "看错了人"))
		w.attendanceIs(v, "urban", AttendanceAbsentProv)
		_, err = w.attests(v, "urban", w.boss, AttestSupervisor)
		w.must(err)
		w.attendanceIs(v, "urban", AttendanceAbsent)

		_, err = w.attests(v, "fire", w.clerk, AttestApplicant) // the applicant's own paper
		w.must(err)
		w.attendanceIs(v, "fire", AttendanceAbsentProv)
		_, err = w.attests(v, "fire", w.boss, AttestSupervisor) // the window is missing still
		w.must(err)
		w.attendanceIs(v, "fire", AttendanceAbsentProv)
		_, err = w.attests(v, "fire", w.clerk, AttestWindow)
		w.must(err)
		w.attendanceIs(v, "fire", AttendanceAbsent)
	})
}

func TestOnePersonInTwoRolesIsOneWord(t *testing.T) { // INS-922
	for _, c := range []struct {
		words []Attestation
		want  bool
	}{
		{nil, false},
		{[]Attestation{{Role: AttestWindow, Person: "a"}}, false},
		{[]Attestation{{Role: AttestWindow, Person: "a"}, {Role: AttestWindow, Person: "b"}}, false},
		{[]Attestation{{Role: AttestWindow, Person: "a"}, {Role: AttestSupervisor, Person: "a"}}, false},
		{[]Attestation{{Role: AttestDepartment, Person: "a"}, {Role: AttestSupervisor, Person: "b"}}, false},
		{[]Attestation{{Role: AttestWindow, Person: "a"}, {Role: AttestSupervisor, Person: "b"}}, true},
		{[]Attestation{{Role: AttestApplicant, Person: "b"}, {Role: AttestWindow, Person: "a"}}, true},
		{[]Attestation{{Role: AttestWindow, Person: "a"}, {Role: AttestDepartment, Person: "b"}}, true},
	} {
		if got := attestedByTwo(c.words); got != c.want {
			t.Errorf("%v: %v", c.words, got)
		}
	}
}

func TestASheetEnteredAfterwardsBringsAMissingDepartmentBack(t *testing.T) { // A5, INS-1002
	w := newWorld(t, town.SQLite(t))
	v := w.begun()
	w.hosts(v)
	w.wait(v.GraceUntil)
	w.tick()
	w.wait(v.End)
	_, err := w.EndSite(t.Context(), w.clerk, v.ID)
	w.must(err)
	w.attendanceIs(v, "fire", AttendanceAbsentProv)
	sheet := CheckInRequest{VisitID: v.ID, Party: w.part(v.ID, "fire").ID, Way: ByPaper, CameAt: v.Start, Scan: w.image()}
	for _, name := range []string{"周队长", "吴勇"} {
		sheet.Name, sheet.Certificate = name, "湘F"+name
		_, err = w.CheckIn(t.Context(), w.clerk, sheet)
		w.must(err)
	}
	w.attendanceIs(v, "fire", AttendancePresent)
	_, err = w.CheckIn(t.Context(), w.nth("urban", 1), CheckInRequest{VisitID: v.ID, Party: w.part(v.ID, "urban").ID, Way: ByPhone, Certificate: "1"})
	w.refused(err, "checkin_closed")
}

func TestWhoLeavesBeforeTheOpinionWithoutLeaveHasLeftEarly(t *testing.T) { // A7
	w := newWorld(t, town.SQLite(t))
	v := w.begun()
	w.comes(v, "amr", 1, 2)
	w.comes(v, "fire", 1, 2)
	w.comes(v, "urban", 1, 2, 3)
	leave := func(system string, n int, agreed bool) {
		view, err := w.FindVisit(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.must(w.Leave(t.Context(), w.clerk, v.ID, view.Came(w.part(v.ID, system).ID)[n-1].ID, agreed))
	}
	leave("amr", 1, false)
	leave("fire", 1, true)
	leave("urban", 1, false) // two stay
	w.attendanceIs(v, "amr", AttendanceLeftEarly)
	w.attendanceIs(v, "fire", AttendancePresent)
	w.attendanceIs(v, "urban", AttendancePresent)
}

func TestAnAbsenceIsCorrectedByTwoPersonsWithProof(t *testing.T) { // A9
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.absent("urban")
		p := w.part(v.ID, "urban")
		r := CorrectionRequest{ParticipantID: p.ID, Attendance: AttendanceLate, Reason: "保安登记有其到场记录"}
		_, err := w.ProposeCorrection(ctx, w.boss, r)
		w.refused(err, "scan_missing")
		r.Scan = w.image()
		_, err = w.ProposeCorrection(ctx, w.inspector("fire"), r)
		w.refused(err, "not_your_department")
		w.refused(w.DecideCorrection(ctx, w.boss, p.ID, true), "no_correction")
		_, err = w.ProposeCorrection(ctx, w.boss, r)
		w.must(err)
		_, err = w.ProposeCorrection(ctx, w.clerk, r)
		w.refused(err, "correction_open")
		w.refused(w.DecideCorrection(ctx, w.boss, p.ID, true), "two_persons")
		w.refused(w.DecideCorrection(ctx, w.clerk, p.ID, true), "not_supervisor")
		other := w.boss
		other.ID = "boss2"
		w.must(w.DecideCorrection(ctx, other, p.ID, false))
		w.attendanceIs(v, "urban", AttendanceAbsent)
		_, err = w.ProposeCorrection(ctx, w.inspector("urban"), r)
		w.must(err)
		w.must(w.DecideCorrection(ctx, w.boss, p.ID, true))
		w.attendanceIs(v, "urban", AttendanceLate)
	})
}

// absent is a visit whose site part is over, to which one department did not
// come; both roles attest it.
func (w *testWorld) absent(system string) Visit {
	w.t.Helper()
	v := w.begun()
	w.hosts(v)
	for _, other := range []string{"amr", "fire", "urban"} {
		if other != system {
			w.comes(v, other, 1, 2)
		}
	}
	w.wait(v.GraceUntil)
	w.tick()
	_, err := w.attests(v, system, w.clerk, AttestWindow)
	w.must(err)
	_, err = w.attests(v, system, w.boss, AttestSupervisor)
	w.must(err)
	w.wait(v.End)
	v, err = w.EndSite(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	w.attendanceIs(v, system, AttendanceAbsent)
	return v
}

func TestWithoutTheApplicantNoVisitIsHeldAndTheSecondTimeTheSupervisorDecides(t *testing.T) { // INS-1005
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		caseID := ""
		for n := range 2 {
			draft := Visit{}
			var err error
			if n == 0 {
				draft = w.newDraft()
				caseID = draft.CaseID
			} else {
				draft, err = w.Plan(ctx, w.clerk, PlanRequest{CaseID: caseID, Kind: KindSite})
				w.must(err)
			}
			v, err := w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: w.bestSlot(draft.ID)})
			w.must(err)
			w.wait(v.Start)
			v, err = w.Start(ctx, w.clerk, v.ID)
			w.must(err)
			w.comes(v, "amr", 1, 2)
			_, err = w.NotHeld(ctx, w.clerk, v.ID, "applicant_absent", "店主未到")
			w.refused(err, "grace_runs")
			w.wait(v.GraceUntil)
			_, err = w.NotHeld(ctx, w.clerk, v.ID, "applicant_absent", "店主未到")
			w.must(err)
			view, err := w.FindVisit(ctx, w.clerk, v.ID)
			w.must(err)
			if got := view.Came(w.part(v.ID, "amr").ID); len(got) != 2 {
				t.Errorf("%d people are on record as having come, want 2", len(got))
			}
			w.attendanceIs(v, "amr", AttendanceNotHeld)
		}
		if n := w.deemedRows(); n != 0 {
			t.Errorf("%d deemed", n)
		}
		if n := w.count("tasks", "kind = 'applicant_absent' AND for_role = 'supervisor' AND done_at IS NULL"); n != 1 {
			t.Errorf("%d tasks for the supervisor, want 1", n)
		}
		_, err := w.Plan(ctx, w.clerk, PlanRequest{CaseID: caseID, Kind: KindSite})
		w.refused(err, "applicant_absent_again")
		_, err = w.Plan(ctx, w.boss, PlanRequest{CaseID: caseID, Kind: KindSite})
		w.must(err)
		if n := w.count("tasks", "kind = 'applicant_absent' AND done_at IS NULL"); n != 0 {
			t.Errorf("%d tasks stay", n)
		}
	})
}

func TestAnApplicantWhoCheckedInIsNotAbsent(t *testing.T) { // INS-1005
	w := newWorld(t, town.SQLite(t))
	v := w.begun()
	w.hosts(v)
	w.wait(v.GraceUntil)
	_, err := w.NotHeld(t.Context(), w.clerk, v.ID, "applicant_absent", "店主未到")
	w.refused(err, "applicant_here")
}

func TestWhereSomebodyCheckedInIsSeenByTheWindowAndThatPersonAlone(t *testing.T) { // INS-1002
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.begun()
		one := CheckInRequest{
			VisitID: v.ID, Party: w.part(v.ID, "amr").ID, Way: ByPhone, Certificate: "湘A 1001", Device: "phone",
			Position: &Whereabouts{Lat: 91, Lon: 111.61, Accuracy: 20},
		}
		for _, lat := range []float64{91, math.NaN(), math.Inf(1)} {
			one.Position.Lat = lat
			_, err := w.CheckIn(ctx, w.nth("amr", 1), one)
			w.refused(err, "position_invalid")
		}
		one.Position.Lat = 26.433
		_, err := w.CheckIn(ctx, w.nth("amr", 1), one)
		w.must(err)
		two := CheckInRequest{VisitID: v.ID, Party: one.Party, Way: ByPaper, Name: "赵刚", Certificate: "湘A1002", CameAt: v.Start, Scan: w.image(), Device: "computer", Position: one.Position}
		_, err = w.CheckIn(ctx, w.clerk, two)
		w.must(err)

		seen := func(by auth.Actor) (device string, metres int) {
			t.Helper()
			view, err := w.FindVisit(ctx, by, v.ID)
			w.must(err)
			for _, c := range view.CheckIns {
				switch {
				case c.Way == ByPaper && (c.Device != "" || c.Position != nil):
					t.Errorf("a sheet of paper was made with %q at %v", c.Device, c.Position)
				case c.Way == ByPhone:
					device, metres = c.Device, view.Off(c)
				}
			}
			return device, metres
		}
		for _, by := range []auth.Actor{w.clerk, w.boss, w.nth("amr", 1)} {
			if device, metres := seen(by); device != "phone" || metres != 330 { // three thousandths of a degree
				t.Errorf("%s sees %q, %d m", by.ID, device, metres)
			}
		}
		for _, by := range []auth.Actor{w.nth("amr", 2), {Kind: auth.KindPerson, ID: "auditor", Roles: []auth.Role{auth.Auditor}}} {
			if device, metres := seen(by); device != "" || metres != -1 {
				t.Errorf("%s sees %q, %d m", by.ID, device, metres)
			}
		}
		if leaves := w.leaves(v, "amr"); strings.Contains(leaves, "26.43") {
			t.Error("the log keeps the position for ever")
		}
	})
}

// review is a joint review of three departments that has begun.
func (w *testWorld) review() Visit {
	w.t.Helper()
	ctx := w.t.Context()
	w.forBoth()
	draft, err := w.Plan(ctx, w.clerk, PlanRequest{CaseID: w.newCase().ID, Kind: KindReview})
	w.must(err)
	v, err := w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: w.bestSlot(draft.ID)})
	w.must(err)
	w.tick()
	for _, system := range []string{"amr", "fire", "urban"} {
		w.reply(v, system, ReplyAccept)
	}
	_, err = w.CallRoll(ctx, w.clerk, v.ID)
	w.refused(err, "roll_call_closed")
	w.wait(v.Start)
	v, err = w.Start(ctx, w.clerk, v.ID)
	w.must(err)
	return v
}

func TestWhoAnswersTheRollOfAReviewFromAfarIsPresent(t *testing.T) { // INS-1014
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.review()
		answer := func(n int) error {
			_, err := w.CheckIn(ctx, w.nth("amr", n), CheckInRequest{VisitID: v.ID, Party: w.part(v.ID, "amr").ID, Way: ByRemote, Certificate: "湘A100" + string(rune('0'+n))})
			return err
		}
		w.refused(answer(1), "roll_not_called")
		_, err := w.CallRoll(ctx, w.inspector("amr"), v.ID)
		w.refused(err, "not_a_window")
		called, err := w.CallRoll(ctx, w.clerk, v.ID)
		w.must(err)
		w.clock.forward(5 * time.Minute)
		again, err := w.CallRoll(ctx, w.clerk, v.ID)
		w.must(err)
		if called.RollCalledAt.IsZero() || !again.RollCalledAt.Equal(called.RollCalledAt) {
			t.Errorf("called at %v, again %v", called.RollCalledAt, again.RollCalledAt)
		}
		w.must(answer(1))
		w.must(answer(2))
		w.attendanceIs(v, "amr", AttendancePresent)
		w.refused(answer(2), "already_here")
		_, err = w.CheckIn(ctx, w.clerk, CheckInRequest{VisitID: v.ID, Party: w.part(v.ID, "fire").ID, Way: ByRemote, Name: "周队长", Certificate: "湘F1"})
		w.refused(err, "not_your_department") // nobody answers for another
		_, err = w.EndSite(ctx, w.clerk, v.ID)
		w.must(err)
		w.refused(answer(3), "checkin_closed")
	})
}

func TestNobodyIsOnASiteFromAfar(t *testing.T) { // INS-1014
	w := newWorld(t, town.SQLite(t))
	v := w.begun()
	_, err := w.CallRoll(t.Context(), w.clerk, v.ID)
	w.refused(err, "roll_call_kind")
	_, err = w.CheckIn(t.Context(), w.nth("amr", 1), CheckInRequest{VisitID: v.ID, Party: w.part(v.ID, "amr").ID, Way: ByRemote, Certificate: "湘A1001"})
	w.refused(err, "roll_call_kind")
	w.attendanceIs(v, "amr", AttendanceExpected)
}
