package inspection

import (
	"context"
	"strings"
	"sync"
	"testing"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

// vehicles gives the centre so many.
func (w *testWorld) vehicles(names ...string) (out []Resource) {
	w.t.Helper()
	for _, name := range names {
		car, err := w.AddResource(w.t.Context(), systemActor, Resource{Kind: KindVehicle, Name: name, CentreID: w.centre.ID, Seats: 5}, once.Key{})
		w.must(err)
		out = append(out, car)
	}
	return out
}

// visitAt books a restaurant at a place and time with what the best offer names
// there, on Thursday 2026-11-19.
func (w *testWorld) visitAt(address string, lat, lon float64, hour, min int) Visit {
	w.t.Helper()
	r := restaurant()
	r.Site.Address, r.Site.Lat, r.Site.Lon = address, lat, lon
	c, err := w.Accept(w.t.Context(), w.clerk, r)
	w.must(err)
	draft, err := w.Plan(w.t.Context(), w.clerk, PlanRequest{CaseID: c.ID, Kind: KindSite})
	w.must(err)
	day := workday.DateOf(at(19, 0, 0))
	answer, err := w.Slots(w.t.Context(), w.clerk, SlotRequest{VisitID: draft.ID, From: day, To: day, Limit: 500})
	w.must(err)
	for _, o := range answer.Offers {
		if o.Start.Equal(at(19, hour, min)) {
			v, err := w.Book(w.t.Context(), w.clerk, BookRequest{VisitID: draft.ID, Choice: choiceOfOffer(o)})
			w.must(err)
			return v
		}
	}
	w.t.Fatalf("nothing at %d:%02d: %+v", hour, min, answer.Explanation)
	return Visit{}
}

// pairNear are two visits of one morning, 0.8 km from each other.
func (w *testWorld) pairNear() (first, second Visit) {
	return w.visitAt("冷水滩区梧桐路88号", 26.43, 111.61, 9, 30), w.visitAt("冷水滩区梧桐路10号", 26.437, 111.61, 10, 45)
}

func (w *testWorld) near(v Visit) []Near {
	w.t.Helper()
	out, err := w.NearVisits(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	return out
}

func (w *testWorld) join(v, with Visit) Trip {
	w.t.Helper()
	trip, err := w.JoinTrip(w.t.Context(), w.clerk, JoinRequest{VisitID: v.ID, With: with.ID})
	w.must(err)
	return trip
}

func (w *testWorld) trip(id string) TripView {
	w.t.Helper()
	out, err := w.FindTrip(w.t.Context(), w.clerk, id)
	w.must(err)
	return out
}

func TestVisitsNearbyOnTheSameHalfDayThatShareADepartmentAreShown(t *testing.T) { // INS-609, INS-1210
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first, second := w.pairNear()
		far := w.visitAt("冷水滩区远处", 26.47, 111.61, 13, 30) // 3.7 km from the next one
		near := w.visitAt("冷水滩区近处", 26.437, 111.61, 15, 0)
		got := w.near(second)
		if len(got) != 1 || got[0].Visit.ID != first.ID || got[0].Kilometres != 0.8 || got[0].Minutes != 15 || got[0].Tight || len(got[0].Departments) != 3 {
			t.Fatalf("near the second: %+v", got)
		}
		if got[0].Visits != 2 || got[0].Saved != 1 {
			t.Errorf("%d visits, %d trips saved", got[0].Visits, got[0].Saved)
		}
		if got := w.near(near); len(got) != 0 {
			t.Errorf("beyond the radius, or in the other half of the day: %+v", got)
		}
		_, err := w.JoinTrip(t.Context(), w.clerk, JoinRequest{VisitID: near.ID, With: far.ID})
		w.refused(err, "trip_not_near")
	})
}

func TestTheSlotThatIsHeldIsComparedWithWhatIsNearby(t *testing.T) { // INS-609
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first := w.visitAt("冷水滩区梧桐路88号", 26.43, 111.61, 9, 30)
		draft := w.newDraft()
		if got := w.near(draft); len(got) != 0 {
			t.Errorf("with no time yet: %+v", got)
		}
		day := workday.DateOf(first.Start)
		answer, err := w.Slots(t.Context(), w.clerk, SlotRequest{VisitID: draft.ID, From: day, To: day, Band: slot.Morning, Limit: 1})
		w.must(err)
		_, err = w.HoldSlot(t.Context(), w.clerk, draft.ID, choiceOfOffer(answer.Offers[0]))
		w.must(err)
		if got := w.near(draft); len(got) != 1 || got[0].Visit.ID != first.ID || got[0].Kilometres != 0 {
			t.Errorf("%+v", got)
		}
		_, err = w.office.ProposeSetting(t.Context(), office.SettingChange{Key: "batch.radius_km", Value: "0", Reason: "不拼车"}, "person:one")
		w.must(err)
		if got := w.near(draft); len(got) != 0 {
			t.Errorf("switched off: %+v", got)
		}
	})
}

