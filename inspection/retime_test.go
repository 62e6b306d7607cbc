package inspection

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/uptrace/bun"

	"lianban/inspection/invite"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/notify"
)

// laterSlot is an offer on a later day than the visit has.
func (w *testWorld) laterSlot(v Visit) SlotChoice {
	w.t.Helper()
	answer, err := w.Slots(w.t.Context(), w.clerk, SlotRequest{VisitID: v.ID, Limit: 200})
	w.must(err)
	for _, o := range answer.Offers {
		if o.Date != dateOf(v.Start) {
			return choiceOf(o.Start, o.People)
		}
	}
	w.t.Fatal("no other day")
	return SlotChoice{}
}

// moved is the visit in a new round on another day.
func (w *testWorld) moved(v Visit) Visit {
	w.t.Helper()
	out, err := w.Retime(w.t.Context(), w.clerk, RetimeRequest{VisitID: v.ID, Choice: w.laterSlot(v), Code: "weather", Reason: "预报暴雨"})
	w.must(err)
	return out
}

func (w *testWorld) answer(v Visit, system string, round int, kind ReplyKind) Reply {
	w.t.Helper()
	r := ReplyRequest{ParticipantID: w.part(v.ID, system).ID, Round: round, Kind: kind, Reason: "当日有会", Channel: "portal"}
	if kind == ReplyCounter {
		r.Proposals = []time.Time{w.laterSlot(v).Start}
	}
	out, err := w.Reply(w.t.Context(), w.inspector(system), r)
	w.must(err)
	return out
}

// pendingKinds are the deadlines that run for a round of a visit.
func (w *testWorld) pendingKinds(v Visit, round int) (out []string) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		return q.NewSelect().Model((*DeadlineRow)(nil)).ColumnExpr("DISTINCT kind").Where("round = ? AND state = 'pending'", round).
			Where("subject IN (SELECT id FROM participants WHERE visit_id = ?)", v.ID).Order("kind").Scan(w.t.Context(), &out)
	}))
	return out
}

func TestANewTimeVoidsEveryAnswerAndStartsEveryClockAgain(t *testing.T) { // INS-607, INS-603, INS-701, C15, O11
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		w.tick()
		before := w.part(v.ID, "amr")
		w.answer(v, "fire", 1, ReplyAccept)
		w.answer(v, "urban", 1, ReplyDecline)
		w.clock.forward(time.Hour)
		out := w.moved(v)
		if out.Round != 2 || out.Sequence != 1 || out.State != VisitOffered || out.UID != v.UID || out.Start.Equal(v.Start) {
			t.Fatalf("the visit is %+v", out)
		}
		if left := w.pendingKinds(v, 1); len(left) != 0 {
			t.Errorf("of round 1 still run %v", left)
		}
		for _, system := range []string{"amr", "fire", "urban"} {
			p := w.part(v.ID, system)
			if p.Round != 2 || p.Consent != ConsentUnserved || !p.ServedAt.IsZero() || !p.RespondBy.IsZero() || p.Deadline != nil || p.Opinion != OpinionNone {
				t.Errorf("%s is %+v", system, p.Participant)
			}
			if p.Notice == nil || p.Notice.Round != 2 {
				t.Errorf("%s has no notice of its own for round 2", system)
			}
		}
		w.tick()
		p := w.part(v.ID, "amr")
		if p.Consent != ConsentAwaiting || !p.ServedAt.After(before.ServedAt) || p.RespondBy.Before(before.RespondBy) {
			t.Errorf("the new clock is %s %s, was %s %s", p.ServedAt, p.RespondBy, before.ServedAt, before.RespondBy)
		}
		if got := strings.Join(w.pendingKinds(v, 2), " "); got != "remind_reply remind_visit reply" {
			t.Errorf("of round 2 run %s", got)
		}
		if got := w.leaves(v, "fire"); !strings.Contains(got, "round_void invited") {
			t.Errorf("fire's record: %s", got)
		}
	})
}

func TestTheOldTimeBecomesFreeAndTheNewOneIsTaken(t *testing.T) { // INS-602, INS-603
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v, other := w.newVisit(), w.newDraft()
		old := SlotChoice{Start: v.Start}
		for _, b := range w.bookings(v) {
			old.Resources = append(old.Resources, b.ResourceID)
		}
		_, err := w.Book(t.Context(), w.clerk, BookRequest{VisitID: other.ID, Choice: old})
		w.refused(err, "slot_taken")
		out := w.moved(v)
		for _, b := range w.bookings(v) {
			if b.Round != 2 || !b.Start.Equal(out.Start) || !b.ExpiresAt.IsZero() {
				t.Errorf("occupied: %+v", b)
			}
		}
		second, err := w.Book(t.Context(), w.clerk, BookRequest{VisitID: other.ID, Choice: old})
		w.must(err)
		_, err = w.Retime(t.Context(), w.clerk, RetimeRequest{VisitID: out.ID, Choice: old, Code: "other", Reason: "改回"})
		w.refused(err, "slot_taken")
		if f, _ := fault.From(err); f.Details["alternatives"] == nil {
			t.Error("no alternatives are offered")
		}
		if got := w.bookings(second); len(got) != 6 {
			t.Errorf("%d occupations", len(got))
		}
		if p := w.part(out.ID, "amr"); p.Round != 2 {
			t.Errorf("a refused move left round %d", p.Round)
		}
	})
}

