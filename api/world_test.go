package api

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler"
	"lianban/scheduler/workday"
)

// world is a whole house behind its edge: the centre of 冷水滩区 with its
// departments, the centre of 零陵区 beside it, and one account for each role.
type world struct {
	*Server
	t       testing.TB
	db      *db.DB
	clock   *handClock
	trust   *scheduler.Clock
	mail    *sentMail
	log     *logBook
	handler http.Handler
	centre  office.Centre // 冷水滩区
	other   office.Centre // 零陵区
	tokens  map[string]string
	keys    map[string]string
	people  map[string][]inspection.Resource // by system, of 冷水滩区
	spec    *contract
	logger  *slog.Logger
	overdue error // what reading the oldest overdue row fails with
}

// handClock is set by the test; wall and monotonic time move together.
type handClock struct {
	mu   sync.Mutex
	at   time.Time
	mono time.Duration
}

func (c *handClock) read() scheduler.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	return scheduler.Reading{Wall: c.at, Mono: c.mono}
}

func (c *handClock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.mono = c.at.Add(d), c.mono+d
}

// sentMail takes every message for the department's own mail server.
type sentMail struct {
	mu   sync.Mutex
	sent []notify.Message
	loop func(ctx context.Context, e notify.Envelope, raw []byte) error
}

func (s *sentMail) Send(ctx context.Context, m notify.Message) notify.Outcome {
	if m.Purpose == "canary" {
		if s.loop(ctx, notify.Envelope{ReceivedAt: m.ComposedAt, Rcpt: m.Address, Peer: "test"}, m.Body) != nil {
			return notify.Outcome{Result: notify.Retry}
		}
		return notify.Outcome{Result: notify.Yes, Final: true}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, m)
	return notify.Outcome{Result: notify.Yes, Source: "own_mx", Line: "250 queued", Peer: "mx.dept.example"}
}

// morning is Tuesday 2026-11-17, 09:40 in Shanghai.
var morning = time.Date(2026, 11, 17, 1, 40, 0, 0, time.UTC)

var branches = []string{"amr", "fire", "urban"}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, dbtest.SQLite(t))
}

func newWorldOn(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{
		t: t, db: d, clock: &handClock{at: morning.AddDate(0, 0, -1)}, mail: &sentMail{}, log: &logBook{},
		tokens: map[string]string{}, keys: map[string]string{}, people: map[string][]inspection.Resource{},
	}
	w.trust = &scheduler.Clock{DB: w.db, Read: w.clock.read}
	w.wire()
	ctx := t.Context()
	w.must(w.Office.Install(ctx, "system:test"))
	_, err := w.Inspection.ImportMatters(ctx, inspection.MatterImport{
		File: inspection.ShippedMatters(), EffectiveFrom: workday.DateOf(w.clock.at), Actor: "system:test",
	})
	w.must(err)
	w.centre = w.furnish("431103", "冷水滩区政务服务中心")
	w.other = w.furnish("431102", "零陵区政务服务中心")
	w.staff()
	w.clock.forward(morning.Sub(w.clock.at))
	w.tick()
	return w
}

