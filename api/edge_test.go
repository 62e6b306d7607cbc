package api

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
)

// SEC-33, SEC-20
func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/healthz", prefix + "/cases", "/nothing", "/docs", "/openapi.json"} {
		h := w.do(request{method: http.MethodGet, path: path}).header
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Strict-Transport-Security": "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if h.Get("X-Request-Id") == "" {
			t.Errorf("%s has no request id", path)
		}
	}
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("policy %q", policy)
	}
}

// secureWorld is the same house under https.
func secureWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.Server = &Server{
		Inspection: w.Inspection, Delivery: w.Delivery, Notify: w.Notify, Auth: w.Auth, Office: w.Office, Audit: w.Audit, Read: w.Read, Now: w.Now,
		Log: w.Log, Ready: w.Ready, PublicURL: "https://lianban.example",
	}
	var err error
	w.handler, err = w.Handler()
	w.must(err)
	return w
}

// SEC 6.2: __Host- cookies and HSTS on https; plain http is for one's own machine.
func TestCookieFollowsThePublicAddress(t *testing.T) {
	w := secureWorld(t)
	rec := httptest.NewRecorder()
	w.signIn(rec, "token")
	c := rec.Result().Cookies()[0]
	if c.Name != "__Host-lianban" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
	if w.do(request{method: http.MethodGet, path: "/healthz"}).header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS on https")
	}
	w.get("clerk", "/cases").is(http.StatusOK)
	w.Server.secure = false
	rec = httptest.NewRecorder()
	w.signIn(rec, "")
	if c := rec.Result().Cookies()[0]; c.Name != "lianban" || c.Secure || c.MaxAge >= 0 {
		t.Errorf("%+v", c)
	}
}

// A demonstration set on another day, or a browser with a wrong clock, must not
// lose its session: only the house's clock ends one (SEC 6.2, DEC-9).
func TestCookieIsNotDatedByTheHousesClock(t *testing.T) {
	w := newWorld(t)
	rec := httptest.NewRecorder()
	w.signIn(rec, "token")
	if c := rec.Result().Cookies()[0]; !c.Expires.IsZero() || c.MaxAge != 0 {
		t.Errorf("%+v", c)
	}
}

// STK-46, SEC-33: a change that rides on a cookie needs the token of our own
// form and may not come from another site; a key needs neither.
func TestForgedRequestsAreRefused(t *testing.T) {
	w := newWorld(t)
	send := func(as string, header map[string]string) *reply {
		h := map[string]string{"Idempotency-Key": freshKey()}
		maps.Copy(h, header)
		return w.do(request{as: as, method: http.MethodPost, path: prefix + "/cases", body: restaurant(), header: h})
	}
	send("clerk", map[string]string{csrfHeader: ""}).refused(http.StatusForbidden, "csrf_token")
	send("clerk", map[string]string{csrfHeader: csrfToken(w.tokens["supervisor"])}).refused(http.StatusForbidden, "csrf_token")
	for _, as := range []string{"clerk", ""} {
		send(as, map[string]string{"Origin": "https://evil.example"}).refused(http.StatusForbidden, "cross_site")
		send(as, map[string]string{"Sec-Fetch-Site": "cross-site"}).refused(http.StatusForbidden, "cross_site")
	}
	send("clerk", map[string]string{"Origin": w.PublicURL, "Sec-Fetch-Site": "cross-site"}).is(http.StatusCreated)
	send("clerk", map[string]string{"Sec-Fetch-Site": "same-origin"}).is(http.StatusCreated)
	send("key", nil).is(http.StatusCreated)
	w.get("clerk", "/cases").is(http.StatusOK) // reading needs no token
	if csrfToken("") != "" || csrfToken("a") == csrfToken("b") {
		t.Error("tokens do not follow the session")
	}
}

// SEC-9: what is not a key of ours is nobody, whatever cookie comes with it.
func TestWrongCredentialsAreNobody(t *testing.T) {
	w := newWorld(t)
	for _, header := range []string{"Basic YTpi", "Bearer", "Bearer ", "Bearer lb_x_y", "Bearer " + w.keys["key"] + "0", "bearer " + w.keys["key"]} {
		got := w.do(request{as: "clerk", method: http.MethodGet, path: prefix + "/cases", header: map[string]string{"Authorization": header}})
		got.refused(http.StatusUnauthorized, "key_invalid")
		if got.header.Get("WWW-Authenticate") == "" {
			t.Error("no challenge")
		}
	}
	w.tokens["clerk"] += "0"
	w.get("clerk", "/cases").refused(http.StatusUnauthorized, "not_signed_in")
	w.get("", "/cases").refused(http.StatusUnauthorized, "not_signed_in")
}

// SEC-3: a session that is over, and a role that is taken away, count at once.
func TestChangedRoleCountsFromTheNextRequestOn(t *testing.T) {
	w := newWorld(t)
	w.get("inspector", "/inbox").is(http.StatusOK)
	by, _, err := w.Auth.Session(t.Context(), w.tokens["inspector"])
	w.must(err)
	w.must(w.Auth.Disable(t.Context(), auth.System("test"), by.ID))
	w.get("inspector", "/inbox").refused(http.StatusUnauthorized, "not_signed_in")
	w.Auth.Endless = false
	w.clock.forward(31 * time.Minute)
	w.get("head", "/inbox").refused(http.StatusUnauthorized, "session_expired")
}

