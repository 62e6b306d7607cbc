package inspection

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// sound is evidence under which every condition of INS-901…913 holds.
func sound() Evidence {
	t1 := time.Date(2026, 11, 17, 1, 40, 0, 0, time.UTC)
	t2 := time.Date(2026, 11, 18, 9, 30, 0, 0, time.UTC)
	return Evidence{
		Now: t2.Add(5 * time.Minute), VisitState: VisitOffered, VisitRound: 1, Start: t2.Add(15 * time.Hour),
		Consent: ConsentAwaiting, Round: 1, Required: true,
		MinClass: "B", Classes: []string{"D", "B"}, T1: t1, T2: t2, PrintedDue: t2, FullTerm: t2,
		Grace: 5 * time.Minute,
		Inbox: []ChannelHealth{
			{Name: "portal", AliveThrough: t2.Add(time.Minute)},
			{Name: "mail", AliveThrough: t2.Add(time.Minute), Gap: 31 * time.Minute, MadeUp: t2},
		},
	}
}

func TestSilenceCountsWhenEveryConditionHolds(t *testing.T) { // INS-901…908
	if got := Judge(sound()); got.Do != Deem {
		t.Fatalf("got %+v", got)
	}
}

// breaks are the ways in which one condition alone can fail.
var breaks = []struct {
	rule string
	want Decision
	do   func(*Evidence)
}{
	{"INS-901 the visit was cancelled", Leave, func(e *Evidence) { e.VisitState = VisitCancelled }},
	{"INS-901 the visit has begun", Leave, func(e *Evidence) { e.VisitState = VisitInProgress }},
	{"INS-901 answered", Leave, func(e *Evidence) { e.Consent = ConsentAccepted }},
	{"INS-901 not served", Leave, func(e *Evidence) { e.Consent = ConsentUnserved }},
	{"INS-901 another round runs", Leave, func(e *Evidence) { e.VisitRound = 2 }},
	{"INS-901 an outcome exists", Leave, func(e *Evidence) { e.Outcome = true }},
	{"PRO-5 a reply in time is on record", Leave, func(e *Evidence) { e.AnsweredBy = true }},
	{"INS-813 a written opinion is on record", Leave, func(e *Evidence) { e.Signed = true }},
	{"INS-813 a written opinion is on record, and a way in is closed", Hold, func(e *Evidence) { e.Signed, e.Inbox[0].AliveThrough = true, e.T2 }},
	{"INS-814 it objects to the case", Hold, func(e *Evidence) { e.Objects = true }},
	{"INS-814 it objects to the case, and the hold stands", Hold, func(e *Evidence) { e.Objects, e.Holds = true, []HoldReason{HoldObjection} }},
	{"INS-912 only invited", Leave, func(e *Evidence) { e.Required = false }},
	{"INS-904 one millisecond early", Wait, func(e *Evidence) { e.Now = e.Now.Add(-time.Millisecond) }},
	{"INS-903 shorter than the full term", Extend, func(e *Evidence) { e.FullTerm = e.T2.Add(time.Millisecond) }},
	{"INS-903 shorter than printed", Extend, func(e *Evidence) { e.PrintedDue = e.T2.Add(time.Hour) }},
	{"INS-901 T2 not before the start", Hold, func(e *Evidence) { e.Start = e.T2 }},
	{"INS-902 only class C", Hold, func(e *Evidence) { e.Classes = []string{"C", "C"} }},
	{"INS-902 only class D", Hold, func(e *Evidence) { e.Classes = []string{"D"} }},
	{"INS-902 class B where A is asked", Hold, func(e *Evidence) { e.MinClass = "A" }},
	{"INS-902 no proof", Hold, func(e *Evidence) { e.Classes = nil }},
	{"INS-905 one channel read at T2, not after", Hold, func(e *Evidence) { e.Inbox = append(e.Inbox, ChannelHealth{Name: "fax", AliveThrough: e.T2}) }},
	{"INS-905 a gap that T2 does not make up for", Extend, func(e *Evidence) {
		e.Inbox = append(e.Inbox, ChannelHealth{Name: "fax", AliveThrough: e.T2.Add(time.Minute), MadeUp: e.T2.Add(time.Millisecond)})
	}},
	{"INS-906 a mail waits", Hold, func(e *Evidence) { e.Unread = 1 }},
	{"INS-907 the clock jumped", Hold, func(e *Evidence) { e.ClockFault = "clock_jump" }},
	{"INS-911 never deemed", Hold, func(e *Evidence) { e.NeverDeemed = true }},
	{"INS-913 a person's hold is open", Hold, func(e *Evidence) { e.Holds = []HoldReason{HoldFreeText} }},
	{"DEC-17 counted through a provisional year", Hold, func(e *Evidence) { e.Provisional = true }},
	{"INS-917 reversed before", Hold, func(e *Evidence) { e.Reversed = true }},
	{"INS-919 a revisit", Hold, func(e *Evidence) { e.Revisit = true }},
	{"INS-910 a clerk has to confirm", Ask, func(e *Evidence) { e.Confirm = true }},
}

