package inspection

import (
	"context"

	"github.com/uptrace/bun"
)

func insertSubstitution(ctx context.Context, tx bun.IDB, s *Substitution) error {
	_, err := tx.NewInsert().Model(s).Exec(ctx)
	return err
}

// findSubstitution names both ends.
func findSubstitution(ctx context.Context, q bun.IDB, id string) (s Substitution, err error) {
	err = namedSubstitutions(q, &s).Where("s.id = ?", id).Scan(ctx)
	return s, err
}

func listSubstitutions(ctx context.Context, q bun.IDB, visitID string) (out []Substitution, err error) {
	err = namedSubstitutions(q, &out).Where("s.visit_id = ?", visitID).Order("s.substituted_at", "s.id").Scan(ctx)
	return out, err
}

func namedSubstitutions(q bun.IDB, into any) *bun.SelectQuery {
	return q.NewSelect().Model(into).ModelTableExpr("substitutions AS s").ColumnExpr("s.*, o.name AS out_name, i.name AS in_name").
		Join("JOIN resources AS o ON o.id = s.out_id").Join("JOIN resources AS i ON i.id = s.in_id")
}

// freeBooking gives back one of a visit's resources.
func freeBooking(ctx context.Context, tx bun.IDB, visitID, resource string) error {
	res, err := tx.NewDelete().Model((*Booking)(nil)).Where("visit_id = ? AND resource_id = ?", visitID, resource).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// peersOf are those in use of the same kind and owner as a resource, itself too.
func peersOf(ctx context.Context, q bun.IDB, of Resource) (out []Resource, err error) {
	err = q.NewSelect().Model(&out).Where("active AND kind = ? AND department_id = ? AND centre_id = ?", of.Kind, of.DepartmentID, of.CentreID).
		Order("id").Scan(ctx)
	return out, err
}
