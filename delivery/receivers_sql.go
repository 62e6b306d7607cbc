package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// insertReceiver refuses a second standing line of one name: the index decides
// between two who register it at once.
func insertReceiver(ctx context.Context, tx bun.IDB, r *RegisteredReceiver) error {
	res, err := tx.NewInsert().Model(r).On("CONFLICT DO NOTHING").Exec(ctx)
	return exactlyOne(res, err, func() *fault.Error {
		return fault.Refuse(fault.Conflict, "receiver_registered",
			"该部门名单上已有“%[1]s”；要更改的，先停用再重新登记", "%[1]s is on the list of this department already; to change the line end it and register anew", r.Name)
	})
}

// receiversOf gives a department's lines, those who stand first, the newest before
// the older.
func receiversOf(ctx context.Context, q bun.IDB, department string) (out []RegisteredReceiver, err error) {
	err = q.NewSelect().Model(&out).Where("department_id = ?", department).
		OrderExpr("CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END").Order("added_at DESC", "id").Scan(ctx)
	return out, err
}

func standingReceivers(ctx context.Context, q bun.IDB) (out []RegisteredReceiver, err error) {
	err = q.NewSelect().Model(&out).Where("ended_at IS NULL").Order("department_id", "added_at", "id").Limit(500).Scan(ctx)
	return out, err
}

func findReceiver(ctx context.Context, q bun.IDB, id string) (r RegisteredReceiver, err error) {
	err = found(q.NewSelect().Model(&r).Where("id = ?", id).Scan(ctx))
	return r, err
}

// endReceiver ends a line once (STY-19).
func endReceiver(ctx context.Context, tx bun.IDB, r *RegisteredReceiver) error {
	res, err := tx.NewUpdate().Model(r).Column("ended_at", "ended_by", "ended_why").
		Where("id = ?", r.ID).Where("ended_at IS NULL").Exec(ctx)
	return exactlyOne(res, err, func() *fault.Error {
		return fault.Refuse(fault.Conflict, "receiver_ended",
			"这一行已经停用，请刷新后核对", "this line was ended already; reload and check")
	})
}
