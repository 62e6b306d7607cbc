package delivery

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// FileState says how far an ElectronicFile is.
type FileState string

// States of an ElectronicFile. Sent alone is not served (DEL-242).
const (
	FileSupplied  FileState = "supplied"  // here, to be sent by the window
	FileSent      FileState = "sent"      // the recipient can fetch it
	FileServed    FileState = "served"    // fetched after identification, or entered the named system
	FileWithdrawn FileState = "withdrawn" // another way was chosen, or the consent withdrawn
)

// How a file was served.
const (
	ServedOpened  = "opened"
	ServedEntered = "entered"
)

// SignatureCheck is what is known of a file's electronic signature. This program
// checks none; it says so, or who did elsewhere (DEL-241).
type SignatureCheck string

// Results of a check of the signature.
const (
	SignatureUnchecked SignatureCheck = "unchecked" // nobody has looked
	SignatureValid     SignatureCheck = "valid"     // checked elsewhere, as the note says
	SignatureNone      SignatureCheck = "none"      // the issuer says that it bears none
)

// SignatureChecks lists the results in the order of forms.
var SignatureChecks = [...]SignatureCheck{SignatureUnchecked, SignatureValid, SignatureNone}

var signatureWords = map[SignatureCheck]bilingual{
	SignatureUnchecked: {"未核验", "not checked"}, SignatureValid: {"已核验有效（系统外核验）", "found valid, checked outside this system"},
	SignatureNone: {"没有电子签章", "bears none"},
}

// In says the result in the language asked for.
func (s SignatureCheck) In(lang string) string { return signatureWords[s].in(lang) }

// unopenedDays are the working days after which the window looks for another way
// to serve a file that nobody opened (house rule, DEL-242).
const unopenedDays = 5

// ElectronicFile is a result that goes out by 网上传输 (plan 三(一)二). One stands
// for a result line at a time.
type ElectronicFile struct {
	bun.BaseModel `bun:"table:electronic_files" json:"-"`

	ID            string           `bun:"id,pk" json:"id"`
	Number        string           `json:"number"` // own number with check character
	CaseID        string           `json:"case_id"`
	CaseNumber    string           `json:"case_number"`
	CentreID      string           `json:"centre_id"`
	LineID        string           `json:"line_id"`
	DepartmentID  string           `json:"department_id"`
	ConsentID     string           `json:"consent_id"`
	Class         Class            `json:"class"`
	Title         string           `json:"title"`
	Issuer        string           `json:"issuer"`
	SHA256        string           `bun:"sha256" json:"sha256"`
	Size          int              `json:"size"` // bytes
	Signature     SignatureCheck   `json:"signature"`
	SignatureNote string           `json:"signature_note,omitempty"` // of valid: who checked, with what
	Drawn         bool             `json:"drawn,omitempty"`          // bears a drawn signature: evidence only (DEL-243)
	DecidedOn     string           `json:"decided_on"`
	RefusedGrant  bool             `json:"refused_grant"`
	Ground        Ground           `bun:"type:jsonb" json:"ground"` // of the gate (DEL-211)
	Method        ElectronicMethod `json:"method"`
	Address       string           `json:"-"` // where to, of the consent
	Phone         string           `json:"-"` // told that it is there
	State         FileState        `json:"state"`
	SuppliedAt    time.Time        `json:"supplied_at"`
	SuppliedBy    string           `json:"supplied_by"`
	SentAt        time.Time        `bun:",nullzero" json:"sent_at,omitzero"`
	SentBy        string           `json:"sent_by,omitempty"`
	Sendings      int              `json:"sendings"`                            // times
	ServeBy       time.Time        `bun:",nullzero" json:"serve_by,omitzero"`   // then the window looks for another way
	ExpiresAt     time.Time        `bun:",nullzero" json:"expires_at,omitzero"` // of the link
	ServedAt      time.Time        `bun:",nullzero" json:"served_at,omitzero"`
	ServedHow     string           `json:"served_how,omitempty"`
	ServedNote    string           `json:"served_note,omitempty"`
	Opens         int              `json:"opens"` // times it was fetched
	EndedAt       time.Time        `bun:",nullzero" json:"ended_at,omitzero"`
	EndedBy       string           `json:"ended_by,omitempty"`
	EndedWhy      string           `json:"ended_why,omitempty"`

	TokenHash   string    `json:"-"`
	PhoneHash   string    `json:"-"` // keyed, of the last four
	Tries       int       `json:"-"`
	LockedUntil time.Time `bun:",nullzero" json:"-"`
	TriedOn     string    `json:"-"`
	DayTries    int       `json:"-"`
	Version     int       `json:"version"`
}

