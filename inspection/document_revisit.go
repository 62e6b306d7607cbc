package inspection

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lianban/internal/paper"
)

// request is which of the requests for a revisit is the n-th, 0 for the last, counted
// from 1. Refusal: not_found.
func (r *Rectification) request(n int) (int, error) {
	if n == 0 {
		n = len(r.Requests)
	}
	if n < 1 || n > len(r.Requests) {
		return 0, notFound()
	}
	return n, nil
}

// openAt are the items that were to be seen on the site at an instant and had not
// been put right by then. It asks nothing that changes later: a photo that was
// answered afterwards may have sent its item to the site.
func (r *Rectification) openAt(at time.Time) (out []ListedItem) {
	for _, i := range r.Items {
		listed := slices.ContainsFunc(r.Lists, func(l RectifyList) bool { return l.N == i.List && !l.MadeAt.After(at) })
		settled := !i.SettledAt.IsZero() && i.SettledAt.Before(at)
		byPhoto := slices.ContainsFunc(r.Photos, func(p ItemPhoto) bool { return p.ItemID == i.ID && p.AnsweredAt.After(at) })
		if i.Verify == VerifyVisit && listed && !settled && !byPhoto {
			out = append(out, i)
		}
	}
	return out
}

// askedWords say how a revisit came to be asked for.
var askedWords = map[string]string{"window": "到窗口申请", "phone": "电话申请", bySupervisor: "整改期满未申请，由主管决定"}

// askSheet is the applicant's request that the departments look again (D09, INS-1109).
func (v VisitView) askSheet(s *paper.Sheet, r RevisitRequest) {
	table := &paper.Table{Columns: []paper.Column{
		{Title: "序号", Width: 11, Align: paper.Center}, {Title: "部门", Width: 32}, {Title: "要求整改的问题"}, {Title: "依据", Width: 36}, {Title: "整改情况", Width: 44},
	}}
	for _, i := range v.Rectification.openAt(r.AskedAt) {
		table.Rows = append(table.Rows, []string{strconv.Itoa(i.N), i.Department, i.Finding, i.Clause, "□ 已整改\n□ 尚未整改"})
	}
	s.Add(
		paper.Part{Facts: append(v.about(),
			paper.Fact{Name: "申请方式", Value: askedWords[r.Channel]}, paper.Fact{Name: "申请人或经办人", Value: r.Person},
			paper.Fact{Name: "申请时间", Value: instantText(r.AskedAt)}, paper.Fact{Name: "说明", Value: r.Note},
			paper.Fact{Name: "复勘期限", Value: instantText(r.DueAt) + " 前完成"},
		)},
		paper.Part{Section: "申请复勘的事项", Table: table},
		paper.Part{Text: []string{"复勘只查看以上事项，由窗口统一约定时间，相关部门一次到场；其他部门不再到场。"}},
		paper.Part{Signs: []string{"申请人或代办人签名", "窗口经办人"}},
	)
}

// revisitSheet is what the departments saw when they looked again (D10, INS-1109). It
// is made when the revisit is over; to a department it shows its own part.
func (v VisitView) revisitSheet(s *paper.Sheet) {
	facts := v.about()
	for _, p := range v.Participants {
		for _, c := range v.Came(p.ID) {
			facts = append(facts, paper.Fact{Name: "到场人员", Value: p.Name + " " + c.Name + "，" + instantText(c.CameAt)})
		}
	}
	facts = append(facts, v.Signing.facts()...)
	items := &paper.Table{Columns: []paper.Column{
		{Title: "序号", Width: 11, Align: paper.Center}, {Title: "部门", Width: 32}, {Title: "要求整改的问题"}, {Title: "依据", Width: 36}, {Title: "复勘结果", Width: 40},
	}}
	words := &paper.Table{Columns: []paper.Column{{Title: "部门", Width: 44}, {Title: "意见", Width: 26}, {Title: "说明"}, {Title: "签署", Width: 40}}}
	for _, p := range v.Participants {
		if p.Consent == "" { // a department sees its own part (SEC-3)
			continue
		}
		last, said := p.lastSigned(v.ClosedAt)
		for _, i := range v.Rectification.openAt(v.ClosedAt) {
			if i.DepartmentID == p.DepartmentID {
				items.Rows = append(items.Rows, []string{strconv.Itoa(i.N), i.Department, i.Finding, i.Clause, v.seen(i, last)})
			}
		}
		words.Rows = append(words.Rows, p.saidAtRevisit(last, said))
	}
	s.Add(
		paper.Part{Facts: append(facts, paper.Fact{Name: "结论", Value: resultWords[v.Result]}, paper.Fact{Name: "办结时间", Value: instantText(v.ClosedAt)})},
		paper.Part{Section: "复勘事项", Table: items}, paper.Part{Section: "部门意见", Table: words},
		paper.Part{Text: []string{"复勘只查看整改通知书列明、须现场核查的事项。联合勘验意见书按复勘结果另出新版。"}},
		paper.Part{Signs: []string{"勘验人员签名", "申请人或代办人签名"}},
	)
}

// seen is what a department saw of an item: put right, or open with a new term.
func (v VisitView) seen(i ListedItem, o Opinion) string {
	if i.SettledAt.Equal(v.ClosedAt) {
		return "已整改"
	}
	for _, again := range o.Items {
		if again.ID == i.ID {
			return fmt.Sprintf("尚未整改，再给 %d 个工作日", again.Days)
		}
	}
	return "未认可"
}

// lastSigned is the department's last opinion that was signed by an instant.
func (p ParticipantView) lastSigned(by time.Time) (o Opinion, found bool) {
	for _, one := range p.Opinions {
		if !one.SignedAt.IsZero() && !one.SignedAt.After(by) && one.DroppedAt.IsZero() {
			o, found = one, true
		}
	}
	return o, found
}

func (p ParticipantView) saidAtRevisit(o Opinion, said bool) []string {
	switch {
	case !said && p.Deemed != nil:
		return []string{p.Name, "视为同意", "记录单 " + p.Deemed.Number, instantText(p.Deemed.DecidedAt)}
	case !said:
		return []string{p.Name, "未出具", "", ""}
	}
	names := []string{o.GivenName}
	for _, one := range o.Signatures {
		if !slices.Contains(names, one.Name) {
			names = append(names, one.Name)
		}
	}
	return []string{p.Name, opinionWords[o.Kind], o.Text, strings.Join(names, "、") + "\n" + instantText(o.SignedAt)}
}
