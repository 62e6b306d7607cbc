package delivery

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/internal/paper"
	"lianban/scheduler/workday"
)

// sheet is a document of ours while it is composed.
type sheet struct{ paper.Sheet }

func sheetOf(issuer string) (s sheet) {
	s.Head.Issuer = issuer
	return s
}

// print draws the sheet.
func (s sheet) print() (Print, error) {
	pdf, rare, err := s.PDF()
	return Print{Name: s.Head.Title + "-" + s.Head.Number + ".pdf", PDF: pdf, Rare: rare}, err
}

// parcelSheet composes a document of a parcel.
func (d *Desk) parcelSheet(ctx context.Context, q bun.IDB, by auth.Actor, p Parcel, kind PaperKind) (sheet, error) {
	v, err := d.view(ctx, q, by, p)
	if err != nil {
		return sheet{}, err
	}
	centre, err := office.FindCentre(ctx, q, p.CentreID)
	if err != nil {
		return sheet{}, err
	}
	s := sheetOf(centre.Name)
	switch kind {
	case PaperContents:
		s.contents(v, centre)
	case PaperReceipt:
		s.receipt(v)
	case PaperPickUp:
		s.pickUp(v)
	case PaperProof:
		s.proof(v, centre)
	case PaperReturn:
		s.returned(v, centre)
	}
	return s, nil
}

// contents lies in the sealed bag: it is for the receiver, so the name is whole.
func (s *sheet) contents(v ParcelView, centre office.Centre) {
	s.Add(paper.Part{Facts: []paper.Fact{
		{Name: "收件人", Value: v.Parcel.Receiver.Name}, {Name: "联系电话", Value: MaskPhone(v.Parcel.Receiver.Phone)},
		{Name: "办件编号", Value: v.CaseNumber}, {Name: "封签号", Value: v.Bag}, {Name: "封装时间", Value: dayMoment("zh", v.SealedAt)},
	}})
	t := paper.Table{Columns: []paper.Column{
		{Title: "序号", Width: 11, Align: paper.Center}, {Title: "类别", Width: 20}, {Title: "名称"}, {Title: "物料编号", Width: 34}, {Title: "核对", Width: 13, Align: paper.Center},
	}}
	for i, item := range v.Items {
		title := item.Title
		if f := item.Seal; f.Code != "" {
			title += fmt.Sprintf("\n%s，编码 %s，备案号 %s，密封袋 %s", f.Kind, f.Code, f.Filing, f.Bag)
		}
		t.Rows = append(t.Rows, []string{strconv.Itoa(i + 1), item.Class.In("zh"), title, item.Number, "□"})
	}
	s.Add(paper.Part{Section: fmt.Sprintf("袋内共 %d 件", len(v.Items)), Table: &t})
	s.Add(paper.Part{Text: []string{"请当面拆封，逐件核对后再签收。与清单不符的，请不要签收，当场告知派送员，或致电窗口 " + centre.Phone + "。"}})
	s.Add(paper.Part{Signs: []string{"封装人", "复核人（装有印章时须两人）"}})
}

// receipt is signed on paper where the courier's phone cannot take the proof; the
// window enters it afterwards (DEL-620).
func (s *sheet) receipt(v ParcelView) {
	to := v.Parcel.Receiver.Masked()
	s.Bars = true
	s.Add(paper.Part{Facts: append(addresseeFacts(to), []paper.Fact{
		{Name: "邮件内", Value: countClasses(v.Items)}, {Name: "封签号", Value: v.Bag}, {Name: "最晚送达", Value: dueText(v.DueAt)},
	}...)})
	rows := [][]string{}
	for _, a := range v.Demand.Receivers {
		rows = append(rows, []string{"□ " + a.Receiver.In("zh"), v.Demand.ProofsOf(a.Receiver).In("zh"), receiverNote(a)})
	}
	s.Add(paper.Part{Section: "可以签收的人和须出示的凭证", Table: &paper.Table{
		Columns: []paper.Column{{Title: "签收人", Width: 42}, {Title: "须取得的凭证"}, {Title: "条件", Width: 46}}, Rows: rows,
	}})
	s.Add(paper.Part{Section: "签收", Text: []string{"本人已核对封袋完好，收到上述邮件。"}, Facts: []paper.Fact{
		{Name: "签收人姓名（正楷）", Value: "\u3000"}, {Name: "证件号后四位", Value: "\u3000"}, {Name: "与收件人关系", Value: "\u3000"},
	}})
	s.Add(paper.Part{Signs: []string{"签收人签名", "派送员签名"}})
}

func receiverNote(a Allowance) string {
	switch {
	case a.Consent:
		return "须有收件人同意的记录"
	case a.Authorisation:
		return "须事先登记并持授权委托书"
	}
	return ""
}

