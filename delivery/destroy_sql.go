package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
)

func insertDestruction(ctx context.Context, tx bun.IDB, x *Destruction) error {
	if _, err := tx.NewInsert().Model(x).Exec(ctx); err != nil {
		return fmt.Errorf("insert destruction: %w", err)
	}
	return nil
}

func findDestruction(ctx context.Context, q bun.IDB, id string) (x Destruction, err error) {
	err = found(q.NewSelect().Model(&x).Where("id = ?", id).Scan(ctx))
	return x, err
}

// openDestruction gives the proposal that waits for a second person, empty if none.
func openDestruction(ctx context.Context, q bun.IDB, itemID string) (x Destruction, err error) {
	err = q.NewSelect().Model(&x).Where("item_id = ? AND state = ?", itemID, DestroyProposed).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Destruction{}, nil
	}
	return x, err
}

func updateDestruction(ctx context.Context, tx bun.IDB, x *Destruction, from DestructionState) error {
	res, err := tx.NewUpdate().Model(x).Column("state", "ended_at", "ended_by", "ended_name").Set("version = version + 1").
		Where("id = ? AND version = ? AND state = ?", x.ID, x.Version, from).Exec(ctx)
	if err := exactlyOne(res, err, destroyOver); err != nil {
		return err
	}
	x.Version++
	return nil
}

func destructionsOf(ctx context.Context, q bun.IDB, itemIDs []string) (out []Destruction, err error) {
	err = q.NewSelect().Model(&out).Where("item_id IN (?)", bun.List(itemIDs)).Order("proposed_at DESC", "id DESC").Scan(ctx)
	return out, err
}

// destructionsFor are the open proposals that somebody else made and the actor may
// decide on, as mayEndDestroy has it for people of the keeper and supervisors.
func destructionsFor(ctx context.Context, q bun.IDB, by auth.Actor) (out []Destruction, err error) {
	mine := Keeper{AtDepartment, by.Department}
	if atWindow(by) {
		mine = Keeper{AtWindow, by.Centre}
	}
	err = q.NewSelect().Model(&out).ColumnExpr("destruction.*").
		ColumnExpr("(SELECT i.title FROM items AS i WHERE i.id = destruction.item_id) AS item_title").
		Where("destruction.state = ? AND destruction.proposed_by <> ?", DestroyProposed, by.String()).
		Where("destruction.keeper_kind = ? AND destruction.keeper_id = ? OR ? AND destruction.centre_id = ?", mine.Kind, mine.ID, by.Is(auth.Supervisor), by.Centre).
		Order("destruction.proposed_at", "destruction.id").Limit(50).Scan(ctx)
	return out, err
}
