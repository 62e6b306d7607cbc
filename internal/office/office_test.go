package office_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/office"
)

const (
	admin = "person:admin"
	anna  = "person:anna" // proposes
	bert  = "person:bert" // approves
)

// house is an installed desk with a clock that is set by hand.
type house struct {
	*office.Desk
	t    *testing.T
	now  time.Time
	told []office.AddressChange
	used bool // some round is open
	off  int  // how often days became off
}

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	h := &house{t: t, now: time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC)} // Monday 09:30
	h.Desk = &office.Desk{
		DB: d, Now: func() time.Time { return h.now },
		TellOld: func(_ context.Context, _ bun.IDB, c office.AddressChange) error {
			h.told = append(h.told, c)
			return nil
		},
		InUse: func(context.Context, bun.IDB, string) (bool, error) { return h.used, nil },
		DayOff: func(context.Context, bun.IDB) error {
			h.off++
			return nil
		},
	}
	if err := h.Check(); err != nil {
		t.Fatal(err)
	}
	h.ok(h.Install(t.Context(), "system:install"))
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

// read gives the outcome of one read.
func read[T any](h *house, fn func(q bun.IDB) (T, error)) (out T, err error) {
	err = h.DB.Read(h.t.Context(), func(q bun.IDB) (err error) {
		out, err = fn(q)
		return err
	})
	return out, err
}

func must[T any](h *house, fn func(q bun.IDB) (T, error)) T {
	h.t.Helper()
	out, err := read(h, fn)
	h.ok(err)
	return out
}

// leaves gives the types in the system stream.
func (h *house) leaves() []string {
	h.t.Helper()
	entries := must(h, func(q bun.IDB) ([]audit.Entry, error) { return audit.Stream(h.t.Context(), q, "system") })
	types := make([]string, len(entries))
	for i, e := range entries {
		types[i] = e.Type
	}
	return types
}

func (h *house) centre(division string, change ...func(*office.Centre)) office.Centre {
	h.t.Helper()
	c := office.Centre{
		Division: division, Name: division + "政务服务中心", Address: "湘江路 1 号", Phone: "0746-1234567",
		Lat: 26.41, Lon: 111.6, OrganisesVisits: true,
	}
	for _, f := range change {
		f(&c)
	}
	c, err := h.AddCentre(h.t.Context(), c, admin)
	h.ok(err)
	return c
}

func (h *house) window(c office.Centre, number string) office.Window {
	h.t.Helper()
	w, err := h.AddWindow(h.t.Context(), office.Window{CentreID: c.ID, Number: number, Phone: "0746-7654321"}, admin)
	h.ok(err)
	return w
}

func (h *house) department(division, system string) office.Department {
	h.t.Helper()
	dep, err := h.AddDepartment(h.t.Context(), office.Department{
		Division: division, System: system, Name: division + system + "局", Lat: 26.41, Lon: 111.6,
	}, admin)
	h.ok(err)
	return dep
}

func (h *house) organiser(division string) (office.Centre, office.Window, error) {
	type pair struct {
		c office.Centre
		w office.Window
	}
	p, err := read(h, func(q bun.IDB) (pair, error) {
		c, w, err := office.Organiser(h.t.Context(), q, division)
		return pair{c, w}, err
	})
	return p.c, p.w, err
}

// INS-205, FAC-08
func TestReplacedDivisionCodeResolvesToItsSuccessor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		v := must(h, func(q bun.IDB) (office.Division, error) { return office.FindDivision(t.Context(), q, "431121") })
		if v.Code != "431181" || v.Name != "祁阳市" || v.ValidFrom.String() != "2021-01-20" {
			t.Errorf("431121 resolves to %+v", v)
		}
		_, err := read(h, func(q bun.IDB) (office.Division, error) { return office.FindDivision(t.Context(), q, "431172") })
		refused(t, err, "division_unknown")
		all := must(h, func(q bun.IDB) ([]office.Division, error) { return office.ListDivisions(t.Context(), q) })
		if len(all) != 16 {
			t.Errorf("%d divisions, want the 15 and the replaced one", len(all))
		}
	})
}