func TestByFiftyMinutesTheSamePeopleMayMove(t *testing.T) { // INS-602: a visit does not stand against itself
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		choice := SlotChoice{Start: v.Start.Add(30 * time.Minute)}
		for _, b := range w.bookings(v) {
			choice.Resources = append(choice.Resources, b.ResourceID)
		}
		_, err := w.Retime(t.Context(), w.clerk, RetimeRequest{VisitID: v.ID, Choice: choice, Code: "applicant_asked", Reason: "申请人要求晚半小时"})
		w.must(err)
	})
}

func TestAMoveNeedsAReasonAndSomethingThatMoves(t *testing.T) { // INS-608, INS-605, INS-612
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		later := w.laterSlot(v)
		soon := SlotChoice{Start: at(18, 10, 0), Resources: later.Resources}
		past := SlotChoice{Start: at(26, 10, 0), Resources: later.Resources}
		for _, c := range []struct {
			code string
			r    RetimeRequest
		}{
			{"reason_code", RetimeRequest{Choice: later, Code: "mood", Reason: "x"}},
			{"reason_missing", RetimeRequest{Choice: later, Code: "weather"}},
			{"nothing_moves", RetimeRequest{Code: "weather", Reason: "x"}},
			{"nothing_moves", RetimeRequest{Place: Site{Address: v.Place}, Code: "weather", Reason: "x"}},
			{"point_invalid", RetimeRequest{Place: Site{Address: "别处", Lat: 100}, Code: "weather", Reason: "x"}},
			{"text_invalid", RetimeRequest{Place: Site{Address: "别\n处"}, Code: "weather", Reason: "x"}},
			{"slot_refused", RetimeRequest{Choice: soon, Code: "weather", Reason: "x"}},
			{"past_limit", RetimeRequest{Choice: past, Code: "weather", Reason: "x", PastLimitWhy: "必须"}},
		} {
			c.r.VisitID = v.ID
			_, err := w.Retime(t.Context(), w.clerk, c.r)
			w.refused(err, c.code)
		}
		out, err := w.Retime(t.Context(), w.boss, RetimeRequest{VisitID: v.ID, Choice: past, Code: "weather", Reason: "连日暴雨", PastLimitWhy: "场所进水"})
		w.must(err)
		if out.PastLimitWhy == "" || out.Round != 2 {
			t.Errorf("moved to %+v", out)
		}
		_, err = w.Retime(t.Context(), w.inspector("fire"), RetimeRequest{VisitID: v.ID, Choice: later, Code: "weather", Reason: "x"})
		w.refused(err, "not_a_window")
		w.until(out.Start)
		_, err = w.Start(t.Context(), w.clerk, v.ID)
		w.must(err)
		_, err = w.Retime(t.Context(), w.clerk, RetimeRequest{VisitID: v.ID, Choice: later, Code: "weather", Reason: "x"})
		w.refused(err, "bad_move")
	})
}

func TestAnotherPlaceIsANewRoundAndTheHistoryKeepsBoth(t *testing.T) { // INS-607, INS-608, ICA-28
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		w.tick()
		out, err := w.Retime(t.Context(), w.clerk, RetimeRequest{
			VisitID: v.ID, Place: Site{Address: "冷水滩区零陵路2号仓库", Lat: 26.44, Lon: 111.62}, Code: "site_not_ready", Reason: "主店装修未完",
		})
		w.must(err)
		if !out.Start.Equal(v.Start) || out.Place != "冷水滩区零陵路2号仓库" || out.MovedTo.Division != "431103" || out.Sequence != 1 {
			t.Errorf("moved to %+v", out)
		}
		w.tick()
		view, err := w.FindVisit(t.Context(), w.clerk, v.ID)
		w.must(err)
		if len(view.Rounds) != 2 || view.Rounds[0].Place != v.Place || view.Rounds[1].Place != out.Place ||
			view.Rounds[1].ReasonCode != "site_not_ready" || view.Rounds[1].OfferedBy != w.clerk.String() {
			t.Errorf("history: %+v", view.Rounds)
		}
		letters := w.sent.of(notify.PurposeNotice, notify.Mail)
		last := letters[len(letters)-1]
		for _, says := range []string{"改期通知", "地点由" + v.Place + "改为" + out.Place, "主店装修未完"} {
			if !strings.Contains(last.Title+last.Text, says) {
				t.Errorf("the notice does not say %q:\n%s", says, last.Text)
			}
		}
	})
}

