package delivery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// newEvent makes an event of minute m after 09:00 on the phone of courier c1 in
// attempt a1; the id tells type and minute.
func newEvent(kind EventType, m int, change ...func(*StoredEvent)) StoredEvent {
	e := StoredEvent{
		EventID: fmt.Sprintf("%s-%03d", kind, m), DeviceID: "phone-1", Seq: int64(m), CourierID: "c1", AttemptID: "a1",
		Type: kind, Effective: at(9, m), Claimed: at(9, m), Quality: QualityA, ProofComplete: true,
	}
	if !kind.inAttempt() {
		e.AttemptID = ""
	}
	for _, f := range change {
		f(&e)
	}
	return e
}

func failing(o Outcome, reason string) func(*StoredEvent) {
	return func(e *StoredEvent) { e.Facts.Outcome, e.Facts.Reason = o, reason }
}

func about(id string) func(*StoredEvent) {
	return func(e *StoredEvent) { e.Facts.Refers, e.DeviceID = id, "desk" }
}

func byOther(e *StoredEvent)  { e.CourierID, e.DeviceID, e.AttemptID = "c2", "phone-2", "b1" }
func attempt2(e *StoredEvent) { e.AttemptID = "a2" }
func unproven(e *StoredEvent) { e.ProofComplete = false }
func carrier(e *StoredEvent)  { e.ByCarrier, e.DeviceID = true, "carrier" }

func theWay() []StoredEvent {
	return []StoredEvent{newEvent(EventSealed, 1), newEvent(EventHandedOver, 2), newEvent(EventStarted, 3),
		newEvent(EventArrived, 4), newEvent(EventDelivered, 5)}
}

func exceptionsOf(f Folded) (out []string) {
	for _, x := range f.Exceptions {
		out = append(out, string(x.Code)+" "+x.EventID)
	}
	return out
}

