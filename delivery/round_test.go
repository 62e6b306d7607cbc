package delivery

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/scheduler/route"
)

// carriedAt is a parcel with the courier, so many kilometres north of the window;
// none: nobody knows where.
func (w *parcelWorld) carriedAt(km float64) Parcel {
	w.t.Helper()
	r := w.sealRequest(ClassCertificate)
	r.To.Address = fmt.Sprintf("冷水滩区梧桐路%v号", km)
	if km != 0 {
		r.To.Lat, r.To.Lon = 26.45+km/111.195, 111.60
	}
	p, err := w.Seal(w.t.Context(), w.clerk, r)
	w.must(err)
	p = w.dispatch(p, w.courier)
	_, err = w.TakeOver(w.t.Context(), w.courier, []string{p.Number})
	w.must(err)
	return w.parcel(p.ID).Parcel
}

func (w *parcelWorld) planned(by auth.Actor) RoundView {
	w.t.Helper()
	v, err := w.FindRound(w.t.Context(), by, w.courier.ID)
	w.must(err)
	return v
}

func (w *parcelWorld) ordered(first ...string) RoundView {
	w.t.Helper()
	v, err := w.OrderRound(w.t.Context(), w.courier, w.courier.ID, first)
	w.must(err)
	return v
}

// plans are all that were kept.
func (w *parcelWorld) plans() (rows []RoundRow) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		rows = nil
		return q.NewSelect().Model(&rows).Order("made_at", "id").Scan(w.t.Context())
	}))
	return rows
}

func orderOf(v RoundView) (ids []string) {
	for _, s := range v.Stops {
		ids = append(ids, s.ParcelID)
	}
	return ids
}

// DEL-1302, DEL-1307: the round stands in the planned order; what it was planned
// from is kept, and looking again plans nothing.
func TestARoundIsPlannedAndKeptWithItsInput(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		far, lost, near := w.carriedAt(6), w.carriedAt(0), w.carriedAt(1)
		waiting := w.dispatch(w.sealed(), w.courier)
		v := w.planned(w.courier)
		if got := orderOf(v); !slices.Equal(got, []string{near.ID, far.ID, lost.ID}) {
			t.Fatalf("order %v", got)
		}
		if len(v.Taking) != 1 || v.Taking[0].ParcelID != waiting.ID || v.Cause != CauseDay || v.Changes != nil {
			t.Errorf("view %+v", v)
		}
		if why := v.Stops[2].Why.Code; why != route.NoPoint || v.Stops[2].Metres != 0 {
			t.Errorf("the stop without a point stands last for %q", why)
		}
		for _, s := range v.Stops {
			if s.P80.Sub(s.Arrive) < spreadLeast || s.Arrive.Before(w.at) {
				t.Errorf("%s: %s to %s", s.Number, s.Arrive, s.P80)
			}
			if p := w.parcel(s.ParcelID); !p.PredictedAt.Equal(s.Arrive) || !p.PredictedP80.Equal(s.P80) {
				t.Errorf("the parcel expects %s to %s", p.PredictedAt, p.PredictedP80)
			}
		}
		w.planned(w.clerk)
		w.must(w.PlanRounds(t.Context()))
		rows := w.plans()
		if len(rows) != 1 {
			t.Fatalf("%d plans", len(rows))
		}
		again, err := route.Make(rows[0].Problem, rows[0].Plan.Options)
		w.must(err)
		if fmt.Sprint(again) != fmt.Sprint(rows[0].Plan) {
			t.Errorf("planned again from what was kept it is\n%v, not\n%v", again, rows[0].Plan)
		}
		w.at = w.at.Add(roundKept + time.Hour)
		w.must(w.ForgetRounds(t.Context()))
		if rows := w.plans(); len(rows) != 0 {
			t.Errorf("%d plans after a month", len(rows))
		}
	})
}

// DEL-1305: the courier and the window may put a stop first; it stays there, its
// price is told, and it can be taken back.
func TestAStopThatIsPutFirstStaysFirstUntilItIsTakenBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		near, far, south := w.carriedAt(1), w.carriedAt(6), w.carriedAt(-2)
		free := orderOf(w.planned(w.courier))
		v := w.ordered(far.ID)
		if v.Stops[0].ParcelID != far.ID || v.Stops[0].PinnedBy != w.courier.Name || v.Cost.Way <= v.Free.Way {
			t.Errorf("first is %+v for %+v of %+v", v.Stops[0], v.Cost, v.Free)
		}
		late := w.carriedAt(2)
		if v := w.planned(w.courier); v.Stops[0].ParcelID != far.ID || v.Stops[0].Why.Code != route.Kept {
			t.Errorf("a new parcel took the pin away: %+v", v.Stops[0])
		}
		v, err := w.OrderRound(t.Context(), w.clerk, w.courier.ID, []string{south.ID, far.ID})
		w.must(err)
		if got := orderOf(v)[:2]; !slices.Equal(got, []string{south.ID, far.ID}) || v.Stops[0].PinnedBy != w.clerk.Name || v.Stops[1].PinnedBy != w.courier.Name {
			t.Errorf("the window's order: %v", v.Stops)
		}
		v = w.ordered()
		if got := slices.DeleteFunc(orderOf(v), func(id string) bool { return id == late.ID }); !slices.Equal(got, free) {
			t.Errorf("taken back: %v, first it was %v (%s near)", got, free, near.ID)
		}
	})
}

