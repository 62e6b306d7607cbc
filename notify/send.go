package notify

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
)

// actor stands in the leaves this package writes by itself.
const actor = "system:notify"

// sendOne takes one due message through one attempt.
func (d *Desk) sendOne(ctx context.Context, channel string, due Message) error {
	now := d.now()
	if channel == SMS {
		if until, quiet := quietUntil(now, due.ValidUntil); quiet {
			return d.DB.Write(ctx, func(tx bun.IDB) error { return postpone(ctx, tx, due.ID, until, "quiet hours") })
		}
	}
	m, ok, err := d.claim(ctx, due.ID, now)
	var never *unsayable
	if errors.As(err, &never) {
		d.Log.Error("message cannot be composed", "message", due.ID, "error", never.refusal)
		return d.finish(ctx, due.ID, Failed, never.refusal.Code)
	}
	if err != nil || !ok {
		return err
	}
	out := d.call(ctx, m)
	d.breakers.count(channel, out.Result, d.now())
	return d.settleCall(context.WithoutCancel(ctx), m, out) // what happened is written even when stopping
}

// unsayable is a message that cannot be composed, now or later.
type unsayable struct{ refusal *fault.Error }

func (u *unsayable) Error() string { return "compose: " + u.refusal.Error() }

// sayable tells a refusal of the domain from trouble that may pass.
func sayable(err error) error {
	if f, ok := fault.From(err); ok && f.Kind != fault.Unavailable {
		return &unsayable{f}
	}
	return err
}

// claim makes the bytes if there are none yet and commits the attempt, before
// any call (OUT-3, SIM-5). ok is false when there is nothing to call for: the
// row has moved on, or it was settled right here.
func (d *Desk) claim(ctx context.Context, id string, now time.Time) (m Message, ok bool, err error) {
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		m, ok, err = d.claimIn(ctx, tx, id, now)
		return err
	})
	return m, ok, err
}

func (d *Desk) claimIn(ctx context.Context, tx bun.IDB, id string, now time.Time) (m Message, ok bool, err error) {
	m, ok, err = takeMessage(ctx, tx, id, d.Instance, now)
	if err != nil || !ok {
		return m, false, err
	}
	var leaves []audit.Leaf
	if m.ComposedAt.IsZero() {
		if leaves, err = d.compose(ctx, tx, &m, now); err != nil {
			return m, false, fmt.Errorf("compose %s: %w", id, sayable(err))
		}
	}
	if m.Channel == SMS {
		if dropped, err := d.overBudget(ctx, tx, m, now); err != nil || dropped {
			return m, false, err
		}
	}
	if err := insertAttempt(ctx, tx, Attempt{MessageID: id, N: m.Attempt, StartedAt: now}); err != nil {
		return m, false, err
	}
	if err := audit.Record(ctx, tx, leaves...); err != nil {
		return m, false, err
	}
	if m.Channel == Portal { // the commit is the arrival
		return m, false, d.settleIn(ctx, tx, m, Outcome{Result: Yes, Source: "inbox", Final: true}, now)
	}
	return m, true, nil
}

// call makes the attempt. A panic of a channel is an unclear answer: the bytes
// may be out.
func (d *Desk) call(ctx context.Context, m Message) (out Outcome) {
	defer func() {
		if p := recover(); p != nil {
			d.Log.Error("channel panicked", "channel", m.Channel, "message", m.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			out = Outcome{Result: Unclear, Detail: "panic"}
		}
	}()
	return d.Channels[m.Channel].Send(ctx, m)
}

// settleCall writes what an attempt came to.
func (d *Desk) settleCall(ctx context.Context, m Message, out Outcome) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error { return d.settleIn(ctx, tx, m, out, now) })
}

