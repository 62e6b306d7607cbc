package api

import (
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

// extensionPages are one page for window and departments: how long the case has, who
// asked for more, and what was decided (INS-1115).
func (p *site) extensionPages() {
	p.on(Route{Method: http.MethodGet, Path: "/cases/{id}/extension", Act: "pageExtension", Who: readCase}, p.extension)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/extension", Act: "pageAskExtension", Who: extenders}, p.askExtensionOf)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/extension/decide", Act: "pageDecideExtension", Who: actors(auth.Head, auth.Supervisor)}, p.decideExtensionOf)
}

type extensionPage struct {
	inspection.ExtensionView
	Back  string
	Once  string
	Today string
}

func (p *site) extension(v *view) error {
	v.here = "/cases/" + v.id() + "/extension"
	found, err := p.Inspection.ExtensionOf(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	d := extensionPage{ExtensionView: found, Back: "/cases/" + v.id(), Once: newOnce(), Today: workday.DateOf(p.now()).String()}
	if !v.is(overseeing...) {
		d.Back = "/"
	}
	return p.show(v, "extension", d)
}

func (p *site) askExtensionOf(v *view) error {
	_, err := p.Inspection.AskExtension(v.ctx(), v.by, inspection.ExtensionRequest{
		CaseID: v.id(), Days: whole(v.form("extension_days")), Reason: v.form("reason"), Once: v.once(),
	})
	if err != nil {
		return p.done(v, err, form{"ask", ""}, p.extension)
	}
	return v.leave("/cases/"+v.id()+"/extension", "flash.extension.asked")
}

func (p *site) decideExtensionOf(v *view) error {
	r := inspection.ExtensionDecision{
		CaseID: v.id(), Outcome: inspection.ExtensionOutcome(v.form("extension_outcome")), Document: v.form("approval_number"), Reason: v.form("reason"), Once: v.once(),
	}
	var err error
	if v.form("approval_date") != "" {
		r.DocumentDate, err = workday.ParseDate(v.form("approval_date"))
	}
	if err == nil {
		err = p.Inspection.DecideExtension(v.ctx(), v.by, r)
	}
	if err != nil {
		return p.done(v, err, form{"decide", ""}, p.extension)
	}
	return v.leave("/cases/"+v.id()+"/extension", "flash.extension."+string(r.Outcome))
}
