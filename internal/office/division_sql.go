package office

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// find reads the row whose column has the value, or gives the refusal. A value
// with a NUL is in no row, and bun will not write one into a statement.
func find[T any](ctx context.Context, q bun.IDB, c column, unknown *fault.Error) (T, error) {
	var row T
	if strings.Contains(c.value, "\x00") {
		return row, unknown
	}
	err := q.NewSelect().Model(&row).Where("? = ?", bun.Ident(c.name), c.value).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = unknown
	}
	return row, err
}

type column struct{ name, value string }

// changed gives the refusal for a statement that changed no row (STY-19).
func changed(res sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return none
}

// FindDivision gives the division now standing for a code: a replaced code
// resolves to the one that took over (INS-205). Refuses with division_unknown.
func FindDivision(ctx context.Context, q bun.IDB, code string) (Division, error) {
	v, err := find[Division](ctx, q, column{"code", code}, divisionUnknown(code))
	if err == nil && v.ReplacedBy != "" {
		return FindDivision(ctx, q, v.ReplacedBy)
	}
	return v, err
}

func divisionUnknown(code string) *fault.Error {
	return fault.Refuse(fault.NotFound, "division_unknown",
		"没有代码为 %q 的区划，请从列表中选择", "there is no division %q; choose one from the list", code)
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
	var all []Division
	if !strings.Contains(code, "\x00") { // see find
		err := q.NewRaw(`WITH RECURSIVE up (code, parent, depth) AS (
			SELECT code, parent, 0 FROM divisions WHERE code = ?
			UNION ALL
			SELECT d.code, d.parent, up.depth + 1 FROM up JOIN divisions d ON d.code = up.parent
		)
		SELECT d.* FROM up JOIN divisions d ON d.code = up.code ORDER BY up.depth`, code).Scan(ctx, &all)
		if err != nil {
			return nil, err
		}
	}
	switch {
	case len(all) == 0:
		return nil, divisionUnknown(code)
	case all[0].ReplacedBy != "": // INS-205
		return Ancestors(ctx, q, all[0].ReplacedBy)
	}
	return all, nil
}

// Below gives the codes asked for and all that lie below them, together with
// the codes that replaced them or that they replaced (SEC-2, INS-205).
func Below(ctx context.Context, q bun.IDB, codes []string) ([]string, error) {
	all, err := ListDivisions(ctx, q)
	in := map[string]bool{}
	for _, code := range codes {
		in[code] = true
	}
	for before := -1; before != len(in); {
		before = len(in)
		for _, v := range all {
			if in[v.Parent] || in[v.ReplacedBy] {
				in[v.Code] = true
			}
			if in[v.Code] && v.ReplacedBy != "" {
				in[v.ReplacedBy] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(in)), err
}

func insertDivision(ctx context.Context, tx bun.IDB, v Division) error {
	res, err := tx.NewInsert().Model(&v).On("CONFLICT DO NOTHING").Exec(ctx)
	return changed(res, err, fault.Refuse(fault.Conflict, "division_exists",
		"区划代码 %s 已经存在，请检查代码", "division %s is already there; check the code", v.Code))
}

// insertDivisions adds those that are not there yet and tells how many.
func insertDivisions(ctx context.Context, tx bun.IDB, all []Division) (int64, error) {
	res, err := tx.NewInsert().Model(&all).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
