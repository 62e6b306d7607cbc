package delivery

import (
	"context"
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

// LoanState says how far a Loan is.
type LoanState string

// States of a Loan. The last two end it.
const (
	LoanGranted   LoanState = "granted" // may travel to the borrower
	LoanOut       LoanState = "out"     // the borrower has signed for it
	LoanReturned  LoanState = "returned"
	LoanCancelled LoanState = "cancelled"
)

// Loan (借用) lets an original be with another department than its keeper for a
// while. Both legs are bags that both sides sign (DEL-940).
type Loan struct {
	bun.BaseModel `bun:"table:loans" json:"-"`

	ID         string    `bun:"id,pk" json:"id"`
	ItemID     string    `json:"item_id"`
	CaseID     string    `json:"case_id"`
	CaseNumber string    `json:"case_number"`
	CentreID   string    `json:"centre_id"`
	LenderID   string    `json:"lender_id"` // the keeper
	Lender     string    `json:"lender"`
	BorrowerID string    `json:"borrower_id"`
	Borrower   string    `json:"borrower"`
	Purpose    string    `json:"purpose"`
	State      LoanState `json:"state"`
	DueOn      string    `json:"due_on"` // ISO date by which it is back
	GrantedAt  time.Time `json:"granted_at"`
	GrantedBy  string    `json:"granted_by"`
	BorrowedAt time.Time `bun:",nullzero" json:"borrowed_at,omitzero"`
	EndedAt    time.Time `bun:",nullzero" json:"ended_at,omitzero"`
	EndedBy    string    `json:"ended_by,omitempty"`
	Version    int       `json:"version"`

	Item *Item `bun:"rel:belongs-to,join:item_id=id" json:"item,omitempty"`
}

// Open reports whether the loan still counts.
func (l Loan) Open() bool { return l.State == LoanGranted || l.State == LoanOut }

// Overdue reports whether the original should be back by now (DEL-940).
func (l Loan) Overdue(now time.Time) bool {
	due, err := workday.ParseDate(l.DueOn)
	return err == nil && l.State == LoanOut && due.Before(workday.DateOf(now))
}

// dueText is the day by which it is back, with its weekday.
func (l Loan) dueText(lang string) string {
	due, err := workday.ParseDate(l.DueOn)
	if err != nil {
		return l.DueOn
	}
	return workday.DayText(lang, due)
}

// LoanRequest is what the keeper lends, to whom, what for and until when.
type LoanRequest struct {
	ItemID     string
	BorrowerID string
	Purpose    string
	DueOn      string // ISO date; empty: as many working days as the setting says
	Once       once.Key
}

// Lend allows an original to go to another department until a day. A person of
// the keeper lends; for a keeper without accounts the window does. The original
// itself travels in bags, and the loan ends when the keeper has it again.
// Refusals: not_found, not_an_original, item_destroyed, not_the_keeper, department_has_accounts,
// loan_open, loan_to_self, loan_due, reason_missing, text_invalid, department_unknown.
func (d *Desk) Lend(ctx context.Context, by auth.Actor, r LoanRequest) (Loan, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Loan, error) {
		p, err := lockMaterial(ctx, tx, r.ItemID)
		if err != nil {
			return Loan{}, err
		}
		if !mayReadMaterial(by, p) {
			return Loan{}, notFound()
		}
		l, err := d.newLoan(ctx, tx, by, p, r)
		if err != nil {
			return Loan{}, err
		}
		if err := insertLoan(ctx, tx, &l); err != nil {
			return Loan{}, err
		}
		return l, audit.Record(ctx, tx, d.loanLeaf("loan_granted", by, l))
	})
}

func (d *Desk) newLoan(ctx context.Context, tx bun.IDB, by auth.Actor, p Material, r LoanRequest) (Loan, error) {
	switch {
	case !p.original():
		return Loan{}, notAnOriginal()
	case p.Item.CustodianKind == Destroyed:
		return Loan{}, itemDestroyed()
	}
	if err := actsFor(ctx, tx, by, p.KeeperID, p.CentreID, notTheKeeper(p)); err != nil {
		return Loan{}, err
	}
	if err := checkReason("purpose", r.Purpose); err != nil {
		return Loan{}, err
	}
	if open, err := openLoan(ctx, tx, p.ItemID); err != nil || open.ID != "" {
		return Loan{}, orElse(err, loanOpen(open))
	}
	if r.BorrowerID == p.KeeperID {
		return Loan{}, fault.Refuse(fault.Invalid, "loan_to_self",
			"%s本身就是原件保管单位，请选择借用部门", "%s keeps the original itself; choose the department that borrows it", p.Keeper)
	}
	borrower, err := office.FindDepartment(ctx, tx, r.BorrowerID)
	if err != nil {
		return Loan{}, err
	}
	due, err := d.loanDue(ctx, tx, p.CentreID, r.DueOn)
	if err != nil {
		return Loan{}, err
	}
	return Loan{
		ID: newID(), ItemID: p.ItemID, CaseID: p.CaseID, CaseNumber: p.CaseNumber, CentreID: p.CentreID, LenderID: p.KeeperID, Lender: p.Keeper,
		BorrowerID: borrower.ID, Borrower: borrower.Name, Purpose: strings.TrimSpace(r.Purpose), State: LoanGranted, DueOn: due,
		GrantedAt: d.now(), GrantedBy: by.String(), Version: 1,
	}, nil
}

