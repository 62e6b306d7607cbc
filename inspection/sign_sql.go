package inspection

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

func listSignatures(ctx context.Context, q bun.IDB, opinions ...string) (out []Signature, err error) {
	if len(opinions) == 0 {
		return nil, nil
	}
	err = q.NewSelect().Model(&out).Where("opinion_id IN (?)", bun.List(opinions)).Order("signed_at", "id").Scan(ctx)
	return out, err
}

// signedNames are those who signed an opinion, as the joint opinion lists them
// (INS-1102).
func signedNames(ctx context.Context, q bun.IDB, o Opinion) (string, error) {
	signed, err := listSignatures(ctx, q, o.ID)
	names := make([]string, len(signed))
	for i, s := range signed {
		names[i] = s.Name
	}
	return strings.Join(names, "、"), err
}

// openDraft is the opinion that lacks somebody's signature.
func openDraft(ctx context.Context, q bun.IDB, p Participant) (o Opinion, found bool, err error) {
	err = q.NewSelect().Model(&o).Where("participant_id = ? AND signed_at IS NULL AND dropped_at IS NULL", p.ID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return o, false, nil
	}
	return o, err == nil, err
}

func markSigned(ctx context.Context, tx bun.IDB, o Opinion) error {
	res, err := tx.NewUpdate().Model(&o).Column("signed_at").Where("id = ? AND signed_at IS NULL AND dropped_at IS NULL", o.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func dropOpinion(ctx context.Context, tx bun.IDB, o Opinion, by, why string, now time.Time) error {
	o.DroppedAt, o.DroppedBy, o.DroppedWhy = now, by, why
	res, err := tx.NewUpdate().Model(&o).Column("dropped_at", "dropped_by", "dropped_why").
		Where("id = ? AND signed_at IS NULL AND dropped_at IS NULL", o.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}
