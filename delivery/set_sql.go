package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
)

func insertLines(ctx context.Context, tx bun.IDB, lines []ResultLine) error {
	if _, err := tx.NewInsert().Model(&lines).Exec(ctx); err != nil {
		return fmt.Errorf("insert result lines: %w", err)
	}
	return nil
}

// linesOf gives the lines of a case in the order in which they came to be owed.
func linesOf(ctx context.Context, q bun.IDB, caseID string) (out []ResultLine, err error) {
	err = q.NewSelect().Model(&out).Where("case_id = ?", caseID).Order("expected_at", "id").Scan(ctx)
	return out, err
}

// lockLines is linesOf that keeps others from moving the lines until the commit.
// Lines come first in the order of locks, then transfers, then items by their
// id (DB-12); SQLite has one writer and needs no lock.
func lockLines(ctx context.Context, tx bun.IDB, caseID string) (out []ResultLine, err error) {
	q := tx.NewSelect().Model(&out).Where("case_id = ?", caseID).Order("id")
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	return out, q.Scan(ctx)
}

func findLine(ctx context.Context, q bun.IDB, id string) (ResultLine, error) {
	var l ResultLine
	err := found(q.NewSelect().Model(&l).Where("id = ?", id).Scan(ctx))
	return l, err
}

func lockLine(ctx context.Context, tx bun.IDB, id string) (ResultLine, error) {
	var l ResultLine
	q := tx.NewSelect().Model(&l).Where("id = ?", id)
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	return l, found(q.Scan(ctx))
}

// linesToRemind gives the lines of which their departments are to be reminded
// now, the oldest first.
func linesToRemind(ctx context.Context, q bun.IDB, now time.Time) (ids []string, err error) {
	err = q.NewSelect().Model((*ResultLine)(nil)).Column("id").Where("state = 'expected' AND remind_at IS NOT NULL").
		Where("remind_at <= ?", now).Order("remind_at", "id").Limit(remindBatch).Scan(ctx, &ids)
	return ids, err
}

// found turns "no rows" into not_found.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return notFound()
	}
	return err
}

// moveLine is the guarded move: the act's from-states stand in the WHERE, and
// the version with them (STY-19).
func moveLine(ctx context.Context, tx bun.IDB, l *ResultLine, act string, columns ...string) error {
	move := moveOf(LineMoves, act)
	l.State = move.To
	res, err := tx.NewUpdate().Model(l).Column(append(columns, "state")...).Set("version = version + 1").
		Where("id = ? AND version = ?", l.ID, l.Version).Where("state IN (?)", bun.List(move.From)).Exec(ctx)
	if err := exactlyOne(res, err, lineSettled); err != nil {
		return err
	}
	l.Version++
	return nil
}

// updateLine writes columns of a line that stays where it is.
func updateLine(ctx context.Context, tx bun.IDB, l *ResultLine, columns ...string) error {
	res, err := tx.NewUpdate().Model(l).Column(columns...).Set("version = version + 1").
		Where("id = ? AND version = ?", l.ID, l.Version).Exec(ctx)
	if err := exactlyOne(res, err, lineSettled); err != nil {
		return err
	}
	l.Version++
	return nil
}

// exactlyOne turns "no row matched the guard" into a refusal (STY-19).
func exactlyOne(res sql.Result, err error, refusal func() *fault.Error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n != 1 {
		return refusal()
	}
	return nil
}

func insertChoice(ctx context.Context, tx bun.IDB, c *SetChoice) error {
	_, err := tx.NewInsert().Model(c).Exec(ctx)
	return err
}

func choicesOf(ctx context.Context, q bun.IDB, caseIDs []string) (out []SetChoice, err error) {
	err = q.NewSelect().Model(&out).Where("case_id IN (?)", bun.List(caseIDs)).Order("recorded_at", "id").Scan(ctx)
	return out, err
}

