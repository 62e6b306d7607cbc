package scheduler

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// The results a run can have, as metric labels.
const (
	resultOK      = "ok"
	resultError   = "error"
	resultPanic   = "panic"
	resultSkipped = "skipped" // another instance holds the lease
)

func resultOf(err error) string {
	var caught *panicError
	switch {
	case err == nil:
		return resultOK
	case errors.As(err, &caught):
		return resultPanic
	}
	return resultError
}

// Numbers are the counts of one sweep in this process, for metrics.
type Numbers struct {
	Sweep   string
	Runs    map[string]int64 // result ok, error, panic or skipped → count
	Seconds float64          // spent in runs altogether
}

type numbers struct {
	finished atomic.Int64 // runs of any sweep and any result; the watchdog looks whether it grows
	mu       sync.Mutex
	order    []string
	bySweep  map[string]*Numbers
}

func (n *numbers) init(sweeps []Sweep) {
	n.bySweep = make(map[string]*Numbers, len(sweeps))
	for _, w := range sweeps {
		n.order = append(n.order, w.Name)
		n.bySweep[w.Name] = &Numbers{Sweep: w.Name, Runs: map[string]int64{
			resultOK: 0, resultError: 0, resultPanic: 0, resultSkipped: 0,
		}}
	}
}

func (n *numbers) count(sweep, result string, took time.Duration) {
	n.finished.Add(1)
	n.mu.Lock()
	defer n.mu.Unlock()
	one := n.bySweep[sweep]
	one.Runs[result]++
	one.Seconds += took.Seconds()
}

// Numbers gives the counts of all sweeps since the start of the process, in the
// order given to New.
func (s *Scheduler) Numbers() []Numbers {
	n := &s.numbers
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]Numbers, len(n.order))
	for i, name := range n.order {
		all[i] = *n.bySweep[name]
		all[i].Runs = maps.Clone(all[i].Runs)
	}
	return all
}

// OldestOverdue gives what the watchdog found last: how long the oldest overdue
// row waits that is not on hold (DL-7). Before its first look it is 0.
func (s *Scheduler) OldestOverdue() time.Duration { return time.Duration(s.overdue.Load()) }
