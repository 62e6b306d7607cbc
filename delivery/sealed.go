package delivery

import (
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/internal/once"
)

// Parcel (邮件) takes items to a receiver. What happens to it is a set of events;
// state, attempts, exceptions and result are the fold of them, kept on the row
// for lists (DEL-520).
type Parcel struct {
	bun.BaseModel `bun:"table:parcels" json:"-"`

	ID            string        `bun:"id,pk" json:"id"`
	Number        string        `json:"number"` // own number with check character (DEL-1101)
	CaseID        string        `json:"case_id"`
	CaseNumber    string        `json:"case_number"`
	CentreID      string        `json:"centre_id"`
	Way           Way           `json:"way"`
	Ground        []Ground      `bun:"type:jsonb" json:"ground"` // why this way is open, as shown (DEL-211)
	Receiver      Addressee     `bun:"type:jsonb" json:"receiver"`
	Demand        Demand        `bun:"type:jsonb" json:"demand"` // what has to be shown at the door, frozen at sealing
	Bag           string        `json:"bag,omitempty"`           // number of the bag's seal
	Payer         Payer         `json:"payer,omitempty"`         // of what the carrier charges, as it was told (DEL-231)
	SealedAt      time.Time     `json:"sealed_at"`
	SealedBy      string        `json:"sealed_by"`
	SealedWith    string        `json:"sealed_with,omitempty"` // second person (DEL-203)
	CourierID     string        `json:"courier_id,omitempty"`  // who has it assigned
	Promise       Promise       `bun:"type:jsonb" json:"promise"`
	RedeliveryOf  string        `json:"redelivery_of,omitempty"` // parcel that came back (DEL-805)
	SendingID     string        `json:"sending_id,omitempty"`    // of several pieces that go together (DEL-402)
	Piece         int           `json:"piece"`                   // which of them this is, from 1
	Pieces        int           `json:"pieces"`                  // how many they are
	State         ParcelState   `json:"state"`
	Since         time.Time     `json:"since"` // of the state
	Slot          string        `json:"slot,omitempty"`
	HandedOverAt  time.Time     `bun:",nullzero" json:"handed_over_at,omitzero"`
	DeliveredAt   time.Time     `bun:",nullzero" json:"delivered_at,omitzero"` // time that counts, verified or not
	Attempts      int           `json:"attempts"`
	Exceptions    int           `json:"exceptions"`
	Result        PromiseResult `json:"result"`                                // at the last event
	DueAt         time.Time     `bun:",nullzero" json:"due_at,omitzero"`       // zero: no promise
	HandOverBy    time.Time     `bun:",nullzero" json:"hand_over_by,omitzero"` // amber from here on if no courier has it
	ArriveBy      time.Time     `bun:",nullzero" json:"arrive_by,omitzero"`    // amber if an arrival is expected later
	PredictedAt   time.Time     `bun:",nullzero" json:"predicted_at,omitzero"` // by the courier's round; zero: no way is planned
	PredictedP80  time.Time     `bun:"predicted_p80,nullzero" json:"predicted_p80,omitzero"`
	Dwell         int           `bun:",nullzero" json:"-"` // minutes from the complete set to the courier, at least 1
	ClosedQuality Quality       `json:"-"`                 // of the time of the hand-over
	FailedFirst   Outcome       `json:"-"`                 // of the first try
	FailedFault   Fault         `json:"-"`
	Area          string        `json:"-"`                 // street of the receiver (FAC-21)
	TriedHour     int           `bun:",nullzero" json:"-"` // of the day, 1 to 24, in which the first try ended
	Pauses        int           `json:"-"`                 // how many there are, ended ones too
	Version       int           `json:"version"`
}

// Addressee is who gets a parcel, where, and who else may take it. It is
// confirmed at sealing (DEL-230) and shown masked to whoever does not deliver.
type Addressee struct {
	Name     string    `json:"name"`
	Phone    string    `json:"phone"`
	Address  string    `json:"address,omitempty"` // empty at the window
	Lat      float64   `json:"lat,omitempty"`     // WGS-84, for the courier's way; both zero: not known
	Lon      float64   `json:"lon,omitempty"`
	Agent    string    `json:"agent,omitempty"` // named before dispatch with a 授权委托书
	Consents []Consent `json:"consents,omitempty"`

	AgentPhone string `json:"agent_phone,omitempty"` // of an agent named by the applicant's link (DEL-1205)
	AgentTie   string `json:"agent_tie,omitempty"`   // what the agent is to the applicant, in words
}

// Masked is the addressee as lists and pages show it (FAC-20). The point goes: it
// tells the house.
func (a Addressee) Masked() Addressee {
	return Addressee{
		Name: MaskName(a.Name), Phone: MaskPhone(a.Phone), Address: MaskAddress(a.Address), Agent: MaskName(a.Agent), Consents: a.Consents,
		AgentPhone: MaskPhone(a.AgentPhone), AgentTie: a.AgentTie,
	}
}

