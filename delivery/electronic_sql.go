package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/fault"
)

func insertElectronicConsent(ctx context.Context, tx bun.IDB, c *ElectronicConsent) error {
	_, err := tx.NewInsert().Model(c).Exec(ctx)
	return err
}

func findElectronicConsent(ctx context.Context, q bun.IDB, id string) (c ElectronicConsent, err error) {
	err = found(q.NewSelect().Model(&c).Where("id = ?", id).Scan(ctx))
	return c, err
}

// electronicConsentsOf gives the consents of cases in the order in which they
// were given, those taken back too.
func electronicConsentsOf(ctx context.Context, q bun.IDB, caseIDs []string) (out []ElectronicConsent, err error) {
	err = q.NewSelect().Model(&out).Where("case_id IN (?)", bun.List(caseIDs)).Order("given_at", "id").Scan(ctx)
	return out, err
}

// revokeElectronicConsent ends a consent once (STY-19).
func revokeElectronicConsent(ctx context.Context, tx bun.IDB, c *ElectronicConsent) error {
	res, err := tx.NewUpdate().Model(c).Column("revoked_at", "revoked_by", "revoked_how").
		Where("id = ?", c.ID).Where("revoked_at IS NULL").Exec(ctx)
	return exactlyOne(res, err, electronicRevoked)
}

// insertFile refuses a second file of a line: the index decides between two who
// supply it at once.
func insertFile(ctx context.Context, tx bun.IDB, f *ElectronicFile) error {
	_, err := tx.NewInsert().Model(f).Exec(ctx)
	if fault.Is(err, "already_exists") {
		return electronicStanding()
	}
	return err
}

func findFile(ctx context.Context, q bun.IDB, id string) (f ElectronicFile, err error) {
	err = found(q.NewSelect().Model(&f).Where("id = ?", id).Scan(ctx))
	return f, err
}

// lockFileNumber finds a file that was sent by its own number.
func lockFileNumber(ctx context.Context, tx bun.IDB, number string) (f ElectronicFile, err error) {
	q := tx.NewSelect().Model(&f).Where("number = ?", number).Where("state <> 'supplied'")
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	return f, found(q.Scan(ctx))
}

func lockFile(ctx context.Context, tx bun.IDB, id string) (f ElectronicFile, err error) {
	q := tx.NewSelect().Model(&f).Where("id = ?", id)
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	return f, found(q.Scan(ctx))
}

// findFileToken finds the file of a link. Unknown and replaced look the same.
func findFileToken(ctx context.Context, q bun.IDB, hash string) (f ElectronicFile, err error) {
	err = found(q.NewSelect().Model(&f).Where("token_hash = ?", hash).Scan(ctx))
	if fault.Is(err, "not_found") {
		err = electronicLink()
	}
	return f, err
}

func filesOfLine(ctx context.Context, q bun.IDB, lineID string) (out []ElectronicFile, err error) {
	err = q.NewSelect().Model(&out).Where("line_id = ?", lineID).Order("supplied_at", "id").Scan(ctx)
	return out, err
}

func filesOfCase(ctx context.Context, q bun.IDB, caseID string) (out []ElectronicFile, err error) {
	return filesOfCases(ctx, q, []string{caseID})
}

func filesOfCases(ctx context.Context, q bun.IDB, caseIDs []string) (out []ElectronicFile, err error) {
	err = q.NewSelect().Model(&out).Where("case_id IN (?)", bun.List(caseIDs)).Order("supplied_at", "id").Scan(ctx)
	return out, err
}

// moveFile is the guarded move of a file (STY-19).
func moveFile(ctx context.Context, tx bun.IDB, f *ElectronicFile, act string, columns ...string) error {
	move := moveOf(FileMoves, act)
	f.State = move.To
	res, err := tx.NewUpdate().Model(f).Column(append(columns, "state")...).Set("version = version + 1").
		Where("id = ? AND version = ?", f.ID, f.Version).Where("state IN (?)", bun.List(move.From)).Exec(ctx)
	if err := exactlyOne(res, err, electronicOver); err != nil {
		return err
	}
	f.Version++
	return nil
}

// countTries writes the count of tries and of fetches; the row is locked.
func countTries(ctx context.Context, tx bun.IDB, f *ElectronicFile) error {
	_, err := tx.NewUpdate().Model(f).Column("tries", "locked_until", "tried_on", "day_tries", "opens").WherePK().Exec(ctx)
	return err
}

func updateToken(ctx context.Context, tx bun.IDB, f *ElectronicFile) error {
	_, err := tx.NewUpdate().Model(f).Column("token_hash").WherePK().Exec(ctx)
	return err
}

// SentFiles are files that wait to be opened, the most urgent first, limit at
// most.
func SentFiles(ctx context.Context, q bun.IDB, limit int64) (out []ElectronicFile, err error) {
	err = q.NewSelect().Model(&out).Where("state = 'sent'").Order("serve_by", "id").Limit(limit).Scan(ctx)
	return out, err
}

// FilesByID gives some files.
func FilesByID(ctx context.Context, q bun.IDB, ids []string) (out []ElectronicFile, err error) {
	err = q.NewSelect().Model(&out).Where("id IN (?)", bun.List(ids)).Order("id").Scan(ctx)
	return out, err
}
