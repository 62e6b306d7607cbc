// Package fault holds the six kinds of failure that cross package borders.
//
// A refusal is an *Error: its Kind is for programs, its Code for people and
// tests, its text is safe to show and says what to do next. Whatever is not an
// *Error is internal: the edge answers it with a fixed text and logs the rest.
package fault

import (
	"errors"
	"fmt"
	"maps"
)

// Kind says what sort of failure happened; the edge maps it to a status.
type Kind int

// The six kinds. Anything else is an internal error.
const (
	Invalid         Kind = iota + 1 // the request can never succeed as it is
	NotFound                        // no such thing, or not in the caller's scope
	Conflict                        // the row has moved on; read again
	Forbidden                       // known and in scope, but not this person's act
	Unauthenticated                 // not known
	Unavailable                     // try later: busy, database or gateway away
)

var names = map[Kind]string{
	Invalid: "invalid", NotFound: "not_found", Conflict: "conflict",
	Forbidden: "forbidden", Unauthenticated: "unauthenticated", Unavailable: "unavailable",
}

// String gives the kind in lower snake case, for logs and documents.
func (k Kind) String() string {
	if name, ok := names[k]; ok {
		return name
	}
	return "internal"
}

// Field names one offending field of a request and why it was refused.
type Field struct {
	Name string `json:"field"`
	Code string `json:"code"`
	Text string `json:"text"`
}

// Error is a refusal. Code belongs to the domain that refuses and stands in
// docs/errors.md; Details carry what a program may use, such as alternatives.
type Error struct {
	Kind    Kind
	Code    string
	Fields  []Field
	Details map[string]any
	zh, en  string
	cause   error
}

// Refuse makes a refusal. zh and en are formats for the same args; both say
// what is wrong and what to do.
func Refuse(kind Kind, code, zh, en string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, zh: fmt.Sprintf(zh, args...), en: fmt.Sprintf(en, args...)}
}

// Error gives code and English text; it is meant for logs.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Code + ": " + e.en + ": " + e.cause.Error()
	}
	return e.Code + ": " + e.en
}

// Unwrap gives the cause that Because attached, if any.
func (e *Error) Unwrap() error { return e.cause }

// In gives the text in the language asked for: "en" is English, all else Chinese.
func (e *Error) In(lang string) string {
	if lang == "en" {
		return e.en
	}
	return e.zh
}

// With returns a copy that carries one more detail.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Details = make(map[string]any, len(e.Details)+1)
	maps.Copy(c.Details, e.Details)
	c.Details[key] = value
	return &c
}

// Because returns a copy that remembers the cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// From finds the refusal in err's chain.
func From(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Is reports whether err is a refusal with the given code.
func Is(err error, code string) bool {
	e, ok := From(err)
	return ok && e.Code == code
}

// KindOf gives the kind of the refusal in err's chain, 0 if there is none.
func KindOf(err error) Kind {
	if e, ok := From(err); ok {
		return e.Kind
	}
	return 0
}
