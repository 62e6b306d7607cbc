package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// FindTransfer gives a transfer the actor may read. Refusal: not_found.
func (d *Desk) FindTransfer(ctx context.Context, by auth.Actor, id string) (out TransferView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		if out, err = findTransfer(ctx, q, id); err != nil {
			return err
		}
		if !mayReadResult(by, out.CentreID, out.FromID) {
			return notFound()
		}
		return nil
	})
	if err != nil {
		return TransferView{}, err
	}
	return out, nil
}

// ScanTransfer finds the transfer that a scanned or typed number belongs to: its
// own number, or that of an item in it. Refusals: own_number_invalid,
// scan_unknown.
func (d *Desk) ScanTransfer(ctx context.Context, by auth.Actor, number string) (out Transfer, err error) {
	plain, err := ParseNumber(number)
	if err != nil {
		return Transfer{}, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		var err error
		out, err = scanTransfer(ctx, q, plain)
		return err
	})
	if err == nil && mayReadResult(by, out.CentreID, out.FromID) {
		return out, nil
	}
	if err == nil || fault.KindOf(err) == fault.NotFound {
		err = scanUnknown(notFound(), plain)
	}
	return Transfer{}, err
}

// TransferQuery narrows ListTransfers. Limit is at most 200, 0 means 50.
type TransferQuery struct {
	Search string
	State  TransferState
	Limit  int

	Unexplained bool // only those with something unlisted that nobody has explained
}

// ListTransfers gives the transfers that the actor may read: open ones first,
// the most urgent on top, then the others, newest first.
func (d *Desk) ListTransfers(ctx context.Context, by auth.Actor, query TransferQuery) (out []TransferView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = listTransfers(ctx, q, by, query)
		return err
	})
	return out, err
}
