package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"

	"lianban/api"
	"lianban/scheduler"
)

// newMetrics counts at the edge and reads the house and this machine at each
// scrape (OBS-1).
func (h *house) newMetrics(tick *scheduler.Scheduler) *api.Metrics {
	return api.NewMetrics(api.MetricsSource{
		Read: h.db.Read, Now: h.clock.Now, Log: h.log, Sweeps: tick.Numbers, Overdue: h.overdue,
		Inbound: h.inspection.Channels, More: []prometheus.Collector{&gauges{h}},
	})
}

func metricsPage(m *api.Metrics) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	return mux
}

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("lianban_"+name, help, labels, nil)
}

var (
	sweepLastSuccess = metric("sweep_last_success_timestamp", "End of a sweep's last run, if it went well.", "sweep")
	sweepPanics      = metric("sweep_panics_total", "Panics of a sweep, ever.", "sweep")
	evidenceVerified = metric("evidence_verify_ok", "1 when the last full verification of the log went well, 0 when not.")
	diskFree         = metric("db_disk_free_bytes", "Room left on the disk of the data directory.")
	walBytes         = metric("db_wal_bytes", "Size of SQLite's write-ahead log.")
)

// gauges are what only the program itself knows: its disk, its files, its
// verification of the log, and the rows of its sweeps.
type gauges struct{ house *house }

// Describe lists the metrics.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sweepLastSuccess, sweepPanics, evidenceVerified, diskFree, walBytes} {
		out <- d
	}
}

// Collect reads them.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	if free, known := freeBytes(g.house.cfg.Data); known {
		put(diskFree, prometheus.GaugeValue, float64(free))
	}
	if info, err := os.Stat(g.house.cfg.database() + "-wal"); err == nil {
		put(walBytes, prometheus.GaugeValue, float64(info.Size()))
	}
	if verdict := g.house.evidence.Load(); verdict != 0 {
		put(evidenceVerified, prometheus.GaugeValue, float64(verdict-evidenceBad))
	}
	rows, err := g.sweeps()
	if err != nil {
		out <- prometheus.NewInvalidMetric(sweepPanics, err)
		return
	}
	for _, s := range rows {
		put(sweepPanics, prometheus.CounterValue, float64(s.Panics), s.Name)
		if s.LastError == "" && !s.LastEnd.IsZero() {
			put(sweepLastSuccess, prometheus.GaugeValue, float64(s.LastEnd.Unix()), s.Name)
		}
	}
}

func (g *gauges) sweeps() (rows []scheduler.SweepRow, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = g.house.db.Read(ctx, func(q bun.IDB) error {
		rows, err = scheduler.ListSweeps(ctx, q)
		return err
	})
	return rows, err
}
