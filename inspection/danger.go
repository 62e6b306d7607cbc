package inspection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
)

// Danger (紧急危险) is an immediate danger that an inspector found. As long as it is
// not cleared in writing no result of the visit is passed (INS-1015). VisitID is the
// first visit's: what is found at a revisit concerns the same result.
type Danger struct {
	bun.BaseModel `bun:"table:dangers" json:"-"`

	ID            string    `bun:"id,pk" json:"id"`
	VisitID       string    `json:"visit_id"`
	ParticipantID string    `json:"-"`
	DepartmentID  string    `json:"department_id"`
	Department    string    `json:"department"`
	What          string    `json:"what"`
	Scan          string    `json:"scan,omitempty"`
	SHA256        string    `bun:"sha256" json:"sha256,omitempty"` // of the photo
	FoundAt       time.Time `json:"found_at"`
	FoundBy       string    `json:"found_by"`
	FoundName     string    `json:"found_name"`
	FirstNote     string    `json:"first_note,omitempty"` // of the first of two supervisors
	FirstAt       time.Time `bun:",nullzero" json:"first_at,omitzero"`
	FirstBy       string    `json:"first_by,omitempty"`
	Note          string    `json:"note,omitempty"` // how it was cleared
	ClearedAt     time.Time `bun:",nullzero" json:"cleared_at,omitzero"`
	ClearedBy     string    `json:"cleared_by,omitempty"`
	ClearedName   string    `json:"cleared_name,omitempty"`
}

// DangerState says how far a Danger is.
type DangerState string

// States of a Danger.
const (
	DangerOpen    DangerState = "open"
	DangerHalf    DangerState = "half" // one supervisor has cleared it, a second has to
	DangerCleared DangerState = "cleared"
)

// State follows from who has cleared it.
func (d Danger) State() DangerState {
	switch {
	case !d.ClearedAt.IsZero():
		return DangerCleared
	case d.FirstBy != "":
		return DangerHalf
	}
	return DangerOpen
}

// print is the hash of what people wrote, so that a row that says something else
// than the log shows (EV-12).
func (d Danger) print() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s", d.What, d.SHA256, d.FirstNote, d.Note))
	return hex.EncodeToString(sum[:])
}

func (d Danger) leaf(p Participant, actor string, at time.Time) audit.Leaf {
	return participantLeaf("danger", p, actor, at, map[string]any{"danger": d.ID, "now": string(d.State()), "print": d.print()})
}

// DangerRequest records what was found. The photo may be missing: danger does not
// wait for one.
type DangerRequest struct {
	ParticipantID string
	What          string
	Photo         Scan
	Once          once.Key
}

// ReportDanger records an immediate danger, by anybody of the department, at any
// time and in any state of the visit; the supervisor is called (INS-1015). Refusals:
// not_found, not_your_department, reason_missing, text_invalid, scan_type, scan_size.
func (d *Desk) ReportDanger(ctx context.Context, by auth.Actor, r DangerRequest) (Danger, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (out Danger, err error) {
		err = actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
			if err := mayAnswer(by, p.DepartmentID); err != nil {
				return nil, err
			}
			if err := checkText("detail", r.What, reasonLength); err != nil {
				return nil, err
			}
			if err := office.CheckLines(line("name", r.Photo.Name)); err != nil {
				return nil, err
			}
			out = Danger{
				ID: newID(), VisitID: v.root(), ParticipantID: p.ID, DepartmentID: p.DepartmentID, Department: p.Name, What: strings.TrimSpace(r.What),
				FoundAt: d.now(), FoundBy: by.String(), FoundName: by.Name,
			}
			if len(r.Photo.Bytes) > 0 {
				scan, err := storeScan(ctx, tx, p.ID, r.Photo, by.String(), d.now())
				if err != nil {
					return nil, err
				}
				out.Scan, out.SHA256 = scan.ID, scan.SHA256
			}
			if err := insertDanger(ctx, tx, &out); err != nil {
				return nil, err
			}
			return []audit.Leaf{out.leaf(p, by.String(), d.now())}, d.call(ctx, tx, v, out)
		})
		return out, err
	})
}

// call raises the supervisor's task and sends a word to every supervisor of the
// centre who has a telephone or a mail address.
func (d *Desk) call(ctx context.Context, tx bun.IDB, v Visit, danger Danger) error {
	detail := danger.Department + "发现紧急危险：" + danger.What + "。书面解除之前，结论不能为通过"
	if v.Result == ResultPassed {
		detail = danger.Department + "发现紧急危险：" + danger.What + "。联合意见书的结论已是通过，请立即处置"
	}
	err := raiseTask(ctx, tx, Visit{ID: v.root(), CentreID: v.CentreID}, Task{
		Kind: TaskDanger, Subject: danger.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor), Detail: detail,
	})
	if err != nil {
		return err
	}
	people, err := auth.ListPeople(ctx, tx, auth.PersonQuery{Centre: v.CentreID, Role: auth.Supervisor, Enabled: true})
	if err != nil {
		return err
	}
	facts, err := json.Marshal(dangerFacts{Department: danger.Department, Case: v.CaseNumber})
	if err != nil {
		return err
	}
	var out []notify.Message
	for _, one := range people {
		for channel, address := range map[string]string{notify.SMS: one.Phone, notify.Mail: one.Mail} {
			if address == "" {
				continue
			}
			out = append(out, notify.Message{
				Key: purposeDanger + "/" + danger.ID + "/" + one.ID + "/" + channel, Purpose: purposeDanger, Channel: channel, Address: address, Lang: "zh",
				Subject: danger.ID, Contact: one.ID, Stream: departmentStream(v.CaseID, danger.DepartmentID), Facts: facts,
			})
		}
	}
	if len(out) == 0 {
		return nil
	}
	return notify.Queue(ctx, tx, d.now(), out...)
}

