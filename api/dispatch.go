package api

import "net/http"

// dispatch hands a request to the mux, and says in our own words what the mux
// says in plain English: no such address, no such method (STK-40).
func (s *Server) dispatch() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.enter(); err != nil {
			s.refuse(w, r, err)
			return
		}
		defer s.leave()
		h, pattern := s.mux.Handler(r)
		if pattern != "" {
			s.mux.ServeHTTP(w, r)
			return
		}
		said := &silent{header: http.Header{}}
		h.ServeHTTP(said, r)
		switch said.status {
		case http.StatusNotFound:
			s.refuse(w, r, noSuchRoute())
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", said.header.Get("Allow"))
			s.refuse(w, r, refusal{
				status: http.StatusMethodNotAllowed, code: "method_not_allowed",
				words: words{"该地址不支持此操作，请查看接口说明 /docs", "this address does not take that method; see /docs"},
			})
		default: // a redirect to the clean form of the path
			h.ServeHTTP(w, r)
		}
	})
}

func noSuchRoute() refusal {
	return refusal{
		status: http.StatusNotFound, code: "no_such_address",
		words: words{"没有这个地址，请检查网址或查看接口说明 /docs", "there is nothing at this address; check it, or see /docs"},
	}
}

// silent takes down what a handler of the mux would have said.
type silent struct {
	header http.Header
	status int
}

// Header gives the headers that were set.
func (s *silent) Header() http.Header { return s.header }

// WriteHeader takes down the status.
func (s *silent) WriteHeader(status int) { s.status = status }

// Write drops the text.
func (s *silent) Write(b []byte) (int, error) { return len(b), nil }
