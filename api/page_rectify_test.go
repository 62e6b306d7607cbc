package api

import (
	"net/http"
	"net/url"
	"testing"
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

	give := list + "/lists/1"
	now := local(s.now())
	signed := map[string]string{"how": "signed", "receiver": "李梅", "at": now}
	s.upload("clerk", give, signed, nil).is(http.StatusUnprocessableEntity).says("请上传纸质件的扫描件")
	refused := map[string]string{"how": "refused", "receiver": "李梅", "at": now, "reason": "不认可", "witness1": "周强"}
	s.upload("clerk", give, refused, picture(t)).is(http.StatusUnprocessableEntity).says("两名在场勘验人员")
	s.upload("clerk", give, signed, picture(t)).is(http.StatusSeeOther)
	s.browse("clerk", list, nil).is(http.StatusOK).says("已送达", "当面送达，已签收", "李梅", "整改期限", "还剩")
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
