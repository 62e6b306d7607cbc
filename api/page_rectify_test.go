package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// INS-1107, INS-1012
func TestTheWindowGivesTheListOnceAndADepartmentAddsByTwoPersonsOnly(t *testing.T) {
	s := newStage(t)
	visit := "/visits/" + s.closed.ID
	list := visit + "/rectify"
	s.browse("clerk", visit, nil).is(http.StatusOK).says("整改事项共 1 项，还有 1 项未完成", "送达整改通知书")
	s.browse("clerk", list, nil).is(http.StatusOK).says("待送达", "收到后 5 个工作日内", "现场复勘核查", "登记送达")
	s.browseIn("en", "clerk", list, nil).is(http.StatusOK).says("not given yet", "within 5 working days of receipt", "Record that it was given")
	s.browse("inspector", "/inbox/"+s.closed.ID, nil).is(http.StatusOK).says("整改与复勘")
	s.browse("inspector", list, nil).is(http.StatusOK).says("追加整改事项", "待送达")
	s.browse("inspector-elsewhere", list, nil).is(http.StatusNotFound)
	s.browse("clerk", "/visits/"+s.booked.ID+"/rectify", nil).is(http.StatusNotFound)

	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.closed.CaseID)
	s.must(err)
	link := s.linkOf(c) // INS-1111
	s.plain(link).says("联合踏勘", "需整改", "参加部门", "请等窗口送达整改通知书").lacks("需要整改的事项", "视为同意")

	give := list + "/lists/1"
	now := forInput(s.now())
	signed := map[string]string{"how": "signed", "receiver": "李梅", "at": now}
	s.upload("clerk", give, signed, nil).is(http.StatusUnprocessableEntity).says("请上传纸质件的扫描件")
	refused := map[string]string{"how": "refused", "receiver": "李梅", "at": now, "reason": "不认可", "witness1": "周强"}
	s.upload("clerk", give, refused, picture(t)).is(http.StatusUnprocessableEntity).says("两名在场勘验人员")
	s.upload("clerk", give, signed, picture(t)).is(http.StatusSeeOther)
	s.browse("clerk", list, nil).is(http.StatusOK).says("已送达", "当面送达，已签收", "李梅", "整改期限", "还剩")
	s.plain(link).says("需要整改的事项", "待整改", "现场复勘核查", "还剩").lacks("请等窗口送达")
	s.browseIn("en", "", link, nil).is(http.StatusOK).says("What is to be put right", "Departments").lacks("applicant.")
	s.upload("clerk", give, signed, picture(t)).is(http.StatusConflict).says("只送达一次")

	add := url.Values{"ground": {"changed"}, "reason": {"新增燃气灶"}, "finding1": {"未设切断阀" + trouble}, "clause1": {"GB 50028"}, "days1": {"3"}}
	s.browse("inspector", list+"/items", add).is(http.StatusUnprocessableEntity).says("请逐项选择核查方式")
	add.Set("verify1", "visit")
	s.browse("inspector", list+"/items", add).is(http.StatusSeeOther)
	s.browse("clerk", list, nil).is(http.StatusOK).says("待主管决定", "此后变化的情况", "未设切断阀")
	found, err := s.Inspection.FindVisit(t.Context(), s.actor("clerk"), s.closed.ID)
	s.must(err)
	proposal := found.Rectification.Proposals[0].ID
	decide := list + "/proposals/" + proposal
	s.browse("clerk", decide, url.Values{"decision": {"agree"}}).is(http.StatusForbidden)
	s.browse("supervisor", decide, url.Values{"decision": {"refuse"}}).is(http.StatusUnprocessableEntity).says("请填写理由")
	s.browse("supervisor", decide, url.Values{"decision": {"agree"}}).is(http.StatusSeeOther)
	s.browse("supervisor", list, nil).is(http.StatusOK).says("补充整改通知书（1）", "已记入监督台账（K05）", "登记送达")
	s.browse("clerk", visit, nil).is(http.StatusOK).says("追加事项经两人审定列入")
	s.browse("clerk", visit+"/documents/rectify?n=2", nil).is(http.StatusOK)
	s.browse("clerk", visit+"/documents/rectify?n=3", nil).is(http.StatusNotFound)
}

