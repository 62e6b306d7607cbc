package api

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// every page that can be looked at, by role: what must be shown, and to whom it
// does not exist.
func pagesOf(s *stage) map[string][]string {
	window := []string{"clerk", "supervisor"}
	oversee := append([]string{"auditor"}, window...)
	department := []string{"inspector", "head"}
	return map[string][]string{
		"/":                                   {"clerk", "supervisor", "inspector", "head", "courier", "auditor", "admin", "security"},
		"/login":                              {"", "clerk"},
		"/password":                           {"", "inspector"},
		"/cases":                              oversee,
		"/cases?q=湘&state=visiting":           oversee,
		"/cases/new":                          window,
		"/cases/new?matter=M03":               window,
		"/cases/" + s.open.ID:                 oversee,
		"/cases/" + s.draft.CaseID:            oversee,
		"/cases/" + s.booked.CaseID:           oversee,
		"/cases/" + s.closed.CaseID:           oversee,
		"/cases/" + s.open.ID + "/notice":     oversee,
		"/cases/" + s.open.ID + "/extension":  append(department, oversee...),
		"/matters/M03/notice":                 oversee,
		"/visits":                             oversee,
		"/visits?state=closed":                oversee,
		"/visits/" + s.draft.ID:               oversee,
		"/visits/" + s.booked.ID:              oversee,
		"/visits/" + s.closed.ID:              oversee,
		"/visits/" + s.closed.ID + "/rectify": append(department, oversee...),
		"/visits/" + s.draft.ID + "/board":    window,
		"/visits/" + s.draft.ID + "/board?band=am&grain=15":                                     window,
		"/visits/" + s.closed.ID + "/opinion":                                                   append(department, oversee...),
		"/visits/" + s.closed.ID + "/deemed/431103-amr":                                         oversee,
		"/visits/" + s.booked.ID + "/parts/" + s.partOf(s.booked, "431103-fire").ID + "/notice": oversee,
		"/inbox":                            department,
		"/inbox/" + s.booked.ID:             department,
		"/inbox/" + s.closed.ID:             department,
		"/queue":                            oversee,
		"/queue?state=held&q=Re":            oversee,
		"/queue/" + s.mailID:                oversee,
		"/outbox":                           oversee,
		"/outbox?channel=mail":              oversee,
		"/evidence":                         append(department, oversee...),
		"/closures":                         {"supervisor", "admin", "head"},
		"/cases/" + s.sent.CaseID + "/seal": window,
		"/parcels":                          oversee,
		"/parcels?q=LB&colour=red&all=yes":  oversee,
		"/parcels/" + s.sent.ID:             oversee,
		"/refusals":                         oversee,
		"/round":                            {"courier"},
		"/round/" + s.sent.ID:               {"courier"},
		"/t":                                {"", "clerk"},
		"/receivers":                        {"clerk", "supervisor", "inspector", "head", "auditor"},
		"/receivers?department=431103-amr":  {"clerk", "supervisor", "inspector", "head", "auditor"}, // a department sees its own instead
		"/settings":                         {"supervisor", "auditor", "admin"},
		"/people":                           {"supervisor", "auditor", "admin", "security"},
		"/people?q=消":                       {"supervisor", "auditor", "admin", "security"},
		"/tables":                           {"clerk", "supervisor", "inspector", "head"},
		"/runs":                             {"clerk", "supervisor", "inspector", "head", "courier", "auditor"},
		s.link:                              {"", "clerk"},
	}
}

// missing is a key of the catalogue that came through, or what a template says
// of a value it cannot print.
var missing = regexp.MustCompile(`\b[a-z_]+\.[a-z_]+\.[a-z_]+\b|%!|<no value>|ZgotmplZ|\{[a-z_]+\}`)

// SEC-20, SEC-24, STK-57
func TestEveryPageIsShownToEveryRoleInBothLanguages(t *testing.T) {
	s := newStage(t)
	for path, roles := range pagesOf(s) {
		for _, role := range roles {
			for _, lang := range []string{"zh", "en"} {
				got := s.browse(role, withLang(path, lang), nil)
				if got.status != http.StatusOK {
					t.Errorf("%s for %q in %s: %d %s", path, role, lang, got.status, s.why(got))
					continue
				}
				checkPage(t, path+" for "+role+" in "+lang, got.body)
			}
		}
	}
}

func withLang(path, lang string) string {
	if strings.Contains(path, "?") {
		return path + "&lang=" + lang
	}
	return path + "?lang=" + lang
}

