package inspection

import (
	"fmt"
	"strconv"
	"strings"

	"lianban/internal/paper"
)

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
	s.Add(paper.Part{Section: "各部门意见", Table: &table})
	if len(c.Dangers) > 0 {
		s.Add(paper.Part{Section: "紧急危险", Table: dangerTable(c.Dangers)})
	}
	if len(c.Photos) > 0 {
		s.Add(paper.Part{Section: "照片索引", Table: photoTable(c.Photos)})
	}
	s.Add(
		paper.Part{Text: []string{j.meaning()}},
		paper.Part{Facts: []paper.Fact{{Name: "出具单位", Value: strings.TrimSpace(c.Centre + " " + windowText(c.Window))}, {Name: "经办人", Value: c.Clerk}, {Name: "出具时间", Value: instantText(j.IssuedAt)}}},
	)
}

// meaning says what it is, and that it is no permit.
func (j JointOpinion) meaning() string {
	paper := "本意见书"
	if j.Content.Kind == KindReview {
		paper = "本纪要"
	}
	return paper + "汇总各部门对本次" + actWords[j.Content.Kind] + "的意见，不是行政许可决定；许可由各部门依法作出。"
}

// photoTable lists the photos with the sums by which each is recognised (INS-1102).
func photoTable(photos []JointPhoto) *paper.Table {
	table := paper.Table{Columns: []paper.Column{{Title: "部门", Width: 40}, {Title: "核查表", Width: 20}, {Title: "时间", Width: 38}, {Title: "照片校验值（SHA-256）"}}}
	for _, p := range photos {
		table.Rows = append(table.Rows, []string{p.Department, fmt.Sprintf("第 %d 项", p.Item), instantText(p.At), p.SHA256})
	}
	return &table
}

// dangerTable names each danger, and how it was cleared (INS-1015).
func dangerTable(dangers []JointDanger) *paper.Table {
	table := paper.Table{Columns: []paper.Column{{Title: "部门", Width: 40}, {Title: "发现的危险"}, {Title: "解除", Width: 62}}}
	for _, d := range dangers {
		cleared := "尚未解除"
		if !d.ClearedAt.IsZero() {
			cleared = d.Note + "\n" + instantText(d.ClearedAt)
		}
		table.Rows = append(table.Rows, []string{d.Department, d.What + "\n" + instantText(d.FoundAt), cleared})
	}
	return &table
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
		{Name: actWords[c.Kind] + "时间", Value: spanText(c.HeldFrom, c.HeldTo)}, {Name: "结论", Value: resultWords[j.Result]},
	}
	if c.Replaces != "" {
		facts = append(facts, paper.Fact{Name: "版本", Value: fmt.Sprintf("第 %d 版，%s，代替 %s；前一版仍可查阅", j.Version, whyWords[c.Why], c.Replaces)})
	}
	return paper.Part{Facts: facts}
}

// standing says how far an item is, or by when it has to be put right.
func (i RectifyItem) standing() string {
	if i.Left != "" {
		return i.Left
	}
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
	switch l.Source {
	case "deemed":
		return "视为同意"
	case lineWaived:
		return "未出具意见"
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
	if l.Source == lineWaived {
		out = append(out, "经两名主管决定不再等候，不作为同意："+l.Waived)
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
			if item.Left == "" {
				table.Rows = append(table.Rows, rectifyRow(len(table.Rows)+1, l.Department, item))
			}
		}
	}
	s.Add(
		j.head(),
		paper.Part{Section: "整改事项", Table: table},
		paper.Part{Text: []string{
			"以上是各部门一次提出的全部整改事项；除有紧急危险，或者此后发现隐瞒、情况变化外，各部门不再追加。",
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
			"整改通知书已一次列明各部门的整改事项。以上事项属于紧急危险、当时被隐瞒的情况或者此后变化的情况，经主管审定后补充。",
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
