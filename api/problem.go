package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lianban/internal/fault"
)

// Problem is an answer that refuses (RFC 9457). It never repeats what was sent.
type Problem struct {
	Type      string         `json:"type" doc:"urn:lianban:problem: and the code"`
	Title     string         `json:"title" doc:"what sort of refusal it is, in words"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail" doc:"what is wrong and what to do"`
	Code      string         `json:"code" doc:"for programs; see docs/errors.md"`
	Errors    []fault.Field  `json:"errors,omitempty" doc:"the fields that are wrong"`
	Details   map[string]any `json:"details,omitempty" doc:"what a program may use, such as alternatives"`
	RequestID string         `json:"request_id"`

	retry time.Duration
}

const problemMedia = "application/problem+json"

// refusal is what HTTP itself refuses; a domain never does (STY-41).
type refusal struct {
	words
	status int
	code   string
	retry  time.Duration
	fields []fault.Field
}

// Error gives the code, for logs.
func (e refusal) Error() string { return e.code }

// statusOf is the one map from kind to status (style section 6).
var statusOf = map[fault.Kind]int{
	fault.Invalid: http.StatusUnprocessableEntity, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.Forbidden: http.StatusForbidden,
	fault.Unauthenticated: http.StatusUnauthorized, fault.Unavailable: http.StatusServiceUnavailable,
}

var titles = map[int]words{
	http.StatusBadRequest:            {"请求无法读取", "The request cannot be read"},
	http.StatusUnauthorized:          {"未登录", "Not signed in"},
	http.StatusForbidden:             {"无权办理", "Not allowed"},
	http.StatusNotFound:              {"没有找到", "Not found"},
	http.StatusMethodNotAllowed:      {"不支持的操作", "Method not allowed"},
	http.StatusConflict:              {"情况已变化", "Something has changed"},
	http.StatusPreconditionFailed:    {"版本已过时", "The version is out of date"},
	http.StatusRequestEntityTooLarge: {"内容过大", "Too large"},
	http.StatusUnsupportedMediaType:  {"格式不支持", "Unsupported format"},
	http.StatusUnprocessableEntity:   {"内容有误", "The content is wrong"},
	http.StatusPreconditionRequired:  {"缺少版本", "The version is missing"},
	http.StatusTooManyRequests:       {"请求过于频繁", "Too many requests"},
	http.StatusInternalServerError:   {"系统错误", "Internal error"},
	http.StatusServiceUnavailable:    {"暂时无法办理", "Try again later"},
}

// problem turns an error into what the client is told. What is no refusal is a
// fault of ours: a fixed text goes out, the details go to the log.
func (s *Server) problem(ctx context.Context, x *exchange, err error) Problem {
	p := Problem{RequestID: x.id}
	var own refusal
	if errors.As(err, &own) {
		p.Status, p.Code, p.Detail = own.status, own.code, own.in(x.lang)
		p.Errors, p.retry = own.fields, own.retry
	} else if f, ok := fault.From(err); ok {
		p.Status, p.Code, p.Detail = statusOf[f.Kind], f.Code, f.In(x.lang)
		p.Errors, p.Details = s.checks.spell(f.Fields, x.lang), f.Details
	} else {
		s.Log.LogAttrs(ctx, slog.LevelError, "internal error", slog.String("req", x.id), slog.String("act", x.act), slog.Any("error", err))
		p.Status, p.Code = http.StatusInternalServerError, "internal"
		p.Detail = words{"系统内部错误，请稍后重试；如仍出错，请把请求编号告诉管理员", "something went wrong here; try again, and give the request id to the administrator if it stays"}.in(x.lang)
	}
	if p.Status == http.StatusServiceUnavailable && p.retry == 0 {
		p.retry = 5 * time.Second
	}
	p.Type, p.Title = "urn:lianban:problem:"+p.Code, titles[p.Status].in(x.lang)
	return p
}

// refuse answers with the refusal: a page for people, a Problem for programs. A
// client that has hung up gets nothing and is no failure (STY-45).
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if s.refusePage != nil && !strings.HasPrefix(r.URL.Path, "/api/") {
		s.refusePage(w, r, err)
		return
	}
	s.refuseJSON(w, r, err)
}

func (s *Server) refuseJSON(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r)
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		x.code = "client_gone"
		return
	}
	p := s.problem(r.Context(), x, err)
	x.code = p.Code
	p.send(w)
}

func (p Problem) send(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil { // a detail that is not JSON: the refusal still goes out
		p.Details = nil
		body, _ = json.Marshal(p)
	}
	h := w.Header()
	h.Set("Content-Type", problemMedia)
	h.Del("ETag")
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int(p.retry.Seconds()+0.999))))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="lianban"`)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // a client that is gone cannot be told
}
