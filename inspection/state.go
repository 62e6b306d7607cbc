package inspection

// CaseState is where a Case stands.
type CaseState string

// States of a Case.
const (
	CaseAccepted CaseState = "accepted" // taken in, no visit booked yet
	CaseVisiting CaseState = "visiting" // a visit is booked or under way
	CaseVisited  CaseState = "visited"  // the visit is closed, departments decide
	CaseNoVisit  CaseState = "no_visit" // no department has to see the site (INS-309)

	CaseHandedOver CaseState = "handed_over" // all its results are on their way to the applicant
)

// VisitState is where a Visit stands (INS section 6).
type VisitState string

// States of a Visit. A slot hold is no state: the visit stays draft (SIM-2).
const (
	VisitDraft      VisitState = "draft"
	VisitOffered    VisitState = "offered"
	VisitConfirmed  VisitState = "confirmed"
	VisitInProgress VisitState = "in_progress"
	VisitCollecting VisitState = "collecting"
	VisitClosed     VisitState = "closed"
	VisitNotHeld    VisitState = "not_held"
	VisitCancelled  VisitState = "cancelled"
)

// Consent says whether a Participant comes: the consent track of INS section 8.
type Consent string

// States of the consent track. Doubt is not a state but a Hold row (SIM-1).
const (
	ConsentUnserved  Consent = "unserved"
	ConsentAwaiting  Consent = "awaiting"
	ConsentAccepted  Consent = "accepted"
	ConsentDeclined  Consent = "declined"
	ConsentCountered Consent = "countered"
	ConsentExcuse    Consent = "excuse_pending"
	ConsentDeemed    Consent = "deemed"
	ConsentExcused   Consent = "excused" // released from coming, opinion due in writing
	ConsentWithdrawn Consent = "withdrawn"
	ConsentVoid      Consent = "void"
)

// Attendance says whether a Participant came.
type Attendance string

// States of the attendance track.
const (
	AttendanceExpected   Attendance = "expected"
	AttendanceOptional   Attendance = "optional"
	AttendancePresent    Attendance = "present"
	AttendanceShort      Attendance = "short" // fewer people than the minimum
	AttendanceLate       Attendance = "late"
	AttendanceLeftEarly  Attendance = "left_early"
	AttendanceAbsentProv Attendance = "absent_prov" // nobody there when the grace ended
	AttendanceAbsent     Attendance = "absent"      // attested by two persons of two roles
	AttendanceNotHeld    Attendance = "not_held"
)

// OpinionState says how far a Participant's opinion is.
type OpinionState string

// States of the opinion track.
const (
	OpinionNone     OpinionState = "none"
	OpinionDraft    OpinionState = "draft"    // not signed by everybody who came
	OpinionDeferred OpinionState = "deferred" // with a ground of INS-1010
	OpinionGiven    OpinionState = "given"
	OpinionDeemed   OpinionState = "deemed"
	OpinionReview   OpinionState = "review"
	OpinionWaived   OpinionState = "waived"
)

// Move is one allowed move of a guarded row: the act that makes it and the
// states it may start from.
type Move[S ~string] struct {
	Act  string
	From []S
	To   S
	Rule string
}

// VisitMoves are the moves of a Visit; any other is refused as bad_move.
var VisitMoves = []Move[VisitState]{
	{"Plan", nil, VisitDraft, "V1"},
	{"Book", []VisitState{VisitDraft}, VisitOffered, "V4"},
	{"settle", []VisitState{VisitOffered}, VisitConfirmed, "V5"},
	{"Retime", []VisitState{VisitOffered, VisitConfirmed}, VisitOffered, "V6"},
	{"Cancel", []VisitState{VisitDraft, VisitOffered, VisitConfirmed}, VisitCancelled, "V7"},
	{"Amend, a department more", []VisitState{VisitOffered, VisitConfirmed}, VisitOffered, "INS-308"},
	{"Start", []VisitState{VisitOffered, VisitConfirmed}, VisitInProgress, "V8"},
	{"EndSite", []VisitState{VisitInProgress}, VisitCollecting, "V9"},
	{"NotHeld", []VisitState{VisitInProgress}, VisitNotHeld, "V10"},
	{"Close", []VisitState{VisitCollecting}, VisitClosed, "V11"},
	{"Reverse by two persons", []VisitState{VisitClosed}, VisitCollecting, "V12"},
}

// ConsentMoves are the moves of the consent track.
var ConsentMoves = []Move[Consent]{
	{"Book", nil, ConsentUnserved, "C1"},
	{"Amend, asked again", []Consent{ConsentWithdrawn}, ConsentUnserved, "C1, INS-308"},
	{"Served", []Consent{ConsentUnserved}, ConsentAwaiting, "C2"},
	{"Reply accept", []Consent{ConsentUnserved, ConsentAwaiting, ConsentDeclined, ConsentCountered, ConsentExcuse}, ConsentAccepted, "C3, C16"},
	{"Reply decline", []Consent{ConsentUnserved, ConsentAwaiting, ConsentAccepted, ConsentCountered, ConsentExcuse}, ConsentDeclined, "C4, C16"},
	{"Reply counter", []Consent{ConsentUnserved, ConsentAwaiting, ConsentAccepted, ConsentDeclined, ConsentExcuse}, ConsentCountered, "C5, C16"},
	{"Reply excuse", []Consent{ConsentUnserved, ConsentAwaiting, ConsentAccepted, ConsentDeclined, ConsentCountered}, ConsentExcuse, "C6, C16"},
	{"ServiceFell", []Consent{ConsentAwaiting}, ConsentUnserved, "C9"},
	{"Refuse, served", []Consent{ConsentCountered, ConsentExcuse}, ConsentAwaiting, "C10, C11"},
	{"Release", []Consent{ConsentExcuse}, ConsentExcused, "C12"},
	{"DeemDue", []Consent{ConsentAwaiting}, ConsentDeemed, "C13"},
	{"Cancel", []Consent{ConsentUnserved, ConsentAwaiting, ConsentAccepted, ConsentDeclined, ConsentCountered, ConsentExcuse, ConsentExcused, ConsentDeemed}, ConsentVoid, "C15"},
	{"Retime", []Consent{ConsentUnserved, ConsentAwaiting, ConsentAccepted, ConsentDeclined, ConsentCountered, ConsentExcuse, ConsentExcused, ConsentDeemed}, ConsentUnserved, "C15, C1"},
	{"Withdraw", []Consent{ConsentUnserved, ConsentAwaiting, ConsentAccepted, ConsentDeclined, ConsentCountered, ConsentExcuse, ConsentExcused, ConsentDeemed}, ConsentWithdrawn, "C14"},
	{"a reply received in time turns up", []Consent{ConsentDeemed}, "as the reply says", "C18"},
}

