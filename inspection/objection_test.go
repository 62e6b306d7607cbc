package inspection

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/once"
	"lianban/notify"
)

// declineWith declines and sends an opinion along.
func (w *testWorld) declineWith(v Visit, system string, o OpinionRequest) (Reply, error) {
	w.t.Helper()
	return w.Reply(w.t.Context(), w.inspector(system), ReplyRequest{
		ParticipantID: w.part(v.ID, system).ID, Round: v.Round, Kind: ReplyDecline, Reason: "全队备勤", Channel: "portal", Opinion: o,
	})
}

func (w *testWorld) objects(v Visit, system string) Objection {
	w.t.Helper()
	o, err := w.Object(w.t.Context(), w.inspector(system), ObjectionRequest{
		ParticipantID: w.part(v.ID, system).ID, Text: "该场所已被列入拆除范围", Channel: "portal",
	})
	w.must(err)
	return o
}

func TestWhoDeclinesIsExpectedAllTheSameAndIsToldSo(t *testing.T) { // INS-813
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.reply(v, "fire", ReplyDecline)
		w.tick()
		p := w.part(v.ID, "fire")
		if p.Consent != ConsentDeclined || p.Attendance != AttendanceExpected || len(p.People) != 2 {
			t.Errorf("fire is %s %s with %d people", p.Consent, p.Attendance, len(p.People))
		}
		if text := w.inboxLetter(p.ID, notify.PurposeReceipt); !strings.Contains(text, "仍须按时派员") || !strings.Contains(text, "不应约处理，并按规定视为同意") {
			t.Errorf("the receipt says %s", text)
		}
		w.reply(v, "amr", ReplyAccept)
		w.tick()
		if text := w.inboxLetter(w.part(v.ID, "amr").ID, notify.PurposeReceipt); strings.Contains(text, "不应约") {
			t.Errorf("who accepts is told %s", text)
		}
	})
}

func TestAWrittenOpinionSentWithADeclineStandsThroughEveryRound(t *testing.T) { // INS-813, INS-607, O11
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		r, err := w.declineWith(v, "fire", OpinionRequest{Kind: Disagree, Text: "安全出口不足，见附件"})
		w.must(err)
		w.tick()
		p := w.part(v.ID, "fire")
		if p.Consent != ConsentDeclined || p.Opinion != OpinionGiven || len(p.Opinions) != 1 || p.Opinions[0].ID != r.OpinionID {
			t.Fatalf("fire is %s %s with %+v", p.Consent, p.Opinion, p.Opinions)
		}
		if text := w.inboxLetter(p.ID, notify.PurposeReceipt); !strings.Contains(text, "书面意见已作为贵单位") || strings.Contains(text, "视为同意。") {
			t.Errorf("the receipt says %s", text)
		}
		w.clock.forward(time.Hour)
		v = w.moved(v)
		w.tick()
		w.until(v.Start.Add(-time.Minute)) // fire is silent about the new time
		p = w.part(v.ID, "fire")
		if p.Round != 2 || p.Opinion != OpinionGiven || p.Deemed != nil {
			t.Errorf("in the new round fire is %s, opinion %s, deemed %v", p.Consent, p.Opinion, p.Deemed)
		}
		if deemed := w.part(v.ID, "amr"); deemed.Deemed == nil {
			t.Error("who gave no opinion is not deemed")
		}
	})
}

