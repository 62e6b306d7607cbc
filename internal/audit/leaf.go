package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	leafVersion = 1
	maxLeaf     = 16 << 10  // bytes; a leaf is ids and hashes, not documents
	maxInt      = 1<<53 - 1 // what every JSON reader keeps exactly (EV-3)
)

// errVersion means a leaf of a later format: the reader is too old to judge it,
// and does not guess (EV-3).
var errVersion = errors.New("leaf has a version this program does not know")

// seal fills in Bytes and Hash from the entry's other fields.
func (e *Entry) seal() error {
	previous := ""
	if e.StreamSeq > 1 {
		previous = e.Previous.String()
	}
	if err := e.check(); err != nil {
		return fmt.Errorf("leaf %q of stream %q: %w", e.Type, e.Stream, err)
	}
	b, err := appendObject(nil, map[string]any{
		"v": leafVersion, "seq": e.Seq, "type": e.Type, "at": e.At, "actor": e.Actor,
		"stream": e.Stream, "stream_seq": e.StreamSeq, "prev_stream_hash": previous,
		"fields": e.Fields,
	})
	if err == nil && len(b) > maxLeaf {
		err = fmt.Errorf("%d bytes, at most %d allowed", len(b), maxLeaf)
	}
	if err != nil {
		return fmt.Errorf("leaf %q of stream %q: %w", e.Type, e.Stream, err)
	}
	e.Bytes, e.Hash = b, tlog.RecordHash(b)
	return nil
}

func (e *Entry) check() error {
	switch {
	case !isName(e.Type):
		return errors.New("type is not [a-z0-9_]+")
	case e.Stream == "" || len(e.Stream) > 200:
		return errors.New("stream is empty or longer than 200 bytes")
	case e.Actor == "":
		return errors.New("actor is missing")
	case e.At.IsZero():
		return errors.New("instant is missing")
	}
	return nil
}

// parseLeaf reads stored bytes. It accepts only what seal writes, so that no two
// readers can understand the same bytes differently (doubled keys, say).
func parseLeaf(b []byte) (Entry, error) {
	if len(b) > maxLeaf {
		return Entry{}, errors.New("leaf is too long")
	}
	var w struct {
		V          int64          `json:"v"`
		Seq        int64          `json:"seq"`
		Type       string         `json:"type"`
		At         string         `json:"at"`
		Actor      string         `json:"actor"`
		Stream     string         `json:"stream"`
		StreamSeq  int64          `json:"stream_seq"`
		StreamHash string         `json:"prev_stream_hash"`
		Fields     map[string]any `json:"fields"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&w); err != nil {
		return Entry{}, fmt.Errorf("leaf: %w", err)
	}
	if w.V > leafVersion {
		return Entry{}, fmt.Errorf("%w: %d", errVersion, w.V)
	}
	at, err := time.Parse(instantForm, w.At)
	if err != nil {
		return Entry{}, fmt.Errorf("leaf: %w", err)
	}
	fields, err := plain(w.Fields)
	if err != nil {
		return Entry{}, fmt.Errorf("leaf: %w", err)
	}
	e := Entry{
		Leaf: Leaf{Type: w.Type, Stream: w.Stream, Actor: w.Actor, At: at, Fields: fields},
		Seq:  w.Seq, StreamSeq: w.StreamSeq,
	}
	if w.StreamHash != "" {
		if e.Previous, err = parseHash(w.StreamHash); err != nil {
			return Entry{}, fmt.Errorf("leaf: %w", err)
		}
	}
	if err := e.seal(); err != nil {
		return Entry{}, err
	}
	if !bytes.Equal(e.Bytes, b) {
		return Entry{}, errors.New("leaf is not in canonical form")
	}
	return e, nil
}

// parseHash reads the one text form of a hash; tlog.ParseHash alone would take
// several spellings of the last character.
func parseHash(s string) (Hash, error) {
	h, err := tlog.ParseHash(s)
	if err == nil && h.String() != s {
		err = errors.New("hash is not in canonical form")
	}
	return h, err
}

// plain turns decoded JSON into the types that Leaf.Fields documents.
func plain(object map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(object))
	for name, v := range object {
		var err error
		switch v := v.(type) {
		case string, bool:
			out[name] = v
		case json.Number:
			out[name], err = v.Int64()
		case []any:
			out[name], err = plainList(v)
		case map[string]any:
			out[name], err = plain(v)
		default:
			err = fmt.Errorf("%T is not allowed", v)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

func plainList(list []any) (any, error) {
	texts, numbers := []string{}, []int64{}
	for _, v := range list {
		switch v := v.(type) {
		case string:
			texts = append(texts, v)
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				return nil, err
			}
			numbers = append(numbers, n)
		default:
			return nil, fmt.Errorf("%T in a list is not allowed", v)
		}
	}
	switch {
	case len(numbers) == 0:
		return texts, nil
	case len(texts) == 0:
		return numbers, nil
	}
	return nil, errors.New("a list of both texts and numbers is not allowed")
}

// The writer below is RFC 8785 for the types EV-3 leaves over. It is our own
// because its output must never change, and encoding/json's escapes have.

func appendObject(b []byte, object map[string]any) ([]byte, error) {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if !isName(name) {
			return nil, fmt.Errorf("key %q is not [a-z0-9_]+", name)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), '"', ':')
		var err error
		if b, err = appendValue(b, object[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendText(b, v)
	case bool:
		return strconv.AppendBool(b, v), nil
	case int:
		return appendInt(b, int64(v))
	case int64:
		return appendInt(b, v)
	case time.Time:
		return appendText(b, Instant(v))
	case []string:
		return appendList(b, v)
	case []int64:
		return appendList(b, v)
	case map[string]any:
		return appendObject(b, v)
	}
	return nil, fmt.Errorf("%T is not allowed", v)
}

func appendList[T string | int64](b []byte, list []T) ([]byte, error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendInt(b []byte, n int64) ([]byte, error) {
	if n > maxInt || n < -maxInt {
		return nil, fmt.Errorf("%d is outside ±(2^53−1)", n)
	}
	return strconv.AppendInt(b, n, 10), nil
}

// appendText refuses control characters: ids and states have none, and without
// them only two characters ever need an escape.
func appendText(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("text is not UTF-8")
	}
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == 0x7f {
			return nil, fmt.Errorf("control character %#x is not allowed", c)
		}
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"'), nil
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != ""
}
