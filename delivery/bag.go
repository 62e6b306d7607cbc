package delivery

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// BagState says how far a Bag is (DEL §9.2).
type BagState string

// States of a Bag. All but the first two end it.
const (
	BagFilling         BagState = "filling"
	BagReleased        BagState = "released"
	BagAccepted        BagState = "accepted"
	BagAcceptedPartial BagState = "accepted_partial"
	BagRefused         BagState = "refused"
	BagCancelled       BagState = "cancelled"
)

// Bag (集装袋) takes originals, copies and vouchers of many cases from the window
// to a department or back. It is filled by scan, sealed and given away as one,
// then opened and counted by the other side; until then the giver answers for
// everything in it (DEL-910, DEL-920).
type Bag struct {
	bun.BaseModel `bun:"table:bags" json:"-"`

	ID         string     `bun:"id,pk" json:"id"`
	Number     string     `json:"number"`
	Seal       string     `json:"seal,omitempty"` // number of its seal
	CentreID   string     `json:"centre_id"`
	FromKind   KeeperKind `json:"from_kind"`
	FromID     string     `json:"from_id"`
	FromName   string     `json:"from_name"`
	ToKind     KeeperKind `json:"to_kind"`
	ToID       string     `json:"to_id"`
	ToName     string     `json:"to_name"`
	State      BagState   `json:"state"`
	Paper      bool       `json:"paper"` // a side signed on the printed slip (DEL-950)
	OpenedAt   time.Time  `json:"opened_at"`
	OpenedBy   string     `json:"opened_by"`
	Giver      string     `json:"giver,omitempty"` // who gave it away
	ReleasedAt time.Time  `bun:",nullzero" json:"released_at,omitzero"`
	ReleasedBy string     `json:"released_by,omitempty"`
	DueAt      time.Time  `bun:",nullzero" json:"due_at,omitzero"` // to be signed by (DEL-912)
	SignHours  int        `json:"sign_hours,omitempty"`            // of the hall, both sides at one address; 0: an hour of the next working day
	EndedAt    time.Time  `bun:",nullzero" json:"ended_at,omitzero"`
	EndedBy    string     `json:"ended_by,omitempty"`
	EndedName  string     `json:"ended_name,omitempty"`               // who signed for it
	SignedAt   time.Time  `bun:",nullzero" json:"signed_at,omitzero"` // on the slip, as the window read it
	Slip       string     `json:"slip,omitempty"`                     // SHA-256 of the scan of the signed slip
	Note       string     `json:"note,omitempty"`
	Version    int        `json:"version"`
}

// From is the side that packs it, To the one that opens it.
func (b Bag) From() Keeper { return Keeper{b.FromKind, b.FromID} }

// To is the side that opens the bag.
func (b Bag) To() Keeper { return Keeper{b.ToKind, b.ToID} }

// Overdue reports whether nobody has signed in time (DEL-912).
func (b Bag) Overdue(now time.Time) bool { return b.State == BagReleased && now.After(b.DueAt) }

// BagItem is one Item of a Bag and what became of it there.
type BagItem struct {
	bun.BaseModel `bun:"table:bag_items" json:"-"`

	BagID   string  `bun:",pk" json:"bag_id"`
	ItemID  string  `bun:",pk" json:"item_id"`
	Outcome Finding `json:"outcome,omitempty"`
	Note    string  `json:"note,omitempty"`

	Material *Material `bun:"rel:belongs-to,join:item_id=item_id" json:"material,omitempty"`
	Item     *Item     `bun:"rel:belongs-to,join:item_id=id" json:"item,omitempty"`
}

