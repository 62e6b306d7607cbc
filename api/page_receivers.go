package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// receiverPages keep the list of who may sign on paper for a department (DEL-913).
func (p *site) receiverPages() {
	p.on(Route{Method: http.MethodGet, Path: "/receivers", Act: "pageReceivers", Who: anywhere(following...)}, p.receivers)
	p.on(Route{Method: http.MethodPost, Path: "/receivers", Act: "pageRegisterReceiver", Who: listKeepers}, p.registerOnList)
	p.on(Route{Method: http.MethodPost, Path: "/receivers/{id}/end", Act: "pageEndReceiver", Who: listKeepers}, p.takeOffList)
}

type receiversPage struct {
	Department  string // whose list is shown
	Name        string // its name
	Departments []option
	Standing    []standingReceiver // of all departments, until one is chosen
	Lines       []delivery.RegisteredReceiver
	Keeps       bool
	Theirs      string // why a reader of the window does not change it
	Today       string
	Once        string
}

// standingReceiver is somebody who may sign now, and for which department.
type standingReceiver struct {
	delivery.RegisteredReceiver
	Department string
}

// receivers shows the list of one department: one's own, or the one chosen. A window
// that has chosen none sees who may sign for any.
func (p *site) receivers(v *view) error {
	v.here = "/receivers"
	d := receiversPage{Department: v.query("department"), Today: workday.DateOf(p.now()).String(), Once: newOnce()}
	if d.Department == "" {
		d.Department = v.form("department")
	}
	if v.by.Department != "" {
		d.Department = v.by.Department
	}
	names := map[string]string{}
	err := p.Read(v.ctx(), func(q bun.IDB) error {
		all, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{})
		for _, dep := range all {
			name := inspection.Words{ZH: dep.Name, EN: dep.NameEN}.In(v.x.lang)
			names[dep.ID] = name
			if v.by.Department == "" {
				d.Departments = append(d.Departments, option{dep.ID, name, dep.ID == d.Department})
			}
			if dep.ID == d.Department {
				d.Name = name
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if d.Name == "" && len(d.Departments) > 0 {
		standing, err := p.Delivery.StandingReceivers(v.ctx(), v.by)
		if err != nil {
			return err
		}
		for _, r := range standing {
			d.Standing = append(d.Standing, standingReceiver{r, names[r.DepartmentID]})
		}
	}
	if d.Name != "" {
		v.here = "/receivers?department=" + d.Department
		if d.Lines, err = p.Delivery.ListReceivers(v.ctx(), v.by, d.Department); err != nil {
			return err
		}
		if err = d.keeps(v, p.Delivery.MayKeepList(v.ctx(), v.by, d.Department)); err != nil {
			return err
		}
	}
	return p.show(v, "receivers", d)
}

// keeps takes in whether the reader may change the list, for the window why not.
func (d *receiversPage) keeps(v *view, err error) error {
	var refused *fault.Error
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	d.Keeps = err == nil
	if err != nil && v.is(atDesk...) {
		d.Theirs = refused.In(v.x.lang)
	}
	return nil
}

// receiverNames says who may sign a slip of a department now.
func (p *site) receiverNames(v *view, department string) (string, error) {
	all, err := p.Delivery.ListReceivers(v.ctx(), v.by, department)
	if err != nil {
		return "", err
	}
	var names []string
	for _, r := range all {
		if r.Stood(p.now()) {
			names = append(names, r.Name+" "+r.Post)
		}
	}
	if len(names) == 0 {
		return p.say(v, "bag.receiver.none"), nil
	}
	return p.say(v, "bag.receiver.help") + strings.Join(names, p.say(v, "list.comma")), nil
}

func (p *site) registerOnList(v *view) error {
	r := delivery.ReceiverRequest{DepartmentID: v.form("department"), Name: v.form("name"), Post: v.form("post"), Ground: v.form("ground"), Once: v.once()}
	var err error
	if day := v.form("from"); day != "" {
		r.From, err = workday.ParseDate(day)
	}
	if err == nil {
		_, err = p.Delivery.RegisterReceiver(v.ctx(), v.by, r)
	}
	if err != nil {
		return p.done(v, err, form{"register", ""}, p.receivers)
	}
	return v.leave("/receivers?department="+r.DepartmentID, "flash.receiver.registered")
}

func (p *site) takeOffList(v *view) error {
	out, err := p.Delivery.EndReceiver(v.ctx(), v.by, v.id(), v.form("reason"))
	if fault.Is(err, "not_found") {
		return err
	}
	if err != nil {
		return p.done(v, err, form{"end", v.id()}, p.receivers)
	}
	return v.leave("/receivers?department="+out.DepartmentID, "flash.receiver.ended")
}
