package delivery

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// Set is the complete set (齐套) of one case as pages show it.
type Set struct {
	CaseID     string `json:"case_id"`
	CaseNumber string `json:"case_number"`
	MatterCode string `json:"matter_code"`
	MatterName string `json:"matter_name"`
	Applicant  string `json:"applicant"` // masked
	CentreID   string `json:"centre_id"`

	Lines    []ResultLine `json:"lines"`
	Blocking []Blocker    `json:"blocking"`
	Ceiling  *Ceiling     `json:"art44,omitempty"`
	Choices  []SetChoice  `json:"choices"`
	Wish     *Wish        `json:"wish,omitempty"` // what the applicant asked for by the link, for the window

	Consents []ElectronicConsent `json:"electronic_consents"` // to 网上传输, those taken back too
	Files    []ElectronicFile    `json:"electronic_files"`
	Open     []Transfer          `json:"open_transfers"` // on the way to the window
}

// Complete reports whether something may be sealed for the case: nothing keeps
// it back and at least one result lies at the window (DEL-302).
func (s Set) Complete() bool { return len(s.Blocking) == 0 && s.ready() }

func (s Set) ready() bool {
	for _, l := range s.Lines {
		if l.Ready() {
			return true
		}
	}
	return false
}

// Choice is the applicant's last word, nil before one was recorded.
func (s Set) Choice() *SetChoice {
	if len(s.Choices) == 0 {
		return nil
	}
	return &s.Choices[len(s.Choices)-1]
}

// Which sets ListSets gives, besides all of them.
const (
	SetBlocked = "blocked"
	SetReady   = "ready"
)

// SetQuery narrows ListSets. Limit is at most 200, 0 means 50.
type SetQuery struct {
	Search string
	State  string // SetBlocked, SetReady, or empty for both
	Limit  int
}

// ListSets gives the cases whose results are owed or lie at the actor's window
// unsent, longest wait first. A department sees its own lines alone.
func (d *Desk) ListSets(ctx context.Context, by auth.Actor, query SetQuery) (out []Set, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		ids, err := casesInHand(ctx, q, by, query)
		if err != nil || len(ids) == 0 {
			out = nil
			return err
		}
		out, err = d.sets(ctx, q, by, ids)
		return err
	})
	return out, err
}

// FindSet gives the set of one case. Refusal: not_found, also where nothing is
// owed yet.
func (d *Desk) FindSet(ctx context.Context, by auth.Actor, caseID string) (Set, error) {
	var out []Set
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = d.sets(ctx, q, by, []string{caseID})
		return err
	})
	if err == nil && len(out) == 0 {
		err = notFound()
	}
	if err != nil {
		return Set{}, err
	}
	return out[0], nil
}