// BagExtra is what lay in a bag without being listed. If the register knows it,
// it is the receiver's to answer for from then on, until it is explained
// (DEL-911).
type BagExtra struct {
	bun.BaseModel `bun:"table:bag_extras" json:"-"`

	ID          string    `bun:"id,pk" json:"id"`
	BagID       string    `json:"bag_id"`
	Number      string    `json:"number,omitempty"`
	ItemID      string    `json:"item_id,omitempty"` // if the register knows it
	Title       string    `json:"title"`
	Note        string    `json:"note,omitempty"`
	Photo       string    `json:"photo"` // SHA-256
	FoundAt     time.Time `json:"found_at"`
	FoundBy     string    `json:"found_by"`
	ExplainedAt time.Time `bun:",nullzero" json:"explained_at,omitzero"`
	ExplainedBy string    `json:"explained_by,omitempty"`
	Explanation string    `json:"explanation,omitempty"`
}

// BagView is a bag with what is in it and what was found besides.
type BagView struct {
	Bag
	Items  []BagItem  `json:"items"`
	Extras []BagExtra `json:"extras,omitempty"`
}

// NewBagRequest opens a bag. From is empty but where the window packs for a
// department without accounts (DEL-950); To is a department, or empty for the
// window of Centre.
type NewBagRequest struct {
	From   string // department
	To     string // department
	Centre string // the window that the bag goes to or comes from
	Once   once.Key
}

// NewBag opens an empty bag from the actor's side to the other one. Refusals:
// not_a_keeper, bag_to_self, department_has_accounts, department_unknown.
func (d *Desk) NewBag(ctx context.Context, by auth.Actor, r NewBagRequest) (Bag, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Bag, error) {
		b := Bag{ID: newID(), State: BagFilling, OpenedAt: d.now(), OpenedBy: by.String(), Version: 1}
		if err := d.bagSides(ctx, tx, by, &b, r); err != nil {
			return Bag{}, err
		}
		if b.From() == b.To() {
			return Bag{}, fault.Refuse(fault.Invalid, "bag_to_self",
				"请选择送往的单位，不能送给自己", "choose where the bag goes; it cannot go to yourself")
		}
		err := insertBag(ctx, tx, &b)
		return b, err
	})
}

// bagSides names both sides and numbers the bag by its centre.
func (d *Desk) bagSides(ctx context.Context, tx bun.IDB, by auth.Actor, b *Bag, r NewBagRequest) error {
	own := sideOf(by)
	if !keepsThings(by) {
		return notAKeeper()
	}
	if own.Kind == AtWindow {
		r.Centre = own.ID
	}
	centre, err := office.FindCentre(ctx, tx, r.Centre)
	if err != nil {
		return err
	}
	b.CentreID = centre.ID
	b.FromKind, b.FromID, b.FromName = AtWindow, centre.ID, centre.Name
	b.ToKind, b.ToID, b.ToName = AtWindow, centre.ID, centre.Name
	if own.Kind == AtDepartment {
		r.From = own.ID
	}
	if r.From != "" {
		dep, err := office.FindDepartment(ctx, tx, r.From)
		if err != nil {
			return err
		}
		if err := actsFor(ctx, tx, by, dep.ID, centre.ID, notAKeeper()); err != nil {
			return err
		}
		b.FromKind, b.FromID, b.FromName, b.Paper = AtDepartment, dep.ID, dep.Name, own.Kind == AtWindow
	}
	if r.To != "" {
		dep, err := office.FindDepartment(ctx, tx, r.To)
		if err != nil {
			return err
		}
		b.ToKind, b.ToID, b.ToName = AtDepartment, dep.ID, dep.Name
	}
	b.Number, err = NewNumber(centreSign(centre.Division), rand.Reader)
	return err
}

func notAKeeper() *fault.Error {
	return fault.Refuse(fault.Forbidden, "not_a_keeper",
		"只有综合窗口和部门的工作人员可以装袋、移交", "only people of a window or a department pack and hand over bags")
}

