package notify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// Attempt is one call to the outside; its row is committed before the call.
type Attempt struct {
	bun.BaseModel `bun:"table:message_attempts,alias:a"`

	MessageID  string    `bun:"message_id,pk"`
	N          int       `bun:"n,pk"`
	StartedAt  time.Time `bun:"started_at"`
	EndedAt    time.Time `bun:"ended_at,nullzero"`
	Result     Result    `bun:"result"` // empty while under way
	Source     string    `bun:"source"`
	ProviderID string    `bun:"provider_id"`
	Line       string    `bun:"line"`
	Peer       string    `bun:"peer"`
	PeerAddr   string    `bun:"peer_addr"`
	TLS        string    `bun:"tls"`
	DSN        bool      `bun:"dsn"`
	Detail     string    `bun:"detail"`
}

// insertMessages ignores keys that are there already: a second enqueue of the
// same sending is nothing (OUT-2).
func insertMessages(ctx context.Context, tx bun.IDB, ms []Message) error {
	_, err := tx.NewInsert().Model(&ms).On("CONFLICT (key) DO NOTHING").Exec(ctx)
	return err
}

// cancelMessages ends what was not sent yet. A call under way is only marked:
// nobody can take it back, but it will not be tried again.
func cancelMessages(ctx context.Context, tx bun.IDB, now time.Time, subject string, keep []string) error {
	keep = append(keep, "") // no message has an empty purpose, and no list may be empty
	_, err := tx.NewUpdate().Model((*Message)(nil)).
		Set("state = ?", Cancelled).Set("cancelled_at = ?", now).Set("settled_at = ?", now).
		Where("subject = ? AND state = ? AND purpose NOT IN (?)", subject, Pending, bun.List(keep)).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*Message)(nil)).Set("cancelled_at = ?", now).
		Where("subject = ? AND state IN (?) AND purpose NOT IN (?)", subject, bun.List([]string{Attempting, Unknown}), bun.List(keep)).
		Where("cancelled_at IS NULL").Exec(ctx)
	return err
}

// dropOthers cancels what waits for subjects under keys that are not among those.
func dropOthers(ctx context.Context, tx bun.IDB, now time.Time, subjects, keys []string) error {
	q := tx.NewUpdate().Model((*Message)(nil)).
		Set("state = ?", Cancelled).Set("cancelled_at = ?", now).Set("settled_at = ?", now).
		Where("subject IN (?) AND state = ?", bun.List(subjects), Pending)
	if len(keys) > 0 {
		q = q.Where("key NOT IN (?)", bun.List(keys))
	}
	_, err := q.Exec(ctx)
	return err
}

func reviveMessages(ctx context.Context, tx bun.IDB, now time.Time, keys []string) error {
	_, err := tx.NewUpdate().Model((*Message)(nil)).
		Set("state = ?", Pending).Set("cancelled_at = NULL").Set("settled_at = NULL").Set("next_at = ?", now).Set("valid_until = ?", now.Add(lifetime)).
		Where("key IN (?) AND state = ?", bun.List(keys), Cancelled).Exec(ctx)
	return err
}

// dueMessages gives the oldest messages of a channel that may go now, without
// their bodies.
func dueMessages(ctx context.Context, q bun.IDB, channel string, now time.Time) ([]Message, error) {
	var ms []Message
	err := q.NewSelect().Model(&ms).Column("id", "address", "legal", "valid_until").
		Where("state = ? AND channel = ? AND next_at <= ?", Pending, channel, now).
		OrderExpr("next_at, id").Limit(batch).Scan(ctx)
	return ms, err
}

func expiredMessages(ctx context.Context, q bun.IDB, channel string, now time.Time) ([]string, error) {
	var ids []string
	err := q.NewSelect().Model((*Message)(nil)).Column("id").
		Where("state = ? AND channel = ? AND valid_until <= ?", Pending, channel, now).
		OrderExpr("valid_until, id").Limit(batch).Scan(ctx, &ids)
	return ids, err
}

