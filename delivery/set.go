package delivery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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

// LineState says how far one owed result is (DEL §3).
type LineState string

// States of a ResultLine. A refusal of the permit is no state: its document has
// to be received too, and the line says so beside it.
const (
	LineExpected LineState = "expected"
	LineReceived LineState = "received"
	LineWaived   LineState = "waived"
	LineSplit    LineState = "split_out"
)

// ResultLine says that a Department owes a Case one result. It is received
// when the window has signed for all that the department says belongs to it.
type ResultLine struct {
	bun.BaseModel `bun:"table:result_lines" json:"-"`

	ID           string    `bun:"id,pk" json:"id"`
	CaseID       string    `json:"case_id"`
	CaseNumber   string    `json:"case_number"`
	MatterCode   string    `json:"matter_code"`
	MatterName   string    `json:"matter_name"`
	Applicant    string    `json:"applicant"` // masked as lists show it (FAC-20)
	CentreID     string    `json:"centre_id"` // whose window hands everything out
	DepartmentID string    `json:"department_id"`
	Department   string    `json:"department"`
	Permit       string    `json:"permit,omitempty"` // what it is about, as the matter says
	State        LineState `json:"state"`
	RefusedGrant bool      `json:"refused_grant"`
	DecidedOn    string    `json:"decided_on,omitempty"` // ISO date, known once something was received
	Ground       string    `json:"ground,omitempty"`     // why it was added or waived
	ParcelID     string    `json:"parcel_id,omitempty"`
	ExpectedAt   time.Time `json:"expected_at"`
	ReceivedAt   time.Time `bun:",nullzero" json:"received_at,omitzero"`
	Reminded     int       `json:"reminded"` // times
	RemindedAt   time.Time `bun:",nullzero" json:"reminded_at,omitzero"`
	RemindAt     time.Time `bun:",nullzero" json:"remind_at,omitzero"` // by itself, next
	Nudges       int       `json:"-"`                                  // how often by itself
	RaisedAt     time.Time `bun:",nullzero" json:"raised_at,omitzero"` // to the supervisor
	ElectronicID string    `json:"electronic_id,omitempty"`            // of a waived line: the file that went instead of paper
	ServedAt     time.Time `bun:",nullzero" json:"served_at,omitzero"` // when that file was served (DEL-242)
	WindowOnly   bool      `json:"window_only,omitempty"`              // 须到窗口领取 (DEL-204)
	Version      int       `json:"version"`
}

// Ready reports whether the line's result lies at the window and waits for its
// parcel.
func (l ResultLine) Ready() bool { return l.State == LineReceived && l.ParcelID == "" }

// Owed is one result that a department owes.
type Owed struct{ DepartmentID, Department, Permit string }

// Expectation is what a Case leaves departments to hand over.
type Expectation struct {
	CaseID, CaseNumber, MatterCode, MatterName string
	Applicant                                  string    // masked
	CentreID                                   string    // the window that took the case in
	Receiver                                   Addressee // as it was taken in; empty: not known
	Owed                                       []Owed
	WindowOnly                                 bool // all of it may only be collected at the window (DEL-204)
	By                                         auth.Actor
	At                                         time.Time
}

