package inspection

import (
	"math/rand/v2"
	"testing"
	"time"
)

// soundNoShow is a visit day under which every condition of INS-921…928 holds.
func soundNoShow() VisitDay {
	e := VisitDay{Evidence: sound()}
	e.VisitState, e.Consent = VisitCollecting, ConsentAccepted
	e.Start = time.Date(2026, 11, 19, 1, 30, 0, 0, time.UTC)
	e.GraceUntil, e.SiteEndedAt = e.Start.Add(30*time.Minute), e.Start.Add(time.Hour)
	e.Due = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)
	e.FullDue, e.Now = e.Due, e.Due.Add(5*time.Minute)
	e.DueInbox = []ChannelHealth{{Name: "portal", AliveThrough: e.Due.Add(time.Minute)}, {Name: "mail", AliveThrough: e.Due.Add(time.Minute), MadeUp: e.Due}}
	e.Attendance, e.Opinion = AttendanceAbsent, OpinionNone
	e.ApplicantCame, e.OthersCame = true, true
	e.Attestations = []Attestation{{Role: AttestWindow, Person: "clerk"}, {Role: AttestDepartment, Person: "amr1"}}
	return e
}

// soundNoOpinion is one under which every condition of INS-931…936 holds.
func soundNoOpinion() VisitDay {
	e := soundNoShow()
	e.Attendance = AttendancePresent
	e.T1, e.T2 = e.SiteEndedAt.Add(time.Minute), e.Due
	e.FullDue, e.FullTerm = e.T2, e.T2
	e.ServedBy, e.NextTerm = e.T2.Add(-4*time.Hour), e.T2.AddDate(0, 0, 3)
	e.Inbox, e.DueInbox = e.DueInbox, nil
	e.Attestations = nil
	return e
}

// dayBreak is a way in which one condition of the visit day alone can fail.
type dayBreak struct {
	rule string
	want Decision
	do   func(*VisitDay)
}

// bothBreaks are common to the two reasons.
var bothBreaks = []dayBreak{
	{"INS-921 the visit was not held", Leave, func(e *VisitDay) { e.VisitState = VisitNotHeld }},
	{"INS-921 the visit is still going on", Leave, func(e *VisitDay) { e.VisitState = VisitInProgress }},
	{"INS-921 the visit is closed", Leave, func(e *VisitDay) { e.VisitState = VisitClosed }},
	{"INS-920 another round runs", Leave, func(e *VisitDay) { e.VisitRound = 2 }},
	{"INS-909 an outcome exists", Leave, func(e *VisitDay) { e.Outcome = true }},
	{"INS-912 only invited", Leave, func(e *VisitDay) { e.Required = false }},
	{"INS-926 a signed opinion stands", Leave, func(e *VisitDay) { e.Signed = true }},
	{"INS-814 it objects to the case", Hold, func(e *VisitDay) { e.Objects = true }},
	{"INS-932 the opinion is given", Leave, func(e *VisitDay) { e.Opinion = OpinionGiven }},
	{"O8 under review", Leave, func(e *VisitDay) { e.Opinion = OpinionReview }},
	{"C13 deemed before", Leave, func(e *VisitDay) { e.Consent = ConsentDeemed }},
	{"C15 void", Leave, func(e *VisitDay) { e.Consent = ConsentVoid }},
	{"INS-904 a millisecond early", Wait, func(e *VisitDay) { e.Now = e.Now.Add(-time.Millisecond) }},
	{"INS-409 the day has become a day off", Extend, func(e *VisitDay) { e.FullDue = e.FullDue.Add(24 * time.Hour) }},
	{"INS-902 only class C", Hold, func(e *VisitDay) { e.Classes = []string{"C"} }},
	{"INS-902 class B where A is asked", Hold, func(e *VisitDay) { e.MinClass, e.Classes = "A", []string{"B"} }},
	{"INS-902 no proof", Hold, func(e *VisitDay) { e.Classes = nil }},
	{"INS-906 a mail waits", Hold, func(e *VisitDay) { e.Unread = 1 }},
	{"INS-907 the clock jumped", Hold, func(e *VisitDay) { e.ClockFault = "clock_jump" }},
	{"INS-911 never deemed", Hold, func(e *VisitDay) { e.NeverDeemed = true }},
	{"INS-913 a person's hold", Hold, func(e *VisitDay) { e.Holds = []HoldReason{HoldMail} }},
	{"INS-913 a late excuse is held", Hold, func(e *VisitDay) { e.Holds = []HoldReason{HoldLateExcuse} }},
	{"INS-913 an excuse is open", Hold, func(e *VisitDay) { e.Consent = ConsentExcuse }},
	{"INS-924 an excuse of the day is open", Hold, func(e *VisitDay) { e.LateExcuses = 1 }},
	{"INS-913 a counter is open", Hold, func(e *VisitDay) { e.Consent = ConsentCountered }},
	{"INS-913 an unsigned draft disagrees", Hold, func(e *VisitDay) { e.ContraryWord = true }},
	{"A9 a correction is open", Hold, func(e *VisitDay) { e.Correcting = true }},
	{"INS-917 reversed before", Hold, func(e *VisitDay) { e.Reversed = true }},
	{"INS-919 a revisit", Hold, func(e *VisitDay) { e.Revisit = true }},
	{"DEC-17 a provisional year", Hold, func(e *VisitDay) { e.Provisional = true }},
	{"INS-910 a clerk has to confirm", Ask, func(e *VisitDay) { e.Confirm = true }},
}

