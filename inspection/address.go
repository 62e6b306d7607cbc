package inspection

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/notify"
)

// purposeAddress is the word to an address that is about to stop counting.
const purposeAddress = "address"

// addressFacts is what that word says.
type addressFacts struct {
	Department string    `json:"department"`
	Channel    string    `json:"channel"`
	Change     string    `json:"change"` // with the address itself, for mail, inbox and paper
	Effective  time.Time `json:"effective"`
	Phone      string    `json:"phone"` // of the window, to object
}

// TellOldAddress tells every address a department had about a change, so that
// nobody loses their notices in silence (INS-711); like a notice, the word goes
// to the inbox whether or not that is confirmed. Paper is for the window to
// bring, by a task. It is wired into office and runs on the transaction of the
// change.
func (d *Desk) TellOldAddress(ctx context.Context, tx bun.IDB, c office.AddressChange) error {
	department, err := office.FindDepartment(ctx, tx, c.Department)
	if err != nil {
		return err
	}
	centre, err := windowOf(ctx, tx, department.Division)
	if err != nil {
		return err
	}
	said := addressFacts{
		Department: department.Name, Channel: channelWords[c.New.Channel], Change: changeOf(c), Effective: latest(c.New.From, c.At), Phone: centre.Phone,
	}
	facts, err := json.Marshal(said)
	if err != nil {
		return err
	}
	var out []notify.Message
	var desks []string
	for _, old := range withPortal(c.Old, c.Department) {
		if old.Channel == office.Paper {
			desks = append(desks, old.Value)
			continue
		}
		out = append(out, notify.Message{
			Key:     purposeAddress + "/" + c.New.ID + "/" + old.ID + "/" + string(old.Channel),
			Purpose: purposeAddress, Channel: string(old.Channel), Address: old.Value, Lang: "zh",
			Subject: c.Department, Contact: old.ID, Stream: "system", Facts: facts,
		})
		if old.Channel == office.Portal {
			out[len(out)-1].Address = c.Department
		}
	}
	if err := notify.Queue(ctx, tx, c.At, out...); err != nil || len(desks) == 0 || centre.ID == "" {
		return err
	}
	return raiseTask(ctx, tx, Visit{CentreID: centre.ID}, Task{
		Kind: TaskTellAddress, Subject: c.New.ID, CreatedAt: c.At, DueAt: said.Effective,
		Detail: "请书面告知" + strings.Join(desks, "、") + "：" + said.text(),
	})
}

// addressWords is how long the inbox shows a change of address.
const addressWords = 30 * 24 * time.Hour

// AddressWords gives what the actor's department was told in its inbox about its
// addresses in the last 30 days, oldest first (INS-711).
func (d *Desk) AddressWords(ctx context.Context, by auth.Actor) (out []notify.Message, err error) {
	if by.Department == "" {
		return nil, nil
	}
	since := d.now().Add(-addressWords)
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		told, err := notify.ListBySubject(ctx, q, by.Department, purposeAddress)
		for _, m := range told {
			if m.Channel == notify.Portal && m.Text != "" && m.CreatedAt.After(since) {
				out = append(out, m)
			}
		}
		return err
	})
	return out, err
}

// changeOf says what becomes of the addresses, mobile numbers masked: the old
// address may be read by somebody who has left.
func changeOf(c office.AddressChange) string {
	shown := func(a office.Address) string {
		if a.Channel == office.SMS {
			a.Value = delivery.MaskPhone(a.Value)
		}
		return strings.TrimSpace(channelWords[a.Channel] + " " + a.Value)
	}
	i := slices.IndexFunc(c.Old, func(a office.Address) bool { return a.ID == c.New.Replaces })
	switch {
	case i < 0:
		return "新增" + shown(c.New)
	case c.New.Removal:
		return "停用" + shown(c.Old[i])
	}
	return shown(c.Old[i]) + "改为" + shown(c.New)
}

// windowOf is the centre whose window speaks for a division, zero where none
// organises visits.
func windowOf(ctx context.Context, q bun.IDB, division string) (office.Centre, error) {
	centre, _, err := office.Organiser(ctx, q, division)
	if fault.Is(err, "no_organiser") || fault.Is(err, "centre_without_window") {
		return office.Centre{}, nil
	}
	return centre, err
}

var channelWords = map[office.Channel]string{
	office.Portal: "收件页", office.Mail: "邮箱", office.SMS: "手机", office.Paper: "书面收件处",
}

// call says whom to ring who did not want the change.
func (f addressFacts) call() string {
	if f.Phone == "" {
		return "如非本单位申请，请立即联系综合窗口"
	}
	return "如非本单位申请，请立即联系综合窗口，电话" + f.Phone
}

// text is the word in full.
func (f addressFacts) text() string {
	return fmt.Sprintf("%s的送达地址将于 %s 变更：%s。%s。", f.Department, minute(f.Effective), f.Change, f.call())
}

// composeAddress writes that word; it belongs to no visit.
func (d *Desk) composeAddress(m notify.Message) (notify.Body, error) {
	var f addressFacts
	if err := json.Unmarshal(m.Facts, &f); err != nil {
		return notify.Body{}, fmt.Errorf("facts of message %s: %w", m.ID, err)
	}
	return notify.Body{
		Subject: "【送达地址变更】" + f.Department, Text: f.text(), HTML: "<p>" + html.EscapeString(f.text()) + "</p>",
		SMS:  fmt.Sprintf("【%s】%s的送达地址（%s）将于%s变更。%s。", d.Mail.Signature, f.Department, f.Channel, minute(f.Effective), f.call()), // INS-710: no address in it
		From: d.Mail.From, FromName: "综合窗口",
	}, nil
}
