package inspection

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// ground is what a decision about time stands on: the calendar with the
// centre's closures, its opening hours, and the settings in force.
type ground struct {
	cal    *workday.Calendar
	hours  workday.Hours
	rules  office.Rules
	centre office.Centre
}

func (d *Desk) ground(ctx context.Context, q bun.IDB, v Visit, department string) (ground, error) {
	return groundAt(ctx, q, v.CentreID, office.Scope{Centre: v.CentreID, Matter: v.MatterCode, Department: department}, d.now())
}

func groundAt(ctx context.Context, q bun.IDB, centreID string, s office.Scope, at time.Time) (ground, error) {
	centre, err := office.FindCentre(ctx, q, centreID)
	if err != nil {
		return ground{}, err
	}
	cal, err := office.CalendarOf(ctx, q, centreID, at)
	if err != nil {
		return ground{}, err
	}
	rules, err := office.RulesAt(ctx, q, at, s)
	if err != nil {
		return ground{}, err
	}
	return ground{cal: cal, hours: centre.Hours, rules: rules, centre: centre}, nil
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
	Forgiven  time.Time         `json:"forgiven,omitzero"` // gaps that ended by then have moved T2 already
	MovedFrom time.Time         `json:"moved_from,omitzero"`
	Why       string            `json:"why,omitempty"`
}

// DeadlineKind says what falls due.
type DeadlineKind string

// Kinds of deadline; Subject is a participant's id.
const (
	DeadlineReply        DeadlineKind = "reply"        // T2
	DeadlineRemindReply  DeadlineKind = "remind_reply" // half of the term (INS-713)
	DeadlineRemindVisit  DeadlineKind = "remind_visit" // morning of the visit (INS-713)
	DeadlineEscalate     DeadlineKind = "escalate"     // no proof of arrival so far (INS-709)
	deadlinePending                   = "pending"
	deadlineDone                      = "done"
	deadlineVoid                      = "void"
	heldAgain                         = 30 * time.Second // how soon a held row is looked at again
	reminderFirstVisitAt              = 8 * 60           // minutes after midnight, remind.before_visit
)

// setDeadline moves T2 of a participant to a later instant and records it
// (INS-409: never earlier). The caller has checked that it is later.
func (d *Desk) setDeadline(ctx context.Context, tx bun.IDB, p Participant, v Visit, due time.Time, why string) ([]audit.Leaf, error) {
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return nil, err
	}
	if err := moveRespondBy(ctx, tx, p, due, g.rules.DeemGrace, why, d.now()); err != nil {
		return nil, err
	}
	if err := d.tellLater(ctx, tx, p, due); err != nil {
		return nil, err
	}
	return []audit.Leaf{{
		Type: "deadline_set", Stream: departmentStream(p.CaseID, p.DepartmentID), Actor: systemActor.String(), At: d.now(),
		Fields: map[string]any{
			"round": p.Round, "t1": stamp(p.ServedAt), "t2": stamp(due), "was": stamp(p.RespondBy), "why": why,
			"calendar_version": p.Deadline.CalendarVersion, "line": p.Deadline.Line,
		},
	}}, nil
}

// tellLater tells the department its new deadline (INS-409).
func (d *Desk) tellLater(ctx context.Context, tx bun.IDB, p Participant, due time.Time) error {
	return d.queueTo(ctx, tx, p, outgoing{
		purpose: notify.PurposeReminder, key: fmt.Sprintf("%s.%d.%d", p.ID, p.Round, due.Unix()),
		only: []string{notify.Portal, notify.Mail}, until: due,
	})
}

// stamp is how an instant is written into a leaf: UTC with milliseconds.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return audit.Instant(t)
}
