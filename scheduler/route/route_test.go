package route

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lianban/scheduler/slot"
)

// exactWay is the shortest way through all stops without due moments, by the
// dynamic program of Held and Karp.
func exactWay(t *table) int {
	best := make([]int, (1<<t.n)*t.n)
	for i := range best {
		best[i] = math.MaxInt / 2
	}
	for k := range t.n {
		best[(1<<k)*t.n+k] = t.way[0][k+1]
	}
	for set := 1; set < 1<<t.n; set++ {
		for k := range t.n {
			for next := range t.n {
				if set>>k&1 == 1 && set>>next&1 == 0 {
					to := (set|1<<next)*t.n + next
					best[to] = min(best[to], best[set*t.n+k]+t.way[k+1][next+1])
				}
			}
		}
	}
	return slices.Min(best[(1<<t.n-1)*t.n:])
}

// cheapest tries every order behind the first so many.
func cheapest(t *table, order []int, from int) int {
	if from > t.n {
		return t.cost(order).Points
	}
	best := math.MaxInt
	for i := from; i <= t.n; i++ {
		order[from], order[i] = order[i], order[from]
		best = min(best, cheapest(t, order, from+1))
		order[from], order[i] = order[i], order[from]
	}
	return best
}

func everyStop(t *table) []int {
	order := make([]int, t.n+2)
	for i := range order {
		order[i] = i
	}
	return order
}

func mustMake(t interface{ Fatalf(string, ...any) }, p Problem, o Options) Plan {
	plan, err := Make(p, o)
	if err != nil {
		t.Fatalf("make: %v", err)
	}
	if wrong := Check(p, plan); len(wrong) > 0 {
		t.Fatalf("the checker refuses the plan: %s", strings.Join(wrong, "; "))
	}
	return plan
}

// DEL-1302: on 60 rounds of 13 stops the search is at most 0.1 % over the exact
// answer; a courier who always goes on to the nearest stop is far off.
func TestThirteenStopsAreWithinATenthOfAPercentOfTheExactAnswer(t *testing.T) {
	var over, nearest float64
	for seed := range uint64(60) {
		p := BenchWorld(13, 0, seed)
		exact := float64(exactWay(tableOf(p)))
		over += float64(mustMake(t, p, Options{Seed: seed}).Cost.Way)/exact - 1
		nearest += float64(NearestFirst(p).Way)/exact - 1
	}
	over, nearest = over/60*100, nearest/60*100
	t.Logf("over the exact answer: %.4f %%, nearest neighbour %.2f %%", over, nearest)
	if over > 0.1 || nearest < 2 {
		t.Errorf("%.4f %% over the exact answer, nearest neighbour %.2f %%", over, nearest)
	}
}

// DEL-1304, 1305: with due moments the answer is that of trying every order.
func TestShortRoundsWithDueMomentsAreExact(t *testing.T) {
	for seed := range uint64(40) {
		p := BenchWorld(4+int(seed%5), 2, seed)
		for i := range p.Stops {
			p.Stops[i].Weight = 1 + int(seed+uint64(i))%3
		}
		if seed%2 == 0 { // too late for some, whatever the order
			for i := range p.Stops {
				p.Stops[i].Due = p.Begin.Add(time.Duration(10+i*7) * time.Minute)
			}
		}
		table := tableOf(p)
		want := cheapest(table, everyStop(table), 1)
		if got := mustMake(t, p, Options{Seed: seed}).Cost.Points; got != want {
			t.Errorf("seed %d: %d points, the best order has %d", seed, got, want)
		}
	}
}

func anyProblem(t *rapid.T) Problem {
	p := Problem{Begin: time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC), From: slot.Point{Lat: 26.42, Lon: 111.61}, Roads: DefaultRoads()}
	degrees := rapid.IntRange(-800, 800)
	for i := range rapid.IntRange(0, 14).Draw(t, "stops") {
		s := Stop{ID: fmt.Sprintf("p%02d", i), Service: 60 * rapid.IntRange(0, 8).Draw(t, "minutes"), Weight: rapid.IntRange(1, 3).Draw(t, "weight")}
		if rapid.IntRange(0, 4).Draw(t, "known") > 0 {
			s.At = slot.Point{Lat: p.From.Lat + float64(degrees.Draw(t, "lat"))/10000, Lon: p.From.Lon + float64(degrees.Draw(t, "lon"))/10000}
		}
		for j := range rapid.IntRange(0, 2).Draw(t, "also") {
			s.Also = append(s.Also, fmt.Sprintf("p%02d+%d", i, j))
		}
		if rapid.Bool().Draw(t, "promised") {
			s.Due = p.Begin.Add(time.Duration(rapid.IntRange(-30, 240).Draw(t, "due")) * time.Minute)
		}
		if i > 0 && rapid.IntRange(0, 4).Draw(t, "shared") == 0 {
			s.At, s.Place, p.Stops[i-1].Place = p.Stops[i-1].At, "same", "same"
		}
		p.Stops = append(p.Stops, s)
	}
	for i := range p.Stops { // one place is one point
		if j := slices.IndexFunc(p.Stops, func(s Stop) bool { return s.Place != "" && s.Place == p.Stops[i].Place }); j >= 0 {
			p.Stops[i].At = p.Stops[j].At
		}
	}
	if rapid.Bool().Draw(t, "shift") {
		p.End = p.Begin.Add(2 * time.Hour)
	}
	if n := len(p.Stops); n > 0 {
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, min(n, 3), rapid.ID).Draw(t, "first") {
			p.First = append(p.First, p.Stops[i].ID)
		}
	}
	return p
}

