package inspection

import (
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// Matter is one published version of a 事项: what an applicant wants to do,
// which permits that takes, and which departments must see the premises. It is
// data (INS-301): a version is never changed, a change is a new version, and a
// Case keeps the version in force at its acceptance.
type Matter struct {
	bun.BaseModel `bun:"table:matters" json:"-"`

	Code          string       `bun:",pk" json:"code"`
	Version       int          `bun:",pk" json:"version"` // 1, 2, 3 …
	NameZH        string       `json:"name_zh"`
	NameEN        string       `json:"name_en"`
	EffectiveFrom workday.Date `json:"effective_from"` // first day in force
	EffectiveTo   workday.Date `json:"effective_to"`   // first day no longer in force, zero: open
	Permits       []string     `bun:"type:jsonb" json:"permits"`
	NeverDeemed   bool         `json:"never_deemed"` // for all departments (INS-310)
	Commitment    bool         `json:"commitment"`   // 告知承诺: no visit before the decision (DEC-20)
	Certainty     Certainty    `json:"certainty,omitempty"`
	WindowOnly    bool         `json:"window_only,omitempty"` // 须到窗口领取 (DEL-204); left out when false, so that older hashes stand
	Search        string       `json:"-"`                     // folded text for look-up (STK-23)
	Hash          string       `json:"hash"`
	PublishedAt   time.Time    `json:"published_at"`
	PublishedBy   string       `json:"published_by"`

	Rules []Rule `bun:"rel:has-many,join:code=matter_code,join:version=matter_version" json:"rules"`
}

// Name gives the matter's name in the language asked for.
func (m Matter) Name(lang string) string { return Words{m.NameZH, m.NameEN}.In(lang) }

// Certainty says how well a row of the shipped working list is sourced.
type Certainty string

// The three grades; "" for what a city wrote itself.
const (
	Sourced     Certainty = "S"  // name, permits and departments read in a public table
	PermitKnown Certainty = "P"  // permit or kind of place read in a public list
	Unverified  Certainty = "CK" // to be checked
)

// Rule says when a department comes (INS-302).
type Rule struct {
	bun.BaseModel `bun:"table:matter_rules" json:"-"`

	MatterCode    string       `bun:",pk" json:"-"`
	MatterVersion int          `bun:",pk" json:"-"`
	Position      int          `bun:",pk" json:"-"`      // order of the list, from 1
	System        string       `json:"system"`           // code of the department's branch, see SystemName
	Level         office.Level `json:"level"`            // level that decides the permit here
	Permit        string       `json:"permit,omitempty"` // what it is about
	When          Expr         `bun:"condition" json:"when"`
	Attendance    Duty         `json:"attendance"`
	Lead          bool         `json:"lead"`         // content lead, one of the required rows (INS-207)
	NeverDeemed   bool         `json:"never_deemed"` // silence of this department is held (INS-310)
	CheckKind     CheckKind    `json:"check_kind"`
	Basis         string       `json:"basis,omitempty"` // printed in the notice
}

// Duty says whether a department must come or is only told.
type Duty string

// Required departments are in the slot search. Invited ones get the notice, never
// block a slot and are never deemed.
const (
	Required Duty = "required"
	Invited  Duty = "invited"
)

// CheckKind says which kind of visit a department takes part in.
type CheckKind string

// The kinds of INS-302.
const (
	CheckSite   CheckKind = "site"
	CheckReview CheckKind = "review"
	CheckBoth   CheckKind = "both"
)

// Covers reports whether the department takes part in a visit of that kind.
func (c CheckKind) Covers(kind VisitKind) bool { return c == CheckBoth || string(c) == string(kind) }

// Warning is something a person should look at; it stops nothing.
type Warning struct {
	Code string `json:"code"`
	Text Words  `json:"text"`
}
