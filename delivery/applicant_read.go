package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// ApplicantView is the page of a link: where everything of a case is, and what its
// applicant may do now (DEL §12). Names, numbers and addresses are masked: whoever
// finds the paper must not learn where somebody lives.
type ApplicantView struct {
	CaseNumber, MatterCode, Matter, Name string

	Centre, CentreID, Phone string // the window

	Lines   []ApplicantLine
	Choice  *SetChoice // the last one
	Parcels []ApplicantParcel
	Files   []TrackFile

	Known     Addressee // who would receive it now, masked
	Wish      Wish      // masked
	Consented bool      // to results as files
	Phoned    string    // masked telephone of that consent

	Payer      Payer // of what it costs to have it brought (DEL-231)
	WindowOnly bool  // everything that is still to come has to be collected at the window (DEL-204)

	MayChoose, MayAddress, MayWay, MayConsent bool
	Rated, MayRate                            bool
}

// ApplicantLine is one result of the case, and who owes it.
type ApplicantLine struct {
	Department, DepartmentID, Permit string

	State LineState
	Since time.Time // owed or received since
	Sent  bool      // it is in a parcel
	File  bool      // it goes as a file instead of paper

	WindowOnly bool // it has to be collected at the window (DEL-204)
}

// ApplicantParcel is one parcel of the case.
type ApplicantParcel struct {
	TrackView
	Way     Way
	To      Addressee // masked
	Classes []Class

	MaySlot, MayReport bool
	CodesLeft          int       // how often the code may still be shown here (DEL-612)
	Asked              time.Time // another time that the window has to agree on
	Report             Report
}

// Report is how far an applicant's word is that a parcel did not arrive; the zero
// Report says that there is none.
type Report struct {
	Open bool
	By   time.Time // the window calls until then
	Done time.Time // settled
}

// FindApplicant shows the page of a link. Looking changes nothing. Refusal:
// applicant_link.
func (d *Desk) FindApplicant(ctx context.Context, token string) (out ApplicantView, err error) {
	d = d.still()
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		h, err := d.openLink(ctx, q, token)
		if err != nil {
			return err
		}
		if h.lines, err = linesOf(ctx, q, h.CaseID); err != nil {
			return err
		}
		if h.parcels, err = parcelsOfCase(ctx, q, h.CaseID); err != nil {
			return err
		}
		out, err = d.applicantView(ctx, q, h)
		return err
	})
	if err != nil {
		return ApplicantView{}, err
	}
	return out, nil
}

func (d *Desk) applicantView(ctx context.Context, q bun.IDB, h caller) (v ApplicantView, err error) {
	owed := slices.ContainsFunc(h.lines, ResultLine.open)
	filed := func(l ResultLine) bool { return l.open() && !l.WindowOnly }
	v = ApplicantView{
		CaseNumber: h.CaseNumber, MatterCode: h.MatterCode, Matter: h.MatterName, Name: h.Name, Centre: h.centre.Name, CentreID: h.centre.ID, Phone: h.centre.Phone,
		Known: h.known().Masked(), Wish: h.Wish.Masked(), MayChoose: owed, MayAddress: h.waits(), MayConsent: slices.ContainsFunc(h.lines, filed), WindowOnly: h.collects(),
		MayWay: h.waits() || slices.ContainsFunc(h.parcels, Parcel.here),
	}
	for _, l := range h.lines {
		line := ApplicantLine{Department: l.Department, DepartmentID: l.DepartmentID, Permit: l.Permit, State: l.State, Since: l.ExpectedAt, Sent: l.ParcelID != "", File: l.ElectronicID != "", WindowOnly: l.WindowOnly}
		if !l.ReceivedAt.IsZero() {
			line.Since = l.ReceivedAt
		}
		v.Lines = append(v.Lines, line)
	}
	if v.Payer, err = d.payerShown(ctx, q, h.CentreID); err != nil {
		return v, err
	}
	if err := d.applicantParcels(ctx, q, h, &v); err != nil {
		return v, err
	}
	if v.Files, err = trackedFiles(ctx, q, h.CaseID); err != nil {
		return v, err
	}
	err = d.applicantWords(ctx, q, h, &v)
	return v, err
}

// applicantWords adds what the applicant has said before.
func (d *Desk) applicantWords(ctx context.Context, q bun.IDB, h caller, v *ApplicantView) error {
	choices, err := choicesOf(ctx, q, []string{h.CaseID})
	if err != nil {
		return err
	}
	if n := len(choices); n > 0 {
		v.Choice = &choices[n-1]
	}
	consents, err := electronicConsentsOf(ctx, q, []string{h.CaseID})
	if err != nil {
		return err
	}
	for _, c := range consents {
		if c.RevokedAt.IsZero() {
			v.Consented, v.Phoned = true, MaskPhone(c.Phone)
		}
	}
	if v.Rated, err = hasRating(ctx, q, h.CaseID); err != nil || v.Rated {
		return err
	}
	v.MayRate, err = h.came(ctx, q)
	return err
}

// applicantParcels adds the parcels, the latest first.
func (d *Desk) applicantParcels(ctx context.Context, q bun.IDB, h caller, v *ApplicantView) error {
	ids := make([]string, len(h.parcels))
	for i, p := range h.parcels {
		ids[i] = p.ID
	}
	if len(ids) == 0 {
		return nil
	}
	items, err := itemsIn(ctx, q, ids)
	if err != nil {
		return err
	}
	reports, err := reportsOf(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, p := range slices.Backward(h.parcels) {
		one := ApplicantParcel{Way: p.Way, To: p.Receiver.Masked(), Classes: classesOf(items[p.ID])}
		if one.TrackView, err = d.tracked(ctx, q, p); err != nil {
			return err
		}
		one.MayReport = slices.Contains(arrivedStates, p.State)
		one.MaySlot = (p.Pausable() || p.State == ParcelReturning || p.State == ParcelReturned) && p.Way != WayWindow
		if one.CodesLeft, err = codesLeft(ctx, q, p, items[p.ID]); err != nil {
			return err
		}
		for _, a := range reports[p.ID] {
			switch {
			case a.Kind == AlertSlotAsked && a.ClearedAt.IsZero():
				one.Asked = a.AskedFor
			case a.Kind == AlertMissing:
				one.Report = Report{Open: a.ClearedAt.IsZero(), By: a.NextAt, Done: a.ClearedAt}
			}
		}
		v.Parcels = append(v.Parcels, one)
	}
	return nil
}