// PutInBag puts a thing into a bag by its number. Every refusal says why it may
// not go there and where it is instead (DEL-921, DEL-934). Putting it in twice
// changes nothing. Refusals: not_found, not_the_packer, bag_over, bag_full,
// own_number_invalid, scan_unknown, bag_class, material_elsewhere, other_window,
// original_elsewhere, copy_unstamped, copy_for_other.
func (d *Desk) PutInBag(ctx context.Context, by auth.Actor, bagID, number string) (out BagItem, err error) {
	d = d.still()
	plain, err := ParseNumber(number)
	if err != nil {
		return BagItem{}, err
	}
	err = d.onBag(ctx, by, bagID, BagFilling, packs, func(tx bun.IDB, v *BagView) ([]audit.Leaf, error) {
		p, err := d.fitting(ctx, tx, by, v, plain)
		if err != nil {
			return nil, err
		}
		out = BagItem{BagID: v.ID, ItemID: p.ItemID, Material: &p, Item: p.Item}
		if p.Item.BagID == v.ID {
			return nil, nil
		}
		p.Item.BagID = v.ID
		e := CustodyEvent{ID: newID(), Kind: CustodyBagged, BagID: v.ID, Actor: by.String(), At: d.now()}
		if err := pass(ctx, tx, p.Item, p.Item.keeper(), e); err != nil {
			return nil, err
		}
		return nil, insertBagItem(ctx, tx, &out)
	})
	if err != nil {
		return BagItem{}, err
	}
	return out, nil
}

// fitting gives the material of a number if it may go where the bag goes.
func (d *Desk) fitting(ctx context.Context, tx bun.IDB, by auth.Actor, v *BagView, number string) (Material, error) {
	i, err := itemByNumber(ctx, tx, number)
	if err != nil {
		return Material{}, scanUnknown(err, number)
	}
	if i.Class != ClassOriginal && i.Class != ClassCopy && i.Class != ClassVoucher {
		if err := (&ItemView{Item: i}).belongs(ctx, tx, by); err != nil { // its title is not everybody's
			return Material{}, scanUnknown(err, number)
		}
		return Material{}, fault.Refuse(fault.Invalid, "bag_class",
			"%s是办理结果，请在“送交结果”中整体移交，不装集装袋", "%s is a result; results of a case are handed over together, not in a bag", i.Title)
	}
	p, err := lockMaterial(ctx, tx, i.ID)
	if err != nil {
		return Material{}, scanUnknown(err, number)
	}
	if p.Item.keeper() != sideOf(by) && !mayReadMaterial(by, p) {
		return Material{}, scanUnknown(notFound(), number)
	}
	if p.Item.keeper() != v.From() {
		return Material{}, materialElsewhere(p)
	}
	if !p.Item.free() && p.Item.BagID != v.ID {
		return Material{}, materialElsewhere(p)
	}
	if p.Item.BagID == "" && len(v.Items) >= maxItems {
		return Material{}, fault.Refuse(fault.Conflict, "bag_full",
			"一袋最多装 %d 件，请封好这一袋后另开一袋", "a bag takes %d things; seal it and open another", maxItems)
	}
	return p, d.mayGoTo(ctx, tx, p, v.Bag)
}

func scanUnknown(err error, number string) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	return fault.Refuse(fault.Invalid, "scan_unknown",
		"没有编号为 %s 的移交或物料，请核对流转单后重新扫描", "no transfer and no item here has the number %s; check the slip and scan again", number)
}

// mayGoTo keeps an original with its one keeper and copies with whom they are
// for. Back to the window everything may go. A department packs for each window
// apart: the window of a bag reads and may sign for what is in it.
func (d *Desk) mayGoTo(ctx context.Context, tx bun.IDB, p Material, b Bag) error {
	if p.CentreID != b.CentreID && (b.ToKind == AtWindow || b.FromKind == AtDepartment) {
		return fault.Refuse(fault.Conflict, "other_window",
			"%s由另一中心的窗口收取，请送回收件的窗口", "%s was taken in by another centre's window; send it back there", p.Item.Title)
	}
	if b.ToKind == AtWindow {
		return nil
	}
	if p.original() {
		return d.mayLeaveKeeper(ctx, tx, p, b)
	}
	switch {
	case b.ToID == p.KeeperID: // to be stamped
		return nil
	case p.ToStamp():
		return fault.Refuse(fault.Conflict, "copy_unstamped",
			"%s还没有加盖%s的印章，请先送该部门核对盖章", "%s does not bear the stamp of %s yet; let it compare and stamp it first", p.Item.Title, p.Keeper) // DEL-931
	case b.ToID != p.ForID:
		return fault.Refuse(fault.Conflict, "copy_for_other",
			"%s（%s）是给%s的，不能送往%s", "%s (%s) is for %s, not for %s", p.Item.Title, p.Item.Number, p.ForName, b.ToName)
	}
	return nil
}

