package inspection

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/paper"
	"lianban/notify"
)

// DeemedRecord is all that 视为同意记录单 says of one outcome (D13, INS-937). It is
// made of rows that no longer change, so the same outcome prints the same; only its
// reversal and the first checkpoint over it come later.
type DeemedRecord struct {
	Visit    VisitView
	Part     ParticipantView
	Row      Deemed
	Void     bool      // of a round that has been replaced (INS-920)
	Start    time.Time // of its round, as the place
	End      time.Time
	Place    string
	Notice   *Notice          // nil for a round that has been replaced
	Services []Service        // on which the term rests, by when they arrived
	Told     []Told           // reminders
	Inbox    []Told           // through when each way in was seen to be alive
	Contests []Contest        // of its service, decided by a supervisor (INS-712)
	Reversal *Reversal        // once two persons have decided
	Leaf     audit.Entry      // of the outcome; zero if the log has none
	Covered  audit.Checkpoint // the first over the leaf; Size 0 until there is one
}

// Told is a channel and an instant.
type Told struct {
	Channel string
	At      time.Time
}

// DeemedRecord gives the record of a deemed consent to those who may read it, a
// department its own. Round 0 is the present one. Refusal: not_found.
func (d *Desk) DeemedRecord(ctx context.Context, by auth.Actor, visitID, departmentID string, round int) (DeemedRecord, error) {
	v, err := d.FindVisit(ctx, by, visitID)
	if err != nil {
		return DeemedRecord{}, err
	}
	i := slices.IndexFunc(v.Participants, func(p ParticipantView) bool { return p.DepartmentID == departmentID })
	if i < 0 || by.Department != "" && !atWindow(by) && by.Department != departmentID {
		return DeemedRecord{}, notFound()
	}
	r, ok := v.recordOf(v.Participants[i], round)
	if !ok {
		return DeemedRecord{}, notFound()
	}
	return r, d.DB.Read(ctx, func(q bun.IDB) error { return r.anchor(ctx, q) })
}

// recordOf gathers a record from what the visit shows.
func (v VisitView) recordOf(p ParticipantView, round int) (DeemedRecord, bool) {
	rows := slices.Clone(p.DeemedBefore)
	if p.Deemed != nil {
		rows = append(rows, *p.Deemed)
	}
	i := slices.IndexFunc(rows, func(row Deemed) bool { return row.Round == round || round == 0 && row.Round == p.Round })
	if i < 0 {
		return DeemedRecord{}, false
	}
	r := DeemedRecord{Visit: v, Part: p, Row: rows[i], Void: rows[i].Round != p.Round, Start: v.Start, End: v.End, Place: v.Place}
	for _, one := range v.Rounds {
		if one.N == r.Row.Round {
			r.Start, r.End, r.Place = one.Start, one.End, one.Place
		}
	}
	if !r.Void {
		r.Notice = p.Notice
	}
	for _, s := range p.Services {
		about := s.About == AboutOpinion
		if s.Round == r.Row.Round && about == (r.Row.Reason == NoOpinion) && !s.RecordedAt.After(r.Row.DecidedAt) {
			r.Services = append(r.Services, s)
		}
	}
	for _, c := range p.Contests {
		if c.Round == r.Row.Round && c.Decided() {
			r.Contests = append(r.Contests, c)
		}
	}
	for i, one := range p.Reversals {
		if one.Round == r.Row.Round && !one.DecidedAt.IsZero() {
			r.Reversal = &p.Reversals[i]
		}
	}
	r.Told, r.Inbox = r.Row.told("reminder_"), r.Row.told("inbox_")
	return r, true
}

// anchor finds the leaf of the outcome and the first checkpoint over it.
func (r *DeemedRecord) anchor(ctx context.Context, q bun.IDB) error {
	entries, err := audit.Stream(ctx, q, departmentStream(r.Visit.CaseID, r.Part.DepartmentID))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(entries, func(e audit.Entry) bool { return e.Type == "deemed" && e.Text("number") == r.Row.Number })
	if i < 0 { // not by our acts; the record says so
		return nil
	}
	r.Leaf = entries[i]
	r.Covered, err = audit.Covering(ctx, q, r.Leaf.Seq+1)
	return err
}

// told reads the findings of a kind: "inbox_mail", and "reminder_1_sms" in the order
// in which they were sent.
func (row Deemed) told(kind string) (out []Told) {
	for name, text := range row.Findings {
		rest, ok := strings.CutPrefix(name, kind)
		at, err := time.Parse(time.RFC3339, text)
		if !ok || err != nil {
			continue
		}
		out = append(out, Told{Channel: rest[strings.LastIndexByte(rest, '_')+1:], At: at})
	}
	slices.SortFunc(out, func(a, b Told) int { return strings.Compare(stamp(a.At)+a.Channel, stamp(b.At)+b.Channel) })
	return out
}

