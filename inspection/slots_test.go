package inspection

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

// friday is the day on which the tests of this file look.
var friday = workday.Date{Year: 2026, Month: time.November, Day: 20}

// change alters rows that no act alters yet.
func (w *testWorld) change(query string, args ...any) {
	w.t.Helper()
	w.tampered = true
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		_, err := tx.NewRaw(query, args...).Exec(w.t.Context())
		return err
	}))
}

// reasons says, by start, what stands against the fire department on friday.
func (w *testWorld) reasons(draft Visit, away ...slot.Span) map[string]slot.Code {
	w.t.Helper()
	answer, err := w.Slots(w.t.Context(), w.clerk, SlotRequest{VisitID: draft.ID, From: friday, To: friday, Explain: true, Away: away})
	w.must(err)
	out := map[string]slot.Code{}
	for i, department := range answer.Departments {
		if department.System != "fire" {
			continue
		}
		for _, cell := range answer.Board[0].Cells[i] {
			out[cell.Start.In(workday.Shanghai).Format("15:04")] = cell.Why.Code
		}
	}
	return out
}

// pair is the first two inspectors of amr, fire and urban.
func (w *testWorld) pair() (ids []string) {
	for _, system := range []string{"amr", "fire", "urban"} {
		for _, r := range w.people[system][:2] {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// bookAt books a case of its own for a time of friday.
func (w *testWorld) bookAt(r AcceptRequest, start time.Time, more ...string) Visit {
	w.t.Helper()
	ctx := w.t.Context()
	c, err := w.Accept(ctx, w.clerk, r)
	w.must(err)
	draft, err := w.Plan(ctx, w.clerk, PlanRequest{CaseID: c.ID, Kind: KindSite})
	w.must(err)
	v, err := w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: SlotChoice{Start: start, Resources: append(w.pair(), more...)}})
	w.must(err)
	return v
}

// elsewhere is a case some 6.7 km away: 30 minutes by INS-506.
func elsewhere() AcceptRequest {
	r := restaurant()
	r.Site.Address, r.Site.Lat = "冷水滩区珊瑚路9号", 26.49
	return r
}

// Two inspectors are needed and the third has left, so whatever takes one of the
// two stands against the department.
func TestWhatTakesAnInspectorIsKnownToTheSearch(t *testing.T) { // INS-502, INS-505, INS-506, INS-209, INS-210
	leave := func(kind string) func(*testWorld, Resource) {
		return func(w *testWorld, r Resource) {
			_, err := w.AddAbsence(t.Context(), w.boss, Absence{ResourceID: r.ID, Start: at(20, 10, 0), End: at(20, 11, 0), Kind: kind}, once.Key{})
			w.must(err)
		}
	}
	visit := func(request AcceptRequest, start time.Time) func(*testWorld, Resource) {
		return func(w *testWorld, _ Resource) { w.bookAt(request, start) }
	}
	for _, c := range []struct {
		name string
		do   func(*testWorld, Resource)
		want map[string]slot.Code
	}{
		{"nothing", func(*testWorld, Resource) {}, map[string]slot.Code{
			"09:00": slot.Travel, "09:15": slot.Travel, "09:30": "", "11:00": "", "11:15": slot.Lunch, "13:30": "", "16:00": "", "16:15": slot.Travel,
		}},
		{"leave", leave(absenceLeave), map[string]slot.Code{"09:15": slot.OnLeave, "10:45": slot.OnLeave, "11:00": ""}},
		{"a busy time from outside, with its buffer before", leave(absenceExternal), map[string]slot.Code{"09:00": slot.Buffer, "09:15": slot.Busy, "10:45": slot.Busy, "11:00": ""}},
		{"a visit, with its buffer", visit(restaurant(), at(20, 14, 0)), map[string]slot.Code{"13:30": slot.Busy, "14:45": slot.Busy, "15:00": slot.Buffer, "15:15": ""}},
		{"a visit elsewhere, with the way", visit(elsewhere(), at(20, 14, 0)), map[string]slot.Code{"15:00": slot.Buffer, "15:15": slot.Travel, "15:30": ""}},
		{"another clerk's hold", func(w *testWorld, _ Resource) {
			_, err := w.HoldSlot(t.Context(), w.clerk, w.newDraft().ID, SlotChoice{Start: at(20, 14, 0), Resources: w.pair()})
			w.must(err)
		}, map[string]slot.Code{"14:00": slot.Reserved, "11:00": ""}},
		{"a recusal", func(w *testWorld, r Resource) {
			w.must(w.Recuse(t.Context(), w.boss, Recusal{ResourceID: r.ID, Applicant: restaurant().Applicant.Name, Reason: "近亲属"}))
		}, map[string]slot.Code{"10:00": slot.Recused}},
		{"a recusal for somebody else", func(w *testWorld, r Resource) {
			w.must(w.Recuse(t.Context(), w.boss, Recusal{ResourceID: r.ID, Applicant: "另一家店", Reason: "近亲属"}))
		}, map[string]slot.Code{"10:00": ""}},
		{"a qualification for another matter", func(w *testWorld, r Resource) {
			w.change(`UPDATE resources SET qualifications = '[{"matter":"M99","division":"431103"}]' WHERE id = ?`, r.ID)
		}, map[string]slot.Code{"10:00": slot.NotQualified}},
		{"a qualification for another district", func(w *testWorld, r Resource) {
			w.change(`UPDATE resources SET qualifications = '[{"matter":"*","division":"431102"}]' WHERE id = ?`, r.ID)
		}, map[string]slot.Code{"10:00": slot.NotQualified}},
		{"a certificate that ends the day before", func(w *testWorld, r Resource) {
			w.change("UPDATE resources SET valid_until = '2026-11-19' WHERE id = ?", r.ID)
		}, map[string]slot.Code{"10:00": slot.NotQualified}},
		{"a certificate that ends that day", func(w *testWorld, r Resource) {
			w.change("UPDATE resources SET valid_until = '2026-11-20' WHERE id = ?", r.ID)
		}, map[string]slot.Code{"10:00": ""}},
		{"a daily limit of one's own", func(w *testWorld, r Resource) {
			w.change("UPDATE resources SET per_day = 1 WHERE id = ?", r.ID)
			w.bookAt(restaurant(), at(20, 14, 0))
		}, map[string]slot.Code{"10:00": slot.DayFull}},
		{"the daily limit of the house", func(w *testWorld, _ Resource) {
			w.set("inspector.max_per_day", "1")
			w.bookAt(restaurant(), at(20, 14, 0))
		}, map[string]slot.Code{"10:00": slot.DayFull}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, town.SQLite(t))
			w.change("UPDATE resources SET active = ? WHERE id = ?", false, w.people["fire"][2].ID)
			draft := w.newDraft()
			c.do(w, w.people["fire"][0])
			got := w.reasons(draft)
			for start, want := range c.want {
				if got[start] != want {
					t.Errorf("%s: %q, want %q", start, got[start], want)
				}
			}
		})
	}
}

