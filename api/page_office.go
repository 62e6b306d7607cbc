package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/office"
)

func (p *site) officePages() {
	p.on(Route{Method: http.MethodGet, Path: "/settings", Act: "pageSettings", Who: anywhere(mayOversee...)}, p.settings)
	p.on(Route{Method: http.MethodGet, Path: "/people", Act: "pagePeople", Who: anywhere(mayKnow...)}, p.people)
	p.on(Route{Method: http.MethodGet, Path: "/departments/{id}/addresses.pdf", Act: "pageAddressForm", Who: anywhere(atDesk...), Rate: uploadRate}, p.addressForm)
}

// settingsPage is read only: changes take two persons elsewhere (INS-1301).
type settingsPage struct {
	Search string
	People bool
	Lines  []settingLine
}

// settingLine is a setting with who set and who approved it, by name.
type settingLine struct {
	office.SettingLine
	SetBy, ApprovedBy string
	Bounds            []string // from–to, or each choice
}

// settings lists the values in force at the reader's centre (INS-1302).
func (p *site) settings(v *view) error {
	d := settingsPage{Search: v.query("q"), People: v.is(mayKnow...)}
	err := p.Read(v.ctx(), func(q bun.IDB) error {
		lines, err := office.ListSettings(v.ctx(), q, p.now(), office.Scope{Centre: v.by.Centre})
		who := actorNames(v, q, p)
		for _, l := range lines {
			if !holds(d.Search, l.Key, p.say(v, "setting."+l.Key)) {
				continue
			}
			line, err := settingOf(l, who)
			if err != nil {
				return err
			}
			d.Lines = append(d.Lines, line)
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.show(v, "settings", d)
}

// settingOf names the people of a setting. The unit of the bounds stands in the
// setting's name already, in the reader's language.
func settingOf(l office.SettingLine, who func(actor string) (string, error)) (line settingLine, err error) {
	line.SettingLine = l
	bounds, _, _ := strings.Cut(l.Bounds, " ")
	line.Bounds = strings.Split(bounds, "/")
	if line.SetBy, err = who(l.InForce.SetBy); err == nil && l.InForce.DecidedBy != l.InForce.SetBy {
		line.ApprovedBy, err = who(l.InForce.DecidedBy)
	}
	return line, err
}

// peoplePage is read only, too.
type peoplePage struct {
	Search string
	Places []placeLine
}

// placeLine is a centre or a department with its people.
type placeLine struct {
	Name, Division, Phone string
	Addresses             []string
	Form                  string // of a department: its form to print, for who keeps addresses
	People                []personLine
}

type personLine struct {
	Name, Roles, Login, Phone string
	Seen                      time.Time
	Off                       bool
}

// people lists centres and departments with their people, telephones masked.
func (p *site) people(v *view) error {
	d := peoplePage{Search: v.query("q")}
	err := p.Read(v.ctx(), func(q bun.IDB) error {
		everybody, err := auth.ListPeople(v.ctx(), q, auth.PersonQuery{})
		if err != nil {
			return err
		}
		centres, err := office.ListCentres(v.ctx(), q)
		if err != nil {
			return err
		}
		for _, c := range centres {
			place := placeLine{Name: inspection.Words{ZH: c.Name, EN: c.NameEN}.In(v.x.lang), Division: c.Division, Phone: c.Phone}
			d.add(p.staffOf(v, place, everybody, func(person auth.Person) bool { return person.Centre == c.ID }))
		}
		departments, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{})
		if err != nil {
			return err
		}
		for _, one := range departments {
			place := placeLine{Name: inspection.Words{ZH: one.Name, EN: one.NameEN}.In(v.x.lang), Division: one.Division, Phone: one.Phone}
			if v.is(atDesk...) {
				place.Form = "/departments/" + one.ID + "/addresses.pdf"
			}
			if place.Addresses, err = p.addressesOf(v, q, one.ID); err != nil {
				return err
			}
			d.add(p.staffOf(v, place, everybody, func(person auth.Person) bool { return person.Department == one.ID }))
		}
		rest := placeLine{Name: p.say(v, "people.elsewhere")}
		d.add(p.staffOf(v, rest, everybody, func(person auth.Person) bool { return person.Centre == "" && person.Department == "" }))
		return nil
	})
	if err != nil {
		return err
	}
	return p.show(v, "people", d)
}

// add keeps a place that a search finds, itself or one of its people.
func (d *peoplePage) add(place placeLine) {
	if holds(d.Search, place.Name, place.Division) {
		d.Places = append(d.Places, place)
		return
	}
	var found []personLine
	for _, person := range place.People {
		if holds(d.Search, person.Name, person.Login, person.Roles) {
			found = append(found, person)
		}
	}
	if place.People = found; len(found) > 0 {
		d.Places = append(d.Places, place)
	}
}

func (p *site) staffOf(v *view, place placeLine, everybody []auth.Person, here func(auth.Person) bool) placeLine {
	for _, person := range everybody {
		if here(person) {
			place.People = append(place.People, personLine{
				Name: person.Name, Roles: p.roleWords(v, person.Roles), Login: person.Login,
				Phone: delivery.MaskPhone(person.Phone), Seen: person.LastSignIn, Off: !person.DisabledAt.IsZero(),
			})
		}
	}
	return place
}

// addressesOf are the confirmed ways to a department (INS-705).
func (p *site) addressesOf(v *view, q bun.IDB, department string) (out []string, err error) {
	addresses, err := office.ConfirmedAddresses(v.ctx(), q, department, p.now())
	for _, a := range addresses {
		text := p.say(v, "channel."+string(a.Channel))
		if a.Channel == office.Mail || a.Channel == office.Paper {
			text += " " + a.Value
		}
		out = append(out, text)
	}
	return out, err
}

// departmentName names a department in the reader's language.
func (p *site) departmentName(v *view, id string) (name string, err error) {
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		d, err := office.FindDepartment(v.ctx(), q, id)
		name = inspection.Words{ZH: d.Name, EN: d.NameEN}.In(v.x.lang)
		return err
	})
	return name, err
}
