package api

import (
	"net/http"
	"slices"

	"lianban/inspection"
)

func (p *site) soonerPages() {
	const at = "/visits/{id}/agreements/{party}"
	p.on(Route{
		Method: http.MethodPost, Path: at, Act: "pageRecordAgreement", Who: actors(atDesk...),
		Rate: uploadRate, Body: 4 * inspection.MaxScan, // too big a scan is refused in the domain's words
	}, p.recordAgreement)
	p.on(Route{Method: http.MethodPost, Path: at + "/check", Act: "pageCheckAgreement", Who: actors(atDesk...)}, p.checkAgreement)
}

// sooner says who has agreed to a visit on the next working day (INS-605).
type sooner struct {
	Open    bool // something has been recorded
	All     bool
	Parties []party
}

// party is a department or the applicant with what it has agreed to.
type party struct {
	ID, Name string
	State    string // missing, recorded, checked
	Paper    *inspection.Agreement
	MayCheck bool
}

func (b *boarding) sooner() {
	out := sooner{All: true}
	add := func(id, name string) {
		one := party{ID: id, Name: name, State: "missing"}
		i := slices.IndexFunc(b.d.Visit.Agreements, func(a inspection.Agreement) bool { return a.Party == id })
		if i >= 0 {
			one.Paper, out.Open, one.State = &b.d.Visit.Agreements[i], true, "recorded"
			if !one.Paper.CheckedAt.IsZero() {
				one.State = "checked"
			}
			one.MayCheck = one.State == "recorded" && one.Paper.RecordedBy != b.v.by.String()
		}
		out.All = out.All && one.State == "checked"
		out.Parties = append(out.Parties, one)
	}
	for _, row := range b.answer.Departments {
		add(row.DepartmentID, b.names[row.DepartmentID])
	}
	add(inspection.PartyApplicant, b.p.say(b.v, "applicant"))
	b.d.Sooner = out
}

func (p *site) recordAgreement(v *view) error {
	party := v.r.PathValue("party")
	return p.onAgreement(v, form{"agree", party}, "flash.agreement.recorded", func() error {
		scan, err := v.upload("scan", inspection.MaxScan)
		if err != nil {
			return err
		}
		_, err = p.Inspection.RecordAgreement(v.ctx(), v.by, inspection.AgreementRequest{
			VisitID: v.id(), Party: party, Signer: v.form("signer"), Scan: scan, Once: v.once(),
		})
		return err
	})
}

func (p *site) checkAgreement(v *view) error {
	party := v.r.PathValue("party")
	return p.onAgreement(v, form{"check", party}, "flash.agreement.checked", func() error {
		return p.Inspection.CheckAgreement(v.ctx(), v.by, v.id(), party)
	})
}

// onAgreement ends an act on a paper: back to the papers, or to the board with
// the refusal.
func (p *site) onAgreement(v *view, f form, flash string, act func() error) error {
	if _, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	if err := act(); err != nil {
		return p.done(v, err, f, p.board)
	}
	return v.leave("/visits/"+v.id()+"/board#sooner", flash)
}
