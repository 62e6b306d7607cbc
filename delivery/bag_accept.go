package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// Extra is what lay in a bag without being listed, with a photo that was put
// before (DEL-911). Number may be empty.
type Extra struct{ Number, Title, Note, Photo string }

// BagAccept is the receiving side's signature. What Found does not name is
// accepted. For a department without accounts the window gives who signed the
// slip, when, and the scan of it.
type BagAccept struct {
	BagID    string
	Count    int
	Found    []Found
	Extras   []Extra
	Note     string
	Receiver string    // on paper: who signed
	SignedAt time.Time // on paper: when
	Slip     string    // on paper: SHA-256 of the scan
}

// maxExtras is how many things may turn up in one bag.
const maxExtras = 20

// AcceptBag opens a bag and counts it: all that was found passes into the
// keeping of the side that signs, for what is missing or damaged the giver goes
// on answering, and what was never listed is recorded with a photo (DEL-910,
// DEL-911, DEL-920). Refusals: not_found, not_the_receiver,
// department_has_accounts, bag_over, outcome_invalid, reason_missing,
// text_invalid, count_differs, nothing_accepted, extra_incomplete, blob_unknown,
// slip_incomplete, receiver_unregistered.
func (d *Desk) AcceptBag(ctx context.Context, by auth.Actor, r BagAccept) (out BagView, err error) {
	d = d.still()
	err = d.onBag(ctx, by, r.BagID, BagReleased, opens, func(tx bun.IDB, v *BagView) ([]audit.Leaf, error) {
		leaves, err := d.acceptBag(ctx, tx, by, r, v)
		out = *v
		return leaves, err
	})
	if err != nil {
		return BagView{}, err
	}
	return out, nil
}

func (d *Desk) acceptBag(ctx context.Context, tx bun.IDB, by auth.Actor, r BagAccept, v *BagView) ([]audit.Leaf, error) {
	if err := d.checkAccept(ctx, tx, by, &r, *v); err != nil {
		return nil, err
	}
	good := v.apply(r.Found)
	if good != r.Count {
		return nil, countDiffers(r.Count, good)
	}
	if good == 0 && len(r.Extras) == 0 {
		return nil, nothingAccepted()
	}
	act := "Accept"
	if good < len(v.Items) {
		act = "Accept some"
	}
	v.Note = strings.TrimSpace(r.Note)
	leaves, err := d.endBag(ctx, tx, by, v, act, r)
	if err != nil {
		return nil, err
	}
	more, err := d.addExtras(ctx, tx, by, v, r.Extras)
	if err != nil {
		return nil, err
	}
	leaves = append(d.bagLeaves("bag_"+string(v.State), by, v, map[string]any{
		"paper": v.Slip != "", "slip": v.Slip, "extras": len(v.Extras),
	}), leaves...)
	return append(leaves, more...), nil
}

// RefuseBag sends a bag back unopened; everything in it stays the giver's to
// answer for (DEL-910). Refusals: as AcceptBag, and reason_missing.
func (d *Desk) RefuseBag(ctx context.Context, by auth.Actor, bagID, reason string) (out BagView, err error) {
	d = d.still()
	err = d.onBag(ctx, by, bagID, BagReleased, opens, func(tx bun.IDB, v *BagView) ([]audit.Leaf, error) {
		if err := checkReason("reason", reason); err != nil {
			return nil, err
		}
		v.Note = strings.TrimSpace(reason)
		if _, err := d.endBag(ctx, tx, by, v, "Refuse", BagAccept{Receiver: v.ToName}); err != nil {
			return nil, err
		}
		out = *v
		return d.bagLeaves("bag_refused", by, v, nil), nil
	})
	if err != nil {
		return BagView{}, err
	}
	return out, nil
}

func (d *Desk) checkAccept(ctx context.Context, tx bun.IDB, by auth.Actor, r *BagAccept, v BagView) error {
	listed := make([]string, len(v.Items))
	for n, i := range v.Items {
		listed[n] = i.ItemID
	}
	if err := checkFound(r.Found, listed); err != nil {
		return err
	}
	if err := office.CheckText("note", r.Note, reasonLength); err != nil {
		return err
	}
	if err := checkExtras(ctx, tx, r.Extras); err != nil {
		return err
	}
	if sideOf(by) == v.To() {
		r.Receiver, r.Slip, r.SignedAt = by.Name, "", time.Time{}
		return nil
	}
	return d.checkSlip(ctx, tx, r, v)
}

// checkSlip wants what a signed slip has to show (DEL-950), and that the name was on
// the list of those who may sign for the department (DEL-913).
func (d *Desk) checkSlip(ctx context.Context, tx bun.IDB, r *BagAccept, v BagView) error {
	r.Receiver = strings.TrimSpace(r.Receiver)
	if err := (signedSlip{r.Receiver, r.SignedAt, r.Slip}).check(ctx, tx, v.ReleasedAt, d.now()); err != nil {
		return err
	}
	return wantRegistered(ctx, tx, v.ToID, r.Receiver, r.SignedAt)
}