// Overdue reports whether the window has to look for another way.
func (f ElectronicFile) Overdue(now time.Time) bool {
	return f.State == FileSent && now.After(f.ServeBy)
}

// Until is the last minute in which the link opens.
func (f ElectronicFile) Until() time.Time { return f.ExpiresAt.Add(-time.Minute) }

// SupplyRequest is a result as a file, from its department or, with what the
// department sent it, from the window.
type SupplyRequest struct {
	LineID        string
	Class         Class
	Title         string
	DecidedOn     string // ISO date
	RefusedGrant  bool
	Signature     SignatureCheck
	SignatureNote string
	Drawn         bool
	Body          []byte
	Once          once.Key
}

func (r *SupplyRequest) check(today workday.Date) error {
	r.Title, r.SignatureNote = strings.TrimSpace(r.Title), strings.TrimSpace(r.SignatureNote)
	decided, err := workday.ParseDate(r.DecidedOn)
	if err != nil || today.Before(decided) {
		return fault.Refuse(fault.Invalid, "decision_date",
			"请填写作出决定的日期，不能晚于今天", "give the date of the decision, not after today")
	}
	if !slices.Contains(resultClasses, r.Class) || r.Title == "" {
		return fault.Refuse(fault.Invalid, "item_incomplete",
			"每件结果都要选类别并写明名称，如“营业执照正本”", "each item needs a class and a title, such as “营业执照正本”")
	}
	if !slices.Contains(SignatureChecks[:], r.Signature) || r.Signature == SignatureValid && r.SignatureNote == "" {
		return fault.Refuse(fault.Invalid, "electronic_signature",
			"请如实选择电子签章的核验情况；选“已核验有效”的，请写明由谁、用什么工具核验；本系统不核验电子签章",
			"say what is known of the electronic signature; for “valid” add who checked it and with what, as this system checks none")
	}
	if err := office.CheckLines(line("title", r.Title), line("signature_note", r.SignatureNote)); err != nil {
		return err
	}
	return checkPDF(r.Body)
}

// Supply takes a result as a file. The recipient's consent has to stand, and the
// gate has to be open to the class, which it never is for seals (DEL-210, 240).
// The window sends it. Refusals: not_found, not_your_department,
// not_receiving_window, line_settled, transfer_open, electronic_no_consent,
// electronic_standing, decision_date, item_incomplete, electronic_signature,
// text_invalid, electronic_size, electronic_type, electronic_active,
// carrier_not_allowed, window_only_file.
func (d *Desk) Supply(ctx context.Context, by auth.Actor, r SupplyRequest) (ElectronicFile, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (ElectronicFile, error) { return d.supply(ctx, tx, by, r) })
}

