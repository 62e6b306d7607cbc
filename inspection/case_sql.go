package inspection

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// nextNumber takes the next number of a series on the caller's transaction, so
// that a series has no gaps (INS-1103). format gets scope, year and number.
func nextNumber(ctx context.Context, tx bun.IDB, name string, now time.Time, format string) (string, error) {
	numbers, err := nextNumbers(ctx, tx, name, now, format, 1)
	if err != nil {
		return "", err
	}
	return numbers[0], nil
}

// nextNumbers takes n numbers in a row.
func nextNumbers(ctx context.Context, tx bun.IDB, name string, now time.Time, format string, n int) ([]string, error) {
	year := workday.DateOf(now).Year
	key := fmt.Sprintf("%s/%d", name, year)
	var last int
	err := tx.NewRaw(`INSERT INTO series (name, last) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET last = series.last + EXCLUDED.last RETURNING last`, key, n).Scan(ctx, &last)
	if err != nil {
		return nil, fmt.Errorf("take a number of %s: %w", key, err)
	}
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, afterSlash(name), year, last-n+1+i)
	}
	return out, nil
}

func afterSlash(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return name[i+1:]
		}
	}
	return name
}

func insertCase(ctx context.Context, tx bun.IDB, c *Case) error {
	res, err := tx.NewInsert().Model(c).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("insert case: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, fault.Refuse(fault.Conflict, "case_exists",
			"该外部办件号已经登记过，请查询原办件", "a case with this external id exists already; look it up instead"))
	}
	return insertCaseDepartments(ctx, tx, c)
}

func insertCaseDepartments(ctx context.Context, tx bun.IDB, c *Case) error {
	for i := range c.Departments {
		c.Departments[i].CaseID = c.ID
	}
	if len(c.Departments) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&c.Departments).Exec(ctx)
	return err
}

func findCase(ctx context.Context, q bun.IDB, id string) (Case, error) {
	var c Case
	err := q.NewSelect().Model(&c).Where("id = ?", id).
		Relation("Departments", func(s *bun.SelectQuery) *bun.SelectQuery { return s.Order("lead DESC", "system") }).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return c, notFound()
	}
	return c, err
}

// updateCase writes the derived list and answers anew, guarded by version.
func updateCase(ctx context.Context, tx bun.IDB, c *Case) error {
	res, err := tx.NewUpdate().Model(c).Column("answers", "state").Set("version = version + 1").
		Where("id = ? AND version = ?", c.ID, c.Version).Exec(ctx)
	if err := exactlyOne(res, err, "case_changed"); err != nil {
		return err
	}
	c.Version++
	if _, err := tx.NewDelete().Model((*CaseDepartment)(nil)).Where("case_id = ?", c.ID).Exec(ctx); err != nil {
		return err
	}
	return insertCaseDepartments(ctx, tx, c)
}

// bookCase says that a visit is booked, unless the case has changed since it
// was read: a department added meanwhile would be left out (INS-305).
func bookCase(ctx context.Context, tx bun.IDB, c Case) error {
	res, err := tx.NewUpdate().Model((*Case)(nil)).Set("state = ?", CaseVisiting).Set("version = version + 1").
		Where("id = ? AND version = ?", c.ID, c.Version).Exec(ctx)
	return exactlyOne(res, err, "case_changed")
}

// handCaseOver says that all results of a case are on their way; moved is false
// if that was known, or while a visit is still under way.
func handCaseOver(ctx context.Context, tx bun.IDB, id string) (moved bool, err error) {
	res, err := tx.NewUpdate().Model((*Case)(nil)).Set("state = ?", CaseHandedOver).Set("version = version + 1").
		Where("id = ? AND state IN (?)", id, bun.List([]CaseState{CaseVisited, CaseNoVisit})).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// settleCase says anew where a case stands after one of its visits has ended.
// It locks the case, after the visit (DB-12), so that two visits ending at once
// see each other.
func settleCase(ctx context.Context, tx bun.IDB, id string) error {
	if db.Postgres(tx) {
		if _, err := tx.NewSelect().Model((*Case)(nil)).Column("id").Where("id = ?", id).For("UPDATE").Exec(ctx); err != nil {
			return err
		}
	}
	c, err := findCase(ctx, tx, id)
	if err != nil {
		return err
	}
	var visits []VisitState
	if err := tx.NewSelect().Model((*Visit)(nil)).Column("state").Where("case_id = ?", id).Scan(ctx, &visits); err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*Case)(nil)).Set("state = ?", stateAfter(c, visits)).Set("version = version + 1").
		Where("id = ?", id).Exec(ctx)
	return err
}

// exactlyOne turns "no row matched the guard" into a conflict (STY-19).
func exactlyOne(res sql.Result, err error, code string) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n != 1 {
		return movedOn(code)
	}
	return nil
}

func movedOn(code string) *fault.Error {
	if code == "case_changed" {
		return fault.Refuse(fault.Conflict, "case_changed",
			"办件已被他人修改，请刷新后再改", "someone else changed this case; read it again and repeat your change")
	}
	return fault.Refuse(fault.Conflict, "bad_move",
		"状态已变化，请刷新后再操作", "the state has moved on; read it again before acting")
}

// casesOfApplicant are the cases that applicants of one name have at a centre.
func casesOfApplicant(ctx context.Context, q bun.IDB, centre, name string) (out []Case, err error) {
	err = q.NewSelect().Model(&out).Where("centre_id = ? AND applicant_name = ?", centre, name).Order("id").Scan(ctx)
	return out, err
}

// lockCasesOfApplicant keeps others from taking something in for these applicants until the
// commit (DB-12); SQLite has one writer and needs no lock.
func lockCasesOfApplicant(ctx context.Context, tx bun.IDB, centre, name string) error {
	if !db.Postgres(tx) {
		return nil
	}
	var ids []string
	return tx.NewSelect().Model((*Case)(nil)).Column("id").Where("centre_id = ? AND applicant_name = ?", centre, name).Order("id").For("UPDATE").Scan(ctx, &ids)
}
