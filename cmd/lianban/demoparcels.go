package main

import (
	"slices"
	"strings"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/once"
)

// errand is a case whose papers are on their way on the first morning: who
// receives them, and which departments came and then owe a result.
type errand struct {
	name string // as the scenes below call it
	scenario
	receiver, systems, paper string
}

// errands end in as many states as a person would want to see.
var errands = []errand{
	{"delivered", scenario{"lst", "M25", "麦田里烘焙坊", "13807461221", "冷水滩区珍珠路66号", 26.4412, 111.6047, "outdoor_sign=yes"}, "龙舒涵", "amr urban", "食品经营许可证"},
	{"unverified", scenario{"lst", "M22", "潇湘行旅行社", "13807461222", "冷水滩区逸云路27号", 26.4215, 111.6118, ""}, "蒋宗翰", "culture", "旅行社业务经营许可证"},
	{"failed", scenario{"lst", "M27", "贝贝乐母婴用品店", "13807461223", "冷水滩区育才路35号", 26.4457, 111.6025, ""}, "屈㛃", "amr", "食品经营许可证"},
	{"returned", scenario{"lst", "M15", "𬱖颜美容店", "13807461224", "冷水滩区翠竹路18号", 26.4468, 111.6036, ""}, "唐𬱖", "health", "公共场所卫生许可证"},
	{"out", scenario{"lst", "M04", "老街米粉馆", "13807461225", "冷水滩区梧桐路3号", 26.4388, 111.6009, ""}, "眭国栋", "amr", "食品经营许可证"},
	{"carried", scenario{"lst", "M16", "青丝理发店", "13807461226", "冷水滩区凤凰路12号", 26.4381, 111.6075, ""}, "盘秀兰", "health", "公共场所卫生许可证、卫生信誉度等级公示牌"},
	{"assigned", scenario{"lst", "M26", "果然鲜水果店", "13807461227", "冷水滩区零陵北路90号", 26.4505, 111.5989, ""}, "伍文涛", "amr", "食品经营备案凭证"},
	{"pickup", scenario{"lst", "M22", "九嶷山旅行社", "13807461228", "冷水滩区梅湾路200号", 26.4436, 111.5956, ""}, "奉晓梅", "culture", "旅行社业务经营许可证"},
	{"collected", scenario{"lst", "M16", "小剪刀理发店", "13807461229", "冷水滩区清桥路7号", 26.4482, 111.5963, ""}, "廖志鹏", "health", "公共场所卫生许可证"},
	{"sealed", scenario{"lst", "M04", "阿婆小馆", "13807461230", "冷水滩区滨江路41号", 26.4353, 111.6146, ""}, "王𡈼", "amr", "食品经营许可证"},
	{"complete", scenario{"lst", "M15", "水云间美容店", "13807461231", "冷水滩区潇湘大道9号", 26.4321, 111.6101, ""}, "何念慈", "health", "公共场所卫生许可证、卫生信誉度等级公示牌"},
	{"lost", scenario{"lst", "M27", "小袋鼠母婴生活馆", "13807461233", "冷水滩区育才路61号", 26.4459, 111.6030, ""}, "刘一舟", "amr", "食品经营许可证"},
	{"writtenOff", scenario{"lst", "M16", "时光理发店", "13807461234", "冷水滩区梧桐路52号", 26.4393, 111.6015, ""}, "欧阳倩", "health", "公共场所卫生许可证"},
	{"later", scenario{"lst", "M04", "渔家小灶", "13807461235", "冷水滩区滨江路19号", 26.4351, 111.6148, ""}, "黄渔生", "amr", "食品经营许可证"},
	{"twice", scenario{"lst", "M22", "江永香柚旅行社", "13807461236", "冷水滩区逸云路33号", 26.4216, 111.6119, ""}, "柏秋实", "culture", "旅行社业务经营许可证"},
	{"arrived", scenario{"lst", "M15", "花间美容店", "13807461237", "冷水滩区翠竹路29号", 26.4469, 111.6038, ""}, "谢知微", "health", "公共场所卫生许可证"},
	{"held", scenario{"lst", "M04", "双牌米豆腐店", "13807461238", "冷水滩区清桥路60号", 26.4484, 111.5968, ""}, "何㭎", "amr", "食品经营许可证"},
	{"recalled", scenario{"lst", "M22", "舜皇山旅行社", "13807461239", "冷水滩区梅湾路91号", 26.4434, 111.5953, ""}, "魏云帆", "culture", "旅行社业务经营许可证"},
	{"wet", scenario{"lst", "M16", "木梳理发店", "13807461240", "冷水滩区凤凰路77号", 26.4383, 111.6077, ""}, "邓雨薇", "health", "公共场所卫生许可证"},
	{"stained", scenario{"lst", "M15", "素颜美容店", "13807461241", "冷水滩区零陵北路12号", 26.4501, 111.5986, ""}, "申屠静", "health", "公共场所卫生许可证、卫生信誉度等级公示牌、从业人员健康证明名册"},
	{"counted", scenario{"lst", "M26", "鲜丰水果店", "13807461242", "冷水滩区珍珠路8号", 26.4408, 111.6041, ""}, "蒋丰年", "amr", "食品经营备案凭证、备案信息公示牌、食品安全承诺书"},
	{"waiting", scenario{"lst", "M27", "乐宝母婴店", "13807461243", "冷水滩区育才路80号", 26.4461, 111.6033, ""}, "唐乐怡", "amr", "食品经营许可证"},
	{"asked", scenario{"lst", "M25", "云朵蛋糕店", "13807461244", "冷水滩区潇湘大道77号", 26.4325, 111.6103, "outdoor_sign=yes"}, "邹云", "amr urban", "户外招牌设置许可证"},
	{"only", scenario{"lst", "M38", "红运烟花爆竹店", "13807461245", "冷水滩区永州大道260号", 26.4362, 111.6081, ""}, "唐红运", "yz/emergency fire", "烟花爆竹经营（零售）许可证|消防安全检查意见书"}, // collected at the window (DEL-204)
	{"toSign", scenario{"lst", "M22", "阳明山旅行社", "13807461232", "冷水滩区逸云路58号", 26.4219, 111.6121, ""}, "成思远", "culture", "旅行社业务经营许可证"},
}

