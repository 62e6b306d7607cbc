package office

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// FindCentre refuses with centre_unknown.
func FindCentre(ctx context.Context, q bun.IDB, id string) (Centre, error) {
	return find[Centre](ctx, q, column{"id", id}, fault.Refuse(fault.NotFound, "centre_unknown",
		"没有这个政务服务中心，请从列表中选择", "there is no such centre; choose one from the list"))
}

// ListCentres gives all centres by division and name.
func ListCentres(ctx context.Context, q bun.IDB) ([]Centre, error) {
	var all []Centre
	err := q.NewSelect().Model(&all).Order("division", "name", "id").Scan(ctx)
	return all, err
}

// FindWindow refuses with window_unknown.
func FindWindow(ctx context.Context, q bun.IDB, id string) (Window, error) {
	return find[Window](ctx, q, column{"id", id}, fault.Refuse(fault.NotFound, "window_unknown",
		"没有这个窗口，请从列表中选择", "there is no such window; choose one from the list"))
}

// ListWindows gives the windows of a centre by number, of all centres when
// centre is empty.
func ListWindows(ctx context.Context, q bun.IDB, centre string) ([]Window, error) {
	var all []Window
	query := q.NewSelect().Model(&all).Order("centre_id", "number")
	if centre != "" {
		query.Where("centre_id = ?", centre)
	}
	err := query.Scan(ctx)
	return all, err
}

// FindDepartment refuses with department_unknown.
func FindDepartment(ctx context.Context, q bun.IDB, id string) (Department, error) {
	return find[Department](ctx, q, column{"id", id}, departmentUnknown())
}

func departmentUnknown() *fault.Error {
	return fault.Refuse(fault.NotFound, "department_unknown",
		"没有这个部门，请从列表中选择", "there is no such department; choose one from the list")
}

