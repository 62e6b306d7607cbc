package inspection

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/png"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/notify"
)

// link reads token and code from the mail that a department got.
func (w *testWorld) link(v Visit, system string) (token, code string) {
	w.t.Helper()
	p := w.part(v.ID, system)
	for _, m := range w.sent.of(notify.PurposeNotice, notify.Mail) {
		if m.Subject == p.ID {
			text := plainText(w.t, m.Body)
			token = regexp.MustCompile(`/r/(\S+)`).FindStringSubmatch(text)[1]
			return token, regexp.MustCompile(`反馈码：(\d{6})`).FindStringSubmatch(text)[1]
		}
	}
	w.t.Fatalf("%s got no mail", system)
	return "", ""
}

func plainText(t testing.TB, raw []byte) string {
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for {
		part, err := r.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if kind := part.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/plain") {
			b, err := io.ReadAll(part.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
}

func TestAnAnswerThroughTheLinkNeedsTheCodeFromTheMail(t *testing.T) { // INS-803, DEC-2
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		token, code := w.link(v, "fire")
		_, err := w.ReplyByLink(ctx, token, wrong(code), ReplyRequest{Round: 1, Kind: ReplyAccept})
		w.refused(err, "code_wrong")
		if got := w.part(v.ID, "fire"); got.Consent != ConsentAwaiting {
			t.Fatalf("a wrong code made %s", got.Consent)
		}
		r, err := w.ReplyByLink(ctx, token, code, ReplyRequest{Round: 1, Kind: ReplyAccept})
		w.must(err)
		got := w.part(v.ID, "fire")
		if got.Consent != ConsentAccepted || r.Strength != L1 || r.Receipt == "" {
			t.Errorf("%s at L%d, receipt %q", got.Consent, r.Strength, r.Receipt)
		}
		if got.Opinion != OpinionNone { // INS-804: it comes, and no more
			t.Errorf("a weak yes became an opinion: %s", got.Opinion)
		}
		if !slices.ContainsFunc(got.Services, func(s Service) bool { return s.Class == "A" && s.Channel == "link" }) {
			t.Errorf("an answer with the code proves nothing: %+v", got.Services)
		}
		_, err = w.ReplyByLink(ctx, token, code, ReplyRequest{Round: 1, Kind: ReplyDecline, Reason: "临时有任务"}) // not single-use
		w.must(err)
		if got := w.part(v.ID, "fire"); got.Consent != ConsentDeclined || len(got.Replies) != 2 {
			t.Errorf("the last answer counts: %s of %d", got.Consent, len(got.Replies))
		}
	})
}

func wrong(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

func TestFiveWrongCodesLockTheLinkAndHoldTheDepartment(t *testing.T) { // INS-803, SEC-11
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		token, code := w.link(v, "fire")
		for range 5 {
			if _, err := w.ReplyByLink(ctx, token, wrong(code), ReplyRequest{Round: 1, Kind: ReplyAccept}); err == nil {
				t.Fatal("a wrong code was taken")
			}
		}
		_, err := w.ReplyByLink(ctx, token, code, ReplyRequest{Round: 1, Kind: ReplyAccept})
		w.refused(err, "link_locked")
		w.holdsOn(v, "fire", HoldLink)
		if !w.hasTask(TaskLink) {
			t.Error("nobody is told to call")
		}
		w.until(v.Start.Add(-time.Minute))
		if w.part(v.ID, "fire").Deemed != nil {
			t.Error("deemed while the link is locked")
		}
	})
}

