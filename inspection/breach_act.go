package inspection

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// ReportRequest is what somebody reports to the ledger: a department that came
// alone (有人单独上门, INS-1203), or something asked of the applicant that is not in
// the record (INS-1013). People and Photo may be missing: who was visited does not
// always know who it was.
type ReportRequest struct {
	CaseID string
	Class  string // ClassSeparate or ClassAsked
	Party  string // a department of the case; of ClassAsked also PartyWindow
	On     string // ISO date
	People string
	Detail string
	Photo  Scan
	Once   once.Key
}

// Report enters what the window or a department of the case reports. The party of a
// separate inspection is told at once and may answer; a complaint reaches the
// supervisor alone, who decides whether to ask (INS-1013). Refusals: not_found,
// not_your_department, breach_class, breach_party, breach_date, breach_reported,
// reason_missing, scan_type, scan_size, text_invalid.
func (d *Desk) Report(ctx context.Context, by auth.Actor, r ReportRequest) (Breach, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Breach, error) {
		c, err := findCase(ctx, tx, r.CaseID)
		if err != nil {
			return Breach{}, err
		}
		channel, err := reporting(by, c)
		if err != nil {
			return Breach{}, err
		}
		return d.report(ctx, tx, by, channel, c, r)
	})
}

// reporting says as whom somebody reports.
func reporting(by auth.Actor, c Case) (BreachChannel, error) {
	switch {
	case !MayRead(by, c):
		return "", notFound()
	case atWindow(by):
		return BreachWindow, nil
	}
	return BreachDepartment, mayAnswer(by, by.Department)
}

// ReportByLink is Report by the applicant, whoever has the link. Refusals:
// applicant_link and those of Report.
func (d *Desk) ReportByLink(ctx context.Context, links *delivery.Desk, token string, r ReportRequest) (Breach, error) {
	d = d.still()
	var out Breach
	err := d.DB.Write(ctx, func(tx bun.IDB) error {
		by, caseID, err := links.LinkHolder(ctx, tx, token)
		if err != nil {
			return err
		}
		r.Once.Actor = by.String()
		out, _, err = once.Do(ctx, tx, r.Once, d.now(), func() (Breach, error) {
			c, err := findCase(ctx, tx, caseID)
			if err != nil {
				return Breach{}, err
			}
			return d.report(ctx, tx, by, BreachApplicant, c, r)
		})
		return err
	})
	return out, err
}

func (d *Desk) report(ctx context.Context, tx bun.IDB, by auth.Actor, channel BreachChannel, c Case, r ReportRequest) (Breach, error) {
	if err := d.checkReport(c, r); err != nil {
		return Breach{}, err
	}
	b := Breach{
		ID: newID(), Class: r.Class, CaseID: c.ID, CentreID: c.OrganiserCentre, DepartmentID: r.Party, Channel: channel, HappenedOn: r.On,
		People: strings.TrimSpace(r.People), Detail: strings.TrimSpace(r.Detail), MadeAt: d.now(), MadeBy: by.String(), State: BreachSuspected,
	}
	var err error
	if b.Department, err = partyName(ctx, tx, b); err != nil {
		return b, err
	}
	if b.VisitID, err = lastVisitWith(ctx, tx, c.ID, r.Party); err != nil {
		return b, err
	}
	leafMore := map[string]any{"channel": string(channel)}
	if len(r.Photo.Bytes) > 0 {
		scan, err := storeScan(ctx, tx, b.ID, r.Photo, by.String(), d.now())
		if err != nil {
			return b, err
		}
		b.Scan, b.SHA256, leafMore["sha256"] = scan.ID, scan.SHA256, scan.SHA256
	}
	if b.Class == ClassSeparate {
		if err := d.tell(ctx, tx, c, &b); err != nil {
			return b, err
		}
	}
	fresh, err := d.put(ctx, tx, &b, breachTasks[b.Class]+"（办件"+c.Number+"，"+b.Department+"）")
	if err != nil {
		return b, err
	}
	if !fresh {
		return b, fault.Refuse(fault.Conflict, "breach_reported",
			"同一天、同一单位的情况已经登记，正在核实，不用重复提交", "the same has been reported for that day and is being looked into; there is no need to report it again")
	}
	return b, audit.Record(ctx, tx, b.leaf(by.String(), d.now(), leafMore))
}

// breachTasks says to the supervisor what came in.
var breachTasks = map[string]string{
	ClassSeparate: "有人反映部门单独上门检查，疑似 K06；当事部门已收到告知，答复后或期满后请核实",
	ClassAsked:    "有人投诉被要求提交清单之外或重复的材料，疑似 K08；请查看，需要时请当事单位说明",
}

