package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"lianban/inspection"
)

// startup measures how long serve takes to be ready on the database of a city
// after a year, and how much memory it then holds, beside an empty database.
func (b *bench) startup() error {
	visits, leaves := 6_000, 300_000
	if b.small {
		visits, leaves = 20, 1_000
	}
	empty, err := b.startIn(func(string) error { return nil })
	if err != nil {
		return err
	}
	year, err := b.startIn(func(dir string) error { return b.cityYear(dir, visits, leaves) })
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d visits, %d leaves", visits, leaves)
	return errors.Join(b.report(figure{
		Bench: "startup", Case: "serve ready, " + name, N: visits, Value: year.ready.Seconds(), Unit: "s",
		Baseline: "empty database", Against: empty.ready.Seconds(), Limit: 2,
	}), b.report(figure{
		Bench: "startup", Case: "resident, " + name, N: visits, Value: year.memory, Unit: "MB",
		Baseline: "empty database", Against: empty.memory, Limit: 100,
	}))
}

// cityYear makes the database of a year: closed visits and a long log.
func (b *bench) cityYear(dir string, visits, leaves int) error {
	s, err := b.benchWorld(dir, "")
	if err != nil {
		return err
	}
	v := s.book(s.accept(restaurant("lst", 1)), 2, "09:00")
	s.accepts(v, "lst/amr", "lst/fire", "lst/urban")
	if s.err == nil {
		s.fail("copy", s.copies(inspection.Copies{VisitID: v.ID, N: visits, Past: true}))
	}
	if s.err == nil {
		s.fail("fill the log", s.leaves(leaves))
	}
	if s.err == nil {
		s.fail("read pages", b.pages(s, v.ID, visits))
	}
	return s.close(s.err)
}

// pages measures what the pages that are open all day read from the database,
// beside the shortest of them.
func (b *bench) pages(s *stage, visit string, visits int) error {
	var one, all float64
	clerk, department := s.clerk("lst"), s.officer("lst/amr")
	for _, page := range []struct {
		name string
		read func() error
	}{
		{"one visit", func() error { _, err := s.inspection.FindVisit(s.ctx, clerk, visit); return err }},
		{"history of a visit", func() error { _, err := s.inspection.Timeline(s.ctx, clerk, visit); return err }},
		{"desk of a window", func() error { _, err := s.inspection.Today(s.ctx, clerk); return err }},
		{"list of visits", func() error { _, err := s.inspection.ListVisits(s.ctx, clerk, inspection.VisitQuery{}); return err }},
		{"inbox of a department", func() error {
			_, err := s.inspection.Inbox(s.ctx, department, inspection.InboxQuery{Limit: 200})
			return err
		}},
	} {
		all = millis(b.often(func() { s.fail("read "+page.name, page.read()) }))
		if one == 0 {
			one = all
		}
		s.fail("report", b.report(figure{
			Bench: "startup", Case: "read " + page.name, N: visits, Value: all, Unit: "ms", Baseline: "one visit", Against: one, Limit: 50,
		}))
	}
	return s.err
}

// start is one start of serve.
type start struct {
	ready  time.Duration
	memory float64 // MB resident, five seconds after it was ready
}

// startIn runs this program's own serve on what prepare has made.
func (b *bench) startIn(prepare func(dir string) error) (out start, err error) {
	err = b.directory(func(dir string) error {
		if err := prepare(dir); err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		serve := exec.CommandContext(b.ctx, self, "serve", "--data", dir, "--addr", "127.0.0.1:0", "--metrics", "") //nolint:gosec // our own program
		serve.Stderr, serve.Env = b.err, slices.DeleteFunc(os.Environ(), ours)
		log, err := serve.StdoutPipe()
		if err != nil {
			return err
		}
		begin := wall()
		if err := serve.Start(); err != nil {
			return err
		}
		out, err = b.watch(serve, log, begin)
		return errors.Join(err, serve.Process.Signal(syscall.SIGTERM), serve.Wait())
	})
	return out, err
}

// ours are the variables made for another serve.
func ours(pair string) bool { return strings.HasPrefix(pair, "LIANBAN_") }

// watch reads the log until serve says that it is ready, then waits a little
// and looks at its memory.
func (b *bench) watch(serve *exec.Cmd, log io.Reader, begin time.Time) (start, error) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg string }
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Msg != "ready" {
			continue
		}
		out := start{ready: wall().Sub(begin)}
		go func() { _, _ = io.Copy(io.Discard, log) }() // or serve would block on a full pipe
		select {
		case <-time.After(5 * time.Second):
		case <-b.ctx.Done():
		}
		out.memory = resident(serve.Process.Pid)
		return out, nil
	}
	return start{}, errors.Join(errors.New("serve did not get ready"), lines.Err())
}

// resident is the memory of a process in MB, zero where it cannot be asked.
func resident(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	return 0
}