// readable narrows a query on lines to what the actor may read; it says the same
// as mayReadResult, in SQL (SEC-2).
func readable(q *bun.SelectQuery, by auth.Actor) *bun.SelectQuery {
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
		return q
	case atWindow(by):
		return q.Where("centre_id = ?", by.Centre)
	case ofDepartment(by, by.Department):
		return q.Where("department_id = ?", by.Department)
	}
	return q.Where("1 = 0")
}

// like is a substring pattern (STK-23). PostgreSQL takes no NUL in any text.
func like(text string) string {
	return "%" + strings.NewReplacer("\x00", "", `\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(strings.TrimSpace(text))) + "%"
}

func page(limit int) int64 {
	if limit <= 0 {
		return 50
	}
	return int64(min(limit, 200))
}

func searched(q *bun.SelectQuery, search string) *bun.SelectQuery {
	if strings.TrimSpace(search) == "" {
		return q
	}
	p := like(search)
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, column := range []string{"case_number", "matter_name", "applicant", "department"} {
			q = q.WhereOr("lower(?) LIKE ? ESCAPE '\\'", bun.Ident(column), p)
		}
		return q
	})
}

// notYetSent says of a line that it is owed, lies here without a parcel, or went
// as a file that nobody has opened (DEL-242).
const notYetSent = "(state IN ('expected', 'split_out') OR state = 'received' AND parcel_id = '' OR state = 'waived' AND electronic_id <> '' AND served_at IS NULL)"

// casesInHand are the cases whose results are owed or lie here, those that wait
// longest first.
func casesInHand(ctx context.Context, q bun.IDB, by auth.Actor, query SetQuery) (ids []string, err error) {
	s := q.NewSelect().Model((*ResultLine)(nil)).Column("case_id").Where(notYetSent).
		Group("case_id").OrderExpr("min(expected_at), case_id").Limit(page(query.Limit))
	s = searched(readable(s, by), query.Search)
	if query.State == SetBlocked {
		s = s.Having("sum(CASE WHEN state = 'expected' THEN 1 ELSE 0 END) > 0")
	}
	if query.State == SetReady {
		s = s.Having("sum(CASE WHEN state = 'expected' THEN 1 ELSE 0 END) = 0 AND sum(CASE WHEN state = 'received' THEN 1 ELSE 0 END) > 0")
	}
	err = s.Scan(ctx, &ids)
	return ids, err
}

func linesOfCases(ctx context.Context, q bun.IDB, caseIDs []string) (out []ResultLine, err error) {
	err = q.NewSelect().Model(&out).Where("case_id IN (?)", bun.List(caseIDs)).Order("expected_at", "id").Scan(ctx)
	return out, err
}

func listLines(ctx context.Context, q bun.IDB, by auth.Actor, query LineQuery) (out []ResultLine, err error) {
	s := readable(q.NewSelect().Model(&out), by).Order("expected_at", "id").Limit(page(query.Limit))
	if query.State != "" {
		s = s.Where("state = ?", query.State)
	}
	if query.CaseID != "" {
		s = s.Where("case_id = ?", query.CaseID)
	}
	return out, searched(s, query.Search).Scan(ctx)
}

// listHolders are the departments that keep cases back, with how many and since
// when (DEL-305). What a department has handed over waits for the window, not
// for the department.
func listHolders(ctx context.Context, q bun.IDB, by auth.Actor) (out []Holder, err error) {
	s := q.NewSelect().Model((*ResultLine)(nil)).Column("department_id", "department").
		ColumnExpr("count(DISTINCT case_id) AS cases").ColumnExpr("min(expected_at) AS oldest").
		Where("state = ?", LineExpected).
		Where("NOT EXISTS (SELECT 1 FROM transfers AS t WHERE t.line_id = ?TableAlias.id AND t.state = ?)", Released).
		Group("department_id", "department").
		OrderExpr("cases DESC, oldest, department_id").Limit(200)
	err = readable(s, by).Scan(ctx, &out)
	return out, err
}
