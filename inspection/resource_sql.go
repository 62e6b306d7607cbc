package inspection

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
)

func insertResource(ctx context.Context, tx bun.IDB, r *Resource) error {
	_, err := tx.NewInsert().Model(r).Exec(ctx)
	return err
}

func insertAbsence(ctx context.Context, tx bun.IDB, a *Absence) error {
	_, err := tx.NewInsert().Model(a).Exec(ctx)
	return err
}

func lockResource(ctx context.Context, tx bun.IDB, id string) (Resource, error) {
	rows, err := lockResources(ctx, tx, []string{id})
	if err != nil {
		return Resource{}, err
	}
	if len(rows) != 1 {
		return Resource{}, notFound()
	}
	return rows[0], nil
}

// lockResources locks resource rows in the order of their ids (DB-12), so that
// two bookings of the same people wait for each other instead of deadlocking. The
// lock leaves alone who only refers to the row: others' bookings in the making.
func lockResources(ctx context.Context, tx bun.IDB, ids []string) (out []Resource, err error) {
	q := tx.NewSelect().Model(&out).Where("id IN (?)", bun.List(ids)).Order("id")
	if db.Postgres(tx) {
		q = q.For("NO KEY UPDATE")
	}
	return out, q.Scan(ctx)
}

func listResources(ctx context.Context, q bun.IDB, departments []string, centre string) (out []Resource, err error) {
	err = q.NewSelect().Model(&out).Where("active").
		WhereGroup(" AND ", func(s *bun.SelectQuery) *bun.SelectQuery {
			return s.Where("department_id IN (?)", bun.List(departments)).WhereOr("centre_id = ?", centre)
		}).Order("department_id", "id").Scan(ctx)
	return out, err
}

func listAbsences(ctx context.Context, q bun.IDB, resources []string, from, to time.Time) (out []Absence, err error) {
	err = q.NewSelect().Model(&out).Where("resource_id IN (?)", bun.List(resources)).
		Where("start_at < ? AND end_at > ?", to, from).Scan(ctx)
	return out, err
}

func listRecused(ctx context.Context, q bun.IDB, resources []string, applicant string) (out []string, err error) {
	err = q.NewSelect().Model((*Recusal)(nil)).Column("resource_id").
		Where("resource_id IN (?) AND applicant = ?", bun.List(resources), applicant).Scan(ctx, &out)
	return out, err
}

// hasRoom reports whether a centre has any room in use.
func hasRoom(ctx context.Context, q bun.IDB, centre string) (bool, error) {
	return q.NewSelect().Model((*Resource)(nil)).Where("centre_id = ? AND kind = ? AND active", centre, KindRoom).Exists(ctx)
}

// occupied is one live occupation with the site it happens at.
type occupied struct {
	Booking
	Site Site `bun:"type:jsonb"`
}

// listOccupied gives the live occupations of resources: a hold whose time has
// run out is dead even before it is swept (INS-510).
func listOccupied(ctx context.Context, q bun.IDB, resources []string, span [2]time.Time, now time.Time) (out []occupied, err error) {
	err = q.NewSelect().Model(&out).ModelTableExpr("bookings AS b").ColumnExpr("b.*, coalesce(v.moved_to, c.site) AS site").
		Join("JOIN visits AS v ON v.id = b.visit_id").Join("JOIN cases AS c ON c.id = v.case_id").
		Where("b.resource_id IN (?)", bun.List(resources)).
		Where("b.start_at < ? AND b.end_at > ?", span[1], span[0]).
		Where("b.expires_at IS NULL OR b.expires_at > ?", now).OrderExpr("b.start_at").Scan(ctx)
	return out, err
}

// bookedBetween lists the case numbers of visits that occupy a resource.
func bookedBetween(ctx context.Context, q bun.IDB, resource string, from, to, now time.Time) (out []string, err error) {
	err = q.NewSelect().TableExpr("bookings AS b").Join("JOIN visits AS v ON v.id = b.visit_id").
		ColumnExpr("DISTINCT v.case_number").Where("b.resource_id = ?", resource).
		Where("b.start_at < ? AND b.end_at > ?", to, from).
		Where("b.expires_at IS NULL OR b.expires_at > ?", now).Scan(ctx, &out)
	return out, err
}

// clearWay deletes the expired slot holds of these resources and whatever the
// visit itself holds (SIM-2). It runs inside the booking's own transaction, so
// a hold dies by the clock. Rows that others sweep too are met in one order.
func clearWay(ctx context.Context, tx bun.IDB, visitID string, resources []string, now time.Time) error {
	dead := tx.NewSelect().Model((*Booking)(nil)).Column("id").
		Where("visit_id = ? OR resource_id IN (?) AND expires_at <= ?", visitID, bun.List(resources), now).Order("id")
	if db.Postgres(tx) {
		dead = dead.For("UPDATE")
	}
	_, err := tx.NewDelete().Model((*Booking)(nil)).Where("id IN (?)", dead).Exec(ctx)
	return err
}

// lookAt tells how many of the resources of rows there are, and whether another
// visit has any of them at that time. Nobody waits for it.
func lookAt(ctx context.Context, q bun.IDB, rows []Booking, now time.Time) (known int, taken bool, err error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ResourceID
	}
	var others int
	err = q.NewSelect().TableExpr("resources AS r").ColumnExpr("count(DISTINCT r.id), count(b.id)").
		Join("LEFT JOIN bookings AS b ON b.resource_id = r.id AND b.visit_id <> ? AND b.start_at < ? AND b.end_at > ? AND (b.expires_at IS NULL OR b.expires_at > ?)",
			rows[0].VisitID, rows[0].End, rows[0].Start, now).
		Where("r.id IN (?)", bun.List(ids)).Scan(ctx, &known, &others)
	return known, others > 0, err
}

// occupy inserts the bookings in the order of their resources, which is the
// order of locks, and reports whether it got them all. On PostgreSQL it waits
// for whoever is booking one of them at that time; then the exclusion constraint
// decides (DB-7).
func occupy(ctx context.Context, tx bun.IDB, rows []Booking) (bool, error) {
	slices.SortFunc(rows, func(a, b Booking) int { return strings.Compare(a.ResourceID, b.ResourceID) })
	wanted := len(rows) // bun cuts rows down to those that PostgreSQL returns
	res, err := tx.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return int(n) == wanted, err
}

func freeResources(ctx context.Context, tx bun.IDB, visitID string) error {
	_, err := tx.NewDelete().Model((*Booking)(nil)).Where("visit_id = ?", visitID).Exec(ctx)
	return err
}

// freeDepartment gives back the people of one department.
func freeDepartment(ctx context.Context, tx bun.IDB, visitID, department string) error {
	people := tx.NewSelect().Model((*Resource)(nil)).Column("id").Where("department_id = ?", department)
	_, err := tx.NewDelete().Model((*Booking)(nil)).Where("visit_id = ? AND resource_id IN (?)", visitID, people).Exec(ctx)
	return err
}

func listBookings(ctx context.Context, q bun.IDB, visitID string) (out []Booking, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("resource_id").Scan(ctx)
	return out, err
}

func findResources(ctx context.Context, q bun.IDB, ids []string) (out []Resource, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = q.NewSelect().Model(&out).Where("id IN (?)", bun.List(ids)).Order("department_id", "id").Scan(ctx)
	return out, err
}
