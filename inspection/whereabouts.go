package inspection

import (
	"math"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/scheduler/slot"
)

// Whereabouts is where somebody checked in who chose to say so: degrees of WGS-84, and
// how many metres it may be off. It decides nothing, and only the window, its
// supervisors and the person see it (INS-1002).
type Whereabouts struct {
	Lat      float64 `json:"lat"`
	Lon      float64 `json:"lon"`
	Accuracy int     `json:"accuracy_m"`
}

// check refuses what is nowhere on earth; a number that is none compares as false.
func (p *Whereabouts) check() error {
	if p == nil || math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 180 && p.Accuracy >= 0 {
		return nil
	}
	return fault.Refuse(fault.Invalid, "position_invalid",
		"位置无法识别；请不附位置，直接签到", "the position is not on earth; check in without one")
}

// Off is how many metres from the site somebody checked in, to the next ten; -1 where
// either place is not known.
func (v VisitView) Off(c CheckIn) int {
	site := siteOf(v.Case, v.Visit)
	if c.Position == nil || site.Lat == 0 && site.Lon == 0 {
		return -1
	}
	km := slot.Kilometres(site.point(), slot.Point{Lat: c.Position.Lat, Lon: c.Position.Lon})
	return int(math.Round(km*100)) * 10
}

// hidePlaces leaves to others than the window who came and when, not with what and
// where (INS-1002).
func (v *VisitView) hidePlaces(by auth.Actor) {
	if atWindow(by) {
		return
	}
	for i, c := range v.CheckIns {
		if by.Kind != auth.KindPerson || c.PersonID != by.ID {
			v.CheckIns[i].Device, v.CheckIns[i].Position = "", nil
		}
	}
}
