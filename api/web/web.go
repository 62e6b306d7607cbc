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
	User  *User // nil when nobody is signed in
	Nav   []Link
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
	Here       bool
}

// Demo is the bar of the demonstration: its clock, the accounts to try, and a
// parcel that its receiver looks for without one.
type Demo struct {
	Next          time.Time // the next deadline, zero when none is pending
	Logins        []Login
	Number, Last4 string
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
	sets  map[string]map[string]*template.Template // language, then page
	words map[string]words
}

// New parses everything; an error means that the program was built wrong.
func New() (*Pages, error) {
	p := &Pages{sets: map[string]map[string]*template.Template{}, words: map[string]words{}}
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

// parse makes one template set for each page: the layout, the shared parts and
// the page's own definitions of "title" and "main".
func parse(w words) (map[string]*template.Template, error) {
	shared, err := template.New("layout").Funcs(w.funcs()).ParseFS(files, "templates/shared/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	out := map[string]*template.Template{}
	for _, name := range names {
		set, err := shared.Clone()
		if err == nil {
			set, err = set.ParseFS(files, name)
		}
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		out[strings.TrimSuffix(path.Base(name), ".html")] = set
	}
	return out, nil
}

// Render makes the bytes of a page. It writes nowhere, so that a page that
// fails half-way is never sent.
func (p *Pages) Render(name string, page Page) ([]byte, error) {
	set, ok := p.sets[page.Lang][name]
	if !ok {
		return nil, fmt.Errorf("no page %q in %q", name, page.Lang)
	}
	var out bytes.Buffer
	if err := set.ExecuteTemplate(&out, "layout", page); err != nil {
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

// Has reports whether the catalogues have a text.
func (p *Pages) Has(key string) bool {
	_, ok := p.words[Languages[0]].texts[key]
	return ok
}
