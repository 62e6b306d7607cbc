package notify

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// MessageQuery selects for ListMessages; empty fields select everything.
type MessageQuery struct {
	Subjects []string
	State    string
	Channel  string
	Address  string // department id, mail address or number
	Before   string // id of the last row seen
	Limit    int    // at most 200, 0 means 50
}

// ListMessages gives messages without their bytes, newest first.
func ListMessages(ctx context.Context, q bun.IDB, by MessageQuery) ([]Message, error) {
	var ms []Message
	sel := q.NewSelect().Model(&ms).ExcludeColumn("body", "facts")
	if len(by.Subjects) > 0 {
		sel = sel.Where("subject IN (?)", bun.List(by.Subjects))
	}
	for _, equal := range [][2]string{{"state", by.State}, {"channel", by.Channel}, {"address", by.Address}} {
		if equal[1] != "" {
			sel = sel.Where("? = ?", bun.Ident(equal[0]), equal[1])
		}
	}
	if by.Before != "" {
		sel = sel.Where("(created_at, id) < (SELECT created_at, id FROM messages WHERE id = ?)", by.Before)
	}
	err := sel.OrderExpr("created_at DESC, id DESC").Limit(page(by.Limit)).Scan(ctx)
	return ms, err
}

// ListAttempts gives the calls made for a message, oldest first.
func ListAttempts(ctx context.Context, q bun.IDB, message string) ([]Attempt, error) {
	var as []Attempt
	err := q.NewSelect().Model(&as).Where("message_id = ?", message).OrderExpr("n").Scan(ctx)
	return as, err
}

// Count is how many messages of a channel are in a state, for the metrics.
type Count struct {
	Channel string `bun:"channel"`
	State   string `bun:"state"`
	N       int    `bun:"n"`
}

// Counts gives outbox_rows of reliability section 7.
func Counts(ctx context.Context, q bun.IDB) ([]Count, error) {
	var cs []Count
	err := q.NewSelect().Model((*Message)(nil)).Column("channel", "state").ColumnExpr("count(*) AS n").
		GroupExpr("channel, state").OrderExpr("channel, state").Scan(ctx, &cs)
	return cs, err
}

// Paused is a channel that waits for a person.
type Paused struct {
	bun.BaseModel `bun:"table:channel_pauses"`

	Channel string    `bun:"channel,pk"`
	Since   time.Time `bun:"since"`
	SetBy   string    `bun:"set_by"`
	Reason  string    `bun:"reason"`
}

// ListPaused gives the channels that are stopped.
func ListPaused(ctx context.Context, q bun.IDB) ([]Paused, error) {
	var ps []Paused
	err := q.NewSelect().Model(&ps).OrderExpr("channel").Scan(ctx)
	return ps, err
}

// OldestDue gives when the oldest message became due that is not waiting for a
// resumed channel, zero if none: the watchdog's question (DL-7).
func OldestDue(ctx context.Context, q bun.IDB) (time.Time, error) {
	var m Message
	err := q.NewSelect().Model(&m).Column("next_at").Where("state = ?", Pending).
		Where("channel NOT IN (SELECT channel FROM channel_pauses)").OrderExpr("next_at").Limit(1).Scan(ctx)
	return m.NextAt, found(err)
}

// ListBySubject gives the messages of one purpose about a subject with their
// bytes, oldest first: what an evidence bundle holds.
func ListBySubject(ctx context.Context, q bun.IDB, subject, purpose string) ([]Message, error) {
	var ms []Message
	err := q.NewSelect().Model(&ms).Where("subject = ? AND purpose = ?", subject, purpose).OrderExpr("created_at, id").Scan(ctx)
	return ms, err
}
