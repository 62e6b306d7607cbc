package notify

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
)

// Channel makes one call to the outside. Send gets a message whose Body was
// composed and stored before; it must not change a byte of it. It never
// returns an error: what happened is the Outcome, and a panic counts as Unclear.
type Channel interface {
	Send(ctx context.Context, m Message) Outcome
}

// Result says what one call came to (OUT-4).
type Result string

// The five results. Unclear means the message may or may not have gone out.
const (
	Yes     Result = "yes"     // accepted by the other side
	Retry   Result = "retry"   // surely not sent
	Refused Result = "refused" // refused for good
	Unclear Result = "unclear" // no clear answer
	Halt    Result = "halt"    // surely not sent, and nothing else will be: credentials refused
)

// Outcome is what is kept of one call (ICA-97).
type Outcome struct {
	Result     Result
	Source     string        // relay, own_mx, provider or file
	ProviderID string        // SID or queue id
	Line       string        // final reply line
	Peer       string        // name the other side gave itself
	PeerAddr   string        // its network address
	TLS        string        // protocol version, empty without
	DSN        bool          // delivery status reports were offered
	Final      bool          // arrived for good, no later word expected
	RetryAfter time.Duration // least wait the other side asked for
	Detail     string        // short reason for the log and the page, no personal data
}

// Desk carries the acts of this package. It is built with a struct literal and
// checked once with Check.
type Desk struct {
	DB  *db.DB
	Now func() time.Time
	Log *slog.Logger

	// Instance names this process among several on one database; a restart
	// keeps the name, so that Recover finds what a crash left behind.
	Instance string
	// Jitter gives numbers in [0,1) for the spread of retries (OUT-7).
	Jitter func() float64
	// Addresses makes and reads the tokened addresses of ICA-40.
	Addresses Addresses
	// Channels holds one implementation for Mail and one for SMS. Portal needs
	// none. A channel that is missing leaves its messages pending.
	Channels map[string]Channel
	// Texts bounds what goes to one telephone; zero means DefaultTextLimits.
	Texts TextLimits
	// Callbacks checks the provider's signature; nil refuses every callback.
	Callbacks *CallbackCheck
	// AskProvider asks what became of a text that the provider took under an
	// id (OUT-9); nil where there is nobody to ask.
	AskProvider func(ctx context.Context, providerID string) (Word, error)

	// Compose makes the bytes of a message from its facts, on the caller's
	// transaction: links and tokens are made in tx. m.ComposedAt is the
	// instant. A refusal (package fault, not Unavailable) fails the message
	// for good and Dead is told; any other error is tried again.
	Compose func(ctx context.Context, tx bun.IDB, m Message) (Body, error)
	// Served is told of every arrival, on the transaction that records it.
	Served func(ctx context.Context, tx bun.IDB, a Arrival) error
	// Failed is told when an accepted message turns out undelivered (INS-708).
	Failed func(ctx context.Context, tx bun.IDB, f Failure) error
	// Dead is told when nothing more will be tried: refused, incomplete,
	// attempts spent, or a legal Notice expired. It opens the task (OUT-8).
	Dead func(ctx context.Context, tx bun.IDB, m Message) error
	// Inbound is told of every mail a person must look at, on the transaction
	// that keeps it, so that hold, task and mail are one commit (DEC-1).
	Inbound func(ctx context.Context, tx bun.IDB, in Inbound) error
	// Paused is told when a channel stopped itself because its credentials
	// were refused (OUT-4). May be nil.
	Paused func(ctx context.Context, tx bun.IDB, channel, reason string) error

	breakers breakers
}

// Check reports every required field that is missing.
func (d *Desk) Check() error {
	var errs []error
	need := func(ok bool, name string) {
		if !ok {
			errs = append(errs, errors.New("notify: Desk."+name+" is missing"))
		}
	}
	need(d.DB != nil, "DB")
	need(d.Now != nil, "Now")
	need(d.Log != nil, "Log")
	need(d.Instance != "", "Instance")
	need(d.Jitter != nil, "Jitter")
	need(d.Compose != nil, "Compose")
	need(d.Served != nil, "Served")
	need(d.Failed != nil, "Failed")
	need(d.Dead != nil, "Dead")
	need(d.Inbound != nil, "Inbound")
	return errors.Join(append(errs, d.Addresses.check())...)
}

// now is the instant of one act (STY-36).
func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Millisecond) }
