package api

import (
	"net/http"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/office"
)

// materialPages are the originals of a case, the copies and vouchers that stand in
// for them, and who borrowed what.
func (p *site) materialPages() {
	p.on(Route{Method: http.MethodGet, Path: "/materials", Act: "pageMaterials", Who: anywhere(following...)}, p.materials)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/materials", Act: "pageTakeIn", Who: actors(atDesk...)}, p.takeIn)
	p.destroyPages()
	p.damagePages()
	p.on(Route{Method: http.MethodGet, Path: "/items/{id}/note", Act: "pageMaterialNote", Who: readers(following...)}, p.materialNote)
	at := func(act, name string, who []auth.Role, h handler) {
		p.on(Route{Method: http.MethodPost, Path: "/items/{id}/" + act, Act: name, Who: actors(who...)}, h)
	}
	at("stamp", "pageStamp", keepingThings, p.stamp)
	at("copies", "pageAddCopy", keepingThings, p.addCopy)
	at("loans", "pageLend", keepingThings, p.lend)
	at("unlend", "pageCancelLoan", keepingThings, p.unlend)
}

// materialsPage is what somebody's side keeps, and what is lent.
type materialsPage struct {
	Search    string
	Filtered  bool
	Full      int
	Window    bool
	All       bool
	ToStamp   []delivery.Material // here, and the keeper's stamp is missing
	Materials []delivery.Material
	Loans     []delivery.Loan
}

// mostMaterials is how many lines the list shows; search narrows it.
const mostMaterials = 200

func (p *site) materials(v *view) error {
	d := materialsPage{Search: v.query("q"), Window: v.is(atDesk...), All: v.query("all") == "yes"}
	d.Filtered = d.Search != "" || d.All
	list, err := p.Delivery.ListMaterials(v.ctx(), v.by, delivery.MaterialQuery{Search: d.Search, Everywhere: d.All, Limit: mostMaterials})
	if err != nil {
		return err
	}
	for _, one := range list {
		if one.ToStamp() && one.Item.Custodian == v.place() && (d.Window || one.KeeperID == v.place()) {
			d.ToStamp = append(d.ToStamp, one)
		} else {
			d.Materials = append(d.Materials, one)
		}
	}
	if len(list) == mostMaterials {
		d.Full = mostMaterials
	}
	if d.Loans, err = p.Delivery.ListLoans(v.ctx(), v.by); err != nil {
		return err
	}
	return p.show(v, "materials", d)
}

// caseMaterials is the part of a case's page about the materials that were handed
// in.
type caseMaterials struct {
	Materials []delivery.Material
	MayTakeIn bool
	Needs     []option               // departments of the case
	Held      *delivery.HeldMaterial // what was tried to take in, and is held already
	Once      string
}

func (p *site) materialsOf(v *view, c inspection.Case) (*caseMaterials, error) {
	list, err := p.Delivery.MaterialsOfCase(v.ctx(), v.by, c.ID)
	if err != nil {
		return nil, err
	}
	d := &caseMaterials{Materials: list, MayTakeIn: v.organises(c.CentreID), Once: newOnce()}
	if !d.MayTakeIn {
		return d, nil
	}
	if v.tried.Code == "material_held" {
		if d.Held, err = p.Inspection.Held(v.ctx(), v.by, c.ID, v.form("title")); err != nil {
			return nil, err
		}
	}
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		var ids []string
		for _, row := range c.Departments {
			if row.Included && row.DepartmentID != "" {
				ids = append(ids, row.DepartmentID)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		all, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{IDs: ids})
		for _, dep := range all {
			d.Needs = append(d.Needs, option{Value: dep.ID, Text: v.called(dep.Name, dep.NameEN)})
		}
		return err
	})
	return d, err
}