// calendarIn is the calendar object of a mail.
func calendarIn(t testing.TB, raw []byte) invite.Object {
	t.Helper()
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for {
		part, err := r.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/calendar") {
			body, err := io.ReadAll(part.Body)
			if err != nil {
				t.Fatal(err)
			}
			objects, err := invite.Read(body)
			if err != nil || len(objects) != 1 {
				t.Fatalf("%d objects, %v", len(objects), err)
			}
			return objects[0]
		}
	}
}

func TestTheSecondInvitationHasTheSameUIDAndTheNextSequence(t *testing.T) { // ICA-28, ICA-22
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		w.tick()
		out := w.moved(v)
		w.tick()
		seen := map[string][]invite.Object{}
		for _, m := range w.sent.of(notify.PurposeNotice, notify.Mail) {
			object := calendarIn(t, m.Body)
			seen[m.Address] = append(seen[m.Address], object)
		}
		for to, o := range seen {
			if len(o) != 2 || o[0].UID != o[1].UID || o[0].Sequence != 0 || o[1].Sequence != 1 || !o[1].Start.Equal(out.Start) ||
				!o[1].Stamp.After(o[0].Stamp) || o[0].Organizer.Address != o[1].Organizer.Address {
				t.Errorf("%s got %+v", to, o)
			}
		}
		if len(seen) != 3 {
			t.Errorf("%d departments were invited", len(seen))
		}
		if n := len(w.sent.of(notify.PurposeApplicant, notify.SMS)); n != 2 {
			t.Errorf("the applicant was told %d times", n)
		}
	})
}

func TestAnAnswerToTheOldTimeIsKeptAndHolds(t *testing.T) { // INS-801, INS-807
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		w.tick()
		w.moved(v)
		w.tick()
		r := w.answer(v, "fire", 1, ReplyDecline)
		p := w.part(v.ID, "fire")
		if r.Outcome != OutcomeSuperseded || p.Consent != ConsentAwaiting || len(p.OpenHolds()) != 1 || p.OpenHolds()[0].Reason != HoldSuperseded {
			t.Fatalf("outcome %s, consent %s, holds %+v", r.Outcome, p.Consent, p.OpenHolds())
		}
		w.until(p.RespondBy.Add(time.Hour))
		if len(w.outcomes()) != 2 || w.part(v.ID, "fire").Consent != ConsentAwaiting {
			t.Errorf("fire is %s; %d outcomes", w.part(v.ID, "fire").Consent, len(w.outcomes()))
		}
		w.tick()
		if text := w.inboxLetter(p.ID, notify.PurposeReceipt); !strings.Contains(text, "第1轮") || !strings.Contains(text, "该轮已改期") {
			t.Errorf("the receipt says %s", text)
		}
	})
}

// inboxLetter is the last letter of a purpose in a department's inbox.
func (w *testWorld) inboxLetter(participant, purpose string) (text string) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		sent, err := notify.ListBySubject(w.t.Context(), q, participant, purpose)
		for _, m := range sent {
			if m.Channel == notify.Portal {
				text = m.Text
			}
		}
		return err
	}))
	return text
}

func TestADeemedConsentOfTheOldRoundStaysAsSilence(t *testing.T) { // INS-920, INS-917
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		w.tick()
		w.until(w.part(v.ID, "amr").RespondBy.Add(time.Hour))
		if len(w.outcomes()) != 3 {
			t.Fatalf("%d outcomes", len(w.outcomes()))
		}
		out, err := w.Retime(t.Context(), w.boss, RetimeRequest{
			VisitID: v.ID, Choice: SlotChoice{Start: at(26, 10, 0), Resources: w.laterSlot(v).Resources}, Code: "weather", Reason: "暴雨", PastLimitWhy: "暴雨",
		})
		w.must(err)
		p := w.part(v.ID, "amr")
		if p.Consent != ConsentUnserved || p.Opinion != OpinionNone || p.Attendance != AttendanceExpected || p.Deemed != nil || len(p.DeemedBefore) != 1 {
			t.Errorf("amr is %s %s %s, deemed %v, before %v", p.Consent, p.Opinion, p.Attendance, p.Deemed, p.DeemedBefore)
		}
		w.tick()
		w.answer(out, "amr", 2, ReplyAccept)
		w.verifyBundle(out, "amr")
		w.until(w.part(v.ID, "fire").RespondBy.Add(time.Hour))
		if fire := w.part(v.ID, "fire"); fire.Deemed == nil || fire.Deemed.Round != 2 || len(fire.DeemedBefore) != 1 {
			t.Errorf("fire: %+v %+v", fire.Deemed, fire.DeemedBefore)
		}
		w.verifyBundle(out, "fire")
	})
}

