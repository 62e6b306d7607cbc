package inspection

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

func (w *testWorld) shut(c office.Closure) {
	w.t.Helper()
	c.Reason = "业务培训"
	_, err := w.office.AddClosure(w.t.Context(), c, "person:one", once.Key{})
	w.must(err)
}

// INS-502, INS-511: a department's training day is no day for its visits, and
// the board says that this is why.
func TestNoVisitIsOfferedOrBookedOnADepartmentsTrainingDay(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		draft := w.newDraft()
		choice := w.bestSlot(draft.ID)
		day := dateOf(choice.Start)
		w.shut(office.Closure{Department: w.department("fire"), Day: day})
		_, err := w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: choice})
		w.refused(err, "slot_refused")
		if !strings.Contains(err.Error(), "department is closed") {
			t.Errorf("refused with %v", err)
		}
		got, err := w.Slots(ctx, w.clerk, SlotRequest{VisitID: draft.ID, From: day, To: day})
		w.must(err)
		if len(got.Offers) != 0 || got.Explanation == nil {
			t.Fatalf("%d offers on the day", len(got.Offers))
		}
		found := false
		for _, c := range got.Explanation.Counts {
			found = found || c.Code == slot.DeptClosed && c.Department == w.department("fire")
		}
		if !found {
			t.Errorf("not explained: %+v", got.Explanation)
		}
		if next := w.bestSlot(draft.ID); dateOf(next.Start) == day {
			t.Error("the best slot is on the day")
		}
	})
}

// INS-410: the window is told once, nobody is held, nothing moves.
func TestBookedVisitWhoseDayBecomesOffIsATaskOfTheWindow(t *testing.T) {
	for name, takeOff := range map[string]func(w *testWorld, day workday.Date){
		"by the calendar": func(w *testWorld, day workday.Date) { w.importYear(day.Year, off(day.String())) },
		"by the centre":   func(w *testWorld, day workday.Date) { w.shut(office.Closure{Centre: w.centre.ID, Day: day}) },
		"by the city":     func(w *testWorld, day workday.Date) { w.shut(office.Closure{Day: day}) },
		"by a department": func(w *testWorld, day workday.Date) {
			w.shut(office.Closure{Department: w.department("fire"), Day: day})
		},
	} {
		t.Run(name, func(t *testing.T) {
			town.Each(t, func(t *testing.T, d *db.DB) { newWorld(t, d).dayOff(takeOff) })
		})
	}
}

func (w *testWorld) dayOff(takeOff func(w *testWorld, day workday.Date)) {
	t, v := w.t, w.newVisit()
	w.tick()
	day := dateOf(v.Start)
	w.shut(office.Closure{Centre: w.centre.ID, Day: day.AddDays(30)})
	w.shut(office.Closure{Department: w.department("ecology"), Day: day}) // does not come
	if w.hasTask(TaskHoliday) {
		t.Fatal("told of another day, or of a department that does not come")
	}
	takeOff(w, day)
	w.shut(office.Closure{Centre: w.centre.ID, Day: day.AddDays(31)})
	now, err := w.FindVisit(t.Context(), w.clerk, v.ID)
	w.must(err)
	told := slices.DeleteFunc(now.Tasks, func(task Task) bool { return task.Kind != TaskHoliday })
	if len(told) != 1 || told[0].Subject != v.ID || !strings.Contains(told[0].Detail, day.String()) {
		t.Errorf("told %+v", told)
	}
	if now.State != VisitOffered || !now.Start.Equal(v.Start) {
		t.Errorf("%s at %s", now.State, now.Start)
	}
	if p := w.part(v.ID, "fire"); len(p.OpenHolds()) != 0 || p.Consent != ConsentAwaiting {
		t.Errorf("%s, %d holds", p.Consent, len(p.OpenHolds()))
	}
	_, err = w.Cancel(t.Context(), w.clerk, v.ID, "holiday", "当天放假")
	w.must(err)
	if w.hasTask(TaskHoliday) {
		t.Error("the task outlives its visit")
	}
}

// INS-410: who closes a day while somebody books it waits and tells the window.
func TestABookingInTheMakingIsNotMissedByTheClosureOfItsDay(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		draft := w.newDraft()
		choice := w.bestSlot(draft.ID)
		checked := lateWriter{make(chan struct{})}
		d.Watch(checked)
		booked := make(chan error)
		go func() {
			_, err := w.Book(context.Background(), w.clerk, BookRequest{VisitID: draft.ID, Choice: choice})
			booked <- err
		}()
		<-checked.reached
		w.shut(office.Closure{Centre: w.centre.ID, Day: dateOf(choice.Start)})
		w.must(<-booked)
		if !w.hasTask(TaskHoliday) {
			t.Error("booked on a day that is closed, and nobody is told")
		}
	})
}

// lateWriter lets time pass between the check of a time and what is written of it.
type lateWriter struct{ reached chan struct{} }

func (l lateWriter) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if strings.HasPrefix(e.Query, `INSERT INTO "rounds"`) {
		close(l.reached)
		<-time.After(300 * time.Millisecond)
	}
	return ctx
}

func (lateWriter) AfterQuery(context.Context, *bun.QueryEvent) {}
