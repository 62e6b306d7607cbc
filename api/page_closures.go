package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// mayShut see the page of closures; what each may enter is auth.MayClose's.
var mayShut = []auth.Role{auth.Supervisor, auth.Admin, auth.Head}

func (p *site) closurePages() {
	p.on(Route{Method: http.MethodGet, Path: "/closures", Act: "pageClosures", Who: anywhere(mayShut...)}, p.closures)
	p.on(Route{Method: http.MethodPost, Path: "/closures", Act: "pageAddClosure", Who: closers}, p.closeDay)
	p.on(Route{Method: http.MethodPost, Path: "/closures/{id}/withdraw", Act: "pageWithdrawClosure", Who: closers}, p.openDay)
}

type closuresPage struct {
	Places []option
	Lines  []closedDay
	Once   string
}

// closedDay is a closure with its place in words.
type closedDay struct {
	ID, Place, Reason string
	Day               time.Time
	Mine              bool // the reader may take it back
}

// city is the place of a closure that is for every centre.
const city = "city"

// closures lists the days that centres and departments are shut from today on.
func (p *site) closures(v *view) error {
	v.here = "/closures"
	d := closuresPage{Once: newOnce()}
	err := p.Read(v.ctx(), func(q bun.IDB) error {
		names, err := d.places(p, v, q)
		if err != nil {
			return err
		}
		rows, err := office.ListStanding(v.ctx(), q, workday.DateOf(p.now()))
		for _, c := range rows {
			d.Lines = append(d.Lines, closedDay{
				ID: c.ID, Place: names[placeOf(c)], Reason: c.Reason, Day: c.Day.Midnight(),
				Mine: auth.MayClose(v.by, c.Centre, c.Department) == nil,
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.show(v, "closures", d)
}

// places offers what the reader may close, and names every place there is.
func (d *closuresPage) places(p *site, v *view, q bun.IDB) (map[string]string, error) {
	centres, err := office.ListCentres(v.ctx(), q)
	if err != nil {
		return nil, err
	}
	departments, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{})
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	add := func(c office.Closure, name string) {
		names[placeOf(c)] = name
		if auth.MayClose(v.by, c.Centre, c.Department) == nil {
			chosen := v.tried.Chose("close", "", "place", placeOf(c))
			d.Places = append(d.Places, option{Value: placeOf(c), Text: name, Chosen: chosen})
		}
	}
	add(office.Closure{}, p.say(v, "closures.city"))
	for _, c := range centres {
		add(office.Closure{Centre: c.ID}, inspection.Words{ZH: c.Name, EN: c.NameEN}.In(v.x.lang))
	}
	for _, dep := range departments {
		add(office.Closure{Department: dep.ID}, inspection.Words{ZH: dep.Name, EN: dep.NameEN}.In(v.x.lang))
	}
	return names, nil
}

// placeOf is the place of a closure as the form sends it.
func placeOf(c office.Closure) string {
	switch {
	case c.Centre != "":
		return "centre:" + c.Centre
	case c.Department != "":
		return "department:" + c.Department
	}
	return city
}

// closeDay enters a closure; visits booked on the day become tasks (INS-410).
func (p *site) closeDay(v *view) error {
	c := office.Closure{Reason: v.form("reason")}
	switch kind, id, _ := strings.Cut(v.form("place"), ":"); kind {
	case "centre":
		c.Centre = id
	case "department":
		c.Department = id
	}
	day, err := workday.ParseDate(v.form("day"))
	if err != nil || v.form("place") == "" {
		err = fault.Refuse(fault.Invalid, "closure_incomplete", "请选择停办的单位和日期", "choose who is closed and on which day")
	} else if err = auth.MayClose(v.by, c.Centre, c.Department); err == nil {
		c.Day = day
		_, err = p.Office.AddClosure(v.ctx(), c, v.by.String(), v.once())
	}
	if err != nil {
		return p.done(v, err, form{"close", ""}, p.closures)
	}
	return v.leave("/closures", "flash.closed")
}

// openDay takes a closure back.
func (p *site) openDay(v *view) error {
	if err := p.takeBack(v.ctx(), v.by, v.id()); err != nil {
		return p.done(v, err, form{"reopen", ""}, p.closures)
	}
	return v.leave("/closures", "flash.reopened")
}
