package inspection

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/notify"
)

// flue makes ecology come to the restaurant, sign makes urban stay away.
var (
	flue   = Answers{"has_kitchen_flue": YesNo(true)}
	noFlue = Answers{"has_kitchen_flue": YesNo(false)}
	noSign = Answers{"outdoor_sign": YesNo(false)}
)

// amend changes facts of the visit's case as the clerk sees it.
func (w *testWorld) amend(v Visit, a Answers) (Case, error) {
	w.t.Helper()
	return w.Amend(w.t.Context(), w.clerk, AmendRequest{CaseID: v.CaseID, Answers: a, Version: w.caseState(v.CaseID).Version})
}

func (w *testWorld) amended(v Visit, a Answers) VisitView {
	w.t.Helper()
	_, err := w.amend(v, a)
	w.must(err)
	view, err := w.FindVisit(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	return view
}

func TestADepartmentThatHasToComeAfterAllIsAskedAloneWithItsOwnClockAndPeople(t *testing.T) { // INS-308, C1, V5
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for _, system := range []string{"amr", "fire", "urban"} {
			w.answer(v, system, 1, ReplyAccept)
		}
		amr := w.part(v.ID, "amr")
		w.clock.forward(3 * time.Hour)
		view := w.amended(v, flue)
		if view.State != VisitOffered || view.Round != 1 || view.Sequence != 0 || !view.Start.Equal(v.Start) {
			t.Fatalf("the visit is %s in round %d, sequence %d", view.State, view.Round, view.Sequence)
		}
		if got := w.part(v.ID, "ecology"); got.Consent != ConsentUnserved || len(got.People) != 2 || !got.Required {
			t.Fatalf("ecology is %s with %d people", got.Consent, len(got.People))
		}
		w.tick()
		got := w.part(v.ID, "ecology")
		if got.Consent != ConsentAwaiting || !got.RespondBy.After(w.now()) || !got.ServedAt.Equal(w.now()) {
			t.Errorf("ecology is %s until %v", got.Consent, got.RespondBy)
		}
		if again := w.part(v.ID, "amr"); again.Consent != ConsentAccepted || !again.RespondBy.Equal(amr.RespondBy) || !again.ServedAt.Equal(amr.ServedAt) || len(again.Services) != len(amr.Services) {
			t.Errorf("amr moved from %+v to %+v", amr.Participant, again.Participant)
		}
		if n := len(w.sent.of(notify.PurposeNotice, notify.Mail)); n != 4 {
			t.Errorf("%d notices by mail, want one more", n)
		}
		told := w.sent.of(notify.PurposeApplicant, notify.SMS)
		if len(told) != 2 || !strings.Contains(told[1].Text, "有变化") {
			t.Errorf("the applicant was told %d times", len(told))
		}
		w.answer(v, "ecology", 1, ReplyAccept)
		if view, err := w.FindVisit(t.Context(), w.clerk, v.ID); err != nil || view.State != VisitConfirmed {
			t.Errorf("with all settled it is %s, %v", view.State, err)
		}
		w.tick()
		if n := len(w.sent.of(notify.PurposeConfirmed, notify.Mail)); n != 7 { // three, then four
			t.Errorf("who comes was told in %d mails", n)
		}
	})
}

func TestADepartmentThatNeedNotComeAfterAllIsToldWithTheClauseOnRecord(t *testing.T) { // INS-308, INS-307, INS-608, C14
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.answer(v, "amr", 1, ReplyAccept)
		w.answer(v, "fire", 1, ReplyAccept)
		view := w.amended(v, noSign)
		if view.State != VisitConfirmed {
			t.Errorf("with all others settled it is %s", view.State)
		}
		if got := w.part(v.ID, "urban"); got.Consent != ConsentWithdrawn || len(got.People) != 0 {
			t.Errorf("urban is %s with %d people", got.Consent, len(got.People))
		}
		w.must(d.Read(t.Context(), func(q bun.IDB) error {
			entries, err := audit.Stream(t.Context(), q, departmentStream(v.CaseID, w.department("urban")))
			last := entries[len(entries)-1]
			for _, e := range entries {
				if e.Type == "withdrawn" {
					last = e
				}
			}
			if last.Text("clause") != "outdoor_sign" || !strings.HasPrefix(last.Actor, "person:clerk") {
				t.Errorf("%s by %s: clause %q", last.Type, last.Actor, last.Text("clause"))
			}
			return err
		}))
		w.tick()
		sent := w.sent.of(notify.PurposeCancel, notify.Mail)
		if len(sent) != 1 || !strings.Contains(sent[0].Text, "按事项规则不再需要参加") {
			t.Fatalf("%d cancellations", len(sent))
		}
		if _, err := w.FindVisit(t.Context(), w.inspector("urban"), v.ID); err != nil { // it reads on what it was told
			t.Error(err)
		}
		if _, err := w.FindVisit(t.Context(), w.inspector("ecology"), v.ID); !fault.Is(err, "not_found") {
			t.Errorf("who was never asked reads: %v", err)
		}
	})
}