// DEL §4.1 and §5.3 by example.
func TestTheStateIsTheFoldOfTheEvents(t *testing.T) {
	way := theWay()
	plus := func(n int, more ...StoredEvent) []StoredEvent { return append(slices.Clone(way[:n]), more...) }
	for name, c := range map[string]struct {
		events     []StoredEvent
		state      ParcelState
		exceptions []string
	}{
		"nothing has happened":   {nil, ParcelDrafted, nil},
		"the whole way":          {way, ParcelDelivered, nil},
		"a predecessor missing":  {plus(2, newEvent(EventDelivered, 9)), ParcelDelivered, []string{"inferred_gap delivered-009"}},
		"opened again":           {plus(1, newEvent(EventOpened, 2)), ParcelDrafted, nil},
		"proof incomplete":       {plus(4, newEvent(EventDelivered, 9, unproven)), ParcelUnverified, []string{"proof_incomplete delivered-009"}},
		"verified by the window": {plus(4, newEvent(EventDelivered, 9, unproven), newEvent(EventProofConfirmed, 50, about("delivered-009"))), ParcelDelivered, nil},
		"sorted before the end":  {plus(5, newEvent(EventNote, 2, byOther)), ParcelDelivered, nil},
		"sorted after the end":   {plus(5, newEvent(EventReturning, 6)), ParcelDelivered, []string{"conflict returning-006"}},
		"after an unproven claim": {plus(4, newEvent(EventDelivered, 9, unproven), newEvent(EventFailed, 10, failing(NotHome, ""))), ParcelUnverified,
			[]string{"proof_incomplete delivered-009", "conflict failed-010"}},
		"two couriers claim it":      {plus(5, newEvent(EventDelivered, 4, byOther)), ParcelDelivered, []string{"conflict delivered-005"}},
		"claimed again with proof":   {plus(4, newEvent(EventDelivered, 9, unproven), newEvent(EventDelivered, 11)), ParcelDelivered, nil},
		"claimed in two attempts":    {plus(5, newEvent(EventDelivered, 9, attempt2)), ParcelDelivered, []string{"conflict delivered-009"}},
		"claimed twice":              {plus(5, newEvent(EventDelivered, 9)), ParcelDelivered, nil},
		"the claim was an error":     {plus(5, newEvent(EventErrorDeclared, 50, about("delivered-005"))), ParcelArrived, nil},
		"the error was an error":     {plus(5, newEvent(EventErrorDeclared, 50, about("delivered-005")), newEvent(EventErrorDeclared, 51, about("error_declared-050"))), ParcelDelivered, nil},
		"back at the window":         {plus(3, newEvent(EventFailed, 6, failing(Refused, "名称印错"), func(e *StoredEvent) { e.Photos = 1 }), newEvent(EventReturning, 7), newEvent(EventReturned, 8)), ParcelReturned, nil},
		"refused without evidence":   {plus(3, newEvent(EventFailed, 6, failing(Refused, "名称印错"))), ParcelAttemptFailed, []string{"outcome_evidence_missing failed-006"}},
		"other without words":        {plus(3, newEvent(EventFailed, 6, failing(OtherOutcome, "坏"))), ParcelAttemptFailed, []string{"outcome_text_missing failed-006"}},
		"failed for unknown reasons": {plus(3, newEvent(EventFailed, 6, failing("ghost", ""))), ParcelAttemptFailed, []string{"outcome_unknown failed-006"}},
		"held and resumed":           {plus(3, newEvent(EventOnHold, 6), newEvent(EventResumed, 7)), ParcelOut, nil},
		"resumed without a hold":     {plus(3, newEvent(EventResumed, 7)), ParcelOut, []string{"inferred_gap resumed-007"}},
		"a late step of a carrier":   {plus(3, newEvent(EventSealed, 9, carrier), newEvent(EventHandedOver, 10, carrier)), ParcelOut, nil},
		"a late step of the window":  {plus(3, newEvent(EventSealed, 9)), ParcelOut, []string{"step_back sealed-009"}},
		"lost and found":             {plus(3, newEvent(EventLost, 6), newEvent(EventFound, 7)), ParcelReturning, nil},
		"lost for good":              {plus(3, newEvent(EventLost, 6), newEvent(EventWrittenOff, 7)), ParcelWrittenOff, nil},
		"a time in doubt":            {plus(4, newEvent(EventDelivered, 9, func(e *StoredEvent) { e.Quality = QualityC })), ParcelDelivered, []string{"time_in_doubt delivered-009"}},
		"flagged on receipt":         {plus(4, newEvent(EventNote, 9, func(e *StoredEvent) { e.Flags = []ExceptionCode{ExceptionReassigned} })), ParcelArrived, []string{"reassigned note-009"}},
	} {
		f := Fold(c.events)
		if f.State != c.state || !slices.Equal(exceptionsOf(f), c.exceptions) {
			t.Errorf("%s: %s %v, want %s %v", name, f.State, exceptionsOf(f), c.state, c.exceptions)
		}
	}
}

// DEL-525.
func TestTheEarlierOfTwoClaimsStandsAndTheConflictNamesBoth(t *testing.T) {
	f := Fold(append(theWay(), newEvent(EventDelivered, 30, byOther)))
	want := []Exception{{ExceptionConflict, "delivered-030", "delivered-005"}}
	if f.State != ParcelDelivered || f.EventID != "delivered-005" || !slices.Equal(f.Exceptions, want) {
		t.Errorf("%+v", f)
	}
	settled := Fold(append(theWay(), newEvent(EventDelivered, 30, byOther), newEvent(EventErrorDeclared, 55, about("delivered-005"))))
	if settled.EventID != "delivered-030" || len(settled.Exceptions) != 0 {
		t.Errorf("settled by a correction: %+v", settled)
	}
}

