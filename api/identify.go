package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// identify says who calls: a program by its key, a person by the session's
// cookie. A key that is sent decides alone. Refuses with not_signed_in and as
// auth.Desk.Key and Session do.
func (s *Server) identify(r *http.Request, x *exchange) (auth.Actor, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		bearer, ok := strings.CutPrefix(header, "Bearer ")
		if !ok {
			bearer = "" // no other scheme is known: refused like a wrong key
		}
		return s.Auth.Key(r.Context(), bearer)
	}
	cookie, err := r.Cookie(s.sessionCookie())
	if errors.Is(err, http.ErrNoCookie) || cookie.Value == "" {
		return auth.Actor{}, fault.Refuse(fault.Unauthenticated, "not_signed_in", "请先登录", "sign in first")
	}
	by, _, err := s.Auth.Session(r.Context(), cookie.Value)
	if err != nil {
		return auth.Actor{}, err
	}
	x.token = cookie.Value
	return by, nil
}

func isHTTPS(url string) bool { return strings.HasPrefix(url, "https://") }

// sessionCookie is the name of the cookie. The prefix makes browsers keep it to
// this host and to https; plain http is for a machine of one's own.
func (s *Server) sessionCookie() string {
	if s.secure {
		return "__Host-lianban"
	}
	return "lianban"
}

// signIn gives the browser its session; an empty token takes it away. The
// cookie bears no date: the house ends a session by its own clock, and a browser
// whose clock is wrong, or a demonstration set on another day, would drop it.
func (s *Server) signIn(w http.ResponseWriter, token string) {
	c := &http.Cookie{
		Name: s.sessionCookie(), Value: token, Path: "/",
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// csrfToken is what our own forms carry: made from the session's token, so it
// needs no storage, and nobody without the cookie can make it (STK-46).
func csrfToken(session string) string {
	if session == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(session))
	mac.Write([]byte("csrf"))
	return hex.EncodeToString(mac.Sum(nil))
}

// Where the token of a form stands.
const (
	csrfHeader = "X-CSRF-Token"
	csrfField  = "csrf"
)

// ourForm refuses a change that rides on somebody's cookie without the token of
// our own page. Keys need none: no browser sends them by itself.
func (s *Server) ourForm(r *http.Request, x *exchange) error {
	if x.token == "" || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	given := r.Header.Get(csrfHeader)
	if given == "" && isForm(r) {
		if err := r.ParseMultipartForm(maxBody); err != nil && !errors.Is(err, http.ErrNotMultipart) {
			return unreadable(err)
		}
		given = r.PostForm.Get(csrfField)
	}
	if hmac.Equal([]byte(given), []byte(csrfToken(x.token))) {
		return nil
	}
	return refusal{
		status: http.StatusForbidden, code: "csrf_token",
		words: words{"页面已过期或请求来自其他网站，请刷新页面后重试", "the page is out of date or the request comes from elsewhere; reload the page and try again"},
	}
}

func isForm(r *http.Request) bool {
	media := mediaType(r)
	return media == "application/x-www-form-urlencoded" || media == "multipart/form-data"
}

// crossOrigin refuses changes that a page of another site sends (SEC-33). The
// public address is trusted by name, because a proxy may have changed Host.
func (s *Server) crossOrigin() (*http.CrossOriginProtection, error) {
	c := http.NewCrossOriginProtection()
	if err := c.AddTrustedOrigin(s.PublicURL); err != nil {
		return nil, err
	}
	c.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, refusal{
			status: http.StatusForbidden, code: "cross_site",
			words: words{"请求来自其他网站，已拒绝；请在本系统页面上操作", "the request comes from another site and was refused; act on the pages of this service"},
		})
	}))
	return c, nil
}
