package auth

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
)

// Stands in until the bodies land; the signatures hold.
var errSoon = errors.New("auth: being written")

// Desk carries the acts on accounts, sessions, keys and links.
type Desk struct {
	DB  *db.DB
	Now func() time.Time

	// LinkLocked raises the hold and the window's task when the fifth wrong code
	// locks a link, on the same transaction (SEC-11).
	LinkLocked func(ctx context.Context, tx bun.IDB, l Link, now time.Time) error

	Hash Argon2 // zero = the strict default
}

// Argon2 sets the work of one password hash.
type Argon2 struct {
	Memory  uint32 // KiB
	Time    uint32
	Threads uint8
}

// Credentials are what a sign-in form carries.
type Credentials struct {
	Login    string
	Password string
	Code     string // TOTP, when the account has it switched on
	Remote   string // address of the client, host or host:port
}

// NewPerson is an account to be made; Password may stay empty.
type NewPerson struct {
	Login, Name                string
	Roles                      []Role
	Centre, Window, Department string
	Certificate, Phone, Mail   string
	Password                   string
}

// NewKey asks for an API key.
type NewKey struct {
	Client    string
	Divisions []string
	Scopes    []string
	Expires   time.Time
}

func FindPerson(ctx context.Context, q bun.IDB, id string) (Person, error) { return Person{}, errSoon }
func ListPeople(ctx context.Context, q bun.IDB, by PersonQuery) ([]Person, error) {
	return nil, errSoon
}

// PersonQuery narrows ListPeople; empty fields do not narrow.
type PersonQuery struct {
	Centre, Department string
	Role               Role
	Enabled            bool // leave out disabled accounts
}

func PortalAlive(ctx context.Context, q bun.IDB, department string, at time.Time, within time.Duration) (bool, error) {
	return false, errSoon
}

func (d *Desk) SignIn(ctx context.Context, c Credentials) (Session, string, error) {
	return Session{}, "", errSoon
}
func (d *Desk) Session(ctx context.Context, token string) (Actor, Session, error) {
	return Actor{}, Session{}, errSoon
}
func (d *Desk) SignOut(ctx context.Context, token string) error                       { return errSoon }
func (d *Desk) ChangePassword(ctx context.Context, c Credentials, fresh string) error { return errSoon }

func (d *Desk) AddPerson(ctx context.Context, by Actor, p NewPerson) (Person, error) {
	return Person{}, errSoon
}
func (d *Desk) SetPassword(ctx context.Context, by Actor, person, password string) error {
	return errSoon
}
func (d *Desk) SetRoles(ctx context.Context, by Actor, person string, roles []Role) error {
	return errSoon
}
func (d *Desk) Disable(ctx context.Context, by Actor, person string) error { return errSoon }
func (d *Desk) Enable(ctx context.Context, by Actor, person string) error  { return errSoon }

func (d *Desk) CreateKey(ctx context.Context, by Actor, k NewKey) (Key, string, error) {
	return Key{}, "", errSoon
}
func (d *Desk) Key(ctx context.Context, bearer string) (Actor, error)    { return Actor{}, errSoon }
func (d *Desk) RevokeKey(ctx context.Context, by Actor, id string) error { return errSoon }

// On the caller's transaction; Purpose, Subject, Contact, CreatedAt and ExpiresAt are set.
func NewLink(ctx context.Context, tx bun.IDB, l Link) (token, code string, err error) {
	return "", "", errSoon
}

// Changes nothing, so that mail scanners may open it (SEC-10).
func OpenLink(ctx context.Context, q bun.IDB, token string, at time.Time) (Link, error) {
	return Link{}, errSoon
}

// Its own transaction: a wrong code must stay counted when the caller refuses. The answer is written after it, in the caller's.
func (d *Desk) UseLink(ctx context.Context, token, code string) (Link, error)         { return Link{}, errSoon }
func RevokeLinks(ctx context.Context, tx bun.IDB, subject string, at time.Time) error { return errSoon }

func (d *Desk) Purge(ctx context.Context) error { return errSoon }
func (d *Desk) Check() error                    { return nil }
