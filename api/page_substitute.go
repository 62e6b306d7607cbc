package api

import (
	"net/http"
	"strings"

	"lianban/inspection"
)

func (p *site) substitutePages() {
	const at = "/visits/{id}/parts/{part}/substitute"
	p.on(Route{Method: http.MethodGet, Path: at, Act: "pageSubstitutes", Who: substitutors}, p.substitutes)
	p.on(Route{Method: http.MethodPost, Path: at, Act: "pageSubstitute", Who: substitutors}, p.substitute)
}

// substitutePage asks who comes in whose place. Comes are only those who can.
type substitutePage struct {
	Visit  inspection.VisitView
	Part   part
	Comes  []inspection.Resource
	Window bool   // the reader enters what a caller said
	Back   string // the page of the visit that the reader has
	Once   string
}

func (p *site) substitutes(v *view) error {
	found, one, err := p.partIn(v, func(one inspection.ParticipantView) bool { return one.ID == v.r.PathValue("part") })
	if err != nil {
		return err
	}
	v.here = "/visits/" + found.ID + "/parts/" + one.ID + "/substitute"
	d := substitutePage{Visit: found, Part: one, Window: v.is(atDesk...), Back: backToPart(v, one.ID), Once: newOnce()}
	if d.Comes, err = p.Inspection.Substitutes(v.ctx(), v.by, one.ID); err != nil {
		return err
	}
	if !one.MaySubstitute {
		http.Redirect(v.w, v.r, d.Back, http.StatusSeeOther)
		return nil
	}
	return p.show(v, "substitute", d)
}

// backToPart is where the reader sees a department's part.
func backToPart(v *view, part string) string {
	if v.is(atDesk...) {
		return "/visits/" + v.id() + "#part-" + part
	}
	return "/inbox/" + v.id()
}

func (p *site) substitute(v *view) error {
	_, one, err := p.partIn(v, func(one inspection.ParticipantView) bool { return one.ID == v.r.PathValue("part") })
	if err != nil {
		return err
	}
	s, err := p.Inspection.Substitute(v.ctx(), v.by, inspection.SubstituteRequest{
		ParticipantID: one.ID, Out: v.form("leaves"), In: v.form("comes"), Reason: v.form("reason"), Caller: v.form("caller"), Once: v.once(),
	})
	if err != nil {
		return p.done(v, err, form{"substitute", ""}, p.substitutes)
	}
	flash := []string{"flash.substituted", "leaves", s.OutName, "comes", s.InName}
	if len(s.Untold) > 0 {
		flash = append(flash, "untold", strings.Join(s.Untold, p.say(v, "list.comma")))
		flash[0] = "flash.substituted.untold"
	}
	return v.leave(backToPart(v, one.ID), flash[0], flash[1:]...)
}
