package inspection

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler"
	"lianban/scheduler/workday"
)

// world is one centre with its window and three departments, wired as cmd
// wires it, under a clock that the test sets by hand.
type testWorld struct {
	*Desk
	t      testing.TB
	clock  *handClock
	outbox *notify.Desk
	log    *audit.Desk
	office *office.Desk
	centre office.Centre
	clerk  auth.Actor
	boss   auth.Actor // supervisor
	trust  *scheduler.Clock
	sent   *sentMail
	people map[string][]Resource // by department system

	portalDown bool // nobody reaches the pages
	tampered   bool // the test reached behind the acts
}

// handClock is set by the test; wall and monotonic time move together.
type handClock struct {
	mu    sync.Mutex
	at    time.Time
	mono  time.Duration
	drift time.Duration
}

func (c *handClock) Read() scheduler.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	return scheduler.Reading{Wall: c.at.Add(c.drift), Mono: c.mono}
}

func (c *handClock) Now() time.Time { return c.Read().Wall }

func (c *handClock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.mono = c.at.Add(d), c.mono+d
}

// jump moves the wall clock alone.
func (c *handClock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drift += d
}

// sentMail keeps what left the house. down refuses everything.
type sentMail struct {
	mu   sync.Mutex
	msgs []notify.Message
	down bool
	deaf bool // what is sent to ourselves does not come back
	loop func(ctx context.Context, e notify.Envelope, raw []byte) error
}

func (s *sentMail) Send(ctx context.Context, m notify.Message) notify.Outcome {
	if m.Purpose == "canary" {
		if s.deaf || s.loop == nil || s.loop(ctx, notify.Envelope{ReceivedAt: m.ComposedAt, Rcpt: m.Address, Peer: "test"}, m.Body) != nil {
			return notify.Outcome{Result: notify.Retry}
		}
		return notify.Outcome{Result: notify.Yes, Final: true}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return notify.Outcome{Result: notify.Retry, Detail: "down"}
	}
	s.msgs = append(s.msgs, m)
	return notify.Outcome{Result: notify.Yes, Source: "own_mx", Line: "250 queued", Peer: "mx.dept.example"}
}

func (s *sentMail) of(purpose, channel string) []notify.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []notify.Message
	for _, m := range s.msgs {
		if m.Purpose == purpose && m.Channel == channel {
			out = append(out, m)
		}
	}
	return out
}

var branches = []string{"amr", "fire", "urban", "ecology", "housing", "police", "health", "culture"}

// morning is Tuesday 2026-11-17, 09:40 in Shanghai.
var morning = time.Date(2026, 11, 17, 1, 40, 0, 0, time.UTC)

// town is the centre of 冷水滩区 in the days before the morning.
var town = dbtest.Furnished{Fill: func(t testing.TB, d *db.DB) { newHouse(t, d, morning).furnish(t.Context()) }}

// newWorld opens the centre of 冷水滩区 in the morning.
func newWorld(t testing.TB, d *db.DB) *testWorld {
	t.Helper()
	return newWorldAt(t, d, morning)
}

// newWorldAt is newWorld on another morning. The centre is there in a database of
// town, for the usual morning; in an empty one it is built first.
func newWorldAt(t testing.TB, d *db.DB, morning time.Time) *testWorld {
	t.Helper()
	w, ctx := newHouse(t, d, morning), t.Context()
	if !w.meet(ctx) {
		w.furnish(ctx)
		w.meet(ctx)
	}
	w.clock.forward(morning.Sub(w.clock.Now()))
	w.tick()
	t.Cleanup(w.compare)
	return w
}

// newHouse wires the desks, three days before a morning.
func newHouse(t testing.TB, d *db.DB, morning time.Time) *testWorld {
	t.Helper()
	w := &testWorld{t: t, clock: &handClock{at: morning.AddDate(0, 0, -3)}, sent: &sentMail{}, people: map[string][]Resource{}}
	w.trust = &scheduler.Clock{DB: d, Read: w.clock.Read}
	w.wire(d)
	return w
}

