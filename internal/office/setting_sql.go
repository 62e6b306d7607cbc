package office

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// approvedSettings gives the approved rows of all scopes that s names, in the
// order of taking effect. There are some hundreds at most.
func approvedSettings(ctx context.Context, q bun.IDB, s Scope) ([]Setting, error) {
	var rows []Setting
	err := q.NewSelect().Model(&rows).Where("state = ?", Approved).
		WhereGroup(" AND ", func(w *bun.SelectQuery) *bun.SelectQuery {
			for _, kind := range scopeKinds {
				w.WhereOr("scope_kind = ? AND scope_id = ?", kind, s.ids()[kind])
			}
			return w
		}).
		Order("effective_from", "decided_at", "id").Scan(ctx)
	return rows, err
}

// settingsBy gives what inForce looks at, and no more, of the approved rows that
// took effect by an instant: every act on a visit reads them.
func settingsBy(ctx context.Context, q bun.IDB, at time.Time, s Scope, departments []string) ([]Setting, error) {
	var rows []Setting
	err := q.NewSelect().Model(&rows).Column("key", "scope_kind", "scope_id", "value").
		Where("state = ? AND effective_from <= ?", Approved, at).
		WhereGroup(" AND ", func(w *bun.SelectQuery) *bun.SelectQuery {
			for _, kind := range scopeKinds {
				w.WhereOr("scope_kind = ? AND scope_id = ?", kind, s.ids()[kind])
			}
			if len(departments) > 0 {
				w.WhereOr("scope_kind = 'department' AND scope_id IN (?)", bun.List(departments))
			}
			return w
		}).
		Order("effective_from", "decided_at", "id").Scan(ctx)
	return rows, err
}

// ListProposedSettings gives what waits for a second person, the oldest first.
func ListProposedSettings(ctx context.Context, q bun.IDB) ([]Setting, error) {
	var rows []Setting
	err := q.NewSelect().Model(&rows).Where("state = ?", Proposed).Order("set_at", "id").Scan(ctx)
	return rows, err
}

func findSetting(ctx context.Context, q bun.IDB, id string) (Setting, error) {
	return find[Setting](ctx, q, column{"id", id}, proposalUnknown())
}

func insertSetting(ctx context.Context, tx bun.IDB, row Setting) error {
	_, err := tx.NewInsert().Model(&row).Exec(ctx)
	return err
}

// insertDefaults adds the rows that are not there yet and tells how many.
func insertDefaults(ctx context.Context, tx bun.IDB, rows []Setting) (int64, error) {
	res, err := tx.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func updateSetting(ctx context.Context, tx bun.IDB, row Setting) error {
	res, err := tx.NewUpdate().Model(&row).Column("effective_from", "state", "decided_by", "decided_at").
		WherePK().Where("state = ?", Proposed).Exec(ctx)
	return changed(res, err, decided())
}
