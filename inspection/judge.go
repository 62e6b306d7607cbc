package inspection

import (
	"fmt"
	"slices"
	"time"
)

// Evidence is everything the predicate of INS-901…913 looks at, read in the
// transaction that would write the outcome (INS-908). It is a value: Judge
// asks nothing else.
type Evidence struct {
	Now         time.Time
	VisitState  VisitState
	VisitRound  int
	Start       time.Time // start of the visit
	Consent     Consent
	Round       int
	Required    bool
	NeverDeemed bool
	Revisit     bool // INS-919
	RevisitAuto bool // deem.revisit = auto
	Reversed    bool // a deemed consent of the department in this visit was reversed
	Outcome     bool // an outcome row exists for (visit, department, round)
	AnsweredBy  bool // a reply received ≤ T2 is on record
	Signed      bool // a signed opinion of the department is on record, of whichever round (INS-813, INS-926)
	Objects     bool // it objects to the case itself, and nobody has settled that (INS-814)

	MinClass string
	Classes  []string // classes of the proofs of service that stand

	T1, T2      time.Time // T1 is the first proof that still stands
	PrintedDue  time.Time // the deadline printed in the notice
	FullTerm    time.Time // T1 plus the term, by the newest calendar too (INS-409)
	Provisional bool      // the term runs through a provisional year (DEC-17)

	Grace time.Duration
	Inbox []ChannelHealth

	Unread     int    // of this department, received ≤ T2
	ClockFault string // empty when the clock was sound from T1 to now
	Holds      []HoldReason

	Confirm   bool // deem.mode = confirm
	Confirmed bool // a clerk has just confirmed
}

// ChannelHealth is what is known of one inbound channel. A gap over the limit
// is made up for by time: T2 may not lie before MadeUp, the end of the working
// day after the recovery (INS-905).
type ChannelHealth struct {
	Name         string
	AliveThrough time.Time     // a check that started then succeeded
	Gap          time.Duration // longest gap between T1 and T2, working time
	MadeUp       time.Time     // zero where no gap was too long
}

// Decision is what the sweep shall do.
type Decision string

// The decisions of Judge. Only Deem writes an outcome.
const (
	Leave  Decision = "leave"  // nothing is owed any more
	Wait   Decision = "wait"   // not due yet
	Extend Decision = "extend" // T2 moves later, never earlier
	Hold   Decision = "hold"   // doubt: a person or a recovered channel ends it
	Ask    Decision = "ask"    // deem.mode = confirm: a clerk decides
	Deem   Decision = "deem"   // every condition holds
)

// HoldReason says why silence does not count for now.
type HoldReason string

// Reasons to hold. The first group ends by itself when its cause is gone.
const (
	HoldService     HoldReason = "service_unproved"
	HoldInboundGap  HoldReason = "inbound_gap"
	HoldUnread      HoldReason = "inbound_unread"
	HoldClock       HoldReason = "clock"
	HoldProvisional HoldReason = "calendar_provisional"
	HoldAtRisk      HoldReason = "at_risk"
	HoldInternal    HoldReason = "internal_error"

	HoldNeverDeemed HoldReason = "never_deemed"
	HoldMail        HoldReason = "mail_waiting"
	HoldSuperseded  HoldReason = "superseded_reply"
	HoldWeaker      HoldReason = "weaker_accept"
	HoldFreeText    HoldReason = "free_text"
	HoldLink        HoldReason = "link_locked"
	HoldLateExcuse  HoldReason = "late_excuse"       // an excuse that came with the visit under way
	HoldObjection   HoldReason = "objection"         // to the case itself (INS-814)
	HoldContest     HoldReason = "service_contested" // the department says T1 is wrong (INS-712)
)

// endsItself are the holds that the sweep opens and closes by evidence alone.
var endsItself = []HoldReason{
	HoldService, HoldInboundGap, HoldUnread, HoldClock, HoldProvisional, HoldAtRisk, HoldInternal, HoldNeverDeemed,
	HoldNotAttested, HoldNotHeld, HoldGrace, HoldExcuse, HoldCounter, HoldDraft, HoldShort, HoldCorrection, HoldRevisit, HoldReversed,
}

// Doubt is one condition that does not hold, with a sentence for people.
type Doubt struct {
	Reason HoldReason
	Detail string
}

// Verdict is the answer of Judge. Until is set for Wait and Extend, Why for
// Extend.
type Verdict struct {
	Do     Decision
	Until  time.Time
	Why    string
	Doubts []Doubt
}

// Why a deadline moved later, as its leaf says it.
const (
	movedFullTerm = "full_term"   // the term counted again (INS-903, INS-409)
	movedGap      = "inbound_gap" // the way in was closed for too long (INS-905)
	movedHoldEnd  = "hold_end"    // a person ended a doubt (C8)
	movedContest  = "contest"     // T1 is later than it was on record (INS-712)
)