// mailOf are the applicants who gave an address, and so act by their link.
var mailOf = map[string]string{"delivered": bakerMail, "later": fisherMail, "asked": cloudMail, "only": fireworksMail}

func (e errand) keys() (out []string) {
	for system := range strings.FieldsSeq(e.systems) {
		if !strings.Contains(system, "/") { // of the area itself
			system = e.area + "/" + system
		}
		out = append(out, system)
	}
	return out
}

// papers are what the n-th department hands over; the last one's are also those of
// the departments after it.
func (e errand) papers(n int) []string {
	each := strings.Split(e.paper, "|")
	return strings.Split(each[min(n, len(each)-1)], "、")
}

// mailroom plays the second half: what becomes of the errands.
type mailroom struct {
	*stage
	cases   map[string]inspection.Case
	visits  []inspection.Visit
	parcels map[string]delivery.Parcel
}

func newMailroom(s *stage) *mailroom {
	return &mailroom{stage: s, cases: map[string]inspection.Case{}, parcels: map[string]delivery.Parcel{}}
}

// books takes the errands in and books their visits, two to four working days
// on: there are two vehicles.
func (m *mailroom) books() {
	for n, e := range errands {
		r := m.request(e.scenario)
		r.Applicant.Agent = e.receiver
		r.Applicant.Email = mailOf[e.name]
		c := m.takeCase(e.area, r)
		v := m.book(c, 2+n%3, "09:00")
		for _, key := range e.keys() {
			m.answer(v, key, inspection.ReplyAccept, "")
		}
		m.cases[e.name], m.visits = c, append(m.visits, v)
	}
	slices.SortStableFunc(m.visits, func(a, b inspection.Visit) int { return a.Start.Compare(b.Start) })
}

// inspects holds the visits one after the other. In these days nothing is
// waited for, so the time between them is leapt over.
func (m *mailroom) inspects() {
	for _, v := range m.visits {
		if m.err == nil {
			m.dial.skipTo(v.Start)
			m.inspect(v)
		}
	}
	m.pass(0)
}

// inspect holds one visit; everybody agrees.
func (m *mailroom) inspect(v inspection.Visit) {
	clerk := m.clerk("lst")
	_, err := m.inspection.Start(m.ctx, clerk, v.ID)
	m.fail("start the visit of "+v.CaseNumber, err)
	m.dial.skipTo(m.dial.Now().Add(demoStep))
	for _, key := range m.errandOf(v).keys() {
		m.opine(v, key, "现场与申报材料一致，同意。")
	}
	if m.err != nil {
		return
	}
	_, err = m.inspection.EndSite(m.ctx, clerk, v.ID)
	m.fail("end the visit of "+v.CaseNumber, err)
	_, err = m.inspection.Close(m.ctx, clerk, v.ID, once.Key{})
	m.fail("close the visit of "+v.CaseNumber, err)
}

