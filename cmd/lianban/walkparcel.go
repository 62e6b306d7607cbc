package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// permits are what the departments of the walk issue.
var permits = []struct{ key, title string }{
	{"lst/amr", "食品经营许可证"}, {"lst/urban", "户外招牌设置许可证"}, {"lst/fire", "公众聚集场所投入使用、营业前消防安全检查合格证"},
}

// handOver lets two departments hand their permits over on the next working day;
// the third is reminded and follows.
func (k *walker) handOver() {
	next, err := k.cal.Add(workday.DateOf(k.now()), 1)
	k.fail("count days", err)
	if k.err == nil {
		k.err = k.until(k.ctx, next.At(9*60+10))
	}
	for _, p := range permits[:2] {
		k.passOver(p.key, p.title)
		k.pass(3)
	}
	k.stillMissing()
	k.pass(25)
	k.passOver(permits[2].key, permits[2].title)
	k.result("%s", k.tell("三个部门的结果到齐：%s 可以出件", "all three results are here: %s may go out", k.c.Number))
}

// passOver is one transfer, signed by both sides (DEL-910).
func (k *walker) passOver(key, title string) {
	t := k.handsOver(k.c, key, title)
	if k.err != nil {
		return
	}
	k.act(k.now(), k.officerOf(key), k.tell("送交《%s》", "hands \"%s\" over", title))
	k.see("%s", k.tell("移交 %s，1 件；窗口签收之前仍由本部门保管", "transfer %s, 1 thing; until the window has signed the department keeps it", t.Number))
	k.pass(4)
	k.signsFor(t)
	k.act(k.now(), k.window(k.clerk("lst")), k.tell("扫描流转单，清点，签收", "scans the slip, counts and signs"))
}

// stillMissing shows the page of complete sets and reminds who is missing.
func (k *walker) stillMissing() {
	set := k.set()
	if k.err != nil {
		return
	}
	k.act(k.now(), k.window(k.clerk("lst")), k.tell("打开“齐套”", "opens the page of complete sets"))
	for _, b := range set.Blocking {
		k.see("%s", k.tell("还缺：%s，已等 %d 个工作日", "missing: %s, working days so far: %d", b.Line.Department, b.Waiting))
		_, err := k.delivery.Remind(k.ctx, k.clerk("lst"), b.Line.ID, once.Key{})
		k.fail("remind", err)
	}
	k.result("%s", k.tell("没有齐套不能封装；点“催办”", "nothing is sealed before the set is complete; reminds the department"))
}

func (k *walker) set() delivery.Set {
	if k.err != nil {
		return delivery.Set{}
	}
	set, err := k.delivery.FindSet(k.ctx, k.clerk("lst"), k.c.ID)
	k.fail("read the set", err)
	return set
}

// sealing packs the three permits into one parcel; the receiver gets the code.
func (k *walker) sealing() {
	k.pass(6)
	k.c.Applicant.Agent = "蒋湘渔"
	k.p = k.seals(k.c, delivery.WayOwnCourier, "F0001")
	if k.err != nil {
		return
	}
	k.act(k.now(), k.window(k.clerk("lst")), k.tell("三证装入一个封袋，交中心派送员，收件人 %s", "seals the three permits into one bag for %s, by the centre's own courier", k.p.Receiver.Name))
	for _, g := range k.p.Ground {
		k.see("%s", k.tell("承运依据：%s", "ground: %s", g.In(k.a.lang)))
	}
	k.see("%s", k.tell("签收须有：%s", "at the door: %s", k.p.Demand.Proofs.In(k.a.lang)))
	k.result("%s", k.tell("邮件 %s，承诺 %s 前送达", "parcel %s, promised by %s", k.p.Number, clockText(k.p.DueAt)))
	k.act(k.now(), k.applicant(), k.tell("收到短信", "gets a text"))
	k.see("%s", k.paint(faint, k.textTo(k.p, notify.PurposeCode, delivery.CodeSubject(k.p.ID))))
}

func (k *walker) applicant() string {
	return k.tell("%s（申请人）", "%s (applicant)", k.p.Receiver.Name)
}

func (k *walker) courierName() string {
	return k.tell("%s（派送员）", "%s (courier)", k.people["courier"].Name)
}

// takenOver: the window gives the parcel away, the courier signs for it.
func (k *walker) takenOver() {
	k.pass(9)
	k.gives(k.p, "courier")
	k.takes("courier", k.p)
	if k.err != nil {
		return
	}
	k.act(k.now(), k.courierName(), k.tell("扫码接收", "scans the parcel and takes it over"))
	round, err := k.delivery.MyRound(k.ctx, k.people["courier"])
	k.fail("read the round", err)
	for _, stop := range round {
		k.see("%s", k.tell("%s  %s  %s，%s 前", "%s  %s  %s, by %s", stop.Address, stop.Name, stop.Phone, clockText(stop.Due)))
	}
	k.result("%s", k.tell("从此由派送员负责；电话号码要查看才显示，查看会留痕", "from now on the courier answers for it; the full number shows on request, which is recorded"))
}

