package inspection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// Breach is an entry of the ledger (监督台账) that stands in no other row: what was
// refused or reported. It starts as suspected; its party may answer, a supervisor
// confirms or dismisses it, and it is never deleted (INS-1205). DepartmentID is the
// party, a department's id or PartyWindow; AnswerDue is zero as long as the party
// has not been told.
type Breach struct {
	bun.BaseModel `bun:"table:breaches" json:"-"`

	ID            string            `bun:"id,pk" json:"id"`
	Class         string            `json:"class"`
	CaseID        string            `json:"case_id"`
	VisitID       string            `bun:",nullzero" json:"visit_id,omitempty"`
	ParticipantID string            `bun:",nullzero" json:"-"`
	CentreID      string            `json:"centre_id"` // whose supervisor decides
	DepartmentID  string            `json:"department_id"`
	Department    string            `json:"department"`
	Channel       BreachChannel     `json:"channel,omitempty"`
	HappenedOn    string            `json:"happened_on,omitempty"` // ISO date
	People        string            `json:"people,omitempty"`
	Detail        string            `json:"detail"`
	Scan          string            `json:"scan,omitempty"`
	SHA256        string            `bun:"sha256" json:"sha256,omitempty"` // of the photo
	MadeAt        time.Time         `json:"made_at"`
	MadeBy        string            `json:"made_by,omitempty"`
	AnswerDue     time.Time         `bun:",nullzero" json:"answer_due,omitzero"`
	Deadline      *workday.Deadline `bun:"type:jsonb" json:"deadline,omitempty"`
	Answer        string            `json:"answer,omitempty"`
	AnsweredAt    time.Time         `bun:",nullzero" json:"answered_at,omitzero"`
	AnsweredBy    string            `json:"answered_by,omitempty"`
	State         BreachState       `json:"state"`
	Note          string            `json:"note,omitempty"`
	DecidedBy     string            `json:"decided_by,omitempty"`
	DecidedAt     time.Time         `bun:",nullzero" json:"decided_at,omitzero"`
}

// BreachState says what a supervisor made of a Breach.
type BreachState string

// States of a Breach.
const (
	BreachSuspected BreachState = "suspected"
	BreachConfirmed BreachState = "confirmed"
	BreachDismissed BreachState = "dismissed"
)

// BreachChannel says from whom the house has an entry.
type BreachChannel string

// Where entries come from.
const (
	BreachSystem     BreachChannel = "system"
	BreachWindow     BreachChannel = "window"
	BreachApplicant  BreachChannel = "applicant"
	BreachDepartment BreachChannel = "department"
)

// Classes of the ledger that are stored (SIM-14).
const (
	ClassSeparate = "K06" // a department inspected alone
	ClassAgain    = "K07" // a department that was absent or deemed asked for another visit
	ClassAsked    = "K08" // the applicant was asked for something that is not in the record
)

// stream is the party's part of the case in the evidence log.
func (b Breach) stream() string { return departmentStream(b.CaseID, b.DepartmentID) }

// print is the hash of what people said in an entry, so that a row that says
// something else than the log shows (EV-12). Entries from before parties were heard
// have none.
func (b Breach) print() string {
	if b.AnswerDue.IsZero() && b.Channel == BreachSystem {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%s\x00%s", b.HappenedOn, b.People, b.Detail, b.SHA256, b.Answer, b.Note))
	return hex.EncodeToString(sum[:])
}

// told is how an entry stands, as the log tells it.
func (b Breach) told() string {
	return fact("breach", b.ID, b.Class, path.Base(b.stream()), b.State, b.print())
}

// leaf records where an entry stands.
func (b Breach) leaf(actor string, at time.Time, more map[string]any) audit.Leaf {
	fields := map[string]any{"breach": b.ID, "class": b.Class, "now": string(b.State), "print": b.print()}
	if b.VisitID != "" {
		fields["visit"] = b.VisitID
	}
	maps.Copy(fields, more)
	return audit.Leaf{Type: "breach", Stream: b.stream(), Actor: actor, At: at, Fields: fields}
}

// tell starts the term in which the party may answer, and tells it (INS-1205).
func (d *Desk) tell(ctx context.Context, tx bun.IDB, c Case, b *Breach) error {
	scope := office.Scope{Centre: b.CentreID, Matter: c.MatterCode}
	if b.DepartmentID != PartyWindow {
		scope.Department = b.DepartmentID
	}
	g, err := groundAt(ctx, tx, b.CentreID, scope, d.now())
	if err != nil {
		return err
	}
	due, err := g.cal.Reply(d.now(), g.rules.LedgerAnswer, g.hours)
	if err != nil {
		return err
	}
	b.AnswerDue, b.Deadline = due.Due.UTC().Truncate(time.Millisecond), &due
	if b.DepartmentID != PartyWindow {
		return d.queueBreach(ctx, tx, *b)
	}
	return raiseTask(ctx, tx, Visit{ID: b.VisitID, CentreID: b.CentreID}, Task{
		Kind: TaskAnswerBreach, Subject: b.ID, CreatedAt: d.now(), DueAt: b.AnswerDue,
		Detail: "监督台账 " + b.Class + " 涉及本窗口，办件" + c.Number + "，请在期限内说明",
	})
}

// put stores a new entry and calls the supervisor. fresh is false where the same
// one stands already.
func (d *Desk) put(ctx context.Context, tx bun.IDB, b *Breach, detail string) (fresh bool, err error) {
	fresh, err = insertNew(ctx, tx, b)
	if err != nil || !fresh {
		return fresh, err
	}
	return true, raiseTask(ctx, tx, Visit{ID: b.VisitID, CentreID: b.CentreID}, Task{
		Kind: TaskBreach, Subject: b.ID, CreatedAt: d.now(), DueAt: b.AnswerDue, ForRole: string(auth.Supervisor), Detail: detail,
	})
}

// AskAgain is a department's request that a visit which is over be made again. One
// that came and has something to look at is heard: the window gets a task. One that
// was absent or whose silence counted may not ask; it is refused with the citation
// and entered in the ledger (INS-1109). Refusals: not_found, not_your_department,
// bad_move, reason_missing, no_second_visit, nothing_to_revisit.
func (d *Desk) AskAgain(ctx context.Context, by auth.Actor, participantID, reason string, key once.Key) error {
	d = d.still()
	if err := checkText("reason", reason, reasonLength); err != nil {
		return err
	}
	_, err := once.Act(ctx, d.DB.Write, key, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, actOnParticipant(ctx, tx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
			return d.askAgain(ctx, tx, by, p, v, reason)
		})
	})
	if fault.Is(err, "no_second_visit") {
		err = errors.Join(d.enter(ctx, by, participantID, reason), err)
	}
	return err
}

