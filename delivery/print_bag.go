package delivery

import (
	"context"
	"fmt"
	"strconv"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/internal/paper"
)

// PrintBag prints the list that travels with a bag, for both sides to sign, also
// where one has neither account nor network (DEL-950, DEL-1108). Whoever may read
// the bag prints it. Refusal: not_found.
func (d *Desk) PrintBag(ctx context.Context, by auth.Actor, bagID string) (Print, error) {
	d = d.still()
	b, err := d.FindBag(ctx, by, bagID)
	if err != nil {
		return Print{}, err
	}
	s := bagSheet(b)
	p := Paper{Kind: PaperBag, Subject: b.ID, Number: b.Number, CentreID: b.CentreID}
	err = d.DB.Write(ctx, func(tx bun.IDB) error { return d.issueSheet(ctx, tx, by, &s, p, "bag/"+b.ID) })
	if err != nil {
		return Print{}, err
	}
	return s.print()
}

func bagSheet(b BagView) sheet {
	s := sheetOf(b.FromName)
	s.Bars = true
	counts := make([]Item, len(b.Items))
	t := paper.Table{Columns: []paper.Column{
		{Title: "序", Width: 8, Align: paper.Center}, {Title: "名称"}, {Title: "类别", Width: 24}, {Title: "物料编号", Width: 34}, {Title: "办件编号", Width: 39}, {Title: "核对", Width: 18},
	}}
	for i, one := range b.Items {
		counts[i] = *one.Item
		title := one.Item.Title
		if one.Material.ForName != "" {
			title += "\n给 " + one.Material.ForName
		}
		found := "□"
		if one.Outcome != "" {
			found = findingWords[one.Outcome]
		}
		t.Rows = append(t.Rows, []string{strconv.Itoa(i + 1), title, one.Material.Label("zh"), one.Item.Number, one.Material.CaseNumber, found})
	}
	s.Add(
		paper.Part{Facts: []paper.Fact{
			{Name: "移交方", Value: b.FromName}, {Name: "接收方", Value: b.ToName}, {Name: "封签号", Value: orBlank(b.Seal)},
			{Name: "合计", Value: fmt.Sprintf("%d 件：%s", len(b.Items), countClasses(counts))},
			{Name: "移交时间", Value: whenSet(b)}, {Name: "签收期限", Value: dueText(b.DueAt)},
		}},
		paper.Part{Section: "物料", Table: &t},
		paper.Part{Text: []string{"接收方签收以前，由移交方负责保管。双方当面拆封清点；多出、缺少、污损的写在下面，缺少和污损的仍由移交方负责。"}, Facts: []paper.Fact{{Name: "不符情况", Value: "\u3000\n\u3000"}}},
		paper.Part{Signs: []string{"移交人签名", "接收人签名"}},
	)
	return s
}

func whenSet(b BagView) string {
	if b.ReleasedAt.IsZero() {
		return "\u3000"
	}
	return dayMoment("zh", b.ReleasedAt)
}

var findingWords = map[Finding]string{FoundGood: "在", FoundMissing: "缺", FoundDamaged: "损"}

// PrintNote prints what goes with a copy or stands for one: 复印件留存注记 or
// 收件凭据, with the keeper, the number n/N and a place for the keeper's stamp
// (DEL-106, DEL-1110, DEL-1111). Refusals: not_found, note_original.
func (d *Desk) PrintNote(ctx context.Context, by auth.Actor, itemID string) (Print, error) {
	d = d.still()
	m, err := d.FindMaterial(ctx, by, itemID)
	if err != nil {
		return Print{}, err
	}
	if m.original() {
		return Print{}, noteOriginal()
	}
	kind := PaperCopy
	if m.Item.Class == ClassVoucher {
		kind = PaperVoucher
	}
	var s sheet
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		centre, err := office.FindCentre(ctx, tx, m.CentreID)
		if err != nil {
			return err
		}
		s = noteSheet(m.Material, centre)
		p := Paper{Kind: kind, Subject: m.ItemID, Number: m.Item.Number, CentreID: m.CentreID}
		return d.issueSheet(ctx, tx, by, &s, p, Stream(m.CaseID))
	})
	if err != nil {
		return Print{}, err
	}
	return s.print()
}

func noteSheet(m Material, centre office.Centre) sheet {
	s := sheetOf(centre.Name)
	s.Bars = true
	facts := []paper.Fact{{Name: "材料名称", Value: m.Item.Title}, {Name: "办件编号", Value: m.CaseNumber}, {Name: "原件留存单位", Value: m.Keeper}}
	text := fmt.Sprintf("申请人已提交《%s》原件，由%s留存。凭本凭据办理，不得要求申请人重复提交。", m.Item.Title, m.Keeper)
	if m.Item.Class == ClassCopy {
		facts = append(facts, paper.Fact{Name: "复印件编号", Value: fmt.Sprintf("%d/%d", m.CopyNo, m.Copies)}, paper.Fact{Name: "加印原因", Value: m.Reason})
		text = fmt.Sprintf("本复印件与%s留存的原件核对一致。需要查看原件的，请向原件留存单位或综合窗口申请借阅，不得要求申请人重复提交。", m.Keeper)
	}
	checked := "\u3000"
	if !m.StampedAt.IsZero() {
		checked = m.StampedName + "，" + dayMoment("zh", m.StampedAt)
	}
	facts = append(facts, paper.Fact{Name: "使用部门", Value: m.ForName}, paper.Fact{Name: "同意使用凭据", Value: m.AgreedBy},
		paper.Fact{Name: "出具窗口和时间", Value: centre.Name + "，" + dayMoment("zh", m.Item.RegisteredAt)}, paper.Fact{Name: "核对与原件一致", Value: checked})
	s.Add(paper.Part{Facts: facts}, paper.Part{Text: []string{text}}, paper.Part{Signs: []string{m.Keeper + "（盖章处）", "核对人签名"}})
	return s
}
