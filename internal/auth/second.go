package auth

import (
	"context"

	"lianban/internal/fault"
)

// Second checks the sign-in of a second person who stands beside the first, for
// acts that take two. It opens no session. Call it outside of a transaction: it
// counts failures like SignIn. Refuses with sign_in_failed, sign_in_locked and
// second_person_same.
func (d *Desk) Second(ctx context.Context, by Actor, c Credentials) (Actor, error) {
	p, err := d.authenticate(ctx, c, d.now())
	if err != nil {
		return Actor{}, err
	}
	if p.ID == by.ID {
		return Actor{}, fault.Refuse(fault.Invalid, "second_person_same",
			"双人办理须由另一名工作人员输入自己的账号和密码", "an act for two needs the account of somebody else")
	}
	return p.Actor(), nil
}
