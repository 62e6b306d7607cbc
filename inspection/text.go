package inspection

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
	textLength   = 4000
	lineLength   = 200
)

// checkText refuses what a person has to write and did not, and what no page,
// letter or database takes: control characters apart from line breaks, broken
// UTF-8, more than so many characters. Refusals: reason_missing, text_invalid.
func checkText(field, text string, most int) error {
	if strings.TrimSpace(text) == "" {
		return reasonMissing()
	}
	return checkOptional(field, text, most)
}

// checkOptional is checkText for what may be left out.
func checkOptional(field, text string, most int) error {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, control) && utf8.RuneCountInString(text) <= most {
		return nil
	}
	return fault.Refuse(fault.Invalid, "text_invalid",
		"%[1]s：含有控制字符，或超过 %[2]d 个字，请改正后再提交", "%[1]s holds control characters or more than %[2]d characters; correct it and send again", field, most)
}

// line is an optional one-line text: names, numbers, places. Blanks around it
// do no harm.
func line(field, text string) office.Line {
	return office.Line{Field: field, Value: strings.TrimSpace(text), Max: lineLength, Optional: true}
}
