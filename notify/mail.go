package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Server is one mail server we hand letters to.
type Server struct {
	Host     string
	Port     int
	User     string
	Password string
	Implicit bool        // TLS from the first byte instead of STARTTLS
	Plain    bool        // no TLS at all; only for a relay on this machine
	TLS      *tls.Config // nil verifies Host against the system's roots
}

// ParseServer reads LIANBAN_SMTP_URL: smtp://user:password@host:587 demands
// STARTTLS, smtps://…:465 is TLS from the start, smtp+plain://127.0.0.1:25 is
// without TLS and only for this machine.
func ParseServer(text string) (Server, error) {
	u, err := url.Parse(text)
	if err != nil { // its text would repeat the password
		return Server{}, errors.New("notify: mail server address cannot be read")
	}
	s := Server{Host: u.Hostname(), User: u.User.Username(), Port: 587}
	s.Password, _ = u.User.Password()
	switch u.Scheme {
	case "smtp":
	case "smtps":
		s.Implicit, s.Port = true, 465
	case "smtp+plain":
		s.Plain, s.Port = true, 25
		if ip := net.ParseIP(s.Host); s.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return Server{}, errors.New("notify: a mail server without TLS must be on this machine")
		}
	default:
		return Server{}, fmt.Errorf("notify: mail server scheme %q is not smtp, smtps or smtp+plain", u.Scheme)
	}
	if u.Port() != "" {
		if s.Port, err = strconv.Atoi(u.Port()); err != nil {
			return Server{}, errors.New("notify: mail server port cannot be read")
		}
	}
	if s.Host == "" {
		return Server{}, errors.New("notify: mail server has no host")
	}
	return s, nil
}

// Mailer sends letters by SMTP. What goes to the relay is only handed over
// (class D); what a recipient's own server took is class B (ICA-97, DEC-2).
type Mailer struct {
	Relay  Server
	Direct map[string]Server // by recipient domain: the recipient's own servers
	Helo   string            // our name
	Wait   time.Duration     // for connecting and each command; zero means 30 s
	Dot    time.Duration     // for the answer to the final dot; zero means 10 min (RFC 5321 4.5.3.2)
}

// Send hands m.Body over as it is and keeps what the other side said.
func (l *Mailer) Send(ctx context.Context, m Message) Outcome {
	if checkAddress(m.Address) != nil {
		return Outcome{Result: Refused, Detail: "address"}
	}
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	server, source := l.route(m.Address)
	out := Outcome{Source: source, Peer: server.Host}
	c, conn, err := l.dial(ctx, server)
	if err != nil {
		out.Result, out.Detail = dialResult(err), "connect: "+short(err)
		return out
	}
	out.PeerAddr = conn.RemoteAddr().String()
	if name, _, _ := strings.Cut(c.HelloResponse(), " "); name != "" {
		out.Peer = clean(name)
	}
	if state, ok := c.TLSConnectionState(); ok {
		out.TLS = tls.VersionName(state.Version)
	}
	out.DSN, _ = c.Extension("DSN")
	return l.hand(c, m, out)
}

// hand runs the mail transaction. Until the dot nothing has been sent; after it
// only an answer tells (OUT-4).
func (l *Mailer) hand(c *smtp.Client, m Message, out Outcome) Outcome {
	from := "<" + m.ReturnPath + ">"
	if out.DSN {
		c.SetDSNMailReturnOption("HDRS")
		c.SetDSNRcptNotifyOption("SUCCESS,FAILURE,DELAY")
		from += " ENVID=" + m.ID // go-mail has no option for it; the parameter follows the address
	}
	if err := c.Mail(from); err != nil {
		return before(out, "MAIL", err)
	}
	if err := c.Rcpt("<" + m.Address + ">"); err != nil {
		return before(out, "RCPT", err)
	}
	w, err := c.Data()
	if err != nil {
		return before(out, "DATA", err)
	}
	if err := c.UpdateDeadline(orElse(l.Dot, 10*time.Minute)); err != nil {
		return before(out, "DATA", err)
	}
	if _, err := w.Write(m.Body); err != nil {
		return before(out, "body", err)
	}
	if err := c.Text.W.Flush(); err != nil {
		return before(out, "body", err)
	}
	if err := w.Close(); err != nil {
		return afterDot(out, err)
	}
	out.Result = Yes
	if data, ok := w.(*smtp.DataCloser); ok {
		out.Line = clean("250 " + data.ServerResponse())
	}
	if _, id, ok := strings.Cut(out.Line, "queued as "); ok {
		out.ProviderID, _, _ = strings.Cut(id, " ")
	}
	_ = c.Quit() // the letter is theirs; how they part does not matter
	return out
}

func (l *Mailer) route(address string) (s Server, source string) {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	if own, ok := l.Direct[domain]; ok {
		return own, "own_mx"
	}
	return l.Relay, "relay"
}

// dial connects, starts TLS and signs in. The connection is closed when ctx
// ends: SMTP calls know no context, and go-mail leaves it open when a step
// fails.
func (l *Mailer) dial(ctx context.Context, s Server) (c *smtp.Client, conn net.Conn, err error) {
	config := s.TLS
	if config == nil {
		config = &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
	}
	opts := []mail.Option{
		mail.WithPort(s.Port), mail.WithHELO(orElse(l.Helo, "localhost")), mail.WithTimeout(orElse(l.Wait, 30*time.Second)),
		mail.WithTLSConfig(config), mail.WithTLSPolicy(mail.TLSMandatory), mail.WithoutSMTPUTF8(),
		mail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			dial := (&net.Dialer{}).DialContext
			if s.Implicit {
				dial = (&tls.Dialer{Config: config}).DialContext
			}
			var err error
			if conn, err = dial(dialing, network, address); err != nil {
				return nil, err
			}
			opened := conn
			context.AfterFunc(ctx, func() { _ = opened.Close() })
			return opened, nil
		}),
	}
	if s.Implicit || s.Plain {
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	}
	if s.User != "" {
		opts = append(opts, mail.WithSMTPAuthCustom(smtp.PlainAuth("", s.User, s.Password, s.Host, false)))
	}
	client, err := mail.NewClient(s.Host, opts...)
	if err != nil {
		return nil, nil, err
	}
	c, err = client.DialToSMTPClientWithContext(ctx)
	return c, conn, err
}

// dialResult is Halt when the server does not take our credentials: trying on
// would lock the account. Everything else before MAIL may pass.
func dialResult(err error) Result {
	if code := replyCode(err); code == 530 || code == 534 || code == 535 {
		return Halt
	}
	return Retry
}

// before judges an error before the final dot: nothing was sent.
func before(out Outcome, where string, err error) Outcome {
	out.Result, out.Line, out.Detail = Retry, line(err), where+": "+short(err)
	if replyCode(err) >= 500 {
		out.Result = Refused
	}
	return out
}

// afterDot judges an error after it: without an answer nobody knows (RFC 1047).
func afterDot(out Outcome, err error) Outcome {
	out = before(out, "dot", err)
	if replyCode(err) == 0 {
		out.Result = Unclear
	}
	return out
}

// replyCode is the server's three-digit answer, 0 when there was none.
func replyCode(err error) int {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return reply.Code
	}
	return 0
}

func line(err error) string {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return clean(reply.Error())
	}
	return ""
}

// short names an error without addresses: a server's own words may repeat the
// recipient, so only its code is given.
func short(err error) string {
	var reply *textproto.Error
	var network net.Error
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &reply):
		return strconv.Itoa(reply.Code)
	case errors.As(err, &cert):
		return "certificate"
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	}
	return "connection lost"
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
