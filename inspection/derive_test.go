package inspection

import (
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lianban/scheduler/workday"
)

// shipped reads the list that ships with the program.
func shipped(t testing.TB) map[string]Matter {
	t.Helper()
	file, err := io.ReadAll(ShippedMatters())
	if err != nil {
		t.Fatal(err)
	}
	lines, _, err := readMatters(file, workday.Date{Year: 2026, Month: 1, Day: 1})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Matter{}
	for _, l := range lines {
		out[l.matter.Code] = l.matter
	}
	return out
}

// withDefaults answers everything the matter asks for: "no" or 0 unless given.
func withDefaults(t testing.TB, m Matter, given string) Answers {
	t.Helper()
	out := Answers{}
	for _, a := range m.Questions() {
		switch a.Kind {
		case NumberAttribute:
			out[a.Name] = Number(0)
		case YesNoAttribute:
			out[a.Name] = YesNo(false)
		}
	}
	maps.Copy(out, mustAnswer(t, given))
	return out
}

func systemsIn(list []Derived) string {
	var out []string
	for _, d := range list {
		if d.In {
			out = append(out, d.System)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestDepartmentsFollowFromTheAnswers(t *testing.T) { // FAC-05
	t.Parallel()
	matters := shipped(t)
	for _, c := range []struct{ code, given, want string }{
		{"M01", "floor_area_m2=49", "amr"},
		{"M01", "floor_area_m2=50", "amr fire"},
		{"M01", "floor_area_m2=500 outdoor_sign=yes central_air_conditioning=yes fit_out=yes investment_yuan=300001", "amr ecology fire health housing urban"},
		{"M09", "floor_area_m2=50", "police"},
		{"M09", "floor_area_m2=260 serves_food=yes", "amr fire police"},
		{"M09", "floor_area_m2=301 serves_food=yes fit_out=yes investment_yuan=300000", "amr fire health police"},
		{"M24", "floor_area_m2=301 investment_yuan=300000", "amr"},
		{"M24", "floor_area_m2=301 investment_yuan=300001", "amr fire"},
		{"M28", "medical_device_class=2", ""},
		{"M28", "medical_device_class=3", "amr"},
	} {
		m := matters[c.code]
		if got := systemsIn(Derive(m, withDefaults(t, m, c.given))); got != c.want {
			t.Errorf("%s with %s asks %q, want %q", c.code, c.given, got, c.want)
		}
	}
}

func TestGuestHouseExample(t *testing.T) { // INS section 3, worked example
	t.Parallel()
	m := shipped(t)["M09"]
	// "fit-out and investment above their limits taken as given; other rules left out"
	const given = " fit_out=yes investment_yuan=300001 outdoor_sign=no near_cultural_relic=no has_kitchen_flue=no central_air_conditioning=no"
	for _, c := range []struct{ answers, in, unknown string }{
		{"floor_area_m2=260 serves_food=yes", "amr fire police", ""},
		{"floor_area_m2=300 serves_food=no", "fire police", ""},
		{"floor_area_m2=300.5 serves_food=no", "fire health housing police", ""},
		{"serves_food=no", "fire health housing police", "fire health housing"},
	} {
		list := Derive(m, mustAnswer(t, c.answers+given))
		var unknown []string
		for _, d := range list {
			if d.BecauseUnknown {
				unknown = append(unknown, d.System)
				if !slices.Equal(d.Missing, []string{"floor_area_m2"}) {
					t.Errorf("%s misses %v", d.System, d.Missing)
				}
			}
		}
		slices.Sort(unknown)
		if in := systemsIn(list); in != c.in || strings.Join(unknown, " ") != c.unknown {
			t.Errorf("%s: in %q, unknown %q", c.answers, in, unknown)
		}
	}
	why := map[string]string{}
	for _, d := range Derive(m, mustAnswer(t, "floor_area_m2=260 serves_food=no"+given)) {
		why[d.System] = d.Because("zh")
	}
	want := map[string]string{
		"police": "每次都参加", "fire": "满足：建筑面积 > 50 ㎡（填报 260 ㎡）", "amr": "不满足：提供餐饮：是",
		"health": "不满足：建筑面积 > 300 ㎡（填报 260 ㎡）", "housing": "不满足：建筑面积 > 300 ㎡（填报 260 ㎡）",
		"urban": "不满足：户外招牌：是", "ecology": "不满足：临近文物：是，或者厨房油烟：是，或者中央空调：是",
	}
	if diff := cmp.Diff(want, why); diff != "" {
		t.Error(diff)
	}
}

func TestDepartmentIsIncludedWhileAFactIsUnknown(t *testing.T) { // INS-305
	t.Parallel()
	m := shipped(t)["M01"]
	list := Derive(m, nil)
	if in := systemsIn(list); in != "amr ecology fire health housing urban" {
		t.Errorf("nothing known: in are %q", in)
	}
	want := []string{
		"floor_area_m2", "fit_out", "investment_yuan",
		"near_cultural_relic", "has_kitchen_flue", "central_air_conditioning", "outdoor_sign",
	}
	if diff := cmp.Diff(want, Missing(list)); diff != "" {
		t.Error(diff)
	}
	// What cannot change the outcome any more is not asked for.
	list = Derive(m, mustAnswer(t, "floor_area_m2=300 has_kitchen_flue=yes outdoor_sign=no"))
	if missing := Missing(list); len(missing) > 0 {
		t.Errorf("still asks for %v", missing)
	}
}

func TestQuestionsOfAMatterComeInTheOrderOfTheTable(t *testing.T) {
	t.Parallel()
	var got []string
	for _, a := range shipped(t)["M09"].Questions() {
		got = append(got, a.Name)
	}
	want := []string{
		"floor_area_m2", "fit_out", "investment_yuan", "serves_food",
		"has_kitchen_flue", "central_air_conditioning", "outdoor_sign", "near_cultural_relic",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNeverDeemedOfVersionOrRowIsEnough(t *testing.T) { // INS-310
	t.Parallel()
	for _, c := range []struct{ version, row, want bool }{{false, false, false}, {true, false, true}, {false, true, true}, {true, true, true}} {
		m := Matter{NeverDeemed: c.version, Rules: []Rule{{System: "fire", NeverDeemed: c.row}}}
		if got := Derive(m, nil)[0].NeverDeemed; got != c.want {
			t.Errorf("version %v, row %v: %v", c.version, c.row, got)
		}
	}
}

func TestOnlyRequiredDepartmentsOfTheKindMakeAVisit(t *testing.T) { // INS-302, INS-309
	t.Parallel()
	list := Derive(Matter{Rules: []Rule{
		{System: "amr", Attendance: Required, CheckKind: CheckBoth},
		{System: "fire", Attendance: Required, CheckKind: CheckSite},
		{System: "health", Attendance: Invited, CheckKind: CheckSite},
		{System: "urban", Attendance: Required, CheckKind: CheckSite, When: mustParse(t, "outdoor_sign")},
	}}, mustAnswer(t, "outdoor_sign=no"))
	if got := systemsIn(Attending(list, KindSite)); got != "amr fire" {
		t.Errorf("on site: %s", got)
	}
	if got := systemsIn(Attending(list, KindReview)); got != "amr" {
		t.Errorf("in review: %s", got)
	}
}

func TestShippedMattersAskNobodyToSevenDepartments(t *testing.T) { // FAC-06
	t.Parallel()
	least, most := 99, 0
	for _, m := range shipped(t) {
		most = max(most, len(m.Rules))
		if len(Attending(Derive(m, withDefaults(t, m, "")), KindSite)) == 0 {
			least = 0
		}
	}
	if least != 0 || most != 7 {
		t.Errorf("from %d to %d departments", least, most)
	}
}

// The thresholds are found in the text of the list, not by the parser under test.
var thresholds = regexp.MustCompile(`([a-z_0-9]+) (>=|>) ([0-9]+)`)

func TestEveryShippedThresholdIsLiteral(t *testing.T) { // INS-306
	t.Parallel()
	tried := 0
	for code, m := range shipped(t) {
		for _, r := range m.Rules {
			for _, found := range thresholds.FindAllStringSubmatch(r.When.String(), -1) {
				tried++
				checkThreshold(t, code, r, found)
			}
		}
	}
	file, err := io.ReadAll(ShippedMatters())
	if err != nil {
		t.Fatal(err)
	}
	if want := len(thresholds.FindAll(file, -1)); tried != want || want == 0 {
		t.Errorf("tried %d of %d thresholds", tried, want)
	}
}

// checkThreshold tries the boundary, one unit below and one above, and the same
// with the finest step an answer can take.
func checkThreshold(t *testing.T, code string, r Rule, found []string) {
	t.Helper()
	attribute, err := FindAttribute(found[1])
	if err != nil {
		t.Fatal(err)
	}
	boundary, err := ParseDecimal(found[3])
	if err != nil {
		t.Fatal(err)
	}
	others := decisive(r.When, attribute.Name)
	for _, step := range []Decimal{thousand, attribute.Step()} {
		for offset, want := range map[Decimal]bool{-step: false, 0: found[2] == ">=", step: true} {
			if boundary+offset < 0 {
				continue
			}
			others[attribute.Name] = Number(boundary + offset)
			truth, _ := r.When.Eval(others)
			if truth == TruthUnknown || (truth == TruthYes) != want {
				t.Errorf("%s %s: %s with %s is %v", code, r.System, found[0], boundary+offset, truth)
			}
		}
	}
}

// decisive answers the other attributes so that only this one is left to decide.
func decisive(e Expr, name string) Answers {
	out := Answers{}
	all := !strings.Contains(e.String(), " or ") // the list joins by one word only
	for _, a := range e.Attributes() {
		if a.Name == name {
			continue
		}
		out[a.Name] = YesNo(all)
		if a.Kind == NumberAttribute && all {
			out[a.Name] = Number(a.Max)
		} else if a.Kind == NumberAttribute {
			out[a.Name] = Number(a.Min)
		}
	}
	return out
}
