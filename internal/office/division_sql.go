package office

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// orElse turns "no row" into the given refusal.
func orElse(err error, refusal *fault.Error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return refusal
	}
	return err
}

// FindDivision gives the division now standing for a code: a replaced code
// resolves to the one that took over (INS-205). Refuses with division_unknown.
func FindDivision(ctx context.Context, q bun.IDB, code string) (Division, error) {
	var v Division
	err := q.NewSelect().Model(&v).Where("code = ?", code).Scan(ctx)
	if err == nil && v.ReplacedBy != "" {
		return FindDivision(ctx, q, v.ReplacedBy)
	}
	return v, orElse(err, fault.Refuse(fault.NotFound, "division_unknown",
		"没有代码为 %s 的区划，请从列表中选择", "there is no division %s; choose one from the list", code))
}

// ListDivisions gives all divisions by code, replaced ones too.
func ListDivisions(ctx context.Context, q bun.IDB) ([]Division, error) {
	var all []Division
	err := q.NewSelect().Model(&all).Order("code").Scan(ctx)
	return all, err
}

// Ancestors gives the division that stands for a code, then its parent, and so
// on to the top. Refuses with division_unknown.
func Ancestors(ctx context.Context, q bun.IDB, code string) ([]Division, error) {
	site, err := FindDivision(ctx, q, code)
	if err != nil {
		return nil, err
	}
	var all []Division
	err = q.NewRaw(`WITH RECURSIVE up (code, parent, depth) AS (
		SELECT code, parent, 0 FROM divisions WHERE code = ?
		UNION ALL
		SELECT d.code, d.parent, up.depth + 1 FROM up JOIN divisions d ON d.code = up.parent
	)
	SELECT d.* FROM up JOIN divisions d ON d.code = up.code ORDER BY up.depth`, site.Code).Scan(ctx, &all)
	return all, err
}

// insertDivisions adds those that are not there yet and tells how many.
func insertDivisions(ctx context.Context, tx bun.IDB, all []Division) (int64, error) {
	res, err := tx.NewInsert().Model(&all).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
