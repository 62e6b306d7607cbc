package slot

import (
	"iter"
	"math/bits"
)

const (
	grain       = 5   // minutes a bit stands for (INS-507)
	step        = 15  // minutes between offered starts (INS-507)
	width       = 192 // bits: 16 hours
	firstMinute = 6 * 60
	noon        = (12*60 - firstMinute) / grain
)

// row is one day from 06:00 on: bit i is the i-th five minutes, or a start at
// their beginning. Three words in a struct stay in registers, in an array they
// do not: measured, 14 µs against 38 for the join of 12 × 3 × 90 (DEC-21).
type row struct{ a, b, c uint64 }

var full = between(0, width)

// quarters has the starts that are offered: every third bit.
var quarters = row{0x9249249249249249, 0x4924924924924924, 0x2492492492492492}

func (r row) and(o row) row   { return row{r.a & o.a, r.b & o.b, r.c & o.c} }
func (r row) or(o row) row    { return row{r.a | o.a, r.b | o.b, r.c | o.c} }
func (r row) minus(o row) row { return row{r.a &^ o.a, r.b &^ o.b, r.c &^ o.c} }
func (r row) empty() bool     { return r.a|r.b|r.c == 0 }

func (r row) count() int {
	return bits.OnesCount64(r.a) + bits.OnesCount64(r.b) + bits.OnesCount64(r.c)
}

func (r row) has(i int) bool { return !r.and(between(i, i+1)).empty() }

// between has the bits from i up to but not including j; what lies outside the
// day is left out.
func between(i, j int) row { return row{ones(i, j), ones(i-64, j-64), ones(i-128, j-128)} }

func ones(i, j int) uint64 {
	i, j = max(i, 0), min(j, 64)
	if i >= j {
		return 0
	}
	return ^uint64(0) << i & (^uint64(0) >> (64 - j))
}

// down moves every bit n places towards the morning.
func (r row) down(n int) row {
	if n >= width {
		return row{}
	}
	for ; n >= 64; n -= 64 {
		r = row{r.b, r.c, 0}
	}
	return row{r.a>>n | r.b<<(64-n), r.b>>n | r.c<<(64-n), r.c >> n}
}

// starts keeps the bits from which n bits in a row are set: where a visit of n
// grains fits. It doubles the run it knows of, so 12 grains take four steps.
func (r row) starts(n int) row {
	for have := 1; have < n; {
		more := min(have, n-have)
		r = r.and(r.down(more))
		have += more
	}
	return r
}

// all gives the set bits in order.
func (r row) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for w, word := range [...]uint64{r.a, r.b, r.c} {
			for ; word != 0; word &= word - 1 {
				if !yield(w*64 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

// atLeast keeps the bits that are set in at least n of the rows. It adds the
// rows into bit planes, 64 starts at a time, instead of counting each start.
func atLeast(n int, rows []row) row {
	switch n {
	case 0:
		return full
	case 1:
		return union(rows)
	case 2:
		return twoOf(rows)
	}
	return manyOf(n, rows)
}

func union(rows []row) (one row) {
	for _, r := range rows {
		one = one.or(r)
	}
	return one
}

// twoOf is the usual case: two inspectors of each department (INS-504).
func twoOf(rows []row) (two row) {
	var one row
	for _, r := range rows {
		two = two.or(one.and(r))
		one = one.or(r)
	}
	return two
}

// manyOf keeps in plane k the starts with more than k people so far.
func manyOf(n int, rows []row) row {
	planes := make([]row, n)
	for _, r := range rows {
		for k := n - 1; k > 0; k-- {
			planes[k] = planes[k].or(planes[k-1].and(r))
		}
		planes[0] = planes[0].or(r)
	}
	return planes[n-1]
}

// floorDiv and ceilDiv round down and up, on both sides of zero.
func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}

func ceilDiv(a, b int) int { return -floorDiv(-a, b) }