var noShowBreaks = append([]dayBreak{
	{"INS-921 no applicant", Hold, func(e *VisitDay) { e.ApplicantCame = false }},
	{"INS-921 nobody else came", Hold, func(e *VisitDay) { e.OthersCame = false }},
	{"INS-921 the site part did not end", Hold, func(e *VisitDay) { e.SiteEndedAt = time.Time{} }},
	{"INS-922 absent so far only", Hold, func(e *VisitDay) { e.Attendance = AttendanceAbsentProv }},
	{"INS-922 expected still", Hold, func(e *VisitDay) { e.Attendance = AttendanceExpected }},
	{"INS-922 nobody attests", Hold, func(e *VisitDay) { e.Attestations = nil }},
	{"INS-922 one person attests", Hold, func(e *VisitDay) { e.Attestations = e.Attestations[:min(1, len(e.Attestations))] }},
	{"INS-922 one person in two roles", Hold, func(e *VisitDay) {
		e.Attestations = []Attestation{{Role: AttestWindow, Person: "boss"}, {Role: AttestSupervisor, Person: "boss"}}
	}},
	{"INS-922 not the window", Hold, func(e *VisitDay) {
		e.Attestations = []Attestation{{Role: AttestApplicant, Person: "a"}, {Role: AttestSupervisor, Person: "b"}}
	}},
	{"INS-921 it came", Leave, func(e *VisitDay) { e.Attendance = AttendancePresent }},
	{"INS-921 it came late", Leave, func(e *VisitDay) { e.Attendance = AttendanceLate }},
	{"INS-1003 too few came", Leave, func(e *VisitDay) { e.Attendance = AttendanceShort }},
	{"INS-812 it was excused", Leave, func(e *VisitDay) { e.Consent = ConsentExcused }},
	{"INS-923 not served", Hold, func(e *VisitDay) { e.Consent = ConsentUnserved }},
	{"INS-923 no T1", Hold, func(e *VisitDay) { e.T1 = time.Time{} }},
	{"INS-923 T2 at the start", Hold, func(e *VisitDay) { e.T2 = e.Start }},
	{"INS-905 a gap before T2 made up for by the start only", Hold, func(e *VisitDay) { e.Inbox = []ChannelHealth{{Name: "mail", MadeUp: e.Start}} }},
	{"INS-924 a channel was not read since", Hold, func(e *VisitDay) {
		e.DueInbox = []ChannelHealth{{Name: "mail", AliveThrough: e.Due}}
	}},
	{"INS-905 no channel at all", Hold, func(e *VisitDay) { e.DueInbox = nil }},
	{"INS-924 a gap on the day", Extend, func(e *VisitDay) {
		e.DueInbox = append(e.DueInbox, ChannelHealth{Name: "fax", AliveThrough: e.Now, MadeUp: e.Due.Add(time.Millisecond)})
	}},
	{"INS-927 the grace was not over", Hold, func(e *VisitDay) { e.GraceUntil = e.SiteEndedAt.Add(time.Millisecond) }},
	{"INS-927 no grace is known", Hold, func(e *VisitDay) { e.GraceUntil = time.Time{} }},
	{"INS-932 it has deferred", Leave, func(e *VisitDay) { e.Opinion = OpinionDeferred }},
}, bothBreaks...)

