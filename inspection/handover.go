package inspection

import (
	"cmp"
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/auth"
)

// Addressee is who receives the papers of a case as it was taken in, unmasked, to
// fill in the form of a parcel: the agent where there is one, at the premises
// (DEL-230). The window that took the case in confirms it with the applicant.
// Refusal: not_found.
func (d *Desk) Addressee(ctx context.Context, by auth.Actor, caseID string) (delivery.Addressee, error) {
	c, err := d.whole(ctx, caseID, func(c Case) bool { return atWindow(by) && by.Centre == c.CentreID })
	if err != nil {
		return delivery.Addressee{}, err
	}
	return addresseeOf(c), nil
}

func addresseeOf(c Case) delivery.Addressee {
	return delivery.Addressee{Name: cmp.Or(c.Applicant.Agent, c.Applicant.Name), Phone: c.Applicant.Phone, Address: c.Site.Address, Lat: c.Site.Lat, Lon: c.Site.Lon}
}

// HandOverRequest gives a sealed parcel to a courier, with Pieces all of its
// sending that lies at the window (DEL-402).
type HandOverRequest struct {
	ParcelID, CourierID string
	Pieces              bool
}

// HandOver gives a parcel to a courier, who then signs for it (DEL-910). When
// nothing of the case waits at the window any more, the case is handed over; a
// result that is added later goes out by itself (DEL-306). Refusals: those of
// delivery.Desk.Dispatch.
func (d *Desk) HandOver(ctx context.Context, by auth.Actor, parcels *delivery.Desk, r HandOverRequest) (out delivery.Parcel, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		p, leaves, err := dispatchAll(ctx, tx, by, parcels, r)
		if err != nil {
			return err
		}
		more, err := d.ResultsOut(ctx, tx, by, p.CaseID)
		if err != nil {
			return err
		}
		out = p
		return audit.Record(ctx, tx, append(leaves, more...)...)
	})
	return out, err
}

// dispatchAll assigns the parcel and the pieces that go with it, in the order of
// their ids (DB-12), and gives the one that was named.
func dispatchAll(ctx context.Context, tx bun.IDB, by auth.Actor, parcels *delivery.Desk, r HandOverRequest) (out delivery.Parcel, leaves []audit.Leaf, err error) {
	ids := []string{r.ParcelID}
	if r.Pieces {
		others, err := delivery.OthersHere(ctx, tx, r.ParcelID)
		if err != nil {
			return out, nil, err
		}
		ids = append(ids, others...)
		slices.Sort(ids)
	}
	for _, id := range ids {
		p, more, err := parcels.Dispatch(ctx, tx, by, id, r.CourierID)
		if err != nil {
			return out, nil, err
		}
		if id == r.ParcelID {
			out = p
		}
		leaves = append(leaves, more...)
	}
	return out, leaves, nil
}

// ResultsOut hands a case over, on the caller's transaction, if nothing of it
// waits at the window any more: a courier has taken the last parcel, or its
// receiver has collected it. The caller records the leaves last.
func (d *Desk) ResultsOut(ctx context.Context, tx bun.IDB, by auth.Actor, caseID string) ([]audit.Leaf, error) {
	all, err := delivery.AllOut(ctx, tx, caseID)
	if err != nil || !all {
		return nil, err
	}
	moved, err := handCaseOver(ctx, tx, caseID)
	if err != nil || !moved {
		return nil, err
	}
	over, err := d.overExtension(ctx, tx, by, caseID)
	return append(over, audit.Leaf{Type: "case_results_out", Stream: caseStream(caseID), Actor: by.String(), At: d.now()}), err
}
