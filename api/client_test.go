package api

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
)

// roleOf is the role of an account: the first word of its name.
func roleOf(name string) auth.Role {
	role, _, _ := strings.Cut(name, "-")
	return auth.Role(role)
}

// request is one call of a test. Body is sent as JSON unless it is bytes.
type request struct {
	as     string // account or key, empty for nobody
	method string
	path   string
	body   any
	header map[string]string
}

// reply is what came back.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// do sends a request through the whole edge and holds the answer against the
// document. Each takes 50 ms on the clock, so that no rate limit is reached.
func (w *world) do(r request) *reply {
	w.t.Helper()
	w.clock.forward(50 * time.Millisecond)
	sent := w.http(r)
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, sent)
	out := &reply{w.t, rec.Code, rec.Header(), rec.Body.Bytes()}
	if strings.HasPrefix(r.path, "/api/") {
		w.spec.holds(w.t, sent, out)
	}
	return out
}

// http makes the request: with the session's cookie and the token of our own
// forms, or with the key.
func (w *world) http(r request) *http.Request {
	w.t.Helper()
	var body io.Reader
	media := ""
	switch b := r.body.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(b)
		media = "application/json"
	default:
		text, err := json.Marshal(b)
		w.must(err)
		body, media = bytes.NewReader(text), "application/json"
	}
	out := httptest.NewRequestWithContext(w.t.Context(), r.method, r.path, body)
	out.RemoteAddr = "192.0.2.7:4711"
	if media != "" {
		out.Header.Set("Content-Type", media)
	}
	if key, ok := w.keys[r.as]; ok {
		out.Header.Set("Authorization", "Bearer "+key)
	} else if token, ok := w.tokens[r.as]; ok {
		out.AddCookie(&http.Cookie{Name: w.sessionCookie(), Value: token})
		out.Header.Set(csrfHeader, csrfToken(token))
	} else if r.as != "" {
		w.t.Fatalf("there is no account %q", r.as)
	}
	for name, value := range r.header {
		out.Header.Set(name, value)
	}
	return out
}

// get and post are the two everyday calls.
func (w *world) get(as, path string) *reply {
	w.t.Helper()
	return w.do(request{as: as, method: http.MethodGet, path: prefix + path})
}

func (w *world) post(as, path string, body any) *reply {
	w.t.Helper()
	return w.do(request{as: as, method: http.MethodPost, path: prefix + path, body: body, header: map[string]string{"Idempotency-Key": freshKey()}})
}

// freshKey makes an Idempotency-Key.
func freshKey() string { return rand.Text() }

// is wants a status.
func (r *reply) is(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// refused wants a problem with the status and the code.
func (r *reply) refused(status int, code string) Problem {
	r.t.Helper()
	p := r.problem()
	if r.status != status || p.Code != code {
		r.t.Fatalf("status %d, code %q, want %d, %q: %s", r.status, p.Code, status, code, r.body)
	}
	return p
}

// problem reads the answer as a problem and checks what holds for each.
func (r *reply) problem() Problem {
	r.t.Helper()
	var p Problem
	if err := json.Unmarshal(r.body, &p); err != nil {
		r.t.Fatalf("no problem: %v: %s", err, r.body)
	}
	if got := r.header.Get("Content-Type"); got != problemMedia {
		r.t.Errorf("media type %q", got)
	}
	if p.Status != r.status || p.Detail == "" || p.Title == "" || p.RequestID == "" || p.RequestID != r.header.Get("X-Request-Id") ||
		p.Type != "urn:lianban:problem:"+p.Code {
		r.t.Errorf("incomplete problem %+v", p)
	}
	return p
}

// into reads the answer's JSON.
func (r *reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("read the answer: %v: %s", err, r.body)
	}
}

// at gives a text of the answer by its path: "applicant.name", "items.0.id".
func (r *reply) at(path string) string {
	r.t.Helper()
	var v any
	r.into(&v)
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i := 0
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return ""
			}
			v = x[i]
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func isNil(v any) bool { return reflect.ValueOf(v).IsNil() }