var noOpinionBreaks = append([]dayBreak{
	{"INS-931 too few came", Hold, func(e *VisitDay) { e.Attendance = AttendanceShort }},
	{"INS-931 it did not come", Leave, func(e *VisitDay) { e.Attendance = AttendanceAbsent }},
	{"INS-931 absent so far", Leave, func(e *VisitDay) { e.Attendance = AttendanceAbsentProv }},
	{"INS-931 expected still", Leave, func(e *VisitDay) { e.Attendance = AttendanceExpected }},
	{"INS-933 no word arrived", Extend, func(e *VisitDay) { e.T1 = time.Time{} }},
	{"INS-933 the slip was signed a millisecond too late", Extend, func(e *VisitDay) {
		e.T1, e.Classes = e.ServedBy.Add(time.Millisecond), []string{"A"}
	}},
	{"INS-933 it was only told on the telephone", Extend, func(e *VisitDay) { e.T1, e.Classes = time.Time{}, []string{"C"} }},
	{"INS-933 the word arrived a millisecond too late", Extend, func(e *VisitDay) { e.T1 = e.ServedBy.Add(time.Millisecond) }},
	{"INS-933 the hours cannot be counted", Extend, func(e *VisitDay) { e.ServedBy = time.Time{} }},
	{"INS-934 a channel was not read after T3", Hold, func(e *VisitDay) { e.Inbox = []ChannelHealth{{Name: "mail", AliveThrough: e.T2}} }},
	{"INS-934 no channel at all", Hold, func(e *VisitDay) { e.Inbox = nil }},
	{"INS-934 a gap that T3 does not make up for", Extend, func(e *VisitDay) {
		e.Inbox = append(e.Inbox, ChannelHealth{Name: "fax", AliveThrough: e.Now, MadeUp: e.T2.Add(time.Millisecond)})
	}},
}, bothBreaks...)

// noOpinionTwists change the proof that the word arrived and leave it sound: a slip
// signed at the last instant, whatever came beside it and later (INS-933, INS-704).
var noOpinionTwists = []func(*VisitDay){
	func(e *VisitDay) { e.T1, e.Classes = e.ServedBy, []string{"A"} },
	func(e *VisitDay) { e.T1, e.Classes = e.ServedBy.Add(-time.Millisecond), []string{"A", "B"} },
	func(e *VisitDay) { e.Classes = []string{"C", "A"} },
	func(e *VisitDay) { e.Classes, e.MinClass = []string{"A"}, "A" }, // only by hand where A is asked
}

func TestTheVisitDayCountsWhenEveryConditionHolds(t *testing.T) { // INS-921…936
	for _, consent := range []Consent{ConsentAccepted, ConsentDeclined, ConsentAwaiting} {
		e := soundNoShow()
		e.Consent = consent
		if got := JudgeNoShow(e); got.Do != Deem {
			t.Errorf("no show after %s: %+v", consent, got)
		}
	}
	for _, attendance := range []Attendance{AttendancePresent, AttendanceLate, AttendanceLeftEarly} {
		for _, opinion := range []OpinionState{OpinionNone, OpinionDraft, OpinionDeferred} {
			e := soundNoOpinion()
			e.Attendance, e.Opinion = attendance, opinion
			if got := JudgeNoOpinion(e); got.Do != Deem {
				t.Errorf("no opinion, %s and %s: %+v", attendance, opinion, got)
			}
		}
	}
	e := soundNoOpinion()
	e.Consent, e.Attendance = ConsentExcused, AttendanceOptional // INS-912, INS-931
	if got := JudgeNoOpinion(e); got.Do != Deem {
		t.Errorf("excused: %+v", got)
	}
	for i, twist := range noOpinionTwists {
		e := soundNoOpinion()
		twist(&e)
		if got := JudgeNoOpinion(e); got.Do != Deem {
			t.Errorf("proof %d of the word: %+v", i, got)
		}
	}
	e = soundNoOpinion()
	e.Revisit, e.RevisitAuto = true, true
	if got := JudgeNoOpinion(e); got.Do != Deem {
		t.Errorf("a revisit under deem.revisit=auto: %+v", got)
	}
}

