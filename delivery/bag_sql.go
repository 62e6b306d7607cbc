package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
)

func insertBag(ctx context.Context, tx bun.IDB, b *Bag) error {
	if _, err := tx.NewInsert().Model(b).Exec(ctx); err != nil {
		return fmt.Errorf("insert bag: %w", err)
	}
	return nil
}

func insertBagItem(ctx context.Context, tx bun.IDB, i *BagItem) error {
	if _, err := tx.NewInsert().Model(i).Exec(ctx); err != nil {
		return fmt.Errorf("insert bag item: %w", err)
	}
	return nil
}

func deleteBagItem(ctx context.Context, tx bun.IDB, i BagItem) error {
	_, err := tx.NewDelete().Model(&i).WherePK().Exec(ctx)
	return err
}

func insertExtras(ctx context.Context, tx bun.IDB, extras []BagExtra) error {
	if len(extras) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&extras).Exec(ctx)
	return err
}

func findExtra(ctx context.Context, q bun.IDB, id string) (e BagExtra, err error) {
	err = found(q.NewSelect().Model(&e).Where("id = ?", id).Scan(ctx))
	return e, err
}

func explainExtra(ctx context.Context, tx bun.IDB, e *BagExtra) error {
	res, err := tx.NewUpdate().Model(e).Column("explained_at", "explained_by", "explanation").Where("id = ? AND explained_at IS NULL", e.ID).Exec(ctx)
	return exactlyOne(res, err, extraExplained)
}

func extraExplained() *fault.Error {
	return fault.Refuse(fault.Conflict, "extra_explained",
		"这件多出的物料已有说明，请刷新后核对", "this extra thing has been explained already; reload and check")
}

// lockBag locks the bag, then what is in it (DB-12).
func lockBag(ctx context.Context, tx bun.IDB, id string) (v BagView, err error) {
	q := tx.NewSelect().Model(&v.Bag).Where("id = ?", id)
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	if err := found(q.Scan(ctx)); err != nil {
		return v, err
	}
	views, err := bagsWithItems(ctx, tx, []Bag{v.Bag})
	if err != nil {
		return v, err
	}
	v = views[0]
	ids := make([]string, len(v.Items))
	for n, i := range v.Items {
		ids[n] = i.ItemID
	}
	items, err := lockItems(ctx, tx, ids)
	for _, i := range items {
		n := slices.IndexFunc(v.Items, func(b BagItem) bool { return b.ItemID == i.ID })
		v.Items[n].Item, v.Items[n].Material.Item = &i, &i
	}
	return v, err
}

// moveBag is the guarded move (STY-19).
func moveBag(ctx context.Context, tx bun.IDB, b *Bag, act string) error {
	move := moveOf(BagMoves, act)
	b.State = move.To
	res, err := tx.NewUpdate().Model(b).
		Column("state", "seal", "giver", "released_at", "released_by", "due_at", "sign_hours", "ended_at", "ended_by", "ended_name", "signed_at", "slip", "note").
		Set("version = version + 1").Where("id = ? AND version = ?", b.ID, b.Version).Where("state IN (?)", bun.List(move.From)).Exec(ctx)
	if err := exactlyOne(res, err, func() *fault.Error { return bagOver(*b) }); err != nil {
		return err
	}
	b.Version++
	return nil
}

