package inspection

import (
	"context"

	"github.com/uptrace/bun"
)

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
