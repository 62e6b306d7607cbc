package delivery

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// StoredEvent is an event as the fold reads it: the envelope without its bytes,
// the times fixed on receipt, and what others decided about its proof.
type StoredEvent struct {
	EventID   string
	DeviceID  string
	Seq       int64 // per device; a carrier's own time, a desk's zero
	CourierID string
	AttemptID string
	Type      EventType
	Facts     Facts
	ByCarrier bool // reported by a carrier's system

	Claimed   time.Time // device time, never later than received
	Effective time.Time // the one that counts (SIM-15)
	Quality   Quality

	Photos        int  // how many photos it names
	ProofComplete bool // all required proof is here and verified (DEL-602)
	ProofStrength int  // code 4, ID 3, signature 2, photo 1 (DEL-525)

	Flags []ExceptionCode // found on receipt
}

// Verdict says what the fold made of an event.
type Verdict string

// Verdicts.
const (
	Applied  Verdict = "applied"
	Repeated Verdict = "repeated" // says what is known already
	History  Verdict = "history"  // an earlier stage; fills the history only
	Clashed  Verdict = "conflict" // came after an end and changes nothing
	Declared Verdict = "declared" // a correction says it is wrong
	Remark   Verdict = "remark"   // moves nothing by its nature
)

// Step is one event in the order of the fold.
type Step struct {
	EventID string
	Verdict Verdict
	State   ParcelState // after it
	At      time.Time   // the time that counts, an accepted claim included
}

// Closing is the act that brought a Parcel to its receiver, or is said to have.
type Closing struct {
	EventID string
	At      time.Time // counts for the promise
	Claimed time.Time // shown beside it when the time is in doubt (SIM-15)
	Quality Quality
	// Accepted is set when a supervisor accepted the claim; At is Claimed then.
	Accepted bool
}

// Folded is what a set of events amounts to.
type Folded struct {
	State      ParcelState
	Since      time.Time // when it came about
	EventID    string    // by which event; empty: none yet
	AttemptID  string    // of that event
	Slot       string    // of a rescheduled parcel
	Closing    Closing   // of delivered, delivered_unverified, collected_at_window; else zero
	Attempts   []AttemptRecord
	Exceptions []Exception
	Steps      []Step // every event, in order
}

// NoticeKey is what one notice is sent for; it never goes out twice (DEL-527).
type NoticeKey struct {
	AttemptID string
	State     ParcelState
}

// Notice is the only notice that may be due after these events: that of the
// present state. States already passed are not announced later, so events that
// come late or in a heap announce less and never more. False: nobody waits to
// hear of a draft. What was announced and is refuted by an event that came late
// (a conflict) cannot be called back; the window speaks to the applicant.
func (f Folded) Notice() (NoticeKey, bool) {
	return NoticeKey{f.AttemptID, f.State}, f.State != ParcelDrafted
}

// Fold makes the state of a Parcel from the set of its events; arrival order
// and repetitions play no part (DEL-520). Ids are unique to a content (DEL-503).
// Pieces of one parcel (DEL-402) are not told apart yet.
func Fold(events []StoredEvent) Folded {
	f := folder{events: events, order: foldOrder(events)}
	f.Steps = make([]Step, 0, len(f.order))
	f.Attempts = make([]AttemptRecord, 0, 2)
	f.State = ParcelDrafted
	f.readRemarks()
	for _, n := range f.order {
		f.take(n.StoredEvent)
	}
	f.changeFaults()
	return f.Folded
}

// folder is a fold under way.
type folder struct {
	Folded
	events    []StoredEvent
	order     []placed
	held      Folded // where it was before on_hold
	closedBy  *StoredEvent
	declared  []string // event ids that corrections call wrong
	confirmed []string // whose proof the window verified
	accepted  []string // whose claimed time a supervisor accepted
}

// placed is an event in the order of DEL-521.
type placed struct {
	*StoredEvent
	orderTime int64 // milliseconds
}

