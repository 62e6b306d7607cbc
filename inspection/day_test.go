package inspection

import (
	"testing"

	"lianban/internal/auth"
	"lianban/internal/db"
)

func TestAnOpinionIsGivenInItsVisitByItsDepartmentOnly(t *testing.T) { // INS-1201, PRO-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		p := w.part(v.ID, "amr")
		opine := func(by auth.Actor) error {
			_, err := w.Opine(ctx, by, OpinionRequest{ParticipantID: p.ID, Kind: Agree})
			return err
		}
		w.refused(opine(w.inspector("amr")), "visit_not_running")
		w.wait(v.Start)
		_, err := w.Start(ctx, w.clerk, v.ID)
		w.must(err)
		for _, by := range []auth.Actor{
			w.inspector("fire"), w.clerk, w.boss, {Kind: auth.KindLink, ID: "x"},
			{Kind: auth.KindPerson, ID: "x", Roles: []auth.Role{auth.Auditor}, Department: w.department("amr")},
			{Kind: auth.KindKey, ID: "k", Divisions: []string{"431103"}, Scopes: []string{scopeCasesWrite}},
		} {
			w.refused(opine(by), "not_your_department")
		}
		_, err = w.NotHeld(ctx, w.clerk, v.ID, "site_not_ready", "店主未到")
		w.must(err)
		w.refused(opine(w.inspector("amr")), "visit_not_running")

		again := w.served() // another case, run to its end
		w.wait(again.Start)
		w.holdVisit(again)
		p = w.part(again.ID, "amr")
		w.refused(opine(w.inspector("amr")), "visit_not_running")
		_, err = w.Plan(ctx, w.clerk, PlanRequest{CaseID: again.CaseID, Kind: KindSite})
		w.refused(err, "visit_exists") // INS-1202: closed counts
		_, err = w.Plan(ctx, w.clerk, PlanRequest{CaseID: v.CaseID, Kind: KindSite})
		w.must(err) // not held does not
	})
}