// purposeDanger is the call to a supervisor.
const purposeDanger = "danger"

// dangerFacts is what the call says: what was found stands on the page.
type dangerFacts struct {
	Department string `json:"department"`
	Case       string `json:"case"`
}

func (d *Desk) composeDanger(m notify.Message) (notify.Body, error) {
	var f dangerFacts
	if err := json.Unmarshal(m.Facts, &f); err != nil {
		return notify.Body{}, fmt.Errorf("facts of message %s: %w", m.ID, err)
	}
	text := fmt.Sprintf("%s在办件%s的勘验中报告紧急危险，请立即登录联办平台处置。", f.Department, f.Case)
	return notify.Body{
		Subject: "【紧急危险】办件" + f.Case, Text: text, HTML: "<p>" + html.EscapeString(text) + "</p>", SMS: "【" + d.Mail.Signature + "】" + text,
		From: d.Mail.From, FromName: "综合窗口",
	}, nil
}

// ClearDanger clears a danger in writing: one person of the department that found
// it, or two supervisors of the centre, one after the other (INS-1015). Refusals:
// not_found, not_a_window, wrong_window, not_supervisor, danger_cleared,
// danger_second, reason_missing, text_invalid.
func (d *Desk) ClearDanger(ctx context.Context, by auth.Actor, visitID, dangerID, note string) error {
	d = d.still()
	_, err := d.onVisit(ctx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		danger, err := findDanger(ctx, tx, v.root(), dangerID)
		if err != nil {
			return nil, err
		}
		own := mayAnswer(by, danger.DepartmentID) == nil
		if !own {
			if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
				return nil, err
			}
		}
		if err := danger.clearable(by, own); err != nil {
			return nil, err
		}
		if err := checkText("reason", note, reasonLength); err != nil {
			return nil, err
		}
		return d.clear(ctx, tx, by, danger, own, strings.TrimSpace(note))
	})
	return err
}

func (d Danger) clearable(by auth.Actor, own bool) error {
	switch {
	case !d.ClearedAt.IsZero():
		return fault.Refuse(fault.Conflict, "danger_cleared", "该项紧急危险已经解除", "this danger has been cleared already")
	case !own && d.FirstBy == by.String():
		return fault.Refuse(fault.Forbidden, "danger_second",
			"您已同意解除，还须另一名主管同意，或者由报告部门书面解除", "you have cleared it; another supervisor has to as well, or the department that found it")
	}
	return nil
}

func (d *Desk) clear(ctx context.Context, tx bun.IDB, by auth.Actor, danger Danger, own bool, note string) ([]audit.Leaf, error) {
	before := danger.FirstBy
	if !own && before == "" {
		danger.FirstNote, danger.FirstAt, danger.FirstBy = note, d.now(), by.String()
	} else {
		danger.Note, danger.ClearedAt, danger.ClearedBy, danger.ClearedName = note, d.now(), by.String(), by.Name
	}
	if err := clearDanger(ctx, tx, danger, before); err != nil {
		return nil, err
	}
	p, err := findParticipant(ctx, tx, danger.ParticipantID)
	if err != nil {
		return nil, err
	}
	leaf := danger.leaf(p, by.String(), d.now())
	if danger.ClearedAt.IsZero() {
		return []audit.Leaf{leaf}, nil
	}
	return []audit.Leaf{leaf}, finishTasks(ctx, tx, TaskDanger, danger.ID, d.now(), by.String(), note)
}

// JointDanger is a danger as a joint opinion names it.
type JointDanger struct {
	Department string    `json:"department"`
	What       string    `json:"what"`
	FoundAt    time.Time `json:"found_at"`
	Note       string    `json:"note,omitempty"`
	ClearedAt  time.Time `json:"cleared_at,omitzero"`
}

// dangersIn gives what an opinion with this result has to name, and refuses one that
// passes while a danger stands (INS-1015). Refusal: danger_open.
func dangersIn(ctx context.Context, q bun.IDB, v Visit, result string) (out []JointDanger, err error) {
	list, err := listDangers(ctx, q, v.root())
	for _, danger := range list {
		if danger.ClearedAt.IsZero() && result == ResultPassed {
			return nil, fault.Refuse(fault.Conflict, "danger_open",
				"%s报告的紧急危险还没有书面解除，结论不能为通过。请该部门书面解除，或者由两名主管先后同意解除", "the immediate danger that %s reported is not cleared, so the result cannot be passed; the department clears it in writing, or two supervisors do", danger.Department)
		}
		out = append(out, JointDanger{danger.Department, danger.What, danger.FoundAt, danger.Note, danger.ClearedAt})
	}
	return out, err
}