// DEL-108, DEL-1305: a round is its courier's and its window's.
func TestARoundIsReadByItsWindowAndOrderedByFewer(t *testing.T) {
	w := newParcelWorld(t, dbtest.SQLite(t))
	p := w.carriedAt(1)
	gone := w.carriedAt(2)
	w.planned(w.auditor)
	for _, stranger := range []auth.Actor{w.other, w.elsewhere(), w.inspector("amr")} {
		_, err := w.FindRound(t.Context(), stranger, w.courier.ID)
		w.refused(err, "not_found")
		_, err = w.OrderRound(t.Context(), stranger, w.courier.ID, []string{p.ID})
		w.refused(err, "not_found")
	}
	_, err := w.OrderRound(t.Context(), w.auditor, w.courier.ID, nil)
	w.refused(err, "not_receiving_window")
	for _, id := range []string{w.clerk.ID, "nobody"} {
		_, err = w.FindRound(t.Context(), w.clerk, id)
		w.refused(err, "not_found")
	}
	w.deliver(gone)
	for _, first := range [][]string{{gone.ID}, {p.ID, p.ID}, {"x"}} {
		_, err = w.OrderRound(t.Context(), w.courier, w.courier.ID, first)
		w.refused(err, "stop_not_on_round")
	}
}

// deliver lets the courier go to a parcel and hand it over.
func (w *parcelWorld) deliver(p Parcel) {
	w.t.Helper()
	code := w.code(p)
	w.accepted(w.event(p, EventStarted, "a"+p.ID, nil), w.event(p, EventArrived, "a"+p.ID, nil))
	w.later(3)
	w.accepted(w.event(p, EventDelivered, "a"+p.ID, map[string]any{"outcome": ToRecipient, "receiver": "欧阳修", "code": code}))
}

// DEL-1306: on the road a new parcel changes the order behind the next two stops
// only, the courier sees what changed, and may keep the order as it was.
func TestOnTheRoadTheNextTwoStopsStay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		done := w.carriedAt(0.5)
		for km := 2; km <= 5; km++ {
			w.carriedAt(float64(km))
		}
		before := orderOf(w.planned(w.courier))
		w.deliver(done)
		w.accepted(w.event(w.parcel(before[1]).Parcel, EventStarted, "b", nil))
		added := w.carriedAt(1)
		v := w.planned(w.courier)
		got := orderOf(v)
		if !slices.Equal(got[:2], before[1:3]) || !slices.Contains(got, added.ID) {
			t.Fatalf("order %v, before %v, new %s", got, before, added.ID)
		}
		kinds := map[StopChange]string{}
		for _, c := range v.Changes {
			kinds[c.Kind] = c.ParcelID
		}
		if kinds[StopNew] != added.ID || kinds[StopGone] != done.ID || v.Cause != CauseStops || v.Label(done.ID) == done.ID {
			t.Errorf("changes %+v", v.Changes)
		}
		v = w.ordered(before[1:]...)
		if !slices.Equal(orderOf(v)[:4], before[1:]) {
			t.Errorf("kept as it was: %v", orderOf(v))
		}
	})
}

// DEL-1306: where the courier stands is first; who falls behind gets new times.
func TestARoundFollowsTheCourier(t *testing.T) {
	w := newParcelWorld(t, dbtest.SQLite(t))
	near, far := w.carriedAt(1), w.carriedAt(6)
	w.planned(w.courier)
	w.accepted(w.event(far, EventStarted, "a", nil), w.event(far, EventArrived, "a", nil))
	v := w.planned(w.courier)
	if v.Stops[0].ParcelID != far.ID || v.Stops[0].Way != 0 || !v.Stops[0].Arrive.Equal(w.at.Truncate(time.Second)) {
		t.Errorf("the courier stands at %s: %+v", far.ID, v.Stops[0])
	}
	w.later(40)
	v = w.planned(w.courier)
	if v.Cause != CauseLate || !v.Begin.Equal(w.at) {
		t.Errorf("behind the plan: %s, from %s", v.Cause, v.Begin)
	}
	w.fails(far, "a", NotHome, map[string]any{"call_note": "无人接听"})
	v = w.planned(w.courier)
	if len(v.Rest) != 1 || v.Rest[0].ParcelID != far.ID || !slices.Equal(orderOf(v), []string{near.ID}) {
		t.Errorf("after a failed stop: %+v", v)
	}
	if p := w.parcel(far.ID); !p.PredictedAt.IsZero() {
		t.Errorf("what waits for a decision is expected at %s", p.PredictedAt)
	}
	w.at = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) // 20:00
	if v = w.planned(w.courier); v.Begin.Before(w.at.Add(12 * time.Hour)) {
		t.Errorf("in the evening a round begins at %s", v.Begin)
	}
}