func TestWhatWasNotSentOfTheOldRoundIsDropped(t *testing.T) { // INS-713, ICA-12, INS-809
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		w.tick()
		w.sent.down = true
		w.answer(v, "fire", 1, ReplyAccept)
		half := w.part(v.ID, "amr")
		w.until(half.ServedAt.Add(half.RespondBy.Sub(half.ServedAt) / 2).Add(time.Hour))
		w.moved(v)
		w.sent.down = false
		w.sent.msgs = nil
		w.until(w.clock.Now().Add(2 * time.Hour))
		for _, m := range w.sent.msgs {
			if m.Purpose == notify.PurposeReminder {
				t.Errorf("a reminder of round 1 went out: %s", m.Title)
			}
		}
		if n := len(w.sent.of(notify.PurposeReceipt, notify.Mail)); n != 1 {
			t.Errorf("%d receipts", n)
		}
	})
}

func TestOfTwoWhoMoveToOneTimeOneWins(t *testing.T) { // INS-602
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := []Visit{w.newVisit(), w.newVisit()}
		choice := SlotChoice{Start: at(24, 14, 0), Resources: w.laterSlot(v[0]).Resources}
		errs := make([]error, 2)
		var all sync.WaitGroup
		for i := range v {
			all.Go(func() {
				_, errs[i] = w.Retime(t.Context(), w.clerk, RetimeRequest{VisitID: v[i].ID, Choice: choice, Code: "weather", Reason: "暴雨"})
			})
		}
		all.Wait()
		won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
		if won < 0 || !fault.Is(errs[1-won], "slot_taken") {
			t.Fatalf("%v", errs)
		}
		if p := w.part(v[1-won].ID, "amr"); p.Round != 1 {
			t.Errorf("who lost is in round %d", p.Round)
		}
	})
}

func TestASortedMailAnswersTheRoundThatWasOfferedWhenItCame(t *testing.T) { // INS-801, INS-802
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		w.tick()
		to, raw := w.letter(v, "urban", "同意")
		w.must(w.outbox.Receive(t.Context(), notify.Envelope{ReceivedAt: w.clock.Now(), MailFrom: "urban@dept.example", Rcpt: to, Peer: "edge"}, raw))
		w.clock.forward(time.Minute)
		w.moved(v)
		w.tick()
		p := w.part(v.ID, "urban")
		if len(p.OpenHolds()) != 1 {
			t.Fatalf("an unread mail does not hold on: %+v", p.Holds)
		}
		w.must(w.Sort(t.Context(), w.clerk, SortRequest{MailID: w.inbox()[0].ID, Answer: ReplyAccept, GivenBy: "办公室", Why: "来信写明"}))
		p = w.part(v.ID, "urban")
		if p.Consent != ConsentAwaiting || p.Replies[0].Outcome != OutcomeSuperseded || len(p.OpenHolds()) != 0 {
			t.Errorf("urban is %s, reply %s, holds %+v", p.Consent, p.Replies[0].Outcome, p.OpenHolds())
		}
	})
}

func TestTheLeadTimeIsShortenedByAgreementsToThisMoveOnly(t *testing.T) { // INS-605
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newDraft()
		agree := func() {
			view, err := w.FindVisit(t.Context(), w.clerk, v.ID)
			w.must(err)
			for _, party := range append(ids(comingTo(view.Case, KindSite)), PartyApplicant) {
				_, err := w.RecordAgreement(t.Context(), w.clerk, w.agreement(v, party))
				w.must(err)
				w.must(w.CheckAgreement(t.Context(), w.boss, v.ID, party))
			}
		}
		agree()
		resources := w.bestSlot(v.ID).Resources
		v, err := w.Book(t.Context(), w.clerk, BookRequest{VisitID: v.ID, Choice: SlotChoice{Start: at(18, 15, 0), Resources: resources}})
		w.must(err)
		w.clock.forward(time.Minute)
		sooner := RetimeRequest{VisitID: v.ID, Choice: SlotChoice{Start: at(18, 10, 0), Resources: resources}, Code: "other", Reason: "提前"}
		_, err = w.Retime(t.Context(), w.clerk, sooner)
		w.refused(err, "slot_refused")
		agree()
		_, err = w.Retime(t.Context(), w.clerk, sooner)
		w.must(err)
	})
}

func TestAStrangerLearnsTheRightWindowWhenMoving(t *testing.T) { // INS-203
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		_, err := w.Retime(t.Context(), w.city(), RetimeRequest{VisitID: v.ID, Choice: w.laterSlot(v), Code: "weather", Reason: "x"})
		w.refused(err, "wrong_window")
	})
}
