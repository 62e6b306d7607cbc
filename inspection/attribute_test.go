package inspection

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lianban/internal/fault"
)

func TestEveryAttributeOfTheRulesIsDeclared(t *testing.T) { // INS-304, facts section 3
	t.Parallel()
	names := []string{
		"floor_area_m2", "storeys", "underground", "investment_yuan", "seats", "serves_food", "has_kitchen_flue",
		"sells_tobacco", "sells_drugs", "medical_device_class", "lodging_rooms", "entertainment", "swimming_pool",
		"central_air_conditioning", "outdoor_sign", "near_cultural_relic", "hazardous_goods", // INS-304
		"beds", "animal_clinic", "boiler", "fit_out", "high_risk_sport", "medical_room", "pesticide", "radiology",
		"road_freight", "spray_paint", // the shipped list asks for these too
	}
	for _, name := range names {
		if _, err := FindAttribute(name); err != nil {
			t.Error(err)
		}
	}
	_, err := FindAttribute("colour")
	if !fault.Is(err, "attribute_unknown") {
		t.Errorf("an undeclared attribute gives %v", err)
	}
}

func TestEveryAttributeCanBeAskedInBothLanguages(t *testing.T) {
	t.Parallel()
	all, err := Attributes()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, a := range all {
		if seen[a.Name] {
			t.Errorf("%s is declared twice", a.Name)
		}
		seen[a.Name] = true
		for _, w := range []Words{a.Label, a.Question} {
			if w.ZH == "" || w.EN == "" {
				t.Errorf("%s lacks a label or a question", a.Name)
			}
		}
		if (a.Help.ZH == "") != (a.Help.EN == "") || (a.Unit.ZH == "") != (a.Unit.EN == "") {
			t.Errorf("%s has help or unit in one language only", a.Name)
		}
		if a.Kind == NumberAttribute && a.Max <= a.Min || a.Kind == ChoiceAttribute && len(a.Options) < 2 {
			t.Errorf("%s has nothing to choose from", a.Name)
		}
	}
}

func TestAnswersAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       Answer
	}{
		{"floor_area_m2", "300.5", Number(300500)},
		{"floor_area_m2", " ３００ ", Number(300000)},
		{"investment_yuan", "300,001", Number(300001000)},
		{"serves_food", "是", YesNo(true)},
		{"serves_food", "no", YesNo(false)},
		{"serves_food", "", Answer{}},
		{"building_use", "商住综合", Choice("mixed")},
		{"building_use", "mixed", Choice("mixed")},
	} {
		got, err := ParseAnswers(map[string]string{c.name: c.text})
		if err != nil || got[c.name] != c.want {
			t.Errorf("%s %q is %v, %v", c.name, c.text, got[c.name], err)
		}
	}
}

func TestWrongAnswersAreRefusedFieldByField(t *testing.T) {
	t.Parallel()
	form := map[string]string{
		"floor_area_m2": "1e3", "storeys": "1.5", "medical_device_class": "4", "serves_food": "perhaps",
		"building_use": "castle", "colour": "red", "beds": "-1", "boiler": "yes",
	}
	_, err := ParseAnswers(form)
	refusal, ok := fault.From(err)
	if !ok || refusal.Code != "answers_invalid" {
		t.Fatalf("got %v", err)
	}
	got := map[string]string{}
	for _, f := range refusal.Fields {
		got[f.Name] = f.Code
	}
	want := map[string]string{
		"floor_area_m2": "answer_invalid", "storeys": "answer_invalid", "medical_device_class": "answer_invalid",
		"serves_food": "answer_invalid", "building_use": "answer_invalid", "colour": "attribute_unknown", "beds": "answer_invalid",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := (Answers{"floor_area_m2": YesNo(true), "beds": {}}).Check(); !fault.Is(err, "answers_invalid") {
		t.Errorf("a yes for an area gives %v", err)
	}
}

func TestAnswersKeepTheirValueInJSON(t *testing.T) {
	t.Parallel()
	const text = `{"beds":0,"building_use":"mixed","floor_area_m2":300.5,"serves_food":false,"storeys":null}`
	var a Answers
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	if a["serves_food"] != YesNo(false) || a["storeys"].Known() {
		t.Errorf("no and unknown got mixed up: %v", a) // INS-305
	}
	b, err := json.Marshal(a)
	if err != nil || string(b) != text {
		t.Errorf("came back as %s, %v", b, err)
	}
	for _, bad := range []string{`{"beds":1e3}`, `{"beds":-1}`, `{"beds":[1]}`, `{"beds":{}}`, `{"beds":1.2345}`} {
		if err := json.Unmarshal([]byte(bad), &a); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestDecimalsAreExact(t *testing.T) { // INS-306
	t.Parallel()
	for text, want := range map[string]Decimal{"0": 0, "0.1": 100, "300.5": 300500, "300.50": 300500, "007": 7000, "9999999999999.999": 9999999999999999} {
		got, err := ParseDecimal(text)
		if err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
		if back, err := ParseDecimal(got.String()); err != nil || back != got {
			t.Errorf("%d prints as %s", got, got)
		}
	}
	for _, bad := range []string{"", ".", "1.", ".5", "-1", "+1", "1e3", "1.2345", "1 2", "10000000000000", "１"} {
		if _, err := ParseDecimal(bad); !fault.Is(err, "number_invalid") {
			t.Errorf("%q gives %v", bad, err)
		}
	}
}
