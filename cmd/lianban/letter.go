package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"regexp"
	"strings"
)

// letter is what a mail program shows of a notice, read from the very bytes
// that were sent.
type letter struct {
	subject, to, replyTo, id string
	text                     string
	calendar                 bool
}

// readLetter reads a mail of ours.
func readLetter(raw []byte) (letter, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return letter{}, err
	}
	l := letter{to: bare(m.Header.Get("To")), replyTo: bare(m.Header.Get("Reply-To")), id: m.Header.Get("Message-ID")}
	if l.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return l, err
	}
	return l, l.walk(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
}

func bare(address string) string {
	a, err := mail.ParseAddress(address)
	if err != nil {
		return ""
	}
	return a.Address
}

// walk looks for the plain text and the invitation among the parts.
func (l *letter) walk(media, encoding string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(media)
	switch {
	case err != nil:
		return err
	case kind == "text/calendar":
		l.calendar = true
		return nil
	case kind == "text/plain" && l.text == "":
		return l.readText(encoding, body)
	case !strings.HasPrefix(kind, "multipart/"):
		return nil
	}
	for parts := multipart.NewReader(body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := l.walk(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); err != nil {
			return err
		}
	}
}

func (l *letter) readText(encoding string, body io.Reader) error {
	if strings.EqualFold(encoding, "base64") {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	l.text = string(text)
	return err
}

var (
	linkInLetter = regexp.MustCompile(`/r/([A-Z0-9]+)`)
	codeInLetter = regexp.MustCompile(`反馈码：(\d{6})`)
)

// key gives the token of the answer link and the code printed apart from it.
func (l letter) key() (token, code string, err error) {
	link, digits := linkInLetter.FindStringSubmatch(l.text), codeInLetter.FindStringSubmatch(l.text)
	if link == nil || digits == nil {
		return "", "", errors.New("the letter has no link or no code")
	}
	return link[1], digits[1], nil
}

// line gives the first line of the text that holds some words.
func (l letter) line(words string) string {
	for line := range strings.Lines(l.text) {
		if strings.Contains(line, words) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
