package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// statusGone is what the log says of a client that hung up (STY-45).
const statusGone = 499

// observe is the outermost layer: it gives the request its id and language,
// catches panics, writes the one log line (OBS-3) and counts.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := s.Now()
		x, r := begin(r)
		w.Header().Set("X-Request-Id", x.id)
		seen := &seenWriter{ResponseWriter: w}
		defer func() {
			if what := recover(); what != nil {
				s.panicked(seen, r, what)
			}
			s.line(r, x, seen, s.Now().Sub(started))
		}()
		next.ServeHTTP(seen, r)
	})
}

// panicked answers for a handler that panicked. http.ErrAbortHandler is the
// wish to cut the connection and goes on.
func (s *Server) panicked(w *seenWriter, r *http.Request, what any) {
	if what == http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
		panic(what)
	}
	err := fmt.Errorf("panic: %v\n%s", what, debug.Stack())
	if w.status != 0 { // too late for an answer
		s.Log.ErrorContext(r.Context(), "panic after the answer had begun", "req", exchangeOf(r).id, "error", err)
		return
	}
	s.refuse(w, r, err)
}

func (s *Server) line(r *http.Request, x *exchange, w *seenWriter, took time.Duration) {
	status := w.status
	if x.code == "client_gone" {
		status = statusGone
	}
	attrs := []slog.Attr{
		slog.String("req", x.id), slog.String("method", r.Method), slog.String("route", x.route),
		slog.Int("status", status), slog.Int("bytes", w.bytes), slog.Duration("took", took),
	}
	if x.by.ID != "" {
		attrs = append(attrs, slog.String("actor", x.by.String()))
	}
	if x.code != "" {
		attrs = append(attrs, slog.String("code", x.code))
	}
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	s.Log.LogAttrs(context.WithoutCancel(r.Context()), level, "request", attrs...)
	s.Metrics.request(x, status, took)
}

// seenWriter remembers what was answered.
type seenWriter struct {
	http.ResponseWriter
	status, bytes int
}

// WriteHeader remembers the status.
func (w *seenWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (w *seenWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *seenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