func TestALinkSpeaksForItsOwnDepartmentOnly(t *testing.T) { // SEC-11
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		token, code := w.link(v, "fire")
		_, err := w.ReplyByLink(t.Context(), token, code, ReplyRequest{ParticipantID: w.part(v.ID, "amr").ID, Round: 1, Kind: ReplyAccept})
		w.must(err)
		if got := w.part(v.ID, "amr").Consent; got != ConsentAwaiting {
			t.Errorf("amr is %s by the fire department's link", got)
		}
		_, err = w.Reply(t.Context(), auth.Actor{Kind: auth.KindLink, ID: "x"}, ReplyRequest{ParticipantID: w.part(v.ID, "amr").ID, Round: 1, Kind: ReplyAccept})
		w.refused(err, "not_found")
		w.must(d.Write(t.Context(), func(tx bun.IDB) (err error) { // made for something else
			token, code, err = auth.NewLink(t.Context(), tx, auth.Link{Purpose: "rating", Subject: w.part(v.ID, "amr").ID, CreatedAt: w.now(), ExpiresAt: v.Start})
			return err
		}))
		_, err = w.ReplyByLink(t.Context(), token, code, ReplyRequest{Round: 1, Kind: ReplyAccept})
		w.refused(err, "not_found")
	})
}

func TestAnAnswerThroughTheLinkCountsFromItsArrival(t *testing.T) { // INS-802, PRO-13
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		token, code := w.link(v, "fire")
		t2 := w.deemedAt(v, "fire").RespondBy
		r, err := w.ReplyByLink(t.Context(), token, code, ReplyRequest{Round: 1, Kind: ReplyDecline, Reason: "有会", ReceivedAt: t2})
		w.must(err)
		if got := w.part(v.ID, "fire"); r.Outcome != OutcomeLate || got.Consent != ConsentDeemed || !got.Deemed.SuspendedAt.IsZero() {
			t.Errorf("dated back: %s, then %s", r.Outcome, got.Consent)
		}
	})
}

func TestAnAnswerByTelephoneOrMailIsWeak(t *testing.T) { // INS-804, INS-805
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for _, system := range []string{"amr", "fire"} {
			w.reply(v, system, ReplyDecline) // signed in
		}
		w.clock.forward(time.Minute)
		r, err := w.Reply(t.Context(), w.clerk, ReplyRequest{ParticipantID: w.part(v.ID, "amr").ID, Round: 1, Kind: ReplyAccept, Channel: "phone", GivenBy: "周"})
		w.must(err)
		if r.Strength != L1 || r.Outcome != OutcomeHeld {
			t.Errorf("by telephone: L%d, %s", r.Strength, r.Outcome)
		}
		w.mail(v, "fire", "可以参加")
		w.must(w.sort(ReplyAccept))
		replies := w.part(v.ID, "fire").Replies
		if r := replies[len(replies)-1]; r.Strength != L1 || r.Outcome != OutcomeHeld {
			t.Errorf("by mail: L%d, %s", r.Strength, r.Outcome)
		}
		for _, system := range []string{"amr", "fire"} {
			if got := w.part(v.ID, system).Consent; got != ConsentDeclined {
				t.Errorf("%s is %s by a weaker yes", system, got)
			}
		}
		_, err = w.Reply(t.Context(), w.clerk, ReplyRequest{ParticipantID: w.part(v.ID, "urban").ID, Round: 1, Kind: ReplyDecline, Reason: "有会", Channel: "phone", GivenBy: "周"})
		w.must(err)
		if got := w.part(v.ID, "urban").Consent; got != ConsentDeclined { // a weak no stops silence all the same
			t.Errorf("a no by telephone: %s", got)
		}
	})
}

func TestNobodyAnswersForAnotherDepartment(t *testing.T) { // PRO-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		p := w.part(v.ID, "amr")
		_, err := w.Reply(t.Context(), w.inspector("fire"), ReplyRequest{ParticipantID: p.ID, Round: 1, Kind: ReplyAccept, Channel: "portal"})
		w.refused(err, "not_your_department")
		w.refused(w.Opened(t.Context(), w.inspector("fire"), p.ID), "not_your_department")
		auditor := auth.Actor{Kind: auth.KindPerson, ID: "x", Roles: []auth.Role{auth.Auditor}, Department: p.DepartmentID}
		_, err = w.Reply(t.Context(), auditor, ReplyRequest{ParticipantID: p.ID, Round: 1, Kind: ReplyAccept, Channel: "portal"})
		w.refused(err, "not_your_department") // neither inspector nor head
		for code, by := range map[string]auth.Actor{"not_a_window": w.inspector("amr"), "wrong_window": w.city()} {
			_, err = w.Reply(t.Context(), by, ReplyRequest{ParticipantID: p.ID, Round: 1, Kind: ReplyAccept, Channel: "phone", GivenBy: "周"})
			w.refused(err, code)
			w.refused(w.ServeByHand(t.Context(), by, HandServiceRequest{ParticipantID: p.ID, Channel: "phone", Receiver: "周", At: w.now()}), code)
			w.refused(w.Confirm(t.Context(), by, p.ID), code)
		}
		_, err = w.FindVisit(t.Context(), auth.Actor{Kind: auth.KindPerson, ID: "x", Roles: []auth.Role{auth.Inspector}, Department: "431102-amr"}, v.ID)
		w.refused(err, "not_found") // unknown and out of scope are the same (SEC-3)
	})
}

