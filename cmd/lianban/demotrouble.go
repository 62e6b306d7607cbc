package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"

	"lianban/delivery"
	"lianban/internal/auth"
)

// What goes wrong on the way, and what applicants want otherwise: a city in which
// every parcel arrives shows half of the pages.

// setsOutBadly is two days before: one parcel goes out and is not found again, and
// a department hands something over that nobody signs for (DEL-807, DEL-912).
func (m *mailroom) setsOutBadly() {
	m.gathers("writtenOff")
	m.packs("writtenOff")
	m.leaves("courier3", "writtenOff")
}

// losesOne is that evening: the loss is reported.
func (m *mailroom) losesOne() {
	m.gathers("later", "twice")
	m.packs("later", "twice")
	m.leaves("courier3", "later", "twice")
	m.handsOver(m.cases["waiting"], "lst/amr", "食品经营许可证")
	m.harms("writtenOff", delivery.EventLost, "派送箱在凤凰路口滑落，原路找了两遍没有找到")
}

// asksOtherwise is the morning before: somebody asks for another time by the link,
// somebody else does not wait for the whole set (DEL-1205).
func (m *mailroom) asksOtherwise() {
	later := m.parcels["later"]
	m.sends("courier3", deed{parcel: later, what: delivery.EventStarted})
	m.pass(6)
	m.sends("courier3", deed{parcel: later, what: delivery.EventFailed, says: map[string]any{
		"outcome": delivery.AskedLater, "reason": "店主在市场进货，请今天下午再送", "call_note": "09:12 通话，本人接听",
	}})
	m.byLink(fisherMail, "ask for another time", func(token string) error {
		return m.delivery.AskSlot(m.ctx, token, delivery.SlotRequest{Number: later.Number, Day: m.day, Afternoon: true})
	})
	m.sends("courier3", deed{parcel: later, what: delivery.EventRescheduled, says: map[string]any{"slot": dayText(m.day) + " 14:00—16:00"}})
	m.signsFor(m.handsOver(m.cases["asked"], "lst/urban", "户外招牌设置许可证"))
	m.byLink(cloudMail, "confirm the address", func(token string) error {
		return m.delivery.ConfirmAddress(m.ctx, token, delivery.AddressRequest{Address: "冷水滩区潇湘大道77号 1 楼柜台"})
	})
	m.byLink(cloudMail, "name an agent", func(token string) error {
		return m.delivery.NameAgent(m.ctx, token, delivery.AgentRequest{Name: "邹晓", Phone: "13807461245", Tie: "店员"})
	})
	m.byLink(cloudMail, "not wait for the rest", func(token string) error {
		return m.delivery.ChooseByLink(m.ctx, token, delivery.ChooseSplit)
	})
}

// byLink is an act of an applicant who got a link by mail.
func (m *mailroom) byLink(mail, what string, act func(token string) error) {
	token := m.tokenOf(mail)
	m.did(what, func() error { return act(token) })
}

// bothDeliver: a parcel changes hands on the road, and both couriers report that
// they gave it to its receiver (DEL-525, DEL-810).
func (m *mailroom) bothDeliver() {
	p := m.parcels["twice"]
	m.sends("courier3", deed{parcel: p, what: delivery.EventStarted})
	m.did("give it to another courier", func() error {
		_, err := m.delivery.Reassign(m.ctx, m.clerk("lst"), []string{p.ID}, m.people["courier2"].ID, "派送员车辆没电，就近换人")
		return err
	})
	m.takes("courier2", p)
	m.pass(9)
	m.sends("courier3", deed{parcel: p, what: delivery.EventDelivered, says: map[string]any{"outcome": delivery.ToRecipient, "receiver": p.Receiver.Name}})
	m.pass(7)
	m.sends("courier2", deed{parcel: p, attempt: "try-2-" + p.Number, what: delivery.EventDelivered, says: map[string]any{
		"outcome": delivery.ToRecipient, "receiver": p.Receiver.Name, "code": m.code(p),
	}})
}