func (d *Desk) supply(ctx context.Context, tx bun.IDB, by auth.Actor, r SupplyRequest) (ElectronicFile, error) {
	l, consent, err := d.maySupply(ctx, tx, by, r.LineID)
	if err != nil {
		return ElectronicFile{}, err
	}
	if err := r.check(workday.DateOf(d.now())); err != nil {
		return ElectronicFile{}, err
	}
	grounds, err := d.electronicGate(r.Class, time.Time{})
	if err != nil {
		return ElectronicFile{}, err
	}
	centre, err := office.FindCentre(ctx, tx, l.CentreID)
	if err != nil {
		return ElectronicFile{}, err
	}
	sum := sha256.Sum256(r.Body)
	f := ElectronicFile{
		ID: newID(), CaseID: l.CaseID, CaseNumber: l.CaseNumber, CentreID: l.CentreID, LineID: l.ID, DepartmentID: l.DepartmentID, ConsentID: consent.ID,
		Class: r.Class, Title: r.Title, Issuer: l.Department, SHA256: hex.EncodeToString(sum[:]), Size: len(r.Body),
		Signature: r.Signature, SignatureNote: r.SignatureNote, Drawn: r.Drawn, DecidedOn: r.DecidedOn, RefusedGrant: r.RefusedGrant,
		Ground: grounds[0], Method: consent.Method, Address: consent.Address, Phone: consent.Phone,
		State: FileSupplied, SuppliedAt: d.now(), SuppliedBy: by.String(), Version: 1,
	}
	f.PhoneHash = d.hide(f.ID, SecretPhone, phoneEnding(consent.Phone))
	if f.Number, err = NewNumber(centreSign(centre.Division), rand.Reader); err != nil {
		return ElectronicFile{}, err
	}
	if err := d.keep(f.SHA256, r.Body); err != nil { // before the row that names it
		return ElectronicFile{}, err
	}
	if err := insertFile(ctx, tx, &f); err != nil {
		return ElectronicFile{}, err
	}
	l.DecidedOn, l.RefusedGrant = f.DecidedOn, f.RefusedGrant // art. 44 runs from now on (DEL-107)
	if err := updateLine(ctx, tx, &l, "decided_on", "refused_grant"); err != nil {
		return ElectronicFile{}, err
	}
	return f, audit.Record(ctx, tx, d.fileLeaf("electronic_supplied", f, by.String(), map[string]any{
		"sha256": f.SHA256, "signature": string(f.Signature), "rule": f.Ground.Rule, "rule_version": f.Ground.Version,
	}))
}

// maySupply gives the line that a file is for, locked, and the consent it goes
// under.
func (d *Desk) maySupply(ctx context.Context, tx bun.IDB, by auth.Actor, lineID string) (l ResultLine, c ElectronicConsent, err error) {
	if l, err = lockLine(ctx, tx, lineID); err != nil {
		return l, c, err
	}
	if !mayReadResult(by, l.CentreID, l.DepartmentID) {
		return l, c, notFound()
	}
	if err := mayHandOver(by, l, atWindow(by)); err != nil {
		return l, c, err
	}
	if !l.open() {
		return l, c, lineSettled()
	}
	if err := l.onPaper(); err != nil {
		return l, c, err
	}
	if err := nothingUnderWay(ctx, tx, l); err != nil {
		return l, c, err
	}
	c, err = standingConsent(ctx, tx, l)
	return l, c, err
}

func electronicStanding() *fault.Error {
	return fault.Refuse(fault.Conflict, "electronic_standing",
		"这项结果已有一份电子件；要更换的，请先由窗口改用其他方式", "this result has a file already; to replace it the window first chooses another way")
}

// electronicGate holds a class against the gate; sealed is when the file was
// supplied, zero before (DEL-213).
func (d *Desk) electronicGate(class Class, supplied time.Time) ([]Ground, error) {
	gate, err := shippedTable()
	if err != nil {
		return nil, err
	}
	return gate.Permit([]Class{class}, WayElectronic, supplied, d.now())
}

func (d *Desk) fileLeaf(what string, f ElectronicFile, by string, more map[string]any) audit.Leaf {
	fields := map[string]any{"file": f.ID, "number": f.Number, "line": f.LineID, "state": string(f.State)}
	for name, value := range more {
		fields[name] = value
	}
	return audit.Leaf{Type: what, Stream: Stream(f.CaseID), Actor: by, At: d.now(), Fields: fields}
}

// SendFile opens a file to its recipient until the link ends, and tells them. A
// second time it makes a new link and ends the old one. The line counts as
// complete, with its ground; it is served only when the file is (DEL-242).
// Refusals: not_found, not_receiving_window, electronic_over,
// electronic_no_consent, carrier_not_allowed, window_only_file, line_settled.
func (d *Desk) SendFile(ctx context.Context, by auth.Actor, fileID string) (ElectronicFile, error) {
	return d.onFile(ctx, by, fileID, func(d *Desk, tx bun.IDB, l *ResultLine, f *ElectronicFile) error {
		return d.sendFile(ctx, tx, by, l, f)
	})
}

