package main

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// DEL-301, DEL-910, DEL-952: an inspector hands over on a telephone, the window
// signs with nothing but a hand scanner's numbers and Enter.
func TestResultsAreHandedOverAndSignedForInTheBrowser(t *testing.T) {
	window := opens(t)
	base := demoRuns(t)
	window, stop := context.WithTimeout(window, time.Minute)
	defer stop()

	market := comes(window, t, base, phone)
	market.enters("唐晓芸")
	market.sees("送交结果")
	market.arrives("open the result", chromedp.Click(chromedp.Search(`//*[@id="owed"]//li[contains(., "湘味轩")]//a`)))
	today, err := chromedp.Run(market.ctx, chromedp.Evaluate[string](`document.querySelector("#release-decided_on").max`))
	if err != nil {
		market.fail("read today: %v", err)
	}
	market.do("date", chromedp.SetValue(chromedp.CSS("#release-decided_on"), today))
	market.do("class", chromedp.SetValue(chromedp.CSS("#release-class1"), "certificate"))
	market.do("title", chromedp.SetValue(chromedp.CSS("#release-title1"), "食品经营许可证"))
	market.press("送交窗口")
	market.sees("待签收")
	number := market.reads(`//ul[@class="rows"]//a[@class="number"]`)

	clerk := comes(window, t, base, desk)
	clerk.enters("王敏")
	clerk.press("签收")
	clerk.arrives("scan", chromedp.SendKeys(chromedp.CSS("#scan-scan"), number+kb.Enter))
	clerk.fill("实际签收件数", "1")
	clerk.pressIn(`//form[contains(@action, "/accept")]`, "签收")
	clerk.sees("已签收")
	clerk.press("齐套")
	clerk.open("/sets?q=湘味轩")
	clerk.arrives("open the case", chromedp.Click(chromedp.CSS("ul.rows .line strong a")))
	clerk.sees("已齐套", "市场监督管理局")
	clerk.arrives("open item", chromedp.Click(chromedp.CSS("#set table a")))
	clerk.lang = "en"
	for _, path := range []string{"/sets?lang=en", "/transfers"} {
		clerk.open(path)
	}
}
