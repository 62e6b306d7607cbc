// Package web holds what people see: the templates of all pages, one style
// sheet, one small script, and the words of the screens in Chinese and English.
// It knows nothing of the house: handlers give it values, it gives bytes.
//
// Every page works without script and without any outside host; the script only
// prints and guards against a second click. Baseline is Chrome 90 (STK-52), and
// nothing is inline, so that the content policy may say 'self' (SEC-20, SEC-33).
package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

//go:embed templates assets i18n
var files embed.FS

// Languages are those that every page speaks, the first by default.
var Languages = []string{"zh", "en"}

// Page is what every template gets. Data is the page's own part.
type Page struct {
	Lang  string
	Path  string    // of this page with its query, for links back to it
	Now   time.Time // the instant of the request
	Large bool      // large text (国办公开办函〔2021〕28号)
	Plain bool      // no script and in no index: a page that anybody may open (DEL-1203)
	CSRF  string
	User  *User         // nil when nobody is signed in
	Nav   []Link        // the menu; what does not fit in one line stands under "more"
	Flash template.HTML // what has just been done
	Demo  *Demo         // nil outside the demonstration
	Tried Tried         // the form that was refused, if any
	Names Names
	Data  any
}

// User is who is signed in, in words.
type User struct{ Name, Place, Role string }

// Link is a place to go to. Here marks the section that the page belongs to.
type Link struct {
	Href, Text string
	About      string // what one does there
	Here       bool
}

// inLine is how many links of the menu stand in one line of a desk's screen.
const inLine = 9

// Menu are the links that are always in sight.
func (p Page) Menu() []Link { return p.Nav[:min(len(p.Nav), p.split())] }

// More are the rest of the menu.
func (p Page) More() []Link { return p.Nav[min(len(p.Nav), p.split()):] }

// InMore reports whether the page itself is among the rest.
func (p Page) InMore() bool {
	return slices.ContainsFunc(p.More(), func(l Link) bool { return l.Here })
}

// split: one link alone is not hidden behind another.
func (p Page) split() int {
	if len(p.Nav) <= inLine+1 {
		return len(p.Nav)
	}
	return inLine
}

// Demo is the bar of the demonstration: its clock, the accounts to try, and a
// parcel that its receiver looks for without one.
type Demo struct {
	Next          time.Time // the next deadline, zero when none is pending
	Logins        []Login
	Number, Last4 string
	Link          string // an applicant's own page
}

// Login is an account of the demonstration that anybody may try, and what waits
// there to be done.
type Login struct{ Role, Place, Name, Login, Task string }

// Names translates names that are data. What it does not know stays as it is.
type Names map[string]string

// Of gives the name of a matter, department or centre in the page's language.
func (n Names) Of(id, name string) string {
	if known := n[id]; known != "" {
		return known
	}
	return name
}

// Pages are the parsed templates of all languages.
type Pages struct {
	sets  map[string]*template.Template // by language
	words map[string]words
}

// New parses everything; an error means that the program was built wrong.
func New() (*Pages, error) {
	p := &Pages{sets: map[string]*template.Template{}, words: map[string]words{}}
	for _, lang := range Languages {
		w, err := readWords(lang)
		if err != nil {
			return nil, err
		}
		p.words[lang] = w
		if p.sets[lang], err = parse(w); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// blocks are what each page defines for the layout; "extra" may be missing.
var blocks = []string{"title", "main", "extra"}

// parse makes one template set of a language: the layout, the shared parts, and
// each page's blocks under the page's own name. A set for each page, with all the
// shared parts in each, would take forty megabytes.
func parse(w words) (*template.Template, error) {
	set, err := template.New("layout").Funcs(w.funcs()).ParseFS(files, "templates/shared/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		page := strings.TrimSuffix(path.Base(name), ".html")
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		if err := add(set, page, string(text)); err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
	}
	return set, nil
}

// add parses a page into the set. A part that it defines for itself must have a
// name that no other page uses.
func add(set *template.Template, page, text string) error {
	for _, block := range blocks {
		text = strings.ReplaceAll(text, `{{define "`+block+`"}}`, `{{define "`+page+"/"+block+`"}}`)
	}
	for _, m := range defined.FindAllStringSubmatch(text, -1) {
		if set.Lookup(m[1]) != nil {
			return fmt.Errorf("%q is defined twice", m[1])
		}
	}
	_, err := set.New("page/" + page).Parse(text)
	return err
}

var defined = regexp.MustCompile(`\{\{define "([^"]+)"\}\}`)

var markup = regexp.MustCompile(`<[^>]*>`)

// frame is what the layout gets: the page and its blocks.
type frame struct {
	Page
	Title, Main, Extra template.HTML
}

// Render makes the bytes of a page. It writes nowhere, so that a page that
// fails half-way is never sent.
func (p *Pages) Render(name string, page Page) ([]byte, error) {
	set := p.sets[page.Lang]
	if set == nil || set.Lookup(name+"/main") == nil {
		return nil, fmt.Errorf("no page %q in %q", name, page.Lang)
	}
	f := frame{Page: page}
	for i, to := range []*template.HTML{&f.Title, &f.Main, &f.Extra} {
		block := set.Lookup(name + "/" + blocks[i])
		if block == nil {
			continue
		}
		var out strings.Builder
		if err := block.Execute(&out, page); err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		*to = template.HTML(out.String())
	}
	f.Title = template.HTML(markup.ReplaceAllString(string(f.Title), "")) // a title shows it
	var out bytes.Buffer
	if err := set.ExecuteTemplate(&out, "layout", f); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// Say gives a text of the catalogue in a language; args are names and values of
// its placeholders in turn. A text that is missing shows its key.
func (p *Pages) Say(lang, key string, args ...any) string {
	text, err := p.words[lang].say(key, args...)
	if err != nil {
		return key
	}
	return text
}

// Mark is Say for a page: see words.marked.
func (p *Pages) Mark(lang, key string, args ...any) template.HTML {
	text, err := p.words[lang].marked(key, args...)
	if err != nil {
		return template.HTML(template.HTMLEscapeString(key))
	}
	return text
}

// KeyOf is the key of the words that a kind has of its own, or the common one.
func (p *Pages) KeyOf(kind any, key string) string { return p.words[Languages[0]].keyOf(kind, key) }

// Has reports whether the catalogues have a text.
func (p *Pages) Has(key string) bool {
	_, ok := p.words[Languages[0]].texts[key]
	return ok
}