func TestADepartmentLetGoAndAskedAgainOwesANewAnswer(t *testing.T) { // INS-308, INS-801, INS-901
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.answer(v, "urban", 1, ReplyAccept)
		w.amended(v, noSign)
		w.tick()
		view := w.amended(v, Answers{"outdoor_sign": YesNo(true)})
		w.tick()
		got := w.part(v.ID, "urban")
		if got.Consent != ConsentAwaiting || got.Opinion != OpinionNone || len(got.People) != 2 || view.Sequence != 2 || got.Notice.Version != 2 {
			t.Fatalf("urban is %s %s with %d people, sequence %d, notice %d", got.Consent, got.Opinion, len(got.People), view.Sequence, got.Notice.Version)
		}
		w.amended(v, noSign) // and let go again: told again
		w.tick()
		if n := len(w.sent.of(notify.PurposeCancel, notify.Mail)); n != 2 {
			t.Errorf("%d cancellations, want two", n)
		}
		w.amended(v, Answers{"outdoor_sign": YesNo(true)})
		w.tick()
		w.until(w.part(v.ID, "urban").RespondBy.Add(2 * grace))
		if got := w.part(v.ID, "urban"); got.Consent != ConsentDeemed { // the old yes is no answer, nor does it shield
			t.Errorf("urban, silent, is %s", got.Consent)
		}
		w.amended(v, noSign)
		_, err := w.amend(v, Answers{"outdoor_sign": YesNo(true)}) // PRO-2
		w.refused(err, "asked_before")
		w.moved(v)
		w.amended(v, noFlue)
	})
}

func TestADepartmentWithNobodyFreeIsAskedAllTheSameAndNobodyIsBookedTwice(t *testing.T) { // INS-308, INS-602, INS-606
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for _, r := range w.people["ecology"][:2] {
			_, err := w.EnterLeave(t.Context(), w.boss, Absence{ResourceID: r.ID, Kind: "leave", Start: v.Start.Add(-time.Hour), End: v.End}, key(r.ID))
			w.must(err)
		}
		foreseen, err := w.Foresee(t.Context(), w.clerk, AmendRequest{CaseID: v.CaseID, Answers: flue, Version: w.caseState(v.CaseID).Version})
		w.must(err)
		if j := foreseen.Visits[0].Added; len(j) != 1 || !j[0].Short || len(j[0].People) != 0 {
			t.Fatalf("foreseen %+v", j)
		}
		w.amended(v, flue)
		w.tick()
		got := w.part(v.ID, "ecology")
		if got.Consent != ConsentAwaiting || len(got.People) != 0 || !w.hasTask(TaskNoPeople) {
			t.Fatalf("ecology is %s with %d people", got.Consent, len(got.People))
		}
		w.moved(v) // with people of all four
		if w.hasTask(TaskNoPeople) || len(w.part(v.ID, "ecology").People) != 2 {
			t.Errorf("moved: %d people of ecology", len(w.part(v.ID, "ecology").People))
		}
	})
}

func TestAnAnswerThatIsNotDueBeforeTheVisitIsForeseenAndPutsItAtRisk(t *testing.T) { // INS-308, INS-606
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-19")
		w.tick()
		w.until(at(18, 9, 30))
		foreseen, err := w.Foresee(t.Context(), w.clerk, AmendRequest{CaseID: v.CaseID, Answers: flue, Version: w.caseState(v.CaseID).Version})
		w.must(err)
		if j := foreseen.Visits[0].Added[0]; !j.TooLate || j.DueAt.Before(v.Start) {
			t.Errorf("due %v, visit %v, too late %v", j.DueAt, v.Start, j.TooLate)
		}
		w.amended(v, flue)
		w.tick()
		if got := w.part(v.ID, "ecology"); !got.AtRisk || !w.hasTask(TaskAtRisk) {
			t.Errorf("at risk %v", got.AtRisk)
		}
		if w.part(v.ID, "amr").AtRisk {
			t.Error("amr is at risk as well")
		}
	})
}

