package office

import (
	"time"

	"github.com/uptrace/bun"

	"lianban/scheduler/workday"
)

// Channel is a way to a department (INS-705).
type Channel string

// The channels a confirmed address may name.
const (
	Portal Channel = "portal" // the inbox in this system, Value is empty
	Mail   Channel = "mail"
	SMS    Channel = "sms"
	Paper  Channel = "paper" // Value names the desk
)

// Address is one line of a department's 送达地址确认书. It counts from From to
// To (zero = open) once Approved; a Notice uses what counts at its own instant.
type Address struct {
	bun.BaseModel `bun:"table:addresses"`

	ID         string `bun:",pk"`
	Department string
	Channel    Channel
	Value      string
	OwnMX      bool   `bun:"own_mx"` // the department's own mail server, INS-704 class B
	Contact    string // the person or post that reads it
	Form       string // number or content hash of the signed form, INS-705
	SignedOn   workday.Date
	Replaces   string    // address id this one takes the place of
	From       time.Time `bun:"valid_from,nullzero"`
	To         time.Time `bun:"valid_to,nullzero"`
	State      State
	ProposedBy string
	ProposedAt time.Time
	DecidedBy  string
	DecidedAt  time.Time `bun:",nullzero"`
}

// AddressChange is what TellOld is given: the addresses that counted before and
// what becomes of them. New is empty-valued when Old is only removed.
type AddressChange struct {
	Department string
	Old        []Address
	New        Address
	Effective  time.Time
	At         time.Time
}
