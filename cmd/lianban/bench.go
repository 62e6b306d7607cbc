package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
)

// benchCommand measures what the project promises, each figure beside its
// baseline in the same run.
type benchCommand struct {
	Kind  string `arg:"" enum:"slots,booking,sweep,lateness,startup,delivery,labels,route,all" help:"slots、booking、sweep、lateness、startup、delivery、labels、route 或 all|slots, booking, sweep, lateness, startup, delivery, labels, route or all."`
	Small bool   `help:"小规模，只看能否运行|A small run, only to see that it works."`
}

// figure is one line of the report.
type figure struct {
	Bench    string  `json:"bench"`
	Case     string  `json:"case"`
	N        int     `json:"n,omitempty"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Baseline string  `json:"baseline,omitempty"`
	Against  float64 `json:"baseline_value,omitempty"` // in the same unit
	Limit    float64 `json:"limit,omitempty"`
	OK       bool    `json:"ok"`
}

// bench reports figures: JSON lines on the output, words beside them.
type bench struct {
	*app
	small bool
	over  int
}

// Run measures; it ends with 1 when a limit was missed.
func (c *benchCommand) Run(a *app) error {
	b := &bench{app: a, small: c.Small}
	for _, kind := range []struct {
		name string
		run  func() error
	}{{"slots", b.slots}, {"booking", b.booking}, {"sweep", b.sweep}, {"lateness", b.lateness}, {"startup", b.startup}, {"delivery", b.delivery}, {"labels", b.labels}, {"route", b.route}} {
		if c.Kind != kind.name && c.Kind != "all" {
			continue
		}
		if err := kind.run(); err != nil {
			return fmt.Errorf("bench %s: %w", kind.name, err)
		}
	}
	if b.over > 0 {
		return exit(exitFailure)
	}
	return nil
}

// report prints a figure. A limit of zero is none; the limits are for a full
// run.
func (b *bench) report(f figure) error {
	f.OK = f.Limit == 0 || f.Value <= f.Limit
	if !f.OK && !b.small {
		b.over++
	}
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	words := fmt.Sprintf("%-8s %-34s %10s %s", f.Bench, f.Case, humanize.FtoaWithDigits(f.Value, 2), f.Unit)
	if f.Baseline != "" {
		words += fmt.Sprintf("   %s %s", f.Baseline, humanize.FtoaWithDigits(f.Against, 2))
	}
	if f.Limit > 0 {
		words += fmt.Sprintf("   ≤ %s", humanize.FtoaWithDigits(f.Limit, 2))
	}
	if !f.OK {
		words += "   OVER"
	}
	fmt.Fprintln(b.err, words)
	_, err = fmt.Fprintf(b.out, "%s\n", line)
	return err
}

// directory is a place for one measurement, gone afterwards.
func (b *bench) directory(use func(dir string) error) error {
	dir, err := os.MkdirTemp("", "lianban-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a left-over directory in the temporary place hurts nobody
	return use(dir)
}

// often measures something quick: the best of ten batches that take a
// twentieth of a second each, since other programs can only slow it down.
func (b *bench) often(do func()) time.Duration {
	if b.small {
		return timed(do)
	}
	n := 1
	for ; ; n *= 2 {
		if timed(func() { repeat(n, do) }) > 50*time.Millisecond {
			break
		}
	}
	best := time.Hour
	for range 10 {
		best = min(best, timed(func() { repeat(n, do) })/time.Duration(n))
	}
	return best
}

func repeat(n int, do func()) {
	for range n {
		do()
	}
}

func timed(do func()) time.Duration {
	begin := wall()
	do()
	return wall().Sub(begin)
}

func median(times []time.Duration) time.Duration { return quantile(times, 0.5) }

func quantile(times []time.Duration, q float64) time.Duration {
	slices.Sort(times)
	return times[min(len(times)-1, int(q*float64(len(times))))]
}

// The units of figures.
func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
