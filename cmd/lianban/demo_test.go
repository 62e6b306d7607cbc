package main

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// anyTuesday is the day on which tests that read a page begin, or they would find
// other words on a Friday than on a Tuesday.
const anyTuesday = "2026-11-24"

func day(t *testing.T, text string) workday.Date {
	t.Helper()
	d, err := workday.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newTestApp is the program in a directory of the test's own.
func newTestApp(t *testing.T) (*app, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	return &app{
		console: console{in: strings.NewReader(""), out: &out, err: &out}, ctx: t.Context(), lang: "zh",
		cfg: testConfig(t.TempDir()),
	}, &out
}

func testConfig(dir string) config {
	return config{
		Data: dir, Origin: "test.example/log", PublicURL: "http://127.0.0.1:8080",
		MailDomain: "lianban.example", MailFrom: "window@lianban.example", MailSep: "+", SMSSignature: "永州政务",
	}
}

// DEC-9, and far enough from years whose holidays are not announced.
func TestDemoBeginsOnAWorkingDayWithFinalDaysAhead(t *testing.T) {
	years, err := workday.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	cal, err := workday.New(1, years)
	if err != nil {
		t.Fatal(err)
	}
	for today, want := range map[string]string{
		"2026-11-24": "2026-11-24",
		"2026-11-22": "2026-11-20", // Sunday
		"2026-10-05": "2026-09-30", // holiday
		"2026-10-10": "2026-10-10", // a Saturday that is worked
		"2026-12-31": "2026-12-10",
		"2027-06-01": "2026-12-10", // 2027 is not announced
		"2031-01-01": "2026-12-10",
	} {
		got, err := demoDay(cal, day(t, today))
		if err != nil || got != day(t, want) {
			t.Errorf("on %s it begins on %s (%v), want %s", today, got, err, want)
		}
	}
}

func TestOnlyANewDemoIsGivenADayToBeginOn(t *testing.T) {
	a, _ := newTestApp(t)
	if got, err := a.demoBegin("2026-09-30"); err != nil || got != day(t, "2026-09-30") {
		t.Errorf("a new one begins on %s: %v", got, err)
	}
	if err := os.WriteFile(a.cfg.file(demoMark), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var wrong misuse
	if _, err := a.demoBegin("2026-09-30"); !errors.As(err, &wrong) {
		t.Errorf("one that has begun: %v", err)
	}
	if _, err := a.demoBegin(""); err != nil {
		t.Errorf("one that has begun goes on: %v", err)
	}
}

// DEC-8: the same city whatever the day, with something on every page.
func TestDemoCityHasSomethingOnEveryPage(t *testing.T) {
	for _, today := range []string{"2026-11-24", "2026-10-11", "2027-03-01"} {
		t.Run(today, func(t *testing.T) {
			t.Parallel()
			a, _ := newTestApp(t)
			w, err := a.newWorldOn(day(t, today), db.OpenScratch)
			if err != nil {
				t.Fatal(err)
			}
			defer w.db.Close()
			if err := w.furnish(a.ctx); err != nil {
				t.Fatal(err)
			}
			if err := w.history(a.ctx); err != nil {
				t.Fatal(err)
			}
			if at := w.dial.Now(); at.Sub(w.day.At(9*60+40)) > time.Minute {
				t.Errorf("it is %v, want 09:40 on %s", at, w.day)
			}
			checkSize(t, w)
			checkDesks(t, w)
			checkParcels(t, w)
			checkStates(t, w)
			checkLogins(t, w)
		})
	}
}

func checkSize(t *testing.T, w *world) {
	t.Helper()
	err := w.db.Read(t.Context(), func(q bun.IDB) error {
		departments, err := office.ListDepartments(t.Context(), q, office.DepartmentQuery{})
		if err != nil {
			return err
		}
		people, err := auth.ListPeople(t.Context(), q, auth.PersonQuery{})
		if err != nil {
			return err
		}
		roles := map[auth.Role]int{}
		for _, p := range people {
			for _, r := range p.Roles {
				roles[r]++
			}
		}
		if len(departments) != 21 || roles[auth.Inspector] != 60 || roles[auth.Head] != 20 || roles[auth.Courier] != 6 {
			t.Errorf("%d departments, roles %v", len(departments), roles)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkDesks(t *testing.T, w *world) {
	t.Helper()
	s := &stage{world: w, ctx: t.Context()}
	var tasks []inspection.TaskKind
	var holds []inspection.HoldReason
	states := map[inspection.VisitState]int{}
	for _, key := range []string{"lst", "ll"} {
		today, err := w.inspection.Today(t.Context(), s.clerk(key))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range today.Tasks {
			tasks = append(tasks, x.Kind)
		}
		for _, x := range today.Held {
			holds = append(holds, x.Reasons...)
		}
		if len(today.Waiting) == 0 || key == "lst" && (len(today.Unbooked) < 4 || len(today.Visits) != 1) {
			t.Errorf("%s: %d wait, %d to book, %d today", key, len(today.Waiting), len(today.Unbooked), len(today.Visits))
		}
		visits, err := w.inspection.ListVisits(t.Context(), s.clerk(key), inspection.VisitQuery{})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range visits {
			states[v.State]++
		}
	}
	for _, kind := range []inspection.TaskKind{
		inspection.TaskNeverDeemed, inspection.TaskDeclined, inspection.TaskCounter, inspection.TaskReadMail,
		inspection.TaskServeByHand, inspection.TaskBook,
	} {
		if !slices.Contains(tasks, kind) {
			t.Errorf("no task %s among %v", kind, tasks)
		}
	}
	for _, reason := range []inspection.HoldReason{inspection.HoldNeverDeemed, inspection.HoldMail} {
		if !slices.Contains(holds, reason) {
			t.Errorf("no hold %s among %v", reason, holds)
		}
	}
	for _, state := range []inspection.VisitState{inspection.VisitOffered, inspection.VisitConfirmed, inspection.VisitClosed} {
		if states[state] == 0 {
			t.Errorf("no visit is %s: %v", state, states)
		}
	}
}

// checkParcels wants parcels of every colour and way, and sets to work on.
func checkParcels(t *testing.T, w *world) {
	t.Helper()
	clerk := w.people["clerk"]
	parcels, err := w.delivery.ListParcels(t.Context(), clerk, delivery.ParcelQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	colours, ways := map[delivery.PromiseColour]int{}, map[delivery.Way]int{}
	claims, pieces := 0, 0
	for _, p := range parcels {
		if !p.State.Terminal() {
			colours[p.Colour]++
			ways[p.Way]++
		}
		v, err := w.delivery.FindParcel(t.Context(), clerk, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		claims, pieces = max(claims, len(v.Claims)), max(pieces, len(v.Sending))
	}
	if len(colours) != 3 || ways[delivery.WayWindow] == 0 || claims != 2 || pieces != 2 {
		t.Errorf("open parcels by colour %v, by way %v; %d hand-overs of one parcel, %d pieces of one sending", colours, ways, claims, pieces)
	}
	for state, least := range map[string]int{delivery.SetReady: 2, delivery.SetBlocked: 2} {
		sets, err := w.delivery.ListSets(t.Context(), clerk, delivery.SetQuery{State: state})
		if err != nil || len(sets) < least {
			t.Errorf("%d sets are %s (%v), want %d", len(sets), state, err, least)
		}
	}
}

// demoLacks is what no example of is in the city, and why.
var demoLacks = map[string]string{
	"parcels.state drafted":            "no act of the pages leads there: a parcel begins sealed",
	"electronic_files.state supplied":  "the window sends a file as soon as it is there",
	"electronic_files.state served":    "its recipient opens it by the link, which is in the mail",
	"electronic_files.state withdrawn": "would need another case for one button",
}

// A page that no example leads to is looked at by nobody: the city has each state
// that a row can be in, and each step that a thing can take.
func checkStates(t *testing.T, w *world) {
	t.Helper()
	var want []string
	add := func(column, value string) { want = append(want, column+" "+value) }
	for _, r := range delivery.ParcelStates {
		add("parcels.state", string(r.State))
	}
	for _, kind := range []delivery.KeeperKind{delivery.AtWindow, delivery.AtDepartment, delivery.AtCourier, delivery.AtReceiver, delivery.Destroyed} {
		add("items.custodian_kind", string(kind))
	}
	for _, kind := range []delivery.CustodyKind{
		delivery.CustodyRegistered, delivery.CustodyReleased, delivery.CustodyAccepted, delivery.CustodyMissing, delivery.CustodyDamaged,
		delivery.CustodyRefused, delivery.CustodySealed, delivery.CustodyHandedOver, delivery.CustodyDelivered, delivery.CustodyShelved,
		delivery.CustodyWrittenOff, delivery.CustodyDestroyed, delivery.CustodyBagged, delivery.CustodyUnbagged, delivery.CustodySent,
		delivery.CustodyFound, delivery.CustodyPlaced,
	} {
		add("custody_events.kind", string(kind))
	}
	for _, answer := range append(delivery.ExtraAnswers, "") { // "": nobody has said yet what it is
		add("transfer_extras.answer", string(answer))
	}
	wantMoves(add, "result_lines", delivery.LineMoves)
	wantMoves(add, "transfers", delivery.TransferMoves)
	wantMoves(add, "bags", delivery.BagMoves)
	wantMoves(add, "runs", delivery.RunMoves)
	wantMoves(add, "loans", delivery.LoanMoves)
	wantMoves(add, "damages", delivery.DamageMoves)
	wantMoves(add, "destructions", delivery.DestructionMoves)
	wantMoves(add, "electronic_files", delivery.FileMoves)
	for _, kind := range []delivery.AlertKind{
		delivery.AlertAmber, delivery.AlertRed, delivery.AlertItemDamaged, delivery.AlertSignWindow, delivery.AlertSignLate,
		delivery.AlertMissing, delivery.AlertCallBack,
	} {
		add("alerts.kind", string(kind))
	}
	slices.Sort(want)
	for _, one := range slices.Compact(want) {
		column, value, _ := strings.Cut(one, " ")
		table, column, _ := strings.Cut(column, ".")
		n := 0
		err := w.db.Read(t.Context(), func(q bun.IDB) error {
			return q.NewRaw("SELECT count(*) FROM ? WHERE coalesce(?, '') = ?", bun.Ident(table), bun.Ident(column), value).Scan(t.Context(), &n)
		})
		if _, lacks := demoLacks[one]; err != nil || (n == 0) != lacks {
			t.Errorf("%s: %d examples (%v)", one, n, err)
		}
	}
}

// wantMoves adds the states that a table of moves leads to.
func wantMoves[S ~string](add func(column, value string), table string, moves []delivery.Move[S]) {
	for _, m := range moves {
		add(table+".state", string(m.To))
	}
}

// checkLogins wants something to do for everyone whom the first page names.
func checkLogins(t *testing.T, w *world) {
	t.Helper()
	round, err := w.delivery.MyRound(t.Context(), w.people["courier"])
	if err != nil || len(round) < 5 || round[0].Colour != delivery.ColourRed {
		t.Errorf("the courier's round: %d, %v", len(round), err)
	}
	owes, err := w.delivery.ListLines(t.Context(), w.officer("lst/amr"), delivery.LineQuery{State: delivery.LineExpected})
	if err != nil || len(owes) == 0 {
		t.Errorf("market regulation owes %d, %v", len(owes), err)
	}
	ratings, err := w.delivery.ListRatings(t.Context(), w.people["supervisor"], 0)
	if err != nil || len(ratings.Items) != 1 || ratings.Items[0].Call == nil {
		t.Errorf("the supervisor has nobody to call back: %+v, %v", ratings, err)
	}
	damages, err := w.delivery.ListDamages(t.Context(), w.officer("lst/health"))
	if err != nil || len(damages) != 1 {
		t.Errorf("the health department has %d damaged things to decide on, %v", len(damages), err)
	}
	transfers, err := w.delivery.ListTransfers(t.Context(), w.people["clerk"], delivery.TransferQuery{State: delivery.Released})
	if err != nil || len(transfers) == 0 {
		t.Errorf("the window has %d transfers to sign, %v", len(transfers), err)
	}
	runs, err := w.delivery.ListRuns(t.Context(), w.people["clerk"])
	if err != nil || len(runs) < 3 || runs[0].State != delivery.RunAway || runs[0].Counts != (delivery.RunCounts{Out: 3, Back: 1, Open: 3}) || runs[1].Counts.Open == 0 {
		t.Errorf("%d runs, one under way and one to come: %+v, %+v, %v", len(runs), runs[0].Counts, runs[1].Counts, err)
	}
}

// DEC-9: what is due while the clock is moved happens on the way.
func TestMovingTheDemoClockLivesThroughTheTime(t *testing.T) {
	a, _ := newTestApp(t)
	w, err := a.demoWorld(day(t, anyTuesday))
	if err != nil {
		t.Fatal(err)
	}
	defer w.db.Close()
	s := &stage{world: w, ctx: a.ctx}
	s.fail("furnish", w.furnish(a.ctx))
	s.skip(1, "16:00")
	s.fail("sign in", w.signIn(a.ctx))
	s.skip(0, "09:40")
	v := s.book(s.accept(scenario{
		"lst", "M03", "湘江渔庄", "13807461299", "冷水滩区湘江路52号", 26.4398, 111.6087, "floor_area_m2=120 outdoor_sign=yes",
	}), 3, "09:00")
	due, err := w.nextDeadline(a.ctx)
	s.fail("next deadline", err)
	if s.err != nil {
		t.Fatal(s.err)
	}
	if err := w.until(a.ctx, w.day.AddDays(14).At(12*60)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"lst/amr", "lst/fire", "lst/urban"} {
		p := s.part(v, key)
		if p.Deemed == nil || p.Deemed.DecidedAt.Sub(due) > time.Second {
			t.Errorf("%s: %s, %+v; its deadline was %v", key, p.Consent, p.Deemed, due)
		}
	}
	if err := w.until(a.ctx, w.dial.Now().Add(-time.Hour)); err != nil {
		t.Errorf("a moment that has passed changes nothing: %v", err)
	}
}

// ICA-67, SEC-10: what the walk shows is read from the bytes that went out.
func TestALetterOfOursIsReadFromItsBytes(t *testing.T) {
	a, _ := newTestApp(t)
	w, err := a.demoWorld(day(t, anyTuesday))
	if err != nil {
		t.Fatal(err)
	}
	defer w.db.Close()
	k := &walker{stage: &stage{world: w, ctx: a.ctx}, teller: newTeller(&bytes.Buffer{}), a: a}
	k.setUp()
	k.takeIn()
	k.findTime()
	k.pass(1)
	l, err := readLetter(k.sent(k.part(k.v, "lst/fire"), notify.PurposeNotice, notify.Mail).Body)
	if err != nil || k.err != nil {
		t.Fatal(err, k.err)
	}
	token, code, err := l.key()
	if err != nil || len(token) < 20 || len(code) != 6 || !l.calendar || !strings.HasPrefix(l.replyTo, "v+") || l.to != "office@fire.lst.example" {
		t.Errorf("%v: token %q, code %q, %+v", err, token, code, l)
	}
	if _, _, err := (letter{text: "no link"}).key(); err == nil {
		t.Error("a letter without link has a key")
	}
}
