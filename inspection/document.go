package inspection

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/paper"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// DocumentKind names a document of a visit (INS §11, D01…D14).
type DocumentKind string

// The documents whose facts the house keeps. All but the first five are about one
// department's part.
const (
	DocLaunch  DocumentKind = "launch"  // D01 联合踏勘发起单
	DocSignIn  DocumentKind = "signin"  // D06 签到表
	DocRectify DocumentKind = "rectify" // D08 整改通知书
	DocOpinion DocumentKind = "opinion" // D11 联合勘验意见书, D12 会议纪要
	DocEnded   DocumentKind = "ended"   // D04 取消通知书
	DocNotice  DocumentKind = "notice"  // D02 应约通知书 with its slip
	DocReply   DocumentKind = "reply"   // D03 反馈函
	DocTask    DocumentKind = "task"    // D05 现场勘验任务单
	DocRecord  DocumentKind = "record"  // D07 核查表、勘验记录
	DocDeemed  DocumentKind = "deemed"  // D13 视为同意记录单
	DocService DocumentKind = "service" // D14 送达凭证
)

// DocumentKinds lists every kind in the order of a visit's life.
var DocumentKinds = [...]DocumentKind{
	DocLaunch, DocNotice, DocReply, DocService, DocDeemed, DocTask, DocSignIn, DocRecord, DocRectify, DocOpinion, DocEnded,
}

// OfDepartment reports whether the document is about one department's part.
func (k DocumentKind) OfDepartment() bool {
	return slices.Contains([]DocumentKind{DocNotice, DocReply, DocTask, DocRecord, DocDeemed, DocService}, k)
}

// Document is one as it leaves the printer. It is made of the record alone, so the
// same record gives the same bytes (INS-1105).
type Document struct {
	Name string // of the file
	PDF  []byte
	Rare []paper.Rare // characters flagged on it (DEL-1105)
}

// DocumentRequest names a document of a visit: that of one department's part, or
// the N-th of those that were issued one after another, 0 for the last.
type DocumentRequest struct {
	VisitID    string
	Kind       DocumentKind
	Department string
	N          int
}

// Document prints a document of a visit that the actor may read; a department
// names its own part and sees no other. Refusals: not_found, document_unknown,
// document_not_yet.
func (d *Desk) Document(ctx context.Context, by auth.Actor, r DocumentRequest) (Document, error) {
	v, err := d.FindVisit(ctx, by, r.VisitID)
	if err != nil {
		return Document{}, err
	}
	kind, department := r.Kind, r.Department
	if !slices.Contains(DocumentKinds[:], kind) {
		return Document{}, fault.Refuse(fault.Invalid, "document_unknown",
			"没有这种文书；请从勘验页面选择", "there is no such document; choose one on the page of the visit")
	}
	part := ParticipantView{}
	if kind.OfDepartment() {
		i := slices.IndexFunc(v.Participants, func(p ParticipantView) bool { return p.DepartmentID == department })
		if i < 0 || by.Department != "" && !atWindow(by) && by.Department != department {
			return Document{}, notFound()
		}
		part = v.Participants[i]
	}
	letter := ""
	if kind == DocNotice {
		if letter, err = d.noticeText(ctx, part); err != nil {
			return Document{}, err
		}
	}
	if !v.prints(kind, part) || kind == DocNotice && letter == "" { // its inbox copy may be on the way still
		return Document{}, fault.Refuse(fault.Conflict, "document_not_yet",
			"还没有可以打印的%[1]s；请等相应的事项办完再打印", "there is nothing to print as %[2]s yet; print it when that step is done",
			v.documentTitle(kind), string(kind))
	}
	return v.document(r, part, letter)
}

// Documents are those of the visit that can be printed now.
func (v VisitView) Documents() (out []DocumentKind) {
	for _, kind := range DocumentKinds {
		if !kind.OfDepartment() && v.prints(kind, ParticipantView{}) {
			out = append(out, kind)
		}
	}
	return out
}