// countsOtherwise: the window sends a hand-over back; of the next one a thing is
// missing, one is torn, and four lie in it that nobody listed. Three of them are
// explained, the last is still a riddle (DEL-911).
func (m *mailroom) countsOtherwise() {
	c, clerk := m.cases["counted"], m.clerk("lst")
	t := m.handsOver(c, "lst/amr", "食品经营备案凭证", "备案信息公示牌", "食品安全承诺书")
	m.did("refuse a hand-over", func() error {
		_, err := m.delivery.Refuse(m.ctx, clerk, t.ID, "凭证上店名写成“鲜峰水果店”，请更正后再送")
		return err
	})
	m.pass(20)
	r := delivery.ReleaseRequest{LineID: t.LineID, DecidedOn: t.DecidedOn}
	for _, i := range t.Items {
		r.Again = append(r.Again, i.ItemID)
	}
	m.did("hand it over again", func() (err error) {
		t, err = m.delivery.Release(m.ctx, m.officer("lst/amr"), r)
		return err
	})
	if m.err != nil {
		return
	}
	a := delivery.AcceptRequest{TransferID: t.ID, Count: 1, Found: []delivery.Found{
		{ItemID: t.Items[1].ItemID, Outcome: delivery.FoundMissing, Note: "清单上有，袋中没有看到"},
		{ItemID: t.Items[2].ItemID, Outcome: delivery.FoundDamaged, Note: "签名处撕裂"},
	}}
	for n, title := range []string{"未贴编号的公示牌", "食品安全宣传页", "另一家店的营业执照复印件", "一把钥匙"} {
		a.Extras = append(a.Extras, delivery.Extra{Title: title, Note: "夹在文件袋里", Photo: m.photo(clerk, n)})
	}
	m.did("sign for what came", func() (err error) {
		t, err = m.delivery.Accept(m.ctx, clerk, a)
		return err
	})
	if m.err != nil {
		return
	}
	m.pass(8)
	for n, e := range []delivery.ExtraExplained{
		{Answer: delivery.ExtraKnown, Number: t.Items[1].Item.Number, Text: "就是清单上的公示牌，标签掉了，已补贴"},
		{Answer: delivery.ExtraNew, Class: delivery.ClassApproval, Title: "食品安全告知书", Text: "部门漏登，电话核实后补登"},
		{Answer: delivery.ExtraReturned, Text: "部门装错袋，已由班车带回"},
	} {
		e.ID = t.Extras[n].ID
		m.did("explain what was not listed", func() error {
			_, err := m.delivery.ExplainTransferExtra(m.ctx, clerk, e)
			return err
		})
	}
}

// shelfLeaks: water has dripped on three results on the shelf; the department
// decides otherwise on each, and what it gives up is made void by two, one of them
// not yet (DEL-808, DEL-946).
func (m *mailroom) shelfLeaks() {
	clerk, health := m.clerk("lst"), m.officer("lst/health")
	offer, err := m.delivery.Offer(m.ctx, clerk, m.cases["stained"].ID)
	m.fail("look at the shelf", err)
	if m.err != nil {
		return
	}
	decisions := []delivery.DamageDecision{
		{State: delivery.DamageReissue, Reason: "印章洇开，重新制发"},
		{State: delivery.DamageKeep, Reason: "只湿了边角，内容清楚，照常送达"},
		{State: delivery.DamageVoid, Reason: "名册电子存档已有，纸质件作废"},
	}
	for n, i := range offer.Items {
		m.did("put it on a shelf", func() error {
			_, err := m.delivery.Shelve(m.ctx, clerk, i.Number, "B-2")
			return err
		})
		m.did("report a stained result", func() error {
			x, err := m.delivery.ReportDamage(m.ctx, clerk, delivery.DamageReport{ItemID: i.ID, What: "空调滴水，纸面打湿", Photos: []string{m.photo(clerk, 4+n)}})
			decisions[n].ID = x.ID
			return err
		})
	}
	m.pass(12)
	for _, d := range decisions {
		m.did("decide on it", func() error { _, err := m.delivery.DecideDamage(m.ctx, health, d); return err })
	}
	m.voids(offer.Items[0].ID, true)
	m.voids(offer.Items[2].ID, false)
}

// voids proposes to destroy a thing, withdraws that once, and proposes it again; a
// supervisor confirms it or has not looked yet.
func (m *mailroom) voids(item string, confirmed bool) {
	clerk := m.clerk("lst")
	propose := func() (id string) {
		m.did("propose to destroy", func() error {
			x, err := m.delivery.ProposeDestroy(m.ctx, clerk, delivery.DestroyRequest{ItemID: item, Reason: "打湿后部门决定不再使用，已剪角", Photo: m.photo(clerk, 7)})
			id = x.ID
			return err
		})
		return id
	}
	id := propose()
	if !confirmed {
		m.did("withdraw it", func() error { _, err := m.delivery.WithdrawDestroy(m.ctx, clerk, id); return err })
		propose()
		return
	}
	m.did("destroy", func() error { _, err := m.delivery.ConfirmDestroy(m.ctx, m.people["supervisor"], id); return err })
}

