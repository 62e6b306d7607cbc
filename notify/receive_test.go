package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/uptrace/bun"
	"golang.org/x/text/encoding/simplifiedchinese"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// eml joins header lines and a body into a mail.
func eml(header, body string) []byte {
	return []byte(strings.ReplaceAll(strings.TrimSpace(header)+"\n\n"+body, "\n", "\r\n"))
}

var plainAnswer = eml("From: =?UTF-8?B?5Yy65biC5Zy655uR566h5bGA?= <scjg@dept.example>\nTo: x\nSubject: Re: ok\nMessage-ID: <1@dept.example>", "我们下周二来\n")

// answerAddress makes the address participant-1 answers to.
func (w *world) answerAddress() (address string) {
	w.t.Helper()
	w.do(func(tx bun.IDB) (err error) {
		address, err = w.Addresses.AnswerTo(w.t.Context(), tx, w.clock(), Owner{Subject: "participant-1", Contact: "address-1", Stream: "case/c1/scjg"})
		return err
	})
	return address
}

// bounceAddress sends a letter and gives its return address.
func (w *world) bounceAddress() (id, address string) {
	w.t.Helper()
	id = w.queue(newMessage())
	w.send()
	return id, w.wantState(id, Accepted).ReturnPath
}

func (w *world) receive(to, from string, raw []byte) Inbound {
	w.t.Helper()
	if err := w.Receive(w.t.Context(), Envelope{ReceivedAt: w.clock(), MailFrom: from, Rcpt: to, Peer: "edge"}, raw); err != nil {
		w.t.Fatal(err)
	}
	return w.newestInbound()
}

func (w *world) newestInbound() (in Inbound) {
	w.t.Helper()
	w.read(func(q bun.IDB) error {
		list, err := ListInbound(w.t.Context(), q, InboundQuery{Limit: 1})
		if err != nil || len(list) == 0 {
			return err
		}
		in, err = FindInbound(w.t.Context(), q, list[0].ID)
		return err
	})
	return in
}

func (w *world) unsorted(at time.Time) (n int) {
	w.t.Helper()
	w.read(func(q bun.IDB) (err error) {
		n, err = UnsortedBefore(w.t.Context(), q, at, "participant-1")
		return err
	})
	return n
}

func TestAddressIsStableForAContactAndOnlyItsHashIsKept(t *testing.T) { // ICA-40, ICA-41, SIM-4
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first := w.answerAddress()
		w.later(240 * time.Hour)
		if again := w.answerAddress(); again != first {
			t.Errorf("%s became %s", first, again)
		}
		kind, hash, ok := w.Addresses.read(strings.ToUpper(first))
		if !ok || kind != tokenAnswer || strings.Contains(first, hash) {
			t.Errorf("%s reads as %s %v", first, kind, ok)
		}
		other := Addresses{Domain: "lianban.example", Separator: "-", Key: bytes.Repeat([]byte("x"), 32)}
		if other.token(tokenAnswer, Owner{Subject: "participant-1", Contact: "address-1"}) == strings.Split(strings.Split(first, "+")[1], "@")[0] {
			t.Error("another key gives the same token")
		}
	})
}

func TestFreeTextIsKeptHeldAndHandedOverInOneCommit(t *testing.T) { // DEC-1, INS-807
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		in := w.receive(w.answerAddress(), "scjg@dept.example", plainAnswer)
		if in.State != Held || in.Class != ClassHuman || in.Subject != "participant-1" || in.Contact != "address-1" {
			t.Errorf("kept as %s %s for %s", in.State, in.Class, in.Subject)
		}
		if !bytes.Equal(in.Raw, plainAnswer) || in.Text != "我们下周二来" || in.From != "区市场监管局 <scjg@dept.example>" || in.Title != "Re: ok" {
			t.Errorf("raw %d bytes, text %q, from %q", len(in.Raw), in.Text, in.From)
		}
		if len(w.inbound) != 1 || w.inbound[0].ID != in.ID {
			t.Errorf("the domain was told of %d mails", len(w.inbound))
		}
		w.wantLeaves("case/c1/scjg", "mail_received")
		if w.unsorted(morning) != 1 || w.unsorted(morning.Add(-time.Millisecond)) != 0 { // INS-906: received ≤ T2
			t.Error("P6 does not see the waiting mail at its instant")
		}
	})
}

