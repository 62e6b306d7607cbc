package delivery

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// insertApplicant puts a row in, or completes the receiver of one that has none.
func insertApplicant(ctx context.Context, tx bun.IDB, a *Applicant) error {
	q := tx.NewInsert().Model(a)
	if a.Receiver.Name == "" {
		q = q.On("CONFLICT (case_id) DO NOTHING")
	} else {
		q = q.On("CONFLICT (case_id) DO UPDATE").Set("receiver = EXCLUDED.receiver")
	}
	_, err := q.Exec(ctx)
	return err
}

func findApplicant(ctx context.Context, q bun.IDB, caseID string) (a Applicant, err error) {
	err = found(q.NewSelect().Model(&a).Where("case_id = ?", caseID).Scan(ctx))
	return a, err
}

// applicantsOf gives who waits for the results of cases.
func applicantsOf(ctx context.Context, q bun.IDB, caseIDs []string) (out []Applicant, err error) {
	err = q.NewSelect().Model(&out).Where("case_id IN (?)", bun.List(caseIDs)).Scan(ctx)
	return out, err
}

// updateWish writes a wish if nobody has written another meanwhile (STY-19).
func updateWish(ctx context.Context, tx bun.IDB, a *Applicant) error {
	res, err := tx.NewUpdate().Model(a).Column("wish").Set("version = version + 1").
		Where("case_id = ? AND version = ?", a.CaseID, a.Version).Exec(ctx)
	if err := exactlyOne(res, err, wishMoved); err != nil {
		return err
	}
	a.Version++
	return nil
}

func upsertLink(ctx context.Context, tx bun.IDB, l *ApplicantLink) error {
	_, err := tx.NewInsert().Model(l).On("CONFLICT (case_id, channel) DO UPDATE").
		Set("id = EXCLUDED.id").Set("hash = EXCLUDED.hash").Set("made_at = EXCLUDED.made_at").Set("made_by = EXCLUDED.made_by").Exec(ctx)
	return err
}

// findLink finds a link by the hash of its token.
func findLink(ctx context.Context, q bun.IDB, hash string) (l ApplicantLink, err error) {
	err = found(q.NewSelect().Model(&l).Where("hash = ?", hash).Scan(ctx))
	if fault.Is(err, "not_found") {
		err = applicantLink()
	}
	return l, err
}

// unfinished is a line that has not arrived where it belongs: nothing of it is
// still owed, packed or on its way once no such line is left.
const unfinished = "NOT (l.state = 'waived' AND (l.electronic_id = '' OR l.served_at IS NOT NULL)" +
	" OR EXISTS (SELECT 1 FROM parcels AS p WHERE p.id = l.parcel_id AND p.state IN ('delivered', 'collected_at_window', 'written_off')))"

// closing narrows a query of applicants to cases that are done: something was
// owed, and all of it has arrived.
const closing = "EXISTS (SELECT 1 FROM result_lines AS l WHERE l.case_id = ?TableAlias.case_id)" +
	" AND NOT EXISTS (SELECT 1 FROM result_lines AS l WHERE l.case_id = ?TableAlias.case_id AND " + unfinished + ")"

// caseDone reports whether everything of a case has arrived.
func caseDone(ctx context.Context, q bun.IDB, caseID string) (bool, error) {
	return q.NewSelect().Model((*Applicant)(nil)).Where("case_id = ?", caseID).Where(closing).Exists(ctx)
}

// updateReceiver writes who else may take a parcel that lies sealed at the window.
func updateReceiver(ctx context.Context, tx bun.IDB, p *Parcel) error {
	res, err := tx.NewUpdate().Model(p).Column("receiver").Set("version = version + 1").
		Where("id = ? AND version = ?", p.ID, p.Version).Exec(ctx)
	if err := exactlyOne(res, err, parcelMoved); err != nil {
		return err
	}
	p.Version++
	return nil
}

// casesToClose are the cases that are done and not closed yet.
func casesToClose(ctx context.Context, q bun.IDB) (ids []string, err error) {
	err = q.NewSelect().Model((*Applicant)(nil)).Column("case_id").Where("closed_at IS NULL").Where(closing).
		Order("case_id").Limit(closeBatch).Scan(ctx, &ids)
	return ids, err
}

// closeApplicant closes a case that is still done, once (STY-19).
func closeApplicant(ctx context.Context, tx bun.IDB, caseID string, now time.Time) (bool, error) {
	res, err := tx.NewUpdate().Model((*Applicant)(nil)).Set("closed_at = ?", now).
		Where("case_id = ? AND closed_at IS NULL", caseID).Where(closing).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
