package inspection

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/scheduler/workday"
)

func insertTrip(ctx context.Context, tx bun.IDB, t *Trip) error {
	_, err := tx.NewInsert().Model(t).Exec(ctx)
	return err
}

func findTrip(ctx context.Context, q bun.IDB, id string) (t Trip, err error) {
	err = q.NewSelect().Model(&t).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return t, notFound()
	}
	return t, err
}

// lockTrip makes those who join or leave a trip wait for each other; it comes after
// the visits (DB-12).
func lockTrip(ctx context.Context, tx bun.IDB, id string) (t Trip, err error) {
	s := tx.NewSelect().Model(&t).Where("id = ? AND ended_at IS NULL", id)
	if db.Postgres(tx) {
		s = s.For("NO KEY UPDATE")
	}
	err = s.Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return t, movedOn("bad_move")
	}
	return t, err
}

func endTrip(ctx context.Context, tx bun.IDB, t Trip) error {
	res, err := tx.NewUpdate().Model(&t).Column("ended_at").Where("id = ? AND ended_at IS NULL", t.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// insertStop refuses a visit that somebody put into a trip meanwhile.
func insertStop(ctx context.Context, tx bun.IDB, s *TripStop) error {
	fresh, err := insertNew(ctx, tx, s)
	if err == nil && !fresh {
		return movedOn("bad_move")
	}
	return err
}

func leaveStop(ctx context.Context, tx bun.IDB, s TripStop) error {
	res, err := tx.NewUpdate().Model(&s).Column("left_at", "left_why").
		Where("trip_id = ? AND visit_id = ? AND left_at IS NULL", s.TripID, s.VisitID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// liveStop is the stop that a visit is, if it is in a trip.
func liveStop(ctx context.Context, q bun.IDB, visitID string) (s TripStop, in bool, err error) {
	err = q.NewSelect().Model(&s).Where("visit_id = ? AND left_at IS NULL", visitID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	return s, err == nil, err
}

// liveStops are the trips of visits, by visit.
func liveStops(ctx context.Context, q bun.IDB, visits []string) (map[string]string, error) {
	var rows []TripStop
	err := q.NewSelect().Model(&rows).Where("visit_id IN (?) AND left_at IS NULL", bun.List(visits)).Scan(ctx)
	out := map[string]string{}
	for _, r := range rows {
		out[r.VisitID] = r.TripID
	}
	return out, err
}

func countStops(ctx context.Context, q bun.IDB, tripID string) (int, error) {
	if tripID == "" {
		return 0, nil
	}
	n, err := q.NewSelect().Model((*TripStop)(nil)).Where("trip_id = ? AND left_at IS NULL", tripID).Count(ctx)
	return int(n), err
}

// stopsOf are the visits of a trip in the order of their times.
func stopsOf(ctx context.Context, q bun.IDB, tripID string) (out []Visit, err error) {
	live := q.NewSelect().Model((*TripStop)(nil)).Column("visit_id").Where("trip_id = ? AND left_at IS NULL", tripID)
	err = q.NewSelect().Model(&out).Where("id IN (?)", live).Order("start_at", "id").Scan(ctx)
	return out, err
}

// siteVisit is a visit with the place where it is made.
type siteVisit struct {
	Visit
	Site Site `bun:"type:jsonb"`
}

func siteVisitQuery(q bun.IDB, into any) *bun.SelectQuery {
	return q.NewSelect().Model(into).ModelTableExpr("visits AS v").ColumnExpr("v.*, coalesce(v.moved_to, c.site) AS site").
		Join("JOIN cases AS c ON c.id = v.case_id").OrderExpr("v.start_at, v.id")
}

// siteVisits are the other booked site visits of a centre that start in a span.
func siteVisits(ctx context.Context, q bun.IDB, v Visit, from, to time.Time) (out []siteVisit, err error) {
	err = siteVisitQuery(q, &out).Where("v.centre_id = ? AND v.id <> ? AND v.kind = ?", v.CentreID, v.ID, KindSite).
		Where("v.state IN (?)", bun.List([]VisitState{VisitOffered, VisitConfirmed})).
		Where("v.start_at >= ? AND v.start_at < ?", from, to).Scan(ctx)
	return out, err
}

// stopSites are the stops of a trip with their places.
func stopSites(ctx context.Context, q bun.IDB, tripID string) (out []siteVisit, err error) {
	live := q.NewSelect().Model((*TripStop)(nil)).Column("visit_id").Where("trip_id = ? AND left_at IS NULL", tripID)
	err = siteVisitQuery(q, &out).Where("v.id IN (?)", live).Scan(ctx)
	return out, err
}

func sitesOf(ctx context.Context, q bun.IDB, visits []string) (out []siteVisit, err error) {
	err = siteVisitQuery(q, &out).Where("v.id IN (?)", bun.List(visits)).Scan(ctx)
	return out, err
}

// comingToVisits are the ids of the departments that have to come, by visit.
func comingToVisits(ctx context.Context, q bun.IDB, visits []string) (map[string][]string, error) {
	var rows []Participant
	err := q.NewSelect().Model(&rows).Column("visit_id", "department_id").
		Where("visit_id IN (?) AND required AND consent <> ?", bun.List(visits), ConsentWithdrawn).Order("visit_id", "department_id").Scan(ctx)
	out := map[string][]string{}
	for _, r := range rows {
		out[r.VisitID] = append(out[r.VisitID], r.DepartmentID)
	}
	return out, err
}

// vehicleOf is the vehicle that a visit has booked, empty if none.
func vehicleOf(ctx context.Context, q bun.IDB, visitID string) (id string, err error) {
	err = q.NewSelect().TableExpr("bookings AS b").Join("JOIN resources AS r ON r.id = b.resource_id").ColumnExpr("r.id").
		Where("b.visit_id = ? AND r.kind = ?", visitID, KindVehicle).OrderExpr("r.id").Limit(1).Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

func tripsOn(ctx context.Context, q bun.IDB, centre string, day workday.Date) (out []Trip, err error) {
	err = q.NewSelect().Model(&out).Where("centre_id = ? AND day = ? AND ended_at IS NULL", centre, day.String()).Order("half", "id").Scan(ctx)
	return out, err
}

// aloneOn are the booked site visits of a day that are in no trip.
func aloneOn(ctx context.Context, q bun.IDB, centre string, day workday.Date) (out []Visit, err error) {
	stops := q.NewSelect().Model((*TripStop)(nil)).ColumnExpr("1").Where("trip_stop.visit_id = v.id AND trip_stop.left_at IS NULL")
	err = q.NewSelect().Model(&out).ModelTableExpr("visits AS v").ColumnExpr("v.*").
		Where("v.centre_id = ? AND v.kind = ? AND v.state NOT IN (?)", centre, KindSite, bun.List([]VisitState{VisitDraft, VisitCancelled, VisitNotHeld})).
		Where("v.start_at >= ? AND v.start_at < ?", day.Midnight(), day.AddDays(1).Midnight()).
		Where("NOT EXISTS (?)", stops).OrderExpr("v.start_at, v.id").Scan(ctx)
	return out, err
}
