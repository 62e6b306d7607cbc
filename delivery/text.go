package delivery

import (
	"strings"

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
		return reasonMissing()
	}
	return office.CheckText(field, text, reasonLength)
}

func reasonMissing() *fault.Error {
	return fault.Refuse(fault.Invalid, "reason_missing", "请写明理由", "give the reason in words")
}

// line is an optional one-line text: names, titles, numbers.
func line(field, text string) office.Line {
	return office.Line{Field: field, Value: text, Max: lineLength, Optional: true}
}