// compare holds tables and log against each other at the end of every test that
// did not reach behind the acts (EV-12).
func (w *testWorld) compare() {
	if w.t.Failed() || w.tampered {
		return
	}
	ctx := context.WithoutCancel(w.t.Context())
	err := w.DB.Read(ctx, func(q bun.IDB) error {
		if _, err := CheckLog(ctx, q, func(m Mismatch) { w.t.Errorf("rows %v, log %v: %s", m.InRows, !m.InRows, m.Told) }); err != nil {
			return err
		}
		var tasks []Task
		err := q.NewSelect().Model(&tasks).Scan(ctx)
		for _, one := range tasks {
			if one.English(nil) == "" {
				w.t.Errorf("no English for the task %s: %s", one.Kind, one.Detail)
			}
		}
		if err != nil {
			return err
		}
		var holds []HoldRow
		err = q.NewSelect().Model(&holds).Where("source = ''").Scan(ctx) // others quote what somebody wrote
		for _, one := range holds {
			if one.Detail != "" && one.Reason != HoldClock && one.English() == "" {
				w.t.Errorf("no English for the hold %s: %s", one.Reason, one.Detail)
			}
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
}

func (w *testWorld) wire(d *db.DB) {
	key := make([]byte, 32)
	addresses := notify.Addresses{Domain: "lianban.example", Separator: "+", Key: key}
	log := slog.New(slog.DiscardHandler)
	authDesk := &auth.Desk{DB: d, Now: w.trust.Now, Hash: auth.Argon2{Memory: 8, Time: 1, Threads: 1}}
	w.Desk = &Desk{
		DB: d, Now: w.trust.Now, Auth: authDesk, Addresses: addresses, ClockHealthy: w.trust.Healthy,
		Channels: []string{notify.Portal, notify.Mail},
		Mail:     MailIdentity{From: "window@lianban.example", PublicURL: "https://lianban.example", Signature: "永州政务"},
	}
	w.outbox = &notify.Desk{
		DB: d, Now: w.trust.Now, Log: log, Instance: "test", Jitter: func() float64 { return 0.5 }, Addresses: addresses,
		Channels: map[string]notify.Channel{notify.Mail: w.sent, notify.SMS: w.sent},
		Texts:    notify.TextLimits{PerDay: 3, SameText: 2},
		Compose:  w.Compose, Served: w.Served, Failed: w.Bounced, Dead: w.Dead, Inbound: w.MailCame,
	}
	w.sent.loop = w.outbox.Receive
	authDesk.LinkLocked = func(ctx context.Context, tx bun.IDB, l auth.Link, _ time.Time) error { return w.LinkLocked(ctx, tx, l) }
	w.office = &office.Desk{DB: d, Now: w.trust.Now, InUse: HasOpenRound, DayOff: w.DayOff,
		TellOld: w.TellOldAddress}
	logKey, err := audit.CreateKey(filepath.Join(w.t.TempDir(), "log.key"), "test.example/log")
	w.must(err)
	w.log = &audit.Desk{DB: d, Now: w.trust.Now, Key: logKey}
	w.must(w.Check())
	w.must(w.outbox.Check())
}

func (w *testWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// furnish builds the house through the real acts: the shipped matters, centre,
// window, departments with confirmed addresses, and three inspectors for each.
func (w *testWorld) furnish(ctx context.Context) {
	w.must(w.office.Install(ctx, "system:test"))
	_, err := w.ImportMatters(ctx, MatterImport{File: ShippedMatters(), EffectiveFrom: workday.DateOf(w.clock.Now()), Actor: "system:test"})
	w.must(err)
	centre, err := w.office.AddCentre(ctx, office.Centre{
		Division: "431103", Name: "冷水滩区政务服务中心", NameEN: "Lengshuitan Centre", Address: "冷水滩区梅湾路1号",
		Lat: 26.45, Lon: 111.60, Phone: "0746-8322222", OrganisesVisits: true, Hours: workday.DefaultHours(),
	}, "system:test")
	w.must(err)
	_, err = w.office.AddWindow(ctx, office.Window{CentreID: centre.ID, Number: "3", Phone: "0746-8322223"}, "system:test")
	w.must(err)
	for _, system := range branches {
		w.addDepartment(ctx, system)
	}
}

// meet gets to know centre, staff and inspectors, and reports whether there is a
// centre.
func (w *testWorld) meet(ctx context.Context) (open bool) {
	w.must(w.DB.Read(ctx, func(q bun.IDB) error {
		windows, err := office.ListWindows(ctx, q, "")
		if err != nil || len(windows) == 0 {
			return err
		}
		open = true
		post := windows[0]
		w.clerk = auth.Actor{Kind: auth.KindPerson, ID: "clerk", Name: "王敏", Roles: []auth.Role{auth.Clerk}, Centre: post.CentreID, Window: post.ID}
		w.boss = auth.Actor{Kind: auth.KindPerson, ID: "boss", Name: "李主任", Roles: []auth.Role{auth.Supervisor}, Centre: post.CentreID, Window: post.ID}
		if w.centre, err = office.FindCentre(ctx, q, post.CentreID); err != nil {
			return err
		}
		var inspectors []Resource
		err = q.NewSelect().Model(&inspectors).Order("person_id").Scan(ctx)
		for _, r := range inspectors {
			system := strings.TrimRight(r.PersonID, "123")
			w.people[system] = append(w.people[system], r)
		}
		return err
	}))
	return open
}

func (w *testWorld) addDepartment(ctx context.Context, system string) {
	name := "冷水滩区" + SystemName(system).ZH
	dep, err := w.office.AddDepartment(ctx, office.Department{
		System: system, Division: "431103", Name: name, NameEN: system, Level: office.County, Roster: office.Named,
		Address: "冷水滩区湘永路", Phone: "0746-8000000",
	}, "system:test")
	w.must(err)
	w.confirm(ctx, office.Address{Department: dep.ID, Channel: office.Portal, Contact: "办公室"})
	w.confirm(ctx, office.Address{Department: dep.ID, Channel: office.Mail, Value: system + "@dept.example", OwnMX: true, Contact: "办公室"})
	for i := range 3 {
		_, err := w.AddResource(ctx, systemActor, Resource{
			Kind: KindInspector, Name: name + string(rune('甲'+i)), DepartmentID: dep.ID, PersonID: system + string(rune('1'+i)),
			Qualifications: []Qualification{{Matter: "*", Division: "431103"}},
		}, once.Key{})
		w.must(err)
	}
}

func (w *testWorld) confirm(ctx context.Context, a office.Address) {
	a.Form, a.SignedOn = "form-1", workday.DateOf(w.clock.Now())
	proposed, err := w.office.ProposeAddress(ctx, a, "person:one", once.Key{})
	w.must(err)
	_, err = w.office.ApproveAddress(ctx, proposed.ID, "person:two")
	w.must(err)
}

// inspector is a signed-in person of a department.
func (w *testWorld) inspector(system string) auth.Actor {
	return auth.Actor{Kind: auth.KindPerson, ID: system + "1", Name: "勘验员", Roles: []auth.Role{auth.Inspector}, Department: w.department(system)}
}

func (w *testWorld) department(system string) string { return w.people[system][0].DepartmentID }

// tick runs every sweep once, as the scheduler would.
func (w *testWorld) tick() {
	w.t.Helper()
	ctx := w.t.Context()
	w.must(w.trust.Check(ctx))
	w.must(w.outbox.Beat(ctx, notify.Portal, w.trust.Now(), true))
	w.must(w.outbox.SendCanary(ctx))
	for _, channel := range []string{notify.Portal, notify.Mail, notify.SMS} {
		w.must(w.outbox.SendDue(ctx, channel))
	}
	w.must(w.outbox.AskUnknown(ctx))
	w.must(w.DeemDue(ctx))
	w.must(w.RemindDue(ctx))
	w.must(w.EscalateDue(ctx))
	w.must(w.RectifyDue(ctx))
}

// until lives through the time to an instant.
func (w *testWorld) until(then time.Time) {
	w.t.Helper()
	for w.clock.Now().Before(then) {
		w.step(then)
		w.tick()
	}
}

// step goes forward towards an instant: by day shorter than the gap that an inbox
// may have, at night, when nobody counts the minutes, by hours.
func (w *testWorld) step(then time.Time) {
	now := w.clock.Now().In(workday.Shanghai)
	d := 25 * time.Minute
	switch hour := now.Hour(); {
	case hour >= 20:
		d = 4 * time.Hour
	case hour < 8:
		d = workday.DateOf(now).At(8 * 60).Sub(now)
	}
	w.clock.forward(min(d, then.Sub(now)))
}

// restaurant is "我要开饭店", 120 m² with a sign: amr, fire and urban come.
func restaurant() AcceptRequest {
	area, _ := ParseDecimal("120")
	return AcceptRequest{
		MatterCode: "M03",
		Applicant:  Applicant{Name: "湘味轩餐饮店", Phone: "13800001234"},
		Site:       Site{Division: "431103", Address: "冷水滩区梧桐路88号", Lat: 26.43, Lon: 111.61},
		Answers: Answers{
			"floor_area_m2": Number(area), "outdoor_sign": YesNo(true), "near_cultural_relic": YesNo(false),
			"has_kitchen_flue": YesNo(false), "central_air_conditioning": YesNo(false), "fit_out": YesNo(false),
		},
	}
}

func (w *testWorld) newCase() Case {
	w.t.Helper()
	c, err := w.Accept(w.t.Context(), w.clerk, restaurant())
	w.must(err)
	return c
}

// newDraft is a case with a draft visit.
func (w *testWorld) newDraft() Visit {
	w.t.Helper()
	v, err := w.Plan(w.t.Context(), w.clerk, PlanRequest{CaseID: w.newCase().ID, Kind: KindSite})
	w.must(err)
	return v
}

// newVisit is a visit booked at the best offer.
func (w *testWorld) newVisit() Visit {
	w.t.Helper()
	draft := w.newDraft()
	v, err := w.Book(w.t.Context(), w.clerk, BookRequest{VisitID: draft.ID, Choice: w.bestSlot(draft.ID)})
	w.must(err)
	return v
}

func (w *testWorld) bestSlot(visitID string) SlotChoice {
	w.t.Helper()
	answer, err := w.Slots(w.t.Context(), w.clerk, SlotRequest{VisitID: visitID, Limit: 1})
	w.must(err)
	if len(answer.Offers) == 0 {
		w.t.Fatalf("no offer: %+v", answer.Explanation)
	}
	return choiceOf(answer.Offers[0].Start, answer.Offers[0].People)
}

func choiceOf(start time.Time, people map[string][]string) SlotChoice {
	c := SlotChoice{Start: start}
	for _, ids := range people {
		c.Resources = append(c.Resources, ids...)
	}
	slices.Sort(c.Resources)
	return c
}

// part is one department's part of a visit as the window sees it now.
func (w *testWorld) part(visitID, system string) ParticipantView {
	w.t.Helper()
	v, err := w.FindVisit(w.t.Context(), w.clerk, visitID)
	w.must(err)
	for _, p := range v.Participants {
		if p.System == system {
			return p
		}
	}
	w.t.Fatalf("%s does not take part", system)
	return ParticipantView{}
}

// refused wants a refusal with the code.
func (w *testWorld) refused(err error, code string) {
	w.t.Helper()
	if !fault.Is(err, code) {
		w.t.Fatalf("got %v, want refusal %s", err, code)
	}
}

// leaves are the types recorded in a department's stream.
func (w *testWorld) leaves(v Visit, system string) string {
	w.t.Helper()
	var out []string
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		entries, err := audit.Stream(w.t.Context(), q, departmentStream(v.CaseID, w.department(system)))
		for _, e := range entries {
			out = append(out, e.Type)
		}
		return err
	}))
	return strings.Join(out, " ")
}
