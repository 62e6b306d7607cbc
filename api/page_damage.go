package api

import (
	"net/http"

	"lianban/delivery"
)

// damagePages are the part of a result's page on which the window reports damage
// and its department decides (DEL-808).
func (p *site) damagePages() {
	at := func(act, name string, h handler) {
		p.on(Route{
			Method: http.MethodPost, Path: "/items/{id}/" + act, Act: name, Who: actors(keepingThings...), Rate: uploadRate, Body: 2 * delivery.MaxProof,
		}, h)
	}
	at("damage", "pageReportDamage", p.reportDamage)
	at("damage-decide", "pageDecideDamage", p.decideDamage)
}

// damagePart is what the page of a thing offers of it.
type damagePart struct {
	Report, Decide bool
	ForDepartment  bool // the window writes down what the department said
	Choices        []delivery.DamageState
	Once           string
}

func (p *site) damagePart(v *view, i delivery.ItemView) (d damagePart, err error) {
	d.Once, d.Choices = newOnce(), delivery.DamageChoices
	d.Report, d.Decide, err = p.Delivery.MayOnDamage(v.ctx(), v.by, i)
	d.ForDepartment = d.Decide && v.is(atDesk...)
	return d, err
}

func (p *site) reportDamage(v *view) error {
	if _, err := p.Delivery.FindItem(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	sum, err := p.keepUpload(v, "photo")
	if err == nil {
		r := delivery.DamageReport{ItemID: v.id(), What: v.form("reason"), Once: v.once()}
		if sum != "" {
			r.Photos = []string{sum}
		}
		_, err = p.Delivery.ReportDamage(v.ctx(), v.by, r)
	}
	if err != nil {
		return p.done(v, err, form{"damage", ""}, p.item)
	}
	return v.leave("/items/"+v.id()+"#damage", "flash.damage")
}

// decideDamage records the decision on the damage that the page showed.
func (p *site) decideDamage(v *view) error {
	x, err := p.Delivery.DecideDamage(v.ctx(), v.by, delivery.DamageDecision{
		ID: v.form("damage"), State: delivery.DamageState(v.form("decision")), Reason: v.form("reason"),
	})
	if err != nil {
		return p.done(v, err, form{"damage-decide", ""}, p.item)
	}
	return v.leave("/items/"+v.id()+"#damage", "flash.damage-decide."+string(x.State))
}
