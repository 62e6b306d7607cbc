package inspection

import (
	"context"

	"github.com/uptrace/bun"
)

// visitLines are the visits of a case with how many departments had to come.
func visitLines(ctx context.Context, q bun.IDB, caseID string) (out []visitLine, err error) {
	err = q.NewSelect().TableExpr("visits AS v").ColumnExpr("v.state, v.result, v.closed_at").
		ColumnExpr("(SELECT count(*) FROM participants AS p WHERE p.visit_id = v.id AND p.required AND p.consent <> ?) AS required", ConsentWithdrawn).
		Where("v.case_id = ?", caseID).Order("v.start_at", "v.id").Scan(ctx, &out)
	return out, err
}
