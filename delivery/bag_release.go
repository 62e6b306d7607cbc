package delivery

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// BagRelease seals a bag and gives it away.
type BagRelease struct {
	BagID string
	Seal  string // number of its seal
	Count int    // things counted by hand
	Giver string // who signed the slip, where the window acts for a department
}

// ReleaseBag is the signature of the side that packed a bag: it is sealed and on
// its way, and its giver answers for it until the other side has opened it
// (DEL-910). Everything in it is looked at once more. Refusals: not_found,
// not_the_packer, bag_over, bag_empty, bag_count, bag_seal, giver_missing,
// text_invalid, and those of PutInBag for what may no longer go there.
func (d *Desk) ReleaseBag(ctx context.Context, by auth.Actor, r BagRelease) (out BagView, err error) {
	d = d.still()
	r.Seal, r.Giver = strings.TrimSpace(r.Seal), strings.TrimSpace(r.Giver)
	err = d.onBag(ctx, by, r.BagID, BagFilling, packs, func(tx bun.IDB, v *BagView) ([]audit.Leaf, error) {
		if err := r.check(*v); err != nil {
			return nil, err
		}
		for _, i := range v.Items {
			if err := d.mayGoTo(ctx, tx, *i.Material, v.Bag); err != nil {
				return nil, err
			}
		}
		v.Seal, v.Giver, v.ReleasedAt, v.ReleasedBy = r.Seal, by.Name, d.now(), by.String()
		if v.Paper {
			v.Giver = r.Giver
		}
		if err := d.onItsWay(ctx, tx, by, v); err != nil {
			return nil, err
		}
		out = *v
		return d.bagLeaves("bag_released", by, v, map[string]any{"paper": v.Paper, "due": audit.Instant(v.DueAt)}), nil
	})
	if err != nil {
		return BagView{}, err
	}
	return out, nil
}

func (r BagRelease) check(v BagView) error {
	switch {
	case len(v.Items) == 0:
		return fault.Refuse(fault.Invalid, "bag_empty",
			"袋里还没有物料，请先逐件扫码装袋", "there is nothing in the bag; scan things into it first")
	case r.Count != len(v.Items):
		return fault.Refuse(fault.Invalid, "bag_count",
			"清点数 %d 与已扫码装袋的 %d 件不一致，请打开袋子重新清点", "you counted %d but %d were scanned into the bag; open it and count again", r.Count, len(v.Items))
	case r.Seal == "":
		return fault.Refuse(fault.Invalid, "bag_seal",
			"请扫描或填写封条编号，封好后再移交", "scan or type the number of the seal that closes the bag")
	case v.Paper && r.Giver == "":
		return fault.Refuse(fault.Invalid, "giver_missing",
			"请填写在流转单上签字的部门人员", "give the name of who signed the slip for the department")
	}
	return office.CheckLines(line("seal", r.Seal), line("giver", r.Giver))
}

// onItsWay moves the bag, writes a step for everything in it and puts it on the
// list of the next run (DEL-922).
func (d *Desk) onItsWay(ctx context.Context, tx bun.IDB, by auth.Actor, v *BagView) error {
	term, err := d.signBy(ctx, tx, v.CentreID, v.From(), v.To())
	if err != nil {
		return err
	}
	v.DueAt, v.SignHours = term.Due, term.Hours
	if err := moveBag(ctx, tx, &v.Bag, "Release"); err != nil {
		return err
	}
	var steps []CustodyEvent
	for _, i := range v.Items {
		e := d.step(*i.Item, CustodySent, by, "", "")
		e.BagID = v.ID
		steps = append(steps, e)
	}
	if err := insertSteps(ctx, tx, steps); err != nil {
		return err
	}
	_, err = d.join(ctx, tx, v.CentreID, v.entry(), d.now().Add(joinBefore))
	return err
}
