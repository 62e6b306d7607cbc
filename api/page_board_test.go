package api

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"lianban/inspection"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

var startButton = regexp.MustCompile(`<button class="primary" name="start" value="([^"]+)"`)
var offerForm = regexp.MustCompile(`(?s)<form method="post" action="/visits/[^"]+/hold">.*?</form>`)
var hiddenField = regexp.MustCompile(`name="(start|resource)" value="([^"]+)"`)

// newBoard is a draft visit with its board.
func newBoard(t *testing.T) (*stage, string) {
	t.Helper()
	s := &stage{world: newWorld(t)}
	s.draft = s.plan(s.accept("梧桐路早餐店", inspection.YesNo(true)))
	return s, "/visits/" + s.draft.ID
}

// firstOffer is what the best card's button sends.
func firstOffer(page *seen) url.Values {
	form := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(offerForm.FindString(page.body), -1) {
		form.Add(m[1], m[2])
	}
	return form
}

// INS-501, STK-55
func TestBoardOffersTheBestTimesAndShowsWhoIsFree(t *testing.T) {
	s, at := newBoard(t)
	page := s.browse("clerk", at+"/board", nil).is(http.StatusOK).says("推荐时间", "首选", "张䶮", "各部门空闲情况", "全部部门", "3 人", "11月19日 周四")
	if !strings.Contains(page.body, `<th scope="col">09:30</th>`) || !strings.Contains(page.body, `<table class="board">`) {
		t.Error("the matrix is no table with its columns")
	}
	s.browse("clerk", at+"/board?grain=15", nil).is(http.StatusOK).says("09:45")
	if got := s.browse("clerk", at+"/board?band=pm", nil).is(http.StatusOK); strings.Contains(offerForm.FindString(got.body), "T01:") {
		t.Error("the afternoon has a morning time")
	}
	s.browse("clerk", at+"/board?day=2026-11-21", nil).is(http.StatusOK).says("这一天不是工作日")
	s.browse("clerk", at+"/board?day=nonsense&band=nonsense", nil).is(http.StatusOK)
}

// INS-510, INS-601
func TestTimeIsHeldThenBooked(t *testing.T) {
	s, at := newBoard(t)
	offer := firstOffer(s.browse("clerk", at+"/board", nil))
	if got := s.browse("clerk", at+"/hold", offer).is(http.StatusSeeOther); got.to() != at+"/board#held" {
		t.Fatal(got.to())
	}
	page := s.browse("clerk", at+"/board", nil).is(http.StatusOK).says("已占位", "还剩 14 分钟", "确认约定并通知")
	once := regexp.MustCompile(`name="once" value="([^"]+)"`).FindStringSubmatch(page.body)[1]
	for range 2 { // a second click books nothing twice
		if got := s.browse("clerk", at+"/book", url.Values{"once": {once}}).is(http.StatusSeeOther); got.to() != at {
			t.Fatal(got.to())
		}
	}
	s.browse("clerk", at, nil).is(http.StatusOK).says("已约，待反馈", "未送达", "约定第 1 轮时间")
	s.browse("clerk", at+"/board", nil).is(http.StatusOK).says("现约定", "选这个时间") // to move it
}

func TestCellOfTheMatrixHoldsItsStart(t *testing.T) {
	s, at := newBoard(t)
	start := startButton.FindStringSubmatch(s.browse("clerk", at+"/board", nil).body)[1]
	s.browse("clerk", at+"/hold", url.Values{"start": {start}}).is(http.StatusSeeOther)
	s.browse("clerk", at+"/release", url.Values{}).is(http.StatusSeeOther)
	if got := s.browse("clerk", at+"/board", nil); strings.Contains(visible(got.body), "已占位") {
		t.Error("the time is still held")
	}
	s.browse("clerk", at+"/hold", url.Values{"start": {"2026-11-19T04:00:00Z"}}).is(http.StatusConflict).says("这个时间已不能约") // midday
	s.browse("clerk", at+"/hold", url.Values{"start": {"soon"}}).is(http.StatusUnprocessableEntity)
	s.browse("clerk", at+"/book", url.Values{}).is(http.StatusConflict).says("占位已过期或未选择时间")
}

// INS-512, INS-602
func TestTakenTimeComesBackWithThreeOthers(t *testing.T) {
	s, at := newBoard(t)
	offer := firstOffer(s.browse("clerk", at+"/board", nil))
	other := s.plan(s.accept("第二家早餐店", inspection.YesNo(true)))
	start, err := time.Parse(time.RFC3339, offer.Get("start"))
	s.must(err)
	_, err = s.Inspection.HoldSlot(t.Context(), s.actor("supervisor"), other.ID, inspection.SlotChoice{Start: start, Resources: offer["resource"]})
	s.must(err)
	page := s.browse("clerk", at+"/hold", offer).is(http.StatusConflict).says("该时间刚被占用", "可改选的时间")
	panel := page.body[strings.Index(page.body, "可改选的时间"):strings.Index(page.body, "推荐时间")]
	if n := len(offerForm.FindAllString(panel, -1)); n != 3 {
		t.Errorf("%d alternatives, want 3", n)
	}
}

// INS-511, INS-612
func TestBoardSaysWhoBlocksAndWhatWouldHelp(t *testing.T) {
	s, at := newBoard(t)
	limit, err := workday.ParseDate("2026-11-24")
	s.must(err)
	for _, r := range s.people["fire"][1:] { // one inspector is left, two are needed
		_, err := s.Inspection.AddAbsence(t.Context(), s.actor("head"), inspection.Absence{
			ResourceID: r.ID, Start: s.trust.Now(), End: limit.AddDays(1).Midnight(), Kind: "leave", Reason: "培训",
		}, once.Key{})
		s.must(err)
	}
	page := s.browse("clerk", at+"/board", nil).is(http.StatusOK).
		says("没有各部门都能到场的时间", "主要受限于：冷水滩区fire", "可以这样调整", "人员休假或外出", "休假", "缺 1 家")
	if !strings.Contains(visible(page.body), "冷水滩区fire 人员休假或外出：09:00、09:30、") {
		t.Error("the full reasons are only in titles, which a finger or a keyboard cannot reach")
	}
	if strings.Contains(visible(page.body), "超期约定的理由") {
		t.Error("nothing is held yet")
	}
	late := url.Values{}
	for _, form := range offerForm.FindAllString(page.body, -1) {
		for _, m := range hiddenField.FindAllStringSubmatch(form, -1) {
			late.Add(m[1], m[2])
		}
		if len(late) > 0 {
			break
		}
	}
	s.browse("clerk", at+"/hold", late).is(http.StatusSeeOther)
	s.browse("clerk", at+"/board", nil).is(http.StatusOK).says("超过办理时限", "须由主管说明理由")
	s.browse("clerk", at+"/book", url.Values{"why": {"没有其他时间"}}).is(http.StatusForbidden).says("须由主管说明理由后约定")
	s.browse("supervisor", at+"/book", url.Values{"why": {"消防队整编，没有其他时间"}}).is(http.StatusSeeOther)
	s.browse("supervisor", at, nil).is(http.StatusOK).says("超过时限", "消防队整编，没有其他时间")
}