func TestWhatAReplyMustSay(t *testing.T) { // INS-801, INS-810
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		p := w.part(v.ID, "fire")
		for _, c := range []struct {
			r    ReplyRequest
			code string
		}{
			{ReplyRequest{Kind: "maybe"}, "reply_kind"},
			{ReplyRequest{Kind: ReplyDecline, Reason: " "}, "reason_missing"},
			{ReplyRequest{Kind: ReplyExcuse}, "reason_missing"},
			{ReplyRequest{Kind: ReplyCounter}, "proposals"},
			{ReplyRequest{Kind: ReplyCounter, Proposals: []time.Time{v.Start}}, "proposals"},
			{ReplyRequest{Kind: ReplyCounter, Proposals: []time.Time{w.now().Add(-time.Hour)}}, "proposals"},
			{ReplyRequest{Kind: ReplyCounter, Proposals: slices.Repeat([]time.Time{v.Start.Add(time.Hour)}, 4)}, "proposals"},
			{ReplyRequest{Kind: ReplyDelegate, Delegate: "nobody"}, "delegate_outside"},
		} {
			c.r.ParticipantID, c.r.Round, c.r.Channel = p.ID, 1, "portal"
			_, err := w.Reply(t.Context(), w.inspector("fire"), c.r)
			if !fault.Is(err, c.code) {
				t.Errorf("%s %q: %v, want %s", c.r.Kind, c.r.Reason, err, c.code)
			}
		}
		if n := len(w.part(v.ID, "fire").Replies); n != 0 {
			t.Errorf("%d refused answers were kept as replies", n)
		}
	})
}

func TestADelegateOfTheSameDepartmentDoesNotRestartTheClock(t *testing.T) { // INS-806
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		person := func(system string) string {
			p, err := w.Auth.AddPerson(ctx, systemActor, auth.NewPerson{
				Login: "d-" + system, Name: "代办", Post: auth.Post{Roles: []auth.Role{auth.Inspector}, Department: w.department(system)},
			})
			w.must(err)
			return p.ID
		}
		w.wait(at(18, 10, 0)) // a term counted from now would end a day later
		p := w.part(v.ID, "fire")
		_, err := w.Reply(ctx, w.inspector("fire"), ReplyRequest{ParticipantID: p.ID, Round: 1, Kind: ReplyDelegate, Delegate: person("amr"), Channel: "portal"})
		w.refused(err, "delegate_outside")
		r, err := w.Reply(ctx, w.inspector("fire"), ReplyRequest{ParticipantID: p.ID, Round: 1, Kind: ReplyDelegate, Delegate: person("fire"), Channel: "portal"})
		w.must(err)
		got := w.part(v.ID, "fire")
		if r.Outcome != OutcomeNoted || got.Consent != ConsentAwaiting || !got.RespondBy.Equal(p.RespondBy) {
			t.Errorf("%s, then %s with T2 %v", r.Outcome, got.Consent, got.RespondBy)
		}
	})
}

func TestADepartmentThatDeclinesIsStillExpected(t *testing.T) { // INS-813
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.reply(v, "fire", ReplyDecline)
		if p := w.part(v.ID, "fire"); p.Consent != ConsentDeclined || p.Attendance != AttendanceExpected {
			t.Errorf("%s, %s", p.Consent, p.Attendance)
		}
	})
}

