package inspection

import (
	"context"
	"errors"
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
// two bookings of the same people wait for each other instead of deadlocking.
func lockResources(ctx context.Context, tx bun.IDB, ids []string) (out []Resource, err error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	q := tx.NewSelect().Model(&out).Where("id IN (?)", bun.List(ids)).Order("id")
	if db.Postgres(tx) {
		q = q.For("UPDATE")
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

// occupied is one live occupation with the place it happens at.
type occupied struct {
	Booking
	Lat, Lon float64
	Place    string
}

// listOccupied gives the live occupations of resources: a hold whose time has
// run out is dead even before it is swept (INS-510).
func listOccupied(ctx context.Context, q bun.IDB, resources []string, span [2]time.Time, now time.Time) (out []occupied, err error) {
	var rows []Booking
	err = q.NewSelect().Model(&rows).Where("resource_id IN (?)", bun.List(resources)).
		Where("start_at < ? AND end_at > ?", span[1], span[0]).
		Where("expires_at IS NULL OR expires_at > ?", now).Order("start_at").Scan(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var visits []string
	for _, b := range rows {
		visits = append(visits, b.VisitID)
	}
	sites, err := sitesOf(ctx, q, visits)
	if err != nil {
		return nil, err
	}
	for _, b := range rows {
		site := sites[b.VisitID]
		out = append(out, occupied{Booking: b, Lat: site.Lat, Lon: site.Lon, Place: site.Address})
	}
	return out, nil
}

func sitesOf(ctx context.Context, q bun.IDB, visits []string) (map[string]Site, error) {
	var rows []struct {
		ID   string
		Site Site `bun:"type:jsonb"`
	}
	err := q.NewSelect().TableExpr("visits AS v").Join("JOIN cases AS c ON c.id = v.case_id").
		ColumnExpr("v.id").ColumnExpr("c.site").Where("v.id IN (?)", bun.List(visits)).Scan(ctx, &rows)
	out := make(map[string]Site, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Site
	}
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

// sweepHolds deletes the expired slot holds of these resources (SIM-2). It
// runs inside the booking's own transaction, so a hold dies by the clock.
func sweepHolds(ctx context.Context, tx bun.IDB, resources []string, now time.Time) error {
	_, err := tx.NewDelete().Model((*Booking)(nil)).Where("resource_id IN (?)", bun.List(resources)).
		Where("expires_at IS NOT NULL AND expires_at <= ?", now).Exec(ctx)
	return err
}

// occupy inserts the bookings in the order of their resources and reports the
// resources it could not get. The overlap query decides on SQLite, whose
// writer is alone; the exclusion constraint decides on PostgreSQL (DB-7).
func occupy(ctx context.Context, tx bun.IDB, rows []Booking) (clash []string, err error) {
	slices.SortFunc(rows, func(a, b Booking) int { return strings.Compare(a.ResourceID, b.ResourceID) })
	if clash, err = overlapping(ctx, tx, rows); err != nil || len(clash) > 0 {
		return clash, err
	}
	for i := range rows { // one by one: the order of locks is the order of ids
		fresh, err := insertNew(ctx, tx, &rows[i])
		if err != nil {
			return nil, err
		}
		if !fresh {
			clash = append(clash, rows[i].ResourceID)
		}
	}
	return clash, nil
}

// alreadyTaken reports whether anything chosen is occupied by another visit.
func alreadyTaken(ctx context.Context, q bun.IDB, v Visit, choice SlotChoice) (bool, error) {
	return q.NewSelect().Model((*Booking)(nil)).
		Where("resource_id IN (?) AND visit_id <> ?", bun.List(choice.Resources), v.ID).
		Where("start_at < ? AND end_at > ?", choice.Start.UTC().Add(time.Duration(v.Minutes)*time.Minute), choice.Start.UTC()).Exists(ctx)
}

func overlapping(ctx context.Context, q bun.IDB, rows []Booking) (clash []string, err error) {
	if len(rows) == 0 {
		return nil, errors.New("nothing to occupy")
	}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ResourceID)
	}
	err = q.NewSelect().Model((*Booking)(nil)).ColumnExpr("DISTINCT resource_id").
		Where("resource_id IN (?) AND visit_id <> ?", bun.List(ids), rows[0].VisitID).
		Where("start_at < ? AND end_at > ?", rows[0].End, rows[0].Start).Scan(ctx, &clash)
	return clash, err
}

func freeResources(ctx context.Context, tx bun.IDB, visitID string) error {
	_, err := tx.NewDelete().Model((*Booking)(nil)).Where("visit_id = ?", visitID).Exec(ctx)
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
