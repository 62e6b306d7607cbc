package delivery

import (
	"testing"

	"lianban/scheduler/workday"
)

// DEL-711: the default runs serve every minute at which a promise may start, on
// each day of a week with a holiday; two bands of a city in 2021 do not.
func TestEveryStartHasItsCollectionRun(t *testing.T) {
	c := shippedCalendar(t)
	for _, terms := range []PromiseTerms{DefaultPromiseTerms(), exampleTerms(t)} {
		for _, day := range []workday.Date{{Year: 2026, Month: 9, Day: 30}, {Year: 2026, Month: 11, Day: 24}, {Year: 2026, Month: 11, Day: 27}} {
			if start, ok, err := terms.UnservedStart(c, day, CollectionRuns()); err != nil || !ok {
				t.Errorf("%s: nothing collects what starts at %s (%v)", day, momentText(start), err)
			}
		}
	}
	start, ok, err := exampleTerms(t).UnservedStart(c, workday.Date{Year: 2026, Month: 11, Day: 24}, []int{11 * 60, 12 * 60, 15 * 60, 17 * 60})
	if err != nil || ok || momentText(start) != "2026-11-24 16:46" {
		t.Errorf("the bands 11-12 and 15-17: first unserved %s, %v, %v", momentText(start), ok, err)
	}
}
