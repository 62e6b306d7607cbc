package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lianban/notify"
	"lianban/scheduler"
)

func (w *world) scrape() string {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.Metrics.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK {
		w.t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// OBS-1: routes and codes are labels, ids and names never are.
func TestMetricsCountByRouteAndCode(t *testing.T) {
	w := newWorld(t)
	visit := w.newVisit()
	w.must(w.Audit.Checkpoint(t.Context()))
	w.get("inspector", "/visits/"+visit).is(http.StatusOK)
	w.get("inspector", "/tasks").refused(http.StatusForbidden, "not_a_window")
	w.get("", "/cases").refused(http.StatusUnauthorized, "not_signed_in")
	w.get("clerk", "/"+marker)
	text := w.scrape()
	for _, want := range []string{
		`lianban_http_seconds_count{code="200",route="GET /api/v1/visits/{id}"} 1`,
		`lianban_refusals_total{code="not_a_window"} 1`, `lianban_authz_denied_total{verb="listTasks"} 1`,
		`lianban_authz_denied_total{verb="listCases"} 1`, `lianban_outbox_rows{channel="mail",state="accepted"} 3`,
		`lianban_sweep_runs_total{result="ok",sweep="deem"} 7`, `lianban_oldest_overdue_seconds 42`,
		`lianban_inbound_watermark_age_seconds{channel="portal"}`, "lianban_evidence_size", "lianban_checkpoint_age_seconds", "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, secret := range []string{visit, marker, "梧桐路", "13800001234"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s stands in the metrics", secret)
		}
	}
}

func TestMetricsGoOnWithoutWhatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	w.overdue = errors.New("database away")
	text := w.scrape()
	if !strings.Contains(text, "lianban_evidence_size") || !strings.Contains(w.log.String(), "database away") {
		t.Errorf("%s\n%s", text, w.log)
	}
}

// metricsSource is the state that the tests read.
func (w *world) metricsSource() MetricsSource {
	return MetricsSource{
		Read: w.db.Read, Now: w.trust.Now, Log: w.logger, Inbound: []string{notify.Portal, notify.Mail},
		Sweeps: func() []scheduler.Numbers {
			return []scheduler.Numbers{{Sweep: "deem", Runs: map[string]int64{"ok": 7}, Seconds: 1.5}}
		},
		Overdue: func(context.Context) (time.Duration, error) { return 42 * time.Second, w.overdue },
	}
}
