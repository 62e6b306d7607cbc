package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lianban/inspection"
)

// roster is who of the fire brigade comes to the booked visit, and who could.
func (s *stage) roster() (comes []inspection.Resource, could inspection.Resource) {
	s.t.Helper()
	v, err := s.Inspection.FindVisit(s.t.Context(), s.actor("clerk"), s.booked.ID)
	s.must(err)
	for _, r := range s.people["fire"] {
		if slices.ContainsFunc(v.Resources, func(k inspection.Resource) bool { return k.ID == r.ID }) {
			comes = append(comes, r)
		} else {
			could = r
		}
	}
	return comes, could
}

// INS-610, DEC-18
func TestADepartmentReplacesOneOfItsPeopleFromItsPage(t *testing.T) {
	s := newStage(t)
	at := s.firePart() + "/substitute"
	comes, could := s.roster()
	s.browse("inspector", "/inbox/"+s.booked.ID, nil).is(http.StatusOK).says("换人")
	page := s.browse("inspector", at, nil).is(http.StatusOK).says("谁不来了", "换谁来", "答复期限不变")
	if strings.Contains(page.body, `name="caller"`) {
		t.Error("a department is asked who rang")
	}
	form := url.Values{"leaves": {comes[0].ID}, "comes": {could.ID}}
	s.browse("inspector", at, form).is(http.StatusUnprocessableEntity).says("请填写理由", "确认换人")
	form.Set("reason", "临时参加专项检查"+trouble)
	if got := s.browse("inspector", at, form).is(http.StatusSeeOther); got.to() != "/inbox/"+s.booked.ID {
		t.Fatal(got.to())
	}
	page = s.browse("inspector", "/inbox/"+s.booked.ID, nil).is(http.StatusOK).says("代替", "临时参加专项检查")
	if strings.Contains(page.body, trouble) {
		t.Error("the reason is not escaped")
	}
	s.browse("inspector", at, form).is(http.StatusUnprocessableEntity).says("名单可能已变动", "此前的换人")
	s.browse("auditor", at, nil).is(http.StatusForbidden)
	s.browse("clerk-elsewhere", at, nil).is(http.StatusNotFound)
}

// INS-610
func TestTheWindowReplacesSomebodyOnACallAndSaysWhomToRing(t *testing.T) {
	s := newStage(t)
	at := s.firePart() + "/substitute"
	comes, could := s.roster()
	s.browse("clerk", "/visits/"+s.booked.ID, nil).is(http.StatusOK).says("换人")
	form := url.Values{"leaves": {comes[0].ID}, "comes": {could.ID}, "reason": {"出警"}, "caller": {""}}
	s.browse("clerk", at, form).is(http.StatusUnprocessableEntity).says("请填写来电人姓名")
	form.Set("comes", comes[1].ID)
	form.Set("caller", "周队长")
	s.browse("clerk", at, form).is(http.StatusConflict).says("已派往本次勘验")
	form.Set("comes", could.ID)
	s.browse("clerk", at, form).is(http.StatusSeeOther)
	s.browse("clerk", "/visits/"+s.booked.ID, nil).is(http.StatusOK).says("代替", "来电：", "周队长", "更换勘验人员")
	s.browse("clerk", s.firePart()+"/substitute?lang=en", nil).is(http.StatusOK)
}

// INS-610: nobody left to come is said, with what else would do.
func TestAPageWithoutASubstituteSaysWhatElseWouldDo(t *testing.T) {
	s := newStage(t)
	comes, could := s.roster()
	s.post("clerk", partPath(s.booked.ID, "fire", "substitute"), map[string]any{
		"leaves": comes[0].ID, "comes": could.ID, "reason": "出警", "caller": "周队长",
	}).is(http.StatusOK)
	s.post("supervisor", "/resources/"+comes[0].ID+"/absences", map[string]any{
		"start": s.booked.Start, "end": s.booked.End, "reason": "病假",
	}).is(http.StatusCreated)
	s.browse("inspector", s.firePart()+"/substitute", nil).is(http.StatusOK).says("没有可以顶替的人员", "提出改期")
	s.browse("clerk", s.firePart()+"/substitute", nil).is(http.StatusOK).says("没有可以顶替的人员", "另约时间")
}
