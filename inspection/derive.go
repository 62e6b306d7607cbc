package inspection

import (
	"slices"
	"strings"
)

// Derived is one department of a Matter's version, in or out, with the clause
// that decided (INS-307). NeverDeemed is set when the version or the row is.
type Derived struct {
	Rule
	In             bool     `json:"in"`                // it comes, or is told if only invited
	BecauseUnknown bool     `json:"because_unknown"`   // in only because an answer is missing (INS-305)
	Clause         string   `json:"clause"`            // what decided, in the language of expressions
	Missing        []string `json:"missing,omitempty"` // attributes whose answer would decide, by name

	clause  Clause
	answers Answers
}

// Derive evaluates every rule of a Matter with what is known. A rule that
// depends on an unknown answer includes its department (INS-305).
func Derive(m Matter, a Answers) []Derived {
	out := make([]Derived, 0, len(m.Rules))
	for _, r := range m.Rules {
		truth, clause := r.When.Eval(a)
		d := Derived{
			Rule: r, In: truth != TruthNo, BecauseUnknown: truth == TruthUnknown,
			Clause: clause.String(), Missing: clause.missing(a), clause: clause, answers: a,
		}
		d.NeverDeemed = r.NeverDeemed || m.NeverDeemed // INS-310: either is enough
		out = append(out, d)
	}
	return out
}

// Because says in words what decided, and which answers it was held against:
// "不满足：建筑面积 > 300 ㎡（填报 260 ㎡）".
func (d Derived) Because(lang string) string {
	clause := d.clause.In(lang)
	if d.clause.root == nil {
		return clause
	}
	verdict := Words{"不满足：", "does not hold: "}
	switch {
	case d.BecauseUnknown:
		verdict = Words{"尚未填写：", "not known yet: "}
	case d.In:
		verdict = Words{"满足：", "holds: "}
	}
	text := verdict.In(lang) + clause
	if given := d.given(lang); given != "" {
		text += Words{"（填报 ", " (answer: "}.In(lang) + given + Words{"）", ")"}.In(lang)
	}
	return text
}

// given names the answers behind the clause. A yes or no is plain from the
// clause itself.
func (d Derived) given(lang string) string {
	var parts []string
	for _, a := range d.clause.root.attributes() {
		answer := d.answers[a.Name]
		if a.Kind != YesNoAttribute && answer.kind == a.Kind {
			parts = append(parts, a.spell(answer, lang))
		}
	}
	return strings.Join(parts, Words{"、", ", "}.In(lang))
}

// Attending lists the departments that must come to a visit of that kind. One
// makes a visit marked single_by_rule, none means no visit (INS-309).
func Attending(list []Derived, kind VisitKind) []Derived {
	return slices.DeleteFunc(slices.Clone(list), func(d Derived) bool {
		return !d.In || d.Attendance != Required || !d.CheckKind.Covers(kind)
	})
}

// Missing lists the attributes on which a department hangs, each once. While
// there are any, the clerk fills them in or confirms before booking (INS-305).
func Missing(list []Derived) []string {
	var out []string
	for _, d := range list {
		for _, name := range d.Missing {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// Questions lists what a clerk asks for this matter: the attributes of all its
// rules, each once, in the order of the attribute table.
func (m Matter) Questions() []Attribute {
	var out []Attribute
	for _, r := range m.Rules {
		for _, a := range r.When.Attributes() {
			if !slices.ContainsFunc(out, a.same) {
				out = append(out, a)
			}
		}
	}
	slices.SortFunc(out, func(a, b Attribute) int { return a.order - b.order })
	return out
}