func TestOneBrokenConditionAloneKeepsSilenceFromCounting(t *testing.T) { // PRO-4
	for _, b := range breaks {
		e := sound()
		b.do(&e)
		if got := Judge(e); got.Do != b.want {
			t.Errorf("%s: %s, want %s", b.rule, got.Do, b.want)
		}
	}
}

func TestOnlyADepartmentThatStillOwesItsAnswerIsDeemed(t *testing.T) { // INS-901, INS-811, INS-812
	for _, consent := range []Consent{
		ConsentUnserved, ConsentAccepted, ConsentDeclined, ConsentCountered, ConsentExcuse, ConsentDeemed, ConsentExcused, ConsentWithdrawn, ConsentVoid,
	} {
		e := sound()
		e.Consent = consent
		if got := Judge(e); got.Do != Leave {
			t.Errorf("%s: %s", consent, got.Do)
		}
	}
}

func TestWithoutAnyInboundChannelSilenceProvesNothing(t *testing.T) { // INS-905
	e := sound()
	e.Inbox = nil
	if got := Judge(e); got.Do != Hold {
		t.Fatalf("got %s", got.Do)
	}
}

func TestTwoBrokenConditionsKeepSilenceFromCounting(t *testing.T) {
	for _, a := range breaks {
		for _, b := range breaks {
			e := sound()
			a.do(&e)
			b.do(&e)
			if got := Judge(e); got.Do == Deem {
				t.Errorf("%s and %s: deemed", a.rule, b.rule)
			}
		}
	}
}

// The predicate against its own statement, over 50,000 random worlds: deemed
// exactly when no break applies, and never a moment early.
func TestNoRandomMixOfDoubtsIsDeemed(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 6))
	for i := range 50_000 {
		e, broken := sound(), ""
		for _, b := range breaks {
			if rng.IntN(len(breaks)) == 0 {
				b.do(&e)
				broken += b.rule + "; "
			}
		}
		if got := Judge(e); (got.Do == Deem) != (broken == "") {
			t.Fatalf("world %d: %s with %q", i, got.Do, broken)
		}
	}
}

func TestAConfirmedDecisionStillNeedsEveryOtherCondition(t *testing.T) { // INS-910
	e := sound()
	e.Confirm, e.Confirmed = true, true
	if got := Judge(e); got.Do != Deem {
		t.Fatalf("confirmed: %s", got.Do)
	}
	e.Unread = 1
	if got := Judge(e); got.Do != Hold {
		t.Fatalf("confirmed with a waiting mail: %s", got.Do)
	}
}

func TestHoldsThatEndBySelfDoNotKeepThemselvesAlive(t *testing.T) { // PRO-17
	for _, reason := range endsItself {
		e := sound()
		e.Holds = []HoldReason{reason}
		if got := Judge(e); got.Do != Deem {
			t.Errorf("%s: %s", reason, got.Do)
		}
	}
}

