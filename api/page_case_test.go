package api

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lianban/inspection"
)

// caseForm is a restaurant of 120 m² as a clerk types it.
func caseForm(change ...string) url.Values {
	form := url.Values{
		"matter": {"M03"}, "once": {"once-1"}, "step": {"preview"}, "name": {"湘味轩餐饮店"}, "phone": {"138-0000-1234"},
		"division": {"431103"}, "address": {"梧桐路88号"}, "q.floor_area_m2": {"１２０"}, "q.outdoor_sign": {"yes"},
		"q.near_cultural_relic": {"no"}, "q.has_kitchen_flue": {"no"}, "q.central_air_conditioning": {"no"}, "q.fit_out": {"no"},
	}
	for i := 0; i < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	return form
}

// INS-305, INS-307: before it is accepted, the clerk sees who comes and why.
func TestNewCaseIsPreviewedWithTheClausesInWords(t *testing.T) {
	s := &stage{world: newWorld(t)}
	s.browse("clerk", "/cases/new?q=饭店", nil).is(http.StatusOK).says("我要开饭店", "M03")
	got := s.browse("clerk", "/cases/new", caseForm()).is(http.StatusOK).
		says("满足：建筑面积", "120 ㎡", "不参加", "冷水滩区政务服务中心", "受理")
	for _, kept := range []string{`value="湘味轩餐饮店"`, `value="138-0000-1234"`, `value="梧桐路88号"`, `value="１２０"`, `value="once-1"`} {
		if !strings.Contains(got.body, kept) {
			t.Errorf("the form forgot %s", kept)
		}
	}
	s.browse("clerk", "/cases/new", caseForm("division", "431102")).is(http.StatusOK).says("场所不在本中心辖区")
	s.browse("clerk", "/cases", nil).is(http.StatusOK).says("还没有办件") // nothing was accepted yet
}

func TestAcceptedCaseIsAcceptedOnce(t *testing.T) {
	s := &stage{world: newWorld(t)}
	first := s.browse("clerk", "/cases/new", caseForm("step", "accept")).is(http.StatusSeeOther)
	again := s.browse("clerk", "/cases/new", caseForm("step", "accept")).is(http.StatusSeeOther) // a second click
	if first.to() != again.to() || !strings.HasPrefix(first.to(), "/cases/") {
		t.Fatal(first.to(), again.to())
	}
	s.browse("clerk", first.to(), nil).is(http.StatusOK).says("湘味轩餐饮店", "1******1234", "可以约定勘验时间了", "3 个参加")
	s.browse("clerk", "/cases?q=湘味轩", nil).is(http.StatusOK).says("431103-2026-000001")
	s.browse("clerk", "/cases?q=nothing", nil).is(http.StatusOK).says("没有符合条件的结果")
}

func TestWrongEntriesAreNamedFieldByFieldAndKept(t *testing.T) {
	s := &stage{world: newWorld(t)}
	got := s.browse("clerk", "/cases/new", caseForm("step", "accept", "phone", "", "name", " ", "q.floor_area_m2", "很大", "lat", "north")).
		is(http.StatusUnprocessableEntity).says("有 4 项需要改正", "不能填“很大”")
	if n := strings.Count(got.body, `class="error"`); n != 4 {
		t.Errorf("%d fields are marked, want 4", n)
	}
	if !strings.Contains(got.body, `value="很大"`) || !strings.Contains(got.body, `value="north"`) || !strings.Contains(got.body, `aria-invalid="true"`) {
		t.Error("what was typed is gone, or not marked for a screen reader")
	}
	got = s.browse("clerk", "/cases/new", caseForm("phone", "12800001234", "email", "x@", "uscc", "1", "id_no", "43110319800101123")).
		is(http.StatusUnprocessableEntity).says("有 4 项需要改正", "带区号的固定电话", "不含 I、O、S、V、Z", "应为 18 位数字")
	if n := strings.Count(got.body, `class="error"`); n != 4 {
		t.Errorf("%d fields are marked already in the preview, want 4", n)
	}
	s.browse("clerk", "/cases/new", caseForm("lat", "126.4", "lon", "26.4")).is(http.StatusUnprocessableEntity).says("坐标")
	s.browse("clerk", "/cases/new?lang=en", nil)
	english := caseForm("step", "accept", "q.floor_area_m2", "huge")
	r := s.browseIn("en", "clerk", "/cases/new", english).is(http.StatusUnprocessableEntity)
	if !strings.Contains(visible(r.body), "Floor area") {
		t.Error(visible(r.body))
	}
	// FAC-22: a real code may fail its check digit; then a reason is asked for.
	s.browse("clerk", "/cases/new", caseForm("step", "accept", "uscc", "91350211M0000XUF46")).
		is(http.StatusUnprocessableEntity).says("校验位不符", "代码校验不符的说明")
	s.browse("clerk", "/cases/new", caseForm("step", "accept", "uscc", "91350211M0000XUF46", "uscc_why", "与执照原件一致")).is(http.StatusSeeOther)
	s.browse("clerk", "/cases/new", caseForm("name", strings.Repeat("长", longest+1))).is(http.StatusUnprocessableEntity).says("entry_too_long")
}

