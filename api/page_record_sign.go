package api

import (
	"net/http"

	"lianban/inspection"
)

// recordSignPages record the applicant's word under the record, at the window and by
// an inspector on the site (INS-1012).
func (p *site) recordSignPages() {
	on := func(path, act string, who Who, h handler) {
		p.on(Route{Method: http.MethodPost, Path: path + "/record-signature", Act: act, Who: who, Rate: uploadRate, Body: 4 * inspection.MaxScan}, h)
	}
	on("/visits/{id}", "pageSignRecord", actors(atDesk...), p.signRecordAtWindow)
	on("/inbox/{id}", "pageSignRecordOnSite", actors(inOffice...), p.signRecordOnSite)
}

// signedPanel is that word on a page, or the form for it.
type signedPanel struct {
	Visit inspection.VisitView
	May   bool
	Opens bool   // the reader may open the scan
	To    string // where the form goes
	Once  string
}

func signedOf(v *view, found inspection.VisitView, may bool) signedPanel {
	opens := v.is(overseeing...) || found.Signing != nil && found.Signing.RecordedBy == v.by.String()
	return signedPanel{Visit: found, May: may && found.RecordAwaits(), Opens: opens, To: v.here + "/record-signature", Once: newOnce() + "-signed"}
}

func (p *site) signRecordAtWindow(v *view) error {
	return p.onVisit(v, form{"sign_record", ""}, func() ([]string, error) { return []string{"flash.record.signed"}, p.takeSigning(v) })
}

func (p *site) signRecordOnSite(v *view) error {
	if _, _, err := p.ownPart(v); err != nil {
		return err
	}
	if err := p.takeSigning(v); err != nil {
		return p.done(v, err, form{"sign_record", ""}, p.invitation)
	}
	return v.leave("/inbox/"+v.id(), "flash.record.signed")
}

func (p *site) takeSigning(v *view) error {
	h, err := v.handed()
	if err == nil {
		_, err = p.Inspection.SignRecord(v.ctx(), v.by, inspection.SignRequest{VisitID: v.id(), Handed: h, Once: v.once()})
	}
	return err
}
