package notify

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// FileChannel writes messages into a directory instead of sending them: for the
// demo and for development. Letters become .eml files, and every message adds a
// line to outbox.jsonl. It proves nothing: what it takes is class D.
type FileChannel struct {
	Dir string
	// Loop gets canaries back as a mail server would bring them, so that a
	// world without mail has a live way in. Usually Desk.Receive.
	Loop func(ctx context.Context, e Envelope, raw []byte) error
}

type fileLine struct {
	At      time.Time `json:"at"`
	ID      string    `json:"id"`
	Channel string    `json:"channel"`
	Purpose string    `json:"purpose"`
	To      string    `json:"to"`
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text,omitempty"`
	File    string    `json:"file,omitempty"`
}

// Send writes the message. The directory is made when it is not there.
func (f *FileChannel) Send(ctx context.Context, m Message) Outcome {
	if m.Purpose == purposeCanary {
		return f.loop(ctx, m)
	}
	if err := f.write(m); err != nil {
		return Outcome{Result: Retry, Source: "file", Detail: "cannot write to the outbox directory"}
	}
	return Outcome{Result: Yes, Source: "file", Line: "written", Final: true}
}

func (f *FileChannel) write(m Message) error {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	l := fileLine{At: m.AttemptedAt, ID: m.ID, Channel: m.Channel, Purpose: m.Purpose, To: m.Address, Subject: m.Title, Text: m.Text}
	if m.Channel == Mail {
		l.File = m.ID + ".eml"
		if err := os.WriteFile(filepath.Join(f.Dir, l.File), m.Body, 0o600); err != nil {
			return err
		}
	}
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(f.Dir, "outbox.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(append(b, '\n')) // one write, so that lines of two workers do not mix
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (f *FileChannel) loop(ctx context.Context, m Message) Outcome {
	if f.Loop == nil {
		return Outcome{Result: Refused, Source: "file", Detail: "no way back"}
	}
	if err := f.Loop(ctx, Envelope{ReceivedAt: m.ComposedAt, MailFrom: m.ReturnPath, Rcpt: m.Address, Peer: "file"}, m.Body); err != nil {
		return Outcome{Result: Retry, Source: "file", Detail: "way back closed"}
	}
	return Outcome{Result: Yes, Source: "file", Final: true}
}