// foldOrder sorts a set as DEL-521 has it: order time is the running maximum of
// the device by seq; then (order time, device, seq, id). That keeps what a
// device did in its own order and is total whatever the clocks say.
func foldOrder(events []StoredEvent) []placed {
	order := make([]placed, len(events))
	for i := range events {
		order[i] = placed{&events[i], events[i].Effective.UnixMilli()}
	}
	slices.SortFunc(order, func(a, b placed) int {
		return cmp.Or(strings.Compare(a.DeviceID, b.DeviceID), cmp.Compare(a.Seq, b.Seq), strings.Compare(a.EventID, b.EventID))
	})
	order = slices.CompactFunc(order, func(a, b placed) bool { return a.EventID == b.EventID })
	below, upTo := int64(math.MinInt64), int64(math.MinInt64) // of lower numbers, and with the present one
	for i := range order {
		switch {
		case i == 0:
		case order[i].DeviceID != order[i-1].DeviceID:
			below, upTo = math.MinInt64, math.MinInt64
		case order[i].Seq != order[i-1].Seq:
			below = upTo
		}
		upTo = max(upTo, order[i].orderTime)
		order[i].orderTime = max(order[i].orderTime, below)
	}
	slices.SortFunc(order, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.orderTime, b.orderTime), strings.Compare(a.DeviceID, b.DeviceID),
			cmp.Compare(a.Seq, b.Seq), strings.Compare(a.EventID, b.EventID))
	})
	return order
}

// readRemarks collects what events say about others. They count wherever they
// stand in the order, but for corrections of corrections: those must be later
// than what they correct, else two could cancel each other.
func (f *folder) readRemarks() {
	for n, e := range slices.Backward(f.order) {
		if e.Type == EventErrorDeclared && !slices.Contains(f.declared, e.EventID) && !f.correctionFrom(n, e.Facts.Refers) {
			f.declared = append(f.declared, e.Facts.Refers)
		}
	}
	for _, e := range f.order {
		switch {
		case slices.Contains(f.declared, e.EventID):
		case e.Type == EventProofConfirmed:
			f.confirmed = append(f.confirmed, e.Facts.Refers)
		case e.Type == EventTimeAccepted:
			f.accepted = append(f.accepted, e.Facts.Refers)
		}
	}
}

// correctionFrom reports whether id is a correction at place n or later.
func (f *folder) correctionFrom(n int, id string) bool {
	return slices.ContainsFunc(f.order[n:], func(e placed) bool { return e.EventID == id && e.Type == EventErrorDeclared })
}

// take folds one event in.
func (f *folder) take(e *StoredEvent) {
	verdict := Declared
	if !slices.Contains(f.declared, e.EventID) {
		for _, code := range e.Flags {
			f.except(code, e, "")
		}
		switch {
		case !e.Type.Moves():
			verdict = Remark
		case f.ended():
			verdict = f.afterEnd(e)
		default:
			verdict = f.move(e)
		}
		if verdict == Applied || verdict == Repeated {
			f.record(e)
		}
	}
	f.Steps = append(f.Steps, Step{e.EventID, verdict, f.State, f.counted(e)})
}

// ended reports whether events may still move the parcel. A claimed hand-over
// ends it too: whether its photo is here yet must not decide which later events
// count (DEL-602).
func (f *folder) ended() bool { return f.State.Terminal() || f.State == ParcelUnverified }

// afterEnd is the terminal guard (DEL-524, 525): the earlier claim stands, the
// later one changes nothing and opens a conflict for the window. The same
// courier may report the same hand-over again, now with its proof.
func (f *folder) afterEnd(e *StoredEvent) Verdict {
	to := f.target(e)
	switch {
	case e.Type != EventDelivered && to == f.State:
		return Repeated
	case e.Type == EventDelivered && f.closedBy != nil && f.closedBy.Type == EventDelivered &&
		f.closedBy.CourierID == e.CourierID && f.closedBy.AttemptID == e.AttemptID:
		if f.State == to || to == ParcelUnverified {
			return Repeated
		}
		f.unexcept(ExceptionProof)
		f.enter(e, to)
		return Applied
	}
	f.except(ExceptionConflict, e, f.EventID)
	return Clashed
}

