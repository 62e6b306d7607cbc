package invite

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

const lineOctets = 75 // RFC 5545 section 3.1, without the CRLF; a must for us (ICA-14)

var lineBreaks = strings.NewReplacer("\r\n", "\n", "\u2028", "\n", "\u2029", "\n", "\t", " ")

// cleanText makes any string fit for a TEXT value: the kinds of line break
// become \n, a lone CR and all other control characters go (ICA-16). Forms
// refuse these; data may be older than the form (ICA-25).
func cleanText(s string) string {
	s = lineBreaks.Replace(strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}

// cleanName makes any string fit for a parameter value. The encoder writes CR
// and LF there as they are, so a name could inject STATUS:CANCELLED, and one
// quotation mark would fail the whole calendar (ICA-17).
func cleanName(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '”'
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// plain undoes the escapes of a TEXT value. Unlike go-ical's Text it does not
// stop at a bare comma and forgives \: and \" , which some senders write.
func plain(value string) string {
	if !strings.Contains(value, `\`) {
		return cleanText(value)
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' || i+1 == len(value) {
			b.WriteByte(value[i])
			continue
		}
		i++
		switch c := value[i]; c {
		case 'n', 'N':
			b.WriteByte('\n')
		case '\\', ';', ',', ':', '"':
			b.WriteByte(c)
		default: // not an escape
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return cleanText(b.String())
}

// fold writes text, whole lines ending in CRLF, so that no line is over 75
// octets and no character is cut in two (ICA-14, ICA-15). The encoder never
// folds; some mail systems cut long lines wherever they please (go-ical#18).
func fold(text string) []byte {
	var b bytes.Buffer
	b.Grow(len(text) + len(text)/16)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\r\n")
		for room := lineOctets; len(line) > room; room = lineOctets - 1 { // the blank counts
			cut := room
			for !utf8.RuneStart(line[cut]) {
				cut--
			}
			b.WriteString(line[:cut] + "\r\n ")
			line = line[cut:]
		}
		b.WriteString(line + "\r\n")
	}
	return b.Bytes()
}

// unfold splits bytes into whole lines. It works on bytes, before any
// decoding, and so heals a fold in the middle of a character (ICA-15). CRLF,
// LF and CR all end a line, blank lines and a byte order mark are nothing
// (ICA-23).
func unfold(data []byte) [][]byte {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var lines [][]byte
	for _, part := range bytes.FieldsFunc(data, func(r rune) bool { return r == '\r' || r == '\n' }) {
		folded := part[0] == ' ' || part[0] == '\t'
		switch last := len(lines) - 1; {
		case folded && last >= 0:
			lines[last] = append(lines[last], part[1:]...)
		case len(bytes.TrimSpace(part)) > 0:
			lines = append(lines, part[:len(part):len(part)]) // so that append copies
		}
	}
	return lines
}
