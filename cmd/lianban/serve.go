package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"lianban/api"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/notify"
	"lianban/scheduler"
)

// serveCommand is the service.
type serveCommand struct {
	Addr    string `help:"网页和接口的地址|Address of pages and interface." default:"127.0.0.1:8080" env:"LIANBAN_ADDR"`
	Metrics string `help:"监控指标的地址，空为不提供|Address of the metrics, empty for none." default:"127.0.0.1:9090" env:"LIANBAN_METRICS"`
}

// collectAt is how much garbage, in percent of what is alive, is let lie. The usual
// hundred makes a city's server larger than the 100 MB it may have; what is alive is
// small, so collecting three times as often costs little.
const collectAt = 30

// Run serves until it is told to stop. The order of the start is DL-3's: open
// and check the database, migrate, check the evidence log, catch up, tick.
func (c *serveCommand) Run(a *app) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt) // the operator's own word comes first
	}
	a.home()
	log := slog.New(slog.NewJSONHandler(a.out, &slog.HandlerOptions{ReplaceAttr: utc}))
	l, err := listen(c.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // closed already when it was served
	h, err := a.openHouse(log)
	if err != nil {
		return err
	}
	err = h.prepare(a.ctx)
	if err == nil {
		err = h.serve(a.ctx, &service{pages: l, metrics: c.Metrics})
	}
	return errors.Join(err, h.db.Close())
}

// utc writes the time of a log line in UTC (OBS-3).
func utc(groups []string, attr slog.Attr) slog.Attr {
	if attr.Key == slog.TimeKey && len(groups) == 0 {
		attr.Value = slog.TimeValue(attr.Value.Time().UTC())
	}
	return attr
}

// home chooses the data directory of everything but the demonstration.
func (a *app) home() {
	if a.cfg.Data == "" {
		a.cfg.Data = "lianban-data"
	}
}

// openHouse opens and migrates the database and wires the house on it.
func (a *app) openHouse(log *slog.Logger) (*house, error) {
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return nil, err
	}
	d, err := db.Open(a.ctx, a.cfg.database())
	if err != nil {
		return nil, err
	}
	d.OnFatal = func(err error) { commitFailed(log, err) }
	applied, err := d.Migrate(a.ctx)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if len(applied) > 0 {
		log.Info("schema brought up to date", "steps", applied)
	}
	h, err := build(a.cfg, d, log, machine)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return h, nil
}

// prepare checks the evidence log and puts in what ships with the program,
// before anything else is written (DL-3).
func (h *house) prepare(ctx context.Context) error {
	if err := h.verifyLog(ctx); err != nil {
		return err
	}
	if err := h.clock.Check(ctx); err != nil {
		return err
	}
	if err := h.install(ctx); err != nil {
		return err
	}
	var people []auth.Person
	err := h.db.Read(ctx, func(q bun.IDB) (err error) {
		people, err = auth.ListPeople(ctx, q, auth.PersonQuery{})
		return err
	})
	if err == nil && len(people) == 0 {
		h.log.Warn("there is no account yet: run `lianban admin create LOGIN` | 还没有账号：请运行 lianban admin create 登录名")
	}
	return err
}

// service is one run of the house.
type service struct {
	pages   net.Listener
	metrics string
	demo    *api.Demo
	ready   func() // called once everything answers

	house    *house
	tick     *scheduler.Scheduler
	counts   *api.Metrics
	caughtUp atomic.Bool
	stopping sync.WaitGroup // what runs beside the pages
	failed   chan error
}

// serve answers requests and runs the sweeps until ctx ends; then it finishes
// what was begun.
func (h *house) serve(ctx context.Context, s *service) (err error) {
	s.house, s.failed = h, make(chan error, 4)
	if s.tick, err = scheduler.New(h.db, h.clock.Now, h.log, h.sweeps(probeHTTP(s.pages))...); err != nil {
		return err
	}
	s.counts = h.newMetrics(s.tick)
	handler, err := h.edge(s)
	if err != nil {
		return err
	}
	pages := newHTTPServer(handler, h.log)
	s.beside(func() error { return pages.Serve(s.pages) })
	inner, stop := context.WithCancel(ctx)
	defer func() {
		err = errors.Join(err, s.tick.Stop())
		stop()
		s.stopping.Wait()
	}()
	defer func() { err = errors.Join(err, shut(pages)) }()
	if err := s.start(inner); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// start catches up, starts the tick and everything beside it.
func (s *service) start(ctx context.Context) error {
	h := s.house
	if err := h.notify.Recover(ctx); err != nil {
		return err
	}
	if err := s.tick.RunOnce(ctx); err != nil {
		h.log.Error("catch-up", "error", err) // each is tried again by the tick
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := s.tick.Start(ctx); err != nil {
		return err
	}
	s.beside(func() error { s.tick.Watch(ctx, h.overdue, stalled); return nil })
	s.beside(func() error { h.verifyDaily(ctx); return nil })
	if err := errors.Join(s.openEdge(ctx), s.openMetrics(ctx)); err != nil {
		return err
	}
	s.caughtUp.Store(true)
	h.log.Info("ready", "pages", s.pages.Addr().String(), "took", wall().Sub(started).Round(time.Millisecond).String())
	if s.ready != nil {
		s.ready()
	}
	return nil
}

// beside runs something until the service stops; an error ends the service.
func (s *service) beside(run func() error) {
	s.stopping.Go(func() {
		if err := run(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	})
}

// openEdge takes mail in, when an address for it is configured.
func (s *service) openEdge(ctx context.Context) error {
	h := s.house
	if h.cfg.LMTP == "" {
		return nil
	}
	l, err := net.Listen("tcp", h.cfg.LMTP)
	if err != nil {
		return fmt.Errorf("mail edge: %w", err)
	}
	edge := &notify.Edge{Desk: h.notify, Host: h.cfg.MailDomain}
	s.beside(func() error { return edge.Serve(ctx, l) })
	return nil
}

// openMetrics answers /metrics on its own listener (OBS-1).
func (s *service) openMetrics(ctx context.Context) error {
	if s.metrics == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.metrics)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	server := newHTTPServer(metricsPage(s.counts), s.house.log)
	s.beside(func() error { return server.Serve(l) })
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return nil
}

// shut lets running requests finish.
func shut(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}

// commitFailed ends the program when nobody can say what a commit has saved:
// after a restart the rows are read again (DB-9).
func commitFailed(log *slog.Logger, err error) {
	log.Error("commit failed with an unknown outcome; the program ends", "error", err)
	os.Exit(exitCommit)
}

// stalled is what the watchdog does when no sweep ends any more: it leaves the
// goroutines in the log and lets the supervisor start again (DL-7).
func stalled() {
	_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
	os.Exit(exitWatchdog)
}

// checks are the conditions of readiness (OBS-2). A clock that jumped or a
// closed inbox are none: they hold and alarm. A clock far from the database's
// is one, since other instances go by that (DL-18).
func (s *service) checks(ctx context.Context) []api.Check {
	h := s.house
	_, schema := h.db.Pending(ctx)
	return []api.Check{
		check("schema", schema), check("write", h.writable(ctx)),
		{Name: "catch_up", OK: s.caughtUp.Load()}, check("disk", h.cfg.roomLeft()), check("clock", h.clock.Apart()),
	}
}

func check(name string, err error) api.Check {
	c := api.Check{Name: name, OK: err == nil}
	if err != nil {
		c.Detail = err.Error()
	}
	return c
}
