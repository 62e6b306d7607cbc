package inspection

import "strings"

// Clause is the part of an expression that decided (INS-307).
type Clause struct{ root *node }

// String gives the clause in the language of expressions, "always" for the
// expression that always holds.
func (c Clause) String() string {
	if c.root == nil {
		return "always"
	}
	return c.root.String()
}

// In gives the clause in the words of a clerk, "zh" or "en".
func (c Clause) In(lang string) string {
	if c.root == nil {
		return Words{"每次都参加", "always comes"}.In(lang)
	}
	return c.root.in(lang)
}

// missing lists the attributes of the clause without an answer, by name.
func (c Clause) missing(a Answers) []string {
	var out []string
	for _, attribute := range c.root.attributes() {
		if a[attribute.Name].kind != attribute.Kind {
			out = append(out, attribute.Name)
		}
	}
	return out
}

func (n *node) String() string {
	if n.join == "" {
		return n.cond.String()
	}
	return n.spell(" "+n.join+" ", "(", ")", (*node).String)
}

func (n *node) in(lang string) string {
	if n.join == "" {
		return n.cond.in(lang)
	}
	if lang == "en" {
		return n.spell(" "+n.join+" ", "(", ")", func(kid *node) string { return kid.in(lang) })
	}
	word := map[string]string{"and": "，并且", "or": "，或者"}[n.join]
	return n.spell(word, "（", "）", func(kid *node) string { return kid.in(lang) })
}

// spell joins the texts of the kids; a nested join stands in brackets.
func (n *node) spell(word, left, right string, text func(*node) string) string {
	parts := make([]string, len(n.kids))
	for i, kid := range n.kids {
		parts[i] = text(kid)
		if kid.join != "" {
			parts[i] = left + parts[i] + right
		}
	}
	return strings.Join(parts, word)
}

// bare gives the value a yes/no condition asks for.
func (c condition) bare() bool { return c.values[0].yes == (c.op == "=") }

func (c condition) String() string {
	switch {
	case c.attribute.Kind == YesNoAttribute && c.bare():
		return c.attribute.Name
	case c.attribute.Kind == YesNoAttribute:
		return "not " + c.attribute.Name
	case c.op == "not in":
		return "not " + c.attribute.Name + " " + c.set()
	case c.op == "in":
		return c.attribute.Name + " " + c.set()
	}
	return c.attribute.Name + " " + c.op + " " + c.values[0].String()
}

// in gives a phrase such as "建筑面积 > 300 ㎡".
func (c condition) in(lang string) string {
	label := c.attribute.Label.In(lang)
	switch {
	case c.attribute.Kind == YesNoAttribute && c.bare():
		return label + Words{"：是", ": yes"}.In(lang)
	case c.attribute.Kind == YesNoAttribute:
		return label + Words{"：否", ": no"}.In(lang)
	}
	sign := map[string]string{"!=": "≠", "<=": "≤", ">=": "≥", "in": "=", "not in": "≠"}[c.op]
	if sign == "" {
		sign = c.op
	}
	parts := make([]string, len(c.values))
	for i, v := range c.values {
		parts[i] = c.attribute.spell(v, lang)
	}
	return label + " " + sign + " " + strings.Join(parts, Words{" 或 ", " or "}.In(lang))
}

// set writes the values of an "in".
func (c condition) set() string {
	parts := make([]string, len(c.values))
	for i, v := range c.values {
		parts[i] = v.String()
	}
	return "in (" + strings.Join(parts, ", ") + ")"
}
