package delivery

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
)

func insertTransfer(ctx context.Context, tx bun.IDB, t *Transfer) error {
	if _, err := tx.NewInsert().Model(t).Exec(ctx); err != nil {
		return fmt.Errorf("insert transfer: %w", err)
	}
	return nil
}

func insertTransferItems(ctx context.Context, tx bun.IDB, items []TransferItem) error {
	if _, err := tx.NewInsert().Model(&items).Exec(ctx); err != nil {
		return fmt.Errorf("insert transfer items: %w", err)
	}
	return nil
}

// openTransferOf gives the number of the open transfer of a line, "" if none.
func openTransferOf(ctx context.Context, tx bun.IDB, lineID string) (string, error) {
	var numbers []string
	err := tx.NewSelect().Model((*Transfer)(nil)).Column("number").Where("line_id = ? AND state = ?", lineID, Released).Scan(ctx, &numbers)
	return strings.Join(numbers, ", "), err
}

func openTransfers(ctx context.Context, q bun.IDB, caseIDs []string) (out []Transfer, err error) {
	err = q.NewSelect().Model(&out).Where("case_id IN (?) AND state = ?", bun.List(caseIDs), Released).Order("due_at", "id").Scan(ctx)
	return out, err
}

func findTransfer(ctx context.Context, q bun.IDB, id string) (TransferView, error) {
	var v TransferView
	if err := found(q.NewSelect().Model(&v.Transfer).Where("id = ?", id).Scan(ctx)); err != nil {
		return v, err
	}
	items, err := transferItems(ctx, q, []string{id})
	if err != nil {
		return v, err
	}
	v.Items = items[id]
	return v, q.NewSelect().Model(&v.Extras).Where("transfer_id = ?", id).Order("found_at", "id").Scan(ctx)
}