// Expect says, on the caller's transaction, which results departments owe a
// case from now on. A department that has a line already gets no second one, so
// it may be called again. The caller keeps others away from the case meanwhile
// and records the leaves as its last step (STY-18, STY-31).
func Expect(ctx context.Context, tx bun.IDB, e Expectation) ([]audit.Leaf, error) {
	known, err := linesOf(ctx, tx, e.CaseID)
	if err != nil {
		return nil, err
	}
	morning, err := nextMorning(ctx, tx, e.CentreID, e.At)
	if err != nil {
		return nil, err
	}
	if err := Know(ctx, tx, Applicant{
		CaseID: e.CaseID, CaseNumber: e.CaseNumber, MatterCode: e.MatterCode, MatterName: e.MatterName, Name: e.Applicant, CentreID: e.CentreID, Receiver: e.Receiver, WindowOnly: e.WindowOnly,
	}); err != nil {
		return nil, err
	}
	var fresh []ResultLine
	for _, o := range e.Owed {
		if o.DepartmentID == "" || slices.ContainsFunc(known, func(l ResultLine) bool { return l.DepartmentID == o.DepartmentID }) {
			continue
		}
		fresh = append(fresh, ResultLine{
			ID: newID(), CaseID: e.CaseID, CaseNumber: e.CaseNumber, MatterCode: e.MatterCode, MatterName: e.MatterName,
			Applicant: e.Applicant, CentreID: e.CentreID, DepartmentID: o.DepartmentID, Department: o.Department,
			Permit: o.Permit, State: LineExpected, ExpectedAt: e.At, RemindAt: morning, WindowOnly: e.WindowOnly, Version: 1,
		})
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	if err := insertLines(ctx, tx, fresh); err != nil {
		return nil, err
	}
	leaf := audit.Leaf{Type: "results_expected", Stream: Stream(e.CaseID), Actor: e.By.String(), At: e.At}
	leaf.Fields = map[string]any{"departments": departmentsOf(fresh)}
	return []audit.Leaf{leaf}, nil
}

func departmentsOf(lines []ResultLine) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.DepartmentID
	}
	return out
}

// AddLineRequest adds a result that the matter's rules did not foresee.
type AddLineRequest struct {
	CaseID, DepartmentID string
	Permit               string // what it is about
	Ground               string
	WindowOnly           bool // 须到窗口领取; so it is anyway where the matter says so (DEL-204)
	Once                 once.Key
}

// AddLine adds a line to the set of a case. After dispatch it belongs to a new
// set and reopens nothing (DEL-306). Only the window that took the case in.
// Refusals: not_found, not_receiving_window, reason_missing, text_invalid,
// department_unknown, line_exists.
func (d *Desk) AddLine(ctx context.Context, by auth.Actor, r AddLineRequest) (ResultLine, error) {
	d = d.still()
	if err := checkReason("ground", r.Ground); err != nil {
		return ResultLine{}, err
	}
	if err := office.CheckLines(line("permit", r.Permit)); err != nil {
		return ResultLine{}, err
	}
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (ResultLine, error) { return d.addLine(ctx, tx, by, r) })
}

func (d *Desk) addLine(ctx context.Context, tx bun.IDB, by auth.Actor, r AddLineRequest) (ResultLine, error) {
	lines, err := lockLines(ctx, tx, r.CaseID)
	if err != nil {
		return ResultLine{}, err
	}
	if !seesSet(by, lines) {
		return ResultLine{}, notFound()
	}
	if err := mayReceive(by, lines[0].CentreID); err != nil {
		return ResultLine{}, err
	}
	owes := func(l ResultLine) bool { return l.DepartmentID == r.DepartmentID && l.open() }
	if slices.ContainsFunc(lines, owes) {
		return ResultLine{}, fault.Refuse(fault.Conflict, "line_exists",
			"该部门还有一项未送交的结果，请随那一项一次送交", "this department owes a result already; it hands both over at once")
	}
	dep, err := office.FindDepartment(ctx, tx, r.DepartmentID)
	if err != nil {
		return ResultLine{}, err
	}
	morning, err := nextMorning(ctx, tx, lines[0].CentreID, d.now())
	if err != nil {
		return ResultLine{}, err
	}
	a, err := findApplicant(ctx, tx, r.CaseID)
	if err != nil && !fault.Is(err, "not_found") {
		return ResultLine{}, err
	}
	l := lines[0]
	l = ResultLine{
		ID: newID(), CaseID: l.CaseID, CaseNumber: l.CaseNumber, MatterCode: l.MatterCode, MatterName: l.MatterName,
		Applicant: l.Applicant, CentreID: l.CentreID, DepartmentID: dep.ID, Department: dep.Name, Permit: r.Permit,
		State: LineExpected, Ground: r.Ground, ExpectedAt: d.now(), RemindAt: morning, WindowOnly: r.WindowOnly || a.WindowOnly, Version: 1,
	}
	if err := insertLines(ctx, tx, []ResultLine{l}); err != nil {
		return ResultLine{}, err
	}
	return l, audit.Record(ctx, tx, d.lineLeaf("result_line_added", l, by, nil))
}

