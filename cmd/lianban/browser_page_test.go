package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// What a page must be for everybody is asked of every page that a test visits,
// see pageCheck.
//
//go:embed testdata/page_check.js
var pageCheck string

// desk and phone are the widths that pages are looked at, in CSS pixels.
const desk, phone = 1280, 390

// browserFound gives the program of a browser, or skips.
func browserFound(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium on this machine: install the package chromium to run the tests in a browser")
	return ""
}

// demoRuns serves the demonstration on a port of its own and gives its address.
func demoRuns(t *testing.T) string {
	t.Helper()
	a, _ := newTestApp(t)
	var stop context.CancelFunc
	a.ctx, stop = context.WithCancel(t.Context())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.demo(l, day(t, anyTuesday)) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	base := "http://" + l.Addr().String()
	answer, err := http.Get(base + "/login") //nolint:noctx // it waits in the listener until the city is built
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return base
}

// visitor is one person in front of a browser window. What goes wrong on any
// page ends the test with the page's address.
type visitor struct {
	t     *testing.T
	ctx   context.Context
	base  string
	lang  string
	width int64

	mu       sync.Mutex
	troubles []string // what the browser itself complained about
}

// opens starts the browser that all visitors of a test share.
func opens(t *testing.T) context.Context {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(browserFound(t)), chromedp.NoSandbox, chromedp.Flag("accept-lang", "zh-CN"))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	t.Cleanup(closeBrowser)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// comes gives a person a window with no cookies in it.
func comes(ctx context.Context, t *testing.T, base string, width int64) *visitor {
	t.Helper()
	v := &visitor{t: t, base: base, lang: "zh-CN", width: width}
	var leave context.CancelFunc
	v.ctx, leave = chromedp.NewContext(ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(v.hears))
	t.Cleanup(leave)
	if err := chromedp.Do(v.ctx); err != nil { // the window stays open as long as this context
		t.Fatal(err)
	}
	v.do("set the window up", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, log.Enable, cdp.Empty{})
		return err
	}), chromedp.EmulateViewport(width, 800))
	return v
}

// hears collects what no page may do: ask another host, or fail in the console.
func (v *visitor) hears(event any) {
	trouble := ""
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		// data: is the browser drawing its own fields; the policy forbids it to pages
		if !strings.HasPrefix(e.Request.URL, v.base+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			trouble = "asks elsewhere: " + e.Request.URL
		}
	case *runtime.EventExceptionThrown:
		trouble = "exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		trouble = fmt.Sprintf("console %s: %v", e.Type, e.Args)
	case *log.EventEntryAdded:
		trouble = fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	}
	if trouble == "" {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.troubles = append(v.troubles, trouble)
}

// patience is how long a step may take; moving the clock over a day is the
// longest one.
const patience = time.Minute

func (v *visitor) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, stop := context.WithTimeout(v.ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.fail("%s: %v", what, err)
	}
}

// fail ends the test with where it was and, if LIANBAN_SHOTS names a directory,
// with a picture of it.
func (v *visitor) fail(format string, args ...any) {
	v.t.Helper()
	if picture, err := chromedp.Run(v.ctx, chromedp.FullScreenshot(90)); err == nil {
		if dir := os.Getenv("LIANBAN_SHOTS"); dir != "" {
			_ = os.WriteFile(filepath.Join(dir, "failed.png"), picture, 0o600)
		}
	}
	where, _ := chromedp.Run(v.ctx, chromedp.Location())
	v.t.Fatalf("%s: %s", where, fmt.Sprintf(format, args...))
}

// arrives does what leads to another page, and looks at that page.
func (v *visitor) arrives(what string, step chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, stop := context.WithTimeout(v.ctx, patience)
	defer stop()
	answer, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		v.fail("%s: %v", what, err)
	}
	if answer.Status != http.StatusOK {
		v.fail("%s: status %d", what, answer.Status)
	}
	v.looks()
}

// looks checks the page at its width and, for all of them, on a telephone.
func (v *visitor) looks() {
	v.t.Helper()
	wrong := v.asks("(" + pageCheck + ")(" + fmt.Sprintf("%q", v.lang) + ")")
	if v.width != phone {
		v.do("narrow the window", chromedp.EmulateViewport(phone, 800))
		wrong = append(wrong, v.asks("("+pageCheck+")."+"overflow()")...)
		v.do("widen the window", chromedp.EmulateViewport(v.width, 800))
	}
	v.mu.Lock()
	wrong = append(wrong, v.troubles...)
	v.troubles = nil
	v.mu.Unlock()
	for _, one := range wrong {
		where, _ := chromedp.Run(v.ctx, chromedp.Location())
		v.t.Errorf("%s: %s", strings.TrimPrefix(where, v.base), one)
	}
}

