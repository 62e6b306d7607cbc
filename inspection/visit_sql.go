package inspection

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/office"
)

// onVisit runs one act on one visit: lock, act, record, commit.
func (d *Desk) onVisit(ctx context.Context, id string, act func(tx bun.IDB, v *Visit) ([]audit.Leaf, error)) (Visit, error) {
	var out Visit
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		out, err = actOnVisit(ctx, tx, id, act)
		return err
	})
	return out, err
}

// actOnVisit is onVisit on the caller's transaction.
func actOnVisit(ctx context.Context, tx bun.IDB, id string, act func(tx bun.IDB, v *Visit) ([]audit.Leaf, error)) (Visit, error) {
	v, err := lockVisit(ctx, tx, id)
	if err != nil {
		return v, err
	}
	leaves, err := act(tx, &v)
	if err != nil {
		return v, err
	}
	return v, audit.Record(ctx, tx, leaves...)
}

// onParticipant runs one act on one participant: lock, act, record, commit.
func (d *Desk) onParticipant(ctx context.Context, id string, act func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error)) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error { return actOnParticipant(ctx, tx, id, act) })
}

// actOnParticipant is onParticipant on the caller's transaction.
func actOnParticipant(ctx context.Context, tx bun.IDB, id string, act func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error)) error {
	p, v, err := lockParticipant(ctx, tx, id)
	if err != nil {
		return err
	}
	leaves, err := act(tx, p, v)
	if err != nil || len(leaves) == 0 {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

func findVisit(ctx context.Context, q bun.IDB, id string) (Visit, error) {
	var v Visit
	err := q.NewSelect().Model(&v).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return v, notFound()
	}
	return v, err
}

// lockVisit reads a visit and keeps others from moving it until the commit.
// SQLite has one writer, so only PostgreSQL needs the lock (DB-12). Who only
// refers to the visit does not wait.
func lockVisit(ctx context.Context, tx bun.IDB, id string) (Visit, error) {
	var v Visit
	q := tx.NewSelect().Model(&v).Where("id = ?", id)
	if db.Postgres(tx) {
		q = q.For("NO KEY UPDATE")
	}
	err := q.Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return v, notFound()
	}
	return v, err
}

// lockParticipant locks the visit first, then the participant (DB-12).
func lockParticipant(ctx context.Context, tx bun.IDB, id string) (Participant, Visit, error) {
	var visitID string
	err := tx.NewSelect().Model((*Participant)(nil)).Column("visit_id").Where("id = ?", id).Scan(ctx, &visitID)
	if errors.Is(err, sql.ErrNoRows) {
		return Participant{}, Visit{}, notFound()
	}
	if err != nil {
		return Participant{}, Visit{}, err
	}
	v, err := lockVisit(ctx, tx, visitID)
	if err != nil {
		return Participant{}, Visit{}, err
	}
	var p Participant
	err = tx.NewSelect().Model(&p).Where("id = ?", id).Scan(ctx)
	return p, v, err
}

// toldVisits are the visits of a case that its applicant was told of, the latest
// first.
func toldVisits(ctx context.Context, q bun.IDB, caseID string) (out []Visit, err error) {
	err = q.NewSelect().Model(&out).Where("case_id = ? AND state <> ? AND start_at IS NOT NULL", caseID, VisitDraft).
		Order("start_at DESC", "id").Scan(ctx)
	return out, err
}

func insertVisit(ctx context.Context, tx bun.IDB, v *Visit) error {
	res, err := tx.NewInsert().Model(v).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("insert visit: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		return visitExists() // INS-1202
	}
	return err
}

// moveVisit is the guarded move: the act's from-states stand in the WHERE, and
// the version with them (STY-19).
func moveVisit(ctx context.Context, tx bun.IDB, v *Visit, act string, columns ...string) error {
	i := slices.IndexFunc(VisitMoves, func(m Move[VisitState]) bool { return m.Act == act })
	v.State = VisitMoves[i].To
	res, err := tx.NewUpdate().Model(v).Column(append(columns, "state")...).Set("version = version + 1").
		Where("id = ? AND version = ?", v.ID, v.Version).
		Where("state IN (?)", bun.List(VisitMoves[i].From)).Exec(ctx)
	if err := exactlyOne(res, err, "bad_move"); err != nil {
		return err
	}
	v.Version++
	return nil
}

