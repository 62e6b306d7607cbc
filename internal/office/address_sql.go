package office

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// ConfirmedAddresses gives the lines that count for a Notice made at an
// instant, by channel. None means that only class A serves the department
// (INS-705).
func ConfirmedAddresses(ctx context.Context, q bun.IDB, department string, at time.Time) ([]Address, error) {
	return AddressesOf(ctx, q, []string{department}, at)
}

// AddressesOf is ConfirmedAddresses of several departments at once (STY-21).
func AddressesOf(ctx context.Context, q bun.IDB, departments []string, at time.Time) ([]Address, error) {
	if len(departments) == 0 {
		return nil, nil
	}
	var all []Address
	err := q.NewSelect().Model(&all).
		Where("department_id IN (?)", bun.List(departments)).Where("state = ?", Approved).
		Where("valid_from <= ?", at).Where("valid_to IS NULL OR valid_to > ?", at).
		Order("channel", "valid_from", "id").Scan(ctx)
	return all, err
}

// FindAddress gives one line in any state. Refuses with address_unknown.
func FindAddress(ctx context.Context, q bun.IDB, id string) (Address, error) {
	return find[Address](ctx, q, column{"id", id}, fault.Refuse(fault.NotFound, "address_unknown",
		"没有这个送达地址，请刷新后核对", "there is no such address; reload and check"))
}

// ListAddresses gives every line of a department in every state, the latest
// proposal first.
func ListAddresses(ctx context.Context, q bun.IDB, department string) ([]Address, error) {
	var all []Address
	err := q.NewSelect().Model(&all).Where("department_id = ?", department).Order("proposed_at DESC", "id").Scan(ctx)
	return all, err
}

// ListProposedAddresses gives what waits for a second person, the oldest first.
func ListProposedAddresses(ctx context.Context, q bun.IDB) ([]Address, error) {
	var all []Address
	err := q.NewSelect().Model(&all).Where("state = ?", Proposed).Order("proposed_at", "id").Scan(ctx)
	return all, err
}

// standingAddresses gives the approved lines that count now or will; removals
// never do.
func standingAddresses(ctx context.Context, q bun.IDB, department string, now time.Time) ([]Address, error) {
	var all []Address
	err := q.NewSelect().Model(&all).
		Where("department_id = ?", department).Where("state = ?", Approved).Where("NOT removal").
		Where("valid_to IS NULL OR valid_to > ?", now).Order("valid_from", "id").Scan(ctx)
	return all, err
}

func proposedAddress(ctx context.Context, q bun.IDB, id string) (Address, error) {
	a, err := find[Address](ctx, q, column{"id", id}, proposalUnknown())
	if err == nil && a.State != Proposed {
		err = decided()
	}
	return a, err
}

func insertAddress(ctx context.Context, tx bun.IDB, a Address) error {
	_, err := tx.NewInsert().Model(&a).Exec(ctx)
	return err
}

func decideAddress(ctx context.Context, tx bun.IDB, a Address) error {
	res, err := tx.NewUpdate().Model(&a).Column("state", "decided_by", "decided_at", "valid_from", "valid_to").
		WherePK().Where("state = ?", Proposed).Exec(ctx)
	return changed(res, err, decided())
}

// endAddress ends a line that has no end yet.
func endAddress(ctx context.Context, tx bun.IDB, id string, at time.Time) error {
	a := Address{ID: id, To: at}
	res, err := tx.NewUpdate().Model(&a).Column("valid_to").
		WherePK().Where("state = ?", Approved).Where("valid_to IS NULL").Exec(ctx)
	return changed(res, err, fault.Refuse(fault.Conflict, "address_gone",
		"要更换的送达地址已被另一项变更停用，请退回本申请", "the address to be changed was ended by another change; reject this proposal"))
}