func TestAReportToAnAnswerAddressIsNoReport(t *testing.T) { // PRO-13, INS-708, INS-807
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id, bounce := w.bounceAddress()
		w.served = nil
		for _, action := range []string{"failed", "delivered"} {
			in := w.receive(w.answerAddress(), "scjg@dept.example", reportMail("mx.dept.example", action, "5.1.1"))
			if in.Class != ClassHuman || in.State != Held {
				t.Errorf("%s: kept as %s %s", action, in.State, in.Class)
			}
		}
		w.wantState(id, Accepted)
		if len(w.failed)+len(w.served) != 0 || len(w.inbound) != 2 {
			t.Errorf("%d failures, %d arrivals, %d mails for a person", len(w.failed), len(w.served), len(w.inbound))
		}
		// The token of one kind of address does not open another.
		forged := strings.Replace(w.answerAddress(), tokenAnswer+"+", tokenBounce+"+", 1)
		if forged == w.answerAddress() || forged == bounce {
			t.Fatalf("%s is no forgery", forged)
		}
		err := w.Receive(t.Context(), Envelope{ReceivedAt: w.clock(), MailFrom: "x@x.example", Rcpt: forged}, plainAnswer)
		if !fault.Is(err, "address_unknown") {
			t.Errorf("%s: %v", forged, err)
		}
	})
}

func TestMailSeenTwiceIsOneMail(t *testing.T) { // ICA-91, R11
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		to := w.answerAddress()
		w.receive(to, "a@dept.example", plainAnswer)
		w.receive(to, "a@dept.example", append([]byte("Received: from x by y;\r\n\tThu, 10 Dec 2026 09:30:00 +0800\r\nReturn-Path: <a@dept.example>\r\n"), plainAnswer...))
		if len(w.inbound) != 1 {
			t.Errorf("the domain was told %d times", len(w.inbound))
		}
		w.receive(to, "a@dept.example", append(bytes.Clone(plainAnswer), "p.s.\r\n"...))
		if len(w.inbound) != 2 {
			t.Error("another mail was taken for the same")
		}
	})
}

func TestMailIsKeptEvenWhenItsConsequencesFail(t *testing.T) { // ICA-92, INS-906
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		to := w.answerAddress()
		w.broken = errors.New("bug")
		in := w.receive(to, "a@dept.example", plainAnswer)
		if in.State != Held || in.Class != ClassUnparsed || w.unsorted(morning) != 1 {
			t.Errorf("kept as %s %s, unsorted %d", in.State, in.Class, w.unsorted(morning))
		}
		w.Inbound = func(context.Context, bun.IDB, Inbound) error { panic("bug") }
		w.receive(to, "a@dept.example", append(bytes.Clone(plainAnswer), "p.s.\r\n"...))
		if w.unsorted(morning) != 2 {
			t.Error("a panic lost the mail")
		}
	})
}

func TestDatabaseAwayKeepsNothingAndSaysComeAgain(t *testing.T) { // ICA-89
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		to := w.answerAddress()
		w.broken = fault.Refuse(fault.Unavailable, "database_busy", "忙", "busy")
		err := w.Receive(t.Context(), Envelope{ReceivedAt: morning, MailFrom: "a@dept.example", Rcpt: to}, plainAnswer)
		if fault.KindOf(err) != fault.Unavailable || w.unsorted(morning) != 0 {
			t.Errorf("%v, %d kept", err, w.unsorted(morning))
		}
	})
}

const reportHead = "From: MAILER-DAEMON@%[1]s\nSubject: report\nContent-Type: multipart/report; report-type=delivery-status; boundary=b"

// reportMail is a delivery status report as mail servers write it.
func reportMail(host, action, status string) []byte {
	return eml(fmt.Sprintf(reportHead, host), fmt.Sprintf(`--b
Content-Type: text/plain

Your message.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; %s
Arrival-Date: Thu, 10 Dec 2026 09:30:00 +0800

Final-Recipient: rfc822; scjg@dept.example
Action: %s
Status: %s
Diagnostic-Code: smtp; 550 no such user
--b
Content-Type: text/rfc822-headers

Subject: original
--b--
`, host, action, status))
}