func (d *Desk) checkReport(c Case, r ReportRequest) error {
	if r.Class != ClassSeparate && r.Class != ClassAsked {
		return fault.Refuse(fault.Invalid, "breach_class",
			"请选择情况类别：单独上门，或者索要清单之外的材料", "say what happened: a department came alone, or something was asked for that is not in the record")
	}
	if !(r.Class == ClassAsked && r.Party == PartyWindow) && !concerns(c, r.Party) {
		return fault.Refuse(fault.Invalid, "breach_party",
			"请从列表中选择所涉单位；单独上门只能选择部门", "choose the party from the list; only a department can have come alone")
	}
	day, err := workday.ParseDate(r.On)
	if err != nil || day.Before(dateOf(c.AcceptedAt)) || dateOf(d.now()).Before(day) {
		return fault.Refuse(fault.Invalid, "breach_date",
			"日期应在办件受理之日至今天之间", "the day is between the acceptance of the case and today")
	}
	if err := checkText("detail", r.Detail, reasonLength); err != nil {
		return err
	}
	return office.CheckLines(line("people", r.People), line("name", r.Photo.Name))
}

// concerns: a department of the matter's list, whether or not it comes.
func concerns(c Case, department string) bool {
	for _, d := range c.Departments {
		if d.DepartmentID != "" && d.DepartmentID == department {
			return true
		}
	}
	return false
}

func partyName(ctx context.Context, q bun.IDB, b Breach) (string, error) {
	if b.DepartmentID == PartyWindow {
		centre, err := office.FindCentre(ctx, q, b.CentreID)
		return centre.Name + "综合窗口", err
	}
	department, err := office.FindDepartment(ctx, q, b.DepartmentID)
	return department.Name, err
}

// reads reports whether somebody may see an entry: those who read the case, and its
// party once it was told. Another department sees nothing of it.
func (b Breach) reads(by auth.Actor, c Case) bool {
	if by.Department != "" && !atWindow(by) {
		return by.Department == b.DepartmentID && !b.AnswerDue.IsZero()
	}
	return (atWindow(by) || by.Is(auth.Auditor)) && MayRead(by, c)
}

// onBreach runs one act on an entry: read, act, record. What the act writes is
// guarded by what was read.
func (d *Desk) onBreach(ctx context.Context, by auth.Actor, id string, act func(tx bun.IDB, b Breach, c Case) ([]audit.Leaf, error)) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		b, c, err := readBreach(ctx, tx, by, id)
		if err != nil {
			return err
		}
		leaves, err := act(tx, b, c)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
}

func readBreach(ctx context.Context, q bun.IDB, by auth.Actor, id string) (b Breach, c Case, err error) {
	if b, err = findBreach(ctx, q, id); err != nil {
		return b, c, err
	}
	if c, err = findCase(ctx, q, b.CaseID); err != nil {
		return b, c, err
	}
	if !b.reads(by, c) {
		return b, c, notFound()
	}
	return b, c, nil
}

// mayExplain: people of the party, its own inspectors and heads, or its window.
func mayExplain(ctx context.Context, q bun.IDB, by auth.Actor, b Breach) error {
	if b.DepartmentID == PartyWindow {
		return mayOrganise(ctx, q, by, b.CentreID)
	}
	return mayAnswer(by, b.DepartmentID)
}

func breachDecided() *fault.Error {
	return fault.Refuse(fault.Conflict, "breach_decided", "该条记录已经核实", "this entry has been decided already")
}

// AskParty asks the party of a complaint to explain itself; its term starts.
// Refusals: not_found, not_a_window, wrong_window, not_supervisor, breach_decided,
// breach_asked.
func (d *Desk) AskParty(ctx context.Context, by auth.Actor, id string) error {
	d = d.still()
	return d.onBreach(ctx, by, id, func(tx bun.IDB, b Breach, c Case) ([]audit.Leaf, error) {
		if err := maySupervise(ctx, tx, by, b.CentreID); err != nil {
			return nil, err
		}
		switch {
		case b.State != BreachSuspected:
			return nil, breachDecided()
		case !b.AnswerDue.IsZero():
			return nil, fault.Refuse(fault.Conflict, "breach_asked", "已请当事单位说明，请等待答复", "the party has been asked already; wait for its answer")
		}
		if err := d.tell(ctx, tx, c, &b); err != nil {
			return nil, err
		}
		return []audit.Leaf{b.leaf(by.String(), d.now(), map[string]any{"due": stamp(b.AnswerDue)})}, askBreach(ctx, tx, b)
	})
}

