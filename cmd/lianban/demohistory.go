package main

import (
	"context"
	"time"

	"lianban/inspection"
	"lianban/internal/once"
)

// demoHistory is how many working days before its first morning the city is
// set up, so that every page has something to show.
const demoHistory = 10

// history plays the days before the demonstration by the real acts. Every
// scene names the day, counted back from the first morning.
func (w *world) history(ctx context.Context) error {
	s := &stage{world: w, ctx: ctx}
	m := newMailroom(s)
	s.skip(9, "09:00")
	s.fail("sign in", w.signIn(ctx))
	m.books()
	diner := s.booksDiner()
	m.inspects()
	s.skip(4, "09:10")
	closed := s.closedVisit()
	s.leavesList(diner)
	clinic := s.booksClinic()
	m.cases["blocked"] = inspection.Case{ID: closed.CaseID, Number: closed.CaseNumber}
	s.at(3, "10:00")
	today := s.visitOfToday()
	s.neverDeemed()
	s.holdVisit(closed)
	m.twoDaysBefore()
	s.deemed()
	s.holdsClinic(clinic)
	s.confirmed()
	m.eveningBefore()
	m.yesterdayMorning()
	s.trip(s.declined())
	m.yesterdayNoon()
	s.countered()
	m.yesterdayAfternoon()
	s.mailWaits()
	s.asksForRevisit(diner)
	s.cameAlone(diner)
	m.yesterdayEvening()
	bags := m.circulates()
	m.sendsPaper(clinic)
	s.thisMorning(m.thisMorning)
	s.accepts(today)
	m.runs(bags)
	s.at(0, "09:40")
	return s.err
}

// closedVisit books the visit that is held two days before: market regulation
// will stay silent. The applicant gave a mail address and so has a link.
func (s *stage) closedVisit() inspection.Visit {
	r := s.request(scenario{
		"lst", "M03", "湘味轩餐饮店", "13807461201", "冷水滩区梧桐路88号", 26.4391, 111.6012, "floor_area_m2=120 outdoor_sign=yes",
	})
	r.Applicant.Email = keeperMail
	v := s.book(s.takeCase("lst", r), 2, "09:00")
	s.accepts(v, "lst/fire", "lst/urban")
	return v
}

// visitOfToday books what takes place on the first morning.
func (s *stage) visitOfToday() inspection.Visit {
	v := s.book(s.accept(scenario{
		"lst", "M23", "潇水茶舍", "13807461202", "冷水滩区潇湘大道215号", 26.4318, 111.6104, "floor_area_m2=86 outdoor_sign=yes",
	}), 3, "10:00")
	s.accepts(v, "lst/amr", "lst/health", "lst/fire", "lst/urban")
	s.pass(40)
	s.substitutes(v, "lst/fire", "周末值勤后调休")
	return v
}

// neverDeemed books a clinic: silence about it is never consent, so it stands
// on hold once the deadline has passed (INS-911).
func (s *stage) neverDeemed() {
	s.at(3, "14:05")
	v := s.book(s.accept(scenario{
		"lst", "M29", "康泽口腔诊所", "13807461203", "冷水滩区零陵北路31号", 26.4502, 111.5987, "floor_area_m2=140",
	}), 4, "13:30")
	s.accepts(v, "lst/fire")
}

// holdVisit plays a visit to its joint opinion.
func (s *stage) holdVisit(v inspection.Visit) {
	if s.err != nil {
		return
	}
	if s.err = s.until(s.ctx, v.Start); s.err != nil {
		return
	}
	clerk := s.clerk("lst")
	_, err := s.inspection.Start(s.ctx, clerk, v.ID)
	s.fail("start the visit", err)
	s.hosts(v, clerk, "何静")
	s.comes(v, "lst/fire")
	s.comes(v, "lst/urban")
	s.pass(20)
	s.opine(v, "lst/fire", "疏散通道畅通，灭火器配置符合要求。")
	s.opine(v, "lst/urban", "店招尺寸与样式符合规定，同意设置。")
	s.pass(15)
	if s.err == nil {
		_, err = s.inspection.EndSite(s.ctx, clerk, v.ID)
		s.fail("end the site part", err)
	}
	if s.err == nil {
		_, err = s.inspection.Close(s.ctx, clerk, v.ID, once.Key{})
		s.fail("close the visit", err)
	}
}

// deemed books a bar about which health stays silent; the others come.
func (s *stage) deemed() {
	s.at(2, "14:00")
	v := s.book(s.accept(scenario{
		"lst", "M05", "𬱖心小酒馆", "13807461204", "冷水滩区梅湾路19号", 26.4427, 111.5949, "floor_area_m2=95 outdoor_sign=yes",
	}), 3, "09:00")
	s.accepts(v, "lst/amr", "lst/fire", "lst/urban")
}

// confirmed books a visit to which everybody comes.
func (s *stage) confirmed() {
	s.at(2, "15:10")
	v := s.book(s.accept(scenario{
		"ll", "M03", "零陵血鸭馆", "13807461205", "零陵区中山路102号", 26.2235, 111.6290, "floor_area_m2=180 outdoor_sign=yes",
	}), 3, "09:00")
	s.accepts(v, "ll/amr", "ll/fire", "ll/urban")
}