// SEC-26: burst 40, then 20 a second, each for itself; a waiting time is named.
func TestTooManyRequestsAreSlowedDown(t *testing.T) {
	w := newWorld(t)
	ask := func(as string) *reply {
		w.clock.forward(-50 * time.Millisecond) // at one instant
		return w.get(as, "/divisions")
	}
	for range apiRate.burst {
		ask("key").is(http.StatusOK)
	}
	got := ask("key")
	got.refused(http.StatusTooManyRequests, "too_many_requests")
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	ask("clerk").is(http.StatusOK)
	w.clock.forward(50 * time.Millisecond)
	ask("key").is(http.StatusOK)
	for range apiRate.burst {
		ask("").is(http.StatusUnauthorized) // guessing is slowed down by address
	}
	ask("").refused(http.StatusTooManyRequests, "too_many_requests")
}

// SEC-26: a house that is full says so at once.
func TestFullHouseTurnsAway(t *testing.T) {
	w := newWorld(t)
	for range maxAtOnce {
		w.must(w.enter())
	}
	if got := w.get("clerk", "/cases"); got.refused(http.StatusTooManyRequests, "too_many_requests").Status == 0 || got.header.Get("Retry-After") != "1" {
		t.Errorf("%s", got.body)
	}
	w.leave()
	w.get("clerk", "/cases").is(http.StatusOK)
	w.get("clerk", "/cases").is(http.StatusOK) // the place is given back
}

// STK-47: ten thousand callers are remembered, the one unused longest leaves.
func TestLimitsForgetTheOneUnusedLongest(t *testing.T) {
	l := newLimits()
	slow := rateClass{name: "slow", every: time.Hour, burst: 1}
	for i := range maxLimits + 10 {
		l.wait(slow, string(rune(i)), morning)
		l.wait(slow, "busy", morning)
	}
	if len(l.by) != maxLimits || l.recent.Len() != maxLimits {
		t.Errorf("%d limits, %d in order", len(l.by), l.recent.Len())
	}
	if l.wait(slow, "busy", morning) == 0 {
		t.Error("a caller in use was forgotten")
	}
}

// X-Forwarded-For is anybody's to write: it counts from our own proxies only.
func TestForwardedAddressCountsFromOurProxiesOnly(t *testing.T) {
	s := &Server{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.7:1", "198.51.100.1", "192.0.2.7"},
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"10.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"},
		{"10.0.0.1:1", "198.51.100.1, garbage", "10.0.0.1"},
		{"[::ffff:10.0.0.1]:1", "::ffff:198.51.100.1", "198.51.100.1"},
		{"not an address", "198.51.100.1", "not an address"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": {c.forwarded}}}
		if got := s.clientOf(r); got != c.want {
			t.Errorf("%s behind %q is %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

// SEC-34
func TestBoundsOfTheListener(t *testing.T) {
	w := newWorld(t)
	server := &http.Server{}
	Bound(server, w.Log)
	if server.ReadHeaderTimeout != 10*time.Second || server.ReadTimeout != 30*time.Second || server.WriteTimeout != time.Minute ||
		server.IdleTimeout != 2*time.Minute || server.MaxHeaderBytes == 0 || server.ErrorLog == nil {
		t.Errorf("%+v", server)
	}
}

// OBS-2
func TestReadinessListsEveryCheck(t *testing.T) {
	w := newWorld(t)
	if got := w.do(request{method: http.MethodGet, path: "/readyz"}).is(http.StatusOK); got.at("ready") != "true" || got.at("checks.0.name") != "schema" {
		t.Errorf("%s", got.body)
	}
	w.Server.Ready = func(ctx context.Context) []Check {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the checks have no end")
		}
		return []Check{{Name: "schema", OK: true}, {Name: "disk", Detail: "full"}}
	}
	got := w.do(request{method: http.MethodGet, path: "/readyz"}).is(http.StatusServiceUnavailable)
	if got.at("ready") != "false" || got.at("checks.1.detail") != "full" {
		t.Errorf("%s", got.body)
	}
	if got := w.do(request{method: http.MethodGet, path: "/healthz"}).is(http.StatusOK); string(got.body) != "ok\n" {
		t.Errorf("%s", got.body)
	}
}

// OBS-3, SEC-21: one line per request, with the route and not the path.
func TestEachRequestIsOneLineInTheLog(t *testing.T) {
	w := newWorld(t)
	w.log.text = nil
	got := w.get("clerk", "/cases/"+marker)
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	line := lines[len(lines)-1]
	for _, want := range []string{`"req":"` + got.header.Get("X-Request-Id") + `"`, `"route":"GET /api/v1/cases/{id}"`, `"status":404`, `"actor":"person:`, `"code":"not_found"`} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is not in %s", want, line)
		}
	}
	if len(lines) != 1 || strings.Contains(line, marker) {
		t.Errorf("%d lines: %s", len(lines), lines)
	}
}

// STY-14: wiring that forgot something is named before the first request.
func TestIncompleteWiringIsNamed(t *testing.T) {
	w := newWorld(t)
	for name, spoil := range map[string]func(s *Server){
		"desk": func(s *Server) { s.Office = nil }, "database": func(s *Server) { s.Read = nil },
		"clock": func(s *Server) { s.Now = nil }, "readiness": func(s *Server) { s.Ready = nil },
		"public address": func(s *Server) { s.PublicURL = "lianban.example/x" },
	} {
		s := *w.Server
		spoil(&s)
		if _, err := s.Handler(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
