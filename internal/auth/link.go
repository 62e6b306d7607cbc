package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// Link lets a department answer without an account (SEC-10, SEC-11): whoever
// has the token may look, whoever also has the code may answer, as often as
// they like until ExpiresAt.
type Link struct {
	bun.BaseModel `bun:"table:links"`

	ID        string `bun:",pk"`
	Purpose   string // what it opens, for example "reply"
	Subject   string // id of what it belongs to; links are revoked by it
	Contact   string // id of the address it was sent to
	Hash      string // SHA-256 of the token
	CodeHash  string // HMAC-SHA256 of the code under the token
	Wrong     int    // wrong codes so far
	CreatedAt time.Time
	ExpiresAt time.Time
	LockedAt  time.Time `bun:",nullzero"`
	RevokedAt time.Time `bun:",nullzero"`
}

// Actor is the holder of the link as the one who acts.
func (l Link) Actor() Actor { return Actor{Kind: KindLink, ID: l.ID} }

const maxWrong = 5 // codes, then the link is locked

// NewLink makes a link for Purpose, Subject, Contact, CreatedAt and ExpiresAt,
// on the caller's transaction, and gives token and code for the message. They
// are not kept in readable form, so a message rendered again has a new link.
func NewLink(ctx context.Context, tx bun.IDB, l Link) (token, code string, err error) {
	token = rand.Text() // 130 bits
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", "", fmt.Errorf("make a code: %w", err)
	}
	code = fmt.Sprintf("%06d", n)
	l.ID, l.Hash, l.CodeHash = newID(), digest(token), keyed(token, code)
	l.Wrong, l.LockedAt, l.RevokedAt = 0, time.Time{}, time.Time{}
	return token, code, insertLink(ctx, tx, l)
}

// keyed hides a code of a million: without the token, which is not stored,
// the hash cannot be searched.
func keyed(token, code string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(code))
	return hex.EncodeToString(mac.Sum(nil))
}

// OpenLink gives the link of a token and changes nothing, so that scanners of
// mail may open it (SEC-10). Refuses with link_unknown (also when revoked),
// link_expired, link_locked.
func OpenLink(ctx context.Context, q bun.IDB, token string, at time.Time) (Link, error) {
	l, err := findLink(ctx, q, digest(token))
	if err != nil {
		return Link{}, err
	}
	return l, l.open(at)
}

func (l Link) open(at time.Time) error {
	switch {
	case !l.RevokedAt.IsZero():
		return linkUnknown()
	case !l.LockedAt.IsZero():
		return linkLocked()
	case !at.Before(l.ExpiresAt):
		return fault.Refuse(fault.Forbidden, "link_expired",
			"链接已过期，请登录办理或致电通知上的窗口电话", "the link has expired; sign in, or call the window named in the notice")
	}
	return nil
}

// UseLink checks token and code before an answer. It is a transaction of its
// own, so that a wrong code stays counted when the answer is refused; the fifth
// locks the link for good and calls LinkLocked. The answer follows in the
// caller's transaction. Refuses with code_wrong and like OpenLink.
func (d *Desk) UseLink(ctx context.Context, token, code string) (Link, error) {
	now := d.now()
	var l Link
	var refusal error
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		refusal = nil
		if l, err = takeLink(ctx, tx, digest(token)); err != nil {
			return err
		}
		if err := l.open(now); err != nil {
			return err
		}
		if hmac.Equal([]byte(keyed(token, code)), []byte(l.CodeHash)) {
			return nil
		}
		refusal, err = d.countWrong(ctx, tx, &l, now)
		return err
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return Link{}, err
	}
	return l, nil
}

// countWrong counts a wrong code and gives the refusal for it.
func (d *Desk) countWrong(ctx context.Context, tx bun.IDB, l *Link, now time.Time) (refusal, err error) {
	l.Wrong++
	if l.Wrong < maxWrong {
		refusal = fault.Refuse(fault.Forbidden, "code_wrong",
			"验证码不正确，还可再试 %d 次；验证码在通知邮件中", "the code is wrong, %d tries left; it is in the notice", maxWrong-l.Wrong)
		return refusal, updateLink(ctx, tx, *l)
	}
	l.LockedAt = now
	if err := updateLink(ctx, tx, *l); err != nil {
		return nil, err
	}
	if err := d.LinkLocked(ctx, tx, *l, now); err != nil {
		return nil, err
	}
	return linkLocked(), record(ctx, tx, "link_locked", l.Actor().String(), now, map[string]any{
		"link": l.ID, "purpose": l.Purpose, "subject": l.Subject,
	})
}

// RevokeLinks ends the links of a subject on the caller's transaction: a Round
// that is void, a withdrawn department. Token and code both stop counting.
func RevokeLinks(ctx context.Context, tx bun.IDB, subject string, at time.Time) error {
	return revokeLinks(ctx, tx, subject, at)
}

func linkUnknown() *fault.Error {
	return fault.Refuse(fault.NotFound, "link_unknown",
		"链接无效或已作废，请使用最新通知中的链接，或登录办理", "the link is not valid any more; use the one in the latest notice, or sign in")
}

func linkLocked() error {
	return fault.Refuse(fault.Forbidden, "link_locked",
		"验证码错误次数过多，链接已锁定，窗口会与您联系；也可登录办理", "too many wrong codes: the link is locked and the window will call; signing in still works")
}
