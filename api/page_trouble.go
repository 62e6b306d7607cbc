package api

import (
	"net/http"
	"slices"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// troublePages are what a window does with a parcel that does not simply arrive
// (DEL §8).
func (p *site) troublePages() {
	at := func(act, name string, who []auth.Role, h handler) {
		p.on(Route{Method: http.MethodPost, Path: "/parcels/{id}/" + act, Act: name, Who: actors(who...), Rate: uploadRate, Body: 2 * delivery.MaxProof}, h)
	}
	for act, name := range map[string]string{
		"hold": "pageHoldParcel", "resume": "pageResumeParcel", "recall": "pageRecallParcel", "found": "pageFoundParcel",
		"lost": "pageParcelLost", "damaged": "pageParcelDamaged", "reassign": "pageReassignParcel",
	} {
		at(act, name, atDesk, p.trouble(act))
	}
	at("post", "pagePostParcel", atDesk, p.trouble("post"))
	at("ask", "pageAskCarrier", atDesk, p.trouble("ask"))
	at("write-off", "pageWriteOff", []auth.Role{auth.Supervisor}, p.trouble("write-off"))
}

// troubleAct is one of these acts as the page offers it.
type troubleAct struct {
	Act                 string
	Danger, Photo, Pick bool
	Second              bool // a second person signs with
	Couriers            []option
	Reissue             bool
}

// fillTrouble offers what can follow where the parcel is.
func (p *site) fillTrouble(v *view, d *parcelPage) error {
	found := d.Parcel
	if !v.organises(found.CentreID) {
		return nil
	}
	for _, one := range []struct {
		what delivery.EventType
		act  troubleAct
	}{
		{delivery.EventResumed, troubleAct{Act: "resume"}}, {delivery.EventOnHold, troubleAct{Act: "hold"}},
		{delivery.EventReturning, troubleAct{Act: "recall"}}, {delivery.EventFound, troubleAct{Act: "found"}},
		{delivery.EventLost, troubleAct{Act: "lost", Danger: true}}, {delivery.EventDamaged, troubleAct{Act: "damaged", Danger: true, Photo: true}},
		{delivery.EventWrittenOff, troubleAct{Act: "write-off", Danger: true, Second: true, Reissue: found.State == delivery.ParcelLost}},
	} {
		if found.May(one.what) && (one.act.Act != "write-off" || v.supervises(found.CentreID)) {
			d.Trouble = append(d.Trouble, one.act)
		}
	}
	if !found.Carried() {
		return nil
	}
	list, err := p.Delivery.Couriers(v.ctx(), v.by)
	move := troubleAct{Act: "reassign", Pick: true}
	for _, c := range list {
		if c.ID != found.CourierID {
			move.Couriers = append(move.Couriers, option{c.ID, c.Name + " · " + p.say(v, "parcel.load", "n", c.Load), false})
		}
	}
	if len(move.Couriers) > 0 {
		d.Trouble = slices.Insert(d.Trouble, 0, move)
	}
	return err
}

// trouble does one of the acts.
func (p *site) trouble(act string) handler {
	return func(v *view) error {
		return p.onParcel(v, form{act, ""}, func(delivery.ParcelView) ([]string, error) {
			err := p.doTrouble(v, act)
			if fault.KindOf(err) == fault.Unauthenticated { // of the second person: said on the form
				err = asForm(err)
			}
			return []string{"flash.parcel." + act}, err
		})
	}
}

// compared asks once for a second look at a number of EMS that may be mistyped, for
// it cannot be changed afterwards. Whoever has looked says so, and it is taken as it
// is: the check is a warning (DEL-214).
func compared(v *view, number string) error {
	doubt := delivery.DoubtEMS(number)
	if doubt == "" || delivery.CheckWaybill(number) != nil || v.form("compared") == "yes" {
		return nil
	}
	return fault.Refuse(fault.Invalid, "waybill_doubt",
		"运单号可能有误：%[1]s。核对无误的，勾选“已与面单核对”再提交", "the number may be wrong: %[2]s. If it is right, tick that you have compared it and send again",
		doubt.In("zh"), doubt.In("en"))
}

func (p *site) doTrouble(v *view, act string) (err error) {
	ctx, id, reason := v.ctx(), v.id(), v.form("reason")
	switch act {
	case "hold":
		_, err = p.Delivery.Hold(ctx, v.by, id, reason)
	case "resume":
		_, err = p.Delivery.Resume(ctx, v.by, id, reason)
	case "recall":
		_, err = p.Delivery.Recall(ctx, v.by, id, reason)
	case "found":
		_, err = p.Delivery.Found(ctx, v.by, id, reason)
	case "post":
		if err = compared(v, v.form("waybill")); err == nil {
			_, err = p.Delivery.Post(ctx, v.by, id, v.form("waybill"))
		}
	case "ask":
		_, err = p.Delivery.AskCarrier(ctx, v.by, id)
	case "reassign":
		_, err = p.Delivery.Reassign(ctx, v.by, []string{id}, v.form("courier"), reason)
	case "write-off":
		_, err = p.Delivery.WriteOff(ctx, v.by, delivery.WriteOffRequest{
			ParcelID: id, Reason: reason, Reissue: v.form("reissue") == "yes",
			Second: auth.Credentials{Login: v.form("second_login"), Password: v.r.PostFormValue("second_password"), Remote: p.clientOf(v.r)},
		})
	default:
		return p.reportHarm(v, delivery.EventType(act), reason)
	}
	return err
}

func (p *site) reportHarm(v *view, what delivery.EventType, reason string) error {
	r := delivery.HarmRequest{ParcelID: v.id(), What: what, Reason: reason}
	sum, err := p.keepUpload(v, "photo")
	if err != nil {
		return err
	}
	if sum != "" {
		r.Photos = []string{sum}
	}
	_, err = p.Delivery.ReportHarm(v.ctx(), v.by, r)
	return err
}
