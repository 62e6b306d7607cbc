package inspection

import (
	"fmt"
	"strconv"
	"strings"

	"lianban/internal/paper"
)

// launch is the form by which the window calls the departments together (D01).
func (v VisitView) launch(s *paper.Sheet) {
	facts := append(v.about(), paper.Fact{Name: "办理时限", Value: v.Case.LimitDate + " 前完成" + v.act()}, paper.Fact{Name: "组织单位", Value: v.Centre.Name + "，电话 " + v.Centre.Phone})
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
		paper.Part{Section: v.act() + "人员", Table: &people},
		paper.Part{Text: []string{"请携带执法证件准时到场，与其他部门一并" + v.act() + "，当场出具意见。不能到场的，请按应约通知书在期限内反馈。组织窗口电话 " + v.Centre.Phone + "。"}},
		paper.Part{Section: v.act() + "记录", Facts: []paper.Fact{{Name: "到场时间", Value: "\u3000"}, {Name: "查看情况", Value: "\u3000\n\u3000\n\u3000\n\u3000"}, {Name: "意见", Value: "□ 同意　　□ 整改后复勘　　□ 不同意"}}},
		paper.Part{Signs: []string{v.act() + "人员签名", "申请人或代办人签名"}},
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
	facts = append(facts, v.Signing.facts()...)
	s.Add(paper.Part{Facts: facts}, paper.Part{Section: "核查结果", Table: &table}, paper.Part{Signs: []string{"核查人员签名", "申请人签名"}})
}

func foundWord(i ItemFound) string {
	if i.Answer != AnswerYesNo {
		return i.Last.Value
	}
	return map[string]string{ValueMet: "符合", ValueNotMet: "不符合", ValueNone: "不适用"}[i.Last.Value]
}

// ended tells that a visit does not take place or did not (D04).
func (v VisitView) ended(s *paper.Sheet) {
	what := "原定的" + v.act() + "已取消，各部门不再到场。"
	if v.State == VisitNotHeld {
		what = v.act() + "当日未能进行，另行安排的时间以新的应约通知书为准。"
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