func TestDeliveryReports(t *testing.T) { // ICA-63, INS-708, DL-10
	cases := map[string]struct {
		raw            []byte
		state          string
		failed, classB int
	}{
		"failed":                              {reportMail("mx.dept.example", "failed", "5.1.1"), Undelivered, 1, 0},
		"delivered by the recipient's host":   {reportMail("mx.dept.example", "delivered", "2.0.0"), Delivered, 0, 1},
		"delivered by some other host":        {reportMail("relay.other.example", "delivered", "2.0.0"), Accepted, 0, 0},
		"delivered by a look-alike":           {reportMail("notdept.example", "delivered", "2.0.0"), Accepted, 0, 0},
		"delayed":                             {reportMail("mx.dept.example", "delayed", "4.4.1"), Accepted, 0, 0},
		"relayed proves nothing":              {reportMail("mx.dept.example", "relayed", "2.0.0"), Accepted, 0, 0},
		"bounce without a report":             {eml("Subject: Undelivered", "sorry"), Undelivered, 1, 0},
		"automatic answer at the return path": {eml("Subject: away\nAuto-Submitted: auto-replied", "away"), Accepted, 0, 0},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, c := range cases {
			w := newWorld(t, d)
			id, to := w.bounceAddress()
			w.served = nil
			in := w.receive(to, "", c.raw)
			w.wantState(id, c.state)
			if len(w.failed) != c.failed || len(w.served) != c.classB {
				t.Fatalf("%s: failures %d, arrivals %d; want %d, %d", name, len(w.failed), len(w.served), c.failed, c.classB)
			}
			if c.classB == 1 && (w.served[0].Class != ClassB || w.served[0].Source != "dsn") {
				t.Errorf("%s: arrival %+v", name, w.served[0])
			}
			if in.State != Noted || in.Subject != "participant-1" {
				t.Errorf("%s: kept as %s for %s, message %s", name, in.State, in.Subject, in.Outbox)
			}
			if w.receive(to, "", append(c.raw, "\r\n"...)); len(w.failed) != c.failed { // the same report once more
				t.Errorf("%s: the failure was reported twice", name)
			}
		}
	})
}

func TestWhatIsAnAutomaticAnswerAndWhatIsNot(t *testing.T) { // ICA-62
	calendar := "Content-Type: text/calendar; method=REPLY\n"
	for name, c := range map[string]struct{ header, from, class, state string }{
		"RFC 3834":                   {"Auto-Submitted: auto-replied", "a@b.example", ClassAuto, Noted},
		"with a parameter":           {"Auto-Submitted: auto-generated; owner=x", "a@b.example", ClassAuto, Noted},
		"says no":                    {"Auto-Submitted: no", "a@b.example", ClassHuman, Held},
		"X-Autoreply":                {"X-Autoreply: yes", "a@b.example", ClassAuto, Noted},
		"empty sender":               {"Subject: hello", "", ClassAuto, Noted},
		"subject alone":              {"Subject: =?UTF-8?B?6Ieq5Yqo5Zue5aSN?=", "a@b.example", ClassHuman, Held},
		"list header alone":          {"List-Id: <x>\nPrecedence: bulk", "a@b.example", ClassHuman, Held},
		"suppress is no sign":        {"X-Auto-Response-Suppress: All", "a@b.example", ClassHuman, Held},
		"calendar part is looked at": {calendar + "Auto-Submitted: auto-generated", "", ClassHuman, Held},
		"encrypted":                  {"Content-Type: application/pkcs7-mime\nAuto-Submitted: auto-generated", "a@b.example", ClassHuman, Held},
		"nonsense type":              {"Content-Type: multipart/mixed", "a@b.example", ClassUnparsed, Held},
	} {
		var in Inbound
		in.MailFrom = c.from
		in.read(tokenAnswer, eml(c.header, "text"))
		if in.Class != c.class || in.State != c.state {
			t.Errorf("%s: %s %s (%s), want %s %s", name, in.Class, in.State, in.Reason, c.class, c.state)
		}
	}
}

func TestLimitsOfAMessage(t *testing.T) { // ICA-86, SEC-14
	nested := "x"
	for i := range 20 {
		nested = fmt.Sprintf("--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n%s\n--b%d--", i+1, i, nested, i+1)
	}
	many := strings.Repeat("--b\nContent-Type: text/plain\n\nx\n", 150) + "--b--"
	for name, raw := range map[string][]byte{
		"depth":  eml("Content-Type: multipart/mixed; boundary=b20", nested),
		"parts":  eml("Content-Type: multipart/mixed; boundary=b", many),
		"header": eml("X-Long: "+strings.Repeat("x", 300<<10), "text"),
	} {
		var in Inbound
		in.read(tokenAnswer, raw)
		if in.Class != ClassTooBig || in.State != Held {
			t.Errorf("%s: %s %s", name, in.Class, in.State)
		}
	}
}

func TestChineseInAnyClothesIsReadable(t *testing.T) { // invites.md 4.3
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("同意，按时参加")
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"labelled gb2312":       eml("Content-Type: text/plain; charset=gb2312\nContent-Transfer-Encoding: 8bit", gbk),
		"labelled utf-8":        eml("Content-Type: text/plain; charset=utf-8", gbk),
		"not labelled":          eml("Subject: "+gbk, gbk),
		"labelled unknown-8bit": eml("Content-Type: text/plain; charset=unknown-8bit", gbk),
	} {
		s, err := look(raw)
		if err != nil || s.Text != "同意，按时参加" {
			t.Errorf("%s: %q, %v", name, s.Text, err)
		}
		if name == "not labelled" && s.Title != "同意，按时参加" {
			t.Errorf("subject %q", s.Title)
		}
	}
}

