package inspection

import (
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

func TestACaseHasTheLimitsOfItsHandlingAndAPromiseOfAtMostHalf(t *testing.T) { // INS-1115
	rules := office.Rules{LimitAlone: 20, LimitJoint: 45, PromiseAlone: 10, PromiseJoint: 22}
	short := office.Rules{LimitAlone: 15, LimitJoint: 15, PromiseAlone: 10, PromiseJoint: 22}
	in, out := CaseDepartment{Included: true}, CaseDepartment{}
	for _, c := range []struct {
		name            string
		rules           office.Rules
		departments     []CaseDepartment
		joint           bool
		legal, promised int
		setting         string
	}{
		{"one department", rules, []CaseDepartment{in, out, out}, false, 20, 10, "limit.decision"},
		{"nobody yet", rules, nil, false, 20, 10, "limit.decision"},
		{"two departments", rules, []CaseDepartment{in, in, out}, true, 45, 22, "limit.joint"},
		{"a shorter law, one", short, []CaseDepartment{in}, false, 15, 7, "limit.decision"},
		{"a shorter law, two", short, []CaseDepartment{in, in}, true, 15, 7, "limit.joint"},
	} {
		l := limitsUnder(c.rules, Case{Departments: c.departments})
		if l.Joint != c.joint || l.Legal.Days != c.legal || l.Promised.Days != c.promised || l.Legal.Setting != c.setting {
			t.Errorf("%s: %+v", c.name, l)
		}
	}
}

func TestALimitCountsWorkingDaysLeftAndOver(t *testing.T) { // INS-1115
	years, err := workday.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	cal, err := workday.New(1, years)
	if err != nil {
		t.Fatal(err)
	}
	day := func(text string) workday.Date {
		d, err := workday.ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		today      string
		ended      bool
		left, over int
	}{
		{"2026-09-18", false, 10, 0},
		{"2026-09-30", false, 2, 0}, // over the holiday of the National Day
		{"2026-10-09", false, 0, 0},
		{"2026-10-12", false, 0, 2}, // the 10th is worked
		{"2026-10-12", true, 0, 0},
	} {
		l := Limit{Days: 10, Ended: c.ended}
		if err := l.count(cal, day("2026-09-18"), day(c.today)); err != nil {
			t.Fatal(err)
		}
		if l.Due.String() != "2026-10-09" || l.Left != c.left || l.Over != c.over { // the example of INS-1212
			t.Errorf("on %s: %+v", c.today, l)
		}
	}
	unknown := Limit{Days: 2000}
	if err := unknown.count(cal, day("2026-09-18"), day("2026-09-18")); err != nil || !unknown.At().IsZero() {
		t.Errorf("beyond every calendar: %+v, %v", unknown, err)
	}
}

// The settings in force at acceptance count, and a day on which the centre is closed
// stretches no limit.
func TestTheLimitsOfACaseAreThoseOfItsAcceptance(t *testing.T) { // INS-1115, INS-1301
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		see := func() Limits {
			t.Helper()
			c, err := w.FindCase(t.Context(), w.clerk, v.CaseID)
			w.must(err)
			shown, err := w.FindVisit(t.Context(), w.clerk, v.ID)
			w.must(err)
			if *shown.Case.Limits != *c.Limits {
				t.Errorf("the visit says %+v, the case %+v", shown.Case.Limits, c.Limits)
			}
			return *c.Limits
		}
		before := see()
		if !before.Joint || before.Legal.Days != 45 || before.Promised.Days != 22 || before.Promised.Left != 22 || before.Legal.Due.IsZero() {
			t.Fatalf("%+v", before)
		}
		w.clock.forward(24 * time.Hour)
		w.set("limit.joint", "30")
		w.shut(office.Closure{Centre: w.centre.ID, Day: workday.DateOf(w.now()).AddDays(14)})
		after := see()
		if after.Legal.Days != 45 || after.Legal.Due != before.Legal.Due || after.Promised.Left != 21 {
			t.Errorf("a day later: %+v", after)
		}
	})
}
