package api

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lianban/inspection"
)

// listPage is one page of a list; next is the cursor of the one that follows.
type listPage[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"cursor of the next page"`
}

// pageOf makes a page and its Link header (RFC 8288). cursor gives the one that
// stands for the last row; a page that is not full is the last one.
func pageOf[T any](c *call, items []T, limit int, cursor func(T) string) listPage[T] {
	limit = cmp.Or(limit, pageSize)
	if len(items) < limit {
		return listPage[T]{Items: items}
	}
	next := cursor(items[len(items)-1])
	query := c.url.Query()
	query.Set("cursor", next)
	c.header.Set("Link", "<"+c.url.Path+"?"+query.Encode()+`>; rel="next"`)
	return listPage[T]{Items: items, Next: next}
}

// A cursor is opaque: nobody's to make, and good for its own kind of list only.
// Lists in the order of their ids, or of what never changes, hold the id of the
// last row seen; the others hold a Position.

func idCursor(id string) string { return seal("id:" + id) }

func positionCursor(p inspection.Position) string {
	return seal(fmt.Sprintf("position:%d:%d:%s", p.Rank, p.At.UnixMilli(), p.ID))
}

func seal(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// cursorFits is the check of a cursor's form; kind says of which kind of list.
func cursorFits(cursor, kind string) bool {
	if kind == "position" {
		_, ok := openPosition(cursor)
		return ok
	}
	_, ok := openID(cursor)
	return ok
}

func openID(cursor string) (string, bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	id, ok := strings.CutPrefix(string(text), "id:")
	return id, err == nil && ok && codePattern.MatchString(id)
}

func openPosition(cursor string) (inspection.Position, bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	parts := strings.Split(string(text), ":")
	if err != nil || len(parts) != 4 || parts[0] != "position" || !codePattern.MatchString(parts[3]) {
		return inspection.Position{}, false
	}
	rank, badRank := strconv.Atoi(parts[1])
	ms, badTime := strconv.ParseInt(parts[2], 10, 64)
	at := time.UnixMilli(ms).UTC()
	fits := badRank == nil && badTime == nil && at.Year() > 0 && at.Year() < 10000 // what both databases can hold
	return inspection.Position{Rank: rank, At: at, ID: parts[3]}, fits
}

// lastSeen and after open a cursor whose form has been checked.
func lastSeen(cursor string) string {
	id, _ := openID(cursor)
	return id
}

func after(cursor string) inspection.Position {
	position, _ := openPosition(cursor)
	return position
}
