package inspection

import "time"

// Not coming (不应约, plan 三(三)3-四) and coming without a word are judged when
// the working day after the visit has ended (SIM-9). Both predicates look at what
// Judge looks at, and at the visit day besides.

// VisitDay is everything the predicates of INS-921…936 look at, read in the
// transaction that would write the outcome. T1 and T2 of the Evidence are those
// of the notice for not coming, and for a missing opinion those of the word that
// it is due.
type VisitDay struct {
	Evidence

	Due      time.Time // when not coming is judged; for an opinion it is T2
	FullDue  time.Time // the same by the newest calendar
	DueInbox []ChannelHealth

	Attendance   Attendance
	Opinion      OpinionState
	ContraryWord bool // an unsigned draft asks for rectification or disagrees

	SiteEndedAt   time.Time
	GraceUntil    time.Time
	ApplicantCame bool
	OthersCame    bool // another department, or the window
	Attestations  []Attestation

	ServedBy    time.Time // the latest instant at which the word on the due opinion may arrive
	NextTerm    time.Time // where T3 moves when it arrived later
	LateExcuses int       // excuses that came with the visit under way, and nobody has decided
	Correcting  bool      // a correction of the attendance waits for a decision
}

// Reasons to hold that belong to the visit day. Each ends with its cause.
const (
	HoldNotAttested HoldReason = "not_attested"    // INS-922
	HoldNotHeld     HoldReason = "visit_not_held"  // INS-921
	HoldGrace       HoldReason = "grace_not_over"  // INS-927
	HoldExcuse      HoldReason = "excuse_open"     // INS-924
	HoldCounter     HoldReason = "counter_open"    // INS-913
	HoldDraft       HoldReason = "contrary_draft"  // INS-913
	HoldShort       HoldReason = "too_few_people"  // INS-931, INS-1003
	HoldCorrection  HoldReason = "correction_open" // A9
	HoldRevisit     HoldReason = "revisit"         // INS-919
	HoldReversed    HoldReason = "reversed_before" // INS-917
)

// Why the instant of judging moved later.
const movedUnserved = "opinion_due_late" // INS-933

// JudgeNoShow evaluates the predicate for no_show (INS-921…928).
func JudgeNoShow(e VisitDay) Verdict {
	if e.noShowIdle() {
		return Verdict{Do: Leave}
	}
	if e.Due.Before(e.FullDue) { // INS-409
		return Verdict{Do: Extend, Until: e.FullDue, Why: movedFullTerm}
	}
	if later := madeUp(e.DueInbox); e.Due.Before(later) { // a message of the day could not reach us
		return Verdict{Do: Extend, Until: later, Why: movedGap}
	}
	return e.settle(e.Due, e.noShowDoubts())
}

// noShowIdle: nothing of this kind is owed. INS-912: invited departments are
// never deemed. INS-926: a signed opinion stands.
func (e VisitDay) noShowIdle() bool {
	switch {
	case e.VisitState != VisitCollecting, e.Round != e.VisitRound, !e.Required, e.Outcome, e.Signed:
		return true
	case e.Opinion != OpinionNone && e.Opinion != OpinionDraft:
		return true
	case e.Attendance != AttendanceAbsent && e.Attendance != AttendanceAbsentProv && e.Attendance != AttendanceExpected:
		return true
	}
	return e.Consent == ConsentDeemed || e.Consent == ConsentVoid || e.Consent == ConsentExcused
}

func (e VisitDay) noShowDoubts() []Doubt {
	out := e.common(e.DueInbox, e.Due) // INS-923, 924, 928
	add := adder(&out)
	add(e.T1.IsZero() || e.T2.IsZero() || !latest(e.T2, e.madeUp()).Before(e.Start), HoldAtRisk, "答复期限不早于勘验开始时间")                              // INS-923
	add(e.VisitState != VisitCollecting || e.SiteEndedAt.IsZero() || !e.ApplicantCame || !e.OthersCame, HoldNotHeld, "申请人未签到，或者没有其他部门和窗口人员签到") // INS-921
	add(e.Attendance != AttendanceAbsent || !attestedByTwo(e.Attestations), HoldNotAttested, "未到场尚未由窗口在场人员和另一方各一人确认")                          // INS-922
	add(e.GraceUntil.IsZero() || e.SiteEndedAt.Before(e.GraceUntil), HoldGrace, "宽限时间届满前已经结束")                                                 // INS-927
	add(e.Consent == ConsentUnserved, HoldService, "通知没有送达证明")                                                                                 // INS-923
	e.openWords(add)
	return out
}

// JudgeNoOpinion evaluates the predicate for no_opinion (INS-931…936).
func JudgeNoOpinion(e VisitDay) Verdict {
	if e.noOpinionIdle() {
		return Verdict{Do: Leave}
	}
	if e.T2.Before(e.FullDue) { // INS-932, INS-409
		return Verdict{Do: Extend, Until: e.FullDue, Why: movedFullTerm}
	}
	if later := e.madeUp(); e.T2.Before(later) { // INS-905
		return Verdict{Do: Extend, Until: later, Why: movedGap}
	}
	if due := e.T2.Add(e.Grace); e.Now.Before(due) { // INS-904
		return Verdict{Do: Wait, Until: due}
	}
	if e.T1.IsZero() || e.ServedBy.IsZero() || e.T1.After(e.ServedBy) { // INS-933
		return Verdict{Do: Extend, Until: e.NextTerm, Why: movedUnserved}
	}
	return e.settle(e.T2, e.noOpinionDoubts())
}

func (e VisitDay) noOpinionIdle() bool {
	switch {
	case e.VisitState != VisitCollecting, e.Round != e.VisitRound, !e.Required, e.Outcome, e.Signed:
		return true
	case e.Opinion != OpinionNone && e.Opinion != OpinionDraft && e.Opinion != OpinionDeferred:
		return true
	case e.Consent == ConsentDeemed, e.Consent == ConsentVoid:
		return true
	}
	return e.Consent != ConsentExcused && !e.Attendance.here() // INS-931
}

func (e VisitDay) noOpinionDoubts() []Doubt {
	out := e.common(e.Inbox, e.T2) // INS-934, INS-936
	add := adder(&out)
	add(e.Attendance == AttendanceShort && e.Consent != ConsentExcused, HoldShort, "到场人数不足，不会视为同意") // INS-931, INS-1003
	e.openWords(add)
	return out
}

// openWords are what the department has said and nobody has settled (INS-913,
// INS-924).
func (e VisitDay) openWords(add func(bool, HoldReason, string)) {
	add(e.Consent == ConsentExcuse || e.LateExcuses > 0, HoldExcuse, "正当理由尚未审定")
	add(e.Consent == ConsentCountered, HoldCounter, "改期建议尚未答复")
	add(e.ContraryWord, HoldDraft, "有未签署的整改或不同意意见")
	add(e.Correcting, HoldCorrection, "到场更正待主管决定")
}

// settle waits, holds, asks or deems, as Judge does.
func (e VisitDay) settle(due time.Time, doubts []Doubt) Verdict {
	switch {
	case e.Now.Before(due.Add(e.Grace)): // INS-904, INS-925
		return Verdict{Do: Wait, Until: due.Add(e.Grace)}
	case len(doubts) > 0:
		return Verdict{Do: Hold, Doubts: doubts}
	case e.Confirm && !e.Confirmed: // INS-910
		return Verdict{Do: Ask}
	}
	return Verdict{Do: Deem}
}