func checkExtras(ctx context.Context, tx bun.IDB, extras []Extra) error {
	for _, e := range extras {
		if strings.TrimSpace(e.Title) == "" || e.Photo == "" || len(extras) > maxExtras {
			return fault.Refuse(fault.Invalid, "extra_incomplete",
				"多出的物料请写明名称并附照片（一次最多 %d 件）", "give each extra thing a name and a photo, at most %d of them", maxExtras) // DEL-911
		}
		if _, err := findBlob(ctx, tx, e.Photo); err != nil {
			return scanNotUploaded(err)
		}
		if err := office.CheckLines(line("number", e.Number), line("title", e.Title), line("note", e.Note)); err != nil {
			return err
		}
	}
	return nil
}

// apply writes what was found to the items and counts what is accepted.
func (v *BagView) apply(found []Found) (good int) {
	for n := range v.Items {
		i := &v.Items[n]
		i.Outcome, i.Note = findingOf(found, i.ItemID)
		if i.Outcome == FoundGood {
			good++
		}
	}
	return good
}

// endBag moves a bag and everything in it, and the loans that travelled.
func (d *Desk) endBag(ctx context.Context, tx bun.IDB, by auth.Actor, v *BagView, act string, r BagAccept) (leaves []audit.Leaf, err error) {
	v.EndedAt, v.EndedBy, v.EndedName = d.now(), by.String(), r.Receiver
	v.Slip, v.SignedAt = r.Slip, r.SignedAt
	if err := moveBag(ctx, tx, &v.Bag, act); err != nil {
		return nil, err
	}
	if err := updateBagOutcomes(ctx, tx, v.Items); err != nil {
		return nil, err
	}
	if err := d.signed(ctx, tx, by, v.ID); err != nil {
		return nil, err
	}
	for n := range v.Items {
		i := &v.Items[n]
		e := CustodyEvent{ID: newID(), Kind: custodyOf[i.Outcome], BagID: v.ID, Note: i.Note, Actor: by.String(), At: d.now()}
		to := i.Item.keeper()
		switch {
		case v.State == BagRefused:
			e.Kind, e.Note = CustodyRefused, v.Note
		case i.Outcome == FoundGood:
			to, i.Item.Place = v.To(), ""
		}
		i.Item.BagID = ""
		if err := pass(ctx, tx, i.Item, to, e); err != nil {
			return nil, err
		}
		more, err := d.lentTo(ctx, tx, by, *i.Item)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, more...)
	}
	return leaves, nil
}

// addExtras records what was not listed. What the register has with the giver,
// in nothing else, is the receiver's to answer for now (DEL-911); of anything
// else the register goes on saying who has it, and a person explains. A number
// that cannot be read is kept as it was written.
func (d *Desk) addExtras(ctx context.Context, tx bun.IDB, by auth.Actor, v *BagView, extras []Extra) (leaves []audit.Leaf, err error) {
	for _, e := range extras {
		row := BagExtra{
			ID: newID(), BagID: v.ID, Number: strings.TrimSpace(e.Number), Title: strings.TrimSpace(e.Title), Note: strings.TrimSpace(e.Note),
			Photo: e.Photo, FoundAt: d.now(), FoundBy: by.String(),
		}
		if number, err := ParseNumber(e.Number); err == nil {
			row.Number = number
			more, err := d.takeExtra(ctx, tx, by, v, &row)
			if err != nil {
				return nil, err
			}
			leaves = append(leaves, more...)
		}
		v.Extras = append(v.Extras, row)
	}
	return leaves, insertExtras(ctx, tx, v.Extras)
}

func (d *Desk) takeExtra(ctx context.Context, tx bun.IDB, by auth.Actor, v *BagView, row *BagExtra) ([]audit.Leaf, error) {
	i, err := itemByNumber(ctx, tx, row.Number)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	listed := slices.ContainsFunc(v.Items, func(b BagItem) bool { return b.ItemID == i.ID })
	locked, err := lockItems(ctx, tx, []string{i.ID})
	if err != nil || len(locked) != 1 || listed {
		return nil, err
	}
	row.ItemID, i = i.ID, locked[0]
	if i.keeper() != v.From() || !i.free() {
		return nil, nil
	}
	i.Place = ""
	e := CustodyEvent{ID: newID(), Kind: CustodyFound, BagID: v.ID, Note: row.Note, Actor: by.String(), At: d.now()}
	if err := pass(ctx, tx, &i, v.To(), e); err != nil {
		return nil, err
	}
	return d.lentTo(ctx, tx, by, i)
}

// ExplainExtra says how something unlisted came into a bag (DEL-911). Either
// side may. Refusals: not_found, not_a_keeper, extra_explained, reason_missing, text_invalid.
func (d *Desk) ExplainExtra(ctx context.Context, by auth.Actor, extraID, text string) (out BagExtra, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if out, err = findExtra(ctx, tx, extraID); err != nil {
			return err
		}
		v, err := lockBag(ctx, tx, out.BagID)
		if err != nil {
			return err
		}
		if !mayReadBag(by, v.Bag) {
			return notFound()
		}
		if !keepsThings(by) {
			return notAKeeper()
		}
		if err := checkReason("explanation", text); err != nil {
			return err
		}
		out.ExplainedAt, out.ExplainedBy, out.Explanation = d.now(), by.String(), strings.TrimSpace(text)
		if err := explainExtra(ctx, tx, &out); err != nil {
			return err
		}
		return audit.Record(ctx, tx, d.bagLeaves("bag_extra_explained", by, &v, map[string]any{"extra": out.ID})...)
	})
	if err != nil {
		return BagExtra{}, err
	}
	return out, nil
}
