// Package auth says who one is: people, their roles and sign-in, sessions, API
// keys of programs, and the one-time links on which a department answers
// without an account. Whether one may is decided by the domain that owns the
// noun; only what concerns the whole house stands here, in may.go.
//
// Nothing secret is stored readable: passwords as argon2id, session tokens,
// keys and links as SHA-256, answer codes keyed by their link's token.
//
// Rules SEC-1…11 of reliability; SIM-13 (one password preset).
package auth

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// Role is a set of rights (reliability 6.1).
type Role string

// The roles. Admin, Security and Auditor exclude each other and every other
// role: 三员分立 (SEC-4), and an administrator has no say over contents (DEC-18).
const (
	Clerk      Role = "clerk"      // 窗口人员
	Supervisor Role = "supervisor" // 中心主管
	Inspector  Role = "inspector"  // 勘验人员
	Head       Role = "head"       // 部门负责人
	Courier    Role = "courier"    // 寄递员
	Auditor    Role = "auditor"    // 审计员
	Admin      Role = "admin"      // 系统管理员
	Security   Role = "security"   // 安全管理员
)

// Kind says what sort of actor acts.
type Kind string

// The kinds of actor.
const (
	KindPerson Kind = "person"
	KindKey    Kind = "key"
	KindLink   Kind = "link"
	KindSystem Kind = "system"
)

// Actor is who acts. Centre, Window and Department are the person's place;
// Divisions and Scopes are what a key is limited to.
type Actor struct {
	Kind       Kind
	ID         string
	Name       string
	Roles      []Role
	Centre     string
	Window     string
	Department string
	Divisions  []string
	Scopes     []string
}

// System is the actor of a sweep or of a command at the terminal.
func System(name string) Actor { return Actor{Kind: KindSystem, ID: name, Name: name} }

// Is reports whether the actor has the role.
func (a Actor) Is(r Role) bool { return slices.Contains(a.Roles, r) }

// String is the actor as leaves and rows keep it: "person:ID".
func (a Actor) String() string { return string(a.Kind) + ":" + a.ID }

// Person is somebody with an account. Roles live in their own table.
type Person struct {
	bun.BaseModel `bun:"table:people"`

	ID            string `bun:",pk"`
	Login         string
	Name          string
	Roles         []Role `bun:"-"`
	Centre        string `bun:"centre_id"`
	Window        string `bun:"window_id"`
	Department    string `bun:"department_id"`
	Certificate   string // number of the inspector's certificate 执法证
	Phone         string
	Mail          string
	CreatedAt     time.Time
	DisabledAt    time.Time `bun:",nullzero"`
	PasswordSetAt time.Time `bun:",nullzero"`
	MustChange    bool      // somebody else chose the password
	LastSignIn    time.Time `bun:",nullzero"`

	PasswordHash string
}

// Actor is the person as the one who acts.
func (p Person) Actor() Actor {
	return Actor{
		Kind: KindPerson, ID: p.ID, Name: p.Name, Roles: p.Roles,
		Centre: p.Centre, Window: p.Window, Department: p.Department,
	}
}

// Session is one signed-in browser. The token itself is not kept.
type Session struct {
	bun.BaseModel `bun:"table:sessions"`

	Hash      string `bun:",pk"` // SHA-256 of the token
	Person    string `bun:"person_id"`
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time // the absolute end; idling ends it sooner
}

// Key is an API key of a program. Slot is 1 or 2 while it counts, so that a
// client has at most two at a time to change over (SEC-9).
type Key struct {
	bun.BaseModel `bun:"table:keys"`

	ID        string `bun:",pk"`
	Client    string
	Hash      string
	Divisions []string
	Scopes    []string // verbs
	Slot      int      `bun:",nullzero"`
	CreatedBy string
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time `bun:",nullzero"`
}

// Link is a one-time answer link (SEC-10, SEC-11): anybody holding it may look,
// whoever also has the code may answer, as often as they like until ExpiresAt.
type Link struct {
	bun.BaseModel `bun:"table:links"`

	ID        string `bun:",pk"`
	Purpose   string // what it opens, for example "reply"
	Subject   string // id of the thing it belongs to; links are revoked by it
	Contact   string // address id it was sent to
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
