package delivery

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/internal/paper/papertest"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// waitingFor is the applicant of a case as the other half states it.
func (w *testWorld) waitingFor(caseID string) Applicant {
	return Applicant{
		CaseID: caseID, CaseNumber: "431103-2026-000001", MatterCode: "M03", MatterName: "我要开饭店", Name: "湘味轩餐饮店", CentreID: w.centre.ID,
		Receiver: Addressee{Name: "欧阳修", Phone: "13800001234", Address: "冷水滩区梧桐路12号3栋501"},
	}
}

// link is the token of a new link on paper.
func (w *testWorld) link(caseID string) string {
	w.t.Helper()
	w.Site = "https://lianban.example"
	var token string
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		if err := Know(w.t.Context(), tx, w.waitingFor(caseID)); err != nil {
			return err
		}
		link, err := w.linkFor(w.t.Context(), tx, caseID, linkOnPaper, "test")
		token = strings.TrimPrefix(link, w.Site+"/a/")
		return err
	}))
	return token
}

func (w *testWorld) page(token string) ApplicantView {
	w.t.Helper()
	v, err := w.FindApplicant(w.t.Context(), token)
	w.must(err)
	return v
}

// alerted is the alert of a kind that is open at the window, nil if there is none.
func (w *testWorld) alerted(kind AlertKind) *Alert {
	w.t.Helper()
	all, err := w.ListAlerts(w.t.Context(), w.clerk, AlertQuery{Kind: kind})
	w.must(err)
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

// DEL-1201: the token is more than anybody guesses, only its hash is kept, and
// unknown, replaced and expired links look the same.
func TestAnApplicantsLinkOpensItsCaseAndNothingElse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.arrived()
		token := w.link(p.CaseID)
		if len(token) < 26 {
			t.Errorf("a token of %d characters", len(token))
		}
		w.must(w.DB.Read(ctx, func(q bun.IDB) error {
			var l ApplicantLink
			err := q.NewSelect().Model(&l).Where("case_id = ?", p.CaseID).Scan(ctx)
			if strings.Contains(l.Hash, token) || l.Hash == "" {
				t.Errorf("kept: %+v", l)
			}
			return err
		}))
		v := w.page(token)
		if len(v.Parcels) != 1 || v.Parcels[0].Number != p.Number || v.Matter != "我要开饭店" || v.Phone != w.centre.Phone {
			t.Errorf("page: %+v", v)
		}
		text := strings.Join([]string{v.Known.Name, v.Known.Phone, v.Known.Address, v.Parcels[0].To.Name, v.Parcels[0].To.Address}, " ")
		for _, never := range []string{"欧阳修", "13800001234", "3栋501"} {
			if strings.Contains(text, never) {
				t.Errorf("the page tells %s: %s", never, text)
			}
		}

		other := w.carried()
		for _, wrong := range []string{"", "A", strings.Repeat("A", 26), strings.ToLower(token), token + "A", "x' OR '1'='1"} {
			_, err := w.FindApplicant(ctx, wrong)
			w.refused(err, "applicant_link")
			w.refused(w.ConfirmAddress(ctx, wrong, AddressRequest{}), "applicant_link")
		}
		w.refused(w.ReportMissing(ctx, token, other.Number), "not_found") // another case's parcel
		w.refused(w.AskSlot(ctx, token, SlotRequest{Number: other.Number, Day: workday.DateOf(w.now()).AddDays(1)}), "not_found")

		fresh := w.link(p.CaseID)
		_, err := w.FindApplicant(ctx, token)
		w.refused(err, "applicant_link") // replaced
		w.must(w.CloseDue(ctx))
		w.at = w.at.AddDate(0, 0, 29)
		w.page(fresh)
		w.at = w.at.AddDate(0, 0, 2)
		_, err = w.FindApplicant(ctx, fresh)
		w.refused(err, "applicant_link") // expired: 30 days after closing
		w.refused(w.ReportMissing(ctx, fresh, p.Number), "applicant_link")
	})
}