func (d *Desk) settleIn(ctx context.Context, tx bun.IDB, m Message, out Outcome, now time.Time) error {
	if err := endAttempt(ctx, tx, ended(m, out, now)); err != nil {
		return err
	}
	m = d.after(m, out, now)
	ok, err := settle(ctx, tx, &m)
	if err != nil || !ok { // a callback was faster, or the attempt is not the newest
		return err
	}
	switch out.Result {
	case Halt:
		return d.halt(ctx, tx, m.Channel, out.Detail, now)
	case Yes:
		// The domain locks its rows before the head of the log is taken (DB-12):
		// the other way round, two letters of one visit deadlocked on PostgreSQL.
		if err := d.Served(ctx, tx, arrival(m, out, now)); err != nil {
			return err
		}
		return audit.Record(ctx, tx, submittedLeaf(m, out, now)...)
	default:
		return d.given(ctx, tx, m)
	}
}

// after is the row of OUT-2 that follows an answer.
func (d *Desk) after(m Message, out Outcome, now time.Time) Message {
	m.SettledAt, m.Detail = now, out.Detail
	if out.ProviderID != "" {
		m.ProviderID = out.ProviderID
	}
	switch out.Result {
	case Yes:
		m.State = Accepted
		if out.Final {
			m.State = Delivered
		}
	case Refused:
		m.State = Failed
	case Unclear:
		m.State, m.NextAt = Unknown, now.Add(patience(m))
	case Retry, Halt:
		m.State, m.NextAt = Pending, now.Add(max(d.backoff(m), out.RetryAfter))
		if m.Channel == SMS && m.Attempt >= textAttempts && out.Result == Retry {
			m.State = Dead
		}
	}
	return m
}

// The waits of OUT-7. Mail goes on hourly until ValidUntil.
var (
	mailWaits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
	textWaits = []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}
)

// textAttempts is how often a text is tried.
const textAttempts = 5

// backoff is the wait after m.Attempt attempts, spread by ±20 %.
func (d *Desk) backoff(m Message) time.Duration {
	waits := mailWaits
	if m.Channel == SMS {
		waits = textWaits
	}
	wait := waits[min(max(m.Attempt, 1), len(waits))-1]
	return time.Duration(float64(wait) * (0.8 + 0.4*d.Jitter()))
}

// patience is how long an unclear sending waits for a later word: a text for
// its callback (SIM-6), a letter for nothing.
func patience(m Message) time.Duration {
	if m.Channel == SMS {
		return time.Minute
	}
	return mailWaits[0]
}

func ended(m Message, out Outcome, now time.Time) Attempt {
	return Attempt{
		MessageID: m.ID, N: m.Attempt, EndedAt: now, Result: out.Result, Source: out.Source,
		ProviderID: out.ProviderID, Line: out.Line, Peer: out.Peer, PeerAddr: out.PeerAddr,
		TLS: out.TLS, DSN: out.DSN, Detail: out.Detail,
	}
}

// arrival says what an acceptance proves: the commit of an inbox and the
// recipient's own mail server are class B, everything else is D (INS-704).
func arrival(m Message, out Outcome, now time.Time) Arrival {
	a := Arrival{Message: m, Class: ClassD, At: now, Source: out.Source, Peer: out.Peer, Proof: out.Line}
	if out.PeerAddr != "" {
		a.Peer = out.Peer + " [" + out.PeerAddr + "]"
	}
	if out.Source == "inbox" || out.Source == "own_mx" {
		a.Class = ClassB
	}
	return a
}

// guard turns a panic of one row into that row's error (DL-4).
func (d *Desk) guard(id string, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.Log.Error("row panicked", "message", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("message %s: panic", id)
		}
	}()
	return do()
}

// halt pauses a channel whose credentials were refused: every further try
// would only lock the account (OUT-4).
func (d *Desk) halt(ctx context.Context, tx bun.IDB, channel, reason string, now time.Time) error {
	fresh, err := insertPause(ctx, tx, Paused{Channel: channel, Since: now, SetBy: actor, Reason: reason})
	if err != nil || !fresh || d.Paused == nil {
		return err
	}
	return d.Paused(ctx, tx, channel, reason)
}