func (d *Desk) askAgain(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, reason string) ([]audit.Leaf, error) {
	if err := mayAnswer(by, p.DepartmentID); err != nil {
		return nil, err
	}
	if v.State != VisitClosed {
		return nil, movedOn("bad_move")
	}
	if p.Opinion == OpinionDeemed || p.Missing() {
		g, err := d.ground(ctx, tx, v, p.DepartmentID)
		if err != nil {
			return nil, err
		}
		return nil, fault.Refuse(fault.Forbidden, "no_second_visit",
			"未应约到场或已视为同意的部门，不得要求再次勘验（%s）；本次申请已记入监督台账", "a department that did not come or is deemed to agree may not ask for another visit (%s); the request stands in the ledger", g.rules.Citation)
	}
	items, err := openItems(ctx, tx, v.root(), VerifyVisit)
	if err != nil {
		return nil, err
	}
	if lookText(items, p.DepartmentID) == lookText(nil, p.DepartmentID) {
		return nil, fault.Refuse(fault.Conflict, "nothing_to_revisit",
			"没有需要现场复勘的整改事项，不用复勘", "no item is left that has to be seen on the site; there is nothing to revisit")
	}
	leaf := participantLeaf("revisit_wanted", p, by.String(), d.now(), nil)
	return []audit.Leaf{leaf}, renewTask(ctx, tx, v, Task{
		Kind: TaskAskedAgain, Subject: p.ID, CreatedAt: d.now(), Detail: p.Name + "请求复勘：" + reason + "；请联系申请人是否申请",
	})
}

// enter writes the entry after the refusal has been rolled back. One stands as
// suspected at a time; every attempt is in the log (INS-1204).
func (d *Desk) enter(ctx context.Context, by auth.Actor, participantID, reason string) error {
	return d.onParticipant(ctx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		leaf := participantLeaf("attempt_refused", p, by.String(), d.now(), map[string]any{"act": "another_visit", "code": "no_second_visit"})
		stands, err := hasBreach(ctx, tx, ClassAgain, p.ID)
		if err != nil || stands {
			return []audit.Leaf{leaf}, err
		}
		c, err := findCase(ctx, tx, p.CaseID)
		if err != nil {
			return nil, err
		}
		b := Breach{
			ID: newID(), Class: ClassAgain, CaseID: p.CaseID, VisitID: v.root(), ParticipantID: p.ID, CentreID: v.CentreID, DepartmentID: p.DepartmentID,
			Department: p.Name, Channel: BreachSystem, Detail: reason, MadeAt: d.now(), MadeBy: by.String(), State: BreachSuspected,
		}
		if err := d.tell(ctx, tx, c, &b); err != nil {
			return nil, err
		}
		fresh, err := d.put(ctx, tx, &b, p.Name+"未应约到场或已视为同意，又要求再次勘验，疑似 K07，请核实")
		if err == nil && !fresh {
			err = movedOn("bad_move") // another attempt was entered meanwhile
		}
		return []audit.Leaf{leaf, b.leaf(by.String(), d.now(), nil)}, err
	})
}
