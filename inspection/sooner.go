package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// soonestLead is the lead time, in working days, that everybody's written
// agreement allows. Below it nothing does (INS-605).
const soonestLead = 1

// PartyApplicant is the applicant as a party to an agreement.
const PartyApplicant = "applicant"

// Agreement (提前勘验同意书) is one party's written consent to a visit sooner
// than the lead time, a sealed paper that one person of the window scans and
// another compares with the original (INS-605, L2). Party is the id of a required
// department, or PartyApplicant.
type Agreement struct {
	bun.BaseModel `bun:"table:agreements" json:"-"`

	ID         string    `bun:"id,pk" json:"id"`
	VisitID    string    `json:"visit_id"`
	Party      string    `json:"party"`
	Signer     string    `json:"signer"`
	Scan       string    `json:"scan"`
	RecordedAt time.Time `json:"recorded_at"`
	RecordedBy string    `json:"recorded_by"`
	CheckedAt  time.Time `bun:",nullzero" json:"checked_at,omitzero"`
	CheckedBy  string    `json:"checked_by,omitempty"`
}

// AgreementRequest records one party's paper. Signer is a name and a post.
type AgreementRequest struct {
	VisitID string
	Party   string
	Signer  string
	Scan    Scan
	Once    once.Key
}

// RecordAgreement keeps the paper of one party to a visit that is to be booked or
// moved. A paper recorded
// anew takes the place of the one before and is to be checked again. Refusals:
// not_found, wrong_window, bad_move, party_unknown, text_invalid, scan_missing,
// scan_type, scan_size.
func (d *Desk) RecordAgreement(ctx context.Context, by auth.Actor, r AgreementRequest) (Agreement, error) {
	d = d.still()
	signer := line("signer", r.Signer)
	signer.Optional = false
	if err := office.CheckLines(signer); err != nil {
		return Agreement{}, err
	}
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Agreement, error) {
		v, err := d.lockMovable(ctx, tx, by, r.VisitID)
		if err != nil {
			return Agreement{}, err
		}
		if err := partyTo(ctx, tx, v, r.Party); err != nil {
			return Agreement{}, err
		}
		if len(r.Scan.Bytes) == 0 {
			return Agreement{}, scanMissing()
		}
		scan, err := storeScan(ctx, tx, v.ID, r.Scan, by.String(), d.now())
		if err != nil {
			return Agreement{}, err
		}
		a := Agreement{
			ID: newID(), VisitID: v.ID, Party: r.Party, Signer: signer.Value, Scan: scan.ID, RecordedAt: d.now(), RecordedBy: by.String(),
		}
		if err := putAgreement(ctx, tx, &a); err != nil {
			return Agreement{}, err
		}
		return a, audit.Record(ctx, tx, agreementLeaf("agreement_recorded", v, a, by, d.now(), scan.SHA256))
	})
}

// CheckAgreement confirms that the scan of an agreement is that of the sealed
// original. Another person than the one who recorded it has to. Refusals:
// not_found, wrong_window, bad_move, agreement_checked, agreement_second.
func (d *Desk) CheckAgreement(ctx context.Context, by auth.Actor, visitID, party string) error {
	d = d.still()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		v, err := d.lockMovable(ctx, tx, by, visitID)
		if err != nil {
			return err
		}
		a, err := findAgreement(ctx, tx, v.ID, party)
		if err != nil {
			return err
		}
		if !a.CheckedAt.IsZero() {
			return fault.Refuse(fault.Conflict, "agreement_checked", "这份同意书已核对过，不用再核对", "this agreement has been checked already")
		}
		if a.RecordedBy == by.String() {
			return fault.Refuse(fault.Forbidden, "agreement_second",
				"同意书须由登记人以外的另一名窗口人员核对原件", "somebody of the window other than who recorded it has to compare it with the original")
		}
		a.CheckedAt, a.CheckedBy = d.now(), by.String()
		if err := checkAgreement(ctx, tx, a); err != nil {
			return err
		}
		return audit.Record(ctx, tx, agreementLeaf("agreement_checked", v, a, by, d.now(), ""))
	})
}

// lockDraft locks a visit that has no time yet, for its own window.
func (d *Desk) lockDraft(ctx context.Context, tx bun.IDB, by auth.Actor, id string) (Visit, error) {
	v, err := lockVisit(ctx, tx, id)
	if err != nil {
		return v, err
	}
	if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
		return v, err
	}
	if v.State != VisitDraft {
		return v, movedOn("bad_move")
	}
	return v, nil
}

// lockMovable locks a visit that can be given a time or another one.
func (d *Desk) lockMovable(ctx context.Context, tx bun.IDB, by auth.Actor, id string) (Visit, error) {
	v, err := lockVisit(ctx, tx, id)
	if err != nil {
		return v, err
	}
	if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
		return v, err
	}
	if !v.movable() {
		return v, movedOn("bad_move")
	}
	return v, nil
}

func partyTo(ctx context.Context, q bun.IDB, v Visit, party string) error {
	c, err := caseOf(ctx, q, v)
	if err != nil {
		return err
	}
	if party != PartyApplicant && !slices.Contains(ids(comingTo(c, v.Kind)), party) {
		return fault.Refuse(fault.Invalid, "party_unknown",
			"请选择须到场的部门，或申请人", "choose a department that has to come, or the applicant")
	}
	return nil
}

// agreementLeaf says who is bound by which paper; names stand in the row alone.
func agreementLeaf(kind string, v Visit, a Agreement, by auth.Actor, at time.Time, sum string) audit.Leaf {
	leaf := visitLeaf(kind, v, by.String(), at, map[string]any{"agreement": a.ID, "party": a.Party})
	if sum != "" {
		leaf.Fields["scan_sha256"] = sum
	}
	return leaf
}

// sooner gives the agreements that allow a visit after one working day, nil as
// long as one required department or the applicant has not agreed (INS-605). Who
// agreed before the present round was offered agreed to that one.
func (w world) sooner(ctx context.Context, q bun.IDB) ([]string, error) {
	all, err := listAgreements(ctx, q, w.v.ID)
	if err != nil {
		return nil, err
	}
	rounds, err := listRounds(ctx, q, w.v.ID)
	if err != nil {
		return nil, err
	}
	var since time.Time
	if len(rounds) > 0 {
		since = rounds[len(rounds)-1].OfferedAt
	}
	var out []string
	for _, party := range append(ids(w.departments), PartyApplicant) {
		i := slices.IndexFunc(all, func(a Agreement) bool {
			return a.Party == party && !a.CheckedAt.IsZero() && a.RecordedAt.After(since)
		})
		if i < 0 {
			return nil, nil
		}
		out = append(out, all[i].ID)
	}
	return out, nil
}

// agree shortens the lead time where everybody agreed. Only who asks for a day
// within the lead time needs to know.
func (w *world) agree(ctx context.Context, q bun.IDB, day workday.Date, now time.Time) (err error) {
	first, err := w.g.cal.Add(dateOf(now), w.g.rules.Lead)
	if err != nil || !day.Before(first) {
		return err
	}
	if w.agreed, err = w.sooner(ctx, q); err == nil && w.agreed != nil {
		w.g.rules.Lead = soonestLead
	}
	return err
}