// wire builds the desks as cmd does.
func (w *world) wire() {
	addresses := notify.Addresses{Domain: "lianban.example", Separator: "+", Key: make([]byte, 32)}
	w.logger = slog.New(slog.NewJSONHandler(w.log, nil))
	authDesk := &auth.Desk{DB: w.db, Now: w.trust.Now, Endless: true, Hash: auth.Argon2{Memory: 8, Time: 1, Threads: 1}}
	in := &inspection.Desk{
		DB: w.db, Now: w.trust.Now, Auth: authDesk, Addresses: addresses, ClockHealthy: w.trust.Healthy,
		Channels: []string{notify.Portal, notify.Mail},
		Mail:     inspection.MailIdentity{From: "window@lianban.example", PublicURL: "http://127.0.0.1:8080", Signature: "永州政务"},
	}
	authDesk.LinkLocked = func(ctx context.Context, tx bun.IDB, l auth.Link, _ time.Time) error {
		return in.LinkLocked(ctx, tx, l)
	}
	outbox := &notify.Desk{
		DB: w.db, Now: w.trust.Now, Log: w.logger, Instance: "test", Jitter: func() float64 { return 0.5 }, Addresses: addresses,
		Channels: map[string]notify.Channel{notify.Mail: w.mail, notify.SMS: w.mail},
		Compose: func(ctx context.Context, tx bun.IDB, m notify.Message) (notify.Body, error) {
			if delivery.Composes(m.Purpose) {
				return w.Server.Delivery.Compose(ctx, tx, m)
			}
			return in.Compose(ctx, tx, m)
		},
		Served: in.Served, Failed: in.Bounced, Dead: in.Dead, Inbound: in.MailCame,
		Callbacks: &notify.CallbackCheck{PublicURL: "http://127.0.0.1:8080", AuthToken: "secret"},
	}
	w.mail.loop = outbox.Receive
	key, err := audit.CreateKey(filepath.Join(w.t.TempDir(), "log.key"), "test.example/log")
	w.must(err)
	w.Server = &Server{
		Inspection: in, Notify: outbox, Auth: authDesk,
		Delivery: &delivery.Desk{DB: w.db, Now: w.trust.Now, Auth: authDesk, Key: make([]byte, 32), Files: w.t.TempDir(), Site: "http://127.0.0.1:8080", MailFrom: "window@lianban.example", Out: in.ResultsOut},
		Office:   &office.Desk{DB: w.db, Now: w.trust.Now, InUse: inspection.HasOpenRound, TellOld: in.TellOldAddress, DayOff: in.DayOff},
		Audit:    &audit.Desk{DB: w.db, Now: w.trust.Now, Key: key},
		Read:     w.db.Read, Now: w.trust.Now, Log: w.logger, PublicURL: "http://127.0.0.1:8080",
		Ready:   func(context.Context) []Check { return []Check{{Name: "schema", OK: true}} },
		Metrics: NewMetrics(w.metricsSource()),
	}
	w.handler, err = w.Handler()
	w.must(err)
	w.spec = newContract(w)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// furnish sets up a centre with a window and the departments beside it.
func (w *world) furnish(division, name string) office.Centre {
	w.t.Helper()
	ctx := w.t.Context()
	centre, err := w.Office.AddCentre(ctx, office.Centre{
		Division: division, Name: name, NameEN: "Centre " + division, Address: "梅湾路1号", Lat: 26.45, Lon: 111.60,
		Phone: "0746-8322222", OrganisesVisits: true, Hours: workday.DefaultHours(),
	}, "system:test")
	w.must(err)
	_, err = w.Office.AddWindow(ctx, office.Window{ID: "w-" + division, CentreID: centre.ID, Number: "3", Phone: "0746-8322223"}, "system:test")
	w.must(err)
	for _, system := range branches {
		dep, err := w.Office.AddDepartment(ctx, office.Department{
			System: system, Division: division, Name: name[:12] + system, NameEN: system, Roster: office.Named, Address: "湘永路", Phone: "0746-8000000",
		}, "system:test")
		w.must(err)
		w.confirm(office.Address{Department: dep.ID, Channel: office.Portal, Contact: "办公室"})
		w.confirm(office.Address{Department: dep.ID, Channel: office.Mail, Value: system + "@dept.example", OwnMX: true, Contact: "办公室"})
		w.inspectors(dep)
	}
	return centre
}

func (w *world) confirm(a office.Address) {
	w.t.Helper()
	a.Form, a.SignedOn = "form-1", workday.DateOf(w.clock.at)
	proposed, err := w.Office.ProposeAddress(w.t.Context(), a, "person:one", once.Key{})
	w.must(err)
	_, err = w.Office.ApproveAddress(w.t.Context(), proposed.ID, "person:two")
	w.must(err)
}

func (w *world) inspectors(dep office.Department) {
	w.t.Helper()
	for _, name := range []string{"张䶮", "李㛃", "王𡈼"} {
		r, err := w.Inspection.AddResource(w.t.Context(), auth.System("test"), inspection.Resource{
			Kind: inspection.KindInspector, Name: name, DepartmentID: dep.ID,
			Qualifications: []inspection.Qualification{{Matter: "*", Division: dep.Division}},
		}, once.Key{})
		w.must(err)
		if dep.Division == "431103" {
			w.people[dep.System] = append(w.people[dep.System], r)
		}
	}
}

// allScopes are what a key can carry.
var allScopes = []string{"cases:read", "cases:write", "matters:read", "visits:read", "evidence:read", "office:read"}

// staff makes one account for each role and place, and the keys.
func (w *world) staff() {
	w.t.Helper()
	at := func(c office.Centre) auth.Post { return auth.Post{Centre: c.ID, Window: "w-" + c.Division} }
	for name, post := range map[string]auth.Post{
		"clerk": at(w.centre), "clerk-elsewhere": at(w.other), "supervisor": at(w.centre), "supervisor-two": at(w.centre),
		"supervisor-elsewhere": at(w.other),
		"inspector":            {Department: "431103-fire"}, "inspector-elsewhere": {Department: "431102-fire"},
		"head": {Department: "431103-fire"}, "head-elsewhere": {Department: "431102-fire"},
		"courier": at(w.centre), "auditor": {}, "admin": {}, "admin-two": {}, "security": {},
	} {
		post.Roles = []auth.Role{roleOf(name)}
		w.account(name, post)
	}
	w.key("key", "431103", allScopes...)
	w.key("key-city", "431100", allScopes...)
	w.key("key-elsewhere", "431102", allScopes...)
	w.key("key-without", "431103", "nothing:read")
}

func (w *world) account(name string, post auth.Post) {
	w.t.Helper()
	const password = "Meiwan-Road-1"
	_, err := w.Auth.AddPerson(w.t.Context(), auth.System("test"), auth.NewPerson{Login: name, Name: "陈" + name, Post: post, Password: password})
	w.must(err)
	_, token, err := w.Auth.SignIn(w.t.Context(), auth.Credentials{Login: name, Password: password, Remote: "127.0.0.1:1"})
	w.must(err)
	w.tokens[name] = token
}

func (w *world) key(name, division string, scopes ...string) {
	w.t.Helper()
	_, text, err := w.Auth.CreateKey(w.t.Context(), auth.System("test"), auth.NewKey{
		Client: name, Divisions: []string{division}, Scopes: scopes, Expires: w.clock.at.AddDate(0, 6, 0),
	})
	w.must(err)
	w.keys[name] = text
}

// tick runs every sweep once, as the scheduler would.
func (w *world) tick() {
	w.t.Helper()
	ctx := w.t.Context()
	w.must(w.trust.Check(ctx))
	w.must(w.Notify.Beat(ctx, notify.Portal, w.trust.Now(), true))
	w.must(w.Notify.SendCanary(ctx))
	for _, channel := range []string{notify.Portal, notify.Mail, notify.SMS} {
		w.must(w.Notify.SendDue(ctx, channel))
	}
	w.must(w.Inspection.DeemDue(ctx))
	w.must(w.Inspection.RemindDue(ctx))
}

// until lives through the time to an instant in steps of ten minutes.
func (w *world) until(then time.Time) {
	w.t.Helper()
	for w.trust.Now().Before(then) {
		w.clock.forward(min(10*time.Minute, then.Sub(w.trust.Now())))
		w.tick()
	}
}

// logBook keeps what was logged.
type logBook struct {
	mu   sync.Mutex
	text []byte
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

func postOf(department string) auth.Post {
	return auth.Post{Roles: []auth.Role{auth.Inspector}, Department: department}
}
