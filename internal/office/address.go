package office

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// Channel is a way to a department (INS-705).
type Channel string

// The channels a confirmed address may name.
const (
	Portal Channel = "portal" // the inbox in this system, Value is empty
	Mail   Channel = "mail"
	SMS    Channel = "sms"
	Paper  Channel = "paper" // Value names the desk
)

// Address is one line of a department's 送达地址确认书, or the wish to end one.
// It counts from From until To (zero = open) once Approved; a Notice goes by
// what counts at its own instant, so a later line never counts for it (INS-711).
type Address struct {
	bun.BaseModel `bun:"table:addresses"`

	ID         string `bun:",pk"`
	Department string `bun:"department_id"`
	Channel    Channel
	Value      string
	OwnMX      bool         `bun:"own_mx"` // the department's own mail server, class B of INS-704
	Contact    string       // the person or post that reads it
	Form       string       // number or content hash of the signed form
	SignedOn   workday.Date // day on which the form was signed
	Replaces   string       // id of the line that ends when this one begins
	Removal    bool         // ends Replaces and puts nothing in its place
	From       time.Time    `bun:"valid_from,nullzero"`
	To         time.Time    `bun:"valid_to,nullzero"`
	State      State
	ProposedBy string
	ProposedAt time.Time
	DecidedBy  string
	DecidedAt  time.Time `bun:",nullzero"`
}

// AddressChange is what TellOld is given: the lines that stood before, and the
// approved row that adds to, replaces or removes one of them at New.From.
type AddressChange struct {
	Department string
	Old        []Address
	New        Address
	At         time.Time
}

// ProposeAddress asks for a line to be added, or to take the place of the one
// that Replaces names, or with Removal to end that one. Of the rest, Form,
// SignedOn and, unless it is a removal, Channel, Value and Contact are read.
// Refuses with department_unknown, address_unknown, address_in_use,
// address_exists, address_channel, address_unsigned, mail_invalid,
// mobile_invalid, text_invalid.
func (d *Desk) ProposeAddress(ctx context.Context, a Address, by string, key once.Key) (Address, error) {
	now := d.now()
	a.ID, a.State, a.ProposedBy, a.ProposedAt = newID(), Proposed, by, now
	a.From, a.To, a.DecidedBy, a.DecidedAt = time.Time{}, time.Time{}, "", time.Time{}
	return once.Act(ctx, d.DB.Write, key, now, func(tx bun.IDB) (Address, error) {
		if _, err := FindDepartment(ctx, tx, a.Department); err != nil {
			return a, err
		}
		standing, err := standingAddresses(ctx, tx, a.Department, now)
		if err != nil {
			return a, err
		}
		if err := a.complete(standing, workday.DateOf(now)); err != nil {
			return a, err
		}
		if err := d.refuseInUse(ctx, tx, a); err != nil {
			return a, err
		}
		if err := insertAddress(ctx, tx, a); err != nil {
			return a, err
		}
		return a, record(ctx, tx, "address_proposed", by, now, a.fields())
	})
}

// complete checks a proposal against the lines that stand.
func (a *Address) complete(standing []Address, today workday.Date) error {
	if a.SignedOn.IsZero() || today.Before(a.SignedOn) || a.Form == "" { // INS-705
		return fault.Refuse(fault.Invalid, "address_unsigned",
			"请登记已签章的送达地址确认书：编号或扫描件，以及不晚于今天的签署日期",
			"enter the signed form of the department: its number or scan, and the day it was signed, not after today")
	}
	i := slices.IndexFunc(standing, func(s Address) bool { return s.ID == a.Replaces })
	if i < 0 && (a.Replaces != "" || a.Removal) {
		return fault.Refuse(fault.NotFound, "address_unknown",
			"要更换的送达地址不存在或已失效，请刷新后核对", "the address to be changed does not stand; reload and check")
	}
	if a.Removal {
		a.Channel, a.Value, a.OwnMX, a.Contact = standing[i].Channel, "", false, standing[i].Contact
	} else if err := a.settle(); err != nil {
		return err
	}
	for _, s := range standing {
		if s.Channel == a.Channel && s.Value == a.Value && s.ID != a.Replaces {
			return fault.Refuse(fault.Conflict, "address_exists",
				"该部门已登记这一送达地址，无需重复登记", "the department already has this address; nothing to do")
		}
	}
	return CheckLines(Line{Field: "form", Value: a.Form, Max: 100}, Line{Field: "contact", Value: a.Contact, Max: 60})
}