func TestAWrittenOpinionStandsAgainstNotComingAndIsTheDepartmentsLine(t *testing.T) { // INS-813, INS-926, INS-1109
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		_, err := w.declineWith(v, "fire", OpinionRequest{Kind: Agree, Text: "图纸审核合格"})
		w.must(err)
		for _, system := range []string{"amr", "urban"} {
			w.reply(v, system, ReplyAccept)
		}
		w.wait(v.Start)
		v, err = w.Start(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.hosts(v)
		for _, system := range []string{"amr", "urban"} {
			w.comes(v, system, 1, 2)
			w.opines(v, w.inspector(system), system, OpinionRequest{Kind: Agree})
		}
		w.wait(v.GraceUntil)
		w.tick()
		for by, role := range map[string]AttestRole{"clerk": AttestWindow, "boss": AttestSupervisor} {
			_, err = w.attests(v, "fire", map[string]auth.Actor{"clerk": w.clerk, "boss": w.boss}[by], role)
			w.must(err)
		}
		w.wait(v.End)
		_, err = w.EndSite(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.until(at(24, 18, 0))
		p := w.part(v.ID, "fire")
		if p.Attendance != AttendanceAbsent || p.Deemed != nil || p.Opinion != OpinionGiven {
			t.Fatalf("fire is %s, opinion %s, deemed %v", p.Attendance, p.Opinion, p.Deemed)
		}
		j, err := w.Close(t.Context(), w.clerk, v.ID, once.Key{})
		w.must(err)
		i := slices.IndexFunc(j.Content.Departments, func(l JointLine) bool { return l.Text == "图纸审核合格" })
		if i < 0 || j.Content.Departments[i].Source != "given" {
			t.Errorf("the joint opinion has %+v", j.Content.Departments)
		}
		err = w.AskAgain(t.Context(), w.inspector("fire"), p.ID, "想再看一次", once.Key{}) // it did not come (INS-1109)
		w.refused(err, "no_second_visit")
	})
}

// INS-813, INS-1003: what a department signed before the day stands, also when
// others of it come after all and sign nothing.
func TestAWrittenOpinionFromBeforeTheDayAsksNobodyOnTheSiteToSign(t *testing.T) {
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.served()
	_, err := w.declineWith(v, "fire", OpinionRequest{Kind: Agree, Text: "图纸审核合格"})
	w.must(err)
	for _, system := range []string{"amr", "urban"} {
		w.reply(v, system, ReplyAccept)
	}
	w.wait(v.Start)
	v, err = w.Start(ctx, w.clerk, v.ID)
	w.must(err)
	w.hosts(v)
	for _, system := range []string{"amr", "urban"} {
		w.comes(v, system, 1, 2)
		w.opines(v, w.inspector(system), system, OpinionRequest{Kind: Agree})
	}
	w.comes(v, "fire", 2, 3)
	w.wait(v.End)
	_, err = w.EndSite(ctx, w.clerk, v.ID)
	w.must(err)
	_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
}

func TestAWrittenOpinionNeedsASignedInPersonAndADecline(t *testing.T) { // INS-813, INS-804
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		p := w.part(v.ID, "fire")
		r := ReplyRequest{ParticipantID: p.ID, Round: 1, Kind: ReplyDecline, Reason: "备勤", Channel: "phone", GivenBy: "周队长", Opinion: OpinionRequest{Kind: Agree}}
		_, err := w.Reply(t.Context(), w.clerk, r)
		w.refused(err, "written_opinion")
		token, code := w.link(v, "fire")
		_, err = w.ReplyByLink(t.Context(), token, code, r)
		w.refused(err, "written_opinion")
		r.Channel, r.Kind = "portal", ReplyAccept
		_, err = w.Reply(t.Context(), w.inspector("fire"), r)
		w.refused(err, "written_opinion")
		_, err = w.declineWith(v, "fire", OpinionRequest{Kind: Disagree})
		w.refused(err, "ground_missing")
		_, err = w.declineWith(v, "fire", OpinionRequest{Kind: Rectify})
		w.refused(err, "opinion_items")
		_, err = w.declineWith(v, "fire", OpinionRequest{Kind: Deferred, Ground: GroundTest})
		w.refused(err, "written_opinion")
		if got := w.part(v.ID, "fire"); got.Consent != ConsentAwaiting || got.Opinion != OpinionNone || len(got.Replies) != 0 {
			t.Errorf("a refused reply left %s %s", got.Consent, got.Opinion)
		}
	})
}

func TestALateWrittenOpinionAgainstADeemedConsentGoesToTheSupervisor(t *testing.T) { // INS-813, INS-916, O8
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-23")
		w.tick()
		w.deemedAt(v, "fire")
		r, err := w.declineWith(v, "fire", OpinionRequest{Kind: Disagree, Text: "安全出口不足"})
		w.must(err)
		p := w.part(v.ID, "fire")
		if r.Outcome != OutcomeLate || p.Opinion != OpinionReview || p.Consent != ConsentDeemed || len(p.Opinions) != 1 {
			t.Errorf("reply %s, fire is %s %s with %d opinions", r.Outcome, p.Consent, p.Opinion, len(p.Opinions))
		}
	})
}

