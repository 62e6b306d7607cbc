package api

import (
	"maps"
	"slices"
	"strings"
	"time"

	"lianban/api/web"
	"lianban/inspection"
)

// begun reports whether a first visit of the case has begun, or its time has come:
// who comes is settled then.
func (d *casePage) begun(now time.Time) bool {
	return slices.ContainsFunc(d.Visits, func(visit inspection.Visit) bool {
		switch visit.State {
		case inspection.VisitOffered, inspection.VisitConfirmed:
			return visit.RevisitOf == "" && !now.Before(visit.Start)
		case inspection.VisitInProgress, inspection.VisitCollecting, inspection.VisitClosed:
			return visit.RevisitOf == ""
		default:
			return false
		}
	})
}

// foreseen is what a change of facts would do to the visits that are booked, shown
// before it is done. Typed are the fields of the form, to be sent again.
type foreseen struct {
	Visits []foreseenVisit
	Typed  []choice
}

type foreseenVisit struct {
	Visit          inspection.Visit
	Added, Dropped []foreseenPart
}

type foreseenPart struct {
	inspection.Joining
	Why   string
	Names []string // of those who would come
}

// amendCase changes answers, or confirms departments that are in doubt. Where that
// changes who comes to a booked visit, it shows what first and does it when it is
// confirmed (INS-308).
func (p *site) amendCase(v *view) error {
	answers, wrong := parseAnswers(v)
	r := inspection.AmendRequest{
		CaseID: v.id(), Answers: answers, ConfirmUnknown: v.form("confirm") == "yes", Version: whole(v.form("version")),
	}
	err := refuseFields(wrong)
	if err == nil && v.form("seen") != "yes" {
		var change inspection.FactsChange
		if change, err = p.Inspection.Foresee(v.ctx(), v.by, r); err == nil && change.Moves() {
			v.foreseen, v.tried = p.foreseenOf(v, change), web.Tried{Act: "amend", Form: v.r.PostForm}
			return p.oneCase(v)
		}
	}
	if err == nil {
		_, err = p.Inspection.Amend(v.ctx(), v.by, r)
	}
	if err != nil {
		return p.done(v, err, form{"amend", ""}, p.oneCase)
	}
	return v.leave("/cases/"+v.id(), "flash.case.amended")
}

func (p *site) foreseenOf(v *view, change inspection.FactsChange) *foreseen {
	out := &foreseen{}
	for _, c := range change.Visits {
		one := foreseenVisit{Visit: c.Visit}
		for _, j := range c.Added {
			part := foreseenPart{Joining: j, Why: j.Because.Because(v.x.lang)}
			for _, r := range j.People {
				part.Names = append(part.Names, r.Name)
			}
			one.Added = append(one.Added, part)
		}
		for _, l := range c.Dropped {
			one.Dropped = append(one.Dropped, foreseenPart{Joining: inspection.Joining{Participant: l.Participant}, Why: l.Because.Because(v.x.lang)})
		}
		out.Visits = append(out.Visits, one)
	}
	for _, name := range slices.Sorted(maps.Keys(v.r.PostForm)) {
		if strings.HasPrefix(name, "q.") || name == "confirm" {
			out.Typed = append(out.Typed, choice{Code: name, Text: v.form(name)})
		}
	}
	return out
}
