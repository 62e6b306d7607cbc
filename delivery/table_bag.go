package delivery

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// bagColumns are the names of the table that goes with a bag; the last four are
// for its receiver. They never change (DEL-951).
var bagColumns = []string{"集装袋编号", "物料编号", "名称", "类别", "办件编号", "点收结果", "说明", "签收人", "签收时间"}

// findingOfWord reads what a receiver wrote.
var findingOfWord = map[string]Finding{"收到": FoundGood, "缺件": FoundMissing, "破损": FoundDamaged}

// BagTable is the list of a bag as a table, for its receiver to fill in and send
// back. Whoever may read the bag. Refusals: not_found, bag_over.
func (d *Desk) BagTable(ctx context.Context, by auth.Actor, bagID string) (TableFile, error) {
	v, err := d.FindBag(ctx, by, bagID)
	if err != nil {
		return TableFile{}, err
	}
	if v.State == BagFilling || v.State == BagCancelled {
		return TableFile{}, bagOver(v.Bag)
	}
	var rows [][]string
	for _, i := range v.Items {
		rows = append(rows, []string{v.Number, i.Item.Number, i.Item.Title, i.Material.Label("zh"), i.Material.CaseNumber, "", "", "", ""})
	}
	body, err := writeTable(bagColumns, rows)
	return TableFile{Name: "点收表-" + v.Number + ".csv", Body: body}, err
}

// BagAnswers is a filled table of a bag. Check looks at it and changes nothing.
type BagAnswers struct {
	BagID string
	Body  []byte
	Slip  string // at a window, for a department: SHA-256 of the scan of the signed slip
	Check bool
}

// ImportBagTable signs for a bag as its table says, line by line: all of it at
// once, or nothing while a line is wrong. The same table twice changes nothing.
// Who may is who may sign (AcceptBag). Refusals: not_found, not_a_keeper, those of a table,
// and per line table_cells, table_other_bag, table_item_unknown, table_twice,
// table_finding, table_time, reason_missing, table_answered, table_missing,
// table_waits, and those of AcceptBag.
func (d *Desk) ImportBagTable(ctx context.Context, by auth.Actor, r BagAnswers) ([]TableAnswer, error) {
	d = d.still()
	v, err := d.FindBag(ctx, by, r.BagID)
	if err != nil {
		return nil, err
	}
	if !keepsThings(by) {
		return nil, notAKeeper()
	}
	rows, err := readTable(r.Body, bagColumns)
	if err != nil {
		return nil, err
	}
	accept := BagAccept{BagID: v.ID, Slip: r.Slip}
	answers := make([]TableAnswer, 0, len(rows))
	for _, row := range rows {
		answers = append(answers, accept.read(v, row))
	}
	answers = append(answers, leftOut(v, rows)...)
	wrong := func(a TableAnswer) bool { return a.Status == LineRejected }
	if slices.ContainsFunc(answers, wrong) {
		return hold(answers), nil
	}
	if v.State != BagReleased {
		return answers, nil // all are duplicates
	}
	err = d.onBag(ctx, by, v.ID, BagReleased, opens, func(tx bun.IDB, v *BagView) ([]audit.Leaf, error) {
		leaves, err := d.acceptBag(ctx, tx, by, accept, v)
		if err == nil && r.Check {
			err = errChecked
		}
		return leaves, err
	})
	return settled(answers, err)
}

// settled turns the refusal of an act into the answer to each of its lines.
func settled(answers []TableAnswer, err error) ([]TableAnswer, error) {
	if err == nil || errors.Is(err, errChecked) {
		return answers, nil
	}
	refused, ok := fault.From(err)
	if !ok {
		return nil, err
	}
	for n, a := range answers {
		if a.Status == LineTaken {
			answers[n] = rejected(a.Line, a.What, refused)
		}
	}
	return answers, nil
}

