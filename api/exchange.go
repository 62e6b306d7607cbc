package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"golang.org/x/text/language"

	"lianban/internal/auth"
)

// exchange is one request with what becomes known of it on the way in. It is
// filled by one goroutine and read again for the log line.
type exchange struct {
	id    string // shown to the client and in every log line
	lang  string // zh or en
	route string // pattern of the mux, empty when none matched
	act   string
	by    auth.Actor
	token string // of the session, when a cookie brought it
	code  string // of the refusal
}

type exchangeKey struct{}

// begin makes the exchange of a request and carries it in its context.
func begin(r *http.Request) (*exchange, *http.Request) {
	x := &exchange{id: rand.Text()[:16], lang: languageOf(r)}
	return x, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
}

// exchangeOf gives the exchange of a request that came through observe.
func exchangeOf(r *http.Request) *exchange {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	if x == nil {
		x = &exchange{lang: "zh"}
	}
	return x
}

// langCookie keeps the language somebody chose on a page.
const langCookie = "lang"

var languages = language.NewMatcher([]language.Tag{language.Chinese, language.English})

// languageOf is the language that a request is answered in: the one chosen on a
// page, else what Accept-Language asks for, else Chinese.
func languageOf(r *http.Request) string {
	if c, err := r.Cookie(langCookie); err == nil && (c.Value == "zh" || c.Value == "en") {
		return c.Value
	}
	header := r.Header.Get("Accept-Language")
	if header == "" || len(header) > 200 {
		return "zh"
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return "zh"
	}
	if _, at, sure := languages.Match(wanted...); at == 1 && sure != language.No {
		return "en"
	}
	return "zh"
}

// words is a text of the edge in both languages of the house.
type words struct{ zh, en string }

// in gives the text in the language asked for: "en" is English, all else Chinese.
func (w words) in(lang string) string {
	if lang == "en" {
		return w.en
	}
	return w.zh
}

// with puts a value into the text's place for one.
func (w words) with(value string) words {
	return words{strings.ReplaceAll(w.zh, "{}", value), strings.ReplaceAll(w.en, "{}", value)}
}