// DEL-1304: the plan holds every stop once, whatever is asked; the checker, which
// Make's callers run on every plan, agrees with it.
func TestEveryStopIsPlannedOnceAndTheCheckerAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyProblem(t)
		plan := mustMake(t, p, Options{Seed: rapid.Uint64().Draw(t, "seed"), Iterations: 30})
		for _, s := range plan.Stops {
			if (s.Late.Code != "") != (s.Late.Seconds > 0) {
				t.Fatalf("%s is %d s late for %q", s.ID, s.Late.Seconds, s.Late.Code)
			}
			if s.Why.Code == "" {
				t.Fatalf("%s stands where it stands for no reason", s.ID)
			}
		}
	})
}

// DEL-1307: the order of the input means nothing.
func TestAPermutationOfTheInputGivesTheSamePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyProblem(t)
		shuffled := p
		shuffled.Stops = rapid.Permutation(p.Stops).Draw(t, "shuffled")
		a, b := mustMake(t, p, Options{Iterations: 50}), mustMake(t, shuffled, Options{Iterations: 50})
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("%v\n%v", a, b)
		}
	})
}

// DEL-1302: no plan costs more than always going on to the nearest stop.
func TestNoPlanIsWorseThanGoingToTheNearestStop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyProblem(t)
		p.First = nil
		if slices.ContainsFunc(p.Stops, func(s Stop) bool { return s.At == slot.Point{} }) {
			t.Skip("those without a point go last")
		}
		if plan := mustMake(t, p, Options{Iterations: 1}); plan.Cost.Points > NearestFirst(p).Points {
			t.Fatalf("%d points, nearest first has %d", plan.Cost.Points, NearestFirst(p).Points)
		}
	})
}

// DEL-1305: a pin is kept and its price is told.
func TestAPinIsKeptAndItsPriceTold(t *testing.T) {
	p := BenchWorld(12, 0, 7)
	free := mustMake(t, p, Options{})
	far := free.Stops[11].ID
	p.First = []string{far}
	pinned := mustMake(t, p, Options{})
	if pinned.Stops[0].ID != far || pinned.Stops[0].Why.Code != Kept {
		t.Errorf("first is %v", pinned.Stops[0])
	}
	if pinned.Free != free.Cost || pinned.Cost.Way <= free.Cost.Way {
		t.Errorf("the pinned order costs %+v, the free one %+v of %+v", pinned.Cost, pinned.Free, free.Cost)
	}
	p.First = nil
	for i := len(free.Stops) - 1; i >= 0; i-- { // the courier's own order, whole
		p.First = append(p.First, free.Stops[i].ID)
	}
	for i, s := range mustMake(t, p, Options{}).Stops {
		if s.ID != p.First[i] {
			t.Errorf("stop %d is %s, not %s", i, s.ID, p.First[i])
		}
	}
}

// PLN-301, DEL-1304: a stop without a point comes after the others and is not left out.
func TestAStopWithoutAPointIsPlannedLast(t *testing.T) {
	p := BenchWorld(6, 0, 3)
	p.Stops[2].At = slot.Point{}
	plan := mustMake(t, p, Options{})
	last := plan.Stops[5]
	if last.ID != p.Stops[2].ID || last.Why.Code != NoPoint || last.Way != p.Roads.Unknown || last.Metres != 0 {
		t.Errorf("last is %+v", last)
	}
}

