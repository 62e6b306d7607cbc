package notify

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"
)

const (
	// batch bounds one run of a sweep (STY-50).
	batch = 200
	// lifetime is how long a message without ValidUntil is tried; RFC 5321
	// 4.5.4.1 tells senders to give up after 4–5 days.
	lifetime = 5 * 24 * time.Hour
)

// workers is the pool of each channel, so that a slow provider cannot hold back
// another one (OUT-7). Portal is one transaction after another.
var workers = map[string]int{Portal: 1, Mail: 8, SMS: 4}

// Queue writes messages on the caller's transaction, the one of the act that
// causes them (OUT-1). A key that is there already is left as it is.
func Queue(ctx context.Context, tx bun.IDB, now time.Time, ms ...Message) error {
	if len(ms) == 0 {
		return nil
	}
	rows := make([]Message, len(ms))
	for i, m := range ms {
		if m.Key == "" || workers[m.Channel] == 0 || m.Address == "" {
			return fmt.Errorf("notify: message for %s on %q lacks key, channel or address", m.Subject, m.Channel)
		}
		if m.ID == "" {
			m.ID = newID()
		}
		if m.NextAt.IsZero() {
			m.NextAt = now
		}
		if m.ValidUntil.IsZero() {
			m.ValidUntil = m.NextAt.Add(lifetime)
		}
		if len(m.Facts) == 0 {
			m.Facts = json.RawMessage("{}")
		}
		m.State, m.Attempt, m.CreatedAt = Pending, 0, now
		rows[i] = m
	}
	return insertMessages(ctx, tx, rows)
}

// Cancel drops the unsent messages of a subject on the caller's transaction
// (INS-607, INS-713). A call already under way cannot be called back; it is not
// repeated.
func Cancel(ctx context.Context, tx bun.IDB, now time.Time, subject string, keep ...string) error {
	return cancelMessages(ctx, tx, now, subject, keep)
}

// Replace makes ms all that is still to be said of some subjects, on the caller's
// transaction: what waits there under another key is dropped, what was dropped
// before and is true again waits anew (DEL-527). What was sent stays sent.
func Replace(ctx context.Context, tx bun.IDB, now time.Time, subjects []string, ms ...Message) error {
	if len(subjects) == 0 {
		return nil
	}
	keys := make([]string, len(ms))
	for i, m := range ms {
		keys[i] = m.Key
	}
	if err := dropOthers(ctx, tx, now, subjects, keys); err != nil || len(ms) == 0 {
		return err
	}
	if err := Queue(ctx, tx, now, ms...); err != nil {
		return err
	}
	return reviveMessages(ctx, tx, now, keys)
}

// SendDue sends what is due on the given channels, all when none is named. Each
// channel has a sweep of its own, so that a mail server that makes us wait does
// not hold back an inbox. The row decides: it may run twice or late (STY-46).
func (d *Desk) SendDue(ctx context.Context, channels ...string) error {
	if len(channels) == 0 {
		channels = []string{Portal, Mail, SMS}
	}
	errs := make([]error, len(channels))
	var wg sync.WaitGroup
	for i, channel := range channels {
		wg.Go(func() { errs[i] = d.sendChannel(ctx, channel) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (d *Desk) sendChannel(ctx context.Context, channel string) error {
	now := d.now()
	if err := d.expire(ctx, channel, now); err != nil {
		return err
	}
	if channel != Portal && d.Channels[channel] == nil {
		return nil
	}
	var due []Message
	var paused bool
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		if paused, err = pausedSince(ctx, q, channel); err != nil {
			return err
		}
		due, err = dueMessages(ctx, q, channel, now)
		return err
	})
	if err != nil || paused {
		return err
	}
	return d.pool(workers[channel], groups(channel, due), func(m Message) error {
		if d.stopped(ctx, channel) {
			return nil
		}
		return d.sendOne(ctx, channel, m)
	})
}

// stopped reports that no further call should be begun: the program ends, or
// the channel rests. What is due stays pending.
func (d *Desk) stopped(ctx context.Context, channel string) bool {
	return ctx.Err() != nil || d.breakers.open(channel, d.now())
}

// groups splits due messages so that texts to one number go one after another:
// two at once could both find room in its budget (ICA-104).
func groups(channel string, due []Message) [][]Message {
	var out [][]Message
	at := map[string]int{}
	for _, m := range due {
		if channel != SMS {
			out = append(out, []Message{m})
			continue
		}
		i, ok := at[m.Address]
		if !ok {
			i = len(out)
			at[m.Address], out = i, append(out, nil)
		}
		out[i] = append(out[i], m)
	}
	return out
}

// pool runs do over all groups with n workers and joins the errors. A row that
// panics is an error of that row only (DL-4).
func (d *Desk) pool(n int, groups [][]Message, do func(Message) error) error {
	work := make(chan []Message)
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for range min(n, len(groups)) {
		wg.Go(func() {
			for group := range work {
				for _, m := range group {
					if err := d.guard(m.ID, func() error { return do(m) }); err != nil {
						mu.Lock()
						errs = append(errs, err)
						mu.Unlock()
					}
				}
			}
		})
	}
	for _, group := range groups {
		work <- group
	}
	close(work)
	wg.Wait()
	return errors.Join(errs...)
}

// expire ends messages that are worthless now. A legal Notice that ends so is a
// matter for a person.
func (d *Desk) expire(ctx context.Context, channel string, now time.Time) error {
	var ids []string
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		ids, err = expiredMessages(ctx, q, channel, now)
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		errs = append(errs, d.guard(id, func() error { return d.finish(ctx, id, Expired, "valid_until") }))
	}
	return errors.Join(errs...)
}

// finish ends a pending message without sending it and tells the domain.
func (d *Desk) finish(ctx context.Context, id, state, why string) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		m, err := FindMessage(ctx, tx, id)
		if err != nil {
			return err
		}
		m.State, m.SettledAt, m.Detail = state, now, why
		ok, err := move(ctx, tx, m, Pending)
		if err != nil || !ok {
			return err
		}
		return d.given(ctx, tx, m)
	})
}

