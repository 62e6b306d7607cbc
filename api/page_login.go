package api

import (
	"net/http"
	"strings"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

func (p *site) loginPages() {
	p.on(Route{Method: http.MethodGet, Path: "/login", Act: "pageLogin", Who: anyone}, p.login)
	p.on(Route{Method: http.MethodPost, Path: "/login", Act: "pageSignIn", Who: anyone, Rate: loginRate}, p.enter)
	p.on(Route{Method: http.MethodPost, Path: "/logout", Act: "pageSignOut", Who: anyone}, p.logout)
	p.on(Route{Method: http.MethodGet, Path: "/password", Act: "pagePassword", Who: anyone}, p.password)
	p.on(Route{Method: http.MethodPost, Path: "/password", Act: "pageChangePassword", Who: anyone, Rate: loginRate}, p.changePassword)
}

type loginPage struct{ Back, Why string }

// login shows the form; back is where somebody wanted to go.
func (p *site) login(v *view) error {
	d := loginPage{Back: inside(v.query("back"))}
	if v.r.Method == http.MethodPost {
		d.Back, v.here = inside(v.form("back")), "/login"
	}
	if v.query("why") == "session_expired" {
		d.Why = p.say(v, "login.expired")
	}
	return p.show(v, "login", d)
}

// enter signs somebody in. Who must choose another password first is taken to
// where that is done.
func (p *site) enter(v *view) error {
	_ = v.r.ParseForm()
	err := p.open(v, auth.Credentials{Login: v.form("login"), Password: v.r.PostFormValue("password"), Remote: p.clientOf(v.r)})
	switch {
	case fault.Is(err, "password_expired"):
		return p.done(v, err, form{"password", ""}, p.password)
	case fault.KindOf(err) == fault.Unauthenticated: // wrong or locked: said on the form
		return p.done(v, asForm(err), form{"login", ""}, p.login)
	case err != nil:
		return err
	}
	to := inside(v.form("back"))
	if to == "" {
		to = "/"
	}
	return v.leave(to, "")
}

// open signs in and gives the browser its session; an old one ends.
func (p *site) open(v *view, c auth.Credentials) error {
	_, token, err := p.Auth.SignIn(v.ctx(), c)
	if err != nil {
		return err
	}
	if v.x.token != "" {
		if err := p.Auth.SignOut(v.ctx(), v.x.token); err != nil {
			return err
		}
	}
	p.signIn(v.w, token)
	return nil
}

// asForm lets a refused sign-in be shown on its form: 401 would ask the browser
// to sign in, which it is just doing.
func asForm(err error) error {
	f, _ := fault.From(err)
	shown := *f
	shown.Kind = fault.Forbidden
	return &shown
}

func (p *site) logout(v *view) error {
	if v.x.token != "" {
		if err := p.Auth.SignOut(v.ctx(), v.x.token); err != nil {
			return err
		}
	}
	p.signIn(v.w, "")
	return v.leave("/login", "flash.signed_out")
}

type passwordPage struct{ Login string }

// password is where a password is changed, signed in or not.
func (p *site) password(v *view) error {
	v.here = "/password"
	return p.show(v, "password", passwordPage{Login: v.form("login")})
}

func (p *site) changePassword(v *view) error {
	fresh := v.r.PostFormValue("fresh")
	if fresh != v.r.PostFormValue("again") {
		return p.done(v, fault.Refuse(fault.Invalid, "password_differs",
			"两次输入的新密码不一致，请重新输入", "the two new passwords differ; type them again"), form{"password", ""}, p.password)
	}
	err := p.Auth.ChangePassword(v.ctx(), auth.Credentials{
		Login: v.form("login"), Password: v.r.PostFormValue("password"), Remote: p.clientOf(v.r),
	}, fresh)
	if fault.KindOf(err) == fault.Unauthenticated {
		err = asForm(err)
	}
	if err != nil {
		return p.done(v, err, form{"password", ""}, p.password)
	}
	return v.leave("/login", "flash.password")
}

// roleWords names all roles of somebody.
func (p *site) roleWords(v *view, roles []auth.Role) string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = p.say(v, "role."+string(r))
	}
	return strings.Join(out, p.say(v, "list.comma"))
}