// INS-202, plan 三(三)3-四
func TestCentreWhereThePremisesLieOrganises(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		city := h.centre("431100")
		h.window(city, "1")
		county := h.centre("431103")
		h.window(county, "2")
		first := h.window(county, "1")
		h.ok(h.AddDivision(t.Context(), office.Division{
			Code: "431103101", Name: "岚角山街道", Level: office.Township, Parent: "431103", Lat: 26.4, Lon: 111.6,
		}, admin))
		street := h.centre("431103101", func(c *office.Centre) { c.OrganisesVisits = office.Township.OrganisesByDefault() })
		h.window(street, "1")

		for _, c := range []struct{ site, organiser, why string }{
			{"431103", county.ID, "its own division has a centre"},
			{"431103101", county.ID, "a township's centre does not organise"},
			{"431100", city.ID, "a site under the city alone"},
			{"431171", city.ID, "a zone without a centre"},
			{"431121", city.ID, "a replaced code"},
		} {
			got, window, err := h.organiser(c.site)
			h.ok(err)
			if got.ID != c.organiser || window.CentreID != got.ID {
				t.Errorf("%s: %s organises, want %s (%s)", c.site, got.Name, c.organiser, c.why)
			}
		}
		all := must(h, func(q bun.IDB) ([]office.Centre, error) { return office.ListCentres(t.Context(), q) })
		if len(all) != 3 || all[0].ID != city.ID {
			t.Errorf("listed: %+v", all)
		}
		if _, w, _ := h.organiser("431103"); w.ID != first.ID {
			t.Errorf("window %q, want the first", w.Number)
		}
	})
}

// INS-202, 205
func TestWithoutAnOrganiserTheAnswerSaysWhatToDo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		_, _, err := h.organiser("")
		refused(t, err, "site_division_missing")
		_, _, err = h.organiser("999999")
		refused(t, err, "division_unknown")
		_, _, err = h.organiser("431103")
		refused(t, err, "no_organiser")

		h.window(h.centre("431100"), "1")
		h.centre("431103")
		_, _, err = h.organiser("431103")
		refused(t, err, "centre_without_window") // not the city's, which is not the site's
	})
}

// INS-302
func TestCompetentDepartmentIsTheSitesOwnAtThatLevel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.department("431100", "fire")
		h.department("431103", "fire")
		h.department("431171", "amr")
		h.department("431100", "ecology")

		for _, c := range []struct {
			system string
			level  office.Level
			site   string
			want   string
		}{
			{"fire", office.County, "431103", "431103-fire"},
			{"fire", office.City, "431103", "431100-fire"},
			{"fire", office.County, "431102", "431100-fire"}, // none in the district: the city's
			{"amr", office.County, "431171", "431171-amr"},   // a zone behaves as a county
			{"ecology", office.County, "431103", "431100-ecology"},
			{"fire", office.County, "431100", "431100-fire"},
		} {
			dep := must(h, func(q bun.IDB) (office.Department, error) {
				return office.CompetentDepartment(t.Context(), q, c.system, c.level, c.site)
			})
			if dep.ID != c.want {
				t.Errorf("%s at %s level for %s: %s, want %s", c.system, c.level, c.site, dep.ID, c.want)
			}
		}
		_, err := read(h, func(q bun.IDB) (office.Department, error) {
			return office.CompetentDepartment(t.Context(), q, "tobacco", office.County, "431103")
		})
		refused(t, err, "no_competent_department")
		_, err = read(h, func(q bun.IDB) (office.Department, error) {
			return office.CompetentDepartment(t.Context(), q, "amr", office.City, "431171")
		})
		refused(t, err, "no_competent_department") // never downwards
	})
}

func TestDepartmentTakesItsLevelFromItsDivision(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		dep := h.department("431121", "fire")
		if dep.ID != "431181-fire" || dep.Division != "431181" || dep.Level != office.County || dep.Roster != office.Named {
			t.Errorf("got %+v", dep)
		}
		if zone := h.department("431171", "fire"); zone.Level != office.County {
			t.Errorf("a zone's department is of level %s", zone.Level)
		}
		_, err := h.AddDepartment(t.Context(), office.Department{Division: "431181", System: "fire", Name: "另一个"}, admin)
		refused(t, err, "already_exists")
		_, err = h.AddDepartment(t.Context(), office.Department{Division: "431181", System: "Fire!", Name: "x"}, admin)
		refused(t, err, "department_invalid")
		_, err = h.AddDepartment(t.Context(), office.Department{Division: "431181", System: "amr", Name: "x", Superior: "nobody"}, admin)
		refused(t, err, "department_unknown")

		dep.Superior, dep.Roster = h.department("431100", "fire").ID, office.Headcount
		h.ok(h.ChangeDepartment(t.Context(), dep, admin))
		all := must(h, func(q bun.IDB) ([]office.Department, error) {
			return office.ListDepartments(t.Context(), q, office.DepartmentQuery{System: "fire", Level: office.County, Division: "431181"})
		})
		if len(all) != 1 || all[0].Superior != "431100-fire" || all[0].Roster != office.Headcount {
			t.Errorf("got %+v", all)
		}
	})
}

