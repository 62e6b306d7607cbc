package notify

import (
	"time"

	"github.com/uptrace/bun"
)

// The states of an inbound mail.
const (
	Noted  = "noted"  // read by us, needs nobody: a report or an automatic answer
	Held   = "held"   // waits for a person and holds its participant (INS-807)
	Sorted = "sorted" // a person has decided what it was
)

// What an inbound mail looks like from outside. Nothing here is an answer by
// itself: until the clever reader comes, a person decides (DEC-1).
const (
	ClassHuman    = "human"    // could be an answer
	ClassAuto     = "auto"     // automatic reply (ICA-62)
	ClassReport   = "report"   // delivery status report (ICA-63)
	ClassUnparsed = "unparsed" // the reader could not read it (ICA-92)
	ClassTooBig   = "too_big"  // over a limit of ICA-86
)

// Inbound is one mail that reached one tokened address, raw bytes and all.
type Inbound struct {
	bun.BaseModel `bun:"table:inbound,alias:i"`

	ID         string    `bun:"id,pk"`
	TokenKind  string    `bun:"token_kind"` // v or b
	TokenHash  string    `bun:"token_hash"`
	Subject    string    `bun:"subject"`     // participant of the token, or Subject of the message that bounced
	Contact    string    `bun:"contact"`     // contact the address was made for
	Stream     string    `bun:"stream"`      // evidence stream
	Outbox     string    `bun:"outbox_id"`   // message a b+ address belongs to
	ReceivedAt time.Time `bun:"received_at"` // at our edge (ICA-59)
	MailFrom   string    `bun:"mail_from"`   // envelope sender, empty for <>
	Peer       string    `bun:"peer"`        // who handed it over

	From      string `bun:"header_from"` // headers, decoded, for people only
	Title     string `bun:"title"`
	MessageID string `bun:"message_id"`
	Text      string `bun:"text"`     // first plain text part, at most 16 kB
	Calendar  bool   `bun:"calendar"` // carries a calendar part

	Size   int    `bun:"size"`
	Raw    []byte `bun:"raw"`    // exact bytes; only the first 64 kB when too big
	SHA256 string `bun:"sha256"` // of what was received, hex
	Print  string `bun:"print"`  // SHA-256 without trace headers (ICA-91)

	Class  string `bun:"class"`
	State  string `bun:"state"`
	Reason string `bun:"reason"` // why held, or what was noted (ICA-66)

	Outcome   string    `bun:"outcome"` // what a person found it to be
	SortedBy  string    `bun:"sorted_by"`
	SortedAt  time.Time `bun:"sorted_at,nullzero"`
	SortedWhy string    `bun:"sorted_why"`

	report *report // what a delivery status report said, while it is applied
}

// Verdict is a person's decision about an inbound mail.
type Verdict struct {
	ID      string
	By      string    // actor, as in leaves
	At      time.Time //
	Outcome string    // applied, superseded, late, duplicate, not_an_answer or phoned
	Reason  string    // in the person's words, mandatory
}

// InboundQuery selects for ListInbound.
type InboundQuery struct {
	State    string   // empty means all
	Subjects []string // empty means all
	Before   string   // id of the last row seen; empty starts at the newest
	Limit    int      // at most 200, 0 means 50
}

// Envelope is what the receiving edge knows beside the bytes.
type Envelope struct {
	ReceivedAt time.Time
	MailFrom   string
	Rcpt       string
	Peer       string
}