// pickUp goes on the shelf with the parcel and is signed when it is collected
// (DEL-221).
func (s *sheet) pickUp(v ParcelView) {
	s.Bars = true
	s.Add(paper.Part{Facts: append(addresseeFacts(v.Parcel.Receiver.Masked()), []paper.Fact{
		{Name: "邮件内", Value: countClasses(v.Items)}, {Name: "封签号", Value: v.Bag}, {Name: "架位", Value: orBlank(strings.Join(v.Places(), "、"))},
	}...)})
	s.Add(paper.Part{Section: "领取", Text: []string{
		"核对取件码和证件后发放；没有取件码的，须查看证件原件，由主管写明理由。",
	}, Facts: []paper.Fact{
		{Name: "领取人姓名（正楷）", Value: "\u3000"}, {Name: "证件号后四位", Value: "\u3000"}, {Name: "没有取件码的理由", Value: "\u3000"},
	}})
	s.Add(paper.Part{Signs: []string{"领取人签名", "窗口经办人签名"}})
}

// addresseeFacts are those of a masked addressee.
func addresseeFacts(to Addressee) []paper.Fact {
	return []paper.Fact{
		{Name: "收件人", Value: to.Name}, {Name: "联系电话", Value: to.Phone}, {Name: "地址", Value: to.Address}, {Name: "经办人", Value: to.Agent},
	}
}

// orBlank leaves room to write by hand.
func orBlank(text string) string {
	if text == "" {
		return "\u3000"
	}
	return text
}

// countClasses says how many of each class there are: 证照 2 件、印章 1 件.
func countClasses(items []Item) string {
	n := map[Class]int{}
	for _, i := range items {
		n[i.Class]++
	}
	var out []string
	for _, c := range Classes {
		if n[c] > 0 {
			out = append(out, fmt.Sprintf("%s %d 件", c.In("zh"), n[c]))
		}
	}
	return strings.Join(out, "、")
}

// proof is 妥投证明: what happened when, how sure each time is, how the promise was
// counted, and what proves it (DEL-1113). The same facts as JSON are the parcel.
func (s *sheet) proof(v ParcelView, centre office.Centre) {
	s.Add(paper.Part{Facts: append(addresseeFacts(v.Parcel.Receiver.Masked()), []paper.Fact{
		{Name: "办件编号", Value: v.CaseNumber}, {Name: "邮件内", Value: countClasses(v.Items)}, {Name: "封签号", Value: v.Bag},
		{Name: "送达方式", Value: v.Way.In("zh")}, {Name: "运单号", Value: waybillText(v)}, {Name: "结果", Value: v.State.Word("zh") + "，" + v.Verdict.Line("zh")},
	}...)})
	events := paper.Table{Columns: []paper.Column{{Title: "时间", Width: 34}, {Title: "记录"}, {Title: "时间质量", Width: 20, Align: paper.Center}, {Title: "是否计入", Width: 36}}}
	for _, step := range v.Steps {
		events.Rows = append(events.Rows, []string{dayMoment("zh", step.At), eventText(step), string(step.Quality), verdictText(step)})
	}
	s.Add(paper.Part{Section: "经过", Table: &events})
	s.Add(paper.Part{Section: "一日送达承诺的计算", Text: v.Ledger.Lines("zh")})
	proofs := paper.Table{Columns: []paper.Column{{Title: "凭证", Width: 24}, {Title: "内容校验值（SHA-256）"}, {Title: "收到时间", Width: 34}}}
	for i, b := range v.Photos {
		proofs.Rows = append(proofs.Rows, []string{fmt.Sprintf("照片或签名 %d", i+1), b.SHA256, dayMoment("zh", b.PutAt)})
	}
	if len(proofs.Rows) > 0 {
		s.Add(paper.Part{Section: "凭证", Table: &proofs})
	}
	s.Add(paper.Part{Section: "核对办法", Text: []string{
		"以上各项在发生时即写入存证日志，事后不能改动。扫描右上角的二维码，或者凭邮件编号和收件人手机号后四位，可以在查询页逐项核对；需要核对凭证原件的，请联系窗口 " + centre.Phone + "。",
	}})
}

// keptDays is how long what came back lies at the window before its department
// serves it in its own way (DEL-809).
const keptDays = 30

