package web

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// contrast is the contrast ratio of two colours (WCAG 2.2).
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	hex := strings.TrimPrefix(colour, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatalf("%q is no colour", colour)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func wordsOf(t *testing.T, lang string) words {
	t.Helper()
	w, err := readWords(lang)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTimesAreShownInShanghaiWithTheirWeekday(t *testing.T) {
	now := time.Date(2026, 2, 12, 2, 0, 0, 0, time.UTC)
	at := time.Date(2026, 2, 12, 16, 30, 0, 0, time.UTC) // 00:30 of the 13th in Shanghai
	for lang, want := range map[string]string{"zh": "2月13日 周五 00:30", "en": "Fri 13 Feb 00:30"} {
		if got := string(wordsOf(t, lang).when(now, at)); !strings.Contains(got, ">"+want+"<") || !strings.Contains(got, `datetime="2026-02-13T00:30:00+08:00"`) {
			t.Error(got)
		}
	}
	next := time.Date(2027, 1, 4, 1, 0, 0, 0, time.UTC)
	if got := wordsOf(t, "zh").day(now, next); got != "2027年1月4日 周一" {
		t.Error(got)
	}
	if got := wordsOf(t, "en").day(now, next); got != "Mon 4 Jan 2027" {
		t.Error(got)
	}
	if got := string(wordsOf(t, "zh").span(now, at, at.Add(time.Hour))); !strings.Contains(got, "00:30–01:30") {
		t.Error(got)
	}
	if got := string(wordsOf(t, "zh").when(now, time.Time{})); !strings.Contains(got, "—") {
		t.Error(got)
	}
}

func TestTimeLeftIsSaidInItsTwoLargestUnits(t *testing.T) {
	now := time.Date(2026, 2, 12, 2, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		by     time.Duration
		zh, en string
	}{
		{26*time.Hour + 5*time.Minute, "还剩 1 天 2 小时", "1 d 2 h left"},
		{24 * time.Hour, "还剩 1 天", "1 d left"},
		{24*time.Hour + 5*time.Minute, "还剩 1 天", "1 d left"},
		{90 * time.Minute, "还剩 1 小时 30 分钟", "1 h 30 min left"},
		{59 * time.Second, "还剩 不到 1 分钟", "less than a minute left"},
		{-3 * time.Hour, "已过 3 小时", "3 h ago"},
	} {
		for lang, want := range map[string]string{"zh": c.zh, "en": c.en} {
			if got, err := wordsOf(t, lang).left(now, now.Add(c.by)); err != nil || got != want {
				t.Errorf("%v: %q, want %q (%v)", c.by, got, want, err)
			}
		}
	}
	if urgency(now, now.Add(-1)) != "bad" || urgency(now, now.Add(time.Hour)) != "warn" || urgency(now, now.Add(5*time.Hour)) != "plain" {
		t.Error("colours of deadlines")
	}
}

// SEC-20, SEC-24, STK-57
func TestHostileNamesAreEscapedAndRareOnesExplained(t *testing.T) {
	got := string(wordsOf(t, "zh").name("<script>alert(1)</script>\"'&"))
	if strings.ContainsAny(strings.TrimSuffix(strings.TrimPrefix(got, "<bdi>"), "</bdi>"), `<>"'`) {
		t.Error(got)
	}
	if got := string(wordsOf(t, "zh").name("𠮷田")); got != `<bdi><abbr class="rare" title="U+20BB7">𠮷</abbr>田</bdi>` {
		t.Error(got)
	}
	if got := string(wordsOf(t, "zh").name("\u202eevil")); !strings.HasPrefix(got, "<bdi>") || !strings.HasSuffix(got, "</bdi>") {
		t.Error(got)
	}
}

func TestAssetsAreServedForGoodUnderTheirHash(t *testing.T) {
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		Assets(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	for name, media := range map[string]string{"style.css": "text/css", "page.js": "text/javascript", "mark.svg": "image/svg+xml"} {
		w := get(assetPath(name))
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), media) || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	for _, path := range []string{AssetsAt, AssetsAt + "style.css", AssetsAt + "../web.go"} {
		if w := get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestLinksKeepTheQueryThatTheyDoNotChange(t *testing.T) {
	got, err := withQuery("/cases?q=a b&lang=en", "lang", "zh", "state", "")
	if err != nil || got != "/cases?lang=zh&q=a+b" {
		t.Error(got, err)
	}
}

// WCAG 3.1.2: on an English page Chinese says that it is Chinese.
func TestForeignWordsAreMarked(t *testing.T) {
	en, zh := wordsOf(t, "en"), wordsOf(t, "zh")
	if got := string(en.name("王敏")); got != `<bdi lang="zh">王敏</bdi>` {
		t.Error(got)
	}
	if got := string(en.name("Fire")); got != `<bdi>Fire</bdi>` {
		t.Error(got)
	}
	got, err := en.marked("flash.case.accepted", "number", "联勘<1>")
	if err != nil || string(got) != `Accepted as case <span lang="zh">联勘</span>&lt;1&gt;.` {
		t.Error(got, err)
	}
	if got, err := zh.marked("flash.case.accepted", "number", "联勘<1>"); err != nil || strings.Contains(string(got), "span") {
		t.Error(got, err)
	}
	for text, want := range map[string]string{
		"call 冷水滩区政务服务中心 (0746)":  `call <span lang="zh">冷水滩区政务服务中心</span> (0746)`,
		"record 视同〔2026〕1 & more": `record <span lang="zh">视同〔2026〕</span>1 &amp; more`,
		"no Chinese":              "no Chinese",
	} {
		if got := string(en.mixed(text)); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
	if _, err := en.marked("no.such.key"); err == nil {
		t.Error("a missing text is no error")
	}
}
