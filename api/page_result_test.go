package api

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

// owe lets market regulation and the fire brigade owe a case their results.
func (s *stage) owe(c inspection.Case) map[string]delivery.ResultLine {
	s.t.Helper()
	ctx := s.t.Context()
	s.must(s.db.Write(ctx, func(tx bun.IDB) error {
		leaves, err := delivery.Expect(ctx, tx, delivery.Expectation{
			CaseID: c.ID, CaseNumber: c.Number, MatterCode: c.MatterCode, MatterName: c.MatterName, Applicant: "湘**" + trouble, CentreID: c.CentreID,
			Owed: []delivery.Owed{
				{DepartmentID: "431103-fire", Department: "消防大队", Permit: "检查合格证"}, {DepartmentID: "431103-amr", Department: "市场监管局"},
			}, By: auth.System("test"), At: s.now(),
		})
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	}))
	lines, err := s.Delivery.ListLines(ctx, auth.System("test"), delivery.LineQuery{CaseID: c.ID})
	s.must(err)
	out := map[string]delivery.ResultLine{}
	for _, l := range lines {
		out[l.DepartmentID] = l
	}
	return out
}

// one gives the only transfer of a line.
func (s *stage) one(l delivery.ResultLine) delivery.TransferView {
	s.t.Helper()
	r, err := s.Delivery.FindResult(s.t.Context(), auth.System("test"), l.ID)
	s.must(err)
	if len(r.Transfers) == 0 {
		s.t.Fatal("nothing was handed over")
	}
	return r.Transfers[0]
}

// DEL-301, DEL-910, DEL-303: a department hands over in its browser, the window
// scans, counts and signs in its own, and the case page follows.
func TestResultsGoFromTheDepartmentsPageToTheWindows(t *testing.T) {
	s := newStage(t)
	owed := s.owe(s.open)
	fire, amr := owed["431103-fire"], owed["431103-amr"]
	s.browse("inspector", "/", nil).is(http.StatusOK).says("送交结果", "检查合格证")
	s.browse("inspector", "/results/"+fire.ID, nil).is(http.StatusOK).says("送交窗口")
	s.browse("inspector", "/results/"+amr.ID, nil).is(http.StatusNotFound)
	s.browse("clerk-elsewhere", "/results/"+fire.ID, nil).is(http.StatusNotFound)

	form := url.Values{"decided_on": {"2026-11-16"}, "class1": {"certificate"}, "title1": {"检查合格证"}, "class2": {"seal"}, "title2": {"公章"}, "once": {"k1"}}
	s.browse("inspector", "/results/"+fire.ID+"/release", form).is(http.StatusUnprocessableEntity).says("印章请填写印章种类")
	form.Set("class2", "approval")
	form.Set("once", "k2")
	s.browse("inspector", "/results/"+fire.ID+"/release", form).is(http.StatusSeeOther)
	s.browse("inspector", "/results/"+fire.ID+"/release", form).is(http.StatusSeeOther) // sent twice
	tr := s.one(fire)
	if len(tr.Items) != 2 {
		t.Fatalf("%d things", len(tr.Items))
	}
	at := "/transfers/" + tr.ID
	s.browse("inspector", at, nil).is(http.StatusOK)
	s.browse("inspector", at+"/accept", url.Values{"count": {"2"}}).is(http.StatusForbidden)

	s.browse("clerk", "/transfers", nil).is(http.StatusOK).says(tr.Number, "待签收")
	if to := s.browse("clerk", "/transfers?scan="+url.QueryEscape(" "+tr.Items[0].Item.Number), nil).is(http.StatusSeeOther).to(); to != at {
		t.Errorf("the scan leads to %s", to)
	}
	s.browse("clerk", "/transfers?scan=LB03XX", nil).is(http.StatusUnprocessableEntity).says("应为LB开头的13位")
	s.browse("clerk", at+"?scan="+tr.Items[0].Item.Number, nil).is(http.StatusOK).says("已核对：检查合格证", "已核对1件，共2件")
	s.browse("clerk", at+"?scan="+tr.Number+"&seen="+tr.Items[0].ItemID, nil).says("不在本次移交中", "已核对1件")

	sign := url.Values{"count": {"2"}}
	for _, i := range tr.Items {
		sign.Set("outcome-"+i.ItemID, "accepted")
	}
	sign.Set("count", "1")
	s.browse("clerk", at+"/accept", sign).is(http.StatusUnprocessableEntity).says("重新清点")
	sign.Set("count", "2")
	s.browse("clerk", at+"/accept", sign).is(http.StatusSeeOther)
	s.browse("clerk", at+"/accept", sign).is(http.StatusConflict).says("不能再次办理")
	s.browse("clerk", "/items/"+tr.Items[0].ItemID, nil).is(http.StatusOK).says("部门登记", "窗口签收")

	s.browse("clerk", "/cases/"+s.open.ID, nil).is(http.StatusOK).says("未齐套", "检查合格证", "市场监管局")
	split := url.Values{"choice": {"split"}, "lines": {amr.ID}, "channel": {"phone"}, "given_by": {""}, "once": {"c1"}}
	s.browse("clerk", "/cases/"+s.open.ID+"/choice", split).is(http.StatusUnprocessableEntity).says("只有申请人可以选择")
	split.Set("given_by", "李老板")
	split.Set("once", "c2")
	s.browse("clerk", "/cases/"+s.open.ID+"/choice", split).is(http.StatusSeeOther)
	s.browse("clerk", "/cases/"+s.open.ID, nil).says("已齐套", "不等此项", "李老板")
	s.browse("clerk", "/sets?state=ready", nil).is(http.StatusOK).says(s.open.Number)
}

