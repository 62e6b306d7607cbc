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
	Change     string    `json:"change"` // with the address itself, for a mail
	Effective  time.Time `json:"effective"`
	Phone      string    `json:"phone"` // of the window, to object
}

// TellOldAddress tells every address a department had about a change, so that
// nobody loses their notices in silence (INS-711). It is wired into office and
// runs on the transaction of the change.
func (d *Desk) TellOldAddress(ctx context.Context, tx bun.IDB, c office.AddressChange) error {
	department, err := office.FindDepartment(ctx, tx, c.Department)
	if err != nil {
		return err
	}
	phone, err := windowPhone(ctx, tx, department.Division)
	if err != nil {
		return err
	}
	facts, err := json.Marshal(addressFacts{
		Department: department.Name, Channel: channelWords[c.New.Channel], Change: changeOf(c), Effective: latest(c.New.From, c.At), Phone: phone,
	})
	if err != nil {
		return err
	}
	var out []notify.Message
	for _, old := range c.Old {
		if old.Channel != office.Mail && old.Channel != office.SMS {
			continue
		}
		out = append(out, notify.Message{
			Key:     purposeAddress + "/" + c.New.ID + "/" + old.ID + "/" + string(old.Channel),
			Purpose: purposeAddress, Channel: string(old.Channel), Address: old.Value, Lang: "zh",
			Subject: c.New.ID, Contact: old.ID, Stream: "system", Facts: facts,
		})
	}
	return notify.Queue(ctx, tx, c.At, out...)
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

// windowPhone is the telephone of the window of a division, empty where none
// organises visits.
func windowPhone(ctx context.Context, q bun.IDB, division string) (string, error) {
	centre, _, err := office.Organiser(ctx, q, division)
	if fault.Is(err, "no_organiser") || fault.Is(err, "centre_without_window") {
		return "", nil
	}
	return centre.Phone, err
}

var channelWords = map[office.Channel]string{
	office.Portal: "收件页", office.Mail: "邮箱", office.SMS: "手机", office.Paper: "书面收件处",
}

// composeAddress writes that word; it belongs to no visit.
func (d *Desk) composeAddress(m notify.Message) (notify.Body, error) {
	var f addressFacts
	if err := json.Unmarshal(m.Facts, &f); err != nil {
		return notify.Body{}, fmt.Errorf("facts of message %s: %w", m.ID, err)
	}
	call := "如非本单位申请，请立即联系综合窗口"
	if f.Phone != "" {
		call += "，电话" + f.Phone
	}
	when := local(f.Effective)[:16]
	text := fmt.Sprintf("%s的送达地址将于 %s 变更：%s。%s。", f.Department, when, f.Change, call)
	return notify.Body{
		Subject: "【送达地址变更】" + f.Department, Text: text, HTML: "<p>" + html.EscapeString(text) + "</p>",
		SMS:  fmt.Sprintf("【%s】%s的送达地址（%s）将于%s变更。%s。", d.Mail.Signature, f.Department, f.Channel, when, call), // INS-710: no address in it
		From: d.Mail.From, FromName: "综合窗口",
	}, nil
}
