package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// table is a kind of CSV file and the act that takes one line of it in.
type table struct {
	required, optional []string
	add                func(ctx context.Context, t *taking, cell func(string) string) error
}

var tables = map[string]table{
	"centres": {
		[]string{"division", "name", "address", "phone"},
		[]string{"id", "name_en", "lat", "lon", "organises_visits", "hours", "windows"}, addCentre,
	},
	"departments": {
		[]string{"system", "division", "name"},
		[]string{"id", "name_en", "superior", "roster", "lat", "lon", "address", "phone"}, addDepartment,
	},
	"people": {
		[]string{"login", "name", "roles"},
		[]string{"centre", "window", "department", "certificate", "valid_until", "matters", "phone", "mail"}, addPerson,
	},
}

// taking is one run of an import into one house.
type taking struct {
	*house
	by        auth.Actor
	passwords io.Writer // gets login and first password of each new account

	added, present int
	refused        []lineRefusal
}

type lineRefusal struct {
	line int
	why  *fault.Error
}

// office imports centres, departments or people. It is tried on a copy of the
// database first, so that a file with a wrong line leaves nothing behind.
func (c *importCommand) office(ctx context.Context, a *app, h *house, content []byte) error {
	by := terminalActor
	if c.Kind == "people" {
		p, err := h.personByLogin(ctx, c.By)
		if err != nil {
			return err
		}
		by = p.Actor()
	}
	tried, err := c.onCopy(ctx, h, by, content)
	if err != nil {
		return err
	}
	if len(tried.refused) > 0 {
		a.refusals(tried)
		a.say("%d 行有误，未导入任何内容", "%d lines are refused; nothing was imported", len(tried.refused))
		return exit(exitFailure)
	}
	if c.Check {
		a.say("检查通过：将新增 %d 行，%d 行已有；未写入", "checked: %d to add, %d there already; nothing was written", tried.added, tried.present)
		return nil
	}
	passwords, err := c.passwordFile()
	if err != nil {
		return err
	}
	t := &taking{house: h, by: by, passwords: passwords}
	err = errors.Join(t.take(ctx, c.Kind, content), passwords.Close())
	a.refusals(t)
	a.say("已新增 %d 行，%d 行已有", "%d added, %d there already", t.added, t.present)
	if err == nil && len(t.refused) > 0 { // only where it could not be tried first
		return exit(exitFailure)
	}
	return err
}

func (a *app) refusals(t *taking) {
	for _, r := range t.refused {
		fmt.Fprintf(a.err, a.text("第 %d 行：%s [%s]\n", "line %d: %s [%s]\n"), r.line, r.why.In(a.lang), r.why.Code)
	}
}