func TestAnAnswerToAnotherRoundIsShownAndHolds(t *testing.T) { // INS-801
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		p := w.part(v.ID, "fire")
		r, err := w.Reply(t.Context(), w.inspector("fire"), ReplyRequest{ParticipantID: p.ID, Round: 7, Kind: ReplyAccept, Channel: "portal"})
		w.must(err)
		if r.Outcome != OutcomeSuperseded || w.part(v.ID, "fire").Consent != ConsentAwaiting {
			t.Errorf("outcome %s", r.Outcome)
		}
		w.holdsOn(v, "fire", HoldSuperseded)
		hold := w.part(v.ID, "fire").OpenHolds()[0]
		w.refused(w.EndHold(t.Context(), w.clerk, hold.ID, ""), "reason_missing")
		w.must(w.EndHold(t.Context(), w.clerk, hold.ID, "已电话核实"))
		w.holdsOn(v, "fire")
	})
}

func TestEveryReplyGetsAReceipt(t *testing.T) { // INS-809
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		r, err := w.Reply(t.Context(), w.inspector("fire"), ReplyRequest{ParticipantID: w.part(v.ID, "fire").ID, Round: 1, Kind: ReplyAccept, Channel: "portal"})
		w.must(err)
		w.tick()
		receipts := w.sent.of(notify.PurposeReceipt, notify.Mail)
		if len(receipts) != 1 || !strings.Contains(plainText(t, receipts[0].Body), r.Receipt) {
			t.Errorf("%d receipts, want one naming %s", len(receipts), r.Receipt)
		}
	})
}

func TestTheVisitIsConfirmedWhenEveryRequiredDepartmentIsSettled(t *testing.T) { // V5, DEC-4
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for i, system := range []string{"amr", "fire", "urban"} {
			_, err := w.Reply(t.Context(), w.inspector(system), ReplyRequest{ParticipantID: w.part(v.ID, system).ID, Round: 1, Kind: ReplyAccept, Channel: "portal"})
			w.must(err)
			view, err := w.FindVisit(t.Context(), w.clerk, v.ID)
			w.must(err)
			if (view.State == VisitConfirmed) != (i == 2) {
				t.Errorf("after %d answers: %s", i+1, view.State)
			}
		}
	})
}

func slip(t testing.TB) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPaperWithASignedSlipIsClassAFromTheSignedTime(t *testing.T) { // INS-707
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.sent.down = true
		w.dropPortal()
		v := w.served()
		p := w.part(v.ID, "amr")
		w.clock.forward(time.Hour)
		paper := HandServiceRequest{
			ParticipantID: p.ID, Channel: "paper", Receiver: "周科长", Post: "办公室", At: w.now().Add(-20 * time.Minute),
			Scan: Scan{Name: "slip.png", Bytes: slip(t)},
		}
		for code, change := range map[string]func(*HandServiceRequest){
			"service_time":     func(r *HandServiceRequest) { r.At = w.now().Add(time.Minute) },
			"scan_missing":     func(r *HandServiceRequest) { r.Scan = Scan{} },
			"scan_type":        func(r *HandServiceRequest) { r.Scan.Bytes = []byte("%PDF-1.7") },
			"receiver_missing": func(r *HandServiceRequest) { r.Receiver = "" },
			"service_channel":  func(r *HandServiceRequest) { r.Channel = "pigeon" },
		} {
			bad := paper
			change(&bad)
			w.refused(w.ServeByHand(ctx, w.clerk, bad), code)
		}
		early := paper
		early.At = p.Notice.ComposedAt.Add(-time.Minute)
		w.refused(w.ServeByHand(ctx, w.clerk, early), "service_time")
		w.must(w.ServeByHand(ctx, w.clerk, paper))
		got := w.part(v.ID, "amr")
		if got.Consent != ConsentAwaiting || got.ServiceClass != "A" || !got.ServedAt.Equal(paper.At) {
			t.Errorf("%s class %s at %v", got.Consent, got.ServiceClass, got.ServedAt)
		}
		sum := sha256.Sum256(paper.Scan.Bytes)
		if leaf := w.lastLeaf(v, "amr", "arrived"); leaf.Text("scan_sha256") != hex.EncodeToString(sum[:]) { // SEC-15
			t.Errorf("the leaf has %v", leaf.Fields)
		}
	})
}