// Explain is the party's answer, once, until the entry is decided. It stands beside
// the entry whatever becomes of it (INS-1205). Refusals: not_found,
// not_your_department, not_a_window, wrong_window, breach_decided, breach_answered,
// reason_missing, text_invalid.
func (d *Desk) Explain(ctx context.Context, by auth.Actor, id, text string) error {
	d = d.still()
	return d.onBreach(ctx, by, id, func(tx bun.IDB, b Breach, c Case) ([]audit.Leaf, error) {
		if err := mayExplain(ctx, tx, by, b); err != nil {
			return nil, err
		}
		switch {
		case b.State != BreachSuspected:
			return nil, breachDecided()
		case b.Answer != "":
			return nil, fault.Refuse(fault.Conflict, "breach_answered", "本单位已经说明，不再改动；有补充请联系主管", "the party has answered already and the answer stays; tell the supervisor what is to be added")
		}
		if err := checkText("reason", text, textLength); err != nil {
			return nil, err
		}
		b.Answer, b.AnsweredAt, b.AnsweredBy = strings.TrimSpace(text), d.now(), by.String()
		if err := answerBreach(ctx, tx, b); err != nil {
			return nil, err
		}
		if err := finishTasks(ctx, tx, TaskAnswerBreach, b.ID, d.now(), by.String(), "已说明"); err != nil {
			return nil, err
		}
		return []audit.Leaf{b.leaf(by.String(), d.now(), map[string]any{"answered": true})}, renewTask(ctx, tx, Visit{ID: b.VisitID, CentreID: b.CentreID}, Task{
			Kind: TaskBreach, Subject: b.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
			Detail: "监督台账 " + b.Class + "：" + b.Department + "已作说明，办件" + c.Number + "，请核实",
		})
	})
}

// DecideBreach confirms or dismisses an entry, with a reason, once the party has
// been heard or its term is over; who reported or answered does not decide
// (INS-1205). Refusals: not_found, not_a_window, wrong_window, not_supervisor,
// breach_decided, breach_own, breach_not_asked, breach_answer_waits,
// reason_missing, text_invalid.
func (d *Desk) DecideBreach(ctx context.Context, by auth.Actor, id string, confirm bool, note string) error {
	d = d.still()
	return d.onBreach(ctx, by, id, func(tx bun.IDB, b Breach, _ Case) ([]audit.Leaf, error) {
		if err := maySupervise(ctx, tx, by, b.CentreID); err != nil {
			return nil, err
		}
		if err := d.decidable(b, by, confirm); err != nil {
			return nil, err
		}
		if err := checkText("reason", note, reasonLength); err != nil {
			return nil, err
		}
		b.State, b.Note, b.DecidedBy, b.DecidedAt = BreachDismissed, note, by.String(), d.now()
		if confirm {
			b.State = BreachConfirmed
		}
		if err := decideBreach(ctx, tx, b); err != nil {
			return nil, err
		}
		done := Task{Subject: b.ID, DoneAt: d.now(), DoneBy: by.String(), Note: note}
		return []audit.Leaf{b.leaf(by.String(), d.now(), nil)}, finishTask(ctx, tx, []TaskKind{TaskBreach, TaskAnswerBreach}, done)
	})
}

func (d *Desk) decidable(b Breach, by auth.Actor, confirm bool) error {
	switch {
	case b.State != BreachSuspected:
		return breachDecided()
	case by.String() == b.AnsweredBy || by.String() == b.MadeBy:
		return fault.Refuse(fault.Forbidden, "breach_own",
			"反映情况的人和作出说明的人不能核实同一条记录，请由其他主管核实", "who reported an entry or answered it does not decide it; another supervisor has to")
	case b.AnswerDue.IsZero() && confirm:
		return fault.Refuse(fault.Conflict, "breach_not_asked",
			"确认属实之前，请先请当事单位说明", "ask the party to explain itself before you confirm an entry")
	case !b.AnswerDue.IsZero() && b.Answer == "" && d.now().Before(b.AnswerDue):
		return fault.Refuse(fault.Conflict, "breach_answer_waits",
			"当事单位可以说明至 %[1]s，收到说明或期满后再核实", "the party may answer until %[2]s; decide when it has, or when that is over", minute(b.AnswerDue), minuteEnglish(b.AnswerDue))
	}
	return nil
}
