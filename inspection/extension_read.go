package inspection

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// ExtensionView is what the page of a case's extension shows: the case with its
// limits, masked, and what the reader may do.
type ExtensionView struct {
	Case    Case
	Most    int // working days that can be asked for
	MayAsk  bool
	Late    bool       // the limit is over, or the case
	Waiting *Extension // for its decision
	Headed  bool       // the head of the one department decides it

	MayDecide bool
	Outside   bool // the reader records what somebody outside the system has decided
}

// ExtensionOf gives that view to who may read the case. Refusal: not_found.
func (d *Desk) ExtensionOf(ctx context.Context, by auth.Actor, caseID string) (out ExtensionView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		c, err := findCase(ctx, q, caseID)
		if err != nil {
			return err
		}
		if !MayRead(by, c) {
			return notFound()
		}
		if err := d.addLimits(ctx, q, &c); err != nil {
			return err
		}
		today := dateOf(d.now())
		out = ExtensionView{
			Case: c, Most: c.Limits.most(), Late: c.stillRuns(today) != nil, MayAsk: mayAskExtension(by, c) == nil && c.extendable(today) == nil,
		}
		return d.viewWaiting(ctx, q, by, &out)
	})
	out.Case.Applicant = out.Case.Applicant.Masked()
	return out, err
}

func (d *Desk) viewWaiting(ctx context.Context, q bun.IDB, by auth.Actor, v *ExtensionView) (err error) {
	e, open := v.Case.waiting()
	if !open {
		return nil
	}
	v.Waiting = &e
	if v.Headed, err = v.Case.headed(ctx, q); err != nil {
		return err
	}
	outside, err := d.mayDecideExtension(ctx, q, by, v.Case)
	if _, refused := fault.From(err); refused {
		return nil
	}
	v.MayDecide, v.Outside = err == nil, outside
	return err
}

// ExtensionsToDecide are the cases whose extension the actor decides as head of the
// one department, with their limits (INS-1115).
func (d *Desk) ExtensionsToDecide(ctx context.Context, by auth.Actor) (out []Case, err error) {
	if by.Department == "" || !by.Is(auth.Head) {
		return nil, nil
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		ids, err := openExtensionsOf(ctx, q, by.Department)
		if err != nil {
			return err
		}
		for _, id := range ids { // a handful, each counted by the settings of its own day
			c, err := findCase(ctx, q, id)
			if err != nil {
				return err
			}
			if err := d.addLimits(ctx, q, &c); err != nil {
				return err
			}
			if c.decidesAlone() == by.Department {
				c.Applicant = c.Applicant.Masked()
				out = append(out, c)
			}
		}
		return nil
	})
	return out, err
}
