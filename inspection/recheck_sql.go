package inspection

import (
	"context"

	"github.com/uptrace/bun"
)

// casesAfter gives the next cases in the order of their ids.
func casesAfter(ctx context.Context, q bun.IDB, id string, limit int64) (out []Case, err error) {
	err = q.NewSelect().Model(&out).Column("id", "number").Where("id > ?", id).Order("id").Limit(limit).Scan(ctx)
	return out, err
}

// rowsOf reads the rows of a case that a leaf stands for.
func rowsOf(ctx context.Context, q bun.IDB, caseID string) (r caseRows, err error) {
	var participants []Participant
	if err := q.NewSelect().Model(&participants).Where("case_id = ?", caseID).Scan(ctx); err != nil {
		return r, err
	}
	if err := q.NewSelect().Model((*CaseDepartment)(nil)).Column("department_id").Where("case_id = ? AND department_id <> ''", caseID).Scan(ctx, &r.listed); err != nil {
		return r, err
	}
	r.participants = map[string]Participant{}
	for _, p := range participants {
		r.participants[p.ID] = p
	}
	visits := q.NewSelect().Model((*Visit)(nil)).Column("id").Where("case_id = ?", caseID)
	here := q.NewSelect().Model((*Participant)(nil)).Column("id").Where("case_id = ?", caseID)
	for _, of := range []struct {
		rows  any
		where string
		ids   *bun.SelectQuery
	}{
		{&r.visits, "id IN (?)", visits},
		{&r.services, "participant_id IN (?)", here},
		{&r.replies, "participant_id IN (?)", here},
		{&r.deemed, "participant_id IN (?)", here},
		{&r.reversals, "participant_id IN (?) AND decided_at IS NOT NULL", here},
		{&r.waivers, "participant_id IN (?) AND decided_at IS NOT NULL", here},
		{&r.opinions, "participant_id IN (?)", here},
		{&r.findings, "participant_id IN (?)", here},
		{&r.signatures, "opinion_id IN (?)", q.NewSelect().Model((*Opinion)(nil)).Column("id").Where("participant_id IN (?)", here)},
		{&r.joint, "visit_id IN (?)", visits},
		{&r.lists, "visit_id IN (?)", visits},
		{&r.items, "visit_id IN (?)", visits},
		{&r.added, "visit_id IN (?)", visits},
		{&r.bookings, "expires_at IS NULL AND visit_id IN (?)", visits},
		{&r.substituted, "visit_id IN (?)", visits},
		{&r.stops, "left_at IS NULL AND visit_id IN (?)", visits},
		{&r.objections, "participant_id IN (?)", here},
		{&r.contests, "participant_id IN (?)", here},
		{&r.requests, "visit_id IN (?)", visits},
		{&r.breaches, "id IN (?)", q.NewSelect().Model((*Breach)(nil)).Column("id").Where("case_id = ?", caseID)},
		{&r.dangers, "visit_id IN (?)", visits},
		{&r.pairs, "visit_id IN (?)", visits},
		{&r.photos, "item_id IN (?)", q.NewSelect().Model((*ListedItem)(nil)).Column("id").Where("visit_id IN (?)", visits)},
		{&r.extensions, "case_id IN (?)", q.NewSelect().Model((*Case)(nil)).Column("id").Where("id = ?", caseID)},
	} {
		if err := q.NewSelect().Model(of.rows).Where(of.where, of.ids).Scan(ctx); err != nil {
			return r, err
		}
	}
	var people []Resource
	err = q.NewSelect().Model(&people).Column("id", "department_id").Where("department_id IN (?)", bun.List(append(r.departments(), ""))).Scan(ctx)
	r.of = map[string]string{}
	for _, one := range people {
		r.of[one.ID] = one.DepartmentID
	}
	return r, err
}
