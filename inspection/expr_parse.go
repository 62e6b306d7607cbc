package inspection

import (
	"slices"
	"strings"
	"unicode"

	"lianban/internal/fault"
)

// Bounds that no rule of a person comes near; they keep a hostile text from
// costing stack or time.
const (
	maxExpr  = 2000 // characters
	maxDepth = 30   // brackets and nots inside each other
)

// ParseExpr reads an expression; empty text and "always" give the one that
// always holds.
//
//	expr      = and { "or" and }
//	and       = not { "and" not }
//	not       = "not" not | "(" expr ")" | condition
//	condition = attribute [ op value | "in" "(" value { "," value } ")" ]
//	op        = "=" | "!=" | "<" | "<=" | ">" | ">="
//	value     = number | "yes" | "no" | option of a choice
//
// Refusals, each with the detail "position", counted in characters from 1:
// expression_invalid, attribute_unknown, expression_type.
func ParseExpr(text string) (Expr, error) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" || trimmed == "always" {
		return Expr{}, nil
	}
	tokens, err := scan(text)
	if err != nil {
		return Expr{}, err
	}
	p := parser{tokens: tokens}
	root, err := p.or(false)
	if err != nil {
		return Expr{}, err
	}
	if t := p.peek(); t.kind != lexEnd {
		return Expr{}, t.syntax("这里应为 and、or 或者结尾", "expected and, or, or the end")
	}
	return Expr{text: trimmed, root: root}, nil
}

type lexKind int

const (
	lexEnd lexKind = iota
	lexWord
	lexNumber
	lexSign // operators, brackets, comma
)

type lexeme struct {
	kind lexKind
	text string
	pos  int // position in characters, from 1
}

func (t lexeme) is(text string) bool { return t.kind != lexEnd && t.text == text }

// keywords cannot be names of attributes or options.
var keywords = []string{"and", "or", "not", "in", "always"}

func (t lexeme) name() bool { return t.kind == lexWord && !slices.Contains(keywords, t.text) }

// scan cuts the text into lexemes and appends one for the end.
func scan(text string) ([]lexeme, error) {
	chars := []rune(text)
	if len(chars) > maxExpr {
		return nil, lexeme{pos: maxExpr}.syntax("条件太长", "the condition is too long")
	}
	var out []lexeme
	for i := 0; i < len(chars); {
		if unicode.IsSpace(chars[i]) {
			i++
			continue
		}
		kind, length := nextLexeme(chars[i:])
		t := lexeme{kind: kind, text: string(chars[i : i+length]), pos: i + 1}
		if kind == lexEnd {
			return nil, t.syntax("这个字符不能用在条件里", "this character has no place in a condition")
		}
		out = append(out, t)
		i += length
	}
	return append(out, lexeme{pos: len(chars) + 1}), nil
}

// nextLexeme gives kind and length of what stands at the beginning, lexEnd for a
// character that begins nothing.
func nextLexeme(chars []rune) (lexKind, int) {
	number := func(r rune) bool { return r >= '0' && r <= '9' || r == '.' }
	word := func(r rune) bool { return r >= 'a' && r <= 'z' || r == '_' || r >= '0' && r <= '9' }
	c := chars[0]
	switch {
	case c >= '0' && c <= '9':
		return lexNumber, leading(chars, number)
	case word(c):
		return lexWord, leading(chars, word)
	case len(chars) > 1 && chars[1] == '=' && strings.ContainsRune("!<>", c):
		return lexSign, 2
	case strings.ContainsRune("=<>(),", c):
		return lexSign, 1
	}
	return lexEnd, 1
}

// leading counts the characters at the beginning for which in holds.
func leading(chars []rune, in func(rune) bool) int {
	n := slices.IndexFunc(chars, func(r rune) bool { return !in(r) })
	if n < 0 {
		return len(chars)
	}
	return n
}

type parser struct {
	tokens []lexeme
	next   int
	depth  int
}

func (p *parser) peek() lexeme { return p.tokens[p.next] }

func (p *parser) take() lexeme {
	t := p.tokens[p.next]
	if t.kind != lexEnd {
		p.next++
	}
	return t
}

// or and and take negate from an enclosing "not": they then read "or" as "and"
// and the other way round, and the conditions turn into their opposites.
func (p *parser) or(negate bool) (*node, error) {
	word := "or"
	if negate {
		word = "and"
	}
	return p.chain("or", word, func() (*node, error) { return p.and(negate) })
}

func (p *parser) and(negate bool) (*node, error) {
	word := "and"
	if negate {
		word = "or"
	}
	return p.chain("and", word, func() (*node, error) { return p.not(negate) })
}

