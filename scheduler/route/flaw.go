package route

import (
	"fmt"
	"strings"
)

// FlawCode says what is wrong with a problem.
type FlawCode string

// What a problem can have wrong.
const (
	FlawMissing FlawCode = "missing"  // has to be there
	FlawTwice   FlawCode = "twice"    // the same id again
	FlawUnknown FlawCode = "unknown"  // names no stop
	FlawRange   FlawCode = "range"    // outside of what can be
	FlawMany    FlawCode = "too_many" // more than MaxStops
)

// MaxStops is the longest round; a courier has never had a quarter of it.
const MaxStops = 500

// Flaw is one thing wrong with a problem, by the name of its JSON field.
type Flaw struct {
	Path string
	Code FlawCode
}

// Flaws are all that is wrong; as an error they read for programmers.
type Flaws []Flaw

func (f Flaws) Error() string {
	parts := make([]string, len(f))
	for i, one := range f {
		parts[i] = one.Path + ": " + string(one.Code)
	}
	return "route: " + strings.Join(parts, ", ")
}

// Check names everything that keeps p from being planned, in the order of the
// fields.
func (p Problem) Check() (out Flaws) {
	add := func(bad bool, code FlawCode, path string, arg ...any) {
		if bad {
			out = append(out, Flaw{fmt.Sprintf(path, arg...), code})
		}
	}
	add(p.Begin.IsZero(), FlawMissing, "begin")
	add(!onEarth(p.From.Lat, p.From.Lon), FlawRange, "from")
	add(!p.End.IsZero() && p.End.Before(p.Begin), FlawRange, "end")
	add(!(p.Roads.Detour >= 1 && p.Roads.Detour <= 5), FlawRange, "roads.detour")
	add(p.Roads.Speed < 1 || p.Roads.Speed > 200, FlawRange, "roads.speed")
	add(p.Roads.Unknown < 0 || p.Roads.Unknown > 24*3600, FlawRange, "roads.unknown")
	add(p.Roads.Further < 0 || p.Roads.Further > 24*3600, FlawRange, "roads.further")
	add(len(p.Stops) > MaxStops, FlawMany, "stops")
	seen, stops := map[string]bool{}, map[string]bool{}
	for i, s := range p.Stops {
		add(s.ID == "", FlawMissing, "stops[%d].id", i)
		add(s.ID != "" && seen[s.ID], FlawTwice, "stops[%d].id", i)
		add(!onEarth(s.At.Lat, s.At.Lon), FlawRange, "stops[%d].at", i)
		add(s.Service < 0 || s.Service > 24*3600, FlawRange, "stops[%d].service", i)
		add(s.Weight < 1 || s.Weight > 100, FlawRange, "stops[%d].weight", i)
		seen[s.ID], stops[s.ID] = true, true
		for j, id := range s.Also {
			add(id == "", FlawMissing, "stops[%d].also[%d]", i, j)
			add(id != "" && seen[id], FlawTwice, "stops[%d].also[%d]", i, j)
			seen[id] = true
		}
	}
	pinned := map[string]bool{}
	for i, id := range p.First {
		add(!stops[id], FlawUnknown, "first[%d]", i)
		add(pinned[id], FlawTwice, "first[%d]", i)
		pinned[id] = true
	}
	return out
}

func onEarth(lat, lon float64) bool { // written so that NaN fails
	return lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180
}
