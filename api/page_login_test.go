package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
)

const testPassword = "Meiwan-Road-1"

func TestSignInLeadsBackToWhereOneWantedToGo(t *testing.T) {
	s := &stage{world: newWorld(t)}
	wanted := s.browse("", "/cases?state=visiting", nil).is(http.StatusSeeOther).to()
	if wanted != "/login?back=%2Fcases%3Fstate%3Dvisiting" {
		t.Fatal(wanted)
	}
	page := s.browse("", wanted, nil).is(http.StatusOK)
	if !strings.Contains(page.body, `name="back" value="/cases?state=visiting"`) {
		t.Error(page.body)
	}
	got := s.browse("", "/login", url.Values{"login": {"clerk"}, "password": {testPassword}, "back": {"/cases?state=visiting"}}).is(http.StatusSeeOther)
	cookie := got.header.Get("Set-Cookie")
	if got.to() != "/cases?state=visiting" || !strings.HasPrefix(cookie, "lianban=") || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Error(got.to(), cookie)
	}
	for _, elsewhere := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/\n/evil"} {
		got := s.browse("", "/login", url.Values{"login": {"clerk"}, "password": {testPassword}, "back": {elsewhere}}).is(http.StatusSeeOther)
		if got.to() != "/" {
			t.Errorf("%q leads to %q", elsewhere, got.to())
		}
	}
}

// SEC-7: the form says what the domain says, and nothing more.
func TestWrongPasswordIsSaidOnTheFormWhichKeepsTheLogin(t *testing.T) {
	s := &stage{world: newWorld(t)}
	for range 5 {
		got := s.browse("", "/login", url.Values{"login": {"clerk"}, "password": {"wrong"}}).is(http.StatusForbidden).says("登录名或密码不正确")
		if !strings.Contains(got.body, `value="clerk"`) || strings.Contains(got.body, `value="wrong"`) {
			t.Error("the form keeps the login and never the password")
		}
	}
	s.browse("", "/login", url.Values{"login": {"clerk"}, "password": {testPassword}}).is(http.StatusForbidden).says("连续 5 次登录失败")
}

func TestPasswordIsChangedOnItsPage(t *testing.T) {
	s := &stage{world: newWorld(t)}
	form := func(fresh, again string) url.Values {
		return url.Values{"login": {"clerk"}, "password": {testPassword}, "fresh": {fresh}, "again": {again}}
	}
	s.browse("", "/password", form("Xiangjiang-77", "Xiangjiang-78")).is(http.StatusUnprocessableEntity).says("两次输入的新密码不一致")
	s.browse("", "/password", form("short", "short")).is(http.StatusUnprocessableEntity)
	if got := s.browse("", "/password", form("Xiangjiang-77", "Xiangjiang-77")).is(http.StatusSeeOther); got.to() != "/login" {
		t.Error(got.to())
	}
	s.browse("", "/login", url.Values{"login": {"clerk"}, "password": {"Xiangjiang-77"}}).is(http.StatusSeeOther)
}

// SEC-7: a password that somebody else chose is changed first.
func TestFirstPasswordHasToBeChangedBeforeSigningIn(t *testing.T) {
	s := &stage{world: newWorld(t)}
	person, err := s.Auth.AddPerson(t.Context(), s.actor("security"), auth.NewPerson{
		Login: "new", Name: "新人", Password: testPassword, Post: postOf("431103-fire"),
	})
	s.must(err)
	s.browse("", "/login", url.Values{"login": {person.Login}, "password": {testPassword}}).is(http.StatusForbidden).says("修改密码", "请先修改密码再登录")
}

func TestSignOutEndsTheSession(t *testing.T) {
	s := &stage{world: newWorld(t)}
	if got := s.browse("clerk", "/logout", url.Values{}).is(http.StatusSeeOther); got.to() != "/login" {
		t.Error(got.to())
	}
	if got := s.browse("clerk", "/cases", nil).is(http.StatusSeeOther); !strings.HasPrefix(got.to(), "/login") {
		t.Error(got.to())
	}
}

