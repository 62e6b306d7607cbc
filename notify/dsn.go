package notify

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/textproto"
	"strings"

	"github.com/uptrace/bun"
)

// The actions of a delivery status report that change something, and all that
// there are (RFC 3464 2.3.3).
const (
	actionFailed    = "failed"
	actionDelivered = "delivered"
)

var actions = map[string]bool{actionFailed: true, "delayed": true, actionDelivered: true, "relayed": true, "expanded": true}

// report is what a delivery status report says about our one recipient: each
// message has a return address of its own (ICA-63).
type report struct {
	Action     string // one of actions, empty when there is none
	Status     string // 5.1.1
	Reporting  string // machine that wrote the report
	Diagnostic string
}

// readReport reads the machine part of a report. Of several recipients, which
// an expanded address gives, a failure counts first, then a delivery.
func readReport(body []byte) *report {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(body)))
	head, err := r.ReadMIMEHeader()
	out := &report{Reporting: afterType(head.Get("Reporting-Mta"))}
	for err == nil {
		var h textproto.MIMEHeader
		h, err = r.ReadMIMEHeader()
		action := strings.ToLower(strings.TrimSpace(h.Get("Action")))
		if actions[action] && (out.Action == "" || action == actionFailed || action == actionDelivered && out.Action != actionFailed) {
			out.Action = action
			out.Status = clean(h.Get("Status"))
			out.Diagnostic = clean(afterType(h.Get("Diagnostic-Code")))
		}
	}
	return out
}

// afterType drops the type of a typed field: "dns; mx.example" is mx.example.
func afterType(s string) string {
	if _, value, ok := strings.Cut(s, ";"); ok {
		s = value
	}
	return clean(strings.TrimSpace(s))
}

// read judges an inbound mail from the outside: report, automatic answer, or
// something a person has to read (ICA-61 to ICA-63).
func (in *Inbound) read(kind string, raw []byte) {
	s, err := look(raw)
	in.From, in.Title, in.MessageID, in.Text, in.Calendar, in.report = s.From, s.Title, s.MessageID, s.Text, s.Calendar, s.Report
	bounce := kind == tokenBounce
	judge := func(class, state, reason string) { in.Class, in.State, in.Reason = class, state, reason }
	switch {
	case errors.Is(err, errLimit):
		judge(ClassTooBig, Held, "too_big")
	case err != nil:
		judge(ClassUnparsed, Held, "unparsed")
	case bounce && s.Report != nil && s.Report.Action != "":
		judge(ClassReport, Noted, s.Report.Action)
	case s.Encrypted:
		judge(ClassHuman, Held, "encrypted")
	case s.Calendar: // a calendar part is always looked at, whoever wrote it
		judge(ClassHuman, Held, "calendar_unread")
	case s.Auto:
		judge(ClassAuto, Noted, "auto_reply")
	case bounce && in.MailFrom == "": // a bounce that cannot be read counts as failed
		in.report = &report{Action: actionFailed, Diagnostic: "no readable report"}
		judge(ClassReport, Noted, actionFailed)
	case in.MailFrom == "" && s.Report == nil:
		judge(ClassAuto, Noted, "auto_reply")
	default:
		judge(ClassHuman, Held, "no_calendar")
	}
}

// reported applies a delivery status report to the message it speaks of.
func (d *Desk) reported(ctx context.Context, tx bun.IDB, in Inbound) error {
	m, err := FindMessage(ctx, tx, in.Outbox)
	if err != nil {
		return err
	}
	r := in.report
	m.SettledAt = in.ReceivedAt
	switch {
	case r.Action == actionFailed:
		m.State, m.Detail = Undelivered, "bounced "+r.Status
		ok, err := move(ctx, tx, m, Pending, Attempting, Unknown, Accepted, Delivered)
		if err != nil || !ok {
			return err
		}
		return d.Failed(ctx, tx, Failure{Message: m, At: in.ReceivedAt, Source: "dsn", Status: r.Status, Proof: r.Diagnostic})
	case r.Action == actionDelivered && within(r.Reporting, m.Address):
		m.State, m.Detail = Delivered, "delivery reported"
		if ok, err := move(ctx, tx, m, Pending, Attempting, Unknown, Accepted); err != nil || !ok {
			return err
		}
		return d.Served(ctx, tx, Arrival{
			Message: m, Class: ClassB, At: in.ReceivedAt, Source: "dsn", Peer: r.Reporting,
			Proof: actionDelivered + " " + r.Status,
		})
	}
	return nil
}

// within reports whether a host belongs to the domain of a mail address: only
// the recipient's own machine can say that the recipient has it (ICA-97).
func within(host, address string) bool {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
}
