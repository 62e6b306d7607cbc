package api

import (
	"encoding/csv"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lianban/inspection"
)

// eachField calls visit with every field of a request struct and of the structs
// inside it.
func eachField(t reflect.Type, visit func(f reflect.StructField)) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if nameOf(f) != "" {
			visit(f)
		}
		eachField(f.Type, visit)
	}
}

// rulesOf lists the rules of a field, without those that only steer.
func rulesOf(f reflect.StructField) (rules []string) {
	for rule := range strings.SplitSeq(f.Tag.Get("validate"), ",") {
		tag, _, _ := strings.Cut(rule, "=")
		if !slices.Contains([]string{"", "omitempty", "dive", "keys", "endkeys"}, tag) {
			rules = append(rules, tag)
		}
	}
	return rules
}

// STK-26: every rule has its words and every field its name, in both languages.
func TestEveryRuleAndFieldSpeaksBothLanguages(t *testing.T) {
	w := newWorld(t)
	for _, line := range w.Routes() {
		if line.in == nil {
			continue
		}
		eachField(line.in, func(f reflect.StructField) {
			for _, tag := range rulesOf(f) {
				if text := texts[tag]; text.zh == "" || text.en == "" {
					t.Errorf("%s: rule %q of %s has no words", line.Act, tag, nameOf(f))
				}
			}
			if label := labels[nameOf(f)]; label.zh == "" || label.en == "" {
				t.Errorf("%s: field %q has no name", line.Act, nameOf(f))
			}
		})
	}
}

// STK-18: no text gets in unlooked at: each has a rule that refuses NUL.
func TestEveryTextHasARuleThatRefusesNUL(t *testing.T) {
	safe := []string{"nonul", "oneof"}
	for tag, ok := range tags(time.Now) {
		if !ok("a\x00b", "80") {
			safe = append(safe, tag)
		}
	}
	w := newWorld(t)
	for _, line := range w.Routes() {
		if line.in == nil {
			continue
		}
		eachField(line.in, func(f reflect.StructField) {
			text := f.Type.Kind() == reflect.String || f.Type == reflect.TypeFor[[]string]()
			if text && !slices.ContainsFunc(rulesOf(f), func(rule string) bool { return slices.Contains(safe, rule) }) {
				t.Errorf("%s: %s takes any text", line.Act, nameOf(f))
			}
		})
	}
}

// STK-27, FAC-22…24: what the domain takes the edge takes, and no more.
func TestEdgeTakesTheNumbersThatTheDomainTakes(t *testing.T) {
	c := newChecks(func() time.Time { return morning })
	for tag, file := range map[string]string{"uscc": "uscc_vectors.csv", "idno": "id_vectors.csv"} {
		f, err := os.Open("../inspection/testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil || len(rows) < 10 {
			t.Fatal(len(rows), err)
		}
		for _, row := range rows[1:] {
			taken := c.v.Var(row[0], tag) == nil
			if row[1] == "true" && !taken {
				t.Errorf("%s %q (%s) is refused", tag, row[0], row[2])
			}
		}
	}
	for value, tag := range map[string]string{
		"91350100M000100Y4": "uscc", "11010519491231002Y": "idno", "12800001234": "cn_mobile", "8322222": "cn_phone",
		"2026-02-30": "workday", "2026-03-02T09:30:00": "instant", "a b@c.cn": "mail", "a/b": "code", "4": "division",
		" x": "line=5", "abcdef": "line=5", "a\nb": "line=5", "a\x00": "nonul", "\xff": "nonul", "!": "cursor=id",
		idCursor("x"): "cursor=position", positionCursor(inspection.Position{ID: "x"}): "cursor=id", seal("position:0:99999999999999999:x"): "cursor=position",
		seal("id:a b"): "cursor=id", seal("position:0:1:a b"): "cursor=position", seal("position:x:1:a"): "cursor=position",
	} {
		if c.v.Var(value, tag) == nil {
			t.Errorf("%s takes %q", tag, value)
		}
	}
}
