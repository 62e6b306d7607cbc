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

import "slices"

// Role is a set of rights (reliability 6.1).
type Role string

// The roles. Admin, Security and Auditor exclude each other and every other
// role: 三员分立 (SEC-4), and an administrator has no say over contents (DEC-18).
const (
	Clerk      Role = "clerk"      // 窗口人员
	Supervisor Role = "supervisor" // 中心主管
	Inspector  Role = "inspector"  // 勘验人员
	Head       Role = "head"       // 部门负责人
	Courier    Role = "courier"    // 派送员
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
