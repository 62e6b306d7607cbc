package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lianban/inspection"
)

// INS-1007, INS-1201
func TestADepartmentKeepsAChecklistAndFillsItInOnTheSite(t *testing.T) {
	s, at := newBooked(t)
	list := []byte("item,answer,required,critical\n疏散通道畅通<script>,yes_no,true,true\n灭火器数量,number,,\n")
	s.browse("inspector", "/checklists", nil).is(http.StatusOK).says("还没有核查表", "核查表由部门负责人发布")
	s.upload("inspector", "/checklists", map[string]string{"matter": "*", "from": "2026-11-18"}, nil).is(http.StatusForbidden)
	s.upload("head", "/checklists", map[string]string{"matter": "*", "from": "2026-11-17", "file": "file"}, list).is(http.StatusUnprocessableEntity).says("生效日期最早为明天")
	s.upload("head", "/checklists", map[string]string{"matter": "*", "from": "2026-11-18", "file": "file"}, []byte("item,answer\n通道,maybe\n")).is(http.StatusUnprocessableEntity).says("第 2 行有误")
	s.upload("head", "/checklists", map[string]string{"matter": "*", "from": "2026-11-18", "file": "file"}, list).is(http.StatusSeeOther)
	s.browse("head", "/checklists", nil).is(http.StatusOK).says("第 1 版", "关键项", "11月18日 周三")
	if file := s.browse("head", "/checklists/file?matter=*", nil).is(http.StatusOK); !strings.Contains(file.body, "疏散通道畅通<script>,,yes_no,true,false,true") {
		t.Error(file.body)
	}

	inbox := "/inbox/" + s.booked.ID
	_, err := s.Inspection.Reply(t.Context(), s.actor("inspector"), inspection.ReplyRequest{
		ParticipantID: s.partOf(s.booked, "431103-fire").ID, Round: 1, Kind: inspection.ReplyAccept, Channel: "portal",
	})
	s.must(err)
	s.until(s.booked.Start)
	s.again()
	s.browse("clerk", at+"/start", url.Values{}).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK)
	s.browse("inspector", inbox+"/record", nil).is(http.StatusOK).says("未填写", "签到后、办结前可以填写")
	s.upload("inspector", inbox+"/record", map[string]string{"value1": "yes"}, nil).is(http.StatusConflict).says("请先签到")
	s.browse("inspector", inbox+"/checkin", url.Values{"certificate": {"湘F1001"}}).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("填写核查表")
	s.browse("inspector", inbox+"/opinion", url.Values{"kind": {"agree"}}).is(http.StatusConflict).says("核查表第 1 项还没有填写")
	s.upload("inspector", inbox+"/record", map[string]string{"value1": "na"}, nil).is(http.StatusUnprocessableEntity).says("第 1 项：选“不适用”的，请写明原因")
	s.upload("inspector", inbox+"/record", map[string]string{"value1": "yes", "value2": "4", "file": "photo1"}, picture(t)).is(http.StatusSeeOther)
	s.browse("inspector", inbox+"/record", nil).is(http.StatusOK).says("必填项已完成", "第 1 张")
	s.browseIn("en", "inspector", inbox+"/record", nil).is(http.StatusOK).says("Required items are complete")
	s.browse("inspector", inbox+"/opinion", url.Values{"kind": {"agree"}}).is(http.StatusSeeOther)
	if got := s.partOf(s.booked, "431103-fire"); got.Record == nil || got.Opinion != inspection.OpinionDraft {
		t.Errorf("%s", got.Opinion)
	}
	s.browse("clerk", at, nil).is(http.StatusOK).says("核查表", "登记核查结果 2 项")
}
