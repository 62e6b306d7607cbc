package inspection

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// FindMatter finds one version, for a Case that was accepted under it (INS-301).
// Refusal: matter_unknown.
func FindMatter(ctx context.Context, q bun.IDB, code string, version int) (Matter, error) {
	var m Matter
	err := selectMatters(q, &m).Where("code = ? AND version = ?", code, version).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return m, matterUnknown(code)
	}
	return m, err
}

// MatterAt finds the version in force at an instant: of those that have begun by
// that day in Shanghai the one that began last. Refusals: matter_unknown,
// matter_not_in_force when it has not begun or has ended.
func MatterAt(ctx context.Context, q bun.IDB, code string, at time.Time) (Matter, error) {
	var m Matter
	day := workday.DateOf(at)
	err := inForce(selectMatters(q, &m), day).Where("matter.code = ?", code).Scan(ctx)
	if !errors.Is(err, sql.ErrNoRows) {
		return m, err
	}
	latest, err := latestVersion(ctx, q, code)
	if err != nil {
		return m, err
	}
	if latest == 0 {
		return m, matterUnknown(code)
	}
	return m, fault.Refuse(fault.Invalid, "matter_not_in_force",
		"事项 %s 在 %s 尚未生效或已经停用，请选择现行事项", "matter %s is not in force on %s; choose one that is", code, day)
}

// MatterQuery says which matters to list.
type MatterQuery struct {
	At     time.Time // versions in force at this instant
	Search string    // words, each of which stands in code, name or permits; "" for all
}

// ListMatters lists the matters in force, by code, with their rules.
func ListMatters(ctx context.Context, q bun.IDB, want MatterQuery) ([]Matter, error) {
	var out []Matter
	query := inForce(selectMatters(q, &out), workday.DateOf(want.At)).Order("matter.code")
	for word := range strings.FieldsSeq(strings.ToLower(want.Search)) {
		query = query.Where(`matter.search LIKE ? ESCAPE '\'`, "%"+likeEscaper.Replace(word)+"%")
	}
	return out, query.Scan(ctx)
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func selectMatters(q bun.IDB, into any) *bun.SelectQuery {
	return q.NewSelect().Model(into).
		Relation("Rules", func(s *bun.SelectQuery) *bun.SelectQuery { return s.Order("position") })
}

// inForce keeps the version that began last by the day, unless it has ended: a
// version that ended does not bring an older one back.
func inForce(query *bun.SelectQuery, day workday.Date) *bun.SelectQuery {
	return query.
		Where("matter.effective_from <= ?", day).
		Where("matter.effective_to IS NULL OR matter.effective_to > ?", day).
		Where(`NOT EXISTS (SELECT 1 FROM matters AS later WHERE later.code = matter.code AND later.effective_from <= ?
			AND (later.effective_from > matter.effective_from
				OR later.effective_from = matter.effective_from AND later.version > matter.version))`, day)
}

func latestVersion(ctx context.Context, q bun.IDB, code string) (int, error) {
	var latest int
	err := q.NewSelect().Model((*Matter)(nil)).ColumnExpr("coalesce(max(version), 0)").Where("code = ?", code).Scan(ctx, &latest)
	return latest, err
}

// insertMatter adds a version. Of two that publish the same number at once the
// second is refused with matter_changed (STY-30).
func insertMatter(ctx context.Context, tx bun.IDB, m *Matter) error {
	res, err := tx.NewInsert().Model(m).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("insert matter %s: %w", m.Code, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n != 1 {
		return matterChanged(m.Code)
	}
	if _, err := tx.NewInsert().Model(&m.Rules).Exec(ctx); err != nil {
		return fmt.Errorf("insert rules of %s: %w", m.Code, err)
	}
	return nil
}

func matterUnknown(code string) *fault.Error {
	return fault.Refuse(fault.NotFound, "matter_unknown",
		"没有编码为“%s”的事项，请从事项清单中选择", "there is no matter %q; choose one of the list", code)
}

func matterChanged(code string) *fault.Error {
	return fault.Refuse(fault.Conflict, "matter_changed",
		"事项 %s 已有更新的版本，请读取最新版本后重新修改", "matter %s has a newer version; read it and repeat your change", code)
}
