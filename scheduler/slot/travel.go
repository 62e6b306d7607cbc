package slot

import "math"

// Place is an address with a point on the map (WGS-84, degrees).
type Place struct {
	Address  string // equal addresses are the same place; also the key of a matrix
	Lat, Lon float64
}

// Known reports whether the place has a point; 0°N 0°E lies in the Gulf of
// Guinea and stands for none.
func (p Place) Known() bool { return p.Lat != 0 || p.Lon != 0 }

// Leg is one way between two addresses.
type Leg struct{ From, To string }

// Travel holds the settings by which travel time is estimated without a
// network (INS-506).
type Travel struct {
	Speed   float64     // km/h
	Detour  float64     // road distance over great-circle distance
	Park    int         // minutes to park and walk
	Unknown int         // minutes when either place has no point
	Matrix  map[Leg]int // measured minutes; win over the estimate
}

// DefaultTravel gives the defaults of INS-1301.
func DefaultTravel() Travel { return Travel{Speed: 30, Detour: 1.4, Park: 10, Unknown: 30} }

// Minutes estimates the way from a to b; known is false when the estimate is
// the setting travel.unknown, which must then be said to the clerk (INS-506).
// The first leg of a day is Minutes(base, site), the last Minutes(site, base).
func (t Travel) Minutes(a, b Place) (minutes int, known bool) {
	if a.Address != "" && a.Address == b.Address {
		return 0, true
	}
	if m, ok := t.Matrix[Leg{a.Address, b.Address}]; ok {
		return m, true
	}
	if !a.Known() || !b.Known() {
		return t.Unknown, false
	}
	if a.Lat == b.Lat && a.Lon == b.Lon {
		return 0, true
	}
	return t.Drive(Kilometres(a, b)), true
}

// Drive gives the minutes for a great-circle distance, rounded up to the grain.
func (t Travel) Drive(km float64) int {
	minutes := km*t.Detour/t.Speed*60 + float64(t.Park)
	return roundUp(int(math.Ceil(minutes)), Grain)
}

// Kilometres gives the great-circle distance on a sphere of the mean radius.
func Kilometres(a, b Place) float64 {
	const radius, degree = 6371.0088, math.Pi / 180
	sinLat := math.Sin((b.Lat - a.Lat) * degree / 2)
	sinLon := math.Sin((b.Lon - a.Lon) * degree / 2)
	h := sinLat*sinLat + math.Cos(a.Lat*degree)*math.Cos(b.Lat*degree)*sinLon*sinLon
	return 2 * radius * math.Asin(math.Sqrt(min(h, 1)))
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
