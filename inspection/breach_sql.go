package inspection

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
)

func findBreach(ctx context.Context, q bun.IDB, id string) (b Breach, err error) {
	err = q.NewSelect().Model(&b).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return b, notFound()
	}
	return b, err
}

// hasBreach reports whether an entry of a class about a participant waits to be
// decided.
func hasBreach(ctx context.Context, q bun.IDB, class, participant string) (bool, error) {
	return q.NewSelect().Model((*Breach)(nil)).Where("class = ? AND participant_id = ? AND state = ?", class, participant, BreachSuspected).Exists(ctx)
}

// listBreaches gives the stored entries of a visit, or of a case.
func listBreaches(ctx context.Context, q bun.IDB, column, id string) (out []Breach, err error) {
	err = q.NewSelect().Model(&out).Where("? = ?", bun.Ident(column), id).Order("made_at", "id").Scan(ctx)
	return out, err
}

// lastVisitWith is the latest visit of a case that a department takes part in,
// empty if there is none.
func lastVisitWith(ctx context.Context, q bun.IDB, caseID, department string) (id string, err error) {
	err = q.NewSelect().Model((*Participant)(nil)).Column("visit_id").Where("case_id = ? AND department_id = ?", caseID, department).
		Order("id DESC").Limit(1).Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

func askBreach(ctx context.Context, tx bun.IDB, b Breach) error {
	res, err := tx.NewUpdate().Model(&b).Column("answer_due", "deadline").
		Where("id = ? AND state = ? AND answer_due IS NULL", b.ID, BreachSuspected).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func answerBreach(ctx context.Context, tx bun.IDB, b Breach) error {
	res, err := tx.NewUpdate().Model(&b).Column("answer", "answered_at", "answered_by").
		Where("id = ? AND state = ? AND answered_at IS NULL", b.ID, BreachSuspected).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// decideBreach writes the decision on what the supervisor has read: an answer that
// came meanwhile is read first.
func decideBreach(ctx context.Context, tx bun.IDB, b Breach) error {
	res, err := tx.NewUpdate().Model(&b).Column("state", "note", "decided_by", "decided_at").
		Where("id = ? AND state = ? AND answer = ?", b.ID, BreachSuspected, b.Answer).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// listLedger gives lines of the view ledger that the actor may see, newest first.
func listLedger(ctx context.Context, q bun.IDB, by auth.Actor, query LedgerQuery) (out []LedgerLine, err error) {
	s := q.NewSelect().Model(&out).ColumnExpr("l.*").ColumnExpr("c.number AS case_number, c.matter_code, c.matter_name").
		Join("JOIN cases AS c ON c.id = l.case_id").Order("l.at DESC", "l.id DESC").Limit(page(query.Limit))
	switch {
	case by.Is(auth.Auditor):
	case atWindow(by):
		s = s.Where("l.centre_id = ?", by.Centre)
	default:
		s = s.Where("l.department_id = ? AND l.told", by.Department)
	}
	for column, value := range map[string]string{"class": query.Class, "state": query.State, "department_id": query.Department} {
		if value != "" {
			s = s.Where("l.? = ?", bun.Ident(column), value)
		}
	}
	if query.Search != "" {
		s = s.Where("c.search LIKE ? ESCAPE '\\'", like(query.Search))
	}
	if !query.From.IsZero() {
		s = s.Where("l.at >= ?", query.From.UTC())
	}
	if !query.To.IsZero() {
		s = s.Where("l.at < ?", query.To.UTC())
	}
	if after := query.After; after != (Position{}) {
		s = s.Where("(l.at, l.id) < (?, ?)", after.At.UTC(), after.ID)
	}
	return out, s.Scan(ctx)
}

// breachesToExplain are the entries that a party has been told of and has not
// answered.
func breachesToExplain(ctx context.Context, q bun.IDB, department string) (out []Breach, err error) {
	err = q.NewSelect().Model(&out).Where("department_id = ? AND state = ? AND answer_due IS NOT NULL AND answered_at IS NULL", department, BreachSuspected).
		Order("answer_due", "id").Limit(50).Scan(ctx)
	return out, err
}

// casesOf gives the cases that some ids name: their own, or one of a visit or of a
// department's part of it.
func casesOf(ctx context.Context, q bun.IDB, ids []string) (map[string]Case, error) {
	var visits []Visit
	if err := q.NewSelect().Model(&visits).Column("id", "case_id").Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	var parts []Participant
	if err := q.NewSelect().Model(&parts).Column("id", "case_id").Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	of := map[string]string{}
	for _, v := range visits {
		of[v.ID] = v.CaseID
	}
	for _, p := range parts {
		of[p.ID] = p.CaseID
	}
	caseIDs := slices.AppendSeq(slices.Clone(ids), maps.Values(of))
	var cases []Case
	if err := q.NewSelect().Model(&cases).Where("id IN (?)", bun.List(caseIDs)).Scan(ctx); err != nil {
		return nil, err
	}
	out := map[string]Case{}
	for _, c := range cases {
		out[c.ID] = c
	}
	for id, caseID := range of {
		out[id] = out[caseID]
	}
	return out, nil
}