// DEL-602: the act's time, also when the photo comes a day later.
func TestALateProofCompletesADeliveryAtTheTimeOfTheAct(t *testing.T) {
	claim := newEvent(EventDelivered, 9, unproven)
	before := Fold(append(theWay()[:4], claim))
	claim.ProofComplete = true
	after := Fold(append(theWay()[:4], claim))
	if before.State != ParcelUnverified || after.State != ParcelDelivered ||
		!before.Closing.At.Equal(at(9, 9)) || !after.Closing.At.Equal(at(9, 9)) || len(after.Exceptions) != 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// SIM-15, DEL §7.6 example 15: missed, and "met if confirmed" beside it.
func TestAnAcceptedClaimCountsWithoutChangingTheOrder(t *testing.T) {
	claim := newEvent(EventDelivered, 9, func(e *StoredEvent) {
		e.Claimed, e.Effective, e.Quality = at(16, 40), at(18, 40), QualityC
	})
	events := append(theWay()[:4], claim)
	if c := Fold(events).Closing; !c.At.Equal(at(18, 40)) || !c.Claimed.Equal(at(16, 40)) || c.Accepted {
		t.Errorf("before: %+v", c)
	}
	f := Fold(append(events, newEvent(EventTimeAccepted, 50, about(claim.EventID))))
	if !f.Closing.At.Equal(at(16, 40)) || !f.Closing.Accepted || len(f.Exceptions) != 0 || f.State != ParcelDelivered {
		t.Errorf("after: %+v", f)
	}
}

// DEL-521: what a device did stays in its own order whatever its clock says.
func TestADevicesSequenceWinsOverItsClock(t *testing.T) {
	late := newEvent(EventStarted, 3, func(e *StoredEvent) { e.Effective = at(9, 40) })
	events := []StoredEvent{newEvent(EventSealed, 1), newEvent(EventHandedOver, 2), late, newEvent(EventArrived, 4), newEvent(EventDelivered, 5)}
	if f := Fold(events); f.State != ParcelDelivered || len(f.Exceptions) != 0 {
		t.Errorf("%s %v", f.State, f.Exceptions)
	}
}

// DEL-801, DEL-411.
func TestAttemptsAreRecordsAndOldOutcomesStay(t *testing.T) {
	events := append(theWay()[:4],
		newEvent(EventFailed, 5, failing(NoTime, "")),
		newEvent(EventStarted, 20, attempt2), newEvent(EventDelivered, 25, attempt2, failing(ToRecipient, "")),
		newEvent(EventFaultChanged, 50, func(e *StoredEvent) { e.DeviceID, e.Facts.Fault = "desk", FaultMajeure }))
	f := Fold(events)
	want := []AttemptRecord{
		{AttemptID: "a1", CourierID: "c1", Started: at(9, 3), Arrived: at(9, 4), Ended: at(9, 5), EndEvent: "failed-005",
			Outcome: NoTime, Fault: FaultMajeure, DefaultFault: FaultOurs},
		{AttemptID: "a2", CourierID: "c1", Started: at(9, 20), Ended: at(9, 25), EndEvent: "delivered-025", Outcome: ToRecipient, Delivered: true},
	}
	if diff := cmp.Diff(want, f.Attempts); diff != "" || f.State != ParcelDelivered || len(f.Exceptions) != 0 {
		t.Errorf("%s %v %s", f.State, f.Exceptions, diff)
	}
	again := Fold(append(events[:5], newEvent(EventDelivered, 9)))
	if len(again.Attempts) != 2 || again.Attempts[0].Outcome != NoTime || !again.Attempts[1].Delivered {
		t.Errorf("delivered in a failed attempt: %+v", again.Attempts)
	}
}

// DEL-527: a hold that ends is no second start of the same round.
func TestAResumedParcelIsNotAnnouncedAgain(t *testing.T) {
	out := Fold(theWay()[:3])
	resumed := Fold(append(theWay()[:3], newEvent(EventOnHold, 6), newEvent(EventResumed, 7)))
	before, _ := out.Notice()
	if after, due := resumed.Notice(); after != before || !due {
		t.Errorf("%v after %v", after, before)
	}
	if _, due := Fold(nil).Notice(); due {
		t.Error("a draft is announced")
	}
}

// anySet draws up to eight events that need not make sense.
func anySet(t *rapid.T) []StoredEvent {
	types := []EventType{EventErrorDeclared, EventProofConfirmed, EventTimeAccepted, EventFaultChanged, EventNote, EventDelivered, EventDelivered, EventFailed}
	for kind := range eventMoves {
		types = append(types, kind)
	}
	slices.Sort(types)
	n := rapid.IntRange(0, 8).Draw(t, "events")
	events := make([]StoredEvent, n)
	for i := range events {
		who := rapid.IntRange(0, 2).Draw(t, "who")
		e := StoredEvent{
			EventID:  fmt.Sprintf("e%d", i),
			DeviceID: []string{"phone-1", "phone-2", "carrier"}[who], CourierID: []string{"c1", "c2", "c3"}[who], ByCarrier: who == 2,
			Seq:           rapid.Int64Range(0, 4).Draw(t, "seq"),
			AttemptID:     rapid.SampledFrom([]string{"", "a1", "a2"}).Draw(t, "attempt"),
			Type:          rapid.SampledFrom(types).Draw(t, "type"),
			Effective:     at(9, rapid.IntRange(0, 5).Draw(t, "minute")),
			Quality:       rapid.SampledFrom([]Quality{QualityA, QualityB, QualityC}).Draw(t, "quality"),
			ProofComplete: rapid.Bool().Draw(t, "proof"),
			Photos:        rapid.IntRange(0, 1).Draw(t, "photos"),
		}
		e.Claimed = e.Effective.Add(-time.Hour)
		e.Facts.Outcome = rapid.SampledFrom([]Outcome{"", NotHome, Refused, OtherOutcome, ToRecipient}).Draw(t, "outcome")
		e.Facts.Reason = rapid.SampledFrom([]string{"", "门禁坏了进不去"}).Draw(t, "reason")
		e.Facts.Refers = fmt.Sprintf("e%d", rapid.IntRange(0, n-1).Draw(t, "refers"))
		e.Facts.Slot = rapid.SampledFrom([]string{"", "明早"}).Draw(t, "slot")
		e.Facts.Fault = FaultMajeure
		if rapid.IntRange(0, 5).Draw(t, "flag") == 0 {
			e.Flags = []ExceptionCode{ExceptionReassigned}
		}
		events[i] = e
	}
	return events
}

func shuffled(t *rapid.T, events []StoredEvent) []StoredEvent {
	out := slices.Clone(events)
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// DEL-520, DEL-522, DEL-503.
func TestArrivalOrderAndRepetitionPlayNoPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := anySet(t)
		want := Fold(events)
		other := shuffled(t, append(slices.Clone(events), events[:rapid.IntRange(0, len(events)).Draw(t, "repeated")]...))
		if diff := cmp.Diff(want, Fold(other)); diff != "" {
			t.Fatalf("another order gives another parcel: %s", diff)
		}
		if len(want.Steps) != len(events) {
			t.Fatalf("%d of %d events left a step", len(want.Steps), len(events))
		}
	})
}