// DEL-1201, DEL-1110: the receipt carries the link as a code, the mail as a link;
// both open at once, each until another of its kind is made.
func TestTheLinkIsOnTheReceiptAndInTheMail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		s := w.newSet("amr")
		w.Site = "https://lianban.example"
		a := w.waitingFor(s.CaseID)
		printed := func() string {
			t.Helper()
			out, err := w.PrintTaken(ctx, w.clerk, a)
			w.must(err)
			img := papertest.Read(t, out.PDF)[0].Pixels(300)
			below := img.Bounds()
			below.Min.Y = below.Max.Y / 4 // under the code of the paper itself
			token, ok := strings.CutPrefix(papertest.QR(t, img.SubImage(below)), w.Site+"/a/")
			if !ok {
				t.Fatal("the receipt carries no link")
			}
			return token
		}
		first := printed()
		w.must(w.MailLink(ctx, w.clerk, a, "ou@example.com"))
		mails := w.bodies(notify.PurposeTrack, linkSubject(s.CaseID), notify.Mail)
		if len(mails) != 1 || mails[0].SMS != "" {
			t.Fatalf("mails: %+v", mails)
		}
		_, rest, _ := strings.Cut(mails[0].Text, w.Site+"/a/")
		w.page(first)
		w.page(strings.Fields(rest)[0])
		second := printed()
		w.page(second)
		w.page(strings.Fields(rest)[0])
		_, err := w.FindApplicant(ctx, first)
		w.refused(err, "applicant_link")
		w.refused(w.MailLink(ctx, w.clerk, a, ""), "applicant_no_mail")
		_, err = w.PrintTaken(ctx, w.elsewhere(), a)
		w.refused(err, "not_receiving_window")
	})
}

// DEL-230, DEL-1205
func TestTheAddressMayBeCorrectedUntilItIsSealed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		r := w.sealRequest(ClassCertificate)
		token := w.link(r.CaseID)
		w.must(w.ConfirmAddress(ctx, token, AddressRequest{}))
		if v := w.page(token); v.Wish.Name == "" || !v.Wish.At.Equal(w.now()) {
			t.Fatalf("not confirmed: %+v", v.Wish)
		}
		w.later(1)
		before := w.leaves(r.CaseID)
		w.must(w.ConfirmAddress(ctx, token, AddressRequest{})) // twice
		if after := w.leaves(r.CaseID); after != before {
			t.Errorf("confirming twice recorded %s", after[len(before):])
		}
		w.refused(w.ConfirmAddress(ctx, token, AddressRequest{Phone: "123"}), "addressee_incomplete")
		w.refused(w.ConfirmAddress(ctx, token, AddressRequest{Address: "路\x00"}), "text_invalid")
		w.must(w.ConfirmAddress(ctx, token, AddressRequest{Address: "零陵区南津渡路9号2栋1202"}))
		if set := w.set(r.CaseID); set.Wish == nil || set.Wish.Address != "零陵区南津渡路9号2栋1202" {
			t.Fatalf("the window sees %+v", set.Wish)
		}

		_, err := w.Seal(ctx, w.clerk, r) // with the form from before
		w.refused(err, "wish_differs")
		spoken := r
		spoken.Agreed = true
		if err := w.DB.Write(ctx, func(tx bun.IDB) error { return heed(ctx, tx, spoken, false) }); err != nil {
			t.Errorf("agreed with the applicant: %v", err)
		}
		r.To.Address = "零陵区南津渡路9号2栋1202"
		_, err = w.Seal(ctx, w.clerk, r)
		w.must(err)
		err = w.ConfirmAddress(ctx, token, AddressRequest{Address: "冷水滩区梅湾路1号"})
		w.refused(err, "wish_sealed")
		if f, _ := fault.From(err); !strings.Contains(f.In("zh"), w.centre.Phone) || !strings.Contains(f.In("en"), w.centre.Phone) {
			t.Errorf("no number to call: %v", err)
		}
		if !strings.Contains(w.leaves(r.CaseID), "applicant_address") {
			t.Errorf("leaves: %s", w.leaves(r.CaseID))
		}
	})
}

