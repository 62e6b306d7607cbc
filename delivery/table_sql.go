package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
)

// owedBy are the lines that a department still owes, that the actor may read and
// that are not on their way.
func owedBy(ctx context.Context, q bun.IDB, by auth.Actor, department string) (out []ResultLine, err error) {
	s := openLines(q, &out, by, department).
		Where("NOT EXISTS (SELECT 1 FROM transfers AS t WHERE t.line_id = ?TableAlias.id AND t.state = ?)", Released)
	return out, s.Scan(ctx)
}

// sentBy are those that it has handed over and the window has not signed for.
func sentBy(ctx context.Context, q bun.IDB, by auth.Actor, department string) (out []ResultLine, err error) {
	s := openLines(q, &out, by, department).
		Where("EXISTS (SELECT 1 FROM transfers AS t WHERE t.line_id = ?TableAlias.id AND t.state = ?)", Released)
	return out, s.Scan(ctx)
}

func openLines(q bun.IDB, out *[]ResultLine, by auth.Actor, department string) *bun.SelectQuery {
	return readable(q.NewSelect().Model(out), by).Where("department_id = ?", department).
		Where("state IN (?)", bun.List([]LineState{LineExpected, LineSplit})).Order("expected_at", "id").Limit(maxTableRows)
}

// lineOfCase gives what a department owes a case, the open line before others.
// Refusal: not_found.
func lineOfCase(ctx context.Context, q bun.IDB, by auth.Actor, number, department string) (l ResultLine, err error) {
	s := readable(q.NewSelect().Model(&l), by).Where("case_number = ? AND department = ?", number, department).
		OrderExpr("CASE WHEN state IN ('expected', 'split_out') THEN 0 ELSE 1 END").Order("id").Limit(1)
	return l, found(s.Scan(ctx))
}
