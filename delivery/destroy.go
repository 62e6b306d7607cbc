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
	"lianban/internal/once"
)

// DestructionState says how far a Destruction is.
type DestructionState string

// States of a Destruction. The last two end it.
const (
	DestroyProposed  DestructionState = "proposed"
	DestroyDone      DestructionState = "done"
	DestroyWithdrawn DestructionState = "withdrawn"
)

// Destruction (作废销毁) ends the custody of an item for good. One person of its
// keeper proposes it with a reason and a photo, another confirms; the item stays
// in the register with both names (DEL-946).
type Destruction struct {
	bun.BaseModel `bun:"table:destructions" json:"-"`

	ID         string           `bun:"id,pk" json:"id"`
	ItemID     string           `json:"item_id"`
	CaseID     string           `json:"case_id"`
	CentreID   string           `json:"centre_id"`
	KeeperKind KeeperKind       `json:"keeper_kind"` // who had it when it was proposed
	KeeperID   string           `json:"keeper_id"`
	Reason     string           `json:"reason"`
	Photo      string           `json:"photo"`   // SHA-256
	Reissue    bool             `json:"reissue"` // of a result: its department issues it again
	State      DestructionState `json:"state"`
	ProposedAt time.Time        `json:"proposed_at"`
	ProposedBy string           `json:"proposed_by"`
	Proposer   string           `json:"proposer"` // name
	EndedAt    time.Time        `bun:",nullzero" json:"ended_at,omitzero"`
	EndedBy    string           `json:"ended_by,omitempty"`
	EndedName  string           `json:"ended_name,omitempty"`
	ItemTitle  string           `bun:",scanonly" json:"item_title,omitempty"` // in lists
	Version    int              `json:"version"`
}

// Open reports whether a second person still has to decide.
func (x Destruction) Open() bool { return x.State == DestroyProposed }

// DestroyRequest says what is to be made void, and why.
type DestroyRequest struct {
	ItemID  string
	Reason  string
	Photo   string // SHA-256 of a blob: the thing made unusable
	Reissue bool   // of a result: its department issues it again
	Once    once.Key
}

// ProposeDestroy is the first half of making an item void: somebody of its keeper
// does it, for a department without accounts the window. Nothing changes until a
// second person confirms (DEL-946). Refusals: not_found, not_the_holder,
// department_has_accounts, destroy_in_transfer, destroy_in_bag, destroy_in_parcel,
// destroy_on_loan, damage_open, item_destroyed, destroy_open, destroy_photo, blob_unknown,
// reason_missing, text_invalid.
func (d *Desk) ProposeDestroy(ctx context.Context, by auth.Actor, r DestroyRequest) (Destruction, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Destruction, error) {
		v, err := lockToDestroy(ctx, tx, by, r.ItemID)
		if err != nil {
			return Destruction{}, err
		}
		if err := v.mayDestroy(ctx, tx, by); err != nil {
			return Destruction{}, err
		}
		if err := r.check(ctx, tx); err != nil {
			return Destruction{}, err
		}
		x := Destruction{
			ID: newID(), ItemID: v.ID, CaseID: v.CaseID, CentreID: v.centre(), KeeperKind: v.CustodianKind, KeeperID: v.Custodian,
			Reason: strings.TrimSpace(r.Reason), Photo: r.Photo, Reissue: r.Reissue && v.LineID != "", State: moveOf(DestructionMoves, "ProposeDestroy").To,
			ProposedAt: d.now(), ProposedBy: by.String(), Proposer: by.Name, Version: 1,
		}
		rows, err := damagesOf(ctx, tx, []string{v.ID})
		if err != nil {
			return Destruction{}, err
		}
		if slices.ContainsFunc(rows, Damage.Ends) { // its department has decided on that (DEL-808)
			x.Reissue = false
		}
		if open, err := openDestruction(ctx, tx, v.ID); err != nil || open.ID != "" {
			return Destruction{}, orElse(err, fault.Refuse(fault.Conflict, "destroy_open",
				"%s已提出作废，请由另一人确认或撤回", "%s has proposed this already; let another person confirm it, or withdraw it", open.Proposer))
		}
		if err := insertDestruction(ctx, tx, &x); err != nil {
			return Destruction{}, err
		}
		return x, audit.Record(ctx, tx, d.destroyLeaf("destroy_proposed", by, x))
	})
}

