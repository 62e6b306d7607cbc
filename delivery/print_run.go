package delivery

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/internal/paper"
)

// PrintRun prints the list that a run's carrier takes along: stop by stop what is
// delivered and fetched, signed at each stop (DEL-922, DEL-1108). Its centre's
// people print it. Refusals: not_found, not_run_centre.
func (d *Desk) PrintRun(ctx context.Context, by auth.Actor, runID string) (Print, error) {
	d = d.still()
	v, err := d.FindRun(ctx, by, runID)
	if err != nil {
		return Print{}, err
	}
	if err := mayCarry(by, v.CentreID); err != nil {
		return Print{}, err
	}
	var s sheet
	p := Paper{Kind: PaperRun, Subject: v.ID, Number: v.Number, CentreID: v.CentreID}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		centre, err := office.FindCentre(ctx, tx, v.CentreID)
		if err != nil {
			return err
		}
		s = runSheet(v, centre)
		return d.issueSheet(ctx, tx, by, &s, p, "run/"+v.ID)
	})
	if err != nil {
		return Print{}, err
	}
	return s.print()
}

func runSheet(v RunView, centre office.Centre) sheet {
	s := sheetOf(centre.Name)
	s.Bars = true
	stops := v.Stops()
	s.Add(paper.Part{Facts: []paper.Fact{
		{Name: "发车时间", Value: dayMoment("zh", v.LeavesAt)}, {Name: "承运人", Value: orBlank(v.Carrier)}, {Name: "停靠部门", Value: fmt.Sprintf("%d 个", len(stops))},
	}})
	for _, stop := range stops {
		t := paper.Table{Columns: []paper.Column{
			{Title: "序", Width: 8, Align: paper.Center}, {Title: "送/取", Width: 13, Align: paper.Center}, {Title: "编号", Width: 34}, {Title: "对方"}, {Title: "封条号", Width: 28},
			{Title: "件数", Width: 12, Align: paper.Center}, {Title: "核对", Width: 13, Align: paper.Center},
		}}
		row := func(verb, other string, e RunEntry) {
			t.Rows = append(t.Rows, []string{strconv.Itoa(len(t.Rows) + 1), verb, e.Number, other, e.Seal, strconv.Itoa(e.Things), "□"})
		}
		for _, e := range stop.Deliver {
			row("送", e.FromName, e)
		}
		for _, e := range stop.Fetch {
			row("取", e.ToName, e)
		}
		s.Add(paper.Part{Section: fmt.Sprintf("%s：送 %d 件，取 %d 件", stop.Name, len(stop.Deliver), len(stop.Fetch)), Table: &t})
		s.Add(paper.Part{Signs: []string{"部门签名和时间"}})
	}
	moved := slices.DeleteFunc(slices.Clone(v.Entries), func(e RunEntry) bool { return e.Why == "" })
	if len(moved) > 0 {
		var lines []string
		for _, e := range moved {
			lines = append(lines, e.Number+"："+e.Why)
		}
		s.Add(paper.Part{Section: "转到下一班的", Text: lines})
	}
	c := v.Counts
	s.Add(
		paper.Part{Section: "回程清点", Facts: []paper.Fact{
			{Name: "送出", Value: countOf(v, c.Out)}, {Name: "取回", Value: countOf(v, c.In)}, {Name: "退回", Value: countOf(v, c.Back)},
		}},
		paper.Part{Text: []string{"接收方在系统或流转单上签收以前，由交出的一方负责。没有送到或没有取到的，带回窗口转到下一班。"}},
		paper.Part{Signs: []string{"窗口交出人签名", "承运人签名", "窗口清点人签名"}},
	)
	return s
}

// countOf leaves room for what will be counted.
func countOf(v RunView, n int) string {
	if v.State != RunClosed {
		return "\u3000"
	}
	return fmt.Sprintf("%d 件", n)
}