// DocumentsOf are those of one department's part.
func (v VisitView) DocumentsOf(part ParticipantView) (out []DocumentKind) {
	for _, kind := range DocumentKinds {
		if kind.OfDepartment() && v.prints(kind, part) {
			out = append(out, kind)
		}
	}
	return out
}

// prints reports whether the facts of a document are there.
func (v VisitView) prints(kind DocumentKind, part ParticipantView) bool {
	switch kind {
	case DocLaunch, DocSignIn:
		return v.Round > 0
	case DocTask:
		return v.Round > 0 && len(part.People) > 0
	case DocNotice:
		return part.Notice != nil && !part.Notice.ComposedAt.IsZero()
	case DocReply:
		return len(part.Replies) > 0
	case DocRecord:
		return part.Record != nil
	case DocService:
		return len(part.Services) > 0
	case DocDeemed:
		return part.Deemed != nil
	case DocOpinion:
		return v.Joint != nil
	case DocRectify:
		return v.Joint != nil && (v.Rectification != nil || v.Joint.Result == ResultRectify)
	case DocEnded:
		return v.State == VisitCancelled || v.State == VisitNotHeld
	}
	return false
}

// noticeText is the notice as the department's inbox has it: it carries no link
// and no code, and nothing of the applicant (INS-1106).
func (d *Desk) noticeText(ctx context.Context, part ParticipantView) (text string, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		sent, err := notify.ListBySubject(ctx, q, part.ID, notify.PurposeNotice)
		for _, m := range sent {
			if m.Channel == notify.Portal && m.Text != "" {
				text = m.Text
			}
		}
		return err
	})
	return text, err
}

// document composes a document and draws it.
func (v VisitView) document(r DocumentRequest, part ParticipantView, letter string) (Document, error) {
	s, kind := paper.Sheet{}, r.Kind
	title := v.documentTitle(kind)
	number := v.CaseNumber + "-" + strconv.Itoa(v.Round)
	switch kind {
	case DocLaunch:
		v.launch(&s)
	case DocSignIn:
		v.signIn(&s)
	case DocNotice:
		number = part.Notice.Number
		noticeSheet(&s, part, letter)
	case DocReply:
		v.replies(&s, part)
	case DocTask:
		v.task(&s, part)
	case DocRecord:
		v.record(&s, part)
	case DocService:
		number = part.Notice.Number
		v.services(&s, part)
	case DocDeemed:
		number = part.Deemed.Number
		v.deemed(&s, part)
	case DocOpinion:
		j, err := v.OpinionVersion(r.N)
		if err != nil {
			return Document{}, err
		}
		number = j.FullNumber()
		j.opinion(&s)
	case DocRectify:
		list, j, err := v.list(r.N)
		if err != nil {
			return Document{}, err
		}
		number = j.FullNumber()
		if list.N > 1 {
			title, number = "补充整改通知书", number+"-补"+strconv.Itoa(list.N-1)
			v.added(&s, list)
		} else {
			j.rectify(&s)
		}
	case DocEnded:
		v.ended(&s)
	}
	version, err := s.Version()
	if err != nil {
		return Document{}, err
	}
	s.Head = paper.Head{Issuer: v.Centre.Name, Title: title, Number: number, Note: "数据版本 " + version}
	name := s.Head.Title + "-" + number
	if kind.OfDepartment() {
		name += "-" + part.Name
	}
	doc := Document{Name: name + ".pdf"}
	doc.PDF, doc.Rare, err = s.PDF()
	return doc, err
}

// about are the facts that every document of a visit begins with. The telephone
// and identity number of the applicant stand on none of them (INS-1106).
func (v VisitView) about() []paper.Fact {
	return []paper.Fact{
		{Name: "办件编号", Value: v.CaseNumber}, {Name: "事项", Value: v.MatterName}, {Name: "申请人", Value: v.Case.Applicant.Masked().Name},
		{Name: "场所", Value: v.Place}, {Name: "时间", Value: spanText(v.Start, v.End)},
	}
}