// DEL-303, DEL-1205
func TestTheApplicantChoosesByTheLinkToWaitOrToSplit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		s := w.newSet("amr", "fire")
		token := w.link(s.CaseID)
		w.refused(w.ChooseByLink(ctx, token, ChooseNothing), "choice_by_link")
		w.receiveAll(w.handOver(w.line(s.CaseID, "amr"), certificate("营业执照")))
		w.must(w.ChooseByLink(ctx, token, ChooseSplit))
		got := w.set(s.CaseID)
		if !got.Complete() || w.line(s.CaseID, "fire").State != LineSplit || w.line(s.CaseID, "amr").State != LineReceived {
			t.Fatalf("not split: %+v", got.Lines)
		}
		if c := got.Choices[0]; c.Channel != ChannelLink || c.GivenBy != "湘味轩餐饮店" || !strings.HasPrefix(c.RecordedBy, "link:") {
			t.Errorf("choice: %+v", c)
		}
		w.must(w.ChooseByLink(ctx, token, ChooseSplit))
		if n := len(w.set(s.CaseID).Choices); n != 1 {
			t.Errorf("the same choice is on record %d times", n)
		}
		w.must(w.ChooseByLink(ctx, token, ChooseWait))
		if w.line(s.CaseID, "fire").State != LineExpected {
			t.Error("it is not waited for")
		}
		w.receiveAll(w.handOver(w.line(s.CaseID, "fire"), certificate("消防")))
		w.refused(w.ChooseByLink(ctx, token, ChooseSplit), "choice_late")

		_, err := w.Choose(ctx, w.clerk, ChoiceRequest{CaseID: s.CaseID, Choice: ChooseWait, GivenBy: "某", Channel: ChannelLink})
		w.refused(err, "choice_invalid") // nobody claims the link for the applicant
	})
}

// DEL-222, DEL-806, DEL-1205
func TestPickUpIsChosenByTheLinkUntilACourierIsNamed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		r := w.sealRequest(ClassCertificate)
		token := w.link(r.CaseID)
		p, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		w.refused(w.ChooseWay(ctx, token, "pigeon"), "wish_way")
		w.must(w.ChooseWay(ctx, token, WishDeliver))
		if w.parcel(p.ID).State != ParcelSealed {
			t.Error("a parcel that goes that way already was taken back")
		}
		w.must(w.ChooseWay(ctx, token, WishCollect))
		if w.parcel(p.ID).State != ParcelCancelled || !w.set(r.CaseID).Complete() {
			t.Fatalf("not taken back: %s", w.parcel(p.ID).State)
		}
		if got := w.texts(notify.PurposeCode, CodeSubject(p.ID)); len(got) != 0 {
			t.Errorf("a code for a parcel that was taken back: %q", got)
		}
		_, err = w.Seal(ctx, w.clerk, r)
		w.refused(err, "wish_differs")
		r.Way = WayWindow
		p, err = w.Seal(ctx, w.clerk, r)
		w.must(err)
		view, err := w.FindApplicant(ctx, token)
		w.must(err)
		if at := view.Parcels[0].Collect; at == nil || at.ID != p.CentreID { // it waits for nobody but the applicant
			t.Errorf("to be collected at %v", at)
		}
		w.must(w.ChooseWay(ctx, token, WishDeliver)) // and back
		if w.parcel(p.ID).State != ParcelCancelled {
			t.Error("not taken back")
		}
		r.Way = WayOwnCourier
		p, err = w.Seal(ctx, w.clerk, r)
		w.must(err)
		w.dispatch(p, w.courier)
		w.refused(w.ChooseWay(ctx, token, WishCollect), "wish_dispatched")
		if got := w.parcel(p.ID); got.State != ParcelSealed || got.CourierID == "" {
			t.Errorf("changed too late: %s", got.State)
		}
		w.sound()
	})
}

