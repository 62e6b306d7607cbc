package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

// destroyPages are the part of a thing's page on which two people make it void
// (DEL-946).
func (p *site) destroyPages() {
	at := func(act, name string, h handler) {
		p.on(Route{
			Method: http.MethodPost, Path: "/items/{id}/" + act, Act: name, Who: actors(keepingThings...), Rate: uploadRate, Body: 2 * delivery.MaxProof,
		}, h)
	}
	at("destroy", "pageProposeDestroy", p.proposeDestroy)
	at("destroy-confirm", "pageConfirmDestroy", p.endDestroy("destroy-confirm", (*delivery.Desk).ConfirmDestroy))
	at("destroy-withdraw", "pageWithdrawDestroy", p.endDestroy("destroy-withdraw", (*delivery.Desk).WithdrawDestroy))
	p.on(Route{Method: http.MethodGet, Path: "/items/{id}/files/{sum}", Act: "pageItemFile", Who: readers(following...)}, p.itemFile)
}

// destroyPart is what the page of a thing offers of it.
type destroyPart struct {
	Propose, Confirm, Withdraw bool
	Once                       string
}

func (p *site) destroyPart(v *view, i delivery.ItemView) (d destroyPart, err error) {
	d.Once = newOnce()
	d.Propose, d.Confirm, d.Withdraw, err = p.Delivery.MayDestroy(v.ctx(), v.by, i)
	return d, err
}

func (p *site) proposeDestroy(v *view) error {
	if _, err := p.Delivery.FindItem(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	sum, err := p.keepUpload(v, "photo")
	if err == nil {
		_, err = p.Delivery.ProposeDestroy(v.ctx(), v.by, delivery.DestroyRequest{
			ItemID: v.id(), Reason: v.form("reason"), Photo: sum, Reissue: v.form("reissue") == "yes", Once: v.once(),
		})
	}
	if err != nil {
		return p.done(v, err, form{"destroy", ""}, p.item)
	}
	return v.leave("/items/"+v.id()+"#destroy", "flash.destroy.proposed")
}

// endDestroy confirms or withdraws the proposal that the page showed.
func (p *site) endDestroy(act string, do func(*delivery.Desk, context.Context, auth.Actor, string) (delivery.Destruction, error)) handler {
	return func(v *view) error {
		if _, err := do(p.Delivery, v.ctx(), v.by, v.form("destruction")); err != nil {
			return p.done(v, err, form{act, ""}, p.item)
		}
		return v.leave("/items/"+v.id()+"#destroy", "flash."+act)
	}
}

func (p *site) itemFile(v *view) error {
	blob, body, err := p.Delivery.OpenItemBlob(v.ctx(), v.by, v.id(), v.r.PathValue("sum"))
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", blob.Media)
	_, _ = v.w.Write(body) // a reader who is gone cannot be told
	return nil
}
