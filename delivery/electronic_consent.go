package delivery

import (
	"context"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
)

// ElectronicMethod is how a file reaches the recipient.
type ElectronicMethod string

// Methods of 网上传输. Text messages carry neither file nor link (DEL-241, 1202).
const (
	ByMail   ElectronicMethod = "mail"   // a link by e-mail
	BySlip   ElectronicMethod = "slip"   // a link as a code on a printed slip
	BySystem ElectronicMethod = "system" // into the system that the recipient names, outside this one
)

// ElectronicMethods lists the methods in the order of forms.
var ElectronicMethods = [...]ElectronicMethod{ByMail, BySlip, BySystem}

// ElectronicConsent says that a recipient wants results of a case as files
// (DEL-240). Without one that stands no file of that line is taken or sent.
type ElectronicConsent struct {
	bun.BaseModel `bun:"table:electronic_consents" json:"-"`

	ID         string           `bun:"id,pk" json:"id"`
	CaseID     string           `json:"case_id"`
	CentreID   string           `json:"centre_id"`
	Person     string           `json:"person"` // who consents
	Method     ElectronicMethod `json:"method"`
	Address    string           `json:"address,omitempty"`      // mail address, or account in the named system
	Phone      string           `json:"phone"`                  // its last four open the file
	Lines      []string         `bun:"type:jsonb" json:"lines"` // results it is for
	Channel    string           `json:"channel"`                // how the window heard of it
	Note       string           `json:"note,omitempty"`
	GivenAt    time.Time        `json:"given_at"`
	RecordedBy string           `json:"recorded_by"`
	RevokedAt  time.Time        `bun:",nullzero" json:"revoked_at,omitzero"`
	RevokedBy  string           `json:"revoked_by,omitempty"`
	RevokedHow string           `json:"revoked_how,omitempty"` // channel of the withdrawal
}

// Covers reports whether the consent stands for a line.
func (c ElectronicConsent) Covers(lineID string) bool {
	return c.RevokedAt.IsZero() && slices.Contains(c.Lines, lineID)
}

// HasLine reports whether the consent was given for a line, taken back or not.
func (c ElectronicConsent) HasLine(lineID string) bool { return slices.Contains(c.Lines, lineID) }

// Masked is the consent for whoever is not at the window.
func (c ElectronicConsent) Masked() ElectronicConsent {
	c.Person, c.Phone, c.Address, c.Note = MaskName(c.Person), MaskPhone(c.Phone), "", ""
	return c
}

// ElectronicConsentRequest is what the recipient said.
type ElectronicConsentRequest struct {
	CaseID, Person string
	Method         ElectronicMethod
	Address, Phone string
	Channel, Note  string
	Lines          []string
	Once           once.Key
}

func (r *ElectronicConsentRequest) check(by auth.Actor) error {
	for _, text := range []*string{&r.Person, &r.Address, &r.Phone, &r.Note} {
		*text = strings.TrimSpace(*text)
	}
	if r.Person == "" || !mobile.MatchString(r.Phone) || !slices.Contains(ElectronicMethods[:], r.Method) ||
		!heardBy(by, r.Channel) {
		return fault.Refuse(fault.Invalid, "electronic_consent_incomplete",
			"请填写同意人姓名、11 位手机号码、接收方式和同意的途径（窗口或电话）；下载时要核对这个手机号的后四位",
			"give who consents, an 11-digit mobile number, how the file is sent and how the consent was given (window, phone); the number's last four open the file")
	}
	if err := r.checkAddress(); err != nil {
		return err
	}
	if len(r.Lines) == 0 {
		return fault.Refuse(fault.Invalid, "electronic_scope",
			"请勾选申请人同意网上传输的结果", "mark the results that the consent is for")
	}
	if err := office.CheckLines(line("person", r.Person), line("address", r.Address)); err != nil {
		return err
	}
	return office.CheckText("note", r.Note, reasonLength)
}

func (r *ElectronicConsentRequest) checkAddress() error {
	switch r.Method {
	case BySlip:
		r.Address = ""
		return nil
	case ByMail:
		if a, err := mail.ParseAddress(r.Address); err == nil && a.Address == r.Address {
			return nil
		}
	case BySystem:
		if r.Address != "" {
			return nil
		}
	}
	return fault.Refuse(fault.Invalid, "electronic_address",
		"请填写接收地址：电子邮箱，或申请人指定的系统和账号", "give where the file goes: an e-mail address, or the system and account that the recipient names")
}

// ConsentElectronic records that the recipient consents to 网上传输 of some
// results. Only the window that hands them out asks (DEL-101). Refusals:
// not_found, not_receiving_window, electronic_consent_incomplete,
// electronic_address, electronic_scope, text_invalid, electronic_line,
// window_only_file.
func (d *Desk) ConsentElectronic(ctx context.Context, by auth.Actor, r ElectronicConsentRequest) (ElectronicConsent, error) {
	d = d.still()
	r.Lines = unique(r.Lines)
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (ElectronicConsent, error) {
		lines, err := windowLines(ctx, tx, by, r.CaseID)
		if err != nil {
			return ElectronicConsent{}, err
		}
		return d.consentElectronic(ctx, tx, by, lines, r)
	})
}

