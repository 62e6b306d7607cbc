package delivery

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// Material is what the register knows of an applicant's material besides its Item:
// an original (原件), or the numbered copy (复印件) or voucher (收件凭据) that a
// department gets in its stead. One department keeps the original; the others
// find its name on what they got (plan 三(三)3-五, DEL-930).
type Material struct {
	bun.BaseModel `bun:"table:materials" json:"-"`

	ItemID      string    `bun:"item_id,pk" json:"item_id"`
	CaseID      string    `json:"case_id"`
	CaseNumber  string    `json:"case_number"`
	CentreID    string    `json:"centre_id"`         // whose window took the material in
	OfItem      string    `json:"of_item,omitempty"` // the original; empty of an original
	KeeperID    string    `json:"keeper_id"`         // department that keeps the original
	Keeper      string    `json:"keeper"`
	ForID       string    `json:"for_id,omitempty"` // department that a copy or voucher is for
	ForName     string    `json:"for_name,omitempty"`
	CopyNo      int       `json:"copy_no,omitempty"`   // n of n/N
	Copies      int       `json:"copies,omitempty"`    // N of n/N; of an original: how many there are by now
	AgreedBy    string    `json:"agreed_by,omitempty"` // who of the department takes a voucher for a copy
	Reason      string    `json:"reason,omitempty"`    // of a further copy; of an original: how it differs from one that was held
	StampedAt   time.Time `bun:",nullzero" json:"stamped_at,omitzero"`
	StampedBy   string    `json:"stamped_by,omitempty"`
	StampedName string    `json:"stamped_name,omitempty"` // who compared it with the original and stamped it
	Version     int       `json:"version"`

	Item *Item `bun:"rel:belongs-to,join:item_id=id" json:"item,omitempty"`
}

// original reports whether the material is the original itself.
func (p Material) original() bool { return p.OfItem == "" }

// ToStamp reports whether the keeper's stamp is still missing (DEL-931).
func (p Material) ToStamp() bool { return !p.original() && p.StampedAt.IsZero() }

// Label says in words what the material is: 复印件 2/3.
func (p Material) Label(lang string) string {
	word := p.Item.Class.In(lang)
	if p.CopyNo > 0 {
		word = fmt.Sprintf("%s %d/%d", word, p.CopyNo, p.Copies)
	}
	return word
}

// Need says that a department needs a material, and whether it wants a copy or
// takes a voucher. AgreedBy is who of it agreed to the voucher (DEL-932).
type Need struct {
	DepartmentID string
	Form         Class // ClassCopy or ClassVoucher; of the keeper no matter
	AgreedBy     string
}

// MaterialIn is what an applicant hands in for a case, as the case's own package
// states it.
type MaterialIn struct {
	CaseID, CaseNumber, CentreID, Division string
	Title                                  string
	Differs                                string // from one that is held already (DEL-934)
	Needs                                  []Need
}

// maxNeeds is how many departments may need one material.
const maxNeeds = 30

func (m *MaterialIn) check() error {
	m.Title = strings.TrimSpace(m.Title)
	if m.Title == "" || len(m.Needs) == 0 || len(m.Needs) > maxNeeds {
		return fault.Refuse(fault.Invalid, "material_incomplete",
			"请写明材料名称，如“租赁合同”，并勾选需要它的部门", "give the material a name, such as a lease, and choose the departments that need it")
	}
	for i, n := range m.Needs {
		twice := slices.ContainsFunc(m.Needs[:i], func(o Need) bool { return o.DepartmentID == n.DepartmentID })
		if twice || n.Form != ClassCopy && n.Form != ClassVoucher {
			return fault.Refuse(fault.Invalid, "need_invalid",
				"每个部门只选一次，并选择复印件或收件凭据", "name each department once, with a copy or a voucher")
		}
		if err := office.CheckLines(line("agreed_by", n.AgreedBy)); err != nil {
			return err
		}
	}
	return office.CheckLines(line("title", m.Title), line("differs", m.Differs))
}