func updateBagOutcomes(ctx context.Context, tx bun.IDB, items []BagItem) error {
	for _, i := range items {
		if _, err := tx.NewUpdate().Model(&i).Column("outcome", "note").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func findBag(ctx context.Context, q bun.IDB, id string) (BagView, error) {
	var b Bag
	if err := found(q.NewSelect().Model(&b).Where("id = ?", id).Scan(ctx)); err != nil {
		return BagView{}, err
	}
	views, err := bagsWithItems(ctx, q, []Bag{b})
	if err != nil {
		return BagView{}, err
	}
	err = q.NewSelect().Model(&views[0].Extras).Where("bag_id = ?", id).Order("found_at", "id").Scan(ctx)
	return views[0], err
}

// bagsWithItems adds what is in each of the bags.
func bagsWithItems(ctx context.Context, q bun.IDB, bags []Bag) ([]BagView, error) {
	out, ids := make([]BagView, len(bags)), make([]string, len(bags))
	for n, b := range bags {
		out[n], ids[n] = BagView{Bag: b}, b.ID
	}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []BagItem
	err := q.NewSelect().Model(&rows).Relation("Item").Relation("Material").Where("?TableAlias.bag_id IN (?)", bun.List(ids)).OrderExpr("?TableAlias.item_id").Scan(ctx)
	for _, r := range rows {
		r.Material.Item = r.Item
		n := slices.Index(ids, r.BagID)
		out[n].Items = append(out[n].Items, r)
	}
	return out, err
}

// scanBag finds the bag of a number: its own, or the last that an item was in.
func scanBag(ctx context.Context, q bun.IDB, number string) (b Bag, err error) {
	err = q.NewSelect().Model(&b).ModelTableExpr("bags AS b").ColumnExpr("b.*").
		Where("b.number = ? OR b.id IN (SELECT bi.bag_id FROM bag_items AS bi JOIN items AS i ON i.id = bi.item_id WHERE i.number = ?)", number, number).
		Order("b.opened_at DESC", "b.id DESC").Limit(1).Scan(ctx)
	return b, found(err)
}

func itemByNumber(ctx context.Context, q bun.IDB, number string) (i Item, err error) {
	err = found(q.NewSelect().Model(&i).Where("number = ?", number).Scan(ctx))
	return i, err
}

func listBags(ctx context.Context, q bun.IDB, by auth.Actor, query BagQuery) ([]BagView, error) {
	var rows []Bag
	s := q.NewSelect().Model(&rows).OrderExpr("CASE state WHEN 'released' THEN 0 WHEN 'filling' THEN 1 ELSE 2 END").
		OrderExpr("CASE WHEN state = 'released' THEN due_at END").OrderExpr("opened_at DESC, id DESC").Limit(page(query.Limit))
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
	case atWindow(by):
		s = s.Where("centre_id = ?", by.Centre)
	case ofDepartment(by, by.Department):
		s = s.Where("(from_kind = ? AND from_id = ? OR to_kind = ? AND to_id = ? AND state NOT IN ('filling', 'cancelled'))",
			AtDepartment, by.Department, AtDepartment, by.Department)
	default:
		s = s.Where("1 = 0")
	}
	if query.State != "" {
		s = s.Where("state = ?", query.State)
	}
	if strings.TrimSpace(query.Search) != "" {
		p := like(query.Search)
		s = s.Where("(lower(number) LIKE ? ESCAPE '\\' OR lower(seal) LIKE ? ESCAPE '\\' OR lower(from_name) LIKE ? ESCAPE '\\' OR lower(to_name) LIKE ? ESCAPE '\\')", p, p, p, p)
	}
	if err := s.Scan(ctx); err != nil {
		return nil, err
	}
	return bagsWithItems(ctx, q, rows)
}

// openBagsOf gives the bags that list an item and were not opened yet, by item.
func openBagsOf(ctx context.Context, q bun.IDB, itemIDs []string) (map[string][]string, error) {
	var rows []BagItem
	err := q.NewSelect().Model(&rows).ModelTableExpr("bag_items AS bi").ColumnExpr("bi.*").
		Join("JOIN bags AS b ON b.id = bi.bag_id").
		Where("b.state IN (?) AND bi.item_id IN (?)", bun.List([]BagState{BagFilling, BagReleased}), bun.List(itemIDs)).Scan(ctx)
	out := map[string][]string{}
	for _, r := range rows {
		out[r.ItemID] = append(out[r.ItemID], r.BagID)
	}
	return out, err
}