// launch is the form by which the window calls the departments together (D01).
func (v VisitView) launch(s *paper.Sheet) {
	facts := append(v.about(), paper.Fact{Name: "办理时限", Value: v.Case.LimitDate + " 前完成勘验"}, paper.Fact{Name: "组织单位", Value: v.Centre.Name + "，电话 " + v.Centre.Phone})
	table := paper.Table{Columns: []paper.Column{{Title: "部门", Width: 48}, {Title: "参加", Width: 22}, {Title: "人员", Width: 40}, {Title: "依据"}}}
	for _, p := range v.Participants {
		name := p.Name
		if p.Lead {
			name += "（牵头）"
		}
		attend := "应当参加"
		if !p.Required {
			attend = "可以参加"
		}
		table.Rows = append(table.Rows, []string{name, attend, peopleText(p.People), p.Basis})
	}
	s.Add(paper.Part{Facts: facts}, paper.Part{Section: "参加部门", Table: &table})
	if things := v.things(); things != "" {
		s.Add(paper.Part{Facts: []paper.Fact{{Name: "车辆和会议室", Value: things}}})
	}
	s.Add(paper.Part{Text: []string{"各部门应当按应约通知书载明的期限反馈；各部门一次到场，不单独上门。"}}, paper.Part{Signs: []string{"窗口经办人", "窗口负责人"}})
}

func peopleText(people []Resource) string {
	var names []string
	for _, r := range people {
		names = append(names, r.Name)
	}
	return strings.Join(names, "、")
}

// things are the vehicles and rooms of the visit.
func (v VisitView) things() string {
	var names []string
	for _, r := range v.Resources {
		if r.Kind == KindVehicle || r.Kind == KindRoom {
			names = append(names, r.Name)
		}
	}
	return strings.Join(names, "、")
}

// task sends a department's people to the site (D05).
func (v VisitView) task(s *paper.Sheet, part ParticipantView) {
	people := paper.Table{Columns: []paper.Column{{Title: "姓名"}, {Title: "执法证号", Width: 60}, {Title: "证件有效期至", Width: 40}}}
	for _, r := range part.People {
		people.Rows = append(people.Rows, []string{r.Name, r.Certificate, r.ValidUntil})
	}
	s.Add(
		paper.Part{Facts: append([]paper.Fact{{Name: "部门", Value: part.Name}}, append(v.about(), paper.Fact{Name: "依据", Value: part.Basis})...)},
		paper.Part{Section: "勘验人员", Table: &people},
		paper.Part{Text: []string{"请携带执法证件准时到场，与其他部门一并勘验，当场出具意见。不能到场的，请按应约通知书在期限内反馈。组织窗口电话 " + v.Centre.Phone + "。"}},
		paper.Part{Section: "现场记录", Facts: []paper.Fact{{Name: "到场时间", Value: "\u3000"}, {Name: "查看情况", Value: "\u3000\n\u3000\n\u3000\n\u3000"}, {Name: "意见", Value: "□ 同意　　□ 整改后复勘　　□ 不同意"}}},
		paper.Part{Signs: []string{"勘验人员签名", "申请人或代办人签名"}},
	)
}

// signIn is signed by everyone present (D06).
func (v VisitView) signIn(s *paper.Sheet) {
	table := paper.Table{Tall: 11, Columns: []paper.Column{{Title: "单位", Width: 46}, {Title: "姓名", Width: 26}, {Title: "执法证号", Width: 34}, {Title: "到场时间", Width: 24}, {Title: "签名"}}}
	for _, p := range v.Participants {
		for _, r := range p.People {
			table.Rows = append(table.Rows, []string{p.Name, r.Name, r.Certificate, "", ""})
		}
		if len(p.People) == 0 {
			table.Rows = append(table.Rows, []string{p.Name, "", "", "", ""})
		}
	}
	table.Rows = append(table.Rows, []string{"申请人或代办人", "", "", "", ""}, []string{"", "", "", "", ""}, []string{"", "", "", "", ""})
	s.Add(paper.Part{Facts: v.about()}, paper.Part{Section: "到场人员", Table: &table}, paper.Part{Signs: []string{"窗口经办人"}})
}

