package delivery

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// insertRating keeps the first rating of a case and refuses another (DEL-1206,
// STY-30).
func insertRating(ctx context.Context, tx bun.IDB, r *Rating) error {
	res, err := tx.NewInsert().Model(r).On("CONFLICT (case_id) DO NOTHING").Exec(ctx)
	return exactlyOne(res, err, func() *fault.Error {
		return fault.Refuse(fault.Conflict, "rating_given",
			"这个办件已经评价过，每个办件评价一次；还有意见请致电窗口", "this case has been rated; each is rated once. To say more, call the window")
	})
}

func findRating(ctx context.Context, q bun.IDB, id string) (Rating, error) {
	var r Rating
	err := found(q.NewSelect().Model(&r).Where("id = ?", id).Scan(ctx))
	return r, err
}

// hasRating reports whether a case was rated.
func hasRating(ctx context.Context, q bun.IDB, caseID string) (bool, error) {
	return q.NewSelect().Model((*Rating)(nil)).Where("case_id = ?", caseID).Exists(ctx)
}

// callBacksLate are the low ratings whose term has passed without a call back, and
// that no alert says so of yet.
func callBacksLate(ctx context.Context, q bun.IDB, now time.Time) (out []Rating, err error) {
	err = q.NewSelect().Model(&out).Where("called_at IS NULL AND call_by < ?", now).Where(notOpenFor, AlertCallBackLate).
		Order("call_by", "id").Limit(watchBatch).Scan(ctx)
	return out, err
}

// updateCall records the first call back; there is one for each rating.
func updateCall(ctx context.Context, tx bun.IDB, r *Rating) error {
	res, err := tx.NewUpdate().Model(r).Column("called_at", "called_by", "called_name", "call_note").
		Where("id = ? AND called_at IS NULL", r.ID).Exec(ctx)
	return exactlyOne(res, err, ratingCalled)
}

// ratingsOf narrows a query to the ratings that the actor may read.
func ratingsOf(q *bun.SelectQuery, by auth.Actor) *bun.SelectQuery {
	if by.Is(auth.Auditor) {
		return q
	}
	return q.Where("centre_id = ?", by.Centre)
}

func listRatings(ctx context.Context, q bun.IDB, by auth.Actor, limit int) (out []Rating, err error) {
	err = ratingsOf(q.NewSelect().Model(&out), by).Order("given_at DESC", "id DESC").Limit(page(limit)).Scan(ctx)
	return out, err
}

func countRatings(ctx context.Context, q bun.IDB, by auth.Actor) (out []LevelCount, err error) {
	s := q.NewSelect().Model((*Rating)(nil)).Column("level").ColumnExpr("count(*) AS cases").Group("level").OrderExpr("level DESC")
	err = ratingsOf(s, by).Scan(ctx, &out)
	return out, err
}

// phonesOf gives the telephone of who received a case, by case: of a parcel that
// arrived, else of a file.
func phonesOf(ctx context.Context, q bun.IDB, caseIDs []string) (map[string]string, error) {
	out := map[string]string{}
	if len(caseIDs) == 0 {
		return out, nil
	}
	files, err := filesOfCases(ctx, q, caseIDs)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.State == FileServed {
			out[f.CaseID] = f.Phone
		}
	}
	var parcels []Parcel
	err = q.NewSelect().Model(&parcels).Column("case_id", "receiver").Where("case_id IN (?)", bun.List(caseIDs)).
		Where("state IN (?)", bun.List([]ParcelState{ParcelDelivered, ParcelCollected})).Scan(ctx)
	for _, p := range parcels {
		out[p.CaseID] = p.Receiver.Phone
	}
	return out, err
}
