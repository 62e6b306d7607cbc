package inspection

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"lianban/notify"
)

func insertNotices(ctx context.Context, tx bun.IDB, rows []Notice) error {
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

// findNotice is the notice of the participant's current round that counts: the
// last one.
func findNotice(ctx context.Context, q bun.IDB, p Participant) (n Notice, err error) {
	err = q.NewSelect().Model(&n).Where("participant_id = ? AND round = ?", p.ID, p.Round).Order("version DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return n, notFound()
	}
	return n, err
}

func noticeOfMessage(ctx context.Context, q bun.IDB, m notify.Message) (n Notice, err error) {
	var facts messageFacts
	if err := json.Unmarshal(m.Facts, &facts); err != nil {
		return n, err
	}
	err = q.NewSelect().Model(&n).Where("id = ?", facts.Notice).Scan(ctx)
	return n, err
}

// markComposed fixes what the notice prints, once: its other channels print the
// same deadline. Two channels may compose at the same time, in this process or in
// another; the one that comes second gets what the first has fixed.
func markComposed(ctx context.Context, tx bun.IDB, n *Notice) error {
	res, err := tx.NewUpdate().Model(n).Column("composed_at", "printed_due", "deadline").
		Where("id = ? AND composed_at IS NULL", n.ID).Exec(ctx)
	if err != nil {
		return err
	}
	if first, err := res.RowsAffected(); err != nil || first == 1 {
		return err
	}
	return tx.NewSelect().Model(n).WherePK().Scan(ctx)
}

func printedDue(ctx context.Context, q bun.IDB, notice string) (time.Time, error) {
	var n Notice
	err := q.NewSelect().Model(&n).Column("printed_due").Where("id = ?", notice).Scan(ctx)
	return n.PrintedDue, err
}

func listNotices(ctx context.Context, q bun.IDB, participants []string) (out []Notice, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id IN (?)", bun.List(participants)).Order("round", "version").Scan(ctx)
	return out, err
}

// hasNotice tells whether a department was sent a notice of a round.
func hasNotice(ctx context.Context, q bun.IDB, participantID string, round int) (bool, error) {
	return q.NewSelect().Model((*Notice)(nil)).Where("participant_id = ? AND round = ?", participantID, round).Exists(ctx)
}