func (v *visitor) asks(expression string) []string {
	v.t.Helper()
	out, err := chromedp.Run(v.ctx, chromedp.Evaluate[[]string](expression))
	if err != nil {
		v.fail("check the page: %v", err)
	}
	return out
}

func (v *visitor) open(path string) {
	v.t.Helper()
	v.arrives("open "+path, chromedp.Navigate(v.base+path))
}

// opensUntil opens a page anew until it shows an element: what is sent by a
// sweep takes some seconds to arrive.
func (v *visitor) opensUntil(path, element string) {
	v.t.Helper()
	v.open(path)
	script := fmt.Sprintf(`document.evaluate(%q, document, null, XPathResult.BOOLEAN_TYPE).booleanValue`, element)
	for {
		found, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](script))
		if err != nil {
			v.fail("wait for %s: %v", element, err)
		}
		if found {
			return
		}
		v.do("reload", chromedp.Reload())
	}
}

// named finds a button or link by what it says, within an element.
func named(within, text string) chromedp.Search {
	return chromedp.Search(fmt.Sprintf(
		`%s//*[self::a or self::button or self::summary][not(@aria-hidden)][normalize-space()=%q]`, within, text))
}

// press presses the button or link of that name.
func (v *visitor) press(text string) {
	v.t.Helper()
	v.pressIn("", text)
}

func (v *visitor) pressIn(within, text string) {
	v.t.Helper()
	v.arrives("press "+text, chromedp.Click(named(within, text), chromedp.NodeVisible))
}

// fill types into the field that bears a label.
func (v *visitor) fill(label, text string) {
	v.t.Helper()
	field := chromedp.Search(fmt.Sprintf(`//*[@id=//label[starts-with(normalize-space(), %q)]/@for]`, label))
	v.do("fill "+label, chromedp.SendKeys(field, text, chromedp.NodeVisible))
}

// choose ticks a choice of a question.
func (v *visitor) choose(question, choice string) {
	v.t.Helper()
	box := chromedp.Search(fmt.Sprintf(
		`//fieldset[legend[contains(normalize-space(), %q)]]//label[starts-with(normalize-space(), %q)]`, question, choice))
	v.do("choose "+choice+" of "+question, chromedp.Click(box, chromedp.NodeVisible))
}

// sees wants words on the page, in what can be read without unfolding anything.
func (v *visitor) sees(words ...string) {
	v.t.Helper()
	text, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		v.fail("read the page: %v", err)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			v.fail("the page does not say %q", w)
		}
	}
}

// reads gives the whole text of an element, folded or not.
func (v *visitor) reads(path string) string {
	v.t.Helper()
	text, err := chromedp.Run(v.ctx, chromedp.TextContent(chromedp.Search(path)))
	if err != nil {
		v.fail("read %s: %v", path, err)
	}
	return text
}

// finds reports whether the page has an element.
func (v *visitor) finds(css string) bool {
	v.t.Helper()
	found, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelector(%q) !== null`, css)))
	if err != nil {
		v.fail("look for %s: %v", css, err)
	}
	return found
}

// instant reads the time that an element shows.
func (v *visitor) instant(css string) time.Time {
	v.t.Helper()
	text, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q).dateTime`, css)))
	at, wrong := time.Parse(time.RFC3339, text)
	if err != nil || wrong != nil {
		v.fail("read the time of %s: %v", css, err)
	}
	return at
}

// downloads presses a link that gives a file, and gives the file's name.
func (v *visitor) downloads(within, text string) string {
	v.t.Helper()
	dir := v.t.TempDir()
	told := true
	v.do("prepare the download", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
			Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: dir, EventsEnabled: &told,
			BrowserContextID: chromedp.FromContext(v.ctx).BrowserContextID,
		})
		return err
	}))
	progress := chromedp.BrowserEvents(v.ctx, browser.DownloadProgress)
	v.do("press "+text, chromedp.Click(named(within, text), chromedp.NodeVisible))
	for p, err := range progress {
		if err != nil {
			v.fail("download: %v", err)
		}
		if p.State == browser.DownloadProgressStateCompleted {
			name := filepath.Join(dir, p.GUID)
			if err := os.Rename(name, name+".zip"); err != nil {
				v.t.Fatal(err)
			}
			return name + ".zip"
		}
	}
	return ""
}
