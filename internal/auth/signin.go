package auth

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// Credentials are what a sign-in form carries. Remote is the client's address,
// with or without port.
type Credentials struct {
	Login    string
	Password string
	Remote   string
}

// SignIn opens a session and gives its token, which is shown once. Refuses with
// sign_in_failed (unknown, disabled and wrong alike, SEC-7), sign_in_locked
// (five failures of this login from this address, for 15 minutes) and
// password_expired (90 days old, or chosen by somebody else: ChangePassword).
func (d *Desk) SignIn(ctx context.Context, c Credentials) (Session, string, error) {
	now := d.now()
	p, err := d.authenticate(ctx, c, now)
	if err != nil {
		return Session{}, "", err
	}
	if p.MustChange || !d.Endless && now.Sub(p.PasswordSetAt) > maxAge {
		return Session{}, "", fault.Refuse(fault.Forbidden, "password_expired",
			"密码已到期或由他人设置，请先修改密码再登录", "the password has expired or was set by somebody else; change it first, then sign in")
	}
	token := newToken()
	s := Session{Hash: digest(token), Person: p.ID, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(sessionFor)}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if err := touchSignIn(ctx, tx, p, now); err != nil {
			return err
		}
		if err := insertSession(ctx, tx, s); err != nil {
			return err
		}
		return record(ctx, tx, "signed_in", p.Actor().String(), now, map[string]any{"person": p.ID})
	})
	if err != nil {
		return Session{}, "", err
	}
	return s, token, nil
}

// ChangePassword lets whoever knows the password choose another, signed in or
// not, and ends the account's sessions. Refuses like SignIn, and with
// password_weak, password_reused.
func (d *Desk) ChangePassword(ctx context.Context, c Credentials, fresh string) error {
	now := d.now()
	p, err := d.authenticate(ctx, c, now)
	if err != nil {
		return err
	}
	return d.storePassword(ctx, p, fresh, p.Actor(), now)
}

// SetPassword gives somebody a first or forgotten password, which they must
// change at the next sign-in. Refuses with not_security, own_account,
// person_unknown, password_weak, password_reused.
func (d *Desk) SetPassword(ctx context.Context, by Actor, id, password string) error {
	now := d.now()
	if err := mayKeepAccount(by, id); err != nil {
		return err
	}
	var p Person
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		p, err = FindPerson(ctx, q, id)
		return err
	})
	if err != nil {
		return err
	}
	return d.storePassword(ctx, p, password, by, now)
}

// storePassword hashes outside the transaction: it takes a tenth of a second,
// and the writer is one for all.
func (d *Desk) storePassword(ctx context.Context, p Person, password string, by Actor, now time.Time) error {
	if err := d.refuseReused(ctx, p, password); err != nil {
		return err
	}
	was := p.PasswordHash
	if err := d.setPassword(ctx, &p, password, by, now); err != nil {
		return err
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		if err := updatePassword(ctx, tx, p, was); err != nil {
			return err
		}
		if err := endSessions(ctx, tx, p.ID); err != nil {
			return err
		}
		return record(ctx, tx, "password_set", by.String(), now, map[string]any{"person": p.ID})
	})
}

// setPassword checks and hashes a password into p. A command at the terminal
// counts as the person's own choice, another person does not.
func (d *Desk) setPassword(ctx context.Context, p *Person, password string, by Actor, now time.Time) (err error) {
	if err := checkPassword(p.Login, password); err != nil {
		return err
	}
	p.PasswordHash, err = d.hash(ctx, password)
	p.PasswordSetAt, p.MustChange = now, by.Kind == KindPerson && by.ID != p.ID
	return err
}

// refuseReused compares with the last five passwords.
func (d *Desk) refuseReused(ctx context.Context, p Person, password string) error {
	var old []string
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		old, err = lastPasswords(ctx, q, p.ID)
		return err
	})
	if err != nil {
		return err
	}
	for _, hash := range old {
		same, err := d.matches(ctx, hash, password)
		if err != nil {
			return err
		}
		if same {
			return fault.Refuse(fault.Invalid, "password_reused",
				"不能使用最近 %d 次用过的密码，请换一个", "the last %d passwords may not come back; choose another", remembered)
		}
	}
	return nil
}

// authenticate finds the person whose password this is. The attempt is counted
// before the work and forgiven after success, so that many at once cannot try
// more than five passwords.
func (d *Desk) authenticate(ctx context.Context, c Credentials, now time.Time) (Person, error) {
	f := failure{Account: digest(strings.ToLower(c.Login)), Remote: network(c.Remote), Failures: 1, LastAt: now}
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		f.Failures, err = countAttempt(ctx, tx, f)
		return err
	})
	if err != nil {
		return Person{}, err
	}
	if f.Failures == 0 {
		return Person{}, fault.Refuse(fault.Unauthenticated, "sign_in_locked",
			"连续 %d 次登录失败，请 %d 分钟后再试，或联系安全管理员",
			"%d failed sign-ins; try again in %d minutes or ask the security administrator", maxFailures, int(lockFor.Minutes()))
	}
	p, err := d.byPassword(ctx, c)
	if fault.Is(err, "sign_in_failed") && f.Failures == maxFailures {
		err = errors.Join(err, d.DB.Write(ctx, func(tx bun.IDB) error {
			return record(ctx, tx, "sign_in_locked", System("sign_in").String(), now, map[string]any{"person": p.ID})
		}))
	}
	if err != nil {
		return Person{}, err
	}
	return p, d.DB.Write(ctx, func(tx bun.IDB) error { return forgive(ctx, tx, f) })
}

// byPassword does the same work whatever is wrong (SEC-7).
func (d *Desk) byPassword(ctx context.Context, c Credentials) (Person, error) {
	var p Person
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		p, err = findLogin(ctx, q, strings.ToLower(c.Login))
		return err
	})
	if err != nil && !fault.Is(err, "person_unknown") {
		return Person{}, err
	}
	right, err := d.matches(ctx, p.PasswordHash, c.Password)
	if err == nil && (!right || !p.DisabledAt.IsZero()) {
		err = signInFailed()
	}
	return p, err
}

func signInFailed() error {
	return fault.Refuse(fault.Unauthenticated, "sign_in_failed",
		"登录名或密码不正确，请核对后重试", "login or password is wrong; check and try again")
}

// network gives what an address is counted by: an IPv4 address, or the /64 an
// IPv6 subscriber can choose addresses from.
func network(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return "" // counted together rather than not at all
	}
	addr = addr.Unmap().WithZone("")
	if prefix, err := addr.Prefix(64); addr.Is6() && err == nil {
		return prefix.String()
	}
	return addr.String()
}