// Consent is the recipient's word that a mail room, proxy or locker may take the
// parcel (DEL-205).
type Consent struct {
	Receiver Receiver  `json:"receiver"`
	GivenBy  string    `json:"given_by"`
	Channel  string    `json:"channel"` // window or phone
	At       time.Time `json:"at"`
}

// SealRequest is one parcel as the window packs it.
type SealRequest struct {
	CaseID       string
	Items        []string // ids
	To           Addressee
	IDLast4      string // of the receiver's document; empty: none on file (DEL-622)
	Way          Way
	Bag          string         // number of the bag's seal
	More         []PieceRequest // further pieces of the same sending (DEL-402)
	RedeliveryOf string         // parcel that came back
	Agreed       bool           // the applicant agrees to what differs from the wish given by the link (DEL-230)
	Second       auth.Credentials
	Once         once.Key
}

// TakenOver answers one number that a courier scanned at the window.
type TakenOver struct {
	Number string  `json:"number"`
	Parcel *Parcel `json:"parcel,omitempty"` // nil: not taken over
	Code   string  `json:"code,omitempty"`   // why not
	Text   string  `json:"text,omitempty"`
	TextEN string  `json:"text_en,omitempty"`
}

// CollectRequest is a hand-over at the window (DEL-221).
type CollectRequest struct {
	ParcelID  string
	Code      string // 取件码
	IDLast4   string // as seen on the document
	Receiver  string // name of who took it
	Signature string // SHA-256 of the blob: of the pad, or the scan of a signed paper
	Why       string // a supervisor's reason to do without the code
}

// EventRow is one event as it is kept.
type EventRow struct {
	bun.BaseModel `bun:"table:parcel_events" json:"-"`

	ID          string          `bun:"id,pk" json:"event_id"`
	ParcelID    string          `json:"parcel_id"`
	DeviceID    string          `json:"device_id"`
	Seq         int64           `json:"seq"`
	CourierID   string          `json:"courier_id,omitempty"`
	Actor       string          `json:"actor"` // who reported it
	AttemptID   string          `json:"attempt_id,omitempty"`
	Type        EventType       `json:"type"`
	Occurred    string          `bun:"occurred_device" json:"occurred_device"` // as written, with its offset
	ClaimedAt   time.Time       `json:"claimed_at"`
	SentAt      string          `json:"sent_at,omitempty"`
	ReceivedAt  time.Time       `json:"received_at"`
	EffectiveAt time.Time       `json:"effective_at"`
	Quality     Quality         `json:"quality"`
	Ahead       bool            `json:"-"`       // later than its own sending
	Payload     json.RawMessage `json:"payload"` // without what is secret (DEL-610)
	PayloadHash string          `json:"-"`       // keyed, because it was made over the code too
	Proofs      []string        `bun:"type:jsonb" json:"proofs"`
	Checked     Checked         `bun:"type:jsonb" json:"checked"`
}

// Checked is what was found out about an event when it came in.
type Checked struct {
	Code    Match           `json:"code,omitempty"`     // of the receiver's code
	ID      Match           `json:"id_last4,omitempty"` // of the document's last four
	Reasons []string        `json:"reasons,omitempty"`  // why its time does not count
	Flags   []ExceptionCode `json:"flags,omitempty"`
}

// StepView is one line of a parcel's history.
type StepView struct {
	EventRow
	Verdict Verdict     `json:"verdict"`
	State   ParcelState `json:"state"` // after it
	At      time.Time   `json:"at"`    // time that counts
	Missing []Proof     `json:"missing,omitempty"`
	// UndoUntil is how long the reader may take it back by [Desk.Undo]; zero: not at all.
	UndoUntil time.Time `json:"undo_until,omitzero"`
}

// ParcelView is a parcel with everything that belongs to it.
type ParcelView struct {
	Parcel
	Items    []Item          `json:"items"`
	Steps    []StepView      `json:"steps"`
	Tries    []AttemptRecord `json:"tries"`
	Open     []Exception     `json:"open_exceptions"`
	Claims   []Claim         `json:"claims,omitempty"` // hand-overs that contradict each other (DEL-525)
	Ledger   PromiseLedger   `json:"ledger"`           // Ledger.Lines(lang) prints it
	Verdict  PromiseVerdict  `json:"verdict"`
	Stood    []PauseRow      `json:"pauses"`
	Colour   PromiseColour   `json:"colour"`
	Missing  []Proof         `json:"missing,omitempty"` // of the hand-over, or still to be taken
	Photos   []Blob          `json:"photos"`
	Courier  string          `json:"courier,omitempty"` // name
	Waybill  *Waybill        `json:"waybill,omitempty"` // of a parcel that was posted
	Sending  []PieceView     `json:"sending,omitempty"` // all pieces, of a parcel that is one of several
	Whole    ParcelState     `json:"whole,omitempty"`   // the state of the sending: the least advanced piece decides
	CodeLeft int             `json:"code_left"`         // how often a new code may be sent
	Alerts   []Alert         `json:"alerts"`            // that are open
	Holder   string          `json:"holder,omitempty"`  // of what is lost, damaged or comes back: who signed for it last

	SearchUntil time.Time `json:"search_until,omitzero"` // of what is lost or damaged (DEL-807)
	NextTry     time.Time `json:"next_try,omitzero"`     // of a failed attempt: a try from then on is the second one (DEL-802)
}

