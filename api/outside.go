package api

import (
	"io"
	"net/http"

	"lianban/internal/fault"
)

// outside registers what is neither a page nor the JSON interface.
func (s *Server) outside() error {
	if err := s.document(); err != nil {
		return err
	}
	s.plain(Route{Method: http.MethodGet, Path: "/healthz", Act: "health", Who: anyone}, s.healthz)
	s.plain(Route{Method: http.MethodGet, Path: "/readyz", Act: "readiness", Who: anyone}, s.readyz)
	s.plain(Route{Method: http.MethodPost, Path: "/hooks/twilio/status", Act: "smsStatus", Who: anyone, Body: 64 << 10, Rate: hookRate}, s.smsStatus)
	s.plain(Route{Method: http.MethodPost, Path: "/hooks/kuaidi100", Act: "carrierPush", Who: anyone, Body: 512 << 10, Rate: hookRate}, s.carrierPush)
	return nil
}

func (s *Server) plain(r Route, h http.HandlerFunc) { s.route(r, s.refuseJSON, h) }

// hookRate lets a provider report a burst of texts at once.
var hookRate = rateClass{name: "hook", every: apiRate.every, burst: 1000, place: true}

// smsStatus takes a provider's word on a text (SEC-27). Whether it is the
// provider is decided by notify over the body as sent, so nothing is parsed
// here. The answer is 204, also for a repeated word.
func (s *Server) smsStatus(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.refuseJSON(w, r, unreadable(err))
		return
	}
	err = s.Notify.ReceiveStatus(r.Context(), r.URL.RequestURI(), body, r.Header.Get("X-Twilio-Signature"))
	s.Metrics.callback("twilio", err)
	if fault.KindOf(err) == fault.Invalid { // here 400, not 422: the provider sent it, no person
		f, _ := fault.From(err)
		err = refusal{status: http.StatusBadRequest, code: f.Code, words: words{f.In("zh"), f.In("en")}}
	}
	if err != nil {
		s.refuseJSON(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
