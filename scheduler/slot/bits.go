package slot

import (
	"iter"
	"math/bits"
)

const (
	grain       = 5  // minutes a bit stands for (INS-507)
	step        = 15 // minutes between offered starts (INS-507)
	words       = 3  // 192 bits: 16 hours
	width       = words * 64
	firstMinute = 6 * 60 // bit 0 is 06:00
	noon        = (12*60 - firstMinute) / grain
)

// row is one day: bit i is the five minutes from firstMinute + grain·i on, or
// a start at that time.
type row [words]uint64

var full = row{^uint64(0), ^uint64(0), ^uint64(0)}

func (r row) and(o row) row {
	for w := range r {
		r[w] &= o[w]
	}
	return r
}

func (r row) or(o row) row {
	for w := range r {
		r[w] |= o[w]
	}
	return r
}

func (r row) minus(o row) row {
	for w := range r {
		r[w] &^= o[w]
	}
	return r
}

func (r row) empty() bool { return r == row{} }

func (r row) has(i int) bool { return i >= 0 && i < width && r[i/64]>>(i%64)&1 == 1 }

func (r row) count() (n int) {
	for _, word := range r {
		n += bits.OnesCount64(word)
	}
	return n
}

// set marks the bits from i up to but not including j; what lies outside the
// day is left out.
func (r *row) set(i, j int) {
	for w := range r {
		from, to := max(i-w*64, 0), min(j-w*64, 64)
		if from < to {
			r[w] |= ^uint64(0) << from & (^uint64(0) >> (64 - to))
		}
	}
}

// between has the bits from i up to but not including j.
func between(i, j int) (out row) {
	out.set(i, j)
	return out
}

// quarters has the starts that are offered: every quarter of an hour.
func quarters() (out row) {
	for i := 0; i < width; i += step / grain {
		out.set(i, i+1)
	}
	return out
}

// down moves every bit n places towards the morning.
func (r row) down(n int) (out row) {
	skip, shift := n/64, n%64
	for w := range words - skip {
		out[w] = r[w+skip] >> shift
		if w+skip+1 < words {
			out[w] |= r[w+skip+1] << (64 - shift) // nothing when shift is 0
		}
	}
	return out
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
		for w, word := range r {
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

func union(rows []row) (out row) {
	for i := range rows {
		for w := range out {
			out[w] |= rows[i][w]
		}
	}
	return out
}

// twoOf is the usual case: two inspectors of each department (INS-504).
func twoOf(rows []row) (two row) {
	var one row
	for i := range rows {
		for w := range two {
			two[w] |= one[w] & rows[i][w]
			one[w] |= rows[i][w]
		}
	}
	return two
}

// manyOf keeps in plane k the starts with more than k people so far.
func manyOf(n int, rows []row) row {
	planes := make([]row, n)
	for i := range rows {
		for k := n - 1; k > 0; k-- {
			planes[k] = planes[k].or(planes[k-1].and(rows[i]))
		}
		planes[0] = planes[0].or(rows[i])
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
