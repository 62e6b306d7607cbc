package api

import (
	"net/http"
	"time"

	"lianban/inspection"
	"lianban/internal/auth"
)

// contestPages are what a department says of when its notice was served, and what a
// supervisor decides about that (INS-712).
func (p *site) contestPages() {
	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/contest", Act: "pageContest", Who: actors(inOffice...)}, p.contest)
	p.on(Route{Method: http.MethodPost, Path: "/visits/{id}/parts/{part}/contest-decide", Act: "pageDecideContest", Who: actors(auth.Supervisor)}, p.decideContest)
}

func (p *site) contest(v *view) error {
	return p.onMine(v, form{"contest", ""}, "flash.contested", func(part string) error {
		said, err := v.timeIfAny("said_at")
		if err != nil {
			return err
		}
		_, err = p.Inspection.ContestService(v.ctx(), v.by, inspection.ContestRequest{
			ParticipantID: part, Round: whole(v.form("round")), Reason: v.form("reason"), SaidAt: said, Once: v.once(),
		})
		return err
	})
}

func (p *site) decideContest(v *view) error {
	return p.onPart(v, "contest", "flash.contest.decided", func(part string) error {
		served, err := v.timeIfAny("served_at")
		if err != nil {
			return err
		}
		return p.Inspection.DecideContest(v.ctx(), v.by, inspection.ContestDecision{
			ParticipantID: part, Outcome: inspection.ContestOutcome(v.form("contest_outcome")), ServedAt: served, Reason: v.form("reason"), Once: v.once(),
		})
	})
}

// timeIfAny reads an instant that may be left out.
func (v *view) timeIfAny(name string) (time.Time, error) {
	if v.form(name) == "" {
		return time.Time{}, nil
	}
	return inspection.ParseTime(v.form(name))
}
