package slot

import (
	"fmt"
	"slices"
	"testing"
)

// The sizes of DEC-21, and single calendars as calendar programs count them.
var benchSizes = [][3]int{{12, 3, 90}, {6, 8, 60}, {50, 1, 60}}

func bench(b *testing.B, run func(b *testing.B, p Problem, r *Rows)) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("%dx%dx%d", n[0], n[1], n[2]), func(b *testing.B) {
			p := BenchWorld(n[0], n[1], n[2])
			r, err := Prepare(p)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			run(b, p, r)
		})
	}
}

// The join over all days, over prepared rows: what DEC-21 sets a limit to.
func BenchmarkStarts(b *testing.B) {
	bench(b, func(b *testing.B, _ Problem, r *Rows) {
		for b.Loop() {
			r.Starts()
		}
		b.ReportMetric(float64(len(r.Starts())), "starts")
	})
}

func BenchmarkSearchForTwenty(b *testing.B) {
	bench(b, func(b *testing.B, _ Problem, r *Rows) {
		for b.Loop() {
			r.Search(20)
		}
	})
}

func BenchmarkSearchForAll(b *testing.B) {
	bench(b, func(b *testing.B, _ Problem, r *Rows) {
		for b.Loop() {
			r.Search(0)
		}
	})
}

func BenchmarkPrepare(b *testing.B) {
	bench(b, func(b *testing.B, p Problem, _ *Rows) {
		for b.Loop() {
			if _, err := Prepare(p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkExplain(b *testing.B) {
	bench(b, func(b *testing.B, _ Problem, r *Rows) {
		for b.Loop() {
			r.Explain()
		}
	})
}

func BenchmarkExplainWhenNothingFits(b *testing.B) {
	bench(b, func(b *testing.B, p Problem, _ *Rows) {
		p.Departments = slices.Clone(p.Departments)
		p.Departments[0].People = nil
		p.To = p.From.AddDays(len(p.Days) / 2)
		r, err := Prepare(p)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			r.Explain()
		}
	})
}

func BenchmarkFits(b *testing.B) {
	bench(b, func(b *testing.B, _ Problem, r *Rows) {
		o := r.Search(1)[0]
		for b.Loop() {
			r.Fits(o.Start, named(o))
		}
	})
}

// The baseline does what Prepare and Starts do together.
func BenchmarkSortAndSweep(b *testing.B) {
	bench(b, func(b *testing.B, p Problem, _ *Rows) {
		for b.Loop() {
			SortAndSweep(p)
		}
	})
}

func TestSortAndSweepFindsTheSameStarts(t *testing.T) { // INS-513: the baseline is an honest one
	for _, n := range benchSizes {
		p := BenchWorld(n[0], n[1], n[2])
		got, want := prepared(t, p).Starts(), SortAndSweep(p)
		if !slices.Equal(got, want) || len(want) < n[2]/2 {
			t.Errorf("%v: rows give %d starts, sort-and-sweep %d", n, len(got), len(want))
		}
	}
}