// chain reads parts separated by a keyword and joins them.
func (p *parser) chain(keyword, word string, part func() (*node, error)) (*node, error) {
	var kids []*node
	for {
		kid, err := part()
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
		if !p.peek().is(keyword) {
			return joined(word, kids), nil
		}
		p.take()
	}
}

func (p *parser) not(negate bool) (*node, error) {
	p.depth++
	defer func() { p.depth-- }()
	t := p.peek()
	switch {
	case p.depth > maxDepth:
		return nil, t.syntax("括号或 not 套得太深", "too many brackets or nots inside each other")
	case t.is("not"):
		p.take()
		return p.not(!negate)
	case t.is("("):
		p.take()
		inner, err := p.or(negate)
		if err == nil {
			err = p.expect(")", "缺少右括号", "a closing bracket is missing")
		}
		return inner, err
	}
	c, err := p.condition()
	if err != nil {
		return nil, err
	}
	if negate {
		c.op = opposite[c.op]
	}
	return &node{cond: c}, nil
}

func (p *parser) expect(text, zh, en string) error {
	if t := p.take(); !t.is(text) {
		return t.syntax(zh, en)
	}
	return nil
}

func (p *parser) condition() (condition, error) {
	t := p.take()
	if !t.name() {
		return condition{}, t.syntax("这里应为属性名", "expected the name of an attribute")
	}
	attribute, err := FindAttribute(t.text)
	if err != nil {
		return condition{}, t.mark(err)
	}
	c := condition{attribute: attribute, op: p.peek().text}
	switch {
	case p.peek().is("in"):
		p.take()
		c.values, err = p.set(attribute, t)
		return c, err
	case opposite[c.op] != "": // a comparison
		return p.comparison(c, p.take())
	case attribute.Kind != YesNoAttribute:
		return c, t.mistyped(attribute, "不是是/否属性，要写成比较，例如 > 300", "is not a yes/no attribute: compare it, as in > 300")
	}
	return condition{attribute: attribute, op: "=", values: []Answer{YesNo(true)}}, nil
}

func (p *parser) comparison(c condition, op lexeme) (condition, error) {
	if c.attribute.Kind != NumberAttribute && op.text != "=" && op.text != "!=" {
		return c, op.mistyped(c.attribute, "没有大小，只能用 = 或 !=", "has no order: use = or !=")
	}
	value, err := p.value(c.attribute)
	c.values = []Answer{value}
	return c, err
}

func (p *parser) set(a Attribute, name lexeme) ([]Answer, error) {
	if a.Kind == YesNoAttribute {
		return nil, name.mistyped(a, "是是/否属性，直接写属性名或 not 属性名", "is a yes/no attribute: write its name or not and its name")
	}
	if err := p.expect("(", "in 后面应为左括号", "expected an opening bracket after in"); err != nil {
		return nil, err
	}
	var values []Answer
	for {
		value, err := p.value(a)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		if !p.peek().is(",") {
			return values, p.expect(")", "这里应为逗号或右括号", "expected a comma or a closing bracket")
		}
		p.take()
	}
}

// value reads a value that an answer could have: anything else, such as class 30
// of three, is a slip of the pen.
func (p *parser) value(a Attribute) (Answer, error) {
	t := p.take()
	if t.kind != lexNumber && !t.name() {
		return Answer{}, t.syntax("这里应为数字或选项", "expected a number or an option")
	}
	if answer, ok := a.read(t.text); ok && a.check(answer) == nil {
		return answer, nil
	}
	zh, en := a.expects()
	return Answer{}, t.mistyped(a, zh, en)
}

// syntax refuses a text that is no expression.
func (t lexeme) syntax(zh, en string) error {
	found := t.text
	if found == "" {
		found = "…"
	}
	return t.mark(fault.Refuse(fault.Invalid, "expression_invalid",
		"条件第 %[1]d 个字符“%[2]s”处：%[3]s", "condition, character %[1]d, at %[2]q: %[4]s", t.pos, found, zh, en))
}

// mistyped refuses an operator or value that does not fit the attribute (INS-303).
func (t lexeme) mistyped(a Attribute, zh, en string) error {
	return t.mark(fault.Refuse(fault.Invalid, "expression_type",
		"条件第 %[1]d 个字符处：“%[2]s”（%[3]s）%[4]s", "condition, character %[1]d: %[3]s: %[5]s",
		t.pos, a.Label.ZH, a.Name, zh, en))
}

// mark adds the position to a refusal.
func (t lexeme) mark(err error) error {
	if refusal, ok := fault.From(err); ok {
		return refusal.With("position", t.pos)
	}
	return err
}