func TestAnObjectionToTheCaseHoldsEverySilenceUntilItIsSettled(t *testing.T) { // INS-814, INS-913
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-24")
		w.tick()
		o := w.objects(v, "fire")
		p := w.part(v.ID, "fire")
		if p.Consent != ConsentAwaiting || p.Opinion != OpinionDraft || !w.hasTask(TaskObjection) || len(p.Objections) != 1 || p.Objections[0].Text != o.Text {
			t.Fatalf("fire is %s %s, objections %+v", p.Consent, p.Opinion, p.Objections)
		}
		w.holdsOn(v, "fire", HoldObjection)
		w.until(p.RespondBy.Add(2 * time.Hour))
		if w.part(v.ID, "fire").Deemed != nil || w.part(v.ID, "amr").Deemed == nil {
			t.Fatal("the objection does not hold, or holds for another")
		}
		w.holdsOn(v, "fire", HoldObjection)
		w.refused(w.EndHold(t.Context(), w.boss, w.part(v.ID, "fire").OpenHolds()[0].ID, "x"), "hold_ends_itself")
		w.refused(w.SettleObjection(t.Context(), w.clerk, RefuseRequest{ParticipantID: p.ID, Reason: "x"}), "not_supervisor")
		w.refused(w.SettleObjection(t.Context(), w.boss, RefuseRequest{ParticipantID: p.ID}), "reason_missing")
		w.must(w.SettleObjection(t.Context(), w.boss, RefuseRequest{ParticipantID: p.ID, Reason: "已核实，不在拆除范围"}))
		w.refused(w.SettleObjection(t.Context(), w.boss, RefuseRequest{ParticipantID: p.ID, Reason: "x"}), "no_objection")
		w.tick()
		after := w.part(v.ID, "fire")
		if len(after.OpenHolds()) != 0 || after.Opinion != OpinionNone || w.hasTask(TaskObjection) || !after.RespondBy.After(p.RespondBy) {
			t.Errorf("settled: %s until %v, was %v, holds %v", after.Opinion, after.RespondBy, p.RespondBy, after.OpenHolds())
		}
		if text := w.inboxLetter(p.ID, notify.PurposeObjection); !strings.Contains(text, "不在拆除范围") || !strings.Contains(text, "反馈是否派员") {
			t.Errorf("fire reads %s", text)
		}
		w.until(after.RespondBy.Add(10 * time.Minute))
		if w.part(v.ID, "fire").Deemed == nil {
			t.Error("settled, and its silence does not count")
		}
	})
}

func TestAnObjectionOutlivesANewRoundAndAnAnswer(t *testing.T) { // INS-814, INS-607
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.objects(v, "fire")
		w.clock.forward(time.Hour)
		v = w.moved(v)
		w.tick()
		if !w.hasTask(TaskObjection) {
			t.Error("the supervisor's task is gone")
		}
		w.until(v.Start.Add(-time.Minute))
		if p := w.part(v.ID, "fire"); p.Deemed != nil || len(p.OpenHolds()) == 0 {
			t.Errorf("in the new round: deemed %v, holds %v", p.Deemed, p.OpenHolds())
		}
		w.answer(v, "fire", 2, ReplyAccept)
		w.holdsOn(v, "fire", HoldObjection)
	})
}