func TestATelephoneCallIsClassCAndStartsNoClock(t *testing.T) { // INS-704, INS-707
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sent.down = true
		w.dropPortal()
		v := w.served()
		for range 2 {
			w.must(w.ServeByHand(t.Context(), w.clerk, HandServiceRequest{ParticipantID: w.part(v.ID, "amr").ID, Channel: "phone", Receiver: "周", Said: "已告知", At: w.now()}))
		}
		if got := w.part(v.ID, "amr"); got.Consent != ConsentUnserved {
			t.Errorf("two calls made %s", got.Consent)
		}
	})
}

func TestADisagreementOnSiteAfterDeemingNeedsASupervisorAndTwoPersonsToReverse(t *testing.T) { // INS-915, INS-917, O8…O10
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		w.until(v.Start)
		_, err := w.Start(ctx, w.clerk, v.ID)
		w.must(err)
		p := w.part(v.ID, "amr")
		_, err = w.Opine(ctx, w.inspector("amr"), OpinionRequest{ParticipantID: p.ID, Kind: Disagree, Text: "后厨布局不符"})
		w.must(err)
		_, err = w.EndSite(ctx, w.clerk, v.ID)
		w.must(err)
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "opinions_open")
		w.refused(w.Uphold(ctx, w.clerk, p.ID, "x"), "not_supervisor")
		w.must(w.Reverse(ctx, w.boss, p.ID, "现场确有问题"))
		w.refused(w.Reverse(ctx, w.boss, p.ID, "再次"), "two_persons")
		second := auth.Actor{Kind: auth.KindPerson, ID: "audit", Name: "审计", Roles: []auth.Role{auth.Auditor}}
		w.must(w.Reverse(ctx, second, p.ID, "同意撤销"))
		j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		if j.Result != ResultFailed {
			t.Errorf("result %s", j.Result)
		}
	})
}

func TestClosingWaitsForEveryRequiredOpinionAndNamesTheMissing(t *testing.T) { // INS-1101, V11
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		for _, system := range []string{"amr", "fire", "urban"} {
			_, err := w.Reply(ctx, w.inspector(system), ReplyRequest{ParticipantID: w.part(v.ID, system).ID, Round: 1, Kind: ReplyAccept, Channel: "portal"})
			w.must(err)
		}
		_, err := w.Start(ctx, w.clerk, v.ID)
		w.refused(err, "too_early")
		w.until(v.Start)
		_, err = w.Opine(ctx, w.inspector("amr"), OpinionRequest{ParticipantID: w.part(v.ID, "amr").ID, Kind: Agree})
		w.refused(err, "visit_not_running")
		_, err = w.Start(ctx, w.clerk, v.ID)
		w.must(err)
		_, err = w.Opine(ctx, w.inspector("amr"), OpinionRequest{ParticipantID: w.part(v.ID, "amr").ID, Kind: Rectify})
		w.refused(err, "opinion_items")
		_, err = w.Opine(ctx, w.inspector("amr"), OpinionRequest{
			ParticipantID: w.part(v.ID, "amr").ID, Kind: Rectify, Items: []RectifyItem{{Finding: "无防鼠板", Clause: "食品安全规范", Verify: VerifyVisit, Days: 5}},
		})
		w.must(err)
		_, err = w.EndSite(ctx, w.clerk, v.ID)
		w.must(err)
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "opinions_open")
		for _, system := range []string{"fire", "urban"} {
			_, err = w.Opine(ctx, w.inspector(system), OpinionRequest{ParticipantID: w.part(v.ID, system).ID, Kind: Agree})
			w.must(err)
		}
		j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		if j.Result != ResultRectify {
			t.Errorf("result %s", j.Result)
		}
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "bad_move")
	})
}
