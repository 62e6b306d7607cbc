package inspection

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

func insertContest(ctx context.Context, tx bun.IDB, c *Contest) error {
	fresh, err := insertNew(ctx, tx, c)
	if err == nil && !fresh {
		return movedOn("bad_move")
	}
	return err
}

// openContest is the one of the department that waits for its decision, if any.
func openContest(ctx context.Context, q bun.IDB, p Participant) (c Contest, open bool, err error) {
	err = q.NewSelect().Model(&c).Where("participant_id = ? AND ended_at IS NULL", p.ID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	return c, err == nil, err
}

func findContest(ctx context.Context, q bun.IDB, id string) (c Contest, err error) {
	err = q.NewSelect().Model(&c).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return c, notFound()
	}
	return c, err
}

// listContests gives those of some departments, the first one first.
func listContests(ctx context.Context, q bun.IDB, participants []string) (out []Contest, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id IN (?)", bun.List(participants)).Order("raised_at", "id").Scan(ctx)
	return out, err
}

func closeContest(ctx context.Context, tx bun.IDB, c Contest) error {
	res, err := tx.NewUpdate().Model(&c).Column("outcome", "decision", "ended_by", "ended_name", "ended_at").
		Where("id = ? AND ended_at IS NULL", c.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// setContestTimes writes what T1 and T2 are by the decision.
func setContestTimes(ctx context.Context, tx bun.IDB, c Contest) error {
	res, err := tx.NewUpdate().Model(&c).Column("new_served_at", "new_respond_by").Where("id = ?", c.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// setServed writes T1 and how T2 was counted from it; T2 stays.
func setServed(ctx context.Context, tx bun.IDB, p Participant) error {
	res, err := tx.NewUpdate().Model(&p).Column("served_at", "deadline").
		Where("id = ? AND round = ? AND consent = ? AND respond_by = ?", p.ID, p.Round, ConsentAwaiting, p.RespondBy).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// fellAll takes away every proof of the present notice; the rows stay.
func fellAll(ctx context.Context, tx bun.IDB, p Participant, now time.Time, why string) error {
	n, err := findNotice(ctx, tx, p)
	if err != nil {
		return err
	}
	s := Service{FallenAt: now, FallenWhy: why}
	_, err = tx.NewUpdate().Model(&s).Column("fallen_at", "fallen_why").
		Where("participant_id = ? AND notice_id = ? AND about = ? AND fallen_at IS NULL", p.ID, n.ID, AboutNotice).Exec(ctx)
	return err
}
