package inspection

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/office"
	"lianban/internal/once"
)

// changeAddress is proposed by one person and approved by another; it gives
// what the old addresses were told.
func (w *testWorld) changeAddress(a office.Address) (mail, sms string) {
	w.t.Helper()
	ctx := w.t.Context()
	w.sent.msgs = nil
	a.Department, a.Form, a.SignedOn, a.Contact = w.department("fire"), "form-2", dateOf(w.clock.Now()), "办公室"
	proposed, err := w.office.ProposeAddress(ctx, a, "person:one", once.Key{})
	w.must(err)
	_, err = w.office.ApproveAddress(ctx, proposed.ID, "person:two")
	w.must(err)
	w.tick()
	for _, m := range w.sent.of(purposeAddress, "mail") {
		mail += m.HTML
	}
	for _, m := range w.sent.of(purposeAddress, "sms") {
		sms += string(m.Body)
	}
	return mail, sms
}

// addressOf is the department's standing address of a channel.
func (w *testWorld) addressOf(channel office.Channel) (out office.Address) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		all, err := office.ConfirmedAddresses(w.t.Context(), q, w.department("fire"), w.clock.Now())
		for _, a := range all {
			if a.Channel == channel {
				out = a
			}
		}
		return err
	}))
	return out
}

// addressWords is what a department's inbox says of its addresses.
func (w *testWorld) addressWords(system string) (text string) {
	w.t.Helper()
	heard, err := w.AddressWords(w.t.Context(), w.inspector(system))
	w.must(err)
	for _, m := range heard {
		text += m.Text + "\n"
	}
	return text
}

// INS-711, INS-710: the old addresses hear what changes and whom to call; a
// text names no address and no number in full.
func TestOldAddressesHearWhatBecomesOfThem(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		tell := func(a office.Address, said string) {
			t.Helper()
			mail, sms := w.changeAddress(a)
			if !strings.Contains(mail, said) || !strings.Contains(mail, w.centre.Phone) {
				t.Errorf("the mail does not say %q: %s", said, mail)
			}
			if strings.Contains(mail+sms, "13900001234") || strings.Contains(sms, "@") || strings.Contains(sms, "http") {
				t.Errorf("too much is said: %s %s", mail, sms)
			}
			w.clock.forward(25 * time.Hour)
			w.tick()
		}
		tell(office.Address{Channel: office.SMS, Value: "13900001234"}, "新增手机 1******1234")
		old := w.addressOf(office.Mail)
		tell(office.Address{Channel: office.Mail, Value: "new@dept.example", Replaces: old.ID}, "邮箱 fire@dept.example改为邮箱 new@dept.example")
		if _, sms := w.changeAddress(office.Address{Channel: office.Mail, Value: "more@dept.example"}); !strings.Contains(sms, "送达地址（邮箱）将于") || !strings.Contains(sms, w.centre.Phone) {
			t.Errorf("the text says %q", sms)
		}
		tell(office.Address{Removal: true, Replaces: w.addressOf(office.SMS).ID}, "停用手机 1******1234")
	})
}

// INS-711: whoever reads only here or on paper hears of the change there, and
// the window is told which desk to bring it to.
func TestDepartmentWithoutMailHearsOfItsNewAddressInTheInboxAndOnPaper(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.changeAddress(office.Address{Channel: office.Paper, Value: "湘口路9号收发室"})
		w.clock.forward(25 * time.Hour)
		w.tick()
		if w.hasTask(TaskTellAddress) {
			t.Error("paper was asked for before there was a desk")
		}
		w.changeAddress(office.Address{Removal: true, Replaces: w.addressOf(office.Mail).ID})
		w.clock.forward(25 * time.Hour)
		w.tick()
		if mail, sms := w.changeAddress(office.Address{Channel: office.SMS, Value: "13900001234"}); mail+sms != "" {
			t.Errorf("an address that has ended or not begun was told: %s %s", mail, sms)
		}
		said := "新增手机 1******1234"
		heard := w.addressWords("fire")
		if !strings.Contains(heard, said) || !strings.Contains(heard, "停用邮箱") || !strings.Contains(heard, w.centre.Phone) {
			t.Errorf("the inbox says %s", heard)
		}
		if other := w.addressWords("urban"); strings.Contains(other, said) {
			t.Errorf("another department reads it too: %s", other)
		}
		tasks, err := w.ListTasks(ctx, w.clerk, Position{}, 0)
		w.must(err)
		tasks = slices.DeleteFunc(tasks, func(task Task) bool { return task.Kind != TaskTellAddress })
		if len(tasks) != 2 || !strings.Contains(tasks[1].Detail, "湘口路9号收发室") || !strings.Contains(tasks[1].Detail, said) {
			t.Fatalf("the window has to tell %v", tasks)
		}
		w.must(w.Done(ctx, w.clerk, tasks[1].ID, "已送收发室"))
		w.clock.forward(addressWords + time.Hour)
		if heard := w.addressWords("fire"); heard != "" {
			t.Errorf("the inbox still says %s", heard)
		}
	})
}

// INS-806: whoever has left cannot stand in.
func TestNobodyDelegatesToADisabledAccount(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.newVisit()
		w.tick()
		other, err := w.Auth.AddPerson(ctx, auth.System("test"), auth.NewPerson{
			Login: "zhou", Name: "周队长", Post: auth.Post{Roles: []auth.Role{auth.Inspector}, Department: w.department("fire")}, Password: "Meiwan-Road-1",
		})
		w.must(err)
		ask := ReplyRequest{ParticipantID: w.part(v.ID, "fire").ID, Round: 1, Kind: ReplyDelegate, Delegate: other.ID, Channel: "portal"}
		_, err = w.Reply(ctx, w.inspector("fire"), ask)
		w.must(err)
		w.must(w.Auth.Disable(ctx, auth.System("test"), other.ID))
		_, err = w.Reply(ctx, w.inspector("fire"), ask)
		w.refused(err, "delegate_outside")
	})
}
