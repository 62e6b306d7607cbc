package notify

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"lianban/internal/fault"
)

// Limits of the receiving edge (ICA-86, ICA-88).
const (
	mailMax        = 10 << 20
	edgeConns      = 50
	edgeRecipients = 100
	edgeTimeout    = 5 * time.Minute
)

// Edge takes mail for the tokened addresses: LMTP behind the city's mail
// server, or SMTP for development (ICA-88).
type Edge struct {
	Desk *Desk
	Host string // name in the greeting
	SMTP bool   // speak SMTP instead of LMTP
}

// Serve answers on l until ctx ends. It returns when no mail is being kept any
// more. An answer that was committed but not heard comes again and is known by
// its print (ICA-91).
func (e *Edge) Serve(ctx context.Context, l net.Listener) error {
	var keeping sync.WaitGroup
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{ctx: context.WithoutCancel(ctx), desk: e.Desk, peer: c.Conn().RemoteAddr().String(), keeping: &keeping}, nil
	}))
	s.LMTP, s.Domain, s.MaxRecipients = !e.SMTP, e.Host, edgeRecipients
	s.ReadTimeout, s.WriteTimeout = edgeTimeout, edgeTimeout
	s.ErrorLog = slog.NewLogLogger(e.Desk.Log.Handler(), slog.LevelWarn)
	// MaxMessageBytes stays 0: the server would answer a declared size before
	// RCPT, and a refused answer would leave no trace (ICA-89).
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	err := s.Serve(&limitListener{Listener: l, slots: make(chan struct{}, edgeConns), done: ctx.Done()})
	keeping.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// session is one conversation with the mail server in front of us. Data is read
// on another goroutine than the commands, but never at the same time.
type session struct {
	ctx     context.Context
	desk    *Desk
	peer    string
	keeping *sync.WaitGroup

	from  string
	size  int64 // as declared with MAIL FROM, 0 if not
	rcpts []string
}

// Answers of the edge. A token that is not ours is refused for good, so that
// the sender learns of it; trouble of ours never is (ICA-89).
var (
	errNoUser    = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such address"}
	errComeAgain = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Not stored, try again later"}
	errTooLarge  = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "Message over 10 MB, please telephone"}
)

func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	s.from = from
	if opts != nil {
		s.size = opts.Size
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if _, err := s.desk.owner(s.ctx, to); err != nil {
		return s.answer(err)
	}
	if s.size > mailMax {
		return s.refuseSize(to, nil)
	}
	s.rcpts = append(s.rcpts, to)
	return nil
}

// Data is the SMTP way: one answer for all recipients.
func (s *session) Data(r io.Reader) error {
	var worst error
	err := s.take(r, func(_ string, err error) {
		if err != nil {
			worst = err
		}
	})
	if err == nil { // the server wants its own error type, not a joined one
		err = worst
	}
	return err
}

// LMTPData is the LMTP way: each recipient has an answer of its own.
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	return s.take(r, status.SetStatus)
}

func (s *session) take(r io.Reader, answer func(rcpt string, err error)) error {
	s.keeping.Add(1)
	defer s.keeping.Done()
	raw, err := io.ReadAll(io.LimitReader(r, mailMax+1))
	if err != nil { // cut before the dot: nothing was promised
		return errComeAgain
	}
	for _, rcpt := range s.rcpts {
		if len(raw) > mailMax {
			answer(rcpt, s.refuseSize(rcpt, raw))
			continue
		}
		answer(rcpt, s.answer(s.desk.Receive(s.ctx, s.envelope(rcpt), raw)))
	}
	return nil
}

// refuseSize refuses a mail for its size, once that is on record.
func (s *session) refuseSize(rcpt string, head []byte) error {
	if err := s.desk.ReceiveTooBig(s.ctx, s.envelope(rcpt), head); err != nil {
		return s.answer(err)
	}
	return errTooLarge
}

func (s *session) envelope(rcpt string) Envelope {
	return Envelope{ReceivedAt: s.desk.now(), MailFrom: s.from, Rcpt: rcpt, Peer: s.peer}
}

func (s *session) answer(err error) error {
	switch {
	case err == nil:
		return nil
	case fault.Is(err, "address_unknown"):
		return errNoUser
	}
	s.desk.Log.Error("mail not kept", "error", err)
	return errComeAgain
}

func (s *session) Reset()        { s.from, s.size, s.rcpts = "", 0, nil }
func (s *session) Logout() error { return nil }

// limitListener bounds the open connections.
type limitListener struct {
	net.Listener
	slots chan struct{}
	done  <-chan struct{}
}

func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitConn{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
}

type limitConn struct {
	net.Conn
	free func()
}

func (c *limitConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}
