package inspection

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// ResourceKind says what can be occupied. All kinds obey one overlap rule
// (INS-208).
type ResourceKind string

// Kinds of Resource. A department that counts heads has n teams (SIM-11).
const (
	KindInspector ResourceKind = "inspector"
	KindTeam      ResourceKind = "team"
	KindVehicle   ResourceKind = "vehicle"
	KindRoom      ResourceKind = "room"
)

// Resource is a person, team, vehicle or room that a visit occupies.
// ValidUntil is the certificate's last day (ISO date), empty if it has none.
type Resource struct {
	bun.BaseModel `bun:"table:resources" json:"-"`

	ID             string          `bun:"id,pk" json:"id"`
	Kind           ResourceKind    `json:"kind"`
	Name           string          `json:"name"`
	PersonID       string          `json:"person_id,omitempty"`
	DepartmentID   string          `json:"department_id,omitempty"`
	CentreID       string          `json:"centre_id,omitempty"`
	Certificate    string          `json:"certificate,omitempty"`
	ValidUntil     string          `json:"valid_until,omitempty"`
	Qualifications []Qualification `bun:"type:jsonb" json:"qualifications"`
	PerDay         int             `json:"per_day"` // 0: the setting decides
	Seats          int             `json:"seats,omitempty"`
	Active         bool            `json:"active"`
}

// Qualification says what an inspector may see: a matter code or "*", in a
// division or anywhere below it, or "*" (INS-209).
type Qualification struct {
	Matter   string `json:"matter"`
	Division string `json:"division"`
}

// Qualified reports whether the resource may serve a visit of the matter in
// the division on that day (INS-209). ancestors are the codes from the site's
// division upward.
func (r Resource) Qualified(matter string, ancestors []string, on workday.Date) bool {
	if !r.Active || r.ValidUntil != "" && r.ValidUntil < on.String() {
		return false
	}
	for _, q := range r.Qualifications {
		if (q.Matter == "*" || q.Matter == matter) && covers(q.Division, ancestors) {
			return true
		}
	}
	return false
}

func covers(division string, ancestors []string) bool {
	return division == "*" || slices.Contains(ancestors, division)
}

// Absence is a time a resource cannot be booked: leave, duty, or busy times
// imported from outside. Half-open, UTC.
type Absence struct {
	bun.BaseModel `bun:"table:absences" json:"-"`

	ID         string    `bun:"id,pk" json:"id"`
	ResourceID string    `json:"resource_id"`
	Start      time.Time `bun:"start_at" json:"start_at"`
	End        time.Time `bun:"end_at" json:"end_at"`
	Kind       string    `json:"kind"` // absenceLeave or absenceExternal
	Reason     string    `json:"reason,omitempty"`
	SetBy      string    `json:"set_by"`
}

// Kinds of Absence. An imported busy time has buffers around it (INS-505).
const (
	absenceLeave    = "leave"
	absenceExternal = "external"
)

// Recusal (回避) keeps an inspector away from an applicant (INS-210). The
// reason is for supervisors only.
type Recusal struct {
	bun.BaseModel `bun:"table:recusals" json:"-"`

	ResourceID string `bun:",pk" json:"resource_id"`
	Applicant  string `bun:",pk" json:"applicant"`
	Reason     string `json:"reason"`
	SetBy      string `json:"set_by"`
}

// AddResource registers an inspector, team, vehicle or room. Heads of the
// department, supervisors and administrators may. Refusals: not_your_resource,
// resource_incomplete, text_invalid.
func (d *Desk) AddResource(ctx context.Context, by auth.Actor, r Resource, key once.Key) (Resource, error) {
	d = d.still()
	if !mayManage(by, r.DepartmentID) {
		return r, notYourResource()
	}
	if err := r.check(); err != nil {
		return r, err
	}
	r.ID, r.Active = newID(), true
	if r.Qualifications == nil {
		r.Qualifications = []Qualification{}
	}
	return once.Act(ctx, d.DB.Write, key, d.now(), func(tx bun.IDB) (Resource, error) {
		if err := insertResource(ctx, tx, &r); err != nil {
			return r, err
		}
		return r, audit.Record(ctx, tx, audit.Leaf{
			Type: "resource_added", Stream: "system", Actor: by.String(), At: d.now(),
			Fields: map[string]any{"resource": r.ID, "kind": string(r.Kind), "department": r.DepartmentID},
		})
	})
}

var resourceKinds = []ResourceKind{KindInspector, KindTeam, KindVehicle, KindRoom}

func (r Resource) check() error {
	var until workday.Date
	unreadable := until.UnmarshalText([]byte(r.ValidUntil)) != nil
	if !slices.Contains(resourceKinds, r.Kind) || strings.TrimSpace(r.Name) == "" || r.DepartmentID == "" && r.CentreID == "" || unreadable {
		return fault.Refuse(fault.Invalid, "resource_incomplete",
			"请填写类别、姓名或名称、所属部门或中心；证件有效期应为日期，如 2027-12-31", "give a kind, a name, and the department or centre it belongs to; a certificate ends on a date such as 2027-12-31")
	}
	return office.CheckLines(line("name", r.Name), line("certificate", r.Certificate))
}