// remindersSent are the reminders that left the house for a department since T1
// (INS-713). The channel says what a carrier made of them.
func remindersSent(ctx context.Context, q bun.IDB, p Participant, since time.Time) (out []Told, err error) {
	for _, purpose := range []string{notify.PurposeReminder, notify.PurposeMorning, notify.PurposeDemand} {
		sent, err := notify.ListBySubject(ctx, q, p.ID, purpose)
		if err != nil {
			return nil, err
		}
		for _, m := range sent {
			left := slices.Contains([]string{notify.Accepted, notify.Delivered, notify.Undelivered, notify.Unknown}, m.State)
			if left && !m.ComposedAt.Before(since) {
				out = append(out, Told{Channel: m.Channel, At: m.ComposedAt})
			}
		}
	}
	slices.SortFunc(out, func(a, b Told) int { return a.At.Compare(b.At) })
	return out, nil
}

// document draws the record.
func (r DeemedRecord) document() (Document, error) {
	head := paper.Head{Issuer: r.Visit.Centre.Name, Title: r.Visit.documentTitle(DocDeemed), Number: r.Row.Number}
	doc, err := printed(r.sheet(), head)
	doc.Name = head.Title + "-" + head.Number + "-" + r.Part.Name + ".pdf"
	return doc, err
}

// sheet is the record on paper. What takes its effect stands before everything.
func (r DeemedRecord) sheet() (s paper.Sheet) {
	if words := r.effect(); words != "" {
		s.Add(paper.Part{Text: []string{words}})
	}
	s.Add(
		paper.Part{Facts: r.what()},
		paper.Part{Section: "送达和期限", Facts: r.term()},
		paper.Part{Section: "认定", Facts: r.decision()},
	)
	for _, c := range r.Contests {
		s.Add(paper.Part{Section: "送达异议", Facts: c.facts()})
	}
	if r.Reversal != nil {
		s.Add(paper.Part{Section: "撤销", Facts: r.Reversal.facts()})
	}
	meaning := "这是该部门对本次" + r.Visit.act() + "的意见，不是行政许可决定。"
	if r.Reversal != nil {
		meaning = "撤销之前，它也只是该部门对本次" + r.Visit.act() + "的意见，不是行政许可决定。"
	}
	s.Add(
		paper.Part{Text: []string{
			meaning,
			"如有异议，请向组织窗口的主管书面提出（" + r.Visit.Centre.Name + "，电话 " + r.Visit.Centre.Phone + "）；可随时申请撤销，由两人决定。",
		}},
		paper.Part{Section: "存证", Facts: r.proof(), Text: []string{"完整证据见证据包，可用 lianban verify 离线核验，不需要账号。"}},
	)
	return s
}

// effect says at the head that the record has no effect, and why.
func (r DeemedRecord) effect() string {
	switch {
	case r.Reversal != nil:
		return "【已撤销】本记录已于 " + instantText(r.Reversal.DecidedAt) + " 由两人决定撤销，自该时起不作为该部门的意见。"
	case r.Void:
		return "【该轮已改期】本记录只说明该部门在第 " + strconv.Itoa(r.Row.Round) + " 轮逾期未反馈，不再作为对本次" + r.Visit.act() + "的意见。"
	case !r.Row.SuspendedAt.IsZero():
		return "【效力中止】本记录自 " + instantText(r.Row.SuspendedAt) + " 起效力中止，待主管复核。"
	}
	return ""
}

func (r DeemedRecord) what() []paper.Fact {
	return []paper.Fact{
		{Name: "部门", Value: r.Part.Name}, {Name: "办件编号", Value: r.Visit.CaseNumber}, {Name: "事项", Value: r.Visit.MatterName},
		{Name: "申请人", Value: r.Visit.Case.Applicant.Masked().Name}, {Name: r.Visit.act(), Value: fmt.Sprintf("%s，第 %d 轮", kindWords[r.Visit.Sort()], r.Row.Round)},
		{Name: "场所", Value: r.Place}, {Name: "时间", Value: spanText(r.Start, r.End)},
		{Name: "认定理由", Value: deemedWords[r.Row.Reason]}, {Name: "规则依据", Value: r.Row.Citation},
	}
}

// term is how the word arrived, which proof started the term, and how it ran out.
func (r DeemedRecord) term() (facts []paper.Fact) {
	if r.Notice != nil {
		facts = append(facts, paper.Fact{Name: "应约通知书", Value: r.Notice.Number + "，" + instantText(r.Notice.ComposedAt)})
	}
	t1 := r.T1()
	for _, s := range r.Services {
		value := instantText(s.ServedAt) + "，" + classWords[s.Class] + "，" + wayWords[s.Channel] + "，凭证 " + s.Source
		if who := s.Detail["receiver"]; who != "" {
			value += "，签收人或接听人 " + who
		}
		if !s.FallenAt.IsZero() {
			value += "\n" + instantText(s.FallenAt) + " 起不再作数"
		}
		label := "其他送达"
		if s.ID == t1.ID {
			label = "起算送达"
		}
		facts = append(facts, paper.Fact{Name: label, Value: value})
	}
	due, term := instantText(r.Row.DueAt), "反馈期限"
	if line := r.Row.Findings["arithmetic"]; line != "" {
		due += "\n" + line
	}
	if r.Row.Reason == NoOpinion {
		term = "意见期限"
	}
	reminders := toldText(r.Told)
	if reminders == "" {
		reminders = "没有另发提醒"
	}
	return append(facts, paper.Fact{Name: term, Value: due}, paper.Fact{Name: "提醒", Value: reminders})
}

