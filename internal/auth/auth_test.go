package auth_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/office"
)

const (
	good  = "Lengshui-2026"
	other = "Xiangjiang-77"
	here  = "10.1.2.3:40000"
	there = "10.9.9.9:40000"
)

var root = auth.System("install")

// house is a desk with one centre, one window and one department, and a clock
// that is set by hand.
type house struct {
	*auth.Desk
	t      *testing.T
	now    time.Time
	centre office.Centre
	window office.Window
	fire   office.Department
	locked []auth.Link
}

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	h := &house{t: t, now: time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC)}
	clock := func() time.Time { return h.now }
	h.Desk = &auth.Desk{
		DB: d, Now: clock, Hash: auth.Argon2{Memory: 16, Time: 1, Threads: 1},
		LinkLocked: func(_ context.Context, _ bun.IDB, l auth.Link, _ time.Time) error {
			h.locked = append(h.locked, l)
			return nil
		},
	}
	h.ok(h.Check())
	o := &office.Desk{DB: d, Now: clock}
	h.ok(o.Install(t.Context(), root.String()))
	var err error
	h.centre, err = o.AddCentre(t.Context(), office.Centre{
		Division: "431103", Name: "冷水滩区政务服务中心", Address: "湘江路 1 号", Phone: "0746-1234567", OrganisesVisits: true,
	}, root.String())
	h.ok(err)
	h.window, err = o.AddWindow(t.Context(), office.Window{CentreID: h.centre.ID, Number: "1", Phone: "0746-1"}, root.String())
	h.ok(err)
	h.fire, err = o.AddDepartment(t.Context(), office.Department{Division: "431103", System: "fire", Name: "冷水滩区消防救援大队"}, root.String())
	h.ok(err)
	return h
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// refused wants the refusal with that code, in both languages.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	e, ok := fault.From(err)
	if !ok || e.Code != code {
		t.Fatalf("got %v, want refusal %s", err, code)
	}
	if zh, en := e.In("zh"), e.In("en"); zh == "" || en == "" || strings.Contains(zh+en, "%!") {
		t.Fatalf("%s has a bad text: %q / %q", code, zh, en)
	}
}

// person makes an inspector of the fire department; change overrides fields.
func (h *house) person(login string, change ...func(*auth.NewPerson)) auth.Person {
	h.t.Helper()
	n := h.asked(login, change...)
	p, err := h.AddPerson(h.t.Context(), root, n)
	h.ok(err)
	return p
}

func (h *house) asked(login string, change ...func(*auth.NewPerson)) auth.NewPerson {
	n := auth.NewPerson{
		Login: login, Name: "王建国", Certificate: "湘消 043-017", Phone: "13800001234", Password: good,
		Post: auth.Post{Roles: []auth.Role{auth.Inspector}, Department: h.fire.ID},
	}
	for _, f := range change {
		f(&n)
	}
	return n
}

func as(roles ...auth.Role) func(*auth.NewPerson) {
	return func(n *auth.NewPerson) { n.Post = auth.Post{Roles: roles} }
}

// keeper is a security administrator.
func (h *house) keeper() auth.Actor {
	return h.person("sec", as(auth.Security)).Actor()
}

func (h *house) find(id string) auth.Person {
	h.t.Helper()
	var p auth.Person
	h.ok(h.DB.Read(h.t.Context(), func(q bun.IDB) (err error) {
		p, err = auth.FindPerson(h.t.Context(), q, id)
		return err
	}))
	return p
}

func (h *house) signIn(login, password, remote string) (string, error) {
	_, token, err := h.SignIn(h.t.Context(), auth.Credentials{Login: login, Password: password, Remote: remote})
	return token, err
}

// leaves counts the leaves of a type.
func (h *house) leaves(kind string) int {
	h.t.Helper()
	n := 0
	h.ok(h.DB.Read(h.t.Context(), func(q bun.IDB) error {
		entries, err := audit.Stream(h.t.Context(), q, "system")
		for _, e := range entries {
			if e.Type == kind {
				n++
			}
		}
		return err
	}))
	return n
}

func TestActorIsWrittenAsKindAndID(t *testing.T) {
	t.Parallel()
	if got := auth.System("deem").String(); got != "system:deem" {
		t.Error(got)
	}
	a := auth.Person{ID: "17", Post: auth.Post{Roles: []auth.Role{auth.Clerk}}}.Actor()
	if a.String() != "person:17" || !a.Is(auth.Clerk) || a.Is(auth.Admin) {
		t.Errorf("%+v", a)
	}
}

