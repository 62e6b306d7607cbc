package inspection

import (
	"context"

	"github.com/uptrace/bun"
)

func insertObjection(ctx context.Context, tx bun.IDB, o *Objection) error {
	_, err := tx.NewInsert().Model(o).Exec(ctx)
	return err
}

// objects reports whether an objection of the department in this visit, of whichever
// round, is open (INS-814).
func objects(ctx context.Context, q bun.IDB, p Participant) (bool, error) {
	return q.NewSelect().Model((*Objection)(nil)).Where("participant_id = ? AND ended_at IS NULL", p.ID).Exists(ctx)
}

// listObjections gives those of some departments, the first one first.
func listObjections(ctx context.Context, q bun.IDB, participants []string) (out []Objection, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id IN (?)", bun.List(participants)).Order("raised_at", "id").Scan(ctx)
	return out, err
}

func closeObjection(ctx context.Context, tx bun.IDB, o Objection) error {
	res, err := tx.NewUpdate().Model(&o).Column("outcome", "decision", "ended_by", "ended_at").
		Where("id = ? AND ended_at IS NULL", o.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}
