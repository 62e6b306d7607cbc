package notify

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-message"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// mailHost is a real SMTP server that fails on demand.
type mailHost struct {
	t     *testing.T
	addr  string
	roots *x509.CertPool

	mu    sync.Mutex
	fault hostFault
	got   []received
}

type hostFault struct {
	mail, rcpt, data error
	cut              bool // hang up in the middle of the letter
	lose             bool // take the letter, then hang up instead of answering
}

type received struct {
	from, to, envid string
	ret             smtp.DSNReturn
	notify          []smtp.DSNNotify
	data            []byte
}

type hostOptions struct{ plain, dsn bool }

func newMailHost(t *testing.T, o hostOptions) *mailHost {
	t.Helper()
	h := &mailHost{t: t}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &hostSession{h: h, conn: c}, nil
	}))
	s.Domain, s.EnableDSN, s.AllowInsecureAuth = "mx.dept.example", o.dsn, true
	s.ErrorLog = log.New(io.Discard, "", 0)
	if !o.plain {
		s.TLSConfig, h.roots = selfSigned(t)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return h
}

func selfSigned(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}

// server is how a Mailer reaches the host.
func (h *mailHost) server() Server {
	s, err := ParseServer("smtp://" + h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	s.Plain = h.roots == nil
	s.TLS = &tls.Config{ServerName: "127.0.0.1", RootCAs: h.roots}
	return s
}

func (h *mailHost) break_(f hostFault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = f
}

func (h *mailHost) letters() []received {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

type hostSession struct {
	h    *mailHost
	conn *smtp.Conn
	now  received
}

func (s *hostSession) faults() hostFault {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	return s.h.fault
}

func (s *hostSession) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *hostSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(string, string, string) error { return smtp.ErrAuthFailed }), nil
}

func (s *hostSession) Mail(from string, o *smtp.MailOptions) error {
	s.now = received{from: from, envid: o.EnvelopeID, ret: o.Return}
	return s.faults().mail
}

func (s *hostSession) Rcpt(to string, o *smtp.RcptOptions) error {
	s.now.to, s.now.notify = to, o.Notify
	return s.faults().rcpt
}

func (s *hostSession) Data(r io.Reader) error {
	f := s.faults()
	if f.cut {
		_, _ = io.CopyN(io.Discard, r, 100)
		_ = s.conn.Conn().Close()
		return nil
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if f.data != nil {
		return f.data
	}
	s.now.data = data
	s.h.mu.Lock()
	s.h.got = append(s.h.got, s.now)
	s.h.mu.Unlock()
	if f.lose {
		_ = s.conn.Conn().Close()
	}
	return nil
}

func (s *hostSession) Reset()        {}
func (s *hostSession) Logout() error { return nil }

// letterTo is a composed message as the outbox would hand it over.
func letterTo(t *testing.T, address string) Message {
	t.Helper()
	m := newMessage(func(m *Message) { m.Address = address })
	m.Attempt, m.ComposedAt = 1, morning
	m.ReturnPath, m.MessageID = "b+abcdefghijklmnopqrstuvwxyz@lianban.example", "n."+m.ID+"@lianban.example"
	body, err := letter(m, noticeBody(t))
	if err != nil {
		t.Fatal(err)
	}
	m.Body = body
	return m
}

func TestLetterArrivesByteForByteWithReportAsked(t *testing.T) { // ICA-96, ICA-97, STK-62
	h := newMailHost(t, hostOptions{dsn: true})
	m := letterTo(t, "scjg@dept.example")
	out := (&Mailer{Relay: h.server()}).Send(t.Context(), m)
	if out.Result != Yes || out.Source != "relay" || !strings.HasPrefix(out.Line, "250 ") || out.TLS != "TLS 1.3" || !out.DSN {
		t.Fatalf("outcome %+v", out)
	}
	if out.Peer == "" || !strings.HasPrefix(out.PeerAddr, "127.0.0.1:") {
		t.Errorf("peer %q at %q is not kept", out.Peer, out.PeerAddr)
	}
	got := h.letters()
	if len(got) != 1 || !bytes.Equal(got[0].data, m.Body) {
		t.Fatal("what arrived is not what was stored")
	}
	if got[0].from != m.ReturnPath || got[0].to != m.Address || got[0].envid != m.ID || got[0].ret != smtp.DSNReturnHeaders {
		t.Errorf("envelope %+v", got[0])
	}
	want := []smtp.DSNNotify{smtp.DSNNotifySuccess, smtp.DSNNotifyFailure, smtp.DSNNotifyDelayed}
	if !slices.Equal(got[0].notify, want) {
		t.Errorf("asked for reports on %v, want %v", got[0].notify, want)
	}
}

func TestRecipientsOwnServerIsReachedDirectly(t *testing.T) { // INS-704 class B, ICA-97
	h := newMailHost(t, hostOptions{})
	l := &Mailer{Relay: Server{Host: "127.0.0.1", Port: 1}, Direct: map[string]Server{"dept.example": h.server()}}
	out := l.Send(t.Context(), letterTo(t, "scjg@Dept.example"))
	if out.Result != Yes || out.Source != "own_mx" {
		t.Fatalf("outcome %+v", out)
	}
	if a := arrival(Message{}, out, morning); a.Class != ClassB {
		t.Errorf("class %s, want B", a.Class)
	}
	if a := arrival(Message{}, Outcome{Source: "relay"}, morning); a.Class != ClassD { // DEC-2
		t.Errorf("a relay's 250 is class %s, want D", a.Class)
	}
}

func TestAnswersOfAMailServer(t *testing.T) { // OUT-4
	reply := func(code int) error { return &smtp.SMTPError{Code: code, Message: "no"} }
	for name, c := range map[string]struct {
		fault hostFault
		want  []Result
	}{
		"4xx to the sender":          {hostFault{mail: reply(451)}, []Result{Retry}},
		"4xx to the recipient":       {hostFault{rcpt: reply(450)}, []Result{Retry}},
		"4xx to the letter":          {hostFault{data: reply(452)}, []Result{Retry}},
		"5xx to the recipient":       {hostFault{rcpt: reply(550)}, []Result{Refused}},
		"5xx to the letter":          {hostFault{data: reply(554)}, []Result{Refused}},
		"cut in the letter":          {hostFault{cut: true}, []Result{Retry, Unclear}}, // the kernel may have taken the rest
		"250 lost after the dot":     {hostFault{lose: true}, []Result{Unclear}},
		"hang up at the recipient":   {hostFault{rcpt: errHangUp}, []Result{Retry}},
		"takes it when all is right": {hostFault{}, []Result{Yes}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newMailHost(t, hostOptions{})
			h.break_(c.fault)
			out := (&Mailer{Relay: h.server()}).Send(t.Context(), letterTo(t, "scjg@dept.example"))
			if !slices.Contains(c.want, out.Result) {
				t.Errorf("result %s (%s), want %v", out.Result, out.Detail, c.want)
			}
			if strings.Contains(out.Detail, "scjg@dept.example") {
				t.Errorf("detail %q repeats the address", out.Detail)
			}
		})
	}
}