// DEL-520: the fold reads its events and nothing else.
func TestTheFoldLeavesItsEventsAsTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := anySet(t)
		before := slices.Clone(events)
		Fold(events)
		if diff := cmp.Diff(before, events); diff != "" {
			t.Fatal(diff)
		}
	})
}

// DEL-524: whatever is added behind an end, the public state stays.
func TestNothingBehindAnEndMovesTheParcel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := anySet(t)
		f := Fold(events)
		later := newEvent(rapid.SampledFrom([]EventType{EventStarted, EventFailed, EventReturning, EventSealed, EventLost, EventCancelled, EventOnHold}).Draw(t, "type"),
			50, byOther)
		g := Fold(append(events, later))
		if f.State.Terminal() && g.State != f.State {
			t.Fatalf("%s became %s by %s", f.State, g.State, later.Type)
		}
	})
}

// announced folds after every batch and says which notices went out.
func announced(events []StoredEvent, batch func() int) map[NoticeKey]bool {
	said := map[NoticeKey]bool{}
	for n := 0; n < len(events); {
		n = min(n+batch(), len(events))
		if key, due := Fold(events[:n]).Notice(); due {
			said[key] = true
		}
	}
	return said
}

// aWay draws a history in which every event follows from the one before.
func aWay(t *rapid.T) []StoredEvent {
	var kinds []EventType
	for kind := range eventMoves {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	var events []StoredEvent
	n, attempt := rapid.IntRange(1, 12).Draw(t, "events"), 0
	for m := 1; m <= n; m++ {
		next := newEvent(rapid.SampledFrom(kinds).Draw(t, "type"), m, unproven, failing(NotHome, ""))
		if next.Type == EventStarted {
			attempt++
		}
		if next.Type.inAttempt() {
			next.AttemptID = fmt.Sprint("a", attempt)
		}
		next.DeviceID = rapid.SampledFrom([]string{"phone-1", "phone-2", "desk"}).Draw(t, "device")
		next.ProofComplete = rapid.Bool().Draw(t, "proof")
		longer := append(slices.Clone(events), next)
		if f := Fold(longer); f.Steps[len(f.Steps)-1].Verdict == Applied && !slices.ContainsFunc(f.Exceptions, func(x Exception) bool { return x.Code == ExceptionGap }) {
			events = longer
		}
	}
	return events
}

// DEL-527: late and heaped arrival announces a subset, never more.
func TestShuffledArrivalAnnouncesASubset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := aWay(t)
		inOrder := announced(events, func() int { return 1 })
		late := announced(shuffled(t, events), func() int { return rapid.IntRange(1, 4).Draw(t, "batch") })
		for key := range late {
			if !inOrder[key] {
				t.Fatalf("%v was announced only because of the order of arrival", key)
			}
		}
	})
}

