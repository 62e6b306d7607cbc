package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler"
	"lianban/scheduler/workday"
)

// world is a house with the invented city in it, under a clock that can be
// moved.
type world struct {
	*house
	dial *demoClock
	cal  *workday.Calendar
	day  workday.Date // the day it begins on

	centres     map[string]office.Centre     // by area key
	departments map[string]office.Department // by "area/system"
	people      map[string]auth.Actor        // by login
	swept       map[string]time.Time         // when a sweep last ran, by its name
}

// demoActor is the author of what the demonstration sets up without a person.
var demoActor = auth.System("demo")

// newWorld wires a house under the demo clock. The city is not in it yet.
func (a *app) newWorld() (*world, error) { return a.newWorldOn(workday.DateOf(wall()), db.Open) }

// demoWorld is a world that may be lost at a power cut, as an invented city may:
// nothing in it waits for the disk.
func (a *app) demoWorld(day workday.Date) (*world, error) {
	return a.newWorldOn(day, db.OpenScratch)
}

// opener opens a database by its address.
type opener func(ctx context.Context, url string) (*db.DB, error)

func (a *app) newWorldOn(today workday.Date, open opener) (*world, error) {
	log, err := a.demoLog()
	if err != nil {
		return nil, err
	}
	w, err := bareWorld(today)
	if err != nil {
		return nil, err
	}
	return w, w.open(a.ctx, a.cfg, log, open)
}

// bareWorld is a world without a house, under the demo clock.
func bareWorld(today workday.Date) (*world, error) {
	years, err := workday.Shipped()
	if err != nil {
		return nil, err
	}
	w := &world{centres: map[string]office.Centre{}, departments: map[string]office.Department{}, people: map[string]auth.Actor{}, swept: map[string]time.Time{}}
	if w.cal, err = workday.New(1, years); err != nil {
		return nil, err
	}
	if w.day, err = demoDay(w.cal, today); err != nil {
		return nil, err
	}
	begin, err := before(w.cal, w.day, demoHistory)
	if err != nil {
		return nil, err
	}
	w.dial = newDemoClock(begin.At(8 * 60))
	return w, nil
}

// open opens the database and wires the house.
func (w *world) open(ctx context.Context, cfg config, log *slog.Logger, open opener) error {
	d, err := open(ctx, cfg.database())
	if err != nil {
		return err
	}
	if err := w.enter(ctx, cfg, d, log); err != nil {
		return errors.Join(err, d.Close())
	}
	return nil
}

// enter wires the house on an open database.
func (w *world) enter(ctx context.Context, cfg config, d *db.DB, log *slog.Logger) error {
	_, err := d.Migrate(ctx)
	if err == nil {
		w.house, err = build(cfg, d, log, w.dial.Read)
	}
	if err != nil {
		return err
	}
	w.auth.Hash, w.auth.Endless = auth.Argon2{Memory: 64, Time: 1, Threads: 1}, true
	w.notify.Channels[notify.Mail] = demoMail{w.notify.Channels[notify.Mail]}
	err = d.Read(ctx, func(q bun.IDB) error {
		mark, err := scheduler.HighWater(ctx, q)
		w.dial.skipTo(mark) // a world that is opened again goes on where it was
		return err
	})
	if err != nil {
		return err
	}
	return w.clock.Check(ctx)
}

// demoMail writes letters into files, like any installation without a relay,
// and refuses the one mailbox that does not exist.
type demoMail struct{ notify.Channel }

// Send makes the call.
func (c demoMail) Send(ctx context.Context, m notify.Message) notify.Outcome {
	if strings.HasSuffix(m.Address, "@culture.ll.example") {
		return notify.Outcome{Result: notify.Refused, Source: "file", Line: "550 5.1.1 no such mailbox", Detail: "no such mailbox"}
	}
	return c.Channel.Send(ctx, m)
}

// furnish sets up centres, departments, people and addresses by the same acts
// that an office uses.
func (w *world) furnish(ctx context.Context) error {
	if err := w.install(ctx); err != nil {
		return err
	}
	for _, a := range areas {
		if err := w.addCentre(ctx, a); err != nil {
			return err
		}
	}
	if err := w.addEmptyCentres(ctx); err != nil {
		return err
	}
	for _, s := range staffs {
		if err := w.addStaff(ctx, s); err != nil {
			return fmt.Errorf("account %s: %w", s.login, err)
		}
	}
	n := 0
	for _, a := range areas {
		for _, system := range a.systems {
			n++
			if err := w.addDepartment(ctx, a, system, n); err != nil {
				return fmt.Errorf("department %s/%s: %w", a.key, system, err)
			}
		}
	}
	return w.addPaperDepartment(ctx, areas[0], n+1)
}

