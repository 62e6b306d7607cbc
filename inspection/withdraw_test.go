package inspection

import (
	"strings"
	"testing"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/notify"
)

func TestADepartmentIsTakenOutAndNobodyElsesClockMoves(t *testing.T) { // INS-608, C14, ICA-32
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		fire, amr := w.part(v.ID, "fire"), w.part(v.ID, "amr")
		r := WithdrawRequest{ParticipantID: fire.ID, Code: "other", Reason: "场所已单独验收", Once: key("withdraw")}
		for _, c := range []struct {
			code string
			by   auth.Actor
			with func(r *WithdrawRequest)
		}{
			{"not_supervisor", w.clerk, func(*WithdrawRequest) {}},
			{"not_a_window", w.inspector("fire"), func(*WithdrawRequest) {}},
			{"wrong_window", w.city(), func(*WithdrawRequest) {}},
			{"lead_stays", w.boss, func(r *WithdrawRequest) { r.ParticipantID = amr.ID }},
			{"reason_code", w.boss, func(r *WithdrawRequest) { r.Code = "weather" }},
			{"reason_missing", w.boss, func(r *WithdrawRequest) { r.Reason = " " }},
		} {
			bad := r
			bad.Once.Value += c.code
			c.with(&bad)
			w.refused(w.Withdraw(t.Context(), c.by, bad), c.code)
		}
		exchange := w.exchange(v, "fire")
		for range 2 { // INS-604
			w.must(w.Withdraw(t.Context(), w.boss, r))
		}
		r.Once = key("once more")
		w.refused(w.Withdraw(t.Context(), w.boss, r), "bad_move")
		_, err := w.Substitute(t.Context(), w.inspector("fire"), exchange) // INS-610
		w.refused(err, "bad_move")
		w.tick()
		got := w.part(v.ID, "fire")
		if got.Consent != ConsentWithdrawn || got.Opinion != OpinionWaived || len(got.People) != 0 {
			t.Errorf("%s %s with %d people", got.Consent, got.Opinion, len(got.People))
		}
		if again := w.part(v.ID, "amr"); !again.RespondBy.Equal(amr.RespondBy) || again.Round != 1 || len(again.People) != 2 {
			t.Errorf("amr is %+v", again.Participant)
		}
		sent := w.sent.of(notify.PurposeCancel, notify.Mail)
		if len(sent) != 1 || !strings.Contains(sent[0].Text, "不再需要贵单位参加") || !strings.Contains(sent[0].Text, r.Reason) {
			t.Fatalf("told: %d %s", len(sent), sent[0].Text)
		}
		if o := calendarIn(t, sent[0].Body); o.Method != "CANCEL" || o.Status != "" || o.Sequence != 1 {
			t.Errorf("%+v", o)
		}
		if _, err := w.FindVisit(t.Context(), w.inspector("fire"), v.ID); err != nil {
			t.Errorf("it cannot read on what it was told: %v", err)
		}
		w.until(amr.RespondBy.Add(grace * 2))
		if len(w.outcomes()) != 2 {
			t.Errorf("%d outcomes", len(w.outcomes()))
		}
	})
}

func TestAVisitGoesOnWithoutAWithdrawnDepartment(t *testing.T) { // INS-608, V5, V11, INS-607
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.answer(v, "amr", 1, ReplyAccept)
		w.answer(v, "urban", 1, ReplyAccept)
		w.must(w.Withdraw(t.Context(), w.boss, WithdrawRequest{ParticipantID: w.part(v.ID, "fire").ID, Code: "error", Reason: "登记有误"}))
		view, err := w.FindVisit(t.Context(), w.clerk, v.ID)
		w.must(err)
		if view.State != VisitConfirmed {
			t.Errorf("with all others settled it is %s", view.State)
		}
		out := w.moved(v)
		w.tick()
		if out.Sequence != 2 || w.part(v.ID, "fire").Consent != ConsentWithdrawn || w.part(v.ID, "fire").Round != 1 || w.part(v.ID, "amr").Round != 2 {
			t.Errorf("moved: sequence %d, fire %s in round %d", out.Sequence, w.part(v.ID, "fire").Consent, w.part(v.ID, "fire").Round)
		}
		_, err = w.Cancel(t.Context(), w.clerk, v.ID, "case_withdrawn", "申请人撤回")
		w.must(err)
		w.tick()
		if n := len(w.sent.of(notify.PurposeCancel, notify.Mail)); n != 3 { // fire once before, two now
			t.Errorf("%d cancellations", n)
		}
		if w.part(v.ID, "fire").Consent != ConsentWithdrawn {
			t.Error("cancelling voids who was withdrawn")
		}
	})
}
