package inspection

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/office"
	"lianban/notify"
)

// purposeAddress is the word to an address that is about to stop counting.
const purposeAddress = "address"

// addressFacts is what that word says.
type addressFacts struct {
	Department string    `json:"department"`
	Change     string    `json:"change"`
	Effective  time.Time `json:"effective"`
}

// TellOldAddress tells every address a department had about a change, so that
// nobody loses their notices in silence (INS-711). It is wired into office and
// runs on the transaction of the change.
func (d *Desk) TellOldAddress(ctx context.Context, tx bun.IDB, c office.AddressChange) error {
	department, err := office.FindDepartment(ctx, tx, c.Department)
	if err != nil {
		return err
	}
	change := "新增" + channelWords[c.New.Channel]
	if c.New.Value != "" {
		change += " " + c.New.Value
	}
	facts, err := json.Marshal(addressFacts{Department: department.Name, Change: change, Effective: latest(c.New.From, c.At)})
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

var channelWords = map[office.Channel]string{
	office.Portal: "收件页", office.Mail: "邮箱", office.SMS: "手机", office.Paper: "书面收件处",
}

// composeAddress writes that word; it belongs to no visit.
func (d *Desk) composeAddress(m notify.Message) (notify.Body, error) {
	var f addressFacts
	if err := json.Unmarshal(m.Facts, &f); err != nil {
		return notify.Body{}, fmt.Errorf("facts of message %s: %w", m.ID, err)
	}
	text := fmt.Sprintf("%s的送达地址将于 %s 变更：%s。如非本单位申请，请立即联系综合窗口。",
		f.Department, local(f.Effective)[:16], f.Change)
	return notify.Body{
		Subject: "【送达地址变更】" + f.Department, Text: text, HTML: "<p>" + html.EscapeString(text) + "</p>",
		SMS: "【" + d.Mail.Signature + "】" + text, From: d.Mail.From, FromName: "综合窗口",
	}, nil
}