func TestCentreChangesAreKeptAndChecked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		c := h.centre("431103")
		if got := c.Hours.String(); got != "09:00-12:00,13:30-17:30" { // DEC-16
			t.Errorf("default hours are %s", got)
		}
		c.Phone, c.OrganisesVisits = "0746-1111111", false
		h.ok(h.ChangeCentre(t.Context(), c, admin))
		got := must(h, func(q bun.IDB) (office.Centre, error) { return office.FindCentre(t.Context(), q, c.ID) })
		if got.Phone != c.Phone || got.OrganisesVisits || got.Hours.String() != c.Hours.String() {
			t.Errorf("got %+v", got)
		}
		c.Lat = 91
		refused(t, h.ChangeCentre(t.Context(), c, admin), "point_invalid")
		c.ID = "nowhere"
		refused(t, h.ChangeCentre(t.Context(), c, admin), "centre_unknown")

		w := h.window(got, "3")
		_, err := h.AddWindow(t.Context(), office.Window{CentreID: got.ID, Number: "3", Phone: "1"}, admin)
		refused(t, err, "already_exists")
		_, err = h.AddWindow(t.Context(), office.Window{CentreID: "nowhere", Number: "1", Phone: "1"}, admin)
		refused(t, err, "centre_unknown")
		_, err = read(h, func(q bun.IDB) (office.Window, error) { return office.FindWindow(t.Context(), q, w.ID+"x") })
		refused(t, err, "window_unknown")
	})
}

func TestDivisionsAreAddedBelowKnownOnesOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		v := office.Division{Code: "431103101", Name: "岚角山街道", Level: office.Township, Parent: "431103"}
		h.ok(h.AddDivision(t.Context(), v, admin))
		refused(t, h.AddDivision(t.Context(), v, admin), "division_exists")
		v.Code, v.Level = "431103102", office.City
		refused(t, h.AddDivision(t.Context(), v, admin), "level_invalid")
		v.Parent = "nowhere"
		refused(t, h.AddDivision(t.Context(), v, admin), "division_unknown")
	})
}

// SEC-2, INS-205
func TestWhatLiesBelowADivisionIncludesOldAndNewCodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.ok(h.AddDivision(t.Context(), office.Division{Code: "431103101", Name: "岚角山街道", Level: office.Township, Parent: "431103"}, admin))
		below := func(codes ...string) string {
			return strings.Join(must(h, func(q bun.IDB) ([]string, error) { return office.Below(t.Context(), q, codes) }), " ")
		}
		for asked, want := range map[string]string{
			"431103": "431103 431103101", "431103101": "431103101", "431121": "431121 431181", "431181": "431121 431181", "999999": "999999",
		} {
			if got := below(asked); got != want {
				t.Errorf("below %s: %s, want %s", asked, got, want)
			}
		}
		if got := below("431100"); !strings.Contains(got, "431103101") || !strings.Contains(got, "431121") || strings.Contains(got, "430000") {
			t.Errorf("below the city: %s", got)
		}
	})
}

// SEC-16, SEC-24
func TestHostileNamesAreRefusedAndRareOnesKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for _, name := range []string{
			"a\r\nBCC: x@y.z", "a\nb", "a\x00b", "a\x1b[2Jb", "a\u0085b", "a\u2028b", "\xff\xfe", "", " a", strings.Repeat("名", 81),
		} {
			_, err := h.AddCentre(t.Context(), office.Centre{Division: "431103", Name: name, Address: "x", Phone: "1"}, admin)
			refused(t, err, "text_invalid")
		}
		for _, name := range []string{"𠮷野家", "مركز الخدمة", "\u202eeman", "O'Brien \"x\" <y>", "=1+1", "👩‍👩‍👧", strings.Repeat("𠮷", 80)} {
			c := h.centre("431103", func(c *office.Centre) { c.Name = name })
			got := must(h, func(q bun.IDB) (office.Centre, error) { return office.FindCentre(t.Context(), q, c.ID) })
			if got.Name != name {
				t.Errorf("%q came back as %q", name, got.Name)
			}
		}
	})
}

