package inspection

import (
	"slices"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// away enters the leave of a resource without looking at visits.
func (w *testWorld) away(id string, from, to time.Time) Absence {
	w.t.Helper()
	a, err := w.EnterLeave(w.t.Context(), w.clerk, Absence{ResourceID: id, Start: from, End: to, Reason: "病假"}, once.Key{})
	w.must(err)
	return a
}

func (w *testWorld) plan(a Absence) LeavePlan {
	w.t.Helper()
	plan, err := w.PlanLeave(w.t.Context(), w.clerk, a.ID)
	w.must(err)
	return plan
}

// commit does all lines of a plan.
func (w *testWorld) commit(plan LeavePlan) []LeaveDone {
	w.t.Helper()
	var lines []LeaveChoice
	for _, l := range plan.Lines {
		lines = append(lines, LeaveChoice{VisitID: l.Visit.ID, Round: l.Round, Way: l.Way, In: l.In, Choice: l.Choice})
	}
	done, err := w.CommitLeave(w.t.Context(), w.clerk, plan.Absence.ID, "周队长", lines, once.Key{})
	w.must(err)
	return done
}

func dayOfVisit(v Visit) (from, to time.Time) {
	day := dateOf(v.Start)
	return day.Midnight().UTC(), day.AddDays(1).Midnight().UTC()
}

func TestALeaveIsEnteredAtOnceAndProposesASubstituteFirst(t *testing.T) { // INS-611, PLN-604
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-23")
		w.tick()
		sick := w.part(v.ID, "fire").People[0]
		from, to := dayOfVisit(v)
		a := w.away(sick.ID, from, to)
		choice := SlotChoice{Start: v.Start.Add(2 * time.Hour)}
		for _, b := range w.bookings(v) {
			choice.Resources = append(choice.Resources, b.ResourceID)
		}
		_, err := w.Book(t.Context(), w.clerk, BookRequest{VisitID: w.newDraft().ID, Choice: choice})
		if err == nil {
			t.Fatal("somebody on leave was booked")
		}
		if !w.hasTask(TaskLeave) {
			t.Error("the window has no task")
		}
		plan := w.plan(a)
		if len(plan.Lines) != 1 || plan.Lines[0].Way != LeaveSubstitute || plan.Lines[0].In == "" || len(plan.Lines[0].Choices) != 1 {
			t.Fatalf("proposed is %+v", plan.Lines)
		}
		if done := w.commit(plan); len(done) != 1 || done[0].Err != nil {
			t.Fatalf("%+v", done)
		}
		p := w.part(v.ID, "fire")
		if p.Round != 1 || slices.ContainsFunc(p.People, func(r Resource) bool { return r.ID == sick.ID }) || w.hasTask(TaskLeave) {
			t.Errorf("fire comes in round %d with %+v, task %v", p.Round, p.People, w.hasTask(TaskLeave))
		}
		if again := w.plan(a); len(again.Lines) != 0 {
			t.Errorf("left are %+v", again.Lines)
		}
	})
}

func TestWithoutASubstituteTheSameDayComesBeforeAnotherDayBeforeNothing(t *testing.T) { // INS-611, PLN-604
	for _, c := range []struct {
		name string
		to   func(v Visit) time.Time
		want LeaveWay
	}{
		{"for the visit alone", func(v Visit) time.Time { return v.End }, LeaveSameDay},
		{"all day", func(v Visit) time.Time { _, to := dayOfVisit(v); return to }, LeaveOtherDay},
		{"until after the limit date", func(v Visit) time.Time { return v.End.AddDate(0, 2, 0) }, LeaveUnsolved},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, town.SQLite(t))
			v := w.bookedOn("2026-11-23")
			w.tick()
			from, _ := dayOfVisit(v)
			if c.want == LeaveUnsolved {
				from = w.clock.Now()
			}
			r := w.exchange(v, "fire")
			w.away(r.In, from, c.to(v))
			a := w.away(r.Out, from, c.to(v))
			plan := w.plan(a)
			if len(plan.Lines) != 1 || plan.Lines[0].Way != c.want {
				t.Fatalf("proposed is %+v", plan.Lines)
			}
			if c.want == LeaveUnsolved {
				if done := w.commit(plan); !fault.Is(done[0].Err, "leave_way") {
					t.Errorf("%+v", done)
				}
				return
			}
			if same := dateOf(plan.Lines[0].Choice.Start) == dateOf(v.Start); same != (c.want == LeaveSameDay) {
				t.Errorf("moved to %v", plan.Lines[0].Choice.Start)
			}
			if done := w.commit(plan); done[0].Err != nil {
				t.Fatal(done[0].Err)
			}
			if p := w.part(v.ID, "fire"); p.Round != 2 || w.hasTask(TaskLeave) {
				t.Errorf("round %d, task %v", p.Round, w.hasTask(TaskLeave))
			}
		})
	}
}

