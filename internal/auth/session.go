package auth

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// Session is one signed-in browser. Only the hash of its token is kept.
type Session struct {
	bun.BaseModel `bun:"table:sessions"`

	Hash      string `bun:",pk"`
	Person    string `bun:"person_id"`
	CreatedAt time.Time
	SeenAt    time.Time // to the minute
	ExpiresAt time.Time // the absolute end; idling ends it sooner
}

// Session gives who a token belongs to, as the person is now: a changed role
// counts from the next request on (SEC-3). Refuses with not_signed_in,
// session_expired.
func (d *Desk) Session(ctx context.Context, token string) (Actor, Session, error) {
	now := d.now()
	var s Session
	var p Person
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		if s, err = findSession(ctx, q, digest(token)); err != nil {
			return err
		}
		p, err = FindPerson(ctx, q, s.Person)
		return err
	})
	if err != nil {
		return Actor{}, Session{}, err
	}
	if !p.DisabledAt.IsZero() {
		return Actor{}, Session{}, notSignedIn()
	}
	if !d.Endless && (!now.Before(s.ExpiresAt) || now.Sub(s.SeenAt) >= idleFor) {
		return Actor{}, Session{}, fault.Refuse(fault.Unauthenticated, "session_expired",
			"登录已过期，请重新登录；已填写的内容请先保存", "the session has ended; sign in again, and keep what you have typed")
	}
	if now.Sub(s.SeenAt) >= time.Minute { // not a write for every request
		err = d.DB.Write(ctx, func(tx bun.IDB) error { return touchSession(ctx, tx, s.Hash, now) })
		s.SeenAt = now
	}
	return p.Actor(), s, err
}

// SignOut ends a session; a token that is none is fine.
func (d *Desk) SignOut(ctx context.Context, token string) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		s, err := findSession(ctx, tx, digest(token))
		if fault.Is(err, "not_signed_in") {
			return nil
		}
		if err != nil {
			return err
		}
		if err := deleteSession(ctx, tx, s.Hash); err != nil {
			return err
		}
		return record(ctx, tx, "signed_out", string(KindPerson)+":"+s.Person, now, map[string]any{"person": s.Person})
	})
}

func notSignedIn() *fault.Error {
	return fault.Refuse(fault.Unauthenticated, "not_signed_in", "请先登录", "sign in first")
}
