package inspection

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/notify"
)

// LedgerLine is one line of the ledger (监督台账): an entry of its own, or what
// another row says (SIM-14). State is a BreachState, or LedgerRecorded of what needs
// no decision. What is a BreachChannel of a stored entry, else what happened.
type LedgerLine struct {
	bun.BaseModel `bun:"table:ledger,alias:l" json:"-"`

	ID           string    `json:"id"`
	Class        string    `json:"class"`
	CaseID       string    `json:"case_id"`
	CaseNumber   string    `bun:",scanonly" json:"case_number"`
	MatterCode   string    `bun:",scanonly" json:"matter_code"`
	MatterName   string    `bun:",scanonly" json:"matter_name"`
	VisitID      string    `json:"visit_id,omitempty"`
	DepartmentID string    `json:"department_id"` // or PartyWindow
	Department   string    `json:"department,omitempty"`
	CentreID     string    `json:"centre_id"`
	At           time.Time `json:"at"`
	State        string    `json:"state"`
	What         string    `json:"what,omitempty"`
	Detail       string    `json:"detail,omitempty"`
	Told         bool      `json:"-"`
	Stored       bool      `json:"stored"` // it can be answered and decided
}

// LedgerRecorded is the state of a line that other rows say: nobody decides it here.
const LedgerRecorded = "recorded"

// LedgerClasses are the classes that the ledger has lines of. K01 is not among them:
// no row says that an appointment was sent late.
var LedgerClasses = [...]string{"K02", "K03", "K04", "K05", ClassSeparate, ClassAgain, ClassAsked, "K09", "K10"}

// Position of a line in the ledger, newest first.
func (l LedgerLine) Position() Position { return Position{At: l.At, ID: l.ID} }

// LedgerQuery narrows Ledger; empty fields do not. From and To are half-open. Limit
// is at most 200, 0 means 50.
type LedgerQuery struct {
	Search     string
	Class      string
	State      string
	Department string
	From, To   time.Time
	After      Position
	Limit      int
}

// Ledger gives the lines that the actor may see, newest first: a window those of its
// centre, an auditor all, a department its own that it was told of (INS-1205).
// Refusal: not_your_department.
func (d *Desk) Ledger(ctx context.Context, by auth.Actor, query LedgerQuery) (out []LedgerLine, err error) {
	if !atWindow(by) && !by.Is(auth.Auditor) {
		if err := mayAnswer(by, by.Department); err != nil {
			return nil, err
		}
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		out, err = listLedger(ctx, q, by, query)
		return err
	})
	if by.Department == "" || atWindow(by) {
		return out, err
	}
	for i := range out {
		if out[i].Stored {
			out[i].What = ""
		}
	}
	return out, err
}

// LedgerEntry is a stored entry with its case.
type LedgerEntry struct {
	Breach
	CaseNumber string `json:"case_number"`
	MatterCode string `json:"matter_code"`
	MatterName string `json:"matter_name"`
	Place      string `json:"place"`
}

// unnamed hides from the party who reported it: what was reported is to be answered,
// not who did (house rule).
func (b Breach) unnamed() Breach {
	b.Channel, b.MadeBy = "", ""
	return b
}

// LedgerEntry gives one stored entry to those who may see it. Refusal: not_found.
func (d *Desk) LedgerEntry(ctx context.Context, by auth.Actor, id string) (out LedgerEntry, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		b, c, err := readBreach(ctx, q, by, id)
		out = LedgerEntry{Breach: b, CaseNumber: c.Number, MatterCode: c.MatterCode, MatterName: c.MatterName, Place: c.Site.Address}
		return err
	})
	if err != nil {
		return LedgerEntry{}, err
	}
	if by.Department != "" && !atWindow(by) {
		out.Breach = out.unnamed()
	}
	return out, nil
}

// ToExplain are the entries that the actor's department has not answered yet, what
// is due first.
func (d *Desk) ToExplain(ctx context.Context, by auth.Actor) (out []Breach, err error) {
	if by.Department == "" {
		return nil, nil
	}
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = breachesToExplain(ctx, q, by.Department)
		return err
	})
	for i := range out {
		out[i] = out[i].unnamed()
	}
	return out, err
}

