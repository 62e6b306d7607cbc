package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// DEL-605: a slip of the finger is no signature; a real one is still there when
// the form comes back for another reason, so nobody signs twice. DEL-529: a wrong
// tap is taken back.
func TestAReceiverSignsOnTheCouriersTelephoneInTheBrowser(t *testing.T) {
	window := opens(t)
	base := demoRuns(t)
	window, stop := context.WithTimeout(window, 3*time.Minute)
	defer stop()

	courier := comes(window, t, base, phone)
	courier.enters("刘燚")
	courier.arrives("open the next stop", chromedp.Click(chromedp.CSS("a.stop")))
	courier.press("到达门口")
	courier.sees("已到达", "60 秒内")
	courier.press("撤销刚才的登记")
	courier.sees("已撤销", "派送中")
	courier.do("recipient", chromedp.Click(chromedp.CSS(`#deliver input[value="recipient"]`)))
	courier.fill("签收人姓名", "欧阳修")
	courier.fill("证件号后四位", "0000")

	courier.draws([2]float64{.1, .1}, [2]float64{.12, .12})
	courier.isRefused("请收件人重新签上姓名")
	courier.draws([2]float64{.2, .2}, [2]float64{.7, .3}, [2]float64{.2, .6}, [2]float64{.8, .9})
	courier.draws([2]float64{.5, .1}, [2]float64{.5, .9})
	courier.draws([2]float64{.2, .9}, [2]float64{.8, .5})
	if signed := courier.signature(); signed != "4 strokes, 1 picture" { // the slip is still there, too
		t.Errorf("drawn: %s", signed)
	}
	courier.isRefused("后四位")
	if signed := courier.signature(); signed != "4 strokes, 1 picture" {
		t.Errorf("after the form came back: %s", signed)
	}
	courier.do("sign again", chromedp.Click(named(`//*[@id="deliver"]`, "重签")))
	if signed := courier.signature(); signed != "0 strokes, 0 picture" {
		t.Errorf("cleared: %s", signed)
	}
}

// draws moves the pressed finger over the pad, from point to point in parts of its
// width and height.
func (v *visitor) draws(points ...[2]float64) {
	v.t.Helper()
	pad, err := chromedp.Run(v.ctx, chromedp.Evaluate[[]float64](`(() => {
		const canvas = document.querySelector("canvas.pad");
		canvas.scrollIntoView({block: "center", behavior: "instant"});
		const r = canvas.getBoundingClientRect();
		return [r.x, r.y, r.width, r.height];
	})()`))
	if err != nil {
		v.fail("find the pad: %v", err)
	}
	at := func(p [2]float64) (x, y float64) { return pad[0] + p[0]*pad[2], pad[1] + p[1]*pad[3] }
	x, y := at(points[0])
	steps := []chromedp.Action[chromedp.Void]{chromedp.MouseEvent(chromedp.MousePressed, x, y, chromedp.ButtonLeft)}
	for _, p := range points[1:] {
		x, y = at(p)
		steps = append(steps, chromedp.MouseEvent(chromedp.MouseMoved, x, y, chromedp.ButtonLeft))
	}
	v.do("draw", append(steps, chromedp.MouseEvent(chromedp.MouseReleased, x, y, chromedp.ButtonLeft))...)
}

// signature says what the form would send of the pad.
func (v *visitor) signature() string {
	v.t.Helper()
	out, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](`new Promise((done) => setTimeout(() => {
		const drawn = document.querySelector("[name=drawn]").value;
		const pictures = document.querySelector("#signature").files.length;
		done((drawn ? JSON.parse(drawn).strokes.length : 0) + " strokes, " + pictures + " picture");
	}, 200))`, chromedp.EvalAwaitPromise))
	if err != nil {
		v.fail("read the pad: %v", err)
	}
	return out
}

// isRefused sends the form of the door and waits for the word that comes back with
// it: the page's script puts it there without another navigation.
func (v *visitor) isRefused(word string) {
	v.t.Helper()
	v.do("send", chromedp.Click(named(`//*[@id="deliver"]`, "确认妥投")),
		chromedp.WaitVisible(chromedp.Search(fmt.Sprintf(`//p[@class="error"][contains(normalize-space(), %q)]`, word))))
	v.mu.Lock()
	v.troubles = nil // the browser notes each answer that is a refusal
	v.mu.Unlock()
}