func TestPersonSortsAMailOnce(t *testing.T) { // INS-807, ICA-66
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		in := w.receive(w.answerAddress(), "a@dept.example", plainAnswer)
		sort := func(v Verdict) error {
			v.By, v.At = "person:7", w.clock()
			return d.Write(t.Context(), func(tx bun.IDB) error {
				_, err := Classify(t.Context(), tx, v)
				return err
			})
		}
		for code, v := range map[string]Verdict{
			"outcome_invalid": {ID: in.ID, Outcome: "perhaps", Reason: "x"},
			"reason_missing":  {ID: in.ID, Outcome: "phoned"},
			"inbound_unknown": {ID: "nothing", Outcome: "phoned", Reason: "x"},
		} {
			if err := sort(v); !fault.Is(err, code) {
				t.Errorf("%v, want %s", err, code)
			}
		}
		if err := sort(Verdict{ID: in.ID, Outcome: "not_an_answer", Reason: "误发"}); err != nil {
			t.Fatal(err)
		}
		if err := sort(Verdict{ID: in.ID, Outcome: "phoned", Reason: "x"}); !fault.Is(err, "inbound_sorted") {
			t.Errorf("second verdict: %v", err)
		}
		if got := w.newestInbound(); got.State != Sorted || got.SortedBy != "person:7" || w.unsorted(morning) != 0 {
			t.Errorf("%s by %s, unsorted %d", got.State, got.SortedBy, w.unsorted(morning))
		}
		w.wantLeaves("case/c1/scjg", "mail_received", "mail_sorted")
	})
}

// serveEdge starts the receiving edge and gives its address.
func serveEdge(t *testing.T, w *world, smtpMode bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- (&Edge{Desk: w.Desk, Host: "lianban.example", SMTP: smtpMode}).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dialEdge(t *testing.T, addr string) *smtp.Client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := smtp.NewClientLMTP(conn)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func code(err error) int {
	var reply *smtp.SMTPError
	if errors.As(err, &reply) {
		return reply.Code
	}
	if err != nil {
		return -1
	}
	return 250
}

// deliver hands one mail to the edge by LMTP and gives the answer's code.
func deliver(t *testing.T, c *smtp.Client, to string, r io.Reader) int {
	t.Helper()
	if err := c.Mail("a@dept.example", nil); err != nil {
		return code(err)
	}
	if err := c.Rcpt(to, nil); err != nil {
		_ = c.Reset()
		return code(err)
	}
	w, err := c.Data()
	if err != nil {
		return code(err)
	}
	if _, err := io.Copy(w, r); err != nil {
		return code(err)
	}
	_, err = w.CloseWithLMTPResponse()
	var each smtp.LMTPDataError
	if errors.As(err, &each) {
		for _, reply := range each {
			return reply.Code
		}
	}
	return code(err)
}

func TestEdgeSays250OnlyAfterTheMailIsKept(t *testing.T) { // ICA-88, ICA-89
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		to := w.answerAddress()
		c := dialEdge(t, serveEdge(t, w, false))
		if got := deliver(t, c, "v+aaaaaaaaaaaaaaaaaaaaaaaaaa@lianban.example", bytes.NewReader(plainAnswer)); got != 550 {
			t.Errorf("unknown token: %d, want 550", got)
		}
		if got := deliver(t, c, "postmaster@lianban.example", bytes.NewReader(plainAnswer)); got != 550 {
			t.Errorf("no token: %d, want 550", got)
		}
		w.broken = fault.Refuse(fault.Unavailable, "database_busy", "忙", "busy")
		if got := deliver(t, c, to, bytes.NewReader(plainAnswer)); got != 451 {
			t.Errorf("database away: %d, want 451", got)
		}
		w.broken = nil
		if got := deliver(t, c, to, bytes.NewReader(plainAnswer)); got != 250 {
			t.Errorf("answer: %d, want 250", got)
		}
		if in := w.newestInbound(); !bytes.Equal(in.Raw, plainAnswer) || !in.ReceivedAt.Equal(morning) {
			t.Errorf("kept %q at %v", in.Raw, in.ReceivedAt)
		}
	})
}