func TestOneVehicleMakesVisitsInARowAndNoneOfThemMoves(t *testing.T) { // INS-609, INS-607, INS-1210
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first := w.visitAt("冷水滩区梧桐路88号", 26.43, 111.61, 9, 30) // before there was any vehicle
		w.vehicles("湘M·A001", "湘M·A002")
		second := w.visitAt("冷水滩区梧桐路10号", 26.437, 111.61, 10, 45)
		third := w.visitAt("冷水滩区梧桐路12号", 26.4375, 111.61, 15, 0)
		before := w.part(first.ID, "amr")
		w.tick()
		letters := w.count("messages", "1 = 1")
		trip := w.join(first, second)
		if again := w.join(first, second); again.ID != trip.ID {
			t.Error("the same two are in another trip")
		}
		view := w.trip(trip.ID)
		if len(view.Stops) != 2 || view.Stops[0].Visit.ID != first.ID || view.Stops[1].Visit.ID != second.ID || view.Saved != 1 {
			t.Fatalf("%+v", view)
		}
		if view.Stops[0].Vehicle == "" || view.Stops[0].Vehicle != view.Stops[1].Vehicle || view.Stops[0].Other || view.Vehicle != view.Stops[0].Vehicle {
			t.Errorf("the vehicles are %q and %q", view.Stops[0].Vehicle, view.Stops[1].Vehicle)
		}
		if view.Stops[1].Way != 15 || view.Back == 0 || len(view.Stops[0].People) != 3 || len(view.Stops[0].People[0].Names) != 2 {
			t.Errorf("%+v", view.Stops)
		}
		if got := w.caseState(first.CaseID); got.State != CaseVisiting || w.part(first.ID, "amr").Round != 1 || !w.part(first.ID, "amr").RespondBy.Equal(before.RespondBy) && !before.RespondBy.IsZero() {
			t.Error("joining moved the visit")
		}
		if n := w.count("messages", "1 = 1"); n != letters {
			t.Errorf("%d messages were written", n-letters)
		}
		_, err := w.JoinTrip(t.Context(), w.clerk, JoinRequest{VisitID: third.ID, With: first.ID})
		w.refused(err, "trip_not_near")
		day, err := w.TripsOf(t.Context(), w.clerk, workday.DateOf(first.Start))
		w.must(err)
		if len(day.Trips) != 1 || len(day.Alone) != 1 || day.Saved != 1 {
			t.Errorf("%d trips, %d alone, %d saved", len(day.Trips), len(day.Alone), day.Saved)
		}
	})
}

func TestATripIsRefusedThatNobodyCouldDrive(t *testing.T) { // INS-609, INS-506, INS-602
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first, second := w.pairNear()
		for _, c := range []struct {
			code string
			by   auth.Actor
			r    JoinRequest
		}{
			{"trip_not_near", w.clerk, JoinRequest{VisitID: first.ID, With: first.ID}},
			{"not_found", w.clerk, JoinRequest{VisitID: first.ID, With: "none"}},
			{"not_a_window", w.inspector("amr"), JoinRequest{VisitID: first.ID, With: second.ID}},
			{"wrong_window", w.city(), JoinRequest{VisitID: first.ID, With: second.ID}},
			{"bad_move", w.clerk, JoinRequest{VisitID: w.newDraft().ID, With: second.ID}},
		} {
			_, err := w.JoinTrip(t.Context(), c.by, c.r)
			w.refused(err, c.code)
		}
	})
}

func TestATripWhoseVehicleCannotBeThereIsRefusedWhole(t *testing.T) { // INS-609, INS-602
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first := w.visitAt("冷水滩区梧桐路88号", 26.43, 111.61, 9, 30) // before there was any vehicle
		car := w.vehicles("湘M·A001")[0]
		second := w.visitAt("冷水滩区梧桐路10号", 26.437, 111.61, 10, 45)
		_, err := w.EnterLeave(t.Context(), w.boss, Absence{ResourceID: car.ID, Kind: "leave", Start: at(19, 8, 0), End: at(19, 10, 0), Reason: "年检"}, key("car"))
		w.must(err)
		_, err = w.JoinTrip(t.Context(), w.clerk, JoinRequest{VisitID: first.ID, With: second.ID})
		w.refused(err, "trip_vehicle")
		if w.count("trips", "1 = 1")+w.count("trip_stops", "1 = 1") != 0 || len(w.bookings(first)) != 6 {
			t.Error("half of it was done")
		}
	})
}

