package delivery

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// CustodyKind says what happened to an Item.
type CustodyKind string

// Steps between a department and the window. Only accepted changes who answers
// for the Item (DEL-910).
const (
	CustodyRegistered CustodyKind = "registered"
	CustodyReleased   CustodyKind = "released"
	CustodyAccepted   CustodyKind = "accepted"
	CustodyMissing    CustodyKind = "missing"
	CustodyDamaged    CustodyKind = "damaged"
	CustodyRefused    CustodyKind = "refused"
)

// Steps with a parcel.
const (
	CustodySealed     CustodyKind = "sealed" // put into it
	CustodyHandedOver CustodyKind = "handed_over"
	CustodyDelivered  CustodyKind = "delivered"
	CustodyShelved    CustodyKind = "shelved" // taken out of it at the window
	CustodyWrittenOff CustodyKind = "written_off"
)

// CustodyDestroyed ends the history of an item that two people made void (DEL-946).
const CustodyDestroyed CustodyKind = "destroyed"

// Steps with a bag; what becomes of it there is accepted, missing, damaged or
// refused as in a transfer.
const (
	CustodyBagged   CustodyKind = "bagged"
	CustodyUnbagged CustodyKind = "unbagged"
	CustodySent     CustodyKind = "sent"   // the bag was given away
	CustodyFound    CustodyKind = "found"  // it lay in a bag that did not list it (DEL-911)
	CustodyPlaced   CustodyKind = "placed" // on a shelf
)

// keeper is who answers for the item now.
func (i Item) keeper() Keeper { return Keeper{i.CustodianKind, i.Custodian} }

// free reports whether the item is on its way nowhere and in nothing.
func (i Item) free() bool { return i.TransferID == "" && i.ParcelID == "" && i.BagID == "" }

// NewItem is one thing that a department hands over for the first time.
type NewItem struct {
	Class Class     `json:"class"`
	Title string    `json:"title"`
	Seal  SealFacts `json:"seal,omitzero"` // of class seal
}

// resultClasses are what a department can owe an applicant (DEL §2.1).
var resultClasses = []Class{ClassCertificate, ClassApproval, ClassSeal, ClassInvoice}

// ResultClasses lists the classes of results, for forms.
func ResultClasses() []Class { return slices.Clone(resultClasses) }

var sealCode = regexp.MustCompile(`^\d{13}$`)

func (n *NewItem) check() error {
	n.Title = strings.TrimSpace(n.Title)
	for _, text := range []*string{&n.Seal.Kind, &n.Seal.Code, &n.Seal.Filing, &n.Seal.Bag} {
		*text = strings.TrimSpace(*text)
	}
	if !slices.Contains(resultClasses, n.Class) || n.Title == "" {
		return fault.Refuse(fault.Invalid, "item_incomplete",
			"每件结果都要选类别并写明名称，如“营业执照正本”", "each item needs a class and a title, such as “营业执照正本”")
	}
	if n.Class == ClassSeal {
		if n.Seal.Kind == "" || !sealCode.MatchString(n.Seal.Code) || n.Seal.Filing == "" || n.Seal.Bag == "" {
			return fault.Refuse(fault.Invalid, "seal_facts",
				"印章请填写印章种类、13 位编码、备案号和密封袋号", "a seal needs its kind, 13-digit code, filing number and the number of its sealed bag") // DEL-202
		}
	} else if n.Seal != (SealFacts{}) {
		return fault.Refuse(fault.Invalid, "seal_facts_elsewhere",
			"只有印章才填写印章种类、编码、备案号和密封袋号；请改选“印章”或清空这几栏", "only a seal has a code, filing and bag number; choose the class seal or clear these fields")
	}
	return office.CheckLines(line("title", n.Title), line("seal_kind", n.Seal.Kind), line("seal_filing", n.Seal.Filing), line("seal_bag", n.Seal.Bag))
}

// register makes the department's things Items of the register, in its own
// keeping until the window has signed (DEL-910). sign is the centre's.
func (d *Desk) register(by auth.Actor, l ResultLine, sign string, things []NewItem) ([]Item, error) {
	out := make([]Item, len(things))
	for i, n := range things {
		number, err := NewNumber(sign, rand.Reader)
		if err != nil {
			return nil, err
		}
		out[i] = Item{
			ID: newID(), Number: number, CaseID: l.CaseID, LineID: l.ID, Class: n.Class, Title: n.Title, Seal: n.Seal,
			DepartmentID: l.DepartmentID, CustodianKind: AtDepartment, Custodian: l.DepartmentID,
			RegisteredAt: d.now(), RegisteredBy: by.String(), Version: 1,
		}
	}
	return out, nil
}

