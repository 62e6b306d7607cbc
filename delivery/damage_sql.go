package delivery

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// insertDamages puts questions in; what was asked about this thing on this
// occasion before stays as it is.
func insertDamages(ctx context.Context, tx bun.IDB, rows []Damage) error {
	if len(rows) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&rows).On("CONFLICT (item_id, occasion) DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("insert damages: %w", err)
	}
	return nil
}

func findDamage(ctx context.Context, q bun.IDB, id string) (x Damage, err error) {
	err = found(q.NewSelect().Model(&x).Where("id = ?", id).Scan(ctx))
	return x, err
}

// updateDamage writes the decision, once.
func updateDamage(ctx context.Context, tx bun.IDB, x *Damage) error {
	res, err := tx.NewUpdate().Model(x).Column("state", "reason", "decided_at", "decided_by", "decided_name").Set("version = version + 1").
		Where("id = ? AND state = ?", x.ID, DamageOpen).Exec(ctx)
	if err := exactlyOne(res, err, damageOver); err != nil {
		return err
	}
	x.Version++
	return nil
}

func damageOver() *fault.Error {
	return fault.Refuse(fault.Conflict, "damage_over",
		"这件污损物料已有决定，请刷新后核对", "this damage was decided on already; reload and check")
}

// damagesOf are the reports about things, the newest first.
func damagesOf(ctx context.Context, q bun.IDB, itemIDs []string) (out []Damage, err error) {
	err = q.NewSelect().Model(&out).Where("item_id IN (?)", bun.List(itemIDs)).Order("reported_at DESC", "id DESC").Scan(ctx)
	return out, err
}

// listedDamages adds what a list says of the thing.
func listedDamages(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ColumnExpr("damage.*").ColumnExpr("i.title AS item_title, i.number AS item_number").Join("JOIN items AS i ON i.id = damage.item_id")
}

// damagesFor is ListDamages.
func damagesFor(ctx context.Context, q bun.IDB, by auth.Actor) (out []Damage, err error) {
	s := listedDamages(q.NewSelect().Model(&out)).Order("damage.reported_at", "damage.id").Limit(200)
	if atWindow(by) {
		return out, s.Where("damage.centre_id = ?", by.Centre).WhereGroup(" AND ", func(s *bun.SelectQuery) *bun.SelectQuery {
			return s.Where("damage.state = ?", DamageOpen).
				WhereOr("damage.state IN (?, ?) AND i.custodian_kind <> ?", DamageReissue, DamageVoid, Destroyed).
				WhereOr("damage.state = ? AND EXISTS (SELECT 1 FROM parcels AS p WHERE p.id = damage.parcel_id AND p.state = ?)", DamageKeep, ParcelDamaged)
		}).Scan(ctx)
	}
	if !ofDepartment(by, by.Department) {
		return nil, nil
	}
	return out, s.Where("damage.department_id = ? AND damage.state = ?", by.Department, DamageOpen).Scan(ctx)
}

// damagesUntold are open questions that no alert tells of.
func damagesUntold(ctx context.Context, q bun.IDB) (out []Damage, err error) {
	err = listedDamages(q.NewSelect().Model(&out)).Where("damage.state = ?", DamageOpen).
		Where("NOT EXISTS (SELECT 1 FROM alerts AS a WHERE a.subject = damage.item_id AND a.kind = ? AND a.cleared_at IS NULL)", AlertItemDamaged).
		Order("damage.reported_at", "damage.id").Limit(watchBatch).Scan(ctx)
	return out, err
}