// Party is somebody a report can be about.
type Party struct{ ID, Name string }

// ReportView is what the form of a report shows: whom it can be about, and what has
// been reported of the case so far, as far as the reader may know.
type ReportView struct {
	CaseID, CaseNumber     string
	MatterCode, MatterName string

	Parties []Party
	Entries []Breach
	First   string // earliest day it can be about
}

// ReportOf gives the form of a report to those who may make one. Refusals:
// not_found, not_your_department.
func (d *Desk) ReportOf(ctx context.Context, by auth.Actor, caseID string) (out ReportView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		c, err := findCase(ctx, q, caseID)
		if err != nil {
			return err
		}
		if _, err := reporting(by, c); err != nil {
			return err
		}
		out, err = reportView(ctx, q, c, func(b Breach) bool { return b.reads(by, c) || b.MadeBy == by.String() })
		return err
	})
	if by.Department != "" && !atWindow(by) {
		for i := range out.Entries {
			out.Entries[i] = out.Entries[i].unnamed()
		}
	}
	return out, err
}

// ReportByLinkOf is ReportOf for the applicant: what they reported themselves, and
// how far it is. Refusal: applicant_link.
func (d *Desk) ReportByLinkOf(ctx context.Context, links *delivery.Desk, token string) (out ReportView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		_, caseID, err := links.LinkHolder(ctx, q, token)
		if err != nil {
			return err
		}
		c, err := findCase(ctx, q, caseID)
		if err != nil {
			return err
		}
		out, err = reportView(ctx, q, c, func(b Breach) bool { return b.Channel == BreachApplicant })
		return err
	})
	for i, b := range out.Entries { // how far it is, and nothing that somebody said: paper with the link gets lost
		out.Entries[i] = Breach{ID: b.ID, Class: b.Class, DepartmentID: b.DepartmentID, Department: b.Department, HappenedOn: b.HappenedOn, MadeAt: b.MadeAt, State: b.State, DecidedAt: b.DecidedAt}
	}
	return out, err
}

func reportView(ctx context.Context, q bun.IDB, c Case, shown func(Breach) bool) (ReportView, error) {
	out := ReportView{CaseID: c.ID, CaseNumber: c.Number, MatterCode: c.MatterCode, MatterName: c.MatterName, First: dateOf(c.AcceptedAt).String()}
	for _, one := range c.Departments {
		if one.DepartmentID == "" {
			continue
		}
		department, err := office.FindDepartment(ctx, q, one.DepartmentID)
		if err != nil {
			return out, err
		}
		out.Parties = append(out.Parties, Party{department.ID, department.Name})
	}
	entries, err := listBreaches(ctx, q, "case_id", c.ID)
	for _, b := range entries {
		if shown(b) {
			out.Entries = append(out.Entries, b)
		}
	}
	return out, err
}

// attemptStream holds the attempts at what is the window's alone.
const attemptStream = "attempts"

// Attempt is a refused attempt (INS-1204): who tried what, on which case or visit.
type Attempt struct {
	At         time.Time `json:"at"`
	Actor      string    `json:"actor"`
	Act        string    `json:"act"`
	Subject    string    `json:"subject"` // id of a case or visit
	Code       string    `json:"code"`
	CaseID     string    `json:"case_id,omitempty"`
	CaseNumber string    `json:"case_number,omitempty"`
	Seq        int64     `json:"seq"` // in the evidence log
}

// attemptsShown is how many attempts are looked through, newest first.
const attemptsShown = 200

