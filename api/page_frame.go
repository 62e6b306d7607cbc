package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/api/web"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/internal/once"
)

// frame is what stands around every page.
func (p *site) frame(v *view) (web.Page, error) {
	page := web.Page{
		Lang: v.x.lang, Path: v.here, Now: p.now(), CSRF: csrfToken(v.x.token), Nav: p.nav(v), Tried: v.tried, Plain: v.plain,
		Large: chosen(v.r, textCookie) == "large", Flash: p.flash(v),
	}
	var err error
	if page.Demo, err = p.demo(v); err != nil {
		return page, err
	}
	err = p.Read(v.ctx(), func(q bun.IDB) (err error) {
		if page.User, err = p.user(v, q); err != nil || v.x.lang == "zh" {
			return err
		}
		page.Names, err = names(v, q, p)
		return err
	})
	return page, err
}

// chosen is the last value of a cookie: a choice just made comes after the one
// that the browser sent.
func chosen(r *http.Request, name string) string {
	last := ""
	for _, c := range r.CookiesNamed(name) {
		last = c.Value
	}
	return last
}

// user is who is signed in: name, first role and place.
func (p *site) user(v *view, q bun.IDB) (*web.User, error) {
	if v.by.Kind != auth.KindPerson || len(v.by.Roles) == 0 {
		return nil, nil
	}
	place, err := placeName(v, q)
	return &web.User{Name: v.by.Name, Role: p.say(v, "role."+string(v.by.Roles[0])), Place: place}, err
}

// placeName names the centre or department that somebody works at.
func placeName(v *view, q bun.IDB) (string, error) {
	switch {
	case v.by.Department != "":
		d, err := office.FindDepartment(v.ctx(), q, v.by.Department)
		return inspection.Words{ZH: d.Name, EN: d.NameEN}.In(v.x.lang), err
	case v.by.Centre != "":
		c, err := office.FindCentre(v.ctx(), q, v.by.Centre)
		return inspection.Words{ZH: c.Name, EN: c.NameEN}.In(v.x.lang), err
	}
	return "", nil
}

// names are the English names of what is stored in Chinese.
func names(v *view, q bun.IDB, p *site) (web.Names, error) {
	out := web.Names{}
	matters, err := inspection.ListMatters(v.ctx(), q, inspection.MatterQuery{At: p.now()})
	for _, m := range matters {
		out[m.Code], out[m.NameZH] = m.NameEN, m.NameEN // some lists have the name alone
	}
	if err != nil {
		return nil, err
	}
	departments, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{})
	for _, d := range departments {
		out[d.ID], out[d.Name] = d.NameEN, d.NameEN // tasks have the name in their sentence
	}
	if err != nil {
		return nil, err
	}
	centres, err := office.ListCentres(v.ctx(), q)
	for _, c := range centres {
		out[c.ID] = c.NameEN
	}
	return out, err
}

// section is a part of the site and who has it in the menu.
type section struct {
	href, word string
	roles      []auth.Role
}

var (
	atDesk      = []auth.Role{auth.Clerk, auth.Supervisor}
	inOffice    = []auth.Role{auth.Inspector, auth.Head}
	overseeing  = []auth.Role{auth.Clerk, auth.Supervisor, auth.Auditor}
	mayOversee  = []auth.Role{auth.Supervisor, auth.Auditor, auth.Admin}
	mayKnow     = []auth.Role{auth.Supervisor, auth.Auditor, auth.Admin, auth.Security}
	mayEvidence = []auth.Role{auth.Clerk, auth.Supervisor, auth.Auditor, auth.Inspector, auth.Head}
)