// settle brings the value into the form its channel wants.
func (a *Address) settle() (err error) {
	a.OwnMX = a.OwnMX && a.Channel == Mail
	switch a.Channel {
	case Portal:
		a.Value = ""
	case Mail:
		a.Value, err = MailAddress(a.Value)
	case SMS:
		a.Value, err = Mobile(a.Value)
	case Paper:
		err = CheckLines(Line{Field: "value", Value: a.Value, Max: 160})
	default:
		err = fault.Refuse(fault.Invalid, "address_channel",
			"送达方式须为 portal（本系统收件箱）、mail、sms 或 paper 之一", "the channel is one of portal, mail, sms and paper")
	}
	return err
}

// refuseInUse keeps an address where an open Round may rest on it; adding one
// is always allowed (INS-711).
func (d *Desk) refuseInUse(ctx context.Context, tx bun.IDB, a Address) error {
	if a.Replaces == "" {
		return nil
	}
	used, err := d.InUse(ctx, tx, a.Department)
	if err != nil || !used {
		return err
	}
	return fault.Refuse(fault.Conflict, "address_in_use",
		"该部门有尚未结束的踏勘轮次，现在只能新增送达地址，更换或停用请待轮次结束后办理",
		"the department has an open round; only adding an address is possible now, change or remove it when the round is over")
}

// ApproveAddress lets a proposal take effect. A department's first address
// counts at once; any later change counts after address.change_delay, and the
// addresses that stood are told (INS-711, SEC-5). Refuses with
// proposal_unknown, already_decided, two_persons, address_in_use, address_gone.
func (d *Desk) ApproveAddress(ctx context.Context, id, by string) (Address, error) {
	now := d.now()
	var a Address
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		if a, err = proposedAddress(ctx, tx, id); err != nil {
			return err
		}
		if err := second(a.ProposedBy, by); err != nil {
			return err
		}
		if err := d.refuseInUse(ctx, tx, a); err != nil {
			return err
		}
		standing, err := standingAddresses(ctx, tx, a.Department, now)
		if err != nil {
			return err
		}
		a.State, a.DecidedBy, a.DecidedAt, a.From = Approved, by, now, now
		if len(standing) > 0 {
			r, err := RulesAt(ctx, tx, now, Scope{Department: a.Department})
			if err != nil {
				return err
			}
			a.From = now.Add(r.AddressDelay)
		}
		return d.change(ctx, tx, a, standing)
	})
	return a, err
}

// change writes an approved proposal, ends what it replaces and tells those
// who had the address before.
func (d *Desk) change(ctx context.Context, tx bun.IDB, a Address, standing []Address) error {
	if a.Removal {
		a.To = a.From // counts at no instant
	}
	if err := decideAddress(ctx, tx, a); err != nil {
		return err
	}
	if a.Replaces != "" {
		if err := endAddress(ctx, tx, a.Replaces, a.From); err != nil {
			return err
		}
	}
	if len(standing) > 0 {
		c := AddressChange{Department: a.Department, Old: standing, New: a, At: a.DecidedAt}
		if err := d.TellOld(ctx, tx, c); err != nil {
			return err
		}
	}
	return record(ctx, tx, "address_changed", a.DecidedBy, a.DecidedAt, a.fields())
}

// RejectAddress sends a proposal away. Refuses with proposal_unknown,
// already_decided.
func (d *Desk) RejectAddress(ctx context.Context, id, by string) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		a, err := proposedAddress(ctx, tx, id)
		if err != nil {
			return err
		}
		a.State, a.DecidedBy, a.DecidedAt = Rejected, by, now
		if err := decideAddress(ctx, tx, a); err != nil {
			return err
		}
		return record(ctx, tx, "address_rejected", by, now, a.fields())
	})
}

// fields leaves the value out: a number or mailbox may be a person's (SIM-8).
func (a Address) fields() map[string]any {
	f := map[string]any{
		"address": a.ID, "department": a.Department, "channel": string(a.Channel), "own_mx": a.OwnMX,
		"replaces": a.Replaces, "removal": a.Removal, "proposed_by": a.ProposedBy, "signed_on": a.SignedOn.String(),
	}
	if !a.From.IsZero() {
		f["effective_from"] = a.From
	}
	return f
}