// T1 is the proof with which the term began: the first that counted. Zero when it
// has no row any more that is like it.
func (r DeemedRecord) T1() Service {
	i := slices.IndexFunc(r.Services, func(s Service) bool {
		return s.Class == r.Row.Findings["class"] && stamp(s.ServedAt) == r.Row.Findings["t1"]
	})
	if i < 0 {
		return Service{}
	}
	return r.Services[i]
}

func toldText(told []Told) string {
	var lines []string
	for _, one := range told {
		lines = append(lines, wayWords[one.Channel]+"，"+instantText(one.At))
	}
	return strings.Join(lines, "\n")
}

func (r DeemedRecord) decision() (facts []paper.Fact) {
	if r.Row.Reason == NoShow {
		facts = r.Visit.absenceFacts(r.Part)
	}
	mode := "系统自动认定"
	if r.Row.Findings["confirmed_by"] != "" {
		mode = strings.TrimSuffix("窗口人员核对后确认，"+r.Row.Findings["confirmed_name"], "，")
	}
	return append(facts,
		paper.Fact{Name: "收件渠道", Value: toldText(r.Inbox)}, paper.Fact{Name: "查找结果", Value: searchWords[r.Row.Reason]},
		paper.Fact{Name: "认定方式", Value: mode},
		paper.Fact{Name: "记录时间", Value: fmt.Sprintf("%s，依据 %d 条存证日志记录", instantText(r.Row.DecidedAt), len(r.Row.Relies))},
	)
}

// proof names the leaf and the checkpoint over it, to be held against the log.
func (r DeemedRecord) proof() []paper.Fact {
	if r.Leaf.Type == "" {
		return []paper.Fact{{Name: "登记条目", Value: "登记簿中没有这条记录，不能作为依据；请报告管理员运行 lianban audit 核对"}}
	}
	covered := "尚未签发，记录后 60 秒内签发；请稍后重新打印"
	if r.Covered.Size > 0 {
		covered = fmt.Sprintf("%s\n共 %d 条，根哈希 %s\n%s 签发", r.Covered.Origin, r.Covered.Size, r.Covered.Root, instantText(r.Covered.At))
	}
	return []paper.Fact{{Name: "登记条目", Value: fmt.Sprintf("第 %d 号\n哈希 %s", r.Leaf.Seq, r.Leaf.Hash)}, {Name: "检查点", Value: covered}}
}

// facts is the block of a contested service on the record (INS-712): what was said,
// what was decided, and the times before and after.
func (c Contest) facts() []paper.Fact {
	reason, since := c.Reason, "不再计算，通知重新送达"
	if !c.SaidAt.IsZero() {
		reason += "\n认为送达于 " + instantText(c.SaidAt)
	}
	if !c.NewServedAt.IsZero() {
		since = "送达 " + instantText(c.NewServedAt)
		if !c.NewRespondBy.IsZero() {
			since += "，反馈期限 " + instantText(c.NewRespondBy)
		}
	}
	return []paper.Fact{
		{Name: "提出人", Value: c.RaisedName + "，" + instantText(c.RaisedAt)}, {Name: "异议理由", Value: reason},
		{Name: "原来的时间", Value: "送达 " + instantText(c.ServedAt) + "，反馈期限 " + instantText(c.RespondBy)},
		{Name: "决定", Value: contestOutcomes[c.Outcome] + "\n" + c.Decision},
		{Name: "决定人", Value: c.EndedName + "，" + instantText(c.EndedAt)},
		{Name: "决定后的时间", Value: since},
	}
}

// contestOutcomes are the decisions as the record prints them.
var contestOutcomes = map[ContestOutcome]string{
	ContestRejected: "异议不成立", ContestLater: "异议成立，送达时间更正", ContestVoid: "异议成立，原送达不作数",
}

// facts is the reversal block of the record (INS-917).
func (v Reversal) facts() []paper.Fact {
	due := "该部门已有自己的意见，不另给期限"
	if !v.OpinionDue.IsZero() {
		due = instantText(v.OpinionDue) + " 前书面出具意见；逾期不再自动视为同意"
	}
	return []paper.Fact{
		{Name: "提出人", Value: strings.TrimPrefix(v.ProposedName+"，"+instantText(v.ProposedAt), "，")}, {Name: "撤销理由", Value: v.Reason},
		{Name: "决定人", Value: strings.TrimPrefix(v.DecidedName+"，"+instantText(v.DecidedAt), "，")}, {Name: "决定意见", Value: v.Decision},
		{Name: "新的意见期限", Value: due},
	}
}