// DEL-527 for sets that contradict themselves: still only what an event says,
// each once.
func TestANoticeAlwaysSaysWhatSomeEventSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := shuffled(t, anySet(t))
		claims := map[NoticeKey]bool{}
		for _, e := range events {
			to := eventMoves[e.Type]
			claims[NoticeKey{e.AttemptID, to}] = true
			if e.Type == EventDelivered {
				claims[NoticeKey{e.AttemptID, ParcelUnverified}] = true
			}
		}
		for key := range announced(events, func() int { return rapid.IntRange(1, 4).Draw(t, "batch") }) {
			if !claims[key] {
				t.Fatalf("no event says %v", key)
			}
		}
	})
}

func TestEveryExceptionHasWords(t *testing.T) {
	for code := range exceptionWords {
		if !code.Known() || code.Word("zh") == "" || code.Word("en") == "" {
			t.Error(code)
		}
	}
	if ExceptionCode("ghost").Known() {
		t.Error("an unknown exception is known")
	}
}

func BenchmarkFoldTwelveEvents(b *testing.B) {
	events := append(theWay()[:4], newEvent(EventFailed, 5, failing(NotHome, "")), newEvent(EventRescheduled, 6),
		newEvent(EventStarted, 20, attempt2), newEvent(EventArrived, 21, attempt2), newEvent(EventContactRevealed, 22),
		newEvent(EventDelivered, 25, attempt2, unproven), newEvent(EventProofConfirmed, 50, about("delivered-025")), newEvent(EventNote, 55))
	slices.Reverse(events)
	if f := Fold(events); len(events) != 12 || f.State != ParcelDelivered || len(f.Exceptions) != 0 {
		b.Fatalf("%d events, %s %v", len(events), f.State, f.Exceptions)
	}
	b.ReportAllocs()
	for b.Loop() {
		Fold(events)
	}
}
