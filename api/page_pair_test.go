package api

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lianban/api/web"
	"lianban/inspection"
	"lianban/internal/auth"
)

// twoAsk is a visit on whose site fire and urban ask for one item each.
func (s *stage) twoAsk() inspection.Visit {
	s.t.Helper()
	v, ctx, clerk := s.booked, s.t.Context(), s.actor("clerk")
	urban := s.actor("inspector")
	urban.ID, urban.Name, urban.Department = "urban", "城管", "431103-urban"
	s.until(v.Start)
	_, err := s.Inspection.Start(ctx, clerk, v.ID)
	s.must(err)
	for _, by := range []auth.Actor{s.actor("inspector"), urban} {
		department := by.Department
		own := s.partOf(v, department).ID
		for _, name := range []string{"甲", "乙"} {
			_, err = s.Inspection.CheckIn(ctx, clerk, inspection.CheckInRequest{VisitID: v.ID, Party: own, Way: inspection.ByWindow, Name: name, Certificate: department + name})
			s.must(err)
		}
		_, err = s.Inspection.Opine(ctx, by, inspection.OpinionRequest{
			ParticipantID: own, Kind: inspection.Rectify, Items: []inspection.RectifyItem{{Finding: "后门" + department, Clause: "第五条" + trouble, Verify: inspection.VerifyVisit, Days: 5}},
		})
		s.must(err)
	}
	s.again()
	return v
}

// INS-1011: on the telephone of the department and on the page of the window.
func TestDepartmentsSeeEachOthersItemsBeforeTheSitePartEnds(t *testing.T) {
	s := newStage(t)
	v := s.twoAsk()
	inbox, visit, onSite := "/inbox/"+v.ID, "/visits/"+v.ID, "/visits/"+v.ID+"/site"
	s.browse("clerk", visit, nil).says("查看各部门提出的 2 项整改事项", "2 个部门还没有看过")
	refused := s.browse("clerk", visit+"/end", url.Values{}).is(http.StatusConflict).says("还没有看过")
	if !strings.Contains(refused.body, `class="error"><a href="`+onSite+`#items"`) {
		t.Error("the refusal does not lead to the items")
	}
	page := s.browse("inspector", inbox, nil).is(http.StatusOK).says("各部门提出的整改事项", "后门431103-urban", "登记重复或矛盾", "还没有看过")
	s.browseIn("en", "inspector", inbox, nil).is(http.StatusOK).says("What the departments ask to be put right", "I have seen them")
	item := regexp.MustCompile(`name="item" value="([0-9a-f]+)"`).FindStringSubmatch(page.body)[1]
	s.browse("inspector", inbox+"/items-seen", url.Values{"item": {"0"}}).is(http.StatusConflict).says("刷新")
	s.browse("inspector", inbox+"/items-seen", url.Values{"item": {item}}).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).says("已看过").lacks("还没有看过")

	ids := regexp.MustCompile(`<option value="([0-9a-f]{32})"`).FindAllStringSubmatch(page.body, -1)
	pair := url.Values{"mine": {ids[0][1]}, "theirs": {ids[1][1]}, "kind": {"contrary"}, "once": {"p1"}}
	s.browse("inspector", inbox+"/pairs", pair).is(http.StatusUnprocessableEntity).says("请填写")
	pair.Set("note", "一个要常开，一个要常闭"+trouble)
	s.browse("inspector", inbox+"/pairs", pair).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).says("相互矛盾", "待协调", "放弃本部门这一项", "报请主管决定")

	page = s.browse("clerk", onSite, nil).is(http.StatusOK).says("由窗口当面出示", "登记协调结果", "待协调")
	s.browseIn("en", "clerk", onSite, nil).is(http.StatusOK).says("Shown by the window", "contrary to each other")
	shown := regexp.MustCompile(`action="(/visits/[^"#]+/items-seen)#items".*?name="item" value="([0-9a-f]+)"`).FindStringSubmatch(regexp.MustCompile(`\n`).ReplaceAllString(page.body, " "))
	who := regexp.MustCompile(`name="check_in" value="([0-9a-f-]+)"`).FindStringSubmatch(page.body)[1]
	s.browse("clerk", shown[1], url.Values{"item": {shown[2]}, "check_in": {who}}).is(http.StatusSeeOther)
	s.browse("clerk", visit+"/end", url.Values{}).is(http.StatusConflict).says("这些整改事项相互矛盾")
	settle := regexp.MustCompile(`/visits/[0-9a-f-]+/site/pairs/[0-9a-f-]+/settle`).FindString(page.body)
	send := settle[:len(settle)-len("settle")] + "send"
	s.browse("inspector", send, url.Values{}).is(http.StatusForbidden)
	s.browse("clerk", send, url.Values{}).is(http.StatusSeeOther)
	s.browse("supervisor", "/", nil).says("决定相互矛盾的整改事项")
	s.browseIn("en", "supervisor", "/", nil).says("contradict each other; decide which stands", "一个要常开")
	s.browse("clerk", visit+"/end", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", settle, url.Values{"keep": {"item"}, "reason": {"x"}}).is(http.StatusForbidden)
	s.browse("supervisor", onSite, nil).says("决定保留哪一项")
	s.browse("supervisor", settle, url.Values{"keep": {"item"}}).is(http.StatusUnprocessableEntity).says("请填写")
	s.browse("supervisor", settle, url.Values{"keep": {"item"}, "reason": {"消防优先"}}).is(http.StatusSeeOther)
	s.browse("clerk", onSite, nil).says("不单独列入，以", "已处理", "消防优先")
}

// INS-1011: the program's own words follow the page; what people wrote stays.
func TestAMergedItemOfTheJointOpinionIsExplainedInThePagesLanguage(t *testing.T) {
	set, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	merged := inspection.RectifyItem{
		Finding: "后门堆放杂物", Clause: "第五条", Left: "不单独列入，以消防第1项为准", Stands: &inspection.Standing{DepartmentID: "fire", Department: "消防", N: 1},
	}
	j := inspection.JointOpinion{Content: inspection.JointContent{Kind: inspection.KindSite, Departments: []inspection.JointLine{{Department: "城管", Items: []inspection.RectifyItem{merged}}}}}
	for lang, want := range map[string]string{"zh": "不单独列入，以Fire第 1 项为准", "en": "not listed by itself; Fire, item 1 stands for it"} {
		body, err := set.Render("opinion", web.Page{Lang: lang, Names: web.Names{"fire": "Fire"}, Data: jointPage{Joint: j}})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(body), want) || lang == "en" && strings.Contains(string(body), "不单独列入") {
			t.Errorf("%s: %s", lang, body)
		}
	}
}