// record is what a department looked at and found (D07, INS-1007).
func (v VisitView) record(s *paper.Sheet, part ParticipantView) {
	table := paper.Table{Columns: []paper.Column{{Title: "序号", Width: 12}, {Title: "核查内容", Width: 62}, {Title: "依据", Width: 34}, {Title: "结果", Width: 22}, {Title: "说明"}}}
	for _, i := range part.Record.Found {
		text := i.Text
		if i.Critical {
			text += "（关键项）"
		}
		value, note := "未填写", ""
		if i.Last != nil {
			value, note = foundWord(i), i.Last.Note
		}
		if n := len(i.Photos); n > 0 {
			note = strings.TrimSpace(fmt.Sprintf("%s 照片 %d 张", note, n))
		}
		table.Rows = append(table.Rows, []string{strconv.Itoa(i.N), text, i.Basis, value, note})
	}
	facts := append([]paper.Fact{{Name: "核查部门", Value: part.Name}}, v.about()...)
	facts = append(facts, paper.Fact{Name: "核查表", Value: fmt.Sprintf("第 %d 版，%s 起施行", part.Record.Version, part.Record.EffectiveFrom)})
	for _, c := range v.Came(part.ID) {
		facts = append(facts, paper.Fact{Name: "到场人员", Value: c.Name + "，" + instantText(c.CameAt)})
	}
	s.Add(paper.Part{Facts: facts}, paper.Part{Section: "核查结果", Table: &table}, paper.Part{Signs: []string{"核查人员签名", "申请人签名"}})
}

func foundWord(i ItemFound) string {
	if i.Answer != AnswerYesNo {
		return i.Last.Value
	}
	return map[string]string{ValueMet: "符合", ValueNotMet: "不符合", ValueNone: "不适用"}[i.Last.Value]
}

// noticeSheet is the notice with the slip that is signed when it is served on
// paper (D02, INS-707).
func noticeSheet(s *paper.Sheet, part ParticipantView, letter string) {
	s.Add(
		paper.Part{Text: strings.Split(strings.TrimSpace(letter), "\n")},
		paper.Part{Section: "送达回执", Text: []string{part.Name + "已收到应约通知书 " + part.Notice.Number + "。"}, Facts: []paper.Fact{
			{Name: "签收人", Value: "\u3000"}, {Name: "职务", Value: "\u3000"},
		}},
		paper.Part{Signs: []string{"单位盖章", "签收人签名"}},
	)
}

// replies are the department's answers and the receipts it got (D03).
func (v VisitView) replies(s *paper.Sheet, part ParticipantView) {
	s.Add(paper.Part{Facts: append([]paper.Fact{{Name: "部门", Value: part.Name}}, v.about()...)})
	for i, r := range part.Replies {
		var proposals []string
		for _, at := range r.Proposals {
			proposals = append(proposals, instantText(at))
		}
		s.Add(paper.Part{Section: fmt.Sprintf("反馈 %d", i+1), Facts: []paper.Fact{
			{Name: "反馈意见", Value: replyWords[r.Kind]}, {Name: "理由或说明", Value: r.Reason}, {Name: "建议时间", Value: strings.Join(proposals, "；")},
			{Name: "委派给", Value: r.Delegate}, {Name: "方式", Value: wayWords[r.Channel]}, {Name: "反馈人", Value: r.GivenBy},
			{Name: "收到时间", Value: instantText(r.ReceivedAt)}, {Name: "轮次", Value: fmt.Sprintf("第 %d 轮", r.Round)}, {Name: "回执", Value: r.Receipt},
		}})
	}
}

