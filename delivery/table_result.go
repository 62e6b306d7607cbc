package delivery

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// resultColumns are the names of the table of what a department owes; it fills in
// what it hands over from 结果名称 on. They never change (DEL-951).
var resultColumns = []string{
	"办件编号", "部门", "应交结果", "结果名称", "类别", "决定日期", "印章种类", "印章编码", "备案号", "密封袋号", "交出人",
}

// OwedTable is the table of what a department owes and has not handed over. A
// department gets its own; a window names one and gets what is owed to its
// centre. Refusal: not_a_keeper.
func (d *Desk) OwedTable(ctx context.Context, by auth.Actor, department string) (TableFile, error) {
	if !keepsThings(by) {
		return TableFile{}, notAKeeper()
	}
	if by.Department != "" {
		department = by.Department
	}
	var lines []ResultLine
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		lines, err = owedBy(ctx, q, by, department)
		return err
	})
	if err != nil {
		return TableFile{}, err
	}
	name, rows := "", [][]string{}
	for _, l := range lines {
		name = l.Department
		rows = append(rows, []string{l.CaseNumber, l.Department, l.Permit, "", "", "", "", "", "", "", ""})
	}
	body, err := writeTable(resultColumns, rows)
	return TableFile{Name: strings.Trim("送交结果表-"+name, "-") + ".csv", Body: body}, err
}

// classOfWord reads the class of a result.
func classOfWord(word string) Class {
	for _, c := range resultClasses {
		if c.In("zh") == word {
			return c
		}
	}
	return ""
}

// resultLot is what a table hands over of one result line.
type resultLot struct {
	caseNumber, department string
	rows                   []tableRow
}

// ImportResults hands over what a filled table lists: the lines of one case and
// department together, as Release would. A window imports it for a department
// from the slip that was signed on paper. What is in the register already is a
// duplicate and changes nothing; lines without 结果名称 are not due yet and are
// left aside. Check looks and changes nothing. Refusals: those of a table and, per
// line, table_cells, table_case, table_decided, and those of Release.
func (d *Desk) ImportResults(ctx context.Context, by auth.Actor, body []byte, check bool) ([]TableAnswer, error) {
	d = d.still()
	if !keepsThings(by) {
		return nil, notAKeeper()
	}
	rows, err := readTable(body, resultColumns)
	if err != nil {
		return nil, err
	}
	var out []TableAnswer
	for _, lot := range lotsOf(rows) {
		answers, err := d.importLot(ctx, by, lot, check)
		if err != nil {
			return nil, err
		}
		out = append(out, answers...)
	}
	slices.SortStableFunc(out, func(a, b TableAnswer) int { return a.Line - b.Line })
	return out, nil
}

func lotsOf(rows []tableRow) (out []*resultLot) {
	for _, row := range rows {
		number, department := row.cells["办件编号"], row.cells["部门"]
		if row.cells["结果名称"] == "" && !row.short {
			continue
		}
		n := slices.IndexFunc(out, func(l *resultLot) bool { return l.caseNumber == number && l.department == department })
		if n < 0 {
			out, n = append(out, &resultLot{caseNumber: number, department: department}), len(out)
		}
		out[n].rows = append(out[n].rows, row)
	}
	return out
}

// importLot is one act in one transaction; its lines are taken together or not
// at all.
func (d *Desk) importLot(ctx context.Context, by auth.Actor, lot *resultLot, check bool) (answers []TableAnswer, err error) {
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		answers = nil
		l, err := lineOfCase(ctx, tx, by, lot.caseNumber, lot.department)
		if fault.KindOf(err) == fault.NotFound {
			err = fault.Refuse(fault.Invalid, "table_case",
				"没有该部门应向本窗口送交结果的这个办件，请核对办件编号和部门名称", "no such case for which this department owes a result here; compare the case number and the name of the department")
		}
		if err != nil {
			answers = lot.all(LineTaken)
			return err
		}
		have, err := itemsOfLine(ctx, tx, l.ID)
		if err != nil {
			return err
		}
		r := ReleaseRequest{LineID: l.ID, Paper: atWindow(by), table: true, Giver: lot.rows[0].cells["交出人"], DecidedOn: dateCell(lot.rows[0].cells["决定日期"])}
		for _, row := range lot.rows {
			answers = append(answers, r.read(row, &have))
		}
		if slices.ContainsFunc(answers, func(a TableAnswer) bool { return a.Status == LineRejected }) {
			answers = hold(answers)
			return errChecked
		}
		if len(r.New) == 0 {
			return errChecked
		}
		if _, err := d.release(ctx, tx, by, r); err != nil {
			return err
		}
		if check {
			return errChecked
		}
		return nil
	})
	return settled(answers, err)
}

func (l *resultLot) all(s TableStatus) (out []TableAnswer) {
	for _, row := range l.rows {
		out = append(out, TableAnswer{Line: row.line, What: row.cells["结果名称"], Status: s})
	}
	return out
}

// dateCell turns the date of a spreadsheet into ours.
func dateCell(text string) string {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return text
	}
	for n := range parts {
		if len(parts[n]) == 1 {
			parts[n] = "0" + parts[n]
		}
	}
	return strings.Join(parts, "-")
}

// read takes one line into the request, unless the register has that thing.
func (r *ReleaseRequest) read(row tableRow, have *[]Item) TableAnswer {
	c := row.cells
	n := NewItem{
		Class: classOfWord(c["类别"]), Title: c["结果名称"],
		Seal: SealFacts{Kind: c["印章种类"], Code: c["印章编码"], Filing: c["备案号"], Bag: c["密封袋号"]},
	}
	if row.short {
		return rejected(row.line, n.Title, shortLine())
	}
	if err := n.check(); err != nil {
		refused, _ := fault.From(err)
		return rejected(row.line, n.Title, refused)
	}
	if dateCell(c["决定日期"]) != r.DecidedOn {
		return rejected(row.line, n.Title, fault.Refuse(fault.Invalid, "table_decided",
			"同一办件、同一部门的各行，决定日期须相同，请核对", "lines of one case and department have one date of decision; compare them"))
	}
	same := func(i Item) bool { return i.Class == n.Class && i.Title == n.Title && i.Seal == n.Seal }
	if i := slices.IndexFunc(*have, same); i >= 0 {
		*have = slices.Delete(*have, i, i+1) // two alike need two in the register
		return TableAnswer{Line: row.line, What: n.Title, Status: LineDuplicate}
	}
	r.New = append(r.New, n)
	return TableAnswer{Line: row.line, What: n.Title, Status: LineTaken}
}
