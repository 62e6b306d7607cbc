package web

import "slices"

import "net/url"

// Tried is a form that was refused: its page is shown again with what was typed,
// the refusal at its head, and what is wrong with a field beside that field. Act
// and On say which form of the page it was.
type Tried struct {
	Act, On string
	Code    string            // of the refusal
	Text    string            // what is wrong and what to do
	Fields  map[string]string // the same, field by field
	Form    url.Values
}

// Is reports whether it is this form that was refused.
func (t Tried) Is(act, on string) bool { return t.Code != "" && t.Act == act && t.On == on }

// Keeps reports whether it is this form that was sent, refused or not, so that
// it shows what was typed.
func (t Tried) Keeps(act, on string) bool { return t.Form != nil && t.Act == act && t.On == on }

// Field is what is wrong with one field of this form.
func (t Tried) Field(act, on, name string) string {
	if !t.Is(act, on) {
		return ""
	}
	return t.Fields[name]
}

// Value is what was typed into a field of this form.
func (t Tried) Value(act, on, name string) string {
	if !t.Keeps(act, on) {
		return ""
	}
	return t.Form.Get(name)
}

// Chose reports whether a value was chosen for a field of this form.
func (t Tried) Chose(act, on, name, value string) bool {
	if !t.Keeps(act, on) {
		return false
	}
	return slices.Contains(t.Form[name], value)
}
