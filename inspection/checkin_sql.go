package inspection

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// listCheckIns are those who came to the visit in its present round.
func listCheckIns(ctx context.Context, q bun.IDB, v Visit) (out []CheckIn, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ? AND round = ?", v.ID, v.Round).Order("came_at", "id").Scan(ctx)
	return out, err
}

func markLeft(ctx context.Context, tx bun.IDB, c CheckIn, now time.Time, agreed bool) error {
	c.LeftAt, c.LeftAgreed = now, agreed
	res, err := tx.NewUpdate().Model(&c).Column("left_at", "left_agreed").Where("id = ? AND left_at IS NULL", c.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// listThere are those of a department who came to the visit.
func listThere(ctx context.Context, q bun.IDB, p Participant, v Visit) (out []CheckIn, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ? AND round = ? AND party = ?", v.ID, v.Round, p.ID).Order("came_at", "id").Scan(ctx)
	return out, err
}

// inspectorOf is the department's inspector with that account; empty when the
// account is nobody's who can be booked.
func inspectorOf(ctx context.Context, q bun.IDB, department, person string) (r Resource, err error) {
	err = q.NewSelect().Model(&r).Where("department_id = ? AND person_id = ? AND kind = ? AND active", department, person, KindInspector).
		Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return r, nil
	}
	return r, err
}

// accountOf is the account of the department's inspector with that certificate,
// empty when there is none.
func accountOf(ctx context.Context, q bun.IDB, department, certificate string) (string, error) {
	var r Resource
	err := q.NewSelect().Model(&r).Column("person_id").Where("department_id = ? AND certificate = ? AND kind = ? AND active", department, certificate, KindInspector).
		Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return r.PersonID, err
}

// setAttendance is a move of the attendance track, guarded by the state it was
// read in.
func setAttendance(ctx context.Context, tx bun.IDB, p Participant, to Attendance) error {
	res, err := tx.NewUpdate().Model((*Participant)(nil)).Set("attendance = ?", to).
		Where("id = ? AND round = ? AND attendance = ?", p.ID, p.Round, p.Attendance).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// standingAttestations are those that nobody has taken back.
func standingAttestations(ctx context.Context, q bun.IDB, p Participant) (out []Attestation, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id = ? AND round = ? AND withdrawn_at IS NULL", p.ID, p.Round).
		Order("attested_at", "id").Scan(ctx)
	return out, err
}

func listAttestations(ctx context.Context, q bun.IDB, participants []string) (out []Attestation, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id IN (?)", bun.List(participants)).Order("attested_at", "id").Scan(ctx)
	return out, err
}

func withdrawAttestation(ctx context.Context, tx bun.IDB, a Attestation, now time.Time, by, why string) error {
	a.WithdrawnAt, a.WithdrawnBy, a.WithdrawnWhy = now, by, why
	res, err := tx.NewUpdate().Model(&a).Column("withdrawn_at", "withdrawn_by", "withdrawn_why").
		Where("id = ? AND withdrawn_at IS NULL", a.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func listCorrections(ctx context.Context, q bun.IDB, participants []string) (out []Correction, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id IN (?)", bun.List(participants)).Order("proposed_at", "id").Scan(ctx)
	return out, err
}

// openCorrection is the proposal that waits for a second person, if any.
func openCorrection(ctx context.Context, q bun.IDB, p Participant) (c Correction, waiting bool, err error) {
	err = q.NewSelect().Model(&c).Where("participant_id = ? AND round = ? AND decided_at IS NULL", p.ID, p.Round).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	return c, err == nil, err
}

func decideCorrection(ctx context.Context, tx bun.IDB, c Correction, by string, now time.Time) error {
	c.DecidedBy, c.DecidedAt = by, now
	res, err := tx.NewUpdate().Model(&c).Column("decided_by", "decided_at").Where("id = ? AND decided_at IS NULL", c.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// absentApplicants counts the visits of a case that were not held because the
// applicant did not come (INS-1005).
func absentApplicants(ctx context.Context, q bun.IDB, caseID string) (int64, error) {
	return q.NewSelect().Model((*Visit)(nil)).Where("case_id = ? AND state = ? AND reason_code = 'applicant_absent'", caseID, VisitNotHeld).Count(ctx)
}