func (d *Desk) sendFile(ctx context.Context, tx bun.IDB, by auth.Actor, l *ResultLine, f *ElectronicFile) error {
	first := f.State == FileSupplied
	if !first && f.State != FileSent {
		return electronicOver()
	}
	consent, err := standingConsent(ctx, tx, *l)
	if err != nil {
		return err
	}
	if _, err := d.electronicGate(f.Class, f.SuppliedAt); err != nil { // again at hand-over (DEL-210)
		return err
	}
	if err := l.onPaper(); err != nil {
		return err
	}
	if err := d.terms(ctx, tx, f); err != nil {
		return err
	}
	f.ConsentID, f.Method, f.Address, f.Phone = consent.ID, consent.Method, consent.Address, consent.Phone
	f.PhoneHash, f.TokenHash = d.hide(f.ID, SecretPhone, phoneEnding(f.Phone)), ""
	f.SentAt, f.SentBy, f.Sendings = d.now(), by.String(), f.Sendings+1
	if err := moveFile(ctx, tx, f, "Send", "sent_at", "sent_by", "sendings", "serve_by", "expires_at", "consent_id", "method", "address", "phone", "phone_hash", "token_hash"); err != nil {
		return err
	}
	if first {
		l.Ground, l.ElectronicID = electronicGround, f.ID
		if err := moveLine(ctx, tx, l, "SendFile", "ground", "electronic_id"); err != nil {
			return err
		}
	}
	if err := d.tellFile(ctx, tx, *f); err != nil {
		return err
	}
	return audit.Record(ctx, tx, d.fileLeaf("electronic_sent", *f, by.String(), map[string]any{
		"method": string(f.Method), "times": f.Sendings, "expires": audit.Instant(f.ExpiresAt),
	}))
}

// electronicGround is why the line needs no paper (DEL §3).
const electronicGround = "经收件人同意网上传输"

// terms set until when the link opens and by when somebody should have opened it.
func (d *Desk) terms(ctx context.Context, q bun.IDB, f *ElectronicFile) error {
	rules, err := office.RulesAt(ctx, q, d.now(), office.Scope{Centre: f.CentreID})
	if err != nil {
		return err
	}
	centre, err := office.FindCentre(ctx, q, f.CentreID)
	if err != nil {
		return err
	}
	cal, err := office.CalendarOf(ctx, q, f.CentreID, d.now())
	if err != nil {
		return err
	}
	f.ExpiresAt = workday.DateOf(d.now()).AddDays(rules.LinkDays + 1).Midnight().UTC() // to the end of the last day
	day, err := cal.Add(workday.DateOf(d.now()), unopenedDays)
	if err != nil {
		return err
	}
	if f.ServeBy = centre.Hours.Closes(day).UTC(); f.ExpiresAt.Before(f.ServeBy) {
		f.ServeBy = f.ExpiresAt
	}
	return nil
}

// RecordEntered enters that a file has entered the system that the recipient
// named, with the receipt it gave: that is service (电子签名法 art. 11).
// Refusals: not_found, not_receiving_window, electronic_over, reason_missing,
// text_invalid.
func (d *Desk) RecordEntered(ctx context.Context, by auth.Actor, fileID, receipt string) (ElectronicFile, error) {
	return d.onFile(ctx, by, fileID, func(d *Desk, tx bun.IDB, l *ResultLine, f *ElectronicFile) error {
		if err := checkReason("receipt", receipt); err != nil {
			return err
		}
		if f.Method != BySystem {
			return electronicOver()
		}
		f.ServedHow, f.ServedNote = ServedEntered, strings.TrimSpace(receipt)
		return d.serveFile(ctx, tx, by, l, f)
	})
}

// serveFile is the moment of service, on the caller's transaction. The case may
// be out with it.
func (d *Desk) serveFile(ctx context.Context, tx bun.IDB, by auth.Actor, l *ResultLine, f *ElectronicFile) error {
	f.ServedAt, l.ServedAt = d.now(), d.now()
	if err := moveFile(ctx, tx, f, "serve", "served_at", "served_how", "served_note"); err != nil {
		return err
	}
	if err := updateLine(ctx, tx, l, "served_at"); err != nil {
		return err
	}
	more, err := d.Out(ctx, tx, by, f.CaseID)
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, append([]audit.Leaf{
		d.fileLeaf("electronic_served", *f, by.String(), map[string]any{"how": f.ServedHow, "sha256": f.SHA256}),
	}, more...)...)
}

