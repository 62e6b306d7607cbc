package notify

import "time"

// Facts is all a template may print. Instants are printed in Asia/Shanghai.
// None of it is a telephone or identity number of an applicant (FAC-21).
type Facts struct {
	Notice  string // notice number
	Round   int
	Case    string // case number
	Matter  string
	Kind    string // site or review
	Revisit bool

	Site        string // full place, for letters
	District    string // short place, for subjects and texts (FAC-21)
	Start       time.Time
	End         time.Time
	Department  string   // the recipient's name
	Departments []string // everybody invited
	Lead        string
	Bring       string // what to bring; empty prints nothing
	StaffMin    int

	Centre string // name of the centre that organises
	Window string
	Phone  string // the Window's telephone

	RespondBy   time.Time
	Provisional bool   // counted through a year whose holidays are not final (FAC-12)
	NeverDeemed bool   // silence of this department is not consent
	Citation    string // rule text cited

	Link      string // answer page; letters only
	Code      string // six digits, printed apart from the link
	Reference string // four characters, makes texts differ
	Signature string // SMS signature without brackets
	Changes   string // what changed since the last Round
	Reason    string // of a cancellation, or deemed reason in words

	Record     string    // number of the deemed-consent record
	DecidedAt  time.Time // when the deemed consent was recorded
	ServedAt   time.Time // T1
	Proof      string    // how the notice arrived, in words
	Answer     string    // receipt: what was answered, in words
	ReceivedAt time.Time // receipt: when it reached us
	Late       bool      // receipt: after the deadline
	Coming     []string  // confirmed: who comes
	Silent     []string  // confirmed: deemed to agree, may still come
	Prepare    string    // applicant: what to prepare
	Attend     string    // applicant: who must be present

	Checkpoint string // latest checkpoint, two lines (ICA-70)
}