// mayLeaveKeeper: an original goes to its keeper, or to who borrows it
// (DEL-930, DEL-934, DEL-940).
func (d *Desk) mayLeaveKeeper(ctx context.Context, tx bun.IDB, p Material, b Bag) error {
	if b.ToID == p.KeeperID {
		return nil
	}
	loan, err := openLoan(ctx, tx, p.ItemID)
	if err != nil || loan.ID != "" && loan.BorrowerID == b.ToID {
		return err
	}
	given, err := standInFor(ctx, tx, p.ItemID, b.ToID)
	if err != nil {
		return err
	}
	zh, en := "", ""
	if given.ItemID != "" {
		zh = fmt.Sprintf("该部门已有%s（%s）。", given.Label("zh"), given.Item.Number)
		en = fmt.Sprintf("That department has a %s (%s). ", given.Label("en"), given.Item.Number)
	}
	return fault.Refuse(fault.Conflict, "original_elsewhere",
		"《%[1]s》原件由%[2]s保管（%[3]s收取，编号 %[4]s），不能送往%[5]s。%[6]s确需原件的，请%[2]s登记借用",
		"the original of %[1]s is kept by %[2]s (taken in %[3]s, number %[4]s) and does not go to %[5]s. %[7]sWhere the original itself is needed, %[2]s lends it",
		p.Item.Title, p.Keeper, p.Item.RegisteredAt.In(workday.Shanghai).Format("2006-01-02"), p.Item.Number, b.ToName, zh, en)
}

// TakeOutOfBag takes a thing out again: it is back with the holder of the bag,
// where it was all along (DEL-903). Refusals: not_found, not_the_packer,
// bag_over, own_number_invalid, scan_unknown.
func (d *Desk) TakeOutOfBag(ctx context.Context, by auth.Actor, bagID, number string) (out Item, err error) {
	d = d.still()
	plain, err := ParseNumber(number)
	if err != nil {
		return Item{}, err
	}
	err = d.onBag(ctx, by, bagID, BagFilling, packs, func(tx bun.IDB, v *BagView) ([]audit.Leaf, error) {
		n := slices.IndexFunc(v.Items, func(i BagItem) bool { return i.Item.Number == plain })
		if n < 0 {
			return nil, scanUnknown(notFound(), plain)
		}
		out = *v.Items[n].Item
		return nil, d.unbag(ctx, tx, by, v.Items[n])
	})
	if err != nil {
		return Item{}, err
	}
	return out, nil
}

func (d *Desk) unbag(ctx context.Context, tx bun.IDB, by auth.Actor, i BagItem) error {
	i.Item.BagID = ""
	e := CustodyEvent{ID: newID(), Kind: CustodyUnbagged, BagID: i.BagID, Actor: by.String(), At: d.now()}
	if err := pass(ctx, tx, i.Item, i.Item.keeper(), e); err != nil {
		return err
	}
	return deleteBagItem(ctx, tx, i)
}

// CancelBag gives up a bag that was not given away; everything in it is back
// with its holder (DEL-903). Refusals: not_found, not_the_packer, bag_over.
func (d *Desk) CancelBag(ctx context.Context, by auth.Actor, bagID string) (Bag, error) {
	d = d.still()
	var out Bag
	err := d.onBag(ctx, by, bagID, BagFilling, packs, func(tx bun.IDB, v *BagView) ([]audit.Leaf, error) {
		for _, i := range v.Items {
			if err := d.unbag(ctx, tx, by, i); err != nil {
				return nil, err
			}
		}
		v.EndedAt, v.EndedBy, v.EndedName = d.now(), by.String(), by.Name
		err := moveBag(ctx, tx, &v.Bag, "Cancel")
		out = v.Bag
		return nil, err
	})
	return out, err
}