// passwordFile is where first passwords go: a new file that only its owner may
// read.
func (c *importCommand) passwordFile() (*os.File, error) {
	if c.Kind != "people" {
		return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	if c.Passwords == "" {
		return nil, misuse{
			"请用 --passwords 指定存放初始密码的新文件", "name a new file for the first passwords with --passwords",
		}
	}
	return os.OpenFile(c.Passwords, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// onCopy tries the import on a copy that is thrown away. PostgreSQL has none:
// there a wrong line is left out and the others stay.
func (c *importCommand) onCopy(ctx context.Context, h *house, by auth.Actor, content []byte) (*taking, error) {
	if h.db.Postgres() {
		if c.Check {
			return nil, misuse{"PostgreSQL 数据库不支持 --check", "--check needs SQLite"}
		}
		return &taking{}, nil
	}
	dir, err := os.MkdirTemp("", "lianban-check-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a left-over directory in the temporary place hurts nobody
	cfg := h.cfg
	cfg.Data, cfg.DB = dir, ""
	if err := h.db.Backup(ctx, cfg.database()); err != nil {
		return nil, err
	}
	d, err := db.Open(ctx, cfg.database())
	if err != nil {
		return nil, err
	}
	twin, err := build(cfg, d, h.log, machine)
	t := &taking{house: twin, by: by, passwords: io.Discard}
	if err == nil {
		err = t.take(ctx, c.Kind, content)
	}
	return t, errors.Join(err, d.Close())
}

// take reads the file and takes its lines in, one act each. What is there
// already is left as it is.
func (t *taking) take(ctx context.Context, kind string, content []byte) error {
	wanted := tables[kind]
	return inspection.ReadTable(content, wanted.required, wanted.optional, func(line int, cell func(string) string) error {
		err := wanted.add(ctx, t, cell)
		refusal, refused := fault.From(err)
		switch {
		case err == nil:
			t.added++
		case fault.Is(err, "already_exists"), fault.Is(err, "login_taken"):
			t.present++
		case refused && refusal.Kind != fault.Unavailable:
			t.refused = append(t.refused, lineRefusal{line, refusal})
		default:
			return err
		}
		return nil
	})
}

// addCentre adds a centre with its windows: numbers, with blanks between.
func addCentre(ctx context.Context, t *taking, cell func(string) string) error {
	c := office.Centre{
		ID: cell("id"), Division: cell("division"), Name: cell("name"), NameEN: cell("name_en"), Address: cell("address"),
		Phone: cell("phone"), OrganisesVisits: cell("organises_visits") != "no",
	}
	if c.ID == "" {
		c.ID = "centre-" + strings.ToLower(c.Division)
	}
	var err error
	if c.Lat, c.Lon, err = point(cell); err != nil {
		return err
	}
	if cell("hours") != "" {
		if c.Hours, err = workday.ParseHours(cell("hours")); err != nil {
			return err
		}
	}
	if c, err = t.house.office.AddCentre(ctx, c, t.by.String()); err != nil {
		return err
	}
	for number := range strings.FieldsSeq(cell("windows")) {
		w := office.Window{ID: c.ID + "-" + strings.ToLower(number), CentreID: c.ID, Number: number, Phone: c.Phone}
		if _, err := t.house.office.AddWindow(ctx, w, t.by.String()); err != nil {
			return err
		}
	}
	return nil
}

func addDepartment(ctx context.Context, t *taking, cell func(string) string) error {
	d := office.Department{
		ID: cell("id"), System: cell("system"), Division: cell("division"), Name: cell("name"), NameEN: cell("name_en"),
		Superior: cell("superior"), Roster: cell("roster"), Address: cell("address"), Phone: cell("phone"),
	}
	var err error
	if d.Lat, d.Lon, err = point(cell); err != nil {
		return err
	}
	_, err = t.house.office.AddDepartment(ctx, d, t.by.String())
	return err
}

// point reads WGS-84 degrees; both may be empty.
func point(cell func(string) string) (lat, lon float64, err error) {
	for name, value := range map[string]*float64{"lat": &lat, "lon": &lon} {
		if cell(name) == "" {
			continue
		}
		if *value, err = strconv.ParseFloat(cell(name), 64); err != nil {
			return 0, 0, fault.Refuse(fault.Invalid, "point_invalid",
				"坐标无效，请填写 WGS-84 纬度（-90 至 90）和经度（-180 至 180）",
				"the point is not on earth; give WGS-84 latitude (-90 to 90) and longitude (-180 to 180)")
		}
	}
	return lat, lon, nil
}

// addPerson adds an account, and for an inspector who can be booked. matters
// are codes with blanks between, all when empty.
func addPerson(ctx context.Context, t *taking, cell func(string) string) error {
	n := auth.NewPerson{
		Login: cell("login"), Name: cell("name"), Certificate: cell("certificate"), Phone: cell("phone"), Mail: cell("mail"),
		Password: firstPassword(cell("login")),
		Post:     auth.Post{Centre: cell("centre"), Window: cell("window"), Department: cell("department")},
	}
	for role := range strings.FieldsSeq(cell("roles")) {
		n.Roles = append(n.Roles, auth.Role(role))
	}
	p, err := t.auth.AddPerson(ctx, t.by, n)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(t.passwords, "%s,%s\n", p.Login, n.Password); err != nil {
		return err
	}
	if !p.Actor().Is(auth.Inspector) {
		return nil
	}
	_, err = t.inspection.AddResource(ctx, terminalActor, inspection.Resource{
		Kind: inspection.KindInspector, Name: p.Name, PersonID: p.ID, DepartmentID: p.Department, Certificate: p.Certificate,
		ValidUntil: cell("valid_until"), Qualifications: qualifications(cell("matters")),
	}, once.Key{})
	return err
}

// firstPassword makes a password of three kinds of characters that the login
// does not stand in, as no password may be taken otherwise: the two letters of
// a short login turn up in chance text now and then.
func firstPassword(login string) string {
	for {
		for _, begin := range []string{"Lb-", "Qx-"} {
			made := begin + strings.ToLower(rand.Text())
			if !strings.Contains(strings.ToLower(made), login) {
				return made
			}
		}
	}
}

func qualifications(matters string) []inspection.Qualification {
	if matters == "" {
		matters = "*"
	}
	var out []inspection.Qualification
	for matter := range strings.FieldsSeq(matters) {
		out = append(out, inspection.Qualification{Matter: matter, Division: "*"})
	}
	return out
}