// harms reports a parcel lost or damaged.
func (m *mailroom) harms(name string, what delivery.EventType, why string, photos ...string) {
	r := delivery.HarmRequest{ParcelID: m.parcels[name].ID, What: what, Reason: why, Photos: photos}
	m.did("report harm", func() error { _, err := m.delivery.ReportHarm(m.ctx, m.clerk("lst"), r); return err })
}

// searchEnds: what was lost is written off by two and issued again (DEC-19,
// DEL-946), and another parcel is missing after a round.
func (m *mailroom) searchEnds() {
	m.did("write off", func() error {
		_, err := m.delivery.WriteOff(m.ctx, m.people["supervisor"], delivery.WriteOffRequest{
			ParcelID: m.parcels["writtenOff"].ID, Reason: "查找一个工作日无果，通知部门补发", Reissue: true,
			Second: auth.Credentials{Login: "clerk2", Password: demoPassword, Remote: "127.0.0.1"},
		})
		return err
	})
	m.leaves("courier3", "lost")
	m.pass(8)
	m.harms("lost", delivery.EventLost, "交接后回中心清点少一件，正在找")
}

// onTheRoad is how far the other couriers are this morning: at a door, called
// back, told to wait, and in the rain.
func (m *mailroom) onTheRoad() {
	clerk := m.clerk("lst")
	m.leaves("courier2", "arrived", "held", "recalled")
	m.leaves("courier3", "wet")
	for _, name := range []string{"arrived", "held", "recalled"} {
		m.sends("courier2", deed{parcel: m.parcels[name], what: delivery.EventStarted})
	}
	m.did("hold", func() error {
		_, err := m.delivery.Hold(m.ctx, clerk, m.parcels["held"].ID, "申请人来电称店面转让，等其确认由谁签收")
		return err
	})
	m.did("recall", func() error {
		_, err := m.delivery.Recall(m.ctx, clerk, m.parcels["recalled"].ID, "申请人改为到窗口自取")
		return err
	})
	m.pass(3)
	m.harms("wet", delivery.EventDamaged, "下雨封袋进水，证件一角打湿", m.photo(clerk, 8))
	m.sends("courier2", deed{parcel: m.parcels["arrived"], what: delivery.EventArrived})
}

// sealsAnew withdraws a parcel that was sealed with a wrong telephone number and
// seals it again (DEL-806).
func (m *mailroom) sealsAnew(name string) {
	m.packs(name)
	m.did("withdraw a parcel", func() error {
		_, err := m.delivery.CancelParcel(m.ctx, m.clerk("lst"), m.parcels[name].ID, "手机号录错一位，更正后重新封装")
		return err
	})
	m.packs(name)
}

// photo is a picture of something on the counter, each its own.
func (m *mailroom) photo(by auth.Actor, n int) (sum string) {
	m.did("upload a photo", func() error {
		b, err := m.delivery.PutPhoto(m.ctx, by, counterPhoto(n))
		sum = b.SHA256
		return err
	})
	return sum
}

// counterPhoto draws a sheet of paper on a counter, with a stain somewhere.
func counterPhoto(n int) []byte {
	const w, h = 480, 360
	photo := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			photo.Set(x, y, color.RGBA{0x8d, 0x6e, 0x52, 0xff})
			if x > 70 && x < 410 && y > 40 && y < 320 {
				photo.Set(x, y, color.RGBA{0xf6, 0xf3, 0xea, 0xff})
			}
			if dx, dy := x-150-20*n, y-230+10*n; dx*dx/4+dy*dy < 1600+200*(x%7) {
				photo.Set(x, y, color.RGBA{0xc9, 0xb7, 0x93, 0xff})
			}
			if x > 100 && x < 380 && y > 70 && y < 200 && y%22 < 4 {
				photo.Set(x, y, color.RGBA{0x55, 0x55, 0x55, 0xff})
			}
		}
	}
	var out bytes.Buffer
	_ = png.Encode(&out, photo) // to memory, it cannot fail
	return out.Bytes()
}
