package api

import (
	"archive/zip"
	"bytes"
	"net/http"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// tablePages are for departments without a system of their own: what concerns
// them goes out as a signed table, and comes back filled in (DEL-951).
func (p *site) tablePages() {
	p.on(Route{Method: http.MethodGet, Path: "/tables", Act: "pageTables", Who: anywhere(keepingThings...)}, p.tables)
	p.on(Route{Method: http.MethodGet, Path: "/tables/owed", Act: "pageOwedTable", Who: anywhere(keepingThings...)}, p.owedTable)
	p.on(Route{
		Method: http.MethodPost, Path: "/tables/results", Act: "pageImportResults", Who: anywhere(keepingThings...), Rate: uploadRate, Body: 2 * delivery.MaxTable,
	}, p.importResults)
	p.on(Route{Method: http.MethodGet, Path: "/bags/{id}/table", Act: "pageBagTable", Who: readers(following...)}, p.bagTable)
	p.on(Route{
		Method: http.MethodPost, Path: "/bags/{id}/table", Act: "pageImportBagTable", Who: actors(keepingThings...), Rate: uploadRate, Body: 2*delivery.MaxTable + 2*delivery.MaxProof,
	}, p.importBagTable)
}

// tablesPage offers the table of what is owed and takes it back.
type tablesPage struct {
	Departments []option          // of a window
	Owing       []delivery.Holder // those without accounts that have something to hand over
}

func (p *site) tables(v *view) error {
	v.here = "/tables"
	d := tablesPage{}
	if v.by.Department == "" {
		err := p.Read(v.ctx(), func(q bun.IDB) error {
			all, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{})
			for _, dep := range all {
				d.Departments = append(d.Departments, option{Value: dep.ID, Text: v.called(dep.Name, dep.NameEN)})
			}
			return err
		})
		if err == nil {
			d.Owing, err = p.owingOnPaper(v)
		}
		if err != nil {
			return err
		}
	}
	return p.show(v, "tables", d)
}

// owingOnPaper are the departments without accounts that owe results: for these the
// window has a table to give out.
func (p *site) owingOnPaper(v *view) ([]delivery.Holder, error) {
	all, err := p.Delivery.ListHolders(v.ctx(), v.by)
	if err != nil {
		return nil, err
	}
	var out []delivery.Holder
	for _, h := range all {
		err := p.Delivery.MayKeepList(v.ctx(), v.by, h.DepartmentID)
		switch {
		case err == nil:
			out = append(out, h)
		case !fault.Is(err, "department_has_accounts") && !fault.Is(err, "receivers_keeper"):
			return nil, err
		}
	}
	return out, nil
}

func (p *site) owedTable(v *view) error {
	file, err := p.Delivery.OwedTable(v.ctx(), v.by, v.query("department"))
	return p.signed(v, file, err)
}

func (p *site) bagTable(v *view) error {
	file, err := p.Delivery.BagTable(v.ctx(), v.by, v.id())
	return p.signed(v, file, err)
}

// signed answers with a table and its detached signature in one archive, to be
// carried by hand.
func (p *site) signed(v *view, file delivery.TableFile, err error) error {
	if err != nil {
		return err
	}
	signature, err := p.Audit.SignFile(file.Name, file.Body)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, one := range []struct {
		name string
		body []byte
	}{{file.Name, file.Body}, {file.Name + ".sig", signature}} {
		part, err := w.Create(one.name)
		if err != nil {
			return err
		}
		if _, err := part.Write(one.body); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	v.attach(file.Name+".zip", "application/zip", out.Bytes())
	return nil
}

// answersPage is what became of each line, and after a mere look the form to
// import the same table.
type answersPage struct {
	tableAnswers
	Action, Table, Slip, To string
}

// tableOf is the table of a form: a file just chosen, or one looked at before.
// The first is only looked at.
func (p *site) tableOf(v *view) (body []byte, kept string, check bool, err error) {
	if kept = v.form("table"); kept != "" {
		body, err = p.Delivery.KeptTable(v.by, kept)
		return body, kept, false, err
	}
	file, err := v.upload("file", delivery.MaxTable)
	if err != nil {
		return nil, "", false, err
	}
	kept, err = p.Delivery.KeepTable(v.by, file.Bytes)
	return file.Bytes, kept, true, err
}

func (p *site) importResults(v *view) error {
	body, kept, check, err := p.tableOf(v)
	if err != nil {
		return p.done(v, err, form{"table", ""}, p.tables)
	}
	answers, err := p.Delivery.ImportResults(v.ctx(), v.by, body, check)
	if err != nil {
		return p.done(v, err, form{"table", ""}, p.tables)
	}
	return p.answers(v, answersPage{tableAnswers: linesOf(answers, v.x.lang, check), Table: kept, Action: "/tables/results", To: "/tables"})
}

func (p *site) importBagTable(v *view) error {
	if _, err := p.Delivery.FindBag(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	again := form{"table", ""}
	body, kept, check, err := p.tableOf(v)
	if err != nil {
		return p.done(v, err, again, p.bag)
	}
	slip := v.form("kept_slip")
	if slip == "" {
		if slip, err = p.keepUpload(v, "slip"); err != nil {
			return p.done(v, err, again, p.bag)
		}
	}
	answers, err := p.Delivery.ImportBagTable(v.ctx(), v.by, delivery.BagAnswers{BagID: v.id(), Body: body, Slip: slip, Check: check})
	if err != nil {
		return p.done(v, err, again, p.bag)
	}
	at := "/bags/" + v.id()
	return p.answers(v, answersPage{tableAnswers: linesOf(answers, v.x.lang, check), Table: kept, Slip: slip, Action: at + "/table", To: at})
}

func (p *site) answers(v *view, d answersPage) error {
	v.here = d.To
	return p.show(v, "table_answers", d)
}
