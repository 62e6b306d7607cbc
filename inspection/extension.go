package inspection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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

// Extension (延长办理期限) is more time than the law gives to decide a case: asked
// for with its reason before the limit is over, and approved by whom the law names,
// once for each limit (INS-1115, 行政许可法 art. 42). The promised limit stands.
type Extension struct {
	bun.BaseModel `bun:"table:case_extensions" json:"-"`

	ID           string           `bun:"id,pk" json:"id"`
	CaseID       string           `json:"-"`
	Setting      string           `json:"setting"` // the limit that it is about
	Days         int              `json:"days"`    // working days
	Reason       string           `json:"reason"`  // as the applicant is told
	AskedBy      string           `json:"asked_by"`
	AskedName    string           `json:"asked_name"`
	AskedAt      time.Time        `json:"asked_at"`
	Outcome      ExtensionOutcome `json:"outcome,omitempty"`
	Decision     string           `json:"decision,omitempty"` // why it was refused
	Document     string           `json:"document,omitempty"` // number of the approval, of somebody outside the system
	DocumentDate workday.Date     `bun:",nullzero" json:"document_date,omitzero"`
	DecidedBy    string           `json:"decided_by,omitempty"`
	DecidedName  string           `json:"decided_name,omitempty"`
	DecidedAt    time.Time        `bun:",nullzero" json:"decided_at,omitzero"`
}

// ExtensionOutcome says what became of an Extension, empty while it waits.
type ExtensionOutcome string

// Outcomes of an Extension.
const (
	ExtensionApproved ExtensionOutcome = "approved"
	ExtensionRefused  ExtensionOutcome = "refused"
	ExtensionOver     ExtensionOutcome = "over" // the case was handed over first
)

// Open reports whether it waits for its decision.
func (e Extension) Open() bool { return e.Outcome == "" }

// print is what the log keeps of its words.
func (e Extension) print() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", e.ID, e.Reason, e.Decision))
	return hex.EncodeToString(sum[:])
}

// By how many working days the law lets a limit be extended (行政许可法 art. 42).
const (
	extraAlone = 10
	extraJoint = 15
)

// extensionReason is how long the reason may be: the text to the applicant has room
// for so much, and is to say all of it.
const extensionReason = 50

// most is by how many working days the legal limit may be extended.
func (l Limits) most() int {
	if l.Joint {
		return extraJoint
	}
	return extraAlone
}

// ExtensionRequest asks for an extension.
type ExtensionRequest struct {
	CaseID string
	Days   int
	Reason string
	Once   once.Key
}

// AskExtension asks for more time to decide a case, with the reason that the
// applicant will be told (INS-1115). The windows of the case and people of its
// departments may, while the legal limit runs. The head of the one department finds
// it in the inbox; where a supervisor records the approval, that is a task. Refusals:
// not_found, extension_asker, reason_missing, text_invalid, extension_days,
// extension_over, extension_late, extension_used, extension_open.
func (d *Desk) AskExtension(ctx context.Context, by auth.Actor, r ExtensionRequest) (Extension, error) {
	d = d.still()
	r.Reason = strings.TrimRight(strings.TrimSpace(r.Reason), "。.")
	if r.Reason == "" {
		return Extension{}, reasonMissing()
	}
	if err := office.CheckLines(office.Line{Field: "reason", Value: r.Reason, Max: extensionReason}); err != nil {
		return Extension{}, err
	}
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Extension, error) { return d.askExtension(ctx, tx, by, r) })
}

func (d *Desk) askExtension(ctx context.Context, tx bun.IDB, by auth.Actor, r ExtensionRequest) (Extension, error) {
	c, err := d.lockWithLimits(ctx, tx, by, r.CaseID)
	if err != nil {
		return Extension{}, err
	}
	if err := mayAskExtension(by, c); err != nil {
		return Extension{}, err
	}
	if err := c.extendable(dateOf(d.now())); err != nil {
		return Extension{}, err
	}
	if most := c.Limits.most(); r.Days < 1 || r.Days > most {
		return Extension{}, fault.Refuse(fault.Invalid, "extension_days",
			"可延长 1 至 %d 个工作日（行政许可法第四十二条），请改正后再提交", "it can be 1 to %d working days (行政许可法 art. 42); correct the number", most)
	}
	e := Extension{
		ID: newID(), CaseID: c.ID, Setting: c.Limits.Legal.Setting, Days: r.Days, Reason: r.Reason,
		AskedBy: by.String(), AskedName: by.Name, AskedAt: d.now(),
	}
	if err := insertExtension(ctx, tx, &e); err != nil {
		return e, err
	}
	if err := d.putExtension(ctx, tx, c, e); err != nil {
		return e, err
	}
	return e, audit.Record(ctx, tx, e.leaf("extension_asked", by.String(), d.now(), map[string]any{"setting": e.Setting, "days": e.Days}))
}

