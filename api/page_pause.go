package api

import (
	"net/http"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
)

// pausePages let the clock of a promise stand still and go on (DEL §7.3).
func (p *site) pausePages() {
	p.on(Route{Method: http.MethodPost, Path: "/parcels/{id}/pause", Act: "pagePause", Who: actors(atDesk...)}, p.pauseParcel)
	p.on(Route{Method: http.MethodPost, Path: "/parcels/{id}/pause-end", Act: "pagePauseEnd", Who: actors(atDesk...)}, p.endPause)
	p.on(Route{Method: http.MethodPost, Path: "/parcels/{id}/pause-review", Act: "pagePauseReview", Who: actors(auth.Supervisor)}, p.reviewPause)
}

// parcelPause is one pause in words, with what may still be done to it.
type parcelPause struct {
	delivery.PauseRow
	Word              string
	Open, Late        bool // Late: it is time to look at it again (DEL-722)
	MayEnd, MayReview bool
}

// fillPauses words the pauses of a parcel and offers the reasons for another.
func (p *site) fillPauses(v *view, d *parcelPage) {
	found, now := d.Parcel, p.Now()
	window, supervisor := v.organises(found.CentreID), v.supervises(found.CentreID)
	open := false
	for _, row := range found.Stood {
		one := parcelPause{PauseRow: row, Word: row.Reason.In(v.x.lang), Open: row.To.IsZero()}
		running := !found.State.Terminal() && (row.To.IsZero() || row.To.After(now))
		one.Late = row.To.IsZero() && !row.ReviewAt.After(now)
		one.MayEnd = running && window && (row.Reason != delivery.PauseForceMajeure || supervisor)
		one.MayReview = one.Late && running && supervisor
		open = open || one.Open
		d.Pauses = append(d.Pauses, one)
	}
	if !window || open || found.DueAt.IsZero() || !found.DueAt.After(now) || !found.Pausable() {
		return
	}
	reasons := []delivery.PauseReason{delivery.PauseApplicantAsked, delivery.PauseUnreachable, delivery.PauseRefused}
	if supervisor {
		reasons = append(reasons, delivery.PauseForceMajeure)
	}
	for _, r := range reasons {
		d.PauseReasons = append(d.PauseReasons, option{string(r), r.In(v.x.lang), false})
	}
}

func (p *site) pauseParcel(v *view) error {
	return p.onParcel(v, form{"pause", ""}, func(delivery.ParcelView) ([]string, error) {
		r := delivery.PauseRequest{
			ParcelID: v.id(), Reason: delivery.PauseReason(v.form("reason")), GivenBy: v.form("given_by"), Channel: v.form("channel"),
			Evidence: v.form("evidence"),
		}
		if text := v.form("slot"); text != "" {
			var err error
			if r.Slot, err = inspection.ParseTime(text); err != nil {
				return nil, err
			}
		}
		_, err := p.Delivery.Pause(v.ctx(), v.by, r)
		return []string{"flash.parcel.paused"}, err
	})
}

func (p *site) endPause(v *view) error {
	pause := v.form("pause")
	return p.onParcel(v, form{"pause-end", pause}, func(delivery.ParcelView) ([]string, error) {
		_, err := p.Delivery.EndPause(v.ctx(), v.by, v.id(), pause, v.form("note"))
		return []string{"flash.parcel.resumed"}, err
	})
}

func (p *site) reviewPause(v *view) error {
	pause := v.form("pause")
	return p.onParcel(v, form{"pause-review", pause}, func(delivery.ParcelView) ([]string, error) {
		_, err := p.Delivery.ReviewPause(v.ctx(), v.by, v.id(), pause, v.form("note"))
		return []string{"flash.parcel.pause_kept"}, err
	})
}
