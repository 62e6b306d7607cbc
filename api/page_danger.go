package api

import (
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

// dangerPages report an immediate danger from the invitation, which is the page that
// an inspector has open on the site, and clear it there or on the page of the visit
// (INS-1015).
func (p *site) dangerPages() {
	p.on(Route{
		Method: http.MethodPost, Path: "/inbox/{id}/dangers", Act: "pageReportDanger", Who: actors(inOffice...), Rate: uploadRate, Body: 4 * inspection.MaxScan,
	}, p.reportDangerOf)
	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/dangers/{danger}/clear", Act: "pageClearDanger", Who: actors(inOffice...)}, p.clearDangerOf)
	p.on(Route{Method: http.MethodPost, Path: "/visits/{id}/dangers/{danger}/clear", Act: "pageClearDangerAsSupervisor", Who: actors(auth.Supervisor)}, p.clearDangerAsSupervisor)
}

// dangerLine is a danger, and whether the reader can clear it.
type dangerLine struct {
	inspection.Danger
	To string // where the form that clears it goes, empty if the reader may not
}

// dangersOf are those of a visit as its reader sees them; base is the page.
func (v *view) dangersOf(visit inspection.VisitView, base string) (out []dangerLine) {
	for _, d := range visit.Dangers {
		line := dangerLine{Danger: d}
		own := v.is(inOffice...) && v.by.Department == d.DepartmentID
		second := v.supervises(visit.CentreID) && d.FirstBy != v.by.String()
		if d.ClearedAt.IsZero() && (own || second) {
			line.To = base + "/dangers/" + d.ID + "/clear"
		}
		out = append(out, line)
	}
	return out
}

func (p *site) reportDangerOf(v *view) error {
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	photo, err := v.upload("scan", inspection.MaxScan)
	if err == nil {
		_, err = p.Inspection.ReportDanger(v.ctx(), v.by, inspection.DangerRequest{ParticipantID: own.ID, What: v.form("detail"), Photo: photo, Once: v.once()})
	}
	if err != nil {
		return p.done(v, err, form{"danger", ""}, p.invitation)
	}
	return v.leave("/inbox/"+found.ID, "flash.danger.reported")
}

func (p *site) clearDangerOf(v *view) error { return p.clearDangerOn(v, "/inbox/", p.invitation) }

func (p *site) clearDangerAsSupervisor(v *view) error { return p.clearDangerOn(v, "/visits/", p.visit) }

func (p *site) clearDangerOn(v *view, base string, again handler) error {
	if _, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	danger := v.r.PathValue("danger")
	if err := p.Inspection.ClearDanger(v.ctx(), v.by, v.id(), danger, v.form("reason")); err != nil {
		return p.done(v, err, form{"clear", danger}, again)
	}
	return v.leave(base+v.id()+"#dangers", "flash.danger.cleared")
}