// AttendanceMoves are the moves of the attendance track.
var AttendanceMoves = []Move[Attendance]{
	{"Book, DeemDue", nil, AttendanceOptional, "C1, C13"},
	{"Book", nil, AttendanceExpected, "C1"},
	{"CheckIn", []Attendance{AttendanceExpected, AttendanceOptional, AttendanceShort, AttendanceAbsentProv}, AttendancePresent, "A1, A3"},
	{"CheckIn of too few", []Attendance{AttendanceExpected, AttendanceOptional, AttendanceAbsentProv}, AttendanceShort, "A2, A5"},
	{"CheckIn after the grace", []Attendance{AttendanceExpected, AttendanceOptional, AttendanceShort, AttendanceAbsentProv}, AttendanceLate, "A3, A5"},
	{"DeemDue at the end of the grace", []Attendance{AttendanceExpected}, AttendanceAbsentProv, "A4"},
	{"EndSite, Attest", []Attendance{AttendanceAbsentProv}, AttendanceAbsent, "A6"},
	{"WithdrawAttestation", []Attendance{AttendanceAbsent}, AttendanceAbsentProv, "INS-1004"},
	{"Leave", []Attendance{AttendancePresent, AttendanceLate}, AttendanceLeftEarly, "A7"},
	{"NotHeld", []Attendance{AttendanceExpected, AttendanceOptional, AttendancePresent, AttendanceShort, AttendanceLate, AttendanceLeftEarly, AttendanceAbsentProv}, AttendanceNotHeld, "A8"},
	{"CorrectAttendance by two persons", []Attendance{AttendanceAbsent}, "present, late or short", "A9"},
}

// OpinionMoves are the moves of the opinion track.
var OpinionMoves = []Move[OpinionState]{
	{"Opine, with signatures lacking", []OpinionState{OpinionNone, OpinionDeferred}, OpinionDraft, "O1"},
	{"DropOpinion", []OpinionState{OpinionDraft}, OpinionNone, "O1"},
	{"Object", []OpinionState{OpinionNone}, OpinionDraft, "O1, INS-814"},
	{"SettleObjection, WithdrawObjection", []OpinionState{OpinionDraft}, OpinionNone, "INS-814"},
	{"Opine, Sign, or Reply decline with an opinion", []OpinionState{OpinionNone, OpinionDraft}, OpinionGiven, "O2, INS-813"},
	{"Opine again", []OpinionState{OpinionGiven}, OpinionGiven, "O7"},
	{"Opine deferred", []OpinionState{OpinionNone, OpinionDraft}, OpinionDeferred, "O3"},
	{"Opine after a deferral", []OpinionState{OpinionDeferred}, OpinionGiven, "O2"},
	{"DeemDue, no reply", []OpinionState{OpinionNone}, OpinionDeemed, "O4"},
	{"DeemDue, did not come", []OpinionState{OpinionNone, OpinionDraft}, OpinionDeemed, "O5"},
	{"DeemDue, no opinion", []OpinionState{OpinionNone, OpinionDraft, OpinionDeferred}, OpinionDeemed, "O6"},
	{"Opine otherwise, or a reply in time turns up", []OpinionState{OpinionDeemed}, OpinionReview, "O8"},
	{"Uphold", []OpinionState{OpinionReview}, OpinionDeemed, "O9"},
	{"Reverse, without an opinion of its own", []OpinionState{OpinionDeemed, OpinionReview}, OpinionNone, "O10"},
	{"Reverse, or Opine after a reply in time", []OpinionState{OpinionDeemed, OpinionReview}, OpinionGiven, "O10, INS-1101"},
	{"Retime", []OpinionState{OpinionDraft, OpinionDeemed, OpinionReview}, OpinionNone, "O11"},
	{"Amend, asked again", []OpinionState{OpinionWaived}, OpinionNone, "INS-308"},
	{"Waive by two supervisors", []OpinionState{OpinionNone, OpinionDraft, OpinionDeferred}, OpinionWaived, "O11, INS-1101"},
	{"Opine, though waived", []OpinionState{OpinionWaived}, OpinionGiven, "INS-1101"},
	{"NotHeld, Cancel, Withdraw", []OpinionState{OpinionNone, OpinionDraft, OpinionGiven, OpinionDeemed, OpinionReview}, OpinionWaived, "O11"},
}

// open are the consent states in which silence may still be broken.
var open = []Consent{ConsentUnserved, ConsentAwaiting}