// DEL-1304: late jobs are planned late, each with a reason that holds.
func TestALateStopSaysWhy(t *testing.T) {
	begin := time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)
	at := func(km float64) slot.Point { return slot.Point{Lat: 26.42 + km/1.35/111.195, Lon: 111.61} } // by road
	world := func(stops ...Stop) Problem {
		return Problem{Begin: begin, From: at(0), Roads: DefaultRoads(), Stops: stops}
	}
	minutes := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Minute) }
	for _, test := range []struct {
		name string
		p    Problem
		id   string
		code LateCode
		free []string // ahead of it
	}{
		{"due before setting out", world(Stop{ID: "a", At: at(3), Due: minutes(-5), Weight: 1}), "a", NoTime, nil},
		{"the way takes longer than is left", world(Stop{ID: "a", At: at(3), Due: minutes(5), Weight: 1}), "a", TooFar, nil},
		{
			"another one, which hurts more, takes its time",
			world(Stop{ID: "a", At: at(3), Due: minutes(12), Weight: 1, Service: 300}, Stop{ID: "b", At: at(-3), Due: minutes(12), Weight: 2, Service: 300}),
			"a", NoTime, []string{"b"},
		},
		{"the shift is over", func() Problem {
			p := world(Stop{ID: "a", At: at(6), Due: minutes(60), Weight: 1})
			p.End = minutes(15)
			return p
		}(), "a", ShiftEnd, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := mustMake(t, test.p, Options{})
			i := slices.IndexFunc(plan.Stops, func(s Planned) bool { return s.ID == test.id })
			got := plan.Stops[i].Late
			if got.Code != test.code || !slices.Equal(got.Ahead, test.free) || got.Earliest.Before(begin) {
				t.Errorf("late: %+v", got)
			}
			if plan.Cost.Late != 1 {
				t.Errorf("cost %+v", plan.Cost)
			}
		})
	}
}

// DEL-1305: of two stops of which only one can be in time, that of more weight is.
// DEL-1304: earlier due goes first when both can be met that way only.
func TestDueMomentsOutweighTheWay(t *testing.T) {
	p := BenchWorld(10, 0, 5)
	far := mustMake(t, p, Options{}).Stops[9].ID
	for i := range p.Stops {
		if p.Stops[i].ID == far {
			p.Stops[i].Due = p.Begin.Add(50 * time.Minute)
		}
	}
	plan := mustMake(t, p, Options{})
	if plan.Cost.Late != 0 {
		t.Errorf("the urgent stop is late: %+v", plan)
	}
	told := slices.ContainsFunc(plan.Stops, func(s Planned) bool { return s.Why.Code == ForDue && s.Why.Instead != "" })
	if !told {
		t.Errorf("nothing says that the order is for the due moment: %+v", plan.Stops)
	}
}

// PLN-306: a second stop at the same place costs no way and a minute.
func TestStopsAtOnePlaceAreOneForTravel(t *testing.T) {
	p := BenchWorld(3, 0, 1)
	p.Stops[2].At, p.Stops[2].Place, p.Stops[0].Place = p.Stops[0].At, "hall", "hall"
	plan := mustMake(t, p, Options{})
	for i, s := range plan.Stops[1:] {
		if s.Way == 0 && s.Leave.Sub(s.Arrive) == time.Minute && plan.Stops[i].Leave.Equal(s.Arrive) {
			return
		}
	}
	t.Errorf("no second stop at the same door: %+v", plan.Stops)
}

// DEL-1031: what is left at one door is one stop, and each thing more takes its
// minute there; the checker counts them by itself.
func TestWhatIsLeftAtOneDoorIsOneStop(t *testing.T) {
	p := BenchWorld(3, 0, 1)
	alone := mustMake(t, p, Options{})
	p.Stops[1].Also = []string{"second", "third"}
	together := mustMake(t, p, Options{})
	if len(together.Stops) != 3 || together.Cost.Way != alone.Cost.Way {
		t.Errorf("%d stops, %d s on the road, want 3 and %d", len(together.Stops), together.Cost.Way, alone.Cost.Way)
	}
	hold := func(plan Plan) time.Duration {
		i := slices.IndexFunc(plan.Stops, func(s Planned) bool { return s.ID == p.Stops[1].ID })
		return plan.Stops[i].Leave.Sub(plan.Stops[i].Arrive)
	}
	if more := hold(together) - hold(alone); more != 2*time.Minute {
		t.Errorf("two things more take %s", more)
	}
	if wrong := Check(p, alone); len(wrong) == 0 {
		t.Error("the checker takes a plan that leaves no time for them")
	}
	p.First = []string{"second"}
	if _, err := Make(p, Options{}); err == nil {
		t.Error("a thing was taken for a stop")
	}
	p.First, p.Stops[0].Also = nil, []string{"third"}
	if _, err := Make(p, Options{}); err == nil {
		t.Error("one thing is left at two doors")
	}
}