// TakeIn registers a material at the window, on the caller's transaction. Needed
// by one department the original goes there; needed by several it goes to the
// keeper of originals, and every other department gets a numbered copy, or a
// voucher where it agreed (DEL-930…932). Everything lies at the window until a
// bag takes it on. The caller records the leaves as its last step (STY-18).
// Refusals: not_receiving_window, material_incomplete, need_invalid,
// voucher_agreement, text_invalid, department_unknown, no_competent_department.
func (d *Desk) TakeIn(ctx context.Context, tx bun.IDB, by auth.Actor, m MaterialIn) ([]Material, []audit.Leaf, error) {
	d = d.still()
	if err := mayReceive(by, m.CentreID); err != nil {
		return nil, nil, err
	}
	m.Needs = slices.Clone(m.Needs)
	if err := m.check(); err != nil {
		return nil, nil, err
	}
	keeper, others, err := d.keeperOf(ctx, tx, m)
	if err != nil {
		return nil, nil, err
	}
	materials, err := d.materialsOf(ctx, tx, by, m, keeper, others)
	if err != nil {
		return nil, nil, err
	}
	return materials, []audit.Leaf{d.materialsLeaf("material_taken_in", by, materials)}, insertMaterials(ctx, tx, materials)
}

// holder is a department by its name.
type holder struct {
	ID, Name string
	need     Need
}

// keeperOf says who keeps the original and who gets something in its stead
// (DEL-930, plan 三(三)3-五).
func (d *Desk) keeperOf(ctx context.Context, tx bun.IDB, m MaterialIn) (keeper holder, others []holder, err error) {
	ids := make([]string, len(m.Needs))
	for i, n := range m.Needs {
		ids[i] = n.DepartmentID
	}
	departments, err := office.DepartmentsByID(ctx, tx, ids)
	if err != nil {
		return keeper, nil, err
	}
	rules, err := office.RulesAt(ctx, tx, d.now(), office.Scope{Centre: m.CentreID})
	if err != nil {
		return keeper, nil, err
	}
	for _, n := range m.Needs {
		one := holder{n.DepartmentID, departments[n.DepartmentID].Name, n}
		if keeper.ID == "" && (len(m.Needs) == 1 || departments[n.DepartmentID].System == rules.Keeper) {
			keeper = one
			continue
		}
		others = append(others, one)
	}
	if keeper.ID == "" { // nobody in the case: the one competent there
		dep, err := office.CompetentDepartment(ctx, tx, rules.Keeper, office.County, m.Division)
		if err != nil {
			return keeper, nil, err
		}
		keeper = holder{ID: dep.ID, Name: dep.Name}
	}
	return keeper, others, nil
}