// move applies an event while the parcel is on its way (DEL-400, 523).
func (f *folder) move(e *StoredEvent) Verdict {
	to := f.target(e)
	switch {
	case e.Type == EventResumed:
		if f.State != ParcelOnHold {
			f.except(ExceptionGap, e, "")
			return History
		}
		f.resume(e)
		return Applied
	case to == f.State && to != ParcelRescheduled && (e.AttemptID == f.AttemptID || !e.Type.inAttempt()):
		return Repeated // one more scan on the way
	case to == f.State && to == ParcelRescheduled:
		// another slot
	case to.step() < f.State.step() && !f.State.MayFollow(to):
		// A public state never goes back by itself. For a carrier the stages
		// before delivery are steps only (DEL-401) and it reports them late.
		if !e.ByCarrier {
			f.except(ExceptionStepBack, e, "")
		}
		return History
	case !f.State.MayFollow(to):
		f.except(ExceptionGap, e, "")
	}
	f.enter(e, to)
	return Applied
}

// resume ends a hold: the parcel is where it was, in the same attempt, so that
// nothing is announced twice.
func (f *folder) resume(e *StoredEvent) {
	held := f.held
	f.State, f.AttemptID, f.Slot = held.State, held.AttemptID, held.Slot
	f.Since, f.EventID = f.counted(e), e.EventID
}

func (f *folder) enter(e *StoredEvent, to ParcelState) {
	if to == ParcelOnHold {
		f.held.State, f.held.AttemptID, f.held.Slot = f.State, f.AttemptID, f.Slot
	}
	f.State, f.Since, f.EventID, f.AttemptID = to, f.counted(e), e.EventID, e.AttemptID
	if f.Slot = ""; to == ParcelRescheduled {
		f.Slot = e.Facts.Slot
	}
	switch e.Type {
	case EventDelivered, EventCollected:
		f.closedBy = e
		f.Closing = Closing{EventID: e.EventID, At: f.Since, Claimed: e.Claimed, Quality: e.Quality, Accepted: f.claimCounts(e)}
		f.doubtTime(e)
	case EventFailed:
		f.doubtTime(e)
		f.checkFailure(e)
	}
	if to == ParcelUnverified {
		f.except(ExceptionProof, e, "")
	}
}

// target is where an event leads. Proof decides what a hand-over is (DEL-602).
func (f *folder) target(e *StoredEvent) ParcelState {
	if e.Type == EventDelivered && !e.ProofComplete && !slices.Contains(f.confirmed, e.EventID) {
		return ParcelUnverified
	}
	return eventMoves[e.Type]
}

// counted is the time of an event for the promise. An accepted claim changes
// it, and not the order: the state stays what it was.
func (f *folder) counted(e *StoredEvent) time.Time {
	if f.claimCounts(e) {
		return e.Claimed
	}
	return e.Effective
}

func (f *folder) claimCounts(e *StoredEvent) bool {
	return e.Quality == QualityC && slices.Contains(f.accepted, e.EventID)
}

func (f *folder) doubtTime(e *StoredEvent) {
	if e.Quality == QualityC && !f.claimCounts(e) {
		f.except(ExceptionTime, e, "")
	}
}

// checkFailure flags what DEL-410 asks for; it has happened all the same.
// Carriers report codes only.
func (f *folder) checkFailure(e *StoredEvent) {
	o := e.Facts.Outcome
	switch {
	case !o.Known() || o.HandOver():
		f.except(ExceptionOutcome, e, "")
	case e.ByCarrier:
	case !outcomeTextEnough(o, e.Facts.Reason):
		f.except(ExceptionOutcomeText, e, "")
	case o == Refused && e.Photos == 0 && e.Facts.CallNote == "", o == OutcomeDamaged && e.Photos == 0:
		f.except(ExceptionOutcomeEvidence, e, "")
	}
}

func (f *folder) except(code ExceptionCode, e *StoredEvent, against string) {
	f.Exceptions = append(f.Exceptions, Exception{code, e.EventID, against})
}

func (f *folder) unexcept(code ExceptionCode) {
	f.Exceptions = slices.DeleteFunc(f.Exceptions, func(x Exception) bool { return x.Code == code })
}
