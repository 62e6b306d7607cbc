package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
	"lianban/notify"
	"lianban/scheduler"
)

// Metrics counts what happens at the edge and reads the state of the house at
// each scrape. Labels are closed sets: routes, statuses, codes, sweeps and
// channels, never ids or names (OBS-1). A nil Metrics counts nothing.
type Metrics struct {
	registry  *prometheus.Registry
	http      *prometheus.HistogramVec
	refusals  *prometheus.CounterVec
	denied    *prometheus.CounterVec
	callbacks *prometheus.CounterVec
	logins    prometheus.Counter
	log       *slog.Logger
}

// MetricsSource is where the state of the house is read.
type MetricsSource struct {
	Read    func(ctx context.Context, fn func(q bun.IDB) error) error
	Now     func() time.Time
	Log     *slog.Logger
	Sweeps  func() []scheduler.Numbers
	Overdue func(ctx context.Context) (time.Duration, error) // age of the oldest row nobody took (DL-7)
	Inbound []string                                         // channels by which answers come in
	More    []prometheus.Collector                           // of this machine, such as its disk
}

// NewMetrics makes a registry of its own.
func NewMetrics(from MetricsSource) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), log: from.Log}
	m.http = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "lianban_http_seconds", Help: "How long requests took, by pattern of the route.", Buckets: prometheus.DefBuckets,
	}, []string{"route", "code"})
	m.refusals = counter("lianban_refusals_total", "Refusals by code; see docs/errors.md.", "code")
	m.denied = counter("lianban_authz_denied_total", "Calls that were not the caller's to make, by act.", "verb")
	m.callbacks = counter("lianban_callbacks_total", "Status callbacks of providers.", "provider", "result")
	m.logins = prometheus.NewCounter(prometheus.CounterOpts{Name: "lianban_login_failures_total", Help: "Sign-ins that failed."})
	m.registry.MustRegister(m.http, m.refusals, m.denied, m.callbacks, m.logins, house(from),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(from.More...)
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// Handler serves the metrics, for the listener of the administrator alone
// (OBS-1). What cannot be read is left out and logged.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelError),
	})
}

func (m *Metrics) request(x *exchange, status int, took time.Duration) {
	if m == nil {
		return
	}
	m.http.WithLabelValues(x.route, strconv.Itoa(status)).Observe(took.Seconds())
	if x.code != "" {
		m.refusals.WithLabelValues(x.code).Inc()
	}
	if status == http.StatusForbidden || status == http.StatusUnauthorized {
		m.denied.WithLabelValues(x.act).Inc()
	}
	if x.code == "sign_in_failed" || x.code == "sign_in_locked" {
		m.logins.Inc()
	}
}

// callback counts the words of a provider by what became of them.
func (m *Metrics) callback(provider string, err error) {
	if m == nil {
		return
	}
	result := "ok"
	if f, refused := fault.From(err); refused {
		result = f.Code
	} else if err != nil {
		result = "error"
	}
	m.callbacks.WithLabelValues(provider, result).Inc()
}

// house collects what stands in the database and in the scheduler.
type house MetricsSource

var (
	outboxRows   = desc("outbox_rows", "Messages by channel and state.", "channel", "state")
	overdueAge   = desc("oldest_overdue_seconds", "Age of the oldest deadline or message that nobody took, holds left out.")
	watermarkAge = desc("inbound_watermark_age_seconds", "Time since an inbound channel was proved alive.", "channel")
	evidenceSize = desc("evidence_size", "Leaves in the evidence log.")
	checkpoint   = desc("checkpoint_age_seconds", "Time since the evidence log was last signed.")
	sweepRuns    = desc("sweep_runs_total", "Runs of each sweep by result.", "sweep", "result")
	sweepSeconds = desc("sweep_seconds_total", "Time spent in each sweep.", "sweep")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("lianban_"+name, help, labels, nil)
}

// Describe names every metric of the house.
func (h house) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{outboxRows, overdueAge, watermarkAge, evidenceSize, checkpoint, sweepRuns, sweepSeconds} {
		to <- d
	}
}

// Collect reads the state of the house, within five seconds.
func (h house) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for _, n := range h.Sweeps() {
		for result, runs := range n.Runs {
			to <- prometheus.MustNewConstMetric(sweepRuns, prometheus.CounterValue, float64(runs), n.Sweep, result)
		}
		to <- prometheus.MustNewConstMetric(sweepSeconds, prometheus.CounterValue, n.Seconds, n.Sweep)
	}
	age, err := h.Overdue(ctx)
	gauge(overdueAge, age.Seconds())
	err = errors.Join(err, h.Read(ctx, func(q bun.IDB) error {
		return errors.Join(h.outbox(ctx, q, gauge), h.inbound(ctx, q, gauge), h.evidence(ctx, q, gauge))
	}))
	if err != nil {
		to <- prometheus.NewInvalidMetric(overdueAge, err)
	}
}

type gauge func(d *prometheus.Desc, value float64, labels ...string)

func (h house) outbox(ctx context.Context, q bun.IDB, put gauge) error {
	counts, err := notify.Counts(ctx, q)
	for _, c := range counts {
		put(outboxRows, float64(c.N), c.Channel, c.State)
	}
	return err
}

func (h house) inbound(ctx context.Context, q bun.IDB, put gauge) error {
	for _, channel := range h.Inbound {
		alive, err := notify.Alive(ctx, q, channel)
		if err != nil {
			return err
		}
		if !alive.IsZero() {
			put(watermarkAge, h.Now().Sub(alive).Seconds(), channel)
		}
	}
	return nil
}

func (h house) evidence(ctx context.Context, q bun.IDB, put gauge) error {
	size, err := audit.Size(ctx, q)
	if err != nil {
		return err
	}
	put(evidenceSize, float64(size))
	last, err := audit.Latest(ctx, q)
	if err == nil && last.Size > 0 {
		put(checkpoint, h.Now().Sub(last.At).Seconds())
	}
	return err
}
