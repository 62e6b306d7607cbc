package web

import (
	"html/template"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func text(t *testing.T, name string) string {
	t.Helper()
	b, err := files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// each calls visit with every embedded file below a folder.
func each(t *testing.T, folder string, visit func(name, text string)) {
	t.Helper()
	err := fs.WalkDir(files, folder, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			visit(name, text(t, name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var placeholder = regexp.MustCompile(`\{[a-z_0-9]+\}`)

// STK-57: both languages say the same things about the same values.
func TestCataloguesHaveTheSameKeysAndPlaceholders(t *testing.T) {
	zh, err := readWords("zh")
	if err != nil {
		t.Fatal(err)
	}
	en, err := readWords("en")
	if err != nil {
		t.Fatal(err)
	}
	for key, text := range zh.texts {
		other, ok := en.texts[key]
		if !ok {
			t.Errorf("en lacks %s", key)
		}
		if text == "" || other == "" {
			t.Errorf("%s is empty", key)
		}
		a, b := placeholder.FindAllString(text, -1), placeholder.FindAllString(other, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%s: placeholders %v and %v", key, a, b)
		}
	}
	for key := range en.texts {
		if _, ok := zh.texts[key]; !ok {
			t.Errorf("zh lacks %s", key)
		}
	}
}

var (
	literalKey = regexp.MustCompile(`[({ ](?:t|of [$.\w]+) "([^"]+)"`)
	wordKind   = regexp.MustCompile(`\b(?:word|chip) "([^"]+)"`)
)

// The decoder takes the last of two; the page of the first would say something else.
func TestNoKeyOfACatalogueStandsTwice(t *testing.T) {
	for _, lang := range Languages {
		text, err := files.ReadFile("i18n/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, m := range keyOfCatalogue.FindAllStringSubmatch(string(text), -1) {
			if seen[m[1]] {
				t.Errorf("%s: %q stands twice", lang, m[1])
			}
			seen[m[1]] = true
		}
	}
}

var keyOfCatalogue = regexp.MustCompile(`(?m)^  "([^"]+)":`)

func TestTemplatesUseOnlyWordsThatExist(t *testing.T) {
	w, err := readWords("zh")
	if err != nil {
		t.Fatal(err)
	}
	each(t, "templates", func(name, text string) {
		for _, m := range literalKey.FindAllStringSubmatch(text, -1) {
			if _, ok := w.texts[m[1]]; !ok {
				t.Errorf("%s: no words for %q", name, m[1])
			}
		}
		for _, m := range wordKind.FindAllStringSubmatch(text, -1) {
			if !w.kinds[m[1]] {
				t.Errorf("%s: no words of kind %q", name, m[1])
			}
		}
	})
}

var fieldCall = regexp.MustCompile(`\{\{template "field" \(dict (.*?)\)\}\}`)

// A field says whether it may stay empty: it is required, optional, or needed in a
// case that its label or its help names.
func TestEveryFieldSaysWhetherItMayStayEmpty(t *testing.T) {
	w, err := readWords("zh")
	if err != nil {
		t.Fatal(err)
	}
	says := regexp.MustCompile(`"(?:optional|required|needed|help)" `)
	needed := regexp.MustCompile(`"needed" (?:\(and [^"]*)?"([a-z_]+)"`)
	each(t, "templates", func(name, text string) {
		for _, m := range fieldCall.FindAllStringSubmatch(text, -1) {
			if !says.MatchString(m[1]) {
				t.Errorf("%s: %s says nothing", name, m[1])
			}
			if strings.Contains(m[1], `"optional" true`) && strings.Contains(m[1], `"required" true`) {
				t.Errorf("%s: %s is optional and required", name, m[1])
			}
			for _, word := range needed.FindAllStringSubmatch(m[1], -1) {
				if w.texts["needed."+word[1]] == "" {
					t.Errorf("%s: no words for needed.%s", name, word[1])
				}
			}
		}
	})
}

// Chinese stands in the catalogue, where its English is beside it.
func TestTemplatesHoldNoChinese(t *testing.T) {
	han := regexp.MustCompile(`[\p{Han}（），；。：]+`)
	each(t, "templates", func(name, text string) {
		if found := han.FindAllString(text, -1); len(found) > 0 {
			t.Errorf("%s says %v", name, found)
		}
	})
}

// STK-52: what Chrome 90 does not know. The list names the feature as it is
// written in a style sheet, a script or a page.
var tooNew = map[string]*regexp.Regexp{
	":has()":                       regexp.MustCompile(`:has\(`),
	"container queries":            regexp.MustCompile(`@container|container-type`),
	"CSS nesting":                  regexp.MustCompile(`(?m)^\s*&|\{[^{}]*&[^{}]*\{`),
	"@layer":                       regexp.MustCompile(`@layer`),
	"dvh":                          regexp.MustCompile(`\d(dvh|svh|lvh)\b`),
	"color-mix()":                  regexp.MustCompile(`color-mix\(`),
	"popover":                      regexp.MustCompile(`popover`),
	"inert":                        regexp.MustCompile(`\binert\b`),
	"dialog":                       regexp.MustCompile(`<dialog|showModal`),
	".at()":                        regexp.MustCompile(`\.at\(`),
	"Object.hasOwn":                regexp.MustCompile(`Object\.hasOwn`),
	"randomUUID":                   regexp.MustCompile(`randomUUID`),
	"structuredClone":              regexp.MustCompile(`structuredClone`),
	"findLast":                     regexp.MustCompile(`findLast`),
	"toSorted":                     regexp.MustCompile(`toSorted|toReversed|toSpliced`),
	"static block":                 regexp.MustCompile(`static\s*\{`),
	"top-level await":              regexp.MustCompile(`(?m)^await `),
	"inline style":                 regexp.MustCompile(`\sstyle=`), // SEC-20
	"inline script":                regexp.MustCompile(`\son[a-z]+="|<script>|javascript:`),
	"another host":                 regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//|url\(|@import`),
	"a template that skips escape": regexp.MustCompile(`safeHTML|safehtml`),
}

func TestPagesKeepToTheBaseline(t *testing.T) {
	for _, folder := range []string{"templates", "assets"} {
		each(t, folder, func(name, text string) {
			for feature, pattern := range tooNew {
				if found := pattern.FindString(text); found != "" {
					t.Errorf("%s uses %s: %q", name, feature, found)
				}
			}
		})
	}
}

// WCAG 1.4.3: text of every tone on its own ground, and on paper.
func TestColoursHaveContrast(t *testing.T) {
	colours := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{3,6});`).FindAllStringSubmatch(text(t, "assets/style.css"), -1) {
		colours[m[1]] = m[2]
	}
	pairs := [][2]string{{"ink", "paper"}, {"ink", "ground"}, {"soft", "paper"}, {"soft", "ground"}, {"accent", "paper"}, {"accent", "ground"}, {"accent-deep", "accent-soft"}, {"accent", "accent-soft"}, {"paper", "accent"}}
	for _, tone := range []string{"good", "warn", "bad", "deemed", "plain"} {
		pairs = append(pairs, [2]string{tone, tone + "-soft"}, [2]string{tone, "paper"})
	}
	for _, pair := range pairs {
		a, b := colours[pair[0]], colours[pair[1]]
		if got := contrast(t, a, b); got < 4.5 {
			t.Errorf("%s on %s: contrast %.2f", pair[0], pair[1], got)
		}
	}
	if got := contrast(t, colours["field"], colours["paper"]); got < 3 { // WCAG 1.4.11
		t.Errorf("borders of fields: contrast %.2f", got)
	}
}

func TestSayFillsPlaceholdersAndMissesNothing(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Say("zh", "left.until", "time", "2 小时"); got != "还剩 2 小时" {
		t.Error(got)
	}
	if got := p.Say("en", "no.such.key"); got != "no.such.key" {
		t.Error(got)
	}
	w := p.words["zh"]
	if _, err := w.say("no.such.key"); err == nil {
		t.Error("a missing text is no error")
	}
	if _, err := w.say("left.until", "time"); err == nil {
		t.Error("a placeholder without a value is no error")
	}
	if got, err := w.word("consent", "new_state"); got != "new_state" || err != nil {
		t.Error(got, err)
	}
	if _, err := w.word("no_kind", "x"); err == nil {
		t.Error("a kind without words is no error")
	}
	mains := 0
	for _, block := range p.sets["zh"].Templates() {
		if p.sets["en"].Lookup(block.Name()) == nil {
			t.Errorf("%s is missing in English", block.Name())
		}
		if strings.HasSuffix(block.Name(), "/main") {
			mains++
		}
	}
	if mains < 20 {
		t.Errorf("%d pages", mains)
	}
}

// A page says "1 working day" and "2 working days", and its placeholders of numbers
// name values that stand in the same text.
func TestWordsAfterANumberAgreeWithIt(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{0: "0 working days", 1: "1 working day", 2: "2 working days", 11: "11 working days"} {
		if got := p.Say("en", "workdays", "n", n); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for key, text := range wordsOf(t, "en").texts {
		for _, m := range numbered.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(text, "{"+m[1]+"}") {
				t.Errorf("%s: no {%s} that %s agrees with", key, m[1], m[0])
			}
		}
		if left := numbered.ReplaceAllString(text, ""); strings.ContainsAny(left, "|") || strings.Contains(left, "(s)") {
			t.Errorf("%s: %q", key, text)
		}
	}
}

// A part of one page must not take the place of another's.
func TestAPartDefinedTwiceIsRefused(t *testing.T) {
	set := template.Must(template.New("layout").Parse(`{{define "row"}}shared{{end}}`))
	if err := add(set, "one", `{{define "main"}}{{template "row"}}{{end}}`); err != nil {
		t.Fatal(err)
	}
	if err := add(set, "two", `{{define "row"}}mine{{end}}`); err == nil {
		t.Error("a page replaced the shared row")
	}
}

func TestATitleHoldsNoMarkup(t *testing.T) {
	pages, err := New()
	if err != nil {
		t.Fatal(err)
	}
	probe := `{{define "title"}}{{t "courier.title" "name" "刘<燚>"}}{{end}}{{define "main"}}{{end}}`
	if err := add(pages.sets["en"], "probe", probe); err != nil {
		t.Fatal(err)
	}
	page, err := pages.Render("probe", Page{Lang: "en"})
	if err != nil || !strings.Contains(string(page), "<title>Round of 刘&lt;燚&gt; · Lianban</title>") {
		t.Errorf("%v in %.600s", err, page)
	}
}

func TestAMenuKeepsToOneLineAndTheRestIsUnderMore(t *testing.T) {
	for n, more := range map[int]int{0: 0, 9: 0, 10: 0, 11: 2, 15: 6} {
		p := Page{Nav: make([]Link, n)}
		if len(p.Menu()) != n-more || len(p.More()) != more || p.InMore() {
			t.Errorf("of %d links %d are in sight and %d under more", n, len(p.Menu()), len(p.More()))
		}
	}
	p := Page{Nav: make([]Link, 12)}
	p.Nav[10].Here = true
	if !p.InMore() {
		t.Error("the page that is open is not marked")
	}
}
