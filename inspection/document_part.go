package inspection

import (
	"fmt"
	"strings"

	"lianban/internal/paper"
)

// letterSheet is a letter with the slip that is signed when it is served on paper
// (D02, INS-707, INS-933).
func letterSheet(s *paper.Sheet, letter, received string) {
	s.Add(
		paper.Part{Text: strings.Split(strings.TrimSpace(letter), "\n")},
		paper.Part{Section: "送达回执", Text: []string{received}, Facts: []paper.Fact{
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