func TestAnAnswerAtTheDeadlineIsInTimeAndOneMillisecondLaterIsLate(t *testing.T) { // INS-802, DL-12
	t2 := time.Date(2026, 11, 18, 9, 30, 0, 0, time.UTC)
	v := Visit{Round: 1, Start: t2.Add(15 * time.Hour)}
	for _, c := range []struct {
		at   time.Duration
		want ReplyOutcome
	}{{-time.Millisecond, OutcomeApplied}, {0, OutcomeApplied}, {time.Millisecond, OutcomeLate}} {
		got := judgeReply(replyFacts{
			p: Participant{Consent: ConsentAwaiting, RespondBy: t2}, v: v,
			r: Reply{Round: 1, Kind: ReplyAccept, ReceivedAt: t2.Add(c.at)},
		})
		if got != c.want {
			t.Errorf("T2%+v: %s, want %s", c.at, got, c.want)
		}
	}
}

func TestWhatIsTakenAfterTheDeadline(t *testing.T) { // INS-805
	t2 := time.Date(2026, 11, 18, 9, 30, 0, 0, time.UTC)
	v := Visit{Round: 1, Start: t2.Add(15 * time.Hour)}
	late := t2.Add(time.Hour)
	for _, c := range []struct {
		consent Consent
		kind    ReplyKind
		held    bool
		want    ReplyOutcome
	}{
		{ConsentUnserved, ReplyAccept, false, OutcomeApplied},
		{ConsentAwaiting, ReplyAccept, false, OutcomeLate},
		{ConsentAwaiting, ReplyAccept, true, OutcomeApplied},
		{ConsentDeclined, ReplyAccept, false, OutcomeApplied},
		{ConsentDeclined, ReplyCounter, false, OutcomeLate},
		{ConsentAccepted, ReplyExcuse, false, OutcomeApplied},
		{ConsentAccepted, ReplyDecline, false, OutcomeLate},
		{ConsentDeemed, ReplyDecline, false, OutcomeLate},
	} {
		p := Participant{Consent: c.consent, RespondBy: t2}
		if c.consent == ConsentUnserved {
			p.RespondBy = time.Time{}
		}
		got := judgeReply(replyFacts{p: p, v: v, held: c.held, r: Reply{Round: 1, Kind: c.kind, ReceivedAt: late}})
		if got != c.want {
			t.Errorf("%s then %s (held %v): %s, want %s", c.consent, c.kind, c.held, got, c.want)
		}
	}
}

func TestAWeakAcceptNeverReplacesAStrongerDecline(t *testing.T) { // INS-805
	t2 := time.Date(2026, 11, 18, 9, 30, 0, 0, time.UTC)
	v := Visit{Round: 1, Start: t2.Add(15 * time.Hour)}
	for _, kind := range []ReplyKind{ReplyDecline, ReplyCounter, ReplyExcuse} {
		for _, strength := range []int{L1, L2} {
			want := OutcomeApplied
			if strength < L2 {
				want = OutcomeHeld
			}
			got := judgeReply(replyFacts{
				p: Participant{Consent: consentOf[kind], RespondBy: t2}, v: v, last: &Reply{Kind: kind, Strength: L2},
				r: Reply{Round: 1, Kind: ReplyAccept, Strength: strength, ReceivedAt: t2},
			})
			if got != want {
				t.Errorf("accept at L%d after %s at L2: %s, want %s", strength, kind, got, want)
			}
		}
	}
}

func TestNoStateTableIsEmpty(t *testing.T) {
	for _, moves := range []string{fmt.Sprint(VisitMoves), fmt.Sprint(ConsentMoves), fmt.Sprint(OpinionMoves)} {
		if moves == "[]" {
			t.Error("an empty table")
		}
	}
}