// SEC-33
func TestFormsOfOthersAreRefused(t *testing.T) {
	s := &stage{world: newWorld(t)}
	send := func(change func(r *http.Request)) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/logout", strings.NewReader("x=1"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: s.sessionCookie(), Value: s.tokens["clerk"]})
		change(r)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		return w
	}
	if w := send(func(*http.Request) {}); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "csrf_token") {
		t.Error(w.Code, visible(w.Body.String()))
	}
	w := send(func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://evil.example")
	})
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "cross_site") {
		t.Error(w.Code, visible(w.Body.String()))
	}
}

func TestLanguageAndLargeTextAreKept(t *testing.T) {
	s := &stage{world: newWorld(t)}
	got := s.browse("", "/login?lang=en&text=large", nil).is(http.StatusOK).says("Sign in", "Normal text")
	if !strings.Contains(got.body, `<html lang="en" class="large">`) {
		t.Error("large text is not shown at once")
	}
	kept := strings.Join(got.header.Values("Set-Cookie"), "\n")
	if !strings.Contains(kept, "lang=en;") || !strings.Contains(kept, "text=large;") {
		t.Error(kept)
	}
	if strings.Contains(got.body, "lang=en&amp;text=large") {
		t.Error("the choice stays in the links of the page")
	}
	s.browse("", "/login?lang=xx", nil).is(http.StatusOK).says("登录")
}

// DEC-9
func TestDemonstrationHasItsClockAndItsAccounts(t *testing.T) {
	s := &stage{world: newWorld(t)}
	s.browse("", "/demo/login", url.Values{"login": {"clerk"}}).is(http.StatusNotFound) // serve has no trace of it
	var moved time.Time
	deadline := s.trust.Now().Add(7 * time.Hour)
	s.Server.Demo = &Demo{
		Move:         func(_ context.Context, to time.Time) error { moved = to; return nil },
		NextDeadline: func(context.Context) (time.Time, error) { return deadline, nil },
		Password:     testPassword,
		Logins:       []DemoLogin{{Login: "clerk", Name: "王敏", Role: auth.Clerk, Place: "冷水滩区政务服务中心", PlaceEN: "Lengshuitan", Task: "签收移交", TaskEN: "sign"}},
		Track:        DemoTrack{Number: "LB0327HKXYDSW", Last4: "1221"},
	}
	var err error
	s.handler, err = s.Handler()
	s.must(err)
	s.browse("", "/login", nil).is(http.StatusOK).says("演示", "下一个期限 11月17日 周二 16:40", "窗口人员", "王敏 · 冷水滩区政务服务中心", "签收移交", "邮件号 LB0327HKXYDSW，收件手机尾号 1221")
	if got := s.browse("", "/demo/login", url.Values{"login": {"clerk"}}).is(http.StatusSeeOther); got.to() != "/" {
		t.Error(got.to())
	}
	s.browse("", "/demo/login", url.Values{"login": {"admin"}}).is(http.StatusNotFound) // not one to try
	for to, want := range map[string]time.Time{
		"deadline": deadline.Add(time.Second), "morning": morning.AddDate(0, 0, 1).Add(-70 * time.Minute),
	} {
		got := s.browse("clerk", "/demo/move", url.Values{"to": {to}, "back": {"/visits?q=1"}}).is(http.StatusSeeOther)
		if !moved.Equal(want) || got.to() != "/visits?q=1" {
			t.Errorf("%s: %v, want %v, then %s", to, moved, want, got.to())
		}
	}
	before := s.trust.Now()
	s.browse("", "/demo/move", url.Values{"to": {"hour"}}).is(http.StatusSeeOther)
	if moved.Sub(before) < time.Hour || moved.Sub(before) > time.Hour+time.Minute {
		t.Error(moved)
	}
	s.browse("", "/demo/move", url.Values{"to": {"yesterday"}}).is(http.StatusNotFound)
}