func TestTheApplicantsAbsencesAreKnownToTheSearch(t *testing.T) { // INS-502 applicant_away
	w := newWorld(t, town.SQLite(t))
	got := w.reasons(w.newDraft(), slot.Span{From: at(20, 9, 0), To: at(20, 12, 0)})
	if got["10:00"] != slot.ApplicantAway || got["14:00"] != "" {
		t.Errorf("10:00 %q, 14:00 %q", got["10:00"], got["14:00"])
	}
}

func TestOneVehicleServesOneVisitAtATime(t *testing.T) { // PRO-8, INS-502 no_vehicle
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.hire(2)
		w.set("vehicle.policy", office.VehicleRequired)
		car, err := w.AddResource(ctx, systemActor, Resource{Kind: KindVehicle, Name: "湘M·A001", CentreID: w.centre.ID}, once.Key{})
		w.must(err)
		draft := w.newDraft()
		w.bookAt(restaurant(), at(20, 14, 0), car.ID)
		if got := w.reasons(draft); got["14:00"] != slot.NoVehicle || got["10:00"] != "" {
			t.Errorf("14:00 %q, 10:00 %q", got["14:00"], got["10:00"])
		}
		others := SlotChoice{Start: at(20, 14, 0)}
		for _, system := range []string{"amr", "fire", "urban"} {
			others.Resources = append(others.Resources, w.people[system][2].ID, w.people[system][3].ID)
		}
		_, err = w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: others})
		w.refused(err, "slot_taken") // nothing to go in
		others.Resources = append(others.Resources, car.ID)
		_, err = w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: others})
		w.refused(err, "slot_taken")
		w.noOverlap()
	})
}

func TestOneRoomServesOneReviewAtATime(t *testing.T) { // PRO-8, INS-502 no_room
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	w.forBoth()
	w.hire(2)
	room, err := w.AddResource(ctx, systemActor, Resource{Kind: KindRoom, Name: "三楼会议室", CentreID: w.centre.ID}, once.Key{})
	w.must(err)
	var reviews [2]Visit
	for i := range reviews {
		reviews[i], err = w.Plan(ctx, w.clerk, PlanRequest{CaseID: w.newCase().ID, Kind: KindReview})
		w.must(err)
	}
	_, err = w.Book(ctx, w.clerk, BookRequest{VisitID: reviews[0].ID, Choice: SlotChoice{Start: at(20, 14, 0), Resources: append(w.pair(), room.ID)}})
	w.must(err)
	if got := w.reasons(reviews[1]); got["14:00"] != slot.NoRoom || got["10:00"] != "" {
		t.Errorf("14:00 %q, 10:00 %q", got["14:00"], got["10:00"])
	}
}

