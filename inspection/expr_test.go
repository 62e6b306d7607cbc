package inspection

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lianban/internal/fault"
)

func mustParse(t testing.TB, text string) Expr {
	t.Helper()
	e, err := ParseExpr(text)
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return e
}

// answers reads "floor_area_m2=260 serves_food=no", with ? for unknown.
func mustAnswer(t testing.TB, text string) Answers {
	t.Helper()
	form := map[string]string{}
	for pair := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(pair, "=")
		if value != "?" {
			form[name] = value
		}
	}
	out, err := ParseAnswers(form)
	if err != nil {
		t.Fatalf("answers %q: %v", text, err)
	}
	return out
}

func TestConditionsCompareJoinAndNegate(t *testing.T) { // INS-303
	t.Parallel()
	const given = "floor_area_m2=300.5 storeys=3 serves_food=yes outdoor_sign=no building_use=mixed"
	for text, want := range map[string]Truth{
		"":                          TruthYes,
		"always":                    TruthYes,
		"floor_area_m2 > 300":       TruthYes,
		"floor_area_m2>300.5":       TruthNo,
		"floor_area_m2 >= 300.5":    TruthYes,
		"floor_area_m2 < 300.51":    TruthYes,
		"floor_area_m2 <= 300":      TruthNo,
		"storeys = 3":               TruthYes,
		"storeys != 3":              TruthNo,
		"storeys in (1, 3)":         TruthYes,
		"not storeys in (1, 3)":     TruthNo,
		"serves_food":               TruthYes,
		"serves_food = no":          TruthNo,
		"not outdoor_sign":          TruthYes,
		"outdoor_sign != no":        TruthNo,
		"building_use = mixed":      TruthYes,
		"building_use in (other)":   TruthNo,
		"not building_use != mixed": TruthYes,
		"serves_food or outdoor_sign and storeys = 9":   TruthYes, // and binds tighter
		"(serves_food or outdoor_sign) and storeys = 9": TruthNo,
		"not (outdoor_sign or storeys = 9)":             TruthYes,
		"not not serves_food":                           TruthYes,
	} {
		if got, _ := mustParse(t, text).Eval(mustAnswer(t, given)); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func TestBoundariesAreLiteral(t *testing.T) { // INS-306
	t.Parallel()
	for op, want := range map[string][3]Truth{ // one unit below, at, one unit above
		"<": {TruthYes, TruthNo, TruthNo}, "<=": {TruthYes, TruthYes, TruthNo},
		">": {TruthNo, TruthNo, TruthYes}, ">=": {TruthNo, TruthYes, TruthYes},
	} {
		for i, answer := range []string{"floor_area_m2=299.99", "floor_area_m2=300", "floor_area_m2=300.01"} {
			if got, _ := mustParse(t, "floor_area_m2 "+op+" 300").Eval(mustAnswer(t, answer)); got != want[i] {
				t.Errorf("%s %s 300: %v, want %v", answer, op, got, want[i])
			}
		}
	}
}

func TestUnknownDecidesOnlyWhereItMust(t *testing.T) { // INS-305
	t.Parallel()
	for text, want := range map[string]Truth{
		"boiler":                          TruthUnknown,
		"not boiler":                      TruthUnknown,
		"floor_area_m2 > 300":             TruthUnknown,
		"outdoor_sign and boiler":         TruthNo, // false and unknown
		"boiler and outdoor_sign":         TruthNo,
		"serves_food or boiler":           TruthYes, // true or unknown
		"boiler or serves_food":           TruthYes,
		"serves_food and boiler":          TruthUnknown,
		"outdoor_sign or boiler":          TruthUnknown,
		"not (serves_food or boiler)":     TruthNo,
		"not (outdoor_sign and boiler)":   TruthYes,
		"boiler or not boiler":            TruthUnknown, // each condition stands for itself
		"storeys in (1, 2) and radiology": TruthUnknown,
	} {
		if got, _ := mustParse(t, text).Eval(mustAnswer(t, "serves_food=yes outdoor_sign=no")); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func TestAnswerOfAnotherKindIsNoAnswer(t *testing.T) { // when in doubt, include
	t.Parallel()
	got, _ := mustParse(t, "floor_area_m2 > 300").Eval(Answers{"floor_area_m2": YesNo(false)})
	if got != TruthUnknown {
		t.Fatalf("a yes/no answer to a number is %v", got)
	}
}

func TestClauseNamesWhatDecided(t *testing.T) { // INS-307
	t.Parallel()
	const given = "floor_area_m2=260 serves_food=yes outdoor_sign=no"
	for _, c := range []struct{ text, clause, zh string }{
		{"always", "always", "每次都参加"},
		{"floor_area_m2 > 300", "floor_area_m2 > 300", "建筑面积 > 300 ㎡"},
		{"serves_food and floor_area_m2 > 300 and boiler", "floor_area_m2 > 300", "建筑面积 > 300 ㎡"},
		{"serves_food and floor_area_m2 >= 50", "serves_food and floor_area_m2 >= 50", "提供餐饮：是 and 建筑面积 ≥ 50 ㎡"},
		{"boiler or serves_food or outdoor_sign", "serves_food", "提供餐饮：是"},
		{"outdoor_sign or floor_area_m2 > 300", "outdoor_sign or floor_area_m2 > 300", ""},
		{"outdoor_sign or boiler or radiology", "boiler or radiology", ""},
		{"serves_food and (boiler or radiology)", "boiler or radiology", ""},
		{"boiler and (beds > 0 or outdoor_sign)", "boiler and beds > 0", ""},
		{"not (serves_food and floor_area_m2 < 300)", "not serves_food or floor_area_m2 >= 300", ""},
		{"not building_use in (mixed, other)", "not building_use in (mixed, other)", "房屋用途 ≠ 商住综合 或 其他"},
	} {
		_, clause := mustParse(t, c.text).Eval(mustAnswer(t, given))
		if clause.String() != c.clause {
			t.Errorf("%q was decided by %q, want %q", c.text, clause, c.clause)
		}
		if zh := strings.ReplaceAll(clause.In("zh"), "，并且", " and "); c.zh != "" && zh != c.zh {
			t.Errorf("%q reads %q, want %q", c.clause, zh, c.zh)
		}
	}
}

func TestWrongConditionIsRefusedWithItsPosition(t *testing.T) { // INS-303
	t.Parallel()
	for text, want := range map[string]struct {
		code string
		at   int
	}{
		"floor_area > 300":                   {"attribute_unknown", 1},
		"serves_food and":                    {"expression_invalid", 16},
		"serves_food outdoor_sign":           {"expression_invalid", 13},
		"(serves_food":                       {"expression_invalid", 13},
		"serves_food)":                       {"expression_invalid", 12},
		"floor_area_m2 > ":                   {"expression_invalid", 17},
		"floor_area_m2 ≥ 50":                 {"expression_invalid", 15},
		"> 50":                               {"expression_invalid", 1},
		"storeys in 3":                       {"expression_invalid", 12},
		"storeys in (3":                      {"expression_invalid", 14},
		"always or serves_food":              {"expression_invalid", 1},
		"floor_area_m2":                      {"expression_type", 1},
		"serves_food > 3":                    {"expression_type", 13},
		"serves_food in (yes)":               {"expression_type", 1},
		"storeys = yes":                      {"expression_type", 11},
		"storeys > 1.5":                      {"expression_type", 11},
		"medical_device_class >= 30":         {"expression_type", 25},
		"building_use = castle":              {"expression_type", 16},
		"building_use < mixed":               {"expression_type", 14},
		"beds > 1.2.3":                       {"expression_type", 8},
		strings.Repeat("(", 100):             {"expression_invalid", 31},
		strings.Repeat("not ", 100):          {"expression_invalid", 121},
		"boiler" + strings.Repeat(" ", 3000): {"expression_invalid", 2000},
	} {
		_, err := ParseExpr(text)
		refusal, ok := fault.From(err)
		if !ok || refusal.Code != want.code || refusal.Details["position"] != want.at {
			t.Errorf("%.30q gives %v at %v, want %s at %d", text, err, refusal.Details["position"], want.code, want.at)
		}
	}
}

// The oracle: a tree that is printed and evaluated by the truth tables of Kleene.
type tree struct {
	word        string // and, or, not, or the text of a condition
	left, right *tree
}

var (
	kleeneAnd = [3][3]Truth{{0, 0, 0}, {0, 1, 1}, {0, 1, 2}}
	kleeneOr  = [3][3]Truth{{0, 1, 2}, {1, 1, 2}, {2, 2, 2}}
	kleeneNot = [3]Truth{2, 1, 0}
)

func (n *tree) String() string {
	switch n.word {
	case "and", "or":
		return "(" + n.left.String() + " " + n.word + " " + n.right.String() + ")"
	case "not":
		return "not " + n.left.String()
	}
	return n.word
}

func (n *tree) eval(conditions map[string]Truth) Truth {
	switch n.word {
	case "and":
		return kleeneAnd[n.left.eval(conditions)][n.right.eval(conditions)]
	case "or":
		return kleeneOr[n.left.eval(conditions)][n.right.eval(conditions)]
	case "not":
		return kleeneNot[n.left.eval(conditions)]
	}
	return conditions[n.word]
}

// oracleConditions say what each truth value of a condition takes as answer.
var oracleConditions = map[string]struct {
	attribute string
	answers   [3]Answer
}{
	"boiler":                  {"boiler", [3]Answer{YesNo(false), {}, YesNo(true)}},
	"radiology = no":          {"radiology", [3]Answer{YesNo(true), {}, YesNo(false)}},
	"floor_area_m2 > 300":     {"floor_area_m2", [3]Answer{Number(300000), {}, Number(300010)}},
	"beds <= 9":               {"beds", [3]Answer{Number(10000), {}, Number(9000)}},
	"storeys != 2":            {"storeys", [3]Answer{Number(2000), {}, Number(1000)}},
	"building_use in (mixed)": {"building_use", [3]Answer{Choice("other"), {}, Choice("mixed")}},
}

func treeOf(depth int) *rapid.Generator[*tree] {
	return rapid.Custom(func(t *rapid.T) *tree {
		words := []string{"boiler", "radiology = no", "floor_area_m2 > 300", "beds <= 9", "storeys != 2", "building_use in (mixed)"}
		if depth > 0 {
			words = append(words, "and", "and", "and", "or", "or", "or", "not", "not")
		}
		n := &tree{word: rapid.SampledFrom(words).Draw(t, "word")}
		switch n.word {
		case "and", "or":
			n.right = treeOf(depth-1).Draw(t, "right")
			fallthrough
		case "not":
			n.left = treeOf(depth-1).Draw(t, "left")
		}
		return n
	})
}

func TestEveryExpressionAgreesWithTheTruthTables(t *testing.T) { // INS-303, INS-305
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		oracle := treeOf(4).Draw(t, "expression")
		conditions, answers := map[string]Truth{}, Answers{}
		for _, text := range []string{"boiler", "radiology = no", "floor_area_m2 > 300", "beds <= 9", "storeys != 2", "building_use in (mixed)"} {
			truth := Truth(rapid.IntRange(0, 2).Draw(t, text))
			conditions[text] = truth
			answers[oracleConditions[text].attribute] = oracleConditions[text].answers[truth]
		}
		e, err := ParseExpr(oracle.String())
		if err != nil {
			t.Fatalf("parse %q: %v", oracle, err)
		}
		got, clause := e.Eval(answers)
		if want := oracle.eval(conditions); got != want {
			t.Fatalf("%q is %v, want %v", oracle, got, want)
		}
		// The clause alone must tell the same.
		again, err := ParseExpr(clause.String())
		if err != nil {
			t.Fatalf("clause %q: %v", clause, err)
		}
		if alone, _ := again.Eval(answers); alone != got {
			t.Fatalf("clause %q of %q is %v, the whole is %v", clause, oracle, alone, got)
		}
		if missing := clause.missing(answers); (got == TruthUnknown) != (len(missing) > 0) {
			t.Fatalf("%q is %v and misses %v", oracle, got, missing)
		}
	})
}

func FuzzParseExpr(f *testing.F) {
	for _, seed := range []string{
		"always", "serves_food", "not (beds > 0 or radiology)", "storeys in (1, 2,3)",
		"fit_out and floor_area_m2 > 300 and investment_yuan > 300000", "building_use = mixed", "((", "beds >= 1.", "beds > 99999999999999999999",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExpr(text)
		if err != nil {
			if _, ok := fault.From(err); !ok {
				t.Fatalf("%q gives an error that is no refusal: %v", text, err)
			}
			return
		}
		again := mustParse(t, e.String())
		for _, answers := range []Answers{nil, {"beds": Number(1000), "serves_food": YesNo(true)}} {
			truth, clause := e.Eval(answers)
			if same, _ := again.Eval(answers); same != truth {
				t.Fatalf("%q reads back as something else", text)
			}
			if alone, _ := mustParse(t, clause.String()).Eval(answers); alone != truth {
				t.Fatalf("clause %q of %q is %v, not %v", clause, text, alone, truth)
			}
		}
	})
}