// checkPage wants a whole page without holes and without anybody's markup.
func checkPage(t *testing.T, what, body string) {
	t.Helper()
	if !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
		t.Errorf("%s: cut off", what)
	}
	if strings.Contains(body, "<script>alert") {
		t.Errorf("%s: markup in a name came through", what)
	}
	if hole := missing.FindString(strings.ReplaceAll(visible(body), "lianban.example", "")); hole != "" && !allowed(hole) {
		t.Errorf("%s: %q stands on the page", what, hole)
	}
	for _, field := range []string{"<label", "<h1"} {
		if strings.Contains(body, "<input id=") && field == "<label" && !strings.Contains(body, field) {
			t.Errorf("%s: fields without labels", what)
		}
		if field == "<h1" && strings.Count(body, field) != 1 {
			t.Errorf("%s: %d headings of the first rank", what, strings.Count(body, field))
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if ids[m[1]] {
			t.Errorf("%s: two elements are called %s", what, m[1])
		}
		ids[m[1]] = true
	}
}

// allowed are names of settings, hosts and files that look like keys.
func allowed(hole string) bool {
	return slices.ContainsFunc([]string{"dept.example", "test.example", "lianban.example"}, func(s string) bool { return strings.Contains(hole, s) })
}

// PRO-12: what is not somebody's page does not open, and to who is not signed
// in every page leads to the sign-in.
func TestPagesOpenForTheRolesOfTheirLineOnly(t *testing.T) {
	s := newStage(t)
	everybody := []string{
		"clerk", "clerk-elsewhere", "supervisor", "supervisor-elsewhere", "inspector", "inspector-elsewhere", "head", "head-elsewhere",
		"courier", "auditor", "admin", "security",
	}
	lists := []string{"/", "/login", "/password", "/cases", "/cases/new", "/visits", "/inbox", "/queue", "/parcels", "/refusals", "/round", "/runs", "/tables", "/t", "/outbox", "/evidence", "/closures", "/settings", "/people", "/receivers", "/matters/M03/notice"}
	for path, roles := range pagesOf(s) {
		bare, _, _ := strings.Cut(path, "?")
		for _, role := range everybody {
			of := strings.TrimSuffix(role, "-elsewhere")
			may := slices.Contains(roles, role) || slices.Contains(lists, bare) && slices.Contains(roles, of) || slices.Contains(roles, "")
			got := s.browse(role, path, nil)
			switch {
			case may && got.status != http.StatusOK:
				t.Errorf("%s for %s: %d", path, role, got.status)
			case !may && got.status != http.StatusForbidden && got.status != http.StatusNotFound && got.status != http.StatusSeeOther:
				t.Errorf("%s opens for %s: %d", path, role, got.status)
			case !may && got.status == http.StatusSeeOther && !strings.HasPrefix(got.to(), "/inbox/"):
				t.Errorf("%s sends %s to %s", path, role, got.to())
			}
		}
		if got := s.browse("", path, nil); !slices.Contains(roles, "") && (got.status != http.StatusSeeOther || !strings.HasPrefix(got.to(), "/login")) {
			t.Errorf("%s without sign-in: %d %s", path, got.status, got.to())
		}
	}
}

// SEC-3: what is elsewhere and what is nowhere are the same.
func TestForeignAndUnknownThingsAreBothNotFound(t *testing.T) {
	s := newStage(t)
	for _, path := range []string{
		"/cases/" + s.open.ID, "/visits/" + s.booked.ID, "/queue/" + s.mailID, "/visits/" + s.draft.ID + "/board",
		"/visits/" + s.closed.ID + "/opinion", "/visits/" + s.closed.ID + "/evidence/431103-amr",
	} {
		unknown := path[:len(path)/2] + "zzz"
		for _, p := range []string{path, unknown} {
			if got := s.browse("clerk-elsewhere", p, nil); got.status != http.StatusNotFound {
				t.Errorf("%s: %d", p, got.status)
			}
		}
	}
	for _, path := range []string{"/visits/" + s.booked.ID + "/cancel", "/visits/" + s.draft.ID + "/hold", "/cases/" + s.open.ID + "/amend"} {
		s.browse("clerk-elsewhere", path, url.Values{"code": {"other"}, "reason": {"x"}}).is(http.StatusNotFound)
	}
	s.browse("clerk", "/nowhere", nil).is(http.StatusNotFound).says("no_such_address")
	s.browse("clerk", "/cases/%00", nil).is(http.StatusNotFound)
}
