package delivery

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

// RegisteredReceiver (登记收件人) may sign on paper for a department that has no
// accounts, such as its reception desk (DEL-913). Whoever is signed in for the
// department signs by that and needs no line here (DEL-910).
type RegisteredReceiver struct {
	bun.BaseModel `bun:"table:registered_receivers" json:"-"`

	ID           string       `bun:"id,pk" json:"id"`
	DepartmentID string       `json:"department_id"`
	Name         string       `json:"name"`
	Post         string       `json:"post"`   // where they work, such as 收发室
	Ground       string       `json:"ground"` // the department's letter
	From         workday.Date `bun:"from_day" json:"from"`
	AddedAt      time.Time    `json:"added_at"`
	AddedBy      string       `json:"added_by"`
	EndedAt      time.Time    `bun:",nullzero" json:"ended_at,omitzero"`
	EndedBy      string       `json:"ended_by,omitempty"`
	EndedWhy     string       `json:"ended_why,omitempty"`
}

// Stood reports whether the line stood at an instant.
func (r RegisteredReceiver) Stood(at time.Time) bool {
	return !workday.DateOf(at).Before(r.From) && (r.EndedAt.IsZero() || at.Before(r.EndedAt))
}

// ReceiverRequest puts somebody on a department's list. A zero From is today.
type ReceiverRequest struct {
	DepartmentID, Name, Post, Ground string
	From                             workday.Date
	Once                             once.Key
}

func (r *ReceiverRequest) check(today workday.Date) error {
	for _, text := range []*string{&r.Name, &r.Post, &r.Ground} {
		*text = strings.TrimSpace(*text)
	}
	if r.From.IsZero() {
		r.From = today
	}
	if r.Name == "" || r.Post == "" || r.Ground == "" || r.From.Before(today) {
		return fault.Refuse(fault.Invalid, "receiver_incomplete",
			"请填写收件人姓名、所在岗位和依据（部门的登记函及日期）；起始日期不能早于今天",
			"give the receiver's name, where they work and the ground, the department's letter with its date; the first day is today or later")
	}
	return office.CheckLines(line("name", r.Name), line("post", r.Post), line("ground", r.Ground))
}

// mayKeepList: the head keeps the list of the department; for one without accounts
// the window enters what its letter says (DEL-913, DEL-950). Refusals:
// receivers_keeper, department_has_accounts, department_unknown.
func mayKeepList(ctx context.Context, q bun.IDB, by auth.Actor, department string) error {
	if by.Is(auth.Head) && department != "" && by.Department == department {
		return nil
	}
	if by.Department != "" {
		return receiversKeeper()
	}
	if _, err := office.FindDepartment(ctx, q, department); err != nil {
		return err
	}
	return actsFor(ctx, q, by, department, by.Centre, receiversKeeper())
}

// MayKeepList says why the actor may not change a department's list, nil if they
// may. Refusals: those of mayKeepList.
func (d *Desk) MayKeepList(ctx context.Context, by auth.Actor, department string) error {
	return d.DB.Read(ctx, func(q bun.IDB) error { return mayKeepList(ctx, q, by, department) })
}

func receiversKeeper() *fault.Error {
	return fault.Refuse(fault.Forbidden, "receivers_keeper",
		"登记收件人名单由该部门负责人维护；部门没有账号的，由综合窗口凭其登记函办理", "a department's head keeps its list of receivers; for a department without accounts the window does, by its letter")
}

// RegisterReceiver puts somebody on a department's list. Refusals: those of
// mayKeepList, receiver_incomplete, text_invalid, receiver_registered.
func (d *Desk) RegisterReceiver(ctx context.Context, by auth.Actor, r ReceiverRequest) (RegisteredReceiver, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (RegisteredReceiver, error) {
		if err := mayKeepList(ctx, tx, by, r.DepartmentID); err != nil {
			return RegisteredReceiver{}, err
		}
		if err := r.check(workday.DateOf(d.now())); err != nil {
			return RegisteredReceiver{}, err
		}
		out := RegisteredReceiver{
			ID: newID(), DepartmentID: r.DepartmentID, Name: r.Name, Post: r.Post, Ground: r.Ground, From: r.From, AddedAt: d.now(), AddedBy: by.String(),
		}
		if err := insertReceiver(ctx, tx, &out); err != nil {
			return RegisteredReceiver{}, err
		}
		return out, audit.Record(ctx, tx, d.receiverLeaf("receiver_registered", out, by))
	})
}

// EndReceiver takes somebody off the list from now on; the line stays, with the
// reason. Refusals: not_found, those of mayKeepList, reason_missing, text_invalid,
// receiver_ended.
func (d *Desk) EndReceiver(ctx context.Context, by auth.Actor, id, why string) (out RegisteredReceiver, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if out, err = findReceiver(ctx, tx, id); err != nil {
			return err
		}
		if err := mayKeepList(ctx, tx, by, out.DepartmentID); err != nil {
			return err
		}
		if err := checkReason("reason", why); err != nil {
			return err
		}
		out.EndedAt, out.EndedBy, out.EndedWhy = d.now(), by.String(), strings.TrimSpace(why)
		if err := endReceiver(ctx, tx, &out); err != nil {
			return err
		}
		return audit.Record(ctx, tx, d.receiverLeaf("receiver_ended", out, by))
	})
	if err != nil {
		return RegisteredReceiver{}, err
	}
	return out, nil
}

// receiverLeaf names the line and not the person (SIM-8).
func (d *Desk) receiverLeaf(what string, r RegisteredReceiver, by auth.Actor) audit.Leaf {
	return audit.Leaf{Type: what, Stream: "system", Actor: by.String(), At: d.now(), Fields: map[string]any{
		"receiver": r.ID, "department": r.DepartmentID, "from": r.From.String(),
	}}
}

// ListReceivers gives a department's list with its history, those who stand first:
// to whoever keeps and passes on things, and to auditors. Refusal: receivers_keeper.
func (d *Desk) ListReceivers(ctx context.Context, by auth.Actor, department string) (out []RegisteredReceiver, err error) {
	if !keepsThings(by) && !by.Is(auth.Auditor) {
		return nil, receiversKeeper()
	}
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = receiversOf(ctx, q, department)
		return err
	})
	return out, err
}

// StandingReceivers gives who may sign now, of every department, for the window that
// has not chosen one yet. Refusal: receivers_keeper.
func (d *Desk) StandingReceivers(ctx context.Context, by auth.Actor) (out []RegisteredReceiver, err error) {
	if !atWindow(by) && !by.Is(auth.Auditor) {
		return nil, receiversKeeper()
	}
	now := d.now()
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = standingReceivers(ctx, q)
		return err
	})
	return slices.DeleteFunc(out, func(r RegisteredReceiver) bool { return !r.Stood(now) }), err
}

// wantRegistered refuses a signature on a slip by somebody who was not on the
// department's list when it was given (DEL-913).
func wantRegistered(ctx context.Context, q bun.IDB, department, name string, at time.Time) error {
	list, err := receiversOf(ctx, q, department)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(r RegisteredReceiver) bool { return r.Name == name && r.Stood(at) }) {
		return nil
	}
	return fault.Refuse(fault.Invalid, "receiver_unregistered",
		"签收时“%[1]s”不在该部门的登记收件人名单上：请核对姓名，或请名单上的人补签；换了人的，先凭部门的登记函在“登记收件人”页登记",
		"%[1]s was not on the department's list of receivers at that time: compare the name, or have somebody on the list sign; register a new person first, by the department's letter", name)
}