// takeMessage claims a due message for one more attempt and reports whether it
// was still there to take. The number it raises is the fence of OUT-3.
func takeMessage(ctx context.Context, tx bun.IDB, id, instance string, now time.Time) (m Message, ok bool, err error) {
	err = tx.NewUpdate().Model(&m).
		Set("state = ?", Attempting).Set("attempt = attempt + 1").
		Set("attempted_at = ?", now).Set("claimed_by = ?", instance).
		Where("id = ? AND state = ? AND next_at <= ? AND valid_until > ?", id, Pending, now, now).
		Returning("*").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return m, false, nil
	}
	return m, err == nil, err
}

// storeBody keeps the bytes of a message; they are never written a second time.
func storeBody(ctx context.Context, tx bun.IDB, m Message) error {
	res, err := tx.NewUpdate().Model(&m).
		Column("composed_at", "title", "text", "html", "body", "body_salt", "body_hash", "return_path", "message_id").
		Where("id = ? AND composed_at IS NULL", m.ID).Exec(ctx)
	return one(res, err, "message composed twice")
}

// settle moves a message out of an attempt, stores the state it got in m, and
// reports whether that attempt was still the newest word on it. What would be
// tried again, or given up, is only cancelled when its Round was replaced
// while the call was under way.
func settle(ctx context.Context, tx bun.IDB, m *Message) (bool, error) {
	err := tx.NewUpdate().Model(m).Column("next_at", "settled_at", "provider_id", "detail").
		Set("state = CASE WHEN cancelled_at IS NOT NULL AND ? IN (?) THEN ? ELSE ? END",
			m.State, bun.List([]string{Pending, Dead}), Cancelled, m.State).
		Where("id = ? AND state = ? AND attempt = ?", m.ID, Attempting, m.Attempt).
		Returning("state").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// move takes a message from one state to another.
func move(ctx context.Context, tx bun.IDB, m Message, from ...string) (bool, error) {
	res, err := tx.NewUpdate().Model(&m).
		Column("state", "next_at", "settled_at", "provider_id", "detail").
		Where("id = ? AND state IN (?)", m.ID, bun.List(from)).Exec(ctx)
	return hit(res, err)
}

func postpone(ctx context.Context, tx bun.IDB, id string, until time.Time, why string) error {
	_, err := tx.NewUpdate().Model((*Message)(nil)).Set("next_at = ?", until).Set("detail = ?", why).
		Where("id = ? AND state = ?", id, Pending).Exec(ctx)
	return err
}

func insertAttempt(ctx context.Context, tx bun.IDB, a Attempt) error {
	_, err := tx.NewInsert().Model(&a).Exec(ctx)
	return err
}

func endAttempt(ctx context.Context, tx bun.IDB, a Attempt) error {
	_, err := tx.NewUpdate().Model(&a).
		Column("ended_at", "result", "source", "provider_id", "line", "peer", "peer_addr", "tls", "dsn", "detail").
		Where("message_id = ? AND n = ? AND ended_at IS NULL", a.MessageID, a.N).Exec(ctx)
	return err
}

// leftBehind gives calls that will never report back: those of a crashed run
// of this instance, or any whose caller has been silent for too long.
func leftBehind(ctx context.Context, q bun.IDB, instance string, before time.Time) ([]Message, error) {
	var ms []Message
	sel := q.NewSelect().Model(&ms).ExcludeColumn("body", "html").Where("state = ?", Attempting)
	if instance != "" {
		sel = sel.Where("claimed_by = ?", instance)
	} else {
		sel = sel.Where("attempted_at < ?", before)
	}
	err := sel.OrderExpr("attempted_at, id").Limit(batch).Scan(ctx)
	return ms, err
}

func unknownDue(ctx context.Context, q bun.IDB, now time.Time) ([]Message, error) {
	var ms []Message
	err := q.NewSelect().Model(&ms).ExcludeColumn("body", "html").
		Where("state = ? AND next_at <= ?", Unknown, now).
		OrderExpr("next_at, id").Limit(batch).Scan(ctx)
	return ms, err
}

// openTexts gives texts that the provider took between two instants and has
// not said the last word about, oldest first.
func openTexts(ctx context.Context, q bun.IDB, from, to time.Time) ([]Message, error) {
	var ms []Message
	err := q.NewSelect().Model(&ms).Column("id", "attempt", "provider_id").
		Where("state = ? AND channel = ? AND provider_id <> ''", Accepted, SMS).
		Where("settled_at BETWEEN ? AND ?", from, to).
		OrderExpr("settled_at, id").Limit(batch).Scan(ctx)
	return ms, err
}

// unclear counts the attempts of a message that may have been sent.
func unclear(ctx context.Context, q bun.IDB, id string) (int, error) {
	n, err := q.NewSelect().Model((*Attempt)(nil)).
		Where("message_id = ? AND result = ?", id, Unclear).Count(ctx)
	return int(n), err
}

// sentTexts counts what may have reached a number since an instant, any text
// and this very text (ICA-104). Surely unsent attempts do not count.
func sentTexts(ctx context.Context, q bun.IDB, number, text string, since time.Time) (all, same int, err error) {
	err = q.NewSelect().TableExpr("message_attempts AS a").Join("JOIN messages AS m ON m.id = a.message_id").
		ColumnExpr("count(*)").ColumnExpr("count(*) FILTER (WHERE m.text = ?)", text).
		Where("m.channel = ? AND m.address = ? AND a.started_at > ?", SMS, number, since).
		Where("a.result NOT IN (?)", bun.List([]Result{Retry, Refused, Halt})).Scan(ctx, &all, &same)
	return all, same, err
}

// FindMessage gives one message with its bytes. Refuses with message_unknown.
func FindMessage(ctx context.Context, q bun.IDB, id string) (Message, error) {
	var m Message
	err := q.NewSelect().Model(&m).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return m, fault.Refuse(fault.NotFound, "message_unknown",
			"没有这条消息。请从消息列表重新打开。", "There is no such message. Open it again from the list.")
	}
	return m, err
}

