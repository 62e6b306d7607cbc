package inspection

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"lianban/internal/fault"
)

// Words is one text in both languages of the house.
type Words struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// In gives the text in the language asked for: "en" is English, all else Chinese.
func (w Words) In(lang string) string {
	if lang == "en" {
		return w.EN
	}
	return w.ZH
}

// AttributeKind says what sort of answer an attribute takes.
type AttributeKind string

// The three kinds of answers (INS-303).
const (
	NumberAttribute AttributeKind = "number"
	YesNoAttribute  AttributeKind = "yes_no"
	ChoiceAttribute AttributeKind = "choice"
)

// Attribute is a fact about the premises that a rule may ask for (INS-304). Its
// name carries the unit, as in floor_area_m2.
type Attribute struct {
	Name     string        `json:"name"`
	Kind     AttributeKind `json:"kind"`
	Places   int           `json:"places,omitempty"` // decimal places an answer may have
	Min      Decimal       `json:"min"`              // inclusive bounds of an answer
	Max      Decimal       `json:"max"`
	Options  []Option      `json:"options,omitempty"`
	Unit     Words         `json:"unit"`
	Label    Words         `json:"label"`    // short, for lists
	Question Words         `json:"question"` // as the clerk asks it
	Help     Words         `json:"help"`

	order int // line of the table, for Questions
}

// Option is one answer of a choice.
type Option struct {
	Code  string `json:"code"`
	Words `json:"label"`
}

// Step is the smallest difference between two answers, zero unless a number.
func (a Attribute) Step() Decimal {
	if a.Kind != NumberAttribute {
		return 0
	}
	step := Decimal(thousand)
	for range a.Places {
		step /= 10
	}
	return step
}

func (a Attribute) same(b Attribute) bool { return a.Name == b.Name }

// spell writes an answer in words, with its unit: "260 ㎡".
func (a Attribute) spell(answer Answer, lang string) string {
	if option, ok := a.option(answer.choice); ok {
		return option.In(lang)
	}
	return strings.TrimSpace(answer.String() + " " + a.Unit.In(lang))
}

// option finds an option by its code.
func (a Attribute) option(code string) (Option, bool) {
	for _, o := range a.Options {
		if o.Code == code {
			return o, true
		}
	}
	return Option{}, false
}

// Attributes lists what rules may ask for, in the order a clerk asks it. The
// list is data/attributes.csv; the error means that file is broken.
func Attributes() ([]Attribute, error) { return attributes() }

// FindAttribute finds an attribute by name. Refusal: attribute_unknown.
func FindAttribute(name string) (Attribute, error) {
	all, err := attributes()
	for _, a := range all {
		if a.Name == name {
			return a, nil
		}
	}
	return Attribute{}, fault.Refuse(fault.Invalid, "attribute_unknown",
		"没有“%s”这个属性；请从属性表中选用", "there is no attribute %q; use one of the list", name).With("attribute", name).Because(err)
}

//go:embed data/attributes.csv
var attributesCSV []byte

var attributes = sync.OnceValues(func() ([]Attribute, error) {
	rows, err := readTable(attributesCSV, attributeColumns, nil)
	if err != nil {
		return nil, fmt.Errorf("read attributes: %w", err)
	}
	out := make([]Attribute, 0, len(rows))
	for _, r := range rows {
		a, err := attributeOf(r)
		if err != nil {
			return nil, fmt.Errorf("read attributes, line %d: %w", r.line, err)
		}
		out = append(out, a)
	}
	return out, nil
})

var attributeColumns = []string{
	"name", "kind", "places", "min", "max", "options", "unit_zh", "unit_en",
	"label_zh", "label_en", "question_zh", "question_en", "help_zh", "help_en",
}

func attributeOf(r tableRow) (Attribute, error) {
	words := func(column string) Words { return Words{r.cell(column + "_zh"), r.cell(column + "_en")} }
	a := Attribute{
		Name: r.cell("name"), Kind: AttributeKind(r.cell("kind")), order: r.line,
		Unit: words("unit"), Label: words("label"), Question: words("question"), Help: words("help"),
	}
	switch a.Kind {
	case YesNoAttribute:
		return a, nil
	case ChoiceAttribute:
		return a, a.readOptions(r.cell("options"))
	case NumberAttribute:
		return a, a.readBounds(r)
	}
	return a, fmt.Errorf("kind %q", a.Kind)
}

func (a *Attribute) readBounds(r tableRow) (err error) {
	if a.Places, err = strconv.Atoi(r.cell("places")); err != nil || a.Places < 0 || a.Places > places {
		return fmt.Errorf("places %q", r.cell("places"))
	}
	if a.Min, err = ParseDecimal(r.cell("min")); err != nil {
		return err
	}
	a.Max, err = ParseDecimal(r.cell("max"))
	return err
}

// readOptions reads "code=中文=English" joined by semicolons.
func (a *Attribute) readOptions(text string) error {
	for part := range strings.SplitSeq(text, ";") {
		field := strings.Split(part, "=")
		if len(field) != 3 {
			return fmt.Errorf("option %q", part)
		}
		a.Options = append(a.Options, Option{field[0], Words{field[1], field[2]}})
	}
	return nil
}