// INS-1109, V12
func TestARevisitRunsFromTheRequestToTheNewVersionOfTheOpinion(t *testing.T) {
	s := newStage(t)
	visit := "/visits/" + s.closed.ID
	list := visit + "/rectify"
	s.browse("clerk", list+"/request", url.Values{"channel": {"phone"}, "person": {"李梅"}}).is(http.StatusConflict).says("尚未送达申请人")
	s.upload("clerk", list+"/lists/1", map[string]string{"how": "signed", "receiver": "李梅", "at": forInput(s.now())}, picture(t)).is(http.StatusSeeOther)
	s.browse("clerk", list, nil).is(http.StatusOK).says("登记复勘申请")
	s.browse("clerk", list+"/plan", url.Values{}).is(http.StatusConflict).says("申请人还没有申请复勘")
	s.browse("clerk", list+"/request", url.Values{"channel": {"phone"}, "person": {""}}).is(http.StatusUnprocessableEntity).says("请填写申请人姓名")
	s.browse("clerk", list+"/request", url.Values{"channel": {"phone"}, "person": {"李梅" + trouble}}).is(http.StatusSeeOther)
	s.browse("clerk", list, nil).is(http.StatusOK).says("已申请复勘", "复勘期限", "安排复勘", "打印复勘申请单")
	s.browse("clerk", visit, nil).is(http.StatusOK).says("复勘申请单") // D09
	s.browse("clerk", visit+"/documents/ask", nil).is(http.StatusOK)
	s.browseIn("en", "clerk", list, nil).is(http.StatusOK).says("A revisit was asked for", "Plan the revisit")
	board := s.browse("clerk", list+"/plan", url.Values{}).is(http.StatusSeeOther).to()
	s.browse("clerk", board, nil).is(http.StatusOK).says("联合复勘")

	draft := strings.Split(board, "/")[2]
	found, err := s.Inspection.Slots(t.Context(), s.actor("clerk"), inspection.SlotRequest{VisitID: draft, Limit: 1})
	s.must(err)
	choice := inspection.SlotChoice{Start: found.Offers[0].Start}
	for _, people := range found.Offers[0].People {
		choice.Resources = append(choice.Resources, people...)
	}
	r, err := s.Inspection.Book(t.Context(), s.actor("clerk"), inspection.BookRequest{VisitID: draft, Choice: choice})
	s.must(err)
	own := s.partOf(r, "431103-fire").ID
	_, err = s.Inspection.Reply(t.Context(), s.actor("inspector"), inspection.ReplyRequest{ParticipantID: own, Round: 1, Kind: inspection.ReplyAccept, Channel: "portal"})
	s.must(err)
	s.until(r.Start)
	s.again()
	again, inbox := "/visits/"+r.ID, "/inbox/"+r.ID
	s.browse("clerk", again, nil).is(http.StatusOK).says("联合复勘", "只核查整改通知书中尚未完成的事项", "首次勘验")
	s.browse("clerk", again+"/start", url.Values{}).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("联合复勘", "仍未整改的事项", "后厨灭火毯数量不足")
	s.browse("inspector", inbox+"/opinion", url.Values{"kind": {"rectify"}}).is(http.StatusUnprocessableEntity).says("至少列一项")
	s.browse("inspector", inbox+"/opinion", url.Values{"kind": {"agree"}, "text": {"已补齐"}}).is(http.StatusSeeOther)
	s.browse("clerk", again+"/end", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", again+"/close", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", again, nil).is(http.StatusOK).says("复勘记录") // D10
	s.browseIn("en", "clerk", again, nil).is(http.StatusOK).says("Record of the revisit")
	s.browse("clerk", again+"/documents/revisit", nil).is(http.StatusOK)

	s.browse("clerk", visit, nil).is(http.StatusOK).says("联勘〔2026〕431103-000001-v2", "以前的版本", "整改事项共 1 项，已全部完成")
	s.browse("clerk", visit+"/opinion", nil).is(http.StatusOK).says("第 2 版，复勘后重新出具，代替 联勘〔2026〕431103-000001", "已整改", "已补齐")
	s.browse("clerk", visit+"/opinion?version=1", nil).is(http.StatusOK).says("这是以前的版本", "需整改", "收到后 5 个工作日内")
	s.browseIn("en", "clerk", visit+"/opinion", nil).is(http.StatusOK).says("version 2, issued after a revisit")
	s.browse("clerk", list, nil).is(http.StatusOK).says("已整改", "已完成 1 / 1 项")
	s.browse("clerk", again+"/rectify", nil).is(http.StatusSeeOther)
}

// INS-1109, K07
func TestADeemedDepartmentThatAsksForAnotherVisitStandsInTheLedger(t *testing.T) {
	s := newStage(t)
	visit := "/visits/" + s.closed.ID
	s.browse("inspector", "/inbox/"+s.closed.ID, nil).is(http.StatusOK).says("请求再次勘验")
	s.browse("inspector", "/inbox/"+s.closed.ID+"/another-visit", url.Values{"reason": {"通道要再看"}}).is(http.StatusSeeOther)
	amr := s.actor("inspector")
	amr.Department = "431103-amr"
	err := s.Inspection.AskAgain(t.Context(), amr, s.partOf(s.closed, "431103-amr").ID, "当日未到，想补看", once.Key{})
	if !fault.Is(err, "no_second_visit") {
		t.Fatal(err)
	}
	s.browse("clerk", visit+"/rectify", nil).is(http.StatusOK).says("K07 未到场的部门要求再次勘验", "疑似")
	s.browse("clerk", visit, nil).is(http.StatusOK).says("要求再次勘验，未予受理", "监督台账 K07")
	found, err := s.Inspection.FindVisit(t.Context(), s.actor("clerk"), s.closed.ID)
	s.must(err)
	entry := "/ledger/" + found.Breaches[0].ID
	decide := entry + "/decide"
	s.browse("clerk", decide, url.Values{"decision": {"confirm"}, "reason": {"属实"}}).is(http.StatusForbidden)
	s.browse("supervisor", entry, nil).is(http.StatusOK).says("可以说明至", "收到说明或说明期满后再核实")
	s.browse("supervisor", decide, url.Values{"decision": {"confirm"}, "reason": {"属实"}}).is(http.StatusConflict).says("收到说明或期满后再核实")
	s.must(s.Inspection.Explain(t.Context(), amr, found.Breaches[0].ID, "不知有此规定"))
	s.browse("supervisor", decide, url.Values{"decision": {"confirm"}}).is(http.StatusUnprocessableEntity).says("请填写理由")
	s.browse("supervisor", decide, url.Values{"decision": {"confirm"}, "reason": {"属实"}}).is(http.StatusSeeOther)
	s.browse("supervisor", entry, nil).is(http.StatusOK).says("已确认", "属实", "不知有此规定")
}

