package workday

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// oracle asks one day after the other, with maps and nothing clever.
type oracle struct{ off, work map[Date]bool }

func (o oracle) open(d Date) bool {
	w := d.Weekday()
	return o.work[d] || w != time.Saturday && w != time.Sunday && !o.off[d]
}

func (o oracle) add(d Date, n int) Date {
	if n == 0 {
		for !o.open(d) {
			d = d.AddDays(1)
		}
		return d
	}
	for n > 0 {
		d = d.AddDays(1)
		if o.open(d) {
			n--
		}
	}
	return d
}

func (o oracle) between(a, b Date) int {
	n := 0
	for d := a.AddDays(1); !b.Before(d); d = d.AddDays(1) {
		if o.open(d) {
			n++
		}
	}
	return n
}

// world draws three years with random notices, and the oracle for them.
func world(t *rapid.T) (*Calendar, oracle) {
	o := oracle{off: map[Date]bool{}, work: map[Date]bool{}}
	years := map[int]Year{}
	day := rapid.IntRange(0, 365+30)
	for y := 2025; y <= 2027; y++ {
		year := Year{Status: Provisional}
		draw := func(label string, into map[Date]bool) (dates []Date) {
			for _, n := range rapid.SliceOfN(day, 0, 40).Draw(t, label) {
				d := Date{y - 1, time.December, 1}.AddDays(n)
				if d.Year <= y {
					dates, into[d] = append(dates, d), true
				}
			}
			return dates
		}
		year.Off, year.Work = draw("off", o.off), draw("work", o.work)
		years[y] = year
	}
	c, err := New(1, years)
	if err != nil {
		t.Fatal(err)
	}
	return c, o
}

func someDay(t *rapid.T) Date {
	return Date{2025, 1, 1}.AddDays(rapid.IntRange(0, 700).Draw(t, "day"))
}

func TestAddAndBetweenAgreeWithCountingByHand(t *testing.T) { // INS-401, INS-403, INS-406
	rapid.Check(t, func(t *rapid.T) {
		c, o := world(t)
		d, n := someDay(t), rapid.IntRange(0, 60).Draw(t, "n")
		got, err := c.Add(d, n)
		if err != nil || got != o.add(d, n) {
			t.Fatalf("%s + %d = %s (%v), by hand %s", d, n, got, err, o.add(d, n))
		}
		if n > 0 {
			if back, err := c.Between(d, got); err != nil || back != n {
				t.Fatalf("Between(%s, %s) = %d (%v), want %d", d, got, back, err, n)
			}
		}
		e := someDay(t)
		if got, err := c.Between(d, e); err != nil || got != o.between(d, e) {
			t.Fatalf("Between(%s, %s) = %d (%v), by hand %d", d, e, got, err, o.between(d, e))
		}
	})
}

func TestMinutesAddedAreMinutesCounted(t *testing.T) { // INS-407
	rapid.Check(t, func(t *rapid.T) {
		c, o := world(t)
		h := someHours(t)
		from := someDay(t).Midnight().Add(time.Duration(rapid.IntRange(0, 24*60*60-1).Draw(t, "second")) * time.Second)
		perDay := 0
		for _, b := range h {
			perDay += b.To - b.From
		}
		n := rapid.IntRange(0, 30*perDay).Draw(t, "minutes")
		to, err := c.AddMinutes(from, n, h)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.OpenMinutes(from, to, h); err != nil || got != n {
			t.Fatalf("%d minutes after %s is %s, which counts as %d (%v)", n, from, to, got, err)
		}
		if !o.open(DateOf(to.Add(-time.Millisecond))) && n > 0 {
			t.Fatalf("%d minutes after %s ends %s, on a day off", n, from, to)
		}
		// Never later than needed: a moment earlier the minutes were not over.
		if n > 0 {
			if got, _ := c.OpenMinutes(from, to.Add(-time.Millisecond), h); got != n-1 {
				t.Fatalf("just before %s already %d minutes, want %d", to, got, n-1)
			}
		}
		if n > 0 { // and back again, to the latest instant that leaves as many
			back, err := c.SubMinutes(to, n, h)
			if err != nil || back.Before(from) {
				t.Fatalf("%d minutes back from %s is %s (%v), before %s", n, to, back, err, from)
			}
			whole, _ := c.OpenMinutes(back, to, h)
			less, _ := c.OpenMinutes(back.Add(time.Millisecond), to, h)
			if whole != n || less != n-1 {
				t.Fatalf("%d minutes back from %s is %s, which leaves %d, and %d a moment later", n, to, back, whole, less)
			}
		}
	})
}

