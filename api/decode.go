package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"lianban/internal/fault"
)

// reading is how a request struct is filled: its fields tagged path, query or
// header from there, its field Body from the body. Made once at registration.
type reading struct {
	params []param
	body   []int  // index of Body, nil without
	media  string // what the body has to be
	raw    bool   // Body takes the bytes as they are
}

type param struct {
	in, name string
	index    []int
}

func readingOf(t reflect.Type) reading {
	var plan reading
	for _, f := range reflect.VisibleFields(t) {
		if f.Name == "Body" {
			plan.body, plan.media = f.Index, f.Tag.Get("media")
			plan.raw = f.Type.Kind() == reflect.Slice
			if plan.media == "" {
				plan.media = "application/json"
			}
			continue
		}
		for _, in := range []string{"path", "query", "header"} {
			if name := f.Tag.Get(in); name != "" {
				plan.params = append(plan.params, param{in, name, f.Index})
			}
		}
	}
	return plan
}

// read fills in and gives the digest of the request: equal for equal requests
// (SEC-9).
func (p reading) read(r *http.Request, in reflect.Value) (digest string, err error) {
	query, err := p.query(r)
	if err != nil {
		return "", err
	}
	for _, q := range p.params {
		text := query.Get(q.name)
		switch q.in {
		case "path":
			text = r.PathValue(q.name)
		case "header":
			text = r.Header.Get(q.name)
		}
		if text != "" && !set(in.FieldByIndex(q.index), text) {
			return "", fieldsInvalid([]fault.Field{{Name: q.name, Code: "type", Text: labelled(q.name, texts["type"], exchangeOf(r).lang)}})
		}
	}
	body, err := p.readBody(r, in)
	sum := sha256.New()
	for _, part := range [][]byte{[]byte(r.Method), []byte(r.URL.Path), []byte(r.URL.RawQuery), body} {
		sum.Write(part)
		sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil)), err
}

// query refuses parameters that are unknown or repeated: a misspelled filter
// would otherwise show everything.
func (p reading) query(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	for name, all := range values {
		known := slices.ContainsFunc(p.params, func(q param) bool { return q.in == "query" && q.name == name })
		if !known || len(all) != 1 {
			err = errors.New("unknown or repeated parameter")
		}
	}
	if err != nil {
		return nil, refusal{
			status: http.StatusBadRequest, code: "query_malformed",
			words: words{"网址中的参数未知、重复或无法读取，请查看接口说明 /docs", "a parameter in the address is unknown, repeated or unreadable; see /docs"},
		}
	}
	return values, nil
}

// set writes a parameter into its field and reports whether it fits.
func set(field reflect.Value, text string) bool {
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
		return true
	case reflect.Int:
		n, err := strconv.Atoi(text)
		field.SetInt(int64(n))
		return err == nil
	case reflect.Bool:
		field.SetBool(text == "true")
		return text == "true" || text == "false"
	}
	return false
}

func mediaType(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

func (p reading) readBody(r *http.Request, in reflect.Value) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, unreadable(err)
	}
	if p.body == nil {
		return body, nil
	}
	if mediaType(r) != p.media {
		return nil, refusal{
			status: http.StatusUnsupportedMediaType, code: "media_type",
			words: words{"请求内容应为 {}", "the body has to be {}"}.with(p.media),
		}
	}
	field := in.FieldByIndex(p.body)
	if p.raw {
		field.SetBytes(body)
		return body, nil
	}
	return body, decodeJSON(body, field.Addr().Interface(), exchangeOf(r).lang)
}

// unreadable says why a body could not be read to its end.
func unreadable(err error) error {
	var big *http.MaxBytesError
	if !errors.As(err, &big) {
		return malformed(nil)
	}
	most := strconv.FormatInt(big.Limit>>10, 10)
	return refusal{
		status: http.StatusRequestEntityTooLarge, code: "body_too_large",
		words: words{"请求内容过大，最多 {} kB", "the body is too large; at most {} kB"}.with(most),
	}
}

// decodeJSON reads one JSON value and nothing after it; fields that the request
// does not have are refused.
func decodeJSON(body []byte, into any, lang string) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, end := d.Token(); end == io.EOF {
			return nil
		}
		return malformed(nil)
	}
	if f, ok := fault.From(err); ok { // of an answer about the premises, the one type that reads itself
		return fieldsInvalid([]fault.Field{{Name: "answers", Code: f.Code, Text: labelled("answers", domainTexts[f.Code], lang)}})
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return malformed([]fault.Field{{Name: kind.Field, Code: "type", Text: texts["type"].in(lang)}})
	}
	return malformed(nil)
}

func malformed(fields []fault.Field) error {
	return refusal{
		status: http.StatusBadRequest, code: "body_malformed", fields: fields,
		words: words{"请求内容无法读取：不是要求的 JSON，或含有未知的字段；请查看接口说明 /docs", "the body cannot be read: it is not the JSON asked for, or has a field nobody knows; see /docs"},
	}
}