// DEL §2.1, DEL-1205
func TestAnAgentIsNamedByTheLinkBeforeDispatch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		r := w.sealRequest(ClassCertificate)
		token := w.link(r.CaseID)
		w.refused(w.NameAgent(ctx, token, AgentRequest{Name: "苏小妹", Phone: "13900001111"}), "agent_incomplete")
		w.refused(w.NameAgent(ctx, token, AgentRequest{}), "agent_incomplete")
		agent := AgentRequest{Name: "苏小妹", Phone: "13900001111", Tie: "店员"}
		w.must(w.NameAgent(ctx, token, agent))
		if v := w.page(token); v.Wish.Agent != "苏**" || strings.Contains(v.Wish.AgentPhone, "1390") {
			t.Errorf("not masked: %+v", v.Wish)
		}
		_, err := w.Seal(ctx, w.clerk, r)
		w.refused(err, "wish_differs")
		r.To.Agent = "苏小妹"
		p, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		w.must(w.DropAgent(ctx, token))
		if got := w.parcel(p.ID).Receiver.Agent; got != "" {
			t.Errorf("still on the parcel: %s", got)
		}
		w.must(w.NameAgent(ctx, token, agent))
		if got := w.parcel(p.ID); got.Receiver.Agent != "苏小妹" || got.Receiver.AgentTie != "店员" {
			t.Errorf("not on the parcel: %+v", got.Receiver)
		}
		w.dispatch(p, w.courier)
		w.refused(w.NameAgent(ctx, token, AgentRequest{Name: "别人", Phone: "13900002222", Tie: "朋友"}), "wish_dispatched")

		r = w.sealRequest(ClassSeal)
		r.Second = auth.Credentials{Login: "zhao", Password: password}
		_, err = w.Seal(ctx, w.clerk, r)
		w.must(err)
		w.refused(w.NameAgent(ctx, w.link(r.CaseID), agent), "agent_on_paper")
	})
}

// DEL §7.3, DEL-1205: where the promise may stand still it does, else the window
// has a task.
func TestAnotherTimeAskedByTheLinkStopsTheClockOrIsATask(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.carried()
		token := w.link(p.CaseID)
		tomorrow := workday.DateOf(w.now()).AddDays(1)
		ask := SlotRequest{Number: p.Number, Day: tomorrow}
		for code, change := range map[string]func(r *SlotRequest){
			"pause_slot":  func(r *SlotRequest) { r.Day = tomorrow.AddDays(-2) },
			"slot_closed": func(r *SlotRequest) { r.Day = workday.Date{Year: 2026, Month: 11, Day: 28} },
			"not_found":   func(r *SlotRequest) { r.Number = "LBYZ0001A7K3G" },
		} {
			r := ask
			change(&r)
			w.refused(w.AskSlot(ctx, token, r), code)
		}
		due := w.parcel(p.ID).DueAt
		w.must(w.AskSlot(ctx, token, ask))
		got := w.parcel(p.ID)
		if len(got.Stood) != 1 || got.Stood[0].Channel != ChannelLink || got.Stood[0].Reason != PauseApplicantAsked || !got.DueAt.After(due) || !got.Stood[0].To.Equal(tomorrow.At(9*60)) {
			t.Fatalf("pause: %+v due %s", got.Stood, got.DueAt)
		}
		w.must(w.AskSlot(ctx, token, ask)) // twice
		if got := w.parcel(p.ID); len(got.Stood) != 1 || w.alerted(AlertSlotAsked) != nil {
			t.Errorf("twice: %+v %+v", got.Stood, w.alerted(AlertSlotAsked))
		}
		ask.Afternoon = true
		w.must(w.AskSlot(ctx, token, ask)) // another time while one is agreed: somebody has to call
		a := w.alerted(AlertSlotAsked)
		if a == nil || !a.AskedFor.Equal(tomorrow.At(13*60+30)) || len(w.parcel(p.ID).Stood) != 1 {
			t.Fatalf("task: %+v", a)
		}
		if v := w.page(token); !v.Parcels[0].Asked.Equal(a.AskedFor) {
			t.Errorf("the applicant sees %s", v.Parcels[0].Asked)
		}
		_, err := w.SettleAlert(ctx, w.clerk, a.ID, "已约明天下午")
		w.must(err)

		late := w.carried()
		w.at = late.DueAt.Add(time.Hour)
		ask = SlotRequest{Number: late.Number, Day: workday.DateOf(w.now()).AddDays(1)}
		w.must(w.AskSlot(ctx, w.link(late.CaseID), ask)) // overdue: a pause would change nothing
		if w.alerted(AlertSlotAsked) == nil || len(w.parcel(late.ID).Stood) != 0 {
			t.Error("no task for a parcel that is overdue")
		}
		ended := w.arrived()
		w.refused(w.AskSlot(ctx, w.link(ended.CaseID), SlotRequest{Number: ended.Number, Day: workday.DateOf(w.now()).AddDays(1)}), "slot_late")
	})
}