// open reports whether the department still owes it.
func (l ResultLine) open() bool { return l.State == LineExpected || l.State == LineSplit }

func (d *Desk) lineLeaf(what string, l ResultLine, by auth.Actor, more map[string]any) audit.Leaf {
	fields := map[string]any{"line": l.ID, "department": l.DepartmentID, "state": string(l.State)}
	for name, value := range more {
		fields[name] = value
	}
	return audit.Leaf{Type: what, Stream: Stream(l.CaseID), Actor: by.String(), At: d.now(), Fields: fields}
}

// Waive says that nothing on paper will come for a line, with the ground: an
// opinion that needs no document, or one sent electronically with consent (DEL
// §3). Refusals: not_found, not_receiving_window, reason_missing, text_invalid,
// line_settled, transfer_open, electronic_standing.
func (d *Desk) Waive(ctx context.Context, by auth.Actor, lineID, ground string) (out ResultLine, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		out, err = d.actOnLine(ctx, tx, by, lineID, func(l *ResultLine) ([]audit.Leaf, error) {
			if err := checkReason("ground", ground); err != nil {
				return nil, err
			}
			if err := nothingUnderWay(ctx, tx, *l); err != nil {
				return nil, err
			}
			l.Ground = ground
			if err := moveLine(ctx, tx, l, "Waive", "ground"); err != nil {
				return nil, err
			}
			return []audit.Leaf{d.lineLeaf("result_waived", *l, by, nil)}, nil
		})
		return err
	})
	return out, err
}

// Remind records that the window has asked a department for its result (催办).
// The department sees how often and when. A repeat of the same request counts
// once. Refusals: not_found, not_receiving_window, line_settled.
func (d *Desk) Remind(ctx context.Context, by auth.Actor, lineID string, key once.Key) (out ResultLine, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		out, _, err = once.Do(ctx, tx, key, d.now(), func() (ResultLine, error) {
			return d.actOnLine(ctx, tx, by, lineID, func(l *ResultLine) ([]audit.Leaf, error) { return d.remind(ctx, tx, by, l) })
		})
		return err
	})
	return out, err
}

func (d *Desk) remind(ctx context.Context, tx bun.IDB, by auth.Actor, l *ResultLine) ([]audit.Leaf, error) {
	if !l.open() {
		return nil, lineSettled()
	}
	l.Reminded, l.RemindedAt = l.Reminded+1, d.now()
	if err := updateLine(ctx, tx, l, "reminded", "reminded_at"); err != nil {
		return nil, err
	}
	return []audit.Leaf{d.lineLeaf("result_reminded", *l, by, map[string]any{"times": l.Reminded})}, nil
}

// actOnLine runs one act of the receiving window on one line, on the caller's
// transaction: lock, act, record.
func (d *Desk) actOnLine(ctx context.Context, tx bun.IDB, by auth.Actor, id string, act func(l *ResultLine) ([]audit.Leaf, error)) (ResultLine, error) {
	l, err := lockLine(ctx, tx, id)
	if err != nil {
		return ResultLine{}, err
	}
	if !mayReadResult(by, l.CentreID, l.DepartmentID) {
		return ResultLine{}, notFound()
	}
	if err := mayReceive(by, l.CentreID); err != nil {
		return ResultLine{}, err
	}
	leaves, err := act(&l)
	if err != nil {
		return ResultLine{}, err
	}
	return l, audit.Record(ctx, tx, leaves...)
}

func lineSettled() *fault.Error {
	return fault.Refuse(fault.Conflict, "line_settled",
		"这一项已签收或已免于送交，请刷新后核对", "this result was received or waived already; reload and check")
}

// Blocker is one line that keeps a case back, and for how long, in working days.
type Blocker struct {
	Line    ResultLine `json:"line"`
	Waiting int        `json:"waiting_days"`           // since it is expected
	Decided int        `json:"decided_days,omitempty"` // since the decision, where a part of it has come
}