// read takes one line into the request and says what is wrong with it.
func (r *BagAccept) read(v BagView, row tableRow) TableAnswer {
	number := foldNumber(row.cells["物料编号"])
	i := slices.IndexFunc(v.Items, func(i BagItem) bool { return i.Item.Number == number })
	if row.short {
		return rejected(row.line, number, shortLine())
	}
	if i < 0 || foldNumber(row.cells["集装袋编号"]) != v.Number {
		return rejected(row.line, number, fault.Refuse(fault.Invalid, "table_other_bag",
			"本行不是集装袋 %[1]s 清单上的物料；袋内多出的，请在集装袋页面拍照登记", "this line is not on the list of bag %[1]s; record what was extra in it with a photo on its page", v.Number))
	}
	item := v.Items[i]
	outcome, known := findingOfWord[row.cells["点收结果"]]
	note := row.cells["说明"]
	switch {
	case slices.ContainsFunc(r.Found, func(f Found) bool { return f.ItemID == item.ItemID }):
		return rejected(row.line, number, fault.Refuse(fault.Invalid, "table_twice",
			"这件物料在表中出现了两次，请只留一行", "this thing stands in the table twice; keep one line"))
	case !known:
		return rejected(row.line, number, fault.Refuse(fault.Invalid, "table_finding",
			"点收结果请填“收到”“缺件”或“破损”", "the finding is 收到 (received), 缺件 (missing) or 破损 (damaged)"))
	case outcome != FoundGood && note == "":
		return rejected(row.line, number, fault.Refuse(fault.Invalid, "reason_missing",
			"请写明理由", "give the reason in words"))
	}
	r.Found = append(r.Found, Found{item.ItemID, outcome, note})
	if outcome == FoundGood {
		r.Count++
	}
	if why := r.signedBy(row); why != nil {
		return rejected(row.line, number, why)
	}
	if v.State == BagReleased {
		return TableAnswer{Line: row.line, What: number, Status: LineTaken}
	}
	if v.State == BagRefused || item.Outcome != outcome {
		return rejected(row.line, number, fault.Refuse(fault.Conflict, "table_answered",
			"集装袋 %[1]s 已经登记过，这一件的结果与本表不同；请核对流转单，确有出入的联系窗口", "bag %[1]s was answered before, and otherwise for this thing; compare the slip and ask the window", v.Number))
	}
	return TableAnswer{Line: row.line, What: number, Status: LineDuplicate}
}

// tableTimes are the ways in which spreadsheets write a moment.
var tableTimes = []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006/1/2 15:04", "2006/1/2 15:04:05"}

// signedBy takes who signed and when from the first line that says so.
func (r *BagAccept) signedBy(row tableRow) *fault.Error {
	if r.Receiver == "" {
		r.Receiver = row.cells["签收人"]
	}
	text := row.cells["签收时间"]
	if text == "" || !r.SignedAt.IsZero() {
		return nil
	}
	for _, layout := range tableTimes {
		if at, err := time.ParseInLocation(layout, text, workday.Shanghai); err == nil {
			r.SignedAt = at.UTC()
			return nil
		}
	}
	return fault.Refuse(fault.Invalid, "table_time",
		"签收时间请写成 2026-11-24 15:30 的形式", "write the time like 2026-11-24 15:30")
}

// leftOut are things of the bag that the table says nothing of.
func leftOut(v BagView, rows []tableRow) (out []TableAnswer) {
	for _, i := range v.Items {
		if !slices.ContainsFunc(rows, func(r tableRow) bool { return foldNumber(r.cells["物料编号"]) == i.Item.Number }) {
			out = append(out, rejected(0, i.Item.Number, fault.Refuse(fault.Invalid, "table_missing",
				"表中缺少这件物料，请补上这一行；没有收到的填“缺件”", "the table says nothing of this thing; add its line, with 缺件 if it did not come")))
		}
	}
	return out
}

// hold keeps good lines from being taken while others of the same act are wrong.
func hold(answers []TableAnswer) []TableAnswer {
	for n, a := range answers {
		if a.Status == LineTaken {
			answers[n] = rejected(a.Line, a.What, fault.Refuse(fault.Conflict, "table_waits",
				"本行无误，但同一批中有错误的行，所以都没有登记；改正后整份重新导入", "this line is good, but another of the same lot is wrong, so none was taken; correct it and import the whole again"))
		}
	}
	return answers
}
