// Package office holds what the whole house stands on: divisions 区划, centres
// 政务服务中心, their windows 综合窗口 with opening hours and closures,
// departments 部门 with their confirmed addresses 送达地址, versions of the
// working-day calendar, and dated settings.
//
// Reads are functions on any handle. Acts are methods of Desk; each is one
// transaction with its leaf in the evidence log. A calendar version, a setting
// marked † and a confirmed address need two persons: they are `proposed`, then
// `approved` or `rejected`.
//
// plan 三(一) (the Window), 三(三)3-四 (the Centre where the premises lie
// organises); rules INS-201…208, 401…405, 705, 711, 1301, 1302.
package office

import (
	"time"

	"github.com/uptrace/bun"

	"lianban/scheduler/workday"
)

// Level is the administrative level of a division or department.
type Level string

// The levels. A zone behaves as a county (FAC-08).
const (
	Province Level = "province"
	City     Level = "city"
	County   Level = "county"
	Zone     Level = "zone"
	Township Level = "township"
	Village  Level = "village"
)

// height orders levels from the village up; a zone stands beside the county.
var height = map[Level]int{Village: 1, Township: 2, County: 3, Zone: 3, City: 4, Province: 5}

// Division is an administrative area. Code is opaque, at most 12 characters.
// A replaced division keeps its row: ReplacedBy names the code that took over
// at ValidTo (INS-205).
type Division struct {
	bun.BaseModel `bun:"table:divisions"`

	Code       string `bun:",pk"`
	Name       string
	NameEN     string `bun:"name_en"`
	Level      Level
	Parent     string
	Lat, Lon   float64      // approximate seat, WGS-84; never for check-in (FAC-09)
	ValidFrom  workday.Date // zero where nothing is known to have changed
	ValidTo    workday.Date
	ReplacedBy string
}

// Centre is a government service centre. Hours are its opening blocks in
// Asia/Shanghai. OrganisesVisits says whether its windows may organise (INS-202).
type Centre struct {
	bun.BaseModel `bun:"table:centres"`

	ID              string `bun:",pk"`
	Division        string
	Name            string
	NameEN          string `bun:"name_en"`
	Address         string
	Lat, Lon        float64 // WGS-84
	Phone           string
	OrganisesVisits bool
	Hours           workday.Hours
}

// Window is one comprehensive window of a Centre.
type Window struct {
	bun.BaseModel `bun:"table:windows"`

	ID       string `bun:",pk"`
	CentreID string
	Number   string
	Phone    string
}

// How a department fills its places in a visit (INS-208).
const (
	Named     = "named"     // by inspector
	Headcount = "headcount" // by number of teams, names follow
)

// Department is one office of a system (code of facts §3: amr, fire …) for one
// division; Level is that of its division, with a zone counted as county.
type Department struct {
	bun.BaseModel `bun:"table:departments"`

	ID       string `bun:",pk"`
	System   string
	Division string
	Name     string
	NameEN   string `bun:"name_en"`
	Level    Level
	Superior string // department id, empty at the top
	Roster   string // Named or Headcount
	Lat, Lon float64
	Address  string
	Phone    string
}

// Closure is a day on which a centre or a department is shut, every centre when
// neither is set. Closures of centres only take working days away (INS-402);
// one of a department keeps it from visits (INS-502).
type Closure struct {
	bun.BaseModel `bun:"table:closures"`

	ID          string `bun:",pk"`
	Centre      string `bun:"centre_id"`
	Department  string `bun:"department_id"`
	Day         workday.Date
	Reason      string
	AddedBy     string
	AddedAt     time.Time
	WithdrawnBy string
	WithdrawnAt time.Time `bun:",nullzero"`
}

// DepartmentQuery narrows ListDepartments; empty fields do not narrow.
type DepartmentQuery struct {
	System   string
	Division string
	Level    Level
	IDs      []string
}

// State is where a thing stands that takes two persons.
type State string

// The states of a proposal. Only an approved one counts.
const (
	Proposed State = "proposed"
	Approved State = "approved"
	Rejected State = "rejected"
)