func TestAStaleLineIsRefusedAndTheOthersAreDone(t *testing.T) { // INS-611, INS-602
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.hire(2)
		first := w.served()
		sick := w.part(first.ID, "fire").People[0]
		from, to := dayOfVisit(first)
		var second Visit
		answer, err := w.Slots(t.Context(), w.clerk, SlotRequest{VisitID: w.newDraft().ID, From: dateOf(first.Start), To: dateOf(first.Start), Limit: 200})
		w.must(err)
		for _, o := range answer.Offers { // another visit of the same day with the same person
			c := choiceOf(o.Start, o.People)
			if slices.Contains(c.Resources, sick.ID) {
				second, err = w.Book(t.Context(), w.clerk, BookRequest{VisitID: w.newDraft().ID, Choice: c})
				w.must(err)
				break
			}
		}
		if second.ID == "" {
			c := choiceOf(answer.Offers[len(answer.Offers)-1].Start, answer.Offers[len(answer.Offers)-1].People)
			fire := w.part(first.ID, "fire").People
			c.Resources = slices.DeleteFunc(c.Resources, func(id string) bool {
				return slices.ContainsFunc(w.people["fire"], func(r Resource) bool { return r.ID == id })
			})
			for _, r := range fire {
				c.Resources = append(c.Resources, r.ID)
			}
			second, err = w.Book(t.Context(), w.clerk, BookRequest{VisitID: w.newDraft().ID, Choice: c})
			w.must(err)
		}
		w.tick()
		plan := w.plan(w.away(sick.ID, from, to))
		if len(plan.Lines) != 2 {
			t.Fatalf("%d lines", len(plan.Lines))
		}
		w.clock.forward(time.Minute)
		_, err = w.Retime(t.Context(), w.clerk, RetimeRequest{VisitID: first.ID, Choice: w.laterSlot(first), Code: "weather", Reason: "暴雨"})
		w.must(err)
		for _, done := range w.commit(plan) {
			if done.VisitID == first.ID {
				w.refused(done.Err, "plan_stale")
			} else {
				w.must(done.Err)
			}
		}
		if p := w.part(second.ID, "fire"); slices.ContainsFunc(p.People, func(r Resource) bool { return r.ID == sick.ID }) {
			t.Error("the second visit still has the sick one")
		}
	})
}

func TestABrokenVehicleIsReplacedByAnother(t *testing.T) { // INS-611, INS-208
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, name := range []string{"一号车", "二号车"} {
			_, err := w.AddResource(t.Context(), systemActor, Resource{Kind: KindVehicle, Name: name, CentreID: w.centre.ID, Seats: 5}, once.Key{})
			w.must(err)
		}
		draft := w.newDraft()
		answer, err := w.Slots(t.Context(), w.clerk, SlotRequest{VisitID: draft.ID, Limit: 1})
		w.must(err)
		if answer.Offers[0].Vehicle == "" {
			t.Fatal("no vehicle is offered")
		}
		v, err := w.Book(t.Context(), w.clerk, BookRequest{VisitID: draft.ID, Choice: choiceOfOffer(answer.Offers[0])})
		w.must(err)
		from, to := dayOfVisit(v)
		plan := w.plan(w.away(answer.Offers[0].Vehicle, from, to))
		if len(plan.Lines) != 1 || plan.Lines[0].Way != LeaveSubstitute {
			t.Fatalf("proposed is %+v", plan.Lines)
		}
		if done := w.commit(plan); done[0].Err != nil {
			t.Fatal(done[0].Err)
		}
		if !slices.ContainsFunc(w.bookings(v), func(b Booking) bool { return b.ResourceID == plan.Lines[0].In }) {
			t.Errorf("booked are %+v", w.bookings(v))
		}
		again, err := w.Slots(t.Context(), w.clerk, SlotRequest{VisitID: w.newDraft().ID, From: dateOf(v.Start), To: dateOf(v.Start), Limit: 200})
		w.must(err)
		for _, o := range again.Offers {
			if o.Vehicle == plan.Resource.ID {
				t.Error("a vehicle in repair is offered")
			}
		}
	})
}

func TestOnlyWindowsPlanAndTheirOwnPeopleEnterLeave(t *testing.T) { // INS-611, SEC-3
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	sick := w.part(v.ID, "fire").People[0]
	a := Absence{ResourceID: sick.ID, Start: v.Start, End: v.End}
	_, err := w.EnterLeave(t.Context(), w.inspector("amr"), a, once.Key{})
	w.refused(err, "not_your_resource")
	own := w.inspector("fire")
	own.ID = sick.PersonID
	a, err = w.EnterLeave(t.Context(), own, a, once.Key{})
	w.must(err)
	_, err = w.PlanLeave(t.Context(), own, a.ID)
	w.refused(err, "not_a_window")
	_, err = w.CommitLeave(t.Context(), own, a.ID, "", nil, once.Key{})
	w.refused(err, "not_a_window")
	plan, err := w.PlanLeave(t.Context(), w.city(), a.ID)
	w.must(err)
	if len(plan.Lines) != 1 || !plan.Lines[0].Elsewhere {
		t.Errorf("another window sees %+v", plan.Lines)
	}
}