// SEC-4, DEC-18
func TestThreeAdministratorsExcludeEachOtherAndAllWork(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		alone := []auth.Role{auth.Admin, auth.Security, auth.Auditor}
		for _, one := range alone {
			h.person("only-"+string(one), as(one))
			for _, two := range []auth.Role{auth.Admin, auth.Security, auth.Auditor, auth.Supervisor, auth.Clerk, auth.Head, auth.Inspector, auth.Courier} {
				if one == two {
					continue
				}
				_, err := h.AddPerson(t.Context(), root, h.asked("both", as(one, two)))
				refused(t, err, "roles_exclude")
			}
		}
		for _, roles := range [][]auth.Role{nil, {"king"}, {auth.Clerk, auth.Clerk}} {
			_, err := h.AddPerson(t.Context(), root, h.asked("x1", as(roles...)))
			refused(t, err, "roles_invalid")
		}
		h.person("chief", func(n *auth.NewPerson) { n.Roles = []auth.Role{auth.Inspector, auth.Head} })
	})
}

func TestPostNamesThePlaceItsRolesNeed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for _, post := range []auth.Post{
			{Roles: []auth.Role{auth.Inspector}, Centre: h.centre.ID},
			{Roles: []auth.Role{auth.Head}},
			{Roles: []auth.Role{auth.Clerk}, Centre: h.centre.ID},
			{Roles: []auth.Role{auth.Clerk}, Window: h.window.ID},
			{Roles: []auth.Role{auth.Supervisor}, Department: h.fire.ID},
			{Roles: []auth.Role{auth.Courier}},
		} {
			_, err := h.AddPerson(t.Context(), root, h.asked("lost", func(n *auth.NewPerson) { n.Post = post }))
			refused(t, err, "post_incomplete")
		}
		for _, c := range []struct {
			code string
			post auth.Post
		}{
			{"centre_unknown", auth.Post{Roles: []auth.Role{auth.Supervisor}, Centre: "x"}},
			{"department_unknown", auth.Post{Roles: []auth.Role{auth.Head}, Department: "x"}},
			{"window_unknown", auth.Post{Roles: []auth.Role{auth.Clerk}, Centre: h.centre.ID, Window: "x"}},
		} {
			_, err := h.AddPerson(t.Context(), root, h.asked("lost", func(n *auth.NewPerson) { n.Post = c.post }))
			refused(t, err, c.code)
		}
		o := &office.Desk{DB: d, Now: h.Now}
		far, err := o.AddCentre(t.Context(), office.Centre{Division: "431102", Name: "零陵", Address: "x", Phone: "1"}, root.String())
		h.ok(err)
		_, err = h.AddPerson(t.Context(), root, h.asked("lost", func(n *auth.NewPerson) {
			n.Post = auth.Post{Roles: []auth.Role{auth.Clerk}, Centre: far.ID, Window: h.window.ID}
		}))
		refused(t, err, "window_elsewhere")
	})
}

// SEC-16, SEC-24
func TestHostileNamesAreRefusedAndRareOnesKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for _, name := range []string{"", "王\r\n建国", "王\x00", "王\x7f", "\xff", strings.Repeat("王", 61)} {
			_, err := h.AddPerson(t.Context(), root, h.asked("wang", func(n *auth.NewPerson) { n.Name = name }))
			refused(t, err, "text_invalid")
		}
		for i, name := range []string{"𠮷田𬎆", "ئەخمەت", "买买提·艾力", "王<script>"} {
			p := h.person(fmt.Sprintf("p%d", i), func(n *auth.NewPerson) { n.Name = name })
			if got := h.find(p.ID).Name; got != name {
				t.Errorf("%q came back as %q", name, got)
			}
		}
		for _, login := range []string{"", "a", "a b", "王建国", "a\r\nb", "-a", strings.Repeat("a", 41)} {
			_, err := h.AddPerson(t.Context(), root, h.asked(login))
			refused(t, err, "login_invalid")
		}
		h.person("Wang")
		_, err := h.AddPerson(t.Context(), root, h.asked("WANG"))
		refused(t, err, "login_taken")
		_, err = h.AddPerson(t.Context(), root, h.asked("li", func(n *auth.NewPerson) { n.Phone = "110" }))
		refused(t, err, "mobile_invalid")
		_, err = h.AddPerson(t.Context(), root, h.asked("li", func(n *auth.NewPerson) { n.Mail = "li" }))
		refused(t, err, "mail_invalid")
	})
}