// declined: one department says that it cannot come.
func (s *stage) declined() inspection.Visit {
	s.at(1, "09:20")
	v := s.book(s.accept(scenario{
		"lst", "M16", "燚造型理发店", "13807461206", "冷水滩区翠竹路7号", 26.4466, 111.6033, "outdoor_sign=yes",
	}), 3, "09:00")
	s.accepts(v, "lst/health")
	s.pass(20)
	s.answer(v, "lst/urban", inspection.ReplyDecline, "当日全队参加创建文明城市检查，无法派员")
	return v
}

// trip books a visit round the corner, which the same vehicle makes next (INS-609).
func (s *stage) trip(with inspection.Visit) {
	v := s.book(s.accept(scenario{
		"lst", "M15", "蓝调美容店", "13807461247", "冷水滩区育才路22号", 26.4456, 111.6023, "",
	}), 3, "10:30")
	s.did("join the trip", func() error {
		_, err := s.inspection.JoinTrip(s.ctx, s.clerk("lst"), inspection.JoinRequest{VisitID: v.ID, With: with.ID})
		return err
	})
}

// countered: one department proposes other times.
func (s *stage) countered() {
	s.at(1, "11:00")
	v := s.book(s.accept(scenario{
		"ll", "M11", "柳子庙客栈", "13807461207", "零陵区柳子街66号", 26.2301, 111.6189, "floor_area_m2=420 outdoor_sign=yes",
	}), 3, "13:30")
	s.accepts(v, "ll/health")
	s.pass(10)
	s.answer(v, "ll/police", inspection.ReplyCounter, "当日下午治安检查，建议改到次日", v.Start.Add(24*time.Hour), v.Start.Add(26*time.Hour))
}

// mailWaits: a department answers by mail; until a person has read it nothing
// is deemed (DEC-1).
func (s *stage) mailWaits() {
	s.at(1, "15:00")
	v := s.book(s.accept(scenario{
		"lst", "M17", "浯溪足浴店", "13807461208", "冷水滩区凤凰路150号", 26.4379, 111.6078, "floor_area_m2=210",
	}), 3, "13:30")
	s.accepts(v, "lst/fire")
	s.pass(30)
	s.mailBack(s.part(v, "lst/health"), "综合窗口：\n\n收到通知。届时由刘㛃、莫小军到场，请提前准备卫生管理制度和消毒记录。\n\n冷水滩区卫生健康局办公室")
}

// thisMorning leaves the work of a normal morning: a notice that cannot be
// delivered, answers that are waited for, and cases to book.
func (s *stage) thisMorning(parcels func()) {
	s.at(0, "09:02")
	v := s.book(s.accept(scenario{
		"ll", "M10", "星空量贩KTV", "13807461209", "零陵区阳明大道9号", 26.2188, 111.6331, "floor_area_m2=260 outdoor_sign=yes",
	}), 3, "09:00")
	s.accepts(v, "ll/fire")
	v = s.book(s.accept(scenario{
		"lst", "M09", "湘江边民宿", "13807461210", "冷水滩区滨江路3号", 26.4350, 111.6150, "floor_area_m2=310 serves_food=yes",
	}), 3, "13:30")
	s.fallsIll(v, "lst/fire")
	s.objects(v, "lst/police", "该房屋产权人来所反映未同意出租，产权存在争议，建议先核实")
	parcels()
	s.at(0, "09:26")
	s.contests(v, "lst/health", "收件页昨晚起无法登录，今早九点二十分才恢复，此前的到达时间不应计算")
	s.accept(scenario{"lst", "M12", "极速网吧", "13807461211", "冷水滩区清桥路48号", 26.4480, 111.5960, "floor_area_m2=160"})
	s.accept(scenario{"lst", "M02", "邻里便利店", "13807461212", "冷水滩区育才路12号", 26.4455, 111.6021, "sells_tobacco=? outdoor_sign=yes"})
	c := s.accept(scenario{"lst", "M37", "湘南加油站", "13807461213", "冷水滩区湘江西路500号", 26.4277, 111.5870, ""})
	s.asksLonger(c, "安全评价报告须经专家复核后才能作出决定")
	s.accept(scenario{"lst", "M38", "喜庆烟花爆竹店", "13807461240", "冷水滩区零陵北路302号", 26.4521, 111.5993, ""}) // collected at the window (DEL-204)
	s.accept(scenario{"lst", "M28", "仁和医疗器械店", "13807461214", "冷水滩区梅湾路77号", 26.4433, 111.5951, "medical_device_class=2"})
	s.passOn()
}

// passOn: a window elsewhere took the case in; the visit belongs to the window
// of the site (INS-203).
func (s *stage) passOn() {
	c := s.accept(scenario{"lst", "M25", "麦香烘焙坊", "13807461215", "冷水滩区珍珠路21号", 26.4410, 111.6044, "outdoor_sign=yes"}, "ll")
	if s.err == nil {
		s.fail("pass on", s.inspection.PassOn(s.ctx, s.clerk("ll"), c.ID, "申请人在零陵窗口提交，场所在冷水滩区", once.Key{}))
	}
}
