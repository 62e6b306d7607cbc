package inspection

import (
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/once"
)

// INS-1201, INS-1202, INS-1109: whatever anybody calls, in whatever order, nobody
// has been on the site but in a visit that the window of the site planned and
// started, a case has one first visit of a kind at a time, and a revisit has those
// departments alone that asked for something to be seen. In every second world the
// first visit is over and has left a list.
func TestNoSequenceOfCallsMakesASeparateInspection(t *testing.T) {
	seeds(t, choose(3, 60), func(t *testing.T, seed uint64) {
		w, r := newWorld(t, town.SQLite(t)), newDice(seed, 12)
		ctx := t.Context()
		var visits []Visit
		caseID, steps, acts := "", 160, 10
		if seed%2 == 0 {
			v := w.rectifiedWith(toSee())
			w.given(v, 1)
			visits, caseID, steps, acts = []Visit{v}, v.CaseID, 700, 16
		} else {
			caseID = w.newCase().ID
		}
		elsewhere := w.clerk
		elsewhere.ID, elsewhere.Centre = "elsewhere", "another-centre"
		actors := []auth.Actor{
			w.clerk, w.clerk, w.clerk, w.boss, elsewhere, w.nth("amr", 1), w.nth("fire", 1), w.nth("urban", 1), w.nth("ecology", 1),
			{Kind: auth.KindPerson, ID: "head", Roles: []auth.Role{auth.Head}, Department: w.department("fire")},
			{Kind: auth.KindPerson, ID: "auditor", Roles: []auth.Role{auth.Auditor}}, {Kind: auth.KindPerson, ID: "courier", Roles: []auth.Role{auth.Courier}},
			{Kind: auth.KindLink, ID: "link"}, {Kind: auth.KindKey, ID: "key", Divisions: []string{"431103"}, Scopes: []string{scopeCasesWrite}},
		}
		systems := []string{"amr", "fire", "urban"}
		for range steps {
			by, system := actors[r.IntN(len(actors))], systems[r.IntN(3)]
			act := r.IntN(acts)
			if len(visits) == 0 || act == 0 {
				if v, err := w.Plan(ctx, by, PlanRequest{CaseID: caseID, Kind: KindSite}); err == nil {
					visits = append(visits, v)
				}
				continue
			}
			v, part := visits[r.IntN(len(visits))], ""
			if acts > 10 && r.likely(8) {
				v = visits[len(visits)-1]
			}
			if view, err := w.FindVisit(ctx, systemActor, v.ID); err == nil {
				for _, p := range view.Participants {
					if p.System == system {
						part = p.ID
					}
				}
				v = view.Visit
			}
			switch act { // what is refused is refused; what is done shows in the rows
			case 1:
				if v.State != VisitDraft {
					break
				}
				if found, err := w.Slots(ctx, w.clerk, SlotRequest{VisitID: v.ID, Limit: 1, PastLimit: true}); err == nil && len(found.Offers) > 0 {
					_, _ = w.Book(ctx, by, BookRequest{VisitID: v.ID, Choice: choiceOf(found.Offers[0].Start, found.Offers[0].People), PastLimitWhy: "期限已过"})
				}
			case 2:
				if v.movable() && !v.Start.IsZero() && r.likely(7) {
					w.wait(v.Start)
				}
				_, _ = w.Start(ctx, by, v.ID)
			case 3, 4:
				way := []string{ByPhone, ByWindow, ByPaper}[r.IntN(3)]
				_, _ = w.CheckIn(ctx, by, CheckInRequest{
					VisitID: v.ID, Party: []string{part, part, PartyWindow, PartyApplicant}[r.IntN(4)], Way: way, Name: "某人",
					Certificate: string(rune('A' + r.IntN(26))), CameAt: w.now(), Scan: w.image(),
				})
			case 5, 6:
				request := OpinionRequest{ParticipantID: part, Kind: []OpinionKind{Agree, Agree, Rectify}[r.IntN(3)]}
				if rect := w.viewNow(v).Rectification; rect != nil && request.Kind == Rectify {
					item := rect.Items[r.IntN(len(rect.Items))]
					request.Items = []RectifyItem{{ID: item.ID, Finding: "别的", Clause: "别的", Verify: VerifyVisit, Days: 3}}
				}
				_, _ = w.Opine(ctx, by, request)
			case 7:
				_, _ = w.EndSite(ctx, by, v.ID)
			case 8:
				_, _ = w.Close(ctx, by, v.ID, once.Key{})
			case 10, 11:
				if made, err := w.PlanRevisit(ctx, by, v.ID, 0, once.Key{}); err == nil {
					visits = append(visits, made)
				}
			case 12:
				_, _ = w.RequestRevisit(ctx, by, AskRequest{VisitID: v.ID, Channel: "phone", Person: "李梅"})
			case 13:
				_ = w.AskAgain(ctx, by, part, "想再去看看", once.Key{})
			case 14:
				request := AddRequest{ParticipantID: part, Ground: GroundDanger, Reason: "燃气泄漏", Item: toSee()[0]}
				if a, err := w.ProposeItem(ctx, by, request); err == nil {
					_ = w.DecideItem(ctx, w.boss, v.ID, a.ID, r.likely(2), "现场核实")
				}
			case 15:
				_, _ = w.GiveList(ctx, by, w.handOver(v, 1+r.IntN(3)))
				_ = w.DecideTerm(ctx, by, TermDecision{VisitID: v.ID, Revisit: true, Reason: "直接复勘"})
			case 9:
				if r.likely(2) {
					_, _ = w.NotHeld(ctx, by, v.ID, "site_not_ready", "门锁")
					_, _ = w.Cancel(ctx, by, v.ID, "other", "改期")
				}
			}
		}
		w.onlyInVisits()
		if len(visits) == 0 {
			t.Error("nobody planned anything")
		}
	})
}