// Attempts gives the newest refused attempts on cases that the actor may read, as
// the evidence log has them (INS-1204). A supervisor or an auditor may. Refusal:
// not_supervisor.
func (d *Desk) Attempts(ctx context.Context, by auth.Actor) (out []Attempt, err error) {
	if !by.Is(auth.Auditor) && !(by.Is(auth.Supervisor) && atWindow(by)) {
		return nil, notSupervisor()
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		entries, err := audit.Tail(ctx, q, attemptStream, attemptsShown)
		if err != nil {
			return err
		}
		subjects := []string{""}
		for _, e := range entries {
			subjects = append(subjects, e.Text("subject"))
		}
		of, err := casesOf(ctx, q, subjects)
		for _, e := range entries {
			c, known := of[e.Text("subject")]
			if !by.Is(auth.Auditor) && (!known || !MayRead(by, c)) {
				continue
			}
			out = append(out, Attempt{
				At: e.At, Actor: e.Actor, Act: e.Text("act"), Subject: e.Text("subject"), Code: e.Text("code"), CaseID: c.ID, CaseNumber: c.Number, Seq: e.Seq,
			})
		}
		return err
	})
	return out, err
}

// purposeLedger is the word to a department that an entry is about it.
const purposeLedger = "ledger"

// breachFacts is what that word says. What was reported stays on the page: it may
// name people.
type breachFacts struct {
	Department string    `json:"department"`
	Case       string    `json:"case"`
	Matter     string    `json:"matter"`
	Class      string    `json:"class"`
	On         string    `json:"on"`
	Due        time.Time `json:"due"`
	Phone      string    `json:"phone"`
	Centre     string    `json:"centre"`
}

// queueBreach tells the party, by every way to it.
func (d *Desk) queueBreach(ctx context.Context, tx bun.IDB, b Breach) error {
	c, err := findCase(ctx, tx, b.CaseID)
	if err != nil {
		return err
	}
	centre, err := office.FindCentre(ctx, tx, b.CentreID)
	if err != nil {
		return err
	}
	facts, err := json.Marshal(breachFacts{
		Department: b.Department, Case: c.Number, Matter: c.MatterName, Class: b.Class, On: b.HappenedOn, Due: b.AnswerDue, Phone: centre.Phone, Centre: centre.Name,
	})
	if err != nil {
		return err
	}
	party := Participant{ID: b.ID, CaseID: b.CaseID, DepartmentID: b.DepartmentID}
	out, err := d.letters(ctx, tx, []Participant{party}, func(int) outgoing {
		return outgoing{purpose: purposeLedger, key: b.ID, only: []string{notify.Portal, notify.Mail}, until: b.AnswerDue}
	})
	for i := range out {
		out[i].Facts = facts
	}
	if err != nil {
		return err
	}
	return notify.Queue(ctx, tx, d.now(), out...)
}

// breachWords are the classes as a letter says them.
var breachWords = map[string]string{
	ClassSeparate: "涉嫌单独上门检查", ClassAgain: "未应约到场或已视为同意，又要求再次勘验", ClassAsked: "涉嫌索要清单之外或重复的材料",
}

// composeBreach writes that word.
func (d *Desk) composeBreach(m notify.Message) (notify.Body, error) {
	var f breachFacts
	if err := json.Unmarshal(m.Facts, &f); err != nil {
		return notify.Body{}, fmt.Errorf("facts of message %s: %w", m.ID, err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s：\n\n　　监督台账记有一条涉及贵单位的情况，请核对并作出说明。\n\n", f.Department)
	fmt.Fprintf(&text, "情　　况：%s（%s）\n", breachWords[f.Class], f.Class)
	if f.On != "" {
		fmt.Fprintf(&text, "发生日期：%s\n", f.On)
	}
	fmt.Fprintf(&text, "办件编号：%s\n办理事项：%s\n\n", f.Case, f.Matter)
	fmt.Fprintf(&text, "　　请于 %s 前登录联办平台，在“监督台账”中查看详情并提交说明。说明与该记录一并保存，由主管核实后确认或排除；期满未说明的，主管可以直接核实。\n\n", minute(f.Due))
	fmt.Fprintf(&text, "如有疑问，请联系%s综合窗口，电话%s。\n", f.Centre, f.Phone)
	return notify.Body{
		Subject: "【请作说明】监督台账 " + f.Class + " 办件" + f.Case, Text: text.String(),
		HTML: "<p>" + strings.ReplaceAll(html.EscapeString(text.String()), "\n", "<br>") + "</p>",
		From: d.Mail.From, FromName: f.Centre + "综合窗口",
	}, nil
}