// errHangUp is a 421: the host closes after it.
var errHangUp = &smtp.SMTPError{Code: 421, Message: "closing"}

func TestLetterIsNotSentWithoutVerifiedTLS(t *testing.T) { // ICA-96
	h := newMailHost(t, hostOptions{})
	stranger := h.server()
	stranger.TLS = &tls.Config{ServerName: "127.0.0.1"} // does not know the certificate
	open := newMailHost(t, hostOptions{plain: true}).server()
	open.Plain = false // demands TLS of a server that has none
	for name, s := range map[string]Server{"unknown certificate": stranger, "no STARTTLS": open} {
		out := (&Mailer{Relay: s}).Send(t.Context(), letterTo(t, "scjg@dept.example"))
		if out.Result != Retry {
			t.Errorf("%s: %s (%s), want retry", name, out.Result, out.Detail)
		}
	}
	if len(h.letters()) != 0 {
		t.Error("a letter went out")
	}
}

func TestRefusedSignInHaltsTheChannel(t *testing.T) { // OUT-4
	h := newMailHost(t, hostOptions{})
	s := h.server()
	s.User, s.Password = "lianban", "wrong"
	if out := (&Mailer{Relay: s}).Send(t.Context(), letterTo(t, "scjg@dept.example")); out.Result != Halt {
		t.Errorf("result %s (%s), want halt", out.Result, out.Detail)
	}
}

func TestUnreachableServerIsRetried(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	out := (&Mailer{Relay: Server{Host: "127.0.0.1", Port: port, Plain: true}}).Send(t.Context(), letterTo(t, "scjg@dept.example"))
	if out.Result != Retry {
		t.Errorf("result %s, want retry", out.Result)
	}
}

func TestStoppingEndsACallThatWaits(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // greets nobody
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	out := (&Mailer{Relay: Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Plain: true}}).Send(ctx, letterTo(t, "scjg@dept.example"))
	if out.Result != Retry {
		t.Errorf("result %s, want retry", out.Result)
	}
}

func TestLost250SendsTheSameLetterAgain(t *testing.T) { // ICA-98, OUT-6
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h := newMailHost(t, hostOptions{})
		w.Channels[Mail] = &Mailer{Relay: h.server()}
		id := w.queue(newMessage())
		h.break_(hostFault{lose: true})
		w.send()
		w.wantState(id, Unknown)
		h.break_(hostFault{})
		w.later(2 * time.Minute)
		w.ask()
		w.send()
		w.wantState(id, Accepted)
		got := h.letters()
		if len(got) != 2 || !bytes.Equal(got[0].data, got[1].data) || got[0].from != got[1].from {
			t.Fatalf("%d letters, want the same one twice", len(got))
		}
	})
}

