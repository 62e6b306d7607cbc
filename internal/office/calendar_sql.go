package office

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// newestCalendar gives the approved import with the highest version.
func newestCalendar(ctx context.Context, q bun.IDB) (CalendarImport, error) {
	var c CalendarImport
	err := q.NewSelect().Model(&c).Where("version IS NOT NULL").Order("version DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.Refuse(fault.Unavailable, "calendar_none",
			"尚未导入工作日历，请管理员先完成初始化", "no working calendar has been imported; ask the administrator to finish the installation")
	}
	return c, err
}

// CalendarVersionNow gives the number of the newest approved version, 0 before
// anything was imported.
func CalendarVersionNow(ctx context.Context, q bun.IDB) (version int, err error) {
	err = q.NewSelect().Model((*CalendarImport)(nil)).ColumnExpr("coalesce(max(version), 0)").Scan(ctx, &version)
	return version, err
}

// FindCalendar gives the import that became a version, for the settings page
// and for bundles. Refuses with calendar_unknown.
func FindCalendar(ctx context.Context, q bun.IDB, version int) (CalendarImport, error) {
	var c CalendarImport
	err := q.NewSelect().Model(&c).Where("version = ?", version).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.Refuse(fault.NotFound, "calendar_unknown",
			"没有第 %d 版日历，请从列表中选择", "there is no calendar version %d; choose one from the list", version)
	}
	return c, err
}

// ListCalendars gives all imports, the latest first, without their content.
func ListCalendars(ctx context.Context, q bun.IDB) ([]CalendarImport, error) {
	var all []CalendarImport
	err := q.NewSelect().Model(&all).ExcludeColumn("content").Order("imported_at DESC", "id").Scan(ctx)
	return all, err
}

func findImport(ctx context.Context, q bun.IDB, id string) (CalendarImport, error) {
	return find[CalendarImport](ctx, q, column{"id", id}, proposalUnknown())
}

func insertCalendar(ctx context.Context, tx bun.IDB, c CalendarImport) error {
	res, err := tx.NewInsert().Model(&c).On("CONFLICT DO NOTHING").Exec(ctx)
	return changed(res, err, fault.Refuse(fault.Conflict, "calendar_waiting",
		"已有一份日历等待审核，请先审核或退回那一份", "another calendar waits for its second person; approve or reject that one first"))
}

func decideImport(ctx context.Context, tx bun.IDB, c CalendarImport) error {
	res, err := tx.NewUpdate().Model(&c).Column("version", "state", "decided_by", "decided_at").
		WherePK().Where("state = ?", Proposed).Exec(ctx)
	return changed(res, err, decided())
}

// nextVersion needs no lock: only one import waits at a time, and the guard of
// decideImport lets one decision through.
func nextVersion(ctx context.Context, tx bun.IDB) (int, error) {
	last, err := CalendarVersionNow(ctx, tx)
	return last + 1, err
}
