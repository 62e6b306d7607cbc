package once_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"go.uber.org/goleak"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/once"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type answer struct {
	Visit string
	At    time.Time
}

var (
	now  = time.Date(2026, 3, 2, 1, 40, 0, 123e6, time.UTC)
	key  = once.Key{Actor: "person:1", Value: "k1", Print: "POST /visits a"}
	made = answer{Visit: "V-1042", At: now}
)

// do runs one request under k in a transaction of its own.
func do(t *testing.T, d *db.DB, k once.Key, act func() (answer, error)) (out answer, replayed bool, err error) {
	t.Helper()
	err = d.Write(t.Context(), func(tx bun.IDB) (err error) {
		out, replayed, err = once.Do(t.Context(), tx, k, now, act)
		return err
	})
	return out, replayed, err
}

// INS-604: a repeated request returns the first answer and does nothing else.
func TestRepeatedRequestGetsTheFirstAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for try := range 3 {
			out, replayed, err := do(t, d, key, func() (answer, error) {
				if try > 0 {
					t.Error("acted twice")
				}
				return made, nil
			})
			if err != nil || out != made || replayed != (try > 0) {
				t.Fatalf("try %d: got %v, replayed %v, err %v", try, out, replayed, err)
			}
		}
	})
}

// INS-604: a different body with the same key is refused.
func TestOtherRequestUnderTheSameKeyIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if _, _, err := do(t, d, key, func() (answer, error) { return made, nil }); err != nil {
			t.Fatal(err)
		}
		other := key
		other.Print = "POST /visits b"
		_, _, err := do(t, d, other, func() (answer, error) {
			t.Error("acted on a refused request")
			return made, nil
		})
		if !fault.Is(err, "idempotency_mismatch") || fault.KindOf(err) != fault.Conflict {
			t.Fatalf("got %v", err)
		}
	})
}

func TestKeysOfTwoActorsNeverMeet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for round := range 2 {
			for _, actor := range []string{"person:1", "person:2"} {
				k, own := key, made
				k.Actor, own.Visit = actor, actor
				got, replayed, err := do(t, d, k, func() (answer, error) { return own, nil })
				if err != nil || replayed != (round == 1) || got != own {
					t.Fatalf("%s: %+v, replayed %v, err %v", actor, got, replayed, err)
				}
			}
		}
	})
}

func TestRequestWithoutKeyActsEveryTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		acts := 0
		for range 2 {
			_, replayed, err := do(t, d, once.Key{Actor: "person:1"}, func() (answer, error) { acts++; return made, nil })
			if err != nil || replayed {
				t.Fatalf("replayed %v, err %v", replayed, err)
			}
		}
		if acts != 2 {
			t.Fatalf("acted %d times", acts)
		}
	})
}

func TestFailedActLeavesTheKeyFree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		refused := errors.New("refused")
		if _, _, err := do(t, d, key, func() (answer, error) { return answer{}, refused }); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		if out, replayed, err := do(t, d, key, func() (answer, error) { return made, nil }); err != nil || replayed || out != made {
			t.Fatalf("got %v, replayed %v, err %v", out, replayed, err)
		}
	})
}

func TestOfTwoRacersOneActsAndBothGetItsAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var acts, replays int
		var mu sync.Mutex
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				out, replayed, err := do(t, d, key, func() (answer, error) {
					mu.Lock()
					defer mu.Unlock()
					acts++
					return made, nil
				})
				mu.Lock()
				defer mu.Unlock()
				if replayed {
					replays++
				}
				if err != nil || out != made {
					t.Errorf("got %v, err %v", out, err)
				}
			})
		}
		group.Wait()
		if acts != 1 || replays != 7 {
			t.Errorf("%d acts and %d replays, want 1 and 7", acts, replays)
		}
	})
}

// SEC-9: answers are kept for seven days.
func TestAnswersAreForgottenAfterSevenDays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if _, _, err := do(t, d, key, func() (answer, error) { return made, nil }); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			at   time.Time
			want int64
		}{{now.Add(once.Kept), 0}, {now.Add(once.Kept + time.Millisecond), 1}} {
			if got := forget(t, d, c.at.Add(-once.Kept)); got != c.want {
				t.Errorf("at %v forgot %d, want %d", c.at, got, c.want)
			}
		}
	})
}

func forget(t *testing.T, d *db.DB, before time.Time) (n int64) {
	t.Helper()
	err := d.Write(t.Context(), func(tx bun.IDB) (err error) {
		n, err = once.Forget(t.Context(), tx, before)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