// centreSign are the two characters that stand for a centre in own numbers: the
// county part of its division's code, 03 of 431103; the city's own is 00
// (DEL-1101).
func centreSign(division string) string {
	if len(division) < 6 || strings.Trim(division[4:6], "0123456789") != "" {
		return "00"
	}
	return division[4:6]
}

// step is one step of an item's history that leaves it where it is.
func (d *Desk) step(i Item, kind CustodyKind, by auth.Actor, transferID, note string) CustodyEvent {
	return CustodyEvent{
		ID: newID(), ItemID: i.ID, Kind: kind, FromKind: i.CustodianKind, FromID: i.Custodian,
		ToKind: i.CustodianKind, ToID: i.Custodian, TransferID: transferID, Note: note, Actor: by.String(), At: d.now(),
	}
}

// pass gives an item to another keeper, on the caller's transaction: the row,
// guarded by its version, and the step of its history are written together, so
// that one never says other than the other (DEL-901). e says what happened;
// from and to are filled in.
func pass(ctx context.Context, tx bun.IDB, i *Item, to Keeper, e CustodyEvent) error {
	e.ItemID, e.FromKind, e.FromID, e.ToKind, e.ToID = i.ID, i.CustodianKind, i.Custodian, to.Kind, to.ID
	i.CustodianKind, i.Custodian = to.Kind, to.ID
	if err := updateItem(ctx, tx, i, "custodian_kind", "custodian", "transfer_id", "parcel_id", "bag_id", "place"); err != nil {
		return err
	}
	return insertSteps(ctx, tx, []CustodyEvent{e})
}

// ItemView is an item with its whole history: of a result the line it belongs
// to, of a material what is known of it.
type ItemView struct {
	Item
	Line         ResultLine     `json:"line,omitzero"`
	Material     *Material      `json:"material,omitempty"`
	Destructions []Destruction  `json:"destructions,omitempty"` // newest first
	Damages      []Damage       `json:"damages,omitempty"`      // newest first
	History      []CustodyEvent `json:"history"`
}

// FindItem gives an item by its id, with its history. Refusal: not_found.
func (d *Desk) FindItem(ctx context.Context, by auth.Actor, id string) (out ItemView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		i, err := findItem(ctx, q, id)
		if err != nil {
			return err
		}
		out = ItemView{Item: i}
		if err := out.belongs(ctx, q, by); err != nil {
			return err
		}
		if out.Destructions, err = destructionsOf(ctx, q, []string{i.ID}); err != nil {
			return err
		}
		if out.Damages, err = damagesOf(ctx, q, []string{i.ID}); err != nil {
			return err
		}
		out.History, err = stepsOf(ctx, q, []string{i.ID})
		return err
	})
	return out, err
}

// belongs finds what an item is part of, if the actor may see it.
func (v *ItemView) belongs(ctx context.Context, q bun.IDB, by auth.Actor) (err error) {
	if v.LineID != "" {
		if v.Line, err = findLine(ctx, q, v.LineID); err == nil && !mayReadResult(by, v.Line.CentreID, v.Line.DepartmentID) {
			err = notFound()
		}
		return err
	}
	rows, err := materialsByItem(ctx, q, []string{v.ID})
	if err != nil {
		return err
	}
	m, ok := rows[v.ID]
	if !ok || !mayReadMaterial(by, m) {
		return notFound()
	}
	v.Material = &m
	return nil
}

// ListItems gives the items of a case that the actor may see, by registration.
func (d *Desk) ListItems(ctx context.Context, by auth.Actor, caseID string) (out []Item, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		lines, err := linesOf(ctx, q, caseID)
		if err != nil {
			return err
		}
		all, err := itemsOfCase(ctx, q, caseID)
		if err != nil {
			return err
		}
		out = nil
		for _, i := range all {
			seen := func(l ResultLine) bool {
				return l.ID == i.LineID && mayReadResult(by, l.CentreID, l.DepartmentID)
			}
			if slices.ContainsFunc(lines, seen) {
				out = append(out, i)
			}
		}
		return nil
	})
	return out, err
}

// CustodyBreak is a place where the register contradicts itself (DEL-901).
type CustodyBreak struct {
	ItemID string
	What   string
}

