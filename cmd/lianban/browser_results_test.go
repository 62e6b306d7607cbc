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

	fire := comes(window, t, base, phone)
	fire.enters("周志强")
	fire.sees("送交结果")
	fire.arrives("open the result", chromedp.Click(chromedp.CSS("#owed a")))
	today, err := chromedp.Run(fire.ctx, chromedp.Evaluate[string](`document.querySelector("#release-decided_on").max`))
	if err != nil {
		fire.fail("read today: %v", err)
	}
	fire.do("date", chromedp.SetValue(chromedp.CSS("#release-decided_on"), today))
	fire.do("class", chromedp.SetValue(chromedp.CSS("#release-class1"), "certificate"))
	fire.do("title", chromedp.SetValue(chromedp.CSS("#release-title1"), "公众聚集场所消防安全检查合格证"))
	fire.press("送交窗口")
	fire.sees("待签收")
	number := fire.reads(`//ul[@class="rows"]//a[@class="number"]`)

	clerk := comes(window, t, base, desk)
	clerk.enters("王敏")
	clerk.press("签收")
	clerk.arrives("scan", chromedp.SendKeys(chromedp.CSS("#scan-scan"), number+kb.Enter))
	clerk.fill("实际签收件数", "1")
	clerk.pressIn(`//form[contains(@action, "/accept")]`, "签收")
	clerk.sees("已签收")
	clerk.press("齐套")
	clerk.arrives("open the case", chromedp.Click(chromedp.CSS("ul.rows .line strong a")))
	clerk.sees("未齐套", "消防")
	clerk.arrives("open item", chromedp.Click(chromedp.CSS("#set table a")))
	clerk.lang = "en"
	for _, path := range []string{"/sets?lang=en", "/transfers"} {
		clerk.open(path)
	}
}
