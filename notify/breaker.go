package notify

import (
	"sync"
	"time"
)

const (
	breakerAfter = 5                // failures in a row
	breakerRest  = 60 * time.Second // OUT-7
)

// breakers keeps a channel in trouble from being called at every tick. It lives
// in memory: after a restart one try is welcome.
type breakers struct {
	mu    sync.Mutex
	state map[string]breaker
}

type breaker struct {
	failures int
	until    time.Time
}

// open reports whether a channel is resting.
func (b *breakers) open(channel string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Before(b.state[channel].until)
}

// count notes the result of a call. A refusal is the recipient's matter and
// says that the channel itself works.
func (b *breakers) count(channel string, r Result, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == nil {
		b.state = map[string]breaker{}
	}
	s := b.state[channel]
	if r == Yes || r == Refused {
		s = breaker{}
	} else if s.failures++; s.failures >= breakerAfter {
		s.until = now.Add(breakerRest)
	}
	b.state[channel] = s
}
