package notify

import (
	"context"
	"html"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
)

// titleMax is the longest subject line, in characters (ICA-68).
const titleMax = 60

// compose makes the bytes of m once and stores them with their leaf (SIM-5,
// ICA-08). The leaf goes into the log as the transaction's last step.
func (d *Desk) compose(ctx context.Context, tx bun.IDB, m *Message, now time.Time) ([]audit.Leaf, error) {
	m.ComposedAt = now
	b, err := d.Compose(ctx, tx, *m)
	if err != nil {
		return nil, err
	}
	if err := check(*m, b); err != nil {
		return nil, err
	}
	m.Title, m.Text, m.HTML = b.Subject, b.Text, b.HTML
	switch m.Channel {
	case SMS:
		m.Text, m.HTML = b.SMS, ""
		m.Body = []byte(b.SMS)
	case Portal:
		m.Body = []byte(b.Text)
	case Mail:
		if err := d.writeLetter(ctx, tx, m, b); err != nil {
			return nil, err
		}
	}
	m.BodySalt, m.BodyHash = audit.Salted(m.Body)
	return composedLeaf(*m), storeBody(ctx, tx, *m)
}

// writeLetter makes the mail with its own return address, so that a bounce
// finds its message (OUT-6, ICA-40).
func (d *Desk) writeLetter(ctx context.Context, tx bun.IDB, m *Message, b Body) (err error) {
	m.ReturnPath, err = d.Addresses.address(ctx, tx, m.ComposedAt, tokenBounce, Owner{Subject: m.ID, Contact: m.Contact, Stream: m.Stream})
	if err != nil {
		return err
	}
	if m.MessageID = b.MessageID; m.MessageID == "" {
		m.MessageID = "n." + m.ID + "@" + d.Addresses.Domain
	}
	m.Body, err = letter(*m, b)
	return err
}

// composedLeaf commits to the exact bytes; whose they are and where they go is
// known by ids only.
func composedLeaf(m Message) []audit.Leaf {
	if m.Stream == "" {
		return nil
	}
	return []audit.Leaf{{Type: "notice_composed", Stream: m.Stream, Actor: actor, At: m.ComposedAt, Fields: map[string]any{
		"message": m.ID, "purpose": m.Purpose, "channel": m.Channel, "subject": m.Subject,
		"contact": m.Contact, "legal": m.Legal, "body_hash": m.BodyHash,
	}}}
}

// submittedLeaf says that the other side took the bytes.
func submittedLeaf(m Message, out Outcome, now time.Time) []audit.Leaf {
	if m.Stream == "" {
		return nil
	}
	return []audit.Leaf{{Type: "submitted", Stream: m.Stream, Actor: actor, At: now, Fields: map[string]any{
		"message": m.ID, "channel": m.Channel, "attempt": m.Attempt, "source": out.Source,
		"provider_id": clean(out.ProviderID), "peer": clean(out.Peer), "tls": out.TLS,
	}}}
}

// check refuses a text that must not go out: a legal Notice without its
// deadline, consequence or citation (INS-702), and anything a header or a
// telephone cannot carry.
func check(m Message, b Body) error {
	missing := func(what string) error {
		return fault.Refuse(fault.Invalid, "notice_incomplete",
			"通知缺少“%s”，未发送。请补全事项或设置后由窗口重新发送。",
			"The notice lacks its %s and was not sent. Complete the matter or the settings, then send it again from the window.", what)
	}
	switch {
	case m.Channel == SMS:
		return checkText(b.SMS)
	case b.Subject == "" || utf8.RuneCountInString(b.Subject) > titleMax || strings.ContainsFunc(b.Subject, unicode.IsControl):
		return missing("subject line")
	case b.Text == "" || b.HTML == "":
		return missing("text")
	case m.Legal:
		plain := visible(b.HTML)
		for _, must := range []struct{ what, words string }{
			{"deadline", b.Must.Deadline}, {"consequence", b.Must.Consequence}, {"citation", b.Must.Citation},
		} {
			if must.words == "" || !strings.Contains(b.Text, must.words) || !strings.Contains(plain, must.words) {
				return missing(must.what)
			}
		}
	}
	return nil
}

// visible gives the words of an HTML text that a reader sees.
func visible(page string) string {
	var words strings.Builder
	for page != "" {
		text, rest, _ := strings.Cut(page, "<")
		words.WriteString(text)
		_, page, _ = strings.Cut(rest, ">")
	}
	return html.UnescapeString(words.String())
}

// clean makes words from outside fit for a leaf or a log: no control
// characters, valid UTF-8, at most 200 bytes.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}
