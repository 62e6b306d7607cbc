package inspection

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"lianban/scheduler/workday"
)

func insertChecklist(ctx context.Context, tx bun.IDB, c *Checklist) error {
	fresh, err := insertNew(ctx, tx, c)
	if err == nil && !fresh { // two published the same version at once
		return movedOn("bad_move")
	}
	return err
}

// lastChecklist is the newest version, empty when there is none.
func lastChecklist(ctx context.Context, q bun.IDB, department, matter string) (c Checklist, err error) {
	err = q.NewSelect().Model(&c).Where("department_id = ? AND matter_code = ?", department, matter).Order("version DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	return c, err
}

// newestChecklists are the newest versions of a department's.
func newestChecklists(ctx context.Context, q bun.IDB, department string) (out []Checklist, err error) {
	err = q.NewSelect().Model(&out).Where("department_id = ?", department).
		Where("version = (SELECT max(c.version) FROM checklists AS c WHERE c.department_id = checklist.department_id AND c.matter_code = checklist.matter_code)").
		Order("matter_code").Scan(ctx)
	return out, err
}

// checklistOf is what a department looks at on that day: its list of the matter,
// else the one of every matter; empty when it has none.
func checklistOf(ctx context.Context, q bun.IDB, department, matter string, day workday.Date) (c Checklist, err error) {
	for _, code := range []string{matter, EveryMatter} {
		err = q.NewSelect().Model(&c).Where("department_id = ? AND matter_code = ? AND effective_from <= ?", department, code, day).
			Order("version DESC").Limit(1).Scan(ctx)
		if !errors.Is(err, sql.ErrNoRows) {
			return c, err
		}
	}
	return Checklist{}, nil
}

func insertFindings(ctx context.Context, tx bun.IDB, rows []SiteFinding) error {
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

// dealRecords gives each participant that has begun its site record.
func dealRecords(ctx context.Context, q bun.IDB, ids []string, index map[string]*ParticipantView) error {
	var findings []SiteFinding
	err := q.NewSelect().Model(&findings).Where("participant_id IN (?)", bun.List(ids)).Order("answered_at", "id").Scan(ctx)
	if err != nil || len(findings) == 0 {
		return err
	}
	of := map[string][]SiteFinding{}
	for _, f := range findings {
		if f.Round == index[f.ParticipantID].Round {
			of[f.ParticipantID] = append(of[f.ParticipantID], f)
		}
	}
	for id, own := range of {
		var list Checklist
		if err := q.NewSelect().Model(&list).Where("id = ?", own[0].ChecklistID).Scan(ctx); err != nil {
			return err
		}
		r := list.found(own)
		index[id].Record = &r
	}
	return nil
}

func listFindings(ctx context.Context, q bun.IDB, p Participant) (out []SiteFinding, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id = ? AND round = ?", p.ID, p.Round).Order("answered_at", "id").Scan(ctx)
	return out, err
}

// photosOf are the photos that were made on a visit, department by department as the
// joint opinion has them.
func photosOf(ctx context.Context, q bun.IDB, v Visit) (out []JointPhoto, err error) {
	err = q.NewSelect().TableExpr("checklist_answers AS f").
		ColumnExpr("p.name AS department, f.item, f.answered_at, s.sha256").
		Join("JOIN participants AS p ON p.id = f.participant_id AND p.round = f.round").
		Join("JOIN scans AS s ON s.id = f.photo").
		Where("p.visit_id = ?", v.ID).OrderExpr("p.lead DESC, p.system, f.answered_at, f.id").Scan(ctx, &out)
	return out, err
}
