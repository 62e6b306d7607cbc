package notify

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/twilio/twilio-go/client"
	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
)

// CallbackCheck holds what a status callback is checked with.
type CallbackCheck struct {
	PublicURL string // LIANBAN_PUBLIC_URL; never Host or X-Forwarded-* (SEC-27)
	AuthToken string
}

// status is one verified word of the provider.
type status struct {
	Message string
	N       int // attempt the callback address was made for
	SID     string
	Word    string
	Code    string // carrier's error number
	Source  string // callback, or asked (OUT-9)
}

// ReceiveStatus takes a provider's status callback: the request's path with
// query, its body as sent, and the X-Twilio-Signature header. Replays and words
// out of order change nothing (OUT-9).
//
// Refuses with callback_form (answer 400), callback_signature (403) and
// message_unknown (404).
func (d *Desk) ReceiveStatus(ctx context.Context, requestURI string, body []byte, signature string) error {
	s, err := readStatus(requestURI, body)
	if err != nil {
		return err
	}
	if !d.Callbacks.signed(requestURI, body, signature) {
		return fault.Refuse(fault.Forbidden, "callback_signature",
			"回执签名不正确，已拒绝。请核对短信服务的令牌与公网地址设置。",
			"The callback is not signed by the provider. Check the provider's token and the public address in the settings.")
	}
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error { return d.apply(ctx, tx, s, now) })
}

// signed checks over the configured address, in constant time.
func (c *CallbackCheck) signed(requestURI string, body []byte, signature string) bool {
	if c == nil || c.AuthToken == "" || !strings.HasPrefix(requestURI, "/") {
		return false
	}
	v := client.NewRequestValidator(c.AuthToken)
	return v.ValidateBody(strings.TrimSuffix(c.PublicURL, "/")+requestURI, body, signature)
}

// readStatus refuses repeated keys: the signature covers only the first of each
// (SEC-27).
func readStatus(requestURI string, body []byte) (status, error) {
	bad := fault.Refuse(fault.Invalid, "callback_form",
		"回执内容无法识别，已拒绝。", "The callback cannot be read. Nothing was changed.")
	u, err := url.ParseRequestURI(requestURI)
	if err != nil {
		return status{}, bad
	}
	query, queryErr := url.ParseQuery(u.RawQuery)
	form, formErr := url.ParseQuery(string(body))
	if queryErr != nil || formErr != nil || repeated(query) || repeated(form) {
		return status{}, bad
	}
	n, err := strconv.Atoi(query.Get("n"))
	s := status{Message: query.Get("m"), N: n, SID: form.Get("MessageSid"), Word: form.Get("MessageStatus"), Code: clean(form.Get("ErrorCode")), Source: "callback"}
	if err != nil || s.Message == "" || s.SID == "" || s.SID != clean(s.SID) || s.Word == "" || s.Word != clean(s.Word) {
		return status{}, bad
	}
	return s, nil
}

func repeated(form url.Values) bool {
	for _, values := range form {
		if len(values) != 1 {
			return true
		}
	}
	return false
}

// apply moves the message the word is about; the word itself is kept either
// way.
func (d *Desk) apply(ctx context.Context, tx bun.IDB, s status, now time.Time) error {
	m, err := FindMessage(ctx, tx, s.Message)
	if err != nil {
		return err
	}
	fresh, err := insertReceipt(ctx, tx, receipt{ProviderID: s.SID, Status: s.Word, MessageID: m.ID, N: s.N, Code: s.Code, ReceivedAt: now})
	if err != nil || !fresh {
		return err
	}
	newest := s.N == m.Attempt
	if newest {
		if m, err = d.adopt(ctx, tx, m, s, now); err != nil {
			return err
		}
	}
	m.SettledAt = now
	switch {
	case s.Word == "delivered":
		m.State, m.ProviderID = Delivered, s.SID
		if ok, err := move(ctx, tx, m, Pending, Attempting, Unknown, Accepted); err != nil || !ok {
			return err
		}
		return d.Served(ctx, tx, Arrival{Message: m, Class: ClassC, At: now, Source: s.Source, Peer: "provider", Proof: s.SID + " delivered"})
	case newest && (s.Word == "undelivered" || s.Word == "failed" || s.Word == "canceled"):
		m.State, m.Detail = Undelivered, "carrier "+s.Word+" "+s.Code
		if ok, err := move(ctx, tx, m, Accepted); err != nil || !ok {
			return err
		}
		return d.Failed(ctx, tx, Failure{Message: m, At: now, Source: s.Source, Status: s.Code, Proof: s.SID + " " + s.Word})
	}
	return nil
}

// adopt takes home the SID of a sending whose 201 was lost or is still on its
// way: the provider has the text, so it is not sent again.
func (d *Desk) adopt(ctx context.Context, tx bun.IDB, m Message, s status, now time.Time) (Message, error) {
	was := m
	m.State, m.ProviderID, m.SettledAt, m.Detail = Accepted, s.SID, now, ""
	ok, err := move(ctx, tx, m, Pending, Attempting, Unknown)
	if err != nil || !ok {
		return was, err
	}
	out := Outcome{Result: Yes, Source: "provider", ProviderID: s.SID, Line: s.Source + " " + s.Word}
	if err := endAttempt(ctx, tx, ended(m, out, now)); err != nil {
		return m, err
	}
	if err := d.Served(ctx, tx, arrival(m, out, now)); err != nil { // before the leaf (DB-12)
		return m, err
	}
	return m, audit.Record(ctx, tx, submittedLeaf(m, out, now)...)
}