// changeVisit writes columns of a visit that keeps its state.
func changeVisit(ctx context.Context, tx bun.IDB, v *Visit, columns ...string) error {
	res, err := tx.NewUpdate().Model(v).Column(columns...).Set("version = version + 1").
		Where("id = ? AND version = ? AND state = ?", v.ID, v.Version, v.State).Exec(ctx)
	if err := exactlyOne(res, err, "bad_move"); err != nil {
		return err
	}
	v.Version++
	return nil
}

// daysLock is PostgreSQL's advisory lock on the days that are open.
const daysLock = 7318003

// keepDays lets nobody take a day away until the commit: a booking in the making
// is then seen by whoever takes its day (INS-410). Bookings do not wait for each
// other. SQLite has one writer and needs neither this nor takeDays.
func keepDays(ctx context.Context, tx bun.IDB) error {
	if !db.Postgres(tx) {
		return nil
	}
	_, err := tx.NewRaw("SELECT pg_advisory_xact_lock_shared(?)", daysLock).Exec(ctx)
	return err
}

// takeDays waits for all bookings in the making.
func takeDays(ctx context.Context, tx bun.IDB) error {
	if !db.Postgres(tx) {
		return nil
	}
	_, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?)", daysLock).Exec(ctx)
	return err
}

// bookedAhead are the visits that are booked and have not begun.
func bookedAhead(ctx context.Context, q bun.IDB, now time.Time) (out []Visit, err error) {
	err = q.NewSelect().Model(&out).Where("state IN (?) AND start_at > ?", bun.List([]VisitState{VisitOffered, VisitConfirmed}), now).
		Order("start_at", "id").Scan(ctx)
	return out, err
}

// firstVisits are the visits of a case in the order of locks, without revisits.
func firstVisits(ctx context.Context, q bun.IDB, caseID string) (out []Visit, err error) {
	err = q.NewSelect().Model(&out).Where("case_id = ? AND revisit_of = ''", caseID).Order("id").Scan(ctx)
	return out, err
}

func insertRound(ctx context.Context, tx bun.IDB, r *Round) error {
	_, err := tx.NewInsert().Model(r).Exec(ctx)
	return err
}

func listRounds(ctx context.Context, q bun.IDB, visitID string) (out []Round, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("n").Scan(ctx)
	return out, err
}

func insertOpinion(ctx context.Context, tx bun.IDB, o *Opinion) error {
	_, err := tx.NewInsert().Model(o).Exec(ctx)
	return err
}

// lastOpinion is the signed one that counts: a later one corrects an earlier (O7).
// A deferral is no opinion.
func lastOpinion(ctx context.Context, q bun.IDB, p Participant) (o Opinion, found bool, err error) {
	err = q.NewSelect().Model(&o).Where("participant_id = ? AND kind <> ? AND signed_at IS NOT NULL", p.ID, Deferred).Order("given_at DESC", "id DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return o, false, nil
	}
	return o, err == nil, err
}

func insertJointOpinion(ctx context.Context, tx bun.IDB, j *JointOpinion) error {
	_, err := tx.NewInsert().Model(j).Exec(ctx)
	return err
}

// listJointOpinions gives every version of a visit's, the first one first.
func listJointOpinions(ctx context.Context, q bun.IDB, visitID string) (out []JointOpinion, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("version").Scan(ctx)
	return out, err
}

// headed is the head of a joint opinion with the division its number is of.
type headed struct {
	JointContent
	division string
}

func jointHead(ctx context.Context, q bun.IDB, v Visit) (headed, error) {
	centre, err := office.FindCentre(ctx, q, v.CentreID)
	if err != nil {
		return headed{}, err
	}
	window, err := office.FindWindow(ctx, q, v.WindowID)
	if err != nil {
		return headed{}, err
	}
	photos, err := photosOf(ctx, q, v)
	if err != nil {
		return headed{}, err
	}
	return headed{division: centre.Division, JointContent: JointContent{
		Photos: photos, Centre: centre.Name, Window: window.Number, CaseNumber: v.CaseNumber, Matter: v.MatterName,
		Place: v.Place, Kind: v.Kind, HeldFrom: v.StartedAt, HeldTo: v.SiteEndedAt,
	}}, nil
}