func (r DestroyRequest) check(ctx context.Context, q bun.IDB) error {
	if err := checkReason("reason", r.Reason); err != nil {
		return err
	}
	if r.Photo == "" {
		return fault.Refuse(fault.Invalid, "destroy_photo",
			"请附照片：拍清物料和作废标记（如剪角、盖“作废”章）", "add a photo that shows the thing and how it was made void, such as a cut corner or a stamp")
	}
	if _, err := findBlob(ctx, q, r.Photo); err != nil {
		return blobUnknown()
	}
	return nil
}

// ConfirmDestroy is the second half: another person of the keeper, or a
// supervisor of the centre, has seen the thing. Its custody ends and it stays in
// the register as destroyed (DEL-901, DEL-946). Refusals: not_found,
// not_the_holder, department_has_accounts, destroy_same_person, destroy_over,
// destroy_moved, and those about where the item is, as ProposeDestroy.
func (d *Desk) ConfirmDestroy(ctx context.Context, by auth.Actor, id string) (Destruction, error) {
	return d.endDestroy(ctx, by, id, func(d *Desk, tx bun.IDB, v ItemView, x *Destruction) error {
		if x.ProposedBy == by.String() {
			return fault.Refuse(fault.Invalid, "destroy_same_person",
				"作废须两人办理，请由另一名工作人员核对实物后确认", "two people make a thing void; let somebody else look at it and confirm")
		}
		if err := v.atRest(ctx, tx); err != nil {
			return err
		}
		if v.keeper() != (Keeper{x.KeeperKind, x.KeeperID}) {
			return fault.Refuse(fault.Conflict, "destroy_moved",
				"提出作废后物料已转到别处，请撤回，由现在的保管方重新提出", "the thing has passed to somebody else since; withdraw this and let its keeper propose it anew")
		}
		if err := d.moveDestruction(ctx, tx, by, x, "ConfirmDestroy"); err != nil {
			return err
		}
		leaves, err := d.destroy(ctx, tx, by, v, *x)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, append(leaves, d.destroyLeaf("item_destroyed", by, *x))...)
	})
}

// WithdrawDestroy gives a proposal up: the item stays as it is. Who may confirm
// may do so, and who proposed it. Refusals: not_found, not_the_holder,
// department_has_accounts, destroy_over.
func (d *Desk) WithdrawDestroy(ctx context.Context, by auth.Actor, id string) (Destruction, error) {
	return d.endDestroy(ctx, by, id, func(d *Desk, tx bun.IDB, _ ItemView, x *Destruction) error {
		if err := d.moveDestruction(ctx, tx, by, x, "WithdrawDestroy"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, d.destroyLeaf("destroy_withdrawn", by, *x))
	})
}

// endDestroy runs an act on a proposal whose item is locked.
func (d *Desk) endDestroy(ctx context.Context, by auth.Actor, id string, act func(d *Desk, tx bun.IDB, v ItemView, x *Destruction) error) (out Destruction, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if out, err = findDestruction(ctx, tx, id); err != nil {
			return err
		}
		v, err := lockToDestroy(ctx, tx, by, out.ItemID)
		if err != nil {
			return err
		}
		if out, err = findDestruction(ctx, tx, id); err != nil { // as it is now that nobody else moves it
			return err
		}
		if err := mayEndDestroy(ctx, tx, by, out); err != nil {
			return err
		}
		if !out.Open() {
			return destroyOver()
		}
		return act(d, tx, v, &out)
	})
	if err != nil {
		return Destruction{}, err
	}
	return out, nil
}

func destroyOver() *fault.Error {
	return fault.Refuse(fault.Conflict, "destroy_over",
		"这项作废已经确认或撤回，请刷新后核对", "this was confirmed or withdrawn already; reload and check")
}

func (d *Desk) moveDestruction(ctx context.Context, tx bun.IDB, by auth.Actor, x *Destruction, act string) error {
	from := x.State
	x.State, x.EndedAt, x.EndedBy, x.EndedName = moveOf(DestructionMoves, act).To, d.now(), by.String(), by.Name
	return updateDestruction(ctx, tx, x, from)
}

