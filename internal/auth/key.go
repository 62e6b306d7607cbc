package auth

import (
	"context"
	"crypto/subtle"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/internal/office"
)

// Key is an API key of a program. Slot is 1 or 2 while it counts, so that a
// client has at most two at a time to change over (SEC-9).
type Key struct {
	bun.BaseModel `bun:"table:keys"`

	ID        string   `bun:",pk"`
	Client    string   // the program
	Hash      string   // SHA-256 of the secret
	Divisions []string // where it may act, with everything below
	Scopes    []string // verbs, such as "cases:write"
	Slot      int      `bun:",nullzero"`
	CreatedBy string
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time `bun:",nullzero"`
}

// NewKey asks for an API key.
type NewKey struct {
	Client    string
	Divisions []string
	Scopes    []string
	Expires   time.Time // at most 365 days on
}

const (
	keyFor   = 365 * 24 * time.Hour
	keySlots = 2
)

var scopeForm = regexp.MustCompile(`^[a-z][a-z_-]*(:[a-z_-]+)?$`)

// CreateKey makes a key and gives its full text, lb_<id>_<secret>, which is
// shown this once. Refuses with not_security, text_invalid, key_scope,
// key_expiry, key_limit, division_unknown.
func (d *Desk) CreateKey(ctx context.Context, by Actor, n NewKey) (Key, string, error) {
	now := d.now()
	if err := mayKeepAccounts(by); err != nil {
		return Key{}, "", err
	}
	if err := n.check(now); err != nil {
		return Key{}, "", err
	}
	secret := newToken()
	k := Key{
		ID: newID(), Client: n.Client, Hash: digest(secret), Divisions: n.Divisions, Scopes: n.Scopes,
		CreatedBy: by.String(), CreatedAt: now, ExpiresAt: n.Expires.UTC().Truncate(time.Millisecond),
	}
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		for _, code := range k.Divisions {
			if _, err := office.FindDivision(ctx, tx, code); err != nil {
				return err
			}
		}
		if k.Slot, err = takeSlot(ctx, tx, k); err != nil {
			return err
		}
		return record(ctx, tx, "key_created", by.String(), now, k.fields())
	})
	if err != nil {
		return Key{}, "", err
	}
	return k, "lb_" + k.ID + "_" + secret, nil
}

func (n NewKey) check(now time.Time) error {
	if err := office.CheckLines(office.Line{Field: "client", Value: n.Client, Max: 60}); err != nil {
		return err
	}
	bad := func(s string) bool { return !scopeForm.MatchString(s) }
	if len(n.Scopes) == 0 || len(n.Divisions) == 0 || slices.ContainsFunc(n.Scopes, bad) {
		return fault.Refuse(fault.Invalid, "key_scope",
			"请为密钥至少指定一个区划和一个权限（如 cases:write）", "give the key at least one division and one scope such as cases:write")
	}
	if !n.Expires.After(now) || n.Expires.Sub(now) > keyFor {
		return fault.Refuse(fault.Invalid, "key_expiry",
			"密钥有效期最长 365 天，且须晚于现在", "a key lasts at most 365 days, and its end lies ahead")
	}
	return nil
}

// Key gives the program a bearer text belongs to. Refuses with key_invalid
// (unknown, wrong and revoked alike), key_expired.
func (d *Desk) Key(ctx context.Context, bearer string) (Actor, error) {
	now := d.now()
	id, secret, _ := strings.Cut(strings.TrimPrefix(bearer, "lb_"), "_")
	var k Key
	var below []string
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		if k, err = findKey(ctx, q, id); err != nil {
			return err
		}
		below, err = office.Below(ctx, q, k.Divisions)
		return err
	})
	if err != nil && !fault.Is(err, "key_unknown") {
		return Actor{}, err
	}
	if subtle.ConstantTimeCompare([]byte(digest(secret)), []byte(k.Hash)) != 1 || !k.RevokedAt.IsZero() {
		return Actor{}, fault.Refuse(fault.Unauthenticated, "key_invalid",
			"密钥无效，请核对或联系安全管理员", "the key is not valid; check it or ask the security administrator")
	}
	if !now.Before(k.ExpiresAt) {
		return Actor{}, fault.Refuse(fault.Unauthenticated, "key_expired",
			"密钥已到期，请联系安全管理员更换", "the key has expired; ask the security administrator for a new one")
	}
	return Actor{Kind: KindKey, ID: k.ID, Name: k.Client, Divisions: below, Scopes: k.Scopes}, nil
}

// RevokeKey ends a key at once. Refuses with not_security, key_unknown.
func (d *Desk) RevokeKey(ctx context.Context, by Actor, id string) error {
	now := d.now()
	if err := mayKeepAccounts(by); err != nil {
		return err
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		if _, err := findKey(ctx, tx, id); err != nil {
			return err
		}
		if err := revokeKey(ctx, tx, id, now); err != nil {
			return err
		}
		return record(ctx, tx, "key_revoked", by.String(), now, map[string]any{"key": id})
	})
}

func keyUnknown() *fault.Error {
	return fault.Refuse(fault.NotFound, "key_unknown",
		"没有这个密钥，或已停用，请刷新后核对", "there is no such key, or it was revoked; reload and check")
}

func (k Key) fields() map[string]any {
	return map[string]any{
		"key": k.ID, "client": k.Client, "divisions": k.Divisions, "scopes": k.Scopes, "expires": k.ExpiresAt,
	}
}
