package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/uptrace/bun"

	"lianban/api"
)

// The bounds of a request (SEC-34).
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 120 * time.Second
)

// edge makes what answers requests: the JSON interface and the pages.
func (h *house) edge(s *service) (http.Handler, error) {
	server := &api.Server{
		Inspection: h.inspection, Delivery: h.delivery, Notify: h.notify, Auth: h.auth, Office: h.office, Audit: h.audit,
		Read: h.db.Read, Now: h.clock.Now, Log: h.log, PublicURL: h.cfg.PublicURL, Proxies: h.cfg.Proxies,
		Ready: s.checks, Metrics: s.counts, Demo: s.demo,
	}
	return server.Handler()
}

// listen opens a listener, or says what to do.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, misuse{
			fmt.Sprintf("不能使用地址 %s：%v。请用 --addr 换一个地址，或停止占用它的程序。", addr, err),
			fmt.Sprintf("cannot use address %s: %v; choose another one with --addr or stop the program that has it", addr, err),
		}
	}
	return l, nil
}

func newHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// probeHTTP asks a listener for its health.
func probeHTTP(l net.Listener) func(context.Context) error {
	client := &http.Client{Timeout: 5 * time.Second}
	url := "http://" + reachable(l.Addr()) + "/healthz"
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if err != nil {
			return fmt.Errorf("probe of the pages: %w", err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("probe of the pages: status %d", answer.StatusCode)
		}
		return nil
	}
}

// reachable is an address of this machine for a listener on all of them.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return addr.String()
}

// writable is the write probe of readiness (OBS-2): an empty transaction on
// the writer.
func (h *house) writable(ctx context.Context) error {
	return h.db.Write(ctx, func(bun.IDB) error { return nil })
}
