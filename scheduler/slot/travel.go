package slot

import "math"

// Point is a place, WGS-84. The zero Point is unknown.
type Point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

func (p Point) unknown() bool { return p == Point{} }

// Roads says how straight lines become minutes (INS-506); the values are
// settings.
type Roads struct {
	Speed   int     // km/h
	Detour  float64 // road over straight line
	Park    int     // minutes added
	Unknown int     // minutes when a point is missing
}

// Minutes is the way between two places: 0 for the same address, Unknown when
// a point is missing, else great-circle distance × detour ÷ speed + parking,
// rounded up to five minutes. A matrix value, where a city has one, goes first
// and is the caller's.
func (r Roads) Minutes(a, b Point, sameAddress bool) int {
	switch {
	case sameAddress:
		return 0
	case a.unknown() || b.unknown():
		return r.Unknown
	}
	return r.ForDistance(Kilometres(a, b))
}

// ForDistance is the way over a straight line of so many kilometres.
func (r Roads) ForDistance(km float64) int {
	minutes := km*r.Detour/float64(r.Speed)*60 + float64(r.Park)
	return int(math.Ceil(minutes/grain-1e-9)) * grain
}

// Kilometres is the great-circle distance.
func Kilometres(a, b Point) float64 {
	const earth, rad = 6371.0, math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*rad, (b.Lon-a.Lon)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earth * math.Asin(math.Sqrt(h))
}
