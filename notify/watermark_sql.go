package notify

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// insertHeartbeat reports false for one that is there already. A mark knows how
// long it was silent before it; one that comes late shortens the silence after.
func insertHeartbeat(ctx context.Context, tx bun.IDB, h Heartbeat) (bool, error) {
	if !h.OK {
		return hit(tx.NewInsert().Model(&h).On("CONFLICT (channel, started_at) DO NOTHING").Exec(ctx))
	}
	marks := func() *bun.SelectQuery { return tx.NewSelect().Where("channel = ? AND ok", h.Channel).Limit(1) }
	var before, after Heartbeat
	err := errors.Join(
		found(marks().Model(&before).Where("started_at < ?", h.StartedAt).OrderExpr("started_at DESC").Scan(ctx)),
		found(marks().Model(&after).Where("started_at > ?", h.StartedAt).OrderExpr("started_at").Scan(ctx)),
	)
	if err != nil {
		return false, err
	}
	h.Silence = -1
	if !before.StartedAt.IsZero() {
		h.Silence = h.StartedAt.Sub(before.StartedAt).Milliseconds()
	}
	fresh, err := hit(tx.NewInsert().Model(&h).On("CONFLICT (channel, started_at) DO NOTHING").Exec(ctx))
	if err != nil || !fresh || after.StartedAt.IsZero() {
		return fresh, err
	}
	after.Silence = after.StartedAt.Sub(h.StartedAt).Milliseconds()
	_, err = tx.NewUpdate().Model(&after).Column("silence").WherePK().Exec(ctx)
	return fresh, err
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
// watermark was set, oldest first. A gap that reaches over an edge is seen, cut
// to the span; what lies after the newest watermark is a gap of any length.
func Gaps(ctx context.Context, q bun.IDB, by GapQuery) ([]Span, error) {
	_, found, err := Watched(ctx, q, by)
	return found, err
}

// Watched gives both what Alive and what Gaps give.
func Watched(ctx context.Context, q bun.IDB, by GapQuery) (alive time.Time, found []Span, err error) {
	if alive, err = Alive(ctx, q, by.Channel); err != nil {
		return alive, nil, err
	}
	var marks []Heartbeat
	err = q.NewSelect().Model(&marks).Where("channel = ? AND ok AND started_at > ?", by.Channel, by.Span.From).
		Where("silence < 0 OR silence > ?", gapAtLeast.Milliseconds()). // as the index says
		Where("silence < 0 OR silence > ?", by.Longer.Milliseconds()).
		OrderExpr("started_at").Scan(ctx)
	return alive, gaps(marks, alive, by), err
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