// dayReasons are the two predicates with their breaks.
var dayReasons = []struct {
	reason DeemedReason
	sound  func() VisitDay
	judge  func(VisitDay) Verdict
	breaks []dayBreak
	twists []func(*VisitDay) // that break nothing
}{
	{NoShow, soundNoShow, JudgeNoShow, noShowBreaks, nil},
	{NoOpinion, soundNoOpinion, JudgeNoOpinion, noOpinionBreaks, noOpinionTwists},
}

func TestOneBrokenConditionOfTheVisitDayIsEnough(t *testing.T) { // PRO-4
	for _, r := range dayReasons {
		for _, b := range r.breaks {
			e := r.sound()
			b.do(&e)
			if got := r.judge(e); got.Do != b.want {
				t.Errorf("%s, %s: %s %v, want %s", r.reason, b.rule, got.Do, got.Doubts, b.want)
			}
		}
	}
}

func TestTwoBrokenConditionsOfTheVisitDayNeverMakeARight(t *testing.T) { // PRO-4
	for _, r := range dayReasons {
		for _, a := range r.breaks {
			for _, b := range r.breaks {
				e := r.sound()
				a.do(&e)
				b.do(&e)
				if got := r.judge(e); got.Do == Deem {
					t.Errorf("%s, %s and %s: deemed", r.reason, a.rule, b.rule)
				}
			}
		}
	}
}

// The two predicates against their own statement, over 40,000 random worlds each:
// deemed exactly when no break applies (INS-909).
func TestNoRandomMixOfDoubtsOfTheVisitDayIsDeemed(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 22))
	for _, r := range dayReasons {
		deemed := 0
		for i := range 40_000 {
			e, broken := r.sound(), ""
			if n := len(r.twists); n > 0 && rng.IntN(2) == 0 {
				r.twists[rng.IntN(n)](&e)
			}
			for _, b := range r.breaks {
				if rng.IntN(len(r.breaks)) == 0 {
					b.do(&e)
					broken += b.rule + "; "
				}
			}
			got := r.judge(e)
			if (got.Do == Deem) != (broken == "") {
				t.Fatalf("%s, world %d: %s with %q", r.reason, i, got.Do, broken)
			}
			if got.Do == Deem {
				deemed++
			}
		}
		if deemed < 5_000 {
			t.Errorf("%s: only %d worlds were sound", r.reason, deemed)
		}
	}
}

func TestAConfirmedAbsenceStillNeedsEveryOtherCondition(t *testing.T) { // INS-910
	for _, r := range dayReasons {
		e := r.sound()
		e.Confirm, e.Confirmed = true, true
		if got := r.judge(e); got.Do != Deem {
			t.Errorf("%s confirmed: %s", r.reason, got.Do)
		}
		e.Unread = 1
		if got := r.judge(e); got.Do != Hold {
			t.Errorf("%s confirmed with a waiting mail: %s", r.reason, got.Do)
		}
	}
}

func TestAnAnswerIsNotDeemedAwayOnRevisitsNorAfterAReversal(t *testing.T) { // INS-917, INS-919
	for _, breakIt := range []func(*Evidence){func(e *Evidence) { e.Revisit = true }, func(e *Evidence) { e.Reversed = true }} {
		e := sound()
		breakIt(&e)
		if got := Judge(e); got.Do != Hold {
			t.Errorf("no reply: %s", got.Do)
		}
	}
}