// DEL-740: a parcel whose expected arrival leaves its promise less than an hour is
// amber on the page and in the list alike, and green again when it is put first.
func TestAmberFollowsTheExpectedArrival(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		w.at = morning.Add(5*time.Hour + 10*time.Minute) // 15:30, due the next noon
		far := w.carriedAt(1)
		w.at = far.DueAt.Add(-80 * time.Minute)
		for km := 2; km < 8; km++ {
			w.carriedAt(-float64(km))
		}
		lights := func(c PromiseColour) (ids []string) {
			list, err := w.ListParcels(t.Context(), w.clerk, ParcelQuery{Open: true, Colour: c})
			w.must(err)
			for _, p := range list {
				if p.Colour != c {
					t.Errorf("%s is listed as %s and is %s", p.ID, c, p.Colour)
				}
				ids = append(ids, p.ID)
			}
			return ids
		}
		if n := len(lights(ColourGreen)); n != 7 {
			t.Errorf("%d green ones before there is a plan", n)
		}
		v := w.ordered(orderOf(w.planned(w.courier))[1:]...) // the urgent one last
		last := v.Stops[len(v.Stops)-1]
		if last.ParcelID != far.ID || last.Colour != ColourAmber || !slices.Equal(lights(ColourAmber), []string{far.ID}) || len(lights(ColourGreen)) != 6 {
			t.Errorf("last %+v, amber %v", last, lights(ColourAmber))
		}
		w.must(w.Watch(t.Context()))
		var raised []Alert
		w.must(w.DB.Read(t.Context(), func(q bun.IDB) error {
			return q.NewSelect().Model(&raised).Where("kind = ?", AlertAmber).Scan(t.Context())
		}))
		if len(raised) != 1 || raised[0].ParcelID != far.ID {
			t.Errorf("the window hears of %+v", raised)
		}
		w.ordered(far.ID)
		if got := lights(ColourAmber); len(got) != 0 {
			t.Errorf("put first, still amber: %v", got)
		}
	})
}

// DEL-1306: as few stops as possible are said to have moved.
func TestChangesNameTheFewestStops(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"", "abc", "[]"},
		{"abc", "abc", "[]"},
		{"abcd", "bcda", "[{moved a 1 4}]"},
		{"abcd", "acxd", "[{gone b 2 0} {new x 0 3}]"},
		{"abcde", "aedcb", "[{moved d 4 3} {moved c 3 4} {moved b 2 5}]"},
	} {
		split := func(s string) (out []string) {
			for _, r := range s {
				out = append(out, string(r))
			}
			return out
		}
		got := changesOf(split(c.before), split(c.after))
		if len(got) == 0 {
			got = []RoundChange{}
		}
		if text := fmt.Sprint(got); text != c.want {
			t.Errorf("%s → %s: %s, not %s", c.before, c.after, text, c.want)
		}
	}
}

// DEL-402, DEL-1031: what is for one address is one stop with its parcels listed; it
// stays the same stop when one of them has left, and a decision about one of them is
// about the stop.
func TestWhatIsForOneAddressIsOneStop(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		near, far, second := w.carriedAt(1), w.carriedAt(6), w.carriedAt(6)
		v := w.planned(w.courier)
		if len(v.Stops) != 2 || len(v.Stops[0].Also) != 0 || len(v.Stops[1].Also) != 1 {
			t.Fatalf("stops %+v", v.Stops)
		}
		door := []string{v.Stops[1].ParcelID, v.Stops[1].Also[0].ParcelID}
		if slices.Sort(door); !slices.Equal(door, []string{far.ID, second.ID}) {
			t.Errorf("at that door: %v", door)
		}
		if stay := v.Stops[1].Leave.Sub(v.Stops[1].Arrive); stay != serviceUsual*time.Second+time.Minute {
			t.Errorf("two parcels take %s at the door", stay)
		}
		for _, p := range []Parcel{far, second} {
			if got := w.parcel(p.ID); !got.PredictedAt.Equal(v.Stops[1].Arrive) {
				t.Errorf("%s is expected at %s, its stop at %s", p.Number, got.PredictedAt, v.Stops[1].Arrive)
			}
		}
		v = w.ordered(v.Stops[1].Also[0].ParcelID)
		if got := orderOf(v); len(got) != 2 || got[1] != near.ID || v.Stops[0].PinnedBy == "" {
			t.Errorf("put first by its second parcel: %v", got)
		}
		gone, stays := v.Stops[0].ParcelID, v.Stops[0].Also[0].ParcelID
		w.deliver(w.parcel(gone).Parcel)
		v = w.planned(w.courier)
		if got := orderOf(v); !slices.Equal(got, []string{stays, near.ID}) && !slices.Equal(got, []string{near.ID, stays}) {
			t.Errorf("after one has left: %v", got)
		}
		for _, c := range v.Changes {
			if c.Kind != StopMoved {
				t.Errorf("the stop is said to be another: %+v", v.Changes)
			}
		}
	})
}
