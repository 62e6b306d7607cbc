package delivery

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/fault"
)

func insertItems(ctx context.Context, tx bun.IDB, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&items).Exec(ctx); err != nil {
		return fmt.Errorf("insert items: %w", err)
	}
	return nil
}

func insertSteps(ctx context.Context, tx bun.IDB, steps []CustodyEvent) error {
	if len(steps) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&steps).Exec(ctx); err != nil {
		return fmt.Errorf("insert custody events: %w", err)
	}
	return nil
}

// updateItem writes columns of an item, guarded by its version.
func updateItem(ctx context.Context, tx bun.IDB, i *Item, columns ...string) error {
	res, err := tx.NewUpdate().Model(i).Column(columns...).Set("version = version + 1").
		Where("id = ? AND version = ?", i.ID, i.Version).Exec(ctx)
	if err := exactlyOne(res, err, itemMoved); err != nil {
		return err
	}
	i.Version++
	return nil
}

func itemMoved() *fault.Error {
	return fault.Refuse(fault.Conflict, "item_moved",
		"物料状态已变化，请刷新后再操作", "an item has moved on; read it again before acting")
}

func findItem(ctx context.Context, q bun.IDB, id string) (Item, error) {
	var i Item
	err := found(q.NewSelect().Model(&i).Where("id = ?", id).Scan(ctx))
	return i, err
}

// lockItems reads items by their id and keeps others from moving them until the
// commit (DB-12).
func lockItems(ctx context.Context, tx bun.IDB, ids []string) (out []Item, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	q := tx.NewSelect().Model(&out).Where("id IN (?)", bun.List(ids)).Order("id")
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	return out, q.Scan(ctx)
}

func itemsOfLine(ctx context.Context, q bun.IDB, lineID string) (out []Item, err error) {
	err = q.NewSelect().Model(&out).Where("line_id = ?", lineID).Order("id").Scan(ctx)
	return out, err
}

func itemsOfCase(ctx context.Context, q bun.IDB, caseID string) (out []Item, err error) {
	err = q.NewSelect().Model(&out).Where("case_id = ?", caseID).Order("id").Scan(ctx)
	return out, err
}

func itemsAfter(ctx context.Context, q bun.IDB, id string, limit int) (out []Item, err error) {
	err = q.NewSelect().Model(&out).Where("id > ?", id).Order("id").Limit(int64(limit)).Scan(ctx)
	return out, err
}

// stepsOf gives the history of items, each in the order of its steps.
func stepsOf(ctx context.Context, q bun.IDB, itemIDs []string) (out []CustodyEvent, err error) {
	err = q.NewSelect().Model(&out).Where("item_id IN (?)", bun.List(itemIDs)).Order("item_id", "at", "id").Scan(ctx)
	return out, err
}

// openOf gives the open transfers that list an item, by item.
func openOf(ctx context.Context, q bun.IDB, itemIDs []string) (map[string][]string, error) {
	var rows []TransferItem
	err := q.NewSelect().Model(&rows).ModelTableExpr("transfer_items AS ti").ColumnExpr("ti.*").
		Join("JOIN transfers AS t ON t.id = ti.transfer_id").
		Where("t.state = ? AND ti.item_id IN (?)", Released, bun.List(itemIDs)).Scan(ctx)
	out := map[string][]string{}
	for _, r := range rows {
		out[r.ItemID] = append(out[r.ItemID], r.TransferID)
	}
	return out, err
}
