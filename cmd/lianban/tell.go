package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"golang.org/x/text/width"

	"lianban/scheduler/workday"
)

// teller prints a story on the terminal: who does what, and what comes of it.
// Colours are for terminals only.
type teller struct {
	out    io.Writer
	colour bool
	day    workday.Date
}

func newTeller(out io.Writer) *teller {
	return &teller{out: out, colour: terminal(out) && os.Getenv("NO_COLOR") == ""}
}

// terminal reports whether somebody looks at what is written to w.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

const (
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	green = "\x1b[32m"
	plain = "\x1b[0m"
)

func (t *teller) paint(style, text string) string {
	if !t.colour {
		return text
	}
	return style + text + plain
}

// act prints one step: the time, a heading for each new day, who and what.
func (t *teller) act(at time.Time, who, what string) {
	if day := workday.DateOf(at); day != t.day {
		t.day = day
		fmt.Fprintf(t.out, "\n%s\n", t.paint(faint, "── "+dayText(day)+" "+strings.Repeat("─", 40)))
	}
	clock := at.In(workday.Shanghai).Format("15:04")
	fmt.Fprintf(t.out, "\n%s  %s  %s\n", t.paint(faint, clock), t.paint(bold, who), what)
}

// see prints what that person sees.
func (t *teller) see(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Fprintf(t.out, "         %s\n", strings.TrimRight(line, "\n"))
	}
}

// result prints what came of it.
func (t *teller) result(format string, args ...any) {
	fmt.Fprintf(t.out, "       %s %s\n", t.paint(green, "→"), fmt.Sprintf(format, args...))
}

// padded fills a text up to a number of columns; a Chinese character takes two.
func padded(text string, columns int) string {
	for _, r := range text {
		columns--
		if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
			columns--
		}
	}
	return text + strings.Repeat(" ", max(columns, 1))
}

var weekdays = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}

func dayText(d workday.Date) string { return d.String() + " " + weekdays[d.Weekday()] }

// clockText is an instant as people read it, in Shanghai.
func clockText(t time.Time) string { return t.In(workday.Shanghai).Format("01-02 15:04") }
