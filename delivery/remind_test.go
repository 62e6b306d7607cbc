package delivery

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// DEL-305: a department that owes a result is reminded on the first, second and
// third working day; then it is a matter for the supervisor, and nobody is
// reminded of what has come.
func TestDepartmentIsRemindedOnThreeWorkingDaysAndThenRaised(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.Signature = "永州政务"
		w.confirm("amr", office.SMS, "13874600001")
		w.confirm("amr", office.Mail, "amr@dept.example")
		s := w.newSet("amr", "fire", "urban")
		look := func(at string) {
			t.Helper()
			var err error
			w.at, err = time.Parse(time.RFC3339, at)
			w.must(err)
			for range 2 { // late or twice changes nothing
				w.must(w.RemindDue(t.Context()))
			}
		}
		want := func(department string, times int, raised bool) {
			t.Helper()
			if l := w.line(s.CaseID, department); l.Reminded != times || l.RaisedAt.IsZero() == raised {
				t.Errorf("%s: reminded %d times, raised %v; want %d", department, l.Reminded, l.RaisedAt, times)
			}
		}
		look("2026-11-25T00:59:59Z") // Wednesday, before the window opens
		want("amr", 0, false)
		look("2026-11-25T01:00:00Z")
		want("amr", 1, false)
		w.receiveAll(w.handOver(w.line(s.CaseID, "fire"), certificate("合格证")))
		look("2026-11-26T01:00:00Z")
		look("2026-11-27T01:00:00Z") // Friday
		want("amr", 3, false)
		look("2026-11-29T01:00:00Z") // Sunday
		want("amr", 3, false)
		look("2026-11-30T01:00:00Z")
		look("2026-12-04T01:00:00Z")
		want("amr", 3, true)
		want("urban", 3, true)
		want("fire", 1, false)
		l := w.line(s.CaseID, "amr")
		texts := (&parcelWorld{testWorld: w}).texts(notify.PurposeOwed, l.ID+"/owed")
		if len(texts) != 1 || !strings.Contains(texts[0], "第3次提醒") {
			t.Errorf("the text that waits: %q", texts)
		}
		if n := strings.Count(w.leaves(s.CaseID), "result_reminded"); n != 7 {
			t.Errorf("%d reminders on record, want 3, 3 and 1", n)
		}
	})
}

// confirm gives a department an address that counts.
func (w *testWorld) confirm(department string, channel office.Channel, value string) {
	w.t.Helper()
	o := &office.Desk{DB: w.DB, Now: w.Now, TellOld: func(context.Context, bun.IDB, office.AddressChange) error { return nil }}
	a, err := o.ProposeAddress(w.t.Context(), office.Address{
		Department: department, Channel: channel, Value: value, Contact: "办公室", Form: "1", SignedOn: workday.DateOf(w.at),
	}, "person:one", once.Key{})
	w.must(err)
	_, err = o.ApproveAddress(w.t.Context(), a.ID, "person:two")
	w.must(err)
}
