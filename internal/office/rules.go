package office

import (
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/once"
)

// Scope says for whom a setting is read or made. Empty fields are left out; a
// Scope with none set is the city. When reading, all that are set apply and the
// narrowest wins, department before matter before centre before city (INS-1301).
type Scope struct {
	Centre     string // centre id
	Matter     string // matter code
	Department string // department id
}

// Rules are the settings in force at one instant for one scope. Days are
// working days, spans named in the comments.
type Rules struct {
	SendWithin  int // appointment sent after acceptance, T0
	ReplyTerm   int // reply after the served day, T2
	Lead        int // notice to visit at the least
	Limit       int // acceptance to visit at the most
	OpinionTerm int // opinion after the visit, T3; 0 is the same day

	LimitAlone   int // acceptance to decision by law, of one department alone; INS-1115
	LimitJoint   int // the same where several handle it together
	PromiseAlone int // as promised; half of the legal one counts where that is less
	PromiseJoint int

	CounterAnswer int // a department's other times are answered after receipt, Tc
	ExcuseAnswer  int // an excuse is decided after receipt, Te
	ReviewDecide  int // somebody confirms a silence or decides its review, INS-910, INS-915
	JointWithin   int // the joint opinion is issued after the last opinion, T4
	VerifyPhoto   int // a department answers a photo of what was put right
	LedgerAnswer  int // the party of an entry of the ledger may answer, INS-1205
	RevisitWithin int // a revisit is held after the applicant's request or the end of the terms, T6

	StaffSite   int // persons of each department on site
	StaffReview int // persons of each department at a review
	WindowStaff int // persons of the Window on site

	ServiceMinClass string        // weakest class that starts the clock: "A" or "B"
	PortalAlive     time.Duration // last sign-in that keeps a portal inbox alive, INS-706
	DeemMode        string        // DeemAuto or DeemConfirm
	DeemRevisit     string        // RevisitHold or RevisitAuto, INS-919
	DeemGrace       time.Duration
	InboundMaxGap   time.Duration // of working time
	NoShowGrace     time.Duration
	AbsenceLimit    int // visits lost to an absent applicant, until a supervisor decides; INS-1005
	AddressDelay    time.Duration
	Citation        string // INS-102

	HoldTTL           time.Duration // slot hold
	EscalateChannel   time.Duration // working time until the next channel, INS-709
	EscalateTelephone time.Duration // working time until the telephone task, INS-709
	SMSPerDay         int           // SMS per number and day

	DurationSite   int     // minutes
	DurationReview int     // minutes
	BufferBefore   int     // minutes
	BufferAfter    int     // minutes
	TravelSpeed    int     // km/h
	TravelDetour   float64 // road over straight line
	TravelPark     int     // minutes
	TravelUnknown  int     // minutes, when a point is missing

	PerDay           int      // visits of one inspector on a day
	CentrePerHalfDay int      // visits of one centre in a half-day, 0 = no limit
	Keeper           string   // system of the department that keeps originals, DEL-930
	LoanDays         int      // an original may be lent for, DEL-940
	LinkDays         int      // an electronic result may be fetched for, in calendar days, DEL-241
	SignInHours      int      // hall hours to sign for what comes from the same address, DEL-912
	SignInNext       int      // else the minute after midnight of the next working day
	Payer            string   // who bears what a carrier charges, PayerCentre or PayerApplicant; DEL-231
	TrackDays        int      // an applicant's link opens for after closing, in calendar days, DEL-1201
	CirculationRuns  RunTimes // of each working day, DEL-922
	BatchRadius      int      // km within which visits may share a trip, 0 = none; INS-609
	VehiclePolicy    string   // VehicleNone, VehicleOptional or VehicleRequired
}

// Keys of the limits of a whole case (INS-1115).
const (
	LimitAlone   = "limit.decision"
	LimitJoint   = "limit.joint"
	PromiseAlone = "promise.decision"
	PromiseJoint = "promise.joint"
)

// The choices of deem.mode (INS-910), deem.revisit (INS-919), vehicle.policy and
// delivery.payer (DEL-231).
const (
	DeemAuto        = "auto"
	DeemConfirm     = "confirm"
	RevisitHold     = "hold"
	RevisitAuto     = "auto"
	VehicleNone     = "none"
	VehicleOptional = "optional"
	VehicleRequired = "required"
	PayerCentre     = "centre"
	PayerApplicant  = "applicant"
)

// RunTimes are the hours at which something leaves on a working day, such as
// "09:30, 14:30".
type RunTimes string

// maxRuns is how many runs a day may have.
const maxRuns = 6

// Minutes are the hours in minutes after midnight; none when one of them is no
// hour of the day.
func (t RunTimes) Minutes() (out []int) {
	for text := range strings.SplitSeq(string(t), ",") {
		at, err := time.Parse("15:04", strings.TrimSpace(text))
		if err != nil {
			return nil
		}
		out = append(out, at.Hour()*60+at.Minute())
	}
	return out
}

// Setting is one dated row (INS-1301). Value is text as the settings page shows
// it; an empty Value in a narrow scope means "follow the wider scope again".
type Setting struct {
	bun.BaseModel `bun:"table:settings"`

	ID            string `bun:",pk"`
	Key           string
	ScopeKind     string // city, centre, matter or department
	ScopeID       string
	Value         string
	EffectiveFrom time.Time
	Reason        string
	State         State
	SetBy         string
	SetAt         time.Time
	DecidedBy     string
	DecidedAt     time.Time `bun:",nullzero"`
}

// SettingChange asks for a setting. A zero From means "as soon as approved".
type SettingChange struct {
	Key    string
	Scope  Scope // at most one field set
	Value  string
	From   time.Time
	Reason string
	Once   once.Key
}

// SettingLine is one line of the settings page: what may be set, and the value
// in force with who set it and who approved it (INS-1302).
type SettingLine struct {
	Key        string
	Default    string
	Bounds     string // "1–5", "auto/confirm"
	TwoPersons bool
	Basis      string // where the default comes from

	Value     string
	InForce   Setting // zero when only the built-in default stands
	Scheduled []Setting
}
