package inspection

import (
	"time"

	"github.com/uptrace/bun"

	"lianban/scheduler/workday"
)

// VisitKind says what a Visit is.
type VisitKind string

// Kinds of Visit.
const (
	KindSite   VisitKind = "site"   // 联合踏勘
	KindReview VisitKind = "review" // 联合评审
)

// Visit is one joint inspection or review of a Case. Start and End are zero
// while it is a draft. Version counts every change, for ETags.
type Visit struct {
	bun.BaseModel `bun:"table:visits" json:"-"`

	ID             string     `bun:"id,pk" json:"id"`
	CaseID         string     `json:"case_id"`
	CaseNumber     string     `json:"case_number"`
	MatterCode     string     `json:"matter_code"`
	MatterName     string     `json:"matter_name"`
	Kind           VisitKind  `json:"kind"`
	State          VisitState `json:"state"`
	Round          int        `json:"round"`
	Sequence       int        `json:"sequence"` // highest iCalendar SEQUENCE issued (ICA-04)
	UID            string     `bun:"uid" json:"uid"`
	CentreID       string     `json:"centre_id"` // organiser, always a window (INS-207)
	WindowID       string     `json:"window_id"`
	LeadDepartment string     `json:"lead_department"`
	Division       string     `json:"division"`
	Place          string     `json:"place"`
	MovedTo        *Site      `bun:"type:jsonb,nullzero" json:"moved_to,omitempty"` // instead of the premises (INS-607)
	Start          time.Time  `bun:"start_at,nullzero" json:"start_at,omitzero"`
	End            time.Time  `bun:"end_at,nullzero" json:"end_at,omitzero"`
	Minutes        int        `json:"minutes"`
	RevisitOf      string     `json:"revisit_of,omitempty"` // INS-1109
	SingleByRule   bool       `json:"single_by_rule"`       // INS-309
	PastLimitWhy   string     `json:"past_limit_why,omitempty"`
	StartedAt      time.Time  `bun:",nullzero" json:"started_at,omitzero"`
	GraceUntil     time.Time  `bun:",nullzero" json:"grace_until,omitzero"`    // who is not there by then is missing (A4)
	RollCalledAt   time.Time  `bun:",nullzero" json:"roll_called_at,omitzero"` // of a review (INS-1014)
	SiteEndedAt    time.Time  `bun:",nullzero" json:"site_ended_at,omitzero"`
	ClosedAt       time.Time  `bun:",nullzero" json:"closed_at,omitzero"`
	Result         string     `json:"result,omitempty"`
	ReasonCode     string     `json:"reason_code,omitempty"`
	Reason         string     `json:"reason,omitempty"`
	CreatedAt      time.Time  `json:"created_at"`
	CreatedBy      string     `json:"created_by"`
	Version        int        `json:"version"`

	// Signed stays out of lists of visits: who was not there reads little of it.
	Signed *SignedRecord `bun:"signed_record,type:jsonb,nullzero" json:"-"`
}

// movable: it has not begun, so its time can be set or changed.
func (v Visit) movable() bool {
	return v.State == VisitDraft || v.State == VisitOffered || v.State == VisitConfirmed
}

// Round is one time offered for a Visit, with its reason.
type Round struct {
	bun.BaseModel `bun:"table:rounds" json:"-"`

	VisitID       string    `bun:",pk" json:"visit_id"`
	N             int       `bun:",pk" json:"n"`
	Start         time.Time `bun:"start_at" json:"start_at"`
	End           time.Time `bun:"end_at" json:"end_at"`
	Place         string    `json:"place"`
	FirstSequence int       `json:"first_sequence"`
	OfferedAt     time.Time `json:"offered_at"`
	OfferedBy     string    `json:"offered_by"`
	ReasonCode    string    `json:"reason_code,omitempty"`
	Reason        string    `json:"reason,omitempty"`
}

// Participant is one Department in one Visit, with its three tracks. ServedAt
// is T1, RespondBy is T2; Deadline keeps how T2 was counted (INS-408).
type Participant struct {
	bun.BaseModel `bun:"table:participants" json:"-"`

	ID           string            `bun:"id,pk" json:"id"`
	VisitID      string            `json:"visit_id"`
	CaseID       string            `json:"case_id"`
	DepartmentID string            `json:"department_id"`
	System       string            `json:"system"`
	Name         string            `json:"name"`
	Round        int               `json:"round"`
	Lead         bool              `json:"lead"`
	Required     bool              `json:"required"` // false: invited only, never blocks, never deemed
	NeverDeemed  bool              `json:"never_deemed"`
	StaffMin     int               `json:"staff_min"`
	Basis        string            `json:"basis,omitempty"`
	Consent      Consent           `json:"consent"`
	Attendance   Attendance        `json:"attendance"`
	Opinion      OpinionState      `json:"opinion"`
	ServiceClass string            `json:"service_class,omitempty"`
	ServedAt     time.Time         `bun:",nullzero" json:"served_at,omitzero"`
	RespondBy    time.Time         `bun:",nullzero" json:"respond_by,omitzero"`
	Deadline     *workday.Deadline `bun:"type:jsonb" json:"deadline,omitempty"`
	AtRisk       bool              `json:"at_risk"` // INS-606

	ItemsSeen     string    `json:"items_seen,omitempty"` // print of the others' items that it has seen (INS-1011)
	ItemsSeenAt   time.Time `bun:",nullzero" json:"items_seen_at,omitzero"`
	ItemsSeenName string    `json:"items_seen_name,omitempty"`
}

// Booking is one resource occupied for one Visit. ExpiresAt is set on a slot
// hold only (SIM-2); an offered round occupies without end (INS-603).
type Booking struct {
	bun.BaseModel `bun:"table:bookings" json:"-"`

	ID         string    `bun:"id,pk" json:"id"`
	ResourceID string    `json:"resource_id"`
	VisitID    string    `json:"visit_id"`
	Round      int       `json:"round"`
	Start      time.Time `bun:"start_at" json:"start_at"`
	End        time.Time `bun:"end_at" json:"end_at"`
	ExpiresAt  time.Time `bun:",nullzero" json:"expires_at,omitzero"`
	HeldBy     string    `json:"held_by"`
}

// caseStream is the evidence stream common to a Case.
func caseStream(caseID string) string { return "case/" + caseID + "/common" }

// departmentStream is the evidence stream of one Department in a Case (SIM-8).
func departmentStream(caseID, departmentID string) string {
	return "case/" + caseID + "/" + departmentID
}
