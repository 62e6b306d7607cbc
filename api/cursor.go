package api

import "encoding/base64"

// listPage is one page of a list; next is the cursor of the one that follows.
type listPage[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"cursor of the next page"`
}

// pageOf makes a page and its Link header (RFC 8288). last gives the id of the
// last row; a page that is not full is the last one.
func pageOf[T any](c *call, items []T, limit int, id func(T) string) listPage[T] {
	if limit == 0 {
		limit = 50
	}
	if len(items) < limit {
		return listPage[T]{Items: items}
	}
	next := newCursor(id(items[len(items)-1]))
	query := c.url.Query()
	query.Set("cursor", next)
	c.header.Set("Link", "<"+c.url.Path+"?"+query.Encode()+`>; rel="next"`)
	return listPage[T]{Items: items, Next: next}
}

// before is the id that a cursor holds; its form has been checked.
func before(cursor string) string {
	id, _ := openCursor(cursor)
	return id
}

// newCursor and openCursor hide the id of the last row seen: a cursor is nobody's
// to make.
func newCursor(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

func openCursor(text string) (string, bool) {
	id, err := base64.RawURLEncoding.DecodeString(text)
	return string(id), err == nil && codePattern.Match(id)
}
