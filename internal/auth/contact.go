package auth

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/internal/office"
)

// ContactChange is a wish for another telephone or mail address of a person.
// It takes two persons, because messages follow it.
type ContactChange struct {
	bun.BaseModel `bun:"table:contact_changes"`

	ID         string `bun:",pk"`
	Person     string `bun:"person_id"`
	Phone      string
	Mail       string
	State      office.State
	ProposedBy string
	ProposedAt time.Time
	DecidedBy  string
	DecidedAt  time.Time `bun:",nullzero"`
}

// ProposeContact asks for a person's telephone and mail address to become
// these; empty ones are removed. The person and security administrators may.
// Refuses with not_security, person_unknown, mobile_invalid, mail_invalid.
func (d *Desk) ProposeContact(ctx context.Context, by Actor, c ContactChange) (ContactChange, error) {
	now := d.now()
	if err := mayKeepAccounts(by); err != nil && (by.Kind != KindPerson || by.ID != c.Person) {
		return c, err
	}
	var err error
	if c.Phone, c.Mail, err = contact(c.Phone, c.Mail); err != nil {
		return c, err
	}
	c.ID, c.State, c.ProposedBy, c.ProposedAt, c.DecidedBy, c.DecidedAt = newID(), office.Proposed, by.String(), now, "", time.Time{}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if _, err := FindPerson(ctx, tx, c.Person); err != nil {
			return err
		}
		if err := insertContactChange(ctx, tx, c); err != nil {
			return err
		}
		return record(ctx, tx, "contact_proposed", by.String(), now, c.fields())
	})
	return c, err
}

// ApproveContact lets a change take effect. A security administrator or
// supervisor may who is neither the proposer nor the person. Refuses with
// may_not_approve_contact, contact_change_unknown, two_persons.
func (d *Desk) ApproveContact(ctx context.Context, by Actor, id string) error {
	return d.decideContact(ctx, by, id, office.Approved)
}

// RejectContact sends a change away. Refuses with may_not_approve_contact,
// contact_change_unknown.
func (d *Desk) RejectContact(ctx context.Context, by Actor, id string) error {
	return d.decideContact(ctx, by, id, office.Rejected)
}

func (d *Desk) decideContact(ctx context.Context, by Actor, id string, to office.State) error {
	now := d.now()
	if !by.Is(Security) && !by.Is(Supervisor) {
		return fault.Refuse(fault.Forbidden, "may_not_approve_contact",
			"联系方式变更由安全管理员或主管审核", "a change of contact is approved by a security administrator or supervisor")
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		c, err := findContactChange(ctx, tx, id)
		if err != nil {
			return err
		}
		c.State, c.DecidedBy, c.DecidedAt = to, by.String(), now
		what := "contact_rejected"
		if to == office.Approved {
			what = "contact_changed"
			if c.ProposedBy == by.String() || c.Person == by.ID {
				return fault.Refuse(fault.Forbidden, "two_persons",
					"此项须由两人办理：请由提出人和本人以外的另一名人员审核", "this takes two persons; neither the proposer nor the person concerned may approve")
			}
			if err := updateContact(ctx, tx, c); err != nil {
				return err
			}
		}
		if err := decideContactChange(ctx, tx, c); err != nil {
			return err
		}
		return record(ctx, tx, what, by.String(), now, c.fields())
	})
}

func contactChangeUnknown() *fault.Error {
	return fault.Refuse(fault.NotFound, "contact_change_unknown",
		"没有待审核的这项变更，请刷新后核对", "no such change waits for approval; reload and check")
}

// fields leaves telephone and mail out: they are the person's (SIM-8).
func (c ContactChange) fields() map[string]any {
	return map[string]any{"change": c.ID, "person": c.Person, "proposed_by": c.ProposedBy}
}
