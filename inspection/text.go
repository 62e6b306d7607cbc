package inspection

import (
	"strings"

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
	return office.CheckText(field, text, most)
}

// line is an optional one-line text: names, numbers, places. Blanks around it
// do no harm.
func line(field, text string) office.Line {
	return office.Line{Field: field, Value: strings.TrimSpace(text), Max: lineLength, Optional: true}
}
