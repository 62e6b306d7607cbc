package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
)

// stillHeld are the things of a centre's cases that somebody of the house or a
// courier holds.
func stillHeld(q bun.IDB, centre string) *bun.SelectQuery {
	return q.NewSelect().TableExpr("items AS i").
		Join("LEFT JOIN result_lines AS l ON l.id = i.line_id").Join("LEFT JOIN materials AS m ON m.item_id = i.id").
		Where("i.custodian_kind IN (?)", bun.List([]KeeperKind{AtWindow, AtDepartment, AtCourier})).
		Where("COALESCE(l.centre_id, m.centre_id) = ?", centre)
}

// belongs says that a material lies with the department that keeps or uses it.
const belongs = "m.item_id IS NOT NULL AND i.custodian_kind = 'department' AND i.bag_id = '' AND " +
	"i.custodian = CASE WHEN m.of_item = '' THEN m.keeper_id ELSE m.for_id END"

// heldUnderWay counts what is not where it belongs, by holder and by the day on
// which that one got it.
func heldUnderWay(ctx context.Context, q bun.IDB, centre string) (out []held, err error) {
	since := "(SELECT max(e.at) FROM custody_events AS e WHERE e.item_id = i.id AND (e.from_kind <> e.to_kind OR e.from_id <> e.to_id))"
	day := "date(" + since + ", '+8 hours')"
	if db.Postgres(q) {
		day = "to_char(" + since + " AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')"
	}
	rows := stillHeld(q, centre).ColumnExpr("i.custodian_kind AS kind, i.custodian AS id").ColumnExpr(day + " AS since").Where("NOT (" + belongs + ")")
	err = q.NewSelect().TableExpr("(?) AS h", rows).ColumnExpr("kind, id, COALESCE(since, '') AS since, count(*) AS n").GroupExpr("kind, id, since").Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("count what is held: %w", err)
	}
	return out, nil
}

func keptWhereTheyBelong(ctx context.Context, q bun.IDB, centre string) (int, error) {
	n, err := stillHeld(q, centre).Where(belongs).Count(ctx)
	return int(n), err
}

// limitRow is what had a limit, and when it was done.
type limitRow struct {
	DueAt  time.Time
	DoneAt time.Time `bun:",nullzero"`
}

// signedBy are the hand-overs whose limit lay in the range; one that was signed
// on paper counts by the time on the slip.
func signedBy(ctx context.Context, q bun.IDB, query FigureQuery) (out []limitRow, err error) {
	from, to := query.From.Midnight(), query.To.AddDays(1).Midnight()
	var transfers []Transfer
	err = q.NewSelect().Model(&transfers).Column("due_at", "ended_at").Where("centre_id = ? AND due_at >= ? AND due_at < ?", query.CentreID, from, to).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("count transfers: %w", err)
	}
	for _, t := range transfers {
		out = append(out, limitRow{t.DueAt, t.EndedAt})
	}
	var bags []Bag
	err = q.NewSelect().Model(&bags).Column("due_at", "ended_at", "signed_at").
		Where("centre_id = ? AND due_at >= ? AND due_at < ? AND state <> ?", query.CentreID, from, to, BagCancelled).Scan(ctx)
	for _, b := range bags {
		done := b.EndedAt
		if !b.SignedAt.IsZero() {
			done = b.SignedAt
		}
		out = append(out, limitRow{b.DueAt, done})
	}
	return out, err
}

// loansDueIn are the loans that were to end in the range and had begun.
func loansDueIn(ctx context.Context, q bun.IDB, query FigureQuery) (out []Loan, err error) {
	err = q.NewSelect().Model(&out).Where("centre_id = ? AND due_on >= ? AND due_on <= ?", query.CentreID, query.From.String(), query.To.String()).
		Where("state IN (?)", bun.List([]LoanState{LoanOut, LoanReturned})).Scan(ctx)
	return out, err
}

// claimRow is an unproven hand-over, and when the window confirmed it.
type claimRow struct {
	ClaimedAt time.Time
	DoneAt    time.Time `bun:",nullzero"`
}

// claimsSettled are the hand-overs of parcels due in the range that lacked a
// proof: those that the window confirmed and those that still wait. One that a
// late photo completed asked nothing of the window and is left out.
func claimsSettled(ctx context.Context, q bun.IDB, query FigureQuery) (out []claimRow, err error) {
	from, to := query.From.Midnight(), query.To.AddDays(1).Midnight()
	err = q.NewSelect().TableExpr("parcel_events AS e").Join("JOIN parcels AS p ON p.id = e.parcel_id").
		ColumnExpr("p.delivered_at AS claimed_at, e.received_at AS done_at").
		Where("e.type = 'proof_confirmed'"). // in the words of its index
		Where("p.centre_id = ? AND p.due_at >= ? AND p.due_at < ? AND p.delivered_at IS NOT NULL", query.CentreID, from, to).
		Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("count proofs confirmed: %w", err)
	}
	var waiting []Parcel
	err = q.NewSelect().Model(&waiting).Column("delivered_at").Where("state = ?", ParcelUnverified).
		Where("centre_id = ? AND due_at >= ? AND due_at < ?", query.CentreID, from, to).Scan(ctx)
	for _, p := range waiting {
		out = append(out, claimRow{ClaimedAt: p.DeliveredAt})
	}
	return out, err
}

// timesAccepted counts the times that each supervisor accepted (SIM-15), of
// parcels due in the range.
func timesAccepted(ctx context.Context, q bun.IDB, query FigureQuery) (out []AcceptCount, err error) {
	err = q.NewSelect().TableExpr("parcel_events AS e").Join("JOIN parcels AS p ON p.id = e.parcel_id").
		ColumnExpr("e.actor AS actor, count(*) AS n").Where("e.type = 'time_accepted'"). // in the words of its index
		Where("p.centre_id = ? AND p.due_at >= ? AND p.due_at < ?", query.CentreID, query.From.Midnight(), query.To.AddDays(1).Midnight()).
		GroupExpr("e.actor").OrderExpr("n DESC, e.actor").Scan(ctx, &out)
	return out, err
}

// firstTries counts first tries that have ended, by street and hour.
func firstTries(ctx context.Context, q bun.IDB, query FigureQuery) (out []tried, err error) {
	err = q.NewSelect().Model((*Parcel)(nil)).ColumnExpr("area, tried_hour AS hour, failed_first <> '' AS failed, count(*) AS n").
		Where("tried_hour IS NOT NULL").
		Where("centre_id = ? AND due_at >= ? AND due_at < ?", query.CentreID, query.From.Midnight(), query.To.AddDays(1).Midnight()).
		GroupExpr("area, tried_hour, failed_first <> ''").Scan(ctx, &out)
	return out, err
}
