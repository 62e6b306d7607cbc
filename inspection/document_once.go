package inspection

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/internal/paper"
)

// OnceNotice prints 一次性告知书 for a case: everything the applicant has to know,
// told once (DEC-20). It says what was in force when the case was accepted.
// Refusal: not_found.
func (d *Desk) OnceNotice(ctx context.Context, by auth.Actor, caseID string) (Document, error) {
	c, err := d.FindCase(ctx, by, caseID)
	if err != nil {
		return Document{}, err
	}
	var facts onceFacts
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		facts, err = readOnceFacts(ctx, q, c)
		return err
	})
	if err != nil {
		return Document{}, err
	}
	return printed(facts.sheet(), paper.Head{Issuer: facts.centre.Name, Title: "一次性告知书", Number: c.Number})
}

// onceFacts are what a one-time notice is made of.
type onceFacts struct {
	c      Case
	matter Matter
	centre office.Centre
	rules  office.Rules
}

func readOnceFacts(ctx context.Context, q bun.IDB, c Case) (f onceFacts, err error) {
	f.c = c
	if f.matter, err = FindMatter(ctx, q, c.MatterCode, c.MatterVersion); err != nil {
		return f, err
	}
	if f.centre, err = office.FindCentre(ctx, q, c.OrganiserCentre); err != nil {
		return f, err
	}
	f.rules, err = office.RulesAt(ctx, q, c.AcceptedAt, office.Scope{Centre: c.OrganiserCentre, Matter: c.MatterCode})
	return f, err
}

func (f onceFacts) sheet() (s paper.Sheet) {
	s.Add(
		paper.Part{Text: []string{"您办理的“一件事”由综合窗口一次告知、一次受理；需要现场查看的由窗口统一约定时间，各部门一次到场，不单独上门。"}},
		paper.Part{Facts: []paper.Fact{
			{Name: "事项", Value: f.matter.NameZH}, {Name: "申请人", Value: f.c.Applicant.Masked().Name}, {Name: "场所", Value: f.c.Site.Address},
			{Name: "受理时间", Value: instantText(f.c.AcceptedAt)},
		}},
		paper.Part{Section: "一、涉及的许可和登记", Text: numbered(f.matter.Permits)},
		paper.Part{Section: "二、需要到场的部门", Table: f.departments()},
		paper.Part{Section: "三、请准备", Text: []string{
			"申请人身份证明；经营场所的使用证明（不动产权证或租赁合同）；场所平面图；已有的批准文书。同一材料只收一次。勘验时请经营者本人或委托的代办人到场。",
		}},
		paper.Part{Section: "四、办理步骤", Text: numbered([]string{
			"综合窗口受理，确定参加部门。", "窗口约定时间，短信告知您；各部门一次到场。", "各部门出具意见，窗口汇总为一份联合意见书。", "各部门办结，证照由窗口统一发放或寄递。",
		})},
	)
	if f.matter.Commitment {
		s.Add(paper.Part{Text: []string{"本事项适用告知承诺：作出承诺后可先办理，不以勘验为前提。"}})
	}
	if f.matter.WindowOnly { // DEL-204
		s.Add(paper.Part{Text: []string{"本事项的结果须到窗口领取，不寄递，也不网上传输。"}})
	}
	s.Add(
		paper.Part{Section: "五、时限", Text: []string{fmt.Sprintf(
			"受理后 %d 个工作日内完成勘验，本办件应在 %s 前完成；部门收到通知后 %d 个工作日内反馈，逾期未反馈的视为同意（%s）。",
			f.rules.Limit, f.c.LimitDate, f.rules.ReplyTerm, f.rules.Citation)}},
		paper.Part{Facts: []paper.Fact{{Name: "咨询和监督", Value: f.centre.Name + "，" + f.centre.Address + "，电话 " + f.centre.Phone}}},
		paper.Part{Signs: []string{"窗口经办人", "申请人签收"}},
	)
	return s
}

func numbered(lines []string) (out []string) {
	for i, line := range lines {
		out = append(out, fmt.Sprintf("%d. %s", i+1, line))
	}
	return out
}

// departments says of each department of the matter when it comes, and whether it
// comes to this case.
func (f onceFacts) departments() *paper.Table {
	t := &paper.Table{Columns: []paper.Column{{Title: "部门", Width: 40}, {Title: "什么情况下参加"}, {Title: "本办件", Width: 22, Align: paper.Center}}}
	for _, d := range Derive(f.matter, f.c.Answers) {
		name, comes := SystemName(d.System).In("zh"), "不需要"
		if d.Lead {
			name += "（牵头）"
		}
		if d.In {
			comes = "到场"
		}
		_, whole := d.When.Eval(nil) // nothing known: the whole condition
		when := whole.In("zh")
		if d.Permit != "" {
			when += "\n查看：" + d.Permit
		}
		t.Rows = append(t.Rows, []string{name, when, comes})
	}
	return t
}
