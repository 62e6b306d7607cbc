package notify

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// insertHeartbeat reports false for one that is there already.
func insertHeartbeat(ctx context.Context, tx bun.IDB, h Heartbeat) (bool, error) {
	res, err := tx.NewInsert().Model(&h).On("CONFLICT (channel, started_at) DO NOTHING").Exec(ctx)
	return hit(res, err)
}

// Alive gives the instant through which an inbound channel is proved to have
// been alive: everything that came in before it has been taken in. Zero when
// it never was.
func Alive(ctx context.Context, q bun.IDB, channel string) (time.Time, error) {
	var h Heartbeat
	err := q.NewSelect().Model(&h).Where("channel = ? AND ok", channel).
		OrderExpr("started_at DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return h.StartedAt.UTC(), err
}

// Gaps gives the stretches of by.Span longer than by.Longer in which no
// watermark was set, oldest first. The neighbours just outside the span count,
// so a gap reaching over its edge is seen, cut to the span.
func Gaps(ctx context.Context, q bun.IDB, by GapQuery) ([]Span, error) {
	var before, after Heartbeat
	var inside []Heartbeat
	ok := func() *bun.SelectQuery {
		return q.NewSelect().Column("started_at").Where("channel = ? AND ok", by.Channel)
	}
	err := errors.Join(
		found(ok().Model(&before).Where("started_at <= ?", by.Span.From).OrderExpr("started_at DESC").Limit(1).Scan(ctx)),
		found(ok().Model(&after).Where("started_at >= ?", by.Span.To).OrderExpr("started_at").Limit(1).Scan(ctx)),
		ok().Model(&inside).Where("started_at > ? AND started_at < ?", by.Span.From, by.Span.To).OrderExpr("started_at").Scan(ctx),
	)
	if err != nil {
		return nil, err
	}
	marks := make([]time.Time, 0, len(inside)+2)
	marks = append(marks, before.StartedAt)
	for _, h := range inside {
		marks = append(marks, h.StartedAt)
	}
	return gaps(append(marks, after.StartedAt), by), nil
}

// found takes "no row" for an answer.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

func purgeHeartbeats(ctx context.Context, tx bun.IDB, before time.Time) error {
	_, err := tx.NewDelete().Model((*Heartbeat)(nil)).Where("started_at < ?", before).Exec(ctx)
	return err
}
