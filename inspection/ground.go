package inspection

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// ground is what a decision about time stands on: the calendar with the
// centre's closures, its opening hours, and the settings in force.
type ground struct {
	cal      *workday.Calendar
	hours    workday.Hours
	rules    office.Rules
	centre   office.Centre
	settings office.Settings
	at       time.Time
}

func (d *Desk) ground(ctx context.Context, q bun.IDB, v Visit, department string) (ground, error) {
	return groundAt(ctx, q, v.CentreID, office.Scope{Centre: v.CentreID, Matter: v.MatterCode, Department: department}, d.now())
}

// groundFor is the ground of the visit itself, with the settings of all these
// departments read along (STY-21).
func (d *Desk) groundFor(ctx context.Context, q bun.IDB, v Visit, departments []string) (ground, error) {
	return groundAt(ctx, q, v.CentreID, office.Scope{Centre: v.CentreID, Matter: v.MatterCode}, d.now(), departments...)
}

// under gives the same ground with the settings of one of its departments.
func (g ground) under(department string) ground {
	g.rules = g.settings.Rules(department)
	return g
}

func groundAt(ctx context.Context, q bun.IDB, centreID string, s office.Scope, at time.Time, departments ...string) (ground, error) {
	centre, err := office.FindCentre(ctx, q, centreID)
	if err != nil {
		return ground{}, err
	}
	cal, err := office.CalendarOf(ctx, q, centreID, at)
	if err != nil {
		return ground{}, err
	}
	settings, err := office.SettingsAt(ctx, q, at, s, departments...)
	if err != nil {
		return ground{}, err
	}
	return ground{cal: cal, hours: centre.Hours, rules: settings.Rules(s.Department), centre: centre, settings: settings, at: at}, nil
}

// DeadlineRow is one deadline of any kind (DEC-6). DueAt counts, NextAt is
// when the sweep looks again; a row on hold is looked at again and again.
type DeadlineRow struct {
	bun.BaseModel `bun:"table:deadlines"`

	ID              string `bun:"id,pk"`
	Kind            DeadlineKind
	Subject         string
	Round           int
	DueAt           time.Time
	NextAt          time.Time
	CalendarVersion int
	Detail          DeadlineDetail `bun:"type:jsonb"`
	State           string
	Held            bool
}

// DeadlineDetail keeps what a deadline was counted from (INS-408).
type DeadlineDetail struct {
	Counted   *workday.Deadline `json:"counted,omitempty"`
	MovedFrom time.Time         `json:"moved_from,omitzero"`
	Why       string            `json:"why,omitempty"`
}

// DeadlineKind says what falls due.
type DeadlineKind string

// Kinds of deadline; Subject is a participant's id, of rectify and revisit a visit's, of photo an item's.
const (
	DeadlineReply        DeadlineKind = "reply"        // T2
	DeadlineRemindReply  DeadlineKind = "remind_reply" // half of the term (INS-713)
	DeadlineRemindVisit  DeadlineKind = "remind_visit" // morning of the visit (INS-713)
	DeadlineEscalate     DeadlineKind = "escalate"     // no proof of arrival so far (INS-709)
	DeadlineCounter      DeadlineKind = "counter"      // the window answers other times, Tc (INS-811)
	DeadlineExcuse       DeadlineKind = "excuse"       // the supervisor decides an excuse, Te (INS-812)
	DeadlineGrace        DeadlineKind = "grace"        // somebody is missing from then on (A4)
	DeadlineNoShow       DeadlineKind = "no_show"      // not coming is judged
	DeadlineOpinion      DeadlineKind = "opinion"      // T3
	DeadlineRectify      DeadlineKind = "rectify"      // T5, of the visit whose list was given
	DeadlineRevisit      DeadlineKind = "revisit"      // T6, of the same
	DeadlinePhoto        DeadlineKind = "photo"        // a department answers a photo of an item (INS-1108)
	deadlinePending                   = "pending"
	deadlineDone                      = "done"
	deadlineVoid                      = "void"
	heldAgain                         = 30 * time.Second // how soon a held row is looked at again
	reminderFirstVisitAt              = 8 * 60           // minutes after midnight, remind.before_visit
)

var deadlineKinds = []DeadlineKind{DeadlineReply, DeadlineRemindReply, DeadlineRemindVisit, DeadlineEscalate, DeadlineCounter, DeadlineExcuse, DeadlineGrace, DeadlineNoShow, DeadlineOpinion}

// siteKinds are the deadlines of the visit day that DeemDue looks at.
var siteKinds = []DeadlineKind{DeadlineGrace, DeadlineNoShow, DeadlineOpinion}

// silenceKinds are all that it looks at.
var silenceKinds = append([]DeadlineKind{DeadlineReply}, siteKinds...)

// stamp is how an instant is written into a leaf: UTC with milliseconds.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return audit.Instant(t)
}