// CheckCustody looks at every Item: its history is one unbroken chain from its
// registration to the keeper the row names, and it is in a transfer or a bag
// exactly when that is open and lists it, and never in two. What is destroyed is in
// nothing, is so by two persons or by a written-off parcel, and moves no more. It
// gives the breaks and how many items each kind of keeper answers for, the destroyed
// ones among them, which together are all that were ever registered (DEL-901).
func CheckCustody(ctx context.Context, q bun.IDB) (breaks []CustodyBreak, held map[KeeperKind]int, err error) {
	held = map[KeeperKind]int{}
	for after := ""; ; {
		items, err := itemsAfter(ctx, q, after, custodyBatch)
		if err != nil || len(items) == 0 {
			return breaks, held, err
		}
		after = items[len(items)-1].ID
		ids := make([]string, len(items))
		for n, i := range items {
			ids[n] = i.ID
			held[i.CustodianKind]++
		}
		steps, err := stepsOf(ctx, q, ids)
		if err != nil {
			return nil, nil, err
		}
		open, err := openOf(ctx, q, ids)
		if err != nil {
			return nil, nil, err
		}
		bags, err := openBagsOf(ctx, q, ids)
		if err != nil {
			return nil, nil, err
		}
		ended, err := destructionsOf(ctx, q, ids)
		if err != nil {
			return nil, nil, err
		}
		breaks = append(breaks, breaksOf(items, steps, open, bags)...)
		breaks = append(breaks, destroyedBreaks(items, steps, ended)...)
	}
}

// custodyBatch is how many items are looked at together.
const custodyBatch = 500

// breaksOf is CheckCustody for items whose steps, open transfers and
// bags are known.
func breaksOf(items []Item, steps []CustodyEvent, open, bags map[string][]string) (out []CustodyBreak) {
	byItem := map[string][]CustodyEvent{}
	for _, s := range steps {
		byItem[s.ItemID] = append(byItem[s.ItemID], s)
	}
	for _, i := range items {
		if what := chainBreak(i, byItem[i.ID]); what != "" {
			out = append(out, CustodyBreak{i.ID, what})
		}
		if what := placeBreak("transfer", i.TransferID, open[i.ID]); what != "" {
			out = append(out, CustodyBreak{i.ID, what})
		}
		if what := placeBreak("bag", i.BagID, bags[i.ID]); what != "" {
			out = append(out, CustodyBreak{i.ID, what})
		}
		if i.BagID != "" && (i.TransferID != "" || i.ParcelID != "") {
			out = append(out, CustodyBreak{i.ID, "in a bag and in something else"})
		}
	}
	return out
}

// destroyedBreaks is CheckCustody for the end of items (DEL-946).
func destroyedBreaks(items []Item, steps []CustodyEvent, ended []Destruction) (out []CustodyBreak) {
	last, byTwo := map[string]CustodyEvent{}, map[string]bool{}
	for _, s := range steps {
		if last[s.ItemID].ToKind == Destroyed {
			out = append(out, CustodyBreak{s.ItemID, string(s.Kind) + " after it was destroyed"})
		}
		last[s.ItemID] = s
	}
	for _, x := range ended {
		byTwo[x.ItemID] = byTwo[x.ItemID] || x.State == DestroyDone && x.EndedBy != "" && x.EndedBy != x.ProposedBy
	}
	for _, i := range items {
		gone := i.CustodianKind == Destroyed
		switch {
		case gone && (i.TransferID != "" || i.BagID != ""):
			out = append(out, CustodyBreak{i.ID, "destroyed, and in something"})
		case gone && last[i.ID].Kind != CustodyWrittenOff && !byTwo[i.ID]:
			out = append(out, CustodyBreak{i.ID, "destroyed without two persons"})
		case !gone && byTwo[i.ID]:
			out = append(out, CustodyBreak{i.ID, "destroyed by two, but somebody keeps it"})
		}
	}
	return out
}

// placeBreak compares what an item says it is in with what lists it.
func placeBreak(what, says string, lists []string) string {
	switch {
	case len(lists) > 1:
		return fmt.Sprintf("in %d open %ss", len(lists), what)
	case says != strings.Join(lists, ""):
		return fmt.Sprintf("says %s %q, open is %q", what, says, lists)
	}
	return ""
}

// chainBreak follows the history of one item.
func chainBreak(i Item, steps []CustodyEvent) string {
	if i.CustodianKind == "" || i.Custodian == "" {
		return "nobody answers for it"
	}
	if len(steps) == 0 || steps[0].Kind != CustodyRegistered {
		return "its history does not begin with its registration"
	}
	at := Keeper{}
	for _, s := range steps {
		if (s.FromKind != at.Kind || s.FromID != at.ID) && s.Kind != CustodyRegistered {
			return fmt.Sprintf("%s from %s/%s, but %s/%s had it", s.Kind, s.FromKind, s.FromID, at.Kind, at.ID)
		}
		at = Keeper{s.ToKind, s.ToID}
	}
	if at != i.keeper() {
		return fmt.Sprintf("its history ends at %s/%s, its row says %s/%s", at.Kind, at.ID, i.CustodianKind, i.Custodian)
	}
	return ""
}
