package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
)

var loanOpenStates = []LoanState{LoanGranted, LoanOut}

func insertLoan(ctx context.Context, tx bun.IDB, l *Loan) error {
	if _, err := tx.NewInsert().Model(l).Exec(ctx); err != nil {
		return fmt.Errorf("insert loan: %w", err)
	}
	return nil
}

func findLoan(ctx context.Context, q bun.IDB, id string) (l Loan, err error) {
	err = found(q.NewSelect().Model(&l).Where("id = ?", id).Scan(ctx))
	return l, err
}

// openLoan gives the loan of an original that still counts, empty if none.
func openLoan(ctx context.Context, q bun.IDB, itemID string) (l Loan, err error) {
	err = q.NewSelect().Model(&l).Where("item_id = ? AND state IN (?)", itemID, bun.List(loanOpenStates)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Loan{}, nil
	}
	return l, err
}

func updateLoan(ctx context.Context, tx bun.IDB, l *Loan, from LoanState) error {
	res, err := tx.NewUpdate().Model(l).Column("state", "borrowed_at", "ended_at", "ended_by").Set("version = version + 1").
		Where("id = ? AND version = ? AND state = ?", l.ID, l.Version, from).Exec(ctx)
	if err := exactlyOne(res, err, loanOver); err != nil {
		return err
	}
	l.Version++
	return nil
}

func loansOf(ctx context.Context, q bun.IDB, itemIDs []string) (out []Loan, err error) {
	if len(itemIDs) == 0 {
		return nil, nil
	}
	err = q.NewSelect().Model(&out).Where("item_id IN (?)", bun.List(itemIDs)).Order("granted_at DESC", "id").Scan(ctx)
	return out, err
}

func loansDue(ctx context.Context, q bun.IDB, day string, limit int) (out []Loan, err error) {
	err = q.NewSelect().Model(&out).Relation("Item").Where("?TableAlias.state = ? AND ?TableAlias.due_on <= ?", LoanOut, day).
		OrderExpr("?TableAlias.due_on, ?TableAlias.id").Limit(int64(limit)).Scan(ctx)
	return out, err
}

func listLoans(ctx context.Context, q bun.IDB, by auth.Actor) (out []Loan, err error) {
	s := q.NewSelect().Model(&out).Relation("Item").Where("?TableAlias.state IN (?)", bun.List(loanOpenStates)).
		OrderExpr("?TableAlias.due_on, ?TableAlias.id").Limit(200)
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
	case atWindow(by):
		s = s.Where("?TableAlias.centre_id = ?", by.Centre)
	case ofDepartment(by, by.Department):
		s = s.Where("(?TableAlias.lender_id = ? OR ?TableAlias.borrower_id = ?)", by.Department, by.Department)
	default:
		s = s.Where("1 = 0")
	}
	return out, s.Scan(ctx)
}

// LentOut says which of the originals are with a borrower now.
func LentOut(ctx context.Context, q bun.IDB, itemIDs []string) (map[string]bool, error) {
	var ids []string
	err := q.NewSelect().Model((*Loan)(nil)).Column("item_id").Where("state = ? AND item_id IN (?)", LoanOut, bun.List(itemIDs)).Scan(ctx, &ids)
	out := map[string]bool{}
	for _, id := range ids {
		out[id] = true
	}
	return out, err
}