// returned tells the receiver why a parcel came back, how it goes on, and until
// when (DEL-1115).
func (s *sheet) returned(v ParcelView, centre office.Centre) {
	why := ""
	for _, step := range v.Steps {
		if f := step.facts(); step.Verdict == Applied && f.Outcome != "" {
			why = strings.TrimSuffix(f.Outcome.Word("zh")+"，"+f.Reason, "，")
		}
	}
	until := workday.DateOf(v.Since).AddDays(keptDays)
	s.Add(paper.Part{Facts: append(addresseeFacts(v.Parcel.Receiver.Masked()), []paper.Fact{
		{Name: "邮件内", Value: countClasses(v.Items)}, {Name: "上门次数", Value: fmt.Sprintf("%d 次", len(v.Tries))}, {Name: "退回原因", Value: why},
		{Name: "退回时间", Value: dayMoment("zh", v.Since)}, {Name: "窗口保管至", Value: workday.DayText("zh", until)},
	}...)})
	s.Add(paper.Part{Section: "接下来怎么办", Text: []string{
		"1. 到窗口自取：带身份证件，地址 " + centre.Address + "。",
		"2. 重新寄送：致电窗口 " + centre.Phone + "，确认地址和方便的时间；重新寄送另计一日送达时限。",
		"3. 改由他人领取：先在窗口登记经办人；印章须由法定代表人或持授权委托书的经办人领取。",
	}})
	s.Add(paper.Part{Text: []string{"到期没有领取也没有约定的，退给出具部门，由其依法另行送达。"}})
}

// demandSheet lists what keeps a case back (DEL-1114; plan 三(一): each department
// hands its results to the window at one time).
func demandSheet(set Set, centre office.Centre) sheet {
	s := sheetOf(centre.Name)
	facts := []paper.Fact{{Name: "办件编号", Value: set.CaseNumber}, {Name: "事项", Value: set.MatterName}, {Name: "申请人", Value: set.Applicant}}
	if c := set.Ceiling; c != nil {
		facts = append(facts, paper.Fact{Name: "法定送达期限", Value: fmt.Sprintf(
			"最早一项决定 %s，今日为第 %d 个工作日；%s 前须送达（行政许可法第四十四条）", c.DecidedOn, c.Day, c.Due)})
	}
	t := paper.Table{Columns: []paper.Column{
		{Title: "部门"}, {Title: "应送结果", Width: 46}, {Title: "已等待", Width: 24}, {Title: "决定后", Width: 24}, {Title: "已催办", Width: 22},
	}}
	for _, b := range set.Blocking {
		decided := ""
		if b.Line.DecidedOn != "" {
			decided = fmt.Sprintf("%d 个工作日", b.Decided)
		}
		t.Rows = append(t.Rows, []string{
			b.Line.Department, b.Line.Permit, fmt.Sprintf("%d 个工作日", b.Waiting), decided, fmt.Sprintf("%d 次", b.Line.Reminded),
		})
	}
	s.Add(
		paper.Part{Facts: facts}, paper.Part{Section: "尚未送交的结果", Table: &t},
		paper.Part{Text: []string{
			"请上列部门将本办件的全部结果一次送交综合窗口，由窗口统一出件；暂不能送交的，请说明原因和预计日期。",
			"依据：《永州市市场准入涉照事项“一件事一次办”改革实施方案（试行）》三(一)“统一出件”。窗口电话 " + centre.Phone + "。",
		}},
		paper.Part{Section: "部门答复", Facts: []paper.Fact{{Name: "原因", Value: "\u3000"}, {Name: "预计送交日期", Value: "\u3000"}}},
		paper.Part{Signs: []string{"窗口经办人", "部门签收"}},
	)
	return s
}

func waybillText(v ParcelView) string {
	if v.Waybill == nil {
		return ""
	}
	return v.Waybill.Number
}

// remarkWords say what an event was that leaves the parcel where it is.
var remarkWords = map[EventType]string{
	EventNote: "备注", EventContactRevealed: "查看收件人电话", EventErrorDeclared: "更正记录",
	EventProofConfirmed: "窗口核实妥投", EventTimeAccepted: "采信手机时间", EventFaultChanged: "改判责任方",
}

// eventText says what a step was: where it brought the parcel, and how it ended.
func eventText(s StepView) string {
	text := remarkWords[s.Type]
	if text == "" {
		text = eventMoves[s.Type].Word("zh")
	}
	if o := s.facts().Outcome; o != "" {
		text += "：" + o.Word("zh")
	}
	return text
}

// verdictText says whether a step counts.
func verdictText(s StepView) string {
	switch s.Verdict {
	case Applied:
		return "计入"
	case Declared:
		return "已更正，不再作数"
	case Clashed:
		return "与办结记录冲突，不计入"
	}
	return "仅作记录"
}