// INS-305
func TestOpenFactsAreFilledInOrConfirmedBeforeBooking(t *testing.T) {
	s := &stage{world: newWorld(t)}
	form := caseForm("step", "accept")
	form.Del("q.outdoor_sign")
	at := s.browse("clerk", "/cases/new", form).is(http.StatusSeeOther).to()
	page := s.browse("clerk", at, nil).is(http.StatusOK).says("有事实尚未填写", "参加（事实未填）")
	version := regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(page.body)[1]
	s.browse("clerk", at+"/plan", url.Values{"kind": {"site"}}).is(http.StatusConflict).says("还有影响参加部门的问题没有回答")
	s.browse("clerk", at+"/amend", url.Values{"version": {"99"}, "confirm": {"yes"}}).is(http.StatusConflict).says("办件已被他人修改")
	s.browse("clerk", at+"/amend", url.Values{"version": {version}, "q.floor_area_m2": {"x"}}).is(http.StatusUnprocessableEntity)
	keep := maps.Clone(form)
	keep.Set("version", version)
	keep.Set("confirm", "yes")
	s.browse("clerk", at+"/amend", keep).is(http.StatusSeeOther)
	if got := s.browse("clerk", at+"/plan", url.Values{"kind": {"site"}, "once": {"1"}}).is(http.StatusSeeOther); !strings.HasSuffix(got.to(), "/board") {
		t.Error(got.to())
	}
}

// INS-203
func TestCaseOfElsewhereIsHandedOverToTheRightWindow(t *testing.T) {
	s := &stage{world: newWorld(t)}
	at := s.browse("clerk", "/cases/new", caseForm("step", "accept", "division", "431102")).is(http.StatusSeeOther).to()
	s.browse("clerk", at, nil).is(http.StatusOK).says("勘验由零陵区政务服务中心综合窗口组织", "0746-8322222")
	s.browse("clerk", at+"/plan", url.Values{"kind": {"site"}}).is(http.StatusForbidden).says("该场所由零陵区政务服务中心综合窗口组织")
	s.browse("clerk", at+"/handover", url.Values{"note": {"申请人已到窗口"}}).is(http.StatusSeeOther)
	s.browse("clerk-elsewhere", "/", nil).is(http.StatusOK).says("约定勘验", "申请人已到窗口")
}

// DEC-20
func TestOneTimeNoticePrintsFromTheMattersData(t *testing.T) {
	s := &stage{world: newWorld(t)}
	c := s.accept("老街湘菜馆", inspection.YesNo(true))
	s.browse("clerk", "/cases/"+c.ID+"/notice", nil).is(http.StatusOK).says("一次性告知书", c.Number, "市场监管 牵头", "建筑面积", "受理后 5 个工作日", "三（三）3-四")
	s.browse("clerk", "/matters/M03/notice", nil).is(http.StatusOK).says("一次性告知书", "M03")
	s.browse("clerk", "/matters/M99/notice", nil).is(http.StatusNotFound)
}

// INS-308: who joins and who leaves a booked visit is shown first, and done when it
// is confirmed.
func TestAChangeOfFactsIsShownBeforeItChangesABookedVisit(t *testing.T) {
	s := &stage{world: newWorld(t)}
	at := s.browse("clerk", "/cases/new", caseForm("step", "accept", "q.floor_area_m2", "30")).is(http.StatusSeeOther).to()
	board := s.browse("clerk", at+"/plan", url.Values{"kind": {"site"}, "once": {"1"}}).is(http.StatusSeeOther).to()
	visit := strings.Split(board, "/")[2]
	s.post("clerk", "/visits/"+visit+"/book", s.bestSlot(visit)).is(http.StatusOK)
	page := s.browse("clerk", at, nil).is(http.StatusOK).says("勘验已约定", "核对改动")
	form := caseForm()
	form.Set("version", regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(page.body)[1])
	form.Set("q.floor_area_m2", "120")
	form.Set("q.outdoor_sign", "no")
	leaves, _ := s.counts()
	shown := s.browse("clerk", at+"/amend", form).is(http.StatusOK).says("尚未保存", "新增", "冷水滩区fire", "拟派：", "不再需要", "冷水滩区urban", "答复截止")
	if !strings.Contains(shown.body, `name="q.floor_area_m2" value="120"`) {
		t.Fatal("it cannot be confirmed as it was shown")
	}
	if now, _ := s.counts(); now != leaves {
		t.Fatal("it was done already")
	}
	s.browseIn("en", "clerk", at+"/amend", form).is(http.StatusOK).says("Not saved yet", "added", "not needed")
	open := maps.Clone(form)
	open.Set("q.outdoor_sign", "")
	s.browse("clerk", at+"/amend", open).is(http.StatusConflict).says("还有影响参加部门的问题没有回答", "未填写的事实确认按")
	form.Set("seen", "yes")
	s.browse("clerk", at+"/amend", form).is(http.StatusSeeOther)
	s.browse("clerk", at+"/amend", form).is(http.StatusConflict).says("办件已被他人修改")
	s.browse("clerk", "/visits/"+visit, nil).is(http.StatusOK).says("冷水滩区fire", "已撤回")
}
