package delivery

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
)

func insertMaterials(ctx context.Context, tx bun.IDB, materials []Material) error {
	if _, err := tx.NewInsert().Model(&materials).Exec(ctx); err != nil {
		return fmt.Errorf("insert materials: %w", err)
	}
	return nil
}

// updateMaterial writes columns of a material, guarded by its version.
func updateMaterial(ctx context.Context, tx bun.IDB, p *Material, columns ...string) error {
	res, err := tx.NewUpdate().Model(p).Column(columns...).Set("version = version + 1").
		Where("item_id = ? AND version = ?", p.ItemID, p.Version).Exec(ctx)
	if err := exactlyOne(res, err, itemMoved); err != nil {
		return err
	}
	p.Version++
	return nil
}

// lockMaterial reads a material with its item and keeps others from moving either
// until the commit (DB-12).
func lockMaterial(ctx context.Context, tx bun.IDB, itemID string) (Material, error) {
	var p Material
	q := tx.NewSelect().Model(&p).Where("item_id = ?", itemID)
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	if err := found(q.Scan(ctx)); err != nil {
		return p, err
	}
	items, err := lockItems(ctx, tx, []string{itemID})
	if err != nil || len(items) != 1 {
		return p, err
	}
	p.Item = &items[0]
	return p, nil
}

// materialsByItem gives the materials of items, each with its item.
func materialsByItem(ctx context.Context, q bun.IDB, itemIDs []string) (map[string]Material, error) {
	out := map[string]Material{}
	if len(itemIDs) == 0 {
		return out, nil
	}
	var rows []Material
	err := q.NewSelect().Model(&rows).Relation("Item").Where("?TableAlias.item_id IN (?)", bun.List(itemIDs)).Scan(ctx)
	for _, p := range rows {
		out[p.ItemID] = p
	}
	return out, err
}

func materialsOfCase(ctx context.Context, q bun.IDB, caseID string) (out []Material, err error) {
	err = q.NewSelect().Model(&out).Relation("Item").Where("?TableAlias.case_id = ?", caseID).OrderExpr("?TableAlias.item_id").Scan(ctx)
	return out, err
}

// listMaterials are what the actor's side answers for.
func listMaterials(ctx context.Context, q bun.IDB, by auth.Actor, query MaterialQuery) (out []Material, err error) {
	s := q.NewSelect().Model(&out).Relation("Item").OrderExpr("?TableAlias.item_id DESC").Limit(page(query.Limit))
	switch side := sideOf(by); {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
	case atWindow(by) && query.Everywhere:
		s = s.Where("?TableAlias.centre_id = ?", by.Centre)
	case atWindow(by), ofDepartment(by, by.Department):
		s = s.Where("item.custodian_kind = ? AND item.custodian = ?", side.Kind, side.ID)
	default:
		s = s.Where("1 = 0")
	}
	if strings.TrimSpace(query.Search) != "" {
		p := like(query.Search)
		s = s.Where("(lower(item.number) LIKE ? ESCAPE '\\' OR lower(item.title) LIKE ? ESCAPE '\\' OR lower(?TableAlias.case_number) LIKE ? ESCAPE '\\')", p, p, p)
	}
	return out, s.Scan(ctx)
}

// standInFor gives the copy or voucher that a department has of an original,
// the newest of several; empty if none.
func standInFor(ctx context.Context, q bun.IDB, original, department string) (Material, error) {
	var rows []Material
	err := q.NewSelect().Model(&rows).Relation("Item").Where("?TableAlias.of_item = ? AND ?TableAlias.for_id = ?", original, department).
		OrderExpr("?TableAlias.item_id DESC").Limit(1).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return Material{}, err
	}
	return rows[0], nil
}

// originalsOf are the originals that were taken in for cases, newest first.
func originalsOf(ctx context.Context, q bun.IDB, caseIDs []string) (out []Material, err error) {
	err = q.NewSelect().Model(&out).Relation("Item").Where("?TableAlias.case_id IN (?) AND ?TableAlias.of_item = ''", bun.List(caseIDs)).
		OrderExpr("?TableAlias.item_id DESC").Scan(ctx)
	return out, err
}