// offline: the courier is in a basement without network. What it did there is
// written down on its telephone and uploaded when it comes out (DEL-1003).
func (k *walker) offline() {
	k.pass(12)
	code, start := k.code(k.p), k.now()
	k.act(start, k.courierName(), k.tell("出发；地下商业街没有信号，记录先存在手机上", "sets out; the basement has no network, so the telephone keeps the records"))
	arrived, handed := start.Add(18*time.Minute), start.Add(21*time.Minute)
	k.pass(62)
	answers := k.sends("courier",
		deed{parcel: k.p, what: delivery.EventStarted, at: start},
		deed{parcel: k.p, what: delivery.EventArrived, at: arrived},
		deed{parcel: k.p, what: delivery.EventDelivered, at: handed, says: map[string]any{
			"outcome": delivery.ToRecipient, "receiver": k.p.Receiver.Name, "code": code,
		}})
	k.act(k.now(), k.courierName(), k.tell("有信号了，手机自动上传 %d 条记录", "is back in the open; the telephone uploads %d records", len(answers)))
	v := k.view()
	for _, s := range v.Steps {
		if s.Quality == delivery.QualityB {
			k.see("%s", k.tell("%s  %s，%d 分钟后收到：时钟已核对，按手机时间计（B 级）", "%s  %s, received %d minutes later: its clock was sound, so its time counts (grade B)",
				s.At.In(workday.Shanghai).Format("15:04"), s.State.Word(k.a.lang), int(s.ReceivedAt.Sub(s.At).Minutes())))
		}
	}
	k.result("%s", k.tell("%s：收货码与姓名核对通过；%s", "%s: code and name are right; %s", v.State.Word(k.a.lang), v.Verdict.Line(k.a.lang)))
	if k.err == nil && v.Verdict.Result != delivery.ResultMet {
		k.err = fmt.Errorf("parcel %s: %s, %s", v.Number, v.State, v.Verdict.Result)
	}
}

func (k *walker) view() delivery.ParcelView {
	if k.err != nil {
		return delivery.ParcelView{}
	}
	v, err := k.delivery.FindParcel(k.ctx, k.clerk("lst"), k.p.ID)
	k.fail("read the parcel", err)
	return v
}

// tracking is what the applicant sees with number and telephone, and what they
// say of it.
func (k *walker) tracking() {
	if k.err != nil {
		return
	}
	k.pass(7)
	last4 := k.p.Receiver.Phone[len(k.p.Receiver.Phone)-4:]
	found, err := k.delivery.Track(k.ctx, k.p.Number, last4)
	k.fail("track the parcel", err)
	k.act(k.now(), k.applicant(), k.tell("在“查询邮件”页输入邮件号和手机尾号 %s", "opens the tracking page with the number and the telephone's end %s", last4))
	for _, s := range found.Steps {
		k.see("%s  %s", clockText(s.At), s.State.Public(k.a.lang))
	}
	lines := found.Ledger.Lines(k.a.lang)
	k.see("%s", k.paint(faint, strings.Join(lines[max(0, len(lines)-2):], "\n")))
	k.fail("rate the case", k.delivery.Rate(k.ctx, delivery.RateRequest{
		Number: k.p.Number, PhoneLast4: last4, Level: delivery.VeryGood, Words: "一次跑完，当天送到。",
	}))
	k.act(k.now(), k.applicant(), k.tell("评价：%s，“一次跑完，当天送到。”", "rates: %s, \"一次跑完，当天送到。\"", delivery.VeryGood.In(k.a.lang)))
	k.result("%s", k.tell("每个办件评价一次；工作人员看得到评价，看不到是谁", "one rating for each case; staff read it and do not see who gave it"))
}

// custody follows one permit from hand to hand (DEL-901).
func (k *walker) custody() {
	items := k.view().Items
	if k.err != nil {
		return
	}
	item, err := k.delivery.FindItem(k.ctx, k.people["auditor"], items[0].ID)
	k.fail("read the item", err)
	k.act(k.now(), k.auditor(), k.tell("查一件证照的经手：%s %s", "looks at who had one permit: %s %s", item.Title, item.Number))
	for _, e := range item.History {
		if to := k.keeper(e); to != "" {
			k.see("%s  %s", clockText(e.At), to)
		}
	}
	breaks := 0
	err = k.db.Read(k.ctx, func(q bun.IDB) error {
		found, _, err := delivery.CheckCustody(k.ctx, q)
		breaks = len(found)
		return err
	})
	k.fail("check custody", err)
	k.result("%s", k.tell("每一步都由接收的一方自己签收；登记册核对无断点（%d 处）", "every step was signed by whoever received; the register has %d breaks", breaks))
	if k.err == nil && breaks > 0 {
		k.err = fmt.Errorf("custody has %d breaks", breaks)
	}
}

// keeper names who had a thing after a step that passed it on.
func (k *walker) keeper(e delivery.CustodyEvent) string {
	switch {
	case e.Kind != delivery.CustodyRegistered && e.FromKind == e.ToKind:
		return ""
	case e.ToKind == delivery.AtDepartment:
		return k.name(e.ToID)
	case e.ToKind == delivery.AtWindow:
		return k.centres["lst"].Name
	case e.ToKind == delivery.AtCourier:
		return k.courierName()
	}
	return k.applicant()
}