// DEL-240, DEL-1205
func TestConsentToFilesIsGivenAndTakenBackByTheLink(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		s := w.newSet("amr", "fire")
		token := w.link(s.CaseID)
		r := ElectronicConsentRequest{Person: "欧阳修", Method: ByMail, Address: "ou@example.com", Phone: "13800001234"}
		key := once.Key{Value: "k", Print: "p"}
		w.refused(w.ConsentByLink(ctx, token, ElectronicConsentRequest{Person: "欧阳修", Method: ByMail, Phone: "13800001234"}, once.Key{}), "electronic_address")
		system := r
		system.Method = BySystem
		w.refused(w.ConsentByLink(ctx, token, system, once.Key{}), "consent_system")
		w.must(w.ConsentByLink(ctx, token, r, key))
		w.must(w.ConsentByLink(ctx, token, r, key))
		set := w.set(s.CaseID)
		if len(set.Consents) != 1 || set.Consents[0].Channel != ChannelLink || len(set.Consents[0].Lines) != 2 || !w.page(token).Consented {
			t.Fatalf("consents: %+v", set.Consents)
		}
		_, err := w.Supply(ctx, w.inspector("amr"), supplyOf(w.line(s.CaseID, "amr")))
		w.must(err)
		w.must(w.RevokeByLink(ctx, token))
		w.must(w.RevokeByLink(ctx, token)) // twice
		set = w.set(s.CaseID)
		if set.Consents[0].RevokedHow != ChannelLink || set.Files[0].State != FileWithdrawn || w.line(s.CaseID, "amr").State != LineExpected {
			t.Errorf("not taken back: %+v %+v", set.Consents, set.Files)
		}
		for _, dep := range []string{"amr", "fire"} {
			w.receiveAll(w.handOver(w.line(s.CaseID, dep), certificate("证")))
		}
		w.refused(w.ConsentByLink(ctx, token, r, once.Key{}), "consent_late")
	})
}