// destroy ends the custody of an item. A line of which nothing is left is
// settled, so that an empty set does not wait for its parcel; with Reissue the
// department owes the result again, in a set of its own (DEL-306).
func (d *Desk) destroy(ctx context.Context, tx bun.IDB, by auth.Actor, v ItemView, x Destruction) ([]audit.Leaf, error) {
	i := v.Item
	i.Place = ""
	e := CustodyEvent{ID: newID(), Kind: CustodyDestroyed, Note: x.Reason, Actor: by.String(), At: d.now()}
	if err := pass(ctx, tx, &i, Keeper{Destroyed, x.ID}, e); err != nil || i.LineID == "" {
		return nil, err
	}
	if x.Reissue {
		if err := d.reissue(ctx, tx, i.CaseID, "补发：物料 "+i.Number+" 已作废销毁", []Item{i}); err != nil {
			return nil, err
		}
	}
	rest, err := itemsOfLine(ctx, tx, i.LineID)
	if err != nil || v.Line.State != LineReceived {
		return nil, err
	}
	l := v.Line
	rest = slices.DeleteFunc(rest, func(o Item) bool { return o.CustodianKind == Destroyed })
	if len(rest) > 0 { // the last that waited of a line whose others have left
		if l.ParcelID != "" || slices.ContainsFunc(rest, func(o Item) bool { return o.ParcelID == "" }) {
			return nil, nil
		}
		l.ParcelID = rest[0].ParcelID
		return nil, updateLine(ctx, tx, &l, "parcel_id")
	}
	l.Ground = "作废销毁：" + x.Reason
	if err := moveLine(ctx, tx, &l, "ConfirmDestroy", "ground"); err != nil {
		return nil, err
	}
	return []audit.Leaf{d.lineLeaf("result_destroyed", l, by, nil)}, nil
}

// lockToDestroy reads an item that the actor may see, with the lines of its case
// before it, as every act on a set locks them (DB-12).
func lockToDestroy(ctx context.Context, tx bun.IDB, by auth.Actor, itemID string) (ItemView, error) {
	i, err := findItem(ctx, tx, itemID)
	if err != nil {
		return ItemView{}, err
	}
	if i.LineID != "" {
		if _, err := lockLines(ctx, tx, i.CaseID); err != nil {
			return ItemView{}, err
		}
	}
	items, err := lockItems(ctx, tx, []string{itemID})
	if err != nil || len(items) != 1 {
		return ItemView{}, orElse(err, notFound())
	}
	v := ItemView{Item: items[0]}
	return v, v.belongs(ctx, tx, by)
}

// centre is whose window the item belongs to.
func (v ItemView) centre() string {
	if v.Material != nil {
		return v.Material.CentreID
	}
	return v.Line.CentreID
}

// mayDestroy: the item lies still, and the actor stands for its keeper.
func (v ItemView) mayDestroy(ctx context.Context, q bun.IDB, by auth.Actor) error {
	if err := v.atRest(ctx, q); err != nil {
		return err
	}
	return keeps(ctx, q, by, v.keeper(), v.centre())
}

// atRest refuses what is on its way or in something: how it comes out of there is
// decided by that act, not by this one (DEL-901).
func (v ItemView) atRest(ctx context.Context, q bun.IDB) error {
	switch {
	case v.CustodianKind == Destroyed:
		return itemDestroyed()
	case v.TransferID != "":
		return fault.Refuse(fault.Conflict, "destroy_in_transfer",
			"物料正在移交，请等对方签收或拒收后再作废", "the thing is being handed over; wait until the other side has signed or refused")
	case v.BagID != "":
		return fault.Refuse(fault.Conflict, "destroy_in_bag",
			"物料在集装袋里，请先从袋中取出；已移交的等对方开袋点收", "the thing is in a bag; take it out first, or wait until the other side has opened it")
	case v.ParcelID != "" || v.CustodianKind != AtWindow && v.CustodianKind != AtDepartment:
		return fault.Refuse(fault.Conflict, "destroy_in_parcel",
			"物料已封入邮件，请先取消邮件或退回窗口；遗失、污损的在邮件页面核销", "the thing is in a parcel; cancel that or take it back first, or write it off there if lost or damaged")
	}
	rows, err := damagesOf(ctx, q, []string{v.ID})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(rows, Damage.Open) {
		return damageWaits()
	}
	if l, err := openLoan(ctx, q, v.ID); err != nil || l.ID != "" {
		return orElse(err, fault.Refuse(fault.Conflict, "destroy_on_loan",
			"原件已借给%s，请先取消出借，或等归还后再作废", "the original is lent to %s; cancel the loan or wait until it is back", l.Borrower))
	}
	return nil
}

