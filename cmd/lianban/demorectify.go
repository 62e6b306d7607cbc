package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"

	"lianban/inspection"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// booksDiner books the visit that leaves something to be put right.
func (s *stage) booksDiner() inspection.Visit {
	v := s.book(s.accept(scenario{
		"lst", "M03", "福满楼家常菜馆", "13807461216", "冷水滩区永州大道118号", 26.4402, 111.6071, "floor_area_m2=150 outdoor_sign=yes",
	}), 5, "10:00")
	s.accepts(v, "lst/amr", "lst/fire", "lst/urban")
	return v
}

// leavesList holds that visit: fire and urban find something, and the applicant
// signs for the one list of both (INS-1107).
func (s *stage) leavesList(v inspection.Visit) {
	if s.err == nil {
		s.err = s.until(s.ctx, v.Start)
	}
	clerk := s.clerk("lst")
	s.did("start the visit", func() error { _, err := s.inspection.Start(s.ctx, clerk, v.ID); return err })
	s.hosts(v, clerk, "何满仓")
	for _, key := range []string{"lst/amr", "lst/fire", "lst/urban"} {
		s.comes(v, key)
	}
	s.pass(25)
	s.opine(v, "lst/amr", "后厨布局与申报图纸一致，食品安全制度已上墙。")
	s.finds(v, "lst/fire", "整改后符合要求。",
		inspection.RectifyItem{Finding: "二楼疏散通道堆放餐具和杂物", Clause: "《消防法》第二十八条", Verify: inspection.VerifyVisit, Days: 5},
		inspection.RectifyItem{Finding: "后厨灭火毯少一块", Clause: "GB 55037-2022 第 10.1.5 条", Verify: inspection.VerifyPhoto, Days: 5})
	s.finds(v, "lst/urban", "店招改小后同意设置。",
		inspection.RectifyItem{Finding: "店招上沿超出二楼窗台", Clause: "《湖南省城市综合管理条例》第三十六条", Verify: inspection.VerifyVisit, Days: 7},
		inspection.RectifyItem{Finding: "通道内餐具杂物影响临街立面", Clause: "《湖南省城市综合管理条例》第三十六条", Verify: inspection.VerifyVisit, Days: 7})
	s.leaks(v)
	s.pass(10)
	s.compares(v)
	s.pass(5)
	s.did("end the site part", func() error { _, err := s.inspection.EndSite(s.ctx, clerk, v.ID); return err })
	s.did("close the visit", func() error { _, err := s.inspection.Close(s.ctx, clerk, v.ID, once.Key{}); return err })
	s.pass(20)
	s.did("give the list", func() error {
		_, err := s.inspection.GiveList(s.ctx, clerk, inspection.GiveRequest{
			VisitID: v.ID, List: 1,
			Handed: inspection.Handed{How: inspection.GivenSigned, Receiver: "何满仓", At: s.dial.Now(), Scan: signedSheet()},
		})
		return err
	})
}

// compares: urban sees that fire asks for the same, and all three see all (INS-1011).
func (s *stage) compares(v inspection.Visit) {
	var seen inspection.VisitView
	s.did("read the items", func() (err error) {
		seen, err = s.inspection.FindVisit(s.ctx, demoActor, v.ID)
		return err
	})
	s.did("merge two items", func() error {
		_, err := s.inspection.PairItems(s.ctx, s.officer("lst/urban"), inspection.PairRequest{
			VisitID: v.ID, Kind: inspection.PairSame, Item: itemOf(seen, "餐具杂物"), Other: itemOf(seen, "疏散通道"), Keep: inspection.KeepOther,
		})
		return err
	})
	for _, key := range []string{"lst/amr", "lst/fire", "lst/urban"} {
		p := s.part(v, key)
		s.did(key+" sees the items", func() error {
			return s.inspection.SeeItems(s.ctx, s.officer(key), inspection.SeeRequest{ParticipantID: p.ID, Seen: inspection.Foreign(seen.Proposed, p.DepartmentID)})
		})
	}
}

