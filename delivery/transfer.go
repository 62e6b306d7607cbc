package delivery

import (
	"time"

	"github.com/uptrace/bun"
)

// TransferState says how far a Transfer is (DEL §9.2). That nobody has signed in
// time is no state: it follows from DueAt.
type TransferState string

// States of a Transfer. It is made by its release.
const (
	Released        TransferState = "released"
	Accepted        TransferState = "accepted"
	AcceptedPartial TransferState = "accepted_partial"
	RefusedTransfer TransferState = "refused"
)

// Finding says what the receiving side found of one Item.
type Finding string

// Findings. For what is missing or damaged the giver stays responsible.
const (
	FoundGood    Finding = "accepted"
	FoundMissing Finding = "missing"
	FoundDamaged Finding = "damaged"
)

// Transfer (移交) passes a department's results of one case to the window. The
// giver signs by releasing it, the receiver by its own act; until then the giver
// answers for everything in it (DEL-910).
type Transfer struct {
	bun.BaseModel `bun:"table:transfers" json:"-"`

	ID           string        `bun:"id,pk" json:"id"`
	Number       string        `json:"number"`
	CaseID       string        `json:"case_id"`
	CaseNumber   string        `json:"case_number"`
	LineID       string        `json:"line_id"`
	CentreID     string        `json:"centre_id"`
	FromKind     KeeperKind    `json:"from_kind"`
	FromID       string        `json:"from_id"`
	FromName     string        `json:"from_name"`
	ToKind       KeeperKind    `json:"to_kind"`
	ToID         string        `json:"to_id"`
	ToName       string        `json:"to_name"`
	State        TransferState `json:"state"`
	DecidedOn    string        `json:"decided_on"` // ISO date of the department's decision
	RefusedGrant bool          `json:"refused_grant"`
	PartialWhy   string        `json:"partial_why,omitempty"` // reason code when more is to come
	PartialNote  string        `json:"partial_note,omitempty"`
	Paper        bool          `json:"paper"`                              // from the signed slip (DEL-950)
	Giver        string        `json:"giver,omitempty"`                    // who handed it over
	SignedAt     time.Time     `bun:",nullzero" json:"signed_at,omitzero"` // on the slip, as the window read it
	Slip         string        `json:"slip,omitempty"`                     // SHA-256 of the scan of the signed slip
	ReleasedAt   time.Time     `json:"released_at"`
	ReleasedBy   string        `json:"released_by"`
	DueAt        time.Time     `json:"due_at"`               // to be signed by (DEL-912)
	SignHours    int           `json:"sign_hours,omitempty"` // of the hall, both sides at one address; 0: an hour of the next working day
	EndedAt      time.Time     `bun:",nullzero" json:"ended_at,omitzero"`
	EndedBy      string        `json:"ended_by,omitempty"`
	EndedName    string        `json:"ended_name,omitempty"`
	Note         string        `json:"note,omitempty"`
	Version      int           `json:"version"`
}

// Overdue reports whether nobody has signed in time; the giver still answers
// for the things (DEL-912).
func (t Transfer) Overdue(now time.Time) bool { return t.State == Released && now.After(t.DueAt) }

// TransferItem is one Item of a Transfer and what became of it there.
type TransferItem struct {
	bun.BaseModel `bun:"table:transfer_items" json:"-"`

	TransferID string  `bun:",pk" json:"transfer_id"`
	ItemID     string  `bun:",pk" json:"item_id"`
	Outcome    Finding `json:"outcome,omitempty"`
	Note       string  `json:"note,omitempty"`

	Item *Item `bun:"rel:belongs-to,join:item_id=id" json:"item,omitempty"`
}

// TransferView is a transfer with its items and what was found besides.
type TransferView struct {
	Transfer
	Items  []TransferItem  `json:"items"`
	Extras []TransferExtra `json:"extras,omitempty"` // what was not listed
}
