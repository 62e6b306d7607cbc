package api

import (
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

// objectionPages are what a department says against the case itself, and what
// becomes of it (INS-814).
func (p *site) objectionPages() {
	const at = "/visits/{id}/parts/{part}/"
	p.on(Route{Method: http.MethodPost, Path: at + "objection", Act: "pageObjectByPhone", Who: actors(atDesk...)}, p.objectByPhone)
	p.on(Route{Method: http.MethodPost, Path: at + "objection-settle", Act: "pageSettleObjection", Who: actors(auth.Supervisor)}, p.settleObjection)
	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/objection", Act: "pageObject", Who: actors(inOffice...)}, p.object)
	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/objection-withdraw", Act: "pageWithdrawObjection", Who: actors(inOffice...)}, p.withdrawObjection)
	p.on(Route{Method: http.MethodPost, Path: "/r/{token}/objection", Act: "pageObjectByLink", Who: anyone, Rate: linkRate}, p.objectByLink)
}

// objection is what a form says.
func (v *view) objection(part, channel string) inspection.ObjectionRequest {
	return inspection.ObjectionRequest{
		ParticipantID: part, Text: v.form("objection"), Channel: channel, GivenBy: v.form("given_by"), Once: v.once(),
	}
}

func (p *site) objectByPhone(v *view) error {
	return p.onPart(v, "object", "flash.objected", func(part string) error {
		_, err := p.Inspection.Object(v.ctx(), v.by, v.objection(part, "phone"))
		return err
	})
}

func (p *site) settleObjection(v *view) error {
	return p.onPart(v, "settle", "flash.objection.settled", func(part string) error {
		return p.Inspection.SettleObjection(v.ctx(), v.by, inspection.RefuseRequest{ParticipantID: part, Reason: v.form("reason"), Once: v.once()})
	})
}

// onMine ends an act of a department on its own part: back to the invitation, or
// the same page with the refusal.
func (p *site) onMine(v *view, f form, flash string, act func(part string) error) error {
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	if err := act(own.ID); err != nil {
		return p.done(v, err, f, p.invitation)
	}
	return v.leave("/inbox/"+found.ID, flash)
}

func (p *site) object(v *view) error {
	return p.onMine(v, form{"object", ""}, "flash.objected", func(part string) error {
		_, err := p.Inspection.Object(v.ctx(), v.by, v.objection(part, "portal"))
		return err
	})
}

func (p *site) withdrawObjection(v *view) error {
	return p.onMine(v, form{"unobject", ""}, "flash.objection.withdrawn", func(part string) error {
		return p.Inspection.WithdrawObjection(v.ctx(), v.by, part, v.once())
	})
}

// objectByLink takes it with the code of the message (INS-803, INS-804).
func (p *site) objectByLink(v *view) error {
	token := v.r.PathValue("token")
	_, err := p.Inspection.ObjectByLink(v.ctx(), token, digits(v.form("code")), v.objection("", "link"))
	if err != nil {
		return p.done(v, err, form{"object", ""}, p.answerLink)
	}
	return v.leave("/r/"+token, "flash.objected")
}