func TestEveryBadFieldIsNamed(t *testing.T) {
	t.Parallel()
	err := office.CheckLines(office.Line{Field: "name", Value: "", Max: 5}, office.Line{Field: "phone", Value: "1\n2", Max: 5},
		office.Line{Field: "note", Value: "", Max: 5, Optional: true})
	e, _ := fault.From(err)
	if len(e.Fields) != 2 || e.Fields[0].Name != "name" || e.Fields[1].Name != "phone" {
		t.Errorf("got %+v", e.Fields)
	}
}

// FAC-24
func TestMobileNumbersAreTakenAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"13800001234", "+86 138-0000-1234", "１３８００００１２３４", "008613800001234", "8613800001234"} {
		if got, err := office.Mobile(text); err != nil || got != "13800001234" {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"12800001234", "1380000123", "138000012345", "", "0746-1234567", "1380000123a"} {
		_, err := office.Mobile(text)
		refused(t, err, "mobile_invalid")
	}
}

// SEC-17
func TestMailAddressesAreBareAndSingle(t *testing.T) {
	t.Parallel()
	if _, err := office.MailAddress("xf.lsz+a@example.gov.cn"); err != nil {
		t.Error(err)
	}
	for _, text := range []string{
		"", "a", "a@b", "A <a@b.cn>", "a@b.cn, c@d.cn", "a@b.cn\r\nBcc: c@d.cn", `"a b"@b.cn`, "a..b@b.cn", "王@b.cn",
		strings.Repeat("a", 250) + "@b.cn", "a@[127.0.0.1]",
	} {
		_, err := office.MailAddress(text)
		refused(t, err, "mail_invalid")
	}
}

func TestEveryActLeavesItsLeafInTheLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		c := h.centre("431103")
		h.ok(h.ChangeCentre(t.Context(), c, admin))
		h.window(c, "1")
		dep := h.department("431103", "fire")
		h.ok(h.ChangeDepartment(t.Context(), dep, admin))
		got := fmt.Sprint(h.leaves())
		want := "[installed centre_added centre_changed window_added department_added department_changed]"
		if got != want {
			t.Errorf("log is %s\nwant      %s", got, want)
		}
		// a refused act leaves none
		_, err := h.AddWindow(t.Context(), office.Window{CentreID: c.ID, Number: "1", Phone: "1"}, admin)
		refused(t, err, "already_exists")
		if got := fmt.Sprint(h.leaves()); got != want {
			t.Errorf("after a refusal the log is %s", got)
		}
	})
}

func TestDeskWithoutItsFunctionsDoesNotStart(t *testing.T) {
	t.Parallel()
	told := func(context.Context, bun.IDB, office.AddressChange) error { return nil }
	for _, d := range []*office.Desk{{}, {DB: new(db.DB)}, {DB: new(db.DB), Now: time.Now}, {DB: new(db.DB), Now: time.Now, TellOld: told},
		{DB: new(db.DB), Now: time.Now, TellOld: told, InUse: func(context.Context, bun.IDB, string) (bool, error) { return false, nil }},
	} {
		if d.Check() == nil {
			t.Errorf("%+v is taken", d)
		}
	}
}

func TestInstallingAgainAddsNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.now = h.now.AddDate(0, 1, 0)
		h.ok(h.Install(t.Context(), "system:install"))
		if got := h.leaves(); len(got) != 1 {
			t.Errorf("log is %v", got)
		}
	})
}

// What a stranger can send is answered, not stumbled over.
func TestHostileIdsAreSimplyUnknown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for _, s := range []string{"\x00", "a\x00b", "' OR 1=1 --", "\xff\xfe", "𠮷", "?", "%"} {
			for code, find := range map[string]func(q bun.IDB) error{
				"division_unknown":   func(q bun.IDB) error { _, err := office.FindDivision(t.Context(), q, s); return err },
				"centre_unknown":     func(q bun.IDB) error { _, err := office.FindCentre(t.Context(), q, s); return err },
				"window_unknown":     func(q bun.IDB) error { _, err := office.FindWindow(t.Context(), q, s); return err },
				"department_unknown": func(q bun.IDB) error { _, err := office.FindDepartment(t.Context(), q, s); return err },
				"address_unknown":    func(q bun.IDB) error { _, err := office.FindAddress(t.Context(), q, s); return err },
			} {
				refused(t, d.Read(t.Context(), find), code)
			}
			_, err := h.ApproveSetting(t.Context(), s, bert)
			refused(t, err, "proposal_unknown")
			refused(t, h.WithdrawClosure(t.Context(), s, admin), "closure_unknown")
		}
	})
}
