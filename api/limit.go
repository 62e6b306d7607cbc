package api

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"lianban/internal/auth"
)

// rateClass says how often a Route may be called, and who is counted (SEC-26).
type rateClass struct {
	name  string
	every time.Duration // one call in this time, on the long run
	burst int
	place bool // count the address even of somebody who is known
}

// The classes. Failed sign-ins are counted by auth as well, over all instances.
var (
	apiRate        = rateClass{name: "api", every: time.Second / 20, burst: 40}
	loginRate      = rateClass{name: "login", every: time.Minute / 10, burst: 10, place: true}
	linkRate       = rateClass{name: "link", every: time.Minute / 30, burst: 30, place: true}
	linkUploadRate = rateClass{name: "link_upload", every: time.Minute, burst: 6, place: true}
	uploadRate     = rateClass{name: "upload", every: time.Minute, burst: 60}
)

// maxLimits bounds the memory of the limits: the one unused longest leaves.
const maxLimits = 10_000

// limits remembers how often who has called.
type limits struct {
	mu     sync.Mutex
	recent *list.List // of *limit, the latest first
	by     map[string]*list.Element
}

type limit struct {
	key string
	*rate.Limiter
}

func newLimits() *limits { return &limits{recent: list.New(), by: map[string]*list.Element{}} }

// wait gives how long the caller has to wait, zero for not at all.
func (l *limits) wait(class rateClass, who string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	reserved := l.find(class, who).ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

func (l *limits) find(class rateClass, who string) *limit {
	key := class.name + " " + who
	if e, ok := l.by[key]; ok {
		l.recent.MoveToFront(e)
		return e.Value.(*limit)
	}
	if l.recent.Len() >= maxLimits {
		oldest := l.recent.Remove(l.recent.Back()).(*limit)
		delete(l.by, oldest.key)
	}
	fresh := &limit{key, rate.NewLimiter(rate.Every(class.every), class.burst)}
	l.by[key] = l.recent.PushFront(fresh)
	return fresh
}

// slow refuses who calls too often: a known caller is counted by name, a
// stranger by address.
func (s *Server) slow(line Route, r *http.Request, x *exchange) error {
	class := line.Rate
	if class.name == "" {
		class = apiRate
	}
	who := x.by.String()
	if x.by.Kind == "" || x.by.Kind == auth.KindLink || class.place {
		who = s.clientOf(r)
	}
	wait := s.limits.wait(class, who, s.Now())
	if wait == 0 {
		return nil
	}
	return refusal{
		status: http.StatusTooManyRequests, code: "too_many_requests", retry: wait,
		words: words{"请求过于频繁，请稍后重试", "too many requests; wait a moment and try again"},
	}
}

// clientOf is the address a request comes from. X-Forwarded-For is believed
// from our own proxies only, from the right, up to the first address that is
// none of them.
func (s *Server) clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.ours(host); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		host = hop.Unmap().String()
	}
	return host
}

func (s *Server) ours(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, network := range s.Proxies {
		if network.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
