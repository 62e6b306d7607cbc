package api

import (
	"net/http"
	"reflect"
	"slices"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// Route is one line of the registry: what is called, what it does, and who may
// (SEC-1). Who and Scope are what the matrix test holds against the answers
// that every role really gets (PRO-12).
type Route struct {
	Method, Path string
	Act          string // verb and noun, unique: "acceptCase"
	Title        words  // for the reference page
	Who          Who
	Scope        string // what a key has to carry; empty: not for programs
	Rate         rateClass
	Body         int64 // most bytes of a request's body, 0 means 1 MB (SEC-34)
	Status       int   // of the answer when all is well, 0 means 200

	in reflect.Type // request struct of an operation
}

// Who says who may call a Route. The decision itself is taken by the package
// that owns the noun; this is the line it is compared with.
type Who struct {
	Public bool        // nobody has to sign in
	Roles  []auth.Role // of people, wherever they work
	Own    []auth.Role // of the centre or department that has to do with the object
	See    []auth.Role // of those the roles that may read it, and so learn why not (SEC-3)
	Else   int         // what other roles get: 403, or 404 where there is something to hide
}

var everyRole = []auth.Role{
	auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head, auth.Courier, auth.Auditor, auth.Admin, auth.Security,
}

// seeCase are those who see a case and its visits: its windows, the departments
// it invites, and the auditor (reliability 6.1).
var seeCase = []auth.Role{auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head, auth.Auditor}

// anyone needs no sign-in.
var anyone = Who{Public: true}

// signedIn are all people with an account.
var signedIn = anywhere(everyRole...)

// anywhere are roles whose place plays no part.
func anywhere(roles ...auth.Role) Who { return Who{Roles: roles, Else: http.StatusForbidden} }

// readers see an object that does not exist for others (SEC-3).
func readers(roles ...auth.Role) Who { return Who{Own: roles, See: roles, Else: http.StatusNotFound} }

// actors have an act on a case or visit; whoever sees it besides learns that the
// act is not theirs.
func actors(roles ...auth.Role) Who {
	return Who{Own: roles, See: seeCase, Else: http.StatusForbidden}
}

// May reports whether the role is on the line.
func (w Who) May(r auth.Role) bool {
	return w.Public || slices.Contains(w.Roles, r) || slices.Contains(w.Own, r)
}

// route puts a line into the registry and its handler behind the checks that
// all lines share. refuse answers when one of them says no.
func (s *Server) route(r Route, refuse refuser, h http.Handler) {
	s.routes = append(s.routes, r)
	s.mux.Handle(r.Method+" "+r.Path, s.admit(r, refuse, h))
}

// refuser turns an error into an answer.
type refuser func(w http.ResponseWriter, r *http.Request, err error)

// admit lets a request through to h: size, who it is, rate, scope, token.
func (s *Server) admit(line Route, refuse refuser, h http.Handler) http.Handler {
	most := line.Body
	if most == 0 {
		most = maxBody
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r)
		x.route, x.act = r.Pattern, line.Act
		r.Body = http.MaxBytesReader(w, r.Body, most)
		if err := s.let(line, r, x); err != nil {
			refuse(w, r, err)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// let says no to who is too fast, unknown, without the scope or without the
// token of our own form. An unknown caller of a public Route stays nobody.
func (s *Server) let(line Route, r *http.Request, x *exchange) error {
	by, err := s.identify(r, x)
	unknown := fault.KindOf(err) == fault.Unauthenticated
	if err != nil && !unknown {
		return err
	}
	x.by = by
	if err := s.slow(line, r, x); err != nil {
		return err
	}
	if line.Who.Public {
		return s.ourForm(r, x)
	}
	if err != nil {
		return err
	}
	if by.Kind == auth.KindKey && (line.Scope == "" || !slices.Contains(by.Scopes, line.Scope)) {
		return fault.Refuse(fault.Forbidden, "scope_missing",
			"该密钥没有办理此事的权限，请联系安全管理员", "this key may not do that; ask the security administrator for the scope")
	}
	return s.ourForm(r, x)
}