// bagSide is the side of a bag that an act belongs to.
type bagSide func(b Bag) (Keeper, *fault.Error)

// packs and opens name the two sides.
func packs(b Bag) (Keeper, *fault.Error) {
	return b.From(), fault.Refuse(fault.Forbidden, "not_the_packer",
		"只有%s可以装这一袋、封袋和移交", "only %s packs, seals and gives away this bag", b.FromName)
}

func opens(b Bag) (Keeper, *fault.Error) {
	return b.To(), fault.Refuse(fault.Forbidden, "not_the_receiver",
		"只有%s可以签收这一袋，交出的一方不能代签", "only %s signs for this bag; the side that gives it cannot", b.ToName)
}

// onBag runs one act of a side on a bag: lock the bag, then its items (DB-12),
// act, record. Each case in it gets a leaf of its own.
func (d *Desk) onBag(ctx context.Context, by auth.Actor, id string, in BagState, side bagSide, act func(tx bun.IDB, v *BagView) ([]audit.Leaf, error)) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		v, err := lockBag(ctx, tx, id)
		if err != nil {
			return err
		}
		if !mayReadBag(by, v.Bag) {
			return notFound()
		}
		if err := d.mayAct(ctx, tx, by, v.Bag, side); err != nil {
			return err
		}
		if v.State != in {
			return bagOver(v.Bag)
		}
		leaves, err := act(tx, &v)
		if err != nil || len(leaves) == 0 {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
}

// mayAct: a person of the side, or the window for a department without accounts.
func (d *Desk) mayAct(ctx context.Context, tx bun.IDB, by auth.Actor, b Bag, side bagSide) error {
	own, refusal := side(b)
	if own.Kind == AtWindow {
		if atWindow(by) && by.Centre == own.ID {
			return nil
		}
		return refusal
	}
	return actsFor(ctx, tx, by, own.ID, b.CentreID, refusal)
}

// bagOver says what became of a bag that somebody wants to move once more
// (DEL-914).
func bagOver(b Bag) *fault.Error {
	word := map[BagState][2]string{
		BagFilling: {"还在装袋，尚未移交", "is still being filled"}, BagReleased: {"已经封袋移交", "was sealed and given away"},
		BagAccepted: {"已经全部签收", "was accepted"}, BagAcceptedPartial: {"已经部分签收", "was accepted in part"},
		BagRefused: {"已被拒收", "was refused"}, BagCancelled: {"已经取消", "was cancelled"},
	}[b.State]
	return fault.Refuse(fault.Conflict, "bag_over",
		"集装袋 %[1]s %[2]s，不能这样办理；请刷新后核对", "bag %[1]s %[3]s; reload and check", b.Number, word[0], word[1]).With("state", b.State)
}

// bagLeaves are one leaf for each case in a bag.
func (d *Desk) bagLeaves(what string, by auth.Actor, v *BagView, more map[string]any) []audit.Leaf {
	byCase, order := map[string][]string{}, []string{}
	for _, i := range v.Items {
		if byCase[i.Item.CaseID] == nil {
			order = append(order, i.Item.CaseID)
		}
		text := i.ItemID
		if i.Outcome != "" {
			text = fmt.Sprintf("%s %s", i.ItemID, i.Outcome)
		}
		byCase[i.Item.CaseID] = append(byCase[i.Item.CaseID], text)
	}
	var out []audit.Leaf
	for _, id := range order {
		fields := map[string]any{
			"bag": v.ID, "number": v.Number, "seal": v.Seal, "from": string(v.FromKind) + "/" + v.FromID, "to": string(v.ToKind) + "/" + v.ToID,
			"items": byCase[id],
		}
		for name, value := range more {
			fields[name] = value
		}
		out = append(out, audit.Leaf{Type: what, Stream: Stream(id), Actor: by.String(), At: d.now(), Fields: fields})
	}
	return out
}
