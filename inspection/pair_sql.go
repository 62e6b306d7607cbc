package inspection

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"
)

func insertPair(ctx context.Context, tx bun.IDB, x *ItemPair) error {
	_, err := tx.NewInsert().Model(x).Exec(ctx)
	return err
}

func findPair(ctx context.Context, q bun.IDB, visitID, id string) (x ItemPair, err error) {
	err = q.NewSelect().Model(&x).Where("id = ? AND visit_id = ?", id, visitID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return x, notFound()
	}
	return x, err
}

func listPairs(ctx context.Context, q bun.IDB, visitID string) (out []ItemPair, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("raised_at", "id").Scan(ctx)
	return out, err
}

// updatePair is one move of a pair, by whoever read it as it stands.
func updatePair(ctx context.Context, tx bun.IDB, x ItemPair, before PairState) error {
	u := tx.NewUpdate().Model(&x).Column("sent_at", "sent_by", "keep", "how", "settled_at", "settled_by", "settled_name").
		Where("id = ? AND keep = ''", x.ID)
	if before == PairOpen {
		u = u.Where("sent_at IS NULL")
	}
	res, err := u.Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func markItemsSeen(ctx context.Context, tx bun.IDB, p Participant) error {
	res, err := tx.NewUpdate().Model(&p).Column("items_seen", "items_seen_at", "items_seen_name").Where("id = ? AND round = ?", p.ID, p.Round).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// proposedItems are what the departments of a visit ask for at the moment, each by
// the last opinion that it has not taken back.
func proposedItems(ctx context.Context, q bun.IDB, v Visit) (out []ProposedItem, err error) {
	tracks, err := listParticipants(ctx, q, v.ID)
	if err != nil {
		return nil, err
	}
	var opinions []Opinion
	err = q.NewSelect().Model(&opinions).Where("visit_id = ? AND kind <> ? AND dropped_at IS NULL", v.ID, Deferred).
		Order("given_at", "id").Scan(ctx)
	last := map[string]Opinion{}
	for _, o := range opinions {
		last[o.ParticipantID] = o
	}
	for _, p := range tracks {
		if p.Opinion != OpinionWaived {
			out = append(out, itemsOf(p, last[p.ID])...)
		}
	}
	return out, err
}
