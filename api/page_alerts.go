package api

import (
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

// alertPages list what ran late, for whoever has to look (DEL-740, DEL §8).
func (p *site) alertPages() {
	p.on(Route{Method: http.MethodGet, Path: "/alerts", Act: "pageAlerts", Who: anywhere(seeAlerts...)}, p.alerts)
	p.on(Route{
		Method: http.MethodPost, Path: "/alerts/{id}/settle", Act: "pageSettleAlert",
		Who: Who{Own: []auth.Role{auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head}, See: seeAlerts, Else: http.StatusForbidden},
	}, p.settleAlert)
	p.on(Route{Method: http.MethodPost, Path: "/parcels/{id}/fault", Act: "pageChangeFault", Who: actors(auth.Supervisor)}, p.changeFault)
}

// alertsPage is the list: what is open, or all that ever was.
type alertsPage struct {
	All    bool
	Alerts []alertLine
}

// alertLine is one alert in words, with the page where it is dealt with.
type alertLine struct {
	delivery.Alert
	Text, Do, Href string
	Tone           string
	MaySettle      bool
}

// lineOfAlert words an alert for the reader.
func (v *view) lineOfAlert(a delivery.Alert) alertLine {
	line := alertLine{Alert: a, Text: a.Kind.Word(v.x.lang), Do: a.Kind.Do(v.x.lang), Tone: "bad"}
	if a.Level == delivery.ForWindow {
		line.Tone = "warn"
	}
	switch {
	case a.BagID != "":
		line.Href = "/bags/" + a.BagID
	case !v.is(overseeing...): // a department sees the alert alone
	case a.TransferID != "":
		line.Href = "/transfers/" + a.TransferID
	case a.Kind.AboutRating():
		line.Href = "/ratings"
	case a.ParcelID != "":
		line.Href = "/parcels/" + a.ParcelID
	case a.Level == delivery.ForDepartment:
		line.Href = "/items/" + a.Subject
	default:
		line.Href = "/cases/" + a.CaseID + "#results"
	}
	open := a.Kind.ByHand() && a.ClearedAt.IsZero()
	switch {
	case a.Level == delivery.ForDepartment:
		line.MaySettle = open && !v.is(auth.Auditor)
	case a.Level == delivery.ForWindow:
		line.MaySettle = open && v.organises(a.CentreID)
	default:
		line.MaySettle = open && v.supervises(a.CentreID)
	}
	return line
}

func (p *site) alerts(v *view) error {
	v.here = "/alerts"
	d := alertsPage{All: v.query("state") == "all"}
	list, err := p.Delivery.ListAlerts(v.ctx(), v.by, delivery.AlertQuery{All: d.All, Limit: 200})
	for _, a := range list {
		d.Alerts = append(d.Alerts, v.lineOfAlert(a))
	}
	if err != nil {
		return err
	}
	return p.show(v, "alerts", d)
}

// openAlerts are the alerts that the reader has to look at, for a first page.
func (p *site) openAlerts(v *view) (out []alertLine, err error) {
	query := delivery.AlertQuery{Level: delivery.ForWindow, Limit: 10}
	switch {
	case v.is(auth.Supervisor):
		query.Level = ""
	case v.is(auth.Auditor):
		query.Level = delivery.ForOversight
	case v.is(inOffice...):
		query.Level = delivery.ForDepartment
	}
	list, err := p.Delivery.ListAlerts(v.ctx(), v.by, query)
	for _, a := range list {
		out = append(out, v.lineOfAlert(a))
	}
	return out, err
}

func (p *site) settleAlert(v *view) error {
	if _, err := p.Delivery.SettleAlert(v.ctx(), v.by, v.id(), v.form("note")); err != nil {
		return p.done(v, err, form{"settle", v.id()}, p.alerts)
	}
	return v.leave("/alerts", "flash.alert.settled")
}

// changeFault changes on whose side a failed attempt was (DEL-411).
func (p *site) changeFault(v *view) error {
	attempt := v.form("attempt")
	return p.onParcel(v, form{"fault", attempt}, func(delivery.ParcelView) ([]string, error) {
		_, err := p.Delivery.ChangeFault(v.ctx(), v.by, delivery.FaultChange{
			ParcelID: v.id(), AttemptID: attempt, Fault: delivery.Fault(v.form("fault")), Reason: v.form("reason"),
		})
		return []string{"flash.parcel.fault"}, err
	})
}
