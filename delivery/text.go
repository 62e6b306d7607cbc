package delivery

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"lianban/internal/fault"
	"lianban/internal/office"
)

// How long texts of people may be, in characters. The edge asks for less where
// a field is shorter; these are what every way in has to keep (SEC-6).
const (
	reasonLength = 500
	lineLength   = 200
)

// checkReason refuses what a person has to write and did not, and what no page
// or database takes. Refusals: reason_missing, text_invalid.
func checkReason(field, text string) error {
	if strings.TrimSpace(text) == "" {
		return fault.Refuse(fault.Invalid, "reason_missing",
			"请写明理由", "give the reason in words")
	}
	return checkOptional(field, text)
}

// checkOptional is checkReason for what may be left out: no control characters
// apart from line breaks, no broken UTF-8, not too long.
func checkOptional(field, text string) error {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, control) && utf8.RuneCountInString(text) <= reasonLength {
		return nil
	}
	return fault.Refuse(fault.Invalid, "text_invalid",
		"%[1]s：含有控制字符，或超过 %[2]d 个字，请改正后再提交", "%[1]s holds control characters or more than %[2]d characters; correct it and send again", field, reasonLength)
}

// line is an optional one-line text: names, titles, numbers.
func line(field, text string) office.Line {
	return office.Line{Field: field, Value: text, Max: lineLength, Optional: true}
}
