package notify

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
)

// Heartbeat is one proof that an inbound channel was looked at: whatever came
// in before StartedAt had been taken in when it was written (ICA-93).
type Heartbeat struct {
	bun.BaseModel `bun:"table:heartbeats,alias:h"`

	Channel   string    `bun:"channel,pk"`
	StartedAt time.Time `bun:"started_at,pk"`
	OK        bool      `bun:"ok"`
	Note      string    `bun:"note"`
	Silence   int64     `bun:"silence"` // milliseconds since the mark before, -1 for the first
}

// Span is a half-open piece of time.
type Span struct{ From, To time.Time }

// GapQuery asks for the stretches without a watermark. Wall-clock time; whether
// a stretch was working time is for the caller's calendar.
type GapQuery struct {
	Channel string
	Span    Span
	Longer  time.Duration // stretches up to this are not gaps; at least gapAtLeast
}

// gapAtLeast is the shortest stretch that can be asked for: inbound.max_gap has
// this lower bound, and the index on gaps knows it.
const gapAtLeast = 5 * time.Minute

// Beat writes a heartbeat: the look at an inbound channel that began at
// startedAt went through, or did not. The portal's is written each minute
// through the public listener (DL-9 P5).
func (d *Desk) Beat(ctx context.Context, channel string, startedAt time.Time, ok bool) error {
	h := Heartbeat{Channel: channel, StartedAt: startedAt.UTC().Truncate(time.Millisecond), OK: ok}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		_, err := insertHeartbeat(ctx, tx, h)
		return err
	})
}

// gaps cuts the stretches before the given marks to the span. alive is the
// newest mark of all: what lies after it is a gap whatever its length.
func gaps(marks []Heartbeat, alive time.Time, by GapQuery) []Span {
	var out []Span
	add := func(from, to time.Time) {
		if from.Before(by.Span.From) {
			from = by.Span.From
		}
		if to.After(by.Span.To) {
			to = by.Span.To
		}
		if to.After(from) {
			out = append(out, Span{from.UTC(), to.UTC()})
		}
	}
	for _, h := range marks {
		switch {
		case h.Silence < 0:
			add(by.Span.From, h.StartedAt)
		case h.silence() > by.Longer:
			add(h.StartedAt.Add(-h.silence()), h.StartedAt)
		}
	}
	add(alive, by.Span.To)
	return out
}

func (h Heartbeat) silence() time.Duration { return time.Duration(h.Silence) * time.Millisecond }

// SendCanary sends a mail to ourselves through the public path. Its address
// remembers when it was sent; its arrival proves that the way in was open then
// (ICA-93). A canary that cannot be sent proves nothing and is not retried.
func (d *Desk) SendCanary(ctx context.Context) error {
	if d.Channels[Mail] == nil {
		return nil
	}
	now := d.now()
	m := Message{ID: newID(), Channel: Mail, Purpose: purposeCanary, Attempt: 1, ComposedAt: now, Title: "canary"}
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		m.Address, err = d.Addresses.address(ctx, tx, now, tokenCanary, Owner{Subject: m.ID, Stream: "system"})
		return err
	})
	if err != nil {
		return err
	}
	m.ReturnPath = "canary@" + d.Addresses.Domain // no token: a bounce must not pass for an arrival
	m.MessageID = "c." + m.ID + "@" + d.Addresses.Domain
	m.Body, err = letter(m, Body{Subject: "canary", Text: "canary", HTML: "canary", From: m.ReturnPath})
	if err != nil {
		return err
	}
	if out := d.call(ctx, m); out.Result != Yes {
		d.Log.Warn("canary not sent", "result", string(out.Result), "detail", out.Detail)
	}
	return nil
}

const purposeCanary = "canary"

// canaryArrived moves the watermark of the mail channel to when the canary was
// sent. An older canary that comes late moves nothing back: Alive takes the
// newest.
func (d *Desk) canaryArrived(ctx context.Context, t mailToken, receivedAt time.Time) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		h := Heartbeat{Channel: Mail, StartedAt: t.MadeAt, OK: true, Note: "canary"}
		if fresh, err := insertHeartbeat(ctx, tx, h); err != nil || !fresh {
			return err
		}
		return audit.Record(ctx, tx, audit.Leaf{
			Type: "inbound_watermark", Stream: "system", Actor: actor, At: receivedAt,
			Fields: map[string]any{"channel": Mail, "started_at": t.MadeAt, "ok": true},
		})
	})
}

// How long traces of the way in are kept: a canary that is still under way
// after a week proves nothing, and heartbeats are logs (SEC-31).
const (
	canaryKept    = 7 * 24 * time.Hour
	heartbeatKept = 400 * 24 * time.Hour
)

// Purge forgets canaries and heartbeats that have had their time; a nightly
// sweep.
func (d *Desk) Purge(ctx context.Context) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		return errors.Join(purgeTokens(ctx, tx, now.Add(-canaryKept)), purgeHeartbeats(ctx, tx, now.Add(-heartbeatKept)))
	})
}
