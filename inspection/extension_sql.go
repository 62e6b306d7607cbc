package inspection

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"lianban/internal/db"
)

// lockCase reads a case and keeps others from changing it until the commit. SQLite has
// one writer, so only PostgreSQL needs the lock (DB-12).
func lockCase(ctx context.Context, tx bun.IDB, id string) (Case, error) {
	if db.Postgres(tx) {
		if _, err := tx.NewSelect().Model((*Case)(nil)).Column("id").Where("id = ?", id).For("NO KEY UPDATE").Exec(ctx); err != nil {
			return Case{}, err
		}
	}
	return findCase(ctx, tx, id)
}

// insertExtension adds one; the database refuses a second for a limit (INS-1115).
func insertExtension(ctx context.Context, tx bun.IDB, e *Extension) error {
	fresh, err := insertNew(ctx, tx, e)
	if err == nil && !fresh {
		return movedOn("bad_move")
	}
	return err
}

// listExtensions gives those of a case, the first one first.
func listExtensions(ctx context.Context, q bun.IDB, caseID string) (out []Extension, err error) {
	err = q.NewSelect().Model(&out).Where("case_id = ?", caseID).Order("asked_at", "id").Scan(ctx)
	return out, err
}

func findExtension(ctx context.Context, q bun.IDB, id string) (e Extension, err error) {
	err = q.NewSelect().Model(&e).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return e, notFound()
	}
	return e, err
}

func closeExtension(ctx context.Context, tx bun.IDB, e Extension) error {
	res, err := tx.NewUpdate().Model(&e).Column("outcome", "decision", "document", "document_date", "decided_by", "decided_name", "decided_at").
		Where("id = ? AND outcome = ''", e.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// openExtensionsOf are the cases of a department that wait for the decision on an
// extension, the longest waiting first.
func openExtensionsOf(ctx context.Context, q bun.IDB, department string) (cases []string, err error) {
	err = q.NewSelect().Model((*Extension)(nil)).Column("case_id").Where("outcome = ''").
		Where("case_id IN (?)", q.NewSelect().Model((*CaseDepartment)(nil)).Column("case_id").Where("department_id = ? AND included", department)).
		Order("asked_at", "id").Scan(ctx, &cases)
	return cases, err
}