// services show that and when the notice arrived (D14).
func (v VisitView) services(s *paper.Sheet, part ParticipantView) {
	table := paper.Table{Columns: []paper.Column{{Title: "送达时间", Width: 44}, {Title: "方式", Width: 24}, {Title: "证明力", Width: 34}, {Title: "凭证"}}}
	for _, one := range part.Services {
		source := one.Source
		if !one.FallenAt.IsZero() {
			source += "\n" + instantText(one.FallenAt) + " 起不再作数"
		}
		table.Rows = append(table.Rows, []string{instantText(one.ServedAt), wayWords[one.Channel], classWords[one.Class], source})
	}
	facts := append([]paper.Fact{{Name: "受送达部门", Value: part.Name}}, v.about()...)
	if part.Deadline != nil {
		facts = append(facts, paper.Fact{Name: "反馈期限", Value: instantText(part.RespondBy) + "\n" + part.Deadline.Line})
	}
	s.Add(paper.Part{Facts: facts}, paper.Part{Section: "送达记录", Table: &table})
}

// deemed is the record of a deemed consent: what it relies on, and what it does
// not mean (D13, INS-937).
func (v VisitView) deemed(s *paper.Sheet, part ParticipantView) {
	r := part.Deemed
	facts := append([]paper.Fact{{Name: "部门", Value: part.Name}}, v.about()...)
	if part.Notice != nil {
		facts = append(facts, paper.Fact{Name: "应约通知书", Value: part.Notice.Number + "，" + instantText(part.Notice.ComposedAt)})
	}
	for _, one := range part.Services {
		facts = append(facts, paper.Fact{Name: "送达", Value: classWords[one.Class] + "，" + wayWords[one.Channel] + "，" + instantText(one.ServedAt)})
	}
	due := instantText(r.DueAt)
	if line := r.Findings["arithmetic"]; line != "" {
		due += "\n" + line
	}
	term := "反馈期限"
	if r.Reason == NoOpinion {
		term = "意见期限"
	}
	facts = append(facts, paper.Fact{Name: term, Value: due})
	if r.Reason == NoShow {
		facts = append(facts, v.absenceFacts(part)...)
	}
	mode := "系统自动认定"
	if r.Findings["confirmed_by"] != "" {
		mode = "窗口人员核对后确认"
	}
	facts = append(facts,
		paper.Fact{Name: "认定理由", Value: deemedWords[r.Reason]}, paper.Fact{Name: "规则依据", Value: r.Citation},
		paper.Fact{Name: "查找结果", Value: searchWords[r.Reason]}, paper.Fact{Name: "认定方式", Value: mode},
		paper.Fact{Name: "记录时间", Value: fmt.Sprintf("%s，依据 %d 条存证日志记录", instantText(r.DecidedAt), len(r.Relies))},
	)
	if !r.SuspendedAt.IsZero() {
		s.Add(paper.Part{Text: []string{"该记录自 " + instantText(r.SuspendedAt) + " 起效力中止，待主管复核。"}})
	}
	s.Add(paper.Part{Facts: facts}, paper.Part{Text: []string{
		"这是该部门对本次勘验的意见，不是行政许可决定。",
		"如有异议，请向组织窗口的主管书面提出；可随时申请撤销。完整证据见证据包，可用 lianban verify 离线核验。",
	}})
}

// absenceFacts are the sign-in sheet, the grace and the two persons who attest
// (INS-937).
func (v VisitView) absenceFacts(part ParticipantView) []paper.Fact {
	var came, words []string
	for _, c := range v.CheckIns {
		came = append(came, c.Name+"，"+instantText(c.CameAt))
	}
	for _, a := range part.Standing() {
		words = append(words, attestWords[a.Role]+" "+a.Name+"，"+instantText(a.AttestedAt))
	}
	return []paper.Fact{
		{Name: "应到时间", Value: instantText(v.Start)}, {Name: "宽限时间届满", Value: instantText(v.GraceUntil)},
		{Name: "签到情况", Value: strings.Join(came, "\n")}, {Name: "未到场确认", Value: strings.Join(words, "\n")},
	}
}