// onlyInVisits looks at what the calls have left.
func (w *testWorld) onlyInVisits() {
	w.t.Helper()
	ctx := w.t.Context()
	w.must(w.DB.Read(ctx, func(q bun.IDB) error {
		for what, query := range map[string]string{
			"a check-in outside a started visit": "SELECT count(*) FROM checkins AS c JOIN visits AS v ON v.id = c.visit_id WHERE v.started_at IS NULL",
			"an opinion outside a started visit": "SELECT count(*) FROM opinions AS o JOIN visits AS v ON v.id = o.visit_id WHERE v.started_at IS NULL",
			"a visit that no window planned":     "SELECT count(*) FROM visits WHERE created_by NOT IN ('person:clerk', 'person:boss')",
			"two first visits of one kind at a time": "SELECT count(*) FROM (SELECT case_id FROM visits WHERE revisit_of = '' AND state NOT IN ('cancelled', 'not_held') " +
				"GROUP BY case_id, kind HAVING count(*) > 1) AS twice",
			"a revisit by a department that asked for nothing": "SELECT count(*) FROM participants AS p JOIN visits AS v ON v.id = p.visit_id WHERE v.revisit_of <> '' " +
				"AND NOT EXISTS (SELECT 1 FROM rectify_items AS i WHERE i.visit_id = v.revisit_of AND i.department_id = p.department_id AND i.verify = 'visit')",
			"a revisit that nobody asked for": "SELECT count(*) FROM visits AS v WHERE v.revisit_of <> '' AND NOT EXISTS (SELECT 1 FROM revisit_requests AS q WHERE q.visit_id = v.revisit_of AND q.asked_at <= v.created_at)",
			"two revisits at a time": "SELECT count(*) FROM (SELECT revisit_of FROM visits WHERE revisit_of <> '' AND state NOT IN ('cancelled', 'not_held', 'closed') " +
				"GROUP BY revisit_of HAVING count(*) > 1) AS twice",
			"an opinion by another department": "SELECT count(*) FROM opinions WHERE given_by NOT IN ('amr1', 'fire1', 'urban1', 'head')",
		} {
			var n int
			if err := q.NewRaw(query).Scan(ctx, &n); err != nil {
				return err
			}
			if n != 0 {
				w.t.Errorf("%d times %s", n, what)
			}
		}
		return nil
	}))
}