// transferItems gives the items of transfers, by transfer.
func transferItems(ctx context.Context, q bun.IDB, ids []string) (map[string][]TransferItem, error) {
	out := map[string][]TransferItem{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []TransferItem
	err := q.NewSelect().Model(&rows).Relation("Item").Where("?TableAlias.transfer_id IN (?)", bun.List(ids)).OrderExpr("?TableAlias.item_id").Scan(ctx)
	for _, r := range rows {
		out[r.TransferID] = append(out[r.TransferID], r)
	}
	return out, err
}

// lockTransfer locks the line, then the transfer, then its items (DB-12).
func lockTransfer(ctx context.Context, tx bun.IDB, id string) (ResultLine, TransferView, error) {
	var v TransferView
	if err := found(tx.NewSelect().Model(&v.Transfer).Where("id = ?", id).Scan(ctx)); err != nil {
		return ResultLine{}, v, err
	}
	l, err := lockLine(ctx, tx, v.LineID)
	if err != nil {
		return l, v, err
	}
	v = TransferView{}
	q := tx.NewSelect().Model(&v.Transfer).Where("id = ?", id)
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	if err := found(q.Scan(ctx)); err != nil {
		return l, v, err
	}
	var ids []string
	err = tx.NewSelect().Model((*TransferItem)(nil)).Column("item_id").Where("transfer_id = ?", id).Scan(ctx, &ids)
	if err != nil {
		return l, v, err
	}
	items, err := lockItems(ctx, tx, ids)
	for _, i := range items {
		v.Items = append(v.Items, TransferItem{TransferID: id, ItemID: i.ID, Item: &i})
	}
	return l, v, err
}

// moveTransfer is the guarded move (STY-19).
func moveTransfer(ctx context.Context, tx bun.IDB, t *Transfer, act string) error {
	move := moveOf(TransferMoves, act)
	t.State = move.To
	res, err := tx.NewUpdate().Model(t).Column("state", "ended_at", "ended_by", "ended_name", "note").Set("version = version + 1").
		Where("id = ? AND version = ?", t.ID, t.Version).Where("state IN (?)", bun.List(move.From)).Exec(ctx)
	if err := exactlyOne(res, err, func() *fault.Error { return transferOver(*t) }); err != nil {
		return err
	}
	t.Version++
	return nil
}

func updateOutcomes(ctx context.Context, tx bun.IDB, items []TransferItem) error {
	for _, i := range items {
		_, err := tx.NewUpdate().Model(&i).Column("outcome", "note").WherePK().Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

func transfersOfLine(ctx context.Context, q bun.IDB, lineID string) ([]TransferView, error) {
	var rows []Transfer
	if err := q.NewSelect().Model(&rows).Where("line_id = ?", lineID).Order("released_at DESC", "id DESC").Scan(ctx); err != nil {
		return nil, err
	}
	return withItems(ctx, q, rows)
}

func withItems(ctx context.Context, q bun.IDB, rows []Transfer) ([]TransferView, error) {
	ids := make([]string, len(rows))
	for n, t := range rows {
		ids[n] = t.ID
	}
	items, err := transferItems(ctx, q, ids)
	out := make([]TransferView, len(rows))
	for n, t := range rows {
		out[n] = TransferView{Transfer: t, Items: items[t.ID]}
	}
	return out, err
}

// scanTransfer finds the transfer of a number, its own or that of an item; an
// item that was handed over several times leads to the last one.
func scanTransfer(ctx context.Context, q bun.IDB, number string) (Transfer, error) {
	var t Transfer
	err := q.NewSelect().Model(&t).ModelTableExpr("transfers AS t").ColumnExpr("t.*").
		Where("t.number = ? OR t.id IN (SELECT ti.transfer_id FROM transfer_items AS ti JOIN items AS i ON i.id = ti.item_id WHERE i.number = ?)", number, number).
		Order("t.released_at DESC", "t.id DESC").Limit(1).Scan(ctx)
	return t, found(err)
}

func listTransfers(ctx context.Context, q bun.IDB, by auth.Actor, query TransferQuery) ([]TransferView, error) {
	var rows []Transfer
	s := q.NewSelect().Model(&rows).OrderExpr("CASE WHEN state = 'released' THEN 0 ELSE 1 END").
		OrderExpr("CASE WHEN state = 'released' THEN due_at END").OrderExpr("released_at DESC, id DESC").Limit(page(query.Limit))
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
	case atWindow(by):
		s = s.Where("centre_id = ?", by.Centre)
	case ofDepartment(by, by.Department):
		s = s.Where("from_kind = ? AND from_id = ?", AtDepartment, by.Department)
	default:
		s = s.Where("1 = 0")
	}
	if query.State != "" {
		s = s.Where("state = ?", query.State)
	}
	if query.Unexplained {
		s = s.Where("id IN (SELECT e.transfer_id FROM transfer_extras AS e WHERE e.explained_at IS NULL)")
	}
	if strings.TrimSpace(query.Search) != "" {
		p := like(query.Search)
		s = s.Where("(lower(number) LIKE ? ESCAPE '\\' OR lower(case_number) LIKE ? ESCAPE '\\' OR from_name LIKE ? ESCAPE '\\')", p, p, p)
	}
	if err := s.Scan(ctx); err != nil {
		return nil, err
	}
	return withItems(ctx, q, rows)
}

func insertTransferExtras(ctx context.Context, tx bun.IDB, extras []TransferExtra) error {
	if len(extras) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&extras).Exec(ctx)
	return err
}

func findTransferExtra(ctx context.Context, q bun.IDB, id string) (e TransferExtra, err error) {
	err = found(q.NewSelect().Model(&e).Where("id = ?", id).Scan(ctx))
	return e, err
}

func explainTransferExtra(ctx context.Context, tx bun.IDB, e *TransferExtra) error {
	res, err := tx.NewUpdate().Model(e).Column("number", "item_id", "answer", "explained_at", "explained_by", "explained_name", "explanation").
		Where("id = ? AND explained_at IS NULL", e.ID).Exec(ctx)
	return exactlyOne(res, err, extraExplained)
}