// DepartmentsByID gives each of the departments named, by id (STY-21). Refuses
// with department_unknown when one is missing.
func DepartmentsByID(ctx context.Context, q bun.IDB, ids []string) (map[string]Department, error) {
	out := make(map[string]Department, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	all, err := ListDepartments(ctx, q, DepartmentQuery{IDs: ids})
	if err != nil {
		return nil, err
	}
	for _, dep := range all {
		out[dep.ID] = dep
	}
	for _, id := range ids {
		if _, ok := out[id]; !ok {
			return nil, departmentUnknown()
		}
	}
	return out, nil
}

// ListDepartments gives the departments asked for, by division and system.
func ListDepartments(ctx context.Context, q bun.IDB, by DepartmentQuery) ([]Department, error) {
	var all []Department
	query := q.NewSelect().Model(&all).Order("division", "system")
	if by.System != "" {
		query.Where("system = ?", by.System)
	}
	if by.Division != "" {
		query.Where("division = ?", by.Division)
	}
	if by.Level != "" {
		query.Where("level = ?", by.Level)
	}
	if len(by.IDs) > 0 {
		query.Where("id IN (?)", bun.List(by.IDs))
	}
	err := query.Scan(ctx)
	return all, err
}

// Organiser gives the Centre that organises visits to a site, and its first
// window: going up from the site's division, the first Centre that organises
// (INS-202, plan 三(三)3-四 third sentence). The departments' levels play no
// part. Refuses with site_division_missing, division_unknown, no_organiser,
// centre_without_window.
func Organiser(ctx context.Context, q bun.IDB, division string) (Centre, Window, error) {
	if division == "" { // INS-205
		return Centre{}, Window{}, fault.Refuse(fault.Invalid, "site_division_missing",
			"现场地址缺少行政区划，请先选择区划，仅有坐标不能确定由谁组织",
			"the site has no division; choose one first, a point alone does not decide who organises")
	}
	up, err := Ancestors(ctx, q, division)
	if err != nil {
		return Centre{}, Window{}, err
	}
	var centres []Centre
	err = q.NewSelect().Model(&centres).
		Where("division IN (?)", bun.List(codes(up))).Where("organises_visits").Order("id").Scan(ctx)
	if err != nil {
		return Centre{}, Window{}, err
	}
	centre, err := nearest(up, centres)
	if err != nil {
		return Centre{}, Window{}, err
	}
	windows, err := ListWindows(ctx, q, centre.ID)
	if err == nil && len(windows) == 0 {
		// Going further up would let another Centre organise in its place.
		err = fault.Refuse(fault.Conflict, "centre_without_window",
			"%s还没有设置窗口，请管理员先添加窗口", "%s has no window yet; ask the administrator to add one", centre.Name)
	}
	if err != nil {
		return Centre{}, Window{}, err
	}
	return centre, windows[0], nil
}

// CompetentDepartment gives the department of a system that is competent for a
// site when the permit is decided at a level: that of the site's division at
// the level, else the next one above (INS-302). Refuses with division_unknown,
// no_competent_department.
func CompetentDepartment(ctx context.Context, q bun.IDB, system string, level Level, division string) (Department, error) {
	up, err := Ancestors(ctx, q, division)
	if err != nil {
		return Department{}, err
	}
	var all []Department
	err = q.NewSelect().Model(&all).
		Where("system = ?", system).Where("division IN (?)", bun.List(codes(up))).Scan(ctx)
	if err != nil {
		return Department{}, err
	}
	return competent(up, all, system, level)
}

func insertCentre(ctx context.Context, tx bun.IDB, c Centre) error {
	_, err := tx.NewInsert().Model(&c).Exec(ctx)
	return err
}

func insertWindow(ctx context.Context, tx bun.IDB, w Window) error {
	_, err := tx.NewInsert().Model(&w).Exec(ctx)
	return err
}

func insertDepartment(ctx context.Context, tx bun.IDB, dep Department) error {
	_, err := tx.NewInsert().Model(&dep).Exec(ctx)
	return err
}

func updateCentre(ctx context.Context, tx bun.IDB, c Centre) error {
	_, err := tx.NewUpdate().Model(&c).WherePK().Exec(ctx)
	return err
}

func updateDepartment(ctx context.Context, tx bun.IDB, dep Department) error {
	_, err := tx.NewUpdate().Model(&dep).WherePK().Exec(ctx)
	return err
}

func insertClosure(ctx context.Context, tx bun.IDB, c Closure) error {
	res, err := tx.NewInsert().Model(&c).On("CONFLICT DO NOTHING").Exec(ctx)
	return changed(res, err, fault.Refuse(fault.Conflict, "closure_exists",
		"%s 已登记停办，无需重复登记", "%s is already entered as closed; nothing to do", c.Day))
}

func withdrawClosure(ctx context.Context, tx bun.IDB, c Closure) error {
	res, err := tx.NewUpdate().Model(&c).Column("withdrawn_by", "withdrawn_at").
		WherePK().Where("withdrawn_at IS NULL").Exec(ctx)
	return changed(res, err, fault.Refuse(fault.Conflict, "closure_withdrawn",
		"这一天的停办已经撤销，请刷新后核对", "this closure was withdrawn before; reload and check"))
}

// FindClosure gives a closure, withdrawn or not. Refuses with closure_unknown.
func FindClosure(ctx context.Context, q bun.IDB, id string) (Closure, error) {
	return find[Closure](ctx, q, column{"id", id}, fault.Refuse(fault.NotFound, "closure_unknown",
		"没有这条停办记录，请刷新后核对", "there is no such closure; reload and check"))
}

// ListStanding gives the closures of all places from a day on that were not
// withdrawn, by day.
func ListStanding(ctx context.Context, q bun.IDB, from workday.Date) ([]Closure, error) {
	var all []Closure
	err := q.NewSelect().Model(&all).Where("day >= ?", from.String()).Where("withdrawn_at IS NULL").
		Order("day", "centre_id", "department_id").Scan(ctx)
	return all, err
}

// ClosedDays gives the days, from one to another and both included, on which
// each of the departments is shut (INS-502).
func ClosedDays(ctx context.Context, q bun.IDB, departments []string, from, to workday.Date) (map[string][]workday.Date, error) {
	if len(departments) == 0 {
		return nil, nil
	}
	var all []Closure
	err := q.NewSelect().Model(&all).Where("department_id IN (?)", bun.List(departments)).
		Where("day BETWEEN ? AND ?", from.String(), to.String()).Where("withdrawn_at IS NULL").Order("day").Scan(ctx)
	out := map[string][]workday.Date{}
	for _, c := range all {
		out[c.Department] = append(out[c.Department], c.Day)
	}
	return out, err
}

// ListClosures gives the closures that stood at an instant for a centre, those
// of the city among them, by day.
func ListClosures(ctx context.Context, q bun.IDB, centre string, at time.Time) ([]Closure, error) {
	var all []Closure
	err := q.NewSelect().Model(&all).
		Where("centre_id IN ('', ?) AND department_id = ''", centre).Where("added_at <= ?", at).
		Where("withdrawn_at IS NULL OR withdrawn_at > ?", at).Order("day", "centre_id").Scan(ctx)
	return all, err
}