// SEC-4
func TestOnlySecurityKeepsAccountsAndNobodyTheirOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		keeper, p := h.keeper(), h.person("wang")
		admin := h.person("adm", as(auth.Admin)).Actor()
		post := auth.Post{Roles: []auth.Role{auth.Head}, Department: h.fire.ID}
		acts := map[string]func(by auth.Actor, id string) error{
			"assign":  func(by auth.Actor, id string) error { return h.Assign(t.Context(), by, id, post) },
			"disable": func(by auth.Actor, id string) error { return h.Disable(t.Context(), by, id) },
			"enable":  func(by auth.Actor, id string) error { return h.Enable(t.Context(), by, id) },
			"password": func(by auth.Actor, id string) error {
				return h.SetPassword(t.Context(), by, id, fmt.Sprintf("%s-%d", other, h.now.Unix()))
			},
		}
		for what, act := range acts {
			for _, by := range []auth.Actor{admin, p.Actor(), {Kind: auth.KindKey, ID: "k"}, {}} {
				if err := act(by, p.ID); !fault.Is(err, "not_security") {
					t.Errorf("%s by %s: %v", what, by, err)
				}
			}
			if err := act(keeper, keeper.ID); !fault.Is(err, "own_account") {
				t.Errorf("%s of oneself: %v", what, err)
			}
			if err := act(keeper, "nobody"); !fault.Is(err, "person_unknown") {
				t.Errorf("%s of nobody: %v", what, err)
			}
			h.ok(act(keeper, p.ID))
		}
		if got := h.find(p.ID); !slices.Equal(got.Roles, post.Roles) || !got.MustChange {
			t.Errorf("got %+v", got)
		}
		_, err := h.AddPerson(t.Context(), admin, h.asked("li"))
		refused(t, err, "not_security")
	})
}

func TestPeopleAreListedByPlaceAndRole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		a, b := h.person("a1"), h.person("b1", func(n *auth.NewPerson) { n.Roles = []auth.Role{auth.Head, auth.Inspector} })
		h.person("c1", func(n *auth.NewPerson) {
			n.Post = auth.Post{Roles: []auth.Role{auth.Clerk}, Centre: h.centre.ID, Window: h.window.ID}
		})
		h.ok(h.Disable(t.Context(), root, a.ID))
		for _, c := range []struct {
			by   auth.PersonQuery
			want int
		}{
			{auth.PersonQuery{}, 3}, {auth.PersonQuery{Department: h.fire.ID}, 2}, {auth.PersonQuery{Centre: h.centre.ID}, 1},
			{auth.PersonQuery{Role: auth.Inspector}, 2}, {auth.PersonQuery{Role: auth.Inspector, Enabled: true}, 1},
			{auth.PersonQuery{Role: auth.Courier}, 0},
		} {
			var got []auth.Person
			h.ok(h.DB.Read(t.Context(), func(q bun.IDB) (err error) {
				got, err = auth.ListPeople(t.Context(), q, c.by)
				return err
			}))
			if len(got) != c.want {
				t.Errorf("%+v: %d people, want %d", c.by, len(got), c.want)
			}
			for _, p := range got {
				if p.ID == b.ID && len(p.Roles) != 2 {
					t.Errorf("roles of %s: %v", p.ID, p.Roles)
				}
			}
		}
	})
}

// INS-706
func TestPortalIsAliveOnlyWhileSomebodyMayAnswerAndComes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		month := 30 * 24 * time.Hour
		alive := func() (yes bool) {
			h.ok(h.DB.Read(t.Context(), func(q bun.IDB) (err error) {
				yes, err = auth.PortalAlive(t.Context(), q, h.fire.ID, h.now, month)
				return err
			}))
			return yes
		}
		p := h.person("wang")
		if alive() {
			t.Error("alive although nobody ever signed in")
		}
		_, err := h.signIn("wang", good, here)
		h.ok(err)
		if !alive() {
			t.Error("not alive after a sign-in")
		}
		h.now = h.now.Add(month)
		if !alive() {
			t.Error("not alive on the last day")
		}
		h.now = h.now.Add(time.Millisecond)
		if alive() {
			t.Error("alive after 30 days without a sign-in")
		}
		_, err = h.signIn("wang", good, here)
		h.ok(err)
		h.ok(h.Disable(t.Context(), root, p.ID))
		if alive() {
			t.Error("alive with a disabled account")
		}
		h.ok(h.Enable(t.Context(), root, p.ID))
		h.ok(h.Assign(t.Context(), root, p.ID, auth.Post{
			Roles: []auth.Role{auth.Courier}, Centre: h.centre.ID, Department: h.fire.ID,
		}))
		if alive() {
			t.Error("alive with an account that may not answer")
		}
	})
}