func (m *mailroom) errandOf(v inspection.Visit) errand {
	i := slices.IndexFunc(errands, func(e errand) bool { return m.cases[e.name].ID == v.CaseID })
	return errands[i]
}

// gathers lets the departments hand over and the window sign for it.
func (m *mailroom) gathers(names ...string) {
	for _, e := range errands {
		for n, key := range e.keys() {
			if slices.Contains(names, e.name) {
				m.signsFor(m.handsOver(m.cases[e.name], key, e.papers(n)...))
			}
		}
	}
}

// packs seals each errand for a courier.
func (m *mailroom) packs(names ...string) {
	for _, name := range names {
		m.parcels[name] = m.seals(m.cases[name], delivery.WayOwnCourier, "F"+m.cases[name].Number[len(m.cases[name].Number)-4:])
	}
}

// packsApart seals an errand in two pieces, the second under its name and a 2.
func (m *mailroom) packsApart(name string) {
	r := m.toSeal(m.cases[name], delivery.WayOwnCourier, "F"+m.cases[name].Number[len(m.cases[name].Number)-4:])
	if m.err != nil {
		return
	}
	r.More = []delivery.PieceRequest{{Items: r.Items[1:], Bag: r.Bag + "-2"}}
	r.Items = r.Items[:1]
	m.parcels[name] = m.seal(r)
	if m.err != nil {
		return
	}
	v, err := m.delivery.FindParcel(m.ctx, m.clerk("lst"), m.parcels[name].ID)
	m.fail("find the pieces", err)
	if m.err != nil {
		return
	}
	second, err := m.delivery.FindParcel(m.ctx, m.clerk("lst"), v.Sending[1].ParcelID)
	m.fail("find the second piece", err)
	m.parcels[name+"2"] = second.Parcel
}

// leaves gives parcels to a courier, who signs for them.
func (m *mailroom) leaves(courier string, names ...string) {
	var all []delivery.Parcel
	for _, name := range names {
		m.gives(m.parcels[name], courier)
		all = append(all, m.parcels[name])
	}
	m.takes(courier, all...)
}

// twoDaysBefore delivers one parcel in time and sends two out that find nobody.
func (m *mailroom) twoDaysBefore() {
	m.at(2, "09:50")
	m.gathers("delivered", "collected")
	m.pass(12)
	m.packs("delivered")
	m.parcels["collected"] = m.seals(m.cases["collected"], delivery.WayWindow, "")
	m.leaves("courier2", "delivered")
	m.sends("courier2", deed{parcel: m.parcels["delivered"], what: delivery.EventStarted})
	m.setsOutBadly()
	m.at(2, "13:36")
	p := m.parcels["delivered"]
	m.sends("courier2", deed{parcel: p, what: delivery.EventArrived})
	m.pass(6)
	m.sends("courier2", deed{parcel: p, what: delivery.EventDelivered, says: map[string]any{
		"outcome": delivery.ToRecipient, "receiver": p.Receiver.Name, "code": m.code(p),
	}})
}

func (m *mailroom) eveningBefore() {
	m.at(2, "16:05")
	m.gathers("failed", "returned")
	m.pass(10)
	m.packs("failed", "returned")
	m.leaves("courier", "failed")
	m.leaves("courier2", "returned")
	m.losesOne()
}

// yesterdayMorning: nobody is at home, one refuses, and one set is complete
// before noon.
func (m *mailroom) yesterdayMorning() {
	m.at(1, "08:50")
	failed, refused := m.parcels["failed"], m.parcels["returned"]
	m.sends("courier", deed{parcel: failed, what: delivery.EventStarted})
	m.sends("courier2", deed{parcel: refused, what: delivery.EventStarted})
	m.at(1, "09:08")
	m.sends("courier", deed{parcel: failed, what: delivery.EventArrived}, deed{parcel: failed, what: delivery.EventFailed, says: map[string]any{
		"outcome": delivery.NotHome, "reason": "店门上锁，未见经办人", "call_note": "09:06、09:07 两次拨打，无人接听",
	}})
	m.sends("courier2", deed{parcel: refused, what: delivery.EventArrived}, deed{parcel: refused, what: delivery.EventFailed, says: map[string]any{
		"outcome": delivery.Refused, "reason": "经办人称店名有误，要求更正后再送", "call_note": "与窗口通话确认退回",
	}}, deed{parcel: refused, what: delivery.EventReturning, says: map[string]any{"reason": "拒收，按窗口要求带回"}})
	m.asksOtherwise()
}