// putExtension puts it before the supervisor, unless the head of the one department
// decides.
func (d *Desk) putExtension(ctx context.Context, tx bun.IDB, c Case, e Extension) error {
	headed, err := c.headed(ctx, tx)
	if err != nil || headed {
		return err
	}
	return raiseTask(ctx, tx, Visit{CentreID: c.OrganiserCentre}, Task{
		Kind: TaskExtension, Subject: c.ID, CreatedAt: d.now(), DueAt: c.Limits.Legal.At(), ForRole: string(auth.Supervisor),
		Detail: fmt.Sprintf("办件 %s 申请延长法定办结期限 %d 个工作日，请报批，并在期限届满前登记批准文件：%s", c.Number, e.Days, e.Reason),
	})
}

func (e Extension) leaf(kind, actor string, at time.Time, more map[string]any) audit.Leaf {
	more["extension"], more["print"] = e.ID, e.print()
	return audit.Leaf{Type: kind, Stream: caseStream(e.CaseID), Actor: actor, At: at, Fields: more}
}

// mayAskExtension: the windows of the case, and people of its departments.
func mayAskExtension(by auth.Actor, c Case) error {
	if atWindow(by) || mayAnswer(by, by.Department) == nil && c.involves(by.Department) {
		return nil
	}
	return fault.Refuse(fault.Forbidden, "extension_asker",
		"延长办理期限由综合窗口或办理部门申请", "the window, or a department that decides, asks for an extension")
}

func (c Case) involves(department string) bool {
	return slices.ContainsFunc(c.Departments, func(r CaseDepartment) bool { return r.Included && r.DepartmentID == department })
}

// extendable refuses a case whose legal limit cannot be extended now, or not again.
func (c Case) extendable(today workday.Date) error {
	if err := c.stillRuns(today); err != nil {
		return err
	}
	for _, e := range c.Extensions {
		switch {
		case e.Open():
			return fault.Refuse(fault.Conflict, "extension_open",
				"已有一项延长申请待决定，请等待决定", "an extension has been asked for already; wait for the decision")
		case e.Outcome == ExtensionApproved && e.Setting == c.Limits.Legal.Setting:
			return fault.Refuse(fault.Conflict, "extension_used",
				"法定办结期限只能延长一次，已经延长 %[1]d 个工作日；请在延长后的期限内作出决定", "the limit by law is extended once, and it has been, by %[1]d working days; decide the case within that", e.Days)
		}
	}
	return nil
}

// stillRuns refuses a case that is over, or whose legal limit was over before a day:
// it is extended while it runs (行政许可法 art. 42: 二十日内不能作出决定的).
func (c Case) stillRuns(on workday.Date) error {
	legal := c.Limits.Legal
	switch {
	case legal.Ended:
		return fault.Refuse(fault.Conflict, "extension_over", "办件已经办结，不用再延长期限", "the case is over; there is nothing to extend")
	case !legal.Due.IsZero() && legal.Due.Before(on):
		return fault.Refuse(fault.Conflict, "extension_late",
			"法定办结期限已于 %[1]s 届满，不能再延长；请尽快作出决定，并向申请人说明", "the limit by law was over on %[2]s and cannot be extended any more; decide soon, and explain it to the applicant",
			workday.DayText("zh", legal.Due), workday.DayText("en", legal.Due))
	}
	return nil
}

// decidesAlone is the department that decides alone; empty under joint handling, or
// while nobody is found.
func (c Case) decidesAlone() (department string) {
	for _, r := range c.Departments {
		if r.Included && !c.Limits.Joint {
			department = r.DepartmentID
		}
	}
	return department
}

// headed reports whether the one department that decides has a head in the system.
func (c Case) headed(ctx context.Context, q bun.IDB) (bool, error) {
	department := c.decidesAlone()
	if department == "" {
		return false, nil
	}
	heads, err := auth.ListPeople(ctx, q, auth.PersonQuery{Department: department, Role: auth.Head, Enabled: true, Limit: 1})
	return len(heads) > 0, err
}

// mayDecideExtension: the head of the one department (行政许可法 art. 42:
// 本行政机关负责人); under joint handling somebody of the government (本级人民政府负责人),
// and for a department whose head has no account that head, outside the system:
// whose approval the supervisor of the window records, outside is true then.
func (d *Desk) mayDecideExtension(ctx context.Context, q bun.IDB, by auth.Actor, c Case) (outside bool, err error) {
	one := c.decidesAlone()
	if one != "" && by.Is(auth.Head) && by.Department == one {
		return false, nil
	}
	headed, err := c.headed(ctx, q)
	if err != nil {
		return false, err
	}
	if headed || !atWindow(by) {
		return false, fault.Refuse(fault.Forbidden, "extension_approver",
			"单个部门办理的，由该部门负责人登录批准；联合办理或该负责人没有账号的，由组织窗口的主管凭批准文件登记",
			"of one department alone its head approves, signed in; under joint handling, or where the head has no account, the supervisor of the organising window records the approval from its document")
	}
	return true, maySupervise(ctx, q, by, c.OrganiserCentre)
}

// lockWithLimits reads a case that the actor sees, with its limits, for an act on
// them.
func (d *Desk) lockWithLimits(ctx context.Context, tx bun.IDB, by auth.Actor, id string) (Case, error) {
	c, err := lockCase(ctx, tx, id)
	if err != nil {
		return c, err
	}
	if !MayRead(by, c) {
		return c, notFound()
	}
	return c, d.addLimits(ctx, tx, &c)
}