// listByPhoto gives the list to the applicant, as if its items had been asked for by
// photo.
func (s *stage) listByPhoto() {
	s.t.Helper()
	list := "/visits/" + s.closed.ID + "/rectify/lists/1"
	s.upload("clerk", list, map[string]string{"how": "signed", "receiver": "李梅", "at": forInput(s.now())}, picture(s.t)).is(http.StatusSeeOther)
	s.must(s.db.Write(s.t.Context(), func(tx bun.IDB) error {
		_, err := tx.NewRaw("UPDATE rectify_items SET verify = 'photo'").Exec(s.t.Context())
		return err
	}))
}

// INS-1108, V12
func TestAnItemIsPutRightByAPhotoThatItsDepartmentAgreesTo(t *testing.T) {
	s := newStage(t)
	visit := "/visits/" + s.closed.ID
	list := visit + "/rectify"
	s.listByPhoto()
	found, err := s.Inspection.FindVisit(t.Context(), s.actor("clerk"), s.closed.ID)
	s.must(err)
	photos := list + "/photos/" + found.Rectification.Items[0].ID
	s.browse("clerk", list, nil).is(http.StatusOK).says("提交整改照片", "以照片核查")
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.closed.CaseID)
	s.must(err)
	link := s.linkOf(c)
	s.plain(link).says("提交整改照片")
	own := link + "/photos/" + found.Rectification.Items[0].ID
	s.upload("", own, nil, nil).is(http.StatusUnprocessableEntity).says("请上传")
	s.upload("", own, nil, []byte("GIF89a")).is(http.StatusUnprocessableEntity).says("JPEG")
	s.upload("", link+"/photos/another", nil, picture(t)).is(http.StatusConflict)
	s.upload("", "/a/NOSUCHLINK/photos/another", nil, picture(t)).is(http.StatusNotFound)
	s.upload("", own, map[string]string{"note": "已补一块"}, picture(t)).is(http.StatusSeeOther)
	s.plain(link).says("照片提交于", "待部门答复").lacks("提交照片")
	found, err = s.Inspection.FindVisit(t.Context(), s.actor("inspector"), s.closed.ID)
	s.must(err)
	s.browse("inspector", list+"/answers/"+found.Rectification.Photos[0].ID, url.Values{"answer": {"again"}, "reason": {"看不清标签"}}).is(http.StatusSeeOther)
	s.plain(link).says("看不清标签", "提交照片")
	s.upload("clerk", photos, nil, nil).is(http.StatusUnprocessableEntity).says("请上传")
	s.upload("clerk", photos, map[string]string{"note": "已补一块" + trouble}, picture(t)).is(http.StatusSeeOther)
	s.browse("clerk", list, nil).is(http.StatusOK).says("待部门答复", "答复期限")
	s.browseIn("en", "inspector", list, nil).is(http.StatusOK).says("Your answer", "waits for the answer")
	found, err = s.Inspection.FindVisit(t.Context(), s.actor("inspector"), s.closed.ID)
	s.must(err)
	photo := found.Rectification.Photos[1]
	s.browse("inspector", "/scans/"+photo.Scan, nil).is(http.StatusOK)
	answer := list + "/answers/" + photo.ID
	s.browse("inspector", answer, url.Values{"answer": {"again"}}).is(http.StatusUnprocessableEntity).says("请填写理由")
	s.browse("inspector", answer, url.Values{"answer": {"agreed"}}).is(http.StatusSeeOther)
	s.browse("clerk", list, nil).is(http.StatusOK).says("已整改，不用到场", "出具新版意见书")
	s.browse("clerk", list+"/conclude", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", visit+"/opinion", nil).is(http.StatusOK).says("第 2 版，整改照片核查后重新出具")
}

// forInput is an instant as a person types it into a form.
func forInput(t time.Time) string { return t.In(workday.Shanghai).Format("2006-01-02 15:04") }