func TestLetterCarriesTheCalendarTwiceAndSaysTheMethod(t *testing.T) { // ICA-67
	m := letterTo(t, "scjg@dept.example")
	e, err := message.Read(bytes.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	calendars := map[string][]byte{}
	err = e.Walk(func(_ []int, part *message.Entity, err error) error {
		if err != nil {
			return err
		}
		kind, params, _ := part.Header.ContentType()
		kinds = append(kinds, kind)
		if kind == "text/calendar" && params["method"] != "REQUEST" {
			t.Errorf("method parameter %q", params["method"])
		}
		if kind == "text/calendar" || kind == "application/ics" {
			calendars[kind], err = io.ReadAll(part.Body)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics"}
	if !slices.Equal(kinds, want) {
		t.Errorf("parts %v, want %v", kinds, want)
	}
	if b := noticeBody(t).Calendar; !bytes.Equal(calendars["text/calendar"], b) || !bytes.Equal(calendars["application/ics"], b) {
		t.Error("the two calendar parts are not the composed object")
	}
}

func TestHeadersOfALegalLetter(t *testing.T) { // ICA-68
	m := letterTo(t, "scjg@dept.example")
	e, err := message.Read(bytes.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<" + m.MessageID + ">", "Auto-Submitted": "auto-generated",
		"X-Auto-Response-Suppress": "OOF, AutoReply", "Date": "Thu, 10 Dec 2026 09:30:00 +0800",
		"List-Unsubscribe": "", "User-Agent": "", "X-Mailer": "", "To": "<scjg@dept.example>",
	} {
		if got := e.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	subject, err := e.Header.Text("Subject")
	if err != nil || subject != noticeBody(t).Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	if !strings.HasPrefix(e.Header.Get("Subject"), "=?UTF-8?b?") {
		t.Errorf("subject is written as %q, want base64 words", e.Header.Get("Subject"))
	}
	for _, line := range bytes.SplitAfter(m.Body, []byte("\n")) {
		if len(line) > 0 && (!bytes.HasSuffix(line, []byte("\r\n")) || len(line) > 1000 || bytes.Contains(line[:len(line)-2], []byte("\r"))) {
			t.Fatalf("line %q is not a mail line", line)
		}
	}
}

func TestHostileFieldsCannotAddHeaders(t *testing.T) { // SEC-17
	b := noticeBody(t)
	b.FromName = "中心\r\nBcc: everyone@example.com"
	b.InReplyTo = "x>\r\nBcc: everyone@example.com"
	body, err := letter(newMessage(), b)
	if err != nil {
		t.Fatal(err)
	}
	e, err := message.Read(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if e.Header.Has("Bcc") {
		t.Error("a name added a header")
	}
	for _, address := range []string{"", "a@b\r\nRCPT TO:<x@y>", "x <a@b.example>", "a@b.example, c@d.example", "two words@b.example"} {
		m := newMessage(func(m *Message) { m.Address = address })
		if _, err := letter(m, noticeBody(t)); !fault.Is(err, "address_invalid") {
			t.Errorf("address %q: %v", address, err)
		}
		if out := (&Mailer{}).Send(t.Context(), m); out.Result != Refused {
			t.Errorf("address %q was called: %s", address, out.Result)
		}
	}
}

func TestCalendarWithAnotherMethodIsNotSent(t *testing.T) { // ICA-67
	b := noticeBody(t)
	b.Method = "CANCEL"
	if _, err := letter(newMessage(), b); !fault.Is(err, "calendar_invalid") {
		t.Errorf("got %v", err)
	}
}

func TestServerAddressNeedsTLSOutsideThisMachine(t *testing.T) {
	for text, want := range map[string]Server{
		"smtp://u:p%40@mail.example":      {Host: "mail.example", Port: 587, User: "u", Password: "p@"},
		"smtps://mail.example:4650":       {Host: "mail.example", Port: 4650, Implicit: true},
		"smtp+plain://127.0.0.1:2525":     {Host: "127.0.0.1", Port: 2525, Plain: true},
		"smtp+plain://[::1]":              {Host: "::1", Port: 25, Plain: true},
		"smtp+plain://relay.example:2525": {},
		"http://mail.example":             {},
		"smtp://":                         {},
	} {
		got, err := ParseServer(text)
		if (err != nil) != (want == Server{}) || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	if _, err := ParseServer("smtp://u:secret@ho st"); err == nil || strings.Contains(err.Error(), "secret") || errors.As(err, new(*url.Error)) {
		t.Errorf("error %v shows the password", err)
	}
}
