package inspection

import (
	"context"
	"fmt"
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

// SiteFinding (核查结果) is one answer to one item of a checklist. Nothing is
// overwritten: the last answer of an item counts, and photos add up (INS-1006).
type SiteFinding struct {
	bun.BaseModel `bun:"table:checklist_answers" json:"-"`

	ID            string    `bun:"id,pk" json:"id"`
	ParticipantID string    `json:"participant_id"`
	Round         int       `json:"round"`
	ChecklistID   string    `json:"checklist_id"`
	Save          string    `json:"save"` // those that were saved together
	Item          int       `json:"item"` // from 1
	Value         string    `json:"value"`
	Note          string    `json:"note,omitempty"`
	Photo         string    `json:"photo,omitempty"` // scan
	AnsweredBy    string    `json:"answered_by"`
	AnsweredName  string    `json:"answered_name"`
	AnsweredAt    time.Time `json:"answered_at"`
}

// ItemFound is an item with what was found.
type ItemFound struct {
	ChecklistItem
	N      int          `json:"n"`
	Last   *SiteFinding `json:"last,omitempty"`
	Photos []string     `json:"photos,omitempty"`
}

// open reports whether something is lacking before the opinion may be signed.
func (i ItemFound) open() bool {
	return i.Required && i.Last == nil || i.Photo && i.Last != nil && i.Last.Value != ValueNone && len(i.Photos) == 0
}

// unmet reports whether a critical item is not met.
func (i ItemFound) unmet() bool {
	return i.Critical && i.Last != nil && i.Answer == AnswerYesNo && i.Last.Value == ValueNotMet
}

// SiteRecord (勘验记录) is a department's checklist with its findings (D07).
type SiteRecord struct {
	Checklist
	Found []ItemFound `json:"found"`
}

// Open are the items that lack an answer or a photo.
func (r SiteRecord) Open() (out []ItemFound) {
	for _, i := range r.Found {
		if i.open() {
			out = append(out, i)
		}
	}
	return out
}

// found puts the findings to their items.
func (c Checklist) found(findings []SiteFinding) SiteRecord {
	r := SiteRecord{Checklist: c}
	for n, item := range c.Items {
		one := ItemFound{ChecklistItem: item, N: n + 1}
		for _, f := range findings {
			if f.ChecklistID != c.ID || f.Item != n+1 {
				continue
			}
			one.Last = &f
			if f.Photo != "" {
				one.Photos = append(one.Photos, f.Photo)
			}
		}
		r.Found = append(r.Found, one)
	}
	return r
}

// AnswerItem is what somebody found at one item. An empty Value keeps the last
// one, so that a photo can be added alone.
type AnswerItem struct {
	N     int
	Value string
	Note  string
	Photo Scan
}

// AnswerRequest saves some items together.
type AnswerRequest struct {
	ParticipantID string
	Items         []AnswerItem
	Once          once.Key
}

// SiteRecord gives the checklist of a department on a visit, with its findings,
// to those who may read the visit; empty when the department keeps none.
// Refusal: not_found.
func (d *Desk) SiteRecord(ctx context.Context, by auth.Actor, visitID, departmentID string) (out SiteRecord, err error) {
	v, err := d.FindVisit(ctx, by, visitID)
	if err != nil {
		return out, err
	}
	i := slices.IndexFunc(v.Participants, func(p ParticipantView) bool { return p.DepartmentID == departmentID })
	if i < 0 || by.Department != "" && !atWindow(by) && by.Department != departmentID {
		return out, notFound()
	}
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = siteRecord(ctx, q, v.Participants[i].Participant, v.Visit)
		return err
	})
	return out, err
}