func (m *mailroom) yesterdayNoon() {
	m.at(1, "10:05")
	m.gathers("unverified", "lost")
	m.signsFor(m.handsOver(m.blocked(), "lst/fire", "公众聚集场所营业前消防安全检查合格证"))
	m.pass(10)
	m.packs("unverified", "lost")
	m.leaves("courier", "unverified")
	m.bothDeliver()
}

// blocked is the case for which one department still owes its result.
func (m *mailroom) blocked() inspection.Case { return m.cases["blocked"] }

func (m *mailroom) yesterdayAfternoon() {
	m.at(1, "14:10")
	m.gathers("out", "carried", "assigned", "pickup", "arrived", "held", "recalled", "wet", "stained", "only")
	m.pass(15)
	m.packs("out", "assigned", "arrived", "held", "recalled", "wet")
	m.packsApart("carried")
	m.parcels["pickup"] = m.seals(m.cases["pickup"], delivery.WayWindow, "")
	m.parcels["only"] = m.seals(m.cases["only"], delivery.WayWindow, "")
	p := m.parcels["unverified"]
	m.sends("courier", deed{parcel: p, what: delivery.EventStarted}, deed{parcel: p, what: delivery.EventArrived})
	m.pass(5) // the receiver's telephone is flat: no code, only a name
	m.sends("courier", deed{parcel: p, what: delivery.EventDelivered, says: map[string]any{
		"outcome": delivery.ToRecipient, "receiver": p.Receiver.Name,
	}})
	m.runsBefore()
	m.countsOtherwise()
}

// yesterdayEvening: what was refused is back, and one applicant came by.
func (m *mailroom) yesterdayEvening() {
	m.at(1, "16:20")
	if m.err != nil {
		return
	}
	_, err := m.delivery.AcceptReturn(m.ctx, m.clerk("lst"), delivery.ReturnRequest{ParcelID: m.parcels["returned"].ID, Seal: delivery.BagIntact, Count: 1})
	m.fail("take the return in", err)
	p := m.parcels["collected"]
	signed, err := m.delivery.PutPhoto(m.ctx, m.clerk("lst"), signedSheet().Bytes)
	m.fail("scan the signed slip", err)
	_, err = m.delivery.Collect(m.ctx, m.clerk("lst"), delivery.CollectRequest{
		ParcelID: p.ID, Code: m.code(p), IDLast4: demoLast4, Receiver: p.Receiver.Name, Signature: signed.SHA256,
	})
	m.fail("hand over at the window", err)
	if m.err == nil { // nobody can say who was dissatisfied but the supervisor who calls back
		m.fail("rate", m.delivery.Rate(m.ctx, delivery.RateRequest{
			Number: p.Number, PhoneLast4: p.Receiver.Phone[len(p.Receiver.Phone)-4:], Level: delivery.Bad, Words: "短信说可以取件，来了窗口正在交接，等了半小时。",
		}))
	}
	m.shelfLeaks()
	m.searchEnds()
}

// thisMorning: the courier has set out, one parcel waits for it at the window,
// one set is complete, one result went as a file that nobody has opened yet, one
// hand-over waits for a signature, and somebody says by the link that a parcel on
// record as delivered did not arrive.
func (m *mailroom) thisMorning() {
	m.at(0, "09:12")
	m.gathers("sealed", "complete")
	m.sendsFile(m.blocked(), "lst/urban", "户外招牌设置许可证")
	m.sealsAnew("sealed")
	m.leaves("courier", "out", "carried", "carried2")
	m.gives(m.parcels["assigned"], "courier")
	m.pass(5)
	m.sends("courier", deed{parcel: m.parcels["out"], what: delivery.EventStarted}, deed{parcel: m.parcels["carried"], what: delivery.EventStarted})
	m.onTheRoad()
	m.handsOver(m.cases["toSign"], "lst/culture", "旅行社业务经营许可证")
	if token := m.tokenOf(bakerMail); m.err == nil {
		m.fail("report what did not arrive", m.delivery.ReportMissing(m.ctx, token, m.parcels["delivered"].Number))
	}
}
