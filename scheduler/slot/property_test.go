package slot

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shuffled is the same problem with everything in another order.
func shuffled(random *rand.Rand, p Problem) Problem {
	p.Days = mix(random, p.Days)
	p.Departments = mix(random, p.Departments)
	for i := range p.Departments {
		d := &p.Departments[i]
		d.People = mix(random, d.People)
		for j := range d.People {
			d.People[j].Engaged, d.People[j].Away = mix(random, d.People[j].Engaged), mix(random, d.People[j].Away)
		}
	}
	p.Centre = mix(random, p.Centre)
	for _, pool := range []**Pool{&p.Vehicle, &p.Room} {
		if *pool != nil {
			*pool = &Pool{Optional: (*pool).Optional, Units: mix(random, (*pool).Units)}
		}
	}
	return p
}

func mix[T any](random *rand.Rand, in []T) []T {
	out := slices.Clone(in)
	random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func TestTheOrderOfTheQuestionDoesNotChangeTheAnswer(t *testing.T) { // INS-501, INS-508
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 501))
		p := smallWorld(random)
		p.To = p.From
		r, err := Prepare(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Prepare(shuffled(random, p))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.Search(0), again.Search(0)); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(r.Explain(), again.Explain()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func someRow(t *rapid.T) row {
	return row{rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b"), rapid.Uint64().Draw(t, "c")}
}

func TestRowsCountLikeBools(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := make([]row, rapid.IntRange(0, 6).Draw(t, "rows"))
		for i := range rows {
			rows[i] = someRow(t)
		}
		need := rapid.IntRange(0, 7).Draw(t, "need")
		some, grains := someRow(t), rapid.IntRange(1, 200).Draw(t, "grains")
		from, to := rapid.IntRange(-300, 300).Draw(t, "from"), rapid.IntRange(-300, 300).Draw(t, "to")
		enough, runs, span := atLeast(need, rows), some.or(full.minus(quarters)).starts(grains), between(from, to)
		for i := range width {
			n := 0
			for _, r := range rows {
				if r.has(i) {
					n++
				}
			}
			if enough.has(i) != (n >= need) {
				t.Fatalf("bit %d: %d of %d rows, at least %d is %t", i, n, len(rows), need, enough.has(i))
			}
			run := true
			for k := i; k < i+grains; k++ {
				run = run && k < width && (some.has(k) || k%3 != 0)
			}
			if runs.has(i) != run {
				t.Fatalf("bit %d: a run of %d is %t", i, grains, runs.has(i))
			}
			if span.has(i) != (i >= from && i < to) {
				t.Fatalf("bit %d: between %d and %d is %t", i, from, to, span.has(i))
			}
		}
		if got := slices.Collect(some.all()); len(got) != some.count() || !slices.IsSorted(got) || slices.ContainsFunc(got, func(i int) bool { return !some.has(i) }) {
			t.Fatalf("bits %v of %v", got, some)
		}
	})
}

func TestMinutesOfAnyInstantAreRoundedDownAndUp(t *testing.T) {
	for _, c := range []struct{ milliseconds, at, by int }{
		{0, 0, 0}, {1, 0, 1}, {59_999, 0, 1}, {60_000, 1, 1}, {60_001, 1, 2},
	} {
		day := minuteAt(tuesday.Midnight())
		at := tuesday.Midnight().Add(time.Duration(c.milliseconds) * time.Millisecond)
		if got := minuteAt(at) - day; got != c.at {
			t.Errorf("%d ms: at minute %d, want %d", c.milliseconds, got, c.at)
		}
		if got := minuteBy(at) - day; got != c.by {
			t.Errorf("%d ms: by minute %d, want %d", c.milliseconds, got, c.by)
		}
	}
}
