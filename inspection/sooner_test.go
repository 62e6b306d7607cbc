package inspection

import (
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
)

// agreement is the sealed paper of one party.
func (w *testWorld) agreement(v Visit, party string) AgreementRequest {
	return AgreementRequest{VisitID: v.ID, Party: party, Signer: "周科长", Scan: Scan{Name: "agreed.png", Bytes: slip(w.t)}}
}

// second is another person of the same window.
func (w *testWorld) second() auth.Actor {
	other := w.clerk
	other.ID, other.Name = "clerk2", "刘洋"
	return other
}

// INS-605: two working days, one with everybody's agreement that a second person
// has checked, never less.
func TestAVisitOnTheNextWorkingDayNeedsTheCheckedAgreementOfAll(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		draft := w.newDraft()
		soon := w.bestSlot(draft.ID)
		soon.Start = soon.Start.AddDate(0, 0, -1)
		book := func() error {
			_, err := w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: soon})
			return err
		}
		w.refused(book(), "slot_refused")
		parties := []string{w.department("amr"), w.department("fire"), w.department("urban"), PartyApplicant}
		for _, party := range parties {
			_, err := w.RecordAgreement(ctx, w.clerk, w.agreement(draft, party))
			w.must(err)
		}
		w.refused(book(), "slot_refused") // nobody has checked them
		for _, party := range parties {
			w.refused(book(), "slot_refused")
			w.refused(w.CheckAgreement(ctx, w.clerk, draft.ID, party), "agreement_second")
			w.must(w.CheckAgreement(ctx, w.second(), draft.ID, party))
		}
		today := soon
		today.Start = w.now().Add(3 * time.Hour)
		_, err := w.Book(ctx, w.clerk, BookRequest{VisitID: draft.ID, Choice: today})
		w.refused(err, "slot_refused")
		if first := w.bestSlot(draft.ID); dateOf(first.Start) != dateOf(soon.Start) {
			t.Errorf("the first offer is on %s, want %s", dateOf(first.Start), dateOf(soon.Start))
		}
		w.must(book())
		view, err := w.FindVisit(ctx, w.clerk, draft.ID)
		w.must(err)
		if len(view.Agreements) != len(parties) {
			t.Errorf("the record lists %d agreements, want %d", len(view.Agreements), len(parties))
		}
		counts := w.leafCounts()
		if counts["agreement_recorded"] != len(parties) || counts["agreement_checked"] != len(parties) {
			t.Errorf("leaves %v", counts)
		}
	})
}

// INS-605: a paper that is replaced is checked again; a department that comes
// because of an answer given later has to agree as well.
func TestAnAgreementReplacedIsToBeCheckedAgain(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		draft := w.newDraft()
		fire := w.department("fire")
		first, err := w.RecordAgreement(ctx, w.clerk, w.agreement(draft, fire))
		w.must(err)
		w.must(w.CheckAgreement(ctx, w.second(), draft.ID, fire))
		w.refused(w.CheckAgreement(ctx, w.second(), draft.ID, fire), "agreement_checked")
		again, err := w.RecordAgreement(ctx, w.second(), w.agreement(draft, fire))
		w.must(err)
		if again.ID == first.ID || !again.CheckedAt.IsZero() {
			t.Errorf("the new paper is %+v", again)
		}
		w.refused(w.CheckAgreement(ctx, w.second(), draft.ID, fire), "agreement_second")
		w.must(w.CheckAgreement(ctx, w.clerk, draft.ID, fire))
	})
}

func TestAnAgreementIsRefusedWhereItBindsNobody(t *testing.T) { // INS-605
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		draft := w.newDraft()
		good := w.agreement(draft, PartyApplicant)
		for code, change := range map[string]func(*AgreementRequest){
			"not_found":     func(r *AgreementRequest) { r.VisitID = "nothing" },
			"party_unknown": func(r *AgreementRequest) { r.Party = w.department("ecology") },
			"text_invalid":  func(r *AgreementRequest) { r.Signer = "" },
			"scan_missing":  func(r *AgreementRequest) { r.Scan = Scan{} },
			"scan_type":     func(r *AgreementRequest) { r.Scan.Bytes = []byte("%PDF-1.7") },
		} {
			r := good
			change(&r)
			_, err := w.RecordAgreement(ctx, w.clerk, r)
			w.refused(err, code)
		}
		_, err := w.RecordAgreement(ctx, w.city(), good)
		w.refused(err, "wrong_window")
		w.refused(w.CheckAgreement(ctx, w.second(), draft.ID, PartyApplicant), "not_found")
		over := w.newVisit()
		_, err = w.Cancel(ctx, w.clerk, over.ID, "other", "撤回")
		w.must(err)
		_, err = w.RecordAgreement(ctx, w.clerk, w.agreement(over, PartyApplicant))
		w.refused(err, "bad_move")
	})
}