// sets builds the sets of cases in the order of ids, each with what the actor
// may see.
func (d *Desk) sets(ctx context.Context, q bun.IDB, by auth.Actor, ids []string) ([]Set, error) {
	lines, err := linesOfCases(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	transfers, err := openTransfers(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	choices, err := choicesOf(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	wishes, err := wishesFor(ctx, q, by, ids)
	if err != nil {
		return nil, err
	}
	byCase := map[string]*Set{}
	for _, l := range lines {
		if !mayReadResult(by, l.CentreID, l.DepartmentID) {
			continue
		}
		s := byCase[l.CaseID]
		if s == nil {
			s = &Set{
				CaseID: l.CaseID, CaseNumber: l.CaseNumber, MatterCode: l.MatterCode, MatterName: l.MatterName,
				Applicant: l.Applicant, CentreID: l.CentreID, Wish: wishes[l.CaseID],
			}
			byCase[l.CaseID] = s
		}
		s.Lines = append(s.Lines, l)
	}
	for _, t := range transfers {
		if s := byCase[t.CaseID]; s != nil && mayReadResult(by, t.CentreID, t.FromID) {
			s.Open = append(s.Open, t)
		}
	}
	for _, c := range choices {
		if s := byCase[c.CaseID]; s != nil && by.Department == "" { // the applicant's words are for the window
			s.Choices = append(s.Choices, c)
		}
	}
	if err := addFiles(ctx, q, by, byCase, ids); err != nil {
		return nil, err
	}
	return d.counted(ctx, q, byCase, ids)
}

// addFiles adds what goes as a file: to the window everything, to a department
// its own files; the recipient's consents are for the window.
func addFiles(ctx context.Context, q bun.IDB, by auth.Actor, byCase map[string]*Set, ids []string) error {
	consents, err := electronicConsentsOf(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, c := range consents {
		if s := byCase[c.CaseID]; s != nil && by.Department == "" {
			if !atWindow(by) {
				c = c.Masked()
			}
			s.Consents = append(s.Consents, c)
		}
	}
	files, err := filesOfCases(ctx, q, ids)
	for _, f := range files {
		if s := byCase[f.CaseID]; s != nil && mayReadResult(by, f.CentreID, f.DepartmentID) {
			s.Files = append(s.Files, f)
		}
	}
	return err
}

// File is the file that a line goes as, nil if it goes on paper.
func (s Set) File(lineID string) *ElectronicFile { return standingFile(s.Files, lineID) }

func standingFile(files []ElectronicFile, lineID string) *ElectronicFile {
	for i := range files {
		if files[i].LineID == lineID && files[i].State != FileWithdrawn {
			return &files[i]
		}
	}
	return nil
}

// counted adds what is counted in working days of the set's centre.
func (d *Desk) counted(ctx context.Context, q bun.IDB, byCase map[string]*Set, ids []string) (out []Set, err error) {
	today, calendars := workday.DateOf(d.now()), map[string]*workday.Calendar{}
	for _, id := range ids {
		s := byCase[id]
		if s == nil {
			continue
		}
		cal := calendars[s.CentreID]
		if cal == nil {
			if cal, err = office.CalendarOf(ctx, q, s.CentreID, d.now()); err != nil {
				return nil, err
			}
			calendars[s.CentreID] = cal
		}
		if s.Blocking, err = Blocking(s.Lines, today, cal); err != nil {
			return nil, err
		}
		if s.Ceiling, err = CeilingOf(s.Lines, today, cal); err != nil {
			return nil, err
		}
		out = append(out, *s)
	}
	return out, nil
}

// seesSet reports whether the actor may know of a case's set at all.
func seesSet(by auth.Actor, lines []ResultLine) bool {
	for _, l := range lines {
		if mayReadResult(by, l.CentreID, l.DepartmentID) {
			return true
		}
	}
	return false
}

// blocking gives, on the caller's transaction, what keeps a case back, and locks
// its lines so that the answer holds until the commit (DEL-302, DB-12).
func (d *Desk) blocking(ctx context.Context, tx bun.IDB, caseID string) ([]Blocker, []ResultLine, error) {
	lines, err := lockLines(ctx, tx, caseID)
	if err != nil || len(lines) == 0 {
		return nil, nil, err
	}
	cal, err := office.CalendarOf(ctx, tx, lines[0].CentreID, d.now())
	if err != nil {
		return nil, nil, err
	}
	blockers, err := Blocking(lines, workday.DateOf(d.now()), cal)
	return blockers, lines, err
}

// Holder is a department that keeps cases back (DEL-305).
type Holder struct {
	DepartmentID string    `json:"department_id"`
	Department   string    `json:"department"`
	Cases        int       `json:"cases"`
	Oldest       time.Time `json:"oldest"` // since when the first of them waits
	Days         int       `bun:"-" json:"days"`
}

// ListHolders gives the departments that keep cases of the actor's window back,
// by number of cases, then by the oldest wait (DEL-305). Days are working days.
func (d *Desk) ListHolders(ctx context.Context, by auth.Actor) (out []Holder, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		if out, err = listHolders(ctx, q, by); err != nil || len(out) == 0 {
			return err
		}
		cal, err := office.CalendarOf(ctx, q, by.Centre, d.now())
		if err != nil {
			return err
		}
		for i := range out {
			if out[i].Days, err = cal.Between(workday.DateOf(out[i].Oldest), workday.DateOf(d.now())); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// LineQuery narrows ListLines. Limit is at most 200, 0 means 50.
type LineQuery struct {
	Search string
	State  LineState
	CaseID string
	Limit  int
}

// ListLines gives the result lines that the actor may read, oldest first.
func (d *Desk) ListLines(ctx context.Context, by auth.Actor, query LineQuery) (out []ResultLine, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = listLines(ctx, q, by, query)
		return err
	})
	return out, err
}

// Owed gives what the actor's own department still has to hand over, and what it has
// handed over and the window has not signed for, each oldest first.
func (d *Desk) Owed(ctx context.Context, by auth.Actor) (owed, sent []ResultLine, err error) {
	if by.Department == "" {
		return nil, nil, nil
	}
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		if owed, err = owedBy(ctx, q, by, by.Department); err == nil {
			sent, err = sentBy(ctx, q, by, by.Department)
		}
		return err
	})
	return owed, sent, err
}

// Result is one line with everything that was handed over for it.
type Result struct {
	ResultLine
	Transfers []TransferView `json:"transfers"`
	Items     []Item         `json:"items"`

	Consent *ElectronicConsent `json:"electronic_consent,omitempty"` // that stands for it; masked for the department
	Files   []ElectronicFile   `json:"electronic_files"`             // those withdrawn too
}

// File is the file that the result goes as, nil if it goes on paper.
func (r Result) File() *ElectronicFile { return standingFile(r.Files, r.ID) }

// Open gives the transfer that the window has not answered yet, nil if none.
func (r Result) Open() *TransferView {
	for i := range r.Transfers {
		if r.Transfers[i].State == Released {
			return &r.Transfers[i]
		}
	}
	return nil
}

// FindResult gives a line the actor may read. Refusal: not_found.
func (d *Desk) FindResult(ctx context.Context, by auth.Actor, lineID string) (out Result, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		l, err := findLine(ctx, q, lineID)
		if err != nil {
			return err
		}
		if !mayReadResult(by, l.CentreID, l.DepartmentID) {
			return notFound()
		}
		out = Result{ResultLine: l}
		if out.Items, err = itemsOfLine(ctx, q, l.ID); err != nil {
			return err
		}
		if out.Transfers, err = transfersOfLine(ctx, q, l.ID); err != nil {
			return err
		}
		if out.Files, err = filesOfLine(ctx, q, l.ID); err != nil {
			return err
		}
		c, err := standingConsent(ctx, q, l)
		if fault.Is(err, "electronic_no_consent") {
			return nil
		}
		if !atWindow(by) {
			c = c.Masked()
		}
		out.Consent = &c
		return err
	})
	return out, err
}