// given tells the domain that nothing more will be tried, where that matters.
func (d *Desk) given(ctx context.Context, tx bun.IDB, m Message) error {
	switch {
	case m.State == Failed || m.State == Dead, m.State == Expired && m.Legal:
		return d.Dead(ctx, tx, m)
	}
	return nil
}

// Recover settles the calls that a crashed run of this instance left behind.
// It runs at start, before the sweeps (OUT-2).
func (d *Desk) Recover(ctx context.Context) error {
	return d.abandon(ctx, d.Instance, time.Time{})
}

// callTimeout is longer than any call lives: mail waits ten minutes after the
// dot (RFC 1047).
const callTimeout = 15 * time.Minute

// AskUnknown decides about sendings that may have happened (SIM-6). Mail goes
// out again under the same Message-ID, which a mailbox takes as the same letter
// (OUT-6). A text waits 60 s for its callback; then a legal notice is sent once
// more and a reminder is dropped.
func (d *Desk) AskUnknown(ctx context.Context) error {
	now := d.now()
	errs := []error{d.abandon(ctx, "", now.Add(-callTimeout))}
	var due []Message
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		due, err = unknownDue(ctx, q, now)
		return err
	})
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, m := range due {
		errs = append(errs, d.guard(m.ID, func() error { return d.resolve(ctx, m.ID) }))
	}
	return errors.Join(errs...)
}

func (d *Desk) abandon(ctx context.Context, instance string, before time.Time) error {
	var left []Message
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		left, err = leftBehind(ctx, q, instance, before)
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range left {
		errs = append(errs, d.settleCall(ctx, m, Outcome{Result: Unclear, Detail: "abandoned"}))
	}
	return errors.Join(errs...)
}

// resolve ends one unknown.
func (d *Desk) resolve(ctx context.Context, id string) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		m, err := FindMessage(ctx, tx, id)
		if err != nil {
			return err
		}
		times, err := unclear(ctx, tx, id)
		if err != nil {
			return err
		}
		m.State, m.Detail = afterUnknown(m, times)
		m.SettledAt, m.NextAt = now, now
		ok, err := move(ctx, tx, m, Unknown)
		if err != nil || !ok {
			return err
		}
		return d.given(ctx, tx, m)
	})
}

// afterUnknown is SIM-6 as a table.
func afterUnknown(m Message, times int) (state, why string) {
	switch {
	case !m.CancelledAt.IsZero():
		return Cancelled, "cancelled"
	case m.Channel == Mail:
		return Pending, "sent again under the same Message-ID"
	case !m.Legal:
		return Dropped, "reminder may have been sent"
	case times <= 1:
		return Pending, "legal notice sent once more"
	default:
		return Dead, "may have been sent twice"
	}
}

// newID is a random name of 26 characters.
func newID() string { return strings.ToLower(rand.Text()) }
