package main

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lianban/scheduler/workday"
)

// The main job as people do it (design section 1): a clerk, an inspector on a
// telephone, somebody with nothing but a link, and a department that stays
// silent. STK-83
func TestMainJobIsDoneInTheBrowser(t *testing.T) {
	window := opens(t)
	base := demoRuns(t)
	window, stop := context.WithTimeout(window, 5*time.Minute)
	defer stop()

	clerk := comes(window, t, base, desk)
	clerk.enters("王敏")
	clerk.takesIn()
	visit := clerk.books()

	fire := comes(window, t, base, phone)
	fire.enters("周志强")
	fire.accepts()

	urban := comes(window, t, base, phone)
	urban.answersByLink(clerk.readsMail("冷水滩区城市管理和综合执法局"))

	clerk.open(visit)
	clerk.waitsForSilence()
	clerk.goesToTheVisit()
	fire.opines("疏散通道畅通，灭火器配置符合要求。")
	urban.signsIn("urban.lst2")
	urban.opines("店招尺寸与样式符合规定。")
	clerk.open(visit)
	number := clerk.closes()
	clerk.proves(visit)

	clerk.lang = "en"
	for _, path := range []string{"/?lang=en", visit, visit + "/opinion", "/cases/new", "/cases", "/visits", "/outbox", "/queue", "/evidence"} {
		clerk.open(path)
	}
	clerk.open(visit)
	clerk.sees("Joint opinion", number)
	fire.lang = "en"
	fire.open("/?lang=en")
	fire.open("/inbox/" + visit[len("/visits/"):])
}

const premises = "冷水滩区梅湾路204号"

// enters signs in by the button of the demonstration.
func (v *visitor) enters(name string) {
	v.t.Helper()
	v.open("/login")
	v.arrives("sign in as "+name, chromedp.Click(chromedp.Search(`//form[@action="/demo/login"]//button[contains(., "`+name+`")]`)))
}

// signsIn types name and password.
func (v *visitor) signsIn(login string) {
	v.t.Helper()
	v.open("/login")
	v.fill("登录名", login)
	v.fill("密码", demoPassword)
	v.press("登录")
}

// takesIn registers a restaurant and sees who comes, and on which clause.
func (v *visitor) takesIn() {
	v.t.Helper()
	v.press("登记办件")
	v.fill("搜索", "饭店")
	v.press("搜索")
	v.pressIn(`//tr[contains(., "M03")]`, "选择")
	v.fill("经营场所的建筑面积", "120")
	v.fill("装修改造工程的投资额", "0")
	v.choose("门店招牌", "是")
	for _, question := range []string{"装修或者改造", "厨房", "集中空调", "文物保护单位"} {
		v.choose(question, "否")
	}
	v.fill("名称或姓名", "湘江渔庄")
	v.fill("联系电话", "13807461299")
	v.do("choose the district", chromedp.SendKeys(chromedp.CSS("#division"), "冷水滩区"))
	v.fill("详细地址", premises)
	v.press("预览参加部门")
	v.sees("市场监管", "每次都参加", "消防救援", "满足：建筑面积 ≥ 50 ㎡（填报 120 ㎡）", "城管")
	v.press("受理")
	v.sees("湘江渔庄", premises)
}

// books takes the best time, and gives the address of the visit.
func (v *visitor) books() string {
	v.t.Helper()
	v.press("发起联合踏勘")
	v.sees("推荐时间", "首选", "各部门空闲情况")
	v.pressIn(`//div[contains(@class,"best")]`, "占位")
	v.press("确认约定并通知")
	v.sees("已约，待反馈")
	at, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](`location.pathname`))
	if err != nil {
		v.fail("read the address: %v", err)
	}
	return at
}

// accepts opens the notice in the inbox and says that the department comes.
func (v *visitor) accepts() {
	v.t.Helper()
	v.opensUntil("/inbox", `//li[contains(., "`+premises+`")]//*[contains(@class, "due")]`) // it has arrived
	v.pressIn(`//li[contains(., "`+premises+`")]`, "打开通知")
	v.sees("视为同意", premises)
	v.choose("请选择", "应约")
	v.press("提交反馈")
	v.sees("反馈已记录")
}

// readsMail gives link and code of the mail that went to a department.
func (v *visitor) readsMail(department string) (link, code string) {
	v.t.Helper()
	mail := `//li[contains(., "` + premises + `") and contains(p, "` + department + `")]`
	v.opensUntil("/outbox?channel=mail&q="+department, mail)
	text := v.reads(mail)
	found := regexp.MustCompile(`(?s)(http://\S+/r/\w+).*反馈码：(\d{6})`).FindStringSubmatch(text)
	if found == nil {
		v.fail("no link and no code in %q", text)
	}
	return found[1], found[2]
}

// answersByLink answers with nothing but the mail.
func (v *visitor) answersByLink(link, code string) {
	v.t.Helper()
	v.arrives("open the link", chromedp.Navigate(link))
	v.choose("请选择", "应约")
	v.fill("反馈码", code)
	v.press("提交反馈")
	v.sees("反馈已收到")
}

// waitsForSilence moves the clock from deadline to deadline until one
// department is deemed to consent, and reads how the deadline was counted.
func (v *visitor) waitsForSilence() {
	v.t.Helper()
	for range 20 {
		if v.finds(".part .note.deemed") {
			break
		}
		v.press("到下一个期限")
	}
	v.sees("视同", "个工作日；截止", "市场监督管理局")
}

// goesToTheVisit moves the clock to the visit and starts it.
func (v *visitor) goesToTheVisit() {
	v.t.Helper()
	start := v.instant(".facts strong time")
	for range 20 {
		now := v.instant(".demo time")
		switch {
		case workday.DateOf(now).Before(workday.DateOf(start)):
			v.press("明早")
		case now.Before(start):
			v.press("+1 小时")
		default:
			v.press("开始勘验")
			return
		}
	}
	v.fail("the clock does not come to %v", start)
}

// opines signs the opinion of the visitor's department.
func (v *visitor) opines(text string) {
	v.t.Helper()
	v.open("/inbox")
	v.arrives("open the visit", chromedp.Click(chromedp.Search(`//li[contains(., "`+premises+`")]//a`)))
	v.choose("意见", "同意")
	v.fill("说明", text)
	v.press("签署意见")
}

// closes ends the visit and gives the number of the joint opinion.
func (v *visitor) closes() string {
	v.t.Helper()
	v.press("结束现场部分")
	v.press("出具联合意见书")
	v.press("查看和打印")
	v.sees("联合勘验意见书", "视为同意（记录单")
	number := regexp.MustCompile(`联勘〔20\d\d〕431103-\d{6}`).FindString(v.reads("//article"))
	if number == "" {
		v.fail("the joint opinion has no number")
	}
	return number
}

// proves downloads the evidence of the silent department and lets the house
// verify it.
func (v *visitor) proves(visit string) {
	v.t.Helper()
	v.open(visit)
	bundle := v.downloads(`//article[contains(.//h3, "市场监督")]`, "下载证据包")
	v.do("open the rest of the menu", chromedp.Click(named("", "更多"), chromedp.NodeVisible))
	v.press("证据")
	v.do("choose the file", chromedp.SetUploadFiles(chromedp.CSS(`input[type=file]`), []string{bundle}))
	v.press("核验")
	v.sees("通过")
}