func TestOnlyWhoMayComeCanBeTaken(t *testing.T) { // INS-502, INS-503, INS-512
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	draft := w.newDraft()
	city := w.city()
	foreign, err := w.AddResource(ctx, systemActor, Resource{Kind: KindVehicle, Name: "市直001", CentreID: city.Centre}, once.Key{})
	w.must(err)
	scrapped, err := w.AddResource(ctx, systemActor, Resource{Kind: KindVehicle, Name: "湘M·A009", CentreID: w.centre.ID}, once.Key{})
	w.must(err)
	w.change("UPDATE resources SET active = ? WHERE id = ?", false, scrapped.ID)
	w.change("UPDATE resources SET active = ? WHERE id = ?", false, w.people["fire"][2].ID)
	swap := func(i int, id string) []string {
		ids := w.pair()
		ids[i] = id
		return ids
	}
	for name, ids := range map[string][]string{
		"one of two":             w.pair()[:5],
		"nobody of a department": w.pair()[:4],
		"somebody who has left":  swap(2, w.people["fire"][2].ID),
		"another department's":   append(w.pair(), w.people["police"][0].ID),
		"another centre's car":   append(w.pair(), foreign.ID),
		"a car out of use":       append(w.pair(), scrapped.ID),
	} {
		_, err := w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: SlotChoice{Start: at(20, 10, 0), Resources: ids}})
		if !fault.Is(err, "slot_refused") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: SlotChoice{Start: at(20, 10, 0), Resources: append(w.pair(), "nobody")}})
	w.refused(err, "not_found")
	w.bookAt(restaurant(), at(20, 10, 0))
}

// city is a clerk of the city's centre.
func (w *testWorld) city() auth.Actor {
	w.t.Helper()
	ctx := w.t.Context()
	centre, err := w.office.AddCentre(ctx, office.Centre{
		Division: "431100", Name: "永州市政务服务中心", Address: "永州大道", Phone: "0746-8000001", OrganisesVisits: true,
		Hours: workday.DefaultHours(), Lat: 26.42, Lon: 111.61,
	}, "system:test")
	w.must(err)
	window, err := w.office.AddWindow(ctx, office.Window{CentreID: centre.ID, Number: "1", Phone: "0746-8000002"}, "system:test")
	w.must(err)
	return auth.Actor{Kind: auth.KindPerson, ID: "city", Roles: []auth.Role{auth.Clerk}, Centre: centre.ID, Window: window.ID}
}

func TestTheFirstDayIsTwoWorkingDaysOffAndTheLastIsTheLimitDate(t *testing.T) { // INS-605, INS-612
	for _, c := range []struct {
		day                   int // of November, 09:40
		tooSoon, first, limit workday.Date
	}{
		{17, november(18), november(19), november(24)},
		{20, november(23), november(24), november(27)}, // over a weekend
	} {
		w := newWorldAt(t, dbtest.SQLite(t), at(c.day, 9, 40))
		ctx := t.Context()
		draft := w.newDraft()
		search := func(r SlotRequest) []workday.Date {
			r.VisitID, r.From, r.To, r.Limit = draft.ID, november(c.day), c.limit.AddDays(7), 1000
			answer, err := w.Slots(ctx, w.clerk, r)
			w.must(err)
			days := map[workday.Date]bool{}
			for _, o := range answer.Offers {
				days[o.Date] = true
			}
			return slices.SortedFunc(maps.Keys(days), func(a, b workday.Date) int { return a.Midnight().Compare(b.Midnight()) })
		}
		if days := search(SlotRequest{}); days[0] != c.first || days[len(days)-1] != c.limit {
			t.Errorf("offered from %s to %s, want %s to %s", days[0], days[len(days)-1], c.first, c.limit)
		}
		if days := search(SlotRequest{PastLimit: true}); !c.limit.Before(days[len(days)-1]) {
			t.Errorf("beyond the limit date nothing is shown")
		}
		_, err := w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: SlotChoice{Start: c.tooSoon.At(10 * 60), Resources: w.pair()}})
		w.refused(err, "slot_refused")
		if refusal, _ := fault.From(err); refusal.Details["reason"] != string(slot.LeadTime) {
			t.Errorf("one working day ahead: %v", refusal.Details)
		}
		late := BookRequest{VisitID: draft.ID, Choice: SlotChoice{Start: c.limit.AddDays(3).At(10 * 60), Resources: w.pair()}}
		_, err = w.Book(ctx, w.boss, late)
		w.refused(err, "past_limit") // even a supervisor says why
	}
}

