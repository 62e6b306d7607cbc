package delivery

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// takeOverMost is how many numbers one scan may bring.
const takeOverMost = 200

// TakeOver is the courier's own signature: the parcels with those numbers were
// given to this courier and are now in its hands (DEL-910). A number that is
// unknown or somebody else's is named in the answer and stops nothing. Refusals:
// not_a_courier, batch_size.
func (d *Desk) TakeOver(ctx context.Context, by auth.Actor, numbers []string) (out []TakenOver, err error) {
	d = d.still()
	if !by.Is(auth.Courier) {
		return nil, notACourier()
	}
	if len(numbers) == 0 || len(numbers) > takeOverMost {
		return nil, batchSize()
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		out, err = d.takeOver(ctx, tx, by, numbers)
		return err
	})
	return out, err
}

func notACourier() *fault.Error {
	return fault.Refuse(fault.Forbidden, "not_a_courier",
		"只有派送员可以在手机上接收邮件和上传记录", "only couriers take parcels over and send records")
}

func batchSize() *fault.Error {
	return fault.Refuse(fault.Invalid, "batch_size",
		"一次请提交 1 到 %d 条，多的分次提交", "send 1 to %d at once, the rest afterwards", eventsMost)
}

func (d *Desk) takeOver(ctx context.Context, tx bun.IDB, by auth.Actor, numbers []string) ([]TakenOver, error) {
	out := make([]TakenOver, len(numbers))
	var plain []string
	for i, n := range numbers {
		number, err := ParseNumber(n)
		if err != nil {
			number = foldNumber(n)
		}
		out[i] = TakenOver{Number: number}
		plain = append(plain, number)
	}
	parcels, err := lockParcels(ctx, tx, "number", plain)
	if err != nil {
		return nil, err
	}
	var mine []*Parcel
	var rows []EventRow
	for i := range parcels {
		p := &parcels[i]
		what, err := d.signs(ctx, tx, by, *p)
		if err != nil {
			return nil, err
		}
		if what == "" {
			continue
		}
		e, err := d.deskEvent(by, p, what, Facts{})
		if err != nil {
			return nil, err
		}
		mine, rows = append(mine, p), append(rows, e)
	}
	if err := insertEvents(ctx, tx, rows); err != nil {
		return nil, err
	}
	if len(mine) > 0 {
		if _, err := d.refold(ctx, tx, by, mine); err != nil {
			return nil, err
		}
	}
	var leaves []audit.Leaf
	for i, p := range mine {
		leaves = append(leaves, d.parcelLeaf("parcel_"+string(rows[i].Type), *p, by, map[string]any{"courier": by.ID}))
	}
	for i := range out {
		out[i].answer(by, parcels)
	}
	return out, audit.Record(ctx, tx, leaves...)
}

// signs says what the courier's signature is for this parcel: a hand-over by the
// window, or by a courier who still answers for it (DEL-810); nothing if it is
// not given to this courier, or signed for already.
func (d *Desk) signs(ctx context.Context, tx bun.IDB, by auth.Actor, p Parcel) (EventType, error) {
	switch {
	case p.CourierID != by.ID:
	case p.State == ParcelSealed:
		return EventHandedOver, nil
	case slices.Contains(carried, p.State):
		holder, err := holderOf(ctx, tx, p.ID)
		if err != nil || holder == (Keeper{AtCourier, by.ID}) {
			return "", err
		}
		return EventTakenOver, nil
	}
	return "", nil
}

// answer says what became of one number.
func (t *TakenOver) answer(by auth.Actor, parcels []Parcel) {
	n := slices.IndexFunc(parcels, func(p Parcel) bool { return p.Number == t.Number && p.CourierID == by.ID })
	if n < 0 {
		t.Code, t.Text, t.TextEN = "not_found", "没有交给您的这件邮件，请核对面单或问窗口", "no such parcel was given to you; check the label or ask the window"
		return
	}
	if p := parcels[n]; !slices.Contains(carried, p.State) {
		t.Code, t.Text = "parcel_state", "这件邮件目前是“"+p.State.Word("zh")+"”，不用再接收"
		t.TextEN = "this parcel is \"" + p.State.Word("en") + "\" and needs no taking over"
		return
	}
	t.Parcel = &parcels[n]
}
