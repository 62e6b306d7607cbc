package inspection

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// ExtensionDecision is what was decided. Document and its date are those of the
// approval by somebody outside the system; Reason says why it was refused.
type ExtensionDecision struct {
	CaseID       string
	Outcome      ExtensionOutcome
	Document     string
	DocumentDate workday.Date
	Reason       string
	Once         once.Key
}

// DecideExtension approves or refuses the extension that waits (INS-1115). For one
// department alone its head decides; a supervisor of the organising window records
// what somebody outside the system has decided, an approval with the number and date
// of its document, given before the limit was over. The applicant is told of an
// extension and of its reason. Refusals: not_found, extension_approver, wrong_window,
// not_supervisor, no_extension, extension_outcome, reason_missing, text_invalid,
// extension_over, extension_late, extension_stale, extension_document.
func (d *Desk) DecideExtension(ctx context.Context, by auth.Actor, r ExtensionDecision) error {
	d = d.still()
	if err := r.check(); err != nil {
		return err
	}
	_, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, d.decideExtension(ctx, tx, by, r)
	})
	return err
}

func (r *ExtensionDecision) check() error {
	r.Document = strings.TrimSpace(r.Document)
	if err := office.CheckLines(line("approval_number", r.Document)); err != nil {
		return err
	}
	switch r.Outcome {
	case ExtensionApproved:
		r.Reason = ""
		return nil
	case ExtensionRefused:
		r.Document, r.DocumentDate = "", workday.Date{}
		return checkText("reason", r.Reason, reasonLength)
	}
	return fault.Refuse(fault.Invalid, "extension_outcome", "请选择批准或者不予批准", "choose whether it is approved or refused")
}

func (d *Desk) decideExtension(ctx context.Context, tx bun.IDB, by auth.Actor, r ExtensionDecision) error {
	c, err := d.lockWithLimits(ctx, tx, by, r.CaseID)
	if err != nil {
		return err
	}
	outside, err := d.mayDecideExtension(ctx, tx, by, c)
	if err != nil {
		return err
	}
	e, open := c.waiting()
	if !open {
		return fault.Refuse(fault.Conflict, "no_extension",
			"没有待决定的延长申请，请刷新后核对", "no extension waits for a decision; reload and check")
	}
	if r.Outcome == ExtensionApproved {
		if err := d.approvable(c, e, r, outside); err != nil {
			return err
		}
	}
	e.Outcome, e.Decision, e.DecidedName = r.Outcome, strings.TrimSpace(r.Reason), by.Name
	if outside {
		e.Document, e.DocumentDate = r.Document, r.DocumentDate
	}
	leaf, err := d.endExtension(ctx, tx, by, e)
	if err != nil {
		return err
	}
	if e.Outcome == ExtensionApproved {
		was := c.Limits.Legal
		if err := d.addLimits(ctx, tx, &c); err != nil {
			return err
		}
		leaf.Fields["was"], leaf.Fields["due"] = was.Due.String(), c.Limits.Legal.Due.String()
		if err := d.tellExtension(ctx, tx, c, e); err != nil {
			return err
		}
	}
	return audit.Record(ctx, tx, leaf)
}

// waiting is the extension that was asked for and not decided, if any.
func (c Case) waiting() (Extension, bool) {
	for _, e := range c.Extensions {
		if e.Open() {
			return e, true
		}
	}
	return Extension{}, false
}

// approvable refuses an approval that the law does not know: after the limit, of a
// limit that is not the case's any more, or on paper that is not named. Paper that was
// signed in time may be entered later.
func (d *Desk) approvable(c Case, e Extension, r ExtensionDecision, outside bool) error {
	if e.Setting != c.Limits.Legal.Setting {
		return fault.Refuse(fault.Conflict, "extension_stale",
			"申请后参加部门有变化，办件适用另一期限；这项申请请不予批准，需要延长的重新申请", "the departments have changed since, and another limit counts; refuse this one and ask anew if need be")
	}
	today := dateOf(d.now())
	if !outside {
		return c.stillRuns(today)
	}
	first, on := dateOf(e.AskedAt), r.DocumentDate
	if r.Document == "" || on.IsZero() || on.Before(first) || today.Before(on) {
		return fault.Refuse(fault.Invalid, "extension_document",
			"请填写批准文件的文号和日期；日期不早于申请当日（%[1]s），不晚于今天", "give number and date of the approval, from the day of the request (%[2]s) to today",
			workday.DayText("zh", first), workday.DayText("en", first))
	}
	return c.stillRuns(on)
}

// endExtension ends the one that waits, with its task.
func (d *Desk) endExtension(ctx context.Context, tx bun.IDB, by auth.Actor, e Extension) (audit.Leaf, error) {
	e.DecidedBy, e.DecidedAt = by.String(), d.now()
	if err := closeExtension(ctx, tx, e); err != nil {
		return audit.Leaf{}, err
	}
	leaf := e.leaf("extension_decided", by.String(), d.now(), map[string]any{
		"outcome": string(e.Outcome), "days": e.Days, "document": e.Document, "document_date": e.DocumentDate.String(),
	})
	return leaf, finishTasks(ctx, tx, TaskExtension, e.CaseID, d.now(), by.String(), e.Decision)
}