// opinion is the joint opinion: every department in its own words, deemed ones
// with reason and record (D11, D12, INS-1102). It is made of the issued content
// alone, in which nothing changes any more (INS-1104).
func (j JointOpinion) opinion(s *paper.Sheet) {
	c := j.Content
	s.Add(j.head())
	table := paper.Table{Columns: []paper.Column{{Title: "部门", Width: 40}, {Title: "结论", Width: 26}, {Title: "意见"}, {Title: "签署", Width: 36}}}
	for _, l := range c.Departments {
		name := l.Department
		if l.Lead {
			name += "（牵头）"
		}
		signed := l.By
		if !l.At.IsZero() {
			signed = strings.TrimSpace(signed + "\n" + instantText(l.At))
		}
		table.Rows = append(table.Rows, []string{name, l.verdict(), l.words(), signed})
	}
	s.Add(
		paper.Part{Section: "各部门意见", Table: &table},
		paper.Part{Text: []string{"本意见书汇总各部门对本次勘验的意见，不是行政许可决定；许可由各部门依法作出。"}},
		paper.Part{Facts: []paper.Fact{{Name: "出具单位", Value: strings.TrimSpace(c.Centre + " " + windowText(c.Window))}, {Name: "经办人", Value: c.Clerk}, {Name: "出具时间", Value: instantText(j.IssuedAt)}}},
	)
}

func windowText(number string) string {
	if number == "" {
		return ""
	}
	return number + " 号窗口"
}

// head are the facts of the issued content.
func (j JointOpinion) head() paper.Part {
	c := j.Content
	facts := []paper.Fact{
		{Name: "办件编号", Value: c.CaseNumber}, {Name: "事项", Value: c.Matter}, {Name: "场所", Value: c.Place},
		{Name: "勘验时间", Value: spanText(c.HeldFrom, c.HeldTo)}, {Name: "结论", Value: resultWords[j.Result]},
	}
	if c.Replaces != "" {
		facts = append(facts, paper.Fact{Name: "版本", Value: fmt.Sprintf("第 %d 版，%s，代替 %s；前一版仍可查阅", j.Version, whyWords[c.Why], c.Replaces)})
	}
	return paper.Part{Facts: facts}
}

// standing says how far an item is, or by when it has to be put right.
func (i RectifyItem) standing() string {
	switch i.Outcome {
	case ItemSettled:
		return instantText(i.SettledAt) + " 核查，已整改"
	case ItemOpen:
		return "尚未整改"
	}
	return i.until() + "整改"
}

// verdict is what a department says in one word, and whether it was deemed to.
func (l JointLine) verdict() string {
	if l.Source == "deemed" {
		return "视为同意"
	}
	return opinionWords[l.Kind]
}

// words are the department's own, with what is to be put right.
func (l JointLine) words() string {
	var out []string
	if l.Source == "deemed" {
		out = append(out, "记录单 "+l.Record)
		if l.Kind != "" {
			out = append(out, "另收到："+opinionWords[l.Kind])
		}
	}
	if l.Text != "" {
		out = append(out, l.Text)
	}
	for i, item := range l.Items {
		out = append(out, fmt.Sprintf("%d. %s（%s），%s", i+1, item.Finding, item.Clause, item.standing()))
	}
	return strings.Join(out, "\n")
}

// OpinionVersion is the n-th joint opinion, 0 for the one that counts: what was issued
// before stays to be read (INS-1104). Refusal: not_found.
func (v VisitView) OpinionVersion(n int) (JointOpinion, error) {
	for _, j := range v.Versions {
		if j.Version == n {
			return j, nil
		}
	}
	if n != 0 || v.Joint == nil {
		return JointOpinion{}, notFound()
	}
	return *v.Joint, nil
}

// list is the n-th list of what to put right, 0 for the first, with the joint
// opinion that it follows. A visit of before lists were kept has none.
func (v VisitView) list(n int) (list RectifyList, j JointOpinion, err error) {
	if v.Rectification == nil {
		j, err = v.OpinionVersion(0)
		return RectifyList{N: 1}, j, err
	}
	for _, l := range v.Rectification.Lists {
		if l.N == max(n, 1) {
			j, err = v.OpinionVersion(l.Joint)
			return l, j, err
		}
	}
	return list, j, notFound()
}