func pausedSince(ctx context.Context, q bun.IDB, channel string) (bool, error) {
	return q.NewSelect().Model((*Paused)(nil)).Where("channel = ?", channel).Exists(ctx)
}

func insertPause(ctx context.Context, tx bun.IDB, p Paused) (bool, error) {
	res, err := tx.NewInsert().Model(&p).On("CONFLICT (channel) DO NOTHING").Exec(ctx)
	return hit(res, err)
}

func deletePause(ctx context.Context, tx bun.IDB, channel string) (bool, error) {
	res, err := tx.NewDelete().Model((*Paused)(nil)).Where("channel = ?", channel).Exec(ctx)
	return hit(res, err)
}

// receipt is a provider's later word about a message.
type receipt struct {
	bun.BaseModel `bun:"table:receipts"`

	ProviderID string    `bun:"provider_id,pk"`
	Status     string    `bun:"status,pk"`
	MessageID  string    `bun:"message_id"`
	N          int       `bun:"n"`
	Code       string    `bun:"code"`
	ReceivedAt time.Time `bun:"received_at"`
}

// insertReceipt reports false for a word that is here already.
func insertReceipt(ctx context.Context, tx bun.IDB, r receipt) (bool, error) {
	res, err := tx.NewInsert().Model(&r).On("CONFLICT (provider_id, status) DO NOTHING").Exec(ctx)
	return hit(res, err)
}

// hit reports whether a guarded statement touched its row.
func hit(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// one turns a guarded statement that missed its row into an error.
func one(res sql.Result, err error, otherwise string) error {
	ok, err := hit(res, err)
	if err == nil && !ok {
		err = fmt.Errorf("notify: %s", otherwise)
	}
	return err
}
