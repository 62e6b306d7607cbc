package inspection

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// EveryMatter is the matter code of a checklist that holds where a matter has
// none of its own.
const EveryMatter = "*"

// Limits of a checklist.
const (
	MaxChecklist = 1 << 20 // bytes of its file
	maxItems     = 200
)

// Checklist (核查表) is what a department looks at on the site of a matter, one
// version of it (INS-1007). The version that holds on the day of a visit is the
// visit's; a later one never changes it.
type Checklist struct {
	bun.BaseModel `bun:"table:checklists" json:"-"`

	ID            string          `bun:"id,pk" json:"id"`
	DepartmentID  string          `json:"department_id"`
	MatterCode    string          `json:"matter_code"` // or EveryMatter
	Version       int             `json:"version"`
	EffectiveFrom workday.Date    `json:"effective_from"`
	Items         []ChecklistItem `bun:"type:jsonb" json:"items"`
	SetBy         string          `json:"set_by"`
	SetAt         time.Time       `json:"set_at"`
}

// ChecklistItem is one line of it. Items are numbered from 1 in their order.
type ChecklistItem struct {
	Text     string     `json:"text"`
	Basis    string     `json:"basis,omitempty"`
	Answer   AnswerType `json:"answer"`
	Required bool       `json:"required"`
	Photo    bool       `json:"photo"`    // at least one photo belongs to it
	Critical bool       `json:"critical"` // not met and yet agreed to: the opinion says why
}

// AnswerType says what an item is answered with.
type AnswerType string

// Types of answer.
const (
	AnswerYesNo  AnswerType = "yes_no" // met, not met, or does not apply
	AnswerNumber AnswerType = "number"
	AnswerText   AnswerType = "text"
)

// Values of a yes_no answer.
const (
	ValueMet    = "yes"
	ValueNotMet = "no"
	ValueNone   = "na"
)

// ChecklistRequest is a new version of a checklist, from a CSV file with the
// columns of checklistColumns.
type ChecklistRequest struct {
	MatterCode    string
	EffectiveFrom workday.Date // not before tomorrow: visits under way keep theirs
	File          []byte
	Once          once.Key
}

var checklistColumns = []string{"item", "basis", "answer", "required", "photo", "critical"}

// PublishChecklist makes a new version of the own department's checklist, by its
// head. A file that says what the newest version says makes none. Refusals:
// not_department_head, matter_unknown, checklist_date, table_unreadable,
// table_columns, table_too_large, checklist_line, checklist_empty.
func (d *Desk) PublishChecklist(ctx context.Context, by auth.Actor, r ChecklistRequest) (Checklist, error) {
	d = d.still()
	if by.Department == "" || !by.Is(auth.Head) {
		return Checklist{}, fault.Refuse(fault.Forbidden, "not_department_head",
			"核查表由部门负责人维护，请联系本部门负责人", "a checklist is kept by the head of the department; ask the head")
	}
	if !workday.DateOf(d.now()).Before(r.EffectiveFrom) {
		return Checklist{}, fault.Refuse(fault.Invalid, "checklist_date",
			"生效日期最早为明天；进行中的勘验仍用原来的核查表", "the earliest day is tomorrow; visits under way keep the checklist they have")
	}
	items, err := readChecklist(r.File)
	if err != nil {
		return Checklist{}, err
	}
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Checklist, error) { return d.publishChecklist(ctx, tx, by, r, items) })
}

func (d *Desk) publishChecklist(ctx context.Context, tx bun.IDB, by auth.Actor, r ChecklistRequest, items []ChecklistItem) (Checklist, error) {
	if r.MatterCode != EveryMatter {
		if n, err := latestVersion(ctx, tx, r.MatterCode); err != nil || n == 0 {
			return Checklist{}, cmp.Or(err, error(matterUnknown(r.MatterCode)))
		}
	}
	last, err := lastChecklist(ctx, tx, by.Department, r.MatterCode)
	if err != nil || last.ID != "" && slices.Equal(last.Items, items) {
		return last, err
	}
	c := Checklist{
		ID: newID(), DepartmentID: by.Department, MatterCode: r.MatterCode, Version: last.Version + 1,
		EffectiveFrom: r.EffectiveFrom, Items: items, SetBy: by.String(), SetAt: d.now(),
	}
	if err := insertChecklist(ctx, tx, &c); err != nil {
		return c, err
	}
	return c, audit.Record(ctx, tx, audit.Leaf{
		Type: "checklist_published", Stream: "system", Actor: by.String(), At: d.now(),
		Fields: map[string]any{"checklist": c.ID, "department": c.DepartmentID, "matter": c.MatterCode, "version": c.Version, "items": len(items)},
	})
}

// Checklists are the newest versions of the own department's. Refusal:
// not_your_department.
func (d *Desk) Checklists(ctx context.Context, by auth.Actor) (out []Checklist, err error) {
	if err := mayAnswer(by, by.Department); err != nil {
		return nil, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = newestChecklists(ctx, q, by.Department)
		return err
	})
	return out, err
}

// CSV is the checklist as PublishChecklist reads it; that of no checklist is the
// header alone, to be filled in.
func (c Checklist) CSV() []byte {
	var out bytes.Buffer
	out.WriteString("\ufeff") // spreadsheets know UTF-8 by it
	w := csv.NewWriter(&out)
	_ = w.Write(checklistColumns)
	for _, i := range c.Items {
		_ = w.Write([]string{i.Text, i.Basis, string(i.Answer), truth(i.Required), truth(i.Photo), truth(i.Critical)})
	}
	w.Flush()
	return out.Bytes()
}

func truth(b bool) string { return strconv.FormatBool(b) }

func readChecklist(file []byte) (items []ChecklistItem, err error) {
	rows, err := readTable(file, checklistColumns[:1], checklistColumns[1:])
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		item, ok := row.checklistItem()
		if !ok || office.CheckLines(line("item", item.Text), line("basis", item.Basis)) != nil {
			return nil, fault.Refuse(fault.Invalid, "checklist_line",
				"第 %d 行有误：item 不能为空；answer 填 yes_no、number 或 text；required、photo、critical 填 true 或 false",
				"line %d is wrong: item is needed; answer is yes_no, number or text; required, photo and critical are true or false", row.line)
		}
		items = append(items, item)
	}
	if len(items) == 0 || len(items) > maxItems {
		return nil, fault.Refuse(fault.Invalid, "checklist_empty",
			"核查表应有 1 至 %d 项，请补齐或分开后再上传", "a checklist has between 1 and %d items; complete or split it and upload it again", maxItems)
	}
	return items, nil
}

// checklistItem reads one line; an empty cell is yes_no, or false.
func (r tableRow) checklistItem() (i ChecklistItem, ok bool) {
	i = ChecklistItem{Text: r.cell("item"), Basis: r.cell("basis"), Answer: AnswerType(r.cell("answer"))}
	if i.Answer == "" {
		i.Answer = AnswerYesNo
	}
	ok = i.Text != "" && slices.Contains([]AnswerType{AnswerYesNo, AnswerNumber, AnswerText}, i.Answer)
	for column, to := range map[string]*bool{"required": &i.Required, "photo": &i.Photo, "critical": &i.Critical} {
		switch strings.ToLower(r.cell(column)) {
		case "true":
			*to = true
		case "", "false":
		default:
			ok = false
		}
	}
	return i, ok
}
