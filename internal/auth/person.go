package auth

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/internal/office"
)

// Person is somebody with an account.
type Person struct {
	bun.BaseModel `bun:"table:people"`

	ID    string `bun:",pk"`
	Login string
	Name  string
	Post
	Certificate   string // number of the inspector's certificate 执法证
	Phone         string // mobile, empty if none
	Mail          string
	CreatedAt     time.Time
	DisabledAt    time.Time `bun:",nullzero"`
	PasswordHash  string
	PasswordSetAt time.Time `bun:",nullzero"`
	MustChange    bool      // somebody else chose the password
	LastSignIn    time.Time `bun:",nullzero"`
}

// Post is a person's place: roles, and the window or department they are held at.
type Post struct {
	Roles      []Role `bun:"-"` // table roles
	Centre     string `bun:"centre_id"`
	Window     string `bun:"window_id"`
	Department string `bun:"department_id"`
}

// Actor is the person as the one who acts.
func (p Person) Actor() Actor {
	return Actor{
		Kind: KindPerson, ID: p.ID, Name: p.Name, Roles: p.Roles,
		Centre: p.Centre, Window: p.Window, Department: p.Department,
	}
}

// NewPerson is an account to be made. Without a password nobody can sign in to
// it until SetPassword.
type NewPerson struct {
	Login, Name string
	Post
	Certificate, Phone, Mail string
	Password                 string
}

// PersonQuery narrows ListPeople; empty fields do not narrow.
type PersonQuery struct {
	Centre, Department string
	Role               Role
	Enabled            bool   // leave out disabled accounts
	After              string // id of the last person seen
	Limit              int    // 0 gives all
}

var loginForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,39}$`)

// AddPerson makes an account. A password given by another person must be
// changed at the first sign-in. Security administrators may, and commands at
// the terminal. Refuses with not_security, login_invalid, login_taken,
// text_invalid, roles_invalid, roles_exclude, post_incomplete, window_elsewhere,
// password_weak, mobile_invalid, mail_invalid, and what office does not know.
func (d *Desk) AddPerson(ctx context.Context, by Actor, n NewPerson) (Person, error) {
	now := d.now()
	if err := mayKeepAccounts(by); err != nil {
		return Person{}, err
	}
	p, err := n.person(now)
	if err != nil {
		return Person{}, err
	}
	if n.Password != "" {
		if err := d.setPassword(ctx, &p, n.Password, by, now); err != nil {
			return Person{}, err
		}
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if err := p.Post.check(ctx, tx); err != nil {
			return err
		}
		if err := insertPerson(ctx, tx, p); err != nil {
			return err
		}
		return record(ctx, tx, "person_added", by.String(), now, p.fields())
	})
	return p, err
}

// person checks what can be checked without the database.
func (n NewPerson) person(now time.Time) (Person, error) {
	p := Person{
		ID: newID(), Login: strings.ToLower(n.Login), Name: n.Name, Post: n.Post,
		Certificate: n.Certificate, CreatedAt: now,
	}
	if !loginForm.MatchString(p.Login) {
		return p, fault.Refuse(fault.Invalid, "login_invalid",
			"登录名须为 2 至 40 位小写字母、数字、点、下划线或连字符",
			"a login has 2 to 40 lower-case letters, digits, dots, underscores or hyphens")
	}
	err := office.CheckLines(office.Line{Field: "name", Value: n.Name, Max: 60},
		office.Line{Field: "certificate", Value: n.Certificate, Max: 40, Optional: true})
	if err != nil {
		return p, err
	}
	p.Phone, p.Mail, err = contact(n.Phone, n.Mail)
	return p, err
}

// contact brings telephone and mail into stored form; either may be empty.
func contact(phone, mail string) (string, string, error) {
	var err error
	if phone != "" {
		if phone, err = office.Mobile(phone); err != nil {
			return "", "", err
		}
	}
	if mail != "" {
		mail, err = office.MailAddress(mail)
	}
	return phone, mail, err
}

// check refuses roles that exclude each other and a post without the place its
// roles need.
func (p Post) check(ctx context.Context, tx bun.IDB) error {
	if err := checkRoles(p.Roles); err != nil {
		return err
	}
	needsCentre := p.hasAny(Clerk, Supervisor, Courier)
	needsDepartment := p.hasAny(Inspector, Head)
	if needsCentre && p.Centre == "" || needsDepartment && p.Department == "" || p.hasAny(Clerk) && p.Window == "" {
		return fault.Refuse(fault.Invalid, "post_incomplete",
			"窗口人员须填中心和窗口，主管和派送员须填中心，勘验人员和部门负责人须填部门",
			"a clerk needs centre and window, a supervisor or courier a centre, an inspector or head a department")
	}
	return p.findPlace(ctx, tx)
}

func (p Post) findPlace(ctx context.Context, tx bun.IDB) error {
	if p.Centre != "" {
		if _, err := office.FindCentre(ctx, tx, p.Centre); err != nil {
			return err
		}
	}
	if p.Department != "" {
		if _, err := office.FindDepartment(ctx, tx, p.Department); err != nil {
			return err
		}
	}
	if p.Window == "" {
		return nil
	}
	w, err := office.FindWindow(ctx, tx, p.Window)
	if err == nil && w.CentreID != p.Centre {
		err = fault.Refuse(fault.Invalid, "window_elsewhere",
			"所选窗口不属于该中心，请重新选择", "the window belongs to another centre; choose again")
	}
	return err
}

func (p Post) hasAny(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(p.Roles, r) })
}

var allRoles = []Role{Clerk, Supervisor, Inspector, Head, Courier, Auditor, Admin, Security}

// checkRoles keeps the three administrators apart from each other and from
// everybody's work (SEC-4, DEC-18).
func checkRoles(roles []Role) error {
	for i, r := range roles {
		if !slices.Contains(allRoles, r) || slices.Contains(roles[:i], r) {
			return rolesInvalid()
		}
		if len(roles) > 1 && (r == Admin || r == Security || r == Auditor) {
			return fault.Refuse(fault.Invalid, "roles_exclude",
				"系统管理员、安全管理员、审计员必须分设，且不得兼任业务角色，请另建账号",
				"administrator, security administrator and auditor exclude each other and all other roles; make separate accounts")
		}
	}
	if len(roles) == 0 {
		return rolesInvalid()
	}
	return nil
}

func rolesInvalid() error {
	return fault.Refuse(fault.Invalid, "roles_invalid",
		"请至少选择一个角色，不得重复或自造", "choose at least one of the known roles, each once")
}

// Assign gives a person other roles or another place and ends their sessions.
// Nobody may do it to themselves. Refuses with not_security, own_account,
// person_unknown and what AddPerson refuses of a post.
func (d *Desk) Assign(ctx context.Context, by Actor, id string, post Post) error {
	return d.keep(ctx, by, id, func(ctx context.Context, tx bun.IDB, p Person, now time.Time) error {
		if err := post.check(ctx, tx); err != nil {
			return err
		}
		p.Post = post
		if err := updatePost(ctx, tx, p); err != nil {
			return err
		}
		if err := endSessions(ctx, tx, p.ID); err != nil {
			return err
		}
		return record(ctx, tx, "person_assigned", by.String(), now, p.fields())
	})
}

// Disable shuts an account and ends its sessions at once. Refuses with
// not_security, own_account, person_unknown.
func (d *Desk) Disable(ctx context.Context, by Actor, id string) error {
	return d.keep(ctx, by, id, func(ctx context.Context, tx bun.IDB, p Person, now time.Time) error {
		if err := setDisabled(ctx, tx, p.ID, now); err != nil {
			return err
		}
		if err := endSessions(ctx, tx, p.ID); err != nil {
			return err
		}
		return record(ctx, tx, "person_disabled", by.String(), now, map[string]any{"person": p.ID})
	})
}

// Enable opens a disabled account again. Refuses like Disable.
func (d *Desk) Enable(ctx context.Context, by Actor, id string) error {
	return d.keep(ctx, by, id, func(ctx context.Context, tx bun.IDB, p Person, now time.Time) error {
		if err := setDisabled(ctx, tx, p.ID, time.Time{}); err != nil {
			return err
		}
		return record(ctx, tx, "person_enabled", by.String(), now, map[string]any{"person": p.ID})
	})
}

// keep is the frame of an act on somebody else's account.
func (d *Desk) keep(ctx context.Context, by Actor, id string,
	act func(ctx context.Context, tx bun.IDB, p Person, now time.Time) error,
) error {
	now := d.now()
	if err := mayKeepAccount(by, id); err != nil {
		return err
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		p, err := FindPerson(ctx, tx, id)
		if err != nil {
			return err
		}
		return act(ctx, tx, p, now)
	})
}

// fields names the person by id only (SIM-8).
func (p Person) fields() map[string]any {
	roles := make([]string, len(p.Roles))
	for i, r := range p.Roles {
		roles[i] = string(r)
	}
	return map[string]any{
		"person": p.ID, "roles": roles, "centre": p.Centre, "window": p.Window, "department": p.Department,
	}
}
