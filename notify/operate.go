package notify

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
)

// Pause stops a channel until Resume; its messages wait. by is an actor as in
// leaves; each act of the operator is a leaf (OUT-11). Refuses with
// channel_unknown and reason_missing. Pausing twice is nothing.
func (d *Desk) Pause(ctx context.Context, by, channel, reason string) error {
	if err := operable(channel, reason); err != nil {
		return err
	}
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		fresh, err := insertPause(ctx, tx, Paused{Channel: channel, Since: now, SetBy: by, Reason: reason})
		if err != nil || !fresh {
			return err
		}
		return audit.Record(ctx, tx, manual(by, "pause", map[string]any{"channel": channel}, now))
	})
}

// Resume lets a paused channel send again. Refuses as Pause does.
func (d *Desk) Resume(ctx context.Context, by, channel, reason string) error {
	if err := operable(channel, reason); err != nil {
		return err
	}
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		was, err := deletePause(ctx, tx, channel)
		if err != nil || !was {
			return err
		}
		return audit.Record(ctx, tx, manual(by, "resume", map[string]any{"channel": channel}, now))
	})
}

// Retry queues a message once more that was given up. Refuses with
// message_unknown, message_settled and reason_missing.
func (d *Desk) Retry(ctx context.Context, by, id, reason string) error {
	return d.operate(ctx, order{by, id, reason}, Pending, Failed, Undelivered, Dead, Dropped)
}

// Drop ends a message that waits. Refuses as Retry does.
func (d *Desk) Drop(ctx context.Context, by, id, reason string) error {
	return d.operate(ctx, order{by, id, reason}, Dropped, Pending, Unknown)
}

// order is what a person wants done with a message, and why.
type order struct{ by, id, reason string }

func (d *Desk) operate(ctx context.Context, o order, to string, from ...string) error {
	if o.reason == "" {
		return errReason
	}
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		m, err := FindMessage(ctx, tx, o.id)
		if err != nil {
			return err
		}
		was := m.State
		m.State, m.NextAt, m.SettledAt, m.Detail = to, now, now, clean(o.reason)
		ok, err := move(ctx, tx, m, from...)
		if err != nil {
			return err
		}
		if !ok || to == Pending && !m.ValidUntil.After(now) {
			return fault.Refuse(fault.Conflict, "message_settled",
				"这条消息现在是“%s”状态或已过有效期，不能这样处理。请刷新后再看。",
				"The message is %s now, or past its time, and cannot be changed so. Reload and look again.", was)
		}
		return audit.Record(ctx, tx, manual(o.by, to, map[string]any{"message": o.id, "from": was}, now))
	})
}

func operable(channel, reason string) error {
	if channel != Mail && channel != SMS && channel != Portal {
		return fault.Refuse(fault.Invalid, "channel_unknown",
			"没有这个渠道。可选：portal、mail、sms。", "There is no such channel. Choose portal, mail or sms.")
	}
	if reason == "" {
		return errReason
	}
	return nil
}

// manual is the leaf of an operator's act; the reason stays in the row, since
// free words may name people (SIM-8).
func manual(by, act string, fields map[string]any, now time.Time) audit.Leaf {
	fields["act"] = act
	return audit.Leaf{Type: "manual_outbox", Stream: "system", Actor: by, At: now, Fields: fields}
}