// siteRecord is empty on a revisit, which looks at the open items alone (INS-1109).
func siteRecord(ctx context.Context, q bun.IDB, p Participant, v Visit) (SiteRecord, error) {
	if v.RevisitOf != "" {
		return SiteRecord{}, nil
	}
	list, err := checklistOf(ctx, q, p.DepartmentID, v.MatterCode, workday.DateOf(v.Start))
	if err != nil || list.ID == "" {
		return SiteRecord{}, err
	}
	findings, err := listFindings(ctx, q, p)
	return list.found(findings), err
}

// Answer saves what a department's person found on the site, while the visit
// runs and until its joint opinion; only a department that has checked in has
// been there (INS-1201). Refusals: not_found, not_your_department,
// visit_not_running, not_here_yet, checklist_none, checklist_nothing,
// checklist_answer, text_invalid, scan_type, scan_size.
func (d *Desk) Answer(ctx context.Context, by auth.Actor, r AnswerRequest) error {
	d = d.still()
	_, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
			if err := mayFind(by, p, v); err != nil {
				return nil, err
			}
			record, err := siteRecord(ctx, tx, p, v)
			if err != nil {
				return nil, err
			}
			if record.ID == "" {
				return nil, fault.Refuse(fault.Conflict, "checklist_none",
					"本部门没有这一事项的核查表，可直接出具意见", "the department keeps no checklist for this matter; give the opinion without one")
			}
			return d.find(ctx, tx, by, p, record, r.Items)
		})
	})
	return d.recordRefusal(ctx, by, "site_record", r.ParticipantID, err)
}

func mayFind(by auth.Actor, p Participant, v Visit) error {
	if err := mayAnswer(by, p.DepartmentID); err != nil {
		return err
	}
	if err := takesOpinions(v); err != nil {
		return err
	}
	if !p.Attendance.here() {
		return fault.Refuse(fault.Conflict, "not_here_yet",
			"核查表在现场填写，请先签到", "a checklist is filled in on the site; check in first")
	}
	return nil
}

// find stores the items that say something new. The leaf binds the answers and
// the photos; notes stay out of it (SIM-8).
func (d *Desk) find(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, record SiteRecord, items []AnswerItem) ([]audit.Leaf, error) {
	save := newID()
	var rows []SiteFinding
	for _, a := range items {
		if a.N < 1 || a.N > len(record.Found) {
			return nil, checklistAnswer(a.N, "没有这一项，请刷新页面", "there is no such item; reload the page")
		}
		row, fresh, err := record.Found[a.N-1].answered(a)
		if err != nil {
			return nil, err
		}
		if !fresh {
			continue
		}
		if slices.ContainsFunc(rows, func(r SiteFinding) bool { return r.Item == a.N }) {
			return nil, checklistAnswer(a.N, "一次只能填写一遍", "give one answer at a time")
		}
		if len(a.Photo.Bytes) > 0 {
			scan, err := storeScan(ctx, tx, p.ID, a.Photo, by.String(), d.now())
			if err != nil {
				return nil, err
			}
			row.Photo = scan.ID
		}
		row.ID, row.ParticipantID, row.Round, row.ChecklistID, row.Save = newID(), p.ID, p.Round, record.ID, save
		row.AnsweredBy, row.AnsweredName, row.AnsweredAt = by.ID, by.Name, d.now()
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fault.Refuse(fault.Invalid, "checklist_nothing",
			"没有新的内容可保存，请至少填写一项", "there is nothing new to save; fill in at least one item")
	}
	if err := insertFindings(ctx, tx, rows); err != nil {
		return nil, err
	}
	return []audit.Leaf{participantLeaf("checklist_answered", p, by.String(), d.now(), map[string]any{
		"save": save, "checklist": record.ID, "version": record.Version, "items": len(rows), "found": foundText(rows),
	})}, nil
}

