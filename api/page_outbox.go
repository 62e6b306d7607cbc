package api

import (
	"regexp"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/office"
	"lianban/notify"
)

// outboxPage lists messages, newest first.
type outboxPage struct {
	Search           string
	Filtered         bool
	Channels, States []option
	Messages         []sentLine
	Paused           []notify.Paused
	More             string
}

// sentLine is one message as the outbox shows it.
type sentLine struct {
	ID, Purpose, Channel, State, Lang, Title, Text, Detail string

	CaseNumber, To, Href string
	At                   time.Time
	Tries                int
	Open                 bool
	Attempts             []notify.Attempt
}

// outbox lists what was sent about the cases that the reader may see. Answer
// links and codes are hidden, so that nobody at a window can answer for a
// department; only the demonstration shows them.
func (p *site) outbox(v *view) error {
	d := outboxPage{
		Search:   v.query("q"),
		Filtered: v.query("q") != "" || v.query("state") != "" || v.query("channel") != "",
		States: p.stateOptions(v, "message_state", notify.Pending, notify.Accepted, notify.Delivered, notify.Undelivered,
			notify.Unknown, notify.Failed, notify.Dead, notify.Expired, notify.Cancelled, notify.Dropped),
	}
	for _, c := range []string{notify.Portal, notify.Mail, notify.SMS} {
		d.Channels = append(d.Channels, option{c, p.say(v, "channel."+c), v.query("channel") == c})
	}
	var list []notify.Message
	departments := map[string]string{}
	err := p.Read(v.ctx(), func(q bun.IDB) (err error) {
		if d.Paused, err = notify.ListPaused(v.ctx(), q); err != nil {
			return err
		}
		all, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{})
		for _, one := range all {
			departments[one.ID] = inspection.Words{ZH: one.Name, EN: one.NameEN}.In(v.x.lang)
		}
		if err != nil {
			return err
		}
		list, err = notify.ListMessages(v.ctx(), q, notify.MessageQuery{
			State: v.query("state"), Channel: v.query("channel"), Before: v.query("before"), Limit: pageSize,
		})
		return err
	})
	if err != nil {
		return err
	}
	if err := p.fillOutbox(v, &d, list, departments); err != nil {
		return err
	}
	return p.show(v, "outbox", d)
}

func (p *site) fillOutbox(v *view, d *outboxPage, list []notify.Message, departments map[string]string) error {
	cases := p.casesByStream(v)
	for _, m := range list {
		c, may, err := cases(m.Stream)
		if err != nil {
			return err
		}
		line := p.sent(v, m, departments)
		line.CaseNumber = c.Number
		if !may || !holds(d.Search, line.CaseNumber, line.To, line.Title, line.Text) {
			continue
		}
		if line.Open {
			err = p.Read(v.ctx(), func(q bun.IDB) (err error) {
				line.Attempts, err = notify.ListAttempts(v.ctx(), q, m.ID)
				return err
			})
			if err != nil {
				return err
			}
		}
		d.Messages = append(d.Messages, line)
	}
	if len(list) == pageSize {
		d.More = v.with("before", list[len(list)-1].ID)
	}
	return nil
}

// sent is a message as the reader may see it.
func (p *site) sent(v *view, m notify.Message, departments map[string]string) sentLine {
	line := sentLine{
		ID: m.ID, Purpose: m.Purpose, Channel: m.Channel, State: m.State, Lang: m.Lang, Title: m.Title, Text: m.Text,
		Detail: m.Detail, At: m.CreatedAt, Tries: m.Attempt, Open: v.query("open") == m.ID,
		Href: v.with("open", m.ID) + "#m-" + m.ID,
	}
	line.To = p.recipient(v, m, departments)
	if p.Demo == nil {
		line.Text = hideSecrets(line.Text, p.say(v, "outbox.hidden"))
	}
	return line
}

// recipient is whom a message went to; telephones are masked (FAC-20).
func (p *site) recipient(v *view, m notify.Message, departments map[string]string) string {
	who := departments[m.Stream[strings.LastIndexByte(m.Stream, '/')+1:]]
	if m.Contact == "applicant" {
		who = p.say(v, "outbox.applicant")
	}
	switch {
	case m.Channel == notify.SMS:
		return who + " " + delivery.MaskPhone(m.Address)
	case m.Channel == notify.Mail && m.Contact != "applicant":
		return who + " " + m.Address
	}
	return who
}

// What would let a reader answer for a department, or act for an applicant
// (SEC-11, DEL-1201).
var (
	answerLink = regexp.MustCompile(`(/[rea]/)[A-Za-z0-9_-]+`)
	answerCode = regexp.MustCompile(`((?:反馈码|收货码|取件码|[Rr]eply code|[Cc]ode)[^0-9\n]{0,20})\d{6}`)
)

// hideSecrets takes links and codes out of a message's text.
func hideSecrets(text, hidden string) string {
	return answerCode.ReplaceAllString(answerLink.ReplaceAllString(text, "${1}"+hidden), "${1}"+hidden)
}
