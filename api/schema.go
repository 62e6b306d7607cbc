package api

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"lianban/inspection"
	"lianban/scheduler/workday"
)

// newRegistry knows the forms of types that write their own JSON.
func newRegistry() huma.Registry {
	r := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	r.RegisterTypeAlias(reflect.TypeFor[workday.Date](), reflect.TypeFor[dateSchema]())
	r.RegisterTypeAlias(reflect.TypeFor[inspection.Answer](), reflect.TypeFor[answerSchema]())
	r.RegisterTypeAlias(reflect.TypeFor[inspection.Decimal](), reflect.TypeFor[float64]())
	return r
}

type dateSchema struct{}

// Schema is that of a calendar day.
func (dateSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date"}
}

type answerSchema struct{}

// Schema is that of one answer about the premises: a number, yes or no, the
// code of an option, or null for unknown (INS-305).
func (answerSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		{Type: huma.TypeNumber}, {Type: huma.TypeBoolean}, {Type: huma.TypeString}, {Type: "null"},
	}}
}

// copyTags writes the rules of a request type into its schema and those of the
// types inside it.
func copyTags(r huma.Registry, t reflect.Type, s *huma.Schema) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		if t.Kind() == reflect.Slice {
			s = s.Items
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || s == nil {
		return
	}
	if s.Ref != "" {
		s = r.SchemaFromRef(s.Ref)
	}
	s.Required = nil
	for _, f := range reflect.VisibleFields(t) {
		name := nameOf(f)
		property := s.Properties[name]
		if property == nil {
			continue
		}
		if copyTag(f.Tag.Get("validate"), property, f.Type) {
			s.Required = append(s.Required, name)
		}
		copyTags(r, f.Type, property)
	}
}

// copyTag writes the rules of one field into its schema and reports whether the
// field has to be there. A rule it does not know ends the program at start:
// the document would say less than the check.
func copyTag(rules string, s *huma.Schema, t reflect.Type) (required bool) {
	keys := false
	for rule := range strings.SplitSeq(rules, ",") {
		tag, param, _ := strings.Cut(rule, "=")
		switch {
		case tag == "keys" || tag == "endkeys":
			keys = tag == "keys"
		case keys || tag == "" || tag == "omitempty":
		case tag == "required":
			required = true
		case tag == "dive" && t.Kind() == reflect.Map:
			s, t = s.AdditionalProperties.(*huma.Schema), t.Elem()
		case tag == "dive":
			s, t = s.Items, t.Elem()
		default:
			put, ok := schemaOf[tag]
			if !ok {
				panic(fmt.Sprintf("api: the document does not know the rule %q", tag))
			}
			put(s, t, param)
		}
	}
	return required
}

// schemaOf says what each rule is in JSON Schema.
var schemaOf = map[string]func(s *huma.Schema, t reflect.Type, param string){
	"min": func(s *huma.Schema, t reflect.Type, p string) { lowest(s, t, number(p)) },
	"max": func(s *huma.Schema, t reflect.Type, p string) { highest(s, t, number(p)) },
	"oneof": func(s *huma.Schema, _ reflect.Type, p string) {
		s.Enum = nil // a type inside two requests is met twice
		for option := range strings.FieldsSeq(p) {
			s.Enum = append(s.Enum, option)
		}
	},
	"unique": func(s *huma.Schema, _ reflect.Type, _ string) { s.UniqueItems = true },
	"line":   func(s *huma.Schema, _ reflect.Type, p string) { n := number(p); s.MaxLength, s.Format = &n, "line" },

	"code":      func(s *huma.Schema, _ reflect.Type, _ string) { s.Pattern = codeForm },
	"division":  func(s *huma.Schema, _ reflect.Type, _ string) { s.Pattern = divisionForm },
	"nonul":     func(*huma.Schema, reflect.Type, string) {},
	"cursor":    format("cursor"),
	"workday":   format("date"),
	"instant":   format("date-time"),
	"mail":      format("email"),
	"cn_mobile": format("cn-mobile"),
	"cn_phone":  format("cn-phone"),
	"idno":      format("cn-idno"),
	"uscc":      format("cn-uscc"),
}

func format(name string) func(*huma.Schema, reflect.Type, string) {
	return func(s *huma.Schema, _ reflect.Type, _ string) { s.Format = name }
}

// lowest and highest set the limit that fits the type.
func lowest(s *huma.Schema, t reflect.Type, n int) {
	switch x := float64(n); t.Kind() {
	case reflect.String:
		s.MinLength = &n
	case reflect.Slice:
		s.MinItems = &n
	case reflect.Map:
		s.MinProperties = &n
	default:
		s.Minimum = &x
	}
}

func highest(s *huma.Schema, t reflect.Type, n int) {
	switch x := float64(n); t.Kind() {
	case reflect.String:
		s.MaxLength = &n
	case reflect.Slice:
		s.MaxItems = &n
	case reflect.Map:
		s.MaxProperties = &n
	default:
		s.Maximum = &x
	}
}

// withoutNull says of every list that it is one: an empty list is [], never
// null (STK-40, withLists).
func withoutNull(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	withoutNull(s.Items)
	for _, p := range s.Properties {
		withoutNull(p)
	}
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		withoutNull(more)
	}
}