func someHours(t *rapid.T) Hours {
	var h Hours
	free := 0
	for range rapid.IntRange(1, 4).Draw(t, "blocks") {
		from := rapid.IntRange(free, free+120).Draw(t, "from")
		to := rapid.IntRange(from+1, from+240).Draw(t, "to")
		h, free = append(h, Block{from, to}), to
	}
	return h
}

func TestDeadlineIsNeverBeforeItsFullTerm(t *testing.T) { // INS-413, INS-903
	rapid.Check(t, func(t *rapid.T) {
		c, o := world(t)
		h := someHours(t)
		start := someDay(t).At(rapid.IntRange(0, dayMinutes-1).Draw(t, "minute"))
		term := rapid.IntRange(1, 10).Draw(t, "term")
		d, err := c.Reply(start, term, h)
		if err != nil {
			t.Fatal(err)
		}
		if !o.open(d.Served) || d.Start.Before(d.Served.Midnight()) != (d.Served != DateOf(start)) {
			t.Fatalf("%s counts for %s", start, d.Served)
		}
		if !d.Start.Before(h.Closes(d.Served)) {
			t.Fatalf("%s is over at %s and cannot be the served day", d.Served, start)
		}
		if n := o.between(d.Served, DateOf(d.Due)); n != term || !o.open(DateOf(d.Due)) {
			t.Fatalf("served %s, due %s: %d working days, want %d", d.Served, d.Due, n, term)
		}
		if again, moved, err := c.Extend(d); err != nil || moved || again.Line != d.Line {
			t.Fatalf("its own calendar extends it: %v %v (%v)", moved, again, err)
		}
	})
}

func TestClosuresNeverMakeADeadlineEarlier(t *testing.T) { // INS-402, INS-409
	rapid.Check(t, func(t *rapid.T) {
		c, _ := world(t)
		closed := rapid.SliceOfN(rapid.Custom(someDay), 0, 30).Draw(t, "closed")
		start := someDay(t).At(rapid.IntRange(0, dayMinutes-1).Draw(t, "minute"))
		d, err := c.Reply(start, 5, DefaultHours())
		if err != nil {
			t.Fatal(err)
		}
		local, _, err := c.WithClosures(closed).Extend(d)
		if err != nil || local.Due.Before(d.Due) {
			t.Fatalf("closures %v move %s to %s (%v)", closed, d.Due, local.Due, err)
		}
	})
}

func FuzzAddAndBetweenAreInverse(f *testing.F) {
	c := shippedCalendar(f)
	f.Add(uint16(0), uint16(1))
	f.Add(uint16(774), uint16(10))
	f.Fuzz(func(t *testing.T, offset, count uint16) {
		d, n := Date{2024, 1, 1}.AddDays(int(offset)%1300), int(count)%120+1
		end, err := c.Add(d, n)
		if err != nil {
			return // ran out of the calendar
		}
		if back, err := c.Between(d, end); err != nil || back != n {
			t.Fatalf("Between(%s, %s) = %d (%v), want %d", d, end, back, err, n)
		}
		if open, err := c.IsWorkday(end); err != nil || !open {
			t.Fatalf("%s + %d = %s, which is no working day (%v)", d, n, end, err)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	c := shippedCalendar(b)
	start := Date{2026, 2, 13}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Add(start, 10); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenMinutes(b *testing.B) { // a fortnight over the Spring Festival
	c := shippedCalendar(b)
	h := DefaultHours()
	from := Date{2026, 2, 13}.At(600)
	to := from.AddDate(0, 0, 14)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.OpenMinutes(from, to, h); err != nil {
			b.Fatal(err)
		}
	}
}