// DEL-1205: it opens an exception and a task with its term at once, says so, and
// nothing is added by pressing again.
func TestWhatDidNotArriveIsTakenUpAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		early := w.carried()
		w.refused(w.ReportMissing(ctx, w.link(early.CaseID), early.Number), "missing_early")
		p := w.arrived()
		token := w.link(p.CaseID)
		w.must(w.ReportMissing(ctx, token, p.Number))
		first := w.parcel(p.ID)
		if first.State != ParcelDelivered || first.Exceptions != 1 || first.Open[0].Code != ExceptionNotReceived {
			t.Fatalf("exception: %+v", first.Open)
		}
		a := w.alerted(AlertMissing)
		if a == nil || a.Level != ForWindow || a.NextAt.IsZero() {
			t.Fatalf("task: %+v", a)
		}
		before := w.leaves(p.CaseID)
		for range 3 {
			w.must(w.ReportMissing(ctx, token, p.Number))
		}
		if again := w.parcel(p.ID); again.Exceptions != 1 || len(again.Steps) != len(first.Steps) || w.leaves(p.CaseID) != before {
			t.Errorf("pressed again: %d exceptions", again.Exceptions)
		}
		if r := w.page(token).Parcels[0].Report; !r.Open || !r.By.Equal(a.NextAt) {
			t.Errorf("not shown as taken up: %+v", r)
		}

		w.at = a.NextAt
		w.must(w.Watch(ctx))
		late := w.alerted(AlertMissingLate)
		if late == nil || late.Level != ForSupervisor {
			t.Fatalf("the supervisor is not told: %+v", late)
		}
		_, err := w.SettleAlert(ctx, w.elsewhere(), a.ID, "不是我的")
		w.refused(err, "not_found")
		_, err = w.SettleAlert(ctx, w.clerk, a.ID, "已联系，由店员代收")
		w.must(err)
		if w.parcel(p.ID).Exceptions != 0 || w.alerted(AlertMissing) != nil || w.alerted(AlertMissingLate) != nil {
			t.Errorf("settled, and still open: %+v", w.parcel(p.ID).Open)
		}
		if r := w.page(token).Parcels[0].Report; r.Open || r.Done.IsZero() {
			t.Errorf("report: %+v", r)
		}
		w.later(1)
		w.must(w.ReportMissing(ctx, token, p.Number)) // after that it is new
		if w.parcel(p.ID).Exceptions != 1 || w.alerted(AlertMissing) == nil {
			t.Error("not taken up again")
		}
		var delivered string
		for _, s := range w.parcel(p.ID).Steps {
			if s.Type == EventDelivered {
				delivered = s.ID
			}
		}
		_, err = w.Declare(ctx, w.clerk, p.ID, delivered, DidNotOccur, "送错门牌")
		w.must(err)
		if w.parcel(p.ID).State == ParcelDelivered || w.alerted(AlertMissing) != nil {
			t.Error("the task stays although the delivery was corrected")
		}
	})
}

// DEL-1205: of applicant and window at once one wins, and the other is told.
func TestOfApplicantAndWindowAtOnceOneWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		for range 8 {
			r := w.sealRequest(ClassCertificate)
			token := w.link(r.CaseID)
			var sealed, corrected error
			var wait sync.WaitGroup
			wait.Go(func() { _, sealed = w.Seal(ctx, w.clerk, r) })
			wait.Go(func() { corrected = w.ConfirmAddress(ctx, token, AddressRequest{Address: "零陵区南津渡路9号"}) })
			wait.Wait()
			switch {
			case sealed == nil && fault.Is(corrected, "wish_sealed"):
			case corrected == nil && fault.Is(sealed, "wish_differs"):
			default:
				t.Fatalf("sealed: %v, corrected: %v", sealed, corrected)
			}
		}
		for range 8 {
			r := w.sealRequest(ClassCertificate)
			token := w.link(r.CaseID)
			p, err := w.Seal(ctx, w.clerk, r)
			w.must(err)
			var given, turned error
			var wait sync.WaitGroup
			wait.Go(func() {
				given = w.DB.Write(ctx, func(tx bun.IDB) error {
					_, _, err := w.Dispatch(ctx, tx, w.clerk, p.ID, w.courier.ID)
					return err
				})
			})
			wait.Go(func() { turned = w.ChooseWay(ctx, token, WishCollect) })
			wait.Wait()
			switch got := w.parcel(p.ID); {
			case given == nil && fault.Is(turned, "wish_dispatched") && got.State == ParcelSealed:
			case turned == nil && fault.Is(given, "parcel_state") && got.State == ParcelCancelled:
			default:
				t.Fatalf("given: %v, turned: %v, %s", given, turned, got.State)
			}
		}
		for range 4 {
			p := w.arrived()
			token := w.link(p.CaseID)
			var wait sync.WaitGroup
			errs := make([]error, 4)
			for i := range errs {
				wait.Go(func() { errs[i] = w.ReportMissing(ctx, token, p.Number) })
			}
			wait.Wait()
			w.must(errors.Join(errs...))
			if got := w.parcel(p.ID); got.Exceptions != 1 {
				t.Fatalf("%d exceptions of four at once", got.Exceptions)
			}
		}
	})
}
