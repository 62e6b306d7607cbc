package notify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Limits of ICA-86. The 50 MB for what comes out of a message need no guard:
// transfer encodings only shrink the 10 MB the edge lets in.
const (
	mimeDepth  = 10
	mimeParts  = 100
	mimeHeader = 256 << 10
	textKept   = 16 << 10
)

// errLimit means that a message is over a limit of ICA-86.
var errLimit = errors.New("message is over a limit")

// sight is what can be seen of a mail without understanding its answer.
type sight struct {
	From, Title, MessageID string
	Text                   string // first plain text part
	Calendar               bool   // has a calendar part
	Encrypted              bool   // cannot be opened here (ICA-73)
	Auto                   bool   // says itself that a machine wrote it (RFC 3834)
	Report                 *report
}

// look reads the structure of a mail. What it saw before an error stays in the
// result. No input makes it panic.
func look(raw []byte) (s sight, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reader panicked: %v", p)
		}
	}()
	e, err := message.ReadWithOptions(bytes.NewReader(raw), &message.ReadOptions{MaxHeaderBytes: mimeHeader})
	if e == nil || unreadable(err) {
		if len(raw) > mimeHeader && !bytes.Contains(raw[:mimeHeader], []byte("\r\n\r\n")) {
			err = errLimit
		}
		return s, err
	}
	s.From = shown(e.Header.Get("From"))
	s.Title = shown(e.Header.Get("Subject"))
	s.MessageID = clean(strings.Trim(e.Header.Get("Message-Id"), "<> "))
	s.Auto = automatic(e.Header)
	w := walker{seen: &s}
	return s, w.walk(e, 1)
}

// automatic is the strong sign of ICA-62; a subject or a list header alone is
// none.
func automatic(h message.Header) bool {
	submitted, _, _ := strings.Cut(strings.ToLower(h.Get("Auto-Submitted")), ";")
	submitted = strings.TrimSpace(submitted)
	return submitted != "" && submitted != "no" || h.Has("X-Autoreply")
}

type walker struct {
	seen  *sight
	parts int
}

func (w *walker) walk(e *message.Entity, depth int) error {
	if w.parts++; w.parts > mimeParts || depth > mimeDepth {
		return errLimit
	}
	kind, _, _ := e.Header.ContentType()
	w.seen.Encrypted = w.seen.Encrypted || sealed(kind)
	mr := e.MultipartReader()
	if mr == nil {
		return w.leaf(kind, e)
	}
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if part == nil || unreadable(err) {
			return err
		}
		if err := w.walk(part, depth+1); err != nil {
			return err
		}
	}
}

// leaf notes what one part says. A message inside the message is the original
// of a report or a forwarding, never an answer, and is not entered.
func (w *walker) leaf(kind string, e *message.Entity) error {
	switch kind {
	case "text/calendar", "application/ics":
		w.seen.Calendar = true
	case "message/delivery-status", "message/global-delivery-status":
		body, err := io.ReadAll(io.LimitReader(e.Body, textKept))
		if err != nil {
			return err
		}
		w.seen.Report = readReport(body)
	case "text/plain":
		if w.seen.Text != "" {
			return nil
		}
		body, err := io.ReadAll(io.LimitReader(e.Body, textKept))
		w.seen.Text = strings.TrimSpace(readable(body))
		return err
	}
	return nil
}

// sealed are the wrappings we have no key for.
func sealed(kind string) bool {
	return kind == "multipart/encrypted" || kind == "application/pkcs7-mime" || kind == "application/x-pkcs7-mime"
}

// unreadable tells an error that leaves nothing to read from a charset or
// encoding go-message does not know, which still gives the bytes.
func unreadable(err error) bool {
	return err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err)
}

// readable gives bytes as text. What is not UTF-8 is GB18030, whatever the label
// says: "gb2312" is really GBK and labels are often wrong (invites.md 4.3).
// It is for people to read; the raw bytes are kept beside it.
func readable(b []byte) string {
	for cut := 0; cut < utf8.UTFMax && len(b) == textKept && !utf8.Valid(b); cut++ {
		b = b[:len(b)-1] // the limit may have cut a character
	}
	if !utf8.Valid(b) {
		if d, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b); err == nil {
			b = d
		}
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(b), "�"))
}

// shown decodes a header for people (RFC 2047, or raw bytes).
func shown(value string) string {
	decoder := mime.WordDecoder{CharsetReader: func(_ string, r io.Reader) (io.Reader, error) {
		b, err := io.ReadAll(r)
		return strings.NewReader(readable(b)), err
	}}
	if s, err := decoder.DecodeHeader(value); err == nil {
		value = s
	}
	return clean(readable([]byte(value)))
}

// traceFields are written by the machines a mail passes, so they differ between
// two deliveries of the same mail.
var traceFields = []string{"received:", "return-path:", "delivered-to:", "x-original-to:"}

// withoutTrace gives a mail without the trace fields at its top (ICA-91).
func withoutTrace(raw []byte) []byte {
	for {
		field := raw[:fieldEnd(raw)]
		if len(field) == 0 || !isTrace(field) {
			return raw
		}
		raw = raw[len(field):]
	}
}

// fieldEnd is where the first header field with its folded lines ends.
func fieldEnd(raw []byte) int {
	end := 0
	for {
		i := bytes.IndexByte(raw[end:], '\n')
		if i < 0 {
			return end
		}
		end += i + 1
		if end == len(raw) || raw[end] != ' ' && raw[end] != '\t' {
			return end
		}
	}
}

func isTrace(field []byte) bool {
	for _, name := range traceFields {
		if len(field) >= len(name) && strings.EqualFold(string(field[:len(name)]), name) {
			return true
		}
	}
	return false
}
