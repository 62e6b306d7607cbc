// Package inspection is the joint-inspection half of Lianban: from an accepted
// Case to the numbered joint opinion.
//
// Nouns: a Case (办件) is one applicant's Matter (事项) at one Site. Its
// Departments are derived from the Matter's rules. A Visit (联合踏勘 or
// 联合评审) brings them together at one time, offered as a Round. Each
// Participant gets a Notice (应约通知); its proven arrival is a Service (送达),
// which starts the reply clock. A Reply answers it; silence after it is recorded
// as Deemed (视为同意). An Opinion says what a Department found, and the
// JointOpinion (联合勘验意见书) closes the Visit.
//
// A Participant has three tracks, not one state: consent (will it come),
// attendance (did it come), opinion (what does it think). States and moves are
// in state.go and docs/states.md.
//
// The rule served here is plan 三(三)3-四: the window sets one time for all; a
// department that has received the notice and neither answers nor comes is
// deemed to consent. Receipt comes first, silence second: when in doubt, hold.
package inspection

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/notify"
)

// Desk carries the acts of the inspection half. Build it with a struct literal
// and call Check once at start.
type Desk struct {
	DB  *db.DB
	Now func() time.Time // the trusted clock

	// ClockHealthy reports whether the clock was sound from since to now, and
	// if not, why (P7). It reads on the caller's transaction.
	ClockHealthy func(ctx context.Context, q bun.IDB, since time.Time) (bool, string)

	// Auth checks answer links.
	Auth *auth.Desk

	// Addresses makes the tokened mail addresses answers come back to.
	Addresses notify.Addresses

	// Channels are the inbound channels printed in the Notice (P5): a
	// department can answer through each of them, so each must be alive.
	Channels []string

	// Mail says how outgoing notices are addressed.
	Mail MailIdentity
}

// MailIdentity is how the house signs its notices.
type MailIdentity struct {
	From      string // fixed, whitelistable sender address
	PublicURL string // base of the pages, no slash at the end
	Signature string // of an SMS, without brackets
}

// Check reports what the wiring forgot.
func (d *Desk) Check() error {
	switch {
	case d.DB == nil:
		return errors.New("inspection: no database")
	case d.Now == nil:
		return errors.New("inspection: no clock")
	case d.ClockHealthy == nil:
		return errors.New("inspection: no clock health")
	case d.Auth == nil:
		return errors.New("inspection: no auth desk")
	case len(d.Channels) == 0:
		return errors.New("inspection: no inbound channel")
	case d.Mail.From == "" || d.Mail.PublicURL == "":
		return errors.New("inspection: no sender or public address")
	}
	return nil
}

// now is UTC in milliseconds.
func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Millisecond) }

// still is the desk at one instant: every row, leaf and message of an act
// carries the same one (STY-36).
func (d *Desk) still() *Desk {
	now, act := d.now(), *d
	act.Now = func() time.Time { return now }
	return &act
}

// newID makes an id that sorts by time of making.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// systemActor is the author of what the sweeps do.
var systemActor = auth.System("inspection")
