package inspection

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

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
	return w.visitFor(r, hour, min)
}

// visitFor books what was asked for, as visitAt does.
func (w *testWorld) visitFor(r AcceptRequest, hour, min int) Visit {
	w.t.Helper()
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

func TestOnlyDepartmentsThatHaveToComeToBothMakeTwoVisitsOneTrip(t *testing.T) { // INS-609
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		first := w.visitAt("冷水滩区梧桐路88号", 26.43, 111.61, 9, 30)
		guests := restaurant() // police alone
		area, err := ParseDecimal("50")
		w.must(err)
		guests.MatterCode = "M09"
		guests.Answers = Answers{
			"floor_area_m2": Number(area), "serves_food": YesNo(false), "outdoor_sign": YesNo(false), "fit_out": YesNo(false),
			"near_cultural_relic": YesNo(false), "has_kitchen_flue": YesNo(false), "central_air_conditioning": YesNo(false),
		}
		w.visitFor(guests, 11, 0)
		if got := w.near(first); len(got) != 0 {
			t.Fatalf("with nobody in common: %+v", got)
		}
		w.must(d.Write(ctx, func(tx bun.IDB) error {
			_, err := tx.NewRaw("UPDATE matter_rules SET attendance = 'invited' WHERE matter_code = 'M03' AND system = 'urban'").Exec(ctx)
			return err
		}))
		second := w.visitAt("冷水滩区梧桐路10号", 26.437, 111.61, 10, 45)
		common := func() (out []string) {
			for _, n := range w.near(first) {
				out = append(out, n.Departments...)
			}
			slices.Sort(out)
			return out
		}
		want := []string{w.department("amr"), w.department("fire")}
		slices.Sort(want)
		if got := common(); !slices.Equal(got, want) {
			t.Errorf("with urban invited to one of them %v come to both, want %v", got, want)
		}
		w.must(w.Withdraw(ctx, w.boss, WithdrawRequest{ParticipantID: w.part(second.ID, "fire").ID, Code: "other", Reason: "场所已单独验收"}))
		if got := common(); !slices.Equal(got, []string{w.department("amr")}) {
			t.Errorf("with fire taken out of one of them %v come to both", got)
		}
	})
}

// Two places without a point would lie 0 km from each other.
func TestPlacesWithoutAPointAreNearOnlyAtTheSameAddress(t *testing.T) { // INS-609
	t.Parallel()
	here, there := Site{Address: "梧桐路88号", Lat: 26.43, Lon: 111.61}, Site{Address: "梧桐路10号", Lat: 26.437, Lon: 111.61}
	nowhere := func(address string) Site { return Site{Address: address} }
	for _, c := range []struct {
		name string
		a, b Site
		km   int
		want bool
	}{
		{"0.8 km", here, there, 1, true},
		{"beyond the radius", here, Site{Address: "远处", Lat: 26.45, Lon: 111.61}, 1, false},
		{"switched off", here, here, 0, false},
		{"the same address without points", nowhere("梧桐路88号"), nowhere("梧桐路88号"), 1, true},
		{"the same address, one with a point", here, nowhere("梧桐路88号"), 1, true},
		{"two addresses without points", nowhere("梧桐路88号"), nowhere("梧桐路10号"), 1, false},
		{"two addresses, one with a point", here, nowhere("梧桐路10号"), 20000, false},
		{"nothing known of either", nowhere(""), nowhere(""), 1, false},
	} {
		if got := within(c.a, c.b, c.km); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
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
		w.clock.forward(16 * time.Minute) // INS-510
		if got := w.near(draft); len(got) != 0 {
			t.Errorf("with a hold that is over: %+v", got)
		}
		_, err = w.HoldSlot(t.Context(), w.clerk, draft.ID, choiceOfOffer(answer.Offers[0]))
		w.must(err)
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

func TestATripIsMadeOfVisitsThatHaveNotBegun(t *testing.T) { // INS-609
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first, second := w.pairNear()
		w.until(first.Start)
		for _, r := range []JoinRequest{{VisitID: first.ID, With: second.ID}, {VisitID: second.ID, With: first.ID}} {
			_, err := w.JoinTrip(t.Context(), w.clerk, r)
			w.refused(err, "bad_move")
		}
	})
}

// fourth gives each of the three departments one person more: enough for two visits
// at a time.
func (w *testWorld) fourth() {
	w.t.Helper()
	for _, system := range []string{"amr", "fire", "urban"} {
		r := w.people[system][0]
		r.ID, r.Name, r.PersonID = "", r.Name+"丁", system+"4"
		_, err := w.AddResource(w.t.Context(), systemActor, r, once.Key{})
		w.must(err)
	}
}

func TestTwoVisitsOfDifferentTripsAreNotJoined(t *testing.T) { // INS-609
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.fourth()
		var early, late []Visit
		for range 2 {
			early = append(early, w.visitAt("冷水滩区梧桐路88号", 26.43, 111.61, 9, 30))
			late = append(late, w.visitAt("冷水滩区梧桐路88号", 26.43, 111.61, 10, 45))
		}
		one, two := w.join(early[0], late[0]), w.join(early[1], late[1])
		_, err := w.JoinTrip(t.Context(), w.clerk, JoinRequest{VisitID: early[0].ID, With: late[1].ID})
		w.refused(err, "trip_other")
		if a, b := w.trip(one.ID), w.trip(two.ID); len(a.Stops) != 2 || len(b.Stops) != 2 {
			t.Errorf("%d and %d stops", len(a.Stops), len(b.Stops))
		}
		if got := w.near(early[0]); slices.ContainsFunc(got, func(n Near) bool { return n.Visit.ID == late[1].ID }) {
			t.Error("what is in another trip is offered")
		}
	})
}

func TestATripGoesWithTheVehicleOfTheVisitThatIsJoined(t *testing.T) { // INS-609
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.vehicles("湘M·A001", "湘M·A002")
		first, second := w.pairNear()
		car := func(v Visit) (id string) {
			w.must(w.DB.Read(t.Context(), func(q bun.IDB) (err error) {
				id, err = vehicleOf(t.Context(), q, v.ID)
				return err
			}))
			return id
		}
		was, want := car(second), car(first)
		if was == want || was == "" || want == "" {
			t.Fatalf("the vehicles are %q and %q", want, was)
		}
		if trip := w.join(second, first); trip.VehicleID != want || car(second) != want || car(first) != want {
			t.Errorf("the trip goes with %q, not %q", trip.VehicleID, want)
		}
	})
}

func TestStopsBetweenWhichThereIsNoTimeForTheWayAreNoTrip(t *testing.T) { // INS-609, INS-506
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.fourth() // others make the second visit
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