func itemDestroyed() *fault.Error {
	return fault.Refuse(fault.Conflict, "item_destroyed",
		"物料已作废销毁，登记簿只作留存；需要时请重新出具或另做复印件", "the thing was destroyed and only stays on record; have it issued again or make another copy")
}

// keeps lets the people of a keeper act on what it has.
func keeps(ctx context.Context, q bun.IDB, by auth.Actor, k Keeper, centre string) error {
	refusal := fault.Refuse(fault.Forbidden, "not_the_holder",
		"物料不由您这一方保管，请由现在的保管方办理", "the thing is not in your side's keeping; whoever has it does this")
	if k.Kind == AtDepartment {
		return actsFor(ctx, q, by, k.ID, centre, refusal)
	}
	if !atWindow(by) || by.Centre != k.ID {
		return refusal
	}
	return nil
}

// mayEndDestroy: the keeper's people and the centre's supervisors, because a
// small department has one account only.
func mayEndDestroy(ctx context.Context, q bun.IDB, by auth.Actor, x Destruction) error {
	if by.Is(auth.Supervisor) && by.Centre == x.CentreID {
		return nil
	}
	return keeps(ctx, q, by, Keeper{x.KeeperKind, x.KeeperID}, x.CentreID)
}

func (d *Desk) destroyLeaf(what string, by auth.Actor, x Destruction) audit.Leaf {
	return audit.Leaf{Type: what, Stream: Stream(x.CaseID), Actor: by.String(), At: d.now(), Fields: map[string]any{
		"destruction": x.ID, "item": x.ItemID, "keeper_kind": string(x.KeeperKind), "keeper": x.KeeperID, "photo": x.Photo,
		"first": x.ProposedBy, "reissue": x.Reissue,
	}}
}

// MayDestroy says which halves of making an item void the actor may do now, so
// that pages offer nothing else.
func (d *Desk) MayDestroy(ctx context.Context, by auth.Actor, v ItemView) (propose, confirm, withdraw bool, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		if n := slices.IndexFunc(v.Destructions, Destruction.Open); n >= 0 {
			x := v.Destructions[n]
			refused := mayEndDestroy(ctx, q, by, x)
			withdraw = refused == nil
			confirm = withdraw && x.ProposedBy != by.String()
			return notForbidden(refused)
		}
		if v.CustodianKind == Destroyed || v.ParcelID != "" {
			return nil
		}
		refused := keeps(ctx, q, by, v.keeper(), v.centre())
		propose = refused == nil
		return notForbidden(refused)
	})
	return propose, confirm, withdraw, err
}

// ToDestroy are the proposals that wait for the actor as the second person, the
// oldest first: those of the own side that somebody else made.
func (d *Desk) ToDestroy(ctx context.Context, by auth.Actor) (out []Destruction, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = destructionsFor(ctx, q, by)
		return err
	})
	return out, err
}

// notForbidden leaves the errors that are no answer to "may I".
func notForbidden(err error) error {
	if fault.KindOf(err) == fault.Forbidden {
		return nil
	}
	return err
}

// OpenItemBlob gives the photo of a destruction or of damage to who may read the item.
// Refusal: not_found.
func (d *Desk) OpenItemBlob(ctx context.Context, by auth.Actor, itemID, sum string) (b Blob, body []byte, err error) {
	v, err := d.FindItem(ctx, by, itemID)
	if err != nil {
		return b, nil, err
	}
	shows := func(x Damage) bool { return slices.Contains(x.Photos, sum) }
	if !slices.ContainsFunc(v.Destructions, func(x Destruction) bool { return x.Photo == sum }) && !slices.ContainsFunc(v.Damages, shows) {
		return b, nil, notFound()
	}
	return d.readKept(ctx, sum)
}