// itemOf is the id of the item that says something.
func itemOf(seen inspection.VisitView, says string) string {
	for _, i := range seen.Proposed {
		if strings.Contains(i.Finding, says) {
			return i.ID
		}
	}
	return ""
}

// leaks: fire finds a leak, and clears it before the visit is over (INS-1015).
func (s *stage) leaks(v inspection.Visit) {
	p, who := s.part(v, "lst/fire"), s.officer("lst/fire")
	var found inspection.Danger
	s.did("report a danger", func() (err error) {
		found, err = s.inspection.ReportDanger(s.ctx, who, inspection.DangerRequest{ParticipantID: p.ID, What: "后厨灶台软管老化，有燃气味"})
		return err
	})
	s.pass(10)
	s.did("clear the danger", func() error {
		return s.inspection.ClearDanger(s.ctx, who, v.ID, found.ID, "已关阀并当场更换软管，检漏合格")
	})
}

// asksForRevisit: the applicant telephones, and the window books the revisit of
// fire and urban; amr has nothing to look at (INS-1109).
func (s *stage) asksForRevisit(v inspection.Visit) {
	s.at(1, "15:40")
	clerk := s.clerk("lst")
	s.did("ask for the revisit", func() error {
		_, err := s.inspection.RequestRevisit(s.ctx, clerk, inspection.AskRequest{
			VisitID: v.ID, Channel: "phone", Person: "何满仓", Note: "通道已清空，店招已改小",
		})
		return err
	})
	var draft inspection.Visit
	s.did("plan the revisit", func() (err error) {
		draft, err = s.inspection.PlanRevisit(s.ctx, clerk, v.ID, 30, once.Key{})
		return err
	})
	s.accepts(s.bookDraft(clerk, draft, 2, "15:00"), "lst/fire")
}

// cameAlone: the applicant tells the window that urban came by itself to measure the
// sign; urban has not answered yet. Fire tried to set a visit of its own (INS-1203,
// INS-1204).
func (s *stage) cameAlone(v inspection.Visit) {
	clerk, urban, fire := s.clerk("lst"), s.part(v, "lst/urban"), s.officer("lst/fire")
	s.did("report a separate visit", func() error {
		_, err := s.inspection.Report(s.ctx, clerk, inspection.ReportRequest{
			CaseID: v.CaseID, Class: inspection.ClassSeparate, Party: urban.DepartmentID, On: workday.DateOf(s.dial.Now()).String(),
			People: "两名着制服人员", Detail: "上午有人单独到店丈量店招，要求当场拆除",
		})
		return err
	})
	s.did("try to plan a visit", func() error {
		_, err := s.inspection.Plan(s.ctx, fire, inspection.PlanRequest{CaseID: v.CaseID, Kind: inspection.KindSite})
		if fault.Is(err, "not_a_window") {
			return nil
		}
		return err
	})
}

// did is one step of a scene.
func (s *stage) did(what string, act func() error) {
	if s.err == nil {
		s.fail(what, act())
	}
}

// finds is an opinion with things to put right.
func (s *stage) finds(v inspection.Visit, key, text string, items ...inspection.RectifyItem) {
	s.says(v, key, inspection.OpinionRequest{Kind: inspection.Rectify, Text: text, Items: items})
}

// signedSheet stands for the scan of a signed paper.
func signedSheet() inspection.Scan {
	sheet := image.NewGray(image.Rect(0, 0, 210, 297))
	for i := range sheet.Pix {
		sheet.Pix[i] = 0xf4
	}
	for x := range 60 { // a stroke where the signature goes
		sheet.SetGray(120+x, 250+x%7, color.Gray{Y: 0x30})
	}
	var out bytes.Buffer
	_ = png.Encode(&out, sheet) // to memory, it cannot fail
	return inspection.Scan{Name: "签收件.png", Bytes: out.Bytes()}
}