// Judge evaluates the predicate for no_reply (INS-901…908, 910…913; P1–P9).
// A condition that cannot be evaluated counts as false: when in doubt, hold.
func Judge(e Evidence) Verdict {
	if e.nothingOwed() {
		return Verdict{Do: Leave}
	}
	if later := latest(e.FullTerm, e.PrintedDue); e.T2.Before(later) { // INS-903 (P3)
		return Verdict{Do: Extend, Until: later, Why: movedFullTerm}
	}
	if later := e.madeUp(); e.T2.Before(later) { // INS-905 (P5)
		return Verdict{Do: Extend, Until: later, Why: movedGap}
	}
	if due := e.T2.Add(e.Grace); e.Now.Before(due) { // INS-904 (P4)
		return Verdict{Do: Wait, Until: due}
	}
	doubts := e.doubts()
	if e.Signed { // INS-813: a written opinion stands; only an answer that could not reach us is waited for
		doubts = inboxDoubts(e.Inbox, e.T2)
	}
	if len(doubts) > 0 {
		return Verdict{Do: Hold, Doubts: doubts}
	}
	if e.Signed {
		return Verdict{Do: Leave}
	}
	if e.Confirm && !e.Confirmed { // INS-910
		return Verdict{Do: Ask}
	}
	return Verdict{Do: Deem}
}

// nothingOwed is the part of P1 after which no silence can count any more.
// INS-912: invited departments are never deemed.
func (e Evidence) nothingOwed() bool {
	live := e.VisitState == VisitOffered || e.VisitState == VisitConfirmed
	return !live || !e.Required || e.Consent != ConsentAwaiting || e.Round != e.VisitRound || e.Outcome || e.AnsweredBy
}

func (e Evidence) doubts() []Doubt {
	out := e.common(e.Inbox, e.T2)
	adder(&out)(e.T1.IsZero() || e.T2.IsZero() || !e.T2.Before(e.Start), HoldAtRisk, "答复期限不早于勘验开始时间") // P1, INS-606
	return out
}

// adder notes a doubt where a condition does not hold.
func adder(out *[]Doubt) func(bad bool, reason HoldReason, detail string) {
	return func(bad bool, reason HoldReason, detail string) {
		if bad {
			*out = append(*out, Doubt{reason, detail})
		}
	}
}

// common are the conditions of all three reasons. Every channel has to have been
// alive after an instant.
func (e Evidence) common(inbox []ChannelHealth, after time.Time) []Doubt {
	out := inboxDoubts(inbox, after) // INS-905 (P5)
	add := adder(&out)
	add(!e.proved(), HoldService, "没有 "+e.MinClass+" 类以上的送达证明")                             // INS-902 (P2)
	add(e.Provisional, HoldProvisional, "期限经过的年度日历尚未公布")                                    // DEC-17
	add(e.Unread > 0, HoldUnread, fmt.Sprintf("有 %d 件来件待人工查看", e.Unread))                   // INS-906 (P6)
	add(e.ClockFault != "", HoldClock, e.ClockFault)                                        // INS-907 (P7)
	add(e.NeverDeemed, HoldNeverDeemed, "本事项不适用视为同意")                                       // INS-911 (P9)
	add(e.Revisit && !e.RevisitAuto, HoldRevisit, "复勘不适用视为同意，由主管决定")                        // INS-919
	add(e.Reversed, HoldReversed, "本次勘验中已撤销过该部门的视为同意")                                      // INS-917
	add(e.Objects && !slices.Contains(e.Holds, HoldObjection), HoldObjection, "对办件的异议尚未办结") // INS-814
	for _, h := range e.Holds {                                                             // INS-913 (P9)
		add(!slices.Contains(endsItself, h), h, "")
	}
	return out
}

// proved: class C alone never, D never (INS-704, INS-902).
func (e Evidence) proved() bool {
	return slices.ContainsFunc(e.Classes, func(class string) bool { return classCounts(class, e.MinClass) })
}

// classCounts reports whether a service class starts the clock: A always, B
// where the setting allows it (INS-704).
func classCounts(class, minimum string) bool {
	return class == "A" || class == "B" && minimum != "A"
}

// inboxDoubts: every channel printed in the notice was alive after an instant.
// No channel at all cannot be evaluated.
func inboxDoubts(inbox []ChannelHealth, after time.Time) []Doubt {
	if len(inbox) == 0 {
		return []Doubt{{HoldInboundGap, "没有可核对的收件渠道"}}
	}
	var out []Doubt
	for _, c := range inbox {
		if !c.AliveThrough.After(after) {
			out = append(out, Doubt{HoldInboundGap, "渠道 " + c.Name + " 在期限之后还没有一次成功收取"})
		}
	}
	return out
}

// madeUp is the earliest instant that makes up for every gap that was too long.
func (e Evidence) madeUp() time.Time { return madeUp(e.Inbox) }

func madeUp(inbox []ChannelHealth) (out time.Time) {
	for _, c := range inbox {
		out = latest(out, c.MadeUp)
	}
	return out
}