// AddAbsence enters leave or duty of a resource. A time that overlaps a booked
// visit is refused with the visit's case, so that nobody is left without an
// inspector unnoticed. Refusals: not_found, not_your_resource, absence_span,
// absence_booked, text_invalid.
func (d *Desk) AddAbsence(ctx context.Context, by auth.Actor, a Absence, key once.Key) (Absence, error) {
	d = d.still()
	if err := a.complete(); err != nil {
		return a, err
	}
	a.ID, a.SetBy = newID(), by.String()
	return once.Act(ctx, d.DB.Write, key, d.now(), func(tx bun.IDB) (Absence, error) {
		r, err := lockResource(ctx, tx, a.ResourceID)
		if err != nil {
			return a, err
		}
		if !mayManage(by, r.DepartmentID) && (by.ID == "" || by.ID != r.PersonID) {
			return a, notYourResource()
		}
		if err := refuseBooked(ctx, tx, a, d.now()); err != nil {
			return a, err
		}
		if err := insertAbsence(ctx, tx, &a); err != nil {
			return a, err
		}
		return a, audit.Record(ctx, tx, audit.Leaf{
			Type: "absence_added", Stream: "system", Actor: by.String(), At: d.now(),
			Fields: map[string]any{"resource": a.ResourceID, "from": stamp(a.Start), "to": stamp(a.End), "kind": a.Kind},
		})
	})
}

// complete checks a time of absence; leave unless it is said to be external.
func (a *Absence) complete() error {
	a.Start, a.End = a.Start.UTC().Truncate(time.Millisecond), a.End.UTC().Truncate(time.Millisecond)
	if a.Kind != absenceExternal {
		a.Kind = absenceLeave
	}
	if !a.End.After(a.Start) {
		return fault.Refuse(fault.Invalid, "absence_span", "结束时间应晚于开始时间", "the end must be after the start")
	}
	return office.CheckText("reason", a.Reason, reasonLength)
}

// Recuse keeps an inspector away from an applicant (INS-210). The head of the
// department, supervisors and administrators may. Refusals: not_found,
// not_your_resource, reason_missing, text_invalid.
func (d *Desk) Recuse(ctx context.Context, by auth.Actor, r Recusal) error {
	d = d.still()
	if err := checkText("reason", r.Reason, reasonLength); err != nil {
		return err
	}
	if err := office.CheckLines(office.Line{Field: "applicant", Value: r.Applicant, Max: lineLength}); err != nil {
		return err
	}
	r.SetBy = by.String()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		of, err := lockResource(ctx, tx, r.ResourceID)
		if err != nil {
			return err
		}
		if !mayManage(by, of.DepartmentID) {
			return notYourResource()
		}
		if fresh, err := insertNew(ctx, tx, &r); err != nil || !fresh {
			return err
		}
		return audit.Record(ctx, tx, audit.Leaf{
			Type: "recusal_added", Stream: "system", Actor: by.String(), At: d.now(), Fields: map[string]any{"resource": r.ResourceID},
		})
	})
}

func refuseBooked(ctx context.Context, tx bun.IDB, a Absence, now time.Time) error {
	visits, err := bookedBetween(ctx, tx, a.ResourceID, a.Start, a.End, now)
	if err != nil || len(visits) == 0 {
		return err
	}
	return fault.Refuse(fault.Conflict, "absence_booked",
		"这段时间已约定勘验（%s），请先与综合窗口协商", "a visit is booked in that time (%s); settle it with the window first",
		strings.Join(visits, "、")).With("cases", visits)
}

// mayManage: a department's head its own people, supervisors and
// administrators everything.
func mayManage(by auth.Actor, department string) bool {
	if by.Kind == auth.KindSystem || by.Is(auth.Supervisor) || by.Is(auth.Admin) {
		return true
	}
	return by.Is(auth.Head) && department != "" && by.Department == department
}

func notYourResource() *fault.Error {
	return fault.Refuse(fault.Forbidden, "not_your_resource",
		"只有本人、本部门负责人或主管可以登记", "only the person, the head of the department or a supervisor may enter this")
}

// maySupervise: a supervisor of the organising centre.
func maySupervise(ctx context.Context, q bun.IDB, by auth.Actor, centreID string) error {
	if err := mayOrganise(ctx, q, by, centreID); err != nil {
		return err
	}
	if by.Is(auth.Supervisor) {
		return nil
	}
	return notSupervisor()
}

func notSupervisor() *fault.Error {
	return fault.Refuse(fault.Forbidden, "not_supervisor",
		"此操作需要主管办理", "a supervisor has to do this")
}
