package route

import (
	"fmt"
	"math"
	"time"

	"lianban/scheduler/slot"
)

// Check verifies a plan from the problem alone and says in English everything
// that does not hold; nothing: the plan may be used (DEL-1308). It shares no
// code with the search: distances are chords of a ball, times are summed up
// anew. A metre and a second a leg are left for rounding.
func Check(p Problem, plan Plan) (wrong []string) {
	c := checking{problem: p, stops: map[string]Stop{}, at: p.From, clock: p.Begin.Truncate(time.Second)}
	for _, s := range p.Stops {
		c.stops[s.ID] = s
	}
	if len(plan.Stops) != len(p.Stops) {
		c.say("%d stops planned of %d", len(plan.Stops), len(p.Stops))
	}
	for i, one := range plan.Stops {
		s, ok := c.stops[one.ID]
		if !ok {
			c.say("stop %d, %q, is not open or comes twice", i+1, one.ID)
			continue
		}
		delete(c.stops, one.ID)
		c.visit(i, s, one)
	}
	for i, id := range p.First {
		if i >= len(plan.Stops) || plan.Stops[i].ID != id {
			c.say("stop %d has to be %q", i+1, id)
		}
	}
	c.total(plan)
	return c.wrong
}

type checking struct {
	problem Problem
	stops   map[string]Stop // not yet met
	at      slot.Point
	place   string
	clock   time.Time
	cost    Cost
	unknown bool // a stop without a point has been met behind the pins
	wrong   []string
}

func (c *checking) say(format string, arg ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, arg...))
}

// visit checks one stop of the plan against the courier's clock, which then
// follows the plan.
func (c *checking) visit(i int, s Stop, one Planned) {
	metres, way := c.way(s)
	if off(one.Metres, metres, 1) || off(one.Way, way, 1) {
		c.say("%s: way of %d s and %d m, not %d s and %d m", s.ID, way, metres, one.Way, one.Metres)
	}
	if arrive := c.clock.Add(time.Duration(one.Way) * time.Second); !one.Arrive.Equal(arrive) {
		c.say("%s: reached at %s, not %s", s.ID, arrive.UTC(), one.Arrive.UTC())
	}
	hold := s.Service
	if s.Place != "" && s.Place == c.place {
		hold = min(hold, c.problem.Roads.Further)
	}
	for range s.Also {
		hold += c.problem.Roads.Further
	}
	if leave := one.Arrive.Add(time.Duration(hold) * time.Second); !one.Leave.Equal(leave) {
		c.say("%s: left at %s, not %s", s.ID, leave.UTC(), one.Leave.UTC())
	}
	if i >= len(c.problem.First) {
		lost := s.At == slot.Point{}
		if c.unknown && !lost {
			c.say("%s: a stop without a point stands before it", s.ID)
		}
		c.unknown = c.unknown || lost
	}
	c.late(s, one)
	c.cost.Way += one.Way
	c.at, c.place, c.clock = s.At, s.Place, one.Leave
}

func (c *checking) late(s Stop, one Planned) {
	due, over := s.Due, 0
	if end := c.problem.End; !end.IsZero() && (due.IsZero() || end.Before(due)) {
		due = end
	}
	if !due.IsZero() && one.Arrive.After(due) {
		over = int(math.Ceil(one.Arrive.Sub(due).Seconds()))
		c.cost.Late++
		c.cost.Behind += one.Late.Seconds
		c.cost.Points += s.Weight * (5000*60 + 50*one.Late.Seconds)
	}
	if over > 0 != (one.Late.Code != "") || off(over, one.Late.Seconds, 1) {
		c.say("%s: %d s late, not %d (%q)", s.ID, over, one.Late.Seconds, one.Late.Code)
	}
}

// way is the road from where the courier is.
func (c *checking) way(s Stop) (metres, seconds int) {
	switch {
	case s.Place != "" && s.Place == c.place:
		return 0, 0
	case s.At == slot.Point{} || c.at == slot.Point{}:
		return 0, c.problem.Roads.Unknown
	}
	length := chord(c.at, s.At) * c.problem.Roads.Detour
	return int(math.Round(length)), int(length * 3.6 / float64(c.problem.Roads.Speed))
}

// chord is the way along the ball, in metres, from the straight line through it.
func chord(a, b slot.Point) float64 {
	const earth = 6371000.0
	x := func(p slot.Point) [3]float64 {
		lat, lon := p.Lat*math.Pi/180, p.Lon*math.Pi/180
		return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
	}
	u, v := x(a), x(b)
	straight := math.Sqrt((u[0]-v[0])*(u[0]-v[0]) + (u[1]-v[1])*(u[1]-v[1]) + (u[2]-v[2])*(u[2]-v[2]))
	return 2 * earth * math.Asin(min(1, straight/2))
}

func (c *checking) total(plan Plan) {
	c.cost.Points += 10 * c.cost.Way
	if c.cost != plan.Cost {
		c.say("the cost is %+v, not %+v", c.cost, plan.Cost)
	}
	if plan.Free.Points > plan.Cost.Points {
		c.say("the free order costs more than the one that is kept")
	}
}

func off(a, b, by int) bool { return a-b > by || b-a > by }
