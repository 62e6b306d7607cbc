// Package api is the edge of the house: it turns requests into calls of the
// domains and their refusals into answers. It decides nothing itself (STY-41).
//
// Nouns: a Route is one line of the registry, what may be called and by whom
// (SEC-1); an operation is a Route of the JSON interface under /api/v1, with a
// request struct and an answer; a Problem is an answer that refuses (RFC 9457);
// an exchange is one request with what became known of it on the way.
//
// A request passes, from outside in: observe (id, log, panics), the security
// headers, the check for requests of other sites, the mux, and for each Route:
// size, rate, who it is, scope of a key, token of a form. Whether a person may
// do it is then decided by the package that owns the noun (STY-8).
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/notify"
)

// Server answers HTTP. Build it with a struct literal and call Handler once.
type Server struct {
	Inspection *inspection.Desk
	Delivery   *delivery.Desk
	Notify     *notify.Desk
	Auth       *auth.Desk
	Office     *office.Desk
	Audit      *audit.Desk

	// Read runs fn on a handle that can only read: db.DB.Read.
	Read func(ctx context.Context, fn func(q bun.IDB) error) error
	Now  func() time.Time // the trusted clock
	Log  *slog.Logger

	// PublicURL is where people reach the pages, without a slash at the end.
	// Cookies, trusted origin and HSTS follow from it, never from a header.
	PublicURL string
	// Proxies are the networks whose X-Forwarded-For is believed; none by default.
	Proxies []netip.Prefix
	// Ready reports each check of readiness (OBS-2).
	Ready func(ctx context.Context) []Check
	// Metrics counts requests; nil counts nothing.
	Metrics *Metrics
	// Demo adds the clock and the accounts of the demonstration to the pages;
	// serve has none.
	Demo *Demo

	mux    *http.ServeMux
	doc    huma.API
	checks *checks
	limits *limits
	places chan struct{} // of the requests under way
	routes []Route
	secure bool // PublicURL is https

	// refusePage answers a refusal outside the JSON interface; nil answers there
	// with a Problem, too.
	refusePage func(w http.ResponseWriter, r *http.Request, err error)
}

// Check reports what the wiring forgot.
func (s *Server) Check() error {
	switch {
	case s.Inspection == nil || s.Delivery == nil || s.Notify == nil || s.Auth == nil || s.Office == nil || s.Audit == nil:
		return errors.New("api: a desk is missing")
	case s.Read == nil:
		return errors.New("api: no database to read")
	case s.Now == nil || s.Log == nil:
		return errors.New("api: no clock or no log")
	case s.Ready == nil:
		return errors.New("api: no readiness")
	}
	u, err := url.Parse(s.PublicURL)
	if err != nil || u.Host == "" || u.Path != "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("api: public address %q: want http(s)://host without a path", s.PublicURL)
	}
	return nil
}

// Handler registers every Route and gives the whole edge. The error names what
// the wiring forgot, or a page that was built wrong.
func (s *Server) Handler() (http.Handler, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	s.mux, s.checks, s.limits = http.NewServeMux(), newChecks(s.Now), newLimits()
	s.places = make(chan struct{}, maxAtOnce)
	s.secure = isHTTPS(s.PublicURL)
	s.doc = newDocument(s.mux)
	s.operations()
	if err := s.outside(); err != nil {
		return nil, err
	}
	if err := s.pages(); err != nil {
		return nil, err
	}
	cross, err := s.crossOrigin()
	if err != nil {
		return nil, err
	}
	return s.observe(s.headers(cross.Handler(s.dispatch()))), nil
}

// Routes lists the registry in the order of registration (SEC-1).
func (s *Server) Routes() []Route { return s.routes }

// operations registers the JSON interface.
func (s *Server) operations() {
	s.caseRoutes()
	s.extensionRoutes()
	s.matterRoutes()
	s.visitRoutes()
	s.participantRoutes()
	s.deskRoutes()
	s.evidenceRoutes()
	s.officeRoutes()
	s.resourceRoutes()
	s.leaveRoutes()
	s.tripRoutes()
	s.resultRoutes()
	s.electronicRoutes()
	s.materialRoutes()
	s.runRoutes()
	s.scanRoutes()
	s.parcelRoutes()
	s.ratingRoutes()
	s.reportRoutes()
	s.dangerRoutes()
	s.pairRoutes()
	s.ledgerRoutes()
	s.paperRoutes()
	s.documentRoutes()
	s.applicantRoutes()
}