// rectify is the one list of what the applicant has to put right (D08,
// INS-1107), made of the issued content alone.
func (j JointOpinion) rectify(s *paper.Sheet) {
	table := rectifyTable()
	for _, l := range j.Content.Departments {
		for _, item := range l.Items {
			table.Rows = append(table.Rows, rectifyRow(len(table.Rows)+1, l.Department, item))
		}
	}
	s.Add(
		j.head(),
		paper.Part{Section: "整改事项", Table: table},
		paper.Part{Text: []string{
			"以上是各部门一次提出的全部整改事项；除现场有紧急危险，或者勘验后发现隐瞒、情况变化外，各部门不再追加。",
			"整改完成后请联系综合窗口申请复勘，由窗口统一安排。",
		}},
		paper.Part{Signs: []string{"窗口经办人", "申请人签收"}},
	)
}

// added is a later list: an exception, with its ground and who decided on it.
func (v VisitView) added(s *paper.Sheet, list RectifyList) {
	table := rectifyTable()
	for _, item := range v.Rectification.Items {
		if item.List == list.N {
			table.Rows = append(table.Rows, rectifyRow(item.N, item.Department, item.asked()))
		}
	}
	s.Add(
		paper.Part{Facts: v.about()},
		paper.Part{Section: "补充整改事项", Table: table},
		paper.Part{Text: []string{
			"整改通知书已一次列明各部门的整改事项。以上事项属于紧急危险、勘验时被隐瞒的情况或者此后变化的情况，经主管审定后补充。",
			"整改完成后请联系综合窗口申请复勘，由窗口统一安排。",
		}},
		paper.Part{Signs: []string{"窗口经办人", "申请人签收"}},
	)
}

func rectifyTable() *paper.Table {
	return &paper.Table{Columns: []paper.Column{
		{Title: "序号", Width: 11, Align: paper.Center}, {Title: "部门", Width: 32}, {Title: "发现的问题"}, {Title: "依据", Width: 34}, {Title: "核查", Width: 18}, {Title: "整改期限", Width: 28},
	}}
}

func rectifyRow(n int, department string, item RectifyItem) []string {
	return []string{strconv.Itoa(n), department, item.Finding, item.Clause, verifyWords[item.Verify], item.until()}
}

// asked is what an item asks for.
func (i ListedItem) asked() RectifyItem {
	return RectifyItem{Finding: i.Finding, Clause: i.Clause, Verify: i.Verify, Days: i.Days}
}

// ended tells that a visit does not take place or did not (D04).
func (v VisitView) ended(s *paper.Sheet) {
	what := "原定的勘验已取消，各部门不再到场。"
	if v.State == VisitNotHeld {
		what = "勘验当日未能进行，另行安排的时间以新的应约通知书为准。"
	}
	var names []string
	for _, p := range v.Participants {
		names = append(names, p.Name)
	}
	s.Add(
		paper.Part{Text: []string{what}},
		paper.Part{Facts: append(v.about(), paper.Fact{Name: "原因", Value: endWords[v.ReasonCode]}, paper.Fact{Name: "说明", Value: v.Reason}, paper.Fact{Name: "通知部门", Value: strings.Join(names, "、")}, paper.Fact{Name: "组织单位", Value: v.Centre.Name + "，电话 " + v.Centre.Phone})},
		paper.Part{Signs: []string{"窗口经办人"}},
	)
}

// instantText is an instant as a document says it: 2026年11月25日 周三 14:00.
func instantText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	at = at.In(workday.Shanghai)
	return at.Format("2006年1月2日 ") + weekdayWords[at.Weekday()] + at.Format(" 15:04")
}

// spanText leaves the day out of the end where it is the same.
func spanText(from, to time.Time) string {
	switch {
	case from.IsZero():
		return ""
	case to.IsZero():
		return instantText(from)
	case workday.DateOf(from) == workday.DateOf(to):
		return instantText(from) + " 至 " + to.In(workday.Shanghai).Format("15:04")
	}
	return instantText(from) + " 至 " + instantText(to)
}
