package main

import (
	"fmt"

	"lianban/scheduler/slot"
)

// slots measures the search for common times over prepared rows (DEC-21),
// beside a sort-and-sweep over the same calendars.
func (b *bench) slots() error {
	for _, size := range []struct {
		departments, people, days int
		limit                     float64 // µs
	}{{12, 3, 90, 50}, {6, 8, 60, 50}, {50, 1, 60, 20}} {
		p := slot.BenchWorld(size.departments, size.people, size.days)
		rows, err := slot.Prepare(p)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%d×%d×%d", size.departments, size.people, size.days)
		sweep := micros(b.often(func() { slot.SortAndSweep(p) }))
		for _, f := range []figure{
			{Case: name + " common starts", Value: micros(b.often(func() { rows.Starts() })), Limit: size.limit, Baseline: "sort-and-sweep", Against: sweep},
			{Case: name + " best 20 offers", Value: micros(b.often(func() { rows.Search(20) }))},
			{Case: name + " prepare the rows", Value: micros(b.often(func() { _, err = slot.Prepare(p) })), Baseline: "sort-and-sweep", Against: sweep},
			{Case: name + " reasons for the rest", Value: micros(b.often(func() { rows.Explain() })), Limit: 5000},
		} {
			f.Bench, f.Unit, f.N = "slots", "µs", len(rows.Starts())
			if err := b.report(f); err != nil {
				return err
			}
		}
	}
	return nil
}
