package delivery

import (
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// DEL-912: four office hours within one address, over lunch, nights, rest days
// and holidays; elsewhere noon of the next working day.
func TestSignInLimitCountsOfficeHoursOrTheNextWorkingDay(t *testing.T) {
	years, err := workday.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	cal, err := workday.New(1, years)
	if err != nil {
		t.Fatal(err)
	}
	const form = "2006-01-02 15:04"
	for _, c := range []struct{ given, together, apart string }{
		{"2026-11-24 09:00", "2026-11-24 14:30", "2026-11-25 12:00"}, // lunch 12:00–13:30
		{"2026-11-24 07:30", "2026-11-24 14:30", "2026-11-25 12:00"}, // before the hall opens
		{"2026-11-24 12:10", "2026-11-24 17:30", "2026-11-25 12:00"}, // in the break
		{"2026-11-24 13:30", "2026-11-24 17:30", "2026-11-25 12:00"}, // to the last minute
		{"2026-11-24 16:30", "2026-11-25 12:00", "2026-11-25 12:00"}, // over night
		{"2026-11-24 19:00", "2026-11-25 14:30", "2026-11-25 12:00"}, // after closing
		{"2026-11-27 17:00", "2026-11-30 14:00", "2026-11-30 12:00"}, // over a weekend
		{"2026-11-28 10:00", "2026-11-30 14:30", "2026-11-30 12:00"}, // given on a rest day
		{"2026-09-18 17:00", "2026-09-20 14:00", "2026-09-20 12:00"}, // the Sunday is a working day
		{"2026-09-30 16:30", "2026-10-08 12:00", "2026-10-08 12:00"}, // over National Day
	} {
		at, err := time.ParseInLocation(form, c.given, workday.Shanghai)
		if err != nil {
			t.Fatal(err)
		}
		for hours, want := range map[int]string{4: c.together, 0: c.apart} {
			due, err := signDue(at, hours, 12*60, cal, workday.DefaultHours())
			if got := due.In(workday.Shanghai).Format(form); err != nil || got != want {
				t.Errorf("given %s, %d hours: %s %v, want %s", c.given, hours, got, err, want)
			}
		}
	}
}

// moveTo puts a department at an address.
func (w *testWorld) moveTo(department, address string) {
	w.t.Helper()
	o := &office.Desk{DB: w.DB, Now: w.Now}
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		dep, err := office.FindDepartment(w.t.Context(), q, department)
		if err != nil {
			return err
		}
		dep.Address = address
		return o.ChangeDepartment(w.t.Context(), dep, "system:test")
	}))
}

func (w *testWorld) setting(key, value string) {
	w.t.Helper()
	o := &office.Desk{DB: w.DB, Now: w.Now}
	_, err := o.ProposeSetting(w.t.Context(), office.SettingChange{Key: key, Value: value, Reason: "试行"}, "system:test")
	w.must(err)
}

// DEL-912: who sits at the address of the hall signs within hours; both limits
// are settings, and one that runs is not moved by them.
func TestSignInLimitFollowsTheAddressAndTheSettings(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.moveTo("amr", "梅湾路 １号") // spaces and widths do not count
		s := w.newSet("amr", "fire")
		limit := func(department string) string {
			t.Helper()
			tr := w.handOver(w.line(s.CaseID, department), certificate("许可证"))
			_, err := w.Refuse(t.Context(), w.clerk, tr.ID, "退回重填")
			w.must(err)
			return tr.DueAt.In(workday.Shanghai).Format("01-02 15:04")
		}
		if together, apart := limit("amr"), limit("fire"); together != "11-24 15:50" || apart != "11-25 12:00" { // 10:20, lunch 12:00–13:30
			t.Errorf("together %s, apart %s", together, apart)
		}
		bag := w.send(w.clerk, "amr", w.first())
		if got := bag.DueAt.In(workday.Shanghai).Format("01-02 15:04"); got != "11-24 15:50" || bag.SignHours != 4 {
			t.Errorf("a bag within the house: %s, %d hours", got, bag.SignHours)
		}
		w.at = w.at.Add(time.Minute)
		w.setting("transfer.signin_hours", "1")
		w.setting("transfer.signin_next", "10:30")
		if together, apart := limit("amr"), limit("fire"); together != "11-24 11:21" || apart != "11-25 10:30" {
			t.Errorf("changed: together %s, apart %s", together, apart)
		}
		if again, err := w.FindBag(t.Context(), w.clerk, bag.ID); err != nil || !again.DueAt.Equal(bag.DueAt) {
			t.Errorf("the running limit moved from %v to %v: %v", bag.DueAt, again.DueAt, err)
		}
	})
}

