package api

import (
	"errors"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"

	"lianban/inspection"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// checks holds the one validator of the house (STK-24). It knows the form of
// what comes in; whether it is true is for the domains.
type checks struct{ v *validator.Validate }

// newChecks registers every tag before the first use. now is for rules that
// know today, such as nobody being born tomorrow.
func newChecks(now func() time.Time) *checks {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(nameOf)
	for tag, ok := range tags(now) {
		if err := v.RegisterValidation(tag, func(fl validator.FieldLevel) bool { return ok(fl.Field().String(), fl.Param()) }); err != nil {
			panic(err) // a tag of ours has a name that validator does not take
		}
	}
	v.RegisterStructValidation(addressRule, addressBody{})
	return &checks{v}
}

// codeForm is the form of ids and codes: what does not have it is no id of ours.
const codeForm = `^[A-Za-z0-9._:-]{1,64}$`

// divisionForm is the form of a division's code, which is opaque otherwise.
const divisionForm = `^[0-9A-Za-z]{2,12}$`

var (
	codePattern     = regexp.MustCompile(codeForm)
	divisionPattern = regexp.MustCompile(divisionForm)
)

// tags are our own rules for texts; each has its words in texts.go and its
// place in the JSON Schema (schema.go). They ask the functions of the domains,
// so that the edge never says anything else than they do (STK-27).
func tags(now func() time.Time) map[string]func(text, param string) bool {
	none := func(err error) bool { return err == nil }
	return map[string]func(text, param string) bool{
		"nonul": func(s, _ string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") },
		"line": func(s, most string) bool {
			return none(office.CheckLines(office.Line{Value: s, Max: number(most), Optional: true}))
		},
		"code":      func(s, _ string) bool { return codePattern.MatchString(s) },
		"division":  func(s, _ string) bool { return divisionPattern.MatchString(s) },
		"cursor":    cursorFits,
		"workday":   func(s, _ string) bool { _, err := workday.ParseDate(s); return none(err) },
		"instant":   func(s, _ string) bool { _, err := time.Parse(time.RFC3339, s); return none(err) },
		"mail":      func(s, _ string) bool { _, err := office.MailAddress(s); return none(err) },
		"cn_mobile": func(s, _ string) bool { _, err := inspection.CheckMobile(s); return none(err) },
		"cn_phone":  func(s, _ string) bool { _, err := inspection.CheckPhone(s); return none(err) },
		"idno": func(s, _ string) bool {
			_, err := inspection.CheckIDNumber(s, workday.DateOf(now()))
			return none(err)
		},
		"uscc": func(s, _ string) bool { // the check character a clerk may override with a reason (FAC-22)
			_, err := inspection.CheckCreditCode(s)
			return none(err) || fault.Is(err, "credit_code_check")
		},
	}
}

// nameOf is what a field is called on the wire.
func nameOf(f reflect.StructField) string {
	for _, tag := range []string{"json", "path", "query", "header"} {
		if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name != "" && name != "-" {
			return name
		}
	}
	return ""
}

// form checks a request struct. Of each field the first rule that fails is
// named, in the language asked for, and never the value (STK-39).
func (c *checks) form(in any, lang string) error {
	err := c.v.Struct(in)
	if err == nil {
		return nil
	}
	var wrong validator.ValidationErrors
	if !errors.As(err, &wrong) {
		return err
	}
	fields := make([]fault.Field, len(wrong))
	for i, w := range wrong {
		fields[i] = fault.Field{Name: pathOf(w), Code: w.Tag(), Text: spellTag(w, lang)}
	}
	return fieldsInvalid(fields)
}

func fieldsInvalid(fields []fault.Field) error {
	e := fault.Refuse(fault.Invalid, "fields_invalid",
		"有 %d 项填写有误，请逐项改正", "%d of the fields are wrong; correct each of them", len(fields))
	e.Fields = fields
	return e
}

// pathOf is where a wrong field stands in the request: "away[0].from".
func pathOf(w validator.FieldError) string {
	_, path, _ := strings.Cut(w.Namespace(), ".")
	return strings.TrimPrefix(path, "Body.")
}

// number is the parameter of a rule.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic("api: the rule wants a number, has " + text) // a tag written wrong
	}
	return n
}
