package api

import (
	"log/slog"
	"net/http"
	"time"
)

// maxBody is the most a request may carry, but for uploads (SEC-34).
const maxBody = 1 << 20

// Bound sets the limits of time and size of a public listener (SEC-34), and
// sends what net/http itself has to say to the log.
func Bound(server *http.Server, log *slog.Logger) {
	server.ReadHeaderTimeout = 10 * time.Second
	server.ReadTimeout = 30 * time.Second
	server.WriteTimeout = 60 * time.Second
	server.IdleTimeout = 120 * time.Second
	server.MaxHeaderBytes = 32 << 10
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
}

// maxAtOnce bounds the requests under way: more would only wait for the one
// writer and time out together (SEC-26).
const maxAtOnce = 500

// enter takes a place among the requests under way, or refuses.
func (s *Server) enter() error {
	select {
	case s.places <- struct{}{}:
		return nil
	default:
		return refusal{
			status: http.StatusTooManyRequests, code: "too_many_requests", retry: time.Second,
			words: words{"系统繁忙，请稍后重试", "the service is busy; wait a moment and try again"},
		}
	}
}

func (s *Server) leave() { <-s.places }

// policy is the content policy (SEC-20, SEC-33): everything from this host,
// nothing inline, framed by nobody.
const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// headers sets what every answer says about itself. What a page or an answer
// shows is nobody else's to keep; files that may be kept say so themselves.
func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}
