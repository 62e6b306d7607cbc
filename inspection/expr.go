package inspection

import (
	"database/sql/driver"
	"fmt"
	"slices"
)

// Expr is the condition of a rule (INS-303): comparisons of attributes, joined
// by and, or, not and brackets. The zero Expr always holds.
//
//	fit_out and floor_area_m2 > 300 and investment_yuan > 300000
//	medical_device_class in (2, 3) or not (beds = 0)
type Expr struct {
	text string
	root *node
}

// Truth is one of three values, in the order that makes "and" the minimum and
// "or" the maximum (Kleene's logic): so false and unknown is false, true or
// unknown is true.
type Truth int

// The three values of a condition (INS-305).
const (
	TruthNo Truth = iota
	TruthUnknown
	TruthYes
)

// String gives no, unknown or yes.
func (t Truth) String() string {
	return [...]string{"no", "unknown", "yes"}[t]
}

// node is a condition, or several nodes joined by one word. Negation is pushed
// down to the conditions while parsing, by De Morgan's laws, which hold in
// Kleene's logic too: so every node can say in positive words what decided.
type node struct {
	join string // and, or; "" for a condition
	kids []*node
	cond condition
}

// condition compares one attribute with a value, or for "in" with several.
type condition struct {
	attribute Attribute
	op        string // = != < <= > >= in, not in
	values    []Answer
}

// opposite gives the operator that holds exactly when the other does not.
var opposite = map[string]string{
	"=": "!=", "<": ">=", ">": "<=", "in": "not in",
	"!=": "=", ">=": "<", "<=": ">", "not in": "in",
}

// Always reports whether the expression holds whatever the answers are.
func (e Expr) Always() bool { return e.root == nil }

// String gives the text as it was written, "" for always.
func (e Expr) String() string { return e.text }

// Attributes lists what the expression asks for, each once, in order of mention.
func (e Expr) Attributes() []Attribute { return e.root.attributes() }

// Eval evaluates the expression. Clause is the part that decided: of an "or"
// that holds the first alternative that does, of an "and" that fails the first
// condition that does, of an unknown one what is unknown.
func (e Expr) Eval(a Answers) (Truth, Clause) {
	if e.root == nil {
		return TruthYes, Clause{}
	}
	truth, decided := e.root.eval(a)
	return truth, Clause{root: decided}
}

func (n *node) eval(a Answers) (Truth, *node) {
	if n.join == "" {
		return n.cond.eval(a), n
	}
	stop, truth := TruthNo, TruthYes // of "and"
	if n.join == "or" {
		stop, truth = TruthYes, TruthNo
	}
	decided := map[Truth][]*node{}
	for _, kid := range n.kids {
		t, d := kid.eval(a)
		if t == stop {
			return t, d
		}
		if t == TruthUnknown {
			truth = TruthUnknown
		}
		decided[t] = append(decided[t], d)
	}
	return truth, joined(n.join, decided[truth])
}

// joined makes one node of several; a single one stays itself.
func joined(word string, kids []*node) *node {
	if len(kids) == 1 {
		return kids[0]
	}
	return &node{join: word, kids: kids}
}

func (n *node) conditions() []condition {
	switch {
	case n == nil:
		return nil
	case n.join == "":
		return []condition{n.cond}
	}
	var out []condition
	for _, kid := range n.kids {
		out = append(out, kid.conditions()...)
	}
	return out
}

func (n *node) attributes() []Attribute {
	var out []Attribute
	for _, c := range n.conditions() {
		if !slices.ContainsFunc(out, c.attribute.same) {
			out = append(out, c.attribute)
		}
	}
	return out
}

// eval compares literally (INS-306). An answer of another kind than the
// attribute's is no answer: when in doubt, the department is included.
func (c condition) eval(a Answers) Truth {
	answer := a[c.attribute.Name]
	if answer.kind != c.attribute.Kind {
		return TruthUnknown
	}
	if c.holds(answer) {
		return TruthYes
	}
	return TruthNo
}

func (c condition) holds(answer Answer) bool {
	first := c.values[0]
	switch c.op {
	case "=":
		return answer == first
	case "!=":
		return answer != first
	case "<":
		return answer.number < first.number
	case "<=":
		return answer.number <= first.number
	case ">":
		return answer.number > first.number
	case ">=":
		return answer.number >= first.number
	}
	return slices.Contains(c.values, answer) == (c.op == "in")
}

// MarshalText writes the form of String.
func (e Expr) MarshalText() ([]byte, error) { return []byte(e.text), nil }

// UnmarshalText reads what a person wrote; it refuses like ParseExpr.
func (e *Expr) UnmarshalText(text []byte) (err error) {
	*e, err = ParseExpr(string(text))
	return err
}

// Value stores the expression as text.
func (e Expr) Value() (driver.Value, error) { return e.text, nil }

// Scan reads what Value stored.
func (e *Expr) Scan(column any) error {
	switch v := column.(type) {
	case string:
		return e.UnmarshalText([]byte(v))
	case []byte:
		return e.UnmarshalText(v)
	}
	return fmt.Errorf("read an expression: column holds %T, not text", column)
}
