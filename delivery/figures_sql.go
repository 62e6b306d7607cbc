package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
)

// readFigures counts in the database: rows that count alike come as one.
func readFigures(ctx context.Context, q bun.IDB, query FigureQuery, now time.Time) (in figureFacts, err error) {
	from, to := query.From.Midnight(), query.To.AddDays(1).Midnight()
	due := func() *bun.SelectQuery {
		return q.NewSelect().Model((*Parcel)(nil)).Where("centre_id = ? AND due_at >= ? AND due_at < ?", query.CentreID, from, to)
	}
	columns := []string{"courier_id", "state", "result", "attempts", "closed_quality", "failed_first", "failed_fault"} // as in the index
	err = due().Column(columns...).ColumnExpr("count(*) AS n").ColumnExpr("SUM(CASE WHEN due_at < ? THEN 1 ELSE 0 END) AS due", now).
		Group(columns...).Scan(ctx, &in.Groups)
	if err != nil {
		return in, fmt.Errorf("count parcels: %w", err)
	}
	err = due().ColumnExpr("COALESCE(dwell, 0) AS value, dwell IS NOT NULL AS known, count(*) AS n").
		Where("state NOT IN (?)", bun.List(heldStates)).Group("dwell").Scan(ctx, &in.Dwell)
	if err != nil {
		return in, fmt.Errorf("count minutes at the window: %w", err)
	}
	if in.Lag, err = readLag(ctx, q, query.CentreID, from, to); err != nil {
		return in, fmt.Errorf("count days of departments: %w", err)
	}
	rated := func() *bun.SelectQuery {
		return q.NewSelect().Model((*Rating)(nil)).Where("centre_id = ? AND given_at >= ? AND given_at < ?", query.CentreID, from, to)
	}
	if err = rated().Column("level").ColumnExpr("count(*) AS n").Group("level").Order("level DESC").Scan(ctx, &in.Ratings); err != nil {
		return in, fmt.Errorf("count ratings: %w", err)
	}
	err = rated().ColumnExpr("count(*) AS low").
		ColumnExpr("COALESCE(SUM(CASE WHEN called_at <= call_by THEN 1 ELSE 0 END), 0) AS in_time").
		ColumnExpr("COALESCE(SUM(CASE WHEN COALESCE(called_at, ?) > call_by THEN 1 ELSE 0 END), 0) AS late", now).
		Where("call_by IS NOT NULL").Scan(ctx, &in.CallBacks)
	return in, err
}

// readLag counts days from decision to receipt, in Shanghai's days.
func readLag(ctx context.Context, q bun.IDB, centre string, from, to time.Time) (out []counted, err error) {
	days := "CAST(julianday(date(received_at, '+8 hours')) - julianday(decided_on) AS INTEGER)"
	if db.Postgres(q) {
		days = "CAST((received_at AT TIME ZONE 'Asia/Shanghai')::date - decided_on::date AS INTEGER)"
	}
	err = q.NewSelect().Model((*ResultLine)(nil)).Column("department_id").ColumnExpr("MAX(department) AS department").
		ColumnExpr(days+" AS value").ColumnExpr("TRUE AS known, count(*) AS n").
		Where("centre_id = ? AND received_at IS NOT NULL AND received_at >= ? AND received_at < ? AND decided_on <> ''", centre, from, to).
		GroupExpr("department_id, 3").Scan(ctx, &out)
	return out, err
}
