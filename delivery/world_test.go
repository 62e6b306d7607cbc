package delivery

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// nightly reports whether there is time for long runs (DEC-13).
func nightly() bool { return os.Getenv("LIANBAN_NIGHTLY") != "" }

// testWorld is one centre with its window and three departments, under a clock
// that the test sets by hand.
type testWorld struct {
	*Desk
	t       testing.TB
	at      time.Time
	centre  office.Centre
	clerk   auth.Actor
	boss    auth.Actor // supervisor
	auditor auth.Actor
	cases   int
}

// morning is Tuesday 2026-11-24, 10:20 in Shanghai.
var morning = time.Date(2026, 11, 24, 2, 20, 0, 0, time.UTC)

var branches = []string{"amr", "fire", "urban"}

func newWorld(t testing.TB, d *db.DB) *testWorld {
	t.Helper()
	w := &testWorld{t: t, at: morning}
	now := func() time.Time { return w.at }
	w.Desk = &Desk{DB: d, Now: now, Auth: &auth.Desk{DB: d, Now: now, Hash: auth.Argon2{Memory: 8, Time: 1, Threads: 1}}, Key: make([]byte, 32), Files: t.TempDir(), Out: w.wentOut}
	w.must(w.Check())
	ctx := t.Context()
	o := &office.Desk{DB: d, Now: now}
	w.must(o.Install(ctx, "system:test"))
	w.centre = w.addCentre(o, "431103", "冷水滩区政务服务中心")
	w.addCentre(o, "431102", "零陵区政务服务中心")
	for _, system := range branches {
		_, err := o.AddDepartment(ctx, office.Department{
			ID: system, System: system, Division: "431103", Name: "冷水滩区" + system, NameEN: system, Level: office.County, Roster: office.Named,
			Address: "湘永路", Phone: "0746-8000000",
		}, "system:test")
		w.must(err)
	}
	w.clerk = auth.Actor{Kind: auth.KindPerson, ID: "clerk", Name: "王敏", Roles: []auth.Role{auth.Clerk}, Centre: w.centre.ID}
	w.boss = auth.Actor{Kind: auth.KindPerson, ID: "boss", Name: "李主任", Roles: []auth.Role{auth.Supervisor}, Centre: w.centre.ID}
	w.auditor = auth.Actor{Kind: auth.KindPerson, ID: "auditor", Name: "沈心怡", Roles: []auth.Role{auth.Auditor}}
	return w
}

// wentOut is what the other half does when a parcel was collected.
func (w *testWorld) wentOut(ctx context.Context, tx bun.IDB, by auth.Actor, caseID string) ([]audit.Leaf, error) {
	all, err := AllOut(ctx, tx, caseID)
	if err != nil || !all {
		return nil, err
	}
	return []audit.Leaf{{Type: "case_results_out", Stream: Stream(caseID), Actor: by.String(), At: w.now()}}, nil
}

func (w *testWorld) addCentre(o *office.Desk, division, name string) office.Centre {
	w.t.Helper()
	c, err := o.AddCentre(w.t.Context(), office.Centre{
		ID: "c-" + division, Division: division, Name: name, NameEN: name, Address: "梅湾路1号", Lat: 26.45, Lon: 111.60, Phone: "0746-8322222",
		OrganisesVisits: true, Hours: workday.DefaultHours(),
	}, "system:test")
	w.must(err)
	return c
}

func (w *testWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused wants a refusal with the code.
func (w *testWorld) refused(err error, code string) {
	w.t.Helper()
	if !fault.Is(err, code) {
		w.t.Fatalf("got %v, want refusal %s", err, code)
	}
}

// inspector is a signed-in person of a department.
func (w *testWorld) inspector(department string) auth.Actor {
	return auth.Actor{Kind: auth.KindPerson, ID: department + "1", Name: "张䶮", Roles: []auth.Role{auth.Inspector}, Department: department}
}

// elsewhere is a clerk of the other centre.
func (w *testWorld) elsewhere() auth.Actor {
	return auth.Actor{Kind: auth.KindPerson, ID: "other", Name: "唐海燕", Roles: []auth.Role{auth.Clerk}, Centre: "c-431102"}
}

// newSet makes departments owe a new case their results.
func (w *testWorld) newSet(departments ...string) Set {
	w.t.Helper()
	w.cases++
	e := Expectation{
		CaseID: newID(), CaseNumber: "431103-2026-" + strings.Repeat("0", 5) + string(rune('A'+w.cases%26)), MatterCode: "M03", MatterName: "我要开饭店",
		Applicant: "湘味轩餐饮店", CentreID: w.centre.ID, By: w.clerk, At: w.now(),
	}
	for _, d := range departments {
		e.Owed = append(e.Owed, Owed{DepartmentID: d, Department: "冷水滩区" + d, Permit: "许可证"})
	}
	w.expect(e)
	return w.set(e.CaseID)
}

func (w *testWorld) expect(e Expectation) {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		leaves, err := Expect(w.t.Context(), tx, e)
		return errors.Join(err, audit.Record(w.t.Context(), tx, leaves...))
	}))
}

func (w *testWorld) set(caseID string) Set {
	w.t.Helper()
	s, err := w.FindSet(w.t.Context(), w.clerk, caseID)
	w.must(err)
	return s
}

func (w *testWorld) line(caseID, department string) ResultLine {
	w.t.Helper()
	for _, l := range w.set(caseID).Lines {
		if l.DepartmentID == department {
			return l
		}
	}
	w.t.Fatalf("%s owes nothing", department)
	return ResultLine{}
}

func certificate(title string) NewItem { return NewItem{Class: "certificate", Title: title} }

// handOver releases things of a line, as its department.
func (w *testWorld) handOver(l ResultLine, things ...NewItem) TransferView {
	w.t.Helper()
	t, err := w.Release(w.t.Context(), w.inspector(l.DepartmentID), ReleaseRequest{LineID: l.ID, DecidedOn: "2026-11-23", New: things})
	w.must(err)
	return t
}

// receiveAll lets the window sign for all of a transfer.
func (w *testWorld) receiveAll(t TransferView) TransferView {
	w.t.Helper()
	out, err := w.Accept(w.t.Context(), w.clerk, AcceptRequest{TransferID: t.ID, Count: len(t.Items)})
	w.must(err)
	return out
}

// sound wants an unbroken register and gives how many items each side holds.
func (w *testWorld) sound() map[KeeperKind]int {
	w.t.Helper()
	var held map[KeeperKind]int
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		breaks, count, err := CheckCustody(w.t.Context(), q)
		if len(breaks) > 0 {
			w.t.Fatalf("custody is broken: %+v", breaks)
		}
		held = count
		return err
	}))
	return held
}

// leaves are the types recorded for a case.
func (w *testWorld) leaves(caseID string) string {
	w.t.Helper()
	var out []string
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		entries, err := audit.Stream(w.t.Context(), q, Stream(caseID))
		for _, e := range entries {
			out = append(out, e.Type)
		}
		return err
	}))
	return strings.Join(out, " ")
}
