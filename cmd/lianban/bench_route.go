package main

import (
	"fmt"

	"lianban/scheduler/route"
)

// route measures the order of a courier's round (DEL-1302), beside a courier who
// always goes on to the nearest stop: how long the round is, and what finding it
// takes.
func (b *bench) route() error {
	const worlds = 60
	for _, size := range []struct {
		stops, due int
		limit      float64 // ms
	}{{13, 0, 10}, {30, 3, 50}, {60, 0, 100}, {60, 5, 100}} {
		name := fmt.Sprintf("%d stops", size.stops)
		if size.due > 0 {
			name += fmt.Sprintf(", 1 in %d due at noon", size.due)
		}
		var planned, nearest route.Cost
		n := worlds
		if b.small {
			n = 2
		}
		for seed := range uint64(n) {
			p := route.BenchWorld(size.stops, size.due, seed)
			plan, err := route.Make(p, route.Options{Seed: seed})
			if err != nil {
				return err
			}
			if wrong := route.Check(p, plan); len(wrong) > 0 {
				return fmt.Errorf("%s: the checker refuses the plan: %v", name, wrong)
			}
			add(&planned, plan.Cost)
			add(&nearest, route.NearestFirst(p))
		}
		p, i := route.BenchWorld(size.stops, size.due, 1), 0
		took := b.often(func() { _, _ = route.Make(p, route.Options{Seed: uint64(i)}); i++ })
		minutes := func(c route.Cost) float64 { return float64(c.Way) / 60 / float64(n) }
		for _, f := range []figure{
			{Case: name + " on the road", Value: minutes(planned), Unit: "min", Baseline: "nearest first", Against: minutes(nearest)},
			{Case: name + " late stops", Value: float64(planned.Late) / float64(n), Unit: "", Baseline: "nearest first", Against: float64(nearest.Late) / float64(n)},
			{Case: name + " to plan", Value: millis(took), Unit: "ms", Limit: size.limit},
		} {
			f.Bench, f.N = "route", n
			if err := b.report(f); err != nil {
				return err
			}
		}
	}
	return nil
}

func add(sum *route.Cost, c route.Cost) {
	sum.Way += c.Way
	sum.Late += c.Late
}
