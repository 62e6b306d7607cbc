package inspection

import (
	"testing"

	"lianban/internal/db"
	"lianban/internal/once"
)

func TestARepeatedKeyPlansAcceptsAndAnswersOnce(t *testing.T) { // INS-604
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		for _, twice := range []struct {
			name string
			do   func(once.Key) (string, error)
		}{
			{"accept", func(k once.Key) (string, error) {
				r := restaurant()
				r.Once = k
				c, err := w.Accept(ctx, w.clerk, r)
				return c.ID, err
			}},
			{"plan", func() func(once.Key) (string, error) {
				c := w.newCase()
				return func(k once.Key) (string, error) {
					v, err := w.Plan(ctx, w.clerk, PlanRequest{CaseID: c.ID, Kind: KindSite, Once: k})
					return v.ID, err
				}
			}()},
			{"reply", func() func(once.Key) (string, error) {
				p := w.part(w.served().ID, "fire")
				return func(k once.Key) (string, error) {
					r, err := w.Reply(ctx, w.inspector("fire"), ReplyRequest{ParticipantID: p.ID, Round: 1, Kind: ReplyAccept, Channel: "portal", Once: k})
					return r.ID, err
				}
			}()},
		} {
			first, err := twice.do(key(twice.name))
			w.must(err)
			again, err := twice.do(key(twice.name))
			w.must(err)
			if again != first || first == "" {
				t.Errorf("%s: %s, then %s", twice.name, first, again)
			}
			other := key(twice.name)
			other.Print = "another body"
			_, err = twice.do(other)
			w.refused(err, "idempotency_mismatch")
		}
	})
}