// materialsOf makes the original and what stands in for it.
func (d *Desk) materialsOf(ctx context.Context, tx bun.IDB, by auth.Actor, m MaterialIn, keeper holder, others []holder) ([]Material, error) {
	base := Material{CaseID: m.CaseID, CaseNumber: m.CaseNumber, CentreID: m.CentreID, KeeperID: keeper.ID, Keeper: keeper.Name, Version: 1}
	copies := 0
	for _, o := range others {
		if o.need.Form == ClassCopy {
			copies++
		}
	}
	at := Keeper{AtWindow, m.CentreID}
	original := base
	original.Copies, original.Reason = copies, m.Differs
	if err := d.asItem(ctx, tx, by, &original, ClassOriginal, m.Title, at); err != nil {
		return nil, err
	}
	out, n := []Material{original}, 0
	for _, o := range others {
		p := base
		p.OfItem, p.ForID, p.ForName = original.ItemID, o.ID, o.Name
		if o.need.Form == ClassVoucher {
			if p.AgreedBy = strings.TrimSpace(o.need.AgreedBy); p.AgreedBy == "" {
				return nil, fault.Refuse(fault.Invalid, "voucher_agreement",
					"%s改用收件凭据，请填写该部门同意人的姓名；未同意的请选复印件", "%s gets a voucher only if somebody of it agreed: give the name, or choose a copy", o.Name)
			}
		} else {
			n++
			p.CopyNo, p.Copies = n, copies
		}
		if err := d.asItem(ctx, tx, by, &p, o.need.Form, m.Title, at); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// asItem gives a material its thing, in somebody's keeping.
func (d *Desk) asItem(ctx context.Context, tx bun.IDB, by auth.Actor, p *Material, class Class, title string, at Keeper) error {
	centre, err := office.FindCentre(ctx, tx, p.CentreID)
	if err != nil {
		return err
	}
	number, err := NewNumber(centreSign(centre.Division), rand.Reader)
	if err != nil {
		return err
	}
	p.Item = &Item{
		ID: newID(), Number: number, CaseID: p.CaseID, Class: class, Title: title, DepartmentID: p.KeeperID,
		CustodianKind: at.Kind, Custodian: at.ID, RegisteredAt: d.now(), RegisteredBy: by.String(), Version: 1,
	}
	p.ItemID = p.Item.ID
	if err := insertItems(ctx, tx, []Item{*p.Item}); err != nil {
		return err
	}
	return insertSteps(ctx, tx, []CustodyEvent{registered(d.step(*p.Item, CustodyRegistered, by, "", ""))})
}

// materialsLeaf is one leaf about materials of one case.
func (d *Desk) materialsLeaf(what string, by auth.Actor, materials []Material) audit.Leaf {
	items := make([]string, len(materials))
	for n, p := range materials {
		items[n] = p.ItemID
	}
	p := materials[0]
	return audit.Leaf{Type: what, Stream: Stream(p.CaseID), Actor: by.String(), At: d.now(), Fields: map[string]any{
		"items": items, "keeper": p.KeeperID, "copies": p.Copies, "reason": p.Reason,
	}}
}

// Stamp records that the keeper compared copies or vouchers with the original
// and put its stamp on them; only then may a department get them (DEL-931). A
// person of the keeper does it, or the window, which names who stamped.
// Refusals: not_found, not_the_keeper, stamp_name, text_invalid, not_a_copy,
// material_elsewhere, copy_stamped.
func (d *Desk) Stamp(ctx context.Context, by auth.Actor, itemID, name string) (out Material, err error) {
	d = d.still()
	err = d.onMaterial(ctx, by, itemID, func(tx bun.IDB, p *Material) ([]audit.Leaf, error) {
		who, err := stamper(by, *p, name)
		if err != nil {
			return nil, err
		}
		switch {
		case p.original():
			return nil, fault.Refuse(fault.Invalid, "not_a_copy",
				"原件不需要盖留存章，只有复印件和收件凭据才需要", "an original takes no keeper's stamp; only copies and vouchers do")
		case !p.ToStamp():
			return nil, fault.Refuse(fault.Conflict, "copy_stamped",
				"已由%s盖章，不必再登记", "it was stamped by %s already", p.StampedName)
		case p.Item.keeper() != sideOf(by) || !p.Item.free():
			return nil, materialElsewhere(*p)
		}
		p.StampedAt, p.StampedBy, p.StampedName = d.now(), by.String(), who
		out = *p
		return []audit.Leaf{d.materialsLeaf("copy_stamped", by, []Material{*p})}, updateMaterial(ctx, tx, p, "stamped_at", "stamped_by", "stamped_name")
	})
	if err != nil {
		return Material{}, err
	}
	return out, nil
}

// stamper is who stamped: the person of the keeper that says so, or whom the
// window names.
func stamper(by auth.Actor, p Material, name string) (string, error) {
	switch name = strings.TrimSpace(name); {
	case ofDepartment(by, p.KeeperID):
		return by.Name, nil
	case !atWindow(by) || by.Centre != p.CentreID:
		return "", notTheKeeper(p)
	case name == "":
		return "", fault.Refuse(fault.Invalid, "stamp_name",
			"请填写%s核对并盖章的人员姓名", "give the name of who compared and stamped it for %s", p.Keeper)
	}
	return name, office.CheckLines(line("name", name))
}

func notTheKeeper(p Material) *fault.Error {
	return fault.Refuse(fault.Forbidden, "not_the_keeper",
		"原件由%s保管，请联系该部门或综合窗口办理", "%s keeps the original; ask it or the window", p.Keeper)
}

// materialElsewhere says where a material is instead (DEL-934).
func materialElsewhere(p Material) *fault.Error {
	return fault.Refuse(fault.Conflict, "material_elsewhere",
		"%s（%s）不在您手上，或已装袋、送出，请刷新后核对", "%s (%s) is not with you, or is in a bag already; reload and check", p.Item.Title, p.Item.Number)
}

// sideOf is the keeper that somebody acts for.
func sideOf(by auth.Actor) Keeper {
	if atWindow(by) {
		return Keeper{AtWindow, by.Centre}
	}
	return Keeper{AtDepartment, by.Department}
}

// keepsThings reports whether the actor stands for a side that keeps things.
func keepsThings(by auth.Actor) bool { return atWindow(by) || ofDepartment(by, by.Department) }

// onMaterial runs one act on a material that the actor may see.
func (d *Desk) onMaterial(ctx context.Context, by auth.Actor, itemID string, act func(tx bun.IDB, p *Material) ([]audit.Leaf, error)) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		p, err := lockMaterial(ctx, tx, itemID)
		if err != nil {
			return err
		}
		if !mayReadMaterial(by, p) {
			return notFound()
		}
		leaves, err := act(tx, &p)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
}