// consentElectronic records a consent on the caller's transaction, which has
// locked the lines of the case and knows that the actor may speak.
func (d *Desk) consentElectronic(ctx context.Context, tx bun.IDB, by auth.Actor, lines []ResultLine, r ElectronicConsentRequest) (ElectronicConsent, error) {
	if err := r.check(by); err != nil {
		return ElectronicConsent{}, err
	}
	for _, id := range r.Lines {
		n := slices.IndexFunc(lines, func(l ResultLine) bool { return l.ID == id && l.open() })
		if n < 0 {
			return ElectronicConsent{}, fault.Refuse(fault.Conflict, "electronic_line",
				"所选结果已经送交或免交，不能再改为网上传输；请刷新后重新勾选", "one of these results was handed over or waived already; reload and mark others")
		}
		if err := lines[n].onPaper(); err != nil {
			return ElectronicConsent{}, err
		}
	}
	c := ElectronicConsent{
		ID: newID(), CaseID: r.CaseID, CentreID: lines[0].CentreID, Person: r.Person, Method: r.Method, Address: r.Address, Phone: r.Phone,
		Lines: r.Lines, Channel: r.Channel, Note: r.Note, GivenAt: d.now(), RecordedBy: by.String(),
	}
	if err := insertElectronicConsent(ctx, tx, &c); err != nil {
		return ElectronicConsent{}, err
	}
	return c, audit.Record(ctx, tx, d.consentLeaf("electronic_consent_given", c, by.String(), c.Channel))
}

func (d *Desk) consentLeaf(what string, c ElectronicConsent, by, channel string) audit.Leaf {
	return audit.Leaf{Type: what, Stream: Stream(c.CaseID), Actor: by, At: d.now(), Fields: map[string]any{
		"consent": c.ID, "method": string(c.Method), "lines": append([]string{}, c.Lines...), "channel": channel,
	}}
}

// RevokeElectronic takes a consent back, as the recipient asked by channel. Files
// under it that were not served are withdrawn, and their results are owed on
// paper again (DEL-240). Refusals: not_found, not_receiving_window,
// electronic_channel, electronic_revoked.
func (d *Desk) RevokeElectronic(ctx context.Context, by auth.Actor, consentID, channel string) (ElectronicConsent, error) {
	d = d.still()
	var c ElectronicConsent
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		if c, err = findElectronicConsent(ctx, tx, consentID); err != nil {
			return err
		}
		lines, err := lockLines(ctx, tx, c.CaseID) // before the files (DB-12)
		if err != nil {
			return err
		}
		if !seesSet(by, lines) {
			return notFound()
		}
		if err := mayReceive(by, c.CentreID); err != nil {
			return err
		}
		if !heardBy(by, channel) {
			return fault.Refuse(fault.Invalid, "electronic_channel",
				"请选择申请人撤回同意的途径：窗口或电话", "say how the recipient withdrew it: window or phone")
		}
		leaves, err := d.revoke(ctx, tx, &c, by.String(), channel)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
	return c, err
}

// revoke ends a consent and what still hangs on it, on the caller's transaction,
// which has locked the case's lines and records the leaves.
func (d *Desk) revoke(ctx context.Context, tx bun.IDB, c *ElectronicConsent, by, channel string) ([]audit.Leaf, error) {
	c.RevokedAt, c.RevokedBy, c.RevokedHow = d.now(), by, channel
	if err := revokeElectronicConsent(ctx, tx, c); err != nil {
		return nil, err
	}
	files, err := filesOfCase(ctx, tx, c.CaseID)
	if err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{d.consentLeaf("electronic_consent_revoked", *c, by, channel)}
	for i := range files {
		f := &files[i]
		if f.ConsentID != c.ID || f.State != FileSupplied && f.State != FileSent {
			continue
		}
		leaf, err := d.withdrawFile(ctx, tx, f, by, "申请人撤回同意")
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, leaf)
	}
	return leaves, nil
}

func electronicRevoked() *fault.Error {
	return fault.Refuse(fault.Conflict, "electronic_revoked",
		"这份同意已撤回，请刷新后核对", "this consent was withdrawn already; reload and check")
}

// standingConsent is the consent that a line may be sent under now. Refusal:
// electronic_no_consent.
func standingConsent(ctx context.Context, q bun.IDB, l ResultLine) (ElectronicConsent, error) {
	all, err := electronicConsentsOf(ctx, q, []string{l.CaseID})
	if err != nil {
		return ElectronicConsent{}, err
	}
	for _, c := range slices.Backward(all) { // the last word counts
		if c.Covers(l.ID) {
			return c, nil
		}
	}
	return ElectronicConsent{}, fault.Refuse(fault.Conflict, "electronic_no_consent",
		"收件人没有同意把这项结果网上传输，不能用这种方式；请受理窗口先问收件人并登记同意，或者送交纸质结果",
		"the recipient has not consented to have this result sent as a file; let the window ask and record the consent first, or hand it over on paper") // DEL-240
}