// foundText is the answers of one save as the log keeps them: a text, which could
// name somebody, as a mark.
func foundText(rows []SiteFinding) string {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b SiteFinding) int { return a.Item - b.Item })
	words := make([]string, len(rows))
	for i, r := range rows {
		value := r.Value
		if _, err := strconv.ParseFloat(value, 64); err != nil && value != ValueMet && value != ValueNotMet && value != ValueNone {
			value = "#"
		}
		words[i] = fmt.Sprintf("%d=%s", r.Item, value)
		if r.Photo != "" {
			words[i] += "+" + r.Photo
		}
	}
	return strings.Join(words, " ")
}

// answered checks an answer and reports whether it says anything new.
func (i ItemFound) answered(a AnswerItem) (row SiteFinding, fresh bool, err error) {
	row = SiteFinding{Item: i.N, Value: strings.TrimSpace(a.Value), Note: strings.TrimSpace(a.Note)}
	last := SiteFinding{}
	if i.Last != nil {
		last = *i.Last
	}
	if row.Value == "" {
		row.Value = last.Value
	}
	if row.Value == "" && row.Note == "" && len(a.Photo.Bytes) == 0 {
		return row, false, nil
	}
	if err := i.check(row); err != nil {
		return row, false, err
	}
	return row, row.Value != last.Value || row.Note != last.Note || len(a.Photo.Bytes) > 0, nil
}

func (i ItemFound) check(row SiteFinding) error {
	if err := office.CheckLines(line("note", row.Note)); err != nil {
		return err
	}
	switch {
	case row.Value == "":
		return checklistAnswer(i.N, "请先填写结果，再写说明或传照片", "answer it before adding a note or a photo")
	case i.Answer == AnswerYesNo && row.Value != ValueMet && row.Value != ValueNotMet && row.Value != ValueNone:
		return checklistAnswer(i.N, "请选择符合、不符合或不适用", "choose met, not met or does not apply")
	case i.Answer == AnswerYesNo && row.Value == ValueNone && row.Note == "":
		return checklistAnswer(i.N, "选“不适用”的，请写明原因", "say why it does not apply")
	case i.Answer == AnswerText:
		return office.CheckText("value", row.Value, reasonLength)
	case i.Answer == AnswerNumber:
		if n, err := strconv.ParseFloat(row.Value, 64); err != nil || n < 0 || n > 1e9 {
			return checklistAnswer(i.N, "请填写数字", "enter a number")
		}
	}
	return nil
}

func checklistAnswer(n int, zh, en string) *fault.Error {
	return fault.Refuse(fault.Invalid, "checklist_answer", "第 %[1]d 项：%[2]s", "item %[1]d: %[3]s", n, zh, en).With("item", n)
}

// recordComplete refuses an opinion while required items of the own checklist are
// open, and agreement without a word about a critical item that is not met
// (INS-1007). Who was not on the site has no record to complete.
func recordComplete(ctx context.Context, q bun.IDB, p Participant, v Visit, r OpinionRequest) error {
	if r.Kind == Deferred || !p.Attendance.here() {
		return nil
	}
	record, err := siteRecord(ctx, q, p, v)
	if err != nil {
		return err
	}
	var open, unmet []string
	for _, i := range record.Found {
		if i.open() {
			open = append(open, strconv.Itoa(i.N))
		}
		if i.unmet() {
			unmet = append(unmet, strconv.Itoa(i.N))
		}
	}
	if len(open) > 0 {
		return fault.Refuse(fault.Conflict, "checklist_open",
			"核查表第 %s 项还没有填写或缺照片，填好后再签署意见", "items %s of the checklist lack an answer or a photo; complete them, then sign the opinion",
			strings.Join(open, "、")).With("items", open)
	}
	if r.Kind == Agree && len(unmet) > 0 && strings.TrimSpace(r.Text) == "" {
		return fault.Refuse(fault.Invalid, "critical_unmet",
			"核查表第 %s 项为关键项且不符合；仍出具同意的，请在说明中写明理由", "critical items %s are not met; say why the opinion still agrees, or give another",
			strings.Join(unmet, "、")).With("items", unmet)
	}
	return nil
}
