package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"strings"
)

// words are the texts of one language by key. A placeholder is {name}; a word that
// follows its number is {name|day|days}, the first for one and the second for others.
type words struct {
	lang  string
	texts map[string]string
	kinds map[string]bool // what stands before the first dot of a key
}

func readWords(lang string) (words, error) {
	w := words{lang: lang, kinds: map[string]bool{}}
	text, err := files.ReadFile("i18n/" + lang + ".json")
	if err != nil {
		return w, err
	}
	if err := json.Unmarshal(text, &w.texts); err != nil {
		return w, fmt.Errorf("words of %s: %w", lang, err)
	}
	for key := range w.texts {
		kind, _, _ := strings.Cut(key, ".")
		w.kinds[kind] = true
	}
	return w, nil
}

// say fills the placeholders of a text. A key that is not there is an error: a
// page with a hole in it must not pass its test.
func (w words) say(key string, args ...any) (string, error) {
	text, ok := w.texts[key]
	if !ok {
		return "", fmt.Errorf("no words for %q in %s", key, w.lang)
	}
	return fill(text, args, func(value string) string { return value })
}

// marked is say for a page: escaped, and values that are Chinese on an English
// page say so (WCAG 3.1.2).
func (w words) marked(key string, args ...any) (template.HTML, error) {
	text, ok := w.texts[key]
	if !ok {
		return "", fmt.Errorf("no words for %q in %s", key, w.lang)
	}
	out, err := fill(template.HTMLEscapeString(text), args, func(value string) string { return string(w.mixed(value)) })
	return template.HTML(out), err
}

// of is marked for a page about one visit: a review has words of its own where those
// of a visit to the site would be wrong (INS-1014).
func (w words) of(kind any, key string, args ...any) (template.HTML, error) {
	return w.marked(w.keyOf(kind, key), args...)
}

// keyOf is the key of a kind's own words, or the common one.
func (w words) keyOf(kind any, key string) string {
	if own := fmt.Sprintf("%s.%v", key, kind); w.texts[own] != "" {
		return own
	}
	return key
}

// fill puts values, as write writes them, into the placeholders of a text; args
// are names and values in turn.
func fill(text string, args []any, write func(value string) string) (string, error) {
	if len(args)%2 != 0 {
		return "", fmt.Errorf("%q: a placeholder without a value", text)
	}
	pairs := make([]string, 0, len(args))
	values := map[string]string{}
	for i := 0; i < len(args); i += 2 {
		name, value := fmt.Sprint(args[i]), fmt.Sprint(args[i+1])
		values[name] = value
		pairs = append(pairs, "{"+name+"}", write(value))
	}
	text = numbered.ReplaceAllStringFunc(text, func(at string) string {
		m := numbered.FindStringSubmatch(at)
		if values[m[1]] == "1" {
			return m[2]
		}
		return m[3]
	})
	return strings.NewReplacer(pairs...).Replace(text), nil
}

// numbered is a word in the singular and in the plural, after the name of its number.
var numbered = regexp.MustCompile(`\{([a-z_0-9]+)\|([^|{}]+)\|([^|{}]+)\}`)

// word is the word for a value of a kind, such as a state: "consent.deemed". A
// value that has no word yet stands for itself, so that a new state does not
// take a page away; a kind without any words is an error.
func (w words) word(kind string, value any) (string, error) {
	text, ok := w.texts[fmt.Sprintf("%s.%v", kind, value)]
	switch {
	case ok:
		return text, nil
	case !w.kinds[kind]:
		return "", fmt.Errorf("no words of kind %q in %s", kind, w.lang)
	}
	return fmt.Sprint(value), nil
}