// Blocking gives the lines that keep a case back, longest wait first. A set
// without any is complete (DEL-302).
func Blocking(lines []ResultLine, today workday.Date, cal *workday.Calendar) ([]Blocker, error) {
	var out []Blocker
	for _, l := range lines {
		if l.State != LineExpected {
			continue
		}
		b := Blocker{Line: l}
		var err error
		if b.Waiting, err = cal.Between(workday.DateOf(l.ExpectedAt), today); err != nil {
			return nil, err
		}
		if decided, wrong := workday.ParseDate(l.DecidedOn); wrong == nil {
			if b.Decided, err = cal.Between(decided, today); err != nil {
				return nil, err
			}
		}
		out = append(out, b)
	}
	slices.SortStableFunc(out, func(a, b Blocker) int { return cmp.Compare(b.Waiting, a.Waiting) })
	return out, nil
}

// The legal ceiling of 行政许可法 art. 44, in working days after the decision:
// when the window asks the applicant, and when it is used up (DEL-107).
const (
	CeilingWarn = 7
	CeilingDays = 10
)

// Ceiling is the clock of art. 44 of one case: it starts with the earliest
// decision, and gathering the set does not stop it (DEL-107).
type Ceiling struct {
	DecidedOn workday.Date `json:"decided_on"`
	Day       int          `json:"day"` // working days since
	Due       workday.Date `json:"due"`
}

// Warn reports that the applicant has to be asked (DEL-304).
func (c Ceiling) Warn() bool { return c.Day >= CeilingWarn }

// Red reports that the last day has come.
func (c Ceiling) Red() bool { return c.Day >= CeilingDays }

// CeilingOf counts art. 44 for lines that have not left yet; nil while no
// decision of theirs is known.
func CeilingOf(lines []ResultLine, today workday.Date, cal *workday.Calendar) (*Ceiling, error) {
	var c *Ceiling
	for _, l := range lines {
		decided, err := workday.ParseDate(l.DecidedOn)
		if err == nil && l.ParcelID == "" && l.ServedAt.IsZero() && (c == nil || decided.Before(c.DecidedOn)) {
			c = &Ceiling{DecidedOn: decided}
		}
	}
	if c == nil {
		return nil, nil
	}
	var err error
	if c.Day, err = cal.Between(c.DecidedOn, today); err != nil {
		return nil, err
	}
	c.Due, err = cal.Add(c.DecidedOn, CeilingDays)
	return c, err
}

// setIncomplete refuses to seal what is not complete: it names each line with its
// department, what it owes, how long that is waited for and since the decision, and
// the last reminder (DEL-302).
func setIncomplete(blockers []Blocker) *fault.Error {
	zh, en := make([]string, len(blockers)), make([]string, len(blockers))
	for i, b := range blockers {
		zh[i], en[i] = b.in("zh"), b.in("en")
	}
	return fault.Refuse(fault.Conflict, "set_incomplete",
		"还没有齐套，缺：%[1]s。请催办；申请人愿意先寄的，请登记申请人的选择",
		"the set is not complete, missing: %[2]s. Remind them, or record that the applicant chooses to split",
		strings.Join(zh, "；"), strings.Join(en, "; ")).With("blocking", blockers)
}

// in says the line in words: 消防（许可证，已等 2 个工作日，未催办）.
func (b Blocker) in(lang string) string {
	say := func(zh, en string, args ...any) string { return fmt.Sprintf(bilingual{zh, en}.in(lang), args...) }
	parts := []string{say("已等 %d 个工作日", "waited for %d working days", b.Waiting)}
	if b.Line.Permit != "" {
		parts = slices.Insert(parts, 0, b.Line.Permit)
	}
	if b.Line.DecidedOn != "" {
		parts = append(parts, say("决定后 %d 个工作日", "decided %d working days ago", b.Decided))
	}
	if b.Line.Reminded == 0 {
		parts = append(parts, say("未催办", "not reminded"))
	} else {
		parts = append(parts, say("已催办 %[1]d 次，最近 %[2]s", "reminded %[1]d times, last on %[2]s", b.Line.Reminded, dayMoment(lang, b.Line.RemindedAt)))
	}
	return b.Line.Department + say("（%s）", " (%s)", strings.Join(parts, say("，", ", ")))
}