// DEL-1308: whatever is damaged in a plan, the checker finds.
func TestTheCheckerFindsEveryDamage(t *testing.T) {
	p := BenchWorld(9, 2, 11)
	p.First = []string{"p004", "p001"}
	p.Stops[8].At = slot.Point{}
	p.Stops[0].Due = p.Begin.Add(-time.Minute)
	for name, damage := range map[string]func(*Plan){
		"a stop is missing":          func(x *Plan) { x.Stops = x.Stops[:8] },
		"a stop comes twice":         func(x *Plan) { x.Stops[5] = x.Stops[4] },
		"a stranger":                 func(x *Plan) { x.Stops[3].ID = "x" },
		"two stops exchanged":        func(x *Plan) { x.Stops[3], x.Stops[4] = x.Stops[4], x.Stops[3] },
		"a pin moved":                func(x *Plan) { x.Stops[0], x.Stops[1] = x.Stops[1], x.Stops[0] },
		"reached a second sooner":    func(x *Plan) { x.Stops[2].Arrive = x.Stops[2].Arrive.Add(-time.Second) },
		"left a second sooner":       func(x *Plan) { x.Stops[2].Leave = x.Stops[2].Leave.Add(-time.Second) },
		"a shorter way":              func(x *Plan) { x.Stops[2].Way -= 10 },
		"a shorter road":             func(x *Plan) { x.Stops[2].Metres -= 10 },
		"late but not said":          func(x *Plan) { x.Stops[lateStop(*x)].Late = Late{} },
		"said to be late":            func(x *Plan) { x.Stops[0].Late = Late{Code: NoTime, Seconds: 60} },
		"a wrong sum of the way":     func(x *Plan) { x.Cost.Way-- },
		"a wrong number of late":     func(x *Plan) { x.Cost.Late-- },
		"a wrong sum of points":      func(x *Plan) { x.Cost.Points++ },
		"a free order that is worse": func(x *Plan) { x.Free.Points = x.Cost.Points + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			plan := mustMake(t, p, Options{})
			damage(&plan)
			if len(Check(p, plan)) == 0 {
				t.Error("nothing was found")
			}
		})
	}
}

func lateStop(p Plan) int {
	return slices.IndexFunc(p.Stops, func(s Planned) bool { return s.Late.Code != "" })
}

// DEL-1304: what cannot be planned is refused with the field that is wrong.
func TestAProblemWithFlawsNamesTheFields(t *testing.T) {
	p := BenchWorld(3, 0, 1)
	p.Begin, p.Roads.Speed, p.Roads.Detour = time.Time{}, 0, math.NaN()
	p.Stops[1].ID, p.Stops[2].At.Lat, p.Stops[0].Weight = "p000", math.NaN(), 0
	p.First = []string{"p000", "p000", "nobody"}
	_, err := Make(p, Options{})
	var flaws Flaws
	if !errors.As(err, &flaws) {
		t.Fatalf("got %v", err)
	}
	want := "[{begin missing} {roads.detour range} {roads.speed range} {stops[0].weight range} {stops[1].id twice} {stops[2].at range} {first[1] twice} {first[2] unknown}]"
	if got := fmt.Sprint([]Flaw(flaws)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, n := range []int{0, 1, 2} {
		mustMake(t, BenchWorld(n, 1, 1), Options{})
	}
}

// DEL-1302: 60 stops are as good with the default budget as with ten times it.
func TestSixtyStopsAreAsGoodAsWithTenTimesTheBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	var short, long float64
	for seed := range uint64(3) {
		p := BenchWorld(60, int(seed%3)*3, seed)
		a, b := mustMake(t, p, Options{}).Cost, mustMake(t, p, Options{Iterations: 10 * EnoughFor(60)}).Cost
		short, long = short+float64(a.Points), long+float64(b.Points)
		t.Logf("%+v, %+v", a, b)
	}
	t.Logf("%.2f %% over", (short/long-1)*100)
	if short > long*1.02 {
		t.Errorf("%.2f %% over", (short/long-1)*100)
	}
}

func BenchmarkMake(b *testing.B) {
	for _, size := range []struct{ stops, due int }{{13, 0}, {13, 2}, {30, 3}, {60, 0}, {60, 5}} {
		b.Run(fmt.Sprintf("%d stops, one in %d due", size.stops, size.due), func(b *testing.B) {
			var worlds []Problem
			for range 8 {
				worlds = append(worlds, BenchWorld(size.stops, size.due, rand.Uint64()))
			}
			for i := 0; b.Loop(); i++ {
				mustMake(b, worlds[i%8], Options{})
			}
		})
	}
}
