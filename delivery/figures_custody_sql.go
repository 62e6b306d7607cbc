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

// signedBy counts the hand-overs whose limit lay in the range; one that was
// signed on paper counts by the time on the slip.
func signedBy(ctx context.Context, q bun.IDB, query FigureQuery, now time.Time) (sum Timely, err error) {
	for _, of := range []struct {
		rows *bun.SelectQuery
		done string
	}{
		{q.NewSelect().Model((*Transfer)(nil)), "ended_at"},
		{q.NewSelect().Model((*Bag)(nil)).Where("state <> ?", BagCancelled), "COALESCE(signed_at, ended_at)"},
	} {
		var t Timely
		err := of.rows.Where("centre_id = ? AND due_at >= ? AND due_at < ?", query.CentreID, query.From.Midnight(), query.To.AddDays(1).Midnight()).
			ColumnExpr("COALESCE(SUM(CASE WHEN "+of.done+" <= due_at THEN 1 ELSE 0 END), 0) AS in_time").
			ColumnExpr("COALESCE(SUM(CASE WHEN "+of.done+" > due_at OR ("+of.done+" IS NULL AND due_at < ?) THEN 1 ELSE 0 END), 0) AS late", now).
			ColumnExpr("COALESCE(SUM(CASE WHEN "+of.done+" IS NULL AND due_at >= ? THEN 1 ELSE 0 END), 0) AS open", now).Scan(ctx, &t)
		if err != nil {
			return sum, fmt.Errorf("count what was signed in: %w", err)
		}
		sum = Timely{sum.InTime + t.InTime, sum.Late + t.Late, sum.Open + t.Open}
	}
	return sum, nil
}

// loansDueIn are the loans that were to end in the range and had begun.
func loansDueIn(ctx context.Context, q bun.IDB, query FigureQuery) (out []Loan, err error) {
	err = q.NewSelect().Model(&out).Where("centre_id = ? AND due_on >= ? AND due_on <= ?", query.CentreID, query.From.String(), query.To.String()).
		Where("state IN (?)", bun.List([]LoanState{LoanOut, LoanReturned})).Scan(ctx)
	return out, err
}

// decidedOn joins events e to the parcels p that were due in the range. SQLite
// keeps the order of a CROSS JOIN: it begins with the few events that an index
// of their type holds, and not with every parcel of the range.
func decidedOn(q bun.IDB, query FigureQuery) *bun.SelectQuery {
	return q.NewSelect().TableExpr("parcel_events AS e CROSS JOIN parcels AS p").Where("p.id = e.parcel_id").
		Where("p.centre_id = ? AND p.due_at >= ? AND p.due_at < ?", query.CentreID, query.From.Midnight(), query.To.AddDays(1).Midnight())
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
	err = decidedOn(q, query).
		ColumnExpr("p.delivered_at AS claimed_at, e.received_at AS done_at").
		Where("e.type = 'proof_confirmed'"). // in the words of its index
		Where("p.delivered_at IS NOT NULL").Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("count proofs confirmed: %w", err)
	}
	var waiting []Parcel
	const inWordsOfItsIndex = "state = 'delivered_unverified'"
	err = q.NewSelect().Model(&waiting).Column("delivered_at").Where(inWordsOfItsIndex).
		Where("centre_id = ? AND due_at >= ? AND due_at < ?", query.CentreID, query.From.Midnight(), query.To.AddDays(1).Midnight()).Scan(ctx)
	for _, p := range waiting {
		out = append(out, claimRow{ClaimedAt: p.DeliveredAt})
	}
	return out, err
}

// timesAccepted counts the times that each supervisor accepted (SIM-15), of
// parcels due in the range.
func timesAccepted(ctx context.Context, q bun.IDB, query FigureQuery) (out []AcceptCount, err error) {
	err = decidedOn(q, query).
		ColumnExpr("e.actor AS actor, count(*) AS n").Where("e.type = 'time_accepted'"). // in the words of its index
		GroupExpr("e.actor").OrderExpr("n DESC, e.actor").Scan(ctx, &out)
	return out, err
}

// firstTries counts first tries that have ended, by street, hour and outcome:
// grouped as the index lies, so that nothing is sorted.
func firstTries(ctx context.Context, q bun.IDB, query FigureQuery) (out []tried, err error) {
	err = q.NewSelect().Model((*Parcel)(nil)).ColumnExpr("area, tried_hour AS hour, failed_first, count(*) AS n").
		Where("tried_hour IS NOT NULL").
		Where("centre_id = ? AND due_at >= ? AND due_at < ?", query.CentreID, query.From.Midnight(), query.To.AddDays(1).Midnight()).
		Group("area", "tried_hour", "failed_first").Scan(ctx, &out)
	return out, err
}