func orElse(err error, refusal *fault.Error) error {
	if err != nil {
		return err
	}
	return refusal
}

func loanOpen(l Loan) *fault.Error {
	return fault.Refuse(fault.Conflict, "loan_open",
		"该原件已借给%[1]s，应于 %[2]s 前归还；归还后才能再借出", "the original is lent to %[1]s until %[3]s; lend it again when it is back",
		l.Borrower, l.dueText("zh"), l.dueText("en"))
}

// loanDue is the day by which the original is back: the given one, or the
// setting's number of working days from today.
func (d *Desk) loanDue(ctx context.Context, tx bun.IDB, centre, given string) (string, error) {
	today := workday.DateOf(d.now())
	if given != "" {
		due, err := workday.ParseDate(given)
		if err != nil || !today.Before(due) || today.AddDays(180).Before(due) {
			return "", fault.Refuse(fault.Invalid, "loan_due",
				"归还日期应在明天到半年之内", "the day of return is tomorrow at the earliest and within half a year")
		}
		return due.String(), nil
	}
	rules, err := office.RulesAt(ctx, tx, d.now(), office.Scope{Centre: centre})
	if err != nil {
		return "", err
	}
	cal, err := office.CalendarOf(ctx, tx, centre, d.now())
	if err != nil {
		return "", err
	}
	due, err := cal.Add(today, rules.LoanDays)
	return due.String(), err
}

// CancelLoan takes back a loan that has not reached the borrower. Refusals:
// not_found, not_the_keeper, department_has_accounts, material_elsewhere, loan_over.
func (d *Desk) CancelLoan(ctx context.Context, by auth.Actor, loanID string) (out Loan, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if out, err = findLoan(ctx, tx, loanID); err != nil {
			return err
		}
		p, err := lockMaterial(ctx, tx, out.ItemID)
		if err != nil {
			return err
		}
		if !mayReadMaterial(by, p) {
			return notFound()
		}
		if err := actsFor(ctx, tx, by, p.KeeperID, p.CentreID, notTheKeeper(p)); err != nil {
			return err
		}
		if p.Item.BagID != "" {
			return materialElsewhere(p)
		}
		if err := d.moveLoan(ctx, tx, by, &out, "Cancel"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, d.loanLeaf("loan_cancelled", by, out))
	})
	if err != nil {
		return Loan{}, err
	}
	return out, nil
}

// moveLoan is the guarded move of a loan.
func (d *Desk) moveLoan(ctx context.Context, tx bun.IDB, by auth.Actor, l *Loan, act string) error {
	move := moveOf(LoanMoves, act)
	if !slices.Contains(move.From, l.State) {
		return loanOver()
	}
	from := l.State
	if l.State = move.To; l.State == LoanOut {
		l.BorrowedAt = d.now()
	} else {
		l.EndedAt, l.EndedBy = d.now(), by.String()
	}
	return updateLoan(ctx, tx, l, from)
}

func loanOver() *fault.Error {
	return fault.Refuse(fault.Conflict, "loan_over",
		"借用已经开始或已经结束，不能再取消，请刷新后核对", "the loan has begun or is over and cannot be cancelled; reload and check")
}

// lentTo brings the loan of an original to where its bag was opened: with the
// borrower it is out, with the keeper it is over (DEL-940).
func (d *Desk) lentTo(ctx context.Context, tx bun.IDB, by auth.Actor, i Item) ([]audit.Leaf, error) {
	if i.Class != ClassOriginal || i.CustodianKind != AtDepartment {
		return nil, nil
	}
	l, err := openLoan(ctx, tx, i.ID)
	if err != nil || l.ID == "" {
		return nil, err
	}
	switch {
	case i.Custodian == l.BorrowerID && l.State == LoanGranted:
		if err := d.moveLoan(ctx, tx, by, &l, "Borrow"); err != nil {
			return nil, err
		}
		return []audit.Leaf{d.loanLeaf("loan_out", by, l)}, nil
	case i.Custodian == l.LenderID && l.State == LoanOut:
		if err := d.moveLoan(ctx, tx, by, &l, "Return"); err != nil {
			return nil, err
		}
		return []audit.Leaf{d.loanLeaf("loan_returned", by, l)}, nil
	}
	return nil, nil
}

func (d *Desk) loanLeaf(what string, by auth.Actor, l Loan) audit.Leaf {
	return audit.Leaf{Type: what, Stream: Stream(l.CaseID), Actor: by.String(), At: d.now(), Fields: map[string]any{
		"loan": l.ID, "item": l.ItemID, "lender": l.LenderID, "borrower": l.BorrowerID, "due_on": l.DueOn,
	}}
}

// LoansDue gives the loans of originals that should be back by a day, for the
// reminder one working day before (DEL-940).
func LoansDue(ctx context.Context, q bun.IDB, day workday.Date, limit int) ([]Loan, error) {
	return loansDue(ctx, q, day.String(), limit)
}

// ListLoans gives the open loans that the actor's side lends, borrows or, at a
// window, oversees, the one due first on top.
func (d *Desk) ListLoans(ctx context.Context, by auth.Actor) (out []Loan, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = listLoans(ctx, q, by)
		return err
	})
	return out, err
}