func november(day int) workday.Date {
	return workday.Date{Year: 2026, Month: time.November, Day: day}
}

func TestAHoldThatHasRunOutIsOfferedAgain(t *testing.T) { // INS-510
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first, second := w.newDraft(), w.newDraft()
		choice := SlotChoice{Start: at(20, 10, 0), Resources: w.pair()}
		_, err := w.HoldSlot(t.Context(), w.clerk, first.ID, choice)
		w.must(err)
		if got := w.reasons(second)["10:00"]; got != slot.Reserved {
			t.Errorf("held: %q", got)
		}
		w.clock.forward(15*time.Minute - time.Millisecond)
		if got := w.reasons(second)["10:00"]; got != slot.Reserved {
			t.Errorf("just before the hold ends: %q", got)
		}
		w.clock.forward(time.Millisecond)
		if got := w.reasons(second)["10:00"]; got != "" {
			t.Errorf("run out: %q", got)
		}
	})
}

func TestAnotherClerksHoldIsBookedByASupervisorOnly(t *testing.T) { // INS-510, INS-612
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		draft := w.newDraft()
		_, err := w.HoldSlot(ctx, w.clerk, draft.ID, SlotChoice{Start: at(20, 10, 0), Resources: w.pair()})
		w.must(err)
		other := w.clerk
		other.ID = "other"
		_, err = w.Book(ctx, other, BookRequest{VisitID: draft.ID})
		w.refused(err, "hold_expired")
		_, err = w.Book(ctx, w.boss, BookRequest{VisitID: draft.ID})
		w.must(err)
	})
}

func TestChoosingAgainGivesTheOldSlotUp(t *testing.T) { // INS-510
	w := newWorld(t, town.SQLite(t))
	first, second := w.newDraft(), w.newDraft()
	for _, hour := range []int{10, 14} {
		_, err := w.HoldSlot(t.Context(), w.clerk, first.ID, SlotChoice{Start: at(20, hour, 0), Resources: w.pair()})
		w.must(err)
	}
	if got := w.reasons(second); got["10:00"] != "" || got["14:00"] != slot.Reserved {
		t.Errorf("10:00 %q, 14:00 %q", got["10:00"], got["14:00"])
	}
}

// bookAll books a draft for each choice, all at once, and gives those that won.
func (w *testWorld) bookAll(choices []SlotChoice) (won []string) {
	w.t.Helper()
	drafts, errs := make([]Visit, len(choices)), make([]error, len(choices))
	for i := range drafts {
		drafts[i] = w.newDraft()
	}
	var all sync.WaitGroup
	for i, c := range choices {
		all.Go(func() {
			_, errs[i] = w.Book(context.Background(), w.clerk, BookRequest{VisitID: drafts[i].ID, Choice: c})
		})
	}
	all.Wait()
	for i, err := range errs {
		if err == nil {
			won = append(won, drafts[i].ID)
		} else if !fault.Is(err, "slot_taken") {
			w.t.Errorf("a loser got %v", err)
		}
	}
	return won
}

// The database knows overlaps only; the rest of the rules hold in a race because
// rows are locked and the check runs again (DEC-5).
func TestLimitsThatNoConstraintKnowsHoldInARace(t *testing.T) { // INS-602, PRO-8, DEC-5
	for name, race := range map[string]func(*testWorld) []SlotChoice{
		"the daily limit of an inspector": func(w *testWorld) (out []SlotChoice) {
			w.set("inspector.max_per_day", "1")
			for _, hour := range []int{10, 14, 15} {
				out = append(out, SlotChoice{Start: at(20, hour, 0), Resources: w.pair()})
			}
			return out
		},
		"the way between two visits": func(w *testWorld) (out []SlotChoice) {
			for _, minutes := range []int{0, 60} { // side by side, no time to go
				out = append(out, SlotChoice{Start: at(20, 14, minutes), Resources: w.pair()})
			}
			return out
		},
		"the visits of a centre": func(w *testWorld) (out []SlotChoice) {
			w.hire(4)
			w.set("centre.max_per_halfday", "1")
			for i := range 3 { // everybody is different
				c := SlotChoice{Start: at(20, 14, 0)}
				for _, system := range []string{"amr", "fire", "urban"} {
					c.Resources = append(c.Resources, w.people[system][2*i].ID, w.people[system][2*i+1].ID)
				}
				out = append(out, c)
			}
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			town.Each(t, func(t *testing.T, d *db.DB) {
				w := newWorld(t, d)
				choices := race(w)
				for range 3 { // until every connection is warm
					if won := w.bookAll(choices); len(won) != 1 {
						t.Fatalf("%d won, want 1", len(won))
					} else {
						_, err := w.Cancel(t.Context(), w.clerk, won[0], "other", "腾出时间")
						w.must(err)
					}
				}
			})
		})
	}
}