func TestFactsOfABookedVisitChangeByItsWindowWhileItHasNotBegun(t *testing.T) { // INS-308, INS-201, INS-305
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		c := w.caseState(v.CaseID)
		for _, x := range []struct {
			code string
			by   auth.Actor
			a    Answers
		}{
			{"not_found", w.city(), flue},
			{"not_found", w.inspector("ecology"), flue},
			{"not_a_window", auth.Actor{Kind: auth.KindKey, ID: "platform", Scopes: []string{scopeCasesWrite}, Divisions: []string{"431103"}}, flue},
			{"facts_missing", w.clerk, Answers{"has_kitchen_flue": Answer{}}},
		} {
			_, err := w.Amend(t.Context(), x.by, AmendRequest{CaseID: c.ID, Answers: x.a, Version: c.Version})
			w.refused(err, x.code)
		}
		_, err := w.Amend(t.Context(), w.clerk, AmendRequest{CaseID: c.ID, Answers: Answers{"has_kitchen_flue": Answer{}}, ConfirmUnknown: true, Version: c.Version})
		w.must(err) // in doubt, and confirmed by a person
		if w.part(v.ID, "ecology").Consent != ConsentUnserved {
			t.Error("ecology was not asked")
		}
		w.tick()
		w.until(v.Start)
		_, err = w.amend(v, noFlue)
		w.refused(err, "visit_begun")
		_, err = w.Start(t.Context(), w.clerk, v.ID)
		w.must(err)
		_, err = w.amend(v, noFlue)
		w.refused(err, "visit_begun")
		_, err = w.NotHeld(t.Context(), w.clerk, v.ID, "site_not_ready", "现场情况与填报不符")
		w.must(err)
		after, err := w.amend(v, noFlue) // the way on
		w.must(err)
		if after.State != CaseAccepted {
			t.Errorf("the case is %s", after.State)
		}
	})
}

func TestOfThoseWhoAreFreeTheLeastBusyComeForWhoJoins(t *testing.T) { // INS-308, INS-508
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.amended(w.bookedOn("2026-11-19"), flue)
		v := w.bookedOn("2026-11-20")
		foreseen, err := w.Foresee(t.Context(), w.clerk, AmendRequest{CaseID: v.CaseID, Answers: flue, Version: w.caseState(v.CaseID).Version})
		w.must(err)
		first := foreseen.Visits[0].Added[0].People[0]
		if n := w.count("bookings", "resource_id = '"+first.ID+"'"); n != 0 {
			t.Errorf("%s, who has %d visits, comes before one who has none", first.Name, n)
		}
	})
}

func TestADepartmentTakenOutByHandStaysOutWhenFactsChange(t *testing.T) { // INS-307, INS-308
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.must(w.Withdraw(t.Context(), w.boss, WithdrawRequest{ParticipantID: w.part(v.ID, "fire").ID, Code: "other", Reason: "场所已单独验收"}))
		w.amended(v, flue)
		w.tick()
		if got := w.part(v.ID, "fire"); got.Consent != ConsentWithdrawn || len(got.People) != 0 {
			t.Errorf("fire is %s with %d people", got.Consent, len(got.People))
		}
		if got := w.part(v.ID, "ecology"); got.Consent != ConsentAwaiting {
			t.Errorf("ecology is %s", got.Consent)
		}
		rows := w.caseState(v.CaseID).Departments
		i := slices.IndexFunc(rows, func(r CaseDepartment) bool { return r.System == "fire" })
		if rows[i].Included || rows[i].ManualReason != "场所已单独验收" || rows[i].ChangedBy != w.boss.String() {
			t.Errorf("the case has %+v", rows[i])
		}
	})
}

func TestFactsThatTakeTheLeadAwayNeedTheVisitCancelledFirst(t *testing.T) { // INS-308, V7
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.must(d.Write(t.Context(), func(tx bun.IDB) error { // the lead comes only where there is a sign
			_, err := tx.NewRaw(`UPDATE matter_rules SET condition = 'outdoor_sign' WHERE system = 'amr' AND matter_code = 'M03'`).Exec(t.Context())
			return err
		}))
		v := w.served()
		before := w.counts()
		_, err := w.amend(v, noSign)
		w.refused(err, "lead_changes")
		if w.counts() != before {
			t.Error("something was written")
		}
		_, err = w.Cancel(t.Context(), w.clerk, v.ID, "error", "填报有误")
		w.must(err)
		_, err = w.amend(v, noSign)
		w.must(err)
	})
}