func TestContactChangeTakesTwoPersons(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		keeper, p := h.keeper(), h.person("wang")
		boss := h.person("boss", func(n *auth.NewPerson) {
			n.Post = auth.Post{Roles: []auth.Role{auth.Supervisor}, Centre: h.centre.ID}
		}).Actor()
		wish := auth.ContactChange{Person: p.ID, Phone: "139 1111 2222", Mail: "wang@example.gov.cn"}

		_, err := h.ProposeContact(t.Context(), boss, wish)
		refused(t, err, "not_security")
		_, err = h.ProposeContact(t.Context(), keeper, auth.ContactChange{Person: "nobody"})
		refused(t, err, "person_unknown")
		_, err = h.ProposeContact(t.Context(), p.Actor(), auth.ContactChange{Person: p.ID, Phone: "1"})
		refused(t, err, "mobile_invalid")
		c, err := h.ProposeContact(t.Context(), keeper, wish)
		h.ok(err)
		refused(t, h.ApproveContact(t.Context(), keeper, c.ID), "two_persons")
		refused(t, h.ApproveContact(t.Context(), p.Actor(), c.ID), "may_not_approve_contact")
		if got := h.find(p.ID); got.Phone != "13800001234" {
			t.Errorf("a proposal counts: %s", got.Phone)
		}
		h.ok(d.Read(t.Context(), func(q bun.IDB) error {
			waiting, err := auth.ListContactChanges(t.Context(), q)
			if len(waiting) != 1 || waiting[0].ID != c.ID {
				t.Errorf("waiting: %+v", waiting)
			}
			return err
		}))
		h.ok(h.ApproveContact(t.Context(), boss, c.ID))
		if got := h.find(p.ID); got.Phone != "13911112222" || got.Mail != "wang@example.gov.cn" {
			t.Errorf("got %+v", got)
		}
		refused(t, h.ApproveContact(t.Context(), boss, c.ID), "contact_change_unknown")

		own, err := h.ProposeContact(t.Context(), keeper, auth.ContactChange{Person: boss.ID})
		h.ok(err)
		refused(t, h.ApproveContact(t.Context(), boss, own.ID), "two_persons") // it is the boss's own number
		h.ok(h.RejectContact(t.Context(), keeper, own.ID))
		refused(t, h.RejectContact(t.Context(), keeper, "nothing"), "contact_change_unknown")
	})
}

func TestDeskWithoutItsFunctionsDoesNotStart(t *testing.T) {
	t.Parallel()
	for _, d := range []*auth.Desk{{}, {DB: new(db.DB)}, {DB: new(db.DB), Now: time.Now}} {
		if d.Check() == nil {
			t.Errorf("%+v is taken", d)
		}
	}
}

func TestWhoMayKeepTheHouse(t *testing.T) {
	t.Parallel()
	of := func(r auth.Role) auth.Actor { return auth.Actor{Kind: auth.KindPerson, ID: "1", Roles: []auth.Role{r}} }
	for _, c := range []struct {
		name, code string
		may        func(auth.Actor) error
		roles      []auth.Role
	}{
		{"office", "not_admin", auth.MayKeepOffice, []auth.Role{auth.Admin}},
		{"settings", "may_not_set", auth.MaySet, []auth.Role{auth.Supervisor, auth.Admin}},
		{"addresses", "may_not_keep_addresses", auth.MayKeepAddresses, []auth.Role{auth.Clerk, auth.Supervisor}},
	} {
		for _, r := range []auth.Role{auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head, auth.Courier, auth.Auditor, auth.Admin, auth.Security} {
			err := c.may(of(r))
			if slices.Contains(c.roles, r) != (err == nil) {
				t.Errorf("%s by %s: %v", c.name, r, err)
			}
			if err != nil {
				refused(t, err, c.code)
			}
		}
	}
	if auth.MayKeepOffice(root) != nil {
		t.Error("the installation may not set up the office")
	}
}
