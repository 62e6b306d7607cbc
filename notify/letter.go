package notify

import (
	"bytes"
	netmail "net/mail"
	"strings"

	"github.com/wneessen/go-mail"

	"lianban/internal/fault"
)

// letter writes the exact bytes of a mail: text, HTML and calendar as
// alternatives, the calendar once more as an attachment of the same bytes
// (ICA-67). It runs once per message; retries send what it gave.
func letter(m Message, b Body) ([]byte, error) {
	msg := mail.NewMsg(mail.WithEncoding(mail.EncodingB64), mail.WithNoDefaultUserAgent())
	for _, a := range []struct {
		header        mail.AddrHeader
		name, address string
	}{
		{mail.HeaderFrom, b.FromName, b.From},
		{mail.HeaderTo, "", m.Address},
		{mail.HeaderReplyTo, "", b.ReplyTo},
	} {
		if a.header == mail.HeaderReplyTo && a.address == "" {
			continue
		}
		if err := checkAddress(a.address); err != nil {
			return nil, err
		}
		msg.SetAddrHeaderFromMailAddress(a.header, &netmail.Address{Name: clean(a.name), Address: a.address})
	}
	headers(msg, m, b)
	msg.SetBodyString(mail.TypeTextPlain, crlf(b.Text))
	msg.AddAlternativeString(mail.TypeTextHTML, crlf(b.HTML))
	if len(b.Calendar) > 0 {
		if err := attach(msg, b.Calendar, b.Method); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	_, err := msg.WriteTo(&out)
	return out.Bytes(), err
}

// headers are those of ICA-68. List-Unsubscribe is absent on purpose: nobody
// can unsubscribe from a legal notice.
func headers(msg *mail.Msg, m Message, b Body) {
	msg.Subject(clean(b.Subject))
	msg.SetMessageIDWithValue(m.MessageID)
	msg.SetDateWithValue(m.ComposedAt.In(china))
	if b.InReplyTo != "" {
		msg.SetGenHeader(mail.HeaderInReplyTo, "<"+clean(b.InReplyTo)+">")
		msg.SetGenHeader(mail.HeaderReferences, "<"+clean(b.InReplyTo)+">")
	}
	submitted := "auto-generated"
	if b.Answers {
		submitted = "auto-replied"
	}
	msg.SetGenHeader("Auto-Submitted", submitted)
	msg.SetGenHeader(mail.HeaderXAutoResponseSuppress, "OOF, AutoReply") // never DR or NDR: we need those
}

// attach adds the calendar object. Its method parameter must equal METHOD, or
// programs show a plain file (PHPMailer#175).
func attach(msg *mail.Msg, object []byte, method string) error {
	if !bytes.Contains(object, []byte("\r\nMETHOD:"+method+"\r\n")) || method == "" {
		return fault.Refuse(fault.Invalid, "calendar_invalid",
			"日历邀请与邮件不一致，未发送。请联系管理员。",
			"The calendar object does not match its mail and was not sent. Tell the administrator.")
	}
	msg.AddAlternativeString(mail.ContentType("text/calendar; method="+method+"; component=VEVENT"), string(object))
	return msg.AttachReader("invite.ics", bytes.NewReader(object),
		mail.WithFileContentType("application/ics"), mail.WithFileEncoding(mail.EncodingB64))
}

// checkAddress takes one bare address and nothing else (SEC-17).
func checkAddress(address string) error {
	a, err := netmail.ParseAddress(address)
	if err != nil || a.Name != "" || a.Address != address || strings.ContainsAny(address, "\r\n<>\" ") {
		return fault.Refuse(fault.Invalid, "address_invalid",
			"邮件地址不正确，未发送。请核对送达地址确认书。",
			"The mail address is not valid and nothing was sent. Check the confirmed addresses.")
	}
	return nil
}

// crlf gives text the line ends of mail.
func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}