// ChangeWay withdraws a file that was not served: its link opens nothing any
// more and the result is owed on paper again (DEL-242). Refusals: not_found,
// not_receiving_window, electronic_over, reason_missing, text_invalid.
func (d *Desk) ChangeWay(ctx context.Context, by auth.Actor, fileID, why string) (ElectronicFile, error) {
	return d.onFile(ctx, by, fileID, func(d *Desk, tx bun.IDB, _ *ResultLine, f *ElectronicFile) error {
		if err := checkReason("reason", why); err != nil {
			return err
		}
		leaf, err := d.withdrawFile(ctx, tx, f, by.String(), strings.TrimSpace(why))
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaf)
	})
}

// withdrawFile takes a file back and lets its line be owed again, on the
// caller's transaction, which has locked the lines.
func (d *Desk) withdrawFile(ctx context.Context, tx bun.IDB, f *ElectronicFile, by, why string) (audit.Leaf, error) {
	f.EndedAt, f.EndedBy, f.EndedWhy, f.TokenHash = d.now(), by, why, ""
	if err := moveFile(ctx, tx, f, "ChangeWay", "ended_at", "ended_by", "ended_why", "token_hash"); err != nil {
		return audit.Leaf{}, err
	}
	if err := notify.Cancel(ctx, tx, d.now(), f.ID); err != nil {
		return audit.Leaf{}, err
	}
	l, err := lockLine(ctx, tx, f.LineID)
	if err != nil {
		return audit.Leaf{}, err
	}
	if l.ElectronicID == f.ID {
		l.Ground, l.ElectronicID = "", ""
		if l.RemindAt, err = nextMorning(ctx, tx, l.CentreID, d.now()); err != nil {
			return audit.Leaf{}, err
		}
		if err := moveLine(ctx, tx, &l, "ChangeWay", "ground", "electronic_id", "remind_at"); err != nil {
			return audit.Leaf{}, err
		}
	}
	return d.fileLeaf("electronic_withdrawn", *f, by, map[string]any{"why": why}), nil
}

// onFile runs an act of the window on a file with its line, in one transaction:
// the line is locked before the file (DB-12).
func (d *Desk) onFile(ctx context.Context, by auth.Actor, fileID string, act func(d *Desk, tx bun.IDB, l *ResultLine, f *ElectronicFile) error) (f ElectronicFile, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if f, err = findFile(ctx, tx, fileID); err != nil {
			return err
		}
		l, err := lockLine(ctx, tx, f.LineID)
		if err != nil {
			return err
		}
		if f, err = lockFile(ctx, tx, fileID); err != nil {
			return err
		}
		if !mayReadResult(by, f.CentreID, f.DepartmentID) {
			return notFound()
		}
		if err := mayReceive(by, f.CentreID); err != nil {
			return err
		}
		return act(d, tx, &l, &f)
	})
	return f, err
}

func electronicOver() *fault.Error {
	return fault.Refuse(fault.Conflict, "electronic_over",
		"这份电子件的状态已变，不能这样办理；请刷新后核对", "this file has moved on and that cannot be done with it; reload and check")
}

// FindFile gives a file to those who may read its result. Refusal: not_found.
func (d *Desk) FindFile(ctx context.Context, by auth.Actor, fileID string) (f ElectronicFile, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		if f, err = findFile(ctx, q, fileID); err == nil && !mayReadResult(by, f.CentreID, f.DepartmentID) {
			err = notFound()
		}
		return err
	})
	return f, err
}

// ReadFile gives a file's bytes to its window and its department, to compare them
// before and after they are sent. Refusal: not_found.
func (d *Desk) ReadFile(ctx context.Context, by auth.Actor, fileID string) (ElectronicFile, []byte, error) {
	f, err := d.FindFile(ctx, by, fileID)
	if err != nil {
		return f, nil, err
	}
	body, err := d.kept(f.SHA256)
	return f, body, err
}
