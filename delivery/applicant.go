package delivery

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// Applicant is who waits for the results of a case, as far as this half of the
// house knows: it is there from acceptance on, before anything is owed.
type Applicant struct {
	bun.BaseModel `bun:"table:applicants" json:"-"`

	CaseID     string `bun:"case_id,pk"`
	CaseNumber string
	MatterCode string
	MatterName string
	Name       string    // masked as lists show it (FAC-20)
	CentreID   string    // whose window hands the results out
	Receiver   Addressee `bun:"type:jsonb"` // as the case was taken in; empty: not known
	Wish       Wish      `bun:"type:jsonb"` // what the applicant asked for since
	WindowOnly bool      // what the case leads to may only be collected at the window (DEL-204)
	Version    int
	ClosedAt   time.Time `bun:",nullzero"` // everything has arrived
	InvitedAt  time.Time `bun:",nullzero"` // to rate (DEL-1206)
}

// ApplicantLink opens the page of a case to its applicant (DEL-1201). One on
// paper and one by mail stand beside each other, each until another is made.
type ApplicantLink struct {
	bun.BaseModel `bun:"table:applicant_links" json:"-"`

	CaseID  string `bun:"case_id,pk"`
	Channel string `bun:"channel,pk"` // linkOnPaper or linkByMail
	ID      string
	Hash    string // SHA-256 of the token
	MadeAt  time.Time
	MadeBy  string
}

const (
	linkOnPaper = "paper"
	linkByMail  = "mail"
)

// linkMost is how long a link opens at the most: a case that never closes must
// not leave one behind for good (house rule).
const linkMost = 366 * 24 * time.Hour

// actor is the applicant as the one who acts by the link.
func (l ApplicantLink) actor(a Applicant) auth.Actor {
	return auth.Actor{Kind: auth.KindLink, ID: l.ID, Name: a.Name}
}

// Know notes, on the caller's transaction, who waits for the results of a case,
// so that the applicant can have a link before anything is owed (DEL-230). What is
// known already stays, but for a receiver who was not.
func Know(ctx context.Context, tx bun.IDB, a Applicant) error {
	a.Version = 1
	return insertApplicant(ctx, tx, &a)
}

// linkFor makes the link of a channel, on the caller's transaction; the one before
// of that channel opens nothing any more.
func (d *Desk) linkFor(ctx context.Context, tx bun.IDB, caseID, channel, by string) (string, error) {
	token, hash := newToken()
	l := ApplicantLink{CaseID: caseID, Channel: channel, ID: newID(), Hash: hash, MadeAt: d.now(), MadeBy: by}
	return d.Site + "/a/" + token, upsertLink(ctx, tx, &l)
}

// caller is the applicant at the page of a link, with what their acts are decided on.
type caller struct {
	Applicant
	link   ApplicantLink
	by     auth.Actor
	centre office.Centre

	parcels []Parcel // oldest first
	lines   []ResultLine
}

// byLink runs one act of an applicant. Parcels and lines of the case are locked,
// as for an act of the window: of two at once one wins and the other is told
// (DEL-1205). Lines come after parcels (DB-12); a parcel that was sealed while
// they were waited for is locked too.
func (d *Desk) byLink(ctx context.Context, token string, act func(d *Desk, tx bun.IDB, h *caller) error) error {
	d = d.still()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		h, err := d.openLink(ctx, tx, token)
		if err != nil {
			return err
		}
		if _, err := lockParcels(ctx, tx, "case_id", []string{h.CaseID}); err != nil {
			return err
		}
		if h.lines, err = lockLines(ctx, tx, h.CaseID); err != nil {
			return err
		}
		if h.parcels, err = lockParcels(ctx, tx, "case_id", []string{h.CaseID}); err != nil {
			return err
		}
		if h.Applicant, err = findApplicant(ctx, tx, h.CaseID); err != nil {
			return err
		}
		return act(d, tx, &h)
	})
}

// openLink finds who holds a link. Unknown, replaced and expired look the same
// (DEL-1201). Refusal: applicant_link.
func (d *Desk) openLink(ctx context.Context, q bun.IDB, token string) (h caller, err error) {
	if h.link, err = findLink(ctx, q, tokenHash(token)); err != nil {
		return h, err
	}
	if h.Applicant, err = findApplicant(ctx, q, h.link.CaseID); err != nil {
		return h, err
	}
	over, err := d.linkOver(ctx, q, h)
	if err != nil {
		return h, err
	}
	if over {
		return h, applicantLink()
	}
	h.by = h.link.actor(h.Applicant)
	h.centre, err = office.FindCentre(ctx, q, h.CentreID)
	return h, err
}

// LinkHolder gives the applicant who holds a link and the case it opens, for acts
// that belong to the other half of the house, on the caller's transaction. Refusal:
// applicant_link.
func (d *Desk) LinkHolder(ctx context.Context, q bun.IDB, token string) (by auth.Actor, caseID string, err error) {
	h, err := d.still().openLink(ctx, q, token)
	return h.by, h.CaseID, err
}

func applicantLink() *fault.Error {
	return fault.Refuse(fault.NotFound, "applicant_link",
		"链接无效或已停用。请用最新的收件凭据或邮件里的二维码、链接；也可以用邮件号和手机号后四位查询进度，或致电受理窗口",
		"the link is not valid any more; use the one on the latest receipt or in the latest mail, look up the parcel by number and last four digits, or call the window")
}

// linkOver reports whether a link has ended: so many days after the case was
// closed, unless something is owed again (DEL-306).
func (d *Desk) linkOver(ctx context.Context, q bun.IDB, h caller) (bool, error) {
	if d.now().Sub(h.link.MadeAt) >= linkMost {
		return true, nil
	}
	if h.ClosedAt.IsZero() {
		return false, nil
	}
	done, err := caseDone(ctx, q, h.CaseID)
	if err != nil || !done {
		return false, err
	}
	rules, err := office.RulesAt(ctx, q, h.ClosedAt, office.Scope{Centre: h.CentreID})
	end := workday.DateOf(h.ClosedAt).AddDays(rules.TrackDays + 1).Midnight() // to the end of the last day
	return !d.now().Before(end), err
}

// applicantLeaf records an act of an applicant; what was said stays in the row.
func (d *Desk) applicantLeaf(what string, h caller, fields map[string]any) audit.Leaf {
	return audit.Leaf{Type: what, Stream: Stream(h.CaseID), Actor: h.by.String(), At: d.now(), Fields: fields}
}
