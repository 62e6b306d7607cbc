package api

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"lianban/inspection"
	"lianban/scheduler/workday"
)

// INS-1203, INS-1013, INS-1205: an applicant reports by the link, the department is
// told and answers, the supervisor decides; each sees what is theirs.
func TestASeparateInspectionIsReportedAnsweredAndDecidedOnPages(t *testing.T) {
	s := newStage(t)
	link := s.linkOf(s.open)
	today := workday.DateOf(s.now()).String()
	s.plain(link).says("有人单独上门，或者多要材料")
	report := map[string]string{"class": "K06", "party": "431103-fire", "on": today, "people": "两人", "detail": "进店检查灭火器" + trouble, "once": "r1"}
	with := func(name, value string) map[string]string {
		out := map[string]string{"once": "r-" + name}
		for k, v := range report {
			if k != "once" {
				out[k] = v
			}
		}
		out[name] = value
		return out
	}
	s.upload("", link+"/report", with("party", ""), nil).is(http.StatusUnprocessableEntity).says("只能选择部门", "进店检查灭火器")
	s.upload("", link+"/report", with("on", "2020-01-01"), nil).is(http.StatusUnprocessableEntity).says("受理之日至今天之间")
	s.upload("", link+"/report", with("detail", ""), nil).is(http.StatusUnprocessableEntity).says("请填写")
	s.upload("", link+"/report", report, []byte("GIF89a")).is(http.StatusUnprocessableEntity).says("JPEG")
	s.upload("", link+"/report", report, picture(t)).is(http.StatusSeeOther)
	s.upload("", link+"/report", report, picture(t)).is(http.StatusSeeOther) // sent twice, entered once
	s.plain(link).says("正在核实", "单独上门检查").lacks("灭火器")
	for range linkUploadRate.burst {
		s.upload("", link+"/report", with("class", ""), nil)
	}
	s.upload("", link+"/report", with("class", ""), nil).is(http.StatusTooManyRequests)

	list := s.browse("supervisor", "/ledger", nil).is(http.StatusOK).says("K06 单独上门检查", "申请人反映", "疑似", "K02 逾期未答复", "记录在案")
	entry := regexp.MustCompile(`/ledger/[0-9a-f-]{36}`).FindString(list.body)
	s.browse("supervisor", entry, nil).is(http.StatusOK).says("进店检查灭火器", "两人", "看照片", "说明期满后再核实")
	s.browse("inspector", "/", nil).is(http.StatusOK).says("待说明的台账记录", "进店检查灭火器")
	s.browse("inspector", "/ledger", nil).is(http.StatusOK).says("K06").lacks("申请人反映")
	seen := s.browse("inspector", entry, nil).is(http.StatusOK).says("本单位的说明").lacks("来源")
	s.browse("inspector", regexp.MustCompile(`/scans/[0-9a-f-]+`).FindString(seen.body), nil).is(http.StatusOK)
	s.browse("inspector-elsewhere", entry, nil).is(http.StatusNotFound)
	s.browse("supervisor", entry+"/decide", url.Values{"decision": {"confirm"}, "reason": {"属实"}}).is(http.StatusConflict)
	s.browse("inspector", entry+"/answer", url.Values{"reason": {""}}).is(http.StatusUnprocessableEntity).says("请填写")
	s.browse("inspector", entry+"/answer", url.Values{"reason": {"系日常抽查"}}).is(http.StatusSeeOther)
	s.browse("inspector", entry+"/answer", url.Values{"reason": {"改口"}}).is(http.StatusConflict).says("不再改动")
	s.browseIn("en", "supervisor", entry, nil).is(http.StatusOK).says("The party&#39;s answer", "系日常抽查", "Confirm", "reported by the applicant")
	s.browse("supervisor", entry+"/decide", url.Values{"decision": {"confirm"}}).is(http.StatusUnprocessableEntity).says("请填写")
	s.browse("supervisor", entry+"/decide", url.Values{"decision": {"confirm"}, "reason": {"经查属实"}}).is(http.StatusSeeOther)
	s.plain(link).says("情况属实").lacks("经查属实", "系日常抽查")
	for query, shown := range map[string]bool{
		"class=K06": true, "class=K07": false, "state=confirmed": true, "state=suspected": false, "department=431103-fire": true, "department=431103-police": false,
		"month=" + today[:7]: true, "month=2020-01": false, "q=" + s.open.Number: true,
	} {
		page := s.browse("auditor", "/ledger?"+query, nil).is(http.StatusOK)
		if got := regexp.MustCompile(entry).MatchString(page.body); got != shown {
			t.Errorf("?%s shows the entry: %v", query, got)
		}
	}
}

// INS-1203: the window from the page of a case, a department from its invitation.
func TestWindowAndDepartmentsReportFromTheirPages(t *testing.T) {
	s := newStage(t)
	today := workday.DateOf(s.now()).String()
	form := "/cases/" + s.booked.CaseID + "/ledger"
	s.browse("clerk", "/cases/"+s.booked.CaseID, nil).is(http.StatusOK).says("反映一条情况")
	s.browse("inspector", "/inbox/"+s.booked.ID, nil).is(http.StatusOK).says("有人单独上门")
	s.browseIn("en", "clerk", form, nil).is(http.StatusOK).says("Report something")
	report := map[string]string{"class": "K08", "party": "window", "on": today, "detail": "要求再交身份证复印件", "once": "w1"}
	s.upload("inspector", form, report, nil).is(http.StatusSeeOther)
	s.browse("inspector", form, nil).is(http.StatusOK).says("索要清单外材料")
	list := s.browse("clerk", "/ledger", nil).is(http.StatusOK).says("K08", "其他部门反映")
	entry := regexp.MustCompile(`/ledger/[0-9a-f-]{36}`).FindString(list.body)
	s.browse("supervisor", entry, nil).is(http.StatusOK).says("尚未请当事单位说明", "请当事单位说明")
	s.browse("supervisor", entry+"/decide", url.Values{"decision": {"confirm"}, "reason": {"属实"}}).is(http.StatusConflict).says("请先请当事单位说明")
	s.browse("supervisor", entry+"/ask", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", "/", nil).is(http.StatusOK).says("说明台账记录")
	s.browse("clerk", entry+"/answer", url.Values{"reason": {"已更正"}}).is(http.StatusSeeOther)
	s.browse("supervisor", entry+"/decide", url.Values{"decision": {"dismiss"}, "reason": {"已更正"}}).is(http.StatusSeeOther)
	s.browse("supervisor", entry, nil).is(http.StatusOK).says("已排除")
	s.upload("clerk", form, map[string]string{"class": "K06", "party": "431103-fire", "on": today, "detail": "单独上门", "once": "w2"}, nil).is(http.StatusSeeOther)
}

// INS-1204
func TestTheSupervisorSeesWhatWasTried(t *testing.T) {
	s := newStage(t)
	_, err := s.Inspection.Plan(t.Context(), s.actor("inspector"), inspection.PlanRequest{CaseID: s.open.ID, Kind: inspection.KindSite})
	if err == nil {
		t.Fatal("an inspector planned a visit")
	}
	s.browse("supervisor", "/ledger", nil).is(http.StatusOK).says("被拒绝的操作")
	s.browse("supervisor", "/ledger/attempts", nil).is(http.StatusOK).says("新建勘验", s.open.Number, "不是综合窗口")
	s.browseIn("en", "auditor", "/ledger/attempts", nil).is(http.StatusOK).says("open a visit", "not a window")
	s.browse("clerk", "/ledger/attempts", nil).is(http.StatusForbidden)
}
