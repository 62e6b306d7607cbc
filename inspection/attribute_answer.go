package inspection

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/width"

	"lianban/internal/fault"
)

// Answer is what is known about one attribute. The zero Answer is unknown,
// which is not "no" (INS-305).
type Answer struct {
	kind   AttributeKind
	number Decimal
	yes    bool
	choice string
}

// Number answers an attribute that is a number.
func Number(n Decimal) Answer { return Answer{kind: NumberAttribute, number: n} }

// YesNo answers a yes/no attribute.
func YesNo(yes bool) Answer { return Answer{kind: YesNoAttribute, yes: yes} }

// Choice answers a choice by the code of an option.
func Choice(code string) Answer { return Answer{kind: ChoiceAttribute, choice: code} }

// Known reports whether there is an answer at all.
func (a Answer) Known() bool { return a.kind != "" }

// String gives the form that ParseAnswer reads back; "" is unknown.
func (a Answer) String() string {
	switch {
	case a.kind == NumberAttribute:
		return a.number.String()
	case a.kind == ChoiceAttribute:
		return a.choice
	case a.kind == YesNoAttribute && a.yes:
		return "yes"
	case a.kind == YesNoAttribute:
		return "no"
	}
	return ""
}

// MarshalJSON writes a number, true or false, a string, or null when unknown.
func (a Answer) MarshalJSON() ([]byte, error) {
	switch a.kind {
	case NumberAttribute:
		return a.number.MarshalJSON()
	case YesNoAttribute:
		return json.Marshal(a.yes)
	case ChoiceAttribute:
		return json.Marshal(a.choice)
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Answer) UnmarshalJSON(b []byte) error {
	*a = Answer{}
	switch {
	case bytes.Equal(b, []byte("null")):
		return nil
	case b[0] == 't' || b[0] == 'f':
		a.kind = YesNoAttribute
		return json.Unmarshal(b, &a.yes)
	case b[0] == '"':
		a.kind = ChoiceAttribute
		return json.Unmarshal(b, &a.choice)
	}
	n, err := ParseDecimal(string(b))
	*a = Number(n)
	return err
}

// Answers holds what is known about the premises, by name of the attribute. An
// attribute that is missing or has the zero Answer is unknown.
type Answers map[string]Answer

// Check refuses answers that cannot be right, such as those a program sent
// (INS-303). Refusal: answers_invalid, whose fields carry attribute_unknown or
// answer_invalid.
func (a Answers) Check() error {
	return eachAttribute(a, func(attribute Attribute, answer Answer) error {
		if !answer.Known() {
			return nil
		}
		return attribute.check(answer)
	})
}

// ParseAnswers reads a form: a text for each attribute, "" for unknown. It
// refuses like Answers.Check.
func ParseAnswers(form map[string]string) (Answers, error) {
	out := Answers{}
	err := eachAttribute(form, func(attribute Attribute, text string) error {
		answer, err := attribute.Parse(text)
		if err == nil && answer.Known() {
			out[attribute.Name] = answer
		}
		return err
	})
	return out, err
}

// eachAttribute tries every value and gathers what is refused, field by field.
func eachAttribute[V any](values map[string]V, try func(Attribute, V) error) error {
	var fields []fault.Field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		attribute, err := FindAttribute(name)
		if err == nil {
			err = try(attribute, values[name])
		}
		if refusal, refused := fault.From(err); refused {
			fields = append(fields, fault.Field{Name: name, Code: refusal.Code, Text: refusal.In("zh")})
		}
	}
	if len(fields) == 0 {
		return nil
	}
	refusal := fault.Refuse(fault.Invalid, "answers_invalid",
		"有 %d 项填写有误，请逐项改正", "%d of the answers are wrong; correct each of them", len(fields))
	refusal.Fields = fields
	return refusal
}

// Parse reads one answer as a person writes it: full-width digits, grouping
// commas and 是/否 are understood, "" is unknown. Refusal: answer_invalid.
func (a Attribute) Parse(text string) (Answer, error) {
	text = strings.TrimSpace(width.Fold.String(text))
	if text == "" {
		return Answer{}, nil
	}
	answer, ok := a.read(text)
	if !ok {
		return Answer{}, a.refuse(text)
	}
	return answer, a.check(answer)
}

func (a Attribute) read(text string) (Answer, bool) {
	switch a.Kind {
	case NumberAttribute:
		n, err := ParseDecimal(strings.ReplaceAll(text, ",", ""))
		return Number(n), err == nil
	case YesNoAttribute:
		yes, err := parseYesNo(text)
		return YesNo(yes), err == nil
	}
	for _, o := range a.Options {
		if text == o.Code || text == o.ZH {
			return Choice(o.Code), true
		}
	}
	return Answer{}, false
}

// check refuses an answer of the wrong kind, outside the bounds or finer than
// the attribute allows.
func (a Attribute) check(answer Answer) error {
	fits := answer.kind == a.Kind
	switch answer.kind {
	case NumberAttribute:
		fits = fits && answer.number >= a.Min && answer.number <= a.Max && answer.number%a.Step() == 0
	case ChoiceAttribute:
		_, known := a.option(answer.choice)
		fits = fits && known
	}
	if !fits {
		return a.refuse(answer.String())
	}
	return nil
}

func (a Attribute) refuse(text string) error {
	zh, en := a.expects()
	return fault.Refuse(fault.Invalid, "answer_invalid",
		"“%[1]s”不能填“%[2]s”：%[3]s", "%[4]s cannot be %[2]q: %[5]s", a.Label.ZH, text, zh, a.Label.EN, en)
}

// expects says what an answer has to look like.
func (a Attribute) expects() (zh, en string) {
	switch a.Kind {
	case NumberAttribute:
		return fmt.Sprintf("应为 %s 到 %s 的数字，最多 %d 位小数", a.Min, a.Max, a.Places),
			fmt.Sprintf("it is a number from %s to %s with at most %d places", a.Min, a.Max, a.Places)
	case YesNoAttribute:
		return "应为“是”或“否”", "it is yes or no"
	}
	var codes, labels []string
	for _, o := range a.Options {
		codes, labels = append(codes, o.Code), append(labels, o.ZH)
	}
	return "应为以下之一：" + strings.Join(labels, "、"), "it is one of " + strings.Join(codes, ", ")
}

func parseYesNo(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "yes", "true", "是", "有":
		return true, nil
	case "no", "false", "否", "没有", "无":
		return false, nil
	}
	return false, fault.Refuse(fault.Invalid, "yes_no_invalid",
		"“%s”应为“是”或“否”", "%q has to be yes or no", text)
}