// first is an original that market regulation keeps.
func (w *testWorld) first() Material {
	original, _, _ := w.lease()
	return original
}

// DEL-912: at the limit the side that signs is reminded, four office hours later
// the supervisor hears of it; each once, and the signature or refusal ends both.
func TestMissingSignatureIsRemindedOfAndThenRaised(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		w.withPhone("deng", "13800000002", auth.Supervisor)
		w.confirm("amr", office.SMS, "13874600001")
		s := w.newSet("fire")
		tr := w.handOver(s.Lines[0], certificate("合格证"))
		bag := w.testWorld.send(w.clerk, "amr", w.first())
		back := w.testWorld.send(w.clerk, "amr", w.first())
		w.look("2026-11-25 12:00") // this instant is in time
		w.wantAlerts("")
		w.look("2026-11-25 12:01")
		w.wantAlerts("sign_department sign_department sign_window")
		if got := w.alertTexts(bag.ID, AlertSignDepartment); len(got) != 1 || got[0] != "13874600001 pending" {
			t.Errorf("the department is told %q", got)
		}
		if got := w.texts(notify.PurposeAlert, bag.ID+"/sign_department"); len(got) != 1 || !strings.Contains(got[0], "集装袋"+bag.Number) {
			t.Errorf("it reads %q", got)
		}
		inbox, err := w.ListAlerts(ctx, w.inspector("amr"), AlertQuery{})
		if err != nil || len(inbox) != 2 || inbox[0].BagID == "" {
			t.Errorf("its inbox: %+v %v", inbox, err)
		}
		_, err = w.RefuseBag(ctx, w.inspector("amr"), back.ID, "封条破损")
		w.must(err)
		w.wantAlerts("sign_department sign_window")
		w.look("2026-11-25 17:29") // 13:30 and four hours
		w.wantAlerts("sign_department sign_window")
		w.look("2026-11-25 17:30")
		w.wantAlerts("sign_department sign_late sign_late sign_window")
		if got := w.alertTexts(tr.ID, AlertSignLate); len(got) != 1 || got[0] != "13800000002 pending" {
			t.Errorf("the supervisor is told %q", got)
		}
		if got := w.texts(notify.PurposeAlert, tr.ID+"/sign_late"); len(got) != 1 || !strings.Contains(got[0], "办件") {
			t.Errorf("the supervisor reads %q", got)
		}
		w.receiveAll(tr)
		w.wantAlerts("sign_department sign_late")
		w.open(w.inspector("amr"), bag)
		w.wantAlerts("")
		if got := w.alertTexts(bag.ID, AlertSignLate); len(got) != 1 || !strings.HasSuffix(got[0], "cancelled") {
			t.Errorf("a text whose cause has ended: %q", got)
		}
		w.look("2026-11-27 09:00")
		w.wantAlerts("")
		if n := strings.Count(w.leaves(s.CaseID), "alert_raised"); n != 2 {
			t.Errorf("of the transfer: %s", w.leaves(s.CaseID))
		}
		w.must(w.DB.Read(ctx, func(q bun.IDB) error {
			leaves, err := audit.Stream(ctx, q, "bag/"+bag.ID)
			if len(leaves) != 2 {
				t.Errorf("of the bag: %+v", leaves)
			}
			return err
		}))
	})
}

// DEL-912: a bag that comes back to the window is the window's to sign for.
func TestBagToTheWindowRemindsTheWindow(t *testing.T) {
	w := newParcelWorld(t, dbtest.SQLite(t))
	original := w.first()
	w.open(w.inspector("amr"), w.testWorld.send(w.clerk, "amr", original))
	v, err := w.ReleaseBag(t.Context(), w.inspector("amr"), BagRelease{BagID: w.bag(w.inspector("amr"), "", original).ID, Seal: "F0002", Count: 1})
	w.must(err)
	w.look("2026-11-25 12:01")
	w.wantAlerts("sign_window")
	w.open(w.clerk, v)
	w.wantAlerts("")
}

// DEL-912: who signs while the look is under way is not accused afterwards.
func TestSignatureThatComesFirstLeavesNoAlert(t *testing.T) {
	w := newParcelWorld(t, dbtest.SQLite(t))
	tr := w.handOver(w.newSet("fire").Lines[0], certificate("合格证"))
	w.receiveAll(tr)
	w.must(w.DB.Write(t.Context(), func(tx bun.IDB) error {
		return w.raiseOver(t.Context(), tx, handOff{EntryTransfer, tr.ID}, signReminder)
	}))
	w.wantAlerts("")
}
