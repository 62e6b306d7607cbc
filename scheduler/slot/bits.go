package slot

import (
	"math/bits"
	"time"

	"lianban/scheduler/workday"
)

const (
	grain       = 5 // minutes a bit stands for (INS-507)
	words       = 3 // 192 bits: 16 hours
	width       = words * 64
	firstMinute = 6 * 60 // bit 0 is 06:00
)

// row is one day of starts: bit i is a start at firstMinute + grain·i.
type row [words]uint64

func (r row) and(o row) row {
	for i := range r {
		r[i] &= o[i]
	}
	return r
}

func (r row) minus(o row) row {
	for i := range r {
		r[i] &^= o[i]
	}
	return r
}

func (r row) empty() bool { return r == row{} }

func (r row) has(i int) bool { return i >= 0 && i < width && r[i/64]>>(i%64)&1 == 1 }

// set marks the bits from i up to but not including j; what lies outside the
// day is left out.
func (r *row) set(i, j int) {
	for i, j = max(i, 0), min(j, width); i < j; i++ {
		r[i/64] |= 1 << (i % 64)
	}
}

// down moves every bit n places towards the morning.
func (r row) down(n int) row {
	var out row
	skip, shift := n/64, n%64
	for i := range words - skip {
		out[i] = r[i+skip] >> shift
		if shift > 0 && i+skip+1 < words {
			out[i] |= r[i+skip+1] << (64 - shift)
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

// each calls visit for every set bit, in order, until it returns false.
func (r row) each(visit func(i int) bool) bool {
	for w, word := range r {
		for ; word != 0; word &= word - 1 {
			if !visit(w*64 + bits.TrailingZeros64(word)) {
				return false
			}
		}
	}
	return true
}

// atLeast keeps the bits that are set in at least n of the rows. It adds the
// rows into bit planes, 64 starts at a time, instead of counting each start.
func atLeast(n int, rows []row) row {
	switch n {
	case 0:
		return row{^uint64(0), ^uint64(0), ^uint64(0)}
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
			for w := range planes[k] {
				planes[k][w] |= planes[k-1][w] & rows[i][w]
			}
		}
		for w := range planes[0] {
			planes[0][w] |= rows[i][w]
		}
	}
	return planes[n-1]
}

// minuteOf is the minute of the day an instant falls on in Shanghai, counted
// from the day's midnight; it may lie before or after the day.
func minuteOf(day workday.Date, t time.Time) int {
	d := t.Sub(day.Midnight())
	m := int(d / time.Minute)
	if d%time.Minute != 0 && d > 0 {
		m++
	}
	return m
}

// blocked marks the bits that a span touches, widened by before and after
// minutes: rounded outward, so that a minute of overlap blocks its grain.
func (s Span) blocked(day workday.Date, before, after int) (out row) {
	from := floorDiv(int(s.From.Sub(day.Midnight())/time.Minute)-before-firstMinute, grain)
	to := -floorDiv(-(minuteOf(day, s.To) + after - firstMinute), grain)
	out.set(from, to)
	return out
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}

// startOf is the instant of a bit.
func startOf(day workday.Date, i int) time.Time { return day.At(firstMinute + grain*i) }