// overExtension ends what nobody has decided when the case is handed over.
func (d *Desk) overExtension(ctx context.Context, tx bun.IDB, by auth.Actor, caseID string) ([]audit.Leaf, error) {
	all, err := listExtensions(ctx, tx, caseID)
	if err != nil {
		return nil, err
	}
	e, open := Case{Extensions: all}.waiting()
	if !open {
		return nil, nil
	}
	e.Outcome = ExtensionOver
	leaf, err := d.endExtension(ctx, tx, by, e)
	return []audit.Leaf{leaf}, err
}

// purposeExtension is the word to the applicant that the limit is extended, and why
// (行政许可法 art. 42: 应当将延长期限的理由告知申请人).
const purposeExtension = "extension"

// extensionFacts is what that word says.
type extensionFacts struct {
	Case   string       `json:"case"`
	Matter string       `json:"matter"`
	Days   int          `json:"days"`
	Was    workday.Date `json:"was,omitzero"`
	Due    workday.Date `json:"due,omitzero"`
	Reason string       `json:"reason"`
	Centre string       `json:"centre"`
	Phone  string       `json:"phone"`
}

// tellExtension tells the applicant, by text and mail.
func (d *Desk) tellExtension(ctx context.Context, tx bun.IDB, c Case, e Extension) error {
	centre, err := office.FindCentre(ctx, tx, c.OrganiserCentre)
	if err != nil {
		return err
	}
	facts, err := json.Marshal(extensionFacts{
		Case: c.Number, Matter: c.MatterName, Days: e.Days, Was: c.Limits.Legal.was(), Due: c.Limits.Legal.Due, Reason: e.Reason,
		Centre: centre.Name, Phone: centre.Phone,
	})
	if err != nil {
		return err
	}
	var out []notify.Message
	for _, to := range [][2]string{{notify.SMS, c.Applicant.Phone}, {notify.Mail, c.Applicant.Email}} {
		if to[1] == "" {
			continue
		}
		out = append(out, notify.Message{
			Key: purposeExtension + "/" + e.ID + "/" + applicantContact + "/" + to[0], Purpose: purposeExtension, Channel: to[0], Address: to[1],
			Lang: "zh", Subject: e.ID, Contact: applicantContact, Stream: caseStream(c.ID), Facts: facts,
		})
	}
	return notify.Queue(ctx, tx, d.now(), out...)
}

// composeExtension writes that word. The text has room for all of the reason, in two
// parts (ICA-103).
func (d *Desk) composeExtension(m notify.Message) (notify.Body, error) {
	var f extensionFacts
	if err := json.Unmarshal(m.Facts, &f); err != nil {
		return notify.Body{}, fmt.Errorf("facts of message %s: %w", m.ID, err)
	}
	to := ""
	if !f.Due.IsZero() {
		to = "，至" + workday.DayText("zh", f.Due)
	}
	sms := fmt.Sprintf("【%s】您的办件（尾号%s）法定办理期限经批准延长%d个工作日%s。理由：%s。详询%s",
		short(8, d.Mail.Signature), f.Case[max(0, len(f.Case)-4):], f.Days, to, f.Reason, short(20, f.Phone))
	var text strings.Builder
	fmt.Fprintf(&text, "您好：\n\n　　您办理的事项在法定期限内不能办结，经批准，办理期限延长%d个工作日。\n\n", f.Days)
	fmt.Fprintf(&text, "延长理由：%s\n", f.Reason)
	if to != "" {
		fmt.Fprintf(&text, "原定期限：%s\n延长后至：%s\n", workday.DayText("zh", f.Was), workday.DayText("zh", f.Due))
	}
	fmt.Fprintf(&text, "办件编号：%s\n办理事项：%s\n\n", f.Case, f.Matter)
	fmt.Fprintf(&text, "　　依据《中华人民共和国行政许可法》第四十二条，特此告知。如有疑问，请联系%s综合窗口，电话%s。\n", f.Centre, f.Phone)
	return notify.Body{
		Subject: "【延长办理期限】办件" + f.Case, Text: text.String(), SMS: sms,
		HTML: "<p>" + strings.ReplaceAll(html.EscapeString(text.String()), "\n", "<br>") + "</p>",
		From: d.Mail.From, FromName: f.Centre + "综合窗口",
	}, nil
}

// short cuts a name to what its place in a text allows.
func short(n int, s string) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// extensionUntold has the window tell the applicant itself once no way is left on
// which the word could go.
func (d *Desk) extensionUntold(ctx context.Context, tx bun.IDB, m notify.Message) error {
	all, err := notify.ListBySubject(ctx, tx, m.Subject, purposeExtension)
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.ID != m.ID && one.State != notify.Failed && one.State != notify.Dead && one.State != notify.Undelivered {
			return nil
		}
	}
	e, err := findExtension(ctx, tx, m.Subject)
	if err != nil {
		return err
	}
	c, err := findCase(ctx, tx, e.CaseID)
	if err != nil {
		return err
	}
	return raiseTask(ctx, tx, Visit{CentreID: c.OrganiserCentre}, Task{
		Kind: TaskTellExtended, Subject: c.ID, CreatedAt: d.now(),
		Detail: fmt.Sprintf("办件 %s 延长期限的告知未能送出，请电话或书面告知申请人延长的理由，并注明时间和方式", c.Number),
	})
}
