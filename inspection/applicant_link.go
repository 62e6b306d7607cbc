package inspection

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/auth"
)

// waiting is the applicant of a case as the other half knows whom it serves.
func waiting(c Case, m Matter) delivery.Applicant {
	return delivery.Applicant{
		CaseID: c.ID, CaseNumber: c.Number, MatterCode: c.MatterCode, MatterName: c.MatterName,
		Name: c.Applicant.Masked().Name, CentreID: c.CentreID, Receiver: addresseeOf(c),
		WindowOnly: m.WindowOnly,
	}
}

// PrintTaken prints the applicant's 收件凭据 with a new link as a code, at the
// window that took the case in (DEL-1110, DEL-1201). Refusals: not_found,
// not_receiving_window.
func (d *Desk) PrintTaken(ctx context.Context, by auth.Actor, papers *delivery.Desk, caseID string) (delivery.Print, error) {
	c, m, err := d.withMatter(ctx, by, caseID)
	if err != nil {
		return delivery.Print{}, err
	}
	return papers.PrintTaken(ctx, by, waiting(c, m))
}

// MailLink sends the applicant a new link by mail, from the window that took the
// case in (DEL-1201). Refusals: not_found, not_receiving_window, applicant_no_mail.
func (d *Desk) MailLink(ctx context.Context, by auth.Actor, letters *delivery.Desk, caseID string) error {
	c, m, err := d.withMatter(ctx, by, caseID)
	if err != nil {
		return err
	}
	return letters.MailLink(ctx, by, waiting(c, m), c.Applicant.Email)
}

// withMatter is whole for a reader of the case, with the matter it was taken in
// under. Refusal: not_found.
func (d *Desk) withMatter(ctx context.Context, by auth.Actor, caseID string) (c Case, m Matter, err error) {
	if c, err = d.whole(ctx, caseID, func(c Case) bool { return MayRead(by, c) }); err != nil {
		return c, m, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		m, err = FindMatter(ctx, q, c.MatterCode, c.MatterVersion)
		return err
	})
	return c, m, err
}

// whole is a case with the applicant unmasked, for acts that need the address; who
// may act is decided by the act. Refusal: not_found.
func (d *Desk) whole(ctx context.Context, caseID string, may func(Case) bool) (c Case, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		c, err = findCase(ctx, q, caseID)
		return err
	})
	if err == nil && !may(c) {
		err = notFound()
	}
	if err != nil {
		return Case{}, err
	}
	return c, nil
}
