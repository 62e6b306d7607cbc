package api

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// STK-42: the reference speaks both languages, has every operation, and asks
// nobody else for anything: no script, no style in it, no other host.
func TestReferencePageStandsByItself(t *testing.T) {
	w := newWorld(t)
	for lang, want := range map[string]string{"zh": "受理办件", "en": "Take a case in"} {
		got := w.do(request{method: http.MethodGet, path: "/docs", header: map[string]string{"Accept-Language": lang}}).is(http.StatusOK)
		page := string(got.body)
		if !strings.Contains(page, want) || !strings.Contains(page, "<h1>"+referenceWords["title"].in(lang)) {
			t.Errorf("%s is missing in %s", want, lang)
		}
		for _, line := range w.operationsIn() {
			if !strings.Contains(page, `id="`+line.Act+`"`) {
				t.Errorf("%s is missing", line.Act)
			}
		}
		if found := regexp.MustCompile(`<script|<style|style=|\son[a-z]+=|https?://|//[a-z]`).FindString(page); found != "" {
			t.Errorf("the page has %q", found)
		}
		for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
			if !strings.Contains(page, `id="`+link[1]+`"`) {
				t.Errorf("%s leads nowhere", link[1])
			}
		}
	}
	if css := w.do(request{method: http.MethodGet, path: "/docs/style.css"}).is(http.StatusOK); css.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Error("style sheet has no media type")
	}
}
