package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// prefix stands before the path of every operation.
const prefix = "/api/v1"

// call is one call of an operation: who calls, when, and what the answer says
// besides its body.
type call struct {
	by     auth.Actor
	lang   string
	at     time.Time // when it came in
	url    *url.URL
	digest string
	remote string // the client's address
	header http.Header

	replayed bool // the answer is one of an earlier request
}

// none is the request without a body or the answer without one (204).
type none struct{}

// file is an answer that is not JSON.
type file struct {
	name, media string
	body        []byte
}

// photo is an answer that is an image.
type photo struct {
	media string
	body  []byte
}

// table is an answer in CSV.
type table delivery.TableFile

// register makes an operation: it is read strictly, checked by the one
// validator, done, and answered; In and Out also make its part of the document,
// so that document and check cannot drift apart (STK-39).
func register[In, Out any](s *Server, line Route, act func(ctx context.Context, c *call, in *In) (Out, error)) {
	line.Path, line.in = prefix+line.Path, reflect.TypeFor[In]()
	if line.Status == 0 {
		line.Status = http.StatusOK
	}
	plan := readingOf(line.in)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{by: exchangeOf(r).by, lang: exchangeOf(r).lang, at: s.now(), url: r.URL, header: w.Header(), remote: s.clientOf(r)}
		in, err := readAndCheck[In](s, plan, c, r)
		var out Out
		if err == nil {
			err = c.keyed(line, r)
		}
		if err == nil {
			out, err = act(r.Context(), c, in)
		}
		if c.replayed && err == nil { // STK-43
			w.Header().Set("Idempotency-Replayed", "true")
		}
		if err == nil {
			err = answer(w, r, line, out)
		}
		if err != nil {
			s.refuseJSON(w, r, err)
		}
	})
	s.routes = append(s.routes, line)
	admitted := s.admit(line, s.refuseJSON, handler)
	op := s.describe(line, plan, reflect.TypeFor[Out]())
	s.doc.Adapter().Handle(op, func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		admitted.ServeHTTP(w, r)
	})
}

func readAndCheck[In any](s *Server, plan reading, c *call, r *http.Request) (in *In, err error) {
	in = new(In)
	if c.digest, err = plan.read(r, reflect.ValueOf(in).Elem()); err != nil {
		return nil, err
	}
	err = s.checks.form(in, c.lang)
	if f, ok := fault.From(err); ok && plan.inPath(f.Fields) {
		return nil, notFound() // what has not the form of an id is no id (SEC-3)
	}
	return in, err
}

// inPath reports whether one of the fields is a part of the path.
func (p reading) inPath(fields []fault.Field) bool {
	for _, f := range fields {
		for _, q := range p.params {
			if q.in == "path" && q.name == f.Name {
				return true
			}
		}
	}
	return false
}

func notFound() error {
	return fault.Refuse(fault.NotFound, "not_found",
		"没有找到，或不在您的权限范围内", "no such thing, or it is outside your scope")
}

// now is the instant of a request: UTC, milliseconds (STY-36).
func (s *Server) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// answer writes what the act gave. A GET that would bring what the client has
// already is 304 (STK-44).
func answer(w http.ResponseWriter, r *http.Request, line Route, out any) error {
	switch out := out.(type) {
	case none:
		w.WriteHeader(http.StatusNoContent)
		return nil
	case photo:
		w.Header().Set("Content-Type", out.media)
		_, _ = w.Write(out.body)
		return nil
	case sheet:
		out.write(w)
		return nil
	case handed:
		out.write(w)
		return nil
	case table:
		return answer(w, r, line, file{out.Name, "text/csv; charset=utf-8", out.Body})
	case file:
		w.Header().Set("Content-Type", out.media)
		w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(out.name))
		_, _ = w.Write(out.body) // a client that is gone cannot be told
		return nil
	}
	body, err := json.Marshal(withLists(out))
	if err != nil {
		return err
	}
	if r.Method == http.MethodGet && unchanged(w.Header(), r, body) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(line.Status)
	_, _ = w.Write(body)
	return nil
}

// key is the Idempotency-Key of the call, as the domains take it.
func (c *call) key(value string) once.Key {
	return once.Key{Actor: c.by.String(), Value: value, Print: c.digest, Replayed: &c.replayed}
}

// keyed refuses a program's write without an Idempotency-Key, also where a
// person's needs none (SEC-9).
func (c *call) keyed(line Route, r *http.Request) error {
	if c.by.Kind != auth.KindKey || !strings.HasSuffix(line.Scope, ":write") || r.Header.Get("Idempotency-Key") != "" {
		return nil
	}
	return fieldsInvalid([]fault.Field{{Name: "Idempotency-Key", Code: "required", Text: labelled("Idempotency-Key", texts["required"], c.lang)}})
}

// created says where the new thing is found.
func (c *call) created(path string) { c.header.Set("Location", prefix+path) }