// ParcelLine is a parcel in a list.
type ParcelLine struct {
	Parcel
	Colour PromiseColour `json:"colour"`
}

// ParcelQuery narrows ListParcels. Limit is at most 200, 0 means 50; Before goes
// on from a due moment.
type ParcelQuery struct {
	Search string
	State  ParcelState
	Colour PromiseColour
	CaseID string
	Open   bool // not ended yet

	Result         PromiseResult // as figures count it: what ran out untouched is missed
	Courier        string
	DueFrom, DueTo time.Time // the first included, the second not

	Before time.Time
	Limit  int
}

// Stop is one parcel of a courier's round.
type Stop struct {
	ParcelID string        `json:"parcel_id"`
	Number   string        `json:"number"`
	Name     string        `json:"name"`
	Phone    string        `json:"phone"` // masked; the full number is shown by an act that is recorded (DEL-1012)
	Address  string        `json:"address"`
	Classes  []Class       `json:"classes"`
	Receive  []Allowance   `json:"receivers"` // who may take it
	Proofs   ProofSet      `json:"proofs"`    // what has to be taken
	Missing  []Proof       `json:"missing"`   // what is still to be taken
	Due      time.Time     `json:"due,omitzero"`
	Colour   PromiseColour `json:"colour"`
	State    ParcelState   `json:"state"`
	Tries    int           `json:"tries"`
	Piece    int           `json:"piece"`
	Pieces   int           `json:"pieces"` // of one sending
}

// CourierName is a courier of the centre, for the hand-over form.
type CourierName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Load int    `json:"load"` // open parcels
}

// Batch is one upload of a device (DEL-501).
type Batch struct {
	Schema      int
	SentAt      string // by the device's clock, with its offset
	RoundTripMS int64
	Events      []json.RawMessage
}

// EventAnswer is what became of one event, in the order of the batch.
type EventAnswer struct {
	EventID    string          `json:"event_id"`
	Result     string          `json:"result"` // accepted, duplicate or rejected
	Code       string          `json:"code,omitempty"`
	Text       string          `json:"text,omitempty"`
	TextEN     string          `json:"text_en,omitempty"`
	Exceptions []ExceptionCode `json:"exceptions,omitempty"`
}

// Results of an event.
const (
	EventAccepted  = "accepted"
	EventDuplicate = "duplicate"
	EventRejected  = "rejected"
)

// TrackView is what the applicant sees with number and phone (DEL §12).
type TrackView struct {
	Number string        `json:"number"`
	State  ParcelState   `json:"state"`
	Since  time.Time     `json:"since"`
	Slot   string        `json:"slot,omitempty"`
	Due    time.Time     `json:"due,omitzero"`
	Paused time.Time     `json:"paused_since,omitzero"`
	Result PromiseResult `json:"result"`
	ETA    ETA           `json:"eta"`
	Steps  []TrackStep   `json:"steps"`
	Ledger PromiseLedger `json:"ledger"`
	Phone  string        `json:"phone"` // of the window

	Collect *office.Centre `json:"-"` // where it waits to be collected, nil while it does not

	PausedTo time.Time   `json:"paused_to,omitzero"` // the agreed time; zero: until it is settled
	Pause    PauseReason `json:"pause,omitempty"`    // why

	Piece   int         `json:"piece,omitempty"`   // which of the sending's pieces this is
	Sending []PieceView `json:"sending,omitempty"` // all pieces, where there are several (DEL-402)
	Whole   ParcelState `json:"whole,omitempty"`   // their state as one

	MayRate bool        `json:"may_rate"` // arrived, and nobody has rated the case yet
	Rated   bool        `json:"rated"`
	Files   []TrackFile `json:"files,omitempty"` // results of the case that went as files
}

// TrackStep is one public step.
type TrackStep struct {
	State   ParcelState `json:"state"`
	At      time.Time   `json:"at"`
	Outcome Outcome     `json:"outcome,omitempty"`
}