func (w *world) addCentre(ctx context.Context, a area) error {
	c, err := w.office.AddCentre(ctx, office.Centre{
		ID: "centre-" + a.key, Division: a.code, Name: a.centre, NameEN: a.centreEN, Address: a.address,
		Lat: a.lat, Lon: a.lon, Phone: a.phone, OrganisesVisits: true, Hours: workday.DefaultHours(),
	}, demoActor.String())
	if err != nil {
		return err
	}
	w.centres[a.key] = c
	for i, name := range []string{"勘验一号车", "勘验二号车"} {
		err := w.addResource(ctx, inspection.Resource{Kind: inspection.KindVehicle, Name: name, CentreID: c.ID, Seats: 5 + 2*i})
		if err != nil {
			return err
		}
	}
	return w.addResource(ctx, inspection.Resource{Kind: inspection.KindRoom, Name: "联合评审室", CentreID: c.ID, Seats: 16})
}

func (w *world) addResource(ctx context.Context, r inspection.Resource) error {
	_, err := w.inspection.AddResource(ctx, demoActor, r, once.Key{})
	return err
}

// addEmptyCentres adds the centres of the other counties: one window each, and
// nobody there yet.
func (w *world) addEmptyCentres(ctx context.Context) error {
	var divisions []office.Division
	err := w.db.Read(ctx, func(q bun.IDB) (err error) {
		divisions, err = office.ListDivisions(ctx, q)
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range divisions {
		if d.Level != office.County && d.Level != office.Zone || d.ReplacedBy != "" || d.Code == areas[0].code || d.Code == areas[1].code {
			continue
		}
		c, err := w.office.AddCentre(ctx, office.Centre{
			ID: "centre-" + strings.ToLower(d.Code), Division: d.Code, Name: d.Name + "政务服务中心", NameEN: d.NameEN + " Government Service Centre",
			Address: d.Name + "政务大厅", Lat: d.Lat, Lon: d.Lon, Phone: "0746-" + d.Code + "0", OrganisesVisits: true,
		}, demoActor.String())
		if err != nil {
			return err
		}
		if _, err := w.addWindow(ctx, c, "1"); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) addWindow(ctx context.Context, c office.Centre, number string) (office.Window, error) {
	return w.office.AddWindow(ctx, office.Window{ID: c.ID + "-" + number, CentreID: c.ID, Number: number, Phone: c.Phone}, demoActor.String())
}

func (w *world) addStaff(ctx context.Context, s staff) error {
	post := auth.Post{Roles: []auth.Role{auth.Role(s.role)}}
	if s.area != "" {
		post.Centre = w.centres[s.area].ID
	}
	if s.window != "" {
		window, err := w.addWindow(ctx, w.centres[s.area], s.window)
		if err != nil {
			return err
		}
		post.Window = window.ID
	}
	return w.addPerson(ctx, auth.NewPerson{Login: s.login, Name: s.name, Post: post})
}

func (w *world) addPerson(ctx context.Context, n auth.NewPerson) error {
	n.Password = demoPassword
	p, err := w.auth.AddPerson(ctx, demoActor, n)
	w.people[n.Login] = p.Actor()
	return err
}

// addDepartment adds a department with its three people and the addresses of
// its signed form.
func (w *world) addDepartment(ctx context.Context, a area, system string, n int) error {
	d, err := w.registerDepartment(ctx, a, system, n)
	if err != nil {
		return err
	}
	for i, name := range officers[a.key+"/"+system] {
		if err := w.addOfficer(ctx, a, d, i, name); err != nil {
			return err
		}
	}
	if err := w.addChecklist(ctx, a, d); err != nil {
		return err
	}
	return w.addAddresses(ctx, a, d, n)
}

func (w *world) registerDepartment(ctx context.Context, a area, system string, n int) (office.Department, error) {
	division := strings.TrimSuffix(a.centre, "政务服务中心")
	name := offices[system]
	if strings.Contains(name, "%s") {
		name = fmt.Sprintf(name, division)
	}
	address := division + "机关大院"
	if system == "amr" { // market regulation sits in the hall (DEL-912)
		address = a.address
	}
	d, err := w.office.AddDepartment(ctx, office.Department{
		ID: a.key + "-" + system, System: system, Division: a.code, Name: name,
		NameEN: inspection.SystemName(system).EN + ", " + strings.TrimSuffix(a.centreEN, " Government Service Centre"),
		Roster: office.Named, Lat: a.lat + float64(n%5-2)*0.004, Lon: a.lon + float64(n%7-3)*0.004,
		Address: address, Phone: fmt.Sprintf("0746-82%05d", 10000+n),
	}, demoActor.String())
	w.departments[a.key+"/"+system] = d
	return d, err
}

// addChecklist gives the fire brigades what to look at on the site. Its lines are
// made up like everything else here and cite no law.
func (w *world) addChecklist(ctx context.Context, a area, d office.Department) error {
	if d.System != "fire" {
		return nil
	}
	_, err := w.inspection.PublishChecklist(ctx, w.people["fire."+a.key+"1"], inspection.ChecklistRequest{
		MatterCode: inspection.EveryMatter, EffectiveFrom: workday.DateOf(w.dial.Now()).AddDays(1), File: []byte(fireChecklist),
	})
	return err
}

const fireChecklist = `item,answer,required,critical
疏散通道和安全出口是否畅通,yes_no,true,true
应急照明和疏散指示标志是否完好,yes_no,true,
灭火器数量,number,true,
其他情况,text,,
`

// addOfficer adds one inspector; the first of a department is its head.
func (w *world) addOfficer(ctx context.Context, a area, d office.Department, i int, name string) error {
	roles := []auth.Role{auth.Inspector}
	if i == 0 {
		roles = append(roles, auth.Head)
	}
	login := fmt.Sprintf("%s.%s%d", d.System, a.key, i+1)
	certificate := fmt.Sprintf("湘M%s%02d%s", a.code[2:], i+1, strings.ToUpper(d.System[:2]))
	err := w.addPerson(ctx, auth.NewPerson{
		Login: login, Name: name, Certificate: certificate, Post: auth.Post{Roles: roles, Department: d.ID},
		Phone: fmt.Sprintf("1370746%04d", 2000+len(w.people)),
	})
	if err != nil {
		return err
	}
	return w.addResource(ctx, inspection.Resource{
		Kind: inspection.KindInspector, Name: name, DepartmentID: d.ID, PersonID: w.people[login].ID, Certificate: certificate,
		Qualifications: []inspection.Qualification{{Matter: "*", Division: a.code}},
	})
}

// addAddresses registers inbox, mailbox and telephone; a clerk enters each, a
// supervisor checks it against the signed form (INS-705, INS-711).
func (w *world) addAddresses(ctx context.Context, a area, d office.Department, n int) error {
	for _, address := range []office.Address{
		{Channel: office.Portal},
		{Channel: office.Mail, Value: "office@" + d.System + "." + a.key + ".example"},
		{Channel: office.SMS, Value: fmt.Sprintf("1390746%04d", 1000+n)},
	} {
		address.Department = d.ID
		if err := w.addAddress(ctx, a, n, address); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) addAddress(ctx context.Context, a area, n int, address office.Address) error {
	suffix := map[string]string{"lst": "", "ll": ".ll", "yz": ".yz"}[a.key]
	address.Contact, address.Form = "办公室", fmt.Sprintf("送达地址确认书 第%03d号", n)
	address.SignedOn = workday.DateOf(w.dial.Now())
	proposed, err := w.office.ProposeAddress(ctx, address, w.people["clerk"+suffix].String(), once.Key{})
	if err == nil {
		_, err = w.office.ApproveAddress(ctx, proposed.ID, w.people["supervisor"+suffix].String())
	}
	return err
}

// signIn lets somebody of every department open the inbox once, so that it
// counts as read (INS-706); one department never does.
func (w *world) signIn(ctx context.Context) error {
	for key := range officers {
		if key == unreachable {
			continue
		}
		area, system, _ := strings.Cut(key, "/")
		credentials := auth.Credentials{Login: system + "." + area + "2", Password: demoPassword, Remote: "127.0.0.1"}
		if _, _, err := w.auth.SignIn(ctx, credentials); err != nil {
			return err
		}
	}
	return nil
}

// officer is an inspector of a department, by "area/system".
func (w *world) officer(key string) auth.Actor {
	area, system, _ := strings.Cut(key, "/")
	return w.people[system+"."+area+"2"]
}
