package inspection

import (
	"slices"
	"strings"
	"testing"

	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// newMatter is a matter that can be published; each test breaks one thing.
func newMatter(t testing.TB) Matter {
	t.Helper()
	return Matter{
		Code: "T01", NameZH: "我要开饭店", NameEN: "Open a restaurant", Permits: []string{"食品经营许可"},
		EffectiveFrom: workday.Date{Year: 2026, Month: 1, Day: 1},
		Rules: []Rule{
			{System: "amr", Level: office.County, Attendance: Required, Lead: true, CheckKind: CheckSite},
			{System: "fire", Level: office.City, Attendance: Required, CheckKind: CheckSite, When: mustParse(t, "floor_area_m2 >= 50")},
			{System: "culture", Level: office.County, Attendance: Invited, CheckKind: CheckSite, When: mustParse(t, "entertainment")},
		},
	}
}

func TestUnsoundVersionCannotBePublished(t *testing.T) { // INS-303, FAC-04
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*Matter)
		code  string
	}{
		"sound":            {func(*Matter) {}, ""},
		"no code":          {func(m *Matter) { m.Code = "" }, "matter_incomplete"},
		"long code":        {func(m *Matter) { m.Code = strings.Repeat("1", 65) }, "matter_incomplete"},
		"no English name":  {func(m *Matter) { m.NameEN = "" }, "matter_incomplete"},
		"no date":          {func(m *Matter) { m.EffectiveFrom = workday.Date{} }, "matter_incomplete"},
		"ends at once":     {func(m *Matter) { m.EffectiveTo = m.EffectiveFrom }, "matter_incomplete"},
		"other certainty":  {func(m *Matter) { m.Certainty = "sure" }, "matter_incomplete"},
		"no rules":         {func(m *Matter) { m.Rules = nil }, "matter_lead"},
		"no lead":          {func(m *Matter) { m.Rules[0].Lead = false }, "matter_lead"},
		"two leads":        {func(m *Matter) { m.Rules[1].Lead = true }, "matter_lead"},
		"lead is invited":  {func(m *Matter) { m.Rules[0].Lead, m.Rules[2].Lead = false, true }, "rule_invalid"},
		"second lead told": {func(m *Matter) { m.Rules[2].Lead = true }, "rule_invalid"},
		"unknown system":   {func(m *Matter) { m.Rules[1].System = "navy" }, "system_unknown"},
		"department twice": {func(m *Matter) { m.Rules[1].System = "amr" }, "rule_doubled"},
		"township level":   {func(m *Matter) { m.Rules[1].Level = office.Township }, "rule_invalid"},
		"no attendance":    {func(m *Matter) { m.Rules[1].Attendance = "" }, "rule_invalid"},
		"no kind":          {func(m *Matter) { m.Rules[1].CheckKind = "remote" }, "rule_invalid"},
		"lead may miss":    {func(m *Matter) { m.Rules[0].When = mustParse(t, "serves_food") }, "matter_lead_missing"},
		"one unit too few": {func(m *Matter) { m.Rules[0].When = mustParse(t, "floor_area_m2 > 50") }, "matter_lead_missing"},
		"lead comes along": {func(m *Matter) { m.Rules[0].When = mustParse(t, "floor_area_m2 >= 49.99") }, ""},
		"by another word":  {func(m *Matter) { m.Rules[0].When = mustParse(t, "not floor_area_m2 < 50 or boiler") }, ""},
		"other kind":       {func(m *Matter) { m.Rules[1].CheckKind = CheckReview }, "matter_lead_missing"},
		"lead does both":   {func(m *Matter) { m.Rules[0].CheckKind, m.Rules[1].CheckKind = CheckBoth, CheckReview }, ""},
		"too complex": {func(m *Matter) {
			m.Rules[0].When = mustParse(t, "beds in (1,2,3,4,5,6,7,8,9) or seats in (1,2,3,4,5,6,7,8,9) or storeys in (1,2,3,4,5,6,7,8,9)")
			m.Rules[1].When = mustParse(t, "lodging_rooms in (1,2,3,4,5,6,7,8,9) or investment_yuan in (1,2,3,4,5,6,7,8,9)")
		}, "matter_too_complex"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMatter(t)
			c.spoil(&m)
			problems := m.Check()
			has := func(e *fault.Error) bool { return e.Code == c.code }
			if c.code == "" && len(problems) > 0 || c.code != "" && !slices.ContainsFunc(problems, has) {
				t.Errorf("got %v, want %q", problems, c.code)
			}
		})
	}
}

func TestLeadComesWheneverAnyDepartmentComes(t *testing.T) { // FAC-04
	t.Parallel()
	for code, m := range shipped(t) {
		if problems := m.Check(); len(problems) > 0 {
			t.Errorf("%s: %v", code, problems)
		}
		var exprs []Expr
		for _, r := range m.Rules {
			exprs = append(exprs, r.When)
		}
		ok := eachCase(exprs, func(a Answers) bool { // all combinations of all rules, not pair by pair
			list := Derive(m, a)
			lead := slices.IndexFunc(list, func(d Derived) bool { return d.Lead })
			if systemsIn(list) != "" && !list[lead].In {
				t.Errorf("%s with %v comes without its lead", code, a)
			}
			return true
		})
		if !ok {
			t.Errorf("%s has too many cases", code)
		}
	}
}

func TestDangerousGoodsWithoutNeverDeemedAreAWarning(t *testing.T) { // FAC-07, DEC-19
	t.Parallel()
	var never []string
	for code, m := range shipped(t) {
		if m.NeverDeemed {
			never = append(never, code)
		}
		if len(m.Warnings()) > 0 {
			t.Errorf("%s is shipped with a warning", code)
		}
	}
	slices.Sort(never)
	if got := strings.Join(never, " "); got != "M14 M29 M32 M35 M36 M37 M38" {
		t.Errorf("never deemed: %s", got)
	}
	m := newMatter(t)
	m.Permits = []string{"烟花爆竹经营(零售)许可"}
	if w := m.Warnings(); len(w) != 1 || w[0].Code != "matter_silence_consents" || len(m.Check()) > 0 {
		t.Errorf("got %v", w)
	}
	m.Rules[0].NeverDeemed, m.Rules[1].NeverDeemed = true, true // INS-310: row by row is enough
	if w := m.Warnings(); len(w) > 0 {
		t.Errorf("every required department is excepted, still %v", w)
	}
}

func TestEverySystemHasANameInBothLanguages(t *testing.T) { // facts section 3
	t.Parallel()
	want := "amr fire housing health ecology culture police urban education labour tobacco emergency agriculture commerce transport civil press post forestry tax"
	if got := strings.Join(Systems(), " "); got != want {
		t.Errorf("systems are %s", got)
	}
	for _, code := range Systems() {
		if name := SystemName(code); name.ZH == "" || name.EN == "" {
			t.Errorf("%s lacks a name", code)
		}
	}
	if SystemName("navy") != (Words{}) {
		t.Error("an unknown system has a name")
	}
}