func TestWhoObjectedIsNotDeemedForNotComingNorForSilence(t *testing.T) { // INS-814, INS-913
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for _, system := range []string{"fire", "urban"} {
			w.objects(v, system)
		}
		for _, system := range []string{"amr", "fire", "urban"} {
			w.reply(v, system, ReplyAccept)
		}
		w.wait(v.Start)
		v, err := w.Start(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.hosts(v)
		w.comes(v, "amr", 1, 2)
		w.comes(v, "urban", 1, 2)
		w.wait(v.GraceUntil)
		w.tick()
		_, err = w.attests(v, "fire", w.clerk, AttestWindow)
		w.must(err)
		_, err = w.attests(v, "fire", w.boss, AttestSupervisor)
		w.must(err)
		w.wait(v.End)
		_, err = w.EndSite(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.tick()
		w.until(at(24, 18, 0))
		for _, system := range []string{"fire", "urban"} {
			if p := w.part(v.ID, system); p.Deemed != nil {
				t.Errorf("%s is deemed %s", system, p.Deemed.Reason)
			}
			w.holdsOn(v, system, HoldObjection)
		}
		if w.part(v.ID, "amr").Deemed == nil {
			t.Error("who objected nothing is not deemed")
		}
		w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Agree}) // its own word settles it
		if p := w.part(v.ID, "urban"); p.Opinion != OpinionGiven || p.Objections[0].Outcome != ObjectionOpined || len(p.OpenHolds()) != 0 {
			t.Errorf("urban is %s, %+v", p.Opinion, p.Objections)
		}
	})
}

func TestAnObjectionIsTakenWeaklyAndWithdrawnStrongly(t *testing.T) { // INS-804, INS-814
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		p := w.part(v.ID, "fire")
		r := ObjectionRequest{ParticipantID: p.ID, Text: "产权有争议", Channel: "phone"}
		_, err := w.Object(t.Context(), w.clerk, r)
		w.refused(err, "receiver_missing")
		r.GivenBy = "周队长"
		_, err = w.Object(t.Context(), w.city(), r)
		w.refused(err, "wrong_window")
		_, err = w.Object(t.Context(), w.inspector("amr"), ObjectionRequest{ParticipantID: p.ID, Text: "x", Channel: "portal"})
		w.refused(err, "not_your_department")
		o, err := w.Object(t.Context(), w.clerk, r)
		w.must(err)
		token, code := w.link(v, "fire")
		_, err = w.ObjectByLink(t.Context(), token, "000000", ObjectionRequest{Text: "x"})
		w.refused(err, "code_wrong")
		byLink, err := w.ObjectByLink(t.Context(), token, code, ObjectionRequest{Text: "另有举报待查"})
		w.must(err)
		if o.Strength != L1 || byLink.Strength != L1 || len(w.part(v.ID, "fire").Objections) != 2 {
			t.Errorf("%+v, %+v", o, byLink)
		}
		w.refused(w.WithdrawObjection(t.Context(), w.clerk, p.ID, once.Key{}), "not_your_department")
		w.must(w.WithdrawObjection(t.Context(), w.inspector("fire"), p.ID, once.Key{}))
		if got := w.part(v.ID, "fire"); len(got.OpenHolds()) != 0 || got.Opinion != OpinionNone || got.Objections[1].Open() {
			t.Errorf("withdrawn: %s, %+v", got.Opinion, got.Objections)
		}
		w.refused(w.WithdrawObjection(t.Context(), w.inspector("fire"), p.ID, once.Key{}), "no_objection")
		w.wait(v.Start)
		_, err = w.Start(t.Context(), w.clerk, v.ID)
		w.must(err)
		_, err = w.Object(t.Context(), w.inspector("fire"), ObjectionRequest{ParticipantID: p.ID, Text: "x", Channel: "portal"})
		w.refused(err, "visit_over")
	})
}

func TestAnObjectionEndsWithItsVisit(t *testing.T) { // INS-814, PRO-17
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.objects(v, "fire")
		w.objects(v, "urban")
		w.must(w.Withdraw(t.Context(), w.boss, WithdrawRequest{ParticipantID: w.part(v.ID, "urban").ID, Code: "error", Reason: "无户外招牌"}))
		_, err := w.Cancel(t.Context(), w.clerk, v.ID, "case_withdrawn", "申请人撤回")
		w.must(err)
		for _, system := range []string{"fire", "urban"} {
			if o := w.part(v.ID, system).Objections[0]; o.Outcome != ObjectionOver {
				t.Errorf("%s: %+v", system, o)
			}
		}
		if w.hasTask(TaskObjection) {
			t.Error("a task is left")
		}
	})
}
