package slot

// Code names a hard rule of INS-502. The constants stand in the order of its
// table, so of two failed rules the smaller Code failed first.
type Code uint8

// The hard rules; the zero Code means that all of them hold.
const (
	Fits          Code = iota
	NotWorkday         // not a working day
	DeptClosed         // the department is closed or in training that day
	OutsideHours       // begins before opening or ends after closing
	Lunch              // touches a break between two opening blocks
	OtherBand          // outside the half-day asked for
	LeadTime           // earlier than the notice allows (INS-605)
	PastLimit          // after the limit date (INS-612)
	NotQualified       // too few qualified inspectors
	Recused            // … without those recused
	OnLeave            // … without those on leave or off their pattern
	Busy               // … without those in another visit or imported busy time
	DayFull            // … without those at their daily limit
	TeamFull           // Busy or DayFull of a headcount department: no team left
	Buffer             // … without those inside a buffer
	NoTravel           // … without those who cannot arrive, or go on, in time
	NoVehicle          // too few seats in free vehicles
	NoRoom             // no free room that is large enough
	ApplicantAway      // outside the windows the applicant gave
	Reserved           // free only without another clerk's live slot hold
	CentreFull         // the centre's visits per half-day are reached
	codes              // how many there are
)

var codeNames = [codes]string{
	"", "not_workday", "dept_closed", "outside_hours", "lunch", "band", "lead_time", "past_limit",
	"not_qualified", "recused", "on_leave", "busy", "day_full", "team_full", "buffer", "travel",
	"no_vehicle", "no_room", "applicant_away", "reserved", "centre_full",
}

// String gives the code of INS-502; Fits is empty.
func (c Code) String() string { return codeNames[c] }

// MarshalText writes the form of String.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
