package notify

import (
	"bytes"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"lianban/internal/db/dbtest"
)

// final are the states that nothing leaves by itself.
var final = map[string]bool{Delivered: true, Undelivered: true, Failed: true, Dead: true, Expired: true, Cancelled: true, Dropped: true}

// TestOutboxUnderAnythingThatCanHappen drives messages through random answers,
// crashes, cancellations and waits (PRO-6). However it goes: final stays final,
// the bytes and the identity of a letter never change, nothing is sent after it
// was cancelled or had expired, repeats are bounded, and when the outside is
// well again every message comes to rest.
func TestOutboxUnderAnythingThatCanHappen(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, dbtest.SQLite(t))
		var ids []string
		last := map[string]Message{}
		answer := Outcome{Result: Yes}
		channel := func(m Message) Outcome {
			if was := last[m.ID]; final[was.State] {
				rt.Fatalf("sent in state %s", was.State)
			}
			if !m.ValidUntil.After(w.clock()) {
				rt.Fatalf("sent after its time")
			}
			return answer
		}
		w.mail.then(channel)
		w.sms.then(channel)
		look := func() {
			for _, id := range ids {
				m, was := w.message(id), last[id]
				if final[was.State] && m.State != was.State {
					rt.Fatalf("%s became %s", was.State, m.State)
				}
				if m.Attempt < was.Attempt || was.Body != nil && (!bytes.Equal(m.Body, was.Body) || m.MessageID != was.MessageID) {
					rt.Fatalf("attempt %d → %d, or other bytes", was.Attempt, m.Attempt)
				}
				last[id] = m
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"queue": func(rt *rapid.T) {
				m := newMessage(func(m *Message) { m.ValidUntil = w.clock().Add(6 * time.Hour) })
				m.Subject = rapid.SampledFrom([]string{"p1", "p2"}).Draw(rt, "subject")
				if rapid.Bool().Draw(rt, "sms") {
					m.Channel, m.Address = SMS, "+86138"+m.ID[:8]
				}
				m.Legal = rapid.Bool().Draw(rt, "legal")
				ids = append(ids, w.queue(m))
			},
			"send": func(rt *rapid.T) {
				answer = Outcome{Result: rapid.SampledFrom([]Result{Yes, Retry, Refused, Unclear}).Draw(rt, "answer")}
				w.send()
			},
			"crash": func(rt *rapid.T) {
				for _, id := range ids {
					if _, _, err := w.claim(t.Context(), id, w.clock()); err != nil {
						rt.Fatal(err)
					}
				}
				if err := w.Recover(t.Context()); err != nil {
					rt.Fatal(err)
				}
			},
			"ask": func(*rapid.T) { w.ask() },
			"cancel": func(rt *rapid.T) {
				subject := rapid.SampledFrom([]string{"p1", "p2"}).Draw(rt, "subject")
				w.do(func(tx bun.IDB) error { return Cancel(t.Context(), tx, w.clock(), subject) })
			},
			"wait": func(rt *rapid.T) {
				w.later(time.Duration(rapid.IntRange(1, 90).Draw(rt, "minutes")) * time.Minute)
			},
			"": func(*rapid.T) { look() },
		})
		answer = Outcome{Result: Yes}
		for range 8 {
			w.later(time.Hour)
			w.ask()
			w.send()
			look()
		}
		for _, id := range ids {
			if m := last[id]; m.State != Accepted && !final[m.State] {
				rt.Fatalf("%s %s rests in %s", m.Channel, id, m.State)
			}
		}
		checkRepeats(rt, w, ids, last)
	})
}

// checkRepeats: a text that may have gone out goes out once more at most, and
// only if it is legal (SIM-6).
func checkRepeats(rt *rapid.T, w *world, ids []string, last map[string]Message) {
	for _, id := range ids {
		m := last[id]
		if m.Channel != SMS {
			continue
		}
		var mayHaveGone int
		w.read(func(q bun.IDB) error {
			as, err := ListAttempts(w.t.Context(), q, id)
			for _, a := range as {
				if a.Result == Yes || a.Result == Unclear {
					mayHaveGone++
				}
			}
			return err
		})
		if allowed := map[bool]int{true: 2, false: 1}[m.Legal]; mayHaveGone > allowed {
			rt.Fatalf("a text (legal %v) may have gone out %d times", m.Legal, mayHaveGone)
		}
	}
}