var sections = []section{
	{"/", "nav.desk", atDesk},
	{"/", "nav.inbox", inOffice},
	{"/cases", "nav.cases", overseeing},
	{"/visits", "nav.visits", overseeing},
	{"/transfers", "nav.transfers", overseeing},
	{"/sets", "nav.sets", overseeing},
	{"/bags", "nav.bags", following},
	{"/parcels", "nav.parcels", overseeing},
	{"/round", "nav.round", []auth.Role{auth.Courier}},
	{"/runs", "nav.runs", []auth.Role{auth.Courier}},
	{"/queue", "nav.queue", overseeing},
	{"/outbox", "nav.outbox", overseeing},
	{"/checklists", "nav.checklists", inOffice},
	{"/evidence", "nav.evidence", mayEvidence},
	{"/ledger", "nav.ledger", ledgerReaders},
	{"/leaves", "nav.leaves", atDesk},
	{"/closures", "nav.closures", mayShut},
	{"/settings", "nav.settings", mayOversee},
	{"/people", "nav.people", mayKnow},
}

// under are the first words of paths that belong to a section of another name.
var under = map[string]string{
	"/":      "/round", // a courier begins there
	"/inbox": "/", "/trips": "/visits", "/results": "/sets",
	"/runs": "/bags", "/receivers": "/bags", "/tables": "/bags", "/materials": "/bags", "/items": "/bags", "/scan": "/bags",
	"/alerts": "/parcels", "/couriers": "/parcels", "/papers": "/parcels", "/ratings": "/parcels", "/refusals": "/parcels", "/reports": "/parcels",
}

// nav is the menu of somebody's roles.
func (p *site) nav(v *view) []web.Link {
	var out []web.Link
	word, _, _ := strings.Cut(strings.TrimPrefix(v.r.URL.Path, "/"), "/")
	at := "/" + word
	for _, s := range sections {
		if v.is(s.roles...) {
			here := at == s.href || under[at] == s.href
			out = append(out, web.Link{Href: s.href, Text: p.say(v, s.word), About: p.say(v, s.word+".about"), Here: here})
		}
	}
	return out
}

// is reports whether the reader has one of the roles.
func (v *view) is(roles ...auth.Role) bool {
	return slices.ContainsFunc(roles, v.by.Is)
}

// flashCookie carries one line about what was done over the redirect.
const flashCookie = "flash"

// leave goes to a page after an act, with a line of the catalogue about it.
func (v *view) leave(to, key string, args ...string) error {
	if key != "" {
		text, err := json.Marshal(append([]string{key}, args...))
		if err != nil {
			return err
		}
		http.SetCookie(v.w, &http.Cookie{
			Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(text), Path: "/", MaxAge: 60,
			HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// flash is the line that the last act left, once. Whatever the cookie says, it
// can only choose one of our own lines.
func (p *site) flash(v *view) template.HTML {
	c, err := v.r.Cookie(flashCookie)
	if err != nil || v.r.Header.Get("Sec-Fetch-Dest") == "empty" { // a script follows a form's answer: its page comes next
		return ""
	}
	http.SetCookie(v.w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1})
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	var line []string
	if err != nil || json.Unmarshal(text, &line) != nil || len(line) == 0 || !strings.HasPrefix(line[0], "flash.") || !p.set.Has(line[0]) {
		return ""
	}
	args := make([]any, 0, len(line))
	for _, a := range line[1:] {
		args = append(args, a)
	}
	return p.set.Mark(v.x.lang, line[0], args...)
}

// newOnce makes the key that a form carries, so that sending it twice acts once.
func newOnce() string { return rand.Text()[:16] }

// once is the key that a form carried. Its print is what was typed, without the
// token that changes with every session.
func (v *view) once() once.Key {
	values := make(map[string][]string, len(v.r.PostForm))
	for name, given := range v.r.PostForm {
		if name != csrfField {
			values[name] = given
		}
	}
	text, _ := json.Marshal(values) // strings always marshal, and maps in order
	sum := sha256.Sum256(append([]byte(v.r.URL.Path+"\n"), text...))
	return once.Key{Actor: v.by.String(), Value: v.form("once"), Print: hex.EncodeToString(sum[:])}
}
