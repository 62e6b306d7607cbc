package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/notify"
)

// closeBatch is how many cases one look closes.
const closeBatch = 200

// CloseDue notes the cases of which everything has arrived: the applicant's link
// ends some time after (DEL-1201), and the applicant is invited to rate, once
// (DEL-1206). It may run late, twice, or in two processes at once.
func (d *Desk) CloseDue(ctx context.Context) error {
	d = d.still()
	var done []string
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		done, err = casesToClose(ctx, q)
		return err
	})
	errs := []error{err}
	for _, id := range done {
		if err := d.DB.Write(ctx, func(tx bun.IDB) error { return d.closeCase(ctx, tx, id) }); err != nil {
			errs = append(errs, fmt.Errorf("close case %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

func (d *Desk) closeCase(ctx context.Context, tx bun.IDB, caseID string) error {
	if _, err := lockLines(ctx, tx, caseID); err != nil {
		return err
	}
	closed, err := closeApplicant(ctx, tx, caseID, d.now())
	if err != nil || !closed {
		return err
	}
	if err := d.invite(ctx, tx, caseID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Leaf{
		Type: "case_served", Stream: Stream(caseID), Actor: auth.System("close").String(), At: d.now(),
	})
}

// invite queues the one text that asks for a rating: the number that the tracking
// page asks for and its short name, no link (DEL-1202, DEL-1206). Who has rated
// already, or got nothing that has a number, is not asked.
func (d *Desk) invite(ctx context.Context, tx bun.IDB, caseID string) error {
	rated, err := hasRating(ctx, tx, caseID)
	if err != nil || rated {
		return err
	}
	to, err := lastServed(ctx, tx, caseID)
	if err != nil || to.Number == "" {
		return err
	}
	facts, err := json.Marshal(messageFacts{Case: caseID, Number: to.Number})
	if err != nil {
		return err
	}
	return notify.Queue(ctx, tx, d.now(), notify.Message{
		Key: notify.PurposeRate + "/" + caseID + "/" + applicantContact + "/" + notify.SMS, Purpose: notify.PurposeRate, Channel: notify.SMS,
		Address: to.Phone, Lang: "zh", Subject: caseID + "/rate", Contact: applicantContact, Stream: Stream(caseID), Facts: facts,
	})
}

// reached is what was received last of a case: a parcel or a file, and by whom.
type reached struct{ Number, Phone string }

func lastServed(ctx context.Context, q bun.IDB, caseID string) (to reached, err error) {
	files, err := filesOfCase(ctx, q, caseID)
	if err != nil {
		return to, err
	}
	for _, f := range files {
		if f.State == FileServed {
			to = reached{f.Number, f.Phone}
		}
	}
	parcels, err := parcelsOfCase(ctx, q, caseID)
	for _, p := range parcels {
		if p.Rateable() {
			to = reached{p.Number, p.Receiver.Phone}
		}
	}
	return to, err
}

// composeRate writes that text when it is sent.
func (d *Desk) composeRate(ctx context.Context, tx bun.IDB, m notify.Message, facts messageFacts) (notify.Body, error) {
	a, err := findApplicant(ctx, tx, facts.Case)
	if err != nil {
		return notify.Body{}, err
	}
	centre, err := office.FindCentre(ctx, tx, a.CentreID)
	if err != nil {
		return notify.Body{}, err
	}
	return notify.RenderSMS(m.Lang, m.Purpose, notify.Facts{Case: a.CaseNumber, Parcel: facts.Number, Phone: centre.Phone, Signature: d.Signature})
}
