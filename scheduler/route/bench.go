package route

import (
	"fmt"
	"math/rand/v2"
	"time"

	"lianban/scheduler/slot"
)

// BenchWorld is a round to measure with, the same every time: stops spread over
// 15 × 15 km round the centre of Yongzhou (DEL-1302). Of every stop in due one
// is due three hours after setting out, at noon; 0: none is.
func BenchWorld(stops int, due int, seed uint64) Problem {
	random := rand.New(rand.NewPCG(seed, uint64(stops)))
	p := Problem{Begin: time.Date(2026, time.November, 24, 1, 0, 0, 0, time.UTC), From: slot.Point{Lat: 26.42, Lon: 111.61}, Roads: DefaultRoads()}
	for i := range stops {
		s := Stop{ID: fmt.Sprintf("p%03d", i), Service: 180, Weight: 1, At: slot.Point{
			Lat: p.From.Lat + (random.Float64()-0.5)*0.135, Lon: p.From.Lon + (random.Float64()-0.5)*0.15,
		}}
		if due > 0 && random.IntN(due) == 0 {
			s.Due = p.Begin.Add(3 * time.Hour)
		}
		p.Stops = append(p.Stops, s)
	}
	return p
}

// NearestFirst is what a courier does without a plan, to measure against: always
// on to what lies nearest.
func NearestFirst(p Problem) Cost {
	t := tableOf(p)
	all := make([]int, t.n)
	for i := range all {
		all[i] = i + 1
	}
	order := append([]int{0}, t.nearest(0, all)...)
	return t.cost(append(order, t.n+1))
}