func TestMailOverTenMegabytesIsRefusedAndHolds(t *testing.T) { // ICA-86, ICA-89
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		to := w.answerAddress()
		c := dialEdge(t, serveEdge(t, w, false))
		line := strings.Repeat("x", 76) + "\r\n"
		big := strings.NewReader("Subject: big\r\n\r\n" + strings.Repeat(line, mailMax/len(line)+1))
		if got := deliver(t, c, to, big); got != 552 {
			t.Errorf("11 MB: %d, want 552", got)
		}
		if err := c.Mail("a@dept.example", &smtp.MailOptions{Size: mailMax + 1}); err != nil {
			t.Fatal(err)
		}
		if got := code(c.Rcpt(to, nil)); got != 552 {
			t.Errorf("declared 11 MB: %d, want 552", got)
		}
		if len(w.inbound) != 2 || w.inbound[0].Class != ClassTooBig || len(w.inbound[0].Raw) > headKept || w.unsorted(morning) != 2 {
			t.Errorf("the domain was told of %d refused mails, %d wait", len(w.inbound), w.unsorted(morning))
		}
	})
}

func TestMailCutBeforeItsEndIsNotKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		to := w.answerAddress()
		c := dialEdge(t, serveEdge(t, w, false))
		if err := errors.Join(c.Mail("a@dept.example", nil), c.Rcpt(to, nil)); err != nil {
			t.Fatal(err)
		}
		body, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := body.Write(plainAnswer); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		if got := deliver(t, dialEdge(t, serveEdge(t, w, false)), to, strings.NewReader("Subject: whole\r\n\r\nx\r\n")); got != 250 {
			t.Fatal(got)
		}
		if n := w.unsorted(morning); n != 1 {
			t.Errorf("%d mails kept, want the whole one", n)
		}
	})
}

func TestEdgeServesManyAtOnceAndSpeaksSMTPToo(t *testing.T) { // ICA-88
	w := newWorld(t, dbtest.SQLite(t))
	to := w.answerAddress()
	lmtp, plain := serveEdge(t, w, false), serveEdge(t, w, true)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			raw := append(bytes.Clone(plainAnswer), fmt.Sprint(i, "\r\n")...)
			if got := deliver(t, dialEdge(t, lmtp), to, bytes.NewReader(raw)); got != 250 {
				t.Errorf("connection %d: %d", i, got)
			}
		})
	}
	wg.Wait()
	c, err := smtp.Dial(plain)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SendMail("a@dept.example", []string{to}, bytes.NewReader(plainAnswer)); err != nil {
		t.Error(err)
	}
	if err := c.SendMail("a@dept.example", []string{"v+no@lianban.example"}, bytes.NewReader(plainAnswer)); code(err) != 550 {
		t.Errorf("unknown token by SMTP: %v", err)
	}
	if n := w.unsorted(morning); n != 9 {
		t.Errorf("%d mails kept, want 9", n)
	}
}

func TestConnectionsAreBounded(t *testing.T) { // ICA-88
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	limited := &limitListener{Listener: l, slots: make(chan struct{}, 1), done: done}
	for range 2 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first, err := limited.Accept()
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() {
		c, err := limited.Accept()
		if err == nil {
			_ = c.Close()
		}
		second <- err
	}()
	_ = first.Close()
	_ = first.Close() // frees its slot once
	if err := <-second; err != nil {
		t.Error(err)
	}
	limited.slots <- struct{}{}
	close(done)
	if _, err := limited.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("stopped listener says %v", err)
	}
	_ = l.Close()
}

func FuzzMIME(f *testing.F) {
	f.Add(plainAnswer)
	f.Add(reportMail("mx.dept.example", "failed", "5.1.1"))
	f.Add(eml("Content-Type: multipart/mixed; boundary=b", "--b\nContent-Type: text/calendar\n\nx\n--b--"))
	f.Add([]byte("Subject: =?gb2312?B?zbbV0w==?=\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, kind := range []string{tokenAnswer, tokenBounce} {
			var in Inbound
			in.read(kind, raw)
			if in.Class == "" || in.State != Held && in.State != Noted {
				t.Errorf("%q was judged %q %q", raw, in.Class, in.State)
			}
			if in.Class == ClassReport && in.report == nil {
				t.Error("a report without a report")
			}
			for _, s := range []string{in.From, in.Title, in.Text, in.MessageID} {
				if strings.ContainsAny(s, "\x00\r") || strings.ToValidUTF8(s, "") != s {
					t.Errorf("%q cannot be stored or shown", s)
				}
			}
		}
		if rest := withoutTrace(raw); !bytes.HasSuffix(raw, rest) {
			t.Error("trace removal changed the mail")
		}
	})
}
