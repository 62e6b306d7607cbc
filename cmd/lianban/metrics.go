package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/notify"
	"lianban/scheduler"
)

// metrics answers /metrics (OBS-1): the process, the sweeps of this instance,
// and what the tables say when they are asked. Labels are closed sets.
func (h *house) metrics(tick *scheduler.Scheduler) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(&gauges{house: h, tick: tick})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("lianban_"+name, help, labels, nil)
}

var (
	overdueSeconds    = metric("oldest_overdue_seconds", "Age of the oldest row that is due and not on hold.")
	sweepRuns         = metric("sweep_runs_total", "Runs of a sweep in this process.", "sweep", "result")
	sweepSeconds      = metric("sweep_seconds_total", "Time spent in a sweep.", "sweep")
	sweepLastSuccess  = metric("sweep_last_success_timestamp", "End of a sweep's last run, if it went well.", "sweep")
	sweepPanics       = metric("sweep_panics_total", "Panics of a sweep, ever.", "sweep")
	outboxRows        = metric("outbox_rows", "Messages by channel and state.", "channel", "state")
	watermarkAge      = metric("inbound_watermark_age_seconds", "Since an inbound channel was last seen alive.", "channel")
	evidenceSize      = metric("evidence_size", "Leaves in the evidence log.")
	checkpointAge     = metric("checkpoint_age_seconds", "Since the last signed checkpoint.")
	evidenceVerified  = metric("evidence_verify_ok", "1 when the last full verification of the log went well, 0 when not.")
	diskFree          = metric("db_disk_free_bytes", "Room left on the data directory's disk.")
	walBytes          = metric("db_wal_bytes", "Size of SQLite's write-ahead log.")
	scrapeErrors      = metric("scrape_error", "1 when the tables could not be asked.")
	descriptions      = []*prometheus.Desc{overdueSeconds, sweepRuns, sweepSeconds, sweepLastSuccess, sweepPanics, outboxRows, watermarkAge, evidenceSize, checkpointAge, evidenceVerified, diskFree, walBytes, scrapeErrors}
	inboundWatermarks = []string{notify.Portal, notify.Mail}
)

// gauges asks the tables at each scrape.
type gauges struct {
	house *house
	tick  *scheduler.Scheduler
}

// Describe lists the metrics.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		out <- d
	}
}

// Collect reads them.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
	}
	for _, n := range g.tick.Numbers() {
		counter(sweepSeconds, n.Seconds, n.Sweep)
		for result, count := range n.Runs {
			counter(sweepRuns, float64(count), n.Sweep, result)
		}
	}
	gauge(overdueSeconds, g.tick.OldestOverdue().Seconds())
	if free, known := freeBytes(g.house.cfg.Data); known {
		gauge(diskFree, float64(free))
	}
	if info, err := os.Stat(g.house.cfg.database() + "-wal"); err == nil {
		gauge(walBytes, float64(info.Size()))
	}
	if verdict := g.house.evidence.Load(); verdict != 0 {
		gauge(evidenceVerified, float64(verdict-evidenceBad))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	failed := 0.0
	if err := g.house.db.Read(ctx, func(q bun.IDB) error { return g.tables(ctx, q, gauge, counter) }); err != nil {
		g.house.log.Error("metrics cannot ask the tables", "error", err)
		failed = 1
	}
	gauge(scrapeErrors, failed)
}

type emit func(d *prometheus.Desc, value float64, labels ...string)

// tables are the metrics that stand in rows.
func (g *gauges) tables(ctx context.Context, q bun.IDB, gauge, counter emit) error {
	now := g.house.clock.Now()
	counts, err := notify.Counts(ctx, q)
	for _, c := range counts {
		gauge(outboxRows, float64(c.N), c.Channel, c.State)
	}
	sweeps, sweepsErr := scheduler.ListSweeps(ctx, q)
	for _, s := range sweeps {
		counter(sweepPanics, float64(s.Panics), s.Name)
		if s.LastError == "" && !s.LastEnd.IsZero() {
			gauge(sweepLastSuccess, float64(s.LastEnd.Unix()), s.Name)
		}
	}
	for _, channel := range inboundWatermarks {
		alive, aliveErr := notify.Alive(ctx, q, channel)
		if aliveErr == nil && !alive.IsZero() {
			gauge(watermarkAge, now.Sub(alive).Seconds(), channel)
		}
		err = errors.Join(err, aliveErr)
	}
	size, sizeErr := audit.Size(ctx, q)
	gauge(evidenceSize, float64(size))
	latest, latestErr := audit.Latest(ctx, q)
	if latest.Size > 0 {
		gauge(checkpointAge, now.Sub(latest.At).Seconds())
	}
	return errors.Join(err, sweepsErr, sizeErr, latestErr)
}