// takeIn registers a material at the window. Each department of the case has one
// choice: nothing, a copy, a voucher.
func (p *site) takeIn(v *view) error {
	c, err := p.Inspection.FindCase(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	r := inspection.MaterialRequest{CaseID: c.ID, Title: v.form("title"), Differs: v.form("differs"), Once: v.once()}
	for _, row := range c.Departments {
		if form := delivery.Class(v.form("need-" + row.DepartmentID)); form != "" {
			r.Needs = append(r.Needs, delivery.Need{DepartmentID: row.DepartmentID, Form: form, AgreedBy: v.form("agreed-" + row.DepartmentID)})
		}
	}
	materials, err := p.Inspection.TakeIn(v.ctx(), v.by, p.Delivery, r)
	if err != nil {
		return p.done(v, err, form{"material", ""}, p.oneCase)
	}
	return v.leave("/cases/"+c.ID+"#materials", "flash.material", "keeper", materials[0].Keeper)
}

// onMaterial ends an act on a material: back to it, or its page with the refusal.
func (p *site) onMaterial(v *view, f form, to, flash string, act func(one delivery.MaterialView) error) error {
	found, err := p.Delivery.FindMaterial(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	if err := act(found); err != nil {
		return p.done(v, err, f, p.item)
	}
	return v.leave(to, flash)
}

// stamp records the keeper's stamp, from the page of the thing or from the list.
func (p *site) stamp(v *view) error {
	to := inside(v.form("to"))
	if to == "" {
		to = "/items/" + v.id()
	}
	return p.onMaterial(v, form{"stamp", ""}, to, "flash.stamped", func(one delivery.MaterialView) error {
		_, err := p.Delivery.Stamp(v.ctx(), v.by, one.ItemID, v.form("name"))
		return err
	})
}

func (p *site) addCopy(v *view) error {
	return p.onMaterial(v, form{"copy", ""}, "/items/"+v.id(), "flash.copied", func(one delivery.MaterialView) error {
		_, err := p.Delivery.AddCopy(v.ctx(), v.by, delivery.CopyRequest{
			ItemID: one.ItemID, DepartmentID: v.form("department"), Reason: v.form("reason"), Once: v.once(),
		})
		return err
	})
}

func (p *site) lend(v *view) error {
	return p.onMaterial(v, form{"lend", ""}, "/items/"+v.id(), "flash.lent", func(one delivery.MaterialView) error {
		_, err := p.Delivery.Lend(v.ctx(), v.by, delivery.LoanRequest{
			ItemID: one.ItemID, BorrowerID: v.form("borrower"), Purpose: v.form("purpose"), DueOn: v.form("due_on"), Once: v.once(),
		})
		return err
	})
}

func (p *site) unlend(v *view) error {
	return p.onMaterial(v, form{"unlend", ""}, "/items/"+v.id(), "flash.unlent", func(delivery.MaterialView) error {
		_, err := p.Delivery.CancelLoan(v.ctx(), v.by, v.form("loan"))
		return err
	})
}

// materialPart is what the page of a thing says if it is a material.
type materialPart struct {
	delivery.MaterialView
	MayStamp, NeedsName, MayCopy, MayLend bool
	MaySeeOriginal                        bool
	Departments                           []option
	Once                                  string
	Scans                                 *scansPart
}

func (p *site) materialPart(v *view, id string) (*materialPart, error) {
	found, err := p.Delivery.FindMaterial(v.ctx(), v.by, id)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	keeper, window := v.is(inOffice...) && v.by.Department == found.KeeperID, v.organises(found.CentreID)
	here := found.Item.Custodian == v.place() && found.Item.BagID == "" && (keeper || window)
	d := &materialPart{MaterialView: found, Once: newOnce(), NeedsName: window}
	if d.Scans, err = p.scansPart(v, found); err != nil {
		return nil, err
	}
	original := found.OfItem == ""
	d.MaySeeOriginal = !original && (keeper || window || v.by.Is(auth.Auditor))
	d.MayStamp, d.MayCopy = here && found.ToStamp(), here && original
	d.MayLend = original && (keeper || window) && (len(found.Loans) == 0 || !found.Loans[0].Open())
	if !d.MayCopy && !d.MayLend {
		return d, nil
	}
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		all, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{})
		for _, dep := range all {
			if dep.ID != found.KeeperID {
				d.Departments = append(d.Departments, option{Value: dep.ID, Text: v.called(dep.Name, dep.NameEN)})
			}
		}
		return err
	})
	return d, err
}

// notePage is what is put on a copy, or the voucher itself: who keeps the
// original, which copy it is, and the place of the stamp (DEL-1110, DEL-1111,
// plan 三(三)3-五).
type notePage struct {
	Material delivery.MaterialView
	Centre   office.Centre
}

func (p *site) materialNote(v *view) error {
	found, err := p.Delivery.FindMaterial(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	if found.OfItem == "" {
		return notFound()
	}
	v.here = "/items/" + v.id() + "/note"
	d := notePage{Material: found}
	err = p.Read(v.ctx(), func(q bun.IDB) (err error) {
		d.Centre, err = office.FindCentre(v.ctx(), q, found.CentreID)
		return err
	})
	if err != nil {
		return err
	}
	return p.show(v, "material_note", d)
}
