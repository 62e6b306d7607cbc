package api

import (
	"net/http"
	"slices"

	"lianban/inspection"
)

// signPages are the signatures under an opinion: the department's own, and those
// that the window enters from paper (INS-1008, INS-1003).
func (p *site) signPages() {
	post := func(path, act string, who Who) Route {
		return Route{Method: http.MethodPost, Path: path, Act: act, Who: who}
	}
	p.on(post("/inbox/{id}/opinion/{opinion}/sign", "pageSign", actors(inOffice...)), p.signMine)
	p.on(post("/inbox/{id}/opinion/{opinion}/drop", "pageDropMine", actors(inOffice...)), p.dropMine)
	const at = "/visits/{id}/site/parts/{part}/opinion/{opinion}"
	paper := post(at+"/paper", "pageSignOnPaper", actors(atDesk...))
	paper.Rate, paper.Body = uploadRate, 4*inspection.MaxScan
	p.on(paper, p.signOnPaper)
	p.on(post(at+"/drop", "pageDropOpinion", actors(atDesk...)), p.dropAtWindow)
}

// signedBy reports whether a draft has the signature of that account's person.
func signedBy(d *inspection.Draft, account string) bool {
	return slices.ContainsFunc(d.Signatures, func(s inspection.Signature) bool { return s.RecordedBy == account && s.Scan == "" })
}

// unsigned are those who were there and have not signed.
func unsigned(one inspection.ParticipantView, there []inspection.CheckIn) (out []inspection.CheckIn) {
	if one.Draft == nil {
		return nil
	}
	for _, c := range there {
		if !slices.ContainsFunc(one.Draft.Signatures, func(s inspection.Signature) bool { return s.Signer == c.ID }) {
			out = append(out, c)
		}
	}
	return out
}

func (p *site) signMine(v *view) error {
	return p.onMyDraft(v, "sign", "flash.cosigned", func(part string) error {
		return p.Inspection.Sign(v.ctx(), v.by, part, v.r.PathValue("opinion"))
	})
}

func (p *site) dropMine(v *view) error {
	return p.onMyDraft(v, "drop", "flash.opinion.dropped", func(part string) error {
		return p.Inspection.DropOpinion(v.ctx(), v.by, part, v.r.PathValue("opinion"), v.form("reason"))
	})
}

// onMyDraft ends an act on the own department's opinion: back to the invitation,
// or the same page with the refusal.
func (p *site) onMyDraft(v *view, name, flash string, act func(part string) error) error {
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	if err := act(own.ID); err != nil {
		return p.done(v, err, form{name, ""}, p.invitation)
	}
	return v.leave("/inbox/"+found.ID, flash)
}

func (p *site) signOnPaper(v *view) error {
	part := v.r.PathValue("part")
	return p.onSite(v, form{"paper", part}, "flash.cosigned", func(inspection.VisitView) error {
		scan, err := v.upload("scan", inspection.MaxScan)
		if err != nil {
			return err
		}
		return p.Inspection.SignOnPaper(v.ctx(), v.by, inspection.PaperSignature{
			ParticipantID: part, OpinionID: v.r.PathValue("opinion"), CheckInID: v.form("check_in"), Scan: scan, Once: v.once(),
		})
	})
}

func (p *site) dropAtWindow(v *view) error {
	part := v.r.PathValue("part")
	return p.onSite(v, form{"drop", part}, "flash.opinion.dropped", func(inspection.VisitView) error {
		return p.Inspection.DropOpinion(v.ctx(), v.by, part, v.r.PathValue("opinion"), v.form("reason"))
	})
}
