package api

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Limits of reading a mail's structure for a page (ICA-86); the mail itself was
// bounded when it came in.
const (
	mostDepth    = 10
	mostParts    = 100
	mostCalendar = 1 << 20
)

var errNoCalendar = errors.New("no calendar part that can be read")

// calendarPart finds the first text/calendar part of a mail.
func calendarPart(raw []byte) ([]byte, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	left := mostParts
	return findCalendar(header(m.Header), m.Body, mostDepth, &left)
}

type header map[string][]string

func (h header) of(name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func findCalendar(h header, body io.Reader, depth int, left *int) ([]byte, error) {
	media, params, err := mime.ParseMediaType(h.of("Content-Type"))
	if err != nil {
		return nil, errNoCalendar
	}
	if media == "text/calendar" {
		return io.ReadAll(io.LimitReader(decoded(h, body), mostCalendar))
	}
	if !strings.HasPrefix(media, "multipart/") || depth == 0 {
		return nil, errNoCalendar
	}
	parts := multipart.NewReader(body, params["boundary"])
	for *left > 0 {
		*left--
		part, err := parts.NextRawPart()
		if err != nil {
			return nil, errNoCalendar
		}
		if found, err := findCalendar(header(part.Header), part, depth-1, left); err == nil {
			return found, nil
		}
	}
	return nil, errNoCalendar
}

func decoded(h header, body io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(h.of("Content-Transfer-Encoding"))) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	}
	return body
}