// roundSheet is the list of a courier's parcels of one window, signed each way
// (DEL-1109). It is masked as the label is: paper gets lost, the courier's own
// page has the door.
func (d *Desk) roundSheet(ctx context.Context, q bun.IDB, courier, centreID string, parcels []Parcel) (sheet, error) {
	centre, err := office.FindCentre(ctx, q, centreID)
	if err != nil {
		return sheet{}, err
	}
	var ids []string
	for _, p := range parcels {
		ids = append(ids, p.ID)
	}
	items, err := itemsIn(ctx, q, ids)
	if err != nil {
		return sheet{}, err
	}
	today := workday.DateOf(d.now())
	s := sheetOf(centre.Name)
	s.Add(paper.Part{Facts: []paper.Fact{
		{Name: "派送员", Value: courier}, {Name: "日期", Value: today.String() + " " + weekdays[today.Midnight().In(workday.Shanghai).Weekday()]},
		{Name: "邮件", Value: fmt.Sprintf("%d 件", len(parcels))},
	}})
	t := paper.Table{Columns: []paper.Column{
		{Title: "序", Width: 8, Align: paper.Center}, {Title: "邮件编号和封签", Width: 33}, {Title: "收件人", Width: 27},
		{Title: "地址"}, {Title: "类别", Width: 17}, {Title: "最晚送达", Width: 19}, {Title: "结果", Width: 16},
	}, Tall: 12}
	for i, p := range parcels {
		to := p.Receiver.Masked()
		number := p.Number
		if p.Bag != "" {
			number += "\n封签 " + p.Bag
		}
		if p.Several() { // DEL-402
			number += "\n第 " + p.nth() + " 件"
		}
		t.Rows = append(t.Rows, []string{
			strconv.Itoa(i + 1), number, to.Name + "\n" + to.Phone, to.Address, joinClasses(items[p.ID]), shortDue(p.DueAt, today), "",
		})
	}
	s.Add(paper.Part{Section: "邮件", Table: &t})
	s.Add(paper.Part{Text: []string{"交出：双方逐件核对编号和封签后签字。交回：未投出的邮件当日交回窗口，双方核对后签字，并在“结果”栏写明原因。"}})
	s.Add(paper.Part{Signs: []string{"交出：窗口", "接收：派送员"}})
	s.Add(paper.Part{Signs: []string{"交回：派送员", "核收：窗口"}})
	return s, nil
}

func joinClasses(items []Item) string {
	var out []string
	for _, c := range classesOf(items) {
		out = append(out, c.In("zh"))
	}
	return strings.Join(out, "、")
}

// shortDue leaves the day out where it is today.
func shortDue(at time.Time, today workday.Date) string {
	switch {
	case at.IsZero():
		return "—"
	case workday.DateOf(at) == today:
		return "今日 " + at.In(workday.Shanghai).Format("15:04")
	}
	return at.In(workday.Shanghai).Format("1月2日 ") + weekdays[at.In(workday.Shanghai).Weekday()] + at.In(workday.Shanghai).Format(" 15:04")
}

// slipSheet is the slip that goes with a transfer: both sides sign, and the
// window enters the signed slip (DEL-950).
func slipSheet(t TransferView) sheet {
	s := sheetOf(t.FromName)
	s.Bars = true
	s.Add(paper.Part{Facts: []paper.Fact{
		{Name: "移交方", Value: t.FromName}, {Name: "接收方", Value: t.ToName}, {Name: "办件编号", Value: t.CaseNumber},
		{Name: "作出决定日期", Value: t.DecidedOn}, {Name: "结果", Value: resultText(t.RefusedGrant)},
		{Name: "分批送交", Value: t.PartialNote}, {Name: "送交时间", Value: dayMoment("zh", t.ReleasedAt)}, {Name: "签收期限", Value: dueText(t.DueAt)},
	}})
	table := paper.Table{Columns: []paper.Column{
		{Title: "序号", Width: 11, Align: paper.Center}, {Title: "类别", Width: 20}, {Title: "名称"}, {Title: "物料编号", Width: 34}, {Title: "核对", Width: 33},
	}}
	for i, one := range t.Items {
		title := one.Item.Title
		if f := one.Item.Seal; f.Code != "" {
			title += fmt.Sprintf("\n%s，编码 %s，备案号 %s，密封袋 %s", f.Kind, f.Code, f.Filing, f.Bag)
		}
		table.Rows = append(table.Rows, []string{strconv.Itoa(i + 1), one.Item.Class.In("zh"), title, one.Item.Number, "□ 在　□ 缺　□ 损"})
	}
	s.Add(paper.Part{Section: fmt.Sprintf("移交物料，共 %d 件", len(t.Items)), Table: &table})
	s.Add(paper.Part{Text: []string{"接收方签收以前，由移交方负责保管。双方当面清点，缺少、污损的在“核对”栏注明，该件仍由移交方负责。"}})
	s.Add(paper.Part{Signs: []string{"移交人签名", "接收人签名"}})
	return s
}

func resultText(refused bool) string {
	if refused {
		return "不予许可"
	}
	return "准予许可"
}