func TestOfTwoClerksWhoChangeFactsAtOnceOneHasTheWord(t *testing.T) { // INS-308, DB-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		c := w.caseState(v.CaseID)
		var all sync.WaitGroup
		errs := make([]error, 4)
		for i, a := range []Answers{flue, noSign, flue, noSign} {
			all.Go(func() {
				_, errs[i] = w.Amend(context.Background(), w.clerk, AmendRequest{CaseID: c.ID, Answers: a, Version: c.Version})
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !fault.Is(err, "case_changed") && !fault.Is(err, "bad_move") {
				t.Errorf("%v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d won: %v", won, errs)
		}
	})
}

func TestWhoIsAddedAndWhoIsBookedElsewhereAtOnceAreNotBookedTwice(t *testing.T) { // INS-308, INS-602, DEC-5
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, system := range []string{"amr", "fire", "urban"} { // enough for two visits at a time
			r := w.people[system][0]
			r.ID, r.Name, r.PersonID = "", r.Name+"丁", system+"4"
			more, err := w.AddResource(t.Context(), systemActor, r, once.Key{})
			w.must(err)
			w.people[system] = append(w.people[system], more)
		}
		for range 6 {
			v := w.newVisit()
			rest := SlotChoice{Start: v.Start, Resources: []string{w.people["ecology"][0].ID, w.people["ecology"][1].ID}}
			for _, system := range []string{"amr", "fire", "urban"} {
				for _, r := range w.people[system] {
					if !slices.ContainsFunc(w.bookings(v), func(b Booking) bool { return b.ResourceID == r.ID }) {
						rest.Resources = append(rest.Resources, r.ID)
					}
				}
			}
			other := restaurant()
			other.Answers["has_kitchen_flue"] = YesNo(true)
			c, err := w.Accept(t.Context(), w.clerk, other)
			w.must(err)
			draft, err := w.Plan(t.Context(), w.clerk, PlanRequest{CaseID: c.ID, Kind: KindSite})
			w.must(err)
			var all sync.WaitGroup
			var booked, amended error
			version := w.caseState(v.CaseID).Version
			all.Go(func() {
				_, booked = w.Book(context.Background(), w.clerk, BookRequest{VisitID: draft.ID, Choice: rest})
			})
			all.Go(func() {
				_, amended = w.Amend(context.Background(), w.clerk, AmendRequest{CaseID: v.CaseID, Answers: flue, Version: version})
			})
			all.Wait()
			if booked != nil && !fault.Is(booked, "slot_taken") || amended != nil && !fault.Is(amended, "people_taken") || booked != nil && amended != nil {
				t.Fatalf("booked: %v, amended: %v", booked, amended)
			}
			if amended == nil {
				short := w.hasTask(TaskNoPeople)
				if n := len(w.part(v.ID, "ecology").People); n != 2 && !short {
					t.Errorf("%d of ecology come, and nobody is asked to mend it", n)
				}
				if booked == nil && !short {
					t.Error("three people are in four places")
				}
			}
			for _, id := range []string{v.ID, draft.ID} {
				_, err = w.Cancel(t.Context(), w.clerk, id, "other", "腾出时间")
				w.must(err)
			}
		}
	})
}

func TestAMoveAndAChangeOfFactsAtOnceLeaveNobodyOut(t *testing.T) { // INS-308, INS-607, DB-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for range 4 {
			v := w.newVisit()
			choice := w.laterSlot(v)
			c := w.caseState(v.CaseID)
			var all sync.WaitGroup
			var moved, amended error
			all.Go(func() {
				_, moved = w.Retime(context.Background(), w.clerk, RetimeRequest{VisitID: v.ID, Choice: choice, Code: "other", Reason: "调整"})
			})
			all.Go(func() {
				_, amended = w.Amend(context.Background(), w.clerk, AmendRequest{CaseID: c.ID, Answers: flue, Version: c.Version})
			})
			all.Wait()
			for _, err := range []error{moved, amended} {
				if err != nil && fault.KindOf(err) != fault.Conflict && !fault.Is(err, "slot_refused") {
					t.Fatalf("moved: %v, amended: %v", moved, amended)
				}
			}
			view, err := w.FindVisit(t.Context(), w.clerk, v.ID)
			w.must(err)
			for _, p := range view.Participants {
				if p.Round != view.Round || len(p.People) != 2 {
					t.Errorf("%s is in round %d of %d with %d people", p.System, p.Round, view.Round, len(p.People))
				}
			}
			if want := len(includedSystems(view.Case.Departments)); len(view.Participants) != want {
				t.Errorf("%d take part, want %d", len(view.Participants), want)
			}
			_, err = w.Cancel(t.Context(), w.clerk, v.ID, "other", "腾出时间")
			w.must(err)
		}
	})
}