// DEL-950, DEL-305: the window records a paper slip, reminds and waives.
func TestWindowRecordsASlipRemindsAndWaives(t *testing.T) {
	s := newStage(t)
	owed := s.owe(s.open)
	amr, fire := owed["431103-amr"], owed["431103-fire"]
	s.browse("clerk", "/sets", nil).is(http.StatusOK).says("影响出件的部门", "市场监管局")
	s.browse("clerk", "/results/"+amr.ID+"/remind", url.Values{}).is(http.StatusSeeOther)
	at := "/results/" + amr.ID
	form := url.Values{"decided_on": {"2026-11-16"}, "class1": {"certificate"}, "title1": {"营业执照"}, "signed_at": {""}, "once": {"p1"}}
	s.browse("clerk", at+"/release", form).is(http.StatusUnprocessableEntity).says("流转单上签字")
	form.Set("giver", "蒋志远")
	s.browse("clerk", at+"/release", form).is(http.StatusUnprocessableEntity).says("请填写签字人和签字时间")
	s.browseIn("en", "clerk", at+"/release", form).is(http.StatusUnprocessableEntity).says("and upload the scan of the signed slip")
	form.Set("signed_at", s.trust.Now().In(workday.Shanghai).Format("2006-01-02T15:04"))
	s.browse("clerk", at+"/release", form).is(http.StatusUnprocessableEntity).says("上传签字流转单的扫描件").holds(`value="蒋志远"`)
	s.sendFile("clerk", at+"/release", form, "slip", drawn(t)).is(http.StatusSeeOther)
	tr := s.one(amr)
	if !tr.Paper || tr.Giver != "蒋志远" || tr.SignedAt.IsZero() {
		t.Errorf("transfer: %+v", tr.Transfer)
	}
	for lang, says := range map[string]string{"zh": "签字流转单扫描件", "en": "Scan of the signed slip"} {
		p := s.browseIn(lang, "clerk", "/transfers/"+tr.ID, nil).is(http.StatusOK).says("蒋志远", says)
		checkPage(t, "the hand-over on paper in "+lang, p.body)
	}
	if p := s.browse("clerk", "/transfers/"+tr.ID+"/files/"+tr.Slip, nil).is(http.StatusOK); p.body != string(drawn(t)) {
		t.Error("the scan is not what was uploaded")
	}
	s.browse("clerk-elsewhere", "/transfers/"+tr.ID+"/files/"+tr.Slip, nil).is(http.StatusNotFound)
	s.browse("clerk", "/transfers/"+tr.ID+"/refuse", url.Values{"reason": {""}}).is(http.StatusUnprocessableEntity)
	s.browse("clerk", "/transfers/"+tr.ID+"/refuse", url.Values{"reason": {"公章不清"}}).is(http.StatusSeeOther)
	s.browse("clerk", "/results/"+amr.ID, nil).says("已拒收", "公章不清", "再次送交", "已催办1次")
	s.browse("clerk", "/results/"+fire.ID+"/waive", url.Values{"ground": {"只出具意见"}}).is(http.StatusSeeOther)
	add := url.Values{"department": {"431103-urban"}, "permit": {"店招备案"}, "ground": {"申请人同时申办"}, "once": {"a1"}}
	s.browse("clerk", "/cases/"+s.open.ID+"/results", add).is(http.StatusSeeOther)
	s.browse("clerk", "/cases/"+s.open.ID, nil).says("免于送交", "店招备案")
	for _, path := range []string{"/results/" + amr.ID + "/remind", "/results/" + amr.ID + "/waive", "/cases/" + s.open.ID + "/choice"} {
		s.browse("clerk-elsewhere", path, url.Values{"ground": {"x"}}).is(http.StatusNotFound)
	}
}

// SEC-20, SEC-24: the pages of this half hold in both languages, in every state.
func TestPagesOfResultsAreWholeInBothLanguages(t *testing.T) {
	s := newStage(t)
	owed := s.owe(s.open)
	fire := owed["431103-fire"]
	for _, k := range []string{"expected", "released", "accepted"} {
		if k == "released" {
			form := url.Values{
				"decided_on": {"2026-11-02"}, "partial_why": {"in_production"}, "class1": {"seal"}, "title1": {"公章" + trouble}, "seal_kind1": {"公章"},
				"seal_code1": {"4311030012345"}, "seal_filing1": {"备1"}, "seal_bag1": {"MF1"}, "once": {"k"},
			}
			s.browse("inspector", "/results/"+fire.ID+"/release", form).is(http.StatusSeeOther)
		}
		paths := []string{"/sets", "/transfers", "/results/" + fire.ID, "/cases/" + s.open.ID}
		if k != "expected" {
			tr := s.one(fire)
			if k == "accepted" {
				s.browse("clerk", "/transfers/"+tr.ID+"/accept", url.Values{"count": {"1"}, "outcome-" + tr.Items[0].ItemID: {"accepted"}}).is(http.StatusSeeOther)
			}
			paths = append(paths, "/transfers/"+tr.ID, "/items/"+tr.Items[0].ItemID)
		}
		for _, path := range paths {
			for _, role := range []string{"clerk", "auditor", "inspector"} {
				if role == "inspector" && slices.Contains([]string{"/sets", "/transfers", "/cases/" + s.open.ID}, path) {
					continue
				}
				for _, lang := range []string{"zh", "en"} {
					got := s.browse(role, withLang(path, lang), nil)
					if got.status != http.StatusOK {
						t.Fatalf("%s for %s in %s: %d %s", path, role, lang, got.status, s.why(got))
					}
					checkPage(t, path+" for "+role+" in "+lang, got.body)
				}
			}
		}
	}
}