func TestStopsBetweenWhichThereIsNoTimeForTheWayAreNoTrip(t *testing.T) { // INS-609, INS-506
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, system := range []string{"amr", "fire", "urban"} { // others make the second visit
			r := w.people[system][0]
			r.ID, r.Name, r.PersonID = "", r.Name+"丁", system+"4"
			_, err := w.AddResource(t.Context(), systemActor, r, once.Key{})
			w.must(err)
		}
		first, second := w.visitAt("冷水滩区梧桐路88号", 26.43, 111.61, 9, 30), w.visitAt("冷水滩区梧桐路10号", 26.437, 111.61, 10, 30)
		if got := w.near(first); len(got) != 1 || !got[0].Tight {
			t.Fatalf("%+v", got)
		}
		_, err := w.JoinTrip(t.Context(), w.clerk, JoinRequest{VisitID: first.ID, With: second.ID})
		w.refused(err, "trip_tight")
	})
}

func TestAVisitThatIsMovedOrCancelledLeavesItsTripAndTheWindowHearsOfIt(t *testing.T) { // INS-609, INS-608
	for name, end := range map[string]func(*testWorld, Visit){
		"改期": func(w *testWorld, v Visit) { w.moved(v) },
		"取消": func(w *testWorld, v Visit) {
			_, err := w.Cancel(w.t.Context(), w.clerk, v.ID, "applicant_asked", "申请人要求")
			w.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			town.Each(t, func(t *testing.T, d *db.DB) {
				w := newWorld(t, d)
				first, second := w.pairNear()
				trip := w.join(second, first)
				end(w, first)
				view := w.trip(trip.ID)
				if len(view.Stops) != 0 || view.EndedAt.IsZero() {
					t.Errorf("%d stops, ended %v", len(view.Stops), view.EndedAt)
				}
				today, err := w.Today(t.Context(), w.clerk)
				w.must(err)
				said := ""
				for _, task := range today.Tasks {
					if task.Kind == TaskTrip {
						said = task.Detail
					}
				}
				if !strings.Contains(said, first.CaseNumber+"的勘验已"+name) {
					t.Errorf("the window hears %q", said)
				}
				if got := w.caseState(second.CaseID); got.State != CaseVisiting || len(w.bookings(second)) != 6 {
					t.Error("the other visit was touched")
				}
			})
		})
	}
}

func TestAClerkTakesAVisitOutOfItsTripAndMayPutItBack(t *testing.T) { // INS-609
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first, second := w.pairNear()
		w.refused(w.LeaveTrip(t.Context(), w.clerk, first.ID), "no_trip")
		trip := w.join(first, second)
		w.refused(w.LeaveTrip(t.Context(), w.inspector("amr"), first.ID), "not_a_window")
		w.must(w.LeaveTrip(t.Context(), w.clerk, first.ID))
		w.refused(w.LeaveTrip(t.Context(), w.clerk, second.ID), "no_trip") // it was alone
		if w.hasTask(TaskTrip) {
			t.Error("the window tells itself")
		}
		if again := w.join(first, second); again.ID == trip.ID {
			t.Error("a trip that is over goes on")
		}
	})
}

func TestOfManyWhoJoinAndLeaveAtOnceNoVisitIsInTwoTrips(t *testing.T) { // INS-609, DB-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.vehicles("湘M·A001", "湘M·A002")
		first, second := w.pairNear()
		var all sync.WaitGroup
		errs := make([]error, 9)
		for i := range errs {
			all.Go(func() {
				switch i % 3 {
				case 0:
					_, errs[i] = w.JoinTrip(context.Background(), w.clerk, JoinRequest{VisitID: first.ID, With: second.ID})
				case 1:
					_, errs[i] = w.JoinTrip(context.Background(), w.clerk, JoinRequest{VisitID: second.ID, With: first.ID})
				default:
					errs[i] = w.LeaveTrip(context.Background(), w.clerk, first.ID)
				}
			})
		}
		all.Wait()
		for _, err := range errs {
			if err != nil && fault.KindOf(err) != fault.Conflict {
				t.Errorf("%v", err)
			}
		}
		if live, open := w.count("trip_stops", "left_at IS NULL"), w.count("trips", "ended_at IS NULL"); live != 2*open {
			t.Errorf("%d stops in %d trips", live, open)
		}
	})
}
