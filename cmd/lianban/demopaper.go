package main

import (
	"context"
	"fmt"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/office"
	"lianban/internal/once"
)

// onPaper is a small department without accounts: notices go to its reception desk on
// paper, who may sign there is registered, and tables go out and back (DEL-951).
const onPaper = "lst/agriculture"

// paperOfficers are its inspectors, who never sign in, and then its receiver.
var paperOfficers, paperReceiver = []string{"蒋田生", "秦小禾"}, "文桂花"

// addPaperDepartment adds it with its people, its desk and who may sign there.
func (w *world) addPaperDepartment(ctx context.Context, a area, n int) error {
	d, err := w.registerDepartment(ctx, a, "agriculture", n)
	if err != nil {
		return err
	}
	for _, name := range paperOfficers {
		err := w.addResource(ctx, inspection.Resource{
			Kind: inspection.KindInspector, Name: name, DepartmentID: d.ID, Certificate: fmt.Sprintf("湘M%s%02dAG", a.code[2:], n),
			Qualifications: []inspection.Qualification{{Matter: "*", Division: a.code}},
		})
		if err != nil {
			return err
		}
	}
	if err := w.addAddress(ctx, a, n, office.Address{Department: d.ID, Channel: office.Paper, Value: "机关大院1号楼收发室"}); err != nil {
		return err
	}
	_, err = w.delivery.RegisterReceiver(ctx, w.people["clerk"], delivery.ReceiverRequest{
		DepartmentID: d.ID, Name: paperReceiver, Post: "收发室", Ground: "冷农登记函〔2026〕3号",
	})
	return err
}

// booksClinic books a visit to a veterinary clinic. The department on paper signs for
// the notice and stays silent; ecology comes.
func (s *stage) booksClinic() inspection.Visit {
	v := s.book(s.accept(scenario{
		"lst", "M31", "爪爪宠物诊所", "13807461246", "冷水滩区湘江西路90号", 26.4301, 111.5902, "animal_clinic=yes",
	}), 2, "14:15")
	s.accepts(v, "lst/ecology")
	p := s.part(v, onPaper)
	s.did("serve a notice on paper", func() error {
		return s.inspection.ServeByHand(s.ctx, s.clerk("lst"), inspection.HandServiceRequest{
			ParticipantID: p.ID, Channel: "paper", Receiver: paperReceiver, Post: "收发室", At: s.dial.Now(),
			Scan: inspection.Scan{Name: "送达回证.png", Bytes: counterPhoto(10)},
		})
	})
	return v
}

// holdsClinic holds that visit. Ecology hands over at once; what the department on
// paper owes waits for its table.
func (s *stage) holdsClinic(v inspection.Visit) {
	if s.err == nil {
		s.err = s.until(s.ctx, v.Start)
	}
	clerk := s.clerk("lst")
	s.did("start the visit", func() error { _, err := s.inspection.Start(s.ctx, clerk, v.ID); return err })
	s.hosts(v, clerk, "卿小满")
	s.comes(v, "lst/ecology")
	s.pass(15)
	s.opine(v, "lst/ecology", "医疗废物暂存间和处置协议齐全，同意。")
	s.pass(10)
	s.did("end the site part", func() error { _, err := s.inspection.EndSite(s.ctx, clerk, v.ID); return err })
	s.did("close the visit", func() error { _, err := s.inspection.Close(s.ctx, clerk, v.ID, once.Key{}); return err })
}

// sendsPaper gives the run a bag for the department on paper, whose receiver fills the
// table in that goes with it.
func (m *mailroom) sendsPaper(v inspection.Visit) {
	if m.err != nil {
		return
	}
	clerk := m.clerk("lst")
	var all []delivery.Material
	m.did("take in a floor plan", func() (err error) {
		all, err = m.inspection.TakeIn(m.ctx, clerk, m.delivery, inspection.MaterialRequest{CaseID: v.CaseID, Title: "诊疗场所平面图", Needs: []delivery.Need{
			{DepartmentID: m.departments["lst/ecology"].ID, Form: delivery.ClassCopy}, {DepartmentID: m.departments[onPaper].ID, Form: delivery.ClassCopy},
		}})
		return err
	})
	for _, one := range all {
		if one.ForID == m.departments[onPaper].ID {
			m.did("stamp the copy", func() error { _, err := m.delivery.Stamp(m.ctx, clerk, one.ItemID, "蒋志远"); return err })
		}
		if one.ForID == m.departments[onPaper].ID || one.ForID == "" && one.KeeperID == m.departments[onPaper].ID {
			m.bag(one, "F261109")
		}
	}
}
