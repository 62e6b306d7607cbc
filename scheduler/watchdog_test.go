package scheduler

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lianban/internal/db/dbtest"
)

func noneOverdue(context.Context) (time.Duration, error) { return 0, nil }

func TestProcessEndsWhenNoSweepEndsForFiveMinutes(t *testing.T) { // DL-7
	synctest.Test(t, func(t *testing.T) {
		var hang atomic.Bool
		s := newScheduler(t, dbtest.SQLite(t), time.Now, Sweep{Name: "w", Every: 5 * time.Second,
			Run: func(ctx context.Context) error {
				if hang.Load() {
					<-ctx.Done()
				}
				return nil
			}})
		start(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		var stalls atomic.Int64
		done := make(chan struct{})
		go func() {
			s.Watch(ctx, noneOverdue, func() { stalls.Add(1) })
			close(done)
		}()
		time.Sleep(20 * time.Minute)
		if stalls.Load() != 0 {
			t.Error("a stall was reported while sweeps ran")
		}
		hang.Store(true)
		time.Sleep(290 * time.Second)
		if stalls.Load() != 0 {
			t.Error("a stall was reported before 300 s")
		}
		time.Sleep(time.Minute)
		if stalls.Load() != 1 {
			t.Errorf("%d stalls reported, want 1", stalls.Load())
		}
		cancel()
		<-done
		stop(t, s)
	})
}

func TestWatchdogAlarmsWhenRowsAreOverdue(t *testing.T) { // DL-7, STY-49
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s, err := New(dbtest.SQLite(t), time.Now, slog.New(slog.NewTextHandler(&out, nil)))
		if err != nil {
			t.Fatal(err)
		}
		var oldest atomic.Int64 // seconds; below 0 the tables do not answer
		oldest.Store(59)
		overdue := func(context.Context) (time.Duration, error) {
			if n := oldest.Load(); n >= 0 {
				return time.Duration(n) * time.Second, nil
			}
			return 0, errors.New("database away")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan struct{})
		go func() {
			s.Watch(ctx, overdue, func() {})
			close(done)
		}()
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if out.Len() > 0 || s.OldestOverdue() != 59*time.Second {
			t.Errorf("at 59 s: %s, log %s", s.OldestOverdue(), out.String())
		}
		oldest.Store(61)
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if !strings.Contains(out.String(), "oldest_overdue_seconds=61") {
			t.Errorf("no alarm at 61 s: %s", out.String())
		}
		oldest.Store(-1)
		<-done
		if !strings.Contains(out.String(), "database away") {
			t.Errorf("the watchdog kept quiet about its own trouble: %s", out.String())
		}
	})
}

func TestWatchdogSeesAStallWhileTheTablesDoNotAnswer(t *testing.T) { // DL-7
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, dbtest.SQLite(t), time.Now)
		stalled := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		hang := func(ctx context.Context) (time.Duration, error) {
			<-ctx.Done() // until the watchdog's patience ends
			return 0, ctx.Err()
		}
		go s.Watch(ctx, hang, func() { close(stalled) })
		<-stalled
	})
}
